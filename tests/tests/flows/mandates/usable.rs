//! A mandate becomes usable while its provider owes: a debit is opened at once, and withheld on the
//! next morning.

use super::*;

/// A platform on the second of May at eight in the evening, where `a` owes ¥100.00 and nothing
/// collects it.
async fn owing() -> Platform {
    let platform = used().await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.run_until("2015-05-02T20:00").await;
    check_uncollected(&platform).await;
    platform
}

async fn check_uncollected(platform: &Platform) {
    let account = platform.found("a").await.account;
    assert_eq!((platform.account("a").await, account.open_debit), ([0, 10_000, 0], None));
}

/// Checks that a debit was opened now, which is due at ten on the third of May, and that it is
/// withheld then.
async fn check_collected_next_morning(platform: &Platform, debit: u64) {
    assert_eq!(platform.found("a").await.account.open_debit, Some(DebitId(debit)));
    let opened = platform.debit("a", debit).await;
    let now = platform.stack.clock.now();
    assert_eq!((opened.opened_at_s, opened.phase), (now, Phase::Due));
    assert_eq!(opened.task.due_at_s, platform.instant("2015-05-03T10:00"));
    platform.run_until("2015-05-03T09:59").await;
    check(platform, [0, 10_000, 0], 0).await;
    platform.run_until("2015-05-03T10:01").await;
    check(platform, [0, 0, 0], 10_000).await;
    platform.run_until("2015-05-04T12:00").await;
    check(platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn mandate_that_is_signed_by_notification_opens_a_debit_at_once() {
    let platform = owing().await;
    sign(&platform, "a", 1_000_000).await;
    check_uncollected(&platform).await;
    platform.deliver().await;
    check_collected_next_morning(&platform, 1).await;
}

#[tokio::test]
async fn mandate_that_is_found_signed_by_a_query_opens_a_debit_at_once() {
    let platform = owing().await;
    platform.lose_notifications();
    sign(&platform, "a", 1_000_000).await;
    platform.run_until("2015-05-02T20:00:59").await;
    check_uncollected(&platform).await;
    platform.run_until("2015-05-02T20:01").await;
    check_collected_next_morning(&platform, 1).await;
}

#[tokio::test]
async fn agreement_that_an_operator_adopts_opens_a_debit_at_once() {
    let platform = owing().await;
    platform.adopt("a", "20155533333", 1_000_000).await;
    check_collected_next_morning(&platform, 1).await;
}

#[tokio::test]
async fn mandate_that_an_operator_resumes_opens_a_debit_at_once() {
    for sub_code in ["ACQ.AGREEMENT_INVALID", "ACQ.PAYMENT_REQUEST_HAS_RISK"] {
        let (platform, _) = indebted().await;
        platform.stack.alipay.fail_next(Method::Pay, refused(sub_code), 1);
        platform.run_until("2015-05-02T20:00").await;
        let suspended = phase(&platform, 1).await;
        let MandatePhase::Suspended { why: Suspension::ByDebit { .. }, .. } = suspended else {
            panic!("{sub_code}: {suspended:?}")
        };
        check_uncollected(&platform).await;
        platform.resume("a", 1).await;
        check_collected_next_morning(&platform, 2).await;
    }
}

#[tokio::test]
async fn resumption_whose_answer_is_lost_opens_one_debit() {
    let (platform, _) = indebted().await;
    platform.stack.alipay.fail_next(Method::Pay, refused("ACQ.AGREEMENT_INVALID"), 1);
    platform.run_until("2015-05-02T20:00").await;
    platform.stack.transport.faults().strike(Target::Writes, 1..=1, AwsFault::LoseAnswer);
    platform.resume("a", 1).await;
    check_collected_next_morning(&platform, 2).await;
    assert_eq!(platform.debits("a").await.len(), 2);
}

#[tokio::test]
async fn mandate_that_becomes_usable_in_the_morning_is_withheld_under_on_the_same_day() {
    let platform = used().await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.run_until("2015-05-02T09:30").await;
    sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn mandate_that_becomes_usable_opens_no_debit_where_nothing_is_owed() {
    let platform = used().await;
    sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    assert_eq!(platform.debits("a").await, []);
}
