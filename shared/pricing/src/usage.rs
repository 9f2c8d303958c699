//! What was metered: calls by API, and for some the amounts that went through them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::meter::AMOUNT_DECIMALS_MAX;
use crate::{Amount, ApiName, Calls};

/// What was metered of one API: its calls, and the sum of what went through them.
///
/// Written as the number of calls, or with an amount as `{"calls": 3, "amount": "120.50"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// The number of calls that sources counted.
    pub calls: Calls,
    /// The amount that went through them, in yuan, such as the sales of a shop; nothing for most
    /// APIs.
    pub amount: Amount,
}

/// Usage with an amount, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithAmount {
    calls: Calls,
    amount: Amount,
}

/// The metered figures of each API; one without calls is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usage(BTreeMap<ApiName, Metered>);

/// Why usage could not be added or taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UsageError {
    /// The sum is more than [`Calls::MAX`].
    #[error(
        "{left} and {right} calls are together more than {}, the most that are counted",
        Calls::MAX
    )]
    TooMany {
        /// The first operand.
        left: Calls,
        /// The second operand.
        right: Calls,
    },
    /// The sum is more than [`Amount::MAX`].
    #[error(
        "the amounts ¥{} and ¥{} are together more than ¥{}, the most that is counted",
        .left.shown(),
        .right.shown(),
        Amount::MAX.shown()
    )]
    TooMuch {
        /// The first operand.
        left: Amount,
        /// The second operand.
        right: Amount,
    },
    /// More is taken away than there is.
    #[error("{right} cannot be taken from {left}")]
    Below {
        /// The usage from which something is taken.
        left: Metered,
        /// The usage that was to be taken.
        right: Metered,
    },
}

impl Metered {
    /// Neither calls nor an amount.
    pub const ZERO: Metered = Metered { calls: Calls::ZERO, amount: Amount::ZERO };

    /// Calls without amounts.
    #[must_use]
    pub const fn calls(calls: u64) -> Metered {
        Metered { calls: Calls::new(calls), amount: Amount::ZERO }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Metered::ZERO
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`] or [`Amount::MAX`].
    pub fn plus(self, other: Metered) -> Result<Metered, UsageError> {
        Ok(Metered {
            calls: self.calls.plus(other.calls)?,
            amount: self.amount.plus(other.amount)?,
        })
    }

    /// What is left without `other`.
    ///
    /// # Errors
    ///
    /// [`UsageError::Below`] when `other` has more calls, or a larger amount.
    pub fn minus(self, other: Metered) -> Result<Metered, UsageError> {
        if self.covers(other) {
            Ok(self.above(other))
        } else {
            Err(UsageError::Below { left: self, right: other })
        }
    }

    /// `parts` of what would be `of` parts of it, rounded down, and at most what can be counted:
    /// what goes on for some days as on `of` days before. Nothing if it is of no part.
    #[must_use]
    pub fn going_on(self, parts: u32, of: u32) -> Metered {
        let by = |number: Decimal| {
            let scaled = number.checked_mul(parts.into())?.checked_div(of.into())?;
            Some(scaled.trunc_with_scale(AMOUNT_DECIMALS_MAX))
        };
        let calls = by(self.calls.get().into()).and_then(|calls| calls.trunc().to_u64());
        let amount = by(self.amount.get()).map(|amount| amount.min(Amount::MAX.get()));
        Metered {
            calls: Calls::new(calls.unwrap_or_default()).min(Calls::MAX),
            amount: amount.and_then(Amount::new).unwrap_or_default(),
        }
    }

    /// The part above `other`, of calls and of amount each; nothing where `other` is the
    /// larger.
    #[must_use]
    pub fn above(self, other: Metered) -> Metered {
        Metered { calls: self.calls.above(other.calls), amount: self.amount.above(other.amount) }
    }

    /// Whether neither part is less than that of `other`.
    #[must_use]
    pub fn covers(self, other: Metered) -> bool {
        self.calls >= other.calls && self.amount >= other.amount
    }
}

impl Serialize for Metered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Metered { calls, amount } = *self;
        if amount == Amount::ZERO {
            calls.serialize(serializer)
        } else {
            WithAmount { calls, amount }.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Metered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Metered, D::Error> {
        deserializer.deserialize_any(MeteredVisitor)
    }
}

struct MeteredVisitor;

impl<'de> Visitor<'de> for MeteredVisitor {
    type Value = Metered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of calls, or calls with an amount such as {\"calls\": 3, \"amount\": \"120.50\"}")
    }

    fn visit_u64<E: de::Error>(self, calls: u64) -> Result<Metered, E> {
        Ok(Metered::calls(calls))
    }

    /// DynamoDB's numbers come signed.
    fn visit_i64<E: de::Error>(self, calls: i64) -> Result<Metered, E> {
        let refused = |_| E::invalid_value(de::Unexpected::Signed(calls), &self);
        u64::try_from(calls).map(Metered::calls).map_err(refused)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Metered, A::Error> {
        let WithAmount { calls, amount } =
            WithAmount::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Metered { calls, amount })
    }
}

/// `1200 calls`, `1 call`, `3 calls of ¥120.50`.
impl fmt::Display for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.calls == Calls::new(1) { "" } else { "s" };
        write!(f, "{} call{plural}", self.calls)?;
        if self.amount == Amount::ZERO {
            Ok(())
        } else {
            write!(f, " of ¥{}", self.amount.shown())
        }
    }
}

impl Usage {
    /// Nothing at all.
    #[must_use]
    pub const fn new() -> Usage {
        Usage(BTreeMap::new())
    }

    /// Whether nothing was metered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The metered figures of one API; zero if it is absent.
    #[must_use]
    pub fn of(&self, api: &ApiName) -> Metered {
        self.0.get(api).copied().unwrap_or(Metered::ZERO)
    }

    /// Each API with what was metered of it, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ApiName, Metered)> {
        self.0.iter().map(|(api, metered)| (api, *metered))
    }

    /// How many APIs were called.
    #[must_use]
    pub fn apis(&self) -> usize {
        self.0.len()
    }

    /// Everything together.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`] or [`Amount::MAX`].
    pub fn total(&self) -> Result<Metered, UsageError> {
        self.0.values().try_fold(Metered::ZERO, |sum, metered| sum.plus(*metered))
    }

