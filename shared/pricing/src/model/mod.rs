//! Price models: what a quantity costs, as slices that a person can recompute.
//!
//! A new model is a module here, a variant of [`PriceModel`], and its arms below; the tests in
//! `tests/models` and the properties in `tests/properties` then hold for it too.

mod block;
mod package;
mod per_unit;
mod percentage;
mod slice;
pub(crate) mod tiers;

use std::fmt;

use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use block::{Block, BlockPolicy, BlockTier};
pub use package::{Package, Packages};
pub use per_unit::PerUnit;
pub use percentage::{GraduatedPercentage, Percentage, PercentageTier};
pub use slice::{Per, Slice};
pub use tiers::{Graduated, Tier, Volume};

use crate::ceiling::Ceiling;
use crate::faults::{Faults, Rule};
use crate::{MoneyError, Quantity, Yuan};

/// The most decimals that a price or a percentage has.
const PRICE_DECIMALS_MAX: u32 = 10;

/// How a quantity is priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum PriceModel {
    /// Every unit at the same price.
    PerUnit(PerUnit),
    /// Packages of units at the same price.
    Package(Package),
    /// Each unit at the price of the tier it falls in.
    Graduated(Graduated),
    /// All units at the price of the tier that the last one falls in.
    Volume(Volume),
    /// Started blocks of units, at the price of their tier or of the top tier.
    Block(Block),
    /// A share of the metered amount, and a fee for each call.
    Percentage(Percentage),
    /// Shares of the metered amount by tiers, and a fee for each call.
    GraduatedPercentage(GraduatedPercentage),
}

/// The names of the models, as a plan writes them.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Model {
    PerUnit,
    Package,
    Graduated,
    Volume,
    Block,
    Percentage,
    GraduatedPercentage,
}

/// What a price model is asked to price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billable {
    /// The units beyond every allowance: calls, or yuan where the price is a percentage.
    pub units: Decimal,
    /// The units that choose the tier where one tier's price counts for all units: `units`, or more
    /// where later segments of the month add theirs.
    pub top: Decimal,
    /// The calls behind them, for a fee on each.
    pub calls: Decimal,
    /// Whether the month is over, so that what is due without usage is due now.
    pub closing: bool,
}

/// What a price model prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Numbers of calls.
    Calls,
    /// The amounts that went through them.
    Amount,
}

