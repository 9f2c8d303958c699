//! Money: exact yuan for prices and unrounded charges, whole fen for what is billed and paid.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::exact;

/// Yuan, exact: a price or an unrounded charge, with up to 28 significant digits.
///
/// Arithmetic is checked: an operation that would lose a digit or overflow is a [`MoneyError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Yuan(Decimal);

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

impl Yuan {
    /// Nothing.
    pub const ZERO: Yuan = Yuan(Decimal::ZERO);

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

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
        self.exactly('+', other.0, self.unrounded(other, self.0.checked_add(other.0)))
    }

    /// The exact difference.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when it does not fit.
    pub fn minus(self, other: Yuan) -> Result<Yuan, MoneyError> {
        self.exactly('−', other.0, self.unrounded(other, self.0.checked_sub(other.0)))
    }

    /// This price times a quantity, exactly.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when the product needs more than 28 digits.
    pub fn times(self, quantity: Decimal) -> Result<Yuan, MoneyError> {
        let (left, right) = (self.0.normalize(), quantity.normalize());
        let is_nothing = left.is_zero() || right.is_zero();
        // `checked_mul` rounds a product with too many digits instead of refusing it.
        let keeps_all = |product: &Decimal| product.scale() == left.scale() + right.scale();
        let exact = left.checked_mul(right).filter(|product| is_nothing || keeps_all(product));
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

    /// Whole fen, rounded as the plan says.
    ///
    /// This is the one place where an exact amount becomes money that is billed: once for the
    /// month to date of a provider, never for a part of it.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TooManyYuan`] past ±¥92,233,720,368,547,758.07.
    pub fn to_fen_rounded(self, rounding: Rounding) -> Result<Fen, MoneyError> {
        self.to_fen(match rounding {
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
            Rounding::Up => RoundingStrategy::AwayFromZero,
            Rounding::Down => RoundingStrategy::ToZero,
        })
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

    /// A sum or a difference that kept every decimal: one with too many digits is rounded instead
    /// of refused.
    fn unrounded(self, other: Yuan, result: Option<Decimal>) -> Option<Decimal> {
        let is_one = self.is_zero() || other.is_zero();
        let decimals = self.0.scale().max(other.0.scale());
        result.filter(|result| is_one || result.scale() >= decimals)
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

impl<'de> Deserialize<'de> for Yuan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Yuan, D::Error> {
        let expected = "an amount in yuan as a text such as \"0.0001\", since a number may have been rounded on its way";
        exact::deserialize(deserializer, expected).map(Yuan)
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

    /// The amount in parts that are in proportion to some weights, to the fen: the parts sum to the amount.
    ///
    /// Each part is what the weights up to it amount to, rounded, less the parts before it. Where the
    /// weights sum to nothing, all of it is the first part.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a product leaves the range of exact arithmetic.
    pub fn shared_out(self, weights: &[Yuan]) -> Result<Vec<Fen>, MoneyError> {
        let all = Yuan::sum(weights.iter().copied())?;
        let (mut weight, mut given) = (Yuan::ZERO, Fen::ZERO);
        let mut parts = Vec::with_capacity(weights.len());
        for (place, of) in weights.iter().enumerate() {
            weight = weight.plus(*of)?;
            let upto = if all.is_zero() || place + 1 == weights.len() {
                self
            } else {
                let product = Yuan::from(self).times(weight.0)?;
                let share = product.0.checked_div(all.0);
                let share = share.ok_or(MoneyError::TooManyYuan(product.0))?;
                Yuan(share).to_fen_rounded(Rounding::HalfUp)?
            };
            parts.push(upto.minus(given)?);
            given = upto;
        }
        Ok(parts)
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
        let yuan = exact::parse(text).ok_or_else(refused)?;
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
    fn an_amount_becomes_fen_by_the_rule_of_the_plan() {
        for (exact, half_up, half_even, up, down) in [
            ("0.004999", 0, 0, 1, 0),
            ("0.005", 1, 0, 1, 0),
            ("0.014999", 1, 1, 2, 1),
            ("0.015", 2, 2, 2, 1),
            ("0.02", 2, 2, 2, 2),
            ("-0.005", -1, 0, -1, 0),
            ("-0.004999", 0, 0, -1, 0),
        ] {
            for (rounding, fen) in [
                (Rounding::HalfUp, half_up),
                (Rounding::HalfEven, half_even),
                (Rounding::Up, up),
                (Rounding::Down, down),
            ] {
                let rounded = yuan(exact).to_fen_rounded(rounding);
                assert_eq!(rounded, Ok(Fen::new(fen)), "{exact} {rounding:?}");
            }
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
        for text in
            ["", "1.234", "one", "1e3", "1_000", "+1", "1.", "99999999999999999999", "0.001"]
        {
            assert_eq!(
                text.parse::<Fen>(),
                Err(MoneyError::NotAnAmount(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn an_amount_is_shared_out_to_the_fen() {
        for (amount, weights, parts) in [
            (100, vec!["1", "1", "1"], vec![33, 34, 33]),
            (9143, vec!["47.1", "44.30864"], vec![4711, 4432]),
            (-5, vec!["1", "3"], vec![-1, -4]),
            (7, vec!["0", "0"], vec![7, 0]),
            (7, vec![], vec![]),
            (10, vec!["-1", "3"], vec![-5, 15]),
        ] {
            let weights = weights.into_iter().map(yuan).collect::<Vec<_>>();
            let shared = Fen::new(amount).shared_out(&weights).unwrap();
            assert_eq!(shared, parts.into_iter().map(Fen::new).collect::<Vec<_>>(), "{amount}");
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
        let long = Decimal::from_str_exact("999999.123456").unwrap();
        assert!(yuan("123456789012345678.0000000001").times(long).is_err());
    }

    #[test]
    fn a_sum_that_would_lose_digits_is_refused() {
        let (large, small) = (yuan("1000000000000000000000"), yuan("0.000000000001"));
        assert!(large.plus(small).is_err());
        assert!(large.minus(small).is_err());
        assert_eq!(large.plus(yuan("0.000001")), Ok(yuan("1000000000000000000000.000001")));
        assert_eq!(small.minus(small), Ok(Yuan::ZERO));
    }
}
