//! The clock of the local stack. A test sets it, and it can run faster than time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use steelyard_runtime::Clock;

/// A clock that starts at a chosen time and runs on at a chosen speed. Clones share one setting.
#[derive(Clone, Debug)]
pub struct LocalClock(Arc<Mutex<Setting>>);

#[derive(Clone, Copy, Debug)]
struct Setting {
    /// The hand that everything follows but sessions.
    days: Hand,
    /// The hand that links and sessions of the pages follow.
    sessions: Hand,
    speed: u32,
}

/// The time that the clock was set to, and when it was set.
#[derive(Clone, Copy, Debug)]
struct Hand {
    shown: Timestamp,
    since: Instant,
}

/// Where every clock stops: 9999-01-01T00:00:00Z. Billing days end with the year before, and the
/// year that is left is room for whatever is computed from a time, such as when a lease ends.
const END: Timestamp = Timestamp::constant(253_370_764_800, 0);

impl Hand {
    /// A hand that shows a time now.
    fn at(shown: Timestamp) -> Hand {
        Hand { shown, since: Instant::now() }
    }

    /// The time that it shows now, at most the year 9999 at its beginning.
    fn now(self, speed: u32) -> Timestamp {
        let passed = self.since.elapsed().saturating_mul(speed);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        self.shown.checked_add(passed).unwrap_or(END).min(END)
    }
}

impl LocalClock {
    /// A clock that shows `shown` and runs `speed` times as fast as time; with 0 it stands still.
    #[must_use]
    pub fn new(shown: Timestamp, speed: u32) -> LocalClock {
        let hand = Hand::at(shown);
        LocalClock(Arc::new(Mutex::new(Setting { days: hand, sessions: hand, speed })))
    }

    /// The time that the clock shows, at most the year 9999 at its beginning.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let setting = *self.setting();
        setting.days.now(setting.speed)
    }

    /// How many times as fast as time the clock runs; 0 if it stands still.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.setting().speed
    }

    /// Sets the time that the clock shows, to sessions too; its speed stays.
    pub fn set(&self, shown: Timestamp) {
        let hand = Hand::at(shown);
        let mut setting = self.setting();
        (setting.days, setting.sessions) = (hand, hand);
    }

    /// Moves the clock forward to a time, while sessions go on; false if the clock is past it.
    pub fn move_to(&self, shown: Timestamp) -> bool {
        let mut setting = self.setting();
        let is_ahead = setting.days.now(setting.speed) <= shown;
        if is_ahead {
            setting.days = Hand::at(shown);
        }
        is_ahead
    }

    /// Runs on at another speed, from what the clock shows now.
    pub fn run_at(&self, speed: u32) {
        let mut setting = self.setting();
        *setting = Setting {
            days: Hand::at(setting.days.now(setting.speed)),
            sessions: Hand::at(setting.sessions.now(setting.speed.min(1))),
            speed,
        };
    }

    /// The same clock as a function takes it: to the second.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }

    /// The clock of links and sessions, which people use: it never runs faster than time, and goes
    /// on when the clock is moved forward.
    #[must_use]
    pub fn session_clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || {
            let setting = *clock.setting();
            setting.sessions.now(setting.speed.min(1))
        })
    }

    fn setting(&self) -> MutexGuard<'_, Setting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn sessions_go_on_while_days_pass() {
        let begin: Timestamp = "2015-05-17T01:00:00Z".parse().unwrap();
        let clock = LocalClock::new(begin, 1_000_000);
        std::thread::sleep(std::time::Duration::from_millis(10));
        let hour = begin + SignedDuration::from_hours(1);
        assert!(clock.now() > hour && clock.session_clock().now() < hour);
    }

    #[test]
    fn clock_goes_on_from_what_it_shows_at_another_speed() {
        let begin: Timestamp = "2015-05-17T01:00:00Z".parse().unwrap();
        let clock = LocalClock::new(begin, 1_000_000);
        std::thread::sleep(std::time::Duration::from_millis(10));
        let before = clock.now();
        clock.run_at(0);
        let stopped = (clock.now(), clock.session_clock().now());
        assert!(stopped.0 >= before && stopped.1 < begin + SignedDuration::from_hours(1));
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(
            (clock.now(), clock.session_clock().now(), clock.speed()),
            (stopped.0, stopped.1, 0)
        );
    }

    #[test]
    fn clock_that_is_moved_leaves_sessions_open_and_never_goes_back() {
        let [begin, next, set] =
            ["2015-05-17T01:00:00Z", "2015-05-18T01:00:00Z", "2015-05-16T01:00:00Z"]
                .map(|time| time.parse::<Timestamp>().unwrap());
        let clock = LocalClock::new(begin, 0);
        assert!(clock.move_to(next));
        assert_eq!((clock.now(), clock.session_clock().now()), (next, begin));
        assert!(!clock.move_to(begin));
        assert_eq!(clock.now(), next);
        clock.set(set);
        assert_eq!((clock.now(), clock.session_clock().now()), (set, set));
    }
}
