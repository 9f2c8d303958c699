//! Quantities as a plan writes them: the end of a tier, an allowance, the size of a package.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::exact;

/// A quantity of units: from 0 to 10¹⁵ with at most six decimals.
///
/// Written as a whole number, or as a text when it has decimals: `500000`, `"100.5"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Decimal);

/// The most decimals that a quantity has.
const QUANTITY_DECIMALS_MAX: u32 = 6;

const MAX: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

impl Quantity {
    /// No units at all.
    pub const ZERO: Quantity = Quantity(Decimal::ZERO);

    /// One unit, the factor of a conversion that changes nothing.
    pub const ONE: Quantity = Quantity(Decimal::ONE);

    /// A quantity, if the number is in range.
    #[must_use]
    pub fn new(quantity: Decimal) -> Option<Quantity> {
        let quantity = quantity.normalize();
        let in_range = (Decimal::ZERO..=MAX).contains(&quantity);
        (in_range && quantity.scale() <= QUANTITY_DECIMALS_MAX).then_some(Quantity(quantity))
    }

    /// The exact number of units.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// The sum, or the most that a quantity can be.
    #[must_use]
    pub fn plus(self, other: Quantity) -> Quantity {
        Quantity((self.0 + other.0).min(MAX))
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0) {
            Ok(whole) if self.0.is_integer() => serializer.serialize_u64(whole),
            Ok(_) | Err(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as \"100.5\"")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
        Quantity::new(number.into())
            .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
        Quantity::new(number.into())
            .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        exact::parse(text)
            .and_then(Quantity::new)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_a_whole_number_or_a_text() {
        for (json, written) in [
            ("0", "0"),
            ("500000", "500000"),
            ("\"500000\"", "500000"),
            ("\"100.50\"", "\"100.5\""),
            ("1000000000000000", "1000000000000000"),
            ("\"0.000001\"", "\"0.000001\""),
        ] {
            let quantity: Quantity = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&quantity).unwrap(), written, "{json}");
        }
    }

    #[test]
    fn a_quantity_that_may_have_been_rounded_or_is_out_of_range_is_refused() {
        for json in ["0.5", "-1", "1000000000000001", "\"0.0000001\"", "\"-1\"", "\"many\"", "null"]
        {
            let refused = serde_json::from_str::<Quantity>(json).unwrap_err().to_string();
            assert!(refused.contains("a quantity from 0 to 10^15"), "{json}: {refused}");
        }
    }
}
