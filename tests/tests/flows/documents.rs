//! Documents of others, at every route and every queue: what two readers could understand
//! differently is refused by its path, and nothing is done by it.

use std::io::Write;

use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, Method};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use steelyard_ingest::USAGE_PATH;
use steelyard_local_aws::LocalFunction;
use steelyard_local_stack::http_event;
use steelyard_offers::{MANDATES_PATH, RECHARGES_PATH};
use steelyard_quote::QUOTES_PATH;
use steelyard_tests::{Answer, PLAN, Platform, record, report};

const API: &str = "taobao.trades.sold.get";
const DAY: &str = "2015-05-01";

/// A way in for requests, with a good one.
struct Route<'a> {
    path: &'static str,
    function: &'a LocalFunction,
    good: String,
    /// The status of the answer to the good one.
    status: u16,
    /// The largest body, in bytes.
    max: usize,
}

async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform
}

fn routes(platform: &Platform) -> [Route<'_>; 4] {
    let functions = &platform.stack.functions;
    let route = |path, function, good: Value, status, max| Route {
        path,
        function,
        good: good.to_string(),
        status,
        max,
    };
    let usage = report("r", &[record("a", API, DAY, 7)]);
    let quote = json!({ "plan": PLAN, "usage": { API: 7 } });
    let recharge = json!({ "provider": "a", "amount": "100.00" });
    [
        route(USAGE_PATH, &functions.ingest, usage, 200, 1_000_000),
        route(QUOTES_PATH, &functions.quote, quote, 200, 200_000),
        route(RECHARGES_PATH, &functions.offers, recharge, 201, 65_536),
        route(MANDATES_PATH, &functions.offers, json!({ "provider": "a" }), 201, 65_536),
    ]
}

async fn posted(route: &Route<'_>, body: &[u8]) -> Answer {
    posted_as(route, None, body).await
}

/// Posts a body under a `Content-Encoding`.
async fn posted_as(route: &Route<'_>, encoding: Option<&str>, body: &[u8]) -> Answer {
    let mut headers = HeaderMap::new();
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
    }
    let event = http_event(&Method::POST, route.path, &headers, body);
    Answer::of(&route.function.invoke(event).await.unwrap())
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(body).unwrap();
    packer.finish().unwrap()
}

/// Checks that a body is refused with this problem and this detail, and that nothing is written.
async fn check_refused(
    platform: &Platform,
    route: &Route<'_>,
    body: &[u8],
    (status, kind): (u16, &str),
    detail: &str,
) {
    platform.stack.transport.meter().take();
    let answer = posted(route, body).await;
    let told = format!("{} {:.60}: {answer:?}", route.path, String::from_utf8_lossy(body));
    assert_eq!(answer.status, status, "{told}");
    assert_eq!(answer.body["type"], format!("tag:steelyard,2026:{kind}"), "{told}");
    assert!(answer.body["detail"].as_str().unwrap().contains(detail), "{told}");
    assert_eq!(platform.stack.transport.meter().take().writes(), 0, "{told}");
}

/// The first field of an object as it is written, such as `"provider":"a"`.
fn first_field(object: &str) -> (String, String) {
    let value: Value = serde_json::from_str(object).unwrap();
    let (name, value) = value.as_object().unwrap().iter().next().unwrap();
    (name.clone(), format!("\"{name}\":{value}"))
}

/// The values of an object as a list.
fn positional(object: &str) -> String {
    let value: Value = serde_json::from_str(object).unwrap();
    Value::from(value.as_object().unwrap().values().cloned().collect::<Vec<_>>()).to_string()
}

