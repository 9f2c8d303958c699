//! Whether one price list never asks for more than another.

use rust_decimal::Decimal;

use super::{Discount, OnChange, PlanDocument, Rate};
use crate::model::{Package, Packages, Percentage, PercentageTier, Tier};
use crate::{Block, PriceModel, Quantity, Yuan};

impl PriceModel {
    /// Whether the model never costs more than another, whatever is used: it has the same tiers,
    /// and no price of it is higher. Each unit at one price also compares with graduated tiers and
    /// with packages; packages compare with smaller ones, and with larger ones of which they are a
    /// whole part.
    pub(crate) fn is_at_most(&self, other: &PriceModel) -> bool {
        match (self, other) {
            (PriceModel::PerUnit(model), PriceModel::PerUnit(other)) => {
                model.unit_price <= other.unit_price
            }
            (PriceModel::PerUnit(model), PriceModel::Graduated(other)) => {
                unit_against_tiers(model.unit_price, &other.tiers).unwrap_or(false)
            }
            (PriceModel::PerUnit(model), PriceModel::Package(other)) => {
                other.charged == Packages::Started
                    && other.free_units.is_zero()
                    && of_package(model.unit_price, other.size)
                        .is_some_and(|units| units <= other.price.decimal())
            }
            (PriceModel::Package(model), PriceModel::PerUnit(other)) => {
                let units = of_package(other.unit_price, model.size);
                model.charged == Packages::Full
                    && units.is_some_and(|units| model.price.decimal() <= units)
            }
            (PriceModel::Graduated(model), PriceModel::PerUnit(other)) => {
                let is_at_most =
                    |tier: &Tier| tier.unit_price <= other.unit_price && tier.flat_fee.is_zero();
                model.tiers.iter().all(is_at_most)
            }
            (PriceModel::Graduated(model), PriceModel::Graduated(other)) => {
                (!model.flat_fee_at_zero_usage || other.flat_fee_at_zero_usage)
                    && are_at_most(&model.tiers, &other.tiers)
            }
            (PriceModel::Volume(model), PriceModel::Volume(other)) => {
                (!model.flat_fee_at_zero_usage || other.flat_fee_at_zero_usage)
                    && are_at_most(&model.tiers, &other.tiers)
            }
            (PriceModel::Package(model), PriceModel::Package(other)) => package(model, other),
            (PriceModel::Block(model), PriceModel::Block(other)) => block(model, other),
            (PriceModel::Percentage(model), PriceModel::Percentage(other)) => {
                percentage(model, other)
            }
            (PriceModel::GraduatedPercentage(model), PriceModel::GraduatedPercentage(other)) => {
                (!model.flat_fee_at_zero_usage || other.flat_fee_at_zero_usage)
                    && model.fee_per_call <= other.fee_per_call
                    && model.free_calls >= other.free_calls
                    && all_pairs(&model.tiers, &other.tiers, share_tier)
            }
            (
                PriceModel::PerUnit(_)
                | PriceModel::Package(_)
                | PriceModel::Graduated(_)
                | PriceModel::Volume(_)
                | PriceModel::Block(_)
                | PriceModel::Percentage(_)
                | PriceModel::GraduatedPercentage(_),
                _,
            ) => false,
        }
    }
}

fn are_at_most(tiers: &[Tier], others: &[Tier]) -> bool {
    all_pairs(tiers, others, |tier, other| {
        tier.up_to == other.up_to
            && tier.unit_price <= other.unit_price
            && tier.flat_fee <= other.flat_fee
    })
}

fn share_tier(tier: &PercentageTier, other: &PercentageTier) -> bool {
    tier.up_to == other.up_to && tier.percent <= other.percent && tier.flat_fee <= other.flat_fee
}

fn package(model: &Package, other: &Package) -> bool {
    let is_as_large = model.size >= other.size && model.price <= other.price;
    model.free_units >= other.free_units
        && (is_as_large && charges_as_few(model.charged, other.charged)
            || is_part(model, other).unwrap_or(false))
}

/// Whether never more packages are charged.
fn charges_as_few(charged: Packages, other: Packages) -> bool {
    let rank = |charged| match charged {
        Packages::Full => 0,
        Packages::HalfEven => 1,
        Packages::HalfUp => 2,
        Packages::Started => 3,
    };
    rank(charged) <= rank(other)
}

/// Whether so many packages are one of the other that is charged once it is started, and cost no
/// more than it; none if a number is too large.
fn is_part(model: &Package, other: &Package) -> Option<bool> {
    let parts = other.size.get().checked_div(model.size.get())?;
    let is_whole =
        parts.fract().is_zero() && parts.checked_mul(model.size.get())? == other.size.get();
    let cost = model.price.decimal().checked_mul(parts)?;
    Some(is_whole && other.charged == Packages::Started && cost <= other.price.decimal())
}

