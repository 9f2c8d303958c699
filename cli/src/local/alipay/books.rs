//! The local Alipay's books: payers and their funds, agreements, trades, and what was taken.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use steelyard_pricing::Fen;
use thiserror::Error;

/// Money moves by a row in `takings`, and a trade has at most one: SQLite itself keeps "once".
const SCHEMA: &str = "
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS payers (
    payer TEXT PRIMARY KEY,
    funds_fen INTEGER NOT NULL CHECK (funds_fen >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS agreements (
    agreement_no TEXT PRIMARY KEY,
    payer TEXT NOT NULL REFERENCES payers
) STRICT;
CREATE TABLE IF NOT EXISTS trades (
    trade_id INTEGER PRIMARY KEY,
    out_trade_no TEXT NOT NULL UNIQUE,
    agreement_no TEXT NOT NULL REFERENCES agreements,
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at_s INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS takings (
    trade_id INTEGER PRIMARY KEY REFERENCES trades,
    agreement_no TEXT NOT NULL REFERENCES agreements,
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
    taken_at_s INTEGER NOT NULL
) STRICT;
";

/// What the columns of a [`Trade`] are read from.
const TRADES: &str = "
SELECT trade_id, out_trade_no, trades.agreement_no, trades.amount_fen, subject, status, created_at_s, taken_at_s
FROM trades LEFT JOIN takings USING (trade_id)";

/// A trade as the local Alipay keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trade {
    /// The merchant's number of the trade.
    pub out_trade_no: String,
    /// Alipay's number of the trade.
    pub trade_no: String,
    /// The agreement under which it is paid.
    pub agreement_no: String,
    /// What it is for.
    pub amount_fen: Fen,
    /// What the payer reads on his bill.
    pub subject: String,
    /// How far it is.
    pub status: TradeStatus,
    /// When its money was taken, by the clock of the request that took it.
    pub taken_at: Option<Timestamp>,
    #[serde(skip)]
    pub(super) trade_id: i64,
}

/// How far a trade is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TradeStatus {
    /// Not paid, and may still be.
    WaitBuyerPay,
    /// Accepted; the money is taken when the trade is next queried. Never shown by the gateway.
    InProcess,
    /// Paid.
    TradeSuccess,
    /// Closed unpaid.
    TradeClosed,
}

/// Why the books cannot be read or written.
#[derive(Debug, Error)]
pub enum BooksError {
    /// The file cannot be opened.
    #[error("cannot open the local Alipay's books at {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A table refuses a statement.
    #[error("cannot read or write the local Alipay's books")]
    Sql(#[from] rusqlite::Error),
}

/// The books, in SQLite.
pub(super) struct Books {
    pub(super) sqlite: Connection,
}

impl Books {
    /// Books that end with their value.
    pub(super) fn in_memory() -> Result<Books, BooksError> {
        Books::on(Connection::open_in_memory()?)
    }

    /// Books in a file.
    pub(super) fn open(path: &Path) -> Result<Books, BooksError> {
        let sqlite = Connection::open(path)
            .map_err(|source| BooksError::Open { path: path.to_owned(), source })?;
        Books::on(sqlite)
    }

    fn on(sqlite: Connection) -> Result<Books, BooksError> {
        sqlite.execute_batch(SCHEMA)?;
        Ok(Books { sqlite })
    }

    /// Makes an agreement of a payer with these funds.
    pub(super) fn register_agreement(
        &mut self,
        agreement_no: &str,
        payer: &str,
        funds: Fen,
    ) -> Result<(), BooksError> {
        self.set_funds(payer, funds)?;
        self.sqlite.execute(
            "INSERT INTO agreements VALUES (?1, ?2) ON CONFLICT DO UPDATE SET payer = ?2",
            params![agreement_no, payer],
        )?;
        Ok(())
    }

    /// Gives a payer these funds in place of what he had.
    pub(super) fn set_funds(&mut self, payer: &str, funds: Fen) -> Result<(), BooksError> {
        self.sqlite.execute(
            "INSERT INTO payers VALUES (?1, ?2) ON CONFLICT DO UPDATE SET funds_fen = ?2",
            params![payer, funds.get()],
        )?;
        Ok(())
    }

    /// What was taken under each agreement.
    pub(super) fn taken(&self) -> Result<BTreeMap<String, Fen>, BooksError> {
        let mut statement = self
            .sqlite
            .prepare("SELECT agreement_no, SUM(amount_fen) FROM takings GROUP BY agreement_no")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every trade, by the merchant's number.
    pub(super) fn trades(&self) -> Result<Vec<Trade>, BooksError> {
        let mut statement = self.sqlite.prepare(&format!("{TRADES} ORDER BY out_trade_no"))?;
        let rows = statement.query_map([], read_trade)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The trade of a merchant's number.
pub(super) fn find_trade(
    sqlite: &Connection,
    out_trade_no: &str,
) -> Result<Option<Trade>, rusqlite::Error> {
    sqlite
        .query_row(&format!("{TRADES} WHERE out_trade_no = ?1"), [out_trade_no], read_trade)
        .optional()
}

fn read_trade(row: &Row<'_>) -> Result<Trade, rusqlite::Error> {
    let trade_id: i64 = row.get("trade_id")?;
    let status: String = row.get("status")?;
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
        trade_id,
    })
}

impl TradeStatus {
    /// The status as the books and the gateway spell it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            TradeStatus::WaitBuyerPay => "WAIT_BUYER_PAY",
            TradeStatus::InProcess => "IN_PROCESS",
            TradeStatus::TradeSuccess => "TRADE_SUCCESS",
            TradeStatus::TradeClosed => "TRADE_CLOSED",
        }
    }

    fn parse(text: &str) -> Option<TradeStatus> {
        let all = [
            TradeStatus::WaitBuyerPay,
            TradeStatus::InProcess,
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

fn instant(second: i64) -> Result<Timestamp, rusqlite::Error> {
    Timestamp::from_second(second).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, second))
}
