//! The time, as an input.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// What time it is: the system's, or one that a test or the local stack moves.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the time comes from")]
    pub fn system() -> Clock {
        Clock::from_fn(Timestamp::now)
    }

    /// A clock that shows what a function gives.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// A clock that stands still.
    #[must_use]
    pub fn fixed(now: Timestamp) -> Clock {
        Clock::from_fn(move || now)
    }

    /// The time, to the second: what is stored has none that is finer.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
