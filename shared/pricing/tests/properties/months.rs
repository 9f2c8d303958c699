//! Months as they come: terms that change, days settled together or each, usage that comes late.

use std::collections::BTreeMap;
use std::fmt;

use jiff::ToSpan;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use steelyard_pricing::{
    Amount, BillingDay, BlockPolicy, Calls, Charged, EarlierMonths, Metered, Override, Plan,
    PriceModel, Segment, Terms, Usage, VoucherUse, VouchersUsed, Yuan, segments,
};

use crate::plans::{any_plan, any_price, any_voucher, written};

/// The APIs that are called; no rate covers the last one.
pub(crate) const APIS: [&str; 5] = ["a.x", "a.exact", "b.y", "c.z", "d.unpriced"];

/// The runs after the month was closed.
pub(crate) const SUPPLEMENTS: usize = 2;

/// One month of a provider.
#[derive(Clone, Debug)]
pub(crate) struct Month {
    pub name: &'static str,
    /// Plans by the day of the month from which the provider is on them.
    versions: BTreeMap<u32, Version<Plan>>,
    overrides: Vec<Version<Override>>,
    /// The last day of each settlement; the last one closes the month.
    pub runs: Vec<u32>,
    arrivals: Vec<Arrival>,
    history: History,
}

/// Terms, known from the start or only when their first day is settled.
#[derive(Clone)]
struct Version<T> {
    known_early: bool,
    terms: T,
}

/// The document, so that a failure reads as plans are written.
impl<T: Serialize> fmt::Debug for Version<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.known_early { "early" } else { "late" };
        write!(f, "{known} {}", serde_json::to_string(&self.terms).map_err(|_| fmt::Error)?)
    }
}

/// Usage of a day that arrives so many settlements late, and may be withdrawn so many after that.
#[derive(Clone, Debug)]
struct Arrival {
    api: &'static str,
    day: u32,
    late: usize,
    void_after: Option<usize>,
    count: Count,
    amount_millionths: u64,
}

/// A number of calls: any, or near where a price or an allowance ends.
#[derive(Clone, Debug)]
enum Count {
    Of(u64),
    Near(Index, i64),
}

type RawVersion = (bool, bool, u32, Value);
/// A percentage, or an amount with how it is given and what becomes of what is left of it.
type RawDiscount = (Option<&'static str>, Option<(&'static str, (&'static str, &'static str))>);

