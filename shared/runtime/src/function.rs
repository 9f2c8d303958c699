//! A function: what Lambda, or the local stack, invokes.

use std::future::Future;
use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::Instant;

use crate::{Clock, Environment, log};

/// Any error that ends an invocation: Lambda records it and tries again.
pub type Error = lambda_runtime::Error;

/// What a function knows of its invocation.
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// When the invocation is killed.
    pub deadline: Instant,
}

/// What Lambda, or the local stack, invokes.
pub trait Function: Send + Sync + 'static {
    /// Handles one event. A panic or an error fails the invocation, never the process.
    fn handle(
        &self,
        event: Value,
        invocation: Invocation,
    ) -> impl Future<Output = Result<Value, Error>> + Send;
}

impl Invocation {
    /// An invocation that has this long.
    #[must_use]
    pub fn lasting(time: Duration) -> Invocation {
        Invocation { deadline: Instant::now() + time }
    }

    /// What is left of its time.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Logs as Lambda is told to, and invokes the function for each event until Lambda ends the
/// process.
///
/// # Errors
///
/// When the function can't be set up, or Lambda can't be reached.
pub async fn run<F: Function>(function: Result<F, Error>) -> Result<(), Error> {
    log::begin(&Environment::of_process());
    let function = function.inspect_err(|error| tracing::error!(error, "cannot start"))?;
    let (function, clock) = (&function, &Clock::system());
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let left = time_left(event.context.deadline, clock);
        // On the heap: the SDK's futures are so deep that the compiler gives up on one that holds
        // them all.
        Box::pin(function.handle(event.payload, Invocation::lasting(left)))
            .await
            .inspect_err(|error| tracing::error!(error, "invocation failed"))
    }))
    .await
}

/// Lambda tells the deadline in milliseconds of Unix time.
fn time_left(deadline_ms: u64, clock: &Clock) -> Duration {
    let now_ms = u64::try_from(clock.now().as_millisecond()).unwrap_or(u64::MAX);
    Duration::from_millis(deadline_ms.saturating_sub(now_ms))
}
