//! A mandate that another replaces, and one that must not.

use steelyard_books::{Applied, Offered};
use steelyard_tests::in_force;

use super::*;

#[tokio::test]
async fn new_signature_replaces_the_old_one_and_the_next_charge_is_collected_under_it() {
    let (platform, old) = indebted().await;
    platform.set("2015-05-02T08:00");
    let new = sign(&platform, "a", 1_000_000).await;
    assert_ne!(new, old);
    let numbers = [1, 2].map(|number| platform.mandate("a", number));
    let [one, two] = futures::future::join_all(numbers).await.try_into().unwrap();
    assert_ne!(one.external_agreement_no, two.external_agreement_no);
    platform.deliver().await;
    let in_use = platform.found("a").await.provider.mandate.unwrap();
    assert_eq!((in_use.mandate, &*in_use.agreement_no), (MandateId(2), &*new));

    platform.run_until("2015-05-02T12:00").await;
    let replaced = EndReason::Replaced { by: MandateId(2) };
    assert_eq!(ended(&platform, 1).await, Some(replaced));
    assert_eq!(at_alipay(&platform), [AgreementStatus::Unsign, AgreementStatus::Normal]);
    // The debit that was open was not sent yet, so it collects under the new one.
    assert_eq!(platform.debit("a", 1).await.terms.unwrap().mandate, MandateId(2));
    check(&platform, [0, 0, 0], 10_000).await;

    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
    let taken = platform.stack.alipay.taken().unwrap();
    assert_eq!(Vec::from_iter(taken), [(new, fen(10_100))]);
}

#[tokio::test]
async fn mandate_that_is_in_force_again_does_not_take_the_place_of_one_that_came_into_use_meanwhile()
 {
    let (platform, old) = indebted().await;
    platform.stack.alipay.suspend_agreement(&old).unwrap();
    platform.run_until("2015-05-02T10:01").await;
    assert!(platform.mandate("a", 1).await.is_suspended());
    platform.adopt("a", "20159", 1_000_000).await;
    // A query from before the other came into use brings its answer now.
    let (provider, now) = ("a".parse().unwrap(), platform.stack.clock.now());
    let answer = AgreementAnswer::InForce(in_force(&old));
    let decide = |before: &Mandate| before.after_query(answer.clone(), now);
    platform.books().change_mandate(&provider, MandateId(1), now, decide).await.unwrap();
    let in_use = platform.found("a").await.provider.mandate.unwrap();
    assert_eq!((in_use.mandate, &*in_use.agreement_no), (MandateId(2), "20159"));
    platform.run_until("2015-05-03T12:00").await;
    let replaced = EndReason::Replaced { by: MandateId(2) };
    assert_eq!(ended(&platform, 1).await, Some(replaced));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn debit_that_was_sent_under_the_replaced_agreement_is_given_up_and_owed_under_the_new_one() {
    let (platform, _) = declined().await;
    let new = sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    platform.run_until("2015-05-03T12:00").await;
    let why = GiveUpReason::MandateDead(GatewayCode("the mandate has ended".to_owned()));
    assert_eq!(platform.debit("a", 1).await.given_up(), Some(&why));
    assert_eq!(platform.debit("a", 1).await.terms.unwrap().mandate, MandateId(1));
    check(&platform, [0, 10_000, 0], 0).await;
    // Nothing else changes: the next run requests what is owed all the same.
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
    let taken = platform.stack.alipay.taken().unwrap();
    assert_eq!(taken.get(&new), Some(&fen(10_000)));
}

#[tokio::test]
async fn debit_that_took_the_money_under_the_old_agreement_is_paid_though_it_was_replaced() {
    let (platform, _) = indebted().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, 20);
    platform.dispatch_at("2015-05-02T10:00").await;
    sign(&platform, "a", 1_000_000).await;
    platform.run_until("2015-05-02T10:06").await;
    assert_eq!(phase(&platform, 2).await, MandatePhase::Active);
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000], "it is in doubt");
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(trades(&platform), [10_000, 100]);
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn old_agreement_that_was_suspended_does_not_come_back_over_the_new_one() {
    let (platform, old) = indebted().await;
    platform.stack.alipay.suspend_agreement(&old).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    let new = sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    platform.stack.alipay.resume_agreement(&old).unwrap();
    charge(&platform, "2015-05-03", "2015-05-04").await;
    platform.run_until("2015-05-04T12:00").await;
    let in_use = platform.found("a").await.provider.mandate.unwrap();
    assert_eq!((in_use.mandate, in_use.agreement_no), (MandateId(2), new));
    assert_eq!(at_alipay(&platform), [AgreementStatus::Unsign, AgreementStatus::Normal]);
    platform.books_balance().await;
}

