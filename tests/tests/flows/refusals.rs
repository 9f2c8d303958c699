//! What ingest refuses, by name, and what it takes just inside each limit.

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_local_stack::http_event;
use steelyard_tests::{Platform, record, record_of_amount, refused, report};

const API: &str = "taobao.trades.sold.get";
const DAY: &str = "2015-05-01";

/// A platform at noon of the first of May with provider `a`.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T12:00");
    platform.join("a").await;
    platform
}

/// Posts one record beside a good one, and checks the reason for which it is refused; none when it
/// is counted.
async fn check_record(platform: &Platform, id: &str, tested: &Value, reason: Option<&str>) {
    let before = platform.calls("a").await;
    let sent = report(id, &[tested.clone(), record("a", API, DAY, 1)]);
    let answer = platform.post(&sent).await;
    let (status, refusals, gained) = match reason {
        Some(reason) => (422, vec![(0, reason)], 1),
        None => (200, vec![], 1 + tested["count"].as_u64().unwrap()),
    };
    assert_eq!(refused(&answer.body), refusals, "{tested}");
    assert_eq!(answer.status, status, "{tested}: {answer:?}");
    assert_eq!(platform.calls("a").await - before, gained, "{tested}");
}

/// A good record with another value in a field.
fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut record = record("a", API, DAY, 7);
    record[field] = value.into();
    record
}

fn at(at: &str) -> Value {
    json!({ "provider": "a", "api": API, "at": at, "count": 7 })
}

/// Checks records on one platform, each with the reason for which it is refused.
async fn check_refused(refused: &[(Value, &str)]) {
    let platform = platform().await;
    for (n, (tested, reason)) in refused.iter().enumerate() {
        check_record(&platform, &format!("r-{n}"), tested, Some(reason)).await;
    }
    platform.books_balance().await;
}

#[tokio::test]
async fn bad_count_or_amount_is_refused_by_name() {
    let amount = |text: &str| {
        format!("amount `{text}` is not one from 0 to 1000000000 yuan with at most six decimals")
    };
    let not_text = "amount: write yuan as a text such as \"120.50\", since a number may have been rounded on its way";
    let count =
        |text: &str| format!("count: is {text}; must be a whole number from 0 to 1000000000");
    check_refused(&[
        (with("count", -1), &count("the number -1")),
        (with("count", 1.5), &count("the number 1.5")),
        (with("count", 2.0), &count("the number 2.0")),
        (with("count", 1e3), &count("the number 1000.0")),
        (with("count", 1_000_000_000_000_001_u64), &count("the number 1000000000000001")),
        (with("count", u64::MAX), &count("the number 18446744073709551615")),
        (with("count", "7"), &count("the text \"7\"")),
        (with("amount", "-0.01"), &amount("-0.01")),
        (with("amount", "0.0000001"), &amount("0.0000001")),
        (with("amount", "1000000000.01"), &amount("1000000000.01")),
        (with("amount", "1e3"), &amount("1e3")),
        (with("amount", "1_000"), &amount("1_000")),
        (with("amount", "¥5"), &amount("¥5")),
        (with("amount", ""), &amount("")),
        (with("amount", 120.5), not_text),
        (with("amount", 120), not_text),
        (with("amount", json!(["5"])), not_text),
        (record_of_amount("a", API, DAY, 0, "5.00"), "amount 5 without calls: the count is 0"),
    ])
    .await;
}

#[tokio::test]
async fn bad_name_time_or_form_is_refused_by_name() {
    let (long, long_api) = ("x".repeat(65), "x".repeat(129));
    check_refused(&[
        (with("provider", "nobody"), "provider `nobody` is not registered"),
        (with("provider", "a#account"), "provider: an id may not hold '#'"),
        (with("provider", "a\u{0}"), "provider: an id may not hold '\\0'"),
        (with("provider", "a\n"), "provider: an id may not hold '\\n'"),
        (with("provider", "商家"), "provider: an id may not hold '商'"),
        (with("provider", ""), "provider: an id of this kind has 1 to 64 characters, not 0"),
        (
            with("provider", long),
            "provider: an id of this kind has 1 to 64 characters, not 65",
        ),
        (with("api", "a#b"), "api: an API name may not hold '#'"),
        (with("api", "a\u{7f}"), "api: an API name may not hold '\\u{7f}'"),
        (with("api", "a b"), "api: an API name may not hold ' '"),
        (with("api", "接口"), "api: an API name may not hold '接'"),
        (with("api", ""), "api: an API name has 1 to 128 characters, not 0"),
        (with("api", long_api), "api: an API name has 1 to 128 characters, not 129"),
        (with("at", "2015-05-01T00:00:00Z"), "give either `at` or `day`"),
        (json!({ "provider": "a", "api": API, "count": 7 }), "give either `at` or `day`"),
        (at("yesterday"), "at: `yesterday` is not an instant such as 2015-05-17T10:05:03Z"),
        (
            at("2015-05-01T10:00:00"),
            "at: `2015-05-01T10:00:00` is not an instant such as 2015-05-17T10:05:03Z",
        ),
        (at("2015-05-01T04:05:01Z"), "2015-05-01T04:05:01Z is in the future"),
        (with("day", "2015-05-02"), "2015-05-02 is in the future"),
        (
            with("day", "2015-03-31"),
            "2015-03-31 is too late: 2015-03 closed at 2015-04-05T00:00:00+08:00",
        ),
        (
            with("more", 1),
            "not in the form of a record: more: is not a field here; the fields are provider, api, at, day, count, amount, part",
        ),
    ])
    .await;
}