/// The price of the units of a package, each at one price; none if it is too large.
fn of_package(unit_price: Yuan, size: Quantity) -> Option<Decimal> {
    unit_price.decimal().checked_mul(size.get())
}

/// Whether units at one price never cost more than in graduated tiers. Within a tier both rise
/// evenly, so that the ends of the tiers decide. None if a number is too large.
fn unit_against_tiers(unit_price: Yuan, tiers: &[Tier]) -> Option<bool> {
    let (mut from, mut cost) = (Decimal::ZERO, Decimal::ZERO);
    for tier in tiers {
        let Some(up_to) = tier.up_to else { return Some(unit_price <= tier.unit_price) };
        let units = up_to.get().checked_sub(from)?;
        let of_units = tier.unit_price.decimal().checked_mul(units)?;
        cost = cost.checked_add(tier.flat_fee.decimal())?.checked_add(of_units)?;
        from = up_to.get();
        if unit_price.decimal().checked_mul(from)? > cost {
            return Some(false);
        }
    }
    Some(true)
}

fn block(model: &Block, other: &Block) -> bool {
    model.policy == other.policy
        && all_pairs(&model.tiers, &other.tiers, |tier, other| {
            tier.size == other.size && tier.blocks == other.blocks && tier.price <= other.price
        })
}

fn percentage(model: &Percentage, other: &Percentage) -> bool {
    model.percent <= other.percent
        && model.free_amount >= other.free_amount
        && model.fee_per_call <= other.fee_per_call
        && model.free_calls >= other.free_calls
}

fn all_pairs<T>(these: &[T], others: &[T], is_at_most: impl Fn(&T, &T) -> bool) -> bool {
    these.len() == others.len()
        && these.iter().zip(others).all(|(this, other)| is_at_most(this, other))
}

impl PlanDocument {
    /// Whether a version only concedes against the version before it: its rates, patterns,
    /// conversions and tiers are the same, and no price, minimum or maximum is higher, no allowance
    /// or discount smaller.
    pub(crate) fn concedes_to(&self, before: &PlanDocument) -> bool {
        self.plan == before.plan
            && self.on_change != Some(OnChange::Restart)
            && self.rounding == before.rounding
            && self.tax == before.tax
            && self.conversion == before.conversion
            && gives_as_much(
                (self.free_per_month, self.free_per_day),
                (before.free_per_month, before.free_per_day),
            )
            && takes_off_as_much(&self.discounts, &before.discounts)
            && caps(self.minimum, self.maximum, before.minimum, before.maximum)
            && all_pairs(&self.rates, &before.rates, rate)
    }
}

fn rate(rate: &Rate, before: &Rate) -> bool {
    rate.rate == before.rate
        && rate.apis == before.apis
        && rate.conversion == before.conversion
        && gives_as_much(
            (rate.free_per_month, rate.free_per_day),
            (before.free_per_month, before.free_per_day),
        )
        && rate.charged == before.charged
        && rate.price.is_at_most(&before.price)
        && takes_off_as_much(&rate.discounts, &before.discounts)
        && caps(rate.minimum, rate.maximum, before.minimum, before.maximum)
}

/// No smaller allowance of the same kind.
fn gives_as_much(gives: (Quantity, Quantity), before: (Quantity, Quantity)) -> bool {
    let is_same_kind = before.1.is_zero() == gives.1.is_zero();
    is_same_kind && gives.0 >= before.0 && gives.1 >= before.1
}

/// The discounts of before, none smaller, and perhaps more after them.
fn takes_off_as_much(discounts: &[Discount], before: &[Discount]) -> bool {
    discounts.len() >= before.len()
        && discounts.iter().zip(before).all(|(discount, before)| {
            let Discount { percent, amount, .. } = *before;
            let same = Discount { percent, amount, ..discount.clone() } == *before;
            let is_of_a_kind = discount.percent.is_some() == percent.is_some();
            same && is_of_a_kind && discount.percent >= percent && discount.amount >= amount
        })
}

