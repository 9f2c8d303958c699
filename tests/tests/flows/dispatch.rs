//! How fast and how fairly what is due is sent, and that no debit leaves after Alipay refused our
//! own account.
//!
//! Nights of thousands of debits run in virtual time: the real dispatch function and the real
//! store, over the embedded DynamoDB and SQS, with a model of the debit function. The model takes
//! messages one at a time, as often at once as Lambda lets it, and each takes as long as Alipay's
//! answer and the requests to the table take. Fifty thousand real debits would take the test a
//! quarter of an hour, so the real debit function works on a smaller number, in tests of its own.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use steelyard_billing::breaker::{BreakerState, Trip};
use steelyard_billing::{Asked, GatewayCode};
use steelyard_local_alipay::{Fault, Method};
use steelyard_local_aws::{Fault as AwsFault, Request, Target};
use steelyard_store::schema::DUE_SHARDS;
use steelyard_tests::{Machine, Platform, record, report};

const QUEUE: &str = "/steelyard-debit";

/// Debit functions at once, and what dispatch sends in a minute, as in the template.
const WORKERS: usize = 5;
const A_MINUTE_OF_WORK: usize = 600;

/// A page of a run that may send a minute of work.
const PAGE: usize = A_MINUTE_OF_WORK / 64;

/// Alipay answers in 200 ms, and each of the fourteen requests to the table in 15.
const A_DEBIT_MS: i64 = 200 + 14 * 15;

/// Records that are due at ten, and a model of the debit function that works on their messages.
struct Night {
    platform: Platform,
    /// The shard of each provider whose debit is due.
    shards: BTreeMap<String, u8>,
    /// How long a debit takes.
    work_ms: i64,
    /// When each worker has done what it works on.
    free_at: [Timestamp; WORKERS],
    /// Providers by the shards whose messages were worked on.
    served: BTreeMap<u8, usize>,
    seen: BTreeSet<String>,
    /// Messages about a debit whose message was seen before.
    doubled: usize,
}

impl Night {
    /// A night on which so many providers have a debit due in the shard that `shard` gives for
    /// each.
    async fn of(count: usize, shard: impl Fn(&str) -> u8, work_ms: i64) -> Night {
        let platform = Platform::open().await;
        platform.set("2015-05-02T10:00");
        let now = platform.stack.clock.now();
        let shards: BTreeMap<_, _> = (0..count)
            .map(|number| format!("p{number}"))
            .map(|provider| (provider.clone(), shard(&provider)))
            .collect();
        let items: Vec<_> =
            shards.iter().map(|(provider, shard)| due_item(provider, *shard, now)).collect();
        platform.put_items(&items).await;
        // These debits stand in shards of our choice, and nobody is registered: all shards are
        // looked into.
        let registry = json!({ "pk": { "S": "registry" }, "sk": { "S": "registry" } });
        platform.delete_item(&registry).await;
        let served = (0..DUE_SHARDS).map(|shard| (shard, 0)).collect();
        let (seen, free_at) = (BTreeSet::new(), [now; WORKERS]);
        Night { platform, shards, work_ms, free_at, served, seen, doubled: 0 }
    }

    async fn dispatch(&self) -> Value {
        self.platform.stack.functions.dispatch.invoke(json!({})).await.unwrap()
    }

    /// Dispatches now, works on the messages for a minute, and gives how many were sent.
    async fn minute(&mut self) -> usize {
        let begin = self.platform.stack.clock.now();
        let end = begin + SignedDuration::from_mins(1);
        let sent = self.dispatch().await["sent"].as_u64().unwrap();
        while let Some((worker, at)) = self.next_free(begin).filter(|(_, at)| *at < end) {
            self.platform.stack.clock.set(at);
            let Some(provider) = take(&self.platform).await else { break };
            self.work(&provider).await;
            self.free_at[worker] = at + SignedDuration::from_millis(self.work_ms);
        }
        self.platform.stack.clock.set(end);
        usize::try_from(sent).unwrap()
    }

    /// The worker that is free first, and when; not before `now`.
    fn next_free(&self, now: Timestamp) -> Option<(usize, Timestamp)> {
        let free = self.free_at.iter().map(|at| (*at).max(now)).enumerate();
        free.min_by_key(|(_, at)| *at)
    }

