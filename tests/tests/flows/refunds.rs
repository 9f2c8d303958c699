//! Money that goes back through Alipay, over real HTTP to the local Alipay: a refund that is asked
//! for is given back once or not at all, and what Alipay gives back unasked is owed again.

mod arrivals;
mod kills;
mod refusals;
mod requests;
mod reversals;

use futures::future::join;
use jiff::SignedDuration;
use serde_json::{Value, json};
use steelyard_billing::{
    BreachKind, Cause, DebitId, Ledger, Notice, OutRequestNo, OutTradeNo, ProviderId, RechargeId,
    Reconciliation, Refund, RefundAnswer, RefundPhase, RefundRef, Reversal, TradeNotice, TradeOf,
    TradeState,
};
use steelyard_books::{BookError, Noted, RefundAsked};
use steelyard_local_alipay::{Fault, Method};
use steelyard_tests::{Machine, Platform, fen, reason};

const BASIC: &str = "taobao.trades.sold.get";
const RECHARGE: TradeOf = TradeOf::Recharge(RechargeId(1));
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(1), attempt: 1 };

/// A platform on the first of May at eight in the evening, where `a` has paid ¥100.00 in.
async fn recharged() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.paid_recharge("a", "100.00").await;
    platform.deliver().await;
    check(&platform, [10_000, 0, 0], [10_000, 0]).await;
    platform
}

/// A platform on the second of May at noon, where ¥100.00 were withheld from `a`, who has more.
async fn debited() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], [10_000, 0]).await;
    platform
}

/// Either of the two, with its payment.
async fn paid(of: TradeOf) -> Platform {
    match of {
        TradeOf::Recharge(_) => recharged().await,
        TradeOf::Debit { .. } => debited().await,
    }
}

/// What is prepaid after one of the two was given back so much by our decision.
fn prepaid_after(of: TradeOf, given_back: i64) -> [i64; 3] {
    match of {
        TradeOf::Recharge(_) => [10_000 - given_back, 0, 0],
        TradeOf::Debit { .. } => [0, 0, 0],
    }
}

