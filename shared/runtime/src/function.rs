//! A function: what Lambda, or the local stack, invokes.

use std::future::Future;
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use steelyard_json::Node;
use tokio::time::Instant;

use crate::{Clock, Environment, chain, log};

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

    /// The time until Lambda ends the invocation.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Logs as Lambda configures it, and invokes the function for each event until Lambda ends the
/// process. An event in which a field is given twice fails its invocation.
///
/// # Errors
///
/// When the function can't be set up, or Lambda can't be reached.
pub async fn run<F: Function>(function: Result<F, Error>) -> Result<(), Error> {
    log::begin(&Environment::of_process());
    let function = function.inspect_err(|error| tracing::error!(error, "cannot start"))?;
    let (function, clock) = (&function, &Clock::system());
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Node>| async move {
        let invocation = Invocation::lasting(time_left(event.context.deadline, clock));
        let event = event.payload.into_value().map_err(|error| diagnostic(&error))?;
        // On the heap: the SDK's futures are so deep that the compiler gives up on one that holds
        // them all.
        Box::pin(function.handle(event, invocation))
            .await
            .inspect_err(|error| tracing::error!(error, "invocation failed"))
            .map_err(|error| diagnostic(&*error))
    }))
    .await
}

/// What Lambda answers of an invocation that failed. It would name the type of a box by itself.
fn diagnostic(error: &(dyn std::error::Error + 'static)) -> Diagnostic {
    Diagnostic { error_type: "InvocationFailed".to_owned(), error_message: chain(error) }
}

/// The time until Lambda's deadline, which is in milliseconds of Unix time.
fn time_left(deadline_ms: u64, clock: &Clock) -> Duration {
    let now_ms = u64::try_from(clock.now().as_millisecond()).unwrap_or(u64::MAX);
    Duration::from_millis(deadline_ms.saturating_sub(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot send")]
    struct NotSent(#[source] std::fmt::Error);

    #[test]
    fn failed_invocation_answers_with_a_name_and_the_whole_chain() {
        let Diagnostic { error_type, error_message } = diagnostic(&NotSent(std::fmt::Error));
        assert_eq!(error_type, "InvocationFailed");
        assert_eq!(error_message, format!("cannot send: {}", std::fmt::Error));
    }
}
