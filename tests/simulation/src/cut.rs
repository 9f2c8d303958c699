//! Where a process ends, if a caller decides it: before or after one of its requests.

use std::collections::BTreeMap;

use crate::machines::Which;
use crate::mishap::Mishap;

/// A process that ends at one of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The function whose process ends.
    pub function: Which,
    /// The place of the request among all that the function makes of AWS and Alipay, from 1.
    pub request: u64,
    /// The moment of the request at which it ends.
    pub when: When,
}

/// The moment of a request at which a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing is sent.
    Before,
    /// The request has its effect, and nobody reads the answer.
    After,
}

/// Every cut of a story whose functions make so many requests when nothing is cut.
#[must_use]
pub fn single_cuts(requests: &BTreeMap<Which, u64>) -> Vec<Vec<Cut>> {
    let of = |(function, most): (&Which, &u64)| {
        let function = *function;
        let cuts = (1..=*most).flat_map(|request| When::ALL.map(|when| (request, when)));
        cuts.map(move |(request, when)| vec![Cut { function, request, when }]).collect::<Vec<_>>()
    };
    requests.iter().flat_map(of).collect()
}

/// Every pair of cuts of one function of which the second one comes that many requests after the
/// first at most: the process that goes on with the work ends, too.
#[must_use]
pub fn pairs_of_cuts(requests: &BTreeMap<Which, u64>, within: u64) -> Vec<Vec<Cut>> {
    let second = |first: Cut| {
        let after = (1..=within).flat_map(|more| When::ALL.map(|when| (more, when)));
        after.map(move |(more, when)| {
            vec![first, Cut { request: first.request + more, when, ..first }]
        })
    };
    single_cuts(requests).into_iter().flatten().flat_map(second).collect()
}

impl When {
    /// Both, in their order.
    pub const ALL: [When; 2] = [When::Before, When::After];
}

/// The cuts of a story, and how many requests each function made.
#[derive(Debug, Default)]
pub(crate) struct Cuts {
    pub(crate) planned: Vec<Cut>,
    pub(crate) requests: BTreeMap<Which, u64>,
}

impl Cuts {
    /// Counts a request of a function; how the process ends at it, if it does.
    pub(crate) fn at(&mut self, function: Which) -> Option<Mishap> {
        let count = self.requests.entry(function).or_default();
        *count += 1;
        let request = *count;
        let is_here = |cut: &&Cut| cut.function == function && cut.request == request;
        self.planned.iter().find(is_here).map(|cut| match cut.when {
            When::Before => Mishap::CrashBefore,
            When::After => Mishap::CrashAfter,
        })
    }
}
