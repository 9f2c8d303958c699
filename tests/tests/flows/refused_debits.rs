//! What becomes of a debit that Alipay refuses, by the class of the refusal, over real HTTP to the
//! local Alipay: what cannot be taken is owed again, and what only a person can mend is held.

use serde_json::json;
use steelyard_billing::mandate::{MandatePhase, Suspension};
use steelyard_billing::{
    BreachKind, Debit, DebitId, DeclineReason, GatewayCode, GiveUpReason, Mandate, Phase,
    Resolution,
};
use steelyard_local_alipay::{Fault, Method, TradeStatus};
use steelyard_tests::{Platform, agreement_no, fen, reason};

use crate::faults::indebted;

const BASIC: &str = "taobao.trades.sold.get";

/// A platform where `a` owes ¥100.00 and a debit is open, whose next payments are refused by that
/// code.
async fn refused(code: &str, sub_code: &str, times: usize) -> Platform {
    let platform = indebted().await;
    let fault = Fault::Refused { code: code.to_owned(), sub_code: sub_code.to_owned() };
    platform.stack.alipay.fail_next(Method::Pay, fault, times);
    platform
}

/// Checks prepaid, receivable and reserved of `a` and what was taken from it, and that the books
/// balance, no message having been given up.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    assert_eq!((platform.account("a").await, platform.taken("a")), (account, taken));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// Checks that a debit of ¥100.00 has been held for long, while another yuan was charged.
async fn check_held(platform: &Platform) {
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_100, 10_000], 0));
    platform.books_balance_late(&[BreachKind::Held]).await;
}

async fn debit(platform: &Platform) -> Debit {
    platform.debit("a", 1).await
}

async fn mandate(platform: &Platform) -> Mandate {
    platform.mandate("a", 1).await
}

/// Charges another yuan for a day, at half past midnight after it.
async fn charge(platform: &Platform, day: &str, next_day: &str) {
    platform.set(&format!("{day}T20:00"));
    platform.count("a", BASIC, day, 10_000).await;
    platform.run_until(&format!("{next_day}T00:30")).await;
}

/// A person resolves the debit.
async fn resolve(platform: &Platform, resolution: Resolution) {
    let (books, provider) = (platform.books(), "a".parse().unwrap());
    let (why, now) = (reason("the key was mended"), platform.stack.clock.now());
    books.resolve_debit(&provider, DebitId(1), resolution, &why, now).await.unwrap();
}

fn code(text: &str) -> GatewayCode {
    GatewayCode(text.to_owned())
}

#[tokio::test]
async fn debit_above_a_limit_is_given_up_and_its_amount_owed_again() {
    let platform = refused("40004", "ACQ.TOTAL_FEE_EXCEED", 1).await;
    platform.dispatch_at("2015-05-02T10:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    let given_up = GiveUpReason::AmountCap(code("ACQ.TOTAL_FEE_EXCEED"));
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
            "ACQ.AGREEMENT_INVALID" => GiveUpReason::MandateDead(refusal(sub_code)),
            _ => GiveUpReason::PayerBlocked(refusal(sub_code)),
        };
        assert_eq!(debit(&platform).await.given_up(), Some(&given_up));
        let why = Suspension::ByDebit { debit: DebitId(1), given_up };
        let since_s = platform.instant("2015-05-02T10:00");
        assert_eq!(mandate(&platform).await.phase, MandatePhase::Suspended { since_s, why });
        assert_eq!(platform.found("a").await.provider.mandate, None);

        charge(&platform, "2015-05-02", "2015-05-03").await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, [0, 10_100, 0], 0).await;

        platform.resume("a", 1).await;
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
    let given_up = GiveUpReason::Window(code("ACQ.OVER_MAX_DEDUCT_COUNT"));
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
        assert_eq!((&troubled.phase, troubled.task.retries), (&Phase::Due, 1));
        assert_eq!(troubled.task.due_at_s, platform.instant("2015-05-02T10:01"));
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        check_sent_the_same(&troubled, &debit(&platform).await);
    }
}

/// Checks that a debit was paid by the request of before, and that no try counts against it.
fn check_sent_the_same(before: &Debit, paid: &Debit) {
    assert_eq!((&paid.declines, paid.task.retries, paid.attempts.len()), (&vec![], 0, 1));
    assert_eq!(paid.attempts[0].request, before.attempts[0].request, "the same bytes");
    assert_eq!(paid.attempts[0].out_trade_no, before.attempts[0].out_trade_no, "the same number");
}

