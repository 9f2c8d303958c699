//! What became of a scrape. Pure.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::sample::SampleError;
use crate::reasons::{Reasons, Refused};
use crate::unmapped::UnmappedCallers;

/// What became of the series of a scrape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CounterOutcome {
    /// The series of the counter that the scrape shows.
    pub series: u64,
    /// The series that begin here: nothing of what they show counts.
    pub baselines: u64,
    /// The series that appeared since the last scrape: all that they show counts.
    pub new: u64,
    /// The series whose value fell, so that all that they show counts.
    pub resets: u64,
    /// The series whose calls are not billed.
    pub not_billable: u64,
    /// The callers that are no provider, with the calls that wait until they are.
    pub unmapped: UnmappedCallers,
    /// The lines that do not count, by what is wrong with them.
    pub bad: Reasons<BadSample>,
    /// The calls to report.
    pub calls: u64,
    /// The calls that later reports take: a record, and a report, has so many at most.
    pub deferred: u64,
}

/// A line of a scrape that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadSample {
    /// Its number, from 1.
    pub line: u64,
    /// The fault of the sample.
    #[serde(serialize_with = "as_text")]
    pub why: SampleError,
}

impl Refused for BadSample {
    fn reason(&self) -> Cow<'static, str> {
        self.why.reason()
    }

    fn size(&self) -> u64 {
        1
    }
}

fn as_text<S: Serializer>(why: &SampleError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(why)
}
