//! Tiers: each unit at the price of its own tier, or all at that of the tier the last one is in.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Billable, Slice, check_price};
use crate::ceiling::Ceiling;
use crate::faults::{Faults, Rule};
use crate::{MoneyError, Quantity, Yuan};

/// Tiers that stand on one another: each unit is charged at the price of its own tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Graduated {
    /// The tiers, from the first unit on; only the last one is open.
    pub tiers: Vec<Tier>,
    /// Whether the first tier's flat fee is due, at the end of the month, without any units.
    #[serde(default, skip_serializing_if = "is_false")]
    pub flat_fee_at_zero_usage: bool,
}

/// Tiers of which one counts: all units are charged at the price of the tier that the last is in.
///
/// More usage can cost less, so that a day's charge can be a credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// The tiers, from the first unit on; only the last one is open.
    pub tiers: Vec<Tier>,
    /// Whether the first tier's flat fee is due, at the end of the month, without any units.
    #[serde(default, skip_serializing_if = "is_false")]
    pub flat_fee_at_zero_usage: bool,
}

/// A price for the units up to a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last unit of the tier, inclusive; absent in the last tier.
    ///
    /// A fraction past it falls in the next tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Quantity>,
    /// The price of one unit in the tier, in yuan with at most ten decimals.
    pub unit_price: Yuan,
    /// What is due once when the tier is entered, in yuan; nothing unless given.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub flat_fee: Yuan,
}

impl Graduated {
    pub(super) fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        let Billable { units, closing, .. } = billable;
        let mut slices = Vec::new();
        for (tier, span) in self.tiers.iter().zip(spans(self.tiers.iter().map(|t| t.up_to), units))
        {
            slices.push(Slice::of_units(span.from, span.to, tier.unit_price, tier.flat_fee)?);
        }
        let without_units = closing && self.flat_fee_at_zero_usage && slices.is_empty();
        slices.extend(fee_alone(self.tiers.first().filter(|_| without_units))?);
        Ok(slices)
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        check(&self.tiers, faults);
    }
}

impl Volume {
    pub(super) fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        let Billable { units, top, closing, .. } = billable;
        let last = spans(self.tiers.iter().map(|t| t.up_to), top).count().checked_sub(1);
        let last = last.filter(|_| !units.is_zero());
        let slice = match last.and_then(|last| self.tiers.get(last)) {
            Some(tier) => {
                Some(Slice::of_units(Decimal::ZERO, units, tier.unit_price, tier.flat_fee)?)
            }
            None => {
                let without_units = closing && self.flat_fee_at_zero_usage;
                fee_alone(self.tiers.first().filter(|_| without_units))?
            }
        };
        Ok(slice.into_iter().collect())
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        check(&self.tiers, faults);
    }
}

/// A tier's part of some units.
pub(super) struct Span {
    pub(super) from: Decimal,
    pub(super) to: Decimal,
}

/// The parts of `units` that fall in each tier, up to the last one that any falls in.
pub(super) fn spans(
    ends: impl Iterator<Item = Option<Quantity>>,
    units: Decimal,
) -> impl Iterator<Item = Span> {
    ends.scan(Decimal::ZERO, move |start, end| {
        let from = *start;
        let to = end.map_or(units, |end| end.get().min(units));
        *start = to;
        (from < to).then_some(Span { from, to })
    })
}

/// A slice of no units, for a flat fee that is due without any.
fn fee_alone(tier: Option<&Tier>) -> Result<Option<Slice>, MoneyError> {
    let zero = Decimal::ZERO;
    tier.filter(|tier| !tier.flat_fee.is_zero())
        .map(|tier| Slice::of_units(zero, zero, tier.unit_price, tier.flat_fee))
        .transpose()
}

fn check(tiers: &[Tier], faults: &mut Faults) {
    faults.at("tiers", |faults| {
        check_ends(tiers.iter().map(|tier| tier.up_to), faults);
        for (index, tier) in tiers.iter().enumerate() {
            faults.at(index, |faults| {
                faults.at("unit_price", |faults| check_price(tier.unit_price, faults));
                faults.at("flat_fee", |faults| check_price(tier.flat_fee, faults));
            });
        }
    });
}

/// Notes tiers that do not stand on one another, or that have no last one.
pub(super) fn check_ends(
    ends: impl ExactSizeIterator<Item = Option<Quantity>>,
    faults: &mut Faults,
) {
    let tiers = ends.len();
    faults.unless(tiers > 0, || Rule::NoTier);
    let mut start = Quantity::ZERO;
    for (index, end) in ends.enumerate() {
        let is_last = index + 1 == tiers;
        faults.at(index, |faults| {
            faults.at("up_to", |faults| match end {
                None => faults.unless(is_last, || Rule::OpenTier),
                Some(_) if is_last => faults.note(Rule::ClosedTier),
                Some(end) => faults.unless(end > start, || Rule::TierOrder { start }),
            });
        });
        start = end.unwrap_or(start).max(start);
    }
}

pub(crate) fn ends(tiers: &[Tier]) -> Vec<Quantity> {
    tiers.iter().filter_map(|tier| tier.up_to).collect()
}

pub(super) fn ceiling(tiers: &[Tier], units: Decimal) -> Ceiling {
    Ceiling::of(
        units,
        tiers.iter().map(|tier| tier.unit_price),
        tiers.iter().map(|tier| tier.flat_fee),
    )
}

pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}
