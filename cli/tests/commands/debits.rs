//! `steelyard debits`, and what the other commands show of a mandate that cannot be used.

use serde_json::{Value, json};
use steelyard_local_alipay::{AgreementStatus, Fault, Method};
use steelyard_pricing::Fen;

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A platform where `shop` is debited ¥1.00 at ten on the second of May, and is refused by that
/// code.
async fn refused(name: &str, sub_code: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("p.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    platform.stack.alipay.register_agreement("20155", "payer", Fen::new(1_000)).unwrap();
    platform.does("mandates adopt shop --agreement 20155 --single-limit 50").await;
    platform.set("2015-05-01T12:00");
    platform.count("first", "shop", "2015-05-01", &[("x", 100)]).await;
    platform.settle("2015-05-02").await;
    let fault = Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() };
    platform.stack.alipay.fail_next(Method::Pay, fault, 1);
    dispatch(&platform, "2015-05-02T10:00").await;
    platform
}

async fn dispatch(platform: &Platform, time: &str) {
    platform.set(time);
    platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
    platform.stack.drain().await.unwrap();
}

async fn json_of(platform: &Platform, line: &str) -> Value {
    serde_json::from_str(&platform.does(&format!("{line} --json")).await).unwrap()
}

#[tokio::test]
async fn held_debit_is_listed_shown_and_let_go_on() {
    let platform = refused("held", "ACQ.INVALID_PARAMETER").await;
    let listed = json_of(&platform, "debits list --state held").await;
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed[0]["why"], "our request is wrong: code 40004 ACQ.INVALID_PARAMETER");
    // Two in the morning of Greenwich on the third is ten in Beijing: it is logged again.
    let reported_at = "2015-05-03T02:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(
        (&listed[0]["state"], &listed[0]["next_at_s"]),
        (&json!("held"), &json!(reported_at))
    );
    assert_eq!(json_of(&platform, "debits list --state paid").await, json!([]));

    let shown = platform.does("debits show shop 1").await;
    assert!(shown.starts_with("debit 1 of shop: ¥1.00, held\n"), "{shown}");
    for said in ["SY", "_D1_1", "nothing until a person resolves it", "total_amount"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }

    platform.set("2015-05-02T11:00");
    let asked = json_of(&platform, "debits resolve shop 1 --ask --reason looked-into").await;
    assert_eq!(asked["next"], "queried");
    dispatch(&platform, "2015-05-02T11:01").await;
    let held = json_of(&platform, "debits show shop 1").await;
    let why = "our request is wrong: code 40004 ACQ.INVALID_PARAMETER; queried, Alipay answered: \
               it is not known";
    assert_eq!((&held["state"], &held["why"]), (&json!("held"), &json!(why)));

    platform.does("debits resolve shop 1 --retry --reason mended").await;
    dispatch(&platform, "2015-05-02T11:02").await;
    let paid = json_of(&platform, "debits show shop 1").await;
    assert_eq!(paid["state"], "paid");
    let reasons = paid["debit"]["history"]["interventions"].as_array().unwrap();
    let reasons = reasons.iter().map(|intervention| intervention["reason"].as_str().unwrap());
    assert_eq!(reasons.collect::<Vec<_>>(), ["looked-into", "mended"]);
    platform.does("audit").await;
}

#[tokio::test]
async fn debit_that_goes_on_by_itself_or_has_ended_is_not_resolved() {
    let platform = refused("ended", "ACQ.BUYER_BALANCE_NOT_ENOUGH").await;
    let before = platform.dump().await;
    for (line, said) in [
        ("debits resolve shop 1 --retry --reason x", "debit 1 is neither held nor in doubt"),
        ("debits resolve shop 2 --ask --reason x", "provider `shop` has no debit 2"),
        ("debits show other 1", "provider `other` has no debit 1"),
    ] {
        assert_eq!(platform.fails(line).await, format!("error: {said}\n"));
    }
    for line in [
        "debits resolve shop 1 --reason x",
        "debits resolve shop 1 --ask --retry --reason x",
        "debits resolve shop 1 --ask",
    ] {
        assert_eq!(platform.run(line).await.code, 2, "{line}");
    }
    assert!(platform.dump().await == before, "something was written");
}

#[tokio::test]
async fn mandate_that_a_debit_found_dead_is_told_until_a_person_resumes_it() {
    let platform = refused("mandate", "ACQ.AGREEMENT_INVALID").await;
    let given_up = json_of(&platform, "debits list --state given-up").await;
    assert_eq!(given_up[0]["why"], "the mandate is dead: code 40004 ACQ.AGREEMENT_INVALID");
    let account = json_of(&platform, "account show shop").await;
    assert_eq!(account["mandate"], Value::Null);
    let list = platform.does("mandates list").await;
    assert!(list.contains("suspended, debit 1: the mandate is dead"), "{list}");
    platform.does("audit").await;

    let resumed = platform.does("mandates resume shop 1").await;
    assert_eq!(resumed, "mandate 1 of shop, agreement 20155: active\n");
    let account = platform.does("account show shop").await;
    assert!(account.contains("mandate 1, 20155, up to ¥50.00 a debit\n"), "{account}");
    platform.does("audit").await;
    assert_eq!(platform.run("mandates resume shop 1").await.code, 1);
    assert_eq!(platform.run("mandates resume shop 2").await.code, 1);
}

#[tokio::test]
async fn mandate_is_ended_here_and_at_alipay_and_another_takes_its_place() {
    let platform = refused("ended", "ACQ.TOTAL_FEE_EXCEED").await;
    platform.stack.alipay.register_agreement("20156", "payer", Fen::new(1_000)).unwrap();
    platform.does("mandates adopt shop --agreement 20156 --single-limit 60 --daily-limit 40").await;
    // Adopting it again changes nothing.
    platform.does("mandates adopt shop --agreement 20156 --single-limit 60 --daily-limit 40").await;
    let list = json_of(&platform, "mandates list").await;
    let phases: Vec<_> = list.as_array().unwrap().iter().map(|m| m["phase"].clone()).collect();
    assert_eq!(phases, ["ending", "active"]);
    dispatch(&platform, "2015-05-02T10:01").await;
    let list = platform.does("mandates list").await;
    assert!(list.contains("ended, replaced by mandate 2"), "{list}");

    let ended = platform.does("mandates end shop 2 --reason asked").await;
    assert_eq!(ended, "mandate 2 of shop, agreement 20156: ending, revoked here: asked\n");
    dispatch(&platform, "2015-05-02T10:02").await;
    let list = platform.does("mandates list").await;
    assert!(list.contains("ended, revoked here: asked"), "{list}");
    let agreements = platform.stack.alipay.agreements().unwrap();
    assert!(agreements.iter().all(|of| of.status == AgreementStatus::Unsign), "{agreements:?}");
    platform.does("audit").await;
}

#[tokio::test]
async fn agreement_of_another_provider_is_not_adopted() {
    let platform = refused("others", "ACQ.TOTAL_FEE_EXCEED").await;
    platform.does("provider add other --plan p --billed-from 2015-05").await;
    let refused = platform.run("mandates adopt other --agreement 20155 --single-limit 50").await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("agreement 20155 is another provider's"), "{}", refused.err);
}
