//! When debits are made.

use jiff::Timestamp;
use jiff::civil::Time;
use steelyard_pricing::Fen;

use crate::Calendar;

/// When debits are made, and from what amount on.
#[derive(Clone, Debug)]
pub struct DebitTerms {
    /// The platform's calendar.
    pub calendar: Calendar,
    /// The least that is worth a debit.
    pub minimum_fen: Fen,
    /// The time of the day at which debits fall due.
    pub time_of_day: Time,
}

impl DebitTerms {
    /// The next time that debits fall due, now included.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Timestamp {
        let today = self.calendar.instant(self.calendar.date_of(now), self.time_of_day);
        if now <= today { today } else { self.next_day_due(now) }
    }

    /// The time at which debits fall due on the day after.
    #[must_use]
    pub fn next_day_due(&self, now: Timestamp) -> Timestamp {
        let tomorrow = self.calendar.date_of(now).tomorrow().unwrap_or(jiff::civil::Date::MAX);
        self.calendar.instant(tomorrow, self.time_of_day)
    }
}
