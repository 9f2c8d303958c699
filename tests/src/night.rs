//! A night of many providers, each step with what it cost.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::json;
use steelyard_local_aws::{Partition, Units, Usage};
use steelyard_store::schema::{DUE_SHARDS, registry_shard};

use crate::{COEFFICIENTS, Platform, fen, record, report};

/// By what share a measured figure may differ from its coefficient: requests and write units of two
/// nights differ by a hundredth at most. Each write to the breaker is read first, and few debits
/// have as many of them as some hundreds.
const TOLERANCE: Decimal = Decimal::from_parts(5, 0, 0, false, 3);
const TOLERANCE_OF_READS: Decimal = Decimal::from_parts(10, 0, 0, false, 3);

/// The largest share of a night's write units that a partition key may take.
const HOTTEST: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// The largest share of the write units that serve many providers, of those that serve one.
const SHARED: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// The providers from which on the shares are checked: among few, each has a large share itself.
const MANY: usize = 1_000;

/// How many providers one report names.
const OF_A_REPORT: usize = 100;

/// Calls of a day beyond the month's allowance.
const CALLS: u64 = 620_000;

/// The charge of each provider, in fen.
const CHARGE: i64 = 1_200;

/// What a night used, step by step.
#[derive(Debug)]
pub struct Night {
    /// How many providers it had.
    pub providers: usize,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// A step of a night, and what it used.
#[derive(Debug)]
pub struct Step {
    /// The name of the step, as the table has it.
    pub name: &'static str,
    used: Usage,
}

/// Requests and capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests to DynamoDB and SQS.
    pub requests: Decimal,
    /// The write units of DynamoDB.
    pub writes: Decimal,
    /// The read units of DynamoDB.
    pub reads: Decimal,
}

/// The partition key that took the most write units of a night.
#[derive(Debug)]
pub struct Hottest {
    /// The table or the index, and the key.
    pub key: String,
    /// Its share of the write units of both tables and the index, from 0 to 1.
    pub share: Decimal,
}

impl Cost {
    /// The cost of one of so many.
    #[must_use]
    pub fn of_each(self, count: usize) -> Cost {
        let count = Decimal::from(count);
        let Cost { requests, writes, reads } = self;
        Cost { requests: requests / count, writes: writes / count, reads: reads / count }
    }

    fn plus(self, requests: u64, units: Units) -> Cost {
        Cost {
            requests: self.requests + Decimal::from(requests),
            writes: self.writes + units.write.get(),
            reads: self.reads + units.read.get(),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [requests, writes, reads] =
            [self.requests, self.writes, self.reads].map(|figure| figure.round_dp(3).normalize());
        write!(f, "{requests} requests, {writes} write units, {reads} read units")
    }
}

impl Step {
    /// What names one provider, report, debit or trade: it grows with their number.
    #[must_use]
    pub fn own(&self) -> Cost {
        let own = self.used.partitions.iter().filter(|(partition, _)| self.is_own(partition));
        own.fold(Cost::default(), |sum, (_, used)| sum.plus(used.requests, used.units))
    }

    /// Everything else: runs, shards, pages, message batches, the breaker.
    #[must_use]
    pub fn shared(&self) -> Cost {
        let (all, own) = (self.used.requests.values().sum(), self.own());
        let all = Cost::default().plus(all, self.used.total);
        Cost {
            requests: all.requests - own.requests,
            writes: all.writes - own.writes,
            reads: all.reads - own.reads,
        }
    }

    fn is_own(&self, partition: &Partition) -> bool {
        let is_query = partition.operation == "Query";
        match kind(partition) {
            "usage" | "provider" | "agreement" | "code" => true,
            // Settlement lists the accounts of a shard, reconciliation the movements of a part.
            "shard" => !(is_query && self.name == "settle"),
            "unmatched" => !is_query,
            // It is read before each debit. It is written for many.
            "breaker" => is_query,
            _ => false,
        }
    }
}

/// What the items of a partition are: the part of its key before the first `#`.
fn kind(partition: &Partition) -> &str {
    // The grants, under `#access`, are read for all.
    if partition.resource.ends_with("-usage") && !partition.key.starts_with('#') {
        return "usage";
    }
    partition.key.split_once('#').map_or(&partition.key, |(kind, _)| kind)
}

impl Night {
    /// The partition key that took the most write units.
    #[must_use]
    pub fn hottest(&self) -> Hottest {
        let (mut keys, mut all) = (BTreeMap::<String, Decimal>::new(), Decimal::ZERO);
        for (partition, used) in self.steps.iter().flat_map(|step| &step.used.partitions) {
            let units = used.units.write.get();
            all += units;
            *keys.entry(written_key(partition)).or_default() += units;
        }
        let (key, units) = keys.into_iter().max_by_key(|(_, units)| *units).unwrap();
        Hottest { key, share: units / all }
    }

