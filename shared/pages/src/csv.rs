//! Costs as a file for spreadsheets: CSV (RFC 4180) in UTF-8 with a byte order mark, so that
//! spreadsheets read names in Chinese.
//!
//! A row is a line of a bill, or a credit or debit note, and the charges of all rows sum to the
//! charges of the bills. A cell of text that a spreadsheet would take for a formula gets an
//! apostrophe in front: one that begins with `=`, `+`, `-`, `@`, a tab or a carriage return (OWASP,
//! "CSV Injection"). Numbers and days are written by us and stay as they are, so that a credit
//! remains a negative number.

use rust_decimal::Decimal;
use steelyard_pricing::Fen;

use crate::costs::{ChargeRow, Costs};

/// The names of the columns, which programs read: none may change.
const HEADER: [&str; 11] = [
    "bill",
    "line",
    "kind",
    "rate",
    "plan",
    "usage_from",
    "usage_through",
    "calls",
    "amount_through_yuan",
    "charge_yuan",
    "note",
];

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the rows of a file")]
pub struct FileError(#[from] ::csv::Error);

/// A value of a row, by which it is quoted and formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text that may come from outside.
    Text(String),
    /// A number, a day or a word of ours, as it is.
    Plain(String),
    /// A value that the row does not have.
    Empty,
}

/// The costs as CSV.
///
/// # Errors
///
/// [`FileError`] when the rows cannot be written, which memory always allows.
pub fn costs_csv(costs: &Costs) -> Result<Vec<u8>, FileError> {
    for_spreadsheets(&HEADER, costs.rows.iter().map(cells))
}

/// Rows as CSV for spreadsheets.
///
/// # Errors
///
/// [`FileError`] when the rows cannot be written, which memory always allows.
pub fn for_spreadsheets<const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [Cell; N]>,
) -> Result<Vec<u8>, FileError> {
    written(b"\xEF\xBB\xBF", header, rows)
}

/// A file with a header.
pub(crate) fn written<H: AsRef<[u8]>, const N: usize>(
    mark: &[u8],
    header: &[H],
    rows: impl Iterator<Item = [Cell; N]>,
) -> Result<Vec<u8>, FileError> {
    let mut writer =
        ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(mark.to_vec());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row.into_iter().map(Cell::written))?;
    }
    writer.into_inner().map_err(|error| FileError(::csv::Error::from(error.into_error())))
}

fn cells(row: &ChargeRow) -> [Cell; 11] {
    let text = |text: Option<String>| text.map_or(Cell::Empty, Cell::Text);
    let note = row.note.as_ref().zip(row.reason.as_ref());
    [
        Cell::Plain(row.statement.to_string()),
        row.line.map_or(Cell::Empty, |line| Cell::Plain(line.to_string())),
        Cell::Plain(row.kind.name().to_owned()),
        text(row.rate.as_ref().map(ToString::to_string)),
        text(row.plan.as_ref().map(ToString::to_string)),
        Cell::Plain(row.from.to_string()),
        Cell::Plain(row.through.to_string()),
        Cell::Plain(row.calls.to_string()),
        Cell::Plain(two_decimals(row.amount)),
        Cell::Plain(yuan(row.charge_fen)),
        text(note.map(|(note, reason)| format!("{note}: {reason}"))),
    ]
}

/// Yuan with two decimals.
pub(crate) fn yuan(amount: Fen) -> String {
    amount.to_string()
}

fn two_decimals(amount: Decimal) -> String {
    let mut amount = amount.normalize();
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    amount.to_string()
}

impl Cell {
    fn written(self) -> String {
        match self {
            Cell::Text(text) => neutral(text),
            Cell::Plain(text) => text,
            Cell::Empty => String::new(),
        }
    }
}

/// Text that no spreadsheet takes for a formula.
fn neutral(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_looks_like_a_formula_is_neutralised_and_numbers_stay_numbers() {
        for (cell, written) in [
            (Cell::Text("=HYPERLINK(\"x\")".to_owned()), "'=HYPERLINK(\"x\")"),
            (Cell::Text("+1".to_owned()), "'+1"),
            (Cell::Text("-1".to_owned()), "'-1"),
            (Cell::Text("@SUM(A1)".to_owned()), "'@SUM(A1)"),
            (Cell::Text("\tx".to_owned()), "'\tx"),
            (Cell::Text("\rx".to_owned()), "'\rx"),
            (Cell::Text("basic".to_owned()), "basic"),
            (Cell::Plain(yuan(Fen::new(-5))), "-0.05"),
            (Cell::Empty, ""),
        ] {
            assert_eq!(cell.written(), written);
        }
    }
}
