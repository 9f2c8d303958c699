//! A usage report from a queue of which something was refused: nobody reads the answer, so that it
//! is noted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ReportId, SourceId};

/// The refused records of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedReport {
    /// The source that sent it.
    pub source: SourceId,
    /// The id that the source chose for the report.
    pub report: ReportId,
    /// When it was refused first, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub refused_at_s: Timestamp,
    /// How many of its records were refused.
    pub records: u32,
    /// For how many providers and days its id stood for other usage already.
    pub conflicts: u32,
    /// Why, each reason once; the first [`RefusedReport::REASONS_MAX`].
    pub reasons: Vec<String>,
}

impl RefusedReport {
    /// The most reasons that are noted.
    pub const REASONS_MAX: usize = 10;
    /// The most characters of each.
    pub const REASON_MAX: usize = 200;
}
