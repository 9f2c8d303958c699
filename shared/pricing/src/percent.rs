//! Percentages.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Yuan, exact};

/// A percentage from 0 to 100 with at most ten decimals, written as a text: `"20"`, `"0.6"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Percent(Decimal);

const DECIMALS_MAX: u32 = 10;

impl Percent {
    /// A percentage, if the number is in range.
    #[must_use]
    pub fn new(percent: Decimal) -> Option<Percent> {
        let percent = percent.normalize();
        let in_range = (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent);
        (in_range && percent.scale() <= DECIMALS_MAX).then_some(Percent(percent))
    }

    /// The number: 20 for 20%.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// Whether the percentage is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// The percentage of one yuan.
    #[must_use]
    pub fn of_one_yuan(self) -> Yuan {
        Yuan::new((self.0 * Decimal::new(1, 2)).normalize())
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Percent, D::Error> {
        let expected =
            "a percentage from 0 to 100 as a text with at most ten decimals such as \"20\"";
        let percent = exact::deserialize(deserializer, expected, exact::parse)?;
        Percent::new(percent).ok_or_else(|| {
            let found = percent.to_string();
            serde::de::Error::invalid_value(serde::de::Unexpected::Str(&found), &expected)
        })
    }
}
