//! Days of bills: which are to be reconciled, and what is reported of each.

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use steelyard_billing::{
    BillsDone, Doubt, OutTradeNo, Reason, Reconciliation, Unmatched, bill_day,
};
use steelyard_store::Found;
use steelyard_store::schema::BILL_PARTS;
use thiserror::Error;

use crate::bill::{AT_ONCE, count};
use crate::{BookError, Books};

/// Why a day is not reconciled. The next run tries again.
#[derive(Debug, Error)]
pub enum DayError {
    /// The gateway says that nothing moved on the day, though our books expect it to show
    /// movements. A bill that is missing proves nothing.
    #[error("there is no bill of {day}, though the books expect it to show {expected} movements")]
    MissingBill {
        /// The day of the bill, in Beijing's time.
        day: Date,
        /// How many movements of the day no bill has shown, counted to 1,000.
        expected: usize,
    },
    /// The day is not over, so that its bill is still to come.
    #[error("{0} is not over")]
    NotOver(Date),
    /// A query about a trade of the bill brought no answer.
    #[error("the query about {trade} brought no answer: {}", doubt.0)]
    InDoubt {
        /// Our number of the trade.
        trade: OutTradeNo,
        /// The doubt in which the query ended.
        doubt: Doubt,
    },
    /// The gateway gave money of a trade back whose payment is not booked: a bill that is still to
    /// be read may show it.
    #[error(
        "money of {trade} was given back whose payment is not booked: an earlier bill that may show it is still to be read"
    )]
    Unpaid {
        /// Our number of the trade.
        trade: OutTradeNo,
    },
    /// The books could not be read or changed.
    #[error(transparent)]
    Books(#[from] BookError),
}

impl DayError {
    /// Whether it is about one row of a bill, so that the others proceed.
    #[must_use]
    pub const fn is_of_one_record(&self) -> bool {
        match self {
            DayError::InDoubt { .. } | DayError::Unpaid { .. } => true,
            DayError::MissingBill { .. } | DayError::NotOver(_) => false,
            DayError::Books(error) => error.is_of_one_record(),
        }
    }
}

/// How many days back a run goes at most. Alipay keeps bills longer, and a person can ask for them.
const DAYS_MAX: i32 = 31;

/// How many movements that a missing bill should show are counted.
const EXPECTED_MAX: usize = 1_000;

/// Days that were neither reconciled nor skipped, each in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreconciledDays {
    /// Those that each run tries.
    pub due: Vec<Date>,
    /// Those that are too old for that: they wait for a person.
    pub missed: Vec<Date>,
}

impl Books {
    /// The days up to yesterday that were neither reconciled nor skipped.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be read.
    pub async fn unreconciled_days(&self, now: Timestamp) -> Result<UnreconciledDays, BookError> {
        let today = bill_day(now);
        let oldest = today.saturating_sub(jiff::Span::new().days(DAYS_MAX));
        // Nobody has paid anything as long as nobody is registered.
        let Some(first) = self.billing.first_bill().await? else {
            return Ok(UnreconciledDays::default());
        };
        // The clock of the machine that registered the provider may have been ahead.
        let first = if first > today { today.yesterday().unwrap_or(Date::MIN) } else { first };
        let known = self.billing.reconciled_since(first).await?;
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day < today);
        let (due, missed) = days.filter(|day| !known.contains(day)).partition(|day| *day >= oldest);
        Ok(UnreconciledDays { due, missed })
    }

    /// The days up to a month back of which there was no bill when they were reconciled, before
    /// `now`, in order. A bill that comes late may show what our books did not know of.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be read.
    pub async fn days_without_bill(&self, now: Timestamp) -> Result<Found<Date>, BookError> {
        let oldest = bill_day(now).saturating_sub(jiff::Span::new().days(DAYS_MAX));
        let Found { readable, unreadable } = self.billing.reconciliations_since(oldest).await?;
        let before = |of: &&Reconciliation| of.reconciled_at_s.as_second() < now.as_second();
        let without = readable.iter().filter(before);
        let without = without.filter(|of| of.bill.is_none() && of.skipped.is_none());
        Ok(Found { readable: without.map(|of| of.day).collect(), unreadable })
    }

    /// Checks that a day may be without a bill: that our books expect it to show nothing but what
    /// is reported already.
    ///
    /// # Errors
    ///
    /// [`DayError::MissingBill`] when they do.
    pub async fn check_without_bill(&self, day: Date) -> Result<(), DayError> {
        let (from, mut expected) = (self.expected_from(day).await?, 0);
        for part in 0..BILL_PARTS {
            let unmatched = self.expected_of(part, from, day).await?;
            let mut reading = futures::stream::iter(unmatched)
                .map(|unmatched| async move { self.is_reported(&unmatched).await })
                .buffer_unordered(AT_ONCE);
            while let Some(is_reported) = reading.try_next().await? {
                expected += usize::from(!is_reported);
                if expected == EXPECTED_MAX {
                    return Err(DayError::MissingBill { day, expected });
                }
            }
        }
        if expected == 0 { Ok(()) } else { Err(DayError::MissingBill { day, expected }) }
    }

    /// The first day of what our books expect the bill of a day to show: what was booked on the
    /// day, and what the bill of the day before did not show. Midnight cuts between two bills.
    async fn expected_from(&self, day: Date) -> Result<Date, BookError> {
        let before = day.yesterday().unwrap_or(Date::MIN);
        let is_left = self.billing.reconciled_since(before).await?.contains(&before);
        Ok(if is_left { before } else { day })
    }

    /// The part of it, from its first day on.
    async fn expected_of(
        &self,
        part: u8,
        from: Date,
        day: Date,
    ) -> Result<Vec<Unmatched>, BookError> {
        Ok(self.billing.unmatched_between(part, from, day).await?.unmatched)
    }

    /// The days of the last month that are done with, this one included.
    pub(crate) async fn bills_done(&self, day: Date) -> Result<BillsDone, BookError> {
        let oldest = day.saturating_sub(jiff::Span::new().days(DAYS_MAX));
        let since = self.billing.first_bill().await?.unwrap_or(oldest).clamp(oldest, day);
        let mut days = self.billing.reconciled_since(oldest).await?;
        days.insert(day);
        Ok(BillsDone { since, days })
    }

    /// Skips a day as a person decides: its bill is not read, and what the books have of that day
    /// is expected no more. The result says how much that was. What is left of the day before
    /// becomes a finding.
    ///
    /// # Errors
    ///
    /// [`DayError::NotOver`] when the day is not over, otherwise the cause; doing it again is safe.
    pub async fn skip_day(
        &self,
        day: Date,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Reconciliation, DayError> {
        if day >= bill_day(now) {
            return Err(DayError::NotOver(day));
        }
        let mut expected = 0;
        for part in 0..BILL_PARTS {
            expected += self.expected_of(part, day, day).await?.len();
        }
        let skipped = Reconciliation::skipped(day, reason, count(expected), now);
        self.store_day(&skipped).await?;
        for part in 0..BILL_PARTS {
            self.shown_all(self.expected_of(part, day, day).await?).await?;
        }
        Ok(skipped)
    }
}
