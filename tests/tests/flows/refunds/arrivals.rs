//! A refund whose first request got no answer: it may still arrive. Neither the answer to a second
//! request nor a query that does not find it shows that it will not.

use steelyard_alipay::{Alipay, Refund as RefundRequest};
use steelyard_local_alipay::LocalAlipay;

use super::*;

/// The first request arrives at Alipay now, after it got no answer.
async fn arrive(platform: &Platform) {
    let gateway = format!("http://{}/gateway.do", platform.stack.address);
    let alipay = Alipay::new(LocalAlipay::client_config(&gateway)).unwrap();
    let RefundRef { out_trade_no, out_request_no } = number(platform, RECHARGE, "F1").await;
    let request = RefundRequest::new(out_trade_no, out_request_no, fen(4_000)).unwrap();
    let answer = alipay.refund(&request, platform.stack.clock.now()).await;
    assert!(matches!(answer, RefundAnswer::Refunded { .. }), "{answer:?}");
}

/// A platform where a refund of ¥40.00 was sent at 20:00 and got no answer, and the second request
/// was refused.
async fn refused_the_second_time() -> Platform {
    let platform = recharged().await;
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerBeforeEffect, 1);
    platform.stack.alipay.fail_next(Method::Refund, refused("ACQ.TRADE_NOT_ALLOW_REFUND"), 1);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.dispatch_at("2015-05-01T20:00").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Sending);
    platform.run_until("2015-05-01T20:05").await;
    assert!(is_confirming(&platform).await);
    platform
}

async fn is_confirming(platform: &Platform) -> bool {
    matches!(phase(platform, RECHARGE, "F1").await, RefundPhase::Confirming { .. })
}

async fn is_refused(platform: &Platform) -> bool {
    matches!(phase(platform, RECHARGE, "F1").await, RefundPhase::Refused { .. })
}

#[tokio::test]
async fn refusal_of_a_second_request_ends_no_refund_whose_first_may_still_arrive() {
    let platform = refused_the_second_time().await;
    // The queries, which find nothing, have no status.
    platform.run_until("2015-05-01T20:14").await;
    assert!(is_confirming(&platform).await);
    check(&platform, [6_000, 0, 0], [10_000, 4_000]).await;
    platform.run_until("2015-05-01T21:00").await;
    assert!(is_refused(&platform).await, "a request arrives within 15 minutes or never");
    check(&platform, [10_000, 0, 0], [10_000, 0]).await;
}

#[tokio::test]
async fn first_request_that_arrives_before_the_refusal_is_confirmed_is_found_by_a_query() {
    let platform = refused_the_second_time().await;
    platform.run_until("2015-05-01T20:13").await;
    platform.lose_notifications();
    arrive(&platform).await;
    platform.run_until("2015-05-01T21:00").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!((given_back(&platform).await, reversals(&platform).await), (1, vec![]));
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
}

#[tokio::test]
async fn query_that_says_processing_ends_no_refund_however_often_it_says_so() {
    // After a refusal, and after an answer that is in doubt.
    for fault in [refused("ACQ.TRADE_NOT_ALLOW_REFUND"), Fault::SystemErrorBeforeEffect] {
        let platform = recharged().await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
        platform.stack.alipay.fail_next(Method::Refund, fault.clone(), 100);
        platform.stack.alipay.fail_next(Method::RefundQuery, Fault::RefundProcessing, 12);
        ask(&platform, RECHARGE, "F1", 4_000).await;
        platform.run_until("2015-05-02T01:00").await;
        let phase_then = phase(&platform, RECHARGE, "F1").await;
        assert_eq!(phase_then, RefundPhase::Sending, "{fault:?}: only one request was sent");
        check_set_aside(&platform).await;
        platform.run_until("2015-05-02T10:00").await;
        assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done, "{fault:?}");
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    }
}

