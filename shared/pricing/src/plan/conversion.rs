//! Unit conversions: from what is metered to the units that are priced.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Quantity;
use crate::faults::{CONVERSION_MAX, Faults, Rule};
use crate::wholes::{Rest, wholes};

/// What is metered in a month becomes units: multiplied, then divided, then rounded.
///
/// The month is converted as a whole, so that it is rounded once and not day by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// The factor, applied before the divisor.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub multiply: Quantity,
    /// The divisor, more than zero.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub divide: Quantity,
    /// How the result is rounded.
    #[serde(default)]
    pub round: Rounded,
}

/// How a converted quantity is rounded to whole units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rounded {
    /// The exact quotient, with its decimals.
    #[default]
    None,
    /// Up to the next whole unit.
    Up,
    /// Down to the last whole unit.
    Down,
    /// To the nearest whole unit, half a unit up.
    HalfUp,
    /// To the nearest whole unit, half a unit to the even one.
    HalfEven,
}

impl Conversion {
    /// The units of a metered figure. Exact for a conversion that was checked.
    #[must_use]
    pub fn units(&self, metered: Decimal) -> Decimal {
        let multiplied = metered * self.multiply.get();
        let divisor = self.divide.get();
        let units = match self.round {
            Rounded::None => {
                let rest = multiplied % divisor;
                (multiplied - rest) / divisor + rest / divisor
            }
            Rounded::Up => wholes(multiplied, divisor, Rest::Up),
            Rounded::Down => wholes(multiplied, divisor, Rest::Down),
            Rounded::HalfUp => wholes(multiplied, divisor, Rest::HalfUp),
            Rounded::HalfEven => wholes(multiplied, divisor, Rest::HalfEven),
        };
        units.normalize()
    }

    /// The most units that come of the most that is metered, also of a conversion that was not
    /// checked.
    pub(super) fn most(&self, metered: Decimal) -> Decimal {
        let divisor = self.divide.get();
        let multiplied = metered.checked_mul(self.multiply.get()).unwrap_or(Decimal::MAX);
        multiplied.checked_div(divisor).unwrap_or(Decimal::MAX)
    }

    /// How many decimals the result has more than what is metered, if it is not rounded.
    pub(super) fn decimals_added(&self) -> u32 {
        let share = Decimal::ONE.checked_div(self.divide.get()).unwrap_or_default();
        self.multiply.get().scale() + share.normalize().scale()
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        let in_range =
            |factor: Quantity| !factor.is_zero() && factor.get() <= Decimal::from(CONVERSION_MAX);
        faults.at("multiply", |faults| faults.unless(in_range(self.multiply), || Rule::Factor));
        faults.at("divide", |faults| {
            faults.unless(in_range(self.divide), || Rule::Factor);
            let is_exact = self.round != Rounded::None || divides_exactly(self.divide.get());
            faults.unless(is_exact, || Rule::Inexact(self.divide));
        });
    }
}

/// Whether a division has an end: the divisor's factors are those of ten.
fn divides_exactly(divisor: Decimal) -> bool {
    let mut left = divisor.normalize().mantissa();
    while left != 0 && left % 2 == 0 {
        left /= 2;
    }
    while left != 0 && left % 5 == 0 {
        left /= 5;
    }
    left == 1 || left == 0
}

fn one() -> Quantity {
    Quantity::ONE
}

fn is_one(factor: &Quantity) -> bool {
    *factor == Quantity::ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn what_is_metered_is_multiplied_divided_and_rounded() {
        for (json, metered, units) in [
            (r#"{"divide": 1000, "round": "up"}"#, "1400", "2"),
            (r#"{"divide": 1000, "round": "up"}"#, "2000", "2"),
            (r#"{"divide": 1000, "round": "down"}"#, "1999", "1"),
            (r#"{"divide": 1000, "round": "half_up"}"#, "1499", "1"),
            (r#"{"divide": 1000, "round": "half_up"}"#, "2500", "3"),
            (r#"{"divide": 1000, "round": "half_even"}"#, "2500", "2"),
            (r#"{"divide": 1000, "round": "half_even"}"#, "3500", "4"),
            (r#"{"divide": 3, "round": "half_even"}"#, "2", "1"),
            (r#"{"divide": 1000}"#, "1400", "1.4"),
            (r#"{"divide": 3, "round": "up"}"#, "1", "1"),
            (r#"{"divide": 7, "multiply": 2, "round": "down"}"#, "999999999999", "285714285714"),
            (r#"{"multiply": "0.01"}"#, "12345", "123.45"),
            (r#"{"divide": 8}"#, "1", "0.125"),
        ] {
            let conversion: Conversion = serde_json::from_str(json).unwrap();
            let mut faults = Faults::new();
            conversion.check(&mut faults);
            assert!(faults.none().is_ok(), "{json}");
            assert_eq!(conversion.units(decimal(metered)), decimal(units), "{metered} by {json}");
        }
    }

    #[test]
    fn a_division_without_an_end_is_refused_unless_it_is_rounded() {
        for (divisor, is_exact) in [
            ("1", true),
            ("3", false),
            ("8", true),
            ("1000", true),
            ("0.3", false),
            ("7.5", false),
            ("2.5", true),
        ] {
            assert_eq!(divides_exactly(decimal(divisor)), is_exact, "{divisor}");
        }
    }
}