/// The days for which the provider was on its plan before the month, and the yuan that earlier
/// months used of each voucher.
type History = (i32, &'static str);

type RawOverride = (bool, u32, Option<u32>, Option<Value>, u64, RawDiscount, bool);

fn count() -> impl Strategy<Value = Count> {
    prop_oneof![
        (0_u64..50).prop_map(Count::Of),
        (0_u64..40_000_000).prop_map(Count::Of),
        (any::<Index>(), -1_i64..=1).prop_map(|(index, off)| Count::Near(index, off)),
    ]
}

fn arrivals(days: u32) -> impl Strategy<Value = Vec<Arrival>> {
    let late = prop_oneof![3 => Just(0), 1 => 1_usize..6];
    let amount = prop_oneof![Just(0), Just(500_000_000), Just(99_999_999), 0_u64..10_000_000_000];
    let void_after = prop::option::weighted(0.2, 0_usize..4);
    let one = (select(APIS.to_vec()), 1..=days, late, void_after, count(), amount).prop_map(
        |(api, day, late, void_after, count, amount_millionths)| Arrival {
            api,
            day,
            late,
            void_after,
            count,
            amount_millionths,
        },
    );
    let huge = (1..=days).prop_map(|day| Arrival {
        api: "a.x",
        day,
        late: 0,
        void_after: None,
        count: Count::Of(Calls::MAX.get() - 20_000_000_000),
        amount_millionths: 980_000_000_000_000_000,
    });
    let few = prop::collection::vec(one, 0..12);
    (few, prop::option::weighted(0.1, huge)).prop_map(|(mut arrivals, huge)| {
        arrivals.extend(huge);
        arrivals
    })
}

fn raw_version(month: &'static str, days: u32) -> impl Strategy<Value = RawVersion> {
    (any::<bool>(), any::<bool>(), 2..=days, any_plan(month))
}

fn raw_override(days: u32) -> impl Strategy<Value = RawOverride> {
    let free = prop_oneof![Just(0), 1_u64..2_000];
    let off = prop_oneof![
        3 => Just((None, None)),
        3 => select(vec!["0.5", "10", "100"]).prop_map(|percent| (Some(percent), None)),
        1 => (select(vec!["0.01", "7.5", "1000"]), any_voucher())
            .prop_map(|amount| (None, Some(amount))),
    ];
    let price = prop::option::of(any_price());
    let length = prop::option::of(1..days);
    (any::<bool>(), 1..=days, length, price, free, off, any::<bool>())
}

/// Any month under plans that are not refused.
pub(crate) fn any_month() -> impl Strategy<Value = Month> {
    let month = select(vec![("2014-02", 28), ("2016-02", 29), ("2014-04", 30), ("2014-05", 31)]);
    month
        .prop_flat_map(|(name, days)| {
            let first = (prop_oneof![4 => Just(1), 1 => 2..=days], any_plan(name));
            let versions = prop::collection::vec(raw_version(name, days), 0..2);
            let overrides = prop::collection::vec(raw_override(days), 0..2);
            let runs = subsequence((1..days).collect::<Vec<_>>(), 0..8);
            let history = (0..100, select(vec!["0", "0.01", "7", "2000"]));
            (Just((name, days)), first, versions, overrides, runs, (arrivals(days), history))
        })
        .prop_filter_map(
            "the plan is refused",
            |(month, first, versions, overrides, runs, (arrivals, history))| {
                let month = Month::read(month, first, versions, overrides, runs, arrivals)?;
                Some(Month { history, ..month })
            },
        )
}

fn date(name: &str, day: u32) -> String {
    format!("{name}-{day:02}")
}

fn read_plan(mut document: Value, name: &str, from: &str) -> Option<Plan> {
    document["plan"] = json!(name);
    document["effective_from"] = json!(from);
    Plan::read(&written(&document)).ok()
}

fn read_override(
    name: &str,
    index: usize,
    days: u32,
    raw: RawOverride,
) -> Option<Version<Override>> {
    let (known_early, from, length, price, free, (percent, amount), of_plan) = raw;
    let mut document = json!({"override": format!("o{index}"), "from": date(name, from)});
    if let Some(until) = length.map(|length| from + length).filter(|until| *until <= days) {
        document["until"] = json!(date(name, until));
    }
    if !of_plan {
        document["rate"] = json!("r0");
        document["price"] = price.unwrap_or_default();
    }
    document["free_on_top"] = json!(free);
    document["discount_percent"] = json!(percent);
    if let Some((amount, (given, remainder))) = amount {
        document["discount_amount"] = json!(amount);
        document["discount_given"] = json!(given);
        document["discount_remainder"] = json!(remainder);
    }
    let terms = Override::read(&written(&document)).ok()?;
    Some(Version { known_early, terms })
}

/// The segment, of whose vouchers earlier months used so much each.
fn used_before<'a>(segment: Segment<'a>, plan_since: BillingDay, yuan: &str) -> Segment<'a> {
    let (first, nothing) = (plan_since.month(), VouchersUsed::default());
    let segment = segment.after_months(EarlierMonths { first, plan_since, used: &nothing });
    let held = segment.span().vouchers.iter().map(|(voucher, _)| voucher.clone());
    let yuan = Yuan::new(yuan.parse().expect("an amount"));
    let uses = held.map(|voucher| VoucherUse { voucher, yuan });
    let used = VouchersUsed::from(uses.collect::<Vec<_>>());
    segment.after_months(EarlierMonths { first, plan_since, used: &used })
}

