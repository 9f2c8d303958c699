//! When debits are sent, and from what amount on.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use steelyard_pricing::Fen;

use crate::Calendar;

/// The platform's rules for debits.
#[derive(Clone, Debug)]
pub struct DebitRules {
    /// The platform's calendar.
    pub calendar: Calendar,
    /// The smallest amount that is collected by a debit.
    pub minimum_fen: Fen,
    /// The time of day at which debits fall due.
    pub time_of_day: Time,
}

impl DebitRules {
    /// The next time at which debits fall due, now included.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Timestamp {
        let today = self.due_on(self.today(now));
        if now <= today { today } else { self.next_day_due(now) }
    }

    /// The due time of a debit that follows another on the same day: at once, but not before the
    /// time of day.
    #[must_use]
    pub fn same_day_due(&self, now: Timestamp) -> Timestamp {
        self.due_on(self.today(now)).max(now)
    }

    /// The time at which debits fall due on the next day.
    #[must_use]
    pub fn next_day_due(&self, now: Timestamp) -> Timestamp {
        self.due_on(self.today(now).tomorrow().unwrap_or(Date::MAX))
    }

    /// The due time of a retry so many days after a first try: a later day than today in any case.
    #[must_use]
    pub(crate) fn retry_due(&self, first: Timestamp, days: i32, now: Timestamp) -> Timestamp {
        let planned = self.today(first).saturating_add(jiff::Span::new().days(days));
        self.due_on(planned).max(self.next_day_due(now))
    }

    /// Whether a debit may be of this amount: more than nothing, and at least the smallest amount.
    pub(crate) fn is_enough(&self, amount: Fen) -> bool {
        amount.is_positive() && amount >= self.minimum_fen
    }

    /// The date that the platform's calendar shows.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        self.calendar.date_of(now)
    }

    fn due_on(&self, date: Date) -> Timestamp {
        self.calendar.instant(date, self.time_of_day)
    }
}
