//! What a debit does about each class of refusal, and what a person can do about it.

use jiff::Unit;
use steelyard_billing::{
    Debit, DebitId, DeclineReason, GivenUp, Intervention, InterventionError, PayAnswer, Phase,
    QueryAnswer, REASON_MAX, Resolution, Step, WINDOW_TRIES_MAX,
};
use steelyard_pricing::Fen;

use crate::common::at;
use crate::inputs::{
    Input, after, after_all, outside_windows, paid_fen, pay_declined_for, pay_in_doubt, query_paid,
    refusal, sent,
};

const NOW: &str = "2015-05-17 10:00";

fn answered(answer: PayAnswer) -> Debit {
    after_all(&[sent(NOW), (NOW, Input::Pay(answer))])
}

fn own_fault() -> Debit {
    answered(PayAnswer::OwnFault(refusal()))
}

/// The only place of this test where a person lets a debit go on.
fn resolved(debit: &Debit, resolution: Resolution) -> Debit {
    debit.resolved(resolution, " keys were mended ", at("2015-05-18 15:00")).unwrap()
}

#[test]
fn a_refusal_that_no_later_try_can_mend_gives_up_what_a_query_proves_unpaid() {
    for (answer, given_up, ends_mandate) in [
        (pay_declined_for(DeclineReason::AmountCap), GivenUp::AmountCap(refusal()), false),
        (Input::Pay(PayAnswer::MandateDead(refusal())), GivenUp::MandateDead(refusal()), true),
        (Input::Pay(PayAnswer::PayerBlocked(refusal())), GivenUp::PayerBlocked(refusal()), true),
    ] {
        let debit = after_all(&[sent(NOW), (NOW, answer)]);
        assert_eq!((debit.next_step(at(NOW)), debit.is_open()), (Step::Query, true));
        assert_eq!((debit.declines, debit.doubts), (0, 0), "{given_up}");
        // An earlier request under the same number may have been paid.
        assert!(after(&debit, &query_paid(), at(NOW)).unwrap().payment().is_some(), "{given_up}");
        let closing = after(&debit, &Input::Query(QueryAnswer::Pending), at(NOW)).unwrap();
        assert_eq!(closing.next_step(at(NOW)), Step::Close, "{given_up}");
        let closed = after(&closing, &Input::Closed, at(NOW)).unwrap();
        let ended = after(&closed, &Input::Query(QueryAnswer::Closed), at(NOW)).unwrap();
        assert_eq!(ended.given_up(), Some(&given_up));
        assert_eq!(given_up.ends_mandate(), ends_mandate, "{given_up}");
    }
}

#[test]
fn a_debit_outside_its_window_is_tried_on_seven_days_under_one_number() {
    let six = after_all(&outside_windows(WINDOW_TRIES_MAX - 1));
    assert_eq!((six.due_at_s, six.next_step(at(NOW))), (at(NOW), Step::Pay));
    assert_eq!((six.declines, six.window_declines, six.attempt), (0, 6, 1));
    assert_eq!(six.request.as_deref(), Some("amount=12.34"));
    let last = after(&six, &Input::Sent("x"), at(NOW)).unwrap();
    let last = after(&last, &pay_declined_for(DeclineReason::Window), at(NOW)).unwrap();
    let given_up = GivenUp::Window(refusal());
    assert_eq!(last.phase, Phase::Exhausting { close_sent: false, given_up });
}

#[test]
fn trouble_of_our_own_account_is_waited_out_and_held_against_nobody() {
    let mut debit = after_all(&[]);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let now = debit.due_at_s;
        let sending = after(&debit, &Input::Sent("amount=12.34"), now).unwrap();
        let trouble = Input::Pay(PayAnswer::OwnAccount(refusal()));
        debit = after(&sending, &trouble, now).unwrap();
        waits.push((debit.due_at_s - now).total(Unit::Minute).unwrap());
        assert_eq!((debit.phase.clone(), debit.attempt), (Phase::Due, 1));
    }
    assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
    assert_eq!((debit.declines, debit.window_declines, debit.doubts), (0, 0, 0));
    let sending = after(&debit, &Input::Sent("x"), debit.due_at_s).unwrap();
    assert_eq!(sending.request.as_deref(), Some("amount=12.34"));
    let doubted = after(&sending, &pay_in_doubt(), debit.due_at_s).unwrap();
    assert_eq!(doubted.own_account_troubles, 0, "it is over");
}

