//! What is the same for every caller, and is read once in a while for all of them.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A value that was read, and when.
#[derive(Debug)]
pub struct Known<T> {
    holds_for: SignedDuration,
    read: Mutex<Option<(Timestamp, T)>>,
}

impl<T: Clone> Known<T> {
    /// A value that is read anew when it is older than this.
    #[must_use]
    pub const fn new(holds_for: SignedDuration) -> Known<T> {
        Known { holds_for, read: Mutex::new(None) }
    }

    /// The value, read if it is not known or too old. Two that ask at the same time may both read
    /// it.
    ///
    /// # Errors
    ///
    /// What the reading fails with.
    pub async fn get<E>(
        &self,
        now: Timestamp,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = known.filter(|(since, _)| *since <= now && now < *since + self.holds_for);
        if let Some((_, value)) = known {
            return Ok(value);
        }
        let value = read.await?;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, value.clone()));
        Ok(value)
    }
}
