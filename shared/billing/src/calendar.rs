//! Which billing day an instant belongs to, how long a month stays open, and how long its reports
//! are kept.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use steelyard_pricing::{BillingDay, BillingMonth, DayError};
use thiserror::Error;

/// The platform's calendar.
#[derive(Clone, Debug)]
pub struct Calendar {
    time_zone: TimeZone,
    close_day: i8,
    retention_days: u16,
}

/// An instant as people read it: by the clocks of the platform's time zone.
///
/// `2015-05-17T10:00:00+08:00`, which names the same instant everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTime {
    instant: Timestamp,
    offset: Offset,
}

/// Why a calendar could not be made or asked.
#[derive(Debug, Error)]
pub enum CalendarError {
    /// The time zone is not in the IANA database.
    #[error("`{0}` is not a time zone of the IANA database")]
    TimeZone(String),
    /// The day on which a month closes is not one that every month has.
    #[error("a month closes on a day from 1 to 28 of the next, not on {0}")]
    CloseDay(i8),
    /// Usage reports would be deleted while they are needed, or practically never.
    #[error(
        "usage reports are kept for {RETENTION_DAYS_MIN} to {RETENTION_DAYS_MAX} days, not for {0}"
    )]
    Retention(u16),
    /// The instant is outside the years that are billed.
    #[error("the instant is outside the billing calendar")]
    OutOfRange(#[from] DayError),
}

impl CalendarError {
    /// Whether the time zone is at fault, and not the day on which months close.
    #[must_use]
    pub fn is_about_time_zone(&self) -> bool {
        match self {
            CalendarError::TimeZone(_) => true,
            CalendarError::CloseDay(_)
            | CalendarError::Retention(_)
            | CalendarError::OutOfRange(_) => false,
        }
    }
}

impl WallTime {
    /// The instant by the clocks of a time zone.
    #[must_use]
    pub fn in_zone(instant: Timestamp, time_zone: &TimeZone) -> WallTime {
        WallTime { instant, offset: time_zone.to_offset(instant) }
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instant.display_with_offset(self.offset).fmt(f)
    }
}

/// How many days the reports of a month are kept unless a deployment says otherwise: a charge can
/// be traced to its reports for more than a year.
pub const RETENTION_DAYS: u16 = 400;

/// The fewest days for which reports may be kept. In the first 31 the notes of late changes expire,
/// after which a month has been read whole; the others are for settlements that are behind, and for
/// audits.
pub const RETENTION_DAYS_MIN: u16 = 90;

/// The most days for which reports may be kept: ten years.
pub const RETENTION_DAYS_MAX: u16 = 3_653;

/// The latest day of the next month on which a month can close.
const CLOSE_DAY_MAX: i8 = 28;

impl Calendar {
    /// A calendar in a time zone of the IANA database, whose months close at the first instant of
    /// `close_day` of the month after. Reports are kept for [`RETENTION_DAYS`].
    ///
    /// # Errors
    ///
    /// [`CalendarError`] naming what is wrong.
    pub fn new(time_zone: &str, close_day: i8) -> Result<Calendar, CalendarError> {
        if !(1..=CLOSE_DAY_MAX).contains(&close_day) {
            return Err(CalendarError::CloseDay(close_day));
        }
        let time_zone =
            TimeZone::get(time_zone).map_err(|_| CalendarError::TimeZone(time_zone.to_owned()))?;
        Ok(Calendar { time_zone, close_day, retention_days: RETENTION_DAYS })
    }

    /// The calendar of a platform that keeps the reports of a month for so many days after the
    /// latest day on which the month can close.
    ///
    /// # Errors
    ///
    /// [`CalendarError::Retention`] below [`RETENTION_DAYS_MIN`] and above [`RETENTION_DAYS_MAX`].
    pub fn keeping_reports(self, retention_days: u16) -> Result<Calendar, CalendarError> {
        if !(RETENTION_DAYS_MIN..=RETENTION_DAYS_MAX).contains(&retention_days) {
            return Err(CalendarError::Retention(retention_days));
        }
        Ok(Calendar { retention_days, ..self })
    }

