//! Every unit at the same price.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Billable, Slice, check_price};
use crate::faults::Faults;
use crate::{MoneyError, Yuan};

/// Every unit at the same price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PerUnit {
    /// The price of one unit, in yuan with at most ten decimals.
    pub unit_price: Yuan,
}

impl PerUnit {
    pub(super) fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        if billable.units.is_zero() {
            return Ok(Vec::new());
        }
        let all = Slice::of_units(Decimal::ZERO, billable.units, self.unit_price, Yuan::ZERO)?;
        Ok(vec![all])
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.at("unit_price", |faults| check_price(self.unit_price, faults));
    }
}
