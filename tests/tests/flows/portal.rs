//! The pages: who sees them, and what a visit costs.

mod api;
mod forms;
mod made_up;
mod operators;
mod programs;
mod unreadable;
mod walk;

use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use steelyard_billing::{Grant, Grantee, Person, Right};
use steelyard_local_aws::{Fault as AwsFault, Target};
use steelyard_local_stack::http_event;
use steelyard_portal::SESSIONS_PATH;
use steelyard_tests::{Platform, registry_pk};

/// An answer of the portal.
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
    let rights = [Right::Accounts, Right::Sessions, Right::Operators];
    grant(&platform, "pages", &rights, "*").await;
    platform
}

/// Lets the platform's server do something, for some providers.
async fn grant(platform: &Platform, name: &str, rights: &[Right], providers: &str) {
    let grant = Grant {
        principals: ["arn:aws:iam::000000000000:user/server".parse().unwrap()].into(),
        rights: rights.iter().copied().collect(),
        providers: [providers.parse().unwrap()].into(),
        by: Person::new("lin").unwrap(),
        at_s: platform.stack.clock.now(),
    };
    let to = Grantee::Caller(name.parse().unwrap());
    platform.stack.tables.usage.grant(&to, None, &grant).await.unwrap();
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
    let cookies = answer["cookies"].as_array().into_iter().flatten();
    let pair = |cookie: &Value| text(cookie).split(';').next().unwrap_or_default().to_owned();
    Seen {
        status: answer["statusCode"].as_u64().unwrap(),
        location: text(&answer["headers"]["location"]),
        cookie: cookies.map(pair).collect::<Vec<_>>().join("; "),
        body: text(&answer["body"]),
    }
}

/// The path of a link that the platform's server asked for.
async fn link(platform: &Platform, asked: &Value) -> String {
    let made = ask_for_link(platform, asked).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made: Value = serde_json::from_str(&made.body).unwrap();
    let url = made["url"].as_str().unwrap();
    url[url.find("/portal/").unwrap()..].to_owned()
}

/// The answer to the platform's server, which asks for a link.
async fn ask_for_link(platform: &Platform, asked: &Value) -> Seen {
    let mut headers = HeaderMap::new();
    let signed = "AWS4-HMAC-SHA256 Credential=server/20150518/local/execute-api/aws4_request";
    headers.insert(AUTHORIZATION, HeaderValue::from_static(signed));
    headers.insert("host", HeaderValue::from_static("127.0.0.1"));
    send(platform, &Method::POST, SESSIONS_PATH, &headers, &asked.to_string()).await
}

async fn session(platform: &Platform, provider: &str, may: &[&str]) -> String {
    let link = link(platform, &json!({ "provider": provider, "may": may })).await;
    let entered = ask(platform, Method::GET, &link, "", "").await;
    assert_eq!(entered.status, 303);
    assert_eq!(entered.location, format!("/portal/providers/{provider}/overview"));
    entered.cookie
}

const PAGES: [&str; 10] = [
    "overview",
    "costs",
    "bills",
    "bills/2015-05-17",
    "bills/2015-05",
    "calculator",
    "ledger",
    "recharge",
    "withholding",
    "alerts",
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
    let overview = ask(&platform, Method::GET, "/portal/providers/a/overview", &own, "").await;
    assert!(overview.body.contains("Value added") && !overview.body.contains("alue_added"));
    let seen = ask(&platform, Method::GET, "/portal/providers/nobody/overview", &own, "").await;
    assert_eq!(seen.status, 404);
}

#[tokio::test]
async fn a_refusal_leads_on_for_its_own_session_and_for_no_other() {
    let platform = platform().await;
    let (own, foreign) = (session(&platform, "a", &[]).await, session(&platform, "b", &[]).await);
    let bills = "href=\"/portal/providers/a/bills\"";
    for (page, status) in [("bills/2015-05-18", 404), ("ledger?kind=x", 400), ("costs?from=x", 422)]
    {
        let path = format!("/portal/providers/a/{page}");
        let seen = ask(&platform, Method::GET, &path, &own, "").await;
        assert_eq!(seen.status, status, "{page}");
        assert!(seen.body.contains(bills) && seen.body.contains("/portal/leave"), "{page}");
        for (cookie, status) in [("", 401), (&*foreign, 404)] {
            let seen = ask(&platform, Method::GET, &path, cookie, "").await;
            assert_eq!(seen.status, status, "{page}");
            assert!(!seen.body.contains(bills) && !seen.body.contains("/portal/leave"), "{page}");
        }
    }
    platform.books().revoke_sessions(&"a".parse().unwrap()).await.unwrap();
    let seen = ask(&platform, Method::GET, "/portal/providers/a/bills/2015-05-18", &own, "").await;
    assert_eq!(seen.status, 401);
    assert!(!seen.body.contains(bills) && !seen.body.contains("/portal/leave"), "{}", seen.body);
}