impl Month {
    fn read(
        (name, days): (&'static str, u32),
        (first_day, first): (u32, Value),
        raw_versions: Vec<RawVersion>,
        raw_overrides: Vec<RawOverride>,
        mut runs: Vec<u32>,
        arrivals: Vec<Arrival>,
    ) -> Option<Month> {
        let terms = read_plan(first, "first", "2010-01-01")?;
        let mut versions = BTreeMap::from([(first_day, Version { known_early: true, terms })]);
        for (known_early, is_assigned, day, document) in raw_versions {
            let (plan, from) = (date(name, day), "2010-01-01".to_owned());
            let (plan, from) = if is_assigned { ("second", from) } else { ("first", plan) };
            let terms = read_plan(document, plan, &from)?;
            versions.entry(day.max(first_day + 1)).or_insert(Version { known_early, terms });
        }
        let overrides = raw_overrides.into_iter().enumerate();
        let overrides = overrides.filter_map(|(at, raw)| read_override(name, at, days, raw));
        let fits = |over: &Version<Override>| {
            versions.values().all(|version| over.terms.applied_to(&version.terms).is_ok())
        };
        let overrides = overrides.filter(fits).collect();
        runs.push(days);
        Some(Month { name, versions, overrides, runs, arrivals, history: (0, "0") })
    }

    /// The price of the first rate, if every plan has the same and no override another.
    pub(crate) fn only_price_of_the_first_rate(&self) -> Option<Value> {
        let prices = self.versions.values().filter_map(|version| version.terms.rates().first());
        let mut prices = prices.map(|rate| &rate.price);
        let first = prices.next()?;
        let is_only = prices.all(|price| price == first)
            && self.overrides.iter().all(|over| over.terms.price.is_none());
        is_only.then(|| serde_json::to_value(first).expect("a price"))
    }

    /// The month with an override after its others, if it fits.
    pub(crate) fn with_override(&self, document: &str, known_early: bool) -> Option<Month> {
        let terms = Override::read(document).ok()?;
        let mut month = self.counted();
        month.overrides.push(Version { known_early, terms });
        month.fits().then_some(month)
    }

    /// The month with each of its plans changed, if they are accepted.
    pub(crate) fn with_plans(&self, change: impl Fn(&mut Value)) -> Option<Month> {
        let mut month = self.counted();
        for version in month.versions.values_mut() {
            let mut document = serde_json::to_value(&version.terms).expect("a document");
            change(&mut document);
            version.terms = Plan::read(&written(&document)).ok()?;
        }
        month.fits().then_some(month)
    }

    /// The month with another version of its last plan from a day on, if there is room and it is
    /// accepted.
    pub(crate) fn with_version(
        &self,
        day: u32,
        known_early: bool,
        change: impl FnOnce(&mut Value),
    ) -> Option<Month> {
        let (last, version) = self.versions.iter().next_back()?;
        if day <= *last {
            return None;
        }
        let mut document = serde_json::to_value(&version.terms).expect("a document");
        document["effective_from"] = json!(self.day(day));
        // A version that restarts is another matter.
        document["on_change"] = Value::Null;
        change(&mut document);
        let terms = Plan::read(&written(&document)).ok()?;
        let mut month = self.counted();
        // A version is not known before the provider is known to be on its plan.
        let known_early = known_early && version.known_early;
        month.versions.insert(day, Version { known_early, terms });
        month.fits().then_some(month)
    }

    /// The same month with its counts as numbers, whatever its plans become.
    fn counted(&self) -> Month {
        let mut month = self.clone();
        let borders = self.borders();
        for arrival in &mut month.arrivals {
            arrival.count = Count::Of(arrival.metered(&borders).calls.get());
        }
        month
    }

    /// Whether the overrides fit the plans that they meet, whenever it is asked.
    fn fits(&self) -> bool {
        let month = self.name.parse().expect("a month");
        let fits = |settled: &u32| segments(month, |on| self.terms(on, *settled)).is_ok();
        self.runs.iter().all(fits)
    }

    /// Whether more usage may cost less: by volume, or by blocks of the top tier.
    pub(crate) fn may_fall(&self) -> bool {
        let may_fall = |price: &PriceModel| match price {
            PriceModel::Volume(_) => true,
            PriceModel::Block(block) => block.policy == BlockPolicy::TopTier,
            PriceModel::PerUnit(_)
            | PriceModel::Package(_)
            | PriceModel::Graduated(_)
            | PriceModel::Percentage(_)
            | PriceModel::GraduatedPercentage(_) => false,
        };
        let plans = self.versions.values().flat_map(|version| version.terms.rates());
        let overrides = self.overrides.iter().filter_map(|over| over.terms.price.as_ref());
        plans.map(|rate| &rate.price).chain(overrides).any(may_fall)
    }

    /// Whether something is charged with the month's last day alone.
    pub(crate) fn defers(&self) -> bool {
        let mut rates = self.versions.values().flat_map(|version| version.terms.rates());
        rates.any(|rate| rate.charged == Charged::AtMonthEnd)
    }

    /// Whether rates share units that are free by the month.
    pub(crate) fn shares_units(&self) -> bool {
        let by_plan = |version: &Version<Plan>| !version.terms.document().free_per_month.is_zero();
        let by_override = |over: &Version<Override>| {
            over.terms.rate.is_none() && !over.terms.free_on_top.is_zero()
        };
        self.versions.values().any(by_plan) || self.overrides.iter().any(by_override)
    }

    pub(crate) fn day(&self, day: u32) -> BillingDay {
        date(self.name, day).parse().expect("a day of the month")
    }

    pub(crate) fn number(day: BillingDay) -> u32 {
        day.day_of_month().unsigned_abs().into()
    }

    /// The segments as they are known when the days up to `day` are settled.
    pub(crate) fn segments(&self, day: u32) -> Vec<Segment<'_>> {
        let month = self.name.parse().expect("a month");
        let segments = segments(month, |on| self.terms(on, day)).expect("every override fits");
        let (days, yuan) = self.history;
        let since = self.day(1).date().saturating_sub(days.days());
        let since = BillingDay::new(since).expect("a day");
        segments.into_iter().map(|segment| used_before(segment, since, yuan)).collect()
    }

