//! Notifications of debits: sent, in doubt, held, given up.

use steelyard_billing::{Cause, OutTradeNo, Payment, Phase};
use steelyard_books::Applied;

use super::*;

#[tokio::test]
async fn debit_in_doubt_is_paid_by_its_notification() {
    for fault in [Fault::NoAnswerAfterEffect, Fault::UnsignedAnswer, Fault::SystemErrorAfterEffect]
    {
        let (platform, fields) = debited(fault).await;
        assert!(matches!(platform.debit("a", 1).await.phase, Phase::InDoubt { .. }));
        check_confirmed(&platform, &signed(&platform, &fields), "in doubt").await;
        check(&platform, [0, 0, 0]).await;
        check_harmless(&platform, &signed(&platform, &fields), "paid").await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, [0, 0, 0]).await;
        assert_eq!(platform.taken("a"), 10_000);
    }
}

#[tokio::test]
async fn payment_that_another_books_meanwhile_is_booked_once_and_is_no_contradiction() {
    let mut stalls = 0;
    for request in 1..=6 {
        let (platform, fields) = debited(Fault::NoAnswerAfterEffect).await;
        let slow = Machine::stalling(&platform, request);
        let (books, now) = (slow.books(&platform), platform.stack.clock.now());
        let number = OutTradeNo::parse(&fields["out_trade_no"]).unwrap();
        let payment = Payment { trade_no: fields["trade_no"].clone(), amount_fen: fen(10_000) };
        let booking = tokio::spawn(async move { books.book_payment(&number, &payment, now).await });
        if slow.stalled_or(&booking).await {
            stalls += 1;
            check_confirmed(&platform, &signed(&platform, &fields), "meanwhile").await;
            slow.wake();
            let applied = booking.await.unwrap().unwrap();
            assert_eq!(applied, Applied::Before("a".parse().unwrap()), "before {request}");
        }
        check(&platform, [0, 0, 0]).await;
        assert_eq!(platform.taken("a"), 10_000);
    }
    // It reads whose trade it is, the debit and the account, and books.
    assert_eq!(stalls, 4);
}

#[tokio::test]
async fn debit_that_is_held_is_paid_by_its_notification() {
    let (code, sub_code) = ("40004".to_owned(), "ACQ.INVALID_PARAMETER".to_owned());
    let (platform, fields) = debited(Fault::RefusedAfterEffect { code, sub_code }).await;
    assert!(matches!(platform.debit("a", 1).await.phase, Phase::Held { .. }));
    check_confirmed(&platform, &signed(&platform, &fields), "held").await;
    check(&platform, [0, 0, 0]).await;
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 0, 0]).await;
}

#[tokio::test]
async fn debit_whose_visit_died_is_paid_by_its_notification() {
    let platform = indebted().await;
    platform.set("2015-05-02T10:00");
    // It is stored as being sent together with what it reserves; it is sent, and never stored as
    // paid.
    let store = Target::Operation("TransactWriteItems");
    platform.stack.transport.faults().strike(store, 2..=2, AwsFault::CutBefore);
    drop(platform.stack.functions.dispatch.invoke(json!({})).await);
    platform.stack.drain().await.unwrap();
    platform.stack.transport.faults().restore();
    assert_eq!(platform.debit("a", 1).await.phase, Phase::Sending);
    let form = signed(&platform, &platform.pending_notification());
    check_confirmed(&platform, &form, "sending").await;
    check(&platform, [0, 0, 0]).await;
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 0, 0]).await;
    assert_eq!(platform.taken("a"), 10_000);
}

#[tokio::test]
async fn notification_of_a_debit_that_nobody_asked_for_is_refused() {
    let (other, fields) = debited(Fault::NoAnswerAfterEffect).await;
    check_confirmed(&other, &signed(&other, &fields), "asked for").await;
    // The same debit, which was never sent here.
    let platform = indebted().await;
    assert_eq!(platform.debit("a", 1).await.phase, Phase::Due);
    let unsent = debit_number(&platform, 1).await;
    let form = signed(&platform, &with(&fields, &[("out_trade_no", &unsent)]));
    check_refused(&platform, &form, "never sent").await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0]).await;
    assert_eq!(platform.taken("a"), 10_000);
}

