//! The pace of commands that go on until a signal ends them.

use std::io;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use steelyard_runtime::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The group of the options that make an import go on.
pub(super) const CONTINUOUS: &str = "continuous";

/// The longest wait after a failure.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How often an import that goes on counts.
#[derive(Debug, Args)]
pub(super) struct PaceArgs {
    /// How often it counts what is new; after a failure it waits longer, up to a minute.
    #[arg(long, requires = CONTINUOUS, default_value = "10s", value_name = "TIME")]
    every: SignedDuration,
}

/// When to count again, and whether to end.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    terminate: Signal,
    interrupt: Signal,
}

impl PaceArgs {
    /// The pace. From here on signals end no process.
    ///
    /// # Errors
    ///
    /// When the time makes no sense, or the system gives no signals.
    pub(super) fn pace(&self) -> Result<Pace, Error> {
        let every = Duration::try_from(self.every);
        let every = every.map_err(|_| "--every must not be negative")?;
        let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()];
        let [terminate, interrupt] = [signal(terminate), signal(interrupt)];
        Ok(Pace { every, terminate: heard(terminate)?, interrupt: heard(interrupt)? })
    }
}

fn heard(signal: io::Result<Signal>) -> Result<Signal, Error> {
    signal.map_err(|error| format!("cannot wait for signals: {error}").into())
}

impl Pace {
    /// The time between two passes that succeed.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// Waits for the next pass, unless a signal comes. Whether one came.
    pub(super) async fn wait(&mut self) -> bool {
        self.wait_for(self.every).await
    }

    /// True if a signal has come. It does not wait for one.
    pub(super) async fn is_over(&mut self) -> bool {
        self.wait_for(Duration::ZERO).await
    }

    /// Waits, unless a signal comes. Whether one came.
    pub(super) async fn wait_for(&mut self, time: Duration) -> bool {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => true,
            () = tokio::time::sleep(time) => false,
        }
    }
}

/// The wait after a further failure.
pub(super) fn longer(wait: Duration) -> Duration {
    (wait * 2).clamp(Duration::from_secs(1), WAIT_MAX)
}
