//! Alerts and spend caps, by the night and by what was just counted.

use axum::http::{HeaderMap, Method};
use jiff::SignedDuration;
use serde_json::{Value, json};
use steelyard_billing::{Alert, AlertKind};
use steelyard_local_aws::Usage;
use steelyard_local_stack::http_event;
use steelyard_pricing::AlertRules;
use steelyard_tests::{Answer, Platform, neighbours, record, report};

const API: &str = "shop.orders.get";

/// A fen a call.
const PLAN: &str = r#"{"plan": "fen", "effective_from": "2015-01-01", "rates": [
    {"rate": "calls", "apis": ["shop.*"], "price": {"model": "per_unit", "unit_price": "0.01"}}]}"#;

async fn open() -> Platform {
    let platform = Platform::open().await;
    platform.add_plan(PLAN).await;
    platform.register("a", "fen").await;
    platform.set("2015-05-10T12:00");
    platform
}

pub(crate) async fn set(platform: &Platform, provider: &str, document: &str) {
    let rules = AlertRules::read(document).unwrap();
    platform.books().set_alerts(&provider.parse().unwrap(), &rules).await.unwrap();
}

/// What the stream of the usage table reports of a write.
fn written(provider: &str, day: &str, id: &str, event: &str, number: usize) -> Value {
    json!({
        "eventID": format!("e{number}"), "eventName": event, "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"pk": {"S": provider}, "sk": {"S": format!("day#{day}#gateway-1#{id}")}},
            "SequenceNumber": format!("{number:021}"), "StreamViewType": "KEYS_ONLY",
        },
    })
}

/// The only place of these tests that invokes watch.
async fn watch(platform: &Platform, records: Vec<Value>) -> Value {
    let event = json!({ "Records": records });
    platform.stack.functions.watch.invoke(event).await.unwrap()
}

/// Watch takes a report of a provider that was just counted.
pub(crate) async fn watched(platform: &Platform, provider: &str) {
    let records = vec![written(provider, "2015-05-10", "r", "INSERT", 1)];
    assert_eq!(watch(platform, records).await, json!({ "batchItemFailures": [] }));
}

async fn alerts(platform: &Platform, provider: &str) -> Vec<(AlertKind, u16)> {
    let account = platform.found(provider).await.account;
    account.alerts.alerts.iter().map(|alert| (alert.kind, alert.level())).collect()
}

fn take(platform: &Platform) -> Usage {
    platform.stack.transport.meter().take()
}

