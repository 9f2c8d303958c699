//! Calendar days and months as they are billed.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A calendar day in the platform's time zone, from its midnight up to the next one: `2015-05-17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BillingDay(Date);

/// A calendar month in the platform's time zone: `2015-05`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BillingMonth(Date);

/// Why a text is not a day or a month.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DayError {
    /// Not a day of the calendar in years 2000 to 9998.
    #[error("`{0}` is not a day such as 2015-05-17")]
    NotADay(String),
    /// Not a month of the calendar in years 2000 to 9998.
    #[error("`{0}` is not a month such as 2015-05")]
    NotAMonth(String),
}

/// The years in which days can be added and taken away without leaving the calendar.
fn is_billable_year(date: Date) -> bool {
    (2000..=9998).contains(&date.year())
}

impl BillingDay {
    /// The day of a date of the calendar.
    ///
    /// # Errors
    ///
    /// [`DayError::NotADay`] outside the years 2000 to 9998.
    pub fn new(date: Date) -> Result<BillingDay, DayError> {
        if is_billable_year(date) {
            Ok(BillingDay(date))
        } else {
            Err(DayError::NotADay(date.to_string()))
        }
    }

    /// The date of the calendar.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }

    /// The month that the day belongs to.
    #[must_use]
    pub fn month(self) -> BillingMonth {
        BillingMonth(self.0.first_of_month())
    }

    /// The next day. The last day of the calendar, eight thousand years off, is its own.
    #[must_use]
    pub fn next(self) -> BillingDay {
        BillingDay(self.0.tomorrow().unwrap_or(Date::MAX))
    }

    /// The day before. The first day of the calendar is its own.
    #[must_use]
    pub fn previous(self) -> BillingDay {
        BillingDay(self.0.yesterday().unwrap_or(Date::MIN))
    }

    /// How many days lie from here up to another day; none when it is not later.
    #[must_use]
    pub fn days_until(self, other: BillingDay) -> u64 {
        let days = other.0.duration_since(self.0).as_hours() / 24;
        days.max(0).unsigned_abs()
    }

    /// The day of the month, from 1.
    #[must_use]
    pub fn day_of_month(self) -> i8 {
        self.0.day()
    }
}

impl BillingMonth {
    /// The first day of the month.
    #[must_use]
    pub fn first_day(self) -> BillingDay {
        BillingDay(self.0)
    }

    /// The day of that number, from 1; none if the month does not have it.
    #[must_use]
    pub fn day(self, number: i8) -> Option<BillingDay> {
        self.0.with().day(number).build().ok().map(BillingDay)
    }

    /// The last day of the month.
    #[must_use]
    pub fn last_day(self) -> BillingDay {
        BillingDay(self.0.last_of_month())
    }

    /// How many days the month has.
    #[must_use]
    pub fn days(self) -> u64 {
        u64::from(self.0.days_in_month().unsigned_abs())
    }

    /// How many months lie from another one up to this one; none when that is not earlier.
    #[must_use]
    pub fn months_since(self, earlier: BillingMonth) -> u32 {
        let number =
            |month: BillingMonth| i32::from(month.0.year()) * 12 + i32::from(month.0.month());
        (number(self) - number(earlier)).max(0).unsigned_abs()
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> BillingMonth {
        BillingMonth(moved(self.0, 1.month()))
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> BillingMonth {
        BillingMonth(moved(self.0, -1.month()))
    }
}

fn moved(date: Date, by: Span) -> Date {
    // Saturates at the ends of the calendar, eight thousand years off.
    date.saturating_add(by)
}

impl fmt::Display for BillingDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl fmt::Display for BillingMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.0.year(), self.0.month()))
    }
}

impl FromStr for BillingDay {
    type Err = DayError;

    fn from_str(text: &str) -> Result<BillingDay, DayError> {
        let refused = || DayError::NotADay(text.to_owned());
        let date = Date::strptime("%Y-%m-%d", text).map_err(|_| refused())?;
        // Only the one canonical spelling, so that a day is one key.
        if !is_billable_year(date) || date.to_string() != text {
            return Err(refused());
        }
        Ok(BillingDay(date))
    }
}

impl FromStr for BillingMonth {
    type Err = DayError;

    fn from_str(text: &str) -> Result<BillingMonth, DayError> {
        format!("{text}-01")
            .parse::<BillingDay>()
            .map(BillingDay::month)
            .map_err(|_| DayError::NotAMonth(text.to_owned()))
    }
}

impl TryFrom<String> for BillingDay {
    type Error = DayError;

    fn try_from(text: String) -> Result<BillingDay, DayError> {
        text.parse()
    }
}

impl TryFrom<String> for BillingMonth {
    type Error = DayError;

    fn try_from(text: String) -> Result<BillingMonth, DayError> {
        text.parse()
    }
}

impl From<BillingDay> for String {
    fn from(day: BillingDay) -> String {
        day.to_string()
    }
}

impl From<BillingMonth> for String {
    fn from(month: BillingMonth) -> String {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> BillingDay {
        text.parse().unwrap()
    }

    #[test]
    fn months_and_days_follow_the_calendar() {
        for (today, next, month, last) in [
            ("2015-05-17", "2015-05-18", "2015-05", "2015-05-31"),
            ("2016-02-28", "2016-02-29", "2016-02", "2016-02-29"),
            ("2015-12-31", "2016-01-01", "2015-12", "2015-12-31"),
        ] {
            assert_eq!(day(today).next(), day(next));
            assert_eq!(day(next).previous(), day(today));
            assert_eq!(day(today).month().to_string(), month);
            assert_eq!(day(today).month().last_day(), day(last));
        }
    }

    #[test]
    fn days_and_months_are_stored_as_they_are_written() {
        let all = (day("2015-05-17"), day("2015-05-17").month());
        let stored = serde_json::to_string(&all).unwrap();
        assert_eq!(stored, r#"["2015-05-17","2015-05"]"#);
        assert_eq!(serde_json::from_str::<(BillingDay, BillingMonth)>(&stored).unwrap(), all);
    }

    #[test]
    fn days_are_counted_across_months_and_never_backwards() {
        for (from, until, days) in [
            ("2015-05-17", "2015-05-17", 0),
            ("2015-05-17", "2015-05-18", 1),
            ("2015-05-18", "2015-05-17", 0),
            ("2015-05-01", "2015-06-01", 31),
            ("2015-12-31", "2016-03-01", 61),
            ("2000-01-01", "9998-12-31", 2_921_574),
            ("9998-12-31", "2000-01-01", 0),
        ] {
            assert_eq!(day(from).days_until(day(until)), days, "{from} {until}");
        }
        for (month, days) in [("2015-05", 31), ("2015-02", 28), ("2016-02", 29), ("2015-04", 30)] {
            assert_eq!(month.parse::<BillingMonth>().unwrap().days(), days, "{month}");
        }
    }

    #[test]
    fn a_day_has_one_spelling() {
        for text in [
            "2015-5-17",
            "2015-05-32",
            "2015-02-29",
            "17/05/2015",
            "1999-12-31",
            "",
            "2015-05-17T00:00",
        ] {
            assert_eq!(text.parse::<BillingDay>(), Err(DayError::NotADay(text.to_owned())));
        }
    }
}
