//! Usage reports as a bill shows them.

use jiff::Timestamp;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use steelyard_billing::{ReportId, SourceId, Statement};
use steelyard_pricing::{BillingDay, Usage};
use utoipa::ToSchema;

/// What a usage report says of one provider and one billing day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// The billing day on which its calls count.
    #[schema(value_type = String)]
    pub day: BillingDay,
    /// The machine that reported.
    #[schema(value_type = String)]
    pub source: SourceId,
    /// The id that it chose.
    #[schema(value_type = String)]
    pub report: ReportId,
    /// When it was counted, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub counted_at_s: Timestamp,
    /// Its calls. What it says of each API makes the bill of a day with a report a minute too large
    /// for Lambda to answer, so `GET /v1/usage/{provider}` returns that.
    #[schema(value_type = u64)]
    #[serde(rename = "calls", serialize_with = "sum_of_calls")]
    pub metered: Usage,
    /// Its withdrawal; none as long as it counts.
    pub withdrawn: Option<ReportWithdrawn>,
}

/// That a report was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportWithdrawn {
    /// When, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The person who withdrew it, or the source.
    pub by: String,
    /// Why, in that person's words.
    pub reason: String,
}

fn sum_of_calls<S: Serializer>(metered: &Usage, serializer: S) -> Result<S::Ok, S::Error> {
    metered.total().map_err(Error::custom)?.calls.get().serialize(serializer)
}

/// Those of the reports that a statement charges or credits, in the order in which they were
/// counted.
///
/// A report of the statement's own day was counted before it was settled. A report of a day that
/// was settled before was counted, or withdrawn, after that day's last statement.
pub(super) fn behind(
    statement: &Statement,
    statements: &[Statement],
    reports: &[Report],
) -> Vec<Report> {
    let settled = statement.settled_at_s;
    let is_news = |report: &&Report| {
        let was = settled_before(statement, statements, report.day);
        let counted = is_between(was, report.counted_at_s, settled);
        let withdrawn_at = report.withdrawn.as_ref().map(|withdrawn| withdrawn.at_s);
        let gone = withdrawn_at.is_some_and(|at| is_between(was, at, settled));
        // One that came and went between two bills is on neither.
        counted != gone
    };
    let mut behind = reports.iter().filter(is_news).cloned().collect::<Vec<_>>();
    behind.sort_by(|one, other| {
        (one.counted_at_s, &one.source, &one.report).cmp(&(
            other.counted_at_s,
            &other.source,
            &other.report,
        ))
    });
    behind
}

/// When what was counted of a day was charged last before a statement; none if it never was.
fn settled_before(
    statement: &Statement,
    statements: &[Statement],
    day: BillingDay,
) -> Option<Timestamp> {
    let earlier = statements.iter().filter(|other| other.statement < statement.statement);
    let charges = |other: &&Statement| {
        other.statement.day == day || other.changed_days.iter().any(|changed| changed.day == day)
    };
    earlier.filter(charges).map(|other| other.settled_at_s).max()
}

fn is_between(after: Option<Timestamp>, at: Timestamp, through: Timestamp) -> bool {
    after.is_none_or(|after| at > after) && at <= through
}