#[tokio::test]
async fn agreement_of_another_provider_is_never_taken_over() {
    let (platform, of_a) = indebted().await;
    platform.join("b").await;
    let of_b = sign(&platform, "b", 1_000_000).await;
    let before = platform.mandate("b", 1).await;
    let notices = taken_over(&platform);
    platform.stack.alipay.revoke_agreement(&of_b, platform.stack.clock.now()).unwrap();
    for genuine in notices.iter().chain(&taken_over(&platform)) {
        let mut crossed = genuine.clone();
        crossed.insert("agreement_no".to_owned(), of_a.clone());
        assert_eq!(tell(&platform, &crossed).await, unconfirmed(), "{crossed:?}");
        let mut nobodys = genuine.clone();
        nobodys.remove("external_agreement_no");
        nobodys.insert("agreement_no".to_owned(), "20150000000000000000".to_owned());
        assert_eq!(tell(&platform, &nobodys).await, unconfirmed(), "{nobodys:?}");
    }
    assert_eq!(platform.mandate("b", 1).await, before);
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);

    // An operator who mistakes the number adopts nothing.
    let limits = MandateLimits { single_fen: fen(10_000), daily_fen: None };
    let now = platform.stack.clock.now();
    let (books, records) = (platform.books(), platform.records().await);
    let (b, of_a_in_force) = ("b".parse().unwrap(), in_force(&of_a));
    let applied = books.adopt_mandate(&b, &of_a_in_force, limits, now).await.unwrap();
    assert!(matches!(applied, Applied::Contradicts(_)), "{applied:?}");
    assert_eq!(platform.records().await, records);
    let owner = platform.stack.tables.billing.agreement_owner(&of_a).await.unwrap().unwrap();
    assert_eq!(owner.provider, "a".parse().unwrap());
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn a_signature_that_comes_to_light_late_does_not_take_the_place_of_a_newer_one() {
    let platform = used().await;
    platform.lose_notifications();
    let alipay = &platform.stack.alipay;
    // The first is signed, and nobody learns of it: its notice is lost, its queries get no answer.
    let older = sign(&platform, "a", 1_000_000).await;
    alipay.fail_next(Method::AgreementQuery, Fault::BadGatewayBeforeEffect, 3);
    platform.run_until("2015-05-01T20:10").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Offered);
    // The platform offers other limits since, so that the open offer is not given again.
    let limits = MandateLimits { single_fen: fen(400_000), daily_fen: None };
    let now = platform.stack.clock.now();
    let offered =
        platform.books().offer_mandate(&"a".parse().unwrap(), limits, None, None, now).await;
    let Offered::New(offered) = offered.unwrap() else { panic!("it was offered before") };
    let number = offered.external_agreement_no.unwrap();
    let newer = alipay.sign_agreement(number.as_str(), "a", fen(1_000_000), now).unwrap();
    platform.run_until("2015-05-01T20:12").await;
    assert_eq!(phase(&platform, 2).await, MandatePhase::Active);
    platform.run_until("2015-05-01T23:00").await;
    assert_eq!(ended(&platform, 1).await, Some(EndReason::Replaced { by: MandateId(2) }));
    assert_eq!(phase(&platform, 2).await, MandatePhase::Active);
    let status = |number: &str| {
        let all = alipay.agreements().unwrap();
        all.into_iter().find(|of| of.agreement_no == number).unwrap().status
    };
    assert_eq!(
        (status(&older), status(&newer)),
        (AgreementStatus::Unsign, AgreementStatus::Normal)
    );
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.books_balance().await;
}
