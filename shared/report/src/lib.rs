//! Usage as sources send it: reports, and CloudEvents that are one, and what may be counted of
//! them. Pure.
//!
//! Here stands what is decided by the bytes, a calendar and the time alone. The counter finds out
//! which providers are registered, which months are closed, and what was counted before.

mod accept;
mod event;
mod refusal;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use steelyard_billing::{
    Basis, CountedDays, CumulativeUsage, Minute, ProviderId, ReportDigest, ReportId, SourceId,
};
use steelyard_json::{JsonError, Node};
use steelyard_pricing::{BillingDay, Metered, Usage};
use thiserror::Error;

pub use self::event::{
    EventError, EventFault, EventName, MessageError, UsageEvent, media_type, of_message,
};
pub use self::refusal::Refusal;

/// The most records that a report may have.
pub const RECORDS_MAX: usize = 10_000;

/// The largest report, in bytes.
pub const REPORT_BYTES_MAX: usize = 1_000_000;

/// How far in the future usage may lie: clocks differ.
pub const FUTURE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// A batch of call counts from one source, with an id that the source chose.
///
/// Its records are not checked yet: a bad one is refused for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReport {
    /// The machine that reports.
    pub source: SourceId,
    /// The id that it chose: the same for the same content, however often it is sent.
    pub id: ReportId,
    /// How its counts are meant.
    pub counts: Counts,
    /// The records, each a count of one API.
    pub records: Vec<Node>,
    /// The minute of its one record, with whose reports it is stored in one item. Its id is unique
    /// for the source, the provider, the day and this minute then. None stores it by itself.
    pub combined: Option<Minute>,
}

/// How the counts of a report are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Counts {
    /// They are new: the report counts once, and its id has one content.
    #[default]
    New,
    /// They say how far counting has come: of what is sent under the id, the larger counts.
    Cumulative(Option<Basis>),
}

/// One count of a report, as it is written.
struct UsageRecord {
    /// The id of the provider whose calls they are.
    provider: String,
    /// The name of the API.
    api: String,
    /// When, as an instant of RFC 3339; either this or `day`.
    at: Option<String>,
    /// On which billing day; either this or `at`.
    day: Option<String>,
    /// The number of calls.
    count: Node,
    /// The amount that went through them, in yuan, as a text such as `"120.50"`; nothing unless
    /// given.
    amount: Option<Node>,
    /// The part of a cumulative report that it is the count of.
    part: Option<String>,
}

/// Why a report is refused as a whole. Nothing of it was counted.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The report is too large.
    #[error("the report has {0} bytes; {REPORT_BYTES_MAX} are the most")]
    TooLarge(usize),
    /// The report is not JSON, or not in the form of a report.
    #[error("the report is not in the form of a usage report: {0}")]
    Malformed(JsonError),
    /// The report has too many records.
    #[error("the report has {0} records; {RECORDS_MAX} are the most")]
    TooManyRecords(usize),
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the report, from 0.
    pub index: usize,
    /// The rule that refuses it.
    pub why: Refusal,
}

/// What may be counted of a report, provider by provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The share of each provider.
    pub shares: BTreeMap<ProviderId, Share>,
    /// The records that may not.
    pub refused: Vec<Refused>,
}

/// What a report says of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The metered usage, by billing day; nothing of a cumulative report.
    pub days: CountedDays,
    /// How far the counts of a cumulative report have come, by billing day.
    pub cumulative: BTreeMap<BillingDay, CumulativeUsage>,
    /// The sum of what was metered: no more than can be rated.
    pub total: Metered,
    /// The places in the report of the records behind each day.
    pub records: BTreeMap<BillingDay, Vec<usize>>,
    /// SHA-256 of all that the report says of the provider, refused records included, and of the
    /// days that the records name: what time it is does not change it.
    pub digest: ReportDigest,
}

impl Share {
    /// The metered usage of a day; nothing of one that has records of no calls only.
    #[must_use]
    pub fn metered(&self, day: BillingDay) -> Usage {
        self.days.get(&day).cloned().unwrap_or_default()
    }
}

impl UsageReport {
    /// Reads a report.
    ///
    /// # Errors
    ///
    /// [`ReportError`] naming what is wrong with it as a whole.
    pub fn read(body: &[u8]) -> Result<UsageReport, ReportError> {
        if body.len() > REPORT_BYTES_MAX {
            return Err(ReportError::TooLarge(body.len()));
        }
        let report = UsageReport::parse(body).map_err(ReportError::Malformed)?;
        if report.records.len() > RECORDS_MAX {
            return Err(ReportError::TooManyRecords(report.records.len()));
        }
        Ok(report)
    }

    fn parse(body: &[u8]) -> Result<UsageReport, JsonError> {
        let mut fields = steelyard_json::parse(body)?.into_fields()?;
        let (cumulative, basis) = (fields.read("cumulative")?, fields.read::<Basis>("basis")?);
        let report = UsageReport {
            source: fields.read_required("source")?,
            id: fields.read_required("id")?,
            counts: Counts::of(cumulative.unwrap_or(false), basis)?,
            records: fields
                .require("records")?
                .into_list()
                .map_err(|error| error.inside("records"))?,
            combined: None,
        };
        fields.end(&["source", "id", "cumulative", "basis", "records"])?;
        Ok(report)
    }
}

impl Counts {
    fn of(cumulative: bool, basis: Option<Basis>) -> Result<Counts, JsonError> {
        match (cumulative, basis) {
            (true, basis) => Ok(Counts::Cumulative(basis)),
            (false, None) => Ok(Counts::New),
            (false, Some(_)) => Err(JsonError {
                path: "basis".to_owned(),
                text: "is for cumulative reports; give \"cumulative\": true".to_owned(),
            }),
        }
    }
}

impl UsageRecord {
    fn read(record: Node) -> Result<UsageRecord, JsonError> {
        let mut fields = record.into_fields()?;
        let record = UsageRecord {
            provider: fields.read_required("provider")?,
            api: fields.read_required("api")?,
            at: fields.read("at")?,
            day: fields.read("day")?,
            count: fields.require("count")?,
            amount: fields.take("amount"),
            part: fields.read("part")?,
        };
        fields.end(&["provider", "api", "at", "day", "count", "amount", "part"])?;
        Ok(record)
    }
}
