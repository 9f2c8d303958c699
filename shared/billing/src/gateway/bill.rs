//! The bill of a day: the gateway's own record of what it moved on our account, free of its files.

use jiff::Timestamp;
use steelyard_pricing::Fen;

/// Which bill of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillKind {
    /// The trades and refunds of a day. Some accounts have no such bill.
    Trade,
    /// The ledger of our account: trades and refunds, and also fees, withdrawals and the like.
    Ledger,
}

/// What the bill of a day says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// The rows that can be read, in the order of the file.
    pub rows: Vec<BillRow>,
    /// The rows that cannot be read, in the order of the file. Each may be money that moved.
    pub unreadable: Vec<UnreadableRow>,
}

/// One movement on our account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// Whether the row is a trade, a refund or something else.
    pub kind: RowKind,
    /// The merchant's number of the trade. Trades of other products on our account may have none.
    pub out_trade_no: Option<String>,
    /// The gateway's number of the trade, or of whatever else the row is about.
    pub trade_no: String,
    /// The amount that moved: positive to us, negative from us.
    pub amount_fen: Fen,
    /// Our number of a refund, where the bill has one.
    pub out_request_no: Option<String>,
    /// When the movement was complete.
    pub finished_at: Timestamp,
}

/// What moved the money of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Money of a trade came in.
    Trade,
    /// Money of a trade was given back.
    Refund,
    /// Another movement, by the name that the ledger gives it.
    Other(String),
}

/// A row that cannot be read. The numbers are the raw cells, at most
/// [`UnreadableRow::CELL_MAX_LENGTH`] characters of each: a hint for a person, and no proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    /// The line of the file, from 1.
    pub line: usize,
    /// Why the row cannot be read.
    pub reason: String,
    /// The cell of the merchant's number of the trade, if the row has one with text in it.
    pub out_trade_no: Option<String>,
    /// The cell of the gateway's number of the trade, likewise.
    pub trade_no: Option<String>,
}

impl BillKind {
    /// The name of the kind in records and in the names of files: `trade` or `signcustomer`, as the
    /// gateway calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            BillKind::Trade => "trade",
            BillKind::Ledger => "signcustomer",
        }
    }
}

impl BillKind {
    /// The kind of a name in records; none if there is no such kind.
    #[must_use]
    pub fn named(name: &str) -> Option<BillKind> {
        [BillKind::Trade, BillKind::Ledger].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl UnreadableRow {
    /// How much of a raw cell is kept, in characters: no number of the gateway or of ours is
    /// longer.
    pub const CELL_MAX_LENGTH: usize = 64;
}
