//! What a day's bill of Alipay and our books say of each other.

mod plan;
mod run;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use serde::{Deserialize, Serialize};
use steelyard_pricing::{Fen, MoneyError};

use crate::journal::{Entry, Ledger};
use crate::{Debit, OutRequestNo, OutTradeNo, ProviderId, Reason};

pub use plan::{BillAction, Expected, KnownTrades, Numbers, plan, row_finding};
pub use run::{BillCursor, BillPart, BillRun, BillRunId, BillTally, DayFailure, RowFailure};

/// The day of Alipay's bills that an instant falls in: bills go by Beijing's calendar, whatever the
/// platform's is.
#[must_use]
pub fn bill_day(instant: Timestamp) -> Date {
    TimeZone::fixed(offset(8)).to_datetime(instant).date()
}

/// Money that our books say Alipay moved, and that no bill has shown yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    /// The provider whose money moved.
    pub provider: ProviderId,
    /// Our number of the trade.
    pub out_trade_no: OutTradeNo,
    /// The number of the refund, if money was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_request_no: Option<OutRequestNo>,
    /// The amount in fen: positive to us, negative from us.
    pub amount_fen: Fen,
    /// The day on which it was booked.
    pub booked_on: Date,
}

/// The days of which no further bill is expected: their bill was read, or there was none and none
/// was expected, or a person skipped them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillsDone {
    /// The first day of which a bill can show anything.
    pub since: Date,
    /// The days, a month back.
    pub days: BTreeSet<Date>,
}

impl BillsDone {
    /// Whether the bill of every day is done with, from the first day up to this one.
    #[must_use]
    pub fn is_whole_until(&self, last: Date) -> bool {
        let mut days = self.since.series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
        days.all(|day| self.days.contains(&day))
    }
}

impl Unmatched {
    /// What an entry moved through Alipay by a trade, or by a refund of it; none if it moved
    /// nothing there.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the entry's postings leave their range.
    pub fn of(
        entry: &Entry,
        out_trade_no: &OutTradeNo,
        out_request_no: Option<&OutRequestNo>,
    ) -> Result<Option<Unmatched>, MoneyError> {
        let amount_fen = entry.moved(Ledger::Alipay)?;
        let moved = Unmatched {
            provider: entry.record().provider.clone(),
            out_trade_no: out_trade_no.clone(),
            out_request_no: out_request_no.cloned(),
            amount_fen,
            booked_on: bill_day(entry.record().recorded_at_s),
        };
        Ok((!amount_fen.is_zero()).then_some(moved))
    }

    /// What a debit took; none unless it is paid.
    #[must_use]
    pub fn paid_by(debit: &Debit) -> Option<Unmatched> {
        let (paid_at, attempt) = (debit.paid_at()?, debit.paid_attempt()?);
        Some(Unmatched {
            provider: debit.provider.clone(),
            out_trade_no: attempt.out_trade_no.clone(),
            out_request_no: None,
            amount_fen: attempt.payment.as_ref()?.amount_fen,
            booked_on: bill_day(paid_at),
        })
    }

    /// The numbers by which a bill's row is matched.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        (self.out_trade_no.clone(), self.out_request_no.clone())
    }

    /// True when no further bill can show it: the bills of the day on which it was booked, of the
    /// next day and of the week before are done with. It may have moved days before it was booked.
    #[must_use]
    pub fn is_overdue(&self, done: &BillsDone) -> bool {
        let Ok(next) = self.booked_on.tomorrow() else { return false };
        let day = jiff::Span::new().days(1);
        let week_before = self.booked_on.saturating_sub(jiff::Span::new().weeks(1));
        // The first day can be wrong: it comes from the clock of one machine.
        let first = week_before.max(done.since).min(self.booked_on);
        first.series(day).take_while(|day| *day <= next).all(|day| done.days.contains(&day))
    }

    /// The finding that no bill shows it.
    #[must_use]
    pub fn ours_only(&self) -> Finding {
        Finding {
            kind: FindingKind::OursOnly,
            out_trade_no: self.out_trade_no.to_string(),
            out_request_no: self.out_request_no.as_ref().map(ToString::to_string),
            provider: Some(self.provider.clone()),
            theirs_fen: None,
            ours_fen: Some(self.amount_fen),
        }
    }
}

