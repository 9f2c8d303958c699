//! Proves that a plan can price all usage that can be counted, exactly.

use rust_decimal::Decimal;

use super::{Faults, PlanDocument, Rate, Rounded, Rule};
use crate::meter::AMOUNT_DECIMALS_MAX;
use crate::model::Metric;
use crate::{Amount, Calls, Discount, Yuan};

/// The most that a plan can come to, in yuan: 2.5·10¹⁴. With [`DECIMALS_MAX`] decimals, 31 segments
/// of a month, each under another plan, still sum to less than the 7.9·10²⁸ that are exact.
const WORST_MAX: Decimal = Decimal::from_parts(2_838_601_728, 58_207, 0, false, 0);

/// The most decimals of an amount.
const DECIMALS_MAX: u32 = 13;

/// An amount that no usage exceeds, and the most decimals that an amount below it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ceiling {
    worst: Decimal,
    decimals: u32,
}

impl Ceiling {
    const NOTHING: Ceiling = Ceiling { worst: Decimal::ZERO, decimals: 0 };

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
    fn discounted(self, discounts: &[Discount]) -> Ceiling {
        let added = discounts.iter().map(|d| decimals(d.percent.of_one_yuan().decimal()));
        Ceiling { decimals: self.decimals + added.sum::<u32>(), ..self }
    }

    /// Or as much as is due in any case.
    fn at_least(self, minimum: Option<Yuan>) -> Ceiling {
        let Some(minimum) = minimum.map(Yuan::decimal) else { return self };
        let decimals = self.decimals.max(decimals(minimum));
        Ceiling { worst: self.worst.max(minimum), decimals }
    }

    fn check(self, faults: &mut Faults) {
        let is_exact = self.worst <= WORST_MAX && self.decimals <= DECIMALS_MAX;
        faults.unless(is_exact, || Rule::TooManyDigits {
            worst: self.worst.trunc(),
            decimals: self.decimals,
        });
    }
}

/// Notes amounts that could not be computed exactly.
pub(super) fn check(document: &PlanDocument, faults: &mut Faults) {
    let mut all = Ceiling::NOTHING;
    let by_plan = |rate: &&Rate| rate.conversion.is_none();
    let is_exact = document.rates.iter().filter(by_plan).all(|r| most_units(document, r).is_some());
    faults.at("conversion", |faults| faults.unless(is_exact, || Rule::TooManyUnits));
    faults.at("rates", |faults| {
        for (index, rate) in document.rates.iter().enumerate() {
            faults.at(index, |faults| all = all.plus(check_rate(document, rate, faults)));
        }
    });
    if faults.is_empty() {
        let all = all.discounted(&document.discounts).at_least(document.minimum);
        faults.at("rates", |faults| all.check(faults));
    }
}

fn check_rate(document: &PlanDocument, rate: &Rate, faults: &mut Faults) -> Ceiling {
    let Some(units) = most_units(document, rate) else {
        let is_plans = rate.conversion.is_none();
        faults.at("conversion", |faults| faults.unless(is_plans, || Rule::TooManyUnits));
        return Ceiling::NOTHING;
    };
    let ceiling = rate.price.ceiling(units, Calls::MAX.get().into());
    let ceiling = ceiling.discounted(&rate.discounts).at_least(rate.minimum);
    faults.at("price", |faults| ceiling.check(faults));
    ceiling
}

/// The most units that the rate prices, with as many decimals as any number of them has; none where
/// not all are exact.
fn most_units(document: &PlanDocument, rate: &Rate) -> Option<Decimal> {
    let (most, decimals) = match rate.price.metric() {
        Metric::Calls => (Calls::MAX.get().into(), 0),
        Metric::Amount => (Amount::MAX.get(), AMOUNT_DECIMALS_MAX),
    };
    let (most, decimals) = match document.conversion_of(rate) {
        None => (most, decimals),
        Some(conversion) => {
            let multiplied = most.checked_mul(conversion.multiply.get())?;
            let decimals_multiplied = decimals + conversion.multiply.get().scale();
            with_decimals(multiplied, decimals_multiplied)?;
            let decimals = match conversion.round {
                Rounded::Up | Rounded::Down => 0,
                Rounded::None => decimals + conversion.decimals_added(),
            };
            (conversion.most(most), decimals)
        }
    };
    with_decimals(most, decimals.max(decimals_cut(document, rate)))
}

/// The decimals of where the units are cut: at the end of an allowance or of a tier.
fn decimals_cut(document: &PlanDocument, rate: &Rate) -> u32 {
    let of_plan = [document.free_per_month, document.free_per_day];
    let of_rate = [rate.free_per_month, rate.free_per_day];
    let cuts = of_plan.into_iter().chain(of_rate).chain(rate.price.cuts());
    cuts.map(|cut| decimals(cut.get())).max().unwrap_or(0)
}

/// A number at least as large that shows so many decimals; none if it has no place for them.
fn with_decimals(number: Decimal, decimals: u32) -> Option<Decimal> {
    if decimals == 0 {
        return Some(number.ceil());
    }
    // A one at the last decimal keeps the number from being written with fewer.
    let last = Decimal::try_new(1, decimals).ok()?;
    number.ceil().checked_add(last).filter(|sum| sum.scale() == decimals)
}

/// The magnitude of a product; what has too many digits to be exact is refused by its decimals.
fn times(count: Decimal, price: Decimal) -> Decimal {
    count.checked_mul(price).unwrap_or(Decimal::MAX)
}

fn decimals(number: Decimal) -> u32 {
    number.normalize().scale()
}
