//! Ceilings: amounts that nothing exceeds, and whether all below them are exact.

use rust_decimal::Decimal;

use crate::faults::{Faults, Rule};
use crate::{Discount, Percent, Yuan};

/// The largest amount of a plan, in yuan: 2.5·10¹⁴. To the thirteenth decimal, 31 segments of a
/// month, each under another plan, still sum to less than the 7.9·10²⁸ that are exact.
const WORST_MAX: Decimal = Decimal::from_parts(2_838_601_728, 58_207, 0, false, 0);

/// The most decimals of a price before discounts.
const PRICE_DECIMALS_MAX: u32 = 13;

/// The most decimals of what discounts leave.
const DECIMALS_MAX: u32 = 31;

/// An amount that no usage exceeds, and the most decimals that an amount below it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ceiling {
    worst: Decimal,
    decimals: u32,
}

impl Ceiling {
    pub(crate) const NOTHING: Ceiling = Ceiling { worst: Decimal::ZERO, decimals: 0 };

    /// So many at the highest of the prices, and all of the fees; more than can be computed where
    /// there are more than can be counted.
    pub(crate) fn of(
        count: Decimal,
        prices: impl IntoIterator<Item = Yuan>,
        fees: impl IntoIterator<Item = Yuan>,
    ) -> Ceiling {
        let uncountable = if count == Decimal::MAX { count } else { Decimal::ZERO };
        let mut ceiling = Ceiling { worst: uncountable, decimals: 0 };
        for price in prices {
            ceiling.worst = ceiling.worst.max(times(count, price.decimal()));
            ceiling.decimals = ceiling.decimals.max(decimals(price.decimal()));
        }
        ceiling.decimals += decimals(count);
        fees.into_iter()
            .map(Yuan::decimal)
            .fold(ceiling, |sum, fee| sum.plus(Ceiling { worst: fee, decimals: decimals(fee) }))
    }

    pub(crate) fn plus(self, other: Ceiling) -> Ceiling {
        Ceiling {
            worst: self.worst.checked_add(other.worst).unwrap_or(Decimal::MAX),
            decimals: self.decimals.max(other.decimals),
        }
    }

    /// With the decimals that discounts add.
    pub(crate) fn discounted(self, discounts: &[Discount]) -> Ceiling {
        let decimals = discounts.iter().fold(self.decimals, |before, discount| {
            let amount = discount.amount.map_or(0, |amount| decimals(amount.decimal()));
            let percent = discount.percent.map_or(Yuan::ZERO, Percent::of_one_yuan);
            before.max(amount) + decimals(percent.decimal())
        });
        Ceiling { decimals, ..self }
    }

    /// Or as much as is due in any case.
    pub(crate) fn at_least(self, minimum: Option<Yuan>) -> Ceiling {
        let Some(minimum) = minimum.map(Yuan::decimal) else { return self };
        let decimals = self.decimals.max(decimals(minimum));
        Ceiling { worst: self.worst.max(minimum), decimals }
    }

    /// Notes a price that is not exact before discounts.
    pub(crate) fn check_price(self, faults: &mut Faults) {
        self.check_to(PRICE_DECIMALS_MAX, faults);
    }

    /// Notes an amount that is not exact.
    pub(crate) fn check(self, faults: &mut Faults) {
        self.check_to(DECIMALS_MAX, faults);
    }

    fn check_to(self, most: u32, faults: &mut Faults) {
        let is_exact = self.worst <= WORST_MAX && self.decimals <= most;
        faults.unless(is_exact, || Rule::TooManyDigits {
            worst: self.worst.trunc(),
            decimals: self.decimals,
            most,
        });
    }
}

/// The magnitude of a product; what has too many digits to be exact is refused by its decimals.
fn times(count: Decimal, price: Decimal) -> Decimal {
    count.checked_mul(price).unwrap_or(Decimal::MAX)
}

/// How many decimals a number has.
pub(crate) fn decimals(number: Decimal) -> u32 {
    number.normalize().scale()
}