#[test]
fn an_amount_off_by_a_fen_is_held_and_not_a_payment() {
    let debit = after_all(&[sent(NOW)]);
    for fen in [0, 1, 1233, 1235, -1234, i64::MAX] {
        let pay = Input::Pay(PayAnswer::Paid(paid_fen(fen)));
        let query = Input::Query(QueryAnswer::Paid(paid_fen(fen)));
        for input in [pay, query] {
            let held = after(&debit, &input, debit.due_at_s).unwrap();
            let taken = Fen::new(fen);
            let why =
                format!("12.34 yuan were asked for, but {taken} taken by trade 2015051721001004");
            assert_eq!(held.phase, Phase::Held { why, ask: false, found: None });
            assert_eq!((held.is_open(), held.due_at()), (true, None));
        }
    }
}

#[test]
fn a_held_debit_that_a_person_has_asked_about_is_held_again_unless_it_is_paid() {
    let held = own_fault();
    assert_eq!(held.due_at(), None);
    let asked = resolved(&held, Resolution::Ask);
    let now = at("2015-05-18 15:00");
    assert_eq!((asked.next_step(now), asked.due_at()), (Step::Query, Some(now)));
    for (answer, found) in [
        (QueryAnswer::Pending, "it is not paid yet"),
        (QueryAnswer::NotFound, "it is not known"),
        (QueryAnswer::Closed, "it is closed"),
    ] {
        let after = after(&asked, &Input::Query(answer), now).unwrap();
        let why = "our request is wrong: ACQ.SOME_CODE".to_owned();
        assert_eq!(after.phase, Phase::Held { why, ask: false, found: Some(found.to_owned()) });
        assert_eq!((after.attempt, after.due_at()), (1, None));
    }
    let paid = after(&asked, &query_paid(), now).unwrap();
    assert_eq!(paid.payment(), Some(paid_fen(1234)));
}

#[test]
fn a_held_debit_is_sent_again_only_when_a_query_proves_it_unpaid() {
    let retried = resolved(&own_fault(), Resolution::Retry);
    let now = at("2015-05-18 15:00");
    assert_eq!(retried.next_step(now), Step::Query);
    for (answer, attempt) in
        [(QueryAnswer::Pending, 1), (QueryAnswer::NotFound, 1), (QueryAnswer::Closed, 2)]
    {
        let due = after(&retried, &Input::Query(answer), now).unwrap();
        assert_eq!((due.phase.clone(), due.attempt), (Phase::Due, attempt));
        assert_eq!(due.request.is_some(), attempt == 1, "the same bytes under the same number");
    }
    assert!(after(&retried, &query_paid(), now).unwrap().payment().is_some());
}

#[test]
fn an_intervention_is_remembered_with_its_reason() {
    let doubted = after_all(&[sent(NOW), (NOW, pay_in_doubt())]);
    for (debit, was) in
        [(own_fault(), "our request is wrong: ACQ.SOME_CODE"), (doubted, "no answer in 10 s")]
    {
        for resolution in [Resolution::Ask, Resolution::Retry] {
            let remembered = Intervention {
                at_s: at("2015-05-18 15:00"),
                resolution,
                reason: "keys were mended".to_owned(),
                was: was.to_owned(),
            };
            assert_eq!(resolved(&debit, resolution).interventions, [remembered]);
        }
    }
    let often = (0..60).fold(own_fault(), |debit, _| resolved(&debit, Resolution::Ask));
    assert_eq!(often.interventions.len(), 50, "only the last are");
}

#[test]
fn nothing_is_resolved_without_a_reason_or_of_a_debit_that_goes_on_by_itself() {
    let held = own_fault();
    for reason in ["", " ", &"x".repeat(REASON_MAX + 1)] {
        let refused = held.resolved(Resolution::Ask, reason, at(NOW));
        assert_eq!(refused, Err(InterventionError::Reason));
    }
    assert!(held.resolved(Resolution::Ask, &"因".repeat(REASON_MAX), at(NOW)).is_ok());
    let due = after_all(&[]);
    let refused = due.resolved(Resolution::Retry, "x", at(NOW));
    assert_eq!(refused, Err(InterventionError::NothingToResolve(DebitId(7))));
}
