//! What is stored of a mandate is read as it was written.

use expect_test::expect;
use steelyard_billing::AgreementAnswer;
use steelyard_billing::mandate::{Consent, ConsentBy, Mandate};

use crate::common::at;
use crate::inputs::{Input, NOW, changed, every_phase, in_force_until, offered, query_in_doubt};

/// The only place of this test that writes and reads.
fn check(mandate: &Mandate) -> String {
    let stored = serde_json::to_string(mandate).unwrap();
    assert_eq!(serde_json::from_str::<Mandate>(&stored).unwrap(), *mandate, "as a text");
    let value = serde_json::to_value(mandate).unwrap();
    assert_eq!(serde_json::from_value::<Mandate>(value).unwrap(), *mandate, "as a value");
    stored
}

#[test]
fn a_mandate_in_every_phase_is_read_as_it_was_stored() {
    for (_, mandate) in every_phase() {
        check(&mandate);
        check(&Mandate { daily_limit_fen: Some(mandate.limit()), ..mandate });
    }
}

#[test]
fn what_a_mandate_does_not_say_takes_no_room() {
    let stored = |name: &str| {
        let (_, mandate) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        check(&mandate)
    };
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431827940,"retries":1,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","offered_at_s":1431827880,"single_limit_fen":10000,"phase":"offered"}"#]].assert_eq(&stored("offered"));
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431827880,"agreement_no":"20155245550001","offered_at_s":1431827880,"single_limit_fen":10000,"phase":"active","checked_at_s":1431827880}"#]].assert_eq(&stored("active, adopted"));
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431914400,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","agreement_no":"20155245550001","offered_at_s":1431827880,"signed_at_s":1431827940,"single_limit_fen":10000,"phase":"suspended","since_s":1431828000,"why":{"by":"gateway"},"checked_at_s":1431828000}"#]].assert_eq(&stored("suspended"));
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431828000,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","agreement_no":"20155245550001","offered_at_s":1431827880,"signed_at_s":1431827940,"single_limit_fen":10000,"phase":"suspended","since_s":1431828000,"why":{"by":"debit","debit":7,"given_up":{"because":"payer_blocked","code":"ACQ.SOME_CODE"}}}"#]].assert_eq(&stored("suspended by debit"));
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431828000,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","offered_at_s":1431827880,"single_limit_fen":10000,"phase":"ending","why":{"because":"revoked_here","reason":"asked for by letter"}}"#]].assert_eq(&stored("ending, unsigned"));
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431828000,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","agreement_no":"20155245550001","offered_at_s":1431827880,"signed_at_s":1431827940,"single_limit_fen":10000,"phase":"confirming_end","why":{"because":"replaced","by":3}}"#]].assert_eq(&stored("confirming end"));
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431828000,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","agreement_no":"20155245550001","offered_at_s":1431827880,"signed_at_s":1431827940,"single_limit_fen":10000,"phase":"ended","at_s":1431828000,"why":{"because":"revoked_by_provider"},"checked_at_s":1431828000}"#]].assert_eq(&stored("ended, revoked"));
}

#[test]
fn a_mandate_of_everything_is_read_as_it_was_stored() {
    let told = changed(&offered(NOW), &in_force_until("2016-05-17 00:00"), NOW);
    let suspended = changed(&told, &Input::Query(AgreementAnswer::Suspended), NOW);
    let doubted = changed(&suspended, &query_in_doubt(), "2015-05-18 10:00");
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431914460,"retries":1,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","agreement_no":"20155245550001","offered_at_s":1431828000,"signed_at_s":1431827940,"ends_at_s":1463414400,"single_limit_fen":10000,"gateway_limit_fen":5000,"phase":"suspended","since_s":1431828000,"why":{"by":"gateway"},"checked_at_s":1431828000}"#]].assert_eq(&check(&doubted));
}

#[test]
fn a_consent_is_stored_with_the_offer_and_its_end() {
    let consent = Consent {
        terms_version: "2026-11".parse().unwrap(),
        at_s: at(NOW),
        by: ConsentBy::Session { session: "s-1".parse().unwrap() },
    };
    let agreed = offered(NOW).consented(&consent).unwrap();
    expect![[r#"{"provider":"shop","mandate":2,"version":0,"due_at_s":1431828060,"retries":1,"external_agreement_no":"SYk3x9ab8d9001d32c6a703dM2","offered_at_s":1431828000,"consent":{"terms_version":"2026-11","at_s":1431828000,"session":"s-1"},"single_limit_fen":10000,"phase":"offered"}"#]].assert_eq(&check(&agreed));
    assert_eq!(agreed.consented(&consent), None);
    let server = "arn:aws:iam::123456789012:role/server".parse().unwrap();
    let by_server = Consent { by: ConsentBy::Caller { caller: server }, ..consent.clone() };
    let agreed = offered(NOW).consented(&by_server).unwrap();
    assert!(check(&agreed).contains(r#""caller":"arn:aws:iam::123456789012:role/server""#));
    let session = "s-2".parse().unwrap();
    let other = Consent { by: ConsentBy::Session { session }, ..consent };
    assert_eq!(agreed.consented(&other).unwrap().consent, Some(other.clone()));
    for (name, mandate) in every_phase() {
        let is_offered = name.starts_with("offered");
        assert_eq!(mandate.consented(&other).is_some(), is_offered, "{name}");
    }
}
