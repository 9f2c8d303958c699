//! Bills as Alipay writes them, for a local Alipay and for tests.

use std::borrow::Borrow;
use std::io::{Cursor, Seek, Write};

use encoding_rs::GBK;
use steelyard_billing::{BillKind, BillRow};
use thiserror::Error;
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::columns::{
    AMOUNT, EXPENSE, FINISHED_AT, INCOME, KIND, LEDGER_AT, LEDGER_NO, LEDGER_TRADE_NO,
    OUT_REQUEST_NO, OUT_TRADE_NO, TRADE_NO, columns, row_name,
};
use crate::time::beijing_text;

/// Why a bill cannot be written.
#[derive(Debug, Error)]
pub enum WriteBillError {
    /// Reading would not return the text unchanged: it has a comma, a line break, white space at an
    /// end or a character that GBK lacks, or it begins with a `#`, as comments do.
    #[error("{text:?} cannot be in a cell")]
    Cell {
        /// The cell as it was to be written.
        text: String,
    },
    /// The zip cannot be written.
    #[error("cannot write the zip")]
    Zip(#[from] ZipError),
    /// A file cannot be packed into the zip.
    #[error("cannot pack a file of the bill")]
    Pack(#[from] std::io::Error),
}

/// The zip of a bill with these rows and a table of sums. Unlike Alipay's, the names of its files
/// are ASCII.
///
/// # Errors
///
/// [`WriteBillError`] when reading would not return the rows unchanged.
pub fn write_bill(kind: BillKind, rows: &[BillRow]) -> Result<Vec<u8>, WriteBillError> {
    Ok(write_bill_to(kind, rows, Cursor::new(Vec::new()))?.into_inner())
}

/// The same, written row by row to a file.
///
/// # Errors
///
/// [`WriteBillError`] when reading would not return the rows unchanged, or the file takes no more.
pub fn write_bill_to<W: Write + Seek>(
    kind: BillKind,
    rows: impl IntoIterator<Item = impl Borrow<BillRow>>,
    file: W,
) -> Result<W, WriteBillError> {
    let mut zip = ZipWriter::new(file);
    zip.start_file("details.csv", SimpleFileOptions::default().large_file(true))?;
    let mut count = 0_u64;
    line(&mut zip, &preamble(kind))?;
    for row in rows {
        let cells: Result<Vec<String>, WriteBillError> =
            columns(kind).iter().map(|column| cell(kind, row.borrow(), column)).collect();
        line(&mut zip, &cells?.join(","))?;
        count += 1;
    }
    line(&mut zip, &format!("#{RULE}{}结束{RULE}", list(kind)))?;
    zip.start_file("summary.csv", SimpleFileOptions::default())?;
    line(&mut zip, &format!("#支付宝业务汇总查询\r\n类型,总笔数\r\n合计,{count}"))?;
    Ok(zip.finish()?)
}

const RULE: &str = "-----------------------------------------";

fn line(zip: &mut impl Write, text: &str) -> std::io::Result<()> {
    zip.write_all(&GBK.encode(text).0)?;
    zip.write_all(b"\r\n")
}

const fn list(kind: BillKind) -> &'static str {
    match kind {
        BillKind::Trade => "业务明细列表",
        BillKind::Ledger => "账务明细列表",
    }
}

/// The lines above the rows.
fn preamble(kind: BillKind) -> String {
    let header = columns(kind).join(",").replace('(', "（").replace(')', "）");
    [
        "#支付宝业务明细查询",
        "#账号：[20880000000000000156]",
        "#起始日期：[]   终止日期：[]",
        &format!("#{RULE}{}{RULE}", list(kind)),
        &header,
    ]
    .join("\r\n")
}

fn cell(kind: BillKind, row: &BillRow, column: &str) -> Result<String, WriteBillError> {
    let text = match column {
        TRADE_NO | LEDGER_TRADE_NO | LEDGER_NO => row.trade_no.clone(),
        OUT_TRADE_NO => row.out_trade_no.clone().unwrap_or_default(),
        KIND => row_name(kind, &row.kind).to_owned(),
        FINISHED_AT | LEDGER_AT => beijing_text(row.finished_at),
        AMOUNT => row.amount_fen.to_string(),
        INCOME if row.amount_fen.is_positive() => row.amount_fen.to_string(),
        EXPENSE if row.amount_fen.is_negative() => row.amount_fen.to_string(),
        INCOME | EXPENSE => "0.00".to_owned(),
        OUT_REQUEST_NO => row.out_request_no.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let has_break = text.contains([',', '\r', '\n']) || text.trim() != text;
    let is_comment = text.starts_with('#');
    let (_, _, is_lossy) = GBK.encode(&text);
    if has_break || is_comment || is_lossy {
        Err(WriteBillError::Cell { text })
    } else {
        Ok(text + "\t")
    }
}
