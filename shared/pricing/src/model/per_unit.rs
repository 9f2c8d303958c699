//! Every unit at the same price.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{PriceModelError, Slice, check_price};
use crate::{MoneyError, Yuan};

/// Every unit at the same price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerUnit {
    /// The price of one unit, in yuan with at most ten decimals.
    pub unit_price: Yuan,
}

impl PerUnit {
    pub(super) fn between(
        &self,
        before: Decimal,
        after: Decimal,
    ) -> Result<Vec<Slice>, MoneyError> {
        if before == after {
            return Ok(Vec::new());
        }
        Ok(vec![Slice::priced(before, after, self.unit_price, Yuan::ZERO)?])
    }

    pub(super) fn check(&self) -> Result<(), PriceModelError> {
        check_price(self.unit_price)
    }
}
