//! How many names of APIs a month lists. Clients can choose names that a wildcard covers, so beyond a
//! limit their calls are summed under one name, and nobody is made unbillable by names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use steelyard_pricing::{ApiName, BillingDay, BillingMonth, Catalog, Plan, Usage, UsageError};

use crate::settlement::{SettlementError, check_readable, segments_of};
use crate::{Account, DayCount, Provider, UsageRead};

/// The most names of a provider's month that statements list, unless the platform sets another number.
/// Names that a plan lists do not count.
pub const NAMES_MAX: u32 = 2_000;

/// The names that a month lists, of those that a wildcard covers or nothing.
///
/// Of each it keeps three bytes of a hash. Of 2,000 names listed and 10,000 beyond, one or two are taken
/// for a listed one; they are listed besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedNames {
    hashes: BTreeSet<[u8; 3]>,
    /// Whether calls were summed under another name: from then on the month lists no further names, so
    /// that a day that is read again comes to the same.
    is_full: bool,
}

impl ListedNames {
    /// Whether no name is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty() && !self.is_full
    }

    fn has(&self, api: &ApiName) -> bool {
        self.hashes.contains(&hash(api))
    }

    /// Whether a name is listed, or is from now on.
    fn lists(&mut self, api: &ApiName, most: u32) -> bool {
        if self.has(api) {
            return true;
        }
        let is_room = u32::try_from(self.hashes.len()).is_ok_and(|listed| listed < most);
        if self.is_full || !is_room {
            self.is_full = true;
            return false;
        }
        self.hashes.insert(hash(api))
    }

    /// Usage with the names that are not listed summed under others.
    fn bound(&mut self, usage: &Usage, plan: &Plan, most: u32) -> Result<Usage, UsageError> {
        let mut bound = Usage::new();
        for (api, metered) in usage.iter() {
            let other = plan.other_of(api).filter(|_| !self.lists(api, most));
            bound.add(other.unwrap_or_else(|| api.clone()), metered)?;
        }
        Ok(bound)
    }
}

fn hash(api: &ApiName) -> [u8; 3] {
    let [first, second, third, ..]: [u8; 32] = Sha256::digest(api.as_str()).into();
    [first, second, third]
}

impl UsageRead {
    /// The same with no more names than each month lists: further ones of days that are read are summed
    /// under others, day by day in the order of the names.
    ///
    /// # Errors
    ///
    /// [`SettlementError`] when the terms of a settled day are gone, or a sum is more than can be rated.
    pub fn bounded(
        mut self,
        provider: &Provider,
        account: &Account,
        plans: &Catalog,
        most: u32,
    ) -> Result<UsageRead, SettlementError> {
        let mut days: BTreeMap<BillingMonth, Vec<BillingDay>> = BTreeMap::new();
        for day in self.days.keys() {
            days.entry(day.month()).or_default().push(*day);
        }
        if !days.is_empty() {
            check_readable(provider, plans)?;
        }
        for (month, days) in days {
            let progress = account.months.get(&month);
            let mut names = progress.map(|progress| progress.names.clone()).unwrap_or_default();
            let segments = segments_of(provider, account, month, plans)?;
            for day in days {
                let (Some(count), Some(segment)) =
                    (self.days.get_mut(&day), segments.iter().find(|segment| segment.holds(day)))
                else {
                    continue;
                };
                count.bound(&mut names, segment.plan(), most)?;
            }
            self.names.insert(month, names);
        }
        Ok(self)
    }
}

impl DayCount {
    fn bound(&mut self, names: &mut ListedNames, plan: &Plan, most: u32) -> Result<(), UsageError> {
        self.usage = names.bound(&self.usage, plan, most)?;
        self.withdrawn = names.bound(&self.withdrawn, plan, most)?;
        Ok(())
    }
}

/// Stored as bytes: whether it is full, and the hashes.
impl Serialize for ListedNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hashes = self.hashes.iter().flatten().copied();
        let bytes = std::iter::once(u8::from(self.is_full)).chain(hashes).collect::<Vec<_>>();
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for ListedNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ListedNames, D::Error> {
        deserializer.deserialize_bytes(NamesVisitor)
    }
}

struct NamesVisitor;

impl Visitor<'_> for NamesVisitor {
    type Value = ListedNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names that a month lists: a byte, and three of each name")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<ListedNames, E> {
        let refused = || E::invalid_length(bytes.len(), &self);
        let (is_full, hashes) = bytes.split_first().ok_or_else(refused)?;
        let (hashes, rest) = hashes.as_chunks::<3>();
        if !rest.is_empty() {
            return Err(refused());
        }
        Ok(ListedNames { hashes: hashes.iter().copied().collect(), is_full: *is_full == 1 })
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<ListedNames, E> {
        self.visit_bytes(&bytes)
    }
}
