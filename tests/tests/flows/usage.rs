//! `GET /v1/usage/{provider}`: what a provider used, what of it is charged, and nothing is written.

use std::io::{Read, Write};
use std::net::TcpStream;

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_billing::PlanAssignment;
use steelyard_ingest::VOID_PATH;
use steelyard_local_stack::http_event;
use steelyard_quote::GROUPS_MAX;
use steelyard_tests::{Answer, PLAN, Platform, record, record_of_amount, report};

const BASIC: &str = "taobao.trades.sold.get";
const VAS: &str = "vas.sms.send";

/// Basic and value-added APIs beyond what is free; others have no price.
const NARROW: &str = r#"{ "plan": "narrow", "effective_from": "2015-04-01", "rates": [
    { "rate": "basic", "apis": ["taobao.*"], "free_per_month": 500000,
      "price": { "model": "per_unit", "unit_price": "0.0001" } },
    { "rate": "value_added", "apis": ["vas.*"], "free_per_month": 100000,
      "price": { "model": "per_unit", "unit_price": "0.0003" } } ] }"#;

/// Hands the function the event of a request, by which it must not write.
async fn request(platform: &Platform, method: Method, target: &str) -> Answer {
    let event = http_event(&method, target, &HeaderMap::new(), b"");
    platform.stack.transport.meter().take();
    let answer = platform.stack.functions.quote.invoke(event).await.unwrap();
    assert_eq!(platform.stack.transport.meter().take().writes(), 0, "{target}");
    Answer::of(&answer)
}

async fn sums(platform: &Platform, target: &str) -> Value {
    let answer = request(platform, Method::GET, &format!("/v1/usage/{target}")).await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, "application/json"),
        "{target}"
    );
    answer.body
}

/// The names of groups, each with its calls, those that are charged, and those of its members.
async fn groups(platform: &Platform, query: &str, more: &[&str]) -> Value {
    let sums = sums(platform, &format!("a?{query}")).await;
    let group = |group: &Value| {
        let mut shown = vec![group["name"].clone(), group["calls"].clone()];
        shown.push(group["settled"]["calls"].clone());
        shown.extend(
            more.iter().map(|member| group.pointer(member).unwrap_or(&Value::Null).clone()),
        );
        Value::from(shown)
    };
    sums["groups"].as_array().unwrap().iter().map(group).collect()
}

async fn send(platform: &Platform, source: &str, id: &str, records: &[Value]) {
    let mut report = report(id, records);
    report["source"] = json!(source);
    assert_eq!(platform.post(&report).await.status, 200);
}

/// A platform on the evening of the third of May. The first is settled, and usage of it came late
/// since.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.add_plan(NARROW).await;
    platform.register("a", "narrow").await;
    platform.set("2015-05-01T20:00");
    send(&platform, "east", "1", &[record("a", BASIC, "2015-05-01", 600_000)]).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T20:00");
    let sold = record_of_amount("a", "sales", "2015-05-02", 3, "120.50");
    send(&platform, "east", "2", &[record("a", BASIC, "2015-05-02", 50_000), sold]).await;
    send(&platform, "west", "1", &[record("a", BASIC, "2015-05-01", 100_000)]).await;
    platform.set("2015-05-03T20:00");
    send(&platform, "west", "2", &[record("a", VAS, "2015-05-03", 110_000)]).await;
    platform
}

async fn void(platform: &Platform, source: &str, id: &str) {
    let asked = json!({ "provider": "a", "source": source, "id": id, "reason": "counted twice" });
    let body = asked.to_string();
    let event = http_event(&Method::POST, VOID_PATH, &HeaderMap::new(), body.as_bytes());
    assert_eq!(platform.request(event).await.status, 200);
}

