//! The decimals of an amount after the thirteenth.

use std::fmt;

use ethnum::I256;
use rust_decimal::Decimal;

/// The decimal after which they follow.
pub(crate) const AFTER: u32 = 13;

/// The same, to count characters.
pub(crate) const PLACES: usize = 13;

/// How many of them there are.
pub(crate) const DECIMALS: u32 = 62;

const TEN: I256 = I256::new(10);

/// The fourteenth to the seventy-fifth decimal of an amount, with its sign: a number of 10⁻⁷⁵.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fine(I256);

impl Fine {
    pub(crate) const NOTHING: Fine = Fine(I256::ZERO);

    pub(crate) const fn is_nothing(self) -> bool {
        let (high, low) = self.0.into_words();
        high | low == 0
    }

    pub(crate) fn signum(self) -> i64 {
        self.0.signum().as_i64()
    }

    /// What a number has after its thirteenth decimal. It is that alone.
    pub(crate) fn of(rest: Decimal) -> Fine {
        // No number has more than 28 decimals.
        Fine(I256::new(rest.mantissa()) * power(AFTER + DECIMALS - rest.scale()))
    }

    /// Digits that follow the thirteenth decimal; none if there are too many.
    pub(crate) fn read(digits: &str, is_negative: bool) -> Option<Fine> {
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Fine::NOTHING);
        }
        let places = DECIMALS.checked_sub(u32::try_from(digits.len()).ok()?)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| digits.parse::<I256>().ok()).flatten()?;
        let number = number.checked_mul(power(places))?;
        Some(Fine(if is_negative { -number } else { number }))
    }

    /// As a number, to the 28th decimal.
    pub(crate) fn decimal(self) -> Decimal {
        let shown = self.0 / power(DECIMALS + AFTER - Decimal::MAX_SCALE);
        Decimal::from_i128_with_scale(shown.as_i128(), Decimal::MAX_SCALE)
    }

    /// How many decimals an amount has that has these.
    pub(crate) fn decimals(self) -> u32 {
        let mut left = self.0;
        let mut decimals = AFTER + DECIMALS;
        while left != I256::ZERO && left % TEN == I256::ZERO {
            left /= TEN;
            decimals -= 1;
        }
        decimals
    }

    /// The sum, which may be more than a unit of the thirteenth decimal.
    pub(crate) fn plus(self, other: Fine) -> Fine {
        Fine(self.0 + other.0)
    }

    pub(crate) fn negated(self) -> Fine {
        Fine(-self.0)
    }

    /// A number of units of the thirteenth decimal with what these decimals have of them, and what
    /// is left: less than one, and of the same sign.
    pub(crate) fn carried_to(self, units: i128) -> (i128, Fine) {
        let one = power(DECIMALS);
        let all = units + (self.0 / one).as_i128();
        let left = self.0 % one;
        if all > 0 && left < I256::ZERO {
            (all - 1, Fine(left + one))
        } else if all < 0 && left > I256::ZERO {
            (all + 1, Fine(left - one))
        } else {
            (all, Fine(left))
        }
    }
}

/// A power of ten, up to the 76th.
fn power(exponent: u32) -> I256 {
    TEN.pow(exponent)
}

/// A number times another, as a number and what comes after its thirteenth decimal; none if it is
/// larger than can be represented.
pub(crate) fn product(number: Decimal, times: Decimal) -> Option<(Decimal, Fine)> {
    let (number, times) = (number.normalize(), times.normalize());
    let scale = number.scale() + times.scale();
    // Of 28 digits each.
    let product = I256::new(number.mantissa()) * I256::new(times.mantissa());
    let (whole, fine) = match scale.checked_sub(AFTER) {
        Some(beyond) => {
            let of = power(beyond);
            (product / of, product % of * power(DECIMALS - beyond))
        }
        None => (product * power(AFTER - scale), I256::ZERO),
    };
    let number = Decimal::try_from_i128_with_scale(i128::try_from(whole).ok()?, AFTER).ok()?;
    Some((number, Fine(fine)))
}

/// A share of an amount, from 0 to 1 with at most twelve decimals, as a number and what comes after
/// it; none if it has more decimals or is larger than can be represented.
pub(crate) fn share(number: Decimal, fine: Fine, share: Decimal) -> Option<(Decimal, Fine)> {
    let (number, after) = product(number, share)?;
    let share = share.normalize();
    let of_fine = fine.0.checked_mul(I256::new(share.mantissa()))?;
    let of = power(share.scale());
    (of_fine % of == I256::ZERO).then(|| (number, after.plus(Fine(of_fine / of))))
}

/// All sixty-two digits except the last zeros, without a sign.
impl fmt::Display for Fine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:062}", self.0.unsigned_abs());
        f.write_str(digits.trim_end_matches('0'))
    }
}