/// A list in place of each object in a document, its own included.
fn positional_within(value: &Value) -> Value {
    match value {
        Value::Object(object) => object.values().map(positional_within).collect(),
        Value::Array(list) => list.iter().map(positional_within).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[tokio::test]
async fn every_route_refuses_what_two_readers_could_understand_differently() {
    let platform = platform().await;
    for route in routes(&platform) {
        let good = &route.good;
        let (name, field) = first_field(good);
        let malformed = (400, "malformed-request");
        let with = |more: &str| good.replacen('{', &format!("{{{more},"), 1);
        let nested =
            serde_json::to_string(&positional_within(&serde_json::from_str(good).unwrap()));
        let texts = [
            (with(&field), format!("{name}: is given twice")),
            (with("\"more\":1,\"more\":1"), "more: is ".to_owned()),
            (with("\"more\":1"), "more: is not a field here".to_owned()),
            (positional(good), "is a list; must be an object".to_owned()),
            (nested.unwrap(), "is a list; must be an object".to_owned()),
            (good.replacen(&field, &format!("\"{name}\":null"), 1), format!("{name}: is null")),
            (format!("{good} {good}"), "something follows the document".to_owned()),
            (format!("{good}\u{feff}"), "something follows the document".to_owned()),
            ("null".to_owned(), "is null".to_owned()),
            (String::new(), "the document ends too early".to_owned()),
            ("[".repeat(100_000.min(route.max)), "recursion limit".to_owned()),
        ];
        for (text, detail) in texts {
            check_refused(&platform, &route, text.as_bytes(), malformed, &detail).await;
        }
        for bytes in [
            b"\xff\xfe{\0}\0".to_vec(),
            good.replacen(&name, "\u{0}", 1).replace('\u{0}', "\u{fffd}").into_bytes().split_off(3),
            [good.as_bytes(), b"\xe9"].concat(),
        ] {
            check_refused(&platform, &route, &bytes, malformed, "").await;
        }
        let large = format!("{good}{}", " ".repeat(route.max + 1 - good.len()));
        let too_large = (413, "body-too-large");
        check_refused(&platform, &route, large.as_bytes(), too_large, &route.max.to_string()).await;
        let large = [&large.as_bytes()[1..], b"\xff\xff"].concat();
        check_refused(&platform, &route, &large, too_large, &route.max.to_string()).await;
    }
    assert_eq!((platform.calls("a").await, platform.account("a").await), (0, [0, 0, 0]));
}

#[tokio::test]
async fn byte_order_mark_and_a_body_as_large_as_it_may_be_are_taken() {
    for at in 0..4 {
        let platform = platform().await;
        let route = &routes(&platform)[at];
        let spaces = " ".repeat(route.max - route.good.len() - 3);
        let body = format!("\u{feff}{}{spaces}", route.good);
        let answer = posted(route, body.as_bytes()).await;
        assert_eq!(answer.status, route.status, "{} {answer:?}", route.path);
    }
}

#[tokio::test]
async fn packed_body_is_unpacked_within_the_bound_of_its_size() {
    for at in 0..4 {
        let platform = platform().await;
        let route = &routes(&platform)[at];
        let good = route.good.as_bytes();
        let spaces = |more: usize| vec![b' '; route.max - good.len() + more];
        let largest = [good, &spaces(0)].concat();
        let too_large = packed(&[good, &spaces(1)].concat());
        let cut = &packed(good)[..20];
        let unlike = packed(br#"{"more":1}"#);
        for (encoding, body, status, kind) in [
            ("gzip", &too_large[..], 413, "body-too-large"),
            ("gzip", cut, 400, "malformed-request"),
            ("gzip", good, 400, "malformed-request"),
            ("gzip", &unlike, 400, "malformed-request"),
            ("br", good, 415, "unsupported-encoding"),
            ("gzip, gzip", &packed(&packed(good)), 415, "unsupported-encoding"),
        ] {
            let answer = posted_as(route, Some(encoding), body).await;
            let told = format!("{} {encoding} {answer:?}", route.path);
            assert_eq!(answer.status, status, "{told}");
            assert_eq!(answer.body["type"], format!("tag:steelyard,2026:{kind}"), "{told}");
        }
        let answer = posted_as(route, Some("GZIP"), &packed(&largest)).await;
        assert_eq!(answer.status, route.status, "{} {answer:?}", route.path);
    }
}

#[tokio::test]
async fn count_that_is_given_twice_counts_nothing_whichever_way_it_comes() {
    let platform = platform().await;
    let twice = report("r", &[record("a", API, DAY, 1), record("a", "other", DAY, 5)])
        .to_string()
        .replacen("\"count\":1", "\"count\":1,\"count\":1000000", 1);
    let answer = platform.post_bytes(twice.as_bytes()).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    let refused = &answer.body["refused"][0];
    let why = "not in the form of a record: count: is given twice; give it once";
    assert_eq!((&refused["index"], &refused["reason"]), (&json!(0), &json!(why)), "{answer:?}");
    // The other record of the report counts.
    assert_eq!(platform.calls("a").await, 5);

    let other = twice.replace("\"id\":\"r\"", "\"id\":\"s\"");
    platform.stack.send_report("local", &other).await.unwrap();
    platform.stack.drain().await.unwrap();
    assert_eq!(platform.calls("a").await, 10);
    let listed = twice.replacen("{\"source", "[{\"source", 1) + "]";
    platform.stack.send_report("local", &listed).await.unwrap();
    platform.stack.drain().await.unwrap();
    assert_eq!(platform.calls("a").await, 10);
}

/// Hands a function one message; whether it is taken.
async fn takes(function: &LocalFunction, body: &str) -> bool {
    let event = json!({ "Records": [
        { "messageId": "1", "eventSource": "aws:sqs", "body": body }
    ] });
    let answer = function.invoke(event).await.unwrap();
    answer["batchItemFailures"] == json!([])
}

#[tokio::test]
async fn every_queue_refuses_what_two_readers_could_understand_differently() {
    let platform = platform().await;
    let functions = &platform.stack.functions;
    platform.open_recharge("a", "20.00", "code").await;
    let usage = report("r", &[record("a", API, DAY, 7)]).to_string();
    for (function, good) in [
        (&functions.ingest, usage.as_str()),
        (&functions.settle, r#"{"run":1,"provider":"a"}"#),
        (&functions.settle, r#"{"run":1,"shard":0}"#),
        (&functions.debit, r#"{"provider":"a","task":{"recharge":1}}"#),
        (&functions.reconcile, r#"{"days":[]}"#),
        (&functions.reconcile, r#"{"day":"2015-04-30","run":"none","part":3}"#),
    ] {
        let (_, field) = first_field(good);
        for bad in [
            good.replacen('{', &format!("{{{field},"), 1),
            good.replacen('{', "{\"more\":1,", 1),
            positional(good),
            format!("[{good}]"),
            String::new(),
        ] {
            assert!(!takes(function, &bad).await, "{bad}");
        }
        assert!(takes(function, good).await, "{good}");
        assert!(takes(function, &format!("\u{feff}{good}")).await, "{good}");
    }
}
