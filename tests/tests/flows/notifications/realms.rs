//! Numbers of another realm: another deployment uses the same application, and has a provider of
//! the same name. Its trades and mandates are not ours, though the code of the provider is known
//! here.

use steelyard_billing::mandate::MandatePhase;

use super::*;

/// A realm that is not the platform's.
const OTHER: &str = "zzzzz0";

/// The number with another realm in place of the platform's.
async fn elsewhere(platform: &Platform, number: &str) -> String {
    let realm = platform.realm().await;
    assert!(number.starts_with(&format!("SY{realm}")), "{number}");
    number.replacen(realm.as_str(), OTHER, 1)
}

#[tokio::test]
async fn trade_of_another_realm_is_refused_as_not_ours() {
    // A recharge that is not known to be paid, and a debit in doubt.
    let (of_recharge, recharge) = paid().await;
    let (of_debit, debit) = debited(Fault::NoAnswerAfterEffect).await;
    for (platform, fields) in [(of_recharge, recharge), (of_debit, debit)] {
        let account = platform.account("a").await;
        let number = elsewhere(&platform, &fields["out_trade_no"]).await;
        for state in ["TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED", "WAIT_BUYER_PAY"] {
            let changed = [("out_trade_no", &*number), ("trade_status", state)];
            let form = signed(&platform, &with(&fields, &changed));
            check_refused(&platform, &form, state).await;
        }
        let refund = [
            ("out_trade_no", &*number),
            ("refund_fee", "50.00"),
            ("gmt_refund", "2015-05-02 10:00:00"),
            ("out_biz_no", "F1"),
        ];
        check_refused(&platform, &signed(&platform, &with(&fields, &refund)), "refunded").await;
        assert_eq!(platform.account("a").await, account);
        check_confirmed(&platform, &signed(&platform, &fields), "its own realm").await;
    }
}

#[tokio::test]
async fn mandate_of_another_realm_is_refused_as_not_ours() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    let offered = platform.offer_mandate("a").await;
    let number = offered["external_agreement_no"].as_str().unwrap().to_owned();
    let now = platform.stack.clock.now();
    let agreement = platform.stack.alipay.sign_agreement(&number, "a", fen(1_000), now).unwrap();
    let fields = platform.pending_notification();
    let number = elsewhere(&platform, &number).await;
    // The agreement that it names may even be one that is known here.
    for agreement in [&agreement, "20155533333"] {
        let changed = [("external_agreement_no", &*number), ("agreement_no", agreement)];
        let form = signed(&platform, &with(&fields, &changed));
        check_refused(&platform, &form, "signed").await;
    }
    assert_eq!(platform.mandate("a", 1).await.phase, MandatePhase::Offered);
    check_confirmed(&platform, &signed(&platform, &fields), "its own realm").await;
    assert_eq!(platform.mandate("a", 1).await.phase, MandatePhase::Active);

    // And when it ends there.
    platform.stack.alipay.drop_notifications().unwrap();
    platform.stack.alipay.revoke_agreement(&agreement, now).unwrap();
    let ended = platform.pending_notification();
    for agreement in [&agreement, "20155533333"] {
        let changed = [("external_agreement_no", &*number), ("agreement_no", agreement)];
        let form = signed(&platform, &with(&ended, &changed));
        check_refused(&platform, &form, "ended").await;
    }
    assert_eq!(platform.mandate("a", 1).await.phase, MandatePhase::Active);
    check_confirmed(&platform, &signed(&platform, &ended), "its own realm").await;
    assert!(matches!(platform.mandate("a", 1).await.phase, MandatePhase::Ended { .. }));
}

#[tokio::test]
async fn two_platforms_have_two_realms_and_a_reopened_one_has_its_own() {
    let (one, two) = (Platform::open().await, Platform::open().await);
    let realm = one.realm().await;
    assert_ne!(realm, two.realm().await);
    assert_eq!(one.realm().await, realm);
    // All that begin at once get one.
    let platform = Platform::open().await;
    let asked = (0..20).map(|_| platform.realm());
    let realms = futures::future::join_all(asked).await;
    assert!(realms.iter().all(|realm| *realm == realms[0]), "{realms:?}");
}
