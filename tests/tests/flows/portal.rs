//! The pages: who sees them, and what a visit costs.

mod api;
mod operators;
mod programs;
mod walk;

use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use steelyard_cli::local::http_event;
use steelyard_portal::SESSIONS_PATH;
use steelyard_tests::Platform;

/// What the portal answered.
struct Seen {
    status: u64,
    location: String,
    cookie: String,
    body: String,
}

/// A platform with the providers `a` and `b`, on 18 May, whose calls of the 17th are settled.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.join("b").await;
    platform.sign("a", 100_000).await;
    platform.set("2015-05-17 12:00");
    platform.count("a", "taobao.item.get", "2015-05-17", 620_000).await;
    platform.settle_at("2015-05-18 00:30").await;
    platform.set("2015-05-18 08:32");
    platform
}

async fn ask(platform: &Platform, method: Method, path: &str, cookie: &str, body: &str) -> Seen {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    headers.insert("host", HeaderValue::from_static("127.0.0.1"));
    if method == Method::POST {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", form);
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    }
    if !cookie.is_empty() {
        headers.insert(COOKIE, HeaderValue::from_str(cookie).unwrap());
    }
    send(platform, &method, path, &headers, body).await
}

async fn send(
    platform: &Platform,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &str,
) -> Seen {
    let event = http_event(method, path, headers, body.as_bytes());
    seen(&platform.stack.functions.portal.invoke(event).await.unwrap())
}

fn seen(answer: &Value) -> Seen {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cookie = text(&answer["cookies"][0]);
    Seen {
        status: answer["statusCode"].as_u64().unwrap(),
        location: text(&answer["headers"]["location"]),
        cookie: cookie.split(';').next().unwrap_or_default().to_owned(),
        body: text(&answer["body"]),
    }
}

/// The path of a link that the platform's server asked for.
async fn link(platform: &Platform, asked: &Value) -> String {
    let mut headers = HeaderMap::new();
    let signed = "AWS4-HMAC-SHA256 Credential=server/20150518/local/execute-api/aws4_request";
    headers.insert(AUTHORIZATION, HeaderValue::from_static(signed));
    headers.insert("host", HeaderValue::from_static("127.0.0.1"));
    let made = send(platform, &Method::POST, SESSIONS_PATH, &headers, &asked.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made: Value = serde_json::from_str(&made.body).unwrap();
    let url = made["url"].as_str().unwrap();
    url[url.find("/portal/").unwrap()..].to_owned()
}

async fn session(platform: &Platform, provider: &str, may: &[&str]) -> String {
    let link = link(platform, &json!({ "provider": provider, "may": may })).await;
    let entered = ask(platform, Method::GET, &link, "", "").await;
    assert_eq!(entered.status, 303);
    assert_eq!(entered.location, format!("/portal/providers/{provider}/overview"));
    entered.cookie
}

const PAGES: [&str; 9] = [
    "overview",
    "costs",
    "bills",
    "bills/2015-05-17",
    "bills/2015-05",
    "calculator",
    "ledger",
    "recharge",
    "withholding",
];

#[tokio::test]
async fn every_page_of_a_provider_is_shown_to_it_and_to_nobody_else() {
    let platform = platform().await;
    let (own, foreign) = (session(&platform, "a", &[]).await, session(&platform, "b", &[]).await);
    for page in PAGES {
        let path = format!("/portal/providers/a/{page}");
        let seen = ask(&platform, Method::GET, &path, &own, "").await;
        assert_eq!(seen.status, 200, "{page}: {}", seen.body);
        for part in ["<html lang=\"en\">", "aria-current=\"page\"", &format!("\"{path}?lang=zh\"")]
        {
            assert!(seen.body.contains(part), "{page}: {part}");
        }
        for (cookie, status) in [("", 401), ("__Host-steelyard=x", 401), (&*foreign, 404)] {
            let seen = ask(&platform, Method::GET, &path, cookie, "").await;
            assert_eq!(seen.status, status, "{page} {cookie}");
            assert!(!seen.body.contains("620,000"), "{page}");
        }
    }
    let seen = ask(&platform, Method::GET, "/portal/providers/nobody/overview", &own, "").await;
    assert_eq!(seen.status, 404);
}

#[tokio::test]
async fn a_link_works_once_and_within_a_minute_and_a_session_ends_or_is_revoked() {
    let platform = platform().await;
    let path = "/portal/providers/a/overview";
    let used = link(&platform, &json!({ "provider": "a" })).await;
    assert_eq!(ask(&platform, Method::GET, &used, "", "").await.status, 303);
    assert_eq!(ask(&platform, Method::GET, &used, "", "").await.status, 410);
    let late = link(&platform, &json!({ "provider": "a" })).await;
    platform.set("2015-05-18 08:33");
    assert_eq!(ask(&platform, Method::GET, &late, "", "").await.status, 410);
    assert_eq!(ask(&platform, Method::GET, "/portal/enter/nothing", "", "").await.status, 410);

    let cookie = session(&platform, "a", &[]).await;
    assert_eq!(ask(&platform, Method::GET, path, &cookie, "").await.status, 200);
    platform.books().revoke_sessions(&"a".parse().unwrap()).await.unwrap();
    assert_eq!(ask(&platform, Method::GET, path, &cookie, "").await.status, 401);
    let cookie = session(&platform, "a", &[]).await;
    assert_eq!(ask(&platform, Method::GET, path, &cookie, "").await.status, 200);
    platform.set("2015-05-18 09:33");
    assert_eq!(ask(&platform, Method::GET, path, &cookie, "").await.status, 401);
}

#[tokio::test]
async fn a_session_that_may_only_read_changes_nothing() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["read"]).await;
    let before = platform.found("a").await;
    for (page, form) in [
        ("recharge", "key=k1&amount=50.00&way=page"),
        ("withholding/sign", "key=k2&terms=2026-11&agree=yes"),
        ("withholding/limits", "key=k3&single=1.00&daily="),
        ("withholding/end", "key=k4&mandate=1&sure=yes"),
    ] {
        let path = format!("/portal/providers/a/{page}");
        let seen = ask(&platform, Method::POST, &path, &cookie, form).await;
        assert_eq!(seen.status, 403, "{page}");
    }
    assert_eq!(platform.found("a").await, before);
}