/// The result of reconciling one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The day of the bill.
    pub day: Date,
    /// The raw file; none if Alipay had no bill of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<BillFile>,
    /// How many rows of the bill are about trades.
    pub rows: u32,
    /// How many of them agree with our books, those that were found out by the bill included.
    pub matched: u32,
    /// How many rows could not be read. A person must look at each.
    #[serde(default)]
    pub unreadable_rows: u32,
    /// What did not simply agree, up to [`Reconciliation::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many there are more.
    #[serde(default)]
    pub more_findings: u32,
    /// How much of our books of the day waits for the next bill, because of the cut at midnight; of
    /// a skipped day, how much no bill will show.
    pub waiting: u32,
    /// When it was reconciled last, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub reconciled_at_s: Timestamp,
    /// Why an operator skipped the day; none if it was reconciled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Reason>,
}

/// The raw file of a bill, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillFile {
    /// The gateway's name of its kind, such as `trade`.
    pub kind: String,
    /// The key of the object in the bucket of bills.
    pub key: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// One thing that the bill and our books did not simply agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of difference.
    pub kind: FindingKind,
    /// Our number of the trade, as the bill or our books have it; the gateway's if the row has
    /// none.
    pub out_trade_no: String,
    /// The number of the refund, if money was given back; the line of a row that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_request_no: Option<String>,
    /// Whose money, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// The amount in the bill, in fen; none without a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs_fen: Option<Fen>,
    /// The amount in our books, in fen; none without a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours_fen: Option<Fen>,
}

/// What the bill and our books did not agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The bill has a payment that we held in doubt, or for dead: it is booked now.
    FoundPayment,
    /// The bill has money given back that we did not know of: it is booked now.
    FoundReversal,
    /// The bill has another amount than our books.
    AmountDiffers,
    /// The bill has something that is not ours, or that contradicts our books.
    TheirsOnly,
    /// Our books have something that neither the bill of its day nor the next has.
    OursOnly,
    /// A row of the bill cannot be read. It may be money that moved.
    Unreadable,
}

/// A difference that a person must look at: reported once, and open until a person closes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFinding {
    /// How often it was written. Each write is conditional on the version before.
    pub version: u64,
    /// The difference, as it was first reported.
    #[serde(flatten)]
    pub finding: Finding,
    /// The day of the bill by which it was first reported.
    pub first_day: Date,
    /// Why a person closed it, or why it closed by itself; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Reason>,
}

impl OpenFinding {
    /// Whether another difference of the trade or refund takes its place: it is closed and another
    /// difference, or it said only that no bill shows what a bill now shows otherwise.
    #[must_use]
    pub fn gives_way_to(&self, finding: &Finding) -> bool {
        let is_another = !self.finding.has_same_cause(finding);
        let is_missing = self.finding.kind == FindingKind::OursOnly;
        is_another && (self.closed.is_some() || is_missing)
    }

    /// Whether its row of a bill showed this movement before the books had it. A row of a ledger
    /// has no number of its refund, so that it shows one refund of its amount, once.
    #[must_use]
    pub fn has_shown(&self, unmatched: &Unmatched) -> bool {
        let Finding { out_trade_no, out_request_no, theirs_fen, .. } = &self.finding;
        let request = unmatched.out_request_no.as_ref().map(OutRequestNo::as_str);
        let is_refund_of_ledger = out_request_no.is_none() && self.closed.is_none();
        *out_trade_no == unmatched.out_trade_no.as_str()
            && *theirs_fen == Some(unmatched.amount_fen)
            && (out_request_no.as_deref() == request || is_refund_of_ledger)
    }
}

