//! What can happen to a mandate, and every phase that it leads to.

use jiff::Timestamp;
use steelyard_billing::mandate::{
    EndReason, Mandate, MandateConflict, MandateLimits, MandatePhase,
};
use steelyard_billing::{
    Agreement, AgreementAnswer, AgreementEnded, AgreementSigned, Debit, DebitId, DebitTerms, Doubt,
    GatewayCode, MandateId, Outcome, PayAnswer, QueryAnswer, Reason, UnsignAnswer,
};
use steelyard_pricing::Fen;

use crate::common::{at, provider, rules};
use crate::debits::sending;
use crate::realm::realm;

/// When the table's inputs happen.
pub(crate) const NOW: &str = "2015-05-17 10:00";

/// Alipay's number of the mandate, and of another.
pub(crate) const NUMBER: &str = "20155245550001";
pub(crate) const OTHER_NUMBER: &str = "20155245550002";

/// Our number of the mandate, and of another.
pub(crate) const OURS: &str = "SYk3x9ab8d9001d32c6a703dM2";
pub(crate) const OTHER_OF_OURS: &str = "SYk3x9ab8d9001d32c6a703dM3";

/// The inputs of a mandate.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    Signed(AgreementSigned),
    Ended(AgreementEnded),
    Query(AgreementAnswer),
    Unsign(UnsignAnswer),
    Ending(EndReason),
    /// A debit was given up.
    Debit(Box<Debit>),
    Resumed,
}

/// The effect of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Changed(Box<Mandate>),
    Unchanged,
    Contradicts,
    Conflict,
}

pub(crate) fn limits() -> MandateLimits {
    MandateLimits { single_fen: Fen::new(10_000), daily_fen: None }
}

pub(crate) fn offered(time: &str) -> Mandate {
    Mandate::offer(&realm(), &provider().provider, MandateId(2), limits(), at(time)).unwrap()
}

pub(crate) fn adopted(time: &str) -> Mandate {
    let told = Agreement { single_limit_fen: None, ..agreement(NUMBER, None) };
    let told = Agreement { signed_at: None, ..told };
    Mandate::adopt(&provider().provider, MandateId(2), told, limits(), at(time)).unwrap()
}

pub(crate) fn signed(agreement_no: &str, external: Option<&str>, time: &str) -> Input {
    Input::Signed(AgreementSigned {
        agreement_no: agreement_no.to_owned(),
        external_agreement_no: external.map(str::to_owned),
        signed_at: at(time),
        ends_at: None,
        payer_login: None,
    })
}

pub(crate) fn ended(agreement_no: &str, external: Option<&str>, time: &str) -> Input {
    Input::Ended(AgreementEnded {
        agreement_no: agreement_no.to_owned(),
        external_agreement_no: external.map(str::to_owned),
        ended_at: at(time),
    })
}

pub(crate) fn agreement(agreement_no: &str, external: Option<&str>) -> Agreement {
    Agreement {
        agreement_no: agreement_no.to_owned(),
        external_agreement_no: external.map(str::to_owned),
        single_limit_fen: Some(Fen::new(5_000)),
        signed_at: Some(at("2015-05-17 09:59")),
        ends_at: None,
        payer_login: None,
    }
}

pub(crate) fn in_force() -> Input {
    Input::Query(AgreementAnswer::InForce(agreement(NUMBER, Some(OURS))))
}

pub(crate) fn in_force_until(time: &str) -> Input {
    let ends_at = Some(at(time));
    Input::Query(AgreementAnswer::InForce(Agreement { ends_at, ..agreement(NUMBER, Some(OURS)) }))
}

pub(crate) fn query_in_doubt() -> Input {
    Input::Query(AgreementAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())))
}

pub(crate) fn revoked_here() -> Input {
    let reason = Reason::new("asked for by letter").unwrap();
    Input::Ending(EndReason::RevokedHere { reason })
}

/// A debit under the mandate that was given up after this answer.
pub(crate) fn given_up(answer: PayAnswer) -> Debit {
    let now = at(NOW);
    let debit = Debit::open(&provider().provider, DebitId(7), now, now);
    let sent = sending(&debit, Fen::new(1234), now);
    sent.after_pay(answer, &rules(), now).unwrap().after_query(QueryAnswer::Closed, now).unwrap()
}

pub(crate) fn refusal() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}

pub(crate) fn payer_blocked() -> Input {
    Input::Debit(Box::new(given_up(PayAnswer::PayerBlocked(refusal()))))
}

fn of_outcome(outcome: Outcome<Mandate>) -> After {
    match outcome {
        Outcome::Changed(mandate) => After::Changed(Box::new(mandate)),
        Outcome::Unchanged => After::Unchanged,
        Outcome::Contradicts => After::Contradicts,
    }
}

/// The only place of this test that moves a mandate.
pub(crate) fn after(mandate: &Mandate, input: &Input, now: Timestamp) -> After {
    let moved = match input {
        Input::Signed(notice) => Ok(mandate.after_signed(notice, now)),
        Input::Ended(notice) => Ok(mandate.after_ended(notice, now)),
        Input::Query(answer) => Ok(mandate.after_query(answer.clone(), now)),
        Input::Unsign(answer) => mandate.after_unsign(answer.clone(), now),
        Input::Ending(why) => mandate.ending(why.clone(), now).map(Outcome::Changed),
        Input::Debit(debit) => {
            Ok(mandate.suspended_by(debit, now).map_or(Outcome::Unchanged, Outcome::Changed))
        }
        Input::Resumed => mandate.resumed(now).map(Outcome::Changed),
    };
    moved.map_or_else(|conflict| of_conflict(mandate, &conflict), of_outcome)
}

