//! Money: exact yuan for prices and unrounded charges, whole fen for what is billed and paid.

mod fen;
mod yuan;

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use fen::Fen;
pub use yuan::Yuan;

/// How an exact amount becomes whole fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest fen, half a fen away from zero.
    #[default]
    HalfUp,
    /// To the nearest fen, half a fen to the even one.
    HalfEven,
    /// To the next fen away from zero.
    Up,
    /// To the next fen towards zero: in the provider's favour.
    Down,
}

/// Why an amount of money could not be computed or read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// The sum leaves the range of [`Fen`].
    #[error("the sum of {left} fen and {right} fen is out of range")]
    FenOutOfRange {
        /// The first operand, in fen.
        left: i64,
        /// The second operand, in fen.
        right: i64,
    },
    /// The exact result has more digits than [`Yuan`] can hold.
    #[error("{left} {operation} {right} is out of range")]
    YuanOutOfRange {
        /// The first operand.
        left: Decimal,
        /// The sign of the operation.
        operation: char,
        /// The second operand.
        right: Decimal,
    },
    /// The exact amount is larger than [`Fen`] can hold.
    #[error("¥{0} is more than fen can hold")]
    TooManyYuan(Decimal),
    /// The text is not an amount in yuan with at most two decimals.
    #[error("`{0}` is not an amount in yuan with at most two decimals")]
    NotAnAmount(String),
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rounding::HalfUp => "half_up",
            Rounding::HalfEven => "half_even",
            Rounding::Up => "up",
            Rounding::Down => "down",
        })
    }
}
