//! Events are published: once each, numbered, on the bus, and under the same id however often they
//! are published.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use serde_json::{Value, json};
use steelyard_billing::event::{StoredEvent, Subject};
use steelyard_local_aws::{Fault, Target};
use steelyard_pricing::Plan;
use steelyard_runtime::{Function, Invocation};
use steelyard_tests::{DiesAfter, Machine, Platform, record, report};

const BASIC: &str = "taobao.trades.sold.get";
const PLAN: &str = include_str!("../../../plans/jushita-2014.json");

/// The events about a provider, or about the platform without one, as they are stored.
pub(crate) async fn told(platform: &Platform, provider: Option<&str>) -> Vec<StoredEvent> {
    let subject = provider.map_or(Subject::Platform, |id| Subject::Provider(id.parse().unwrap()));
    let found = platform.stack.events.events_after(&subject, 0, 1000).await.unwrap();
    assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
    let numbers: Vec<_> = found.readable.iter().map(|event| event.sequence).collect();
    let expected: Vec<_> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "numbers without a gap");
    found.readable
}

/// The types of a provider's events.
pub(crate) async fn kinds(platform: &Platform, provider: Option<&str>) -> Vec<String> {
    told(platform, provider).await.into_iter().map(|event| event.kind).collect()
}

pub(crate) fn document(event: &StoredEvent) -> Value {
    serde_json::from_str(&event.document).unwrap()
}

/// How often each event was put on the bus, by its id.
pub(crate) fn put(platform: &Platform) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for entry in platform.stack.embedded.events_put() {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        *times.entry(detail["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    times
}

#[tokio::test]
async fn a_day_is_told_from_its_statement_to_its_payment() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_000_000).await;
    platform.run_until("2015-05-02T12:00").await;
    let events = told(&platform, Some("a")).await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["mandate.active", "statement.settled", "debit.scheduled", "debit.paid"]);
    let owed = platform.taken("a");
    assert!(owed > 0);
    let [_, settled, scheduled, paid] = [0, 1, 2, 3].map(|at| document(&events[at]));
    assert_eq!(settled["specversion"], "1.0");
    assert_eq!(settled["subject"], "a");
    assert_eq!(settled["sequence"], "2");
    assert_eq!(settled["time"], "2015-05-01T16:30:00Z");
    assert_eq!(settled["data"]["charge_fen"], owed);
    assert_eq!(settled["data"]["day"], "2015-05-01");
    assert_eq!(scheduled["data"]["expected_fen"], owed);
    assert_eq!(scheduled["data"]["due_at_s"], platform.instant("2015-05-02T10:00").as_second());
    assert_eq!(scheduled["data"]["mandate"], 1);
    assert_eq!(paid["data"]["amount_fen"], owed);
    assert_eq!(
        (&paid["data"]["from"], &paid["data"]["through"]),
        (&"2015-05-01".into(), &"2015-05-01".into())
    );
    let realm = platform.realm().await;
    assert_eq!(paid["source"], format!("/steelyard/{realm}"));
    // The platform's own: the plans of the test, the night and the morning.
    let own = self::kinds(&platform, None).await;
    let expected =
        ["price.announced", "price.announced", "settlement.finished", "reconciliation.done"];
    assert_eq!(own, expected);
    // Each was put on the bus once.
    let times = put(&platform);
    assert_eq!(times.len(), events.len() + own.len());
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

#[tokio::test]
async fn declines_and_what_follows_them_are_told() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 0).await;
    platform.count("a", BASIC, "2015-05-01", 1_000_000).await;
    platform.run_until("2015-05-08T12:00").await;
    let events = told(&platform, Some("a")).await;
    let of = |kind: &str| {
        let events = events.iter().filter(|event| event.kind == kind);
        events.map(document).collect::<Vec<_>>()
    };
    let declined = of("debit.declined");
    assert_eq!(declined.len(), 3, "{events:#?}");
    assert_eq!(declined[0]["data"]["declines"], 1);
    assert_eq!(declined[0]["data"]["reason"], "funds");
    assert!(declined[0]["data"]["tried_again_at_s"].is_number());
    assert!(declined[2]["data"]["tried_again_at_s"].is_null());
    let given_up = of("debit.given_up");
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0]["data"]["why"]["because"], "funds");
    platform.recharge("a", 10_000, "transfer-1").await;
    platform.stack.drain().await.unwrap();
    let last = told(&platform, Some("a")).await.pop().unwrap();
    assert_eq!(last.kind, "recharge.paid");
    assert_eq!(document(&last)["data"], json!({ "reference": "transfer-1", "amount_fen": 10_000 }));
}

