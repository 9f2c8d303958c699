//! `steelyard mandates adopt`: an agreement is adopted only on Alipay's word.

use serde_json::{Value, json};
use steelyard_billing::mandate::MandateLimits;
use steelyard_books::{Books, Offered};
use steelyard_local_alipay::{Fault, LocalAlipay, Method};
use steelyard_pricing::Fen;

use crate::endpoints;
use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A platform with two providers; `shop` has adopted agreement 20155.
async fn adopted(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("p.json", PLAN).await;
    for provider in ["shop", "other"] {
        platform.does(&format!("provider add {provider} --plan p --billed-from 2015-05")).await;
    }
    sign(&platform, "20155");
    platform.does("mandates adopt shop --agreement 20155 --single-limit 50").await;
    platform
}

/// A payer signs an agreement elsewhere.
fn sign(platform: &Platform, agreement_no: &str) {
    platform.stack.alipay.register_agreement(agreement_no, "payer", Fen::new(1_000)).unwrap();
}

fn adopt(provider: &str, agreement_no: &str) -> String {
    format!("mandates adopt {provider} --agreement {agreement_no} --single-limit 50")
}

/// Offers a provider a mandate, which its payer signs; gives Alipay's number.
async fn sign_offer(platform: &Platform, provider: &str) -> String {
    let (tables, rules) = (&platform.stack.tables, platform.stack.rules.clone());
    let books = Books::new(tables.billing.clone(), rules);
    let limits = MandateLimits { single_fen: Fen::new(5_000), daily_fen: None };
    let now = platform.stack.clock.now();
    let offered =
        books.offer_mandate(&provider.parse().unwrap(), limits, None, None, now).await.unwrap();
    let (Offered::New(offered) | Offered::Before(offered)) = offered;
    let number = offered.external_agreement_no.unwrap();
    let (number, funds) = (number.as_str(), Fen::new(1_000));
    platform.stack.alipay.sign_agreement(number, "payer", funds, now).unwrap()
}

#[tokio::test]
async fn agreement_that_alipay_does_not_confirm_is_not_adopted_and_the_one_in_use_stays() {
    let platform = adopted("adopt-unconfirmed").await;
    let alipay = &platform.stack.alipay;
    for number in ["20156", "20157", "20158", "20159", "20160"] {
        sign(&platform, number);
    }
    let now = platform.stack.clock.now();
    alipay.suspend_agreement("20156").unwrap();
    alipay.defer_agreement("20157").unwrap();
    alipay.revoke_agreement("20158", now).unwrap();
    alipay.expire_agreement("20159").unwrap();
    let before = platform.dump().await;
    for (number, said) in [
        ("99999", "Alipay does not know it"),
        ("20156", "it is suspended at Alipay"),
        ("20157", "it is not signed"),
        ("20158", "it was ended"),
        ("20159", ""),
    ] {
        let refused = platform.fails(&adopt("shop", number)).await;
        let expected = format!("error: agreement {number} is not adopted: {said}");
        assert!(refused.starts_with(&expected), "{refused}");
    }
    // No answer, and none that proves anything, is no confirmation.
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::BadGatewayBeforeEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
    ] {
        alipay.fail_next(Method::AgreementQuery, fault.clone(), 1);
        let refused = platform.fails(&adopt("shop", "20160")).await;
        let expected = "error: agreement 20160 is not adopted: Alipay did not confirm it (";
        assert!(refused.starts_with(expected), "{fault:?}: {refused}");
        assert!(refused.ends_with("): try again\n"), "{fault:?}: {refused}");
    }
    assert!(platform.dump().await == before, "something was written");
    platform.does(&adopt("shop", "20160")).await;
}

#[tokio::test]
async fn agreement_is_adopted_with_what_alipay_says_of_it() {
    let platform = adopted("adopt-told").await;
    sign(&platform, "20156");
    platform.stack.alipay.set_single_limit("20156", Some(Fen::new(4_000))).unwrap();
    let line = format!("{} --json", adopt("shop", "20156"));
    let mandate: Value = serde_json::from_str(&platform.does(&line).await).unwrap();
    let now = platform.stack.clock.now().as_second();
    assert_eq!(
        [&mandate["single_limit_fen"], &mandate["gateway_limit_fen"], &mandate["checked_at_s"]],
        [&json!(5_000), &json!(4_000), &json!(now)],
        "{mandate}"
    );
    assert_eq!(mandate["signed_at_s"], json!(now));
}

#[tokio::test]
async fn mandate_is_shown_in_words_and_its_provider_without_a_statement_says_so() {
    let platform = adopted("adopt-words").await;
    let refused = platform.fails("mandates resume shop 1").await;
    let said = "because: mandate 1 is active, which does not allow this";
    assert!(refused.contains(said), "{refused}");
    for line in ["statement shop", "statement shop --explain"] {
        assert_eq!(platform.does(line).await, "shop has no statement yet\n", "{line}");
    }
    let listed = platform.does("mandates list").await;
    assert!(!listed.contains("next query"), "{listed}");
}

