//! Exact yuan.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Fen, MoneyError, Rounding};
use crate::fine::{self, Fine};
use crate::{Percent, exact};

/// Yuan, exact: a price or an unrounded charge. It has up to 28 significant digits as far as the
/// thirteenth decimal, and sixty-two decimals more. Discounts of discounts need eighteen of them;
/// the others are for a month of several versions of a plan, in which a limit counts what was
/// charged under one of them, and another takes its discounts off the rest.
///
/// Arithmetic is checked: an operation that would lose a digit or overflow is a [`MoneyError`].
// Compared field by field: what follows the thirteenth decimal has the sign of the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Yuan {
    /// The amount, cut after the thirteenth decimal.
    number: Decimal,
    /// The decimals after it; nothing of nearly all amounts.
    fine: Fine,
}

impl Yuan {
    /// No money at all.
    pub const ZERO: Yuan = Yuan { number: Decimal::ZERO, fine: Fine::NOTHING };

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.number.is_zero() && self.fine.is_nothing()
    }

    /// The exact amount `amount`, in yuan.
    #[must_use]
    pub fn new(amount: Decimal) -> Yuan {
        if amount.scale() <= fine::AFTER {
            return Yuan { number: amount, fine: Fine::NOTHING };
        }
        let number = amount.trunc_with_scale(fine::AFTER);
        Yuan { number, fine: Fine::of(amount - number) }
    }

    /// The amount as a decimal number of yuan, rounded if it has more than 28 digits.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        if self.fine.is_nothing() { self.number } else { self.number + self.fine.decimal() }
    }

    /// How many decimals the amount has.
    pub(crate) fn decimals(self) -> u32 {
        if self.fine.is_nothing() { self.number.normalize().scale() } else { self.fine.decimals() }
    }

    /// The exact sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when it does not fit.
    pub fn plus(self, other: Yuan) -> Result<Yuan, MoneyError> {
        // Most fees are nothing, and every sum begins with it.
        if other.is_zero() {
            return Ok(self);
        }
        if self.is_zero() {
            return Ok(other);
        }
        if !self.fine.is_nothing() || !other.fine.is_nothing() {
            return self.plus_fine(other);
        }
        let sum = sum(self.number, other.number, Decimal::checked_add);
        self.exactly('+', other.number, sum, Decimal::checked_add)
    }

    /// The exact difference.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when it does not fit.
    pub fn minus(self, other: Yuan) -> Result<Yuan, MoneyError> {
        if other.is_zero() {
            return Ok(self);
        }
        if !self.fine.is_nothing() || !other.fine.is_nothing() {
            return self.plus_fine(Yuan { number: -other.number, fine: other.fine.negated() });
        }
        let difference = sum(self.number, other.number, Decimal::checked_sub);
        self.exactly('−', other.number, difference, Decimal::checked_sub)
    }

    /// This price times a quantity, exactly.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when the product has more than 28 digits up to its thirteenth
    /// decimal, or this price has more decimals than that.
    pub fn times(self, quantity: Decimal) -> Result<Yuan, MoneyError> {
        if self.is_zero() || quantity.is_zero() {
            return Ok(Yuan::ZERO);
        }
        // `checked_mul` rounds a product with too many digits instead of refusing it.
        let scale = self.number.scale() + quantity.scale();
        let product = self.number.checked_mul(quantity);
        let exact = product.filter(|product| product.scale() == scale && scale <= fine::AFTER);
        match exact.filter(|_| self.fine.is_nothing()) {
            Some(number) => Ok(Yuan { number, fine: Fine::NOTHING }),
            None => self.times_fine(quantity),
        }
    }

    #[cold]
    fn times_fine(self, quantity: Decimal) -> Result<Yuan, MoneyError> {
        let product = Some(self.number).filter(|_| self.fine.is_nothing());
        let product = product.and_then(|number| fine::product(number, quantity));
        let product = product.and_then(|(number, fine)| Yuan::carried(number, fine));
        product.ok_or_else(|| self.out_of_range('×', quantity))
    }

    /// So many percent of this amount, exactly.
    ///
    /// # Errors
    ///
    /// [`MoneyError::YuanOutOfRange`] when the share needs more than 75 decimals.
    pub fn percent(self, percent: Percent) -> Result<Yuan, MoneyError> {
        let share = percent.of_one_yuan().number;
        if self.fine.is_nothing() { self.times(share) } else { self.fine_share(share) }
    }

    #[cold]
    fn fine_share(self, share: Decimal) -> Result<Yuan, MoneyError> {
        let shared = fine::share(self.number, self.fine, share);
        let shared = shared.and_then(|(number, fine)| Yuan::carried(number, fine));
        shared.ok_or_else(|| self.out_of_range('×', share))
    }

    /// A sum or a difference that was computed; without one, that of the numbers without their last
    /// zeros, which take up the place of digits.
    fn exactly(
        self,
        operation: char,
        other: Decimal,
        result: Option<Decimal>,
        compute: Compute,
    ) -> Result<Yuan, MoneyError> {
        match result {
            Some(number) => Ok(Yuan { number, fine: Fine::NOTHING }),
            None => self.shortest(operation, other, compute),
        }
    }

    #[cold]
    fn shortest(
        self,
        operation: char,
        other: Decimal,
        compute: Compute,
    ) -> Result<Yuan, MoneyError> {
        let number = sum(self.number.normalize(), other.normalize(), compute);
        let number = number.ok_or_else(|| self.out_of_range(operation, other))?;
        Ok(Yuan { number, fine: Fine::NOTHING })
    }

    #[cold]
    fn plus_fine(self, other: Yuan) -> Result<Yuan, MoneyError> {
        let sum = self.number.checked_add(other.number);
        let sum = sum.and_then(|number| Yuan::carried(number, self.fine.plus(other.fine)));
        sum.ok_or_else(|| self.out_of_range('+', other.decimal()))
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
        let number =
            if self.fine.is_nothing() { self.number } else { self.with_any_fifth_decimal() };
        number
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|fen| i64::try_from(fen.round_dp_with_strategy(0, strategy)).ok())
            .map(Fen::new)
            .ok_or(MoneyError::TooManyYuan(self.number))
    }

    /// A number that rounds to fen as the amount does, which has something after the fourth
    /// decimal: what that is makes no difference.
    fn with_any_fifth_decimal(self) -> Decimal {
        self.number.trunc_with_scale(4) + Decimal::new(self.fine.signum(), 5)
    }

    /// The sum of a number and of what goes beyond its thirteenth decimal, or what of both has
    /// another sign than the other; none if the number has no place for so many decimals.
    fn carried(number: Decimal, fine: Fine) -> Option<Yuan> {
        let mut fixed = number;
        fixed.rescale(fine::AFTER);
        let mantissa = (fixed.scale() == fine::AFTER).then_some(fixed.mantissa())?;
        let (carried, fine) = fine.carried_to(mantissa);
        let number = Decimal::try_from_i128_with_scale(carried, fine::AFTER).ok()?;
        Some(Yuan { number: number.normalize(), fine })
    }

    #[cold]
    fn out_of_range(self, operation: char, right: Decimal) -> MoneyError {
        MoneyError::YuanOutOfRange { left: self.decimal(), operation, right }
    }
}

