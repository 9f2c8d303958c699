//! Reading a bill out of its zip.

use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::ops::ControlFlow;

use steelyard_billing::{Bill, BillKind, BillRow, RowKind, UnreadableRow};
use steelyard_pricing::Fen;
use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use super::columns::{
    AMOUNT, EXPENSE, FINISHED_AT, INCOME, KIND, LEDGER_AT, LEDGER_TRADE_NO, OUT_REQUEST_NO,
    OUT_TRADE_NO, TRADE_NO, first_column, row_kind,
};
use super::table::{Column, Row, RowError, Table, TableError};
use crate::time::beijing_instant;

/// The most bytes of a file inside the zip: 4 GiB, more than ten million rows.
const MEMBER_MAX_BYTES: u64 = 4 << 30;

/// The most files inside the zip. A real one has two.
const MEMBERS_MAX: usize = 16;

/// Why a bill as a whole cannot be read.
#[derive(Debug, Error)]
pub enum BillError {
    /// The bytes are not a zip.
    #[error("the bill is not a zip that can be read")]
    Zip(#[from] ZipError),
    /// A file in the zip cannot be unpacked.
    #[error("a file in the bill cannot be unpacked")]
    Unpack(#[from] std::io::Error),
    /// The zip has too many files, or one that is too large.
    #[error(
        "the bill has more than {MEMBERS_MAX} files, or one of more than {MEMBER_MAX_BYTES} bytes"
    )]
    TooLarge,
    /// No file has the rows of a bill of this kind.
    #[error("no file in the bill has its rows")]
    NoTable,
    /// Several files have the rows of a bill of this kind.
    #[error("several files in the bill have its rows")]
    SeveralTables,
    /// The file that has the rows cannot be read.
    #[error("the bill's table cannot be read")]
    Table(#[from] TableError),
}

/// The columns that a row is read from.
struct Columns {
    kind: Column,
    out_trade_no: Column,
    trade_no: Column,
    finished_at: Column,
    amount: Amount,
    /// Only the bill of trades has this column.
    out_request_no: Option<Column>,
}

/// The columns of the amount.
enum Amount {
    Signed(Column),
    IncomeOrExpense(Column, Column),
}

/// A row of a bill, whether it can be read or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillLine {
    /// A row with every column that its table needs.
    Row(BillRow),
    /// A row that cannot be read. It may be money that moved.
    Unreadable(UnreadableRow),
}

/// Reads a bill from the bytes of its zip, all of it into memory: for bills of a few rows.
///
/// # Errors
///
/// [`BillError`] when the zip or the table cannot be read.
pub fn read_bill(kind: BillKind, zip: &[u8]) -> Result<Bill, BillError> {
    let mut bill = Bill::default();
    read_bill_lines(kind, Cursor::new(zip), |_, line| {
        match line {
            BillLine::Row(row) => bill.rows.push(row),
            BillLine::Unreadable(row) => bill.unreadable.push(row),
        }
        ControlFlow::Continue(())
    })?;
    Ok(bill)
}

/// Reads a bill row by row, with one row in memory: passes each row with its line in the file, from
/// 1, in the order of the file, until `each` breaks off.
///
/// The header identifies the file with the rows: the names of the files are in GBK, and their
/// order differs. A day without trades has no row. A row that cannot be read is passed as
/// [`BillLine::Unreadable`], and the other rows are read.
///
/// Rows are passed before it is known whether the rest of the bill can be read. Nothing may be
/// concluded from the rows of a bill that was not read to its end before.
///
/// # Errors
///
/// [`BillError`] when the zip or the table cannot be read.
pub fn read_bill_lines(
    kind: BillKind,
    zip: impl Read + Seek,
    each: impl FnMut(usize, BillLine) -> ControlFlow<()>,
) -> Result<(), BillError> {
    read_within(kind, zip, MEMBER_MAX_BYTES, each)
}

/// The same, with so many bytes at most of each file in the zip.
pub(super) fn read_within(
    kind: BillKind,
    zip: impl Read + Seek,
    most_bytes: u64,
    mut each: impl FnMut(usize, BillLine) -> ControlFlow<()>,
) -> Result<(), BillError> {
    let mut archive = ZipArchive::new(zip)?;
    if archive.len() > MEMBERS_MAX {
        return Err(BillError::TooLarge);
    }
    let mut has_table = false;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?.take(most_bytes + 1);
        let table = Table::find(BufReader::new(&mut file), first_column(kind))?;
        if let Some(table) = table {
            if has_table {
                return Err(BillError::SeveralTables);
            }
            has_table = true;
            if rows_of(kind, table, &mut each)?.is_break() {
                return Ok(());
            }
        } else if file.limit() == 0 {
            return Err(BillError::TooLarge);
        }
    }
    if has_table { Ok(()) } else { Err(BillError::NoTable) }
}