#[tokio::test]
async fn usage_is_summed_by_each_group_across_what_is_settled_and_what_is_new() {
    let platform = platform().await;
    let plan = json!([
        ["sales", 3, 0, null],
        [BASIC, 750_000, 600_000, "basic"],
        [VAS, 110_000, 0, "value_added"]
    ]);
    let rates = groups(&platform, "", &["/rate"]).await;
    assert_eq!(rates, plan);
    let charges = ["/charge/charged_fen", "/charge/coming_fen"];
    assert_eq!(
        groups(&platform, "group_by=rate", &charges).await,
        json!([
            ["(unpriced)", 3, 0, 0, 0],
            ["basic", 750_000, 600_000, 1_000, 1_500],
            ["value_added", 110_000, 0, 0, 300]
        ])
    );
    assert_eq!(
        groups(&platform, "group_by=day", &charges).await,
        json!([
            ["2015-05-01", 700_000, 600_000, 1_000, 0],
            ["2015-05-02", 50_003, 0, 0, 1_500],
            ["2015-05-03", 110_000, 0, 0, 300]
        ])
    );
    assert_eq!(
        groups(&platform, "group_by=source", &["/reports"]).await,
        json!([["east", 650_003, null, 2], ["west", 210_000, null, 2]])
    );
    let whole = sums(&platform, "a").await;
    assert_eq!(whole["groups"][0]["amount"], "120.5");
    let said = ["provider", "from", "to", "group_by", "as_of_s", "settled_through", "charged_fen"];
    assert_eq!(
        json!(said.map(|member| &whole[member])),
        json!(["a", "2015-05-01", "2015-05-03", "api", 1_430_654_400_i64, "2015-05-01", 1_000])
    );
    let coming = json!([
        { "statement": "2015-05-02", "charge_fen": 1_500 },
        { "statement": "2015-05-03", "charge_fen": 300 },
    ]);
    assert_eq!(whole["coming"], coming);

    // The night charges what was shown.
    platform.settle_at("2015-05-04T00:30").await;
    assert_eq!(
        platform.charges("a").await[1..],
        [("2015-05-02".to_owned(), 1_500), ("2015-05-03".to_owned(), 300)]
    );
    let days = groups(&platform, "group_by=day", &charges).await;
    assert_eq!(
        days,
        json!([
            ["2015-05-01", 700_000, 700_000, 1_000, 0],
            ["2015-05-02", 50_003, 50_003, 1_500, 0],
            ["2015-05-03", 110_000, 110_000, 300, 0]
        ])
    );
    platform.books_balance().await;
}

#[tokio::test]
async fn days_that_are_asked_for_are_summed_alone_with_what_came_late_for_them() {
    let platform = platform().await;
    for (query, expected) in [
        ("from=2015-05-01&to=2015-05-01", json!([[BASIC, 700_000, 600_000]])),
        ("from=2015-05-02&to=2015-05-02", json!([["sales", 3, 0], [BASIC, 50_000, 0]])),
        ("from=2015-05-03", json!([[VAS, 110_000, 0]])),
        ("from=2015-05-04&to=2015-05-04", json!([])),
        ("to=2015-04-30", json!([])),
    ] {
        assert_eq!(groups(&platform, query, &[]).await, expected, "{query}");
    }
    // The statement of the third charges late usage of the first, whose day has it.
    platform.settle_at("2015-05-04T00:30").await;
    let first = groups(&platform, "from=2015-05-01&to=2015-05-01", &[]).await;
    assert_eq!(first, json!([[BASIC, 700_000, 700_000]]));
    for by in ["api", "rate", "day", "source"] {
        let sums = sums(&platform, &format!("a?group_by={by}")).await;
        let groups = sums["groups"].as_array().unwrap().iter();
        let calls: u64 = groups.map(|group| group["calls"].as_u64().unwrap()).sum();
        assert_eq!(calls, platform.calls("a").await, "{by}");
    }
}

#[tokio::test]
async fn report_that_is_withdrawn_counts_no_more_and_is_settled_until_the_night_credits_it() {
    let platform = platform().await;
    void(&platform, "east", "1").await;
    void(&platform, "west", "2").await;
    let basic = groups(&platform, "group_by=rate", &["/charge/coming_fen"]).await;
    let withdrawn = json!([["(unpriced)", 3, 0, 0], ["basic", 150_000, 600_000, -1_000]]);
    assert_eq!(basic, withdrawn);
    let east = groups(&platform, "group_by=source", &["/reports"]).await;
    assert_eq!(east, json!([["east", 50_003, null, 1], ["west", 100_000, null, 1]]));
    platform.settle_at("2015-05-04T00:30").await;
    let credited = groups(&platform, "group_by=rate", &["/charge/charged_fen"]).await;
    assert_eq!(credited, json!([["(unpriced)", 3, 3, 0], ["basic", 150_000, 150_000, 0]]));
}