async fn standing(platform: &Platform, provider: &str) -> Value {
    let path = format!("/v1/standing/{provider}");
    let event = http_event(&Method::GET, &path, &HeaderMap::new(), b"");
    let answer = Answer::of(&platform.stack.functions.quote.invoke(event).await.unwrap());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn the_night_notices_what_it_settles_and_a_second_one_nothing() {
    let platform = open().await;
    set(&platform, "a", r#"{"budget": {"monthly": "10.00", "percent": [50, 100]}}"#).await;
    platform.count("a", API, "2015-05-09", 600).await;
    platform.settle_at("2015-05-10T00:30").await;
    assert_eq!(alerts(&platform, "a").await, [(AlertKind::Budget, 50)]);
    let first = platform.found("a").await.account;
    platform.settle_at("2015-05-10T00:40").await;
    assert_eq!(platform.found("a").await.account, first, "nothing is written again");
    platform.count("a", API, "2015-05-10", 400).await;
    platform.settle_at("2015-05-11T00:30").await;
    assert_eq!(alerts(&platform, "a").await, [(AlertKind::Budget, 100)]);
    // June begins without it, once its first day is settled.
    platform.set("2015-06-01T12:00");
    platform.count("a", API, "2015-06-01", 1).await;
    platform.settle_at("2015-06-02T00:30").await;
    assert_eq!(alerts(&platform, "a").await, []);
    platform.books_hold().await;
}

/// The requests and write units of a night of twenty providers, each with usage.
async fn night(rules: Option<&str>) -> (u64, Usage) {
    let platform = open().await;
    let providers = neighbours("shop").take(20).collect::<Vec<_>>();
    let sent = providers.iter().map(|provider| record(provider, API, "2015-05-10", 600));
    let sent = sent.collect::<Vec<_>>();
    for provider in &providers {
        platform.register(provider, "fen").await;
        if let Some(rules) = rules {
            set(&platform, provider, rules).await;
        }
    }
    assert_eq!(platform.post(&report("r", &sent)).await.status, 200);
    take(&platform);
    platform.settle_at("2015-05-11T00:30").await;
    let usage = take(&platform);
    for provider in &providers {
        assert_eq!(alerts(&platform, provider).await.is_empty(), rules.is_none());
    }
    (usage.requests.values().sum(), usage)
}

#[tokio::test]
async fn alerts_cost_a_night_no_request_whether_they_are_triggered_or_not() {
    let (without, _) = night(None).await;
    let (with, usage) = night(Some(r#"{"budget": {"monthly": "1.00", "percent": [50]}}"#)).await;
    assert_eq!(with, without, "{usage:?}");
    // The calls of a day are compared with statements: a query for each provider that asks for it,
    // and the note.
    let both = r#"{"budget": {"monthly": "1.00", "percent": [50]}, "unusual_day_percent": 200}"#;
    assert_eq!(night(Some(both)).await.0, without + 20);
}

#[tokio::test]
async fn what_was_just_counted_is_evaluated_once_for_a_batch_and_written_if_it_is_news() {
    let platform = open().await;
    set(&platform, "a", r#"{"budget": {"monthly": "10.00", "percent": [50, 80]}}"#).await;
    platform.count_as("r1", "a", API, "2015-05-10", 500).await;
    let batch = || (0..100).map(|n| written("a", "2015-05-10", "r", "INSERT", n)).collect();
    take(&platform);
    watch(&platform, batch()).await;
    let usage = take(&platform);
    assert_eq!(alerts(&platform, "a").await, [(AlertKind::Budget, 50)]);
    assert!(usage.requests.values().sum::<u64>() <= 5, "{usage:?}");
    watch(&platform, batch()).await;
    assert_eq!(take(&platform).writes(), 0);
    // A report is withdrawn.
    let event = http_event(
        &Method::POST,
        steelyard_ingest::VOID_PATH,
        &HeaderMap::new(),
        json!({"source": "gateway-1", "id": "r1", "provider": "a", "reason": "a test"})
            .to_string()
            .as_bytes(),
    );
    let voided = Answer::of(&platform.stack.functions.ingest.invoke(event).await.unwrap());
    assert_eq!(voided.status, 200, "{voided:?}");
    watched(&platform, "a").await;
    assert_eq!(alerts(&platform, "a").await, []);
}

#[tokio::test]
async fn a_provider_whose_rules_need_no_usage_costs_one_read() {
    let platform = open().await;
    platform.count("a", API, "2015-05-10", 500).await;
    take(&platform);
    watched(&platform, "a").await;
    let usage = take(&platform);
    // The plans, and the account.
    assert_eq!((usage.requests.values().sum::<u64>(), usage.writes()), (2, 0), "{usage:?}");
}

#[tokio::test]
async fn keys_of_other_items_and_of_nobody_are_passed_over() {
    let platform = open().await;
    set(&platform, "a", r#"{"budget": {"monthly": "10.00", "percent": [50]}}"#).await;
    platform.count("a", API, "2015-05-10", 500).await;
    let other = |pk: &str, sk: &str| {
        let mut record = written("a", "2015-05-10", "r", "MODIFY", 7);
        record["dynamodb"]["Keys"] = json!({"pk": {"S": pk}, "sk": {"S": sk}});
        record
    };
    let expired = written("a", "2015-05-10", "r", "REMOVE", 8);
    let nobody = written("nobody", "2015-05-10", "r", "INSERT", 9);
    let passed = vec![other("a", "registration"), other("#access", "day#x"), expired, nobody];
    take(&platform);
    assert_eq!(watch(&platform, passed.clone()).await, json!({ "batchItemFailures": [] }));
    assert_eq!(alerts(&platform, "a").await, []);
    // One that nobody knows takes no other along.
    let mut all = passed;
    all.push(written("a", "2015-05-10", "r", "MODIFY", 10));
    assert_eq!(watch(&platform, all).await, json!({ "batchItemFailures": [] }));
    assert_eq!(alerts(&platform, "a").await, [(AlertKind::Budget, 50)]);
}

#[tokio::test]
async fn a_burst_across_the_cap_is_noticed_within_five_minutes_and_what_passed_is_told() {
    let platform = open().await;
    set(&platform, "a", r#"{"cap": "50.00"}"#).await;
    // 1,000 reports of ten calls each, a second apart; the window of the stream is four minutes.
    let begin = platform.stack.clock.now();
    let (mut crossed_at, mut noticed_at, mut counted) = (None, None, 0_i64);
    let (mut batch, mut opened) = (Vec::new(), begin);
    for number in 0..1_000 {
        let now = begin + SignedDuration::from_secs(number);
        platform.stack.clock.set(now);
        if standing(&platform, "a").await["blocked"] == true {
            break;
        }
        platform.count_as(&format!("r{number}"), "a", API, "2015-05-10", 10).await;
        counted += 10;
        if counted >= 5_000 && crossed_at.is_none() {
            crossed_at = Some(now);
        }
        if batch.is_empty() {
            opened = now;
        }
        let place = usize::try_from(number).unwrap();
        batch.push(written("a", "2015-05-10", "r", "INSERT", place));
        if now.duration_since(opened) >= SignedDuration::from_secs(240) {
            watch(&platform, std::mem::take(&mut batch)).await;
            if !alerts(&platform, "a").await.is_empty() {
                noticed_at = Some(now);
            }
        }
    }
    let waited = noticed_at.unwrap().duration_since(crossed_at.unwrap());
    assert!(waited <= SignedDuration::from_mins(5), "noticed after {waited}");
    let told = standing(&platform, "a").await;
    assert_eq!(told["because"]["kind"], "capped");
    assert_eq!(told["because"]["cap_fen"], 5_000);
    assert_eq!(told["because"]["until"], "2015-06-01");
    assert_eq!(told["because"]["noticed_fen"], counted, "everything up to then is in it");
    // What passed is what was counted since: at most ten calls a second for the interval.
    let settler = steelyard_books::Settler {
        books: platform.books(),
        usage: platform.stack.tables.usage.clone(),
    };
    let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
    let now = settler.watched_now(&terms, platform.found("a").await).await.unwrap();
    let passed = now.figures.month_fen.get() - 5_000;
    assert_eq!(passed, counted - 5_000);
    assert!(0 < passed && passed <= 10 * 300, "{passed} fen passed");
    platform.settle_at("2015-05-11T00:30").await;
    assert_eq!(standing(&platform, "a").await["blocked"], true, "the night changes nothing");
    platform.books_hold().await;
}

#[tokio::test]
async fn a_cap_ends_with_the_month_or_when_it_is_raised_or_lifted() {
    let platform = open().await;
    set(&platform, "a", r#"{"cap": "10.00"}"#).await;
    platform.count("a", API, "2015-05-10", 1_200).await;
    watched(&platform, "a").await;
    let blocked = |told: Value| told["blocked"].as_bool().unwrap();
    assert!(blocked(standing(&platform, "a").await));
    set(&platform, "a", r#"{"cap": "11.00"}"#).await;
    assert!(blocked(standing(&platform, "a").await), "more was used than that");
    set(&platform, "a", r#"{"cap": "13.00"}"#).await;
    assert!(!blocked(standing(&platform, "a").await), "at once");
    set(&platform, "a", r#"{"cap": "10.00"}"#).await;
    watched(&platform, "a").await;
    assert!(blocked(standing(&platform, "a").await));
    set(&platform, "a", "{}").await;
    assert!(!blocked(standing(&platform, "a").await), "lifted");
    set(&platform, "a", r#"{"cap": "10.00"}"#).await;
    watched(&platform, "a").await;
    platform.settle_at("2015-05-11T00:30").await;
    platform.set("2015-05-31T23:59");
    assert!(blocked(standing(&platform, "a").await));
    platform.set("2015-06-01T00:00");
    let told = standing(&platform, "a").await;
    assert_eq!((&told["blocked"], &told["because"]["kind"]), (&json!(false), &json!("no_ladder")));
    platform.books_hold().await;
}

#[tokio::test]
async fn an_unusual_day_is_noticed_beside_the_same_weekdays() {
    let platform = open().await;
    set(&platform, "a", r#"{"unusual_day_percent": 200, "off": ["budget"]}"#).await;
    for day in ["2015-05-03", "2015-05-10", "2015-05-17"] {
        platform.set(&format!("{day}T12:00"));
        platform.count("a", API, day, 100).await;
        let next = day.parse::<steelyard_pricing::BillingDay>().unwrap().next();
        platform.settle_at(&format!("{next}T00:30")).await;
    }
    assert_eq!(alerts(&platform, "a").await, []);
    platform.set("2015-05-24T12:00");
    platform.count("a", API, "2015-05-24", 200).await;
    watched(&platform, "a").await;
    assert_eq!(alerts(&platform, "a").await, [(AlertKind::UnusualDay, 200)]);
    platform.settle_at("2015-05-25T00:30").await;
    assert_eq!(alerts(&platform, "a").await, [(AlertKind::UnusualDay, 200)]);
    // A Sunday later it is as on others.
    platform.set("2015-05-31T12:00");
    platform.count("a", API, "2015-05-31", 90).await;
    platform.settle_at("2015-06-01T00:30").await;
    assert_eq!(alerts(&platform, "a").await, []);
}

/// An alert is a part of the account that the audit has no reason to doubt, and it is small.
#[tokio::test]
async fn what_is_stored_of_an_alert_is_small() {
    let platform = open().await;
    let before = serde_json::to_string(&platform.found("a").await.account).unwrap();
    assert!(!before.contains("alerts"), "{before}");
    set(&platform, "a", r#"{"budget": {"monthly": "10.00", "percent": [50, 80, 100]}}"#).await;
    platform.count("a", API, "2015-05-10", 1_000).await;
    watched(&platform, "a").await;
    let account = platform.found("a").await.account;
    let [Alert { percent, .. }] = &account.alerts.alerts[..] else { panic!("{account:?}") };
    assert_eq!(percent, &[50, 80, 100], "one alert for all of them");
    let stored = serde_json::to_string(&account.alerts).unwrap();
    assert!(stored.len() < 200, "{stored}");
    platform.books_hold().await;
}