#[tokio::test]
async fn debit_that_was_not_sent_shows_what_it_would_ask_for() {
    let platform = adopted("debit-expected").await;
    platform.set("2015-05-01T12:00");
    platform.count("first", "shop", "2015-05-01", &[("x", 100)]).await;
    platform.settle("2015-05-02").await;
    let listed = platform.does("debits list").await;
    for said in ["1.00", "due", "the amount is fixed when it is sent"] {
        assert!(listed.contains(said), "{said}: {listed}");
    }
    let shown = platform.does("debits show shop 1").await;
    assert!(shown.starts_with("debit 1 of shop: ¥1.00 by what is owed now, due\n"), "{shown}");
}

#[tokio::test]
async fn agreement_that_is_adopted_already_is_not_adopted_with_other_limits_or_after_its_end() {
    let platform = adopted("adopt-again").await;
    let before = platform.dump().await;
    let other_limits = format!("{} --daily-limit 40", adopt("shop", "20155"));
    let said =
        "error: agreement 20155 is mandate 1 of shop already, active, up to ¥50.00 a debit\n";
    assert_eq!(platform.fails(&other_limits).await, said);
    platform.does(&adopt("shop", "20155")).await;
    assert!(platform.dump().await == before, "something was written");
    platform.does("mandates end shop 1 --reason asked").await;
    let said = platform.fails(&adopt("shop", "20155")).await;
    assert!(said.contains("already, ending, revoked here: asked"), "{said}");
}

#[tokio::test]
async fn agreement_that_steelyard_offered_is_adopted_by_nobody_else_and_only_after_the_offer() {
    let platform = adopted("adopt-offered").await;
    let number = sign_offer(&platform, "other").await;
    let before = platform.dump().await;
    let another = platform.fails(&adopt("shop", &number)).await;
    assert!(another.contains(&format!("agreement {number} is another provider's")), "{another}");
    let itself = platform.fails(&adopt("other", &number)).await;
    let said = "the agreement is of the offer of mandate 1, which becomes active by itself";
    assert!(itself.contains(said), "{itself}");
    assert!(platform.dump().await == before, "something was written");
}

#[tokio::test]
async fn command_on_a_deployment_queries_alipay_as_the_debit_function_does() {
    let platform = adopted("adopt-aws").await;
    platform.folder.write("empty", "");
    sign(&platform, "20156");
    let rules = "--time-zone Asia/Shanghai --month-close-day 5 --usage-retention-days 400 \
                 --debit-time 10:00 --debit-window-minutes 0 --debit-minimum-fen 1 \
                 --adjustments-need-approval false --api-names-max 2000";
    let line = format!("{} {rules}", adopt("other", "20156"));
    let before = platform.dump().await;
    let stack = ("AWS_ENDPOINT_URL", "{stack}");
    let refused = endpoints::run(&platform, &line, &[stack]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    for said in ["cannot query Alipay", "ALIPAY_SECRET_ID is not set"] {
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    assert!(platform.dump().await == before, "something was written");
    let config = LocalAlipay::client_config("{stack}/gateway.do");
    let variables = [
        stack,
        ("ALIPAY_SECRET_ID", "steelyard/alipay"),
        ("ALIPAY_GATEWAY", config.gateway.as_str()),
        ("ALIPAY_APP_ID", config.app_id.as_str()),
        ("ALIPAY_PUBLIC_KEY", config.alipay_public_key.as_str()),
    ];
    let unknown = line.replace("20156", "99999");
    let refused = endpoints::run(&platform, &unknown, &variables).await;
    assert!(refused.err.contains("Alipay does not know it"), "{}", refused.err);
    endpoints::run(&platform, &line, &variables).await.done();
}

#[tokio::test]
async fn limits_are_lowered_and_never_raised() {
    let platform = adopted("lower").await;
    let lowered = platform.does("mandates lower shop 1 --single-limit 30 --daily-limit 60").await;
    assert_eq!(lowered, "mandate 1 of shop, agreement 20155: active\n");
    let shown = platform.does("provider show shop --json").await;
    assert!(shown.contains(r#""limit_fen": 3000"#), "{shown}");
    for (limits, what, why) in [
        (
            "--single-limit 31 --daily-limit 60",
            "debit",
            "a limit of 31.00 yuan is above the one in force, 30.00 yuan",
        ),
        ("--single-limit 30", "day", "the limit of 60.00 yuan cannot be taken away"),
    ] {
        let refused = platform.fails(&format!("mandates lower shop 1 {limits}")).await;
        let expected =
            format!("error: the limit of a {what} cannot be lowered so\n  because: {why}\n");
        assert_eq!(refused, expected);
    }
}