#[tokio::test]
async fn calls_that_are_limited_are_waited_out_however_long_and_count_against_no_debit() {
    // The waits are 1, 2, 4, 8, 16 and 32 minutes, then an hour each.
    for (times, paid_at) in [(6, "2015-05-02T11:04"), (30, "2015-05-03T11:19")] {
        let platform = refused("40005", "isv.app-call-limited", times).await;
        platform.run_until("2015-05-02T10:00").await;
        let limited = debit(&platform).await;
        assert_eq!((&limited.phase, limited.task.retries), (&Phase::Due, 1));
        platform.run_until("2015-05-02T11:02").await;
        check(&platform, [0, 10_000, 10_000], 0).await;
        assert!(platform.stack.tables.billing.breaker().await.unwrap().is_closed());
        platform.run_until(paid_at).await;
        check(&platform, [0, 0, 0], 10_000).await;
        check_sent_the_same(&limited, &debit(&platform).await);
    }
}

#[tokio::test]
async fn sent_debit_whose_mandate_ends_before_the_next_try_is_given_up_and_its_amount_owed_again() {
    for is_notified in [false, true] {
        let platform = indebted().await;
        if !is_notified {
            platform.lose_notifications();
        }
        platform.stack.alipay.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
        platform.run_until("2015-05-02T20:00").await;
        assert_eq!(debit(&platform).await.declines[0].reason, DeclineReason::Funds);
        let now = platform.stack.clock.now();
        platform.stack.alipay.revoke_agreement(&agreement_no("a"), now).unwrap();
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [0, 10_000, 0], 0).await;
        let given_up = GiveUpReason::MandateDead(code("the mandate has ended"));
        assert_eq!(debit(&platform).await.given_up(), Some(&given_up), "{is_notified}");
        assert_eq!(platform.debits("a").await.len(), 1, "{is_notified}");
    }
}

#[tokio::test]
async fn wrong_request_is_held_until_a_person_lets_it_be_sent_again() {
    let platform = refused("40004", "ACQ.INVALID_PARAMETER", 1).await;
    platform.dispatch_at("2015-05-02T10:00").await;
    let held = debit(&platform).await;
    let why = "our request is wrong: code 40004 ACQ.INVALID_PARAMETER".to_owned();
    assert_eq!(held.phase, Phase::Held { why, found: None });
    // It is reported again every day, and nothing else is done; and nothing else is requested,
    // whatever is charged.
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-20T09:00").await;
    for (time, sent) in [("2015-05-20T12:00", 1), ("2015-05-20T12:30", 0)] {
        platform.set(time);
        let dispatched = platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
        assert_eq!(dispatched, json!({ "sent": sent, "unreadable": 0 }));
        platform.stack.drain().await.unwrap();
    }
    let reported = debit(&platform).await;
    assert_eq!(reported.task.due_at_s, platform.instant("2015-05-21T12:00"));
    assert_eq!(Debit { task: held.task, ..reported }, held);
    check_held(&platform).await;

    // It is not known at Alipay, which is no reason to send it again.
    resolve(&platform, Resolution::Ask).await;
    platform.dispatch_at("2015-05-20T12:31").await;
    check(&platform, [0, 10_100, 10_000], 0).await;
    let asked = debit(&platform).await;
    assert!(matches!(&asked.phase, Phase::Held { found: Some(found), .. }
        if found == "it is not known"));

    resolve(&platform, Resolution::Retry).await;
    platform.dispatch_at("2015-05-20T12:32").await;
    let paid = debit(&platform).await;
    check_sent_the_same(&held, &paid);
    assert_eq!(paid.history.interventions.len(), 2);
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
    assert!(why.starts_with("¥100.00 were asked for, but ¥100.01 taken by trade "), "{why}");

    for (method, fault) in [
        (Method::Query, Fault::OtherAmount),
        (Method::Query, Fault::SystemErrorBeforeEffect),
        (Method::Query, Fault::NoAnswerAfterEffect),
    ] {
        platform.stack.alipay.fail_next(method, fault, 1);
    }
    resolve(&platform, Resolution::Ask).await;
    platform.run_until("2015-05-02T13:00").await;
    assert!(matches!(debit(&platform).await.phase, Phase::Held { .. }));
    // Doubt is asked about again, until it is resolved.
    resolve(&platform, Resolution::Ask).await;
    platform.run_until("2015-05-02T15:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
    let trades = platform.stack.alipay.trades().unwrap();
    let trades = trades.iter().map(|trade| (trade.amount_fen, trade.status));
    assert_eq!(Vec::from_iter(trades), [(fen(10_000), TradeStatus::TradeSuccess)]);
}
