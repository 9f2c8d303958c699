//! The pages: who sees them, and what a visit costs.

mod api;
mod made_up;
mod operators;
mod programs;
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
async fn a_session_that_may_only_read_changes_nothing() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["read"]).await;
    let before = platform.found("a").await;
    for (page, form) in [
        ("recharge", "key=k1&amount=50.00&way=page"),
        ("withholding/sign", "key=k2&terms=2026-12&agree=yes"),
        ("withholding/limits", "key=k3&mandate=1&single=1.00&daily="),
        ("withholding/end", "key=k4&mandate=1&sure=yes"),
        ("alerts", "key=k5&cap=1.00"),
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

    let seen = post("withholding/limits", "key=limit-1&mandate=1&single=12.00&daily=").await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    assert_eq!(platform.mandate("a", 1).await.single_limit_fen.get(), 1_200);
    let seen = post("withholding/limits", "key=limit-2&mandate=1&single=99999.00&daily=").await;
    assert_eq!(seen.status, 422);
    for _ in 0..2 {
        let seen = post("withholding/end", "key=end-1&mandate=1&sure=yes").await;
        assert_eq!(seen.status, 303, "{}", seen.body);
    }
}

/// The hidden fields of a form of a page, and the rest as it is given.
fn filled(page: &Seen, action: &str, rest: &str) -> String {
    let (_, form) = page.body.split_once(&format!("{action}\" method=\"post\"")).unwrap();
    let form = form.split("</form>").next().unwrap();
    let hidden = form.split("<input type=\"hidden\" name=\"").skip(1);
    let fields = hidden.map(|field| {
        let (name, value) = field.split_once("\" value=\"").unwrap();
        format!("{name}={}&", value.split('"').next().unwrap())
    });
    fields.collect::<String>() + rest
}

#[tokio::test]
async fn a_provider_sets_its_alerts_by_the_form() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["alerts"]).await;
    let path = "/portal/providers/a/alerts";
    let post = async |form: &str| ask(&platform, Method::POST, path, &cookie, form).await;
    let saved = post("key=k1&monthly=50&percent=50,+80&cap=9000&off_allowance=yes").await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    for part in
        ["It is saved.", "value=\"50.00\"", "value=\"50, 80\"", "value=\"9000.00\"", "checked"]
    {
        assert!(saved.body.contains(part), "{part}: {}", saved.body);
    }
    let own = platform.found("a").await.provider.alert_rules;
    let wanted = r#"{"budget": {"monthly": "50", "percent": [50, 80]}, "cap": "9000", "off": ["allowance"]}"#;
    assert_eq!(own, steelyard_pricing::AlertRules::read(wanted).unwrap());
    for (form, told) in [
        ("key=k2&percent=80,50", "in rising order"),
        ("key=k2&monthly=50", "Enter when to alert"),
        ("key=k2&cap=much", "Enter an amount"),
        ("key=k2&below=0", "Enter an amount"),
        ("key=k2&days=400", "within the range"),
        ("key=k2&allowance=80&off_allowance=yes", "is not to be alerted"),
    ] {
        let seen = post(form).await;
        assert_eq!(seen.status, 422, "{form}");
        assert!(
            seen.body.contains(told) && seen.body.contains("It is not saved"),
            "{form}: {}",
            seen.body
        );
    }
    assert_eq!(post("key=k1&cap=1").await.status, 422, "the key stands for something else");
    assert_eq!(platform.found("a").await.provider.alert_rules, own);
    assert_eq!(post("key=k3").await.status, 200);
    assert!(platform.found("a").await.provider.alert_rules.is_empty());
}

#[tokio::test]
async fn the_page_after_saved_limits_lowers_again_and_ends_withholding() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["mandate"]).await;
    let path = "/portal/providers/a/withholding";
    let post = async |page: &str, form: &str| {
        ask(&platform, Method::POST, &format!("{path}/{page}"), &cookie, form).await
    };
    let mut page = ask(&platform, Method::GET, path, &cookie, "").await;
    for (single, fen) in [("40.00", 4_000), ("30.00", 3_000), ("20.00", 2_000)] {
        let form = filled(&page, "/limits", &format!("single={single}&daily="));
        page = post("limits", &form).await;
        assert_eq!(page.status, 200, "{single}: {}", page.body);
        assert!(page.body.contains("Your limits are saved."));
        assert_eq!(platform.mandate("a", 1).await.single_limit_fen.get(), fen);
    }
    let form = filled(&page, "/end", "sure=yes");
    assert_eq!(post("end", &form).await.status, 303);
    assert_eq!(platform.found("a").await.provider.mandate, None);
    platform.run_until("2015-05-18 09:00").await;
    let seen = ask(&platform, Method::GET, path, &cookie, "").await;
    assert!(seen.body.contains("It was ended here, on these pages"), "{}", seen.body);
    // Sent twice, it says how withholding stands.
    assert_eq!(post("end", &form).await.status, 303);
    let late = filled(&page, "/limits", "single=10.00&daily=");
    let seen = post("limits", &late).await;
    assert_eq!(seen.status, 422);
    assert!(seen.body.contains("The agreement has changed"), "{}", seen.body);
}