#[tokio::test]
async fn a_provider_recharges_lowers_its_limit_and_ends_its_agreement_each_once() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["pay", "mandate"]).await;
    let post = async |page: &str, form: &str| {
        ask(&platform, Method::POST, &format!("/portal/providers/a/{page}"), &cookie, form).await
    };
    for _ in 0..2 {
        let seen = post("recharge", "key=cart-1&amount=50.00&way=page").await;
        assert_eq!(seen.status, 200, "{}", seen.body);
    }
    assert_eq!(platform.found("a").await.account.recharges, 1);
    let seen = post("recharge", "key=cart-2&amount=much&way=page").await;
    assert_eq!(seen.status, 422);
    assert!(seen.body.contains("value=\"much\""), "{}", seen.body);

    let seen = post("withholding/limits", "key=limit-1&single=12.00&daily=").await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    assert_eq!(platform.mandate("a", 1).await.single_limit_fen.get(), 1_200);
    let seen = post("withholding/limits", "key=limit-2&single=99999.00&daily=").await;
    assert_eq!(seen.status, 422);
    for _ in 0..2 {
        let seen = post("withholding/end", "key=end-1&mandate=1&sure=yes").await;
        assert_eq!(seen.status, 303, "{}", seen.body);
    }
}

#[tokio::test]
async fn a_bill_leads_to_its_debit_and_says_when_alipays_bill_confirmed_it() {
    let platform = platform().await;
    let path = "/portal/providers/a/bills/2015-05-17";
    for (time, said) in [
        ("2015-05-18 08:40", "To be confirmed by Alipay"),
        ("2015-05-18 12:00", "To be confirmed by Alipay"),
        ("2015-05-19 12:00", "Confirmed by Alipay"),
    ] {
        platform.run_until(time).await;
        let cookie = session(&platform, "a", &[]).await;
        let seen = ask(&platform, Method::GET, path, &cookie, "").await;
        assert!(seen.body.contains(said), "{time}: {}", seen.body);
    }
    assert!(platform.taken("a") > 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_page_that_says_so() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["pay"]).await;
    for (page, status) in [("bills?month=x", 400), ("ledger?kind=x", 400), ("costs?from=x", 422)] {
        let path = format!("/portal/providers/a/{page}");
        let seen = ask(&platform, Method::GET, &path, &cookie, "").await;
        assert_eq!(seen.status, status, "{page}");
        assert!(seen.body.contains("<h1>"), "{page}: {}", seen.body);
    }
    // A key that a browser made up raises no alarm.
    let form = "key=&amount=50.00&way=page";
    let seen = ask(&platform, Method::POST, "/portal/providers/a/recharge", &cookie, form).await;
    assert_eq!(seen.status, 422, "{}", seen.body);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["pay"]).await;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert("host", HeaderValue::from_static("127.0.0.1"));
    headers.insert("origin", HeaderValue::from_static("https://elsewhere.example"));
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    headers.insert(COOKIE, HeaderValue::from_str(&cookie).unwrap());
    let path = "/portal/providers/a/recharge";
    let form = "key=cart-1&amount=50.00&way=page";
    let seen = send(&platform, &Method::POST, path, &headers, form).await;
    assert_eq!(seen.status, 403);
    assert_eq!(platform.found("a").await.account.recharges, 0);
}

#[tokio::test]
async fn a_page_costs_few_requests() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &[]).await;
    let meter = platform.stack.transport.meter();
    // The plans are read once a minute.
    ask(&platform, Method::GET, "/portal/providers/a/overview", &cookie, "").await;
    for (page, requests) in [
        ("overview", 4),
        ("costs", 2),
        ("bills", 2),
        ("bills/2015-05-17", 5),
        ("bills/2015-05", 2),
        ("calculator", 1),
        ("ledger", 3),
        ("recharge", 4),
        ("withholding", 4),
    ] {
        meter.take();
        let path = format!("/portal/providers/a/{page}");
        ask(&platform, Method::GET, &path, &cookie, "").await;
        let used = meter.take();
        let made = used.requests.values().sum::<u64>();
        assert_eq!((made, used.writes()), (requests, 0), "{page}: {:?}", used.requests);
    }
}
