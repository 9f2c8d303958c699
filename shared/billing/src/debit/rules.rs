//! When debits are sent, and from what amount on.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use steelyard_pricing::Fen;

use crate::{Calendar, NamesMax, ProviderId};

/// The platform's rules for what is collected, and for adjustments of what was charged.
#[derive(Clone, Debug)]
pub struct DebitRules {
    /// The platform's calendar.
    pub calendar: Calendar,
    /// The smallest amount that is collected by a debit.
    pub minimum_fen: Fen,
    /// The time of day from which on debits fall due.
    pub time_of_day: Time,
    /// Over how many minutes from then on debits fall due, each provider's at a time of its own.
    /// With 0 all fall due at once. The window ends at midnight at the latest.
    pub window_minutes: u16,
    /// Whether a statement books an adjustment only after a second person has approved it.
    pub adjustments_need_approval: bool,
    /// The most names of APIs that the statements of a provider's month list, of those that no plan
    /// lists.
    pub names_max: NamesMax,
}

impl DebitRules {
    /// The next time at which debits of a provider fall due, now included.
    #[must_use]
    pub fn next_due(&self, provider: &ProviderId, now: Timestamp) -> Timestamp {
        let today = self.due_on(self.today(now), provider);
        if now <= today { today } else { self.next_day_due(provider, now) }
    }

    /// The due time of a debit that follows another on the same day: at once, but not before the
    /// provider's time of that day.
    #[must_use]
    pub fn same_day_due(&self, provider: &ProviderId, now: Timestamp) -> Timestamp {
        self.due_on(self.today(now), provider).max(now)
    }

    /// The time at which debits of a provider fall due on the next day.
    #[must_use]
    pub fn next_day_due(&self, provider: &ProviderId, now: Timestamp) -> Timestamp {
        self.due_on(self.today(now).tomorrow().unwrap_or(Date::MAX), provider)
    }

    /// The due time of a retry so many days after a first try: a later day than today in any case.
    #[must_use]
    pub(crate) fn retry_due(
        &self,
        provider: &ProviderId,
        first: Timestamp,
        days: i32,
        now: Timestamp,
    ) -> Timestamp {
        let planned = self.today(first).saturating_add(jiff::Span::new().days(days));
        self.due_on(planned, provider).max(self.next_day_due(provider, now))
    }

    /// Whether a debit may be of this amount: more than nothing, and at least the smallest amount.
    #[must_use]
    pub fn is_enough(&self, amount: Fen) -> bool {
        amount.is_positive() && amount >= self.minimum_fen
    }

    /// The date that the platform's calendar shows.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        self.calendar.date_of(now)
    }

    /// When debits of a provider fall due on a day: at the same time of every day.
    fn due_on(&self, date: Date, provider: &ProviderId) -> Timestamp {
        let begin = self.calendar.instant(date, self.time_of_day);
        let midnight = date.tomorrow().unwrap_or(Date::MAX);
        let rest = self.calendar.instant(midnight, Time::midnight()).duration_since(begin);
        let window = SignedDuration::from_mins(i64::from(self.window_minutes)).min(rest);
        begin + SignedDuration::from_secs(place(provider, window.as_secs()))
    }
}

/// The second in a window of so many at which debits of a provider fall due: the second eight bytes
/// of the SHA-256 of its id, modulo the length. It depends on nothing else, so it is the same on
/// every day and every machine. The store's shards use the first byte, so that each minute of the
/// window has work in all of them.
fn place(provider: &ProviderId, window_s: i64) -> i64 {
    let digest = Sha256::digest(provider.as_str());
    let number = digest.iter().skip(8).take(8).fold(0, |n, byte| n << 8 | u64::from(*byte));
    let window_s = u64::try_from(window_s).map_or(1, |window_s| window_s.max(1));
    i64::try_from(number % window_s).unwrap_or_default()
}