#[tokio::test]
async fn recharges_refunds_and_the_ends_of_mandates_are_told() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T09:00");
    platform.join("a").await;
    platform.paid_recharge("a", "100.00").await;
    platform.run_until("2015-05-01T10:00").await;
    platform.offer_recharge("a", "5.00", "page").await;
    platform.offer_mandate("a").await;
    platform.run_until("2015-05-20T10:00").await;
    let kinds = kinds(&platform, Some("a")).await;
    let expected = ["recharge.paid", "mandate.offered", "recharge.lapsed", "mandate.ended"];
    assert_eq!(
        kinds.iter().filter(|kind| *kind != "statement.settled").collect::<Vec<_>>(),
        expected
    );
    let ended = told(&platform, Some("a")).await;
    let ended = ended.iter().find(|event| event.kind == "mandate.ended").unwrap();
    assert_eq!(document(ended)["data"]["why"]["because"], "not_signed");
}

#[tokio::test]
async fn a_coming_price_is_told_to_whom_it_will_hold_for_with_its_effect_on_last_month() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-20T20:00");
    platform.join("a").await;
    platform.register("tiers", "four-tiers").await;
    platform.count("a", BASIC, "2015-05-10", 1_000_000).await;
    platform.run_until("2015-06-02T12:00").await;
    let announced = async |provider| {
        let events = told(&platform, provider).await;
        let of = events.iter().filter(|event| event.kind == "price.announced");
        of.map(|event| document(event)["data"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(announced(Some("a")).await, Vec::<Value>::new(), "its first version is no news");
    // Half the allowance, from July on.
    let half = PLAN.replace("2014-04-01", "2015-07-01").replace("500000", "250000");
    assert_ne!(half, PLAN);
    platform.add_plan(&half).await;
    platform.run_until("2015-06-03T12:00").await;
    let charged = platform.found("a").await.account.figures.receivable().get();
    let [told_a] = &announced(Some("a")).await[..] else { panic!("one announcement") };
    let effect = &told_a["effect"];
    assert_eq!((&effect["month"], &effect["now_fen"]), (&"2015-05".into(), &charged.into()));
    assert!(effect["change_fen"].as_i64().unwrap() > 0, "{effect}");
    let (now, then) = (charged, effect["then_fen"].as_i64().unwrap());
    assert_eq!(effect["change_fen"], then - now);
    assert_eq!(announced(Some("tiers")).await, Vec::<Value>::new(), "it is on another plan");
    // Another night publishes nothing; a version in place of that one is another price.
    platform.run_until("2015-06-04T12:00").await;
    assert_eq!(announced(Some("a")).await.len(), 1);
    let quarter = Plan::read(&half.replace("250000", "125000")).unwrap();
    platform.books().add_plan(&quarter, platform.today()).await.unwrap();
    platform.run_until("2015-06-05T12:00").await;
    let [_, again] = &announced(Some("a")).await[..] else { panic!("two announcements") };
    assert!(again["effect"]["then_fen"].as_i64().unwrap() > then, "{again}");
    assert_eq!(announced(None).await.len(), 4, "two plans of the test, and both versions");
}

#[tokio::test]
async fn a_night_that_has_not_ended_or_never_began_is_found_in_the_morning() {
    let platform = Platform::open_telling().await;
    let check = async || {
        let event = json!({ "task": "check" });
        platform.stack.functions.settle.invoke(event).await.unwrap()
    };
    platform.set("2015-05-01T04:30");
    assert_eq!(check().await, json!({}), "a new deployment is not late");
    platform.sign("a", 1_000_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T04:30");
    assert_eq!(check().await, json!({ "run": 1, "late": false }));
    // Nobody takes the messages of the next night.
    platform.set("2015-05-03T00:30");
    platform.stack.functions.settle.invoke(json!({ "task": "settle" })).await.unwrap();
    platform.set("2015-05-03T04:30");
    for _ in 0..2 {
        assert_eq!(check().await, json!({ "run": 2, "late": true }));
    }
    platform.stack.drain().await.unwrap();
    let own = kinds(&platform, None).await;
    let late = own.iter().filter(|kind| *kind == "settlement.late").count();
    assert_eq!(late, 1, "{own:?}");
    assert_eq!(own.last().unwrap(), "settlement.finished");
    platform.set("2015-05-04T04:30");
    assert_eq!(check().await, json!({ "run": 3, "shards": 1 }), "one begins now");
}

#[tokio::test]
async fn what_is_refused_of_a_queued_report_is_told_once_to_operators() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    let records = [
        record("a", BASIC, "2015-05-01", 5),
        record("nobody", BASIC, "2015-05-01", 5),
        record("nobody", BASIC, "2015-04-30", 5),
    ];
    platform.queue(&report("partly", &records)).await;
    // Over HTTP the answer says it.
    assert_eq!(platform.post(&report("answered", &records)).await.status, 422);
    platform.run_until("2015-05-01T23:00").await;
    let refused: Vec<_> = told(&platform, None).await;
    let refused: Vec<_> = refused.iter().filter(|event| event.kind == "usage.refused").collect();
    let [event] = &refused[..] else { panic!("{refused:?}") };
    let data = &document(event)["data"];
    assert_eq!((&data["report"], &data["records"]), (&"partly".into(), &2.into()));
    assert_eq!(data["reasons"].as_array().unwrap().len(), 1, "each reason once: {data}");
    let noted = platform.stack.tables.usage.refused_reports().await.unwrap().readable;
    assert_eq!(noted.len(), 1, "{noted:?}");
}

#[tokio::test]
async fn records_that_come_again_are_the_same_events() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_000_000).await;
    platform.run_until("2015-05-02T12:00").await;
    let before = told(&platform, Some("a")).await;
    // As after a restart: the whole stream comes again.
    platform.stack.follow_again();
    platform.stack.drain().await.unwrap();
    assert_eq!(told(&platform, Some("a")).await, before);
    let times = put(&platform);
    assert!(times.values().all(|times| *times == 2), "the same ids: {times:?}");
    for event in &before {
        let found = platform.stack.events.find_event(&event.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(event));
    }
}

