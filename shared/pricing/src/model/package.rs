//! Packages of units at one price each.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Billable, Per, Slice, check_price};
use crate::ceiling::Ceiling;
use crate::faults::{Faults, Rule};
use crate::wholes::{Rest, wholes};
use crate::{MoneyError, Quantity, Yuan};

/// Packages of units at the same price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The units in a package.
    pub size: Quantity,
    /// The price of a package, in yuan with at most ten decimals.
    pub price: Yuan,
    /// The units that pass free before packages are counted, beside any allowance.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_units: Quantity,
    /// Whether a package that is not full is charged.
    #[serde(default)]
    pub charged: Packages,
}

/// The packages that are charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Packages {
    /// Each that was started: 201 units are three packages of 100.
    #[default]
    Started,
    /// Each that was used up: 299 units are two packages of 100.
    Full,
    /// Each full one, and the last one from its half on: 250 units are three packages of 100.
    HalfUp,
    /// Each full one, and the last one above its half; at its half where that makes an even number:
    /// 250 units are two packages of 100, and 350 are four.
    HalfEven,
}

impl Package {
    pub(super) fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        let (from, to) = (self.free_units.get(), billable.units);
        let mut slices = Slice::free(from.min(to), Per::Unit)?.into_iter().collect::<Vec<_>>();
        if from < to {
            let beyond = to - from;
            let (per, rest) = match self.charged {
                Packages::Started => (Per::Package(self.size), Rest::Up),
                Packages::Full => (Per::FullPackage(self.size), Rest::Down),
                Packages::HalfUp => (Per::HalfUpPackage(self.size), Rest::HalfUp),
                Packages::HalfEven => (Per::HalfEvenPackage(self.size), Rest::HalfEven),
            };
            let count = wholes(beyond, self.size.get(), rest);
            slices.push(Slice::counted(from, to, per, count, self.price, Yuan::ZERO)?);
        }
        Ok(slices)
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.at("size", |faults| check_size(self.size, faults));
        faults.at("price", |faults| check_price(self.price, faults));
    }

    pub(super) fn ceiling(&self, units: Decimal) -> Ceiling {
        Ceiling::of(most_started(units, self.size), [self.price], [])
    }
}

/// No fewer packages than the units begin, also where that is more than can be computed.
pub(super) fn most_started(units: Decimal, size: Quantity) -> Decimal {
    let packages = units.checked_div(size.get()).map(|packages| packages.ceil());
    packages.unwrap_or(Decimal::MAX).saturating_add(Decimal::ONE)
}

pub(super) fn check_size(size: Quantity, faults: &mut Faults) {
    faults.unless(!size.is_zero(), || Rule::NoSize);
}