impl PriceModel {
    /// The metered figure that the model prices: calls, or the amount in yuan.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        match self {
            PriceModel::PerUnit(_)
            | PriceModel::Package(_)
            | PriceModel::Graduated(_)
            | PriceModel::Volume(_)
            | PriceModel::Block(_) => Metric::Calls,
            PriceModel::Percentage(_) | PriceModel::GraduatedPercentage(_) => Metric::Amount,
        }
    }

    /// What everything so far costs, cut at each price.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves the range of exact arithmetic; never for a plan that
    /// was checked, and usage that can be counted.
    pub fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        match self {
            PriceModel::PerUnit(model) => model.slices(billable),
            PriceModel::Package(model) => model.slices(billable),
            PriceModel::Graduated(model) => model.slices(billable),
            PriceModel::Volume(model) => model.slices(billable),
            PriceModel::Block(model) => model.slices(billable),
            PriceModel::Percentage(model) => model.slices(billable),
            PriceModel::GraduatedPercentage(model) => model.slices(billable),
        }
    }

    /// Whether more usage can cost less: one tier's price counts for all units.
    pub(crate) fn may_fall(&self) -> bool {
        match self {
            PriceModel::Volume(_) => true,
            PriceModel::Block(model) => model.policy == BlockPolicy::TopTier,
            PriceModel::PerUnit(_)
            | PriceModel::Package(_)
            | PriceModel::Graduated(_)
            | PriceModel::Percentage(_)
            | PriceModel::GraduatedPercentage(_) => false,
        }
    }

    /// Whether something is due although nothing was used.
    #[must_use]
    pub fn is_due_without_usage(&self) -> bool {
        match self {
            PriceModel::Graduated(model) => model.flat_fee_at_zero_usage,
            PriceModel::Volume(model) => model.flat_fee_at_zero_usage,
            PriceModel::GraduatedPercentage(model) => model.flat_fee_at_zero_usage,
            PriceModel::PerUnit(_)
            | PriceModel::Package(_)
            | PriceModel::Block(_)
            | PriceModel::Percentage(_) => false,
        }
    }

    /// Notes each rule that the model breaks.
    pub(crate) fn check(&self, faults: &mut Faults) {
        match self {
            PriceModel::PerUnit(model) => model.check(faults),
            PriceModel::Package(model) => model.check(faults),
            PriceModel::Graduated(model) => model.check(faults),
            PriceModel::Volume(model) => model.check(faults),
            PriceModel::Block(model) => model.check(faults),
            PriceModel::Percentage(model) => model.check(faults),
            PriceModel::GraduatedPercentage(model) => model.check(faults),
        }
    }

    /// Where the model cuts the units that it prices one by one.
    pub(crate) fn cuts(&self) -> Vec<Quantity> {
        match self {
            PriceModel::Graduated(model) => tiers::ends(&model.tiers),
            PriceModel::Volume(model) => tiers::ends(&model.tiers),
            PriceModel::Percentage(model) => vec![model.free_amount],
            PriceModel::GraduatedPercentage(model) => {
                model.tiers.iter().filter_map(|tier| tier.up_to).collect()
            }
            // Packages and blocks are counted whole.
            PriceModel::PerUnit(_) | PriceModel::Package(_) | PriceModel::Block(_) => Vec::new(),
        }
    }

    /// Where another price begins: the last unit of each tier but the open one.
    #[must_use]
    pub fn tier_ends(&self) -> Vec<Decimal> {
        match self {
            PriceModel::Block(model) => model.ends(),
            PriceModel::Package(model) => {
                let free = model.free_units.get();
                Some(free).filter(|free| !free.is_zero()).into_iter().collect()
            }
            PriceModel::PerUnit(_)
            | PriceModel::Graduated(_)
            | PriceModel::Volume(_)
            | PriceModel::Percentage(_)
            | PriceModel::GraduatedPercentage(_) => {
                let ends = self.cuts().into_iter().map(Quantity::get);
                ends.filter(|end| !end.is_zero()).collect()
            }
        }
    }

    /// No price for so many units, and so many calls, is above this.
    pub(crate) fn ceiling(&self, units: Decimal, calls: Decimal) -> Ceiling {
        match self {
            PriceModel::PerUnit(model) => Ceiling::of(units, [model.unit_price], []),
            PriceModel::Package(model) => model.ceiling(units),
            PriceModel::Graduated(model) => tiers::ceiling(&model.tiers, units),
            PriceModel::Volume(model) => tiers::ceiling(&model.tiers, units),
            PriceModel::Block(model) => model.ceiling(units),
            PriceModel::Percentage(model) => model.ceiling(units, calls),
            PriceModel::GraduatedPercentage(model) => model.ceiling(units, calls),
        }
    }
}

impl<'de> Deserialize<'de> for PriceModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PriceModel, D::Error> {
        deserializer.deserialize_map(PriceVisitor)
    }
}

struct PriceVisitor;

impl<'de> Visitor<'de> for PriceVisitor {
    type Value = PriceModel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a price: an object with a `model`")
    }

    /// Where the model comes first its fields are read as they come, so that an error keeps its
    /// path; what comes before the model waits for it.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PriceModel, A::Error> {
        let mut fields = serde_json::Map::new();
        let mut model = None;
        while let Some(field) = map.next_key::<String>()? {
            if field != "model" {
                fields.insert(field, map.next_value()?);
            } else if fields.is_empty() {
                return map.next_value::<Model>()?.read(MapAccessDeserializer::new(map));
            } else {
                model = Some(map.next_value::<Model>()?);
            }
        }
        let model = model.ok_or_else(|| de::Error::missing_field("model"))?;
        model.read(Value::Object(fields)).map_err(de::Error::custom)
    }
}

impl Model {
    /// Reads the fields of a price other than its model.
    fn read<'de, D: Deserializer<'de>>(self, fields: D) -> Result<PriceModel, D::Error> {
        match self {
            Model::PerUnit => PerUnit::deserialize(fields).map(PriceModel::PerUnit),
            Model::Package => Package::deserialize(fields).map(PriceModel::Package),
            Model::Graduated => Graduated::deserialize(fields).map(PriceModel::Graduated),
            Model::Volume => Volume::deserialize(fields).map(PriceModel::Volume),
            Model::Block => Block::deserialize(fields).map(PriceModel::Block),
            Model::Percentage => Percentage::deserialize(fields).map(PriceModel::Percentage),
            Model::GraduatedPercentage => {
                GraduatedPercentage::deserialize(fields).map(PriceModel::GraduatedPercentage)
            }
        }
    }
}

/// Notes a price that is negative or too precise.
pub(crate) fn check_price(price: Yuan, faults: &mut Faults) {
    faults.unless(price >= Yuan::ZERO, || Rule::NegativePrice(price));
    faults.unless(price.decimals() <= PRICE_DECIMALS_MAX, || Rule::TooPrecise(price));
}
