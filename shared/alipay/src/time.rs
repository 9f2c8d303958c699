//! Alipay's timestamps: the wall clock in Beijing, UTC+8 all year.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The wall clock in Beijing at an instant.
#[must_use]
pub fn beijing_time(now: Timestamp) -> DateTime {
    Offset::constant(8).to_datetime(now)
}

/// The instant at which a wall clock in Beijing shows `yyyy-MM-dd HH:mm:ss`, with or without
/// fractions of a second; nothing when the text is no such time.
#[must_use]
pub fn beijing_instant(text: &str) -> Option<Timestamp> {
    let clock = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", text).ok()?;
    Offset::constant(8).to_timestamp(clock).ok()
}

/// The `timestamp` of a request.
pub(crate) fn beijing_text(now: Timestamp) -> String {
    beijing_time(now).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beijing_is_eight_hours_ahead_over_the_ends_of_days_months_and_years() {
        for (instant, beijing) in [
            ("2026-02-28T15:59:59Z", "2026-02-28 23:59:59"),
            ("2026-02-28T16:00:00Z", "2026-03-01 00:00:00"),
            ("2025-12-31T16:00:00Z", "2026-01-01 00:00:00"),
            ("2028-02-28T16:00:00Z", "2028-02-29 00:00:00"),
            ("2026-03-01T01:00:00+09:00", "2026-03-01 00:00:00"),
            ("2026-02-28T08:00:00-08:00", "2026-03-01 00:00:00"),
        ] {
            let instant: Timestamp = instant.parse().unwrap();
            assert_eq!(beijing_text(instant), beijing, "{instant}");
            assert_eq!(beijing_instant(beijing), Some(instant), "{beijing}");
        }
    }

    #[test]
    fn a_time_is_read_with_fractions_and_not_in_another_form() {
        let instant: Timestamp = "2026-03-02T02:00:03.320Z".parse().unwrap();
        assert_eq!(beijing_instant("2026-03-02 10:00:03.320"), Some(instant));
        for text in
            ["", "2026-03-02", "2026-03-02T10:00:03", "2026-02-30 10:00:03", "0000-00-00 00:00:00"]
        {
            assert_eq!(beijing_instant(text), None, "{text}");
        }
    }
}
