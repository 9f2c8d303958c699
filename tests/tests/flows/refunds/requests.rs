//! What an operator may ask for: no more than was paid and is left, once by a name.

use steelyard_billing::AccountError;

use super::*;

#[tokio::test]
async fn refund_of_more_than_is_prepaid_is_not_asked_for() {
    // Of ¥100.00 that were paid, ¥70.00 are used.
    let platform = recharged().await;
    platform.count("a", BASIC, "2015-05-01", 1_200_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [3_000, 0, 0]);
    let records = platform.records().await;
    for (amount, expected) in [
        (3_001, AccountError::Used { amount: fen(3_001), prepaid: fen(3_000) }),
        (10_000, AccountError::Used { amount: fen(10_000), prepaid: fen(3_000) }),
        (0, AccountError::NotAPayment(fen(0))),
        (-1, AccountError::NotAPayment(fen(-1))),
    ] {
        let Err(BookError::Account(error)) = try_ask(&platform, RECHARGE, "F1", amount).await
        else {
            panic!("{amount} fen are not refused by the account")
        };
        assert_eq!(error, expected);
    }
    assert_eq!(platform.records().await, records);
    // What is set aside for one refund is not there for another.
    ask(&platform, RECHARGE, "F1", 2_000).await;
    let error = try_ask(&platform, RECHARGE, "F2", 1_001).await.unwrap_err();
    let used = AccountError::Used { amount: fen(1_001), prepaid: fen(1_000) };
    assert!(matches!(&error, BookError::Account(found) if *found == used), "{error:?}");
    platform.run_until("2015-05-02T02:00").await;
    check(&platform, [1_000, 0, 0], [8_000, 0]).await;
}

#[tokio::test]
async fn refund_of_more_than_its_trade_took_is_refused_with_what_can_still_be_given_back() {
    for of in [RECHARGE, DEBIT] {
        let platform = paid(of).await;
        // Another recharge is prepaid, too, and is not this trade's.
        platform.recharge("a", 50_000, "transfer-1").await;
        let too_much = |rest| RefundAsked::TooMuch { rest: fen(rest) };
        assert_eq!(try_ask(&platform, of, "F1", 10_001).await.unwrap(), too_much(10_000));
        ask(&platform, of, "F1", 6_000).await;
        assert_eq!(try_ask(&platform, of, "F2", 4_001).await.unwrap(), too_much(4_000));
        ask(&platform, of, "F2", 4_000).await;
        assert_eq!(try_ask(&platform, of, "F3", 1).await.unwrap(), too_much(0));
        platform.run_until("2015-05-02T20:00").await;
        assert_eq!(given_back(&platform).await, 2);
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn refund_of_a_trade_that_took_nothing_from_the_provider_is_refused() {
    let platform = recharged().await;
    platform.join("b").await;
    platform.open_recharge("a", "100.00", "page").await;
    let unpaid = TradeOf::Recharge(RechargeId(2));
    for of in [unpaid, TradeOf::Recharge(RechargeId(3)), DEBIT] {
        assert_eq!(try_ask(&platform, of, "F1", 100).await.unwrap(), RefundAsked::NotPaid);
    }
    let of_a = number(&platform, RECHARGE, "F1").await;
    let (b, why, now) = ("b".parse().unwrap(), reason("a mistake"), platform.stack.clock.now());
    let asked = platform.books().ask_refund(&b, &of_a, fen(100), &why, now).await.unwrap();
    assert_eq!(asked, RefundAsked::NotPaid);
}

#[tokio::test]
async fn refund_asked_for_twice_under_one_number_is_stored_once() {
    let platform = recharged().await;
    ask(&platform, RECHARGE, "F1", 4_000).await;
    let (stored, records) =
        (Box::new(refund(&platform, RECHARGE, "F1").await), platform.records().await);
    let again = try_ask(&platform, RECHARGE, "F1", 4_000).await.unwrap();
    assert_eq!(again, RefundAsked::Stands(stored.clone()));
    let other = try_ask(&platform, RECHARGE, "F1", 3_000).await.unwrap();
    assert_eq!(other, RefundAsked::NumberUsed(stored));
    assert_eq!(platform.records().await, records);
    platform.run_until("2015-05-01T21:00").await;
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
}
