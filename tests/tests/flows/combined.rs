//! Events and lines that are stored together, a minute in one item: each counts once by its id, as
//! one with an item of its own does.

use std::collections::BTreeMap;
use std::pin::pin;

use axum::http::{HeaderMap, Method};
use futures::future::join_all;
use serde_json::{Value, json};
use steelyard_ingest::VOID_PATH;
use steelyard_local_aws::{Fault, Target};
use steelyard_local_stack::{USAGE_TABLE, http_event};
use steelyard_tests::{Answer, DiesAfter, Machine, Platform};

use crate::ways_in::platform;

const API: &str = "taobao.trades.sold.get";
const BATCH: &str = "application/cloudevents-batch+json";

/// An event in a second of a day, which is stored together with others of its minute.
fn event(id: u64, provider: &str, second: u64, count: u64) -> Value {
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    json!({
        "specversion": "1.0", "id": format!("call-{id:04}"), "source": "https://gw.example/eu-1",
        "type": "example.api.called", "subject": provider, "combined": true,
        "time": format!("2015-05-02T{hour:02}:{minute:02}:{second:02}+08:00"),
        "data": { "api": API, "count": count },
    })
}

/// Events of three minutes and two providers.
fn events(number: u64) -> Vec<Value> {
    let provider = |n: u64| if n.is_multiple_of(2) { "shop" } else { "tool" };
    (0..number).map(|n| event(n, provider(n), n % 180, 1 + n % 3)).collect()
}

fn request(content_type: &str, body: &Value) -> Value {
    let headers =
        HeaderMap::from_iter([(axum::http::header::CONTENT_TYPE, content_type.parse().unwrap())]);
    http_event(&Method::POST, "/v1/usage", &headers, body.to_string().as_bytes())
}

async fn send(platform: &Platform, events: &[Value]) -> Answer {
    platform.request(request(BATCH, &json!(events))).await
}

fn outcomes(answer: &Answer) -> BTreeMap<&str, usize> {
    let mut outcomes = BTreeMap::new();
    for event in answer.body["events"].as_array().unwrap_or_else(|| panic!("{answer:?}")) {
        *outcomes.entry(event["outcome"].as_str().unwrap()).or_default() += 1;
    }
    outcomes
}

/// The calls of the events, counted in another way: once for each id.
fn independent(events: &[Value]) -> BTreeMap<&str, u64> {
    let of_ids = events.iter().map(|event| (event["id"].as_str().unwrap(), event));
    let mut sums = BTreeMap::from([("shop", 0), ("tool", 0)]);
    for (_, event) in of_ids.collect::<BTreeMap<_, _>>() {
        *sums.get_mut(event["subject"].as_str().unwrap()).unwrap() +=
            event["data"]["count"].as_u64().unwrap();
    }
    sums
}

async fn check(platform: &Platform, events: &[Value], told: &str) {
    for (provider, calls) in independent(events) {
        assert_eq!(platform.calls(provider).await, calls, "{provider}: {told}");
    }
}

