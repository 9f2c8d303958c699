//! Counts of calls by API.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ApiName;

/// A number of calls.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Calls(u64);

/// How often each API was called; an API without calls is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usage(BTreeMap<ApiName, Calls>);

/// Why counts could not be added or taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UsageError {
    /// The sum is more than [`Calls::MAX`].
    #[error("{left} and {right} calls are too many to count")]
    TooMany {
        /// The first operand.
        left: Calls,
        /// The second operand.
        right: Calls,
    },
    /// A count shrank: counts only ever grow, so what was read contradicts what was read before.
    #[error("{api} has {now} calls, fewer than the {before} counted before")]
    Shrunk {
        /// The API in question.
        api: ApiName,
        /// The count known from before.
        before: Calls,
        /// The smaller count.
        now: Calls,
    },
}

impl Calls {
    /// None.
    pub const ZERO: Calls = Calls(0);

    /// The most calls that one count can hold: 10¹⁵, far from any limit of the arithmetic and of
    /// the numbers that JSON programs read exactly.
    pub const MAX: Calls = Calls(1_000_000_000_000_000);

    /// A number of calls.
    #[must_use]
    pub const fn new(calls: u64) -> Calls {
        Calls(calls)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMany`] past [`Calls::MAX`].
    pub fn plus(self, other: Calls) -> Result<Calls, UsageError> {
        self.0
            .checked_add(other.0)
            .map(Calls)
            .filter(|sum| *sum <= Calls::MAX)
            .ok_or(UsageError::TooMany { left: self, right: other })
    }

    /// What is left above `other`; none when `other` is the larger.
    #[must_use]
    pub const fn above(self, other: Calls) -> Calls {
        Calls(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Usage {
    /// No calls at all.
    #[must_use]
    pub const fn new() -> Usage {
        Usage(BTreeMap::new())
    }

    /// Whether there are no calls.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The calls of one API.
    #[must_use]
    pub fn of(&self, api: &ApiName) -> Calls {
        self.0.get(api).copied().unwrap_or(Calls::ZERO)
    }

    /// Each API with its calls, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ApiName, Calls)> {
        self.0.iter().map(|(api, calls)| (api, *calls))
    }

    /// How many APIs were called.
    #[must_use]
    pub fn apis(&self) -> usize {
        self.0.len()
    }

    /// All calls together.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMany`] past [`Calls::MAX`].
    pub fn calls(&self) -> Result<Calls, UsageError> {
        self.0.values().try_fold(Calls::ZERO, |sum, calls| sum.plus(*calls))
    }

    /// Counts more calls of one API.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMany`] past [`Calls::MAX`]; nothing is counted then.
    pub fn add(&mut self, api: ApiName, calls: Calls) -> Result<(), UsageError> {
        if calls.is_zero() {
            return Ok(());
        }
        let sum = self.of(&api).plus(calls)?;
        self.0.insert(api, sum);
        Ok(())
    }

    /// The sum of both.
    ///
    /// # Errors
    ///
    /// [`UsageError::TooMany`] past [`Calls::MAX`].
    pub fn plus(&self, other: &Usage) -> Result<Usage, UsageError> {
        let mut sum = self.clone();
        for (api, calls) in other.iter() {
            sum.add(api.clone(), calls)?;
        }
        Ok(sum)
    }

    /// What came on top of `before`.
    ///
    /// # Errors
    ///
    /// [`UsageError::Shrunk`] when a count of `before` is larger than it is here.
    pub fn since(&self, before: &Usage) -> Result<Usage, UsageError> {
        let mut gained = Usage::new();
        for (api, known) in before.iter() {
            if self.of(api) < known {
                return Err(UsageError::Shrunk {
                    api: api.clone(),
                    before: known,
                    now: self.of(api),
                });
            }
        }
        for (api, calls) in self.iter() {
            gained.add(api.clone(), calls.above(before.of(api)))?;
        }
        Ok(gained)
    }
}