/// An addition or a subtraction.
type Compute = fn(Decimal, Decimal) -> Option<Decimal>;

/// A sum or a difference that kept every decimal: one with too many digits is rounded instead of
/// refused.
fn sum(left: Decimal, right: Decimal, compute: Compute) -> Option<Decimal> {
    let decimals = left.scale().max(right.scale());
    compute(left, right).filter(|result| result.scale() >= decimals)
}

/// `0.0234`: yuan, all digits, no sign of the currency.
impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fine.is_nothing() {
            return self.number.normalize().fmt(f);
        }
        let sign = if self.fine.signum() < 0 { "-" } else { "" };
        let mut number = self.number.abs();
        number.rescale(fine::AFTER);
        f.pad(&format!("{sign}{number}{}", self.fine))
    }
}

/// Reads plain digits such as `-12.50`.
fn read(text: &str) -> Option<Yuan> {
    let cut = text.find('.').map_or(text.len(), |point| text.len().min(point + 1 + fine::PLACES));
    let (number, rest) = text.split_at_checked(cut)?;
    let fine = Fine::read(rest, text.starts_with('-'))?;
    let number = exact::parse(number)?;
    if fine.is_nothing() { Some(Yuan { number, fine }) } else { Yuan::carried(number, fine) }
}

impl Serialize for Yuan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Yuan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Yuan, D::Error> {
        let expected = "an amount in yuan as a text such as \"0.0001\", since a number may have been rounded on its way";
        exact::deserialize(deserializer, expected, read)
    }
}