    /// Counts more of one API.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`] or [`Amount::MAX`]; nothing is counted then.
    pub fn add(&mut self, api: ApiName, metered: Metered) -> Result<(), UsageError> {
        if metered.is_zero() {
            return Ok(());
        }
        match self.0.entry(api) {
            Entry::Vacant(place) => drop(place.insert(Metered::ZERO.plus(metered)?)),
            Entry::Occupied(mut sum) => *sum.get_mut() = sum.get().plus(metered)?,
        }
        Ok(())
    }

    /// Counts more of each API.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`] or [`Amount::MAX`]; only a part is counted then.
    pub fn add_all(&mut self, other: &Usage) -> Result<(), UsageError> {
        if self.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        other.iter().try_for_each(|(api, metered)| self.add(api.clone(), metered))
    }

    /// The sum of both.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`] or [`Amount::MAX`].
    pub fn plus(&self, other: &Usage) -> Result<Usage, UsageError> {
        let mut sum = self.clone();
        sum.add_all(other)?;
        Ok(sum)
    }

    /// The sum of both, of each API at most [`Calls::MAX`] and [`Amount::MAX`].
    #[must_use]
    pub fn plus_at_most(&self, other: &Usage) -> Usage {
        let mut sum = self.clone();
        for (api, metered) in other.iter() {
            sum.add_at_most(api.clone(), metered);
        }
        sum
    }

    fn add_at_most(&mut self, api: ApiName, metered: Metered) {
        let most = Metered { calls: Calls::MAX, amount: Amount::MAX };
        let of_api = self.0.entry(api).or_default();
        *of_api = of_api.plus(metered).unwrap_or(most);
    }

    /// The same under other names; what has one name then is summed, to at most [`Calls::MAX`] and
    /// [`Amount::MAX`].
    #[must_use]
    pub fn renamed(&self, name: impl Fn(&ApiName) -> ApiName) -> Usage {
        let mut renamed = Usage::new();
        for (api, metered) in self.iter() {
            renamed.add_at_most(name(api), metered);
        }
        renamed
    }

    /// What is left without `other`.
    ///
    /// # Errors
    ///
    /// [`UsageError::Below`] when `other` has more of an API.
    pub fn minus(&self, other: &Usage) -> Result<Usage, UsageError> {
        for (api, metered) in other.iter() {
            self.of(api).minus(metered)?;
        }
        Ok(self.above(other))
    }

    /// What is left of each API above `other`; nothing of those of which `other` has more.
    #[must_use]
    pub fn above(&self, other: &Usage) -> Usage {
        self.iter().map(|(api, metered)| (api.clone(), metered.above(other.of(api)))).collect()
    }

    /// Whether there is as much of each API as in `other`.
    #[must_use]
    pub fn covers(&self, other: &Usage) -> bool {
        other.iter().all(|(api, metered)| self.of(api).covers(metered))
    }
}

impl FromIterator<(ApiName, Metered)> for Usage {
    /// The usage of some APIs, each named once.
    fn from_iter<I: IntoIterator<Item = (ApiName, Metered)>>(metered: I) -> Usage {
        Usage(metered.into_iter().filter(|(_, metered)| !metered.is_zero()).collect())
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, I64Deserializer};

    use super::*;

    #[test]
    fn numbers_of_calls_may_come_signed() {
        let read = |number: i64| {
            let number: I64Deserializer<Error> = number.into_deserializer();
            Metered::deserialize(number).ok()
        };
        assert_eq!((read(7), read(-1)), (Some(Metered::calls(7)), None));
    }

    #[test]
    fn usage_is_written_as_calls_or_with_an_amount() {
        for (json, calls, amount) in
            [("7", 7, "0"), (r#"{"calls":3,"amount":"120.5"}"#, 3, "120.5")]
        {
            let metered: Metered = serde_json::from_str(json).unwrap();
            assert_eq!(metered.calls, Calls::new(calls));
            assert_eq!(metered.amount.get(), Decimal::from_str_exact(amount).unwrap());
            assert_eq!(serde_json::to_string(&metered).unwrap(), json);
        }
    }
}
