//! Every phase by every answer.

use expect_test::{Expect, expect};
use jiff::SignedDuration;
use steelyard_billing::{Debit, DebitConflict, Phase, Step};

use crate::clock;
use crate::common::at;
use crate::inputs::{Input, after, every_answer, every_phase};

fn phase(debit: &Debit) -> &'static str {
    match debit.phase {
        Phase::Due => "due",
        Phase::Sending => "sending",
        Phase::InDoubt { .. } => "in doubt",
        Phase::Exhausting { close_sent: false } => "exhausting",
        Phase::Exhausting { close_sent: true } => "close sent",
        Phase::Closing => "closing",
        Phase::Paid { .. } => "paid",
        Phase::Exhausted => "exhausted",
    }
}

/// A debit as a row of a table.
fn note(debit: &Debit) -> String {
    let request = if debit.request.is_some() { "same" } else { "none" };
    format!(
        "{:10} {} | {} {} | {} {request}",
        phase(debit),
        clock(debit.due_at_s),
        debit.declines,
        debit.doubts,
        debit.attempt
    )
}

/// One row of the table; none if the debit was not waiting for such an answer.
fn row(from: &str, name: &str, debit: &Debit, input: &Input) -> Option<String> {
    let to = match after(debit, input, at("2015-05-17 10:00")) {
        Ok(debit) => note(&debit),
        Err(DebitConflict::Amount { asked, taken, .. }) => {
            format!("CONFLICT   asked {asked}, took {taken}")
        }
        Err(error) => {
            let not_waiting =
                DebitConflict::NotWaiting { debit: debit.debit, phase: debit.phase.clone() };
            assert_eq!(error, not_waiting);
            return None;
        }
    };
    Some(format!("{from:19} | {name:23} | {to}"))
}

fn check_table(expected: Expect) {
    let mut rows = vec![format!(
        "{:19} | {:23} | to         due         | declines doubts | attempt request",
        "from", "answer on 05-17 10:00"
    )];
    for (from, debit) in every_phase() {
        let answers = every_answer();
        rows.extend(answers.iter().filter_map(|(name, input)| row(from, name, &debit, input)));
        rows.push(format!("{from:19} | {:23} | CONFLICT", "every other answer"));
    }
    expected.assert_eq(&rows.join("\n"));
}