/// The sort keys of what is stored of a provider's reports.
async fn stored(platform: &Platform, provider: &str) -> Vec<String> {
    let asked = json!({
        "TableName": USAGE_TABLE,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :day)",
        "ExpressionAttributeValues": { ":pk": { "S": provider }, ":day": { "S": "day#" } },
    });
    let answer = platform.dynamodb("Query", asked).await;
    let items = answer["Items"].as_array().unwrap().iter();
    items.map(|item| item["sk"]["S"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn events_of_a_minute_get_one_item_and_count_once_in_whatever_batches_they_come() {
    let platform = platform().await;
    let all = events(240);
    platform.stack.transport.meter().take();
    let answer = send(&platform, &all[..200]).await;
    assert_eq!((answer.status, outcomes(&answer)), (200, BTreeMap::from([("counted", 200)])));
    // One put for each provider and minute, and one that notes the day.
    let usage = platform.stack.transport.meter().take();
    assert_eq!(usage.requests.get("PutItem"), Some(&6), "{usage:?}");
    assert!(usage.total.write.get() < 30.into(), "{usage:?}");
    let minutes = ["16:00", "16:01", "16:02"];
    let keys = minutes.map(|minute| format!("day#2015-05-02#eu-1#~{minute}#00000"));
    assert_eq!(stored(&platform, "shop").await, keys);

    let mut overlapping = all[100..220].to_vec();
    overlapping.reverse();
    let answer = send(&platform, &overlapping).await;
    assert_eq!(outcomes(&answer), BTreeMap::from([("counted", 20), ("duplicate", 100)]));
    for event in [&all[0], &all[230]] {
        let answer = platform.request(request("application/cloudevents+json", event)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let answer = send(&platform, &all).await;
    assert_eq!(outcomes(&answer), BTreeMap::from([("counted", 19), ("duplicate", 221)]));
    check(&platform, &all, "overlapping batches").await;
    platform.run_until("2015-05-04T12:00").await;
    platform.books_hold().await;
}

#[tokio::test]
async fn events_that_come_at_the_same_time_in_different_batches_count_once() {
    let platform = platform().await;
    let all = events(60);
    let batches = (0..12).map(|n| [&all[n * 5..], &all[..n * 5]].concat()[..40].to_vec());
    let batches = batches.collect::<Vec<_>>();
    let answers = join_all(batches.iter().map(|batch| send(&platform, batch))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let counted = answers.iter().filter_map(|answer| outcomes(answer).get("counted").copied());
    // Each is counted by one of the batches, and a duplicate for the others.
    assert_eq!(counted.sum::<usize>(), 60);
    check(&platform, &all, "at the same time").await;
}

#[tokio::test]
async fn messages_of_the_queue_are_stored_together_and_a_bad_one_fails_alone() {
    let platform = platform().await;
    let all = events(120);
    let mut closed = event(500, "shop", 0, 1);
    closed["time"] = json!("2015-03-02T00:00:00Z");
    let messages = all.iter().chain([&closed]).chain(&all[..30]).enumerate();
    let records = messages.map(|(n, event)| {
        json!({ "messageId": n.to_string(), "eventSource": "aws:sqs", "body": event.to_string() })
    });
    let batch = json!({ "Records": records.collect::<Vec<_>>() });
    platform.stack.transport.meter().take();
    let answer = platform.stack.functions.ingest.invoke(batch).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": "120" }]));
    let usage = platform.stack.transport.meter().take();
    // Two minutes of two providers, and the note of what was refused.
    assert_eq!(usage.requests.get("PutItem"), Some(&5), "{usage:?}");
    check(&platform, &all, "queue").await;
    for event in &all[..25] {
        platform.stack.send_report("local", &event.to_string()).await.unwrap();
    }
    platform.stack.drain().await.unwrap();
    check(&platform, &all, "queue, again").await;
}

#[tokio::test]
async fn batch_that_dies_at_any_await_point_counts_once_when_it_comes_again() {
    let all = events(20);
    let records = all.iter().enumerate().map(|(n, event)| {
        json!({ "messageId": n.to_string(), "eventSource": "aws:sqs", "body": event.to_string() })
    });
    let queued = json!({ "Records": records.collect::<Vec<_>>() });
    for (way, sent) in [("queue", queued), ("http", request(BATCH, &json!(all)))] {
        for polls in 0.. {
            let platform = platform().await;
            let ingest = &platform.stack.functions.ingest;
            let machine = Machine::new(&platform, 0).ingest(&platform);
            let mut run = pin!(machine.handling(sent.clone()));
            let ended = DiesAfter { run: run.as_mut(), polls }.await;
            // In another composition, as a queue has it, and then as before.
            send(&platform, &all[5..]).await;
            ingest.invoke(sent.clone()).await.unwrap();
            check(&platform, &all, &format!("{way}, dead after {polls} polls")).await;
            if ended.is_some() {
                assert!(polls > 4, "{way}: {polls} await points");
                break;
            }
        }
    }
}

#[tokio::test]
async fn put_whose_answer_is_lost_counts_once() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for request in 1..=12 {
            let platform = platform().await;
            let all = events(20);
            platform.stack.transport.faults().strike(Target::Any, request..=request, fault);
            let first = send(&platform, &all).await;
            assert!([200, 503].contains(&first.status), "{first:?}");
            platform.stack.transport.faults().restore();
            assert_eq!(send(&platform, &all).await.status, 200);
            check(&platform, &all, &format!("{fault:?} at {request}")).await;
        }
    }
}

#[tokio::test]
async fn event_that_is_stored_with_others_has_one_content() {
    let platform = platform().await;
    let batch = [event(1, "shop", 0, 7), event(1, "shop", 0, 8), event(2, "shop", 0, 1)];
    let answer = send(&platform, &batch).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(outcomes(&answer), BTreeMap::from([("conflict", 1), ("counted", 2)]));
    assert_eq!(platform.calls("shop").await, 8);
    let again = platform.request(request("application/cloudevents+json", &batch[1])).await;
    assert_eq!(again.status, 409, "{again:?}");
    let mut unclear = event(3, "shop", 0, 1);
    unclear["combined"] = json!("yes");
    let refused = platform.request(request("application/cloudevents+json", &unclear)).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(platform.calls("shop").await, 8);
}

#[tokio::test]
async fn event_that_is_withdrawn_counts_no_more_and_those_beside_it_do() {
    let platform = platform().await;
    let all = [event(1, "shop", 0, 600_000), event(2, "shop", 1, 500_000)];
    assert_eq!(send(&platform, &all).await.status, 200);
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(platform.account("shop").await, [0, 6_000, 0]);

    let id = outcome_id(&platform).await;
    let void = json!({
        "provider": "shop", "source": "eu-1", "id": id, "reason": "the gateway counted twice",
    });
    for became in ["voided", "before"] {
        let body = void.to_string();
        let sent = http_event(&Method::POST, VOID_PATH, &HeaderMap::new(), body.as_bytes());
        let answer = platform.request(sent).await;
        assert_eq!(answer.body, json!({ "days": { "2015-05-02": became } }), "{answer:?}");
    }
    let again = send(&platform, &all).await;
    assert_eq!(outcomes(&again), BTreeMap::from([("duplicate", 1), ("withdrawn", 1)]));
    assert_eq!(platform.calls("shop").await, 500_000);
    platform.run_until("2015-05-05T12:00").await;
    // What is left is free.
    assert_eq!(platform.account("shop").await, [0, 0, 0]);
    platform.books_hold().await;
}

#[tokio::test]
async fn reports_of_one_id_are_withdrawn_wherever_they_are_stored() {
    let platform = platform().await;
    let mut plain = event(1, "shop", 0, 4);
    plain["combined"] = json!(false);
    // Another minute, and not combined: each is another report of the same id.
    let all = [event(1, "shop", 0, 1), event(1, "shop", 60, 2), plain, event(2, "shop", 0, 8)];
    assert_eq!(send(&platform, &all).await.status, 200);
    assert_eq!(platform.calls("shop").await, 15);
    let (provider, day) = ("shop".parse().unwrap(), "2015-05-02".parse().unwrap());
    let reports = platform.stack.tables.usage.reports(&provider, day, day);
    let reports = futures::TryStreamExt::try_collect::<Vec<_>>(reports).await.unwrap();
    let of_id = reports.iter().find(|report| report.metered.total().unwrap().calls.get() == 2);
    let void = json!({
        "provider": "shop", "source": "eu-1", "id": of_id.unwrap().report, "reason": "wrong",
    });
    let body = void.to_string();
    let sent = http_event(&Method::POST, VOID_PATH, &HeaderMap::new(), body.as_bytes());
    assert_eq!(platform.request(sent).await.status, 200);
    assert_eq!(platform.calls("shop").await, 8);
}

/// The id of the report of 600,000 calls.
async fn outcome_id(platform: &Platform) -> String {
    let (provider, day) = ("shop".parse().unwrap(), "2015-05-02".parse().unwrap());
    let reports = platform.stack.tables.usage.reports(&provider, day, day);
    let reports = futures::TryStreamExt::try_collect::<Vec<_>>(reports).await.unwrap();
    let large = reports.iter().find(|report| report.metered.total().unwrap().calls.get() > 500_000);
    large.unwrap().report.to_string()
}

#[tokio::test]
async fn events_of_a_closed_month_are_answered_as_before_and_new_ones_are_refused() {
    let platform = platform().await;
    let all = events(12);
    assert_eq!(send(&platform, &all[..6]).await.status, 200);
    platform.run_until("2015-06-06T12:00").await;
    let answer = send(&platform, &all).await;
    assert_eq!(outcomes(&answer), BTreeMap::from([("duplicate", 6), ("refused", 6)]));
    check(&platform, &all[..6], "closed").await;
}

#[tokio::test]
async fn an_item_that_cannot_be_read_fails_its_minute_and_no_other() {
    let platform = platform().await;
    let all = events(180);
    assert_eq!(send(&platform, &all[..60]).await.status, 200);
    let asked = json!({
        "TableName": USAGE_TABLE,
        "Key": { "pk": { "S": "shop" }, "sk": { "S": "day#2015-05-02#eu-1#~16:00#00000" } },
        "UpdateExpression": "SET combined = :broken",
        "ExpressionAttributeValues": { ":broken": { "B": "AAAA" } },
    });
    platform.dynamodb("UpdateItem", asked).await;
    let records = all.iter().enumerate().map(|(n, event)| {
        json!({ "messageId": n.to_string(), "eventSource": "aws:sqs", "body": event.to_string() })
    });
    let batch = json!({ "Records": records.collect::<Vec<_>>() });
    let answer = platform.stack.functions.ingest.invoke(batch).await.unwrap();
    // The thirty of shop in the first minute.
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 30);
    assert_eq!(platform.calls("tool").await, independent(&all)["tool"]);
    // A large event is compared with its month, which cannot be read: no other fails with it.
    let batch = [event(900, "shop", 120, 10_000_000), event(901, "tool", 120, 1)];
    let answer = send(&platform, &batch).await;
    assert_eq!(outcomes(&answer), BTreeMap::from([("counted", 1), ("refused", 1)]), "{answer:?}");
}

#[tokio::test]
async fn lines_of_a_minute_get_one_item_if_their_rule_combines_them() {
    let platform = platform().await;
    let document = json!({
        "rule": "gateway", "combined": true,
        "fields": { "id": "id", "provider": "key", "path": "uri", "at": "time", "status": "code" },
    });
    let rule = steelyard_store::StoredRule {
        name: "gateway".parse().unwrap(),
        document: document.to_string(),
    };
    platform.books().add_rule(&rule, false).await.unwrap();
    let line = |n: u64| {
        json!({
            "id": format!("{n:x}"), "key": "shop", "uri": "/trades/7", "code": 200,
            "time": format!("2015-05-02T08:{:02}:03+08:00", n / 40),
        })
    };
    let lines = (0..120).map(line).collect::<Vec<_>>();
    let post = |lines: &[Value]| {
        let body = json!(lines).to_string();
        let headers = HeaderMap::new();
        platform.request(http_event(&Method::POST, "/v1/logs/gateway", &headers, body.as_bytes()))
    };
    for posted in [&lines[..70], &lines[30..100], &lines[..], &lines[..10]] {
        assert_eq!(post(posted).await.status, 200);
    }
    assert_eq!(platform.calls("shop").await, 120);
    // The second minute came in two posts, and the third in three.
    assert_eq!(stored(&platform, "shop").await.len(), 5);
}
