//! The clock of the local stack. A test sets it, and it can run faster than time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use steelyard_runtime::Clock;

/// A clock that starts at a chosen time and runs on at a chosen speed. Clones share one setting.
#[derive(Clone, Debug)]
pub struct LocalClock(Arc<Mutex<Setting>>);

#[derive(Clone, Copy, Debug)]
struct Setting {
    shown: Timestamp,
    since: Instant,
    speed: u32,
}

/// Where every clock stops: 9999-01-01T00:00:00Z. Billing days end with the year before, and the
/// year that is left is room for whatever is computed from a time, such as when a lease ends.
const END: Timestamp = Timestamp::constant(253_370_764_800, 0);

impl LocalClock {
    /// A clock that shows `shown` and runs `speed` times as fast as time; with 0 it stands still.
    #[must_use]
    pub fn new(shown: Timestamp, speed: u32) -> LocalClock {
        LocalClock(Arc::new(Mutex::new(Setting { shown, since: Instant::now(), speed })))
    }

    /// The time that the clock shows, at most the year 9999 at its beginning.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let setting = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = setting.since.elapsed().saturating_mul(setting.speed);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        setting.shown.checked_add(passed).unwrap_or(END).min(END)
    }

    /// How many times as fast as time the clock runs; 0 if it stands still.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).speed
    }

    /// Sets the time that the clock shows; its speed stays.
    pub fn set(&self, shown: Timestamp) {
        let mut setting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *setting = Setting { shown, since: Instant::now(), ..*setting };
    }

    /// The same clock as a function takes it: to the second.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_stops_at_the_end_of_the_calendar() {
        assert_eq!(END.to_string(), "9999-01-01T00:00:00Z");
        for shown in ["9998-12-31T23:59:59Z", "9999-12-30T22:00:00Z"] {
            let clock = LocalClock::new(shown.parse().unwrap(), u32::MAX);
            std::thread::sleep(std::time::Duration::from_millis(10));
            assert_eq!(clock.now(), END, "{shown}");
        }
    }
}
