//! Requests without an answer: a debit in doubt is resolved by a query only, and a request may
//! arrive for a quarter of an hour.

use steelyard_billing::{Debit, DeclineReason, PayAnswer, Phase, Resolution, Step};

use crate::common::at;
use crate::inputs::{
    Input, NOW, Refused, after, after_all, code, declined_at, in_phase, not_found, paid_fen,
    pay_declined, pay_declined_for, pay_in_doubt, query_closed, query_in_doubt, query_paid, sent,
    sent_again, then,
};

#[test]
fn debit_without_an_answer_is_in_doubt_and_never_declined() {
    let debit = in_phase("in doubt");
    assert_eq!(debit.phase, Phase::InDoubt { why: "no answer in 10 s".to_owned() });
    assert_eq!((debit.declines.len(), debit.task.retries), (0, 1));
    for time in ["2015-05-18 10:00", "2015-06-17 10:00", "2016-05-17 10:00"] {
        assert_eq!(debit.next_step(at(time)), Step::Query, "{time}: no timer resolves it");
    }
}

#[test]
fn doubt_is_queried_after_1_3_10_30_60_seconds_and_then_every_hour() {
    let mut debit = in_phase("in doubt");
    let mut waits = Vec::new();
    let mut now = at(NOW);
    for _ in 0..9 {
        waits.push((debit.task.due_at_s - now).get_seconds());
        now = debit.task.due_at_s;
        debit = after(&debit, &query_in_doubt(), now).unwrap();
        assert!(matches!(debit.phase, Phase::InDoubt { .. }));
    }
    assert_eq!(waits, [1, 3, 10, 30, 60, 3600, 3600, 3600, 3600]);
}

/// Whether a debit that is being given up ends by a query that finds nothing, at each time.
fn ends_at(confirming: &Debit, times: &[(&str, bool)]) {
    for (time, ends) in times {
        let now = at(&format!("2015-05-17 {time}"));
        let queried = after(confirming, &not_found(), now).unwrap();
        assert_eq!(queried.is_open(), !ends, "{time}");
        if queried.is_open() {
            assert_eq!(queried.phase, confirming.phase, "{time}");
            assert_eq!(queried.reserved(), confirming.reserved(), "{time}");
            let paid_late = then(&queried, &[(NOW, query_paid())]);
            assert_eq!(paid_late.payment(), Some(&paid_fen(1234)), "{time}");
        }
    }
}

/// The answers that give a debit up at once.
fn giving_up() -> [Input; 4] {
    [
        Input::Pay(PayAnswer::MandateDead(code())),
        Input::Pay(PayAnswer::PayerBlocked(code())),
        pay_declined_for(DeclineReason::AmountCap),
        pay_declined(),
    ]
}

#[test]
fn a_second_answer_within_13_seconds_does_not_forget_the_first_request() {
    for answer in giving_up() {
        // A decline gives it up when it is the third.
        let first = declined_at(&["2015-05-14 10:00", "2015-05-15 10:00"]);
        let confirming = after_all(
            &[
                &first[..],
                &sent_again(),
                &[
                    ("2015-05-17 09:59:52", answer.clone()),
                    ("2015-05-17 09:59:53", not_found()),
                    ("2015-05-17 09:59:54", Input::Closed),
                ],
            ]
            .concat(),
        );
        assert!(matches!(confirming.phase, Phase::Confirming { .. }), "{answer:?}");
        ends_at(
            &confirming,
            &[
                ("09:59:54", false),
                // Thirteen seconds after the first request.
                ("10:00:03", false),
                ("10:14:49", false),
                ("10:14:50", true),
                ("10:30", true),
            ],
        );
        // The gateway's own word that the number is closed ends it at once.
        let closed = then(&confirming, &[("2015-05-17 09:59:54", query_closed())]);
        assert!(closed.given_up().is_some(), "{answer:?}");
    }
}

#[test]
fn an_answer_to_the_only_request_leaves_nothing_on_its_way() {
    for answer in giving_up().into_iter().take(3) {
        let confirming = after_all(&[
            sent(NOW),
            (NOW, answer),
            ("2015-05-17 10:00:01", not_found()),
            ("2015-05-17 10:00:01", Input::Closed),
        ]);
        ends_at(&confirming, &[("10:00:02", true)]);
    }
}

#[test]
fn every_request_without_an_answer_may_arrive_for_a_quarter_of_an_hour() {
    let confirming = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:00", pay_in_doubt()),
        ("2015-05-17 10:01", not_found()),
        sent("2015-05-17 10:01"),
        ("2015-05-17 10:01", pay_in_doubt()),
        ("2015-05-17 10:05", not_found()),
        sent("2015-05-17 10:05"),
        ("2015-05-17 10:05", Input::Pay(PayAnswer::MandateDead(code()))),
        ("2015-05-17 10:05", not_found()),
        ("2015-05-17 10:05", Input::Closed),
    ]);
    ends_at(&confirming, &[("10:15", false), ("10:15:59", false), ("10:16", true)]);
}

#[test]
fn a_request_whose_sender_crashed_may_arrive_for_a_quarter_of_an_hour() {
    let confirming = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:01", not_found()),
        ("2015-05-17 10:01", Input::WithoutMandate),
        ("2015-05-17 10:01", not_found()),
        ("2015-05-17 10:01", Input::Closed),
    ]);
    ends_at(&confirming, &[("10:14:59", false), ("10:15", true)]);
}

#[test]
fn a_debit_that_a_person_gives_up_in_doubt_waits_for_its_requests() {
    let confirming = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:00", pay_in_doubt()),
        ("2015-05-17 10:02", Input::Resolved(Resolution::GiveUp)),
        ("2015-05-17 10:02", not_found()),
        ("2015-05-17 10:02", Input::Closed),
    ]);
    ends_at(&confirming, &[("10:14:59", false), ("10:15", true)]);
}

#[test]
fn requests_of_a_closed_attempt_are_waited_for_as_well() {
    let confirming = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:00", pay_in_doubt()),
        ("2015-05-17 10:01", query_closed()),
        ("2015-05-17 10:01", Input::Sent("second")),
        ("2015-05-17 10:01", Input::Pay(PayAnswer::MandateDead(code()))),
        ("2015-05-17 10:01", not_found()),
        ("2015-05-17 10:01", Input::Closed),
    ]);
    ends_at(&confirming, &[("10:14:59", false), ("10:15", true)]);
}

#[test]
fn a_query_never_closes_what_is_still_sending_or_in_doubt() {
    for name in ["sending", "sending again", "in doubt", "in doubt twice"] {
        let debit = in_phase(name);
        for close in [Input::Closed, Input::CloseInDoubt] {
            let refused = after(&debit, &close, at(NOW));
            assert!(matches!(refused, Err(Refused::Conflict(_))), "{name}");
        }
    }
}
