//! What becomes of a debit that Alipay refuses, by the class of the refusal, over real HTTP to the
//! local Alipay: what cannot be taken is owed again, and what only a person can mend is held.

use serde_json::json;
use steelyard_billing::mandate::{MandateOutcome, MandatePhase, Suspension};
use steelyard_billing::{
    Debit, DebitId, GatewayCode, GivenUp, Mandate, MandateId, Phase, Resolution,
};
use steelyard_cli::local::alipay::{Fault, Method, TradeStatus};
use steelyard_store::MandateBooked;
use steelyard_tests::{Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at half past midnight, where `a` owes ¥100.00, has enough at
/// Alipay, and a debit is open; the next payments are refused by that code.
async fn refused(code: &str, sub_code: &str, times: usize) -> Platform {
    let platform = indebted().await;
    let fault = Fault::Refused { code: code.to_owned(), sub_code: sub_code.to_owned() };
    platform.stack.alipay.fail_next(Method::Pay, fault, times);
    platform
}

async fn indebted() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    platform
}

/// Checks prepaid, receivable and reserved of `a` and what was taken from it, and that the books
/// balance, no message having been given up.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    assert_eq!((platform.account("a").await, platform.taken("a")), (account, taken));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

async fn debit(platform: &Platform) -> Debit {
    let debit = platform.stack.tables.billing.find(&"a".parse().unwrap(), &DebitId(1)).await;
    debit.unwrap().unwrap()
}

async fn mandate(platform: &Platform) -> Mandate {
    let found = platform.stack.tables.billing.find(&"a".parse().unwrap(), &MandateId(1)).await;
    found.unwrap().unwrap()
}

/// Charges another yuan for a day, at half past midnight after it.
async fn charge(platform: &Platform, day: &str, next_day: &str) {
    platform.set(&format!("{day}T20:00"));
    platform.count("a", BASIC, day, 10_000).await;
    platform.run_until(&format!("{next_day}T00:30")).await;
}

/// A person lets the debit go on.
async fn resolve(platform: &Platform, resolution: Resolution) {
    let before = debit(platform).await;
    let now = platform.stack.clock.now();
    let after = before.resolved(resolution, "the key was mended", now).unwrap();
    platform.stack.tables.billing.store(Some(&before), &after).await.unwrap();
}

/// A person lets debits be made under the mandate again.
async fn resume_mandate(platform: &Platform) {
    let now = platform.stack.clock.now();
    let resume = |before: &Mandate| MandateOutcome::Changed(before.resumed(now).unwrap());
    let (billing, provider) = (&platform.stack.tables.billing, "a".parse().unwrap());
    let resumed = billing.change_mandate(&provider, MandateId(1), now, resume).await.unwrap();
    assert!(matches!(resumed, MandateBooked::Now(_)), "{resumed:?}");
}

fn code(text: &str) -> GatewayCode {
    GatewayCode(text.to_owned())
}