#[tokio::test]
async fn record_just_inside_its_limits_is_counted() {
    let platform = platform().await;
    for (n, tested) in [
        record("a", &"x".repeat(128), DAY, 7),
        record("a", API, "2015-04-30", 7),
        record("a", "biggest", DAY, 1_000_000_000),
        record_of_amount("a", API, DAY, 1, "1000000000"),
        record_of_amount("a", API, DAY, 1, "0.000001"),
        record_of_amount("a", API, DAY, 0, "0.00"),
        at("2015-05-01T04:05:00Z"),
        at("2015-05-01T12:05:00+08:00"),
        at("2015-04-01T00:00:00+08:00"),
    ]
    .iter()
    .enumerate()
    {
        check_record(&platform, &format!("r-{n}"), tested, None).await;
    }
}

#[tokio::test]
async fn five_minutes_before_midnight_tomorrow_may_be_reported() {
    let platform = platform().await;
    let tomorrow = record("a", API, "2015-05-02", 7);
    platform.set("2015-05-01T23:54:59");
    check_record(&platform, "early", &tomorrow, Some("2015-05-02 is in the future")).await;
    platform.set("2015-05-01T23:55");
    check_record(&platform, "in-time", &tomorrow, None).await;
}

#[tokio::test]
async fn month_is_open_until_the_last_second_before_it_closes() {
    let platform = platform().await;
    let april = record("a", API, "2015-04-30", 7);
    platform.set("2015-05-04T23:59:59");
    check_record(&platform, "open", &april, None).await;
    platform.set("2015-05-05T00:00");
    let reason = "2015-04-30 is too late: 2015-04 closed at 2015-05-05T00:00:00+08:00";
    check_record(&platform, "closed", &april, Some(reason)).await;
    platform.books_balance().await;
}

/// Posts a body, and checks status and kind of the problem.
async fn check_body(platform: &Platform, body: &[u8], status: u16, kind: &str) {
    let answer = platform.post_bytes(body).await;
    let told = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
    assert_eq!(answer.status, status, "{told}: {answer:?}");
    assert_eq!(answer.content_type, "application/problem+json", "{told}");
    assert_eq!(answer.body["type"], format!("tag:steelyard,2026:{kind}"), "{told}");
    assert_eq!(answer.body["status"], status, "{told}");
}

/// A report with as many spaces after it as make so many bytes.
fn padded(report: &Value, bytes: usize) -> String {
    let text = report.to_string();
    let spaces = " ".repeat(bytes - text.len());
    text + &spaces
}

#[tokio::test]
async fn bad_report_is_refused_whole() {
    let platform = platform().await;
    let one = || vec![record("a", API, DAY, 1)];
    let with = |field: &str, value: Value| {
        let mut report = report("r", &one());
        report[field] = value;
        report.to_string()
    };
    let records = vec![record("a", API, DAY, 1); 10_001];
    let too_long = padded(&report("r", &one()), 1_000_001);
    for (body, status, kind) in [
        ("".to_owned(), 400, "malformed-request"),
        ("{".to_owned(), 400, "malformed-request"),
        ("[]".to_owned(), 400, "malformed-request"),
        ("商家".to_owned(), 400, "malformed-request"),
        (with("more", json!(1)), 400, "malformed-request"),
        (with("records", json!({})), 400, "malformed-request"),
        (with("source", json!("a#b")), 400, "malformed-request"),
        (with("source", json!("a\u{1b}")), 400, "malformed-request"),
        (with("source", json!("网关")), 400, "malformed-request"),
        (with("source", json!("x".repeat(65))), 400, "malformed-request"),
        (with("source", json!("")), 400, "malformed-request"),
        (with("id", json!("a#b")), 400, "malformed-request"),
        (with("id", json!("x".repeat(129))), 400, "malformed-request"),
        (report("r", &records).to_string(), 413, "too-many-records"),
        (too_long, 413, "body-too-large"),
    ] {
        check_body(&platform, body.as_bytes(), status, kind).await;
    }
    check_body(&platform, b"\xff\xfe", 400, "malformed-request").await;
    assert_eq!(platform.calls("a").await, 0);
}

#[tokio::test]
async fn largest_report_is_counted() {
    let platform = platform().await;
    let records = vec![record("a", API, DAY, 1); 10_000];
    let body = padded(&report("r", &records), 1_000_000);
    let answer = platform.post_bytes(body.as_bytes()).await;
    assert_eq!((answer.status, platform.calls("a").await), (200, 10_000));
}

/// Names of 128 characters that begin differently, as those that take most room.
fn longest_name(n: usize) -> String {
    let spread = u64::try_from(n).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{spread:016x}{}{n:06}", "x".repeat(106))
}