    fn terms(&self, on: BillingDay, settled: u32) -> Option<Terms<'_>> {
        let known =
            |(from, version): &(&u32, &Version<Plan>)| version.known_early || **from <= settled;
        let mut versions = self.versions.range(..=Month::number(on)).filter(known);
        let (_, version) = versions.next_back()?;
        let holds = |over: &&Version<Override>| {
            let is_known = over.known_early || Month::number(over.terms.from) <= settled;
            is_known && over.terms.holds_on(on)
        };
        let overrides = self.overrides.iter().filter(holds).map(|over| &over.terms).collect();
        Some(Terms { plan: &version.terms, overrides })
    }

    /// The counts of each day that is settled by run `run`, as they are by then.
    pub(crate) fn arrived(&self, run: usize) -> BTreeMap<BillingDay, Usage> {
        let mut days = BTreeMap::<_, Usage>::new();
        let borders = self.borders();
        let first = self.versions.keys().next().copied().unwrap_or(1);
        for arrival in self.arrivals.iter().filter(|arrival| arrival.day >= first) {
            let settled = self.runs.iter().position(|day| arrival.day <= *day).expect("a run");
            let last = self.runs.len() + SUPPLEMENTS - 1;
            let arrives = (settled + arrival.late).min(last);
            let is_void = arrival.void_after.is_some_and(|after| arrives + after < run.min(last));
            if arrives <= run && !is_void {
                let metered = arrival.metered(&borders);
                let usage = days.entry(self.day(arrival.day)).or_default();
                usage.add(arrival.api.parse().expect("an API"), metered).expect("a count");
            }
        }
        days
    }

    /// Where prices and allowances end, in calls: every quantity of the plans, sums of two, and
    /// those by a conversion.
    fn borders(&self) -> Vec<u64> {
        let mut found = Vec::new();
        for version in self.versions.values() {
            let document = serde_json::to_value(&version.terms).expect("a document");
            collect(&document, &mut found);
        }
        let first = found.first().copied().unwrap_or(1);
        let sums = found.iter().map(|end| end + first).collect::<Vec<_>>();
        found.extend(sums);
        found
    }
}

/// The whole numbers of a document.
fn collect(document: &Value, found: &mut Vec<u64>) {
    match document {
        Value::Number(number) => found.extend(number.as_u64().filter(|number| *number > 0)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

impl Arrival {
    fn metered(&self, borders: &[u64]) -> Metered {
        let calls = match &self.count {
            Count::Of(count) => *count,
            Count::Near(index, off) if !borders.is_empty() => {
                index.get(borders).saturating_add_signed(*off)
            }
            Count::Near(..) => 1,
        };
        let amount = Decimal::from(self.amount_millionths) / Decimal::from(1_000_000);
        Metered { calls: Calls::new(calls), amount: Amount::new(amount).expect("an amount") }
    }
}
