//! What only the bill shows: it is booked, once.

use futures::future::join;
use steelyard_billing::{Recharge, RechargeId, RechargePhase, Refund};

use super::*;

/// The same, with the money taken and the debit thought dead: it was refused, and so many queries
/// say that there is no such trade.
async fn given_up(faults: &[Fault], queries: usize) -> Platform {
    let platform = indebted().await;
    platform.lose_notifications();
    for fault in faults {
        platform.stack.alipay.fail_next(Method::Pay, fault.clone(), 1);
    }
    platform.stack.alipay.fail_next(Method::Query, refused("ACQ.TRADE_NOT_EXIST"), queries);
    platform.run_until("2015-05-02T10:10").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 0], 10_000));
    assert!(platform.debit("a", 1).await.given_up().is_some());
    platform
}

fn refused_after_effect(sub_code: &str) -> Fault {
    Fault::RefusedAfterEffect { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

async fn refund(platform: &Platform, request: &str) -> RefundPhase {
    let number = refund_number(platform, request).await;
    let found = platform.stack.tables.billing.find::<Refund>(&a(), &number).await;
    found.unwrap().unwrap().phase
}

#[tokio::test]
async fn debit_in_doubt_is_paid_by_the_bill_whatever_answer_was_lost() {
    for fault in [
        Fault::NoAnswerAfterEffect,
        Fault::SystemErrorAfterEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        refused_after_effect("ACQ.SOMETHING_NEW"),
    ] {
        let platform = indebted().await;
        take_in_doubt(&platform, fault.clone()).await;
        platform.run_until("2015-05-03T10:29").await;
        assert_eq!(platform.account("a").await, [0, 10_000, 10_000], "{fault:?}");
        platform.run_until("2015-05-03T10:30").await;
        assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
        assert!(platform.debit("a", 1).await.payment().is_some(), "{fault:?}");
        check(&platform, [0, 0, 0], 10_000).await;
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        // What was found stays reported, and the next day has nothing to report of it.
        reconcile_day(&platform, DAY).await.unwrap();
        assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
        platform.run_until("2015-05-05T12:00").await;
        for day in [NEXT_DAY, "2015-05-04"] {
            assert_eq!(told(&platform, day).await, all_match(0));
        }
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn debit_that_was_given_up_and_is_on_the_bill_pays_what_is_owed_or_becomes_prepaid() {
    // What is owed after a recharge changed it is requested again before the bill shows the first
    // payment.
    for (recharged, account, taken) in
        [(0, [0, 0, 0], 10_000), (4_000, [10_000, 0, 0], 16_000), (12_000, [12_000, 0, 0], 10_000)]
    {
        let platform = given_up(&[refused_after_effect("ACQ.TOTAL_FEE_EXCEED")], 2).await;
        if recharged > 0 {
            platform.recharge("a", recharged, "transfer-1").await;
        }
        platform.run_until("2015-05-03T12:00").await;
        assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
        let debit = platform.debit("a", 1).await;
        let found = debit.found_payments().map(|(_, payment)| payment.amount_fen);
        assert_eq!(found.collect::<Vec<_>>(), [fen(10_000)]);
        check(&platform, account, taken).await;
        reconcile_day(&platform, DAY).await.unwrap();
        check(&platform, account, taken).await;
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(told(&platform, NEXT_DAY).await, all_match(u32::from(taken > 10_000)));
        check(&platform, account, taken).await;
    }
}

#[tokio::test]
async fn payment_that_succeeds_after_the_debit_was_closed_is_found_by_the_bill() {
    // The first request got no answer, so the debit ends after it can no longer be on its way.
    let platform = indebted().await;
    platform.lose_notifications();
    for fault in [Fault::LateSuccess, refused("ACQ.TOTAL_FEE_EXCEED")] {
        platform.stack.alipay.fail_next(Method::Pay, fault, 1);
    }
    platform.stack.alipay.fail_next(Method::Query, refused("ACQ.TRADE_NOT_EXIST"), ALL);
    platform.run_until("2015-05-02T10:14").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 10_000], 10_000));
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 0], 10_000));
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
    assert_eq!(platform.debit("a", 1).await.found_payments().count(), 1);
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn recharge_that_nobody_told_of_is_found_by_the_bill_even_if_it_has_lapsed() {
    for (fault, lapses) in
        [(Fault::SystemErrorBeforeEffect, false), (refused("ACQ.TRADE_NOT_EXIST"), true)]
    {
        let platform = Platform::open().await;
        platform.join("a").await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Query, fault, ALL);
        platform.set("2015-05-01T09:00");
        platform.paid_recharge("a", "20.00").await;
        platform.run_until("2015-05-02T10:29").await;
        let recharge = async |platform: &Platform| -> Recharge {
            let billing = &platform.stack.tables.billing;
            billing.find(&a(), &RechargeId(1)).await.unwrap().unwrap()
        };
        let before = recharge(&platform).await.phase;
        assert_eq!(before, if lapses { RechargePhase::Lapsed } else { RechargePhase::Offered });
        assert_eq!(platform.account("a").await, [0, 0, 0]);
        platform.run_until("2015-05-02T10:30").await;
        let found = one_found(FindingKind::FoundPayment, 2_000);
        assert_eq!(told(&platform, "2015-05-01").await, found);
        assert!(recharge(&platform).await.payment().is_some());
        assert_eq!(platform.account("a").await, [2_000, 0, 0]);
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        platform.books_balance().await;
    }
}

