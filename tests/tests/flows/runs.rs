//! Settlement runs: what a run notes of its shards and providers, and that it passes nobody over.

use std::time::Duration;

use serde_json::{Value, json};
use steelyard_billing::{AccountSums, Age, Provider, RunScope, RunTally, SettlementRun, Share};
use steelyard_books::SettleError;
use steelyard_local_aws::{EventSource, Fault, Target};
use steelyard_store::Stored;
use steelyard_store::schema::{REGISTRY_SHARDS, registry_shard};
use steelyard_tests::{Machine, Platform, fen, neighbours, reason, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at half past midnight, where so many providers, all of one
/// shard, have used what costs ¥10.00.
async fn used(providers: usize) -> (Platform, Vec<String>) {
    let platform = Platform::open().await;
    platform.set("2015-05-01T12:00");
    let ids: Vec<String> = neighbours("p").take(providers).collect();
    for id in &ids {
        platform.join(id).await;
    }
    let records: Vec<Value> =
        ids.iter().map(|id| record(id, BASIC, "2015-05-01", 600_000)).collect();
    assert_eq!(platform.post(&report("all", &records)).await.status, 200);
    platform.set("2015-05-02T00:30");
    (platform, ids)
}

async fn latest(platform: &Platform) -> SettlementRun {
    platform.stack.tables.billing.latest_runs(1).await.unwrap().readable.remove(0)
}

fn tally(providers: u64, statements: u64) -> RunTally {
    let charged_fen = fen(1_000 * i64::try_from(statements).unwrap());
    RunTally { providers, statements, charged_fen, failed: 0, unreadable: 0 }
}

#[tokio::test]
async fn run_ends_with_its_last_shard_and_keeps_the_sums() {
    let (platform, _) = used(3).await;
    platform.set("2015-05-01T13:00");
    platform.join("elsewhere").await;
    platform.set("2015-05-02T00:30");
    let answer = platform.stack.functions.settle.invoke(json!({})).await.unwrap();
    assert_eq!(answer, json!({ "run": 1, "shards": 2 }));
    assert_eq!(latest(&platform).await.end, None);
    platform.set("2015-05-02T00:31");
    platform.stack.drain().await.unwrap();
    let run = latest(&platform).await;
    assert_eq!((run.number, run.begun_at_s), (1, platform.instant("2015-05-02T00:30")));
    let end = run.end.unwrap();
    assert_eq!((end.ended_at_s, end.tally), (platform.stack.clock.now(), tally(4, 3)));
    platform.settle().await;
    let again = latest(&platform).await;
    assert_eq!((again.number, again.end.unwrap().tally), (2, tally(4, 0)));
}

#[tokio::test]
async fn run_sums_what_is_owed_by_age_and_what_it_charges_by_month_plan_and_rate() {
    let (platform, ids) = used(3).await;
    platform.recharge(&ids[0], 2_500, "transfer-1").await;
    platform.settle().await;
    let share = |providers, amount| Share { providers, amount_fen: fen(amount) };
    let sums = |owed, ages: &[(Age, Share)]| AccountSums {
        prepaid: share(1, 1_500),
        owed,
        ages: ages.iter().copied().collect(),
        without_mandate: 2,
        ..AccountSums::default()
    };
    let owed = share(2, 2_000);
    let end = latest(&platform).await.end.unwrap();
    assert_eq!(end.figures.accounts, Some(sums(owed, &[(Age::NotDue, owed)])));
    assert_eq!(end.figures.charges.sum_fen().unwrap(), fen(3_000));
    let [(month, charges)] = &end.figures.charges.months().collect::<Vec<_>>()[..] else {
        panic!("{end:?}")
    };
    assert_eq!(month.to_string(), "2015-05");
    let rates = charges.rates.values().flatten().map(|(_, amount)| *amount).collect::<Vec<_>>();
    assert_eq!(rates, [fen(3_000)]);
    // Nothing new is charged, and what is owed is a week and a day older.
    platform.settle_at("2015-05-09T00:30").await;
    let end = latest(&platform).await.end.unwrap();
    assert_eq!(end.figures.accounts, Some(sums(owed, &[(Age::ToOneWeek, owed)])));
    assert!(end.figures.charges.is_empty());
    // A provider owes of two ages.
    platform.set("2015-05-12T12:00");
    platform.count(&ids[1], BASIC, "2015-05-12", 100_000).await;
    platform.settle_at("2015-05-13T00:30").await;
    let end = latest(&platform).await.end.unwrap();
    let ages = [(Age::NotDue, share(1, 1_000)), (Age::ToOneMonth, owed)];
    assert_eq!(end.figures.accounts, Some(sums(share(2, 3_000), &ages)));
    platform.books_balance().await;
}

#[tokio::test]
async fn message_that_comes_twice_changes_nothing_of_its_run() {
    let (platform, _) = used(3).await;
    platform.settle().await;
    let run = latest(&platform).await;
    let event = json!({ "Records": [{
        "messageId": "1", "eventSource": "aws:sqs", "body": json!({ "run": 1, "shard": 7 }).to_string()
    }] });
    let answer = platform.stack.functions.settle.invoke(event).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(latest(&platform).await, run);
}

#[tokio::test]
async fn worker_that_crashes_in_a_shard_is_followed_by_one_that_goes_on() {
    // The power fails in the second page of the shard; the first is saved before.
    let (platform, ids) = used(150).await;
    let faults = platform.stack.transport.faults();
    platform.stack.functions.settle.invoke(json!({})).await.unwrap();
    faults.strike(Target::Operation("TransactWriteItems"), 125..=125, Fault::CutAfter);
    let _ = platform.stack.drain().await;
    faults.restore();
    let shard = platform.stack.tables.billing.run_shard(1, 7).await.unwrap().unwrap();
    assert_eq!((shard.done.as_ref(), shard.tally), (Some(&ids[99]), tally(100, 100)));
    platform.set("2015-05-02T01:01");
    platform.stack.drain().await.unwrap();
    for id in &ids {
        assert_eq!(platform.charges(id).await, [("2015-05-01".to_owned(), 1_000)]);
    }
    // The statements that the crashed worker made since it last saved are in no sum.
    let end = latest(&platform).await.end.unwrap().tally;
    assert_eq!(end.providers, 150);
    assert!((100..=125).contains(&(end.statements)), "{end:?}");
    platform.books_balance().await;
}

#[tokio::test]
async fn two_workers_on_a_shard_settle_each_provider_once_and_the_run_ends_once() {
    for behind in [0, 1, 2, 5, 9, 14] {
        let (platform, ids) = used(5).await;
        let settler = Machine::new(&platform, 0).settler(&platform);
        settler.begin_run(platform.stack.clock.now()).await.unwrap();
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let work = machines.each_ref().map(|machine| async {
            let settler = machine.settler(&platform);
            let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
            if let Some(mut walk) = settler.walk(&terms, 1, 7, || true).await.unwrap() {
                let page = walk.page().await.unwrap();
                walk.save(&page).await.unwrap();
            }
            settler.end_run(1, platform.stack.clock.now()).await.unwrap();
        });
        futures::future::join_all(work).await;
        for id in &ids {
            assert_eq!(platform.charges(id).await.len(), 1, "{behind} behind");
        }
        let end = latest(&platform).await.end.unwrap().tally;
        assert_eq!((end.statements, end.charged_fen), (5, fen(5_000)), "{behind} behind");
        let figures = latest(&platform).await.end.unwrap().figures;
        assert_eq!(figures.accounts.unwrap().owed.providers, 5, "{behind} behind");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn lost_answers_count_a_page_once() {
    for write in 1..=6 {
        for operation in ["PutItem", "UpdateItem"] {
            let (platform, _) = used(3).await;
            let faults = platform.stack.transport.faults();
            faults.strike(Target::Operation(operation), write..=write, Fault::LoseAnswer);
            platform.settle().await;
            assert_eq!(
                latest(&platform).await.end.unwrap().tally,
                tally(3, 3),
                "{operation} {write}"
            );
        }
    }
}

#[tokio::test]
async fn provider_that_fails_is_named_by_the_run_until_it_is_settled() {
    let (platform, _) = used(1).await;
    platform.set("2015-05-01T13:00");
    platform.register("planless", "plan-to-come").await;
    platform.count("planless", BASIC, "2015-05-01", 1_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    let billing = &platform.stack.tables.billing;
    let end = latest(&platform).await.end.unwrap();
    assert_eq!((end.tally.providers, end.tally.failed), (2, 1));
    assert_eq!((end.tally.statements, end.figures.charges.sum_fen().unwrap()), (1, fen(1_000)));
    let shard = registry_shard(&"planless".parse().unwrap());
    let failures = billing.run_failures(1, shard).await.unwrap().readable;
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert!(failure.why.starts_with("cannot settle planless: "), "{}", failure.why);
    assert_eq!(failure.settled_at_s, None);
    platform.add_plan(r#"{ "plan": "plan-to-come", "effective_from": "2015-01-01", "rates": [
        { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } }] }"#).await;
    platform.set("2015-05-02T01:01");
    platform.stack.drain().await.unwrap();
    let failures = billing.run_failures(1, shard).await.unwrap().readable;
    assert_eq!(failures[0].settled_at_s, Some(platform.instant("2015-05-02T01:01")));
    // What it was charged is in the run that had ended.
    let after = latest(&platform).await.end.unwrap();
    assert_eq!((after.ended_at_s, after.tally.statements), (end.ended_at_s, 2));
    assert_eq!(after.tally.charged_fen, fen(2_000));
    assert_eq!(after.figures.charges.sum_fen().unwrap(), fen(2_000));
    platform.books_balance().await;
}

/// The item that names the shards in use, as it is stored.
async fn named(platform: &Platform) -> Value {
    platform.items("registry").await.remove(0)
}

#[tokio::test]
async fn shards_are_named_by_the_registration_of_their_first_provider() {
    let (platform, ids) = used(2).await;
    platform.join("elsewhere").await;
    let mut shards =
        [&ids[0], "elsewhere"].map(|id| registry_shard(&id.parse().unwrap()).to_string());
    shards.sort();
    let mut found: Vec<String> =
        serde_json::from_value(named(&platform).await["shards"]["NS"].clone()).unwrap();
    found.sort();
    assert_eq!(found, shards);
}

#[tokio::test]
async fn nobody_is_passed_over_when_the_named_shards_are_lost_or_cannot_be_read() {
    for broken in [None, Some(json!({ "S": "seven" }))] {
        let (platform, ids) = used(2).await;
        let mut item = named(&platform).await;
        match &broken {
            None => {
                let key = json!({ "pk": { "S": "registry" }, "sk": { "S": "registry" } });
                platform.delete_item(&key).await;
            }
            Some(broken) => {
                item["shards"] = broken.clone();
                platform.put_item(&item).await;
            }
        }
        platform.settle().await;
        for id in &ids {
            assert_eq!(platform.charges(id).await.len(), 1, "{broken:?}");
        }
        let run = latest(&platform).await;
        assert_eq!(run.end.unwrap().tally, tally(2, 2));
        let registry = platform.stack.tables.registry().await.unwrap();
        assert_eq!(registry.accounts.len(), 2);
        assert_eq!(registry.unreadable.len(), usize::from(broken.is_some()));
        let shards = platform.stack.tables.billing.shards_in_use().await.unwrap().shards;
        assert_eq!(shards, REGISTRY_SHARDS.collect());
    }
}

#[tokio::test]
async fn registration_after_the_named_shards_were_lost_names_all_that_have_providers() {
    let (platform, ids) = used(2).await;
    let key = json!({ "pk": { "S": "registry" }, "sk": { "S": "registry" } });
    platform.delete_item(&key).await;
    platform.join("late").await;
    let shards = [&ids[0], "late"].map(|id| registry_shard(&id.parse().unwrap()));
    let named = platform.stack.tables.billing.shards_in_use().await.unwrap().shards;
    assert_eq!(named, shards.into());
    platform.settle().await;
    assert_eq!(platform.charges(&ids[0]).await.len(), 1);
    assert_eq!(platform.stack.tables.registry().await.unwrap().unreadable, []);
}

#[tokio::test]
async fn nobody_is_registered_while_it_cannot_be_read_which_shards_are_named() {
    let (platform, ids) = used(1).await;
    let whole = named(&platform).await;
    let mut broken = whole.clone();
    broken["format"] = json!({ "N": "99" });
    platform.put_item(&broken).await;
    let tables = &platform.stack.tables;
    let other = platform.found(&ids[0]).await.provider;
    let other = Provider { provider: "other".parse().unwrap(), ..other };
    let now = platform.stack.clock.now();
    let register = || tables.billing.register(&tables.usage, &other, now);
    let refused = register().await.unwrap_err();
    assert!(refused.to_string().contains("`registry`"), "{refused}");
    platform.put_item(&whole).await;
    assert_eq!(register().await.unwrap(), Stored::New);
}

#[tokio::test]
async fn run_that_cannot_be_read_stops_no_other() {
    let (platform, ids) = used(1).await;
    platform.settle().await;
    let runs = platform.items("runs").await;
    let mut run = runs.into_iter().find(|item| item["sk"]["S"] == "settlement#0000000001").unwrap();
    run["format"] = json!({ "N": "99" });
    platform.put_item(&run).await;
    platform.set("2015-05-02T12:00");
    platform.count(&ids[0], BASIC, "2015-05-02", 100_000).await;
    platform.settle_at("2015-05-03T00:30").await;
    assert_eq!(platform.charges(&ids[0]).await.len(), 2);
    let latest = platform.stack.tables.billing.latest_runs(10).await.unwrap();
    assert_eq!(
        (latest.readable[0].number, latest.readable.len(), latest.unreadable.len()),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn message_of_a_run_that_does_not_settle_the_shard_is_dropped() {
    let (platform, ids) = used(1).await;
    let settle = |run: u64, shard: u8| {
        let body = json!({ "run": run, "shard": shard }).to_string();
        platform.stack.functions.settle.invoke(json!({ "Records": [
            { "messageId": "1", "eventSource": "aws:sqs", "body": body }
        ] }))
    };
    // Of a run that is to come: a table was restored, and the queue was not.
    assert_eq!(settle(1, 7).await.unwrap()["batchItemFailures"], json!([]));
    assert_eq!(platform.charges(&ids[0]).await, []);
    platform.settle().await;
    assert_eq!(platform.charges(&ids[0]).await.len(), 1);
    assert_eq!(settle(1, 8).await.unwrap()["batchItemFailures"], json!([]));
    assert_eq!(platform.stack.tables.billing.run_shard(1, 8).await.unwrap(), None);
}

#[tokio::test]
async fn provider_that_is_slow_fails_alone_and_is_settled_when_it_is_tried_alone() {
    let (platform, ids) = used(3).await;
    // The plans, the run, the shard, its providers; then the reports of each.
    let slow = Machine::stalling(&platform, 6);
    let settler = slow.settler(&platform);
    let now = platform.stack.clock.now();
    let (run, _) = Machine::new(&platform, 0).settler(&platform).begin_run(now).await.unwrap();
    let mut terms = settler.terms(now).await.unwrap();
    terms.provider_timeout = Duration::from_millis(300);
    let mut walk = settler.walk(&terms, run.number, 7, || true).await.unwrap().unwrap();
    let page = walk.page().await.unwrap();
    let [(provider, SettleError::Slow(_))] = &page.failed[..] else { panic!("{:?}", page.failed) };
    assert_eq!(page.statements.len(), 2, "the others are settled");
    walk.save(&page).await.unwrap();
    let others = ids.iter().filter(|id| *id != provider.as_str());
    for id in others {
        assert_eq!(platform.charges(id).await.len(), 1, "{id}");
    }
    let alone = settler.settle_alone(&terms, run.number, provider).await.unwrap();
    assert_eq!(alone.len(), 1);
    let failures =
        platform.stack.tables.billing.run_failures(run.number, 7).await.unwrap().readable;
    assert_eq!(failures[0].settled_at_s, Some(now));
    platform.books_balance().await;
}

#[tokio::test]
async fn audit_names_a_provider_whose_shard_is_not_named() {
    let (platform, _) = used(1).await;
    let mut item = named(&platform).await;
    item["shards"] = json!({ "NS": ["200"] });
    platform.put_item(&item).await;
    let registry = platform.stack.tables.registry().await.unwrap();
    assert_eq!(registry.accounts.len(), 1);
    let [found] = &registry.unreadable[..] else { panic!("{:?}", registry.unreadable) };
    assert!(found.why.contains("settlement passes"), "{}", found.why);
}

#[tokio::test]
async fn shard_is_settled_in_one_message_or_in_continuations() {
    // Of 20 seconds nothing is left for a second provider, and the last message finds the end.
    for (providers, timeout_s, expected) in [(230, 300, 1), (12, 20, 13)] {
        let (platform, ids) = used(providers).await;
        let machine = Machine::new(&platform, 0);
        let function = machine.settle(&platform, Duration::from_secs(timeout_s));
        function.invoke(json!({})).await.unwrap();
        let source = EventSource { queue: "steelyard-settle", batch_size: 1, function };
        let mut messages = 0;
        loop {
            match source.poll(&platform.stack.embedded, Duration::ZERO).await.unwrap() {
                0 => break,
                handled => messages += handled,
            }
        }
        assert_eq!(messages, expected, "{timeout_s} s");
        for id in &ids {
            assert_eq!(platform.charges(id).await, [("2015-05-01".to_owned(), 1_000)]);
        }
        let count = u64::try_from(providers).unwrap();
        assert_eq!(latest(&platform).await.end.unwrap().tally, tally(count, count));
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn run_by_a_clock_that_was_ahead_is_disregarded_and_the_next_one_settles() {
    let (platform, ids) = used(1).await;
    let clock = &platform.stack.clock;
    let settler = Machine::new(&platform, 0).settler(&platform);
    platform.set("2015-05-02T00:20");
    let ahead = platform.instant("2015-05-03T00:30");
    let (run, _) = settler.begin_run(ahead).await.unwrap();
    assert!(settler.begin_run(clock.now()).await.is_err());
    let reason = reason("the clock of a laptop");
    let disregarded = settler.disregard_run(run.number, &reason).await.unwrap().unwrap();
    assert_eq!(disregarded.disregarded, Some(reason));
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(latest(&platform).await.number, run.number + 1);
    assert_eq!(platform.charges(&ids[0]).await, [("2015-05-01".to_owned(), 1_000)]);
}

#[tokio::test]
async fn run_before_the_first_provider_ends_at_once() {
    let platform = Platform::open().await;
    platform.settle_at("2015-05-02T00:30").await;
    let run = latest(&platform).await;
    assert_eq!(
        (run.scope.clone(), run.end.unwrap().tally),
        (RunScope::Shards([].into()), tally(0, 0))
    );
}
