//! What Alipay gives back without our request is owed again.

use steelyard_local_alipay::NotificationFault;

use super::*;

#[tokio::test]
async fn reversal_of_a_debit_is_noticed_by_its_notification_and_owed_again() {
    let platform = debited().await;
    reverse(&platform, DEBIT, 10_000).await;
    platform.deliver().await;
    // The notification does not have the amount.
    assert_eq!(reversals(&platform).await, [0]);
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.run_until("2015-05-02T12:01").await;
    check(&platform, [0, 10_000, 0], [0, 0]).await;
    // The next charge collects it.
    platform.set("2015-05-02T20:00");
    platform.count("a", BASIC, "2015-05-02", 10_000).await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [10_100, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
    let told = reconciled(&platform, "2015-05-02").await;
    assert_eq!((told.matched, told.findings, told.waiting), (2, vec![], 0));
    platform.run_until("2015-05-05T12:00").await;
    check(&platform, [0, 0, 0], [10_100, 0]).await;
}

#[tokio::test]
async fn reversal_of_a_recharge_takes_what_is_prepaid_and_the_rest_is_owed() {
    for (used, amount, account) in [
        (0, 3_000, [7_000, 0, 0]),
        (0, 10_000, [0, 0, 0]),
        (6_000, 3_000, [1_000, 0, 0]),
        (6_000, 4_000, [0, 0, 0]),
        (6_000, 10_000, [0, 6_000, 0]),
        (10_000, 10_000, [0, 10_000, 0]),
    ] {
        let platform = recharged().await;
        if used > 0 {
            let calls = 500_000 + u64::try_from(used).unwrap() * 100;
            platform.count("a", BASIC, "2015-05-01", calls).await;
        }
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [10_000 - used, 0, 0], [10_000, 0]).await;
        reverse(&platform, RECHARGE, amount).await;
        platform.run_until("2015-05-02T12:01").await;
        check(&platform, account, [10_000 - amount, 0]).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, account, [10_000 - amount, 0]).await;
    }
}

#[tokio::test]
async fn reversal_that_only_the_bill_shows_is_owed_again() {
    // Of a debit it is withheld again on the next morning.
    for (of, account, end, taken) in
        [(DEBIT, [0, 3_000, 0], [0, 0, 0], 10_000), (RECHARGE, [7_000, 0, 0], [7_000, 0, 0], 7_000)]
    {
        let platform = paid(of).await;
        platform.lose_notifications();
        platform.run_until("2015-05-02T14:00").await;
        reverse(&platform, of, 3_000).await;
        platform.run_until("2015-05-03T10:29").await;
        assert_eq!(platform.account("a").await, prepaid_after(of, 0));
        platform.run_until("2015-05-03T10:30").await;
        check(&platform, account, [7_000, 0]).await;
        let findings = reconciled(&platform, "2015-05-02").await.findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(!findings[0].kind.is_difference(), "{findings:?}");
        platform.run_until("2015-05-05T12:00").await;
        check(&platform, end, [taken, 0]).await;
        assert_eq!(reversals(&platform).await, [3_000]);
    }
}

#[tokio::test]
async fn payment_and_reversal_that_only_the_bill_shows_come_to_nothing() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.lose_notifications();
    platform.paid_recharge("a", "100.00").await;
    reverse(&platform, RECHARGE, 10_000).await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [0, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
}

#[tokio::test]
async fn payment_that_is_reversed_before_it_is_known_is_booked_and_reversed() {
    // The notification of the reversal alone reports both.
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.stack.alipay.fail_next_notifications(NotificationFault::Dropped, 1);
    platform.paid_recharge("a", "100.00").await;
    reverse(&platform, RECHARGE, 10_000).await;
    platform.deliver().await;
    platform.run_until("2015-05-01T20:05").await;
    check(&platform, [0, 0, 0], [0, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
}

#[tokio::test]
async fn debit_that_is_reversed_while_it_is_in_doubt_is_asked_for_under_another_number() {
    // Alipay says that its trade is closed, and not that it was paid. The bill shows both.
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    reverse(&platform, DEBIT, 10_000).await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], [10_000, 0]).await;
    let trades = platform.stack.alipay.trades().unwrap();
    let numbers: Vec<_> = trades.iter().map(|trade| trade.out_trade_no.as_str()).collect();
    let second = TradeOf::Debit { debit: DebitId(1), attempt: 2 };
    let [first, second] = [DEBIT, second].map(|of| platform.trade_number("a", of));
    assert_eq!(numbers, [first.await, second.await]);
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 0, 0], [10_000, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
}

#[tokio::test]
async fn partial_reversals_of_one_trade_are_booked_each_once_by_their_own_amounts() {
    for lost in [0, 1] {
        let platform = debited().await;
        platform.stack.alipay.fail_next_notifications(NotificationFault::Dropped, lost);
        reverse(&platform, DEBIT, 3_000).await;
        platform.deliver().await;
        platform.run_until("2015-05-02T12:10").await;
        reverse(&platform, DEBIT, 2_000).await;
        platform.run_until("2015-05-02T12:20").await;
        let before_the_bill = if lost == 0 { 5_000 } else { 2_000 };
        assert_eq!(platform.account("a").await, [0, before_the_bill, 0]);
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(
            (given_back(&platform).await, reversals(&platform).await),
            (2, vec![3_000, 2_000])
        );
        // What is owed again is withheld again.
        check(&platform, [0, 0, 0], [10_000, 0]).await;
    }
}

