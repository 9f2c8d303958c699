//! Every phase by every input.

use expect_test::expect_file;
use jiff::SignedDuration;
use steelyard_billing::{
    Debit, DebitConflict, DeclineReason, GiveUpReason, NothingToResolve, Phase, Step,
};
use steelyard_pricing::Fen;

use crate::clock;
use crate::common::at;
use crate::inputs::{AMOUNT, Input, NOW, Refused, after, every_input, every_phase, in_phase};

/// The phase with, in one letter, why it is given up.
fn phase(debit: &Debit) -> String {
    let of = |phase: &str, why: &GiveUpReason| {
        let why = match why {
            GiveUpReason::Funds => 'F',
            GiveUpReason::AmountCap(_) => 'A',
            GiveUpReason::Window(_) => 'W',
            GiveUpReason::MandateDead(_) => 'M',
            GiveUpReason::PayerBlocked(_) => 'P',
            GiveUpReason::ByOperator => 'O',
        };
        format!("{phase} {why}")
    };
    match &debit.phase {
        Phase::Due => "due".to_owned(),
        Phase::Sending => "sending".to_owned(),
        Phase::InDoubt { .. } => "in doubt".to_owned(),
        Phase::Checking { why } => of("checking", why),
        Phase::Closing { why } => of("closing", why),
        Phase::Confirming { why } => of("confirming", why),
        Phase::Held { found: None, .. } => "held".to_owned(),
        Phase::Held { found: Some(_), .. } => "held, found".to_owned(),
        Phase::Rechecking { .. } => "rechecking".to_owned(),
        Phase::Paid { attempt, .. } => format!("paid by {attempt}"),
        Phase::GivenUp { why } => of("given up", why),
        Phase::Withdrawn => "withdrawn".to_owned(),
    }
}

/// The attempts in order: how many requests nobody answered, whether it is closed, what it took.
fn attempts(debit: &Debit) -> String {
    let attempts = debit.attempts.iter().map(|attempt| {
        let unanswered = serde_json::to_value(&attempt.unanswered_at_s).unwrap();
        let requests = unanswered.as_array().unwrap().len();
        let closed = if attempt.is_closed { " closed" } else { "" };
        let paid = if attempt.payment.is_some() { " paid" } else { "" };
        format!("{requests}{closed}{paid}")
    });
    attempts.collect::<Vec<_>>().join(", ")
}

/// A debit as a row of a table.
fn note(debit: &Debit) -> String {
    let of = |reason| debit.declines.iter().filter(|d| d.reason == reason).count();
    let (funds, caps) = (of(DeclineReason::Funds), of(DeclineReason::AmountCap));
    let (windows, retries) = (of(DeclineReason::Window), debit.task.retries);
    let found = if debit.found_payments().next().is_some() { ", FOUND MONEY" } else { "" };
    format!(
        "{:12} {} | {funds} {caps} {windows} {retries} | {}{found}",
        phase(debit),
        debit.due_at().map_or("never      ".to_owned(), clock),
        attempts(debit),
    )
}

/// One row of the table; none if the debit was not waiting for such an input.
fn row(from: &str, name: &str, debit: &Debit, input: &Input) -> Option<String> {
    let to = match after(debit, input, at(NOW)) {
        Ok(same) if same == *debit => "UNCHANGED".to_owned(),
        Ok(debit) => note(&debit),
        Err(Refused::Conflict(error)) => {
            assert_eq!(error, DebitConflict { debit: debit.debit, phase: debit.phase.clone() });
            return None;
        }
        Err(Refused::NothingToResolve(error)) => {
            assert_eq!(error, NothingToResolve(debit.debit));
            return None;
        }
        Err(Refused::Contradicts) => "CONTRADICTS, and nothing changes".to_owned(),
    };
    Some(format!("{from:22} | {name:25} | {to}").trim_end().to_owned())
}

#[test]
fn every_input_in_every_phase_has_one_outcome() {
    let mut rows = vec![format!(
        "{:22} | {:25} | to           due         | funds caps windows retries | unanswered requests",
        "from", "input on 05-17 10:00"
    )];
    for (from, debit) in every_phase() {
        rows.push(format!("{from:22} | {:25} | {}", "-", note(&debit)).trim_end().to_owned());
        let inputs = every_input();
        rows.extend(inputs.iter().filter_map(|(name, input)| row(from, name, &debit, input)));
        rows.push(format!("{from:22} | {:25} | REFUSED", "everything else"));
    }
    expect_file!["table.txt"].assert_eq(&(rows.join("\n") + "\n"));
}

#[test]
fn a_debit_waits_until_it_is_due_and_then_has_one_next_step() {
    let steps = [
        ("due", Step::Pay),
        ("due, declined", Step::Pay),
        ("sending", Step::Query),
        ("sending, 1 decline", Step::Query),
        ("sending, 2 declines", Step::Query),
        ("sending, 6 windows", Step::Query),
        ("sending, trouble", Step::Query),
        ("sending again", Step::Query),
        ("in doubt", Step::Query),
        ("in doubt twice", Step::Query),
        ("checking", Step::Query),
        ("closing", Step::Close),
        ("confirming", Step::Query),
        ("closing again", Step::Close),
        ("mandate dead", Step::Query),
        ("confirming, unanswered", Step::Query),
        ("held", Step::Report),
        ("rechecking", Step::Query),
        ("held, rechecked", Step::Report),
        ("paid", Step::Wait),
        ("given up", Step::Wait),
        ("given up, found", Step::Wait),
        ("withdrawn", Step::Wait),
        ("due, second", Step::Pay),
        ("sending, second", Step::Query),
        ("paid by the second", Step::Wait),
        ("held, second", Step::Report),
    ];
    let phases: Vec<_> = every_phase().into_iter().map(|(phase, _)| phase).collect();
    assert_eq!(steps.map(|(phase, _)| phase).to_vec(), phases, "a row for every phase");
    for (name, step) in steps {
        let debit = in_phase(name);
        let (due, second) = (debit.task.due_at_s, SignedDuration::from_secs(1));
        assert_eq!(debit.next_step(due - second), Step::Wait, "{name}, early");
        assert_eq!(debit.next_step(due), step, "{name}, due");
        assert_eq!(debit.next_step(at("2016-01-01 00:00")), step, "{name}, long due");
        assert_eq!(debit.due_at(), (step != Step::Wait).then_some(due), "{name}");
        assert_eq!(debit.is_open(), step != Step::Wait, "{name}");
        let is_paid = ["paid", "paid by the second"].contains(&name);
        assert_eq!(debit.payment().is_some(), is_paid, "{name}");
        let is_given_up = ["given up", "given up, found"].contains(&name);
        assert_eq!(debit.given_up().is_some(), is_given_up, "{name}");
        let is_collecting = debit.is_open() && name != "due";
        let reserved = if is_collecting { AMOUNT } else { Fen::ZERO };
        assert_eq!(debit.reserved(), reserved, "{name}");
    }
}
