//! Every phase by every answer.

use expect_test::{Expect, expect};
use jiff::SignedDuration;
use steelyard_billing::{Debit, DebitConflict, GivenUp, InterventionError, Phase, Step};

use crate::clock;
use crate::common::at;
use crate::inputs::{Input, Refused, after, every_answer, every_phase};

/// The phase with, in one letter, why it is given up.
fn phase(debit: &Debit) -> String {
    let of = |phase: &str, given_up: &GivenUp| {
        let why = match given_up {
            GivenUp::Funds => 'F',
            GivenUp::AmountCap(_) => 'A',
            GivenUp::Window(_) => 'W',
            GivenUp::MandateDead(_) => 'M',
            GivenUp::PayerBlocked(_) => 'P',
        };
        format!("{phase} {why}")
    };
    match &debit.phase {
        Phase::Due => "due".to_owned(),
        Phase::Sending => "sending".to_owned(),
        Phase::InDoubt { .. } => "in doubt".to_owned(),
        Phase::Exhausting { close_sent: false, given_up } => of("exhausting", given_up),
        Phase::Exhausting { close_sent: true, given_up } => of("close sent", given_up),
        Phase::Closing { given_up } => of("closing", given_up),
        Phase::Held { ask: false, .. } => "held".to_owned(),
        Phase::Held { ask: true, .. } => "held, ask".to_owned(),
        Phase::Paid { .. } => "paid".to_owned(),
        Phase::Exhausted { given_up } => of("exhausted", given_up),
    }
}

/// A debit as a row of a table.
fn note(debit: &Debit) -> String {
    let request = if debit.request.is_some() { "same" } else { "none" };
    format!(
        "{:12} {} | {} {} {} {} | {} {request}",
        phase(debit),
        debit.due_at().map_or("never      ".to_owned(), clock),
        debit.declines,
        debit.window_declines,
        debit.doubts,
        debit.own_account_troubles,
        debit.attempt
    ) + if debit.found_payments.is_empty() { "" } else { ", found money" }
}

/// One row of the table; none if the debit was not waiting for such an answer.
fn row(from: &str, name: &str, debit: &Debit, input: &Input) -> Option<String> {
    match after(debit, input, at("2015-05-17 10:00")) {
        Ok(debit) => Some(format!("{from:22} | {name:26} | {}", note(&debit))),
        Err(Refused::Conflict(error)) => {
            assert_eq!(error, DebitConflict { debit: debit.debit, phase: debit.phase.clone() });
            None
        }
        Err(Refused::Intervention(error)) => {
            assert_eq!(error, InterventionError::NothingToResolve(debit.debit));
            None
        }
        Err(Refused::Contradicts) => {
            Some(format!("{from:22} | {name:26} | CONTRADICTS, and nothing changes"))
        }
    }
}

fn check_table(expected: Expect) {
    let mut rows = vec![format!(
        "{:22} | {:26} | to           due         | declines windows doubts troubles | attempt request",
        "from", "answer on 05-17 10:00"
    )];
    for (from, debit) in every_phase() {
        let answers = every_answer();
        rows.extend(answers.iter().filter_map(|(name, input)| row(from, name, &debit, input)));
        rows.push(format!("{from:22} | {:26} | REFUSED", "everything else"));
    }
    expected.assert_eq(&rows.join("\n"));
}