/// Checks prepaid, receivable and reserved of `a`, what Alipay has of it and what is set aside to
/// be given back, as the journal has it, and that the books balance, no message having been given
/// up.
async fn check(platform: &Platform, account: [i64; 3], alipay_and_set_aside: [i64; 2]) {
    let sums = [Ledger::Alipay, Ledger::Refunding].map(|ledger| sum(platform, ledger));
    let [alipay, refunding] = sums;
    let sums = [alipay.await, -refunding.await];
    assert_eq!((platform.account("a").await, sums), (account, alipay_and_set_aside));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// The sum of a ledger in the journal of `a`, in fen.
async fn sum(platform: &Platform, ledger: Ledger) -> i64 {
    let journal = platform.stack.tables.billing.journal(&a()).await.unwrap();
    journal.iter().map(|entry| entry.moved(ledger).unwrap().get()).sum()
}

/// The number of entries of money that Alipay gave back in the journal of `a`.
async fn given_back(platform: &Platform) -> usize {
    let journal = platform.stack.tables.billing.journal(&a()).await.unwrap();
    let tells = |cause: &Cause| matches!(cause, Cause::RefundDone(_) | Cause::Reversed(_));
    journal.iter().filter(|entry| tells(&entry.record().cause)).count()
}

fn a() -> ProviderId {
    "a".parse().unwrap()
}

async fn number(platform: &Platform, of: TradeOf, request: &str) -> RefundRef {
    let out_trade_no = platform.trade_number("a", of).await;
    RefundRef {
        out_trade_no: OutTradeNo::parse(&out_trade_no).unwrap(),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

/// An operator asks for a refund, as `steelyard refund` does.
pub(crate) async fn ask(platform: &Platform, of: TradeOf, request: &str, amount: i64) {
    let asked = try_ask(platform, of, request, amount).await.unwrap();
    assert!(matches!(asked, RefundAsked::Stands(_)), "{asked:?}");
}

async fn try_ask(
    platform: &Platform,
    of: TradeOf,
    request: &str,
    amount: i64,
) -> Result<RefundAsked, BookError> {
    let number = number(platform, of, request).await;
    let (why, now) = (reason("paid twice"), platform.stack.clock.now());
    platform.books().ask_refund(&a(), &number, fen(amount), &why, now).await
}

async fn refund(platform: &Platform, of: TradeOf, request: &str) -> Refund {
    let number = number(platform, of, request).await;
    platform.stack.tables.billing.find(&a(), &number).await.unwrap().unwrap()
}

async fn phase(platform: &Platform, of: TradeOf, request: &str) -> RefundPhase {
    refund(platform, of, request).await.phase
}

/// Alipay gives money of a trade back without our request.
pub(crate) async fn reverse(platform: &Platform, of: TradeOf, amount: i64) {
    let (number, now) = (platform.trade_number("a", of).await, platform.stack.clock.now());
    platform.stack.alipay.reverse_trade(&number, fen(amount), now).unwrap();
}

async fn reversals(platform: &Platform) -> Vec<i64> {
    let reversals = platform.stack.tables.billing.all::<Reversal>(&a()).await.unwrap();
    reversals.iter().map(|reversal| reversal.amount().map_or(0, |amount| amount.get())).collect()
}

async fn reconciled(platform: &Platform, day: &str) -> Reconciliation {
    let billing = &platform.stack.tables.billing;
    billing.reconciliation(day.parse().unwrap()).await.unwrap().unwrap()
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

/// Faults that leave it open whether the money was given back.
fn doubts() -> [Fault; 11] {
    [
        Fault::NoAnswerBeforeEffect,
        Fault::NoAnswerAfterEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::SystemErrorAfterEffect,
        Fault::BadGatewayBeforeEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        Fault::GzipAnswer,
        Fault::Redirect,
        refused("ACQ.SOMETHING_NEW"),
    ]
}

#[tokio::test]
async fn refund_is_set_aside_when_it_is_asked_for_and_given_back_within_a_minute() {
    for of in [RECHARGE, DEBIT] {
        let platform = paid(of).await;
        ask(&platform, of, "F1", 4_000).await;
        check(&platform, prepaid_after(of, 4_000), [10_000, 4_000]).await;
        let soon = platform.stack.clock.now() + SignedDuration::from_mins(1);
        platform.stack.run_until(soon).await.unwrap();
        assert_eq!(phase(&platform, of, "F1").await, RefundPhase::Done);
        check(&platform, prepaid_after(of, 4_000), [6_000, 0]).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, prepaid_after(of, 4_000), [6_000, 0]).await;
        assert_eq!((given_back(&platform).await, reversals(&platform).await), (1, vec![]));
        // What was given back is on the bill of its day, under its own number.
        let day = if of == RECHARGE { "2015-05-01" } else { "2015-05-02" };
        let told = reconciled(&platform, day).await;
        assert_eq!((told.matched, told.findings, told.waiting), (2, vec![], 0));
    }
}

#[tokio::test]
async fn what_was_given_back_of_a_debit_stays_charged_and_is_not_collected_again() {
    let platform = debited().await;
    ask(&platform, DEBIT, "F1", 10_000).await;
    platform.run_until("2015-05-02T20:00").await;
    assert_eq!(sum(&platform, Ledger::Goodwill).await, 10_000);
    platform.count("a", BASIC, "2015-05-02", 10_000).await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [100, 0]).await;
    assert_eq!(platform.taken("a"), 100);
}

#[tokio::test]
async fn refunds_of_one_trade_are_given_back_each_once_up_to_what_was_paid() {
    for of in [RECHARGE, DEBIT] {
        let platform = paid(of).await;
        for (request, amount) in [("F1", 2_500), ("F2", 2_500), ("F3", 5_000)] {
            ask(&platform, of, request, amount).await;
        }
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, prepaid_after(of, 10_000), [0, 0]).await;
        assert_eq!((given_back(&platform).await, reversals(&platform).await), (3, vec![]));
    }
}

#[tokio::test]
async fn refund_whose_answer_proves_nothing_is_given_back_once() {
    for fault in doubts() {
        for is_notified in [true, false] {
            let platform = recharged().await;
            if !is_notified {
                platform.lose_notifications();
            }
            platform.stack.alipay.fail_next(Method::Refund, fault.clone(), 1);
            ask(&platform, RECHARGE, "F1", 4_000).await;
            platform.dispatch_at("2015-05-01T20:01").await;
            let after = phase(&platform, RECHARGE, "F1").await;
            assert_eq!(after, RefundPhase::Sending, "{fault:?}");
            platform.run_until("2015-05-01T20:03").await;
            assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done, "{fault:?}");
            check(&platform, [6_000, 0, 0], [6_000, 0]).await;
            platform.run_until("2015-05-03T12:00").await;
            check(&platform, [6_000, 0, 0], [6_000, 0]).await;
            assert_eq!((given_back(&platform).await, reversals(&platform).await), (1, vec![]));
        }
    }
}

