//! `steelyard refund`, `breaker` and `reconcile`.

use serde_json::{Value, json};
use steelyard_local_alipay::{Fault, Method};
use steelyard_local_stack::http_event;
use steelyard_pricing::Fen;

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A platform where `shop` paid ¥1.00 by a debit and ¥20.00 by a recharge on the second of May.
async fn paid(name: &str) -> (Platform, String) {
    let platform = Platform::open(name).await;
    platform.add_plan("p.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    platform.stack.alipay.register_agreement("20155", "payer", Fen::new(1_000_000)).unwrap();
    platform.does("mandates adopt shop --agreement 20155 --single-limit 50").await;
    platform.set("2015-05-01T12:00");
    platform.count("first", "shop", "2015-05-01", &[("x", 100)]).await;
    platform.settle("2015-05-02").await;
    platform.run_until("2015-05-02T11:00").await;
    let asked = json!({ "provider": "shop", "amount": "20.00", "way": "code" }).to_string();
    let event = http_event(
        &axum::http::Method::POST,
        "/v1/recharges",
        &axum::http::HeaderMap::new(),
        asked.as_bytes(),
    );
    let answer = platform.stack.functions.offers.invoke(event).await.unwrap();
    let offered: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let trade = offered["out_trade_no"].as_str().unwrap().to_owned();
    let now = platform.stack.clock.now();
    platform.stack.alipay.pay_trade(&trade, "payer", now).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    (platform, trade)
}

#[tokio::test]
async fn refund_is_asked_for_once_by_its_name_and_shown_as_it_stands() {
    let (platform, trade) = paid("refund").await;
    let account = platform.does("account show shop").await;
    assert!(account.starts_with("shop: prepaid ¥20.00, receivable ¥0.00"), "{account}");
    let refund = |amount: &str, name: &str| {
        format!("refund shop {amount} --trade {trade} --request {name} --reason asked")
    };
    let asked = platform.does(&refund("5.00", "F1")).await;
    assert_eq!(asked, format!("¥5.00 of shop, refund F1 of {trade}: to be sent\n"));
    let account = platform.does("account show shop").await;
    assert!(account.starts_with("shop: prepaid ¥15.00"), "set aside at once: {account}");
    platform.run_until("2015-05-02T12:10").await;
    let again = platform.does(&refund("5.00", "F1")).await;
    assert_eq!(again, format!("¥5.00 of shop, refund F1 of {trade}: given back\n"));

    let other_amount = platform.fails(&refund("5.01", "F1")).await;
    assert!(other_amount.contains("refund F1 is of ¥5.00"), "{other_amount}");
    let too_much = platform.fails(&refund("15.01", "F2")).await;
    assert!(too_much.contains(&format!("of trade {trade} ¥15.00 can be given back")), "{too_much}");
    let unknown = platform.fails("refund shop 1 --trade X1 --request F3 --reason x").await;
    assert!(unknown.contains("`shop` paid nothing by trade X1"), "{unknown}");
    platform.does("audit").await;
}

#[tokio::test]
async fn refund_that_alipay_refuses_is_told_and_its_money_is_back() {
    let (platform, trade) = paid("refused").await;
    let fault = Fault::Refused {
        code: "40004".to_owned(),
        sub_code: "ACQ.TRADE_NOT_ALLOW_REFUND".to_owned(),
    };
    platform.stack.alipay.fail_next(Method::Refund, fault, 1);
    let line = format!("refund shop 5 --trade {trade} --request F1 --reason asked");
    platform.does(&line).await;
    platform.run_until("2015-05-02T12:10").await;
    let refused = platform.run(&line).await;
    assert_eq!(refused.code, 3);
    assert!(refused.out.contains("refused, nothing was given back: "), "{}", refused.out);
    let acknowledge =
        format!("refund shop --acknowledge --trade {trade} --request F1 --reason told");
    let acknowledged = platform.does(&acknowledge).await;
    assert!(acknowledged.ends_with("; acknowledged: told\n"), "{acknowledged}");
    let account = platform.does("account show shop").await;
    assert!(account.starts_with("shop: prepaid ¥20.00"), "{account}");
    platform.does("audit").await;
}

#[tokio::test]
async fn breaker_is_stopped_and_resumed_by_a_person() {
    let (platform, _) = paid("breaker").await;
    assert_eq!(platform.does("breaker show").await, "debits are made\n");
    let stopped = platform.does("breaker stop --reason maintenance").await;
    let told = "stopped by a person: maintenance; a person lets them go on: `steelyard breaker \
                resume`, or the operators' page of runs\n";
    assert!(stopped.ends_with(told), "{stopped}");
    assert_eq!(platform.run("breaker show").await.code, 3);
    let resumed = platform.does("breaker resume --reason done").await;
    assert_eq!(resumed, "debits are made; last resumed at 2015-05-02T12:00:00+08:00: done\n");
    assert_eq!(platform.run("breaker stop --reason ").await.code, 2);
}

#[tokio::test]
async fn reconciliation_of_a_day_is_shown_with_what_a_person_must_see() {
    let none = Platform::open("none").await.fails("reconcile").await;
    assert!(none.contains("no day was reconciled yet"), "{none}");
    let (platform, _) = paid("reconcile").await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 1);
    platform.run_until("2015-05-03T12:00").await;
    let shown = platform.run("reconcile --day 2015-05-02").await;
    assert_eq!(shown.code, 3, "{}", shown.out);
    assert!(
        shown.out.starts_with("2015-05-02: 2 of 3 rows match, 0 of ours wait"),
        "{}",
        shown.out
    );
    assert!(shown.out.contains("THEIRS ONLY"), "{}", shown.out);
    let latest = platform.run("reconcile --json").await;
    let latest: Value = serde_json::from_str(&latest.out).unwrap();
    assert_eq!((&latest["day"], &latest["matched"]), (&json!("2015-05-02"), &json!(2)));
    let unknown = platform.fails("reconcile --day 2015-04-01").await;
    assert!(unknown.contains("2015-04-01 was not reconciled yet"), "{unknown}");
}
