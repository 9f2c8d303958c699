//! What the payment gateway is asked and what it tells, free of its protocol.

use std::fmt;

use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

/// The number by which we name one trade to the gateway: 1 to 64 of `[0-9A-Za-z_]`.
///
/// The only safe key of idempotency: the gateway takes one number's money at most once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OutTradeNo(pub(crate) String);

/// Why a text is not an [`OutTradeNo`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutTradeNoError {
    /// It has no character, or more than 64.
    #[error("a trade's number has 1 to 64 characters, not {0}")]
    Length(usize),
    /// It has a character that the gateway does not take.
    #[error("a trade's number has only letters, digits and underscores, not {0:?}")]
    Character(char),
}

impl OutTradeNo {
    /// The most characters a number may have.
    pub const MAX_LENGTH: usize = 64;

    /// Reads a number.
    ///
    /// # Errors
    ///
    /// [`OutTradeNoError`] when it is too long, empty, or has a character that the gateway does not take.
    pub fn parse(text: &str) -> Result<OutTradeNo, OutTradeNoError> {
        let refused = text.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_');
        if let Some(character) = refused {
            return Err(OutTradeNoError::Character(character));
        }
        if text.is_empty() || text.len() > OutTradeNo::MAX_LENGTH {
            return Err(OutTradeNoError::Length(text.len()));
        }
        Ok(OutTradeNo(text.to_owned()))
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OutTradeNo {
    type Error = OutTradeNoError;

    fn try_from(text: String) -> Result<OutTradeNo, OutTradeNoError> {
        OutTradeNo::parse(&text)
    }
}

impl From<OutTradeNo> for String {
    fn from(number: OutTradeNo) -> String {
        number.0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_a_trade_has_1_to_64_letters_digits_and_underscores() {
        let longest = "a".repeat(64);
        for number in ["D20260301_PRV000123_1", "0", &longest] {
            assert_eq!(OutTradeNo::parse(number).unwrap().as_str(), number);
        }
        for (text, expected) in [
            ("", OutTradeNoError::Length(0)),
            (&"a".repeat(65), OutTradeNoError::Length(65)),
            ("D-1", OutTradeNoError::Character('-')),
            ("单1", OutTradeNoError::Character('单')),
        ] {
            assert_eq!(OutTradeNo::parse(text), Err(expected), "{text}");
        }
    }
}