/// Money moves while nothing of ours runs, and is booked days later by a query. Only the bill of
/// its own day shows it.
#[tokio::test]
async fn bills_of_the_first_days_are_read_though_nothing_ran_then() {
    for is_debit in [true, false] {
        let platform = Platform::open().await;
        platform.lose_notifications();
        let moved_on = if is_debit {
            owing(&platform, &["a"]).await;
            platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
            platform.set("2015-05-02T10:00");
            platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
            platform.stack.drain().await.unwrap();
            DAY
        } else {
            platform.set("2015-05-01T09:00");
            platform.join("a").await;
            platform.paid_recharge("a", "20.00").await;
            "2015-05-01"
        };
        platform.set("2015-05-06T20:00");
        let booked = if is_debit { [0, 0, 0] } else { [2_000, 0, 0] };
        assert_ne!(platform.account("a").await, booked, "nobody told of it");
        for _ in 0..2 {
            platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
            platform.stack.drain().await.unwrap();
            platform.set("2015-05-06T21:00");
        }
        assert_eq!(platform.account("a").await, booked, "by a query");
        platform.run_until("2015-05-07T12:00").await;
        assert_eq!(told(&platform, moved_on).await, all_match(1));
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn refund_in_doubt_is_done_by_the_bill() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
    let fault = Fault::SystemErrorBeforeEffect;
    platform.stack.alipay.fail_next(Method::RefundQuery, fault, ALL);
    ask_for_refund(&platform, "F1", 500).await;
    platform.run_until("2015-05-03T10:29").await;
    assert_eq!(refund(&platform, "F1").await, RefundPhase::Sending);
    platform.run_until("2015-05-03T10:30").await;
    assert_eq!(refund(&platform, "F1").await, RefundPhase::Done);
    let found = (FindingKind::FoundReversal, Some(-500), None);
    assert_eq!(told(&platform, DAY).await, ([2, 2, 0], vec![found]));
    check(&platform, [0, 0, 0], 9_500).await;
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    check(&platform, [0, 0, 0], 9_500).await;
}

#[tokio::test]
async fn reversal_that_nobody_told_of_is_found_by_the_bill_and_owed_again() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.lose_notifications();
    reverse(&platform, 1_000).await;
    reverse(&platform, 9_000).await;
    platform.run_until("2015-05-03T10:29").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.run_until("2015-05-03T10:30").await;
    let found = |amount| (FindingKind::FoundReversal, Some(amount), None);
    let (counts, mut findings) = told(&platform, DAY).await;
    findings.sort();
    assert_eq!((counts, findings), ([3, 3, 0], vec![found(-9_000), found(-1_000)]));
    check(&platform, [0, 10_000, 0], 0).await;
    reconcile_day(&platform, DAY).await.unwrap();
    check(&platform, [0, 10_000, 0], 0).await;
}

#[tokio::test]
async fn account_without_a_bill_of_trades_is_reconciled_by_its_ledger() {
    // Found money needs the number of the trade, which only a query returns.
    let platform = given_up(&[refused_after_effect("ACQ.TOTAL_FEE_EXCEED")], 2).await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
    let debit = platform.debit("a", 1).await;
    let found = debit.found_payments().map(|(_, payment)| &*payment.trade_no).collect::<Vec<_>>();
    assert_eq!(found, [&*platform.stack.alipay.trades().unwrap()[0].trade_no]);
    check(&platform, [0, 0, 0], 10_000).await;

    // Until it does, nothing is booked, and the day is open.
    let platform = in_doubt().await;
    platform.run_until("2015-05-03T10:29").await;
    platform.set("2015-05-03T10:30");
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
    assert_eq!(reconciled(&platform).await, days(&[], &[DAY]));
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    platform.books_hold().await;
}

