//! Rules as documents, and what gateways post by them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;
use std::path::Path;

use expect_test::{Expect, expect, expect_file};
use serde_json::{Value, json};
use steelyard_billing::Calendar;
use steelyard_import::{Batch, Input, Rule, RuleDocument, Trial};
use steelyard_pricing::schema_of;

const KONG: &str = include_str!("../../../rules/kong.json");
const APISIX: &str = include_str!("../../../rules/apisix.json");
const ENVOY: &str = include_str!("../../../rules/envoy.json");
const API_GATEWAY: &str = include_str!("../../../rules/apigateway.json");
const CLOUDFRONT: &str = include_str!("../../../rules/cloudfront-json.json");

fn shanghai() -> Calendar {
    Calendar::new("Asia/Shanghai", 5).unwrap()
}

fn check_faults(document: &Value, said: &Expect) {
    said.assert_eq(&Rule::read(&document.to_string()).unwrap_err().to_string());
}

#[test]
fn a_rule_names_all_that_is_wrong_with_it() {
    check_faults(&json!({}), &expect!["rule: is missing, and must be given"]);
    check_faults(
        &json!({ "rule": "r", "hops": 1 }),
        &expect![
            "hops: is not a field here; the fields are rule, caller, trusted_hops, callers, provider_prefix, api, segments, ignore_case, api_prefix, status, methods, fields, combined, objects, window_s"
        ],
    );
    check_faults(
        &json!({ "rule": "r", "caller": "agent" }),
        &expect!["caller: give `host`, `domain`, `user`, `query:NAME` or `extra:N` with N from 1"],
    );
    check_faults(
        &json!({
            "rule": "r", "caller": "user", "trusted_hops": 1, "callers": { "": "shop" },
            "provider_prefix": "#", "api_prefix": "*", "window_s": 0, "fields": { "provider": "a", "api": "b" },
        }),
        &expect![
            "trusted_hops: --trusted-hops is for --caller host and --caller extra:N, not for user; callers: there is no caller; provider_prefix: give either callers or provider_prefix; provider_prefix: an id may not hold '#'; api_prefix: an API name may not hold '*'; window_s: must be 1 to 3600 seconds; fields: give either at or day"
        ],
    );
    let large = json!({ "rule": "r", "api_prefix": "x".repeat(300_000) });
    check_faults(&large, &expect!["the rule has 300028 bytes; 300000 are the most"]);
}