#[test]
fn every_answer_in_every_phase_has_one_outcome() {
    check_table(expect![[r#"
        from                | answer on 05-17 10:00   | to         due         | declines doubts | attempt request
        due                 | sent                    | sending    05-17 10:01 | 0 0 | 1 same
        due                 | every other answer      | CONFLICT
        sending             | pay: paid               | paid       05-17 10:00 | 0 0 | 1 same
        sending             | pay: paid, a fen short  | CONFLICT   asked 12.34, took 12.33
        sending             | pay: declined           | due        05-18 10:00 | 1 0 | 1 same
        sending             | pay: above a cap        | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | pay: outside a window   | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | pay: mandate dead       | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | pay: payer blocked      | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | pay: own account        | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | pay: own fault          | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | pay: in doubt           | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | query: paid             | paid       05-17 10:00 | 0 0 | 1 same
        sending             | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        sending             | query: pending          | due        05-17 10:00 | 0 0 | 1 same
        sending             | query: closed           | due        05-17 10:00 | 0 0 | 2 none
        sending             | query: not found        | due        05-17 10:00 | 0 0 | 1 same
        sending             | query: in doubt         | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | every other answer      | CONFLICT
        sending, 1 decline  | pay: paid               | paid       05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | pay: paid, a fen short  | CONFLICT   asked 12.34, took 12.33
        sending, 1 decline  | pay: declined           | due        05-18 10:00 | 2 0 | 1 same
        sending, 1 decline  | pay: above a cap        | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | pay: outside a window   | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | pay: mandate dead       | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | pay: payer blocked      | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | pay: own account        | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | pay: own fault          | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | pay: in doubt           | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | query: paid             | paid       05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        sending, 1 decline  | query: pending          | due        05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | query: closed           | due        05-17 10:00 | 1 0 | 2 none
        sending, 1 decline  | query: not found        | due        05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | query: in doubt         | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | every other answer      | CONFLICT
        sending, 2 declines | pay: paid               | paid       05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | pay: paid, a fen short  | CONFLICT   asked 12.34, took 12.33
        sending, 2 declines | pay: declined           | exhausting 05-17 10:00 | 3 0 | 1 same
        sending, 2 declines | pay: above a cap        | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | pay: outside a window   | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | pay: mandate dead       | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | pay: payer blocked      | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | pay: own account        | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | pay: own fault          | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | pay: in doubt           | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | query: paid             | paid       05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        sending, 2 declines | query: pending          | due        05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | query: closed           | due        05-17 10:00 | 2 0 | 2 none
        sending, 2 declines | query: not found        | due        05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | query: in doubt         | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | every other answer      | CONFLICT
        in doubt            | query: paid             | paid       05-17 10:00 | 0 1 | 1 same
        in doubt            | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        in doubt            | query: pending          | due        05-17 10:00 | 0 1 | 1 same
        in doubt            | query: closed           | due        05-17 10:00 | 0 1 | 2 none
        in doubt            | query: not found        | due        05-17 10:00 | 0 1 | 1 same
        in doubt            | query: in doubt         | in doubt   05-17 10:02 | 0 2 | 1 same
        in doubt            | every other answer      | CONFLICT
        in doubt twice      | query: paid             | paid       05-17 10:00 | 0 2 | 1 same
        in doubt twice      | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        in doubt twice      | query: pending          | due        05-17 10:00 | 0 2 | 1 same
        in doubt twice      | query: closed           | due        05-17 10:00 | 0 2 | 2 none
        in doubt twice      | query: not found        | due        05-17 10:00 | 0 2 | 1 same
        in doubt twice      | query: in doubt         | in doubt   05-17 10:04 | 0 3 | 1 same
        in doubt twice      | every other answer      | CONFLICT
        exhausting          | query: paid             | paid       05-17 10:00 | 3 0 | 1 same
        exhausting          | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        exhausting          | query: pending          | closing    05-17 10:00 | 3 0 | 1 same
        exhausting          | query: closed           | exhausted  05-17 10:00 | 3 0 | 1 same
        exhausting          | query: not found        | closing    05-17 10:00 | 3 0 | 1 same
        exhausting          | query: in doubt         | exhausting 05-17 10:01 | 3 1 | 1 same
        exhausting          | every other answer      | CONFLICT
        close sent          | query: paid             | paid       05-17 10:00 | 3 0 | 1 same
        close sent          | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        close sent          | query: pending          | closing    05-17 10:01 | 3 1 | 1 same
        close sent          | query: closed           | exhausted  05-17 10:00 | 3 0 | 1 same
        close sent          | query: not found        | exhausted  05-17 10:00 | 3 0 | 1 same
        close sent          | query: in doubt         | close sent 05-17 10:01 | 3 1 | 1 same
        close sent          | every other answer      | CONFLICT
        closing             | closed                  | close sent 05-17 10:00 | 3 0 | 1 same
        closing             | every other answer      | CONFLICT
        closing again       | closed                  | close sent 05-17 10:00 | 3 1 | 1 same
        closing again       | every other answer      | CONFLICT
        paid                | every other answer      | CONFLICT
        exhausted           | every other answer      | CONFLICT"#]]);
}

#[test]
fn a_debit_waits_until_it_is_due_and_then_has_one_next_step() {
    for (name, step) in [
        ("due", Step::Pay),
        ("sending", Step::Query),
        ("sending, 1 decline", Step::Query),
        ("sending, 2 declines", Step::Query),
        ("in doubt", Step::Query),
        ("in doubt twice", Step::Query),
        ("exhausting", Step::Query),
        ("close sent", Step::Query),
        ("closing", Step::Close),
        ("closing again", Step::Close),
        ("paid", Step::Wait),
        ("exhausted", Step::Wait),
    ] {
        let (_, debit) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        let second = SignedDuration::from_secs(1);
        assert_eq!(debit.next_step(debit.due_at_s - second), Step::Wait, "{name}, early");
        assert_eq!(debit.next_step(debit.due_at_s), step, "{name}, due");
        assert_eq!(debit.next_step(at("2016-01-01 00:00")), step, "{name}, long due");
        assert_eq!(debit.is_open(), step != Step::Wait, "{name}");
        assert_eq!(debit.payment().is_some(), name == "paid", "{name}");
    }
}