#[tokio::test]
async fn doubt_about_a_refund_is_not_resolved_until_a_query_is_answered() {
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        Fault::OtherAmount,
        refused("ACQ.TRADE_NOT_EXIST"),
    ] {
        let platform = recharged().await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
        platform.stack.alipay.fail_next(Method::RefundQuery, fault.clone(), 4);
        ask(&platform, RECHARGE, "F1", 4_000).await;
        platform.run_until("2015-05-01T20:15").await;
        assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Sending, "{fault:?}");
        assert_eq!(platform.account("a").await, [6_000, 0, 0]);
        platform.run_until("2015-05-01T21:00").await;
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
        assert_eq!(given_back(&platform).await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn refund_that_was_lost_is_asked_for_again_under_its_own_number() {
    let platform = recharged().await;
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerBeforeEffect, 3);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.run_until("2015-05-01T20:02").await;
    assert_ne!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [10_000, 4_000]).await;
    platform.run_until("2015-05-01T22:00").await;
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    assert_eq!(given_back(&platform).await, 1);
}

#[tokio::test]
async fn repeated_request_that_moved_no_money_is_proved_by_a_query() {
    // What was carried out and is asked for again is answered by `fund_change` N.
    let platform = recharged().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.dispatch_at("2015-05-01T20:01").await;
    let sent = refund(&platform, RECHARGE, "F1").await;
    assert_eq!(sent.phase, RefundPhase::Sending);
    let again = Refund { phase: RefundPhase::Due, ..sent.clone() };
    assert!(platform.books().step_record(&sent, &again).await.unwrap().is_some());
    platform.dispatch_at("2015-05-01T20:02").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Sending);
    platform.run_until("2015-05-01T20:10").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    assert_eq!(given_back(&platform).await, 1);
}

#[tokio::test]
async fn refund_that_only_the_bill_shows_is_done_by_it() {
    let platform = recharged().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::RefundQuery, Fault::NoAnswerBeforeEffect, 30);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.run_until("2015-05-02T10:29").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Sending);
    platform.run_until("2015-05-02T10:30").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    assert_eq!(reversals(&platform).await, Vec::<i64>::new());
}

#[tokio::test]
async fn two_visits_to_a_refund_at_once_give_it_back_once() {
    for behind in 0..6 {
        let platform = recharged().await;
        ask(&platform, RECHARGE, "F1", 4_000).await;
        platform.set("2015-05-01T20:01");
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.debit(&platform));
        let message = message(&platform, "refund", "F1").await;
        let (one, two) = join(one.invoke(message.clone()), two.invoke(message)).await;
        for answer in [one, two] {
            assert_eq!(answer.unwrap()["batchItemFailures"], json!([]), "{behind} behind");
        }
        platform.run_until("2015-05-01T20:10").await;
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
        assert_eq!(given_back(&platform).await, 1, "{behind} behind");
    }
}

/// A message that names money that is given back of the recharge of `a`.
async fn message(platform: &Platform, what: &str, request: &str) -> Value {
    let number = number(platform, RECHARGE, request).await;
    let body = json!({ "provider": "a", "task": { what: number } }).to_string();
    json!({ "Records": [{ "messageId": "1", "eventSource": "aws:sqs", "body": body }] })
}
