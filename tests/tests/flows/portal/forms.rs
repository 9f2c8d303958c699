//! What a provider changes by the forms of its pages.

use super::*;

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
