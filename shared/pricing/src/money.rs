//! Money: exact yuan for prices and unrounded charges, whole fen for what is billed and paid.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Yuan, exact: a price or an unrounded charge, with up to 28 significant digits.
///
/// Arithmetic is checked: an operation that would lose a digit or overflow is a [`MoneyError`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Yuan(Decimal);

/// Money in whole fen, a hundredth of a yuan: what is billed, stored and sent to Alipay.
///
/// Negative for a credit.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Fen(i64);

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
    /// The exact result does not fit 28 significant digits.
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

impl Yuan {
    /// Nothing.
    pub const ZERO: Yuan = Yuan(Decimal::ZERO);

    /// An amount of yuan.
    #[must_use]
    pub const fn new(amount: Decimal) -> Yuan {
        Yuan(amount)
    }

    /// The amount as a decimal number of yuan.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// The exact sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when it does not fit.
    pub fn plus(self, other: Yuan) -> Result<Yuan, MoneyError> {
        self.exactly('+', other.0, self.0.checked_add(other.0))
    }

    /// The exact difference.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when it does not fit.
    pub fn minus(self, other: Yuan) -> Result<Yuan, MoneyError> {
        self.exactly('−', other.0, self.0.checked_sub(other.0))
    }

    /// This price times a quantity, exactly.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when the product needs more than 28 digits.
    pub fn times(self, quantity: Decimal) -> Result<Yuan, MoneyError> {
        let product = self.0.checked_mul(quantity);
        // `checked_mul` rounds a product with too many decimals instead of refusing it.
        let exact = product.filter(|_| {
            self.0.normalize().scale() + quantity.normalize().scale() <= Decimal::MAX_SCALE
        });
        self.exactly('×', quantity, exact)
    }

    /// The exact sum of many amounts.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when it does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Yuan>) -> Result<Yuan, MoneyError> {
        amounts.into_iter().try_fold(Yuan::ZERO, Yuan::plus)
    }

    /// The nearest whole fen; half a fen goes away from zero.
    ///
    /// This is the one place where an exact amount becomes money that is billed: once for the
    /// month to date of a provider, never for a part of it.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TooManyYuan`] past ±¥92,233,720,368,547,758.07.
    pub fn to_fen_half_up(self) -> Result<Fen, MoneyError> {
        self.to_fen(RoundingStrategy::MidpointAwayFromZero)
    }

    /// The largest whole fen that is not above the amount.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TooManyYuan`] past ±¥92,233,720,368,547,758.07.
    pub fn to_fen_floor(self) -> Result<Fen, MoneyError> {
        self.to_fen(RoundingStrategy::ToNegativeInfinity)
    }

    fn to_fen(self, strategy: RoundingStrategy) -> Result<Fen, MoneyError> {
        self.0
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|fen| i64::try_from(fen.round_dp_with_strategy(0, strategy)).ok())
            .map(Fen)
            .ok_or(MoneyError::TooManyYuan(self.0))
    }

    fn exactly(
        self,
        operation: char,
        right: Decimal,
        result: Option<Decimal>,
    ) -> Result<Yuan, MoneyError> {
        result.map(|amount| Yuan(amount.normalize())).ok_or(MoneyError::YuanOutOfRange {
            left: self.0,
            operation,
            right,
        })
    }
}

/// `0.0234`: yuan, all digits, no sign of the currency.
impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl From<Fen> for Yuan {
    fn from(fen: Fen) -> Yuan {
        Yuan(Decimal::new(fen.0, 2))
    }
}

impl Fen {
    /// Nothing.
    pub const ZERO: Fen = Fen(0);

    /// An amount of fen.
    #[must_use]
    pub const fn new(fen: i64) -> Fen {
        Fen(fen)
    }

    /// The amount as a number of fen.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether anything is left to pay.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether this is a credit.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether this is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError::FenOutOfRange`] when it does not fit.
    pub fn plus(self, other: Fen) -> Result<Fen, MoneyError> {
        self.0
            .checked_add(other.0)
            .map(Fen)
            .ok_or(MoneyError::FenOutOfRange { left: self.0, right: other.0 })
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// [`MoneyError::FenOutOfRange`] when it does not fit.
    pub fn minus(self, other: Fen) -> Result<Fen, MoneyError> {
        self.0
            .checked_sub(other.0)
            .map(Fen)
            .ok_or(MoneyError::FenOutOfRange { left: self.0, right: other.0.saturating_neg() })
    }

    /// The same amount with the other sign.
    ///
    /// # Errors
    ///
    /// [`MoneyError::FenOutOfRange`] for the one amount that has no opposite.
    pub fn negated(self) -> Result<Fen, MoneyError> {
        Fen::ZERO.minus(self)
    }

    /// The sum of many amounts.
    ///
    /// # Errors
    ///
    /// [`MoneyError::FenOutOfRange`] when it does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Fen>) -> Result<Fen, MoneyError> {
        amounts.into_iter().try_fold(Fen::ZERO, Fen::plus)
    }
}

/// `12.34`: yuan with two decimals, as Alipay's `total_amount` and every table of ours has it.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", fen / 100, fen % 100))
    }
}

/// Reads yuan with at most two decimals: `12`, `12.3`, `12.34`.
impl FromStr for Fen {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Fen, MoneyError> {
        let refused = || MoneyError::NotAnAmount(text.to_owned());
        let yuan = Decimal::from_str_exact(text).map_err(|_| refused())?;
        let fen = yuan.checked_mul(Decimal::ONE_HUNDRED).ok_or_else(refused)?;
        if !fen.is_integer() {
            return Err(refused());
        }
        i64::try_from(fen).map(Fen).map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yuan(text: &str) -> Yuan {
        Yuan::new(Decimal::from_str_exact(text).unwrap())
    }

    #[test]
    fn half_a_fen_rounds_away_from_zero() {
        for (exact, fen) in [
            ("0.004999", 0),
            ("0.005", 1),
            ("0.014999", 1),
            ("0.015", 2),
            ("-0.005", -1),
            ("-0.004999", 0),
        ] {
            assert_eq!(yuan(exact).to_fen_half_up(), Ok(Fen::new(fen)), "{exact}");
        }
    }

    #[test]
    fn fen_are_shown_and_read_as_yuan() {
        for (fen, text) in
            [(0, "0.00"), (7, "0.07"), (1234, "12.34"), (-5, "-0.05"), (-12345, "-123.45")]
        {
            assert_eq!(Fen::new(fen).to_string(), text);
            assert_eq!(text.parse(), Ok(Fen::new(fen)));
        }
    }

    #[test]
    fn text_that_is_not_an_amount_is_refused_and_never_rounded() {
        for text in ["", "1.234", "one", "1e3", "99999999999999999999", "0.001"] {
            assert_eq!(
                text.parse::<Fen>(),
                Err(MoneyError::NotAnAmount(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn overflow_names_its_operands() {
        let most = Fen::new(i64::MAX);
        assert_eq!(
            most.plus(Fen::new(1)),
            Err(MoneyError::FenOutOfRange { left: i64::MAX, right: 1 })
        );
    }

    #[test]
    fn a_product_that_would_lose_digits_is_refused() {
        let tiny = yuan("0.00000000000000000001");
        assert!(tiny.times(Decimal::from_str_exact("0.000000001").unwrap()).is_err());
        assert_eq!(yuan("0.0001").times(Decimal::from(300)), Ok(yuan("0.03")));
    }
}