#[tokio::test]
async fn debit_above_a_limit_is_given_up_and_its_amount_owed_again() {
    let platform = refused("40004", "ACQ.TOTAL_FEE_EXCEED", 1).await;
    platform.dispatch_at("2015-05-02T10:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    let given_up = GivenUp::AmountCap(code("ACQ.TOTAL_FEE_EXCEED"));
    assert_eq!(debit(&platform).await.given_up(), Some(&given_up));
    assert_eq!(mandate(&platform).await.phase, MandatePhase::Active);
    // The limit is raised meanwhile: the next charge collects all of it.
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn debit_whose_mandate_is_dead_is_given_up_and_no_other_opened_until_one_is_given_anew() {
    let refusal = |sub_code: &str| code(&format!("code 40004 {sub_code}"));
    for sub_code in ["ACQ.AGREEMENT_INVALID", "ACQ.BUYER_ENABLE_STATUS_FORBID"] {
        let platform = refused("40004", sub_code, 1).await;
        platform.dispatch_at("2015-05-02T10:00").await;
        check(&platform, [0, 10_000, 0], 0).await;
        let given_up = match sub_code {
            "ACQ.AGREEMENT_INVALID" => GivenUp::MandateDead(refusal(sub_code)),
            _ => GivenUp::PayerBlocked(refusal(sub_code)),
        };
        assert_eq!(debit(&platform).await.given_up(), Some(&given_up));
        let why = Suspension::ByDebit { debit: DebitId(1), given_up };
        let since_s = platform.instant("2015-05-02T10:00");
        assert_eq!(mandate(&platform).await.phase, MandatePhase::Suspended { since_s, why });
        assert_eq!(platform.customer("a").await.provider.mandate, None);

        charge(&platform, "2015-05-02", "2015-05-03").await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, [0, 10_100, 0], 0).await;

        resume_mandate(&platform).await;
        charge(&platform, "2015-05-04", "2015-05-05").await;
        platform.run_until("2015-05-05T12:00").await;
        check(&platform, [0, 0, 0], 10_200).await;
    }
}

#[tokio::test]
async fn refusal_after_the_money_was_taken_is_found_out_before_the_amount_is_owed_again() {
    for sub_code in [
        "ACQ.TOTAL_FEE_EXCEED",
        "ACQ.OVER_MAX_DEDUCT_COUNT",
        "ACQ.AGREEMENT_INVALID",
        "ACQ.BUYER_ENABLE_STATUS_FORBID",
        "ACQ.PARTNER_ERROR",
    ] {
        let platform = indebted().await;
        let fault =
            Fault::RefusedAfterEffect { code: "40004".to_owned(), sub_code: sub_code.to_owned() };
        platform.stack.alipay.fail_next(Method::Pay, fault, 1);
        platform.dispatch_at("2015-05-02T10:00").await;
        platform.books_hold().await;
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        assert_eq!(mandate(&platform).await.phase, MandatePhase::Active, "{sub_code}");
    }
}

#[tokio::test]
async fn debit_outside_its_window_is_tried_on_seven_days_and_then_given_up() {
    let platform = refused("40004", "ACQ.OVER_DEDUCT_PERIOD", 6).await;
    platform.run_until("2015-05-07T23:59").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.run_until("2015-05-08T10:30").await;
    check(&platform, [0, 0, 0], 10_000).await;
    assert_eq!(platform.stack.alipay.trades().unwrap().len(), 1);

    let platform = refused("40004", "ACQ.OVER_MAX_DEDUCT_COUNT", 8).await;
    platform.run_until("2015-05-08T09:59").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.run_until("2015-05-08T10:30").await;
    check(&platform, [0, 10_000, 0], 0).await;
    let given_up = GivenUp::Window(code("ACQ.OVER_MAX_DEDUCT_COUNT"));
    assert_eq!(debit(&platform).await.given_up(), Some(&given_up));
}

#[tokio::test]
async fn trouble_of_our_own_account_is_waited_out() {
    for (of, sub_code) in
        [("40006", "isv.insufficient-isv-permissions"), ("40004", "ACQ.SELLER_BEEN_BLOCKED")]
    {
        let platform = refused(of, sub_code, 3).await;
        platform.dispatch_at("2015-05-02T10:00").await;
        check(&platform, [0, 10_000, 10_000], 0).await;
        let troubled = debit(&platform).await;
        assert_eq!((&troubled.phase, troubled.own_account_troubles), (&Phase::Due, 1));
        assert_eq!(troubled.due_at_s, platform.instant("2015-05-02T10:01"));
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        let paid = debit(&platform).await;
        assert_eq!((paid.declines, paid.window_declines, paid.doubts, paid.attempt), (0, 0, 0, 1));
        assert_eq!(paid.request, troubled.request, "the same bytes");
    }
}

#[tokio::test]
async fn wrong_request_is_held_until_a_person_lets_it_be_sent_again() {
    let platform = refused("40004", "ACQ.INVALID_PARAMETER", 1).await;
    platform.dispatch_at("2015-05-02T10:00").await;
    let held = debit(&platform).await;
    let why = "our request is wrong: code 40004 ACQ.INVALID_PARAMETER".to_owned();
    assert_eq!(held.phase, Phase::Held { why, ask: false, found: None });
    // Nothing is done to it, and nothing else is asked for, whatever is charged.
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.set("2015-05-20T12:00");
    let sent = platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
    assert_eq!(sent, json!({ "sent": 0 }));
    assert_eq!(debit(&platform).await, held);
    check(&platform, [0, 10_100, 10_000], 0).await;

    // It is not known at Alipay, which is no reason to send it again.
    resolve(&platform, Resolution::Ask).await;
    platform.dispatch_at("2015-05-20T12:01").await;
    check(&platform, [0, 10_100, 10_000], 0).await;
    let asked = debit(&platform).await;
    assert!(matches!(&asked.phase, Phase::Held { ask: false, found: Some(found), .. }
        if found == "it is not known"));

    resolve(&platform, Resolution::Retry).await;
    platform.dispatch_at("2015-05-20T12:02").await;
    let paid = debit(&platform).await;
    assert_eq!((paid.request, paid.attempt), (held.request, 1), "the same number and bytes");
    assert_eq!(paid.interventions.len(), 2);
    platform.run_until("2015-05-21T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn another_amount_is_held_and_booked_only_when_a_query_tells_the_right_one() {
    let platform = indebted().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::OtherAmount, 1);
    platform.run_until("2015-05-02T12:00").await;
    platform.books_hold().await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 10_000], 10_000));
    let Phase::Held { why, .. } = debit(&platform).await.phase else { panic!("it is held") };
    assert!(why.starts_with("100.00 yuan were asked for, but 100.01 taken by trade "), "{why}");

    for (method, fault) in [
        (Method::Query, Fault::OtherAmount),
        (Method::Query, Fault::SystemErrorBeforeEffect),
        (Method::Query, Fault::NoAnswerAfterEffect),
    ] {
        platform.stack.alipay.fail_next(method, fault, 1);
    }
    resolve(&platform, Resolution::Ask).await;
    platform.run_until("2015-05-02T13:00").await;
    assert!(matches!(debit(&platform).await.phase, Phase::Held { ask: false, .. }));
    // Doubt is asked about again, until it is resolved.
    resolve(&platform, Resolution::Ask).await;
    platform.run_until("2015-05-02T15:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
    let trades = platform.stack.alipay.trades().unwrap();
    let trades = trades.iter().map(|trade| (trade.amount_fen, trade.status));
    assert_eq!(Vec::from_iter(trades), [(fen(10_000), TradeStatus::TradeSuccess)]);
}
