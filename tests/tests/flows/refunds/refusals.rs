//! A refund that Alipay refuses comes back where it was, once a query has proved it.

use steelyard_billing::GatewayCode;

use super::*;

#[tokio::test]
async fn refused_refund_comes_back_only_after_a_query_proved_it() {
    for of in [RECHARGE, DEBIT] {
        let platform = paid(of).await;
        let fault = refused("ACQ.TRADE_NOT_ALLOW_REFUND");
        platform.stack.alipay.fail_next(Method::Refund, fault, 1);
        platform.stack.alipay.fail_next(Method::RefundQuery, Fault::NoAnswerBeforeEffect, 1);
        platform.set("2015-05-02T14:00");
        ask(&platform, of, "F1", 4_000).await;
        platform.run_until("2015-05-02T14:02").await;
        let code = GatewayCode("code 40004 ACQ.TRADE_NOT_ALLOW_REFUND".to_owned());
        let confirming = RefundPhase::Confirming { code: code.clone() };
        assert_eq!(phase(&platform, of, "F1").await, confirming);
        check(&platform, prepaid_after(of, 4_000), [10_000, 4_000]).await;
        platform.run_until("2015-05-02T14:05").await;
        let refused = RefundPhase::Refused { code, acknowledged: None };
        assert_eq!(phase(&platform, of, "F1").await, refused);
        check(&platform, prepaid_after(of, 0), [10_000, 0]).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, prepaid_after(of, 0), [10_000, 0]).await;
    }
}

#[tokio::test]
async fn refusal_of_what_was_given_back_all_the_same_gives_nothing_back_twice() {
    for sub_code in ["ACQ.TRADE_NOT_ALLOW_REFUND", "ACQ.DISCORDANT_REPEAT_REQUEST"] {
        let platform = recharged().await;
        platform.lose_notifications();
        let sub_code = sub_code.to_owned();
        let fault = Fault::RefusedAfterEffect { code: "40004".to_owned(), sub_code };
        platform.stack.alipay.fail_next(Method::Refund, fault, 1);
        ask(&platform, RECHARGE, "F1", 4_000).await;
        platform.run_until("2015-05-01T20:05").await;
        assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    }
}

#[tokio::test]
async fn refused_refund_pays_what_is_owed_by_then() {
    let platform = recharged().await;
    let fault = refused("ACQ.TRADE_NOT_ALLOW_REFUND");
    platform.stack.alipay.fail_next(Method::Refund, fault, 1);
    platform.stack.alipay.fail_next(Method::RefundQuery, Fault::NoAnswerBeforeEffect, 12);
    ask(&platform, RECHARGE, "F1", 10_000).await;
    platform.count("a", BASIC, "2015-05-01", 900_000).await;
    platform.run_until("2015-05-02T01:00").await;
    check(&platform, [0, 4_000, 0], [10_000, 10_000]).await;
    platform.run_until("2015-05-02T10:00").await;
    check(&platform, [6_000, 0, 0], [10_000, 0]).await;
}

#[tokio::test]
async fn refund_waits_until_our_own_account_is_filled_up() {
    let platform = recharged().await;
    let fault = refused("ACQ.SELLER_BALANCE_NOT_ENOUGH");
    platform.stack.alipay.fail_next(Method::Refund, fault, 3);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    for time in ["20:30", "21:30", "22:30"] {
        platform.run_until(&format!("2015-05-01T{time}")).await;
        assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Due, "{time}");
        check(&platform, [6_000, 0, 0], [10_000, 4_000]).await;
    }
    platform.run_until("2015-05-01T23:30").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
}

#[tokio::test]
async fn refund_of_what_alipay_gave_back_before_is_refused_and_comes_back() {
    let platform = recharged().await;
    ask(&platform, RECHARGE, "F1", 4_000).await;
    reverse(&platform, RECHARGE, 10_000).await;
    platform.run_until("2015-05-01T20:10").await;
    assert!(matches!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Refused { .. }));
    check(&platform, [0, 0, 0], [0, 0]).await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [0, 0]).await;
}