#[tokio::test]
async fn sums_span_months_and_outlive_the_reports() {
    let platform = Platform::open_keeping(90).await;
    platform.join("a").await;
    for (evening, day, calls) in [
        ("2015-05-01T20:00", "2015-04-30", 510_000),
        ("2015-05-31T20:00", "2015-05-31", 520_000),
        ("2015-06-01T20:00", "2015-06-01", 530_000),
    ] {
        platform.set(evening);
        platform.count("a", BASIC, day, calls).await;
    }
    let charges = ["/charge/charged_fen", "/charge/coming_fen"];
    let query = "from=2015-04-30&to=2015-06-30&group_by=day";
    let live = groups(&platform, query, &charges).await;
    assert_eq!(
        live,
        json!([
            ["2015-04-30", 510_000, 0, 0, 100],
            ["2015-05-31", 520_000, 0, 0, 200],
            ["2015-06-01", 530_000, 0, 0, 300]
        ])
    );
    for night in ["2015-06-02T00:30", "2015-06-05T01:00", "2015-06-06T00:30", "2015-06-07T00:30"] {
        platform.settle_at(night).await;
    }
    platform.set("2015-09-26T00:01");
    for item in platform.scan("steelyard-usage").await {
        let sk = item["sk"]["S"].as_str().unwrap();
        if sk.starts_with("day#2015-04") || sk.starts_with("day#2015-05") {
            platform.delete_item_from("steelyard-usage", &item).await;
        }
    }
    let settled = groups(&platform, query, &charges).await;
    assert_eq!(
        settled,
        json!([
            ["2015-04-30", 510_000, 510_000, 100, 0],
            ["2015-05-31", 520_000, 520_000, 200, 0],
            ["2015-06-01", 530_000, 530_000, 300, 0]
        ])
    );
    // By source, only the reports themselves have the sums, and the answer says from which day on
    // they do.
    let sources = sums(&platform, "a?from=2015-04-30&to=2015-06-30&group_by=source").await;
    assert_eq!(sources["reports_from"], "2015-06-01");
    assert_eq!(sources["groups"][0]["calls"], 530_000);
    let june = sums(&platform, "a?from=2015-06-01&to=2015-06-30&group_by=source").await;
    assert_eq!(june.get("reports_from"), None);
}