#[tokio::test]
async fn the_address_of_a_provider_leads_to_its_overview() {
    let platform = platform().await;
    let (own, foreign) = (session(&platform, "a", &[]).await, session(&platform, "b", &[]).await);
    let seen = ask(&platform, Method::GET, "/portal/providers/a", &own, "").await;
    assert_eq!((seen.status, &*seen.location), (303, "/portal/providers/a/overview"));
    for (cookie, status) in [("", 401), (&*foreign, 404)] {
        let seen = ask(&platform, Method::GET, "/portal/providers/a", cookie, "").await;
        assert_eq!(seen.status, status);
    }
    let seen = ask(&platform, Method::GET, "/portal/operator", &own, "").await;
    assert_eq!(seen.status, 404, "no operator");
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
async fn signing_out_ends_the_session_in_this_browser_and_says_so() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &[]).await;
    let seen = ask(&platform, Method::GET, "/portal/providers/a/overview", &cookie, "").await;
    assert!(seen.body.contains("action=\"/portal/leave\" method=\"post\""), "{}", seen.body);
    let left = ask(&platform, Method::POST, "/portal/leave", &cookie, "").await;
    assert_eq!((left.status, left.location.as_str()), (303, "/portal/left"));
    assert_eq!(left.cookie, "__Host-steelyard=");
    let seen = ask(&platform, Method::GET, "/portal/left", "", "").await;
    assert_eq!(seen.status, 200);
    assert!(seen.body.contains("You have signed out"), "{}", seen.body);
    assert!(!seen.body.contains("/portal/leave"), "there is nothing to end");
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
async fn a_page_costs_few_requests() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &[]).await;
    // The plans are read once a minute.
    ask(&platform, Method::GET, "/portal/providers/a/overview", &cookie, "").await;
    for (page, requests) in [
        ("overview", 4),
        ("costs", 2),
        ("bills", 2),
        ("bills/2015-05-17", 4),
        ("bills/2015-05", 2),
        ("calculator", 1),
        ("ledger", 3),
        ("ledger?before=2", 3),
        ("recharge", 4),
        ("withholding", 4),
        ("alerts", 2),
    ] {
        costs(&platform, &cookie, page, requests).await;
    }

    // Paid and not reconciled, then reconciled. The results of days are read once in ten minutes.
    for noon in ["2015-05-18T12:00", "2015-05-19T12:00"] {
        platform.run_until(noon).await;
        let cookie = session(&platform, "a", &[]).await;
        ask(&platform, Method::GET, "/portal/providers/a/bills/2015-05-17", &cookie, "").await;
        costs(&platform, &cookie, "bills/2015-05-17", 4).await;
    }
}

#[tokio::test]
async fn a_link_speaks_a_language_that_the_pages_have_or_is_refused() {
    let platform = platform().await;
    for (locale, lang) in [("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("en-GB", "en")] {
        let link = link(&platform, &json!({ "provider": "a", "locale": locale })).await;
        let entered = ask(&platform, Method::GET, &link, "", "").await;
        let page = "/portal/providers/a/overview";
        let seen = ask(&platform, Method::GET, page, &entered.cookie, "").await;
        assert!(seen.body.contains(&format!("<html lang=\"{lang}\">")), "{locale}");
    }
    for locale in ["fr", "", "english"] {
        let asked = json!({ "provider": "a", "locale": locale });
        let refused = ask_for_link(&platform, &asked).await;
        assert_eq!(refused.status, 400, "{locale}: {}", refused.body);
    }
}

/// Checks how many requests a page costs, none of which writes.
async fn costs(platform: &Platform, cookie: &str, page: &str, requests: u64) {
    let meter = platform.stack.transport.meter();
    meter.take();
    let path = format!("/portal/providers/a/{page}");
    assert_eq!(ask(platform, Method::GET, &path, cookie, "").await.status, 200, "{page}");
    let used = meter.take();
    let made = used.requests.values().sum::<u64>();
    assert_eq!((made, used.writes()), (requests, 0), "{page}: {:?}", used.requests);
}

/// The debits of the bill of 17 May: their numbers, and the bills of Alipay that confirm them.
async fn debits_of_bill(platform: &Platform, cookie: &str) -> Value {
    let path = "/v1/providers/a/bills/2015-05-17";
    let bill = ask(platform, Method::GET, path, cookie, "").await;
    assert_eq!(bill.status, 200, "{}", bill.body);
    let bill: Value = serde_json::from_str(&bill.body).unwrap();
    let debits = bill["trail"]["debits"].as_array().unwrap();
    debits.iter().map(|debit| json!([debit["debit"], debit["confirmed_by"]])).collect()
}

#[tokio::test]
async fn a_bill_leads_to_its_debit_however_many_debits_came_later() {
    let platform = platform().await;
    platform.run_until("2015-05-18T12:00").await;
    let cookie = session(&platform, "a", &[]).await;
    assert_eq!(debits_of_bill(&platform, &cookie).await, json!([[1, null]]));
    platform.run_until("2015-05-19T12:00").await;
    let cookie = session(&platform, "a", &[]).await;
    assert_eq!(debits_of_bill(&platform, &cookie).await, json!([[1, "2015-05-18"]]));

    let items = platform.items("provider#a").await;
    let first = items.iter().find(|item| item["sk"]["S"] == "debit#0000000001").unwrap();
    let later = (2..=200).map(|number: u64| {
        let mut debit = first.clone();
        debit["sk"]["S"] = format!("debit#{number:010}").into();
        debit["debit"]["N"] = number.to_string().into();
        debit["terms"]["M"]["from"]["S"] = "2015-05-18".into();
        debit["terms"]["M"]["through"]["S"] = "2015-05-18".into();
        debit
    });
    platform.put_items(&later.collect::<Vec<_>>()).await;
    for mut item in platform.items(&registry_pk("a")).await {
        if item.get("debits").is_some() {
            item["debits"]["N"] = "200".into();
            platform.put_item(&item).await;
        }
    }
    assert_eq!(debits_of_bill(&platform, &cookie).await, json!([[1, "2015-05-18"]]));
}