    /// The debit is made: its record leaves the index.
    async fn work(&mut self, provider: &str) {
        if !self.seen.insert(provider.to_owned()) {
            self.doubled += 1;
            return;
        }
        let shard = self.shards[provider];
        *self.served.get_mut(&shard).unwrap() += 1;
        self.platform.delete_item(&due_item(provider, shard, Timestamp::UNIX_EPOCH)).await;
    }

    /// The most by which a shard with work left is behind any other.
    fn unfairness(&self) -> usize {
        let mut due = BTreeMap::<u8, usize>::new();
        self.shards.values().for_each(|shard| *due.entry(*shard).or_default() += 1);
        let waits = self.served.iter().filter(|(shard, served)| due.get(shard) > Some(*served));
        let least = waits.map(|(_, served)| *served).min();
        let most = self.served.values().copied().max().unwrap();
        least.map_or(0, |least| most - least)
    }
}

/// The record of a debit, as far as dispatch looks at it.
fn due_item(provider: &str, shard: u8, at: Timestamp) -> Value {
    json!({
        "pk": { "S": format!("provider#{provider}") }, "sk": { "S": "debit#0000000001" },
        "due_shard": { "S": format!("due#{shard:02}") },
        "dispatch_at_s": { "N": at.as_second().to_string() },
    })
}

/// The shard of a provider: the first byte of the SHA-256 of its id.
fn shard_of(provider: &str) -> u8 {
    Sha256::digest(provider)[0] % DUE_SHARDS
}

/// Takes a message from the debit queue; gives the provider that it names. None if none is visible.
async fn take(platform: &Platform) -> Option<String> {
    let received = sqs(platform, "ReceiveMessage", json!({ "QueueUrl": QUEUE })).await;
    let message = received["Messages"].as_array()?.first()?.clone();
    let handled = json!({ "QueueUrl": QUEUE, "ReceiptHandle": message["ReceiptHandle"] });
    sqs(platform, "DeleteMessage", handled).await;
    let body: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
    Some(body["provider"].as_str().unwrap().to_owned())
}

