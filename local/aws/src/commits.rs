//! Grouped commits: an answer waits until all that it may have seen is on the disk, and one sync
//! serves all answers that wait.
//!
//! SQLite appends each transaction to its write-ahead log and leaves the log to the system, where a
//! killed process leaves it too. What a loss of power asks for besides, a sync of the log, is made
//! here.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::watch;

use super::lock;

/// The commits of one database, and how far they are on the disk.
pub(super) struct Commits {
    made: Arc<Made>,
    /// How many commits are on the disk; closed after a sync that failed. None of a database in
    /// memory.
    synced: Option<watch::Receiver<u64>>,
}

/// The commits that were made.
#[derive(Default)]
struct Made {
    /// Locked while the database works, so that nobody sees a commit that is not counted.
    state: Mutex<State>,
    /// Wakes the thread that syncs.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    commits: u64,
    /// Whether the database is closed.
    is_over: bool,
}

impl Commits {
    /// Of a database in memory: there is nothing to wait for.
    pub(super) fn in_memory() -> Self {
        Self { made: Arc::default(), synced: None }
    }

    /// Of the open SQLite file `database`. What a killed process left in its write-ahead log is on
    /// the disk then.
    ///
    /// # Errors
    ///
    /// When the log cannot be opened or synced.
    pub(super) fn of_file(database: &Path) -> io::Result<Self> {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        // To write, since Windows syncs no other.
        let log = OpenOptions::new().write(true).open(log)?;
        log.sync_data()?;
        Self::synced_by(move || log.sync_data())
    }

    /// Starts the thread that syncs. It ends after a sync that failed: the system may have dropped
    /// what it could not write, and a later sync would not notice.
    fn synced_by(mut sync: impl FnMut() -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let made = Arc::<Made>::default();
        let (sender, synced) = watch::channel(0);
        let to_sync = Arc::clone(&made);
        let work = move || {
            let mut synced = 0;
            while let Some(commits) = to_sync.more_than(synced) {
                if let Err(error) = sync() {
                    tracing::error!(%error, "cannot sync the tables: start the stack again");
                    return;
                }
                synced = commits;
                sender.send_replace(synced);
            }
        };
        std::thread::Builder::new().name("sync".to_owned()).spawn(work)?;
        Ok(Self { made, synced: Some(synced) })
    }

    /// Lets the database do one operation. Gives its outcome, and how many commits it may have
    /// seen.
    pub(super) fn run<T>(&self, is_read: bool, operation: impl FnOnce() -> T) -> (T, u64) {
        let mut state = lock(&self.made.state);
        if !is_read {
            // Counted first, since it may panic after its commit. No sync begins before it is done:
            // the count is read under this lock. One that fails is synced for nothing.
            state.commits += 1;
            self.made.changed.notify_one();
        }
        let outcome = operation();
        (outcome, state.commits)
    }

    /// Waits until the first `seen` commits are on the disk. Says whether they are: not after a
    /// sync that failed.
    pub(super) async fn are_kept(&self, seen: u64) -> bool {
        let Some(synced) = &self.synced else { return true };
        synced.clone().wait_for(|synced| *synced >= seen).await.is_ok()
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        lock(&self.made.state).is_over = true;
        self.made.changed.notify_one();
    }
}

impl Made {
    /// Waits until there are more commits than `synced`. Gives their number; none when no more will
    /// come.
    fn more_than(&self, synced: u64) -> Option<u64> {
        let is_idle = |state: &mut State| state.commits == synced && !state.is_over;
        let state = self.changed.wait_while(lock(&self.state), is_idle);
        let commits = state.unwrap_or_else(PoisonError::into_inner).commits;
        (commits > synced).then_some(commits)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    /// Commits whose syncs begin when a test receives them, and end as it says.
    struct Syncs {
        commits: Arc<Commits>,
        begun: Receiver<()>,
        end: Sender<io::Result<()>>,
    }

    impl Syncs {
        fn new() -> Syncs {
            let ((begin, begun), (end, ended)) = (channel(), channel());
            let sync = move || {
                begin.send(()).unwrap();
                ended.recv().unwrap()
            };
            Syncs { commits: Arc::new(Commits::synced_by(sync).unwrap()), begun, end }
        }

        /// Does one operation, and waits beside the test until it is kept.
        fn wait_for(&self, is_read: bool) -> JoinHandle<bool> {
            let commits = Arc::clone(&self.commits);
            let ((), seen) = commits.run(is_read, || ());
            tokio::spawn(async move { commits.are_kept(seen).await })
        }

        /// Waits until a sync has begun.
        fn begun(&self) {
            self.begun.recv().unwrap();
        }

        fn end(&self, outcome: io::Result<()>) {
            self.end.send(outcome).unwrap();
        }
    }

    #[tokio::test]
    async fn commits_that_are_made_during_a_sync_share_the_next() {
        let syncs = Syncs::new();
        let first = syncs.wait_for(false);
        syncs.begun();
        let others: Vec<_> = (0..9).map(|_| syncs.wait_for(false)).collect();
        syncs.end(Ok(()));
        assert!(first.await.unwrap());
        syncs.begun();
        assert!(!others.iter().any(JoinHandle::is_finished));
        syncs.end(Ok(()));
        for other in others {
            assert!(other.await.unwrap());
        }
        assert!(syncs.begun.try_recv().is_err(), "a third sync");
    }

    #[tokio::test]
    async fn read_waits_for_the_commit_that_it_may_have_seen() {
        let syncs = Syncs::new();
        assert!(syncs.wait_for(true).await.unwrap(), "of nothing");
        let write = syncs.wait_for(false);
        syncs.begun();
        let read = syncs.wait_for(true);
        yield_now().await;
        assert!(!read.is_finished());
        syncs.end(Ok(()));
        assert!(write.await.unwrap() && read.await.unwrap());
        assert!(syncs.wait_for(true).await.unwrap(), "of what is on the disk");
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_nothing_is_kept() {
        let syncs = Syncs::new();
        let write = syncs.wait_for(false);
        syncs.begun();
        let read = syncs.wait_for(true);
        syncs.end(Err(io::ErrorKind::StorageFull.into()));
        assert!(!write.await.unwrap() && !read.await.unwrap());
        assert!(!syncs.wait_for(false).await.unwrap());
        assert!(syncs.begun.try_recv().is_err(), "a second sync");
    }
}
