//! What is reported to a person about a held debit, and how a person resolves it.

use steelyard_billing::{
    Debit, GiveUpReason, Intervention, NothingToResolve, Phase, QueryAnswer, Resolution, Step,
};

use crate::clock;
use crate::common::at;
use crate::inputs::{
    Input, NOW, after, every_phase, in_phase, not_found, paid_fen, pending, query_closed,
    query_in_doubt, query_paid, reason, then,
};

const LATER: &str = "2015-05-18 15:00";

const RESOLUTIONS: [Resolution; 3] = [Resolution::Ask, Resolution::Retry, Resolution::GiveUp];

/// The only place of these tests where a person resolves a debit.
fn resolved(debit: &Debit, resolution: Resolution) -> Debit {
    debit.resolved(resolution, reason(), at(LATER)).unwrap()
}

#[test]
fn a_held_debit_is_reported_daily_for_as_long_as_it_is_held() {
    let mut debit = in_phase("held");
    let mut reports = Vec::new();
    for _ in 0..3 {
        let due = debit.due_at().unwrap();
        assert_eq!(debit.next_step(due), Step::Report);
        reports.push(clock(due));
        let reported = after(&debit, &Input::Reported, due).unwrap();
        assert_eq!((&reported.phase, reported.reserved()), (&debit.phase, debit.reserved()));
        debit = reported;
    }
    assert_eq!(reports, ["05-18 10:00", "05-19 10:00", "05-20 10:00"]);
    // A report that was late does not bring the next one forward.
    let late = then(&debit, &[("2015-05-22 18:00", Input::Reported)]);
    assert_eq!(late.due_at(), Some(at("2015-05-23 18:00")));
}

#[test]
fn only_a_held_debit_is_reported() {
    for (name, debit) in every_phase() {
        let reported = after(&debit, &Input::Reported, at(NOW));
        assert_eq!(reported.is_ok(), name.starts_with("held"), "{name}");
    }
}

#[test]
fn a_held_debit_that_a_person_had_queried_is_held_again_unless_it_is_paid() {
    let asked = resolved(&in_phase("held"), Resolution::Ask);
    assert_eq!((asked.next_step(at(LATER)), asked.due_at()), (Step::Query, Some(at(LATER))));
    let why = "our request is wrong: ACQ.SOME_CODE";
    for (answer, found) in [
        (pending(), "it is not paid yet"),
        (not_found(), "it is not known"),
        (query_closed(), "it is closed"),
    ] {
        let held = then(&asked, &[(LATER, answer)]);
        let (why, found) = (why.to_owned(), Some(found.to_owned()));
        assert_eq!(held.phase, Phase::Held { why, found });
        assert_eq!((held.attempt_count(), held.due_at()), (1, Some(at("2015-05-19 15:00"))));
    }
    let doubted = then(&asked, &[(LATER, query_in_doubt())]);
    let found = Some("unsigned".to_owned());
    assert_eq!(doubted.phase, Phase::Rechecking { why: why.to_owned(), found });
    assert_eq!(doubted.due_at(), Some(at("2015-05-18 15:00:01")));
    let paid = then(&doubted, &[("2015-05-18 15:00:01", query_paid())]);
    assert_eq!(paid.payment(), Some(&paid_fen(1234)));
}

#[test]
fn a_debit_is_sent_again_only_when_a_query_proves_it_unpaid() {
    for name in ["held", "in doubt"] {
        let retried = resolved(&in_phase(name), Resolution::Retry);
        assert_eq!(retried.next_step(at(LATER)), Step::Query, "{name}");
        for (answer, is_closed) in
            [(pending(), false), (not_found(), false), (query_closed(), true)]
        {
            let due = then(&retried, &[(LATER, answer)]);
            assert_eq!((&due.phase, due.due_at()), (&Phase::Due, Some(at(LATER))), "{name}");
            assert_eq!(due.last_attempt().unwrap().is_closed, is_closed);
            let sent = then(&due, &[(LATER, Input::Sent("new"))]);
            let bytes = if is_closed { "new" } else { "amount=12.34" };
            assert_eq!(sent.last_attempt().unwrap().request, bytes, "{name}");
            assert_eq!(sent.attempt_count(), 1 + u16::from(is_closed), "{name}");
        }
        let paid = then(&retried, &[(LATER, query_paid())]);
        assert!(paid.payment().is_some(), "{name}");
        let doubted = then(&retried, &[(LATER, query_in_doubt())]);
        assert!(matches!(doubted.phase, Phase::InDoubt { .. }), "{name}");
    }
}

#[test]
fn a_debit_that_a_person_gives_up_ends_only_when_a_query_proves_it_unpaid() {
    for name in ["held", "held, rechecked", "held, second", "in doubt", "in doubt twice"] {
        let why = GiveUpReason::ByOperator;
        let checking = resolved(&in_phase(name), Resolution::GiveUp);
        assert_eq!(checking.phase, Phase::Checking { why: why.clone() }, "{name}");
        assert_eq!(checking.next_step(at(LATER)), Step::Query, "{name}");
        assert!(then(&checking, &[(LATER, query_paid())]).payment().is_some(), "{name}");
        let closing = then(&checking, &[(LATER, not_found())]);
        assert_eq!(closing.next_step(at(LATER)), Step::Close, "{name}");
        let given_up = then(&closing, &[(LATER, Input::Closed), (LATER, not_found())]);
        assert_eq!(given_up.given_up(), Some(&why), "{name}");
        let closed = then(&checking, &[(LATER, query_closed())]);
        assert_eq!(closed.given_up(), Some(&why), "{name}");
        // A payment of another amount is a contradiction, which no person can wish away.
        let other = Input::Query(QueryAnswer::Paid(paid_fen(1)));
        assert!(matches!(then(&checking, &[(LATER, other)]).phase, Phase::Held { .. }), "{name}");
    }
}

#[test]
fn an_intervention_is_remembered_with_its_reason() {
    for (name, was) in [
        ("held", "our request is wrong: ACQ.SOME_CODE"),
        ("held, second", "our request is wrong: ACQ.SOME_CODE"),
        ("in doubt", "no answer in 10 s"),
        ("in doubt twice", "unsigned"),
    ] {
        for resolution in RESOLUTIONS {
            let was = was.to_owned();
            let remembered = Intervention { at_s: at(LATER), resolution, reason: reason(), was };
            let debit = resolved(&in_phase(name), resolution);
            assert_eq!(debit.history.interventions, [remembered], "{name}");
        }
    }
}

/// Whether it was sent, and waits for the next try.
fn is_to_be_sent_again(debit: &Debit) -> bool {
    debit.phase == Phase::Due && debit.terms.is_some()
}

#[test]
fn nothing_is_resolved_of_a_debit_that_proceeds_by_itself_or_has_ended() {
    for (name, debit) in every_phase() {
        for resolution in RESOLUTIONS {
            let can_be = ["held", "in doubt", "rechecking"].iter().any(|way| name.starts_with(way))
                || is_to_be_sent_again(&debit) && resolution == Resolution::GiveUp;
            let resolved = debit.resolved(resolution, reason(), at(LATER));
            assert_eq!(resolved.is_ok(), can_be, "{name} {resolution:?}");
            if let Err(refused) = resolved {
                assert_eq!(refused, NothingToResolve(debit.debit));
            }
        }
    }
}