    /// The name of the time zone in the IANA database.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        self.time_zone.iana_name().expect("a time zone of the database has a name")
    }

    /// The day of the next month on which a month closes, from 1 to 28.
    #[must_use]
    pub fn close_day(&self) -> i8 {
        self.close_day
    }

    /// How many days the reports of a month are kept after the latest day on which it can close.
    #[must_use]
    pub fn retention_days(&self) -> u16 {
        self.retention_days
    }

    /// An instant as people read it.
    #[must_use]
    pub fn wall_time(&self, instant: Timestamp) -> WallTime {
        WallTime::in_zone(instant, &self.time_zone)
    }

    /// The billing day that an instant falls in.
    ///
    /// # Errors
    ///
    /// [`CalendarError::OutOfRange`] outside the years 2000 to 9998.
    pub fn day_of(&self, instant: Timestamp) -> Result<BillingDay, CalendarError> {
        Ok(BillingDay::new(self.date_of(instant))?)
    }

    /// The date that a wall calendar shows.
    #[must_use]
    pub fn date_of(&self, instant: Timestamp) -> Date {
        self.time_zone.to_datetime(instant).date()
    }

    /// The last billing day that is over.
    ///
    /// # Errors
    ///
    /// [`CalendarError::OutOfRange`] outside the years 2000 to 9998.
    pub fn yesterday(&self, now: Timestamp) -> Result<BillingDay, CalendarError> {
        Ok(self.day_of(now)?.previous())
    }

    /// The instant at which a wall clock shows `time` on a day.
    ///
    /// In a gap of summer time the clock is read as if it had not been moved.
    #[must_use]
    pub fn instant(&self, date: Date, time: Time) -> Timestamp {
        // Ambiguity is settled by jiff's "compatible" rule, and years up to 9998 are in range.
        self.time_zone
            .to_ambiguous_timestamp(date.to_datetime(time))
            .compatible()
            .unwrap_or(Timestamp::MAX)
    }

    /// The instant from which usage of the month is refused.
    #[must_use]
    pub fn closes_at(&self, month: BillingMonth) -> Timestamp {
        self.day_of_next_month(month, self.close_day)
    }

    fn day_of_next_month(&self, month: BillingMonth, day: i8) -> Timestamp {
        let first = month.next().first_day().date();
        let day = first.with().day(day).build().unwrap_or(first);
        self.instant(day, Time::midnight())
    }

    /// Whether usage of the month is still counted.
    #[must_use]
    pub fn is_open(&self, month: BillingMonth, now: Timestamp) -> bool {
        now < self.closes_at(month)
    }

    /// The instant up to which it is noted how often usage of the month's days changed: a month
    /// after its close, when it has been read whole.
    #[must_use]
    pub fn changes_kept_until(&self, month: BillingMonth) -> Timestamp {
        self.day_of_next_month(month.next(), CLOSE_DAY_MAX)
    }

    /// The instant up to which reports of the month are kept at least, the same for all of them. It
    /// does not depend on the configured close day, which may change while they are stored.
    #[must_use]
    pub fn kept_until(&self, month: BillingMonth) -> Timestamp {
        // In the last years of the calendar they are kept up to its end.
        let latest_close = self.day_of_next_month(month, CLOSE_DAY_MAX);
        let kept_for = SignedDuration::from_hours(24 * i64::from(self.retention_days));
        latest_close.checked_add(kept_for).unwrap_or(Timestamp::MAX)
    }

    /// The first month, from this one on, of which no report can have expired.
    #[must_use]
    pub fn kept_from(&self, month: BillingMonth, now: Timestamp) -> BillingMonth {
        let mut month = month;
        while now >= self.kept_until(month) {
            month = month.next();
        }
        month
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn shanghai() -> Calendar {
        Calendar::new("Asia/Shanghai", 5).unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_platform() {
        for (utc, day) in [
            ("2015-05-17T15:59:59.999Z", "2015-05-17"),
            ("2015-05-17T16:00:00Z", "2015-05-18"),
            ("2026-02-28T16:00:00Z", "2026-03-01"),
            ("2015-12-31T16:00:00Z", "2016-01-01"),
        ] {
            assert_eq!(shanghai().day_of(instant(utc)).unwrap().to_string(), day, "{utc}");
        }
    }

    #[test]
    fn a_month_is_open_until_the_fifth_of_the_next() {
        let may = "2015-05".parse().unwrap();
        for (utc, open) in [
            ("2015-05-01T00:00:00Z", true),
            ("2015-06-04T15:59:59Z", true),
            ("2015-06-04T16:00:00Z", false),
            ("2015-07-01T00:00:00Z", false),
        ] {
            assert_eq!(shanghai().is_open(may, instant(utc)), open, "{utc}");
        }
    }

    #[test]
    fn a_month_is_kept_for_the_retention_after_the_28th_of_the_next_whatever_its_close_day() {
        for (days, month, kept_until) in [
            (400, "2015-05", "2016-07-31T16:00:00Z"),
            // Without a 29th of February between.
            (400, "2016-05", "2017-08-01T16:00:00Z"),
            (400, "9998-12", "9999-12-30T22:00:00.999999999Z"),
            (90, "2015-05", "2015-09-25T16:00:00Z"),
            (3_653, "2015-05", "2025-06-27T16:00:00Z"),
        ] {
            let month = month.parse().unwrap();
            for close_day in [1, 5, 28] {
                let calendar = Calendar::new("Asia/Shanghai", close_day).unwrap();
                let calendar = calendar.keeping_reports(days).unwrap();
                assert_eq!(calendar.kept_until(month), instant(kept_until), "{month} {close_day}");
                assert!(
                    calendar.kept_until(month) >= calendar.changes_kept_until(month),
                    "{month}"
                );
            }
        }
    }

    #[test]
    fn a_calendar_that_makes_no_sense_is_refused_by_name() {
        assert!(matches!(Calendar::new("Asia/Shangai", 5), Err(CalendarError::TimeZone(_))));
        assert!(matches!(Calendar::new("Asia/Shanghai", 29), Err(CalendarError::CloseDay(29))));
        for days in [0, 89, 3_654] {
            let refused = shanghai().keeping_reports(days);
            assert!(matches!(refused, Err(CalendarError::Retention(of)) if of == days), "{days}");
        }
    }
}
