//! Price models: what a quantity costs, as slices that a person can recompute.
//!
//! A new model is a module here, a variant of [`PriceModel`], and its arm in
//! [`PriceModel::between`]; the tests in `model/tests.rs` then hold for it too.

mod graduated;
mod per_unit;
#[cfg(test)]
mod tests;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use graduated::{Graduated, Tier};
pub use per_unit::PerUnit;

use crate::{MoneyError, Yuan};

/// The most decimals that a price has.
pub const PRICE_DECIMALS_MAX: u32 = 10;

/// How a quantity is priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
pub enum PriceModel {
    /// Every unit at the same price.
    PerUnit(PerUnit),
    /// Each unit at the price of the tier it falls in.
    Graduated(Graduated),
}

/// A run of units at one price: `(to − from) × unit price + flat fee = amount`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The units before this slice: it starts just after them.
    pub from: Decimal,
    /// The last unit of the slice, inclusive.
    pub to: Decimal,
    /// The price of one unit.
    pub unit_price: Yuan,
    /// What was due for entering the tier; nothing for most slices.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub flat_fee: Yuan,
    /// The exact amount.
    pub amount: Yuan,
}

/// Why a price model makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PriceModelError {
    /// A price is below zero.
    #[error("the price {0} is negative")]
    NegativePrice(Yuan),
    /// A price has more than ten decimals.
    #[error("the price {0} has more than {PRICE_DECIMALS_MAX} decimals")]
    TooPrecise(Yuan),
    /// There is no tier.
    #[error("there is no tier")]
    NoTier,
    /// A tier ends where the one before it ended, or earlier.
    #[error("tier {number} ends at {up_to}, not above the tier before it")]
    TierOrder {
        /// The number of the tier, from 1.
        number: usize,
        /// Its last unit.
        up_to: Decimal,
    },
    /// The last tier has an end, or another one has none.
    #[error("tier {number}: the last tier, and no other, goes without `up_to`")]
    OpenTier {
        /// The number of the tier, from 1.
        number: usize,
    },
}

impl PriceModel {
    /// What the units after `before` up to `after` cost, given that those before are paid.
    ///
    /// The slices' amounts sum to the cost of `after` units less the cost of `before` units.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves the range of exact arithmetic.
    pub fn between(&self, before: Decimal, after: Decimal) -> Result<Vec<Slice>, MoneyError> {
        match self {
            PriceModel::PerUnit(model) => model.between(before, after),
            PriceModel::Graduated(model) => model.between(before, after),
        }
    }

    /// What the first `quantity` units cost.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves the range of exact arithmetic.
    pub fn cost(&self, quantity: Decimal) -> Result<Yuan, MoneyError> {
        Yuan::sum(self.between(Decimal::ZERO, quantity)?.iter().map(|slice| slice.amount))
    }

    /// Whether the model makes sense.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), PriceModelError> {
        match self {
            PriceModel::PerUnit(model) => model.check(),
            PriceModel::Graduated(model) => model.check(),
        }
    }
}

impl Slice {
    /// A slice whose amount is computed.
    fn priced(
        from: Decimal,
        to: Decimal,
        unit_price: Yuan,
        flat_fee: Yuan,
    ) -> Result<Slice, MoneyError> {
        let amount = unit_price.times(to - from)?.plus(flat_fee)?;
        Ok(Slice { from, to, unit_price, flat_fee, amount })
    }
}

fn is_nothing(amount: &Yuan) -> bool {
    *amount == Yuan::ZERO
}

fn check_price(price: Yuan) -> Result<(), PriceModelError> {
    if price < Yuan::ZERO {
        return Err(PriceModelError::NegativePrice(price));
    }
    if price.decimal().normalize().scale() > PRICE_DECIMALS_MAX {
        return Err(PriceModelError::TooPrecise(price));
    }
    Ok(())
}
