//! Notices in every order, and the numbers that they name.

use steelyard_billing::mandate::{EndReason, Mandate, MandatePhase};
use steelyard_billing::{AgreementAnswer, AgreementSigned};

use crate::common::at;
use crate::inputs::{
    After, Input, NOW, NUMBER, OTHER_NUMBER, OURS, adopted, after, after_all, agreement, changed,
    ended, every_input, every_phase, in_force, offered, payer_blocked, revoked_here, signed,
};

fn sign() -> Input {
    signed(NUMBER, Some(OURS), "2015-05-17 09:59")
}

fn unsign() -> Input {
    ended(NUMBER, Some(OURS), "2015-05-17 09:59:30")
}

fn offer() -> Mandate {
    offered("2015-05-17 09:58")
}

fn why_ended(mandate: &Mandate) -> Option<&EndReason> {
    match &mandate.phase {
        MandatePhase::Ended { why, .. } => Some(why),
        MandatePhase::Offered
        | MandatePhase::Active
        | MandatePhase::Suspended { .. }
        | MandatePhase::Ending { .. }
        | MandatePhase::ConfirmingEnd { .. } => None,
    }
}

#[test]
fn a_signature_and_an_end_that_arrive_swapped_end_the_mandate_once() {
    let in_order = after_all(offer(), &[(NOW, sign()), (NOW, unsign())]);
    let swapped = after_all(offer(), &[(NOW, unsign())]);
    for mandate in [&in_order, &swapped] {
        let at_s = at("2015-05-17 09:59:30");
        let why = EndReason::RevokedByProvider;
        assert_eq!(mandate.phase, MandatePhase::Ended { at_s, why });
        assert_eq!(mandate.agreement_no.as_deref(), Some(NUMBER));
        for late in [sign(), unsign(), sign()] {
            assert_eq!(after(mandate, &late, at(NOW)), After::Unchanged);
        }
    }
}

#[test]
fn a_notice_that_is_told_again_tells_nothing_new() {
    for (name, mandate) in every_phase() {
        for (what, input) in every_input() {
            let (Input::Signed(_) | Input::Ended(_)) = input else { continue };
            let After::Changed(changed) = after(&mandate, &input, at(NOW)) else { continue };
            let again = after(&changed, &input, at("2015-05-20 10:00"));
            assert_eq!(again, After::Unchanged, "{what} in {name}");
        }
    }
}

#[test]
fn a_late_notice_of_the_signature_lifts_no_suspension_and_stops_no_end() {
    for stop in [Input::Query(AgreementAnswer::Suspended), payer_blocked(), revoked_here()] {
        let stopped = after_all(offer(), &[(NOW, in_force()), (NOW, stop)]);
        assert_eq!(after(&stopped, &sign(), at(NOW)), After::Unchanged);
    }
}

#[test]
fn what_a_query_told_since_is_not_undone_by_a_late_notice_of_the_signature() {
    let Input::Signed(notice) = sign() else { unreachable!() };
    let late =
        Input::Signed(AgreementSigned { ends_at: Some(at("2016-05-17 00:00")), ..notice.clone() });
    let told = changed(&offer(), &crate::inputs::in_force_until("2017-05-17 00:00"), NOW);
    assert_eq!(after(&told, &late, at(NOW)), After::Unchanged);
    let untold = changed(&changed(&offer(), &sign(), NOW), &late, NOW);
    assert_eq!(untold.ends_at_s, Some(at("2016-05-17 00:00")), "nothing told better");
}

#[test]
fn an_adopted_mandate_learns_when_it_was_signed_and_of_its_end_by_alipays_number() {
    let signed = changed(&adopted(NOW), &signed(NUMBER, Some("SIGNED1"), "2015-05-17 09:59"), NOW);
    assert_eq!(signed.signed_at_s, Some(at("2015-05-17 09:59")));
    assert_eq!((&signed.external_agreement_no, signed.is_usable(at(NOW))), (&None, true));
    let early = ended(NUMBER, Some("SIGNED1"), "2015-05-17 09:58:59");
    assert_eq!(after(&signed, &early, at(NOW)), After::Contradicts);
    let ended = changed(&signed, &ended(NUMBER, Some("SIGNED1"), "2015-05-17 09:59"), NOW);
    assert_eq!(why_ended(&ended), Some(&EndReason::RevokedByProvider));
}

#[test]
fn a_second_agreement_under_one_number_of_ours_contradicts_every_phase() {
    for (name, mandate) in every_phase().into_iter().filter(|(_, m)| m.agreement_no.is_some()) {
        for other in [
            signed(OTHER_NUMBER, Some(OURS), "2015-05-17 09:59"),
            ended(OTHER_NUMBER, Some(OURS), "2015-05-17 10:30"),
        ] {
            assert_eq!(after(&mandate, &other, at(NOW)), After::Contradicts, "{name}");
        }
    }
}

#[test]
fn an_agreement_under_the_number_of_another_deployment_is_another() {
    let elsewhere = format!("SYother1{}", OURS.strip_prefix("SYk3x9ab").unwrap());
    for input in [
        signed(NUMBER, Some(&elsewhere), "2015-05-17 09:59"),
        ended(NUMBER, Some(&elsewhere), "2015-05-17 09:59:30"),
        Input::Query(AgreementAnswer::InForce(agreement(NUMBER, Some(&elsewhere)))),
    ] {
        assert_eq!(after(&offer(), &input, at(NOW)), After::Contradicts, "{input:?}");
    }
}

#[test]
fn a_signature_after_an_offer_lapsed_contradicts_it_and_it_stays_ended() {
    let not_found = Input::Query(AgreementAnswer::NotFound);
    let lapsed = changed(&offered("2015-05-10 09:58"), &not_found, NOW);
    assert_eq!(why_ended(&lapsed), Some(&EndReason::NotSigned));
    let late = signed(NUMBER, Some(OURS), "2015-05-17 10:05");
    assert_eq!(after(&lapsed, &late, at("2015-05-17 10:05")), After::Contradicts);
}

#[test]
fn a_signature_and_an_end_of_the_same_second_contradict_nothing() {
    let same = ended(NUMBER, Some(OURS), "2015-05-17 09:59");
    let in_order = after_all(offer(), &[(NOW, sign()), (NOW, same.clone())]);
    let swapped = changed(&offer(), &same, NOW);
    for mandate in [in_order, swapped] {
        assert_eq!(after(&mandate, &sign(), at(NOW)), After::Unchanged);
    }
}

#[test]
fn an_offer_that_is_signed_while_it_is_ended_is_ended_under_its_number() {
    let doubted = Input::Unsign(steelyard_billing::UnsignAnswer::NotInForce);
    let asked = after_all(offer(), &[(NOW, revoked_here()), (NOW, doubted)]);
    let signed = changed(&asked, &sign(), NOW);
    assert_eq!(signed.agreement_no.as_deref(), Some(NUMBER));
    assert_eq!(signed.next_step(at(NOW)), steelyard_billing::mandate::MandateStep::Unsign);
}