    /// Prints what each step used, and checks that it is what the coefficients say.
    pub fn check(&self) {
        let night = self;
        let providers = night.providers;
        night.print();
        let steps = night.steps.iter().map(|step| step.name).collect::<Vec<_>>();
        assert_eq!(steps, COEFFICIENTS.map(|coefficient| coefficient.step));
        for (step, expected) in night.steps.iter().zip(COEFFICIENTS) {
            let Cost { requests, writes, reads } = step.own().of_each(providers);
            for (what, found, expected, tolerance) in [
                ("requests", requests, expected.requests, TOLERANCE),
                ("write units", writes, expected.writes, TOLERANCE),
                ("read units", reads, expected.reads, TOLERANCE_OF_READS),
            ] {
                let told = format!("{} of {providers}: {found} {what}, not {expected}", step.name);
                assert!((found - expected).abs() <= expected * tolerance, "{told}");
            }
        }
        if providers >= MANY {
            assert!(night.hottest().share <= HOTTEST, "{:?}", night.hottest());
            let writes = |of: fn(&Step) -> Cost| -> Decimal {
                night.steps.iter().map(|step| of(step).writes).sum()
            };
            assert!(writes(Step::shared) <= writes(Step::own) * SHARED, "{night:?}");
        }
    }

    /// Prints what each step used.
    fn print(&self) {
        let Hottest { key, share } = self.hottest();
        println!("{} providers; the hottest key is {key} with {share:.5}", self.providers);
        for step in &self.steps {
            let (own, shared) = (step.own().of_each(self.providers), step.shared());
            println!("{:>10}: of each {own}; shared {shared}", step.name);
        }
    }
}

/// The partition key that a write reaches. The index has a record under the shard of its provider,
/// which the number of the provider's registry shard gives: both are of one hash.
fn written_key(partition: &Partition) -> String {
    let Partition { resource, key, .. } = partition;
    let shard = match (resource.ends_with("/due"), key.split_once('#')) {
        (true, Some(("provider", id))) => registry_shard(&id.parse().unwrap()),
        (true, Some(("shard", shard))) => shard.parse().unwrap(),
        _ => return format!("{resource} {key}"),
    };
    format!("{resource} {}", shard % DUE_SHARDS)
}

impl Platform {
    /// Runs the night after the first of May for so many providers, all of which used the platform
    /// on that day, owe money for it, and pay it by a debit. Then the bill of the debits is
    /// reconciled. Checks that everything was charged, paid and matched.
    pub async fn night(&self, providers: usize) -> Night {
        self.set("2015-05-01T20:00");
        let ids: Vec<String> =
            (0..providers).map(|number| format!("provider-{number:05}")).collect();
        for id in &ids {
            self.sign(id, CHARGE).await;
        }
        self.stack.transport.meter().take();
        let mut steps = Steps { platform: self, steps: Vec::new() };
        for (place, some) in ids.chunks(OF_A_REPORT).enumerate() {
            let of = |id: &String| record(id, "taobao.trades.sold.get", "2015-05-01", CALLS);
            let sent = report(&format!("r-{place}"), &some.iter().map(of).collect::<Vec<_>>());
            let answer = self.post(&sent).await;
            assert!(some.iter().all(|id| answer.of_provider(id) == "counted"), "{answer:?}");
        }
        steps.end("count");
        self.set("2015-05-02T00:30");
        self.settle().await;
        steps.end("settle");
        self.take_all(&mut steps, providers).await;
        self.reconcile_all(&mut steps, providers).await;
        Night { providers, steps: steps.steps }
    }

    /// Dispatches minute by minute from ten on until every debit is paid, and each has an answer of
    /// Alipay.
    async fn take_all(&self, steps: &mut Steps<'_>, providers: usize) {
        let mut now = self.instant("2015-05-02T10:00");
        loop {
            self.stack.clock.set(now);
            self.stack.functions.dispatch.invoke(json!({})).await.unwrap();
            steps.end("dispatch");
            self.stack.drain().await.unwrap();
            steps.end("debit");
            self.stack.alipay.deliver_due(now).await.unwrap();
            steps.end("notify");
            let taken = self.stack.alipay.taken().unwrap();
            if taken.len() == providers {
                assert!(taken.values().all(|taken| *taken == fen(CHARGE)));
                assert_eq!(self.stack.dead_letters().await.unwrap(), 0);
                return;
            }
            now += SignedDuration::from_mins(1);
        }
    }

    async fn reconcile_all(&self, steps: &mut Steps<'_>, providers: usize) {
        self.set("2015-05-03T10:30");
        self.stack.functions.reconcile.invoke(json!({})).await.unwrap();
        self.stack.drain().await.unwrap();
        steps.end("reconcile");
        let day = "2015-05-02".parse().unwrap();
        let result = self.stack.tables.billing.reconciliation(day).await.unwrap().unwrap();
        assert_eq!((usize::try_from(result.matched).unwrap(), result.waiting), (providers, 0));
        assert_eq!(result.findings, []);
    }
}

/// The steps of a night, as far as it is.
struct Steps<'p> {
    platform: &'p Platform,
    steps: Vec<Step>,
}

impl Steps<'_> {
    /// Adds what was used since the last step to the step of that name.
    fn end(&mut self, name: &'static str) {
        let used = self.platform.stack.transport.meter().take();
        match self.steps.iter_mut().find(|step| step.name == name) {
            Some(step) => step.used += used,
            None => self.steps.push(Step { name, used }),
        }
    }
}
