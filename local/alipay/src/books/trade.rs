//! The trades in the books.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use steelyard_pricing::Fen;

use super::{Books, BooksError, instant};

/// What the columns of a [`Trade`] are read from.
const TRADES: &str = "
SELECT trades.*, taken_at_s,
    (SELECT COALESCE(SUM(amount_fen), 0) FROM refunds WHERE refunds.trade_id = trades.trade_id)
        AS refunded_fen
FROM trades LEFT JOIN takings USING (trade_id)";

/// A trade as the local Alipay keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trade {
    /// The merchant's number of the trade.
    pub out_trade_no: String,
    /// Alipay's number of the trade.
    pub trade_no: String,
    /// The agreement under which it is withheld.
    pub agreement_no: Option<String>,
    /// The amount that the merchant requested.
    pub amount_fen: Fen,
    /// What the payer reads on the bill.
    pub subject: String,
    /// The state of the trade.
    pub status: TradeStatus,
    /// When its money was taken, by the clock of the request that took it.
    pub taken_at: Option<Timestamp>,
    /// The way of paying, which the request chose.
    pub kind: TradeKind,
    /// The payer; none of a recharge before it is paid.
    pub payer: Option<String>,
    /// The sum that went back to the payer.
    pub refunded_fen: Fen,
    /// The address for notifications about it.
    pub notify_url: Option<String>,
    /// Where the payer goes after the page on which it is paid.
    #[serde(skip)]
    pub(crate) return_url: Option<String>,
    /// The time at which the trade was made.
    #[serde(skip)]
    pub created_at: Timestamp,
    /// The number of the trade in these books: later trades have larger ones.
    #[serde(skip)]
    pub trade_id: i64,
}

/// How a trade is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeKind {
    /// By the merchant's request, under an agreement.
    Withholding,
    /// By a person, on a page.
    Recharge,
}

/// The state of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TradeStatus {
    /// Not paid, and may still be.
    WaitBuyerPay,
    /// Accepted; the money is taken when the trade is next queried. Never shown by the gateway.
    InProcess,
    /// Accepted, and the gateway denies it; the money is taken late. Never shown by the gateway.
    Late,
    /// Paid, and perhaps refunded in part.
    TradeSuccess,
    /// Closed unpaid, or given back in full.
    TradeClosed,
}

impl Books {
    /// The sum that was taken under each agreement, less what was given back.
    pub(crate) fn taken(&self) -> Result<BTreeMap<String, Fen>, BooksError> {
        let mut statement = self.sqlite.prepare(
            "SELECT agreement_no, SUM(amount_fen - COALESCE(given_back_fen, 0))
             FROM takings LEFT JOIN
                 (SELECT trade_id, SUM(amount_fen) AS given_back_fen FROM refunds GROUP BY trade_id)
                 USING (trade_id)
             WHERE agreement_no IS NOT NULL GROUP BY agreement_no",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every trade, by the merchant's number.
    pub(crate) fn trades(&self) -> Result<Vec<Trade>, BooksError> {
        let mut statement = self.sqlite.prepare(&format!("{TRADES} ORDER BY out_trade_no"))?;
        let rows = statement.query_map([], read_trade)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The trade of a merchant's number.
pub(crate) fn find_trade(
    sqlite: &Connection,
    out_trade_no: &str,
) -> Result<Option<Trade>, rusqlite::Error> {
    sqlite
        .query_row(&format!("{TRADES} WHERE out_trade_no = ?1"), [out_trade_no], read_trade)
        .optional()
}

/// Writes how far a trade is.
pub(crate) fn set_trade_status(
    sqlite: &Connection,
    trade: &Trade,
    status: TradeStatus,
) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "UPDATE trades SET status = ?2 WHERE trade_id = ?1",
        params![trade.trade_id, status.as_str()],
    )?;
    Ok(())
}

fn read_trade(row: &Row<'_>) -> Result<Trade, rusqlite::Error> {
    let trade_id: i64 = row.get("trade_id")?;
    let (kind, status): (String, String) = (row.get("kind")?, row.get("status")?);
    let created_at = instant(row.get("created_at_s")?)?;
    let taken_at_s: Option<i64> = row.get("taken_at_s")?;
    Ok(Trade {
        out_trade_no: row.get("out_trade_no")?,
        trade_no: trade_no(trade_id, created_at),
        agreement_no: row.get("agreement_no")?,
        amount_fen: Fen::new(row.get("amount_fen")?),
        subject: row.get("subject")?,
        status: TradeStatus::parse(&status).ok_or(rusqlite::Error::InvalidQuery)?,
        taken_at: taken_at_s.map(instant).transpose()?,
        kind: TradeKind::parse(&kind).ok_or(rusqlite::Error::InvalidQuery)?,
        payer: row.get("payer")?,
        refunded_fen: Fen::new(row.get("refunded_fen")?),
        notify_url: row.get("notify_url")?,
        return_url: row.get("return_url")?,
        created_at,
        trade_id,
    })
}

impl TradeKind {
    /// The kind as the books spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            TradeKind::Withholding => "withholding",
            TradeKind::Recharge => "recharge",
        }
    }

    fn parse(text: &str) -> Option<TradeKind> {
        [TradeKind::Withholding, TradeKind::Recharge].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl TradeStatus {
    /// The status as the books and the gateway spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            TradeStatus::WaitBuyerPay => "WAIT_BUYER_PAY",
            TradeStatus::InProcess => "IN_PROCESS",
            TradeStatus::Late => "LATE",
            TradeStatus::TradeSuccess => "TRADE_SUCCESS",
            TradeStatus::TradeClosed => "TRADE_CLOSED",
        }
    }

    fn parse(text: &str) -> Option<TradeStatus> {
        let all = [
            TradeStatus::WaitBuyerPay,
            TradeStatus::InProcess,
            TradeStatus::Late,
            TradeStatus::TradeSuccess,
            TradeStatus::TradeClosed,
        ];
        all.into_iter().find(|status| status.as_str() == text)
    }
}

/// 28 digits, as Alipay's: the Beijing day, the kind of trade, and a serial number.
fn trade_no(trade_id: i64, created_at: Timestamp) -> String {
    let day = steelyard_alipay::beijing_time(created_at).strftime("%Y%m%d");
    format!("{day}22001{trade_id:015}")
}
