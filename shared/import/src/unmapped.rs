//! Callers of whom nobody knows which provider they are. Pure.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// How many callers are shown.
pub const CALLERS_SHOWN_MAX: usize = 50;

/// How many callers are told apart: a client can make up as many as it likes.
const CALLERS_MAX: usize = 10_000;

/// Callers that name no provider, with their calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnmappedCallers {
    /// The lines that name them.
    pub lines: u64,
    calls: BTreeMap<String, u64>,
    /// The calls of callers after the first [`CALLERS_MAX`].
    others: u64,
}

impl UnmappedCallers {
    pub(super) fn add(&mut self, caller: String, calls: u64) {
        self.lines += 1;
        self.add_calls(caller, calls);
    }

    pub(super) fn extend(&mut self, other: &UnmappedCallers) {
        self.lines += other.lines;
        self.others = self.others.saturating_add(other.others);
        for (caller, calls) in &other.calls {
            self.add_calls(caller.clone(), *calls);
        }
    }

    fn add_calls(&mut self, caller: String, calls: u64) {
        let is_full = self.calls.len() >= CALLERS_MAX;
        let sum = match self.calls.get_mut(&caller) {
            Some(sum) => sum,
            None if is_full => &mut self.others,
            None => self.calls.entry(caller).or_default(),
        };
        *sum = sum.saturating_add(calls);
    }

    /// The callers with the most calls, those first, and the calls of all others.
    #[must_use]
    pub fn shown(&self) -> (Vec<(&str, u64)>, u64) {
        let mut callers = self.calls.iter().map(|(c, calls)| (&**c, *calls)).collect::<Vec<_>>();
        // Callers with as many calls stay in the order of their names.
        callers.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
        let rest = callers.split_off(callers.len().min(CALLERS_SHOWN_MAX));
        let rest = rest.into_iter().map(|(_, calls)| calls);
        (callers, rest.fold(self.others, u64::saturating_add))
    }
}

impl Serialize for UnmappedCallers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Caller<'a> {
            caller: &'a str,
            calls: u64,
        }
        let (callers, others) = self.shown();
        let callers = callers.into_iter().map(|(caller, calls)| Caller { caller, calls });
        let mut unmapped = serializer.serialize_struct("UnmappedCallers", 3)?;
        unmapped.serialize_field("lines", &self.lines)?;
        unmapped.serialize_field("callers", &callers.collect::<Vec<_>>())?;
        unmapped.serialize_field("other_calls", &others)?;
        unmapped.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_with_the_most_calls_come_first_and_the_rest_is_summed() {
        let mut callers = UnmappedCallers::default();
        for caller in 0..60 {
            callers.add(format!("c{caller:02}"), 1);
        }
        callers.add("c59".to_owned(), 5);
        let (shown, others) = callers.shown();
        assert_eq!(shown[..2], [("c59", 6), ("c00", 1)]);
        assert_eq!((shown.len(), others, callers.lines), (CALLERS_SHOWN_MAX, 10, 61));
    }

    #[test]
    fn callers_are_bounded_and_their_calls_counted() {
        let (mut all, mut chunk) = (UnmappedCallers::default(), UnmappedCallers::default());
        for caller in 0..CALLERS_MAX + 7 {
            chunk.add(caller.to_string(), 2);
        }
        all.extend(&chunk);
        all.extend(&chunk);
        let (shown, others) = all.shown();
        let calls = shown.iter().map(|(_, calls)| calls).sum::<u64>() + others;
        assert_eq!((all.calls.len(), calls, all.lines), (CALLERS_MAX, 40_028, 20_014));
    }
}
