//! A debit takes its amount once or never: every phase by every answer, and any sequence of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod inputs;
mod properties;
mod refusals;
mod stored;
mod table;

use common::{at, provider};
use inputs::{
    Input, Refused, after, after_all, declined_thrice, every_phase, opened, paid_fen, pay_declined,
    pay_in_doubt, query_in_doubt, query_paid, sent,
};
use jiff::Timestamp;
use steelyard_billing::{DebitConflict, DebitId, GivenUp, Phase, QueryAnswer, Step, TRIES_MAX};

/// What a wall clock in Shanghai shows.
fn clock(instant: Timestamp) -> String {
    instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
}

#[test]
fn sending_from_any_phase_but_due_is_refused() {
    for (name, debit) in every_phase().into_iter().filter(|(name, _)| !name.starts_with("due")) {
        let refused = DebitConflict { debit: DebitId(7), phase: debit.phase.clone() };
        let sent = after(&debit, &Input::Sent("amount=12.34"), debit.due_at_s);
        assert_eq!(sent, Err(Refused::Conflict(refused)), "{name}");
    }
}

#[test]
fn a_debit_falls_due_at_ten_in_the_morning_of_the_platform() {
    for (opened_at, due) in [
        ("2015-05-17 00:30", "2015-05-17 10:00"),
        ("2015-05-17 10:00", "2015-05-17 10:00"),
        ("2015-05-17 10:00:01", "2015-05-18 10:00"),
        ("2015-12-31 23:59:59", "2016-01-01 10:00"),
    ] {
        let debit = opened(&provider().provider, 1, at(opened_at));
        assert_eq!(debit.due_at_s, at(due), "{opened_at}");
    }
}

#[test]
fn a_decline_is_tried_again_at_ten_on_the_next_day_whatever_the_hour() {
    for (declined_at, due) in [
        ("2015-05-17 00:00", "2015-05-18 10:00"),
        ("2015-05-17 10:00", "2015-05-18 10:00"),
        ("2015-05-17 23:59:59", "2015-05-18 10:00"),
    ] {
        let debit = after_all(&[sent(declined_at), (declined_at, pay_declined())]);
        assert_eq!(debit.due_at_s, at(due), "{declined_at}");
    }
}

#[test]
fn an_attempt_whose_sender_died_is_asked_about_after_a_minute() {
    let debit = after_all(&[sent("2015-05-17 10:00")]);
    assert_eq!(debit.due_at_s, at("2015-05-17 10:01"));
    assert_eq!(debit.next_step(at("2015-05-17 10:01")), Step::Query);
}

#[test]
fn doubt_is_asked_about_after_1_3_10_30_60_seconds_and_then_every_hour() {
    let mut debit = after_all(&[sent("2015-05-17 10:00"), ("2015-05-17 10:00", pay_in_doubt())]);
    let mut waits = Vec::new();
    let mut now = at("2015-05-17 10:00");
    for _ in 0..9 {
        waits.push((debit.due_at_s - now).get_seconds());
        now = debit.due_at_s;
        debit = after(&debit, &query_in_doubt(), now).unwrap();
    }
    assert_eq!(waits, [1, 3, 10, 30, 60, 3600, 3600, 3600, 3600]);
}

#[test]
fn an_attempt_that_cannot_be_closed_is_asked_about_less_and_less_often() {
    let mut debit = after_all(&declined_thrice());
    let mut waits = Vec::new();
    for _ in 0..10 {
        let now = debit.due_at_s;
        debit = after(&debit, &Input::Query(QueryAnswer::Pending), now).unwrap();
        waits.push((debit.due_at_s - now).get_seconds());
        debit = after(&debit, &Input::Closed, debit.due_at_s).unwrap();
        assert_eq!(debit.phase, Phase::Exhausting { close_sent: true, given_up: GivenUp::Funds });
    }
    assert_eq!(waits, [0, 1, 3, 10, 30, 60, 3600, 3600, 3600, 3600]);
}

#[test]
fn an_attempt_that_is_never_found_is_closed_before_it_is_given_up() {
    let not_found = Input::Query(QueryAnswer::NotFound);
    let debit = after_all(&declined_thrice());
    let closing = after(&debit, &not_found, debit.due_at_s).unwrap();
    assert_eq!(
        closing.phase,
        Phase::Closing { given_up: GivenUp::Funds },
        "its request may still be on its way"
    );
    let closed = after(&closing, &Input::Closed, closing.due_at_s).unwrap();
    let given_up = after(&closed, &not_found, closed.due_at_s).unwrap();
    assert_eq!(given_up.phase, Phase::Exhausted { given_up: GivenUp::Funds });
}

#[test]
fn doubts_are_remembered_when_the_attempt_is_sent_again_and_forgotten_when_it_is_declined() {
    let mut debit = after_all(&[]);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let now = debit.due_at_s;
        let doubted = after(&after(&debit, &Input::Sent("x"), now).unwrap(), &pay_in_doubt(), now);
        let doubted = doubted.unwrap();
        waits.push((doubted.due_at_s - now).get_seconds());
        debit = after(&doubted, &Input::Query(QueryAnswer::NotFound), doubted.due_at_s).unwrap();
    }
    assert_eq!((waits, debit.doubts), (vec![1, 3, 10, 30], 4));
    let sent = after(&debit, &Input::Sent("x"), debit.due_at_s).unwrap();
    assert_eq!(after(&sent, &pay_declined(), debit.due_at_s).unwrap().doubts, 0);
}

