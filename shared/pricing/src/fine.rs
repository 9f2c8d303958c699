//! The decimals of an amount after the thirteenth.

use std::fmt;

use rust_decimal::Decimal;

/// The decimal after which they follow.
pub(crate) const AFTER: u32 = 13;

/// The same, to count characters.
pub(crate) const PLACES: usize = 13;

/// How many of them there are.
const DECIMALS: u32 = 18;

/// As many of the last decimal as are one of the thirteenth.
const ONE: i64 = 1_000_000_000_000_000_000;

/// The fourteenth to the thirty-first decimal of an amount, with its sign: a number of 10⁻³¹.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fine(i64);

impl Fine {
    pub(crate) const NOTHING: Fine = Fine(0);

    pub(crate) const fn is_nothing(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn signum(self) -> i64 {
        self.0.signum()
    }

    /// What a number has after its thirteenth decimal. It is that alone.
    pub(crate) fn of(rest: Decimal) -> Fine {
        // No number has more than 28 decimals.
        let units = rest.mantissa() * 10_i128.pow(AFTER + DECIMALS - rest.scale());
        Fine(
            i64::try_from(units).expect("less than a unit of the thirteenth decimal is below 10¹⁸"),
        )
    }

    /// Digits that follow the thirteenth decimal; none if there are too many.
    pub(crate) fn read(digits: &str, is_negative: bool) -> Option<Fine> {
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Fine::NOTHING);
        }
        let places = DECIMALS.checked_sub(u32::try_from(digits.len()).ok()?)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| digits.parse::<i64>().ok()).flatten()?;
        let number = number.checked_mul(10_i64.checked_pow(places)?)?;
        Some(Fine(if is_negative { -number } else { number }))
    }

    /// As a number, to the 28th decimal.
    pub(crate) fn decimal(self) -> Decimal {
        Decimal::from_i128_with_scale((self.0 / 1_000).into(), 28)
    }

    /// How many decimals an amount has that has these.
    pub(crate) fn decimals(self) -> u32 {
        let mut left = self.0;
        let mut decimals = AFTER + DECIMALS;
        while left != 0 && left % 10 == 0 {
            left /= 10;
            decimals -= 1;
        }
        decimals
    }

    /// The sum, which may be more than a unit of the thirteenth decimal.
    pub(crate) const fn plus(self, other: Fine) -> Fine {
        Fine(self.0 + other.0)
    }

    pub(crate) const fn negated(self) -> Fine {
        Fine(-self.0)
    }

    /// A number of units of the thirteenth decimal with what these decimals have of them, and what
    /// is left: less than one, and of the same sign.
    pub(crate) fn carried_to(self, units: i128) -> (i128, Fine) {
        let all = units + i128::from(self.0 / ONE);
        let left = self.0 % ONE;
        if all > 0 && left < 0 {
            (all - 1, Fine(left + ONE))
        } else if all < 0 && left > 0 {
            (all + 1, Fine(left - ONE))
        } else {
            (all, Fine(left))
        }
    }
}

/// A share of an amount, from 0 to 1 with at most twelve decimals, as a number and what comes after
/// it; none if it has more decimals or is larger than can be represented.
pub(crate) fn share(number: Decimal, fine: Fine, share: Decimal) -> Option<(Decimal, Fine)> {
    let share = share.normalize();
    let (parts, of) = (share.mantissa(), 10_i128.checked_pow(share.scale())?);
    let mut fixed = number;
    fixed.rescale(AFTER);
    let units = (fixed.scale() == AFTER).then_some(fixed.mantissa())?;
    // Whole units first, so that no product has more digits than can be held.
    let rest = (units % of).checked_mul(parts)?;
    let whole = (units / of).checked_mul(parts)?.checked_add(rest / of)?;
    let after =
        (rest % of).checked_mul(10_i128.checked_pow(DECIMALS.checked_sub(share.scale())?)?)?;
    let of_fine = i128::from(fine.0).checked_mul(parts)?;
    let fine = (of_fine % of == 0).then(|| after + of_fine / of)?;
    let number = Decimal::try_from_i128_with_scale(whole, AFTER).ok()?;
    Some((number, Fine(i64::try_from(fine).ok()?)))
}

/// All eighteen digits except the last zeros, without a sign.
impl fmt::Display for Fine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:018}", self.0.unsigned_abs());
        f.write_str(digits.trim_end_matches('0'))
    }
}
