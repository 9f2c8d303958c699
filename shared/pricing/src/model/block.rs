//! Blocks of units in tiers.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::package::{check_size, most_started};
use super::{Billable, Per, Slice, check_price};
use crate::ceiling::Ceiling;
use crate::faults::{Faults, Rule};
use crate::wholes::{Rest, wholes};
use crate::{MoneyError, Quantity, Yuan};

/// Started blocks of units, in tiers of so many blocks each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The tiers, from the first unit on; only the last one is open.
    pub tiers: Vec<BlockTier>,
    /// Whether every tier reached is charged at its own price, or all blocks at the last one's.
    #[serde(default)]
    pub policy: BlockPolicy,
}

/// The tiers whose prices apply to the blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockPolicy {
    /// Each block costs the price of its own tier.
    #[default]
    AllTiers,
    /// All units are cut into blocks of the tier that the last unit is in, at its price. More usage
    /// can cost less, as with `volume`.
    TopTier,
}

/// A price for the blocks up to a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockTier {
    /// The units in a block.
    pub size: Quantity,
    /// How many blocks the tier has, a whole number; absent in the last tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Quantity>,
    /// The price of a block, in yuan with at most ten decimals.
    pub price: Yuan,
}

impl Block {
    pub(super) fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        let Billable { units, top, .. } = billable;
        if self.policy == BlockPolicy::TopTier {
            let tier = self.spans(top).last().filter(|_| !units.is_zero());
            return tier.map(|(tier, ..)| tier.slice(Decimal::ZERO, units)).into_iter().collect();
        }
        self.spans(units).map(|(tier, from, to)| tier.slice(from, to)).collect()
    }

    /// The tiers that `units` fall in, each with where its part of them begins and ends.
    fn spans(&self, units: Decimal) -> impl Iterator<Item = (&BlockTier, Decimal, Decimal)> {
        self.tiers.iter().scan(Decimal::ZERO, move |start, tier| {
            let from = *start;
            let to = tier.end(from).map_or(units, |end| end.min(units));
            *start = to;
            (from < to).then_some((tier, from, to))
        })
    }

    /// The last unit of each tier but the open one.
    pub(crate) fn ends(&self) -> Vec<Decimal> {
        let tiers = self.tiers.iter();
        tiers
            .scan(Decimal::ZERO, |from, tier| {
                *from = tier.end(*from)?;
                Some(*from)
            })
            .collect()
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.at("tiers", |faults| {
            faults.unless(!self.tiers.is_empty(), || Rule::NoTier);
            for (index, tier) in self.tiers.iter().enumerate() {
                let is_last = index + 1 == self.tiers.len();
                faults.at(index, |faults| tier.check(is_last, faults));
            }
        });
    }

    /// With the top tier's policy the sizes of one tier meet the units of another, so the bound
    /// takes the most blocks and the highest price.
    pub(super) fn ceiling(&self, units: Decimal) -> Ceiling {
        let blocks = self.tiers.iter().map(|tier| most_started(units, tier.size)).max();
        // Each tier may begin a block of its own.
        let blocks = blocks.unwrap_or_default().saturating_add(self.tiers.len().into());
        Ceiling::of(blocks, self.tiers.iter().map(|tier| tier.price), [])
    }
}

impl BlockTier {
    /// Where the tier ends that begins at `from`; nowhere if it is open, or past every quantity.
    fn end(&self, from: Decimal) -> Option<Decimal> {
        let blocks = self.blocks?;
        self.size.get().checked_mul(blocks.get())?.checked_add(from)
    }

    fn slice(&self, from: Decimal, to: Decimal) -> Result<Slice, MoneyError> {
        let count = wholes(to - from, self.size.get(), Rest::Up);
        Slice::counted(from, to, Per::Block(self.size), count, self.price, Yuan::ZERO)
    }

    fn check(&self, is_last: bool, faults: &mut Faults) {
        faults.at("size", |faults| check_size(self.size, faults));
        faults.at("price", |faults| check_price(self.price, faults));
        faults.at("blocks", |faults| match self.blocks {
            None => faults.unless(is_last, || Rule::OpenTier),
            Some(_) if is_last => faults.note(Rule::ClosedTier),
            Some(blocks) => {
                let is_whole = blocks.get().is_integer() && !blocks.is_zero();
                faults.unless(is_whole, || Rule::PartialBlocks);
            }
        });
    }
}
