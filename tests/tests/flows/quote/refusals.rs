//! What is refused, each with its status, its problem type and what is wrong.

use axum::http::Method;
use serde_json::{Value, json};
use steelyard_quote::{QUOTES_PATH, REQUEST_BYTES_MAX};
use steelyard_tests::{PLAN, Platform};

use super::{platform, request};

/// Sends a request, and checks how it is refused.
async fn check_refused(
    platform: &Platform,
    asked: (Method, &str, &[u8]),
    status: u16,
    kind: &str,
    details: &[&str],
) {
    let (method, path, body) = asked;
    let answer = request(platform, method, path, body).await;
    let text = String::from_utf8_lossy(body);
    assert_eq!(answer.status, status, "{text:.80}: {answer:?}");
    assert_eq!(answer.content_type, "application/problem+json");
    assert_eq!(answer.body["status"], status);
    assert_eq!(answer.body["type"], format!("tag:steelyard,2026:{kind}"), "{text:.80}");
    let detail = answer.body["detail"].as_str().unwrap();
    for part in details {
        assert!(detail.contains(part), "`{part}` in: {detail}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let platform = platform().await;
    let good = json!({ "plan": PLAN, "usage": { "a": 1 } }).to_string();
    for path in ["/v1/quote", "/v1/quotes/", "/", "/v1/usage"] {
        let asked = (Method::POST, path, good.as_bytes());
        check_refused(&platform, asked, 404, "not-found", &["POST /v1/quotes"]).await;
    }
    for (body, kind, detail) in [
        (json!({ "plan": "none", "usage": {} }), "no-plan", "there is no plan `none`"),
        (json!({ "provider": "none", "usage": {} }), "no-provider", "there is no provider `none`"),
    ] {
        let body = body.to_string();
        let asked = (Method::POST, QUOTES_PATH, body.as_bytes());
        check_refused(&platform, asked, 404, kind, &[detail]).await;
    }
    for method in [Method::GET, Method::PUT] {
        let asked = (method.clone(), QUOTES_PATH, good.as_bytes());
        check_refused(&platform, asked, 405, "method-not-allowed", &["POST only"]).await;
        let answer = request(&platform, method, QUOTES_PATH, b"").await;
        assert_eq!(answer.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn request_in_another_form_is_refused_with_its_place() {
    let platform = platform().await;
    for (body, detail) in [
        ("", "the document ends too early"),
        ("{", "the document ends too early"),
        ("[]", "is a list; must be an object"),
        (r#"{ "plan": "p" }"#, "usage: is missing, and must be given"),
        (r#"{ "usage": {} }"#, "give either `plan` or `provider`"),
        (r#"{ "plan": "p", "provider": "a", "usage": {} }"#, "give either `plan` or `provider`"),
        (r#"{ "plan": "p", "plan": "q", "usage": {} }"#, "plan: is given twice; give it once"),
        (
            r#"{ "plan": "p", "usage": {}, "day": 1 }"#,
            "day: is not a field here; the fields are plan, provider, month, on_top_of, usage",
        ),
        (r#"{ "plan": "p", "usage": {} } {}"#, "something follows the document"),
        (r#"{ "plan": "No Plan", "usage": {} }"#, "plan: "),
        (r#"{ "provider": "a b", "usage": {} }"#, "provider: "),
        (r#"{ "plan": "p", "month": "May", "usage": {} }"#, "month: `May` is not a month"),
        (r#"{ "plan": "p", "usage": { "a": -1 } }"#, "usage.a: is the number -1"),
        (r#"{ "plan": "p", "usage": { "a": "1" } }"#, "usage.a: is the text \"1\""),
        (r#"{ "plan": "p", "usage": { "a b": 1 } }"#, "usage.a b: an API name may not hold ' '"),
        (
            r#"{ "plan": "p", "usage": { "2015-05-01": { "a": 1.5 } } }"#,
            "usage.2015-05-01.a: is the number 1.5",
        ),
        (r#"{ "plan": "p", "usage": { "a": { "calls": 1, "amount": 1.5 } } }"#, "usage.a.amount: "),
    ] {
        let asked = (Method::POST, QUOTES_PATH, body.as_bytes());
        check_refused(&platform, asked, 400, "malformed-request", &[detail]).await;
    }
    let asked = (Method::POST, QUOTES_PATH, &b"{ \"plan\": \"\xff\" }"[..]);
    check_refused(&platform, asked, 400, "malformed-request", &["is not text in UTF-8"]).await;
}

#[tokio::test]
async fn request_is_as_large_as_it_may_be_or_refused() {
    let platform = platform().await;
    let mut body = json!({ "plan": PLAN, "usage": {} }).to_string();
    body += &" ".repeat(REQUEST_BYTES_MAX - body.len());
    let answer = request(&platform, Method::POST, QUOTES_PATH, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    body += " ";
    let asked = (Method::POST, QUOTES_PATH, body.as_bytes());
    check_refused(&platform, asked, 413, "body-too-large", &["200000 bytes"]).await;
}

#[tokio::test]
async fn plan_that_breaks_rules_is_refused_with_their_paths() {
    let platform = platform().await;
    let plan = json!({ "plan": "bad", "effective_from": "2015-05-01", "rates": [
        { "rate": "a", "apis": [], "price": { "model": "per_unit", "unit_price": "-1" } } ] });
    let number = json!({ "plan": "bad", "effective_from": "2015-05-01", "rates": [
        { "rate": "a", "apis": ["*"], "price": { "model": "per_unit", "unit_price": 0.1 } } ] });
    for (plan, paths) in [
        (plan, &["plan.rates[0].apis: ", "plan.rates[0].price.unit_price: "][..]),
        (number, &["plan.rates[0].price.unit_price: is the number 0.1"]),
        (json!(5), &["plan: is the number 5"]),
    ] {
        let body = json!({ "plan": plan, "usage": { "a": 1 } }).to_string();
        let asked = (Method::POST, QUOTES_PATH, body.as_bytes());
        check_refused(&platform, asked, 422, "plan-refused", paths).await;
    }
}

#[tokio::test]
async fn usage_that_cannot_be_priced_is_refused() {
    let platform = platform().await;
    let by_day: Value =
        serde_json::from_str(include_str!("../../../../plans/free-by-day.json")).unwrap();
    let usage = json!({ "taobao.get": 1 });
    for (asked, detail) in [
        (json!({ "plan": by_day, "usage": usage }), "give the usage by day"),
        (json!({ "provider": "b", "usage": usage }), "give the usage by day"),
        (json!({ "plan": PLAN, "month": "2014-03", "usage": usage }), "no plan was in force"),
        (json!({ "provider": "a", "month": "2015-03", "usage": usage }), "no plan was in force"),
        (
            json!({ "plan": PLAN, "usage": { "a": 100_000_000_001_u64 } }),
            "the most that are counted",
        ),
    ] {
        let body = asked.to_string();
        let asked = (Method::POST, QUOTES_PATH, body.as_bytes());
        check_refused(&platform, asked, 422, "cannot-price", &[detail]).await;
    }
}
