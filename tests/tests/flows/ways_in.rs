//! Usage from where platforms have it: CloudEvents, and the logs of gateways, each counted once.

use std::collections::BTreeMap;
use std::io::Write;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use steelyard_local_aws::{Fault, Target};
use steelyard_local_stack::http_event;
use steelyard_store::StoredRule;
use steelyard_tests::{Answer, PLAN, Platform};

const EVENT: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
const API: &str = "taobao.trades.sold.get";

/// A platform on the evening of 3 May, with the providers `shop` and `tool`.
pub(crate) async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.register("shop", PLAN).await;
    platform.register("tool", PLAN).await;
    platform.set("2015-05-03T20:00");
    platform
}

async fn send(platform: &Platform, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| {
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    });
    platform.request(http_event(&Method::POST, path, &headers.collect::<HeaderMap>(), body)).await
}

async fn send_as(platform: &Platform, content_type: &str, event: &Value) -> Answer {
    let headers = [("content-type", content_type)];
    send(platform, "/v1/usage", &headers, event.to_string().as_bytes()).await
}

fn event(source: &str, id: &str, provider: &str, count: u64) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": source, "type": "example.api.called",
        "subject": provider, "time": "2015-05-02T10:05:03+08:00", "comment": "an extension",
        "data": { "api": API, "count": count },
    })
}

async fn send_as_headers(platform: &Platform, event: &Value) -> Answer {
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    // A header holds no characters but ASCII: they are percent-encoded.
    let id = text("id").replace('é', "%C3%A9");
    let (source, subject, time) = (text("source"), text("subject"), text("time"));
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("ce-specversion", "1.0"),
        ("ce-id", &id),
        ("ce-source", &source),
        ("ce-type", "example.api.called"),
        ("ce-subject", &subject),
        ("ce-time", &time),
    ];
    send(platform, "/v1/usage", &headers, event["data"].to_string().as_bytes()).await
}

