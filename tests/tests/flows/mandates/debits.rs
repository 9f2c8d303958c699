//! Debits under a mandate: it is checked before each day's first, and its limits and suspension are
//! heeded.

use super::*;

#[tokio::test]
async fn debit_that_finds_its_agreement_suspended_is_withdrawn_and_opened_again_when_it_is_resumed()
{
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.run_until("2015-05-03T12:00").await;
    let suspended = phase(&platform, 1).await;
    let MandatePhase::Suspended { why: Suspension::ByGateway, .. } = suspended else {
        panic!("{suspended:?}")
    };
    assert_eq!(platform.debit("a", 1).await.phase, Phase::Withdrawn);
    assert_eq!(trades(&platform), NONE, "nothing is asked for meanwhile");
    check(&platform, [0, 10_000, 0], 0).await;
    platform.stack.alipay.resume_agreement(&agreement).unwrap();
    // Alipay is asked once a day; a debit is opened at once, and is due when debits are.
    platform.run_until("2015-05-04T10:00").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    assert_eq!(platform.found("a").await.account.open_debit, Some(DebitId(2)));
    platform.run_until("2015-05-05T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
    // What is charged then is collected as ever.
    charge(&platform, "2015-05-05", "2015-05-06").await;
    platform.run_until("2015-05-06T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn suspended_agreement_that_is_resumed_before_the_first_debit_was_never_noticed() {
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.stack.alipay.resume_agreement(&agreement).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn sent_debit_under_a_suspended_agreement_waits_and_is_paid_once_it_is_resumed() {
    let (platform, agreement) = declined().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.stack.alipay.resume_agreement(&agreement).unwrap();
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    check(&platform, [0, 0, 0], 10_000).await;
    assert_eq!(trades(&platform), [10_000], "under the number of the first request");
}

#[tokio::test]
async fn sent_debit_under_an_agreement_that_stays_suspended_is_given_up_and_still_owed() {
    let (platform, agreement) = declined().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.run_until("2015-05-09T09:59").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.run_until("2015-05-09T12:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    let why = GiveUpReason::Window(GatewayCode("the mandate is suspended".to_owned()));
    assert_eq!(platform.debit("a", 1).await.given_up(), Some(&why));
    // Alipay is asked on, and what is owed is collected once the agreement is in force again.
    platform.stack.alipay.resume_agreement(&agreement).unwrap();
    platform.run_until("2015-05-11T12:00").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn alipay_is_asked_about_a_mandate_once_a_day_however_many_debits_use_it() {
    let (platform, _) = indebted().await;
    // Each of the payments looks whether the mandate may be used.
    platform.stack.alipay.fail_next(Method::Pay, Fault::SystemErrorBeforeEffect, 3);
    platform.dispatch_at("2015-05-02T10:00").await;
    let checked = Some(platform.instant("2015-05-02T10:00"));
    assert_eq!(platform.mandate("a", 1).await.checked_at_s, checked);
    // Another query would find that it is over.
    platform.stack.alipay.fail_next(Method::AgreementQuery, refused("AGREEMENT_HAS_UNSIGNED"), 1);
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T09:59").await;
    let unasked = platform.mandate("a", 1).await;
    assert_eq!((unasked.phase, unasked.checked_at_s), (MandatePhase::Active, checked));
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(ended(&platform, 1).await, Some(EndReason::RevokedByProvider));
    check(&platform, [0, 100, 0], 10_000).await;
}

#[tokio::test]
async fn debits_of_one_day_under_one_mandate_ask_about_it_once() {
    let platform = used().await;
    platform.sign_up_to("b", 1_000_000, 4_000).await;
    platform.count("b", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T10:00");
    // It is asked for in the first second; another query would find that it is over.
    platform.stack.alipay.fail_next(Method::AgreementQuery, Fault::ChunkedAnswer, 1);
    platform.stack.alipay.fail_next(Method::AgreementQuery, refused("AGREEMENT_HAS_UNSIGNED"), 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(trades(&platform), [4_000, 4_000, 2_000]);
    assert_eq!(platform.mandate("b", 1).await.phase, MandatePhase::Active);
    platform.books_balance().await;
    platform.count("b", BASIC, "2015-05-02", 10_000).await;
    platform.run_until("2015-05-03T12:00").await;
    let MandatePhase::Ended { .. } = platform.mandate("b", 1).await.phase else {
        panic!("nobody asked on the next day")
    };
    assert_eq!(platform.account("b").await, [0, 100, 0]);
    platform.books_balance().await;
}

#[tokio::test]
async fn doubt_about_an_agreement_does_not_keep_a_debit_from_being_made() {
    for fault in [Fault::NoAnswerBeforeEffect, Fault::Garbage, Fault::WrongKey] {
        let (platform, _) = indebted().await;
        platform.stack.alipay.fail_next(Method::AgreementQuery, fault, 1);
        platform.dispatch_at("2015-05-02T10:00").await;
        let doubted = platform.mandate("a", 1).await;
        assert_eq!((doubted.phase, doubted.checked_at_s), (MandatePhase::Active, None));
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn lower_limit_of_the_agreement_is_taken_over_before_a_debit_is_first_sent() {
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.set_single_limit(&agreement, Some(fen(4_000))).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    let limited = platform.mandate("a", 1).await;
    assert_eq!((limited.single_limit_fen, limited.limit()), (fen(500_000), fen(4_000)));
    let in_use = platform.found("a").await.provider.mandate.unwrap();
    assert_eq!(in_use.limit_fen, fen(4_000));
    assert_eq!(trades(&platform), [4_000, 4_000, 2_000], "all on one day");
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn sent_debit_above_a_lowered_limit_is_given_up_unsplit_and_owed_under_the_new_limit() {
    let (platform, agreement) = declined().await;
    platform.stack.alipay.set_single_limit(&agreement, Some(fen(4_000))).unwrap();
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(platform.mandate("a", 1).await.limit(), fen(4_000));
    let debit = platform.debit("a", 1).await;
    assert!(matches!(debit.given_up(), Some(GiveUpReason::AmountCap(_))), "{debit:?}");
    assert_eq!((debit.attempt_count(), debit.terms.unwrap().amount_fen), (1, fen(10_000)));
    check(&platform, [0, 10_000, 0], 0).await;
    charge(&platform, "2015-05-03", "2015-05-04").await;
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
    let taken = platform.stack.alipay.trades().unwrap().into_iter();
    let taken = taken.filter(|trade| trade.taken_at.is_some()).map(|trade| trade.amount_fen.get());
    assert_eq!(taken.collect::<Vec<_>>(), [4_000, 4_000, 2_100]);
}