/// A fen a call, and ¥50.00 a month at least.
const LEAST: &str = r#"{ "plan": "least", "effective_from": "2015-04-01", "minimum": "50", "rates": [
    { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

#[tokio::test]
async fn each_day_has_the_rates_of_its_own_plan() {
    let platform = platform().await;
    platform.add_plan(LEAST).await;
    let least =
        PlanAssignment { from: "2015-05-03".parse().unwrap(), plan: "least".parse().unwrap() };
    platform.change("a", |provider| provider.plans.push(least.clone())).await;
    platform.count("a", BASIC, "2015-05-03", 5).await;
    let rates = json!([
        ["sales", 3, 0, null],
        [BASIC, 5, 0, "all"],
        [BASIC, 750_000, 600_000, "basic"],
        [VAS, 110_000, 0, "all"]
    ]);
    assert_eq!(groups(&platform, "", &["/rate"]).await, rates);
    platform.set("2015-05-31T20:00");
    let charges = ["/charge/charged_fen", "/charge/coming_fen"];
    let live = groups(&platform, "group_by=rate", &charges).await;
    let [first, .., basic] = live.as_array().unwrap().as_slice() else { panic!("{live}") };
    assert_eq!(first[0], "(unpriced)");
    // The two days of the first plan have 2 ∕ 31 of its allowance, 32,259 calls.
    assert_eq!(basic, &json!(["basic", 750_000, 600_000, 1_000, 6_177]));
    platform.settle_at("2015-06-01T00:30").await;
    let may = "from=2015-05-01&to=2015-05-31&group_by=rate";
    let settled = groups(&platform, may, &charges).await;
    let charged: i64 =
        settled.as_array().unwrap().iter().map(|group| group[3].as_i64().unwrap()).sum();
    let statements: i64 = platform.charges("a").await.iter().map(|(_, fen)| fen).sum();
    assert_eq!(charged, statements, "{settled}");
    assert_eq!(sums(&platform, &format!("a?{may}")).await["charged_fen"], statements);
}

#[tokio::test]
async fn plan_s_minimum_is_a_group_of_its_own() {
    let platform = Platform::open().await;
    platform.add_plan(LEAST).await;
    platform.register("a", "least").await;
    platform.set("2015-05-31T20:00");
    platform.count("a", BASIC, "2015-05-31", 100).await;
    let charges = ["/charge/charged_fen", "/charge/coming_fen"];
    let by_rate = groups(&platform, "group_by=rate", &charges).await;
    assert_eq!(by_rate, json!([["(plan)", 0, 0, 0, 4_900], ["all", 100, 0, 0, 100]]));
}

/// Calls at ¥0.01 each, charged with the last day of the month.
const AT_MONTH_END: &str = r#"{ "plan": "at-end", "effective_from": "2015-04-01", "rates": [
    { "rate": "all", "apis": ["*"], "charged": "at_month_end",
      "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

#[tokio::test]
async fn what_is_charged_at_the_end_of_the_month_is_told_until_then() {
    let platform = Platform::open().await;
    platform.add_plan(AT_MONTH_END).await;
    platform.register("a", "at-end").await;
    for (day, evening, next) in [
        ("2015-05-10", "2015-05-10T20:00", "2015-05-11T00:30"),
        ("2015-05-11", "2015-05-11T20:00", "2015-05-11T21:00"),
    ] {
        platform.set(evening);
        platform.count("a", BASIC, day, 100).await;
        platform.settle_at(next).await;
    }
    let told = async |query: &str| {
        let sums = sums(&platform, &format!("a?{query}")).await;
        let coming = sums["coming"].as_array().unwrap().iter();
        let coming = coming.map(|coming| coming["charge_fen"].as_i64().unwrap()).sum::<i64>();
        (coming, sums["at_month_end_fen"].as_i64().unwrap())
    };
    assert_eq!(told("").await, (0, 200));
    assert_eq!(told("from=2015-04-01&to=2015-05-01").await, (0, 200));
    assert_eq!(told("from=2015-04-01&to=2015-04-30").await, (0, 0));
    platform.run_until("2015-05-31T20:00").await;
    platform.count("a", BASIC, "2015-05-31", 1).await;
    assert_eq!(told("").await, (201, 0));
}

#[tokio::test]
async fn provider_that_cannot_be_priced_or_read_is_refused_by_name() {
    let platform = platform().await;
    let report = platform
        .scan("steelyard-usage")
        .await
        .into_iter()
        .find(|item| item["sk"]["S"].as_str().unwrap().starts_with("day#2015-05-03"));
    let whole = report.unwrap();
    let mut newer = whole.clone();
    newer["format"] = json!({ "N": "99" });
    platform.put_item_into("steelyard-usage", &newer).await;
    let answer = request(&platform, Method::GET, "/v1/usage/a").await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &json!("5")));
    platform.put_item_into("steelyard-usage", &whole).await;
    let mut plan = platform
        .items("plans")
        .await
        .into_iter()
        .find(|item| item["sk"]["S"].as_str().unwrap().starts_with("narrow#"));
    let plan = plan.as_mut().unwrap();
    plan["format"] = json!({ "N": "99" });
    platform.put_item(plan).await;
    let answer = request(&platform, Method::GET, "/v1/usage/a").await;
    assert_eq!(
        (answer.status, &answer.body["type"]),
        (422, &json!("tag:steelyard,2026:cannot-price"))
    );
    let told = answer.body["detail"].as_str().unwrap();
    assert!(
        told.contains("a is on plan narrow, whose version of 2015-04-01 cannot be read"),
        "{told}"
    );
}