#[tokio::test]
async fn reversal_on_the_ledger_is_not_taken_for_our_refund_of_the_same_amount() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    ask_for_refund(&platform, "F1", 500).await;
    platform.run_until("2015-05-02T13:00").await;
    platform.lose_notifications();
    reverse(&platform, 500).await;
    platform.run_until("2015-05-03T10:29").await;
    for _ in ["first run", "rerun"] {
        platform.set("2015-05-03T10:30");
        platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
        reconcile_day(&platform, DAY).await.unwrap();
        platform.stack.drain().await.unwrap();
        // The ledger does not say which of the two it is, so a person has to find out.
        let theirs = (FindingKind::TheirsOnly, Some(-500), None);
        assert_eq!(told(&platform, DAY).await, ([3, 2, 0], vec![theirs]));
    }
    assert_eq!(platform.account("a").await, [0, 0, 0]);
}

#[tokio::test]
async fn notification_that_comes_while_the_bill_is_read_books_the_money_once_and_matches() {
    // Before each row of the ledger that is not known, Alipay is asked: there, the other comes in.
    for requests in (1..=16).step_by(3) {
        let platform = Platform::open().await;
        owing(&platform, &["p", "q", "a"]).await;
        let alipay = &platform.stack.alipay;
        alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 3);
        platform.dispatch_at("2015-05-02T10:00").await;
        let form = notice_of_the_last_trade(&platform);
        alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
        platform.set("2015-05-03T10:30");

        platform.stack.transport.meter().take();
        let notify = async {
            let mut seen = 0;
            while seen < requests {
                tokio::task::yield_now().await;
                seen += platform.stack.transport.meter().take().requests.values().sum::<u64>();
            }
            platform.notify(&form).await
        };
        let (reconciled, notified) = join(reconcile_day(&platform, DAY), notify).await;
        reconciled.unwrap();
        assert_eq!(notified, (200, "success".to_owned()), "after {requests}");
        let ([rows, matched, waiting], findings) = told(&platform, DAY).await;
        assert_eq!([rows, matched, waiting], [3, 3, 0], "after {requests}: {findings:?}");
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new(), "after {requests}");
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn two_runs_at_the_same_time_book_what_they_find_once() {
    let platform = indebted().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    // By the ledger, both ask Alipay about the trade before either books it.
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 2);
    platform.set("2015-05-03T10:30");
    let (one, two) = join(reconcile_day(&platform, DAY), reconcile_day(&platform, DAY)).await;
    one.unwrap();
    two.unwrap();
    let ([rows, matched, waiting], _) = told(&platform, DAY).await;
    assert_eq!([rows, matched, waiting], [1, 1, 0]);
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
    check(&platform, [0, 0, 0], 10_000).await;
}

/// A morning on which the bill shows a debit in doubt, a recharge without a notification, one that
/// is known, and money that was given back unasked.
async fn a_morning_of_finds() -> Platform {
    let platform = indebted().await;
    platform.run_until("2015-05-02T09:00").await;
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-02T09:10").await;
    take_in_doubt_beside(&platform).await;
    platform.paid_recharge("a", "30.00").await;
    reverse(&platform, 1_000).await;
    platform.run_until("2015-05-03T10:29").await;
    platform
}

async fn take_in_doubt_beside(platform: &Platform) {
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, ALL);
    platform.run_until("2015-05-02T10:10").await;
}

/// What `a` has, owes and paid, and how many entries and records have it. The parts of a bill
/// are worked on in any order, so that the entries stand in any order.
async fn end(platform: &Platform) -> ([i64; 3], i64, usize) {
    let figures = platform.figures().await;
    (platform.account("a").await, platform.taken("a"), figures.lines().count())
}

#[tokio::test]
async fn run_that_is_killed_at_any_write_comes_to_the_same_end_when_it_runs_again() {
    let platform = a_morning_of_finds().await;
    platform.set("2015-05-03T10:30");
    reconcile(&platform).await.unwrap();
    let (expected, end) = (told(&platform, DAY).await, end(&platform).await);
    assert_eq!((expected.0, expected.1.len()), ([4, 4, 0], 3), "{expected:?}");
    platform.books_balance().await;

    // The three trades are in up to three parts, by their numbers, which differ from realm to
    // realm; so does the number of writes.
    let (mut write, mut is_killed) = (0, true);
    while is_killed {
        write += 1;
        assert!(write < 40, "each of {write} runs is killed");
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            let platform = a_morning_of_finds().await;
            platform.set("2015-05-03T10:30");
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            let killed = reconcile(&platform).await;
            platform.stack.transport.faults().restore();
            let told_so = format!("{fault:?} write {write}");
            is_killed = killed.is_err();
            reconcile(&platform).await.unwrap();
            assert_eq!(told(&platform, DAY).await.0, expected.0, "{told_so}");
            assert_eq!(self::end(&platform).await, end, "{told_so}");
            assert_eq!(unmatched(&platform).await, Vec::<i64>::new(), "{told_so}");
            platform.books_balance().await;
            platform.run_until("2015-05-05T12:00").await;
            assert_eq!(told(&platform, NEXT_DAY).await, all_match(0), "{told_so}");
            platform.books_balance().await;
        }
    }
    assert!(write > 10, "{write} writes");
}