#[tokio::test]
async fn more_apis_of_a_day_than_a_report_may_have_are_refused_and_as_many_are_counted() {
    let platform = platform().await;
    let of_day = |n: usize, day: &str| {
        (0..n).map(|n| record("a", &longest_name(n), day, 2)).collect::<Vec<_>>()
    };
    let mut records = of_day(2_001, DAY);
    records.push(record("a", API, "2015-04-30", 5));
    let answer = platform.post(&report("more", &records)).await;
    let refusals = refused(&answer.body);
    assert_eq!((answer.status, refusals.len()), (422, 2_001));
    assert!(refusals[2_000].1.contains("split the report"), "{refusals:?}");
    assert_eq!(platform.calls("a").await, 5, "the other day counts");
    let answer = platform.post(&report("most", &of_day(2_000, DAY))).await;
    assert_eq!((answer.status, platform.calls("a").await), (200, 4_005));
}

#[tokio::test]
async fn report_of_the_longest_names_and_amounts_fits_in_an_item() {
    let platform = platform().await;
    let sale = |n| record_of_amount("a", &longest_name(n), DAY, 9_999_999, "9999999.999999");
    let answer = platform.post(&report("most", &(0..2_000).map(sale).collect::<Vec<_>>())).await;
    assert_eq!((answer.status, answer.of_provider("a")), (200, "counted"));
    let items = platform.scan("steelyard-usage").await;
    let largest = items.iter().map(|item| item.to_string().len() * 3 / 4).max().unwrap();
    assert!((200_000..350_000).contains(&largest), "{largest} bytes");
    assert_eq!(platform.metered("a").await.calls.get(), 2_000 * 9_999_999);
}

#[tokio::test]
async fn calls_of_a_report_that_are_more_than_can_be_rated_are_refused_from_there_on() {
    let platform = platform().await;
    let most = |n: u64| record("a", &format!("api-{n:03}"), DAY, 1_000_000_000);
    let answer = platform.post(&report("r", &(0..102).map(most).collect::<Vec<_>>())).await;
    let refusals = refused(&answer.body);
    assert_eq!(refusals.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [100, 101]);
    assert!(refusals[0].1.starts_with("too much with what was counted before: "), "{refusals:?}");
    assert_eq!(platform.calls("a").await, 100_000_000_000);
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.charges("a").await.len(), 1, "what was counted can be settled");
}

#[tokio::test]
async fn amounts_of_a_report_that_are_too_much_to_sum_are_refused_from_there_on() {
    let platform = platform().await;
    let most = record_of_amount("a", API, DAY, 1, "1000000000");
    let answer = platform.post(&report("r", &vec![most; 1_001])).await;
    let reason = "too much with what was counted before: the amounts ¥1000000000000.00 and ¥1000000000.00 are together more than ¥1000000000000.00, the most that is counted";
    assert_eq!(refused(&answer.body), [(1_000, reason)]);
    assert_eq!(platform.metered("a").await.to_string(), "1000 calls of ¥1000000000000.00");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let platform = platform().await;
    let body = report("r", &[record("a", API, DAY, 1)]).to_string();
    for (method, path, status, allow) in [
        (Method::GET, "/v1/usage", 405, json!("POST")),
        (Method::PUT, "/v1/usage", 405, json!("POST")),
        (Method::POST, "/v1/usages", 404, Value::Null),
        (Method::POST, "/", 404, Value::Null),
    ] {
        let event = http_event(&method, path, &HeaderMap::new(), body.as_bytes());
        let answer = platform.request(event).await;
        assert_eq!((answer.status, &answer.headers["allow"]), (status, &allow), "{method} {path}");
        assert_eq!(answer.content_type, "application/problem+json");
    }
    assert_eq!(platform.calls("a").await, 0);
}

#[tokio::test]
async fn body_may_come_in_base64() {
    let platform = platform().await;
    let sent = report("r", &[record("a", API, DAY, 7)]);
    let mut event =
        http_event(&Method::POST, "/v1/usage", &HeaderMap::new(), sent.to_string().as_bytes());
    event["body"] = json!(BASE64);
    event["isBase64Encoded"] = json!(true);
    assert_eq!(platform.request(event.clone()).await.of_provider("a"), "counted");
    assert_eq!(platform.post(&sent).await.of_provider("a"), "duplicate");
    event["body"] = json!("not base64!");
    assert_eq!(platform.request(event).await.status, 400);
    assert_eq!(platform.calls("a").await, 7);
}

/// `{"source":"gateway-1","id":"r","records":[{"provider":"a","api":"taobao.trades.sold.get","day":"2015-05-01","count":7}]}`
const BASE64: &str = "eyJzb3VyY2UiOiJnYXRld2F5LTEiLCJpZCI6InIiLCJyZWNvcmRzIjpbeyJwcm92aWRlciI6ImEiLCJhcGkiOiJ0YW9iYW8udHJhZGVzLnNvbGQuZ2V0IiwiZGF5IjoiMjAxNS0wNS0wMSIsImNvdW50Ijo3fV19";
