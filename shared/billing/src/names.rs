//! How many names of APIs a month lists. A client chooses the names that a wildcard covers. Beyond
//! a limit their calls are summed under one name, so that no client makes a statement too large to
//! store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use steelyard_pricing::{ApiName, BillingDay, BillingMonth, Catalog, Plan, Usage, UsageError};
use thiserror::Error;

use crate::settlement::{SettlementError, check_readable, segments_of};
use crate::{Account, DayCount, Provider, ProviderId, UsageRead};

/// The most names of APIs that the statements of a provider's month list, of those that its plan
/// does not list: 1 to 20,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct NamesMax(u32);

/// A number of names is not one that can be listed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a month lists 1 to 20000 names of APIs, not {0}")]
pub struct NamesMaxError(String);

impl NamesMax {
    /// The number unless the platform sets another.
    pub const DEFAULT: NamesMax = NamesMax(2_000);
}

impl TryFrom<u32> for NamesMax {
    type Error = NamesMaxError;

    fn try_from(number: u32) -> Result<NamesMax, NamesMaxError> {
        let is_possible = (1..=20_000).contains(&number);
        is_possible.then_some(NamesMax(number)).ok_or_else(|| NamesMaxError(number.to_string()))
    }
}

impl FromStr for NamesMax {
    type Err = NamesMaxError;

    fn from_str(text: &str) -> Result<NamesMax, NamesMaxError> {
        let number: u32 = text.parse().map_err(|_| NamesMaxError(text.to_owned()))?;
        number.try_into()
    }
}

impl From<NamesMax> for u32 {
    fn from(NamesMax(number): NamesMax) -> u32 {
        number
    }
}

impl fmt::Display for NamesMax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The names that a month lists, of those that its plan does not list.
///
/// It keeps three bytes of a hash of each name. Of 10,000 names beyond 2,000 listed ones, one or
/// two have the hash of a listed one, and are listed too. A salt keeps clients from choosing such
/// names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedNames {
    salt: [u8; 8],
    hashes: BTreeSet<[u8; 3]>,
    /// Whether calls were summed under another name. From then on the month lists no further names,
    /// so that reading a day again yields the same sums.
    is_full: bool,
}

impl ListedNames {
    /// No names. The salt depends on the time to the nanosecond, which no client knows.
    fn begun(provider: &ProviderId, now: Timestamp) -> ListedNames {
        let digest = Sha256::digest(format!("{provider} {}", now.as_nanosecond()));
        let mut salt = [0; 8];
        salt.iter_mut().zip(digest).for_each(|(place, byte)| *place = byte);
        ListedNames { salt, ..ListedNames::default() }
    }

    /// Whether no name is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty() && !self.is_full
    }

    fn hash(&self, api: &ApiName) -> [u8; 3] {
        let digest = Sha256::new().chain_update(self.salt).chain_update(api.as_str());
        let [first, second, third, ..]: [u8; 32] = digest.finalize().into();
        [first, second, third]
    }

    /// Whether a name is listed, or is from now on.
    fn list(&mut self, api: &ApiName, NamesMax(most): NamesMax) -> bool {
        let hash = self.hash(api);
        if self.hashes.contains(&hash) {
            return true;
        }
        let is_room = u32::try_from(self.hashes.len()).is_ok_and(|listed| listed < most);
        if self.is_full || !is_room {
            self.is_full = true;
            return false;
        }
        self.hashes.insert(hash)
    }

    /// The name under which calls are summed that were charged under it, if they were charged.
    fn charged_as(&self, api: &ApiName, plan: &Plan) -> ApiName {
        let is_listed = !self.is_full || self.hashes.contains(&self.hash(api));
        plan.other_of(api).filter(|_| !is_listed).unwrap_or_else(|| api.clone())
    }
}

impl UsageRead {
    /// The same with no more names than each month lists: further ones of days that are read are
    /// summed under others, day by day in the order of the names.
    ///
    /// # Errors
    ///
    /// [`SettlementError`] when the terms of a settled day are gone, or a sum is more than can be
    /// rated.
    pub fn bounded(
        mut self,
        provider: &Provider,
        account: &Account,
        plans: &Catalog,
        most: NamesMax,
        now: Timestamp,
    ) -> Result<UsageRead, SettlementError> {
        let mut days: BTreeMap<BillingMonth, Vec<BillingDay>> = BTreeMap::new();
        for day in self.days.keys() {
            days.entry(day.month()).or_default().push(*day);
        }
        if !days.is_empty() {
            check_readable(provider, plans)?;
        }
        for (month, days) in days {
            let listed = account.months.get(&month).map(|progress| progress.names.clone());
            let listed = listed.filter(|names| !names.is_empty());
            let mut names = listed.unwrap_or_else(|| ListedNames::begun(&provider.provider, now));
            let segments = segments_of(provider, account, month, plans)?;
            for day in days {
                let segment = segments.iter().find(|segment| segment.holds(day));
                if let (Some(count), Some(segment)) = (self.days.get_mut(&day), segment) {
                    count.bound(&mut names, segment.plan(), most)?;
                }
            }
            self.names.insert(month, names);
        }
        Ok(self)
    }
}

impl DayCount {
    fn bound(
        &mut self,
        names: &mut ListedNames,
        plan: &Plan,
        most: NamesMax,
    ) -> Result<(), UsageError> {
        let mut usage = Usage::new();
        for (api, metered) in self.usage.iter() {
            let other = plan.other_of(api).filter(|_| !names.list(api, most));
            usage.add(other.unwrap_or_else(|| api.clone()), metered)?;
        }
        self.usage = usage;
        // What was withdrawn takes no place in the list.
        self.withdrawn = self.withdrawn.renamed(|api| names.charged_as(api, plan));
        Ok(())
    }
}

/// Stored as bytes: whether it is full, the salt, and the hashes.
impl Serialize for ListedNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hashes = self.hashes.iter().flatten().copied();
        let head = std::iter::once(u8::from(self.is_full)).chain(self.salt);
        let bytes = head.chain(hashes).collect::<Vec<_>>();
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
        f.write_str("the names that a month lists: nine bytes, and three of each name")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<ListedNames, E> {
        let refused = || E::invalid_length(bytes.len(), &self);
        let (is_full, rest) = bytes.split_first().ok_or_else(refused)?;
        let (salt, hashes) = rest.split_first_chunk().ok_or_else(refused)?;
        let (hashes, rest) = hashes.as_chunks::<3>();
        if !rest.is_empty() {
            return Err(refused());
        }
        let hashes = hashes.iter().copied().collect();
        Ok(ListedNames { salt: *salt, hashes, is_full: *is_full == 1 })
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<ListedNames, E> {
        self.visit_bytes(&bytes)
    }
}