fn outcomes(answer: &Answer) -> Vec<&str> {
    let events = answer.body["events"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    events.iter().map(|event| event["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_event_counts_once_in_whatever_mode_order_and_batch_it_comes() {
    let platform = platform().await;
    let names = [
        ("eu-1", "c6af", "shop"),
        ("/gateways/eu-1", "c6af", "shop"),
        ("https://gw.example/eu-1", "caf\u{e9} 1", "tool"),
        ("eu-1", "c6b0", "tool"),
        ("us-1", "c6af", "shop"),
    ];
    let events = (1_u64..).zip(names).map(|(count, (source, id, of))| event(source, id, of, count));
    let events = events.collect::<Vec<_>>();
    // What is sent is counted in another way: once for each pair of source and id.
    let mut independent = BTreeMap::new();
    for sent in [&events[..3], &events[1..], &events[..]].concat() {
        let name = (sent["source"].to_string(), sent["id"].to_string());
        let count = sent["data"]["count"].as_u64().unwrap();
        independent.insert(name, (sent["subject"].as_str().unwrap().to_owned(), count));
    }
    let first = send_as(&platform, BATCH, &json!(events[..3])).await;
    assert_eq!((first.status, outcomes(&first)), (200, vec!["counted"; 3]), "{first:?}");
    let mut later = events[1..].to_vec();
    later.reverse();
    let second = send_as(&platform, BATCH, &json!(later)).await;
    assert_eq!(outcomes(&second), ["counted", "counted", "duplicate", "duplicate"]);
    for event in &events {
        for answer in
            [send_as(&platform, EVENT, event).await, send_as_headers(&platform, event).await]
        {
            assert_eq!((answer.status, outcomes(&answer)), (200, vec!["duplicate"]), "{answer:?}");
        }
    }
    for provider in ["shop", "tool"] {
        let calls =
            independent.values().filter(|(of, _)| of == provider).map(|(_, n)| n).sum::<u64>();
        let counted: u64 = platform.calls(provider).await;
        assert_eq!(counted, calls, "{provider}");
    }
    platform.books_hold().await;
}

#[tokio::test]
async fn a_batch_answers_for_each_event_and_an_event_has_one_content() {
    let platform = platform().await;
    let good = event("eu-1", "1", "shop", 7);
    let mut nowhen = event("eu-1", "2", "shop", 1);
    nowhen.as_object_mut().unwrap().remove("time");
    let mut closed = event("eu-1", "3", "shop", 1);
    closed["time"] = json!("2015-03-02T00:00:00Z");
    let mut encoded = event("eu-1", "5", "shop", 0);
    encoded.as_object_mut().unwrap().remove("data");
    encoded["data_base64"] = json!("eyJhcGkiOiJ4IiwiY291bnQiOjN9");
    let batch = [good.clone(), nowhen, closed, event("eu-1", "1", "shop", 8), encoded, json!(7)];
    let answer = send_as(&platform, BATCH, &json!(batch)).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    let mut said = outcomes(&answer);
    // Of two with one name that come together, either may be the first.
    said[..4].sort_unstable();
    assert_eq!(said, ["conflict", "counted", "malformed", "refused", "counted", "malformed"]);
    let calls = platform.calls("shop").await;
    assert!([10, 11].contains(&calls), "{calls}");
    let other = send_as(&platform, EVENT, &event("eu-1", "1", "shop", 9)).await;
    assert_eq!((other.status, outcomes(&other)), (409, vec!["conflict"]));
    for (field, value) in [
        ("specversion", json!("0.3")),
        ("id", json!("")),
        ("type", json!("")),
        ("source", json!("/")),
        ("subject", json!(7)),
        ("time", json!("noon")),
        ("datacontenttype", json!("text/plain")),
        ("data", json!({ "api": "x", "calls": 1 })),
    ] {
        let mut event = good.clone();
        event[field] = value;
        let answer = send_as(&platform, EVENT, &event).await;
        assert_eq!((answer.status, outcomes(&answer)), (400, vec!["malformed"]), "{event}");
    }
    assert_eq!(send_as(&platform, BATCH, &good).await.status, 400);
    assert_eq!(send_as(&platform, EVENT, &event("eu-1", "9", "nobody", 1)).await.status, 422);
    assert_eq!(platform.calls("shop").await, calls);
}

#[tokio::test]
async fn events_of_the_queue_count_once_plain_and_in_envelopes_of_eventbridge() {
    let platform = platform().await;
    let sent = event("eu-1", "1", "shop", 7);
    let envelope = |id: &str| {
        json!({
            "version": "0", "id": id, "detail-type": "API called", "source": "example.gateway",
            "account": "000000000000", "time": "2015-05-02T02:05:03Z", "region": "local",
            "resources": [], "detail": sent,
        })
    };
    // A publisher that puts an event again gets another envelope.
    for message in [envelope("a"), sent.clone(), envelope("b"), event("eu-1", "2", "shop", 1)] {
        platform.queue(&message).await;
    }
    platform.run_until("2015-05-03T20:05").await;
    assert_eq!(platform.calls("shop").await, 8);
}

async fn store_rule(platform: &Platform, document: &str) {
    let name =
        serde_json::from_str::<Value>(document).unwrap()["rule"].as_str().unwrap().to_owned();
    let rule = StoredRule { name: name.parse().unwrap(), document: document.to_owned() };
    platform.books().add_rule(&rule, false).await.unwrap();
}

/// What Kong's http-log sends of a call.
fn kong(id: &str, consumer: &str, uri: &str, status: u16) -> Value {
    json!({
        "request": { "id": id, "uri": uri, "method": "GET" }, "response": { "status": status },
        "started_at": 1_430_532_303_000_i64, "consumer": { "username": consumer },
    })
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn calls_with_an_id_count_once_in_whatever_posts_they_come() {
    let platform = platform().await;
    store_rule(&platform, include_str!("../../../rules/kong.json")).await;
    let calls =
        (0..40).map(|n| kong(&format!("{n:x}"), ["shop", "tool"][n % 2], "/vas.sms/7", 200));
    let calls = calls.collect::<Vec<_>>();
    let posts = [&calls[10..20], &calls[..10], &calls[5..15], &calls[20..], &calls[..]];
    let mut independent = BTreeMap::new();
    for post in posts {
        independent.extend(post.iter().map(|call| (call["request"]["id"].to_string(), call)));
        let body = json!(post).to_string();
        let lines = post.iter().map(|call| format!("{call}\n")).collect::<String>();
        let (array, lines) = (body.as_bytes(), lines.as_bytes());
        let json = [("content-type", "application/json")];
        let packed = [("content-encoding", "gzip")];
        for (headers, body) in
            [(&json[..], array.to_vec()), (&json[..], lines.to_vec()), (&packed[..], gzip(array))]
        {
            let answer = send(&platform, "/v1/logs/kong", headers, &body).await;
            assert_eq!(
                (answer.status, &answer.body["bad"]["count"]),
                (200, &json!(0)),
                "{answer:?}"
            );
        }
        for (remainder, provider) in ["shop", "tool"].into_iter().enumerate() {
            let of = |id: &&String| {
                usize::from_str_radix(id.trim_matches('"'), 16).unwrap() % 2 == remainder
            };
            let calls = u64::try_from(independent.keys().filter(of).count()).unwrap();
            assert_eq!(platform.calls(provider).await, calls);
        }
    }
    platform.books_hold().await;
}

#[tokio::test]
async fn calls_without_an_id_count_once_with_their_post() {
    let platform = platform().await;
    store_rule(&platform, include_str!("../../../rules/apisix.json")).await;
    let call = |uri: &str| {
        json!({
            "request": { "uri": uri, "method": "GET" }, "response": { "status": 200 },
            "start_time": 1_430_532_303_000_i64, "consumer": { "username": "shop" },
        })
    };
    // Equal entries of a post are calls of their own. Where the shipper names itself, posts of two
    // are told apart.
    let [first, second] = [json!([call("/a"), call("/a"), call("/b")]), json!([call("/a")])];
    let mut calls = 0;
    for (path, post, new) in [
        ("/v1/logs/apisix", &first, 3),
        ("/v1/logs/apisix", &first, 0),
        ("/v1/logs/apisix", &second, 1),
        ("/v1/logs/apisix", &first, 0),
        ("/v1/logs/apisix?source=eu-2", &second, 1),
        ("/v1/logs/apisix?source=eu-2", &second, 0),
    ] {
        let answer = send(&platform, path, &[], post.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        calls += new;
        assert_eq!(platform.calls("shop").await, calls, "{path} {post}");
    }
}

#[tokio::test]
async fn a_line_that_cannot_be_counted_does_not_hold_back_the_others_of_its_post() {
    let platform = platform().await;
    store_rule(&platform, include_str!("../../../rules/kong.json")).await;
    let calls = json!([
        kong("1", "shop", "/x/%2e%2e/vas%2Esms?a=b", 200),
        kong("2", "shop", "/vas.sms", 301),
        kong("3", "nobody", "/vas.sms", 200),
        kong("4", "a/b", "/vas.sms", 200),
        { "request": { "id": "5" } },
        "GET / HTTP/1.1",
    ]);
    let answer = send(&platform, "/v1/logs/kong", &[], calls.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = ["lines", "billable"].map(|member| answer.body[member].as_u64().unwrap());
    let counts =
        ["bad", "not_billable", "refusals"].map(|member| answer.body[member]["count"].as_u64());
    assert_eq!((told, counts), ([6, 2], [Some(2), Some(1), Some(1)]), "{:#}", answer.body);
    assert_eq!(answer.body["unmapped"]["callers"], json!([{ "caller": "a/b", "calls": 1 }]));
    let counted = platform.counted("shop").await;
    let apis = counted.values().flat_map(|usage| usage.iter()).map(|(api, _)| api.to_string());
    assert_eq!(apis.collect::<Vec<_>>(), ["vas.sms"]);
    for (path, body, status) in [
        ("/v1/logs/none", "[]", 404),
        ("/v1/logs/K", "[]", 404),
        ("/v1/logs/kong?source=a/b", "[]", 400),
        ("/v1/logs/kong", "[{]", 400),
        ("/v1/logs/kong", "", 200),
    ] {
        assert_eq!(
            send(&platform, path, &[], body.as_bytes()).await.status,
            status,
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn no_number_of_apis_takes_a_call_off_the_bill() {
    let platform = platform().await;
    store_rule(&platform, include_str!("../../../rules/apisix.json")).await;
    let call = |uri: String| {
        json!({
            "request": { "uri": uri, "method": "GET" }, "response": { "status": 200 },
            "start_time": 1_430_532_303_000_i64, "consumer": { "username": "shop" },
        })
    };
    let mut calls = (0..2_400).map(|n| call(format!("/x{n}/y"))).collect::<Vec<_>>();
    calls.extend((0..300).map(|_| call("/vas.sms/7".to_owned())));
    let sent = json!(calls).to_string();
    for _ in 0..2 {
        let answer = send(&platform, "/v1/logs/apisix", &[], sent.as_bytes()).await;
        assert_eq!((answer.status, &answer.body["refused"]["calls"]), (200, &json!(0)));
        assert_eq!(platform.calls("shop").await, 2_700);
    }
    let many = format!("[{}0]", "0,".repeat(100_000));
    let answer = send(&platform, "/v1/logs/apisix", &[], many.as_bytes()).await;
    assert_eq!((answer.status, platform.calls("shop").await), (413, 2_700), "{answer:?}");
}

#[tokio::test]
async fn whatever_way_dies_at_any_request_counts_once_when_it_comes_again() {
    let calls = |ids: [&str; 3]| ids.map(|id| kong(id, "shop", "/vas.sms/7", 200));
    let with_ids = json!(calls(["1", "2", "3"]));
    let without = json!(vec![
        json!({ "request": { "uri": "/a", "method": "GET" }, "response": { "status": 200 },
        "start_time": 1_430_532_303_000_i64, "consumer": { "username": "shop" } });
        3
    ]);
    let events = json!([event("eu-1", "1", "shop", 1), event("eu-1", "2", "shop", 2)]);
    let ways = [
        ("/v1/logs/kong", "application/json", with_ids),
        ("/v1/logs/apisix", "application/json", without),
        ("/v1/usage", BATCH, events),
    ];
    for (path, content_type, body) in ways {
        let mut deaths = 0;
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            for request in 1..=8 {
                let platform = platform().await;
                for rule in ["kong", "apisix"] {
                    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/");
                    let document = std::fs::read_to_string(format!("{folder}{rule}.json")).unwrap();
                    store_rule(&platform, &document).await;
                }
                let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
                let sent = http_event(&Method::POST, path, &headers, body.to_string().as_bytes());
                let ingest = &platform.stack.functions.ingest;
                platform.stack.transport.faults().strike(Target::Any, request..=request, fault);
                let first = ingest.invoke(sent.clone()).await;
                deaths += usize::from(first.map_or(true, |answer| answer["statusCode"] != 200));
                platform.stack.transport.faults().restore();
                for _ in 0..2 {
                    let answer = Answer::of(&ingest.invoke(sent.clone()).await.unwrap());
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
                let told = format!("{path}, {fault:?} at {request}");
                assert_eq!(platform.calls("shop").await, 3, "{told}");
            }
        }
        assert!(deaths > 3, "{path}: {deaths} deaths");
    }
}