/// Passes the rows of a table. Whether they are to stop.
fn rows_of<R: Read>(
    kind: BillKind,
    mut table: Table<BufReader<&mut std::io::Take<R>>>,
    each: &mut impl FnMut(usize, BillLine) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, BillError> {
    let columns = Columns::of(kind, &table)?;
    while let Some(row) = table.next_row()? {
        let line = match columns.bill_row(kind, &row) {
            Ok(bill_row) => BillLine::Row(bill_row),
            Err(error) => BillLine::Unreadable(columns.unreadable(&row, &error)),
        };
        if each(row.line, line).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    let has_ended = table.has_ended();
    if table.into_file().into_inner().limit() == 0 {
        return Err(BillError::TooLarge);
    }
    if has_ended { Ok(ControlFlow::Continue(())) } else { Err(TableError::NoEnd.into()) }
}

impl Columns {
    fn of<R: BufRead>(kind: BillKind, table: &Table<R>) -> Result<Columns, TableError> {
        let (trade_no, finished_at) = match kind {
            BillKind::Trade => (TRADE_NO, FINISHED_AT),
            BillKind::Ledger => (LEDGER_TRADE_NO, LEDGER_AT),
        };
        Ok(Columns {
            kind: table.column(KIND)?,
            out_trade_no: table.column(OUT_TRADE_NO)?,
            trade_no: table.column(trade_no)?,
            finished_at: table.column(finished_at)?,
            amount: match kind {
                BillKind::Trade => Amount::Signed(table.column(AMOUNT)?),
                BillKind::Ledger => {
                    Amount::IncomeOrExpense(table.column(INCOME)?, table.column(EXPENSE)?)
                }
            },
            out_request_no: match kind {
                BillKind::Trade => Some(table.column(OUT_REQUEST_NO)?),
                BillKind::Ledger => None,
            },
        })
    }

    fn bill_row(&self, kind: BillKind, row: &Row) -> Result<BillRow, RowError> {
        row.whole()?;
        let (amount_fen, amount_column) = self.amount.of(row)?;
        let bill_row = BillRow {
            kind: row.read(self.kind, |text| row_kind(kind, text))?,
            out_trade_no: present(row.text(self.out_trade_no)),
            trade_no: row.read(self.trade_no, present)?,
            amount_fen,
            out_request_no: self.out_request_no.and_then(|column| present(row.text(column))),
            finished_at: row.read(self.finished_at, beijing_instant)?,
        };
        if has_sign_of_its_kind(&bill_row) { Ok(bill_row) } else { Err(amount_column.unreadable()) }
    }

    fn unreadable(&self, row: &Row, error: &RowError) -> UnreadableRow {
        let cell = |column| {
            let text: String =
                row.text(column).chars().take(UnreadableRow::CELL_MAX_LENGTH).collect();
            present(&text)
        };
        UnreadableRow {
            line: row.line,
            reason: error.to_string(),
            out_trade_no: cell(self.out_trade_no),
            trade_no: cell(self.trade_no),
        }
    }
}

impl Amount {
    /// The amount of a row, and the column from which it was read.
    fn of(&self, row: &Row) -> Result<(Fen, Column), RowError> {
        match *self {
            Amount::Signed(column) => Ok((row.read(column, |text| text.parse().ok())?, column)),
            Amount::IncomeOrExpense(income, expense) => {
                let came = row.read(income, amount_or_nothing)?;
                let went = row.read(expense, amount_or_nothing)?;
                match (came.is_zero(), went.is_zero()) {
                    (_, true) if !came.is_negative() => Ok((came, income)),
                    // Some files write an expense with a minus, and others without.
                    (true, false) if went.is_negative() => Ok((went, expense)),
                    (true, false) => {
                        let went = went.negated().map_err(|_| expense.unreadable())?;
                        Ok((went, expense))
                    }
                    (_, _) => Err(income.unreadable()),
                }
            }
        }
    }
}

/// Whether money moved in the direction of a row's kind.
fn has_sign_of_its_kind(row: &BillRow) -> bool {
    match row.kind {
        RowKind::Trade => row.amount_fen.is_positive(),
        RowKind::Refund => row.amount_fen.is_negative(),
        RowKind::Other(_) => true,
    }
}

fn amount_or_nothing(text: &str) -> Option<Fen> {
    if text.is_empty() { Some(Fen::ZERO) } else { text.parse().ok() }
}

fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