#[tokio::test]
async fn reversal_beside_a_refund_of_the_same_trade_is_told_apart() {
    let platform = recharged().await;
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.run_until("2015-05-01T20:10").await;
    reverse(&platform, RECHARGE, 1_500).await;
    platform.run_until("2015-05-01T20:20").await;
    check(&platform, [4_500, 0, 0], [4_500, 0]).await;
    assert_eq!((given_back(&platform).await, reversals(&platform).await), (2, vec![1_500]));
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [4_500, 0, 0], [4_500, 0]).await;
}

#[tokio::test]
async fn notification_of_a_reversal_that_comes_again_changes_nothing_more() {
    let platform = debited().await;
    reverse(&platform, DEBIT, 3_000).await;
    let form = platform.stack.alipay.signed_form(&platform.pending_notification());
    let success = (200, "success".to_owned());
    for _ in 0..2 {
        assert_eq!(platform.notify(&form).await, success);
    }
    platform.run_until("2015-05-02T12:05").await;
    check(&platform, [0, 3_000, 0], [7_000, 0]).await;
    let before = platform.records().await;
    assert_eq!(platform.notify(&form).await, success);
    assert_eq!(platform.records().await, before);
    assert_eq!(reversals(&platform).await, [3_000]);
}

#[tokio::test]
async fn reversal_is_booked_by_no_amount_but_that_which_a_query_tells() {
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::SystemErrorAfterEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        refused("ACQ.TRADE_NOT_EXIST"),
    ] {
        let platform = debited().await;
        platform.stack.alipay.fail_next(Method::RefundQuery, fault.clone(), 3);
        reverse(&platform, DEBIT, 3_000).await;
        platform.run_until("2015-05-02T12:07").await;
        assert_eq!(platform.account("a").await, [0, 0, 0], "{fault:?}");
        platform.run_until("2015-05-02T12:16").await;
        check(&platform, [0, 3_000, 0], [7_000, 0]).await;
    }
}

#[tokio::test]
async fn reversal_that_a_notification_claims_and_no_query_finds_moves_nothing() {
    let platform = debited().await;
    reverse(&platform, DEBIT, 3_000).await;
    let mut claimed = platform.pending_notification();
    claimed.insert("out_biz_no".to_owned(), "REVERSAL99999999".to_owned());
    platform.stack.alipay.drop_notifications().unwrap();
    let form = platform.stack.alipay.signed_form(&claimed);
    assert_eq!(platform.notify(&form).await, (200, "success".to_owned()));
    platform.run_until("2015-05-02T20:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0], "the claim moved nothing");
    // The bill of the day shows the reversal, which is withheld again on the next day.
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 3_000, 0], [7_000, 0]).await;
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    assert_eq!(reversals(&platform).await, [3_000, 0]);
    // What was claimed is still queried, and the audit says so.
    platform.books_balance_late(&[BreachKind::Unfinished]).await;
}

#[tokio::test]
async fn two_visits_to_a_reversal_at_once_book_it_once() {
    for behind in 0..6 {
        let platform = recharged().await;
        reverse(&platform, RECHARGE, 3_000).await;
        platform.deliver().await;
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.debit(&platform));
        let message = message(&platform, "reversal", "REVERSAL00000001").await;
        let (one, two) = join(one.invoke(message.clone()), two.invoke(message)).await;
        for answer in [one, two] {
            assert_eq!(answer.unwrap()["batchItemFailures"], json!([]), "{behind} behind");
        }
        check(&platform, [7_000, 0, 0], [7_000, 0]).await;
        assert_eq!(given_back(&platform).await, 1);
    }
}

#[tokio::test]
async fn later_notification_of_a_trade_that_we_refunded_says_nothing_new() {
    let platform = debited().await;
    ask(&platform, DEBIT, "F1", 500).await;
    platform.run_until("2015-05-02T13:00").await;
    let paid = platform.debit("a", 1).await;
    let (number, trade_no) =
        (platform.trade_number("a", DEBIT).await, paid.payment().unwrap().trade_no.clone());
    let now = platform.stack.clock.now();
    let notice = |refunded| TradeNotice {
        out_trade_no: number.clone(),
        trade_no: trade_no.clone(),
        seller_id: "2088".to_owned(),
        amount_fen: fen(10_000),
        state: TradeState::Finished,
        refunded_at: Some(now),
        refunded_fen: Some(fen(refunded)),
        out_request_no: None,
    };
    let apply = async |refunded| {
        let notice = Notice::Trade(notice(refunded));
        platform.books().apply_notice(&notice, "2088", now).await.unwrap()
    };
    assert_eq!(apply(500).await, Noted::Nothing);
    assert_eq!(reversals(&platform).await, [0_i64; 0]);
    // More than our refund was given back: another party gave it.
    assert_eq!(apply(700).await, Noted::Booked);
    assert_eq!(reversals(&platform).await, [0]);
}