#[tokio::test]
async fn many_apis_come_in_several_answers_each_of_them_once() {
    let platform = Platform::open_listing(10_000).await;
    platform.join("a").await;
    platform.set("2015-05-01T20:00");
    let apis: Vec<String> = (0..6_000).map(|number| format!("taobao.api{number:05}")).collect();
    for (number, apis) in apis.chunks(2_000).enumerate() {
        let records: Vec<_> = apis.iter().map(|api| record("a", api, "2015-05-01", 1)).collect();
        send(&platform, "east", &number.to_string(), &records).await;
    }
    platform.settle_at("2015-05-02T00:30").await;
    let (mut found, mut target, mut answers) = (Vec::new(), "a?from=2015-05-01".to_owned(), 0);
    loop {
        let sums = sums(&platform, &target).await;
        let groups = sums["groups"].as_array().unwrap();
        assert!(groups.len() <= GROUPS_MAX);
        found.extend(groups.iter().map(|group| group["name"].as_str().unwrap().to_owned()));
        answers += 1;
        let Some(next) = sums["next"].as_str() else { break };
        target = format!("a?from=2015-05-01&after={next}");
    }
    assert_eq!((answers, found), (2, apis));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_place() {
    let platform = platform().await;
    for (target, detail) in [
        ("a?from=2015-05-04&to=2015-05-03", "`from` 2015-05-04 is after `to` 2015-05-03"),
        ("a?from=2015-05-04", "`from` 2015-05-04 is after `to` 2015-05-03"),
        ("a?from=2015-02-01&to=2015-05-05", "2015-02-01 to 2015-05-05 are more than 93 days"),
        ("a?from=2015-02-30", "`from` is `2015-02-30`"),
        ("a?to=today", "`to` is `today`"),
        ("a?to=", "`to` is ``"),
        ("a?group_by=report", "one of `api`, `rate`, `day` and `source`"),
        ("a?group_by=API", "one of `api`, `rate`, `day` and `source`"),
        ("a?group_by=day&group_by=api", "`group_by` is given twice"),
        ("a?days=3", "there is no parameter `days`"),
        ("a?%66rom=2015-05-02&from=2015-05-01", "`from` is given twice"),
        ("a%20b", "an id may not hold ' '"),
        ("%FF", "an id may not hold"),
        ("a%2Fb", "an id may not hold '/'"),
        ("%2561", "an id may not hold '%'"),
        ("", "1 to 64 characters"),
    ] {
        let answer = request(&platform, Method::GET, &format!("/v1/usage/{target}")).await;
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (400, "application/problem+json")
        );
        assert_eq!(answer.body["type"], "tag:steelyard,2026:malformed-request", "{target}");
        let told = answer.body["detail"].as_str().unwrap();
        assert!(told.contains(detail), "{target}: {told}");
    }
    let longest = sums(&platform, "a?from=2015-02-01&to=2015-05-04&group_by=source").await;
    assert_eq!(longest["groups"][0]["calls"], 650_003, "93 days");
    let unknown = request(&platform, Method::GET, "/v1/usage/nobody").await;
    assert_eq!(
        (unknown.status, &unknown.body["type"]),
        (404, &json!("tag:steelyard,2026:no-provider"))
    );
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let refused = request(&platform, method, "/v1/usage/a").await;
        assert_eq!((refused.status, &refused.headers["allow"]), (405, &json!("GET")));
    }
}

#[tokio::test]
async fn usage_is_served_over_http_for_any_id() {
    let platform = platform().await;
    // The withdrawal of reports has a path below the same.
    platform.register("void", PLAN).await;
    platform.register("shop@mall:1", PLAN).await;
    platform.count("void", BASIC, "2015-05-03", 7).await;
    for (target, status, part) in [
        ("/v1/usage/a?group_by=day", "200 OK", r#""calls":700000"#),
        ("/v1/usage/%61?group_by=day", "200 OK", r#""calls":700000"#),
        ("/v1/usage/void", "200 OK", r#""calls":7"#),
        ("/v1/usage/shop%40mall%3A1", "200 OK", r#""provider":"shop@mall:1""#),
        ("/v1/usage/shop@mall:1", "200 OK", r#""groups":[]"#),
        ("/v1/usage/a/b", "404 Not Found", "nothing is at"),
        ("/v1/usage/a%2Fb", "400 Bad Request", "malformed-request"),
        ("/v1/usage/..%2fvoid", "400 Bad Request", "malformed-request"),
    ] {
        let answer = get(&platform, target).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{target}: {answer}");
        assert!(answer.contains(part), "{target}: {answer}");
    }
}

/// The whole answer to a request over HTTP.
async fn get(platform: &Platform, target: &'static str) -> String {
    let address = platform.stack.address;
    let exchange = move || {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    tokio::task::spawn_blocking(exchange).await.unwrap().unwrap()
}
