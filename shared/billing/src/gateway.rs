//! What the payment gateway is asked and what it tells, free of its protocol.

use std::fmt;

use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

/// The number by which we name one trade to the gateway: at most 64 of `[0-9A-Za-z_]`.
///
/// The only safe key of idempotency: the gateway takes one number's money at most once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutTradeNo(pub(crate) String);

impl OutTradeNo {
    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OutTradeNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Money that the gateway says it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The gateway's own number of the trade.
    pub trade_no: String,
    /// What it took.
    pub amount_fen: Fen,
}

/// Why the gateway refused for a reason that lies with the payer's funds; trying again later may help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// The gateway's `sub_code`, such as `ACQ.BUYER_BALANCE_NOT_ENOUGH`.
    pub sub_code: String,
}

/// Why we don't know whether money was taken: a short text for a log and an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Doubt(pub String);

/// What a request to pay came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayAnswer {
    /// The money was taken.
    Paid(Payment),
    /// The money was not taken, for want of funds.
    Declined(Decline),
    /// Nobody knows; only a query can tell. Every answer that is not clearly one of the others.
    InDoubt(Doubt),
}

/// What a query for a trade came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryAnswer {
    /// The money was taken.
    Paid(Payment),
    /// The trade exists and is not paid yet.
    Pending,
    /// The trade was closed unpaid: its number is dead.
    Closed,
    /// The gateway knows no such trade. Not final: the request may still be on its way.
    NotFound,
    /// Nobody knows.
    InDoubt(Doubt),
}
