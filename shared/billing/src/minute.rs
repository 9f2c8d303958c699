//! The minute of a call.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::Offset;
use thiserror::Error;

/// A minute of a day by the clock of UTC, such as `08:05`.
///
/// A billing day of 25 hours has the minutes of one of them twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute {
    hour: u8,
    minute: u8,
}

/// The text is no minute such as `08:05`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a minute is a text such as `08:05`")]
pub struct MinuteError;

impl Minute {
    /// The minute in which an instant lies.
    #[must_use]
    pub fn of(at: Timestamp) -> Minute {
        let time = Offset::UTC.to_datetime(at).time();
        Minute { hour: time.hour().unsigned_abs(), minute: time.minute().unsigned_abs() }
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl FromStr for Minute {
    type Err = MinuteError;

    fn from_str(text: &str) -> Result<Minute, MinuteError> {
        let (hour, minute) = text.split_once(':').ok_or(MinuteError)?;
        let read = |digits: &str, below: u8| {
            let number = digits.parse().ok().filter(|number| *number < below);
            number.filter(|number| format!("{number:02}") == digits).ok_or(MinuteError)
        };
        Ok(Minute { hour: read(hour, 24)?, minute: read(minute, 60)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_that_of_utc_and_reads_what_it_writes() {
        for (at, minute) in [
            ("2015-05-17T08:05:59.999+08:00", "00:05"),
            ("2015-05-16T23:59:00Z", "23:59"),
            ("1969-12-31T23:59:59Z", "23:59"),
        ] {
            let found = Minute::of(at.parse().unwrap());
            assert_eq!(found.to_string(), minute, "{at}");
            assert_eq!(minute.parse(), Ok(found));
        }
        for text in ["", "8:05", "08:5", "24:00", "08:60", "+8:05", "08:05:00", "0805"] {
            assert_eq!(text.parse::<Minute>(), Err(MinuteError), "{text}");
        }
    }
}
