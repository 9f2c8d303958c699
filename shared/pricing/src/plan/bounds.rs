//! Proves that a plan can price all usage that can be counted, exactly.

use rust_decimal::Decimal;

use super::{PlanDocument, Rate, Rounded};
use crate::ceiling::{Ceiling, decimals};
use crate::faults::{Faults, Rule};
use crate::meter::AMOUNT_DECIMALS_MAX;
use crate::model::Metric;
use crate::{Amount, Calls, Quantity};

/// Notes amounts that could not be computed exactly: of each rate that keeps its own rules, and of
/// all rates together if nothing else is wrong.
pub(super) fn check(document: &PlanDocument, can_be_priced: &[bool], faults: &mut Faults) {
    let mut all = Ceiling::NOTHING;
    let rates = document.rates.iter().enumerate().zip(can_be_priced);
    let rates = || rates.clone().filter(|(_, can_be)| **can_be).map(|(rate, _)| rate);
    let is_exact = |(_, rate): (usize, &Rate)| {
        rate.conversion.is_some() || most_units(document, rate).is_some()
    };
    faults.at("conversion", |faults| faults.unless(rates().all(is_exact), || Rule::TooManyUnits));
    faults.at("rates", |faults| {
        for (index, rate) in rates() {
            faults.at(index, |faults| all = all.plus(check_rate(document, rate, faults)));
        }
    });
    if faults.count() == 0 {
        faults.at("rates", |faults| all.check(faults));
    }
    if faults.count() == 0 {
        let left = all.discounted(&document.discounts);
        faults.at("discounts", |faults| left.at_least(document.minimum).check(faults));
    }
}

fn check_rate(document: &PlanDocument, rate: &Rate, faults: &mut Faults) -> Ceiling {
    let Some(units) = most_units(document, rate) else {
        let is_plans = rate.conversion.is_none();
        faults.at("conversion", |faults| faults.unless(is_plans, || Rule::TooManyUnits));
        return Ceiling::NOTHING;
    };
    let price = rate.price.ceiling(units, Calls::MAX.get().into());
    let before = faults.count();
    faults.at("price", |faults| price.check_price(faults));
    let ceiling = price.discounted(&rate.discounts).at_least(rate.minimum);
    if faults.count() == before {
        faults.at("discounts", |faults| ceiling.check(faults));
    }
    ceiling
}

/// The most units that the rate prices, with as many decimals as any number of them has; none where
/// not all are exact.
fn most_units(document: &PlanDocument, rate: &Rate) -> Option<Decimal> {
    let (most, decimals) = match rate.price.metric() {
        Metric::Calls => (Calls::MAX.get().into(), 0),
        Metric::Amount => (Amount::MAX.get(), AMOUNT_DECIMALS_MAX),
    };
    let most = match document.conversion_of(rate) {
        None => most,
        Some(conversion) => {
            let multiplied = most.checked_mul(conversion.multiply.get())?;
            with_decimals(multiplied, decimals + conversion.multiply.get().scale())?;
            conversion.most(most)
        }
    };
    let of_tiers = rate.price.cuts().into_iter().map(decimals_of).max().unwrap_or(0);
    let decimals = decimals_beyond(document, rate).max(decimals_shared(document, rate));
    with_decimals(most, decimals.max(of_tiers))
}

/// The decimals of a rate's units beyond its own allowance.
fn decimals_beyond(document: &PlanDocument, rate: &Rate) -> u32 {
    let metered = match rate.price.metric() {
        Metric::Calls => 0,
        Metric::Amount => AMOUNT_DECIMALS_MAX,
    };
    let units = match document.conversion_of(rate) {
        None => metered,
        Some(conversion) => match conversion.round {
            Rounded::Up | Rounded::Down | Rounded::HalfUp | Rounded::HalfEven => 0,
            Rounded::None => metered + conversion.decimals_added(),
        },
    };
    let allowances = [rate.free_per_month, rate.free_per_day].map(decimals_of);
    allowances.into_iter().fold(units, u32::max)
}

/// The decimals of what other rates leave of the plan's own allowance: in a later segment, those
/// after it too.
fn decimals_shared(document: &PlanDocument, rate: &Rate) -> u32 {
    let allowances = [document.free_per_month, document.free_per_day];
    let is_shared = allowances.iter().any(|allowance| !allowance.is_zero());
    if !is_shared || rate.price.metric() != Metric::Calls {
        return 0;
    }
    let sharing = document.rates.iter().filter(|rate| rate.price.metric() == Metric::Calls);
    let beyond = sharing.map(|rate| decimals_beyond(document, rate));
    beyond.chain(allowances.map(decimals_of)).max().unwrap_or(0)
}

fn decimals_of(quantity: Quantity) -> u32 {
    decimals(quantity.get())
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
