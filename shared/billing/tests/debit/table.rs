//! Every phase by every input.

use expect_test::{Expect, expect};
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

fn check_table(expected: Expect) {
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
    expected.assert_eq(&rows.join("\n"));
}

#[test]
fn every_input_in_every_phase_has_one_outcome() {
    check_table(expect![[r#"
        from                   | input on 05-17 10:00      | to           due         | funds caps windows retries | unanswered requests
        due                    | -                         | due          05-17 10:00 | 0 0 0 0 |
        due                    | sent                      | sending      05-17 10:01 | 0 0 0 0 | 1
        due                    | nothing is owed           | withdrawn    never       | 0 0 0 0 |
        due                    | the day is capped         | due          05-18 10:00 | 0 0 0 0 |
        due                    | proof: 1 paid             | CONTRADICTS, and nothing changes
        due                    | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        due                    | proof: 1 paid otherwise   | CONTRADICTS, and nothing changes
        due                    | proof: 2 paid             | CONTRADICTS, and nothing changes
        due                    | proof: 3 paid             | CONTRADICTS, and nothing changes
        due                    | everything else           | REFUSED
        due, declined          | -                         | due          05-17 10:00 | 1 0 0 0 | 0
        due, declined          | sent                      | sending      05-17 10:01 | 1 0 0 0 | 1
        due, declined          | resolved: give up         | checking O   05-17 10:00 | 1 0 0 0 | 0
        due, declined          | without mandate           | checking M   05-17 10:00 | 1 0 0 0 | 0
        due, declined          | mandate suspended         | due          05-18 10:00 | 1 0 1 0 | 0
        due, declined          | proof: 1 paid             | paid by 1    never       | 1 0 0 0 | 0 paid
        due, declined          | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        due, declined          | proof: 1 paid otherwise   | paid by 1    never       | 1 0 0 0 | 0 paid
        due, declined          | proof: 2 paid             | CONTRADICTS, and nothing changes
        due, declined          | proof: 3 paid             | CONTRADICTS, and nothing changes
        due, declined          | everything else           | REFUSED
        sending                | -                         | sending      05-17 10:01 | 0 0 0 0 | 1
        sending                | pay: paid                 | paid by 1    never       | 0 0 0 0 | 0 paid
        sending                | pay: paid, a fen short    | held         05-18 10:00 | 0 0 0 0 | 0
        sending                | pay: declined             | due          05-18 10:00 | 1 0 0 0 | 0
        sending                | pay: above a cap          | checking A   05-17 10:00 | 0 1 0 0 | 0
        sending                | pay: outside a window     | due          05-18 10:00 | 0 0 1 0 | 0
        sending                | pay: mandate dead         | checking M   05-17 10:00 | 0 0 0 0 | 0
        sending                | pay: payer blocked        | checking P   05-17 10:00 | 0 0 0 0 | 0
        sending                | pay: own account          | due          05-17 10:01 | 0 0 0 1 | 0
        sending                | pay: own fault            | held         05-18 10:00 | 0 0 0 0 | 0
        sending                | pay: throttled            | due          05-17 10:01 | 0 0 0 1 | 0
        sending                | pay: in doubt             | in doubt     05-17 10:00 | 0 0 0 1 | 1
        sending                | query: paid               | paid by 1    never       | 0 0 0 0 | 1 paid
        sending                | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 1
        sending                | query: pending            | due          05-17 10:00 | 0 0 0 0 | 1
        sending                | query: closed             | due          05-17 10:00 | 0 0 0 0 | 1 closed
        sending                | query: not found          | due          05-17 10:00 | 0 0 0 0 | 1
        sending                | query: in doubt           | in doubt     05-17 10:00 | 0 0 0 1 | 1
        sending                | proof: 1 paid             | paid by 1    never       | 0 0 0 0 | 1 paid
        sending                | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        sending                | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 0 | 1 paid
        sending                | proof: 2 paid             | CONTRADICTS, and nothing changes
        sending                | proof: 3 paid             | CONTRADICTS, and nothing changes
        sending                | everything else           | REFUSED
        sending, 1 decline     | -                         | sending      05-17 10:01 | 1 0 0 0 | 1
        sending, 1 decline     | pay: paid                 | paid by 1    never       | 1 0 0 0 | 0 paid
        sending, 1 decline     | pay: paid, a fen short    | held         05-18 10:00 | 1 0 0 0 | 0
        sending, 1 decline     | pay: declined             | due          05-19 10:00 | 2 0 0 0 | 0
        sending, 1 decline     | pay: above a cap          | checking A   05-17 10:00 | 1 1 0 0 | 0
        sending, 1 decline     | pay: outside a window     | due          05-18 10:00 | 1 0 1 0 | 0
        sending, 1 decline     | pay: mandate dead         | checking M   05-17 10:00 | 1 0 0 0 | 0
        sending, 1 decline     | pay: payer blocked        | checking P   05-17 10:00 | 1 0 0 0 | 0
        sending, 1 decline     | pay: own account          | due          05-17 10:01 | 1 0 0 1 | 0
        sending, 1 decline     | pay: own fault            | held         05-18 10:00 | 1 0 0 0 | 0
        sending, 1 decline     | pay: throttled            | due          05-17 10:01 | 1 0 0 1 | 0
        sending, 1 decline     | pay: in doubt             | in doubt     05-17 10:00 | 1 0 0 1 | 1
        sending, 1 decline     | query: paid               | paid by 1    never       | 1 0 0 0 | 1 paid
        sending, 1 decline     | query: paid, a fen over   | held         05-18 10:00 | 1 0 0 0 | 1
        sending, 1 decline     | query: pending            | due          05-17 10:00 | 1 0 0 0 | 1
        sending, 1 decline     | query: closed             | due          05-17 10:00 | 1 0 0 0 | 1 closed
        sending, 1 decline     | query: not found          | due          05-17 10:00 | 1 0 0 0 | 1
        sending, 1 decline     | query: in doubt           | in doubt     05-17 10:00 | 1 0 0 1 | 1
        sending, 1 decline     | proof: 1 paid             | paid by 1    never       | 1 0 0 0 | 1 paid
        sending, 1 decline     | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        sending, 1 decline     | proof: 1 paid otherwise   | paid by 1    never       | 1 0 0 0 | 1 paid
        sending, 1 decline     | proof: 2 paid             | CONTRADICTS, and nothing changes
        sending, 1 decline     | proof: 3 paid             | CONTRADICTS, and nothing changes
        sending, 1 decline     | everything else           | REFUSED
        sending, 2 declines    | -                         | sending      05-17 10:01 | 2 0 0 0 | 1
        sending, 2 declines    | pay: paid                 | paid by 1    never       | 2 0 0 0 | 0 paid
        sending, 2 declines    | pay: paid, a fen short    | held         05-18 10:00 | 2 0 0 0 | 0
        sending, 2 declines    | pay: declined             | checking F   05-17 10:00 | 3 0 0 0 | 0
        sending, 2 declines    | pay: above a cap          | checking A   05-17 10:00 | 2 1 0 0 | 0
        sending, 2 declines    | pay: outside a window     | due          05-18 10:00 | 2 0 1 0 | 0
        sending, 2 declines    | pay: mandate dead         | checking M   05-17 10:00 | 2 0 0 0 | 0
        sending, 2 declines    | pay: payer blocked        | checking P   05-17 10:00 | 2 0 0 0 | 0
        sending, 2 declines    | pay: own account          | due          05-17 10:01 | 2 0 0 1 | 0
        sending, 2 declines    | pay: own fault            | held         05-18 10:00 | 2 0 0 0 | 0
        sending, 2 declines    | pay: throttled            | due          05-17 10:01 | 2 0 0 1 | 0
        sending, 2 declines    | pay: in doubt             | in doubt     05-17 10:00 | 2 0 0 1 | 1
        sending, 2 declines    | query: paid               | paid by 1    never       | 2 0 0 0 | 1 paid
        sending, 2 declines    | query: paid, a fen over   | held         05-18 10:00 | 2 0 0 0 | 1
        sending, 2 declines    | query: pending            | due          05-17 10:00 | 2 0 0 0 | 1
        sending, 2 declines    | query: closed             | due          05-17 10:00 | 2 0 0 0 | 1 closed
        sending, 2 declines    | query: not found          | due          05-17 10:00 | 2 0 0 0 | 1
        sending, 2 declines    | query: in doubt           | in doubt     05-17 10:00 | 2 0 0 1 | 1
        sending, 2 declines    | proof: 1 paid             | paid by 1    never       | 2 0 0 0 | 1 paid
        sending, 2 declines    | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        sending, 2 declines    | proof: 1 paid otherwise   | paid by 1    never       | 2 0 0 0 | 1 paid
        sending, 2 declines    | proof: 2 paid             | CONTRADICTS, and nothing changes
        sending, 2 declines    | proof: 3 paid             | CONTRADICTS, and nothing changes
        sending, 2 declines    | everything else           | REFUSED
        sending, 6 windows     | -                         | sending      05-17 10:01 | 0 0 6 0 | 1
        sending, 6 windows     | pay: paid                 | paid by 1    never       | 0 0 6 0 | 0 paid
        sending, 6 windows     | pay: paid, a fen short    | held         05-18 10:00 | 0 0 6 0 | 0
        sending, 6 windows     | pay: declined             | due          05-18 10:00 | 1 0 6 0 | 0
        sending, 6 windows     | pay: above a cap          | checking A   05-17 10:00 | 0 1 6 0 | 0
        sending, 6 windows     | pay: outside a window     | checking W   05-17 10:00 | 0 0 7 0 | 0
        sending, 6 windows     | pay: mandate dead         | checking M   05-17 10:00 | 0 0 6 0 | 0
        sending, 6 windows     | pay: payer blocked        | checking P   05-17 10:00 | 0 0 6 0 | 0
        sending, 6 windows     | pay: own account          | due          05-17 10:01 | 0 0 6 1 | 0
        sending, 6 windows     | pay: own fault            | held         05-18 10:00 | 0 0 6 0 | 0
        sending, 6 windows     | pay: throttled            | due          05-17 10:01 | 0 0 6 1 | 0
        sending, 6 windows     | pay: in doubt             | in doubt     05-17 10:00 | 0 0 6 1 | 1
        sending, 6 windows     | query: paid               | paid by 1    never       | 0 0 6 0 | 1 paid
        sending, 6 windows     | query: paid, a fen over   | held         05-18 10:00 | 0 0 6 0 | 1
        sending, 6 windows     | query: pending            | due          05-17 10:00 | 0 0 6 0 | 1
        sending, 6 windows     | query: closed             | due          05-17 10:00 | 0 0 6 0 | 1 closed
        sending, 6 windows     | query: not found          | due          05-17 10:00 | 0 0 6 0 | 1
        sending, 6 windows     | query: in doubt           | in doubt     05-17 10:00 | 0 0 6 1 | 1
        sending, 6 windows     | proof: 1 paid             | paid by 1    never       | 0 0 6 0 | 1 paid
        sending, 6 windows     | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        sending, 6 windows     | proof: 1 paid otherwise   | paid by 1    never       | 0 0 6 0 | 1 paid
        sending, 6 windows     | proof: 2 paid             | CONTRADICTS, and nothing changes
        sending, 6 windows     | proof: 3 paid             | CONTRADICTS, and nothing changes
        sending, 6 windows     | everything else           | REFUSED
        sending, trouble       | -                         | sending      05-17 10:02 | 0 0 0 1 | 1
        sending, trouble       | pay: paid                 | paid by 1    never       | 0 0 0 0 | 0 paid
        sending, trouble       | pay: paid, a fen short    | held         05-18 10:00 | 0 0 0 0 | 0
        sending, trouble       | pay: declined             | due          05-18 10:00 | 1 0 0 0 | 0
        sending, trouble       | pay: above a cap          | checking A   05-17 10:00 | 0 1 0 0 | 0
        sending, trouble       | pay: outside a window     | due          05-18 10:00 | 0 0 1 0 | 0
        sending, trouble       | pay: mandate dead         | checking M   05-17 10:00 | 0 0 0 0 | 0
        sending, trouble       | pay: payer blocked        | checking P   05-17 10:00 | 0 0 0 0 | 0
        sending, trouble       | pay: own account          | due          05-17 10:02 | 0 0 0 2 | 0
        sending, trouble       | pay: own fault            | held         05-18 10:00 | 0 0 0 0 | 0
        sending, trouble       | pay: throttled            | due          05-17 10:02 | 0 0 0 2 | 0
        sending, trouble       | pay: in doubt             | in doubt     05-17 10:00 | 0 0 0 2 | 1
        sending, trouble       | query: paid               | paid by 1    never       | 0 0 0 0 | 1 paid
        sending, trouble       | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 1
        sending, trouble       | query: pending            | due          05-17 10:00 | 0 0 0 1 | 1
        sending, trouble       | query: closed             | due          05-17 10:00 | 0 0 0 1 | 1 closed
        sending, trouble       | query: not found          | due          05-17 10:00 | 0 0 0 1 | 1
        sending, trouble       | query: in doubt           | in doubt     05-17 10:00 | 0 0 0 2 | 1
        sending, trouble       | proof: 1 paid             | paid by 1    never       | 0 0 0 1 | 1 paid
        sending, trouble       | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        sending, trouble       | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 1 | 1 paid
        sending, trouble       | proof: 2 paid             | CONTRADICTS, and nothing changes
        sending, trouble       | proof: 3 paid             | CONTRADICTS, and nothing changes
        sending, trouble       | everything else           | REFUSED
        sending again          | -                         | sending      05-17 10:00 | 0 0 0 1 | 2
        sending again          | pay: paid                 | paid by 1    never       | 0 0 0 0 | 1 paid
        sending again          | pay: paid, a fen short    | held         05-18 10:00 | 0 0 0 0 | 1
        sending again          | pay: declined             | due          05-18 10:00 | 1 0 0 0 | 1
        sending again          | pay: above a cap          | checking A   05-17 10:00 | 0 1 0 0 | 1
        sending again          | pay: outside a window     | due          05-18 10:00 | 0 0 1 0 | 1
        sending again          | pay: mandate dead         | checking M   05-17 10:00 | 0 0 0 0 | 1
        sending again          | pay: payer blocked        | checking P   05-17 10:00 | 0 0 0 0 | 1
        sending again          | pay: own account          | due          05-17 10:02 | 0 0 0 2 | 1
        sending again          | pay: own fault            | held         05-18 10:00 | 0 0 0 0 | 1
        sending again          | pay: throttled            | due          05-17 10:02 | 0 0 0 2 | 1
        sending again          | pay: in doubt             | in doubt     05-17 10:00 | 0 0 0 2 | 2
        sending again          | query: paid               | paid by 1    never       | 0 0 0 0 | 2 paid
        sending again          | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 2
        sending again          | query: pending            | due          05-17 10:00 | 0 0 0 1 | 2
        sending again          | query: closed             | due          05-17 10:00 | 0 0 0 1 | 2 closed
        sending again          | query: not found          | due          05-17 10:00 | 0 0 0 1 | 2
        sending again          | query: in doubt           | in doubt     05-17 10:00 | 0 0 0 2 | 2
        sending again          | proof: 1 paid             | paid by 1    never       | 0 0 0 1 | 2 paid
        sending again          | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        sending again          | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 1 | 2 paid
        sending again          | proof: 2 paid             | CONTRADICTS, and nothing changes
        sending again          | proof: 3 paid             | CONTRADICTS, and nothing changes
        sending again          | everything else           | REFUSED
        in doubt               | -                         | in doubt     05-17 10:00 | 0 0 0 1 | 1
        in doubt               | query: paid               | paid by 1    never       | 0 0 0 0 | 1 paid
        in doubt               | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 1
        in doubt               | query: pending            | due          05-17 10:00 | 0 0 0 1 | 1
        in doubt               | query: closed             | due          05-17 10:00 | 0 0 0 1 | 1 closed
        in doubt               | query: not found          | due          05-17 10:00 | 0 0 0 1 | 1
        in doubt               | query: in doubt           | in doubt     05-17 10:00 | 0 0 0 2 | 1
        in doubt               | resolved: ask             | in doubt     05-17 10:00 | 0 0 0 0 | 1
        in doubt               | resolved: retry           | in doubt     05-17 10:00 | 0 0 0 0 | 1
        in doubt               | resolved: give up         | checking O   05-17 10:00 | 0 0 0 0 | 1
        in doubt               | proof: 1 paid             | paid by 1    never       | 0 0 0 1 | 1 paid
        in doubt               | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        in doubt               | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 1 | 1 paid
        in doubt               | proof: 2 paid             | CONTRADICTS, and nothing changes
        in doubt               | proof: 3 paid             | CONTRADICTS, and nothing changes
        in doubt               | everything else           | REFUSED
        in doubt twice         | -                         | in doubt     05-17 10:00 | 0 0 0 2 | 1
        in doubt twice         | query: paid               | paid by 1    never       | 0 0 0 0 | 1 paid
        in doubt twice         | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 1
        in doubt twice         | query: pending            | due          05-17 10:00 | 0 0 0 2 | 1
        in doubt twice         | query: closed             | due          05-17 10:00 | 0 0 0 2 | 1 closed
        in doubt twice         | query: not found          | due          05-17 10:00 | 0 0 0 2 | 1
        in doubt twice         | query: in doubt           | in doubt     05-17 10:00 | 0 0 0 3 | 1
        in doubt twice         | resolved: ask             | in doubt     05-17 10:00 | 0 0 0 0 | 1
        in doubt twice         | resolved: retry           | in doubt     05-17 10:00 | 0 0 0 0 | 1
        in doubt twice         | resolved: give up         | checking O   05-17 10:00 | 0 0 0 0 | 1
        in doubt twice         | proof: 1 paid             | paid by 1    never       | 0 0 0 2 | 1 paid
        in doubt twice         | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        in doubt twice         | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 2 | 1 paid
        in doubt twice         | proof: 2 paid             | CONTRADICTS, and nothing changes
        in doubt twice         | proof: 3 paid             | CONTRADICTS, and nothing changes
        in doubt twice         | everything else           | REFUSED
        checking               | -                         | checking F   05-17 10:00 | 3 0 0 0 | 0
        checking               | query: paid               | paid by 1    never       | 3 0 0 0 | 0 paid
        checking               | query: paid, a fen over   | held         05-18 10:00 | 3 0 0 0 | 0
        checking               | query: pending            | closing F    05-17 10:00 | 3 0 0 0 | 0
        checking               | query: closed             | given up F   never       | 3 0 0 0 | 0
        checking               | query: not found          | closing F    05-17 10:00 | 3 0 0 0 | 0
        checking               | query: in doubt           | checking F   05-17 10:00 | 3 0 0 1 | 0
        checking               | proof: 1 paid             | paid by 1    never       | 3 0 0 0 | 0 paid
        checking               | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        checking               | proof: 1 paid otherwise   | paid by 1    never       | 3 0 0 0 | 0 paid
        checking               | proof: 2 paid             | CONTRADICTS, and nothing changes
        checking               | proof: 3 paid             | CONTRADICTS, and nothing changes
        checking               | everything else           | REFUSED
        closing                | -                         | closing F    05-17 10:00 | 3 0 0 0 | 0
        closing                | closed                    | confirming F 05-17 10:00 | 3 0 0 0 | 0
        closing                | close: in doubt           | checking F   05-17 10:00 | 3 0 0 1 | 0
        closing                | proof: 1 paid             | paid by 1    never       | 3 0 0 0 | 0 paid
        closing                | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        closing                | proof: 1 paid otherwise   | paid by 1    never       | 3 0 0 0 | 0 paid
        closing                | proof: 2 paid             | CONTRADICTS, and nothing changes
        closing                | proof: 3 paid             | CONTRADICTS, and nothing changes
        closing                | everything else           | REFUSED
        confirming             | -                         | confirming F 05-17 10:00 | 3 0 0 0 | 0
        confirming             | query: paid               | paid by 1    never       | 3 0 0 0 | 0 paid
        confirming             | query: paid, a fen over   | held         05-18 10:00 | 3 0 0 0 | 0
        confirming             | query: pending            | closing F    05-17 10:00 | 3 0 0 1 | 0
        confirming             | query: closed             | given up F   never       | 3 0 0 0 | 0
        confirming             | query: not found          | given up F   never       | 3 0 0 0 | 0
        confirming             | query: in doubt           | confirming F 05-17 10:00 | 3 0 0 1 | 0
        confirming             | proof: 1 paid             | paid by 1    never       | 3 0 0 0 | 0 paid
        confirming             | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        confirming             | proof: 1 paid otherwise   | paid by 1    never       | 3 0 0 0 | 0 paid
        confirming             | proof: 2 paid             | CONTRADICTS, and nothing changes
        confirming             | proof: 3 paid             | CONTRADICTS, and nothing changes
        confirming             | everything else           | REFUSED
        closing again          | -                         | closing F    05-17 10:00 | 3 0 0 1 | 0
        closing again          | closed                    | confirming F 05-17 10:00 | 3 0 0 1 | 0
        closing again          | close: in doubt           | checking F   05-17 10:00 | 3 0 0 2 | 0
        closing again          | proof: 1 paid             | paid by 1    never       | 3 0 0 1 | 0 paid
        closing again          | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        closing again          | proof: 1 paid otherwise   | paid by 1    never       | 3 0 0 1 | 0 paid
        closing again          | proof: 2 paid             | CONTRADICTS, and nothing changes
        closing again          | proof: 3 paid             | CONTRADICTS, and nothing changes
        closing again          | everything else           | REFUSED
        mandate dead           | -                         | checking M   05-17 09:59 | 0 0 0 0 | 1
        mandate dead           | query: paid               | paid by 1    never       | 0 0 0 0 | 1 paid
        mandate dead           | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 1
        mandate dead           | query: pending            | closing M    05-17 10:00 | 0 0 0 0 | 1
        mandate dead           | query: closed             | given up M   never       | 0 0 0 0 | 1
        mandate dead           | query: not found          | closing M    05-17 10:00 | 0 0 0 0 | 1
        mandate dead           | query: in doubt           | checking M   05-17 10:00 | 0 0 0 1 | 1
        mandate dead           | proof: 1 paid             | paid by 1    never       | 0 0 0 0 | 1 paid
        mandate dead           | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        mandate dead           | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 0 | 1 paid
        mandate dead           | proof: 2 paid             | CONTRADICTS, and nothing changes
        mandate dead           | proof: 3 paid             | CONTRADICTS, and nothing changes
        mandate dead           | everything else           | REFUSED
        confirming, unanswered | -                         | confirming M 05-17 09:59 | 0 0 0 0 | 1
        confirming, unanswered | query: paid               | paid by 1    never       | 0 0 0 0 | 1 paid
        confirming, unanswered | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 1
        confirming, unanswered | query: pending            | closing M    05-17 10:00 | 0 0 0 1 | 1
        confirming, unanswered | query: closed             | given up M   never       | 0 0 0 0 | 1
        confirming, unanswered | query: not found          | confirming M 05-17 10:00 | 0 0 0 1 | 1
        confirming, unanswered | query: in doubt           | confirming M 05-17 10:00 | 0 0 0 1 | 1
        confirming, unanswered | proof: 1 paid             | paid by 1    never       | 0 0 0 0 | 1 paid
        confirming, unanswered | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        confirming, unanswered | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 0 | 1 paid
        confirming, unanswered | proof: 2 paid             | CONTRADICTS, and nothing changes
        confirming, unanswered | proof: 3 paid             | CONTRADICTS, and nothing changes
        confirming, unanswered | everything else           | REFUSED
        held                   | -                         | held         05-18 10:00 | 0 0 0 0 | 0
        held                   | resolved: ask             | rechecking   05-17 10:00 | 0 0 0 0 | 0
        held                   | resolved: retry           | in doubt     05-17 10:00 | 0 0 0 0 | 0
        held                   | resolved: give up         | checking O   05-17 10:00 | 0 0 0 0 | 0
        held                   | reported                  | UNCHANGED
        held                   | proof: 1 paid             | paid by 1    never       | 0 0 0 0 | 0 paid
        held                   | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        held                   | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 0 | 0 paid
        held                   | proof: 2 paid             | CONTRADICTS, and nothing changes
        held                   | proof: 3 paid             | CONTRADICTS, and nothing changes
        held                   | everything else           | REFUSED
        rechecking             | -                         | rechecking   05-17 10:00 | 0 0 0 0 | 0
        rechecking             | query: paid               | paid by 1    never       | 0 0 0 0 | 0 paid
        rechecking             | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 0
        rechecking             | query: pending            | held, found  05-18 10:00 | 0 0 0 0 | 0
        rechecking             | query: closed             | held, found  05-18 10:00 | 0 0 0 0 | 0
        rechecking             | query: not found          | held, found  05-18 10:00 | 0 0 0 0 | 0
        rechecking             | query: in doubt           | rechecking   05-17 10:00 | 0 0 0 1 | 0
        rechecking             | resolved: ask             | rechecking   05-17 10:00 | 0 0 0 0 | 0
        rechecking             | resolved: retry           | in doubt     05-17 10:00 | 0 0 0 0 | 0
        rechecking             | resolved: give up         | checking O   05-17 10:00 | 0 0 0 0 | 0
        rechecking             | proof: 1 paid             | paid by 1    never       | 0 0 0 0 | 0 paid
        rechecking             | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        rechecking             | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 0 | 0 paid
        rechecking             | proof: 2 paid             | CONTRADICTS, and nothing changes
        rechecking             | proof: 3 paid             | CONTRADICTS, and nothing changes
        rechecking             | everything else           | REFUSED
        held, rechecked        | -                         | held, found  05-18 10:00 | 0 0 0 0 | 0
        held, rechecked        | resolved: ask             | rechecking   05-17 10:00 | 0 0 0 0 | 0
        held, rechecked        | resolved: retry           | in doubt     05-17 10:00 | 0 0 0 0 | 0
        held, rechecked        | resolved: give up         | checking O   05-17 10:00 | 0 0 0 0 | 0
        held, rechecked        | reported                  | UNCHANGED
        held, rechecked        | proof: 1 paid             | paid by 1    never       | 0 0 0 0 | 0 paid
        held, rechecked        | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        held, rechecked        | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 0 | 0 paid
        held, rechecked        | proof: 2 paid             | CONTRADICTS, and nothing changes
        held, rechecked        | proof: 3 paid             | CONTRADICTS, and nothing changes
        held, rechecked        | everything else           | REFUSED
        paid                   | -                         | paid by 1    never       | 0 0 0 0 | 0 paid
        paid                   | proof: 1 paid             | UNCHANGED
        paid                   | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        paid                   | proof: 1 paid otherwise   | CONTRADICTS, and nothing changes
        paid                   | proof: 2 paid             | CONTRADICTS, and nothing changes
        paid                   | proof: 3 paid             | CONTRADICTS, and nothing changes
        paid                   | everything else           | REFUSED
        given up               | -                         | given up F   never       | 3 0 0 0 | 0
        given up               | proof: 1 paid             | given up F   never       | 3 0 0 0 | 0 paid, FOUND MONEY
        given up               | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        given up               | proof: 1 paid otherwise   | given up F   never       | 3 0 0 0 | 0 paid, FOUND MONEY
        given up               | proof: 2 paid             | CONTRADICTS, and nothing changes
        given up               | proof: 3 paid             | CONTRADICTS, and nothing changes
        given up               | everything else           | REFUSED
        given up, found        | -                         | given up F   never       | 3 0 0 0 | 0 paid, FOUND MONEY
        given up, found        | proof: 1 paid             | UNCHANGED
        given up, found        | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        given up, found        | proof: 1 paid otherwise   | CONTRADICTS, and nothing changes
        given up, found        | proof: 2 paid             | CONTRADICTS, and nothing changes
        given up, found        | proof: 3 paid             | CONTRADICTS, and nothing changes
        given up, found        | everything else           | REFUSED
        withdrawn              | -                         | withdrawn    never       | 0 0 0 0 |
        withdrawn              | proof: 1 paid             | CONTRADICTS, and nothing changes
        withdrawn              | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        withdrawn              | proof: 1 paid otherwise   | CONTRADICTS, and nothing changes
        withdrawn              | proof: 2 paid             | CONTRADICTS, and nothing changes
        withdrawn              | proof: 3 paid             | CONTRADICTS, and nothing changes
        withdrawn              | everything else           | REFUSED
        due, second            | -                         | due          05-17 10:00 | 0 0 0 0 | 1 closed
        due, second            | sent                      | sending      05-17 10:01 | 0 0 0 0 | 1 closed, 1
        due, second            | resolved: give up         | checking O   05-17 10:00 | 0 0 0 0 | 1 closed
        due, second            | without mandate           | checking M   05-17 10:00 | 0 0 0 0 | 1 closed
        due, second            | mandate suspended         | due          05-18 10:00 | 0 0 1 0 | 1 closed
        due, second            | proof: 1 paid             | paid by 1    never       | 0 0 0 0 | 1 closed paid
        due, second            | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        due, second            | proof: 1 paid otherwise   | paid by 1    never       | 0 0 0 0 | 1 closed paid
        due, second            | proof: 2 paid             | CONTRADICTS, and nothing changes
        due, second            | proof: 3 paid             | CONTRADICTS, and nothing changes
        due, second            | everything else           | REFUSED
        sending, second        | -                         | sending      05-17 10:01 | 0 0 0 0 | 1 closed, 1
        sending, second        | pay: paid                 | paid by 2    never       | 0 0 0 0 | 1 closed, 0 paid
        sending, second        | pay: paid, a fen short    | held         05-18 10:00 | 0 0 0 0 | 1 closed, 0
        sending, second        | pay: declined             | due          05-18 10:00 | 1 0 0 0 | 1 closed, 0
        sending, second        | pay: above a cap          | checking A   05-17 10:00 | 0 1 0 0 | 1 closed, 0
        sending, second        | pay: outside a window     | due          05-18 10:00 | 0 0 1 0 | 1 closed, 0
        sending, second        | pay: mandate dead         | checking M   05-17 10:00 | 0 0 0 0 | 1 closed, 0
        sending, second        | pay: payer blocked        | checking P   05-17 10:00 | 0 0 0 0 | 1 closed, 0
        sending, second        | pay: own account          | due          05-17 10:01 | 0 0 0 1 | 1 closed, 0
        sending, second        | pay: own fault            | held         05-18 10:00 | 0 0 0 0 | 1 closed, 0
        sending, second        | pay: throttled            | due          05-17 10:01 | 0 0 0 1 | 1 closed, 0
        sending, second        | pay: in doubt             | in doubt     05-17 10:00 | 0 0 0 1 | 1 closed, 1
        sending, second        | query: paid               | paid by 2    never       | 0 0 0 0 | 1 closed, 1 paid
        sending, second        | query: paid, a fen over   | held         05-18 10:00 | 0 0 0 0 | 1 closed, 1
        sending, second        | query: pending            | due          05-17 10:00 | 0 0 0 0 | 1 closed, 1
        sending, second        | query: closed             | due          05-17 10:00 | 0 0 0 0 | 1 closed, 1 closed
        sending, second        | query: not found          | due          05-17 10:00 | 0 0 0 0 | 1 closed, 1
        sending, second        | query: in doubt           | in doubt     05-17 10:00 | 0 0 0 1 | 1 closed, 1
        sending, second        | proof: 1 paid             | sending      05-17 10:01 | 0 0 0 0 | 1 closed paid, 1, FOUND MONEY
        sending, second        | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        sending, second        | proof: 1 paid otherwise   | sending      05-17 10:01 | 0 0 0 0 | 1 closed paid, 1, FOUND MONEY
        sending, second        | proof: 2 paid             | paid by 2    never       | 0 0 0 0 | 1 closed, 1 paid
        sending, second        | proof: 3 paid             | CONTRADICTS, and nothing changes
        sending, second        | everything else           | REFUSED
        paid by the second     | -                         | paid by 2    never       | 0 0 0 0 | 1 closed, 0 paid
        paid by the second     | proof: 1 paid             | paid by 2    never       | 0 0 0 0 | 1 closed paid, 0 paid, FOUND MONEY
        paid by the second     | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        paid by the second     | proof: 1 paid otherwise   | paid by 2    never       | 0 0 0 0 | 1 closed paid, 0 paid, FOUND MONEY
        paid by the second     | proof: 2 paid             | UNCHANGED
        paid by the second     | proof: 3 paid             | CONTRADICTS, and nothing changes
        paid by the second     | everything else           | REFUSED
        held, second           | -                         | held         05-18 10:00 | 0 0 0 0 | 1 closed, 0
        held, second           | resolved: ask             | rechecking   05-17 10:00 | 0 0 0 0 | 1 closed, 0
        held, second           | resolved: retry           | in doubt     05-17 10:00 | 0 0 0 0 | 1 closed, 0
        held, second           | resolved: give up         | checking O   05-17 10:00 | 0 0 0 0 | 1 closed, 0
        held, second           | reported                  | UNCHANGED
        held, second           | proof: 1 paid             | held         05-18 10:00 | 0 0 0 0 | 1 closed paid, 0, FOUND MONEY
        held, second           | proof: 1 paid, a fen over | CONTRADICTS, and nothing changes
        held, second           | proof: 1 paid otherwise   | held         05-18 10:00 | 0 0 0 0 | 1 closed paid, 0, FOUND MONEY
        held, second           | proof: 2 paid             | paid by 2    never       | 0 0 0 0 | 1 closed, 0 paid
        held, second           | proof: 3 paid             | CONTRADICTS, and nothing changes
        held, second           | everything else           | REFUSED"#]]);
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
