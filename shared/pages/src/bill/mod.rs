//! Bills: of a day, of a month, and the list of them.
//!
//! A bill is what the code of the books calls a statement.

mod calculation;
mod labels;
mod line;
mod list;
mod list_page;
mod month;
mod month_page;
mod page;
mod paid;
mod report;
mod tax;
mod texts;
mod trail;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{
    AdjustmentId, CalendarError, Entry, ProviderId, ReportRef, Statement, StatementId,
};
use steelyard_pricing::{
    BillingDay, BillingMonth, Fen, LineCause, MoneyError, SegmentSpan, UsageError,
};
use thiserror::Error;
use utoipa::ToSchema;

use crate::records::Records;

pub use calculation::{
    Calculation, CalculationRow, CalculationRule, CalculationUnit, Operator, ShareOfMonth,
    SlicePer, SliceStep, Step,
};
pub use line::{BillLine, BilledApi, LineDiscount, LineReport};
pub use list::{BillList, BillsQuery, ListedMonth};
pub use list_page::BillListPage;
pub use month::{BilledDay, BilledSum, MonthBill, MonthRate, MonthRateKind, RateOfBill};
pub use month_page::MonthBillPage;
pub use page::DayBillPage;
pub use paid::{BillPayment, Collecting};
pub use report::{Report, ReportWithdrawn};
pub use tax::BillTax;
pub use trail::{BilledDebit, Trail, TrailDebit, TrailEntry, TrailPhase};

/// What the bill of a day is computed from, beside the records of its provider.
#[derive(Clone, Copy, Debug)]
pub struct BillRecords<'a> {
    /// The statement, with what it says of each API.
    pub statement: &'a Statement,
    /// The statements of its month from the first on, and all later ones that may still be owed,
    /// from the oldest to the newest. What they say of each API is not used, so they may come
    /// without.
    pub statements: &'a [Statement],
    /// The usage reports of the statement's day and of the days that it changes.
    pub reports: &'a [Report],
    /// The journal entry that charged it; none where it charges nothing.
    pub entry: Option<&'a Entry>,
    /// The debits that collect it, from the oldest to the newest.
    pub debits: &'a [BilledDebit<'a>],
}

/// The bill of a day: what it charges, why, and how it is paid.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DayBill {
    /// The provider that is billed.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// Which bill: its day, and a number if it follows the bill of a month's last day.
    #[schema(value_type = String)]
    pub statement: StatementId,
    /// When it was settled, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub settled_at_s: Timestamp,
    /// The time of the figures, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub as_of_s: Timestamp,
    /// The charge; negative for a credit.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// The calls that are new on it, those without a price too, less those that were withdrawn.
    pub calls: i64,
    /// The terms, by the parts of the month.
    #[schema(value_type = Vec<Object>)]
    pub segments: Vec<SegmentSpan>,
    /// The lines, by why they are there: usage of the day first.
    pub parts: Vec<BillPart>,
    /// Usage that no rate covers.
    pub unpriced: Vec<UnpricedUsage>,
    /// Credit and debit notes.
    pub notes: Vec<BillNote>,
    /// The taxes of the charge.
    pub taxes: Vec<BillTax>,
    /// How the charge comes about from the month to date.
    pub calculation: Calculation,
    /// The payments of the bill, and what is still owed of it.
    pub payment: BillPayment,
    /// The money's way from the journal entry to Alipay's bill.
    pub trail: Trail,
    /// The usage reports behind it, in the order in which they were counted.
    pub reports: Vec<Report>,
    /// The bill before it in the month.
    #[schema(value_type = Option<String>)]
    pub previous: Option<StatementId>,
    /// The bill after it in the month.
    #[schema(value_type = Option<String>)]
    pub next: Option<StatementId>,
    /// The day after it, where this is the last bill. That day is not settled yet, or it had no
    /// usage.
    #[schema(value_type = Option<String>)]
    pub next_unbilled: Option<BillingDay>,
}

/// The lines of a bill that have the same cause.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BillPart {
    /// Why there are these lines.
    #[schema(value_type = String)]
    pub because: LineCause,
    /// The days of the usage.
    #[schema(value_type = Vec<String>)]
    pub days: Vec<BillingDay>,
    /// The lines that have the cause.
    pub lines: Vec<BillLine>,
    /// The calls of the lines; negative where they were withdrawn.
    pub calls: i64,
    /// The sum of their charges.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
}

/// Usage that no rate covers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnpricedUsage {
    /// The cause of the listing: new, late or withdrawn usage.
    #[schema(value_type = String)]
    pub because: LineCause,
    /// The APIs, with their calls.
    pub apis: Vec<BilledApi>,
}

/// A credit or debit note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BillNote {
    /// The id of the note.
    #[schema(value_type = String)]
    pub adjustment: AdjustmentId,
    /// Positive for a debit note, negative for a credit note.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// The bill that it corrects.
    #[schema(value_type = String)]
    pub corrects: StatementId,
    /// The line of that bill, from 1.
    pub line: Option<u16>,
    /// The usage reports that it is about.
    #[schema(value_type = Vec<Object>)]
    pub reports: Vec<ReportRef>,
    /// The reason, in the author's words.
    pub reason: String,
    /// When it was made, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub made_at_s: Timestamp,
}