impl Finding {
    /// Whether the bill reports the same difference in another finding of the trade. A person's
    /// decision about one then holds for both.
    #[must_use]
    pub fn has_same_cause(&self, other: &Finding) -> bool {
        (self.kind, self.theirs_fen) == (other.kind, other.theirs_fen)
    }

    /// Whether it is about this movement.
    #[must_use]
    pub fn is_about(&self, unmatched: &Unmatched) -> bool {
        let request = unmatched.out_request_no.as_ref().map(OutRequestNo::as_str);
        self.out_trade_no == unmatched.out_trade_no.as_str()
            && self.out_request_no.as_deref() == request
    }
}

impl FindingKind {
    /// Whether a person must look. What was found and booked needs nobody.
    #[must_use]
    pub const fn is_difference(self) -> bool {
        match self {
            FindingKind::FoundPayment | FindingKind::FoundReversal => false,
            FindingKind::AmountDiffers
            | FindingKind::TheirsOnly
            | FindingKind::OursOnly
            | FindingKind::Unreadable => true,
        }
    }
}

impl Reconciliation {
    /// The result of a day that an operator skips: its bill is not read. So much was expected of
    /// it.
    #[must_use]
    pub fn skipped(day: Date, reason: Reason, expected: u32, now: Timestamp) -> Reconciliation {
        Reconciliation {
            day,
            bill: None,
            rows: 0,
            matched: 0,
            unreadable_rows: 0,
            findings: Vec::new(),
            more_findings: 0,
            waiting: expected,
            reconciled_at_s: now,
            skipped: Some(reason),
        }
    }

    /// How many findings are kept with a day: an item of DynamoDB has 400 KB.
    pub const FINDINGS_MAX: usize = 500;

    /// Whether the bill of the day showed all that our books have of it, and nothing else.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let is_read = self.skipped.is_none() && self.unreadable_rows == 0;
        let agrees = self.differences() == 0 && self.more_findings == 0;
        is_read && agrees && self.waiting == 0
    }

    /// How many findings a person must look at.
    #[must_use]
    pub fn differences(&self) -> usize {
        self.findings.iter().filter(|finding| finding.kind.is_difference()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_is_of_a_day_in_beijing() {
        for (utc, day) in [
            ("2026-02-28T15:59:59Z", "2026-02-28"),
            ("2026-02-28T16:00:00Z", "2026-03-01"),
            ("2025-12-31T16:00:00Z", "2026-01-01"),
        ] {
            assert_eq!(bill_day(utc.parse().unwrap()).to_string(), day, "{utc}");
        }
    }

    #[test]
    fn movement_is_overdue_once_every_bill_that_can_show_it_is_done_with() {
        let may = |day: i8| jiff::civil::date(2015, 5, day);
        let moved = Unmatched {
            provider: "a".parse().unwrap(),
            out_trade_no: OutTradeNo::parse("SY1").unwrap(),
            out_request_no: None,
            amount_fen: Fen::new(1),
            booked_on: may(10),
        };
        for (since, days, is_overdue) in [
            (may(1), 3..=11, true),
            (may(1), 3..=10, false),
            (may(1), 4..=11, false),
            // Nobody had paid before the sixth.
            (may(6), 6..=11, true),
            (may(6), 7..=11, false),
            // The first day came from a clock that was ahead.
            (may(20), 10..=11, true),
            (may(20), 11..=12, false),
            (may(20), 10..=10, false),
        ] {
            let done = BillsDone { since, days: days.clone().map(may).collect() };
            assert_eq!(moved.is_overdue(&done), is_overdue, "{since} {days:?}");
        }
    }

    #[test]
    fn bills_are_done_when_each_is_from_the_first_day_on() {
        let may = |day: i8| jiff::civil::date(2015, 5, day);
        let done = BillsDone { since: may(3), days: [3, 4, 6, 7].map(may).into() };
        for (day, is_whole) in [(2, true), (3, true), (4, true), (5, false), (6, false), (7, false)]
        {
            assert_eq!(done.is_whole_until(may(day)), is_whole, "{day}");
        }
    }
}
