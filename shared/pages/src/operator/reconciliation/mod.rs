//! The reconciliation: what Alipay's bills and the books say of each other, day by day, and what a
//! person has to look at.

mod page;
mod texts;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use steelyard_billing::reconciliation::DayFailure;
use steelyard_billing::{FindingKind, OpenFinding, ProviderId, Reconciliation};
use steelyard_pricing::Fen;
use utoipa::ToSchema;

use super::UnreadableRecord;

/// The result of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum DayResult {
    /// The bill and the books agree.
    Agrees,
    /// They differ in so many findings, closed ones included.
    Differs {
        /// The number of findings.
        findings: u64,
    },
    /// Nothing was moved on the day.
    NothingMoved,
    /// A person skipped the day.
    Skipped {
        /// Why, in the person's words.
        reason: String,
    },
    /// It could not be reconciled. The next run tries again.
    Failed {
        /// Why, as it was recorded.
        why: String,
    },
}

/// A day of Alipay's bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReconciledDay {
    /// The day in Beijing.
    #[schema(value_type = String)]
    pub day: Date,
    /// The result of the last run over the day.
    #[serde(flatten)]
    pub result: DayResult,
    /// How many rows of the bill are about trades.
    pub rows: u32,
    /// How many of them agree with the books, those that were booked by the bill included.
    pub matched: u32,
    /// How many payments and refunds the bill showed first: they are booked.
    pub found: u64,
    /// How many movements of the books wait for the next bill.
    pub waiting: u32,
    /// When it was reconciled or tried last, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub at_s: Timestamp,
}

/// What the bill and the books do not agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// The bill has another amount than the books.
    AmountDiffers,
    /// The bill has a movement that the books cannot have.
    TheirsOnly,
    /// The books have a movement that neither the bill of its day nor the next has.
    OursOnly,
    /// A row of the bill cannot be read.
    Unreadable,
    /// The bill showed a movement first, and it is booked.
    Booked,
}

/// A finding that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FindingToClose {
    /// The kind of difference.
    pub kind: Contradiction,
    /// The number of the trade.
    pub trade: String,
    /// The number of the refund, if money was given back; the line of a row that cannot be read.
    pub request: Option<String>,
    /// Whose money, if that is known.
    #[schema(value_type = Option<String>)]
    pub provider: Option<ProviderId>,
    /// The day of the bill by which it was first reported.
    #[schema(value_type = String)]
    pub first_day: Date,
    /// The amount in our books, in fen; none without a record.
    #[schema(value_type = Option<i64>)]
    pub ours_fen: Option<Fen>,
    /// The amount in Alipay's bill, in fen; none without a row.
    #[schema(value_type = Option<i64>)]
    pub theirs_fen: Option<Fen>,
}

/// The latest days, and what is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reconciled {
    /// The time, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// The days, the newest first.
    pub days: Vec<ReconciledDay>,
    /// The open findings, the oldest first, [`FINDINGS_MAX`] at most; none if they could not be
    /// read.
    pub findings: Option<Vec<FindingToClose>>,
    /// How many findings are open beyond those.
    pub more_findings: u64,
    /// The records that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// How many open findings are listed.
pub const FINDINGS_MAX: usize = 40;

impl Reconciled {
    /// What these results, the days that failed and the findings say.
    #[must_use]
    pub fn new(
        days: &[Reconciliation],
        failures: &[DayFailure],
        findings: Option<&[OpenFinding]>,
        now: Timestamp,
    ) -> Reconciled {
        let is_done = |failure: &&DayFailure| !days.iter().any(|day| day.day == failure.day);
        let failed = failures.iter().filter(is_done).map(ReconciledDay::failed);
        let mut all = days.iter().map(ReconciledDay::of).chain(failed).collect::<Vec<_>>();
        all.sort_by_key(|day| std::cmp::Reverse(day.day));
        let mut findings = findings.map(|findings| {
            let open = findings.iter().filter(|finding| finding.closed.is_none());
            let mut open = open.map(FindingToClose::of).collect::<Vec<_>>();
            open.sort_by(|one, other| {
                (one.first_day, &one.trade).cmp(&(other.first_day, &other.trade))
            });
            open
        });
        let more = findings.as_mut().map_or(0, |findings| {
            let more = findings.len().saturating_sub(FINDINGS_MAX);
            findings.truncate(FINDINGS_MAX);
            more
        });
        let more_findings = u64::try_from(more).unwrap_or(u64::MAX);
        Reconciled { as_of_s: now, days: all, findings, more_findings, unreadable: Vec::new() }
    }
}

impl ReconciledDay {
    fn of(day: &Reconciliation) -> ReconciledDay {
        let differences = u64::try_from(day.differences()).unwrap_or(u64::MAX);
        let all = u64::try_from(day.findings.len()).unwrap_or(u64::MAX);
        let findings = differences.saturating_add(day.more_findings.into());
        let result = match (&day.skipped, &day.bill) {
            (Some(reason), _) => DayResult::Skipped { reason: reason.to_string() },
            (None, _) if findings > 0 => DayResult::Differs { findings },
            (None, None) => DayResult::NothingMoved,
            (None, Some(_)) => DayResult::Agrees,
        };
        ReconciledDay {
            day: day.day,
            result,
            rows: day.rows,
            matched: day.matched,
            found: all.saturating_sub(differences),
            waiting: day.waiting,
            at_s: day.reconciled_at_s,
        }
    }

    fn failed(failure: &DayFailure) -> ReconciledDay {
        ReconciledDay {
            day: failure.day,
            result: DayResult::Failed { why: failure.why.clone() },
            rows: 0,
            matched: 0,
            found: 0,
            waiting: 0,
            at_s: failure.failed_at_s,
        }
    }
}

impl FindingToClose {
    fn of(open: &OpenFinding) -> FindingToClose {
        let finding = &open.finding;
        FindingToClose {
            kind: match finding.kind {
                FindingKind::AmountDiffers => Contradiction::AmountDiffers,
                FindingKind::TheirsOnly => Contradiction::TheirsOnly,
                FindingKind::OursOnly => Contradiction::OursOnly,
                FindingKind::Unreadable => Contradiction::Unreadable,
                FindingKind::FoundPayment | FindingKind::FoundReversal => Contradiction::Booked,
            },
            trade: finding.out_trade_no.clone(),
            request: finding.out_request_no.clone(),
            provider: finding.provider.clone(),
            first_day: open.first_day,
            ours_fen: finding.ours_fen,
            theirs_fen: finding.theirs_fen,
        }
    }
}