fn of_conflict(mandate: &Mandate, conflict: &MandateConflict) -> After {
    let MandateConflict { mandate: number, phase } = conflict;
    assert_eq!((*number, phase), (mandate.mandate, &mandate.phase), "{conflict}");
    After::Conflict
}

/// The mandate after an input that changes it.
pub(crate) fn changed(mandate: &Mandate, input: &Input, time: &str) -> Mandate {
    match after(mandate, input, at(time)) {
        After::Changed(changed) => *changed,
        other @ (After::Unchanged | After::Contradicts | After::Conflict) => {
            panic!("{other:?} from {mandate:?} by {input:?}")
        }
    }
}

pub(crate) fn after_all(new: Mandate, inputs: &[(&str, Input)]) -> Mandate {
    inputs.iter().fold(new, |mandate, (time, input)| changed(&mandate, input, time))
}

/// Each phase, reached by a road that leads there.
pub(crate) fn every_phase() -> Vec<(&'static str, Mandate)> {
    let offer = || offered("2015-05-17 09:58");
    let road = |inputs: &[Input]| {
        let timed: Vec<_> = inputs.iter().map(|input| (NOW, input.clone())).collect();
        after_all(offer(), &timed)
    };
    let sign = signed(NUMBER, Some(OURS), "2015-05-17 09:59");
    let suspended = Input::Query(AgreementAnswer::Suspended);
    let not_in_force = Input::Unsign(UnsignAnswer::NotInForce);
    let not_found = Input::Query(AgreementAnswer::NotFound);
    let replaced = Input::Ending(EndReason::Replaced { by: MandateId(3) });
    let lapsed = changed(&offered("2015-05-10 09:58"), &not_found, NOW);
    vec![
        ("offered", offer()),
        ("offered a week ago", offered("2015-05-10 09:58")),
        ("active", road(std::slice::from_ref(&sign))),
        ("active, adopted", adopted("2015-05-17 09:58")),
        ("active, checked", road(&[in_force()])),
        ("active, expired", road(&[in_force_until(NOW)])),
        ("suspended", road(&[sign.clone(), suspended.clone()])),
        ("suspended, expired", road(&[in_force_until(NOW), suspended])),
        ("suspended by debit", road(&[sign.clone(), payer_blocked()])),
        ("ending, unsigned", road(&[revoked_here()])),
        ("ending", road(&[sign.clone(), replaced.clone()])),
        ("confirming end", road(&[sign.clone(), replaced.clone(), not_in_force.clone()])),
        ("confirming, unsigned", road(&[revoked_here(), not_in_force.clone()])),
        ("ended, not signed", lapsed),
        ("ended, revoked", road(&[sign, not_found.clone()])),
        ("ended, no number", road(&[replaced, not_in_force, not_found])),
    ]
}

pub(crate) fn every_input() -> Vec<(&'static str, Input)> {
    let dead = given_up(PayAnswer::MandateDead(refusal()));
    let terms = dead.terms.clone().unwrap();
    let terms = DebitTerms { agreement_no: OTHER_NUMBER.to_owned(), ..terms };
    let of_other = Debit { terms: Some(terms), ..dead.clone() };
    let query = Input::Query;
    let doubt = Doubt("unsigned".to_owned());
    vec![
        ("signed", signed(NUMBER, Some(OURS), "2015-05-17 09:59")),
        ("signed, number only", signed(NUMBER, None, "2015-05-17 09:59")),
        ("signed, other number", signed(OTHER_NUMBER, Some(OURS), "2015-05-17 09:59")),
        ("signed, other of ours", signed(NUMBER, Some(OTHER_OF_OURS), "2015-05-17 09:59")),
        ("signed, later", signed(NUMBER, Some(OURS), "2015-05-17 10:01")),
        ("ended", ended(NUMBER, Some(OURS), "2015-05-17 09:59:30")),
        ("ended, number only", ended(NUMBER, None, "2015-05-17 09:59:30")),
        ("ended, before signed", ended(NUMBER, Some(OURS), "2015-05-17 09:58:59")),
        ("ended, other number", ended(OTHER_NUMBER, Some(OURS), "2015-05-17 09:59:30")),
        ("ended, other of ours", ended(NUMBER, Some(OTHER_OF_OURS), "2015-05-17 09:59:30")),
        ("query: in force", in_force()),
        ("query: other number", {
            query(AgreementAnswer::InForce(agreement(OTHER_NUMBER, Some(OURS))))
        }),
        ("query: other of ours", {
            query(AgreementAnswer::InForce(agreement(NUMBER, Some(OTHER_OF_OURS))))
        }),
        ("query: not yet", query(AgreementAnswer::NotYetInForce)),
        ("query: suspended", query(AgreementAnswer::Suspended)),
        ("query: ended", query(AgreementAnswer::Ended)),
        ("query: not found", query(AgreementAnswer::NotFound)),
        ("query: in doubt", query_in_doubt()),
        ("unsign: ended", Input::Unsign(UnsignAnswer::Ended)),
        ("unsign: not in force", Input::Unsign(UnsignAnswer::NotInForce)),
        ("unsign: in doubt", Input::Unsign(UnsignAnswer::InDoubt(doubt))),
        ("ending", revoked_here()),
        ("debit: payer blocked", payer_blocked()),
        ("debit: mandate dead", Input::Debit(Box::new(dead))),
        ("debit: of another", Input::Debit(Box::new(of_other))),
        ("resumed", Input::Resumed),
    ]
}

/// Whether it is over for good.
pub(crate) fn has_ended(mandate: &Mandate) -> bool {
    match mandate.phase {
        MandatePhase::Ended { .. } => true,
        MandatePhase::Offered
        | MandatePhase::Active
        | MandatePhase::Suspended { .. }
        | MandatePhase::Ending { .. }
        | MandatePhase::ConfirmingEnd { .. } => false,
    }
}
