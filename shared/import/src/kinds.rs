//! Lines that are told apart by kind, and counted. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

/// How many lines there are of each kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kinds<K: Ord> {
    /// How many there are in all.
    pub count: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<K, u64>,
}

impl<K: Ord + Copy> Kinds<K> {
    pub(super) fn add(&mut self, kind: K) {
        self.add_all(kind, 1);
    }

    pub(super) fn extend(&mut self, other: &Kinds<K>) {
        other.kinds.iter().for_each(|(kind, count)| self.add_all(*kind, *count));
    }

    fn add_all(&mut self, kind: K, count: u64) {
        self.count += count;
        *self.kinds.entry(kind).or_default() += count;
    }
}

impl<K: Ord> Default for Kinds<K> {
    fn default() -> Kinds<K> {
        Kinds { count: 0, kinds: BTreeMap::new() }
    }
}
