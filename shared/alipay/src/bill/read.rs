//! Reading a bill out of its zip.

use std::io::{Cursor, Read};

use steelyard_pricing::Fen;
use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use super::columns::{
    AMOUNT, EXPENSE, FINISHED_AT, INCOME, KIND, LEDGER_AT, LEDGER_TRADE_NO, OUT_REQUEST_NO,
    OUT_TRADE_NO, TRADE_NO,
};
use super::table::{Column, Row, Table, TableError};
use super::{BillKind, BillRow};
use crate::time::beijing_instant;

/// The most bytes of a file inside of the zip: 64 MiB, some hundred thousand rows.
const MEMBER_MAX_BYTES: u64 = 64 << 20;

/// The most files inside of the zip. A real one has two.
const MEMBERS_MAX: usize = 16;

/// Why a bill cannot be read.
#[derive(Debug, Error)]
pub enum BillError {
    /// It is not a zip.
    #[error("the bill is not a zip that can be read")]
    Zip(#[from] ZipError),
    /// A file in it cannot be unpacked.
    #[error("a file in the bill cannot be unpacked")]
    Unpack(#[from] std::io::Error),
    /// It has too many files, or too large ones.
    #[error(
        "the bill has more than {MEMBERS_MAX} files, or one of more than {MEMBER_MAX_BYTES} bytes"
    )]
    TooLarge,
    /// None of its files has the rows of such a bill.
    #[error("no file in the bill has its rows")]
    NoTable,
    /// Several of its files have the rows of such a bill.
    #[error("several files in the bill have its rows")]
    SeveralTables,
    /// The file that has the rows cannot be read.
    #[error("the bill's table cannot be read")]
    Table(#[from] TableError),
}

/// Where the columns are that a row is read from.
struct Columns {
    kind: Column,
    out_trade_no: Column,
    trade_no: Column,
    finished_at: Column,
    amount: Amount,
    /// Only the bill of trades has it.
    out_request_no: Option<Column>,
}

/// Where the amount is.
enum Amount {
    Signed(Column),
    IncomeOrExpense(Column, Column),
}

/// The rows of a bill, from the bytes of its zip.
///
/// The file with the rows is known by its header: the names of the files are in GBK, and their
/// order differs. A day without trades has no row.
///
/// # Errors
///
/// [`BillError`] naming what cannot be read.
pub fn read_bill(kind: BillKind, zip: &[u8]) -> Result<Vec<BillRow>, BillError> {
    let mut archive = ZipArchive::new(Cursor::new(zip))?;
    if archive.len() > MEMBERS_MAX {
        return Err(BillError::TooLarge);
    }
    let mut rows = None;
    for index in 0..archive.len() {
        let file = unpacked(&mut archive, index)?;
        let Some(table) = Table::find(&file, kind.first_column()) else { continue };
        if rows.replace(rows_of(kind, &table)?).is_some() {
            return Err(BillError::SeveralTables);
        }
    }
    rows.ok_or(BillError::NoTable)
}

fn unpacked(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Vec<u8>, BillError> {
    let mut file = Vec::new();
    archive.by_index(index)?.take(MEMBER_MAX_BYTES + 1).read_to_end(&mut file)?;
    match u64::try_from(file.len()) {
        Ok(length) if length <= MEMBER_MAX_BYTES => Ok(file),
        Ok(_) | Err(_) => Err(BillError::TooLarge),
    }
}

fn rows_of(kind: BillKind, table: &Table<'_>) -> Result<Vec<BillRow>, TableError> {
    let columns = Columns::of(kind, table)?;
    table.rows()?.iter().map(|row| columns.bill_row(kind, row)).collect()
}

impl Columns {
    fn of(kind: BillKind, table: &Table<'_>) -> Result<Columns, TableError> {
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

    fn bill_row(&self, kind: BillKind, row: &Row) -> Result<BillRow, TableError> {
        let (amount_fen, amount_column) = self.amount.of(row)?;
        let bill_row = BillRow {
            kind: row.read(self.kind, |text| kind.row_kind(text))?,
            out_trade_no: present(row.text(self.out_trade_no)),
            trade_no: row.read(self.trade_no, present)?,
            amount_fen,
            out_request_no: self.out_request_no.and_then(|column| present(row.text(column))),
            finished_at: row.read(self.finished_at, beijing_instant)?,
        };
        if !bill_row.has_its_sign() {
            return Err(row.unreadable(amount_column));
        }
        Ok(bill_row)
    }
}

impl Amount {
    /// The amount of a row, and the column that it came from.
    fn of(&self, row: &Row) -> Result<(Fen, Column), TableError> {
        match *self {
            Amount::Signed(column) => Ok((row.read(column, |text| text.parse().ok())?, column)),
            Amount::IncomeOrExpense(income, expense) => {
                let came = row.read(income, amount_or_nothing)?;
                let went = row.read(expense, amount_or_nothing)?;
                match (came.is_zero(), went.is_zero()) {
                    (_, true) if !came.is_negative() => Ok((came, income)),
                    // Some files give what went out with a minus, and others without.
                    (true, false) if went.is_negative() => Ok((went, expense)),
                    (true, false) => {
                        let went = went.negated().map_err(|_| row.unreadable(expense))?;
                        Ok((went, expense))
                    }
                    (_, _) => Err(row.unreadable(income)),
                }
            }
        }
    }
}

fn amount_or_nothing(text: &str) -> Option<Fen> {
    if text.is_empty() { Some(Fen::ZERO) } else { text.parse().ok() }
}

fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