impl From<Fen> for Yuan {
    fn from(fen: Fen) -> Yuan {
        Yuan { number: Decimal::new(fen.get(), 2), fine: Fine::NOTHING }
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

    /// The decimals after the thirteenth are added, subtracted, compared and written as all others.
    #[test]
    fn amounts_have_seventy_five_decimals() {
        for (left, right, sum) in [
            ("0.00000000000009", "0.00000000000002", "0.00000000000011"),
            ("1", "-0.0000000000000000000000000000001", "0.9999999999999999999999999999999"),
            ("-1", "0.0000000000000000000000000000001", "-0.9999999999999999999999999999999"),
            ("0.00000000000005", "-0.0000000000001", "-0.00000000000005"),
            ("0.9999999999999999999999999999999", "0.0000000000000000000000000000001", "1"),
            (
                "250000000000000.0000000000001",
                "0.00000000000000001",
                "250000000000000.00000000000010001",
            ),
            ("-0.0000000000000000000000000000001", "0.0000000000000000000000000000001", "0"),
        ] {
            let read = |text: &str| {
                let amount: Yuan = serde_json::from_str(&format!("\"{text}\"")).unwrap();
                assert_eq!(amount.to_string(), text);
                amount
            };
            let (left, right, sum) = (read(left), read(right), read(sum));
            assert_eq!(left.plus(right), Ok(sum));
            assert_eq!(sum.minus(right), Ok(left));
            assert_eq!(left < sum, right > Yuan::ZERO, "{left} {sum}");
            assert_eq!(serde_json::to_string(&sum).unwrap(), format!("\"{sum}\""));
        }
        let refused = |text: &str| serde_json::from_str::<Yuan>(&format!("\"{text}\"")).is_err();
        let last = format!("0.{}1", "0".repeat(74));
        assert!(!refused(&last) && refused(&last.replace("1", "01")));
        assert!(refused("0.0000000000000x"));
        assert!(yuan("1000000000000000000").plus(yuan("0.00000000000001")).is_err());
    }

    #[test]
    fn a_percentage_of_an_amount_is_exact_to_seventy_five_decimals() {
        let percent = |text: &str| Percent::new(Decimal::from_str_exact(text).unwrap()).unwrap();
        let mut left = yuan("250000000000000.0000000000001");
        for _ in 0..4 {
            left = left.minus(left.percent(percent("12.34")).unwrap()).unwrap();
        }
        assert_eq!(left.to_string(), "147620228741888.40000000000005904809149675536");
        assert_eq!(left.percent(percent("0")), Ok(Yuan::ZERO));
        assert_eq!(left.percent(percent("100")), Ok(left));
        for _ in 0..3 {
            left = left.minus(left.percent(percent("99.9999999999")).unwrap()).unwrap();
        }
        assert_eq!(left.decimals(), 65);
        assert!(left.percent(percent("0.1234567891")).is_err());
        assert!(left.percent(percent("0.123456")).is_ok());
    }

    #[test]
    fn decimals_after_the_thirteenth_decide_how_fen_are_rounded() {
        for (exact, half_up, half_even, up, down) in [
            ("0.005", 1, 0, 1, 0),
            ("0.00500000000000000001", 1, 1, 1, 0),
            ("0.00499999999999999999", 0, 0, 1, 0),
            ("0.00000000000000000001", 0, 0, 1, 0),
            ("-0.00500000000000000001", -1, -1, -1, 0),
            ("-0.00000000000000000001", 0, 0, -1, 0),
        ] {
            for (rounding, fen) in [
                (Rounding::HalfUp, half_up),
                (Rounding::HalfEven, half_even),
                (Rounding::Up, up),
                (Rounding::Down, down),
            ] {
                assert_eq!(yuan(exact).to_fen_rounded(rounding), Ok(Fen::new(fen)), "{exact}");
            }
        }
        assert_eq!(yuan("-0.00000000000000000001").to_fen_floor(), Ok(Fen::new(-1)));
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
