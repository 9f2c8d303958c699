//! Each unit at the price of the tier it falls in.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{PriceModelError, Slice, check_price};
use crate::{MoneyError, Yuan};

/// Tiers that stand on one another: each unit is charged at the price of its own tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graduated {
    /// The tiers, from the first unit on; only the last one is open.
    pub tiers: Vec<Tier>,
}

/// One tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last unit of the tier, inclusive; absent in the last tier.
    ///
    /// A fraction past it falls in the next tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Decimal>,
    /// The price of one unit in the tier, in yuan with at most ten decimals.
    pub unit_price: Yuan,
    /// What is due once when the tier is entered, in yuan; nothing unless given.
    #[serde(default)]
    pub flat_fee: Yuan,
}

impl Graduated {
    pub(super) fn between(
        &self,
        before: Decimal,
        after: Decimal,
    ) -> Result<Vec<Slice>, MoneyError> {
        let mut slices = Vec::new();
        let mut start = Decimal::ZERO;
        for tier in &self.tiers {
            let end = tier.up_to.map_or(after, |up_to| up_to.min(after));
            let from = start.max(before);
            if from < end {
                // The fee was paid before if a unit of this tier was.
                let entered_now = before <= start;
                let flat_fee = if entered_now { tier.flat_fee } else { Yuan::ZERO };
                slices.push(Slice::priced(from, end, tier.unit_price, flat_fee)?);
            }
            start = end.max(start);
        }
        Ok(slices)
    }

    pub(super) fn check(&self) -> Result<(), PriceModelError> {
        let last = self.tiers.len().checked_sub(1).ok_or(PriceModelError::NoTier)?;
        let mut start = Decimal::ZERO;
        for (index, tier) in self.tiers.iter().enumerate() {
            check_price(tier.unit_price)?;
            check_price(tier.flat_fee)?;
            let number = index + 1;
            match tier.up_to {
                None if index == last => {}
                Some(up_to) if index < last && up_to > start => start = up_to,
                Some(up_to) if index < last => {
                    return Err(PriceModelError::TierOrder { number, up_to });
                }
                None | Some(_) => return Err(PriceModelError::OpenTier { number }),
            }
        }
        Ok(())
    }
}
