//! The end of a mandate: by its provider, by a person here, notified or not.

use super::*;

#[tokio::test]
async fn notices_of_signature_and_end_that_are_swapped_and_repeated_end_the_mandate() {
    for order in [&[0, 1][..], &[1, 0], &[0, 0, 1, 1, 0], &[1, 1, 0, 0, 1], &[1]] {
        let platform = used().await;
        let agreement = sign(&platform, "a", 1_000_000).await;
        platform.set("2015-05-01T20:30");
        platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
        let notices = taken_over(&platform);
        assert_eq!(notices.len(), 2);
        for notice in order {
            assert_eq!(tell(&platform, &notices[*notice]).await, confirmed(), "{order:?}");
        }
        let at_s = platform.instant("2015-05-01T20:30");
        let why = EndReason::RevokedByProvider;
        assert_eq!(phase(&platform, 1).await, MandatePhase::Ended { at_s, why }, "{order:?}");
        let version = platform.mandate("a", 1).await.task.version;
        for notice in &notices {
            assert_eq!(tell(&platform, notice).await, confirmed(), "{order:?}");
        }
        assert_eq!(platform.mandate("a", 1).await.task.version, version, "{order:?}");
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(trades(&platform), NONE, "{order:?}");
        check(&platform, [0, 10_000, 0], 0).await;
    }
}

#[tokio::test]
async fn notices_on_alipays_own_road_that_are_swapped_repeated_or_forged_end_the_mandate() {
    for fault in [
        NotificationFault::Reordered,
        NotificationFault::Duplicate,
        NotificationFault::Forged,
        NotificationFault::OtherApp,
    ] {
        let platform = used().await;
        let agreement = sign(&platform, "a", 1_000_000).await;
        platform.set("2015-05-01T20:00:30");
        platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
        platform.stack.alipay.fail_next_notifications(fault, 1);
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(ended(&platform, 1).await, Some(EndReason::RevokedByProvider), "{fault:?}");
        assert_eq!(platform.stack.alipay.notifications().unwrap(), [], "{fault:?}");
        check(&platform, [0, 10_000, 0], 0).await;
    }
}

#[tokio::test]
async fn notification_that_somebody_else_signed_changes_nothing() {
    let platform = used().await;
    sign(&platform, "a", 1_000_000).await;
    let before = platform.mandate("a", 1).await;
    let [signed] = &taken_over(&platform)[..] else { panic!("not one notification") };
    let forged = platform.stack.alipay.forged_form(signed);
    assert_eq!(platform.notify(&forged).await, unconfirmed());
    assert_eq!(platform.mandate("a", 1).await, before);
    assert_eq!(tell(&platform, signed).await, confirmed());
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
}

#[tokio::test]
async fn mandate_that_its_provider_revokes_is_debited_no_more_and_what_is_owed_stays_owed() {
    let (platform, agreement) = indebted().await;
    platform.set("2015-05-02T08:00");
    platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
    platform.deliver().await;
    let at_s = platform.instant("2015-05-02T08:00");
    let why = EndReason::RevokedByProvider;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Ended { at_s, why });
    assert_eq!(platform.found("a").await.provider.mandate, None);
    check(&platform, [0, 10_000, 0], 0).await;

    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    assert_eq!(platform.debit("a", 1).await.phase, Phase::Withdrawn);
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 10_100, 0], 0).await;
    assert_eq!(trades(&platform), NONE, "nothing was asked for");
    platform.recharge("a", 10_100, "transfer-1").await;
    check(&platform, [0, 0, 0], 0).await;
}

#[tokio::test]
async fn end_that_nobody_tells_of_is_found_before_the_next_debit_and_nothing_is_asked_for() {
    for is_revoked in [true, false] {
        let (platform, agreement) = indebted().await;
        platform.lose_notifications();
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        let alipay = &platform.stack.alipay;
        if is_revoked {
            alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
        } else {
            alipay.expire_agreement(&agreement).unwrap();
        }
        charge(&platform, "2015-05-02", "2015-05-03").await;
        platform.run_until("2015-05-03T09:59").await;
        assert_eq!(phase(&platform, 1).await, MandatePhase::Active, "nobody knows yet");
        check(&platform, [0, 100, 0], 10_000).await;
        platform.run_until("2015-05-03T12:00").await;
        assert_eq!(ended(&platform, 1).await, Some(EndReason::RevokedByProvider));
        assert_eq!(platform.debit("a", 2).await.phase, Phase::Withdrawn);
        assert_eq!(trades(&platform), [10_000], "nothing more was asked for");
        charge(&platform, "2015-05-03", "2015-05-04").await;
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(trades(&platform), [10_000]);
        check(&platform, [0, 200, 0], 10_000).await;
    }
}

#[tokio::test]
async fn mandate_that_is_ended_here_is_ended_at_alipay_whatever_goes_wrong() {
    for fault in [
        None,
        Some(Fault::NoAnswerBeforeEffect),
        Some(Fault::NoAnswerAfterEffect),
        Some(Fault::SystemErrorBeforeEffect),
        Some(Fault::SystemErrorAfterEffect),
        Some(Fault::UnsignedAnswer),
        Some(Fault::Garbage),
    ] {
        for is_notified in [true, false] {
            let (platform, _) = indebted().await;
            if !is_notified {
                platform.lose_notifications();
            }
            if let Some(fault) = fault.clone() {
                platform.stack.alipay.fail_next(Method::Unsign, fault, 2);
            }
            platform.set("2015-05-02T08:00");
            end(&platform, 1).await.unwrap();
            assert_eq!(platform.found("a").await.provider.mandate, None, "at once");
            platform.run_until("2015-05-02T12:00").await;
            assert_eq!(ended(&platform, 1).await, Some(revoked_here()), "{fault:?}");
            assert_eq!(at_alipay(&platform), [AgreementStatus::Unsign], "{fault:?}");
            assert_eq!(trades(&platform), NONE, "{fault:?}");
            check(&platform, [0, 10_000, 0], 0).await;
        }
    }
}

#[tokio::test]
async fn offer_that_is_ended_here_ends_even_if_it_is_signed_in_the_same_moment() {
    for is_signed in [false, true] {
        let platform = used().await;
        let offered = platform.offer_mandate("a").await;
        end(&platform, 1).await.unwrap();
        if is_signed {
            let number = offered["external_agreement_no"].as_str().unwrap();
            let now = platform.stack.clock.now();
            platform.stack.alipay.sign_agreement(number, "a", fen(1_000_000), now).unwrap();
        }
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(ended(&platform, 1).await, Some(revoked_here()), "signed: {is_signed}");
        let expected = if is_signed { vec![AgreementStatus::Unsign] } else { Vec::new() };
        assert_eq!(at_alipay(&platform), expected);
        check(&platform, [0, 10_000, 0], 0).await;
    }
}
