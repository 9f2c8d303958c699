//! The one way to change a record: load, decide, save if nothing changed, decide again if stale.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steelyard_store::{BillingTable, CommitError, EventsTable, StoreError, Writes};

/// What a use case decided.
#[derive(Debug)]
pub enum Decision<T> {
    /// Nothing is to be written; this is the result.
    Keep(T),
    /// This is to be written; if it is, that is the result.
    Save(Writes, T),
    /// What was read is not of one moment: it is to be read and decided again.
    Again,
}

impl<T> Decision<T> {
    /// The same decision with another result.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Decision<U> {
        match self {
            Decision::Keep(result) => Decision::Keep(change(result)),
            Decision::Save(writes, result) => Decision::Save(writes, change(result)),
            Decision::Again => Decision::Again,
        }
    }
}

/// A table whose writes are committed together.
pub(crate) trait Commit: Sync {
    fn commit(&self, writes: Writes) -> impl Future<Output = Result<(), CommitError>> + Send;
}

impl Commit for BillingTable {
    fn commit(&self, writes: Writes) -> impl Future<Output = Result<(), CommitError>> + Send {
        BillingTable::commit(self, writes)
    }
}

impl Commit for EventsTable {
    fn commit(&self, writes: Writes) -> impl Future<Output = Result<(), CommitError>> + Send {
        EventsTable::commit(self, writes)
    }
}

/// How often a change that others overtake is decided again.
const TRIES: u32 = 20;

/// Changes records: `decide` loads them and decides, and what it decided is saved if nothing that
/// it depends on was written meanwhile. Otherwise it decides again; its argument says whether it
/// does.
///
/// # Errors
///
/// Whatever `decide` fails with; a [`StoreError`] when saving fails, and
/// [`StoreError::Contended`] when others keep writing the same records.
pub(crate) async fn change<T, E: From<StoreError>, D>(
    table: &impl Commit,
    operation: &'static str,
    mut decide: impl FnMut(bool) -> D,
) -> Result<T, E>
where
    D: Future<Output = Result<Decision<T>, E>>,
{
    for attempt in 0..TRIES {
        let (writes, result) = match decide(attempt > 0).await? {
            Decision::Keep(result) => return Ok(result),
            Decision::Save(writes, result) => (writes, result),
            Decision::Again => {
                pause(attempt).await;
                continue;
            }
        };
        match table.commit(writes).await {
            Ok(()) => return Ok(result),
            Err(CommitError::Stale) => pause(attempt).await,
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
    Err(StoreError::Contended { operation }.into())
}

/// None at first, since most often one other was faster; then 2 ms, and twice as long each time, a
/// quarter of a second at most.
async fn pause(attempt: u32) {
    if attempt > 0 {
        tokio::time::sleep(Duration::from_millis((1 << attempt.min(8)).min(250))).await;
    }
}

/// What a decision noted of its last try. No try panics while it holds it.
pub(crate) fn lock<T>(noted: &Mutex<T>) -> MutexGuard<'_, T> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}
