//! What a recharge pays: what is owed and no debit collects. The rest is prepaid.

use steelyard_billing::{DebitId, Phase};

use super::*;

/// A platform on the second of May at half past midnight, where `a` owes ¥100.00 and no debit
/// collects it.
async fn owing() -> Platform {
    let platform = empty().await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    platform
}

/// A platform on the second of May at half past midnight, where `a` owes ¥100.00, has these funds
/// at Alipay, and a debit is open and not sent yet.
async fn to_be_collected(funds: i64) -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", funds).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    assert_eq!(platform.found("a").await.account.open_debit, Some(DebitId(1)));
    platform
}

/// The same at ten: the debit was sent, and met this fault.
async fn collecting(funds: i64, fault: Fault) -> Platform {
    let platform = to_be_collected(funds).await;
    platform.stack.alipay.fail_next(Method::Pay, fault, 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    platform
}

#[tokio::test]
async fn recharge_pays_what_is_owed_and_the_rest_is_prepaid() {
    for (yuan, account) in
        [("60.00", [0, 4_000, 0]), ("100.00", [0, 0, 0]), ("120.00", [2_000, 0, 0])]
    {
        let platform = owing().await;
        platform.paid_recharge("a", yuan).await;
        platform.deliver().await;
        check(&platform, account, 1).await;
    }
}

#[tokio::test]
async fn recharge_pays_the_charges_of_the_next_days() {
    let platform = empty().await;
    platform.paid_recharge("a", "120.00").await;
    platform.deliver().await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [2_000, 0, 0], 1).await;
}

#[tokio::test]
async fn recharge_before_a_debit_is_sent_pays_what_is_owed_and_the_debit_collects_the_rest() {
    for (yuan, account, taken) in [
        ("60.00", [0, 0, 0], 4_000),
        ("99.99", [0, 0, 0], 1),
        ("100.00", [0, 0, 0], 0),
        ("120.00", [2_000, 0, 0], 0),
    ] {
        let platform = to_be_collected(1_000_000).await;
        platform.paid_recharge("a", yuan).await;
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, account, 1).await;
        assert_eq!(platform.taken("a"), taken, "after {yuan}");
        let is_withdrawn = platform.debit("a", 1).await.phase == Phase::Withdrawn;
        assert_eq!(is_withdrawn, taken == 0, "after {yuan}");
    }
}

#[tokio::test]
async fn recharge_while_a_debit_is_sent_does_not_pay_what_it_collects() {
    let platform = collecting(1_000_000, Fault::NoAnswerAfterEffect).await;
    platform.paid_recharge("a", "60.00").await;
    platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 1);
    platform.deliver().await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [6_000, 0, 0], 1).await;
    assert_eq!(platform.taken("a"), 10_000);
}

#[tokio::test]
async fn recharge_pays_what_a_debit_collected_once_it_is_given_up() {
    let platform = collecting(0, Fault::InsufficientFunds).await;
    platform.paid_recharge("a", "60.00").await;
    platform.deliver().await;
    platform.run_until("2015-05-04T23:59").await;
    check(&platform, [6_000, 10_000, 10_000], 1).await;
    platform.run_until("2015-05-05T23:59").await;
    check(&platform, [0, 4_000, 0], 1).await;
}