#[test]
fn debit_without_an_answer_is_in_doubt_and_never_declined() {
    let debit = after_all(&[sent("2015-05-17 10:00"), ("2015-05-17 10:00", pay_in_doubt())]);
    assert_eq!(debit.phase, Phase::InDoubt { why: "no answer in 10 s".to_owned() });
    assert_eq!((debit.declines, debit.doubts), (0, 1));
}

#[test]
fn the_same_number_and_bytes_are_sent_through_declines_and_doubts() {
    let sending_again = |time| (time, Input::Sent("amount=12.34&built=again"));
    let first = after_all(&[sent("2015-05-17 10:00")]);
    let last = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:00", pay_in_doubt()),
        ("2015-05-17 10:01", query_in_doubt()),
        ("2015-05-17 10:03", Input::Query(QueryAnswer::NotFound)),
        sending_again("2015-05-17 10:03"),
        ("2015-05-17 10:03", pay_declined()),
        sending_again("2015-05-18 10:00"),
        ("2015-05-18 10:01", Input::Query(QueryAnswer::Pending)),
        sending_again("2015-05-18 10:01"),
        ("2015-05-18 10:01", pay_declined()),
        sending_again("2015-05-19 10:00"),
    ]);
    assert_eq!(last.request.as_deref(), Some("amount=12.34"));
    assert_eq!((&last.out_trade_no, &last.request), (&first.out_trade_no, &first.request));
    assert_eq!((last.attempt, last.declines), (1, 2));
}

#[test]
fn a_new_number_with_bytes_of_its_own_is_used_only_after_the_old_one_was_closed() {
    let first = after_all(&[sent("2015-05-17 10:00")]);
    let closed = after(&first, &Input::Query(QueryAnswer::Closed), at("2015-05-17 10:01")).unwrap();
    assert_eq!((closed.attempt, &closed.request), (2, &None));
    assert_ne!(closed.out_trade_no, first.out_trade_no);
    assert_eq!(closed.next_step(at("2015-05-17 10:01")), Step::Pay);
    let second = after(&closed, &Input::Sent("second"), at("2015-05-17 10:01")).unwrap();
    assert_eq!(second.request.as_deref(), Some("second"));
    assert_eq!(second.out_trade_no, closed.out_trade_no);
}

#[test]
fn three_declines_on_three_days_are_given_up_only_when_a_query_proves_them_unpaid() {
    let debit = after_all(&declined_thrice());
    assert_eq!((debit.declines, debit.is_open()), (TRIES_MAX, true));
    assert_eq!(debit.next_step(at("2015-05-17 10:00")), Step::Query);

    let pending =
        after(&debit, &Input::Query(QueryAnswer::Pending), at("2015-05-17 10:00")).unwrap();
    assert_eq!(pending.next_step(pending.due_at_s), Step::Close);
    let closed = after(&pending, &Input::Closed, pending.due_at_s).unwrap();
    assert!(closed.is_open(), "closing is no proof");
    let proved = after(&closed, &Input::Query(QueryAnswer::Closed), closed.due_at_s).unwrap();
    assert_eq!(proved.phase, Phase::Exhausted { given_up: GivenUp::Funds });

    let paid_after_all = after(&closed, &query_paid(), closed.due_at_s).unwrap();
    assert_eq!(paid_after_all.payment(), Some(paid_fen(1234)));
}

#[test]
fn a_request_that_nobody_answered_may_arrive_for_a_quarter_of_an_hour() {
    let not_found = || Input::Query(QueryAnswer::NotFound);
    let closed = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:00", pay_in_doubt()),
        ("2015-05-17 10:01", not_found()),
        ("2015-05-17 10:01", Input::WithoutMandate),
        ("2015-05-17 10:01", not_found()),
        ("2015-05-17 10:01", Input::Closed),
    ]);
    let waiting = after(&closed, &not_found(), at("2015-05-17 10:14:59")).unwrap();
    assert!(waiting.is_open(), "closing a trade that is not there stops nothing");
    let paid_late = after(&waiting, &query_paid(), at("2015-05-17 10:15")).unwrap();
    assert_eq!(paid_late.payment(), Some(paid_fen(1234)));
    assert!(!after(&waiting, &not_found(), at("2015-05-17 10:15")).unwrap().is_open());
}

#[test]
fn a_payment_that_was_found_once_is_not_booked_again_when_another_number_is_due() {
    let query_closed = || Input::Query(QueryAnswer::Closed);
    let second = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:01", query_closed()),
        ("2015-05-17 10:01", Input::Sent("second")),
    ]);
    let found = after(&second, &Input::Proved(1, paid_fen(1234)), at("2015-05-17 10:01")).unwrap();
    let third = after(&found, &query_closed(), at("2015-05-17 10:02")).unwrap();
    assert_eq!((third.attempt, &third.phase, &third.request), (3, &Phase::Due, &None));
    let again = after(&third, &Input::Proved(1, paid_fen(1234)), at("2015-05-17 10:03")).unwrap();
    assert_eq!(again, third, "known");
    // The second, too, may turn out to have been paid: then the third is not asked for.
    let other = steelyard_billing::Payment { trade_no: "2".to_owned(), ..paid_fen(1234) };
    let paid = after(&third, &Input::Proved(2, other), at("2015-05-17 10:03")).unwrap();
    assert_eq!((paid.is_open(), paid.paid_attempt), (false, Some(2)));
    assert_eq!(paid.paid_trade_no(), second.out_trade_no);
}
