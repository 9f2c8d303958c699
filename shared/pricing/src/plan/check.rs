//! The rules of a plan document, beyond its form.

use std::collections::BTreeMap;

use super::{PlanDocument, Rate, Rounded, bounds, deposit, discount};
use crate::faults::{CAP_MAX, Faults, PlanError, Rule};
use crate::{ApiPattern, Name, Quantity, Yuan};

/// Whether the document keeps every rule.
pub(super) fn document(document: &PlanDocument) -> Result<(), PlanError> {
    let mut faults = Faults::new();
    check_allowances(document.free_per_month, document.free_per_day, &mut faults);
    let before = faults.count();
    check_conversion(document.conversion.as_ref(), &mut faults);
    let converts = faults.count() == before;
    discount::check(&document.discounts, &mut faults);
    check_caps(document.minimum, document.maximum, &mut faults);
    deposit::check(document.deposit.as_ref(), &mut faults);
    faults.at("alerts", |faults| document.alerts.check_of_plan(faults));
    let mut can_be_priced = Vec::with_capacity(document.rates.len());
    faults.at("rates", |faults| {
        faults.unless(!document.rates.is_empty(), || Rule::NoRate);
        for (index, rate) in document.rates.iter().enumerate() {
            let before = faults.count();
            faults.at(index, |faults| check_rate(document, rate, faults));
            let has_units = converts || rate.conversion.is_some();
            can_be_priced.push(has_units && faults.count() == before);
        }
        check_names(&document.rates, faults);
        check_overlaps(&document.rates, faults);
    });
    bounds::check(document, &can_be_priced, &mut faults);
    faults.none()
}

fn check_rate(document: &PlanDocument, rate: &Rate, faults: &mut Faults) {
    faults.at("apis", |faults| faults.unless(!rate.apis.is_empty(), || Rule::CoversNothing));
    check_conversion(rate.conversion.as_ref(), faults);
    check_allowances(rate.free_per_month, rate.free_per_day, faults);
    let by_day = !document.free_per_day.is_zero();
    faults.at("free_per_month", |faults| {
        faults.unless(!by_day || rate.free_per_month.is_zero(), || Rule::MonthInDay);
    });
    let rounds = document.conversion_of(rate).is_some_and(|c| c.round != Rounded::None);
    faults.at("free_per_day", |faults| {
        let is_daily = by_day || !rate.free_per_day.is_zero();
        faults.unless(!is_daily || !rounds, || Rule::RoundedDays);
    });
    faults.at("price", |faults| rate.price.check(faults));
    discount::check(&rate.discounts, faults);
    check_caps(rate.minimum, rate.maximum, faults);
}

fn check_conversion(conversion: Option<&super::Conversion>, faults: &mut Faults) {
    if let Some(conversion) = conversion {
        faults.at("conversion", |faults| conversion.check(faults));
    }
}

fn check_allowances(per_month: Quantity, per_day: Quantity, faults: &mut Faults) {
    let is_one = per_month.is_zero() || per_day.is_zero();
    faults.at("free_per_day", |faults| faults.unless(is_one, || Rule::TwoAllowances));
}

fn check_caps(minimum: Option<Yuan>, maximum: Option<Yuan>, faults: &mut Faults) {
    for (field, cap) in [("minimum", minimum), ("maximum", maximum)] {
        let Some(cap) = cap else { continue };
        faults.at(field, |faults| check_cap(cap, faults));
    }
    if let (Some(minimum), Some(maximum)) = (minimum, maximum) {
        faults.at("maximum", |faults| {
            faults.unless(maximum >= minimum, || Rule::MaximumBelowMinimum(minimum));
        });
    }
}

/// An amount of whole fen that a month can have.
pub(super) fn check_cap(cap: Yuan, faults: &mut Faults) {
    faults.unless(cap >= Yuan::ZERO, || Rule::NegativePrice(cap));
    faults.unless(cap.decimals() <= 2, || Rule::CapTooPrecise(cap));
    faults.unless(cap.decimal() <= CAP_MAX.into(), || Rule::CapTooLarge);
}

fn check_names(rates: &[Rate], faults: &mut Faults) {
    for (index, rate) in rates.iter().enumerate() {
        let is_new = rates.iter().take(index).all(|other| other.rate != rate.rate);
        faults.at(index, |faults| {
            faults.at("rate", |faults| {
                faults.unless(is_new, || Rule::SameName { name: rate.rate.clone() });
            });
        });
    }
}

/// Two patterns of one rank that both cover an API are the same pattern.
fn check_overlaps(rates: &[Rate], faults: &mut Faults) {
    let mut seen: BTreeMap<&ApiPattern, &Name> = BTreeMap::new();
    for (index, rate) in rates.iter().enumerate() {
        for (place, pattern) in rate.apis.iter().enumerate() {
            let Some(first) = seen.insert(pattern, &rate.rate) else { continue };
            let rule = Rule::Overlap { pattern: pattern.clone(), first: first.clone() };
            faults.at(index, |faults| {
                faults.at("apis", |faults| faults.at(place, |faults| faults.note(rule)));
            });
        }
    }
}
