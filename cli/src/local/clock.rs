//! The clock of the local stack: it can be set, and it can run faster than time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use steelyard_runtime::Clock;

/// A clock that shows a chosen time and runs on from it at a chosen speed. Its clones are the same
/// one.
#[derive(Clone, Debug)]
pub struct LocalClock(Arc<Mutex<Setting>>);

#[derive(Clone, Copy, Debug)]
struct Setting {
    shown: Timestamp,
    since: Instant,
    speed: u32,
}

impl LocalClock {
    /// A clock that shows `shown` and goes `speed` times as fast as time; with 0 it stands still.
    #[must_use]
    pub fn new(shown: Timestamp, speed: u32) -> LocalClock {
        LocalClock(Arc::new(Mutex::new(Setting { shown, since: Instant::now(), speed })))
    }

    /// The time that the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let setting = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = setting.since.elapsed().saturating_mul(setting.speed);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        setting.shown.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Sets the clock; it goes on at the same speed.
    pub fn set(&self, shown: Timestamp) {
        let mut setting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *setting = Setting { shown, since: Instant::now(), ..*setting };
    }

    /// The clock as functions take it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }
}