#[tokio::test]
async fn notification_of_another_attempt_amount_or_debit_than_there_is_is_refused() {
    let (platform, fields) = debited(Fault::NoAnswerAfterEffect).await;
    let other_debit =
        platform.trade_number("a", TradeOf::Debit { debit: DebitId(2), attempt: 1 }).await;
    let attempts = [0, 2, u16::MAX].map(|attempt| debit_number(&platform, attempt));
    let [none, next, last] = futures::future::join_all(attempts).await.try_into().unwrap();
    for (name, value) in [
        ("out_trade_no", none.as_str()),
        ("out_trade_no", next.as_str()),
        ("out_trade_no", last.as_str()),
        ("out_trade_no", other_debit.as_str()),
        ("total_amount", "100.01"),
        ("total_amount", "1.00"),
        ("seller_id", "2088000000000002"),
    ] {
        let form = signed(&platform, &with(&fields, &[(name, value)]));
        check_refused(&platform, &form, &format!("{name} {value}")).await;
    }
    check_confirmed(&platform, &signed(&platform, &fields), "the genuine one").await;
    check(&platform, [0, 0, 0]).await;
    let other_trade = with(&fields, &[("trade_no", "2015050222001999999999999999")]);
    check_refused(&platform, &signed(&platform, &other_trade), "another trade_no").await;
}

#[tokio::test]
async fn state_before_the_payment_that_comes_after_it_changes_nothing() {
    let (platform, fields) = debited(Fault::NoAnswerAfterEffect).await;
    check_confirmed(&platform, &signed(&platform, &fields), "paid").await;
    for state in ["WAIT_BUYER_PAY", "TRADE_CLOSED", "TRADE_FINISHED"] {
        let form = signed(&platform, &with(&fields, &[("trade_status", state)]));
        check_harmless(&platform, &form, state).await;
    }
    check(&platform, [0, 0, 0]).await;
}

/// The platform after the debit was given up, since Alipay said that it knows no such trade, though
/// it took the money when the trade was closed. It has still to notify of that: the form.
async fn given_up() -> (Platform, String) {
    let platform = indebted().await;
    let refused =
        |sub_code: &str| Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() };
    let alipay = &platform.stack.alipay;
    alipay.fail_next(Method::Pay, Fault::LateSuccess, 1);
    alipay.fail_next(Method::Pay, refused("ACQ.AGREEMENT_INVALID"), 1);
    alipay.fail_next(Method::Query, refused("ACQ.TRADE_NOT_EXIST"), 40);
    // It ends when the first request, which got no answer, can no longer be on its way.
    for time in ["10:00", "10:01", "10:02", "10:03", "10:05", "10:20", "11:10"] {
        platform.dispatch_at(&format!("2015-05-02T{time}")).await;
    }
    assert!(matches!(platform.debit("a", 1).await.phase, Phase::GivenUp { .. }));
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 0], 10_000));
    let form = signed(&platform, &platform.pending_notification());
    (platform, form)
}

#[tokio::test]
async fn payment_of_a_debit_that_was_given_up_is_found_money() {
    // It pays what is owed again, or is prepaid if that was paid meanwhile.
    for (paid_in, account) in
        [(0, [0, 0, 0]), (4_000, [4_000, 0, 0]), (10_000, [10_000, 0, 0]), (11_000, [11_000, 0, 0])]
    {
        let (platform, form) = given_up().await;
        if paid_in > 0 {
            platform.recharge("a", paid_in, "transfer-1").await;
        }
        check_confirmed(&platform, &form, "given up").await;
        check(&platform, account).await;
        check_harmless(&platform, &form, "found").await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, account).await;
        assert_eq!(found(&platform).await, 1);
    }
}

#[tokio::test]
async fn payment_of_a_debit_that_was_given_up_is_not_found_under_another_amount_or_trade() {
    let (platform, form) = given_up().await;
    let fields = platform.pending_notification();
    let other_amount = signed(&platform, &with(&fields, &[("total_amount", "100.01")]));
    check_refused(&platform, &other_amount, "another amount").await;
    check_confirmed(&platform, &form, "the genuine one").await;
    let other_trade = with(&fields, &[("trade_no", "2015050222001999999999999999")]);
    check_refused(&platform, &signed(&platform, &other_trade), "another trade_no").await;
    check(&platform, [0, 0, 0]).await;
}

/// The number of entries of found money in the journal of `a`.
async fn found(platform: &Platform) -> usize {
    let journal = platform.stack.tables.billing.journal(&"a".parse().unwrap()).await.unwrap();
    let is_found = |cause: &Cause| matches!(cause, Cause::DebitFound { .. });
    journal.iter().filter(|entry| is_found(&entry.record().cause)).count()
}