#[tokio::test]
async fn nothing_is_lost_wherever_the_function_fails() {
    for fault in [Fault::LoseRequest, Fault::LoseAnswer, Fault::CutBefore, Fault::CutAfter] {
        for ordinal in 1..=14 {
            let platform = Platform::open_telling().await;
            platform.set("2015-05-01T20:00");
            platform.sign("a", 1_000_000).await;
            platform.count("a", BASIC, "2015-05-01", 1_000_000).await;
            platform.stack.follower.faults().strike(Target::Any, ordinal..=ordinal + 3, fault);
            platform.run_until("2015-05-02T12:00").await;
            platform.stack.follower.faults().restore();
            platform.stack.drain().await.unwrap();
            let kinds = kinds(&platform, Some("a")).await;
            let expected = ["mandate.active", "statement.settled", "debit.scheduled", "debit.paid"];
            assert_eq!(kinds, expected, "{fault:?} at {ordinal}");
            let ids = told(&platform, Some("a")).await;
            let put = put(&platform);
            assert!(ids.iter().all(|event| put.contains_key(event.id.as_str())), "{put:?}");
        }
    }
}

#[tokio::test]
async fn a_function_that_dies_at_any_await_point_tells_each_event_once() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    for provider in ["a", "b"] {
        platform.sign(provider, 1_000_000).await;
        platform.count(provider, BASIC, "2015-05-01", 1_000_000).await;
    }
    platform.run_until("2015-05-02T12:00").await;
    let expected = told(&platform, Some("a")).await;
    let event = json!({ "Records": platform.stack.stream_records().await.unwrap() });
    for polls in 0.. {
        let machine = Machine::new(&platform, 0);
        let (function, table) = machine.events(&platform, &format!("events-{polls}")).await;
        let lasting = Invocation::lasting(Duration::from_secs(60));
        let mut run = pin!(function.handle(event.clone(), lasting));
        let has_died = DiesAfter { run: run.as_mut(), polls }.await.is_none();
        let again = function.handle(event.clone(), lasting).await.unwrap();
        assert_eq!(again, json!({ "batchItemFailures": [] }));
        let subject = Subject::Provider("a".parse().unwrap());
        let found = table.events_after(&subject, 0, 1000).await.unwrap();
        // What is noticed later has another time, and another amount of what is owed by then.
        let names = |events: &[StoredEvent]| {
            let name = |event: &StoredEvent| (event.sequence, event.id.clone());
            events.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(&found.readable), names(&expected), "dead after {polls} polls");
        if !has_died {
            assert!(polls > 10, "{polls} await points: was the whole run under test?");
            return;
        }
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_alone() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    let broken = json!({
        "pk": { "S": "provider#a" },
        "sk": { "S": "debit#0000000099" },
        "debit": { "S": "no number" },
    });
    platform.put_item(&broken).await;
    platform.recharge("a", 10_000, "transfer-1").await;
    platform.stack.drain().await.unwrap();
    assert_eq!(kinds(&platform, Some("a")).await, ["mandate.active", "recharge.paid"]);
    platform.delete_item(&broken).await;
}
