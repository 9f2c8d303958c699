//! Cumulative counts: a report that says how far a count has come, in whatever order and however
//! often it is sent.
//!
//! For each API a report counts parts, and parts may have sub-parts. Of one name the larger count
//! holds. A part is the larger of its own count and the sum of its sub-parts, and the parts add up.
//! So merging reports is commutative, associative and idempotent, and no count ever shrinks.

mod label;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use steelyard_pricing::{ApiName, Metered, Usage, UsageError};
use thiserror::Error;

pub use self::label::{Label, LabelText, Part};
use crate::counted::APIS_PER_DAY_MAX;

/// What cumulative reports of one id say of one provider and day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CumulativeUsage(BTreeMap<ApiName, Parts>);

type Parts = BTreeMap<Option<Label>, PartUsage>;

/// Why what was reported cumulatively cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TooLarge {
    /// The calls cannot be rated.
    #[error("more than can be rated with what is counted already: {0}")]
    TooMuch(#[from] UsageError),
    /// Too many APIs.
    #[error(
        "more than {APIS_PER_DAY_MAX} APIs of one provider on a day under one id: report the others under another"
    )]
    TooManyApis,
    /// Too many parts.
    #[error(
        "the parts under the report's id take {0} bytes; {PARTS_BYTES_MAX} are the most: report fewer or shorter parts under one id"
    )]
    TooManyParts(usize),
}

/// The most bytes that the parts of a provider and day may take, as they are stored: an item has
/// 400 KB, and some are for its keys.
pub const PARTS_BYTES_MAX: usize = 350_000;

/// What was reported for a part of an API, and for its sub-parts. Nothing is stored of a zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PartUsage {
    own: Metered,
    subs: BTreeMap<Label, Metered>,
}

/// The larger of each: of the calls, and of what went through them.
fn larger(left: Metered, right: Metered) -> Metered {
    Metered { calls: left.calls.max(right.calls), amount: left.amount.max(right.amount) }
}

impl CumulativeUsage {
    /// Nothing at all.
    #[must_use]
    pub const fn new() -> CumulativeUsage {
        CumulativeUsage(BTreeMap::new())
    }

    /// Takes in what was reported for a part of an API, if that is more than is known of it.
    pub fn raise(&mut self, api: &ApiName, part: Part, metered: Metered) {
        if metered.is_zero() {
            return;
        }
        if !self.0.contains_key(api) {
            self.0.insert(api.clone(), Parts::new());
        }
        let Some(parts) = self.0.get_mut(api) else { return };
        let of_part = parts.entry(part.part).or_default();
        let known = match part.sub {
            None => &mut of_part.own,
            Some(sub) => of_part.subs.entry(sub).or_default(),
        };
        *known = larger(*known, metered);
    }

    /// Takes in all that another says.
    pub fn merge(&mut self, other: CumulativeUsage) {
        for (api, parts) in other.0 {
            match self.0.entry(api) {
                Entry::Vacant(unknown) => drop(unknown.insert(parts)),
                Entry::Occupied(mut known) => merge_parts(known.get_mut(), parts),
            }
        }
    }

    /// The calls that count, and what went through them, by API.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when a sum is more than can be rated.
    pub fn usage(&self) -> Result<Usage, UsageError> {
        let mut usage = Usage::new();
        for (api, parts) in &self.0 {
            for part in parts.values() {
                usage.add(api.clone(), part.counts()?)?;
            }
        }
        Ok(usage)
    }

    /// Each count that was reported, by API, part and sub-part.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = (&ApiName, Option<&Label>, Option<&Label>, Metered)> {
        self.0.iter().flat_map(|(api, parts)| {
            parts.iter().flat_map(move |(part, counts)| {
                let own = (!counts.own.is_zero()).then_some((None, counts.own));
                let subs = counts.subs.iter().map(|(sub, metered)| (Some(sub), *metered));
                own.into_iter()
                    .chain(subs)
                    .map(move |(sub, metered)| (api, part.as_ref(), sub, metered))
            })
        })
    }

    /// What was reported for a part of an API.
    #[must_use]
    pub fn of(&self, api: &ApiName, part: &Part) -> Metered {
        let found = self.0.get(api).and_then(|parts| parts.get(&part.part));
        let found = found.and_then(|counts| match &part.sub {
            None => Some(counts.own),
            Some(sub) => counts.subs.get(sub).copied(),
        });
        found.unwrap_or(Metered::ZERO)
    }

    /// The APIs that fit beside those that are known, and the others: of the new ones as many fit
    /// as make `apis_max` with the known, the first by their names.
    #[must_use]
    pub fn split(
        self,
        known: &CumulativeUsage,
        apis_max: usize,
    ) -> (CumulativeUsage, CumulativeUsage) {
        let mut room = apis_max.saturating_sub(known.apis());
        let (fitting, others) = self.0.into_iter().partition(|(api, _)| {
            let fits = known.0.contains_key(api) || room > 0;
            if fits && !known.0.contains_key(api) {
                room -= 1;
            }
            fits
        });
        (CumulativeUsage(fitting), CumulativeUsage(others))
    }

    /// The parts whose own counts are no less than the sums of their sub-parts, without these, and
    /// the other parts.
    #[must_use]
    pub fn divide(self) -> (CumulativeUsage, CumulativeUsage) {
        let (mut counts, mut others) = (CumulativeUsage::new(), CumulativeUsage::new());
        for (api, parts) in self.0 {
            for (part, usage) in parts {
                let (of, usage) = if usage.counts() == Ok(usage.own) {
                    (&mut counts, PartUsage { subs: BTreeMap::new(), ..usage })
                } else {
                    (&mut others, usage)
                };
                of.0.entry(api.clone()).or_default().insert(part, usage);
            }
        }
        (counts, others)
    }

    /// How many APIs were called.
    #[must_use]
    pub fn apis(&self) -> usize {
        self.0.len()
    }
}

impl PartUsage {
    fn counts(&self) -> Result<Metered, UsageError> {
        let subs = self.subs.values().try_fold(Metered::ZERO, |sum, sub| sum.plus(*sub))?;
        Ok(larger(self.own, subs))
    }
}

fn merge_parts(known: &mut Parts, other: Parts) {
    for (part, counts) in other {
        match known.entry(part) {
            Entry::Vacant(unknown) => drop(unknown.insert(counts)),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.own = larger(known.own, counts.own);
                for (sub, metered) in counts.subs {
                    let of_sub = known.subs.entry(sub).or_default();
                    *of_sub = larger(*of_sub, metered);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
