//! Whether one price list never asks for more than another.

use super::{Discount, OnChange, PlanDocument, Rate};
use crate::model::{Package, Percentage, PercentageTier, Tier};
use crate::{Block, PriceModel, Quantity, Yuan};

impl PriceModel {
    /// Whether the model never costs more than another, whatever is used: it has the same tiers,
    /// and no price of it is higher. Each unit at one price also compares with graduated tiers.
    pub(crate) fn is_at_most(&self, other: &PriceModel) -> bool {
        match (self, other) {
            (PriceModel::PerUnit(model), PriceModel::PerUnit(other)) => {
                model.unit_price <= other.unit_price
            }
            (PriceModel::PerUnit(model), PriceModel::Graduated(other)) => {
                other.tiers.iter().all(|tier| model.unit_price <= tier.unit_price)
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
    model.size == other.size
        && model.charged == other.charged
        && model.free_units >= other.free_units
        && model.price <= other.price
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