/// No higher minimum and no higher maximum.
fn caps(
    minimum: Option<Yuan>,
    maximum: Option<Yuan>,
    minimum_before: Option<Yuan>,
    maximum_before: Option<Yuan>,
) -> bool {
    let least = minimum.unwrap_or(Yuan::ZERO) <= minimum_before.unwrap_or(Yuan::ZERO);
    let most = match (maximum, maximum_before) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(most), Some(before)) => most <= before,
    };
    least && most
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::MoneyError;
    use crate::model::Billable;

    fn model(json: Value) -> PriceModel {
        serde_json::from_value(json).unwrap()
    }

    fn package(size: u32, price: &str, charged: &str) -> Value {
        json!({ "model": "package", "size": size.to_string(), "price": price, "charged": charged })
    }

    fn per_unit(price: &str) -> Value {
        json!({ "model": "per_unit", "unit_price": price })
    }

    fn graduated(fee: &str, beyond: &str) -> Value {
        json!({ "model": "graduated", "tiers": [
            { "up_to": "100", "unit_price": "0", "flat_fee": fee },
            { "unit_price": beyond },
        ] })
    }

    #[test]
    fn a_model_of_another_form_is_at_most_another_if_it_is_for_every_quantity() {
        let started = || package(100, "10", "started");
        for (one, other, is_at_most) in [
            (package(100, "10", "full"), started(), true),
            (package(100, "10", "half_up"), started(), true),
            (started(), package(100, "10", "half_up"), false),
            (package(100, "10", "half_even"), package(100, "10", "half_up"), true),
            (package(100, "10", "half_up"), package(100, "10", "half_even"), false),
            (package(150, "10", "half_up"), package(100, "10", "half_up"), true),
            (package(10, "1", "started"), started(), true),
            (package(10, "1.01", "started"), started(), false),
            // 101 to 120 units are two packages, and 120 are one.
            (package(60, "5", "started"), started(), false),
            (package(10, "1", "started"), package(100, "10", "full"), false),
            (per_unit("0.1"), started(), true),
            (per_unit("0.1001"), started(), false),
            (per_unit("0.1"), package(100, "10", "half_up"), false),
            (package(100, "10", "full"), per_unit("0.1"), true),
            (started(), per_unit("0.1"), false),
            (per_unit("0.15"), graduated("20", "0.5"), true),
            (per_unit("0.2"), graduated("20", "0.2"), true),
            (per_unit("0.21"), graduated("20", "0.5"), false),
            (per_unit("0.15"), graduated("20", "0.1"), false),
        ] {
            let told = format!("{one} and {other}");
            assert_eq!(model(one).is_at_most(&model(other)), is_at_most, "{told}");
        }
    }

    /// Models whose sizes, tiers and prices are often the same, or multiples.
    fn models() -> impl Strategy<Value = Value> {
        let price = || (0..=6_u32).prop_map(|tenths| format!("0.{tenths}"));
        let whole = || (0..=8_u32).prop_map(|yuan| yuan.to_string());
        let size = || prop::sample::select(vec![1_u32, 2, 3, 4, 6, 10, 12]);
        let charged = prop::sample::select(vec!["started", "full", "half_up", "half_even"]);
        let free = prop::sample::select(vec!["0", "1", "5"]);
        let packages = (size(), whole(), charged, free).prop_map(|(size, price, charged, free)| {
            json!({ "model": "package", "size": size.to_string(), "price": price,
                "charged": charged, "free_units": free })
        });
        let tiers = (size(), price(), whole(), price(), whole(), any::<bool>(), any::<bool>());
        let tiers = tiers.prop_map(|(end, first, fee, then, more, volume, at_zero)| {
            json!({ "model": if volume { "volume" } else { "graduated" },
                "flat_fee_at_zero_usage": at_zero, "tiers": [
                { "up_to": end.to_string(), "unit_price": first, "flat_fee": fee },
                { "unit_price": then, "flat_fee": more } ] })
        });
        let blocks = (size(), whole(), whole(), any::<bool>());
        let blocks = blocks.prop_map(|(size, first, then, total)| {
            json!({ "model": "block", "policy": if total { "top_tier" } else { "all_tiers" },
                "tiers": [
                { "size": size.to_string(), "blocks": "3", "price": first },
                { "size": size.to_string(), "price": then } ] })
        });
        prop_oneof![2 => price().prop_map(|price| per_unit(&price)), 4 => packages, 4 => tiers, 1 => blocks]
    }

    /// The price of a month's units.
    fn price(model: &PriceModel, units: u32) -> Result<Yuan, MoneyError> {
        let units = Decimal::from(units);
        let billable = Billable { units, top: units, calls: units, closing: true };
        Yuan::sum(model.slices(billable)?.iter().map(|slice| slice.amount))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_model_that_is_at_most_another_never_costs_more(one in models(), other in models()) {
            let (this, that) = (model(one.clone()), model(other.clone()));
            if this.is_at_most(&that) {
                for units in 0..150 {
                    let (costs, before) = (price(&this, units)?, price(&that, units)?);
                    prop_assert!(costs <= before, "{one} and {other}: {costs} > {before} for {units}");
                }
            }
        }
    }
}
