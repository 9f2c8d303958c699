//! The two things that are metered: numbers of calls, and amounts that went through them.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::{UsageError, exact};

/// A number of calls.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Calls(u64);

/// An amount that went through calls, such as the sales of a shop: yuan from 0 to 10¹², with at
/// most six decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Amount(Decimal);

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not an amount from 0 to 10^12 yuan with at most six decimals, such as 120.50")]
pub struct AmountError(String);

/// The most decimals that a metered amount has.
pub(crate) const AMOUNT_DECIMALS_MAX: u32 = 6;

const AMOUNT_MAX: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

impl Calls {
    /// No calls at all.
    pub const ZERO: Calls = Calls(0);

    /// The most calls that are counted together in a month: 10¹¹, some 38,000 a second. Plans are
    /// checked to price as many exactly.
    pub const MAX: Calls = Calls(100_000_000_000);

    /// A number of calls.
    #[must_use]
    pub const fn new(calls: u64) -> Calls {
        Calls(calls)
    }

    /// The number of calls.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMany`] past [`Calls::MAX`].
    pub fn plus(self, other: Calls) -> Result<Calls, UsageError> {
        self.0
            .checked_add(other.0)
            .map(Calls)
            .filter(|sum| *sum <= Calls::MAX)
            .ok_or(UsageError::TooMany { left: self, right: other })
    }

    /// The part above `other`; none when `other` is the larger.
    #[must_use]
    pub const fn above(self, other: Calls) -> Calls {
        Calls(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Amount {
    /// No amount at all.
    pub const ZERO: Amount = Amount(Decimal::ZERO);

    /// The most that can go through a provider's month: ¥10¹².
    pub const MAX: Amount = Amount(AMOUNT_MAX);

    /// An amount of whole yuan; whatever fits 32 bits is in range.
    #[must_use]
    pub const fn yuan(yuan: u32) -> Amount {
        Amount(Decimal::from_parts(yuan, 0, 0, false, 0))
    }

    /// An amount, if the number is in range.
    #[must_use]
    pub fn new(amount: Decimal) -> Option<Amount> {
        let amount = amount.normalize();
        let in_range = (Decimal::ZERO..=AMOUNT_MAX).contains(&amount);
        (in_range && amount.scale() <= AMOUNT_DECIMALS_MAX).then_some(Amount(amount))
    }

    /// The amount as people read it, with two decimals at least: `120.50`.
    #[must_use]
    pub fn shown(self) -> Decimal {
        let mut shown = self.0;
        if shown.scale() < 2 {
            shown.rescale(2);
        }
        shown
    }

    /// The number of yuan.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// The number of millionths of a yuan: at most 10¹⁸.
    #[must_use]
    pub fn millionths(self) -> u64 {
        let mut number = self.0;
        number.rescale(AMOUNT_DECIMALS_MAX);
        // Non-negative and within 64 bits, as every amount is.
        u64::try_from(number.mantissa()).unwrap_or(u64::MAX)
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMuch`] past [`Amount::MAX`].
    pub fn plus(self, other: Amount) -> Result<Amount, UsageError> {
        if other.0.is_zero() {
            return Ok(self);
        }
        self.0
            .checked_add(other.0)
            .and_then(Amount::new)
            .ok_or(UsageError::TooMuch { left: self, right: other })
    }

    /// The part above `other`; nothing when `other` is the larger.
    #[must_use]
    pub fn above(self, other: Amount) -> Amount {
        Amount((self.0 - other.0).max(Decimal::ZERO).normalize())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads digits with at most one point: `12`, `12.3`, `0.000001`.
impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Amount, AmountError> {
        let amount = exact::parse(text).filter(|_| !text.starts_with('-')).and_then(Amount::new);
        amount.ok_or_else(|| AmountError(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
        let expected =
            "an amount from 0 to 10^12 yuan as a text with at most six decimals such as \"120.50\"";
        let amount = exact::deserialize(deserializer, expected, exact::parse)?;
        Amount::new(amount).ok_or_else(|| {
            let found = amount.to_string();
            serde::de::Error::invalid_value(serde::de::Unexpected::Str(&found), &expected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_an_amount_is_refused_and_never_rounded() {
        for (text, amount) in [
            ("120.50", Some("120.5")),
            ("0", Some("0")),
            ("0.000001", Some("0.000001")),
            ("1000000000000", Some("1000000000000")),
            ("1000000000000.000001", None),
            ("0.0000001", None),
            ("-1", None),
            ("-0", None),
            ("+1", None),
            ("1e3", None),
            ("1_000", None),
            ("1,000", None),
            (" 1", None),
            ("1.2.3", None),
            (".", None),
            ("", None),
            ("99999999999999999999999999999999", None),
        ] {
            let read = text.parse::<Amount>().ok().map(|read| read.to_string());
            assert_eq!(read.as_deref(), amount, "{text}");
        }
    }
}
