//! The bill of a day: its rows, its file, and the address from which the file is had once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::civil::{Date, Time, time};
use jiff::{Timestamp, ToSpan};
use rusqlite::Connection;
use steelyard_alipay::{beijing_time, write_bill};
use steelyard_billing::{BillKind, BillRow, RowKind};
use steelyard_pricing::Fen;

use super::LocalAlipay;
use super::books::{Books, BooksError, Trade, instant};
use super::fault::Fault;

/// From when on, in Beijing on the day after, there is a bill of a day.
const READY_AT: Time = time(9, 0, 0, 0);

/// The files that wait to be downloaded, by the numbers in their addresses.
#[derive(Default)]
pub(super) struct Downloads {
    files: BTreeMap<u64, Vec<u8>>,
    last_number: u64,
    /// Files that are the bills of their days, whatever the books have.
    given: BTreeMap<(&'static str, Date), PathBuf>,
}

/// The route from which bills are had.
pub(super) fn routes() -> Router<LocalAlipay> {
    Router::new().route("/local/bills/{number}", get(download))
}

async fn download(State(alipay): State<LocalAlipay>, Path(number): Path<u64>) -> Response {
    match alipay.downloads().files.remove(&number) {
        Some(file) => ([(CONTENT_TYPE, "application/zip")], file).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl LocalAlipay {
    /// Serves a file as the bill of a day, whatever the books have.
    pub fn serve_bill(&self, kind: BillKind, day: Date, file: PathBuf) {
        self.downloads().given.insert((kind.as_str(), day), file);
    }
}

impl Downloads {
    /// The file that was given as the bill of a day.
    pub(super) fn given(&self, kind: BillKind, day: Date) -> Option<std::io::Result<Vec<u8>>> {
        self.given.get(&(kind.as_str(), day)).map(std::fs::read)
    }

    /// Keeps a file for one download. Returns the number in its address.
    pub(super) fn add(&mut self, file: Vec<u8>) -> u64 {
        self.last_number += 1;
        self.files.insert(self.last_number, file);
        self.last_number
    }
}

impl Books {
    /// The rows of a day in Beijing, as they happened.
    pub(super) fn bill_rows(&mut self, day: Date) -> Result<Vec<BillRow>, BooksError> {
        let trades = self.trades()?;
        let mut rows: Vec<BillRow> = trades.iter().filter_map(taking_row).collect();
        for trade in &trades {
            rows.extend(self.transact(|sqlite| refund_rows(sqlite, trade))?);
        }
        rows.retain(|row| beijing_time(row.finished_at).date() == day);
        rows.sort_by(|a, b| (a.finished_at, &a.trade_no).cmp(&(b.finished_at, &b.trade_no)));
        Ok(rows)
    }
}

fn taking_row(trade: &Trade) -> Option<BillRow> {
    Some(BillRow {
        kind: RowKind::Trade,
        out_trade_no: Some(trade.out_trade_no.clone()),
        trade_no: trade.trade_no.clone(),
        amount_fen: trade.amount_fen,
        out_request_no: None,
        finished_at: trade.taken_at?,
    })
}

fn refund_rows(sqlite: &Connection, trade: &Trade) -> Result<Vec<BillRow>, rusqlite::Error> {
    let mut statement = sqlite.prepare(
        "SELECT out_request_no, amount_fen, refunded_at_s FROM refunds WHERE trade_id = ?1",
    )?;
    let rows = statement.query_map([trade.trade_id], |row| {
        let amount_fen: i64 = row.get("amount_fen")?;
        Ok(BillRow {
            kind: RowKind::Refund,
            out_trade_no: Some(trade.out_trade_no.clone()),
            trade_no: trade.trade_no.clone(),
            amount_fen: Fen::new(-amount_fen),
            out_request_no: Some(row.get("out_request_no")?),
            finished_at: instant(row.get("refunded_at_s")?)?,
        })
    })?;
    rows.collect()
}

/// Whether there is a bill of a day yet.
pub(super) fn is_ready(day: Date, now: Timestamp) -> bool {
    let ready_at = day.checked_add(1.day()).map(|next_day| next_day.to_datetime(READY_AT));
    ready_at.is_ok_and(|ready_at| ready_at <= beijing_time(now))
}

/// The file of a bill with these rows, or with what a fault makes of them; nothing when there are
/// none.
pub(super) fn file(
    kind: BillKind,
    mut rows: Vec<BillRow>,
    day: Date,
    fault: Option<&Fault>,
) -> Option<Vec<u8>> {
    if rows.is_empty() && fault != Some(&Fault::BillExtraRow) {
        return None;
    }
    if let Some(fault) = fault {
        alter(&mut rows, day, fault);
    }
    let mut file = write_bill(kind, &rows).expect("numbers and amounts have a place in a bill");
    if fault == Some(&Fault::BillBroken) {
        file.truncate(file.len() / 2);
    }
    Some(file)
}

/// Makes of a bill's rows what a fault makes of them.
fn alter(rows: &mut Vec<BillRow>, day: Date, fault: &Fault) {
    if *fault == Fault::BillRowMissing {
        rows.remove(0);
    } else if *fault == Fault::BillEmpty {
        rows.clear();
    } else if *fault == Fault::BillOtherAmount {
        rows.first_mut().into_iter().for_each(add_a_fen);
    } else if *fault == Fault::BillExtraRow {
        rows.push(extra_row(day));
    } else if *fault == Fault::BillUnreadableRow {
        rows.first_mut().into_iter().for_each(|row| row.kind = RowKind::Other("转账".to_owned()));
    }
}

fn add_a_fen(row: &mut BillRow) {
    row.amount_fen =
        row.amount_fen.plus(Fen::new(1)).expect("the amount of a trade has room for a fen");
}

/// A paid trade of which nobody knows.
fn extra_row(day: Date) -> BillRow {
    let noon = jiff::tz::Offset::constant(8).to_timestamp(day.at(12, 0, 0, 0));
    BillRow {
        kind: RowKind::Trade,
        out_trade_no: Some(format!("UNKNOWN{}", day.strftime("%Y%m%d"))),
        trade_no: format!("{}22001999999999999999", day.strftime("%Y%m%d")),
        amount_fen: Fen::new(4_200),
        out_request_no: None,
        finished_at: noon.expect("a day that is over has a noon"),
    }
}
