//! Where a file may be cut, and what cannot be known there. Pure.

use std::collections::HashSet;

use serde::Serialize;

use super::fingerprint::Fingerprint;

/// The warnings about the order of a file, and about its first and last second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edges {
    /// How often a line is older than one before it by more than the window.
    pub steps_back: u64,
    /// How many lines repeat lines before them, in their order: they count once.
    pub repeated: u64,
    /// How many lines may repeat lines before them: too few to be sure, or without a step back.
    /// They are counted.
    pub perhaps_repeated: u64,
    #[serde(flatten)]
    ends: Ends,
}

/// The lines of the first and the last second, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Ends {
    /// In the first second, the lines that are the same as one before them.
    #[serde(rename = "equal_lines_in_first_second", serialize_with = "as_equal")]
    first: Option<Second>,
    /// The lines of the last second.
    #[serde(rename = "equal_lines_in_last_second", serialize_with = "as_equal")]
    last: Option<Second>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Second {
    at: i64,
    lines: HashSet<Fingerprint>,
    equal: u64,
}

impl Edges {
    pub(super) fn add(&mut self, at: i64, print: Fingerprint) {
        let Ends { first, last } = &mut self.ends;
        let first = first.get_or_insert_with(|| Second { at, ..Second::default() });
        first.add(at, print);
        let last = last.get_or_insert_with(Second::default);
        if last.at != at {
            last.at = at;
            last.lines.clear();
            last.equal = 0;
        }
        last.add(at, print);
    }

    /// Whether lines of the first or the last second are the same: if the file was cut between two
    /// of them, they count as one in both pieces.
    #[must_use]
    pub fn has_equal_lines(&self) -> bool {
        [&self.ends.first, &self.ends.last].into_iter().flatten().any(|second| second.equal > 0)
    }
}

impl Second {
    fn add(&mut self, at: i64, print: Fingerprint) {
        if at == self.at && !self.lines.insert(print) {
            self.equal += 1;
        }
    }
}

fn as_equal<S: serde::Serializer>(
    second: &Option<Second>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(second.as_ref().map_or(0, |second| second.equal))
}
