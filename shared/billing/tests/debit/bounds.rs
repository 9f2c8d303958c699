//! No record grows without a limit: history, attempts, and requests without an answer.

use jiff::SignedDuration;
use steelyard_billing::{Asked, Exchange, GiveUpReason, PayAnswer, Phase, Resolution};

use crate::common::at;
use crate::inputs::{
    Input, NOW, after, after_all, code, in_phase, not_found, pay_in_doubt, query_closed,
    query_in_doubt, query_paid, reason,
};

const HISTORY_MAX: usize = 50;

const ATTEMPTS_MAX: u16 = 20;

#[test]
fn the_last_fifty_exchanges_are_kept() {
    let mut debit = in_phase("in doubt");
    for exchanges in 2..=120 {
        debit = after(&debit, &query_in_doubt(), debit.task.due_at_s).unwrap();
        assert_eq!(debit.history.exchanges.len(), exchanges.min(HISTORY_MAX));
    }
    let now = debit.task.due_at_s;
    let paid = after(&debit, &query_paid(), now).unwrap();
    let answer = "paid ¥12.34 by trade 2015051721001004".to_owned();
    let last = Exchange { at_s: now, attempt: 1, asked: Asked::Query, answer };
    assert_eq!(paid.history.exchanges.last(), Some(&last));
    assert_eq!(paid.history.exchanges[..49], debit.history.exchanges[1..]);
}

#[test]
fn an_exchange_says_what_was_asked_about_which_attempt_and_what_was_answered() {
    let debit = after_all(&[
        (NOW, Input::Sent("first")),
        (NOW, pay_in_doubt()),
        ("2015-05-17 10:01", query_closed()),
        ("2015-05-17 10:01", Input::Sent("second")),
        ("2015-05-17 10:02", Input::Pay(PayAnswer::MandateDead(code()))),
        ("2015-05-17 10:03", not_found()),
        ("2015-05-17 10:04", Input::CloseInDoubt),
        ("2015-05-17 10:05", not_found()),
        ("2015-05-17 10:06", Input::Closed),
    ]);
    let exchange = |time, attempt, asked, answer: &str| {
        let at_s = at(&format!("2015-05-17 {time}"));
        Exchange { at_s, attempt, asked, answer: answer.to_owned() }
    };
    let all = [
        exchange("10:00", 1, Asked::Pay, "in doubt: no answer in 10 s"),
        exchange("10:01", 1, Asked::Query, "closed"),
        exchange("10:02", 2, Asked::Pay, "the mandate is dead: ACQ.SOME_CODE"),
        exchange("10:03", 2, Asked::Query, "not known"),
        exchange("10:04", 2, Asked::Close, "in doubt: no answer"),
        exchange("10:05", 2, Asked::Query, "not known"),
        exchange("10:06", 2, Asked::Close, "done"),
    ];
    assert_eq!(debit.history.exchanges, all);
}

#[test]
fn the_last_fifty_interventions_are_kept() {
    let mut debit = in_phase("held");
    let mut now = at(NOW);
    for interventions in 1..=120 {
        now += SignedDuration::from_mins(1);
        debit = debit.resolved(Resolution::Ask, reason(), now).unwrap();
        debit = after(&debit, &query_closed(), now).unwrap();
        assert_eq!(debit.history.interventions.len(), HISTORY_MAX.min(interventions));
    }
    assert_eq!(debit.history.interventions.last().unwrap().at_s, now);
}

#[test]
fn a_debit_whose_twentieth_attempt_was_closed_is_held() {
    let mut debit = after_all(&[]);
    let mut now = at(NOW);
    for attempt in 1..=ATTEMPTS_MAX {
        assert_eq!(debit.phase, Phase::Due, "{attempt}");
        debit = after(&debit, &Input::Sent("x"), now).unwrap();
        assert_eq!(debit.attempt_count(), attempt);
        now += SignedDuration::from_mins(1);
        debit = after(&debit, &query_closed(), now).unwrap();
    }
    let why = "the gateway closed 20 attempts".to_owned();
    let held = Phase::Held { why, found: None };
    assert_eq!((&debit.phase, debit.attempt_count()), (&held, ATTEMPTS_MAX));
    // Another try is answered in the same way, and only giving it up ends it.
    let retried = debit.resolved(Resolution::Retry, reason(), now).unwrap();
    assert_eq!(after(&retried, &query_closed(), now).unwrap().phase, held);
    let given_up = debit.resolved(Resolution::GiveUp, reason(), now).unwrap();
    let ended = after(&given_up, &query_closed(), now).unwrap();
    assert_eq!(ended.given_up(), Some(&GiveUpReason::ByOperator));
}

#[test]
fn requests_without_an_answer_are_few_however_often_one_is_sent() {
    let mut debit = after_all(&[]);
    let mut most = 0;
    for _ in 0..200 {
        let now = debit.task.due_at_s;
        let sent = after(&debit, &Input::Sent("x"), now).unwrap();
        let doubted = after(&sent, &pay_in_doubt(), now).unwrap();
        let unanswered = &doubted.last_attempt().unwrap().unanswered_at_s;
        let unanswered = serde_json::to_value(unanswered).unwrap();
        most = most.max(unanswered.as_array().unwrap().len());
        debit = after(&doubted, &not_found(), doubted.task.due_at_s).unwrap();
    }
    assert_eq!(most, 6, "those of the first two minutes: the next wait is an hour");
    assert!(serde_json::to_string(&debit).unwrap().len() < 10_000);
}
