//! Bills as Alipay writes them, for a local Alipay and for tests.

use std::io::{Cursor, Write};

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
        /// The text.
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
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [("details.csv", details(kind, rows)?), ("summary.csv", summary(rows))] {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(&GBK.encode(&text).0)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn details(kind: BillKind, rows: &[BillRow]) -> Result<String, WriteBillError> {
    let list = match kind {
        BillKind::Trade => "业务明细列表",
        BillKind::Ledger => "账务明细列表",
    };
    let header = columns(kind).join(",").replace('(', "（").replace(')', "）");
    let mut lines = vec![
        "#支付宝业务明细查询".to_owned(),
        "#账号：[20880000000000000156]".to_owned(),
        "#起始日期：[]   终止日期：[]".to_owned(),
        format!(
            "#-----------------------------------------{list}----------------------------------------"
        ),
        header,
    ];
    for row in rows {
        let cells: Result<Vec<String>, WriteBillError> =
            columns(kind).iter().map(|column| cell(kind, row, column)).collect();
        lines.push(cells?.join(","));
    }
    lines.push(format!(
        "#-----------------------------------------{list}结束------------------------------------"
    ));
    Ok(lines.join("\r\n") + "\r\n")
}

fn summary(rows: &[BillRow]) -> String {
    format!("#支付宝业务汇总查询\r\n类型,总笔数\r\n合计,{}\r\n", rows.len())
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
