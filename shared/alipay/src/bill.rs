//! The bill of a day: what Alipay says it moved on our account.
//!
//! A bill is the last net for lost answers and notifications, so nothing in it is skipped: what
//! cannot be read is an error that names its line and column, and never a row less.

mod columns;
mod fetch;
mod read;
mod table;
mod write;

use jiff::Timestamp;
use steelyard_pricing::Fen;

pub use fetch::BillAnswer;
pub use read::{BillError, read_bill};
pub use table::TableError;
pub use write::{WriteBillError, write_bill};

/// Which bill of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillKind {
    /// The trades and refunds of a day. Some accounts do not get it.
    Trade,
    /// The ledger of our account: trades and refunds, and also fees, withdrawals and the like.
    Ledger,
}

/// A row of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// What it is.
    pub kind: RowKind,
    /// The merchant's number of the trade. Trades of other products on our account may have none.
    pub out_trade_no: Option<String>,
    /// Alipay's number of the trade, or of whatever else the row is about.
    pub trade_no: String,
    /// What was moved: positive to us, negative from us.
    pub amount_fen: Fen,
    /// Our number of a refund, where the bill has one.
    pub out_request_no: Option<String>,
    /// When it was done.
    pub finished_at: Timestamp,
}

/// What a row of a bill is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Money of a trade came in.
    Trade,
    /// Money of a trade was given back.
    Refund,
    /// Something else of the ledger, as the ledger calls it.
    Other(String),
}

impl BillKind {
    /// The kind as the gateway calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            BillKind::Trade => "trade",
            BillKind::Ledger => "signcustomer",
        }
    }
}

#[cfg(test)]
#[path = "bill/tests.rs"]
mod tests;