#[test]
fn every_answer_in_every_phase_has_one_outcome() {
    check_table(expect![[r#"
        from                   | answer on 05-17 10:00      | to           due         | declines windows doubts troubles | attempt request
        due                    | sent                       | sending      05-17 10:01 | 0 0 0 0 | 1 same
        due                    | without mandate            | exhausting M 05-17 10:00 | 0 0 0 0 | 1 none
        due                    | mandate suspended          | due          05-18 10:00 | 0 1 0 0 | 1 none
        due                    | proof: 1 paid              | CONTRADICTS, and nothing changes
        due                    | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        due                    | proof: 1 paid otherwise    | CONTRADICTS, and nothing changes
        due                    | proof: 2 paid              | CONTRADICTS, and nothing changes
        due                    | everything else            | REFUSED
        sending                | pay: paid                  | paid         never       | 0 0 0 0 | 1 same
        sending                | pay: paid, a fen short     | held         never       | 0 0 0 0 | 1 same
        sending                | pay: declined              | due          05-18 10:00 | 1 0 0 0 | 1 same
        sending                | pay: above a cap           | exhausting A 05-17 10:00 | 0 0 0 0 | 1 same
        sending                | pay: outside a window      | due          05-18 10:00 | 0 1 0 0 | 1 same
        sending                | pay: mandate dead          | exhausting M 05-17 10:00 | 0 0 0 0 | 1 same
        sending                | pay: payer blocked         | exhausting P 05-17 10:00 | 0 0 0 0 | 1 same
        sending                | pay: own account           | due          05-17 10:01 | 0 0 0 1 | 1 same
        sending                | pay: own fault             | held         never       | 0 0 0 0 | 1 same
        sending                | pay: in doubt              | in doubt     05-17 10:00 | 0 0 1 0 | 1 same
        sending                | query: paid                | paid         never       | 0 0 0 0 | 1 same
        sending                | query: paid, a fen over    | held         never       | 0 0 0 0 | 1 same
        sending                | query: pending             | due          05-17 10:00 | 0 0 0 0 | 1 same
        sending                | query: closed              | due          05-17 10:00 | 0 0 0 0 | 2 none
        sending                | query: not found           | due          05-17 10:00 | 0 0 0 0 | 1 same
        sending                | query: in doubt            | in doubt     05-17 10:00 | 0 0 1 0 | 1 same
        sending                | proof: 1 paid              | paid         never       | 0 0 0 0 | 1 same
        sending                | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        sending                | proof: 1 paid otherwise    | paid         never       | 0 0 0 0 | 1 same
        sending                | proof: 2 paid              | CONTRADICTS, and nothing changes
        sending                | everything else            | REFUSED
        sending, 1 decline     | pay: paid                  | paid         never       | 1 0 0 0 | 1 same
        sending, 1 decline     | pay: paid, a fen short     | held         never       | 1 0 0 0 | 1 same
        sending, 1 decline     | pay: declined              | due          05-18 10:00 | 2 0 0 0 | 1 same
        sending, 1 decline     | pay: above a cap           | exhausting A 05-17 10:00 | 1 0 0 0 | 1 same
        sending, 1 decline     | pay: outside a window      | due          05-18 10:00 | 1 1 0 0 | 1 same
        sending, 1 decline     | pay: mandate dead          | exhausting M 05-17 10:00 | 1 0 0 0 | 1 same
        sending, 1 decline     | pay: payer blocked         | exhausting P 05-17 10:00 | 1 0 0 0 | 1 same
        sending, 1 decline     | pay: own account           | due          05-17 10:01 | 1 0 0 1 | 1 same
        sending, 1 decline     | pay: own fault             | held         never       | 1 0 0 0 | 1 same
        sending, 1 decline     | pay: in doubt              | in doubt     05-17 10:00 | 1 0 1 0 | 1 same
        sending, 1 decline     | query: paid                | paid         never       | 1 0 0 0 | 1 same
        sending, 1 decline     | query: paid, a fen over    | held         never       | 1 0 0 0 | 1 same
        sending, 1 decline     | query: pending             | due          05-17 10:00 | 1 0 0 0 | 1 same
        sending, 1 decline     | query: closed              | due          05-17 10:00 | 1 0 0 0 | 2 none
        sending, 1 decline     | query: not found           | due          05-17 10:00 | 1 0 0 0 | 1 same
        sending, 1 decline     | query: in doubt            | in doubt     05-17 10:00 | 1 0 1 0 | 1 same
        sending, 1 decline     | proof: 1 paid              | paid         never       | 1 0 0 0 | 1 same
        sending, 1 decline     | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        sending, 1 decline     | proof: 1 paid otherwise    | paid         never       | 1 0 0 0 | 1 same
        sending, 1 decline     | proof: 2 paid              | CONTRADICTS, and nothing changes
        sending, 1 decline     | everything else            | REFUSED
        sending, 2 declines    | pay: paid                  | paid         never       | 2 0 0 0 | 1 same
        sending, 2 declines    | pay: paid, a fen short     | held         never       | 2 0 0 0 | 1 same
        sending, 2 declines    | pay: declined              | exhausting F 05-17 10:00 | 3 0 0 0 | 1 same
        sending, 2 declines    | pay: above a cap           | exhausting A 05-17 10:00 | 2 0 0 0 | 1 same
        sending, 2 declines    | pay: outside a window      | due          05-18 10:00 | 2 1 0 0 | 1 same
        sending, 2 declines    | pay: mandate dead          | exhausting M 05-17 10:00 | 2 0 0 0 | 1 same
        sending, 2 declines    | pay: payer blocked         | exhausting P 05-17 10:00 | 2 0 0 0 | 1 same
        sending, 2 declines    | pay: own account           | due          05-17 10:01 | 2 0 0 1 | 1 same
        sending, 2 declines    | pay: own fault             | held         never       | 2 0 0 0 | 1 same
        sending, 2 declines    | pay: in doubt              | in doubt     05-17 10:00 | 2 0 1 0 | 1 same
        sending, 2 declines    | query: paid                | paid         never       | 2 0 0 0 | 1 same
        sending, 2 declines    | query: paid, a fen over    | held         never       | 2 0 0 0 | 1 same
        sending, 2 declines    | query: pending             | due          05-17 10:00 | 2 0 0 0 | 1 same
        sending, 2 declines    | query: closed              | due          05-17 10:00 | 2 0 0 0 | 2 none
        sending, 2 declines    | query: not found           | due          05-17 10:00 | 2 0 0 0 | 1 same
        sending, 2 declines    | query: in doubt            | in doubt     05-17 10:00 | 2 0 1 0 | 1 same
        sending, 2 declines    | proof: 1 paid              | paid         never       | 2 0 0 0 | 1 same
        sending, 2 declines    | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        sending, 2 declines    | proof: 1 paid otherwise    | paid         never       | 2 0 0 0 | 1 same
        sending, 2 declines    | proof: 2 paid              | CONTRADICTS, and nothing changes
        sending, 2 declines    | everything else            | REFUSED
        sending, 6 windows     | pay: paid                  | paid         never       | 0 6 0 0 | 1 same
        sending, 6 windows     | pay: paid, a fen short     | held         never       | 0 6 0 0 | 1 same
        sending, 6 windows     | pay: declined              | due          05-18 10:00 | 1 6 0 0 | 1 same
        sending, 6 windows     | pay: above a cap           | exhausting A 05-17 10:00 | 0 6 0 0 | 1 same
        sending, 6 windows     | pay: outside a window      | exhausting W 05-17 10:00 | 0 7 0 0 | 1 same
        sending, 6 windows     | pay: mandate dead          | exhausting M 05-17 10:00 | 0 6 0 0 | 1 same
        sending, 6 windows     | pay: payer blocked         | exhausting P 05-17 10:00 | 0 6 0 0 | 1 same
        sending, 6 windows     | pay: own account           | due          05-17 10:01 | 0 6 0 1 | 1 same
        sending, 6 windows     | pay: own fault             | held         never       | 0 6 0 0 | 1 same
        sending, 6 windows     | pay: in doubt              | in doubt     05-17 10:00 | 0 6 1 0 | 1 same
        sending, 6 windows     | query: paid                | paid         never       | 0 6 0 0 | 1 same
        sending, 6 windows     | query: paid, a fen over    | held         never       | 0 6 0 0 | 1 same
        sending, 6 windows     | query: pending             | due          05-17 10:00 | 0 6 0 0 | 1 same
        sending, 6 windows     | query: closed              | due          05-17 10:00 | 0 6 0 0 | 2 none
        sending, 6 windows     | query: not found           | due          05-17 10:00 | 0 6 0 0 | 1 same
        sending, 6 windows     | query: in doubt            | in doubt     05-17 10:00 | 0 6 1 0 | 1 same
        sending, 6 windows     | proof: 1 paid              | paid         never       | 0 6 0 0 | 1 same
        sending, 6 windows     | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        sending, 6 windows     | proof: 1 paid otherwise    | paid         never       | 0 6 0 0 | 1 same
        sending, 6 windows     | proof: 2 paid              | CONTRADICTS, and nothing changes
        sending, 6 windows     | everything else            | REFUSED
        sending, trouble       | pay: paid                  | paid         never       | 0 0 0 0 | 1 same
        sending, trouble       | pay: paid, a fen short     | held         never       | 0 0 0 0 | 1 same
        sending, trouble       | pay: declined              | due          05-18 10:00 | 1 0 0 0 | 1 same
        sending, trouble       | pay: above a cap           | exhausting A 05-17 10:00 | 0 0 0 0 | 1 same
        sending, trouble       | pay: outside a window      | due          05-18 10:00 | 0 1 0 0 | 1 same
        sending, trouble       | pay: mandate dead          | exhausting M 05-17 10:00 | 0 0 0 0 | 1 same
        sending, trouble       | pay: payer blocked         | exhausting P 05-17 10:00 | 0 0 0 0 | 1 same
        sending, trouble       | pay: own account           | due          05-17 10:02 | 0 0 0 2 | 1 same
        sending, trouble       | pay: own fault             | held         never       | 0 0 0 0 | 1 same
        sending, trouble       | pay: in doubt              | in doubt     05-17 10:00 | 0 0 1 0 | 1 same
        sending, trouble       | query: paid                | paid         never       | 0 0 0 1 | 1 same
        sending, trouble       | query: paid, a fen over    | held         never       | 0 0 0 1 | 1 same
        sending, trouble       | query: pending             | due          05-17 10:00 | 0 0 0 1 | 1 same
        sending, trouble       | query: closed              | due          05-17 10:00 | 0 0 0 1 | 2 none
        sending, trouble       | query: not found           | due          05-17 10:00 | 0 0 0 1 | 1 same
        sending, trouble       | query: in doubt            | in doubt     05-17 10:00 | 0 0 1 1 | 1 same
        sending, trouble       | proof: 1 paid              | paid         never       | 0 0 0 1 | 1 same
        sending, trouble       | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        sending, trouble       | proof: 1 paid otherwise    | paid         never       | 0 0 0 1 | 1 same
        sending, trouble       | proof: 2 paid              | CONTRADICTS, and nothing changes
        sending, trouble       | everything else            | REFUSED
        in doubt               | query: paid                | paid         never       | 0 0 1 0 | 1 same
        in doubt               | query: paid, a fen over    | held         never       | 0 0 1 0 | 1 same
        in doubt               | query: pending             | due          05-17 10:00 | 0 0 1 0 | 1 same
        in doubt               | query: closed              | due          05-17 10:00 | 0 0 1 0 | 2 none
        in doubt               | query: not found           | due          05-17 10:00 | 0 0 1 0 | 1 same
        in doubt               | query: in doubt            | in doubt     05-17 10:00 | 0 0 2 0 | 1 same
        in doubt               | resolved: ask              | in doubt     05-17 10:00 | 0 0 0 0 | 1 same
        in doubt               | resolved: retry            | in doubt     05-17 10:00 | 0 0 0 0 | 1 same
        in doubt               | proof: 1 paid              | paid         never       | 0 0 1 0 | 1 same
        in doubt               | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        in doubt               | proof: 1 paid otherwise    | paid         never       | 0 0 1 0 | 1 same
        in doubt               | proof: 2 paid              | CONTRADICTS, and nothing changes
        in doubt               | everything else            | REFUSED
        in doubt twice         | query: paid                | paid         never       | 0 0 2 0 | 1 same
        in doubt twice         | query: paid, a fen over    | held         never       | 0 0 2 0 | 1 same
        in doubt twice         | query: pending             | due          05-17 10:00 | 0 0 2 0 | 1 same
        in doubt twice         | query: closed              | due          05-17 10:00 | 0 0 2 0 | 2 none
        in doubt twice         | query: not found           | due          05-17 10:00 | 0 0 2 0 | 1 same
        in doubt twice         | query: in doubt            | in doubt     05-17 10:00 | 0 0 3 0 | 1 same
        in doubt twice         | resolved: ask              | in doubt     05-17 10:00 | 0 0 0 0 | 1 same
        in doubt twice         | resolved: retry            | in doubt     05-17 10:00 | 0 0 0 0 | 1 same
        in doubt twice         | proof: 1 paid              | paid         never       | 0 0 2 0 | 1 same
        in doubt twice         | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        in doubt twice         | proof: 1 paid otherwise    | paid         never       | 0 0 2 0 | 1 same
        in doubt twice         | proof: 2 paid              | CONTRADICTS, and nothing changes
        in doubt twice         | everything else            | REFUSED
        exhausting             | query: paid                | paid         never       | 3 0 0 0 | 1 same
        exhausting             | query: paid, a fen over    | held         never       | 3 0 0 0 | 1 same
        exhausting             | query: pending             | closing F    05-17 10:00 | 3 0 0 0 | 1 same
        exhausting             | query: closed              | exhausted F  never       | 3 0 0 0 | 1 same
        exhausting             | query: not found           | closing F    05-17 10:00 | 3 0 0 0 | 1 same
        exhausting             | query: in doubt            | exhausting F 05-17 10:00 | 3 0 1 0 | 1 same
        exhausting             | proof: 1 paid              | paid         never       | 3 0 0 0 | 1 same
        exhausting             | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        exhausting             | proof: 1 paid otherwise    | paid         never       | 3 0 0 0 | 1 same
        exhausting             | proof: 2 paid              | CONTRADICTS, and nothing changes
        exhausting             | everything else            | REFUSED
        close sent             | query: paid                | paid         never       | 3 0 0 0 | 1 same
        close sent             | query: paid, a fen over    | held         never       | 3 0 0 0 | 1 same
        close sent             | query: pending             | closing F    05-17 10:00 | 3 0 1 0 | 1 same
        close sent             | query: closed              | exhausted F  never       | 3 0 0 0 | 1 same
        close sent             | query: not found           | exhausted F  never       | 3 0 0 0 | 1 same
        close sent             | query: in doubt            | close sent F 05-17 10:00 | 3 0 1 0 | 1 same
        close sent             | proof: 1 paid              | paid         never       | 3 0 0 0 | 1 same
        close sent             | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        close sent             | proof: 1 paid otherwise    | paid         never       | 3 0 0 0 | 1 same
        close sent             | proof: 2 paid              | CONTRADICTS, and nothing changes
        close sent             | everything else            | REFUSED
        closing                | closed                     | close sent F 05-17 10:00 | 3 0 0 0 | 1 same
        closing                | close: in doubt            | exhausting F 05-17 10:00 | 3 0 1 0 | 1 same
        closing                | proof: 1 paid              | paid         never       | 3 0 0 0 | 1 same
        closing                | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        closing                | proof: 1 paid otherwise    | paid         never       | 3 0 0 0 | 1 same
        closing                | proof: 2 paid              | CONTRADICTS, and nothing changes
        closing                | everything else            | REFUSED
        closing again          | closed                     | close sent F 05-17 10:00 | 3 0 1 0 | 1 same
        closing again          | close: in doubt            | exhausting F 05-17 10:00 | 3 0 2 0 | 1 same
        closing again          | proof: 1 paid              | paid         never       | 3 0 1 0 | 1 same
        closing again          | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        closing again          | proof: 1 paid otherwise    | paid         never       | 3 0 1 0 | 1 same
        closing again          | proof: 2 paid              | CONTRADICTS, and nothing changes
        closing again          | everything else            | REFUSED
        mandate dead           | query: paid                | paid         never       | 0 0 0 0 | 1 same
        mandate dead           | query: paid, a fen over    | held         never       | 0 0 0 0 | 1 same
        mandate dead           | query: pending             | closing M    05-17 10:00 | 0 0 0 0 | 1 same
        mandate dead           | query: closed              | exhausted M  never       | 0 0 0 0 | 1 same
        mandate dead           | query: not found           | closing M    05-17 10:00 | 0 0 0 0 | 1 same
        mandate dead           | query: in doubt            | exhausting M 05-17 10:00 | 0 0 1 0 | 1 same
        mandate dead           | proof: 1 paid              | paid         never       | 0 0 0 0 | 1 same
        mandate dead           | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        mandate dead           | proof: 1 paid otherwise    | paid         never       | 0 0 0 0 | 1 same
        mandate dead           | proof: 2 paid              | CONTRADICTS, and nothing changes
        mandate dead           | everything else            | REFUSED
        mandate dead, closing  | closed                     | close sent M 05-17 10:00 | 0 0 0 0 | 1 same
        mandate dead, closing  | close: in doubt            | exhausting M 05-17 10:00 | 0 0 1 0 | 1 same
        mandate dead, closing  | proof: 1 paid              | paid         never       | 0 0 0 0 | 1 same
        mandate dead, closing  | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        mandate dead, closing  | proof: 1 paid otherwise    | paid         never       | 0 0 0 0 | 1 same
        mandate dead, closing  | proof: 2 paid              | CONTRADICTS, and nothing changes
        mandate dead, closing  | everything else            | REFUSED
        held                   | resolved: ask              | held, ask    05-17 10:00 | 0 0 0 0 | 1 same
        held                   | resolved: retry            | in doubt     05-17 10:00 | 0 0 0 0 | 1 same
        held                   | proof: 1 paid              | paid         never       | 0 0 0 0 | 1 same
        held                   | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        held                   | proof: 1 paid otherwise    | paid         never       | 0 0 0 0 | 1 same
        held                   | proof: 2 paid              | CONTRADICTS, and nothing changes
        held                   | everything else            | REFUSED
        held, to be asked      | query: paid                | paid         never       | 0 0 0 0 | 1 same
        held, to be asked      | query: paid, a fen over    | held         never       | 0 0 0 0 | 1 same
        held, to be asked      | query: pending             | held         never       | 0 0 0 0 | 1 same
        held, to be asked      | query: closed              | held         never       | 0 0 0 0 | 1 same
        held, to be asked      | query: not found           | held         never       | 0 0 0 0 | 1 same
        held, to be asked      | query: in doubt            | held, ask    05-17 10:00 | 0 0 1 0 | 1 same
        held, to be asked      | resolved: ask              | held, ask    05-17 10:00 | 0 0 0 0 | 1 same
        held, to be asked      | resolved: retry            | in doubt     05-17 10:00 | 0 0 0 0 | 1 same
        held, to be asked      | proof: 1 paid              | paid         never       | 0 0 0 0 | 1 same
        held, to be asked      | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        held, to be asked      | proof: 1 paid otherwise    | paid         never       | 0 0 0 0 | 1 same
        held, to be asked      | proof: 2 paid              | CONTRADICTS, and nothing changes
        held, to be asked      | everything else            | REFUSED
        paid                   | proof: 1 paid              | paid         never       | 0 0 0 0 | 1 same
        paid                   | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        paid                   | proof: 1 paid otherwise    | CONTRADICTS, and nothing changes
        paid                   | proof: 2 paid              | CONTRADICTS, and nothing changes
        paid                   | everything else            | REFUSED
        exhausted              | proof: 1 paid              | exhausted F  never       | 3 0 0 0 | 1 same, found money
        exhausted              | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        exhausted              | proof: 1 paid otherwise    | exhausted F  never       | 3 0 0 0 | 1 same, found money
        exhausted              | proof: 2 paid              | CONTRADICTS, and nothing changes
        exhausted              | everything else            | REFUSED
        ended, mandate dead    | proof: 1 paid              | exhausted M  never       | 0 0 0 0 | 1 same, found money
        ended, mandate dead    | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        ended, mandate dead    | proof: 1 paid otherwise    | exhausted M  never       | 0 0 0 0 | 1 same, found money
        ended, mandate dead    | proof: 2 paid              | CONTRADICTS, and nothing changes
        ended, mandate dead    | everything else            | REFUSED
        due, second number     | sent                       | sending      05-17 10:01 | 0 0 0 0 | 2 same
        due, second number     | without mandate            | exhausting M 05-17 10:00 | 0 0 0 0 | 2 none
        due, second number     | mandate suspended          | due          05-18 10:00 | 0 1 0 0 | 2 none
        due, second number     | proof: 1 paid              | paid         never       | 0 0 0 0 | 2 none
        due, second number     | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        due, second number     | proof: 1 paid otherwise    | paid         never       | 0 0 0 0 | 2 none
        due, second number     | proof: 2 paid              | CONTRADICTS, and nothing changes
        due, second number     | everything else            | REFUSED
        sending, second        | pay: paid                  | paid         never       | 0 0 0 0 | 2 same
        sending, second        | pay: paid, a fen short     | held         never       | 0 0 0 0 | 2 same
        sending, second        | pay: declined              | due          05-18 10:00 | 1 0 0 0 | 2 same
        sending, second        | pay: above a cap           | exhausting A 05-17 10:00 | 0 0 0 0 | 2 same
        sending, second        | pay: outside a window      | due          05-18 10:00 | 0 1 0 0 | 2 same
        sending, second        | pay: mandate dead          | exhausting M 05-17 10:00 | 0 0 0 0 | 2 same
        sending, second        | pay: payer blocked         | exhausting P 05-17 10:00 | 0 0 0 0 | 2 same
        sending, second        | pay: own account           | due          05-17 10:01 | 0 0 0 1 | 2 same
        sending, second        | pay: own fault             | held         never       | 0 0 0 0 | 2 same
        sending, second        | pay: in doubt              | in doubt     05-17 10:00 | 0 0 1 0 | 2 same
        sending, second        | query: paid                | paid         never       | 0 0 0 0 | 2 same
        sending, second        | query: paid, a fen over    | held         never       | 0 0 0 0 | 2 same
        sending, second        | query: pending             | due          05-17 10:00 | 0 0 0 0 | 2 same
        sending, second        | query: closed              | due          05-17 10:00 | 0 0 0 0 | 3 none
        sending, second        | query: not found           | due          05-17 10:00 | 0 0 0 0 | 2 same
        sending, second        | query: in doubt            | in doubt     05-17 10:00 | 0 0 1 0 | 2 same
        sending, second        | proof: 1 paid              | sending      05-17 10:01 | 0 0 0 0 | 2 same, found money
        sending, second        | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        sending, second        | proof: 1 paid otherwise    | sending      05-17 10:01 | 0 0 0 0 | 2 same, found money
        sending, second        | proof: 2 paid              | paid         never       | 0 0 0 0 | 2 same
        sending, second        | everything else            | REFUSED
        exhausted, found       | proof: 1 paid              | exhausted F  never       | 3 0 0 0 | 1 same, found money
        exhausted, found       | proof: 1 paid, a fen over  | CONTRADICTS, and nothing changes
        exhausted, found       | proof: 1 paid otherwise    | CONTRADICTS, and nothing changes
        exhausted, found       | proof: 2 paid              | CONTRADICTS, and nothing changes
        exhausted, found       | everything else            | REFUSED"#]]);
}

#[test]
fn a_debit_waits_until_it_is_due_and_then_has_one_next_step() {
    for (name, step) in [
        ("due", Step::Pay),
        ("sending", Step::Query),
        ("sending, 1 decline", Step::Query),
        ("sending, 2 declines", Step::Query),
        ("sending, 6 windows", Step::Query),
        ("sending, trouble", Step::Query),
        ("in doubt", Step::Query),
        ("in doubt twice", Step::Query),
        ("exhausting", Step::Query),
        ("close sent", Step::Query),
        ("closing", Step::Close),
        ("closing again", Step::Close),
        ("mandate dead", Step::Query),
        ("mandate dead, closing", Step::Close),
        ("held", Step::Wait),
        ("held, to be asked", Step::Query),
        ("paid", Step::Wait),
        ("exhausted", Step::Wait),
        ("ended, mandate dead", Step::Wait),
        ("due, second number", Step::Pay),
        ("sending, second", Step::Query),
        ("exhausted, found", Step::Wait),
    ] {
        let (_, debit) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        let second = SignedDuration::from_secs(1);
        assert_eq!(debit.next_step(debit.due_at_s - second), Step::Wait, "{name}, early");
        assert_eq!(debit.next_step(debit.due_at_s), step, "{name}, due");
        assert_eq!(debit.next_step(at("2016-01-01 00:00")), step, "{name}, long due");
        assert_eq!(debit.due_at().is_some(), step != Step::Wait, "{name}");
        assert_eq!(debit.is_open(), step != Step::Wait || name == "held", "{name}");
        assert_eq!(debit.payment().is_some(), name == "paid", "{name}");
        let given_up = ["exhausted", "ended, mandate dead", "exhausted, found"].contains(&name);
        assert_eq!(debit.given_up().is_some(), given_up, "{name}");
    }
}
