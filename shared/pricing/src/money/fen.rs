//! Whole fen.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{MoneyError, Rounding, Yuan};
use crate::exact;

/// Money in whole fen, a hundredth of a yuan: what is billed, stored and sent to Alipay.
///
/// Negative for a credit.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Fen(i64);

impl Fen {
    /// No money at all.
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

    /// The amount without its sign; of the least amount that there is, the largest.
    #[must_use]
    pub const fn abs(self) -> Fen {
        Fen(self.0.saturating_abs())
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

    /// The amount in parts that are in proportion to some weights, to the fen: the parts sum to the
    /// amount.
    ///
    /// Each part is what the weights up to it amount to, rounded, less the parts before it. Where
    /// the weights sum to nothing, all of it is the first part.
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
                // Of a product with too many digits the last are rounded: a share needs none of
                // them.
                let product = Yuan::from(self).decimal().checked_mul(weight.decimal());
                let share = product.and_then(|product| product.checked_div(all.decimal()));
                let share = share.ok_or(MoneyError::TooManyYuan(weight.decimal()))?;
                Yuan::new(share).to_fen_rounded(Rounding::HalfUp)?
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
            (
                1_234_567_890,
                vec!["1234567.8901234567891", "11111111.1098765432109"],
                vec![123_456_788, 1_111_111_102],
            ),
        ] {
            let weights = weights.into_iter().map(yuan).collect::<Vec<_>>();
            let shared = Fen::new(amount).shared_out(&weights).unwrap();
            assert_eq!(shared, parts.into_iter().map(Fen::new).collect::<Vec<_>>(), "{amount}");
        }
    }
}