async fn sqs(platform: &Platform, operation: &str, body: Value) -> Value {
    let request = Request::new(format!("AmazonSQS.{operation}"), body.to_string());
    let answer = platform.stack.embedded.handle(request).await;
    assert_eq!(answer.status, 200, "{operation}");
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The first twenty minutes of a night of 50,000 due debits, which is longer than a lease: what was
/// sent in the first minutes and not worked on would be sent again. No message is sent twice, none
/// beyond the rate, and no shard with work falls behind another by more than four pages.
#[tokio::test]
async fn fifty_thousand_due_debits_are_sent_once_each_and_their_shards_fairly() {
    let mut night = Night::of(50_000, shard_of, A_DEBIT_MS).await;
    let by_shard = night.shards.values().fold(BTreeMap::<_, usize>::new(), |mut counts, shard| {
        *counts.entry(*shard).or_default() += 1;
        counts
    });
    let largest = by_shard.values().copied().max().unwrap();
    assert!(largest * 100 < 2 * 50_000, "the largest shard has {largest}");
    for minute in 0..20 {
        assert!(night.minute().await <= A_MINUTE_OF_WORK);
        assert!(night.unfairness() <= 4 * PAGE, "minute {minute}: {:?}", night.served);
    }
    assert_eq!((night.doubled, night.seen.len()), (0, 20 * A_MINUTE_OF_WORK));
}

#[tokio::test]
async fn debit_function_that_is_twelve_times_too_slow_gets_no_message_twice_and_at_thirty_it_does()
{
    for (times, is_doubled) in [(12, false), (30, true)] {
        // Five workers are as fast as dispatch sends if a debit takes half a second.
        let mut night = Night::of(1_500, shard_of, 500 * times).await;
        for _ in 0..60 {
            night.minute().await;
        }
        assert_eq!(night.doubled > 0, is_doubled, "{times} times: {} doubled", night.doubled);
    }
}

#[tokio::test]
async fn what_waits_in_the_queue_is_not_sent_on_top_of() {
    let night = Night::of(1_000, shard_of, A_DEBIT_MS).await;
    assert_eq!(night.dispatch().await["sent"], A_MINUTE_OF_WORK);
    // The schedule fires twice.
    assert_eq!(night.dispatch().await["sent"], 0);
    for _ in 0..150 {
        take(&night.platform).await.unwrap();
    }
    assert_eq!(night.dispatch().await["sent"], 150);
}

#[tokio::test]
async fn huge_shard_holds_up_no_other() {
    let of = |provider: &str| match provider[1..].parse::<u16>().unwrap() {
        number @ ..320 => u8::try_from(number % 64).unwrap(),
        320.. => 0,
    };
    let mut night = Night::of(3_000, of, A_DEBIT_MS).await;
    assert_eq!(night.minute().await, A_MINUTE_OF_WORK);
    for (shard, served) in &night.served {
        assert!(*served >= 5, "shard {shard}: {served}");
    }
}

#[tokio::test]
async fn shard_that_fails_holds_up_no_other_and_is_sent_once_it_is_back() {
    // Its query fails, or each lease of its records.
    for text in ["due#07", "provider#p7"] {
        let of = |provider: &str| match provider.strip_prefix("p7") {
            Some(_) => 7,
            None => u8::try_from(provider[1..].parse::<u16>().unwrap() % 7).unwrap(),
        };
        let mut night = Night::of(75, of, A_DEBIT_MS).await;
        let faults = night.platform.stack.transport.faults();
        faults.strike(Target::Naming(text), 1..=u64::MAX, AwsFault::LoseRequest);
        night.platform.stack.functions.dispatch.invoke(json!({})).await.unwrap_err();
        let mut others = 0;
        while let Some(provider) = take(&night.platform).await {
            assert_ne!(night.shards[&provider], 7, "{text}");
            night.work(&provider).await;
            others += 1;
        }
        assert_eq!(others, 69, "{text}");
        night.platform.stack.transport.faults().restore();
        assert_eq!(night.minute().await, 6, "{text}");
    }
}

/// Lets each of so many providers owe ¥100.00 on the second of May, and opens its debit.
async fn owing(platform: &Platform, providers: usize) -> Vec<String> {
    platform.set("2015-05-01T20:00");
    let names: Vec<String> = (1..=providers).map(|number| format!("p{number}")).collect();
    for name in &names {
        platform.sign(name, 1_000_000).await;
    }
    let api = "taobao.trades.sold.get";
    let used = names.iter().map(|name| record(name, api, "2015-05-01", 1_500_000));
    assert_eq!(platform.post(&report("all", &used.collect::<Vec<_>>())).await.status, 200);
    platform.settle_at("2015-05-02T00:30").await;
    names
}

#[tokio::test]
async fn shards_without_providers_are_not_looked_into_while_it_is_known_which_they_are() {
    let platform = Platform::open().await;
    owing(&platform, 2).await;
    platform.set("2015-05-02T10:00");
    let meter = platform.stack.transport.meter();
    meter.take();
    let sent = platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
    assert_eq!(sent["sent"], 2);
    assert_eq!(
        meter.take().requests["Query"],
        11,
        "the registry, a shard for each, and those of endpoints"
    );

    let key = json!({ "pk": { "S": "registry" }, "sk": { "S": "registry" } });
    let named = platform.items("registry").await.remove(0);
    for broken in [None, Some(json!({ "S": "seven" }))] {
        let platform = Platform::open().await;
        owing(&platform, 2).await;
        platform.set("2015-05-02T10:00");
        match &broken {
            None => platform.delete_item(&key).await,
            Some(broken) => {
                let mut item = named.clone();
                item["shards"] = broken.clone();
                platform.put_item(&item).await;
            }
        }
        let sent = platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
        assert_eq!(sent["sent"], 2, "{broken:?}");
    }
    let platform = Platform::open().await;
    owing(&platform, 2).await;
    platform.set("2015-05-02T10:00");
    let faults = platform.stack.transport.faults();
    faults.strike(Target::Naming("registry"), 1..=u64::MAX, AwsFault::LoseRequest);
    let sent = platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
    assert_eq!(sent["sent"], 2, "the registry cannot be read");
}

/// A platform at ten, where each of so many providers owes ¥100.00 and its debit is queued.
async fn queued(providers: usize) -> (Platform, Vec<String>) {
    let platform = Platform::open().await;
    let names = owing(&platform, providers).await;
    platform.set("2015-05-02T10:00");
    platform.lose_notifications();
    let sent = platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
    assert_eq!(sent["sent"], providers);
    (platform, names)
}

#[tokio::test]
async fn debits_are_sent_all_over_the_window_each_at_its_providers_time() {
    let platform = Platform::open_with_window(60).await;
    let names = owing(&platform, 12).await;
    let (ten, eleven) =
        (platform.instant("2015-05-02T10:00"), platform.instant("2015-05-02T11:00"));
    let (mut minutes, mut due_at) = (BTreeSet::new(), BTreeMap::new());
    for name in &names {
        let due = platform.debit(name, 1).await.due_at().unwrap();
        assert!(ten <= due && due < eleven, "{name}: {due}");
        minutes.insert(due.duration_since(ten).as_mins());
        due_at.insert(name, due);
    }
    assert!(minutes.len() > 6, "{minutes:?}");
    platform.run_until("2015-05-02T11:00").await;
    for name in &names {
        assert_eq!(platform.account(name).await, [0, 0, 0], "{name}");
        let (due, sent) = (due_at[name], platform.debit(name, 1).await.attempts[0].sent_at_s);
        // Dispatch runs on the minute, and on the next one if reconciliation runs then.
        assert!(due <= sent && sent.duration_since(due).as_secs() < 120, "{name}: {due} {sent}");
    }
    platform.books_balance().await;
}

/// Works on the queue by five machines, each a message at a time.
async fn work(platform: &Platform) {
    let workers = (0..WORKERS).map(|behind| async move {
        let debit = Machine::new(platform, behind).debit(platform);
        while let Some(provider) = take(platform).await {
            let body = json!({ "provider": provider, "task": { "debit": 1 } }).to_string();
            let record = json!({ "messageId": "1", "eventSource": "aws:sqs", "body": body });
            let answer = debit.invoke(json!({ "Records": [record] })).await.unwrap();
            assert_eq!(answer["batchItemFailures"], json!([]));
        }
    });
    join_all(workers).await;
}

#[tokio::test]
async fn no_debit_leaves_after_the_first_refusal_of_our_own_account_is_stored() {
    let (platform, names) = queued(60).await;
    let alipay = &platform.stack.alipay;
    alipay.fail_next(Method::Pay, Fault::ChunkedAnswer, 20);
    let (code, sub_code) = ("40004".to_owned(), "ACQ.SELLER_BEEN_BLOCKED".to_owned());
    alipay.fail_next(Method::Pay, Fault::Refused { code, sub_code }, 60);
    work(&platform).await;
    let requests = async |platform: &Platform| {
        let mut sum = 0;
        for name in &names {
            let exchanges = platform.debit(name, 1).await.history.exchanges;
            sum += exchanges.iter().filter(|exchange| exchange.asked == Asked::Pay).count();
        }
        sum
    };
    // Twenty are paid. Of the others, those that were in flight then may be refused too.
    let sent = requests(&platform).await;
    assert_eq!(alipay.trades().unwrap().len(), 20);
    assert!((21..=20 + WORKERS).contains(&sent), "{sent} requests");
    let breaker = platform.stack.tables.billing.breaker().await.unwrap();
    let BreakerState::Open { why, .. } = breaker.state else { panic!("debits are made") };
    let code = "code 40004 ACQ.SELLER_BEEN_BLOCKED".to_owned();
    assert_eq!(why, Trip::OwnAccount(GatewayCode(code)));
    platform.run_until("2015-05-02T10:14").await;
    assert_eq!(requests(&platform).await, sent, "nothing left before the probe");
    platform.books_balance().await;
}

#[tokio::test]
async fn no_item_is_written_by_every_debit() {
    let (platform, names) = queued(60).await;
    platform.stack.transport.meter().take();
    platform.stack.drain().await.unwrap();
    let written = platform.stack.transport.meter().take().written;
    for name in &names {
        assert_eq!(platform.account(name).await, [0, 0, 0]);
        assert!(written.contains_key(&format!("provider#{name} debit#0000000001")), "{written:?}");
    }
    // 5, 10, 20 and 40 good answers.
    assert_eq!(written["breaker breaker"], 4);
    let most = written.iter().max_by_key(|(_, count)| **count).unwrap();
    assert!(*most.1 <= 5, "{most:?}");
}
