//! Agreements: how they stand, how they end, and what may be taken under them.

use steelyard_alipay::{AgreementKey, SignScene};
use steelyard_billing::{AgreementAnswer, Doubt, ExternalAgreementNo, UnsignAnswer};
use steelyard_pricing::Fen;

use super::super::{ControlError, Fault, LocalAlipay, Method};
use super::stage::*;

const OFFER: &str = "PRV1S20260302A";

fn offered() -> AgreementKey {
    AgreementKey::Offered {
        number: ExternalAgreementNo::parse(OFFER).unwrap(),
        scene: SignScene::parse("INDUSTRY|DEFAULT_AUTH").unwrap(),
    }
}

fn of_number(agreement_no: &str) -> AgreementKey {
    AgreementKey::AgreementNo(agreement_no.to_owned())
}

async fn stands(stage: &Stage, key: &AgreementKey) -> String {
    match stage.client.query_agreement(key, now()).await {
        AgreementAnswer::InForce(agreement) => match agreement.single_limit_fen {
            Some(limit) => format!("in force up to {limit}"),
            None => "in force".to_owned(),
        },
        AgreementAnswer::NotYetInForce => "not yet in force".to_owned(),
        AgreementAnswer::Suspended => "suspended".to_owned(),
        AgreementAnswer::Ended => "ended".to_owned(),
        AgreementAnswer::NotFound => "not found".to_owned(),
        AgreementAnswer::InDoubt(Doubt(text)) => format!("in doubt: {text}"),
    }
}

async fn end(stage: &Stage, key: &AgreementKey) -> String {
    match stage.client.end_agreement(key, now()).await {
        UnsignAnswer::Ended => "ended".to_owned(),
        UnsignAnswer::NotInForce => "not in force".to_owned(),
        UnsignAnswer::InDoubt(Doubt(text)) => format!("in doubt: {text}"),
    }
}

async fn pays(stage: &Stage) -> String {
    pay_in_short(stage.pay(&request(withholding("T1"))).await)
}

#[tokio::test]
async fn signed_offer_is_found_by_either_number() {
    let stage = Stage::new().await;
    assert_eq!(stands(&stage, &offered()).await, "not found");
    let number = stage.local.sign_agreement(OFFER, "p", FUNDS, now()).unwrap();
    assert_eq!(number, "20265302000000000002");
    for key in [offered(), of_number(&number)] {
        let AgreementAnswer::InForce(agreement) = stage.client.query_agreement(&key, now()).await
        else {
            panic!("not in force")
        };
        assert_eq!(agreement.agreement_no, number);
        assert_eq!(agreement.external_agreement_no.as_deref(), Some(OFFER));
        assert_eq!(agreement.signed_at, Some(now()));
        assert_eq!(agreement.ends_at, Some("2115-01-31T16:00:00Z".parse().unwrap()));
    }
}

#[tokio::test]
async fn offer_is_signed_once() {
    let stage = Stage::new().await;
    stage.local.sign_agreement(OFFER, "p", FUNDS, now()).unwrap();
    let again = stage.local.sign_agreement(OFFER, "q", FUNDS, now());
    assert!(matches!(again, Err(ControlError::SignedAlready { .. })), "{again:?}");
}

#[tokio::test]
async fn agreement_stands_as_it_was_told_and_its_payments_are_refused_by_that() {
    type Change = fn(&LocalAlipay) -> Result<(), ControlError>;
    let cases: [(Change, &str, &str); 7] = [
        (
            |local| local.suspend_agreement(AGREEMENT),
            "suspended",
            "mandate dead: code 40004 ACQ.AGREEMENT_STATUS_NOT_NORMAL",
        ),
        (
            |local| local.defer_agreement(AGREEMENT),
            "not yet in force",
            "mandate dead: code 40004 ACQ.AGREEMENT_STATUS_NOT_NORMAL",
        ),
        (
            |local| local.expire_agreement(AGREEMENT),
            "ended",
            "mandate dead: code 40004 ACQ.AGREEMENT_INVALID",
        ),
        (
            |local| local.revoke_agreement(AGREEMENT, now()),
            "ended",
            "mandate dead: code 40004 ACQ.AGREEMENT_INVALID",
        ),
        (
            |local| local.set_single_limit(AGREEMENT, Some(Fen::new(1233))),
            "in force up to 12.33",
            "declined ACQ.PRODUCT_AMOUNT_LIMIT_ERROR",
        ),
        (
            |local| local.set_single_limit(AGREEMENT, Some(Fen::new(1234))),
            "in force up to 12.34",
            "paid 12.34",
        ),
        (
            |local| {
                local.suspend_agreement(AGREEMENT)?;
                local.resume_agreement(AGREEMENT)
            },
            "in force",
            "paid 12.34",
        ),
    ];
    for (change, standing, paid) in cases {
        let stage = Stage::new().await;
        change(&stage.local).unwrap();
        assert_eq!(stands(&stage, &of_number(AGREEMENT)).await, standing);
        assert_eq!(pays(&stage).await, paid);
        let expected = if paid.starts_with("paid") { "paid 12.34" } else { "not found" };
        assert_eq!(query_in_short(stage.query("T1").await), expected, "{standing}");
    }
}

#[tokio::test]
async fn agreement_is_ended_once_and_for_good() {
    let stage = Stage::new().await;
    stage.local.sign_agreement(OFFER, "p", FUNDS, now()).unwrap();
    for (key, expected) in [
        (offered(), "ended"),
        (offered(), "not in force"),
        (of_number("1"), "not in force"),
        (of_number(AGREEMENT), "ended"),
    ] {
        assert_eq!(end(&stage, &key).await, expected, "{key:?}");
    }
    assert_eq!(stands(&stage, &offered()).await, "ended");
    let resumed = stage.local.resume_agreement(AGREEMENT);
    assert!(matches!(resumed, Err(ControlError::AgreementOver { .. })), "{resumed:?}");
    let unknown = stage.local.suspend_agreement("1");
    assert!(matches!(unknown, Err(ControlError::NoAgreement { .. })), "{unknown:?}");
}

#[tokio::test]
async fn faults_of_agreement_methods_are_met() {
    let closed = "in doubt: no answer: error sending request: client error (SendRequest): connection closed before message completed";
    for (fault, answer, then) in [
        (
            Fault::SystemErrorBeforeEffect,
            "in doubt: the answer is code 40004 SYSTEM_ERROR",
            "in force",
        ),
        (Fault::NoAnswerBeforeEffect, closed, "in force"),
        (Fault::NoAnswerAfterEffect, closed, "ended"),
        (
            Fault::UnsignedAnswer,
            "in doubt: the answer is not signed; it claims code 10000",
            "ended",
        ),
        (Fault::WrongKey, "in doubt: the signature of the answer is wrong", "ended"),
    ] {
        let stage = Stage::new().await;
        stage.local.fail_next(Method::Unsign, fault.clone(), 1);
        assert_eq!(end(&stage, &of_number(AGREEMENT)).await, answer, "{fault:?}");
        assert_eq!(stands(&stage, &of_number(AGREEMENT)).await, then, "{fault:?}");
    }
    let stage = Stage::new().await;
    stage.local.set_single_limit(AGREEMENT, Some(Fen::new(100))).unwrap();
    stage.local.fail_next(Method::AgreementQuery, Fault::OtherAmount, 1);
    assert_eq!(stands(&stage, &of_number(AGREEMENT)).await, "in force up to 1.01");
}