#[tokio::test]
async fn a_form_that_was_sent_before_can_be_sent_again_for_something_else() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["pay", "mandate"]).await;
    let post = async |page: &str, form: &str| {
        ask(&platform, Method::POST, &format!("/portal/providers/a/{page}"), &cookie, form).await
    };
    assert_eq!(post("recharge", "key=k&amount=50.00&way=page").await.status, 200);
    let seen = post("recharge", "key=k&amount=60.00&way=page").await;
    assert_eq!(seen.status, 422);
    assert!(seen.body.contains("sent before with another amount"), "{}", seen.body);
    let again = filled(&seen, "/recharge", "amount=60.00&way=page");
    assert_eq!(post("recharge", &again).await.status, 200);
    assert_eq!(platform.found("a").await.account.recharges, 2);

    let limits = |key: &str, single: &str| format!("key={key}&mandate=1&single={single}&daily=");
    assert_eq!(post("withholding/limits", &limits("k", "40.00")).await.status, 200);
    let seen = post("withholding/limits", &limits("k", "30.00")).await;
    assert_eq!(seen.status, 422);
    assert!(seen.body.contains("sent before with other limits"), "{}", seen.body);
    let again = filled(&seen, "/limits", "single=30.00&daily=");
    assert_eq!(post("withholding/limits", &again).await.status, 200);
    assert_eq!(platform.mandate("a", 1).await.single_limit_fen.get(), 3_000);
}

#[tokio::test]
async fn a_page_lowers_no_limits_of_another_agreement_than_it_showed() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["mandate"]).await;
    let before = platform.mandate("a", 1).await.single_limit_fen;
    for mandate in ["2", "", "x"] {
        let form = format!("key=k&mandate={mandate}&single=12.00&daily=");
        let path = "/portal/providers/a/withholding/limits";
        let seen = ask(&platform, Method::POST, path, &cookie, &form).await;
        assert_eq!(seen.status, 422, "{mandate}");
        assert!(seen.body.contains("Another agreement is in force"), "{}", seen.body);
    }
    assert_eq!(platform.mandate("a", 1).await.single_limit_fen, before);
}

#[tokio::test]
async fn what_a_form_asked_for_without_an_answer_is_sent_again_under_its_key() {
    let platform = platform().await;
    let cookie = session(&platform, "a", &["mandate"]).await;
    let path = "/portal/providers/a/withholding/limits";
    let faults = platform.stack.transport.faults();
    faults.strike(Target::Naming("lower_limits"), 1..=20, AwsFault::LoseAnswer);
    let form = "key=k.limits&mandate=1&single=12.00&daily=";
    let seen = ask(&platform, Method::POST, path, &cookie, form).await;
    faults.restore();
    assert_eq!(seen.status, 503, "{}", seen.body);
    assert!(seen.body.contains("name=\"key\" value=\"k.limits\""), "{}", seen.body);
    assert!(!seen.body.contains("value=\"k.limits.end\""), "{}", seen.body);
    assert_eq!(ask(&platform, Method::POST, path, &cookie, form).await.status, 200);
}