/// Why a bill cannot be shown.
#[derive(Debug, Error)]
pub enum BillError {
    /// An amount leaves its range.
    #[error("cannot compute an amount of the bill")]
    Money(#[from] MoneyError),
    /// A count leaves its range.
    #[error("cannot sum the calls of the bill")]
    Usage(#[from] UsageError),
    /// More calls than a number can hold.
    #[error("{0} calls are too many to show")]
    Calls(i128),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
}

/// The causes in the order in which a bill shows them.
const CAUSES: [LineCause; 8] = [
    LineCause::Usage,
    LineCause::Late,
    LineCause::Void,
    LineCause::Terms,
    LineCause::Shifted,
    LineCause::Minimum,
    LineCause::Concession,
    LineCause::Tax,
];

impl DayBill {
    /// The bill of a statement.
    ///
    /// # Errors
    ///
    /// [`BillError`] when an amount or a count leaves its range; never for a statement that was
    /// made.
    pub fn new(records: Records<'_>, of: BillRecords<'_>) -> Result<DayBill, BillError> {
        let BillRecords { statement, statements, .. } = of;
        let reports = report::behind(statement, statements, of.reports);
        let mut parts = Vec::new();
        for because in CAUSES {
            let lines = line::lines(records, statement, because, &reports)?;
            if !lines.is_empty() {
                parts.push(BillPart::new(statement, because, lines)?);
            }
        }
        let unpriced = statement.unpriced.iter().map(|unpriced| UnpricedUsage {
            because: unpriced.because,
            apis: line::apis(&unpriced.apis),
        });
        let unpriced = unpriced.collect::<Vec<_>>();
        let place = statements.iter().position(|other| other.statement == statement.statement);
        let neighbour = |place: Option<usize>| {
            let other = statements.get(place?)?.statement;
            (other.day.month() == statement.statement.day.month()).then_some(other)
        };
        let next = neighbour(place.map(|place| place + 1));
        let following = statement.statement.day.next();
        let is_last = records.account.settled_through.is_none_or(|day| day < following);
        let payment = BillPayment::new(records, of)?;
        Ok(DayBill {
            provider: statement.provider.clone(),
            statement: statement.statement,
            settled_at_s: statement.settled_at_s,
            as_of_s: records.now,
            charge_fen: statement.charge_fen,
            calls: new_calls(statement)?,
            segments: statement.segments.clone(),
            parts,
            unpriced,
            notes: statement.adjustments.iter().map(BillNote::of).collect(),
            taxes: BillTax::of([statement])?,
            calculation: Calculation::of_charge(statement)?,
            trail: Trail::new(records, of, payment.collecting.as_ref())?,
            payment,
            reports,
            previous: neighbour(place.and_then(|place| place.checked_sub(1))),
            next,
            next_unbilled: (next.is_none() && is_last).then_some(following),
        })
    }

    /// The month of the bill.
    #[must_use]
    pub fn month(&self) -> BillingMonth {
        self.statement.day.month()
    }
}

impl BillPart {
    fn new(
        statement: &Statement,
        because: LineCause,
        lines: Vec<BillLine>,
    ) -> Result<BillPart, BillError> {
        Ok(BillPart {
            because,
            days: days_because(statement, because),
            calls: sum_of_calls(lines.iter().map(|line| line.calls))?,
            charge_fen: Fen::sum(lines.iter().map(|line| line.charge_fen))?,
            lines,
        })
    }
}

impl BillNote {
    fn of(note: &steelyard_billing::AdjustmentNote) -> BillNote {
        BillNote {
            adjustment: note.adjustment.clone(),
            amount_fen: note.amount_fen,
            corrects: note.of.corrects,
            line: note.of.line,
            reports: note.of.reports.clone(),
            reason: note.reason.as_str().to_owned(),
            made_at_s: note.made_at_s,
        }
    }
}

/// The days whose usage the lines of a cause are of.
pub(crate) fn days_because(statement: &Statement, because: LineCause) -> Vec<BillingDay> {
    let changed = statement.changed_days.iter();
    match because {
        LineCause::Usage => vec![statement.statement.day],
        LineCause::Late => changed.filter(|c| !c.late.is_empty()).map(|c| c.day).collect(),
        LineCause::Void => changed.filter(|c| !c.void.is_empty()).map(|c| c.day).collect(),
        LineCause::Terms
        | LineCause::Shifted
        | LineCause::Minimum
        | LineCause::Concession
        | LineCause::Tax => Vec::new(),
    }
}

/// The calls that a statement charges or lists as unpriced, less those that were withdrawn.
pub(crate) fn new_calls(statement: &Statement) -> Result<i64, BillError> {
    let calls = |because| {
        let total = statement.apis_because(because)?.total()?;
        Ok::<_, BillError>(i128::from(total.calls.get()))
    };
    let new = calls(LineCause::Usage)? + calls(LineCause::Late)? - calls(LineCause::Void)?;
    i64::try_from(new).map_err(|_| BillError::Calls(new))
}

/// The sum of signed calls.
pub(crate) fn sum_of_calls(calls: impl Iterator<Item = i64>) -> Result<i64, BillError> {
    let sum = calls.map(i128::from).sum::<i128>();
    i64::try_from(sum).map_err(|_| BillError::Calls(sum))
}
