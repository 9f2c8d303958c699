//! The local Alipay's books: payers and their funds, agreements, trades, what was taken and given
//! back, and the notifications that wait to be sent.

mod agreement;
mod trade;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use steelyard_pricing::Fen;
use thiserror::Error;

pub use agreement::{Agreement, AgreementStatus};
pub use trade::{Trade, TradeKind, TradeStatus};

pub(super) use agreement::{
    Offer, find_agreement, find_offer, find_offered_agreement, insert_agreement, put_offer,
    set_agreement_status,
};
pub(super) use trade::{find_trade, set_trade_status};

/// Money moves by a row in `takings` and comes back by one in `refunds`. A trade has at most one of
/// the former, and of the latter one for each number: SQLite itself keeps "once".
const SCHEMA: &str = "
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS payers (
    payer TEXT PRIMARY KEY,
    funds_fen INTEGER NOT NULL CHECK (funds_fen >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS offers (
    external_agreement_no TEXT PRIMARY KEY,
    sign_scene TEXT NOT NULL,
    personal_product_code TEXT NOT NULL,
    external_logon_id TEXT NOT NULL,
    notify_url TEXT,
    return_url TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS agreements (
    agreement_id INTEGER PRIMARY KEY,
    agreement_no TEXT NOT NULL UNIQUE,
    external_agreement_no TEXT UNIQUE,
    payer TEXT NOT NULL REFERENCES payers,
    status TEXT NOT NULL,
    single_limit_fen INTEGER CHECK (single_limit_fen > 0),
    signed_at_s INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS trades (
    trade_id INTEGER PRIMARY KEY,
    out_trade_no TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    agreement_no TEXT REFERENCES agreements (agreement_no),
    payer TEXT REFERENCES payers,
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    notify_url TEXT,
    return_url TEXT,
    created_at_s INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL,
    late_until_s INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS takings (
    trade_id INTEGER PRIMARY KEY REFERENCES trades,
    agreement_no TEXT REFERENCES agreements (agreement_no),
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
    taken_at_s INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refunds (
    trade_id INTEGER NOT NULL REFERENCES takings,
    out_request_no TEXT NOT NULL,
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
    refunded_at_s INTEGER NOT NULL,
    PRIMARY KEY (trade_id, out_request_no)
) STRICT;
CREATE TABLE IF NOT EXISTS app_gateway (
    address TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS notifications (
    notification_id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    parameters TEXT NOT NULL,
    queued_at_s INTEGER NOT NULL,
    due_at_s INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    is_held INTEGER NOT NULL DEFAULT 0
) STRICT;
";

/// Why the books cannot be read or written.
#[derive(Debug, Error)]
pub enum BooksError {
    /// The file cannot be opened.
    #[error("cannot open the local Alipay's books at {path}")]
    Open {
        /// The path of the file.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        source: rusqlite::Error,
    },
    /// A table refuses a statement.
    #[error("cannot read or write the local Alipay's books")]
    Sql(#[from] rusqlite::Error),
}

/// The books, in SQLite.
pub(super) struct Books {
    sqlite: Connection,
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

    /// Does one thing in one transaction, wholly or not at all.
    pub(super) fn transact<T>(
        &mut self,
        act: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, BooksError> {
        let transaction = self.sqlite.transaction()?;
        let outcome = act(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }

    /// Gives a payer these funds in place of the former ones.
    pub(super) fn set_funds(&mut self, payer: &str, funds: Fen) -> Result<(), BooksError> {
        self.transact(|sqlite| set_funds(sqlite, payer, funds))
    }
}

/// Gives a payer these funds in place of the former ones.
pub(super) fn set_funds(
    sqlite: &Connection,
    payer: &str,
    funds: Fen,
) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "INSERT INTO payers VALUES (?1, ?2) ON CONFLICT DO UPDATE SET funds_fen = ?2",
        params![payer, funds.get()],
    )?;
    Ok(())
}

/// The instant of a column that counts seconds.
pub(super) fn instant(second: i64) -> Result<Timestamp, rusqlite::Error> {
    Timestamp::from_second(second).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, second))
}