#[tokio::test]
async fn an_offer_that_is_refused_is_not_called_unavailable() {
    let platform = platform().await;
    let cookie = session(&platform, "b", &["mandate"]).await;
    let path = "/portal/providers/b/withholding/sign";
    let sign = |key: &str| format!("key={key}&terms=2026-12&agree=yes");
    let seen = ask(&platform, Method::POST, path, &cookie, &sign("")).await;
    assert_eq!(seen.status, 422, "{}", seen.body);
    assert!(seen.body.contains("Pressing the button again does not help"), "{}", seen.body);
    assert_eq!(ask(&platform, Method::POST, path, &cookie, &sign("k")).await.status, 303);
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

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_nobody_from_paying_in_or_from_ending_withholding() {
    for (sk, missing) in [
        ("debit#0000000001", &["withholding", "ledger", "ledger?kind=debits"][..]),
        ("statement#2015-05-17", &["withholding"]),
        ("recharge#0000000001", &["recharge", "ledger?kind=recharges"]),
    ] {
        let platform = platform().await;
        let cookie = session(&platform, "a", &["pay", "mandate"]).await;
        let pay_in = async |cookie: &str, key: &str| {
            let form = format!("key={key}&amount=50.00&way=page");
            let path = "/portal/providers/a/recharge";
            ask(&platform, Method::POST, path, cookie, &form).await.status
        };
        assert_eq!(pay_in(&cookie, "first").await, 200);
        platform.run_until("2015-05-18T12:00").await;
        let cookie = session(&platform, "a", &["pay", "mandate"]).await;
        let items = platform.items("provider#a").await;
        let mut item = items.into_iter().find(|item| item["sk"]["S"] == sk).unwrap();
        item["format"] = json!({ "N": "99" });
        platform.put_item(&item).await;

        for page in
            ["recharge", "withholding", "ledger", "ledger?kind=debits", "ledger?kind=recharges"]
        {
            let path = format!("/portal/providers/a/{page}");
            let seen = ask(&platform, Method::GET, &path, &cookie, "").await;
            let is_told = seen.body.contains("1 of the records can't be read");
            assert_eq!((seen.status, is_told), (200, missing.contains(&page)), "{sk}: {page}");
        }
        assert_eq!(pay_in(&cookie, "second").await, 200, "{sk}");
        let form = "key=end-1&mandate=1&sure=yes";
        let path = "/portal/providers/a/withholding/end";
        let ended = ask(&platform, Method::POST, path, &cookie, form).await;
        assert_eq!(ended.status, 303, "{sk}: {}", ended.body);
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_read_is_not_taken_for_one_that_is_still_to_come() {
    for is_broken in [false, true] {
        let platform = platform().await;
        platform.run_until("2015-05-19T12:00").await;
        let results = platform.items("reconciliation").await;
        let mut result =
            results.into_iter().find(|result| result["sk"]["S"] == "2015-05-18").unwrap();
        if is_broken {
            result["format"] = json!({ "N": "99" });
        }
        platform.put_item(&result).await;

        let cookie = session(&platform, "a", &[]).await;
        for page in ["ledger?kind=debits", "bills/2015-05-17"] {
            let path = format!("/portal/providers/a/{page}");
            let seen = ask(&platform, Method::GET, &path, &cookie, "").await;
            assert_eq!(seen.status, 200, "{page}");
            let is_confirmed = seen.body.contains("Confirmed by Alipay");
            assert_eq!(is_confirmed, !is_broken, "{page}");
            assert!(!seen.body.contains("To be confirmed by Alipay"), "{page}");
        }
    }
}

#[tokio::test]
async fn a_bill_that_cannot_be_read_is_named_and_takes_no_page_but_its_own() {
    let platform = platform().await;
    platform.count("a", "taobao.item.get", "2015-05-18", 34_567).await;
    platform.settle_at("2015-05-19 00:30").await;
    platform.set("2015-05-19 08:32");
    let items = platform.items("provider#a").await;
    let mut item =
        items.into_iter().find(|item| item["sk"]["S"] == "statement#2015-05-17").unwrap();
    item["format"] = json!({ "N": "99" });
    platform.put_item(&item).await;
    let cookie = session(&platform, "a", &[]).await;
    let told = "Bills that can't be read: 17 May 2015.";
    for (page, shown) in [
        ("overview", "month"),
        ("costs", "34,567"),
        ("bills", "34,567"),
        ("bills/2015-05", "34,567"),
        ("bills/2015-05-18", "34,567"),
    ] {
        let path = format!("/portal/providers/a/{page}");
        let seen = ask(&platform, Method::GET, &path, &cookie, "").await;
        assert_eq!(seen.status, 200, "{page}: {}", seen.body);
        assert!(seen.body.contains(told) && seen.body.contains(shown), "{page}: {}", seen.body);
        let seen = ask(&platform, Method::GET, &format!("{path}?lang=zh"), &cookie, "").await;
        assert!(seen.body.contains("2015 年 5 月 17 日的账单暂时无法读取"), "{page}");
    }
    // A program, a file and the bill itself would be wrong without it.
    for path in [
        "/portal/providers/a/bills/2015-05-17",
        "/portal/providers/a/costs.csv",
        "/v1/providers/a/overview",
        "/v1/providers/a/costs",
        "/v1/providers/a/bills",
        "/v1/providers/a/bills/2015-05",
        "/v1/providers/a/bills/2015-05-18",
    ] {
        let seen = ask(&platform, Method::GET, path, &cookie, "").await;
        assert_eq!(seen.status, 503, "{path}: {}", seen.body);
    }
    let seen = ask(&platform, Method::GET, "/portal/providers/b/bills", &cookie, "").await;
    assert_eq!(seen.status, 404);
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