/// Checks that the money of the refund is still set aside, though Alipay gave it back.
async fn check_set_aside(platform: &Platform) {
    let sums = [sum(platform, Ledger::Alipay).await, -sum(platform, Ledger::Refunding).await];
    assert_eq!((platform.account("a").await, sums), ([6_000, 0, 0], [10_000, 4_000]));
}

#[tokio::test]
async fn refused_refund_is_not_confirmed_by_a_query_that_says_processing() {
    let platform = refused_the_second_time().await;
    platform.stack.alipay.fail_next(Method::RefundQuery, Fault::RefundProcessing, 8);
    platform.run_until("2015-05-01T23:00").await;
    assert!(is_confirming(&platform).await, "hours after the first request");
    check(&platform, [6_000, 0, 0], [10_000, 4_000]).await;
    platform.run_until("2015-05-02T08:00").await;
    assert!(is_refused(&platform).await);
    check(&platform, [10_000, 0, 0], [10_000, 0]).await;
}

#[tokio::test]
async fn first_request_that_arrives_after_the_refund_was_refused_is_found_however_it_comes_to_light()
 {
    for is_notified in [true, false] {
        let platform = refused_the_second_time().await;
        platform.run_until("2015-05-01T21:00").await;
        assert!(is_refused(&platform).await);
        check(&platform, [10_000, 0, 0], [10_000, 0]).await;
        if !is_notified {
            platform.lose_notifications();
        }
        arrive(&platform).await;
        platform.run_until("2015-05-01T21:05").await;
        let soon = if is_notified { [6_000, 0, 0] } else { [10_000, 0, 0] };
        assert_eq!(platform.account("a").await, soon, "notified: {is_notified}");
        platform.run_until("2015-05-02T12:00").await;
        // What was refused was set free, so that this is money that Alipay gave back by itself.
        assert_eq!((given_back(&platform).await, reversals(&platform).await), (1, vec![4_000]));
        assert!(is_refused(&platform).await, "what a person saw is not changed");
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    }
}

#[tokio::test]
async fn refused_refund_is_due_for_a_report_each_day_until_a_person_acknowledges_it() {
    let platform = recharged().await;
    platform.stack.alipay.fail_next(Method::Refund, refused("ACQ.TRADE_NOT_ALLOW_REFUND"), 100);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.run_until("2015-05-01T21:00").await;
    assert!(is_refused(&platform).await);
    let billing = &platform.stack.tables.billing;
    let first = billing.due().next_at().await.unwrap().unwrap();
    for day in 1..=3 {
        let expected = first + SignedDuration::from_hours(24 * day);
        platform.stack.run_until(expected - SignedDuration::from_hours(12)).await.unwrap();
        let next = billing.due().next_at().await.unwrap().unwrap();
        assert!((next - expected).total(jiff::Unit::Minute).unwrap().abs() < 5.0, "{next}");
    }
    let number = number(&platform, RECHARGE, "F1").await;
    let books = platform.books();
    let why = reason("the provider gets it by bank transfer");
    let acknowledged = books.acknowledge_refund(&a(), &number, &why).await.unwrap();
    let RefundPhase::Refused { acknowledged: Some(found), .. } = acknowledged.phase else {
        panic!("{acknowledged:?}")
    };
    assert_eq!(found, why);
    assert_eq!(billing.due().next_at().await.unwrap(), None);
    check(&platform, [10_000, 0, 0], [10_000, 0]).await;
}

#[tokio::test]
async fn refund_that_was_not_refused_is_not_acknowledged() {
    let platform = recharged().await;
    ask(&platform, RECHARGE, "F1", 4_000).await;
    let number = number(&platform, RECHARGE, "F1").await;
    for time in ["2015-05-01T20:00", "2015-05-01T20:10"] {
        platform.run_until(time).await;
        let records = platform.records().await;
        let answer = platform.books().acknowledge_refund(&a(), &number, &reason("why not")).await;
        assert!(matches!(answer, Err(BookError::Refund(_))), "{answer:?}");
        assert_eq!(platform.records().await, records);
    }
}