#[test]
fn a_document_that_says_little_is_written_as_it_was_read() {
    const OTHER: &str = r#"{ "rule": "r", "segments": 2, "callers": { "a*": "b" } }"#;
    for text in [KONG, APISIX, ENVOY, API_GATEWAY, CLOUDFRONT, OTHER] {
        let document = RuleDocument::read(text).unwrap();
        Rule::try_from(&document).unwrap();
        let written = serde_json::to_value(&document).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(text).unwrap());
    }
    let nothing = RuleDocument::new("r".parse().unwrap());
    assert_eq!(Rule::try_from(&nothing).unwrap(), Rule::default());
    assert_eq!(RuleDocument::read(r#"{ "rule": "r" }"#).unwrap(), nothing);
}

#[test]
fn the_published_schema_is_that_of_the_type_and_accepts_the_rules_that_ship() {
    let schema = schema_of::<RuleDocument>();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/rule.schema.json");
    expect_file![path].assert_eq(&format!("{schema:#}\n"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for rule in [KONG, APISIX, ENVOY, API_GATEWAY, CLOUDFRONT] {
        assert!(validator.is_valid(&serde_json::from_str(rule).unwrap()), "{rule}");
    }
    for other in [json!({}), json!({ "rule": "r", "segments": 0 }), json!({ "rule": "r", "x": 1 })]
    {
        assert!(!validator.is_valid(&other), "{other}");
    }
}

/// What a post says, in short: each count, and how many lines there are of each kind.
fn told(rule: &str, post: &str) -> String {
    let batch = Batch::of_post(post.as_bytes(), &Rule::read(rule).unwrap(), &shanghai()).unwrap();
    let mut told = String::new();
    for line in &batch.identified {
        let (record, id) = (&line.record, &line.id);
        told +=
            &format!("{id}: {} {} {} {}\n", record.provider, record.api, record.day, record.count);
    }
    for record in &batch.days {
        told += &format!("{} {} {} {}\n", record.provider, record.api, record.day, record.count);
    }
    for bad in &batch.bad {
        told += &format!("line {}: {}\n", bad.line, bad.why);
    }
    let (blank, free) = (batch.blank, batch.not_billable.count);
    told + &format!("{} billable, {free} free, {blank} blank\n", batch.billable)
}

fn kong(id: &str, uri: &str, status: u16) -> Value {
    json!({
        "request": { "id": id, "uri": uri, "method": "GET", "headers": { "host": "api.example" } },
        "response": { "status": status }, "started_at": 1_431_878_400_000_i64,
        "consumer": { "username": "shop", "id": "4d9b" }, "latencies": { "request": 12 },
    })
}

#[test]
fn what_gateways_post_is_read_entry_by_entry() {
    let [first, second] = [kong("c6af", "/trades/7?a=b", 200), kong("c6b0", "/%74rades", 404)];
    let whole = "line-c6af: shop trades 2015-05-18 1\n1 billable, 1 free, 0 blank\n";
    assert_eq!(told(KONG, &json!([first, second]).to_string()), whole);
    assert_eq!(told(KONG, &format!("\u{feff}{}", json!([first, second]))), whole);
    assert_eq!(told(KONG, &format!("{first}\n{second}")), whole);
    let alone = "line-c6af: shop trades 2015-05-18 1\n1 billable, 0 free, 0 blank\n";
    assert_eq!(told(KONG, &first.to_string()), alone);
    assert_eq!(told(KONG, &format!("{first:#}")), alone);
    assert_eq!(told(KONG, &format!("\u{feff}{first}\r\n\r\n")), alone);
    // A caller that nobody knows was refused by the gateway, and has no name.
    let mut nobody = kong("c6b1", "/trades", 401);
    nobody.as_object_mut().unwrap().remove("consumer");
    assert_eq!(told(KONG, &json!([nobody]).to_string()), "0 billable, 1 free, 0 blank\n");
    // Equal entries of a post are several calls.
    let apisix = json!({
        "request": { "uri": "/trades/1", "method": "GET" }, "response": { "status": 200 },
        "start_time": 1_431_878_400_000_i64, "consumer": { "username": "shop" },
    });
    let told = told(APISIX, &json!([apisix, apisix, {}, 7, "x"]).to_string());
    expect![[r#"
        shop trades 2015-05-18 2
        line 3: field `request.method`: is absent
        line 4: no request in quotation marks: not a whole line of the Common or Combined Log Format
        line 5: no request in quotation marks: not a whole line of the Common or Combined Log Format
        2 billable, 0 free, 0 blank
    "#]]
    .assert_eq(&told);
}

#[test]
fn logs_of_aws_in_json_are_read_by_the_rules_that_ship() {
    // The documented format for REST APIs.
    let entry = |id: &str, caller: &str, status: &str| {
        json!({
            "requestId": "chosen-by-a-client", "extendedRequestId": id, "ip": "192.0.2.7", "caller": caller,
            "user": "-", "requestTime": "17/May/2015:16:00:00 +0000", "httpMethod": "GET",
            "resourcePath": "/trades/{id}", "status": status, "protocol": "HTTP/1.1", "responseLength": "5",
        })
        .to_string()
    };
    let post = [entry("Kx=", "AROA1", "200"), entry("Ky=", "-", "200"), entry("Kz=", "-", "403")]
        .join("\n");
    expect![[r#"
        hash-7497ed34c75a22ca7792afdfea9f269790702dfc4ec258a7f444e3aa9582a0bf: AROA1 trades 2015-05-18 1
        line 2: field `caller`: is absent
        1 billable, 1 free, 0 blank
    "#]]
    .assert_eq(&told(API_GATEWAY, &post));
    let line = |id: &str, stem: &str, status: &str| {
        json!({
            "timestamp(ms)": "1431878400000", "c-ip": "192.0.2.7", "cs-method": "GET", "cs-uri-stem": stem,
            "cs-uri-query": "-", "sc-status": status, "x-edge-request-id": id,
        })
        .to_string()
    };
    // What clients sent as /vas%2esms and as /vas%252esms.
    let first = line("SOX4", "/vas%252esms/7", "200");
    let post = [first, line("SOX5", "/vas%25252esms", "200"), line("SOX6", "/a", "000")];
    expect![[r#"
        line-SOX4: 192.0.2.7 vas.sms 2015-05-18 1
        line-SOX5: 192.0.2.7 vas%252esms 2015-05-18 1
        2 billable, 1 free, 0 blank
    "#]]
    .assert_eq(&told(CLOUDFRONT, &post.join("\n")));
}

#[test]
fn posts_that_are_none_are_refused_whole() {
    for post in ["[", "[{}", "[{}] x"] {
        assert!(Batch::of_post(post.as_bytes(), &Rule::default(), &shanghai()).is_err(), "{post}");
    }
    assert_eq!(told(KONG, ""), "0 billable, 0 free, 1 blank\n");
}

#[test]
fn trial_counts_what_an_import_would_and_counts_nothing() {
    let line = |minute: u32, path: &str, status: u16| {
        format!(
            "10.0.0.1 - - [17/May/2015:10:{minute:02}:03 +0000] \"GET {path} HTTP/1.1\" {status} 5\n"
        )
    };
    let log = line(1, "/a/1", 200)
        + &line(1, "/a/1", 200)
        + &line(2, "/b", 200)
        + &line(3, "/b", 500)
        + "bad\n";
    let try_of = |text: String, rule: &str| {
        let input = Input::new(Cursor::new(text.into_bytes()), None).unwrap();
        let trial = Trial::of(input, &Rule::read(rule).unwrap(), &shanghai()).unwrap();
        let counts =
            trial.counts.iter().map(|r| (r.api.to_string(), r.count.get())).collect::<Vec<_>>();
        (counts, trial.summary.lines, trial.summary.refused_lines())
    };
    let named = |api: &str, calls| (api.to_owned(), calls);
    assert_eq!(try_of(log, r#"{ "rule": "r" }"#), (vec![named("a", 2), named("b", 1)], 5, 1));
    let post = json!([kong("1", "/a", 200), kong("2", "/a", 200)]).to_string();
    assert_eq!(try_of(format!(" \n{post}"), KONG), (vec![named("a", 2)], 2, 0));
}
