//! Slices: runs of units at one price.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{MoneyError, Quantity, Yuan};

/// A run of units at one price: `count × price + flat fee = amount`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The units before this slice: it starts just after them.
    pub from: Decimal,
    /// The last unit of the slice, inclusive.
    pub to: Decimal,
    /// What one price is for.
    #[serde(default, skip_serializing_if = "Per::is_unit")]
    pub per: Per,
    /// How many of them: `to − from`, unless the price is for a package, a block or a call.
    pub count: Decimal,
    /// The price of one unit, package, block, yuan or call, as `per` says.
    pub price: Yuan,
    /// What was due for entering the tier; nothing for most slices.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub flat_fee: Yuan,
    /// The exact amount.
    pub amount: Yuan,
}

/// What one price is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One unit, after the rate's conversion.
    #[default]
    Unit,
    /// A package of so many units that was started.
    Package(Quantity),
    /// A package of so many units that was used up.
    FullPackage(Quantity),
    /// A package of so many units; the last one counts from its half on.
    HalfUpPackage(Quantity),
    /// A package of so many units; the last one counts above its half, and at its half where that
    /// makes an even number.
    HalfEvenPackage(Quantity),
    /// A block of so many units that was started.
    Block(Quantity),
    /// A yuan of the metered amount.
    Yuan,
    /// One call, whatever its amount.
    Call,
}

impl Per {
    fn is_unit(&self) -> bool {
        *self == Per::Unit
    }
}

impl Slice {
    /// The units after `from` up to `to`, each at the same price.
    pub(super) fn of_units(
        from: Decimal,
        to: Decimal,
        price: Yuan,
        flat_fee: Yuan,
    ) -> Result<Slice, MoneyError> {
        Slice::counted(from, to, Per::Unit, to - from, price, flat_fee)
    }

    /// The first units, where the price lets some pass free; none if it lets none.
    pub(super) fn free(to: Decimal, per: Per) -> Result<Option<Slice>, MoneyError> {
        let slice = || Slice::counted(Decimal::ZERO, to, per, to, Yuan::ZERO, Yuan::ZERO);
        (to > Decimal::ZERO).then(slice).transpose()
    }

    /// A slice whose amount is computed.
    pub(super) fn counted(
        from: Decimal,
        to: Decimal,
        per: Per,
        count: Decimal,
        price: Yuan,
        flat_fee: Yuan,
    ) -> Result<Slice, MoneyError> {
        let amount = price.times(count)?.plus(flat_fee)?;
        Ok(Slice { from, to, per, count, price, flat_fee, amount })
    }
}
