//! Another function, invoked by its name.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use serde_json::Value;
use thiserror::Error;

/// A function that is invoked and answers, synchronously.
#[derive(Clone, Debug)]
pub struct Callee {
    client: Client,
    name: String,
}

/// Why a function gave no result.
#[derive(Debug, Error)]
pub enum InvokeError {
    /// Lambda could not be asked, or refused. The function may have run if the answer was lost.
    #[error("cannot invoke {function}")]
    Aws {
        /// The function's name.
        function: String,
        /// The error of the SDK, with its causes.
        #[source]
        source: Box<aws_sdk_lambda::Error>,
    },
    /// The function ran and failed, or its time was up.
    #[error("{function} failed: {why}")]
    Failed {
        /// The function's name.
        function: String,
        /// Its error, as it words it.
        why: String,
    },
    /// The function ran, and its result is not JSON.
    #[error("the result of {function} is not JSON")]
    NotJson {
        /// The function's name.
        function: String,
        /// The fault in its answer.
        #[source]
        source: serde_json::Error,
    },
}

/// How long a function may take to answer: as long as API Gateway waits for the caller, 30 seconds
/// at most. Its own time-out has to be shorter, or it runs on unheard.
const ANSWER_MAX: Duration = Duration::from_secs(28);

/// How long an invocation may take in all, with its connection.
const INVOCATION_MAX: Duration = Duration::from_secs(29);

impl Callee {
    /// The function of that name.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Callee {
        let timeouts = TimeoutConfig::builder()
            .read_timeout(ANSWER_MAX)
            .operation_timeout(INVOCATION_MAX)
            .build();
        let config = aws_sdk_lambda::config::Builder::from(config)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .build();
        Callee { client: Client::from_conf(config), name }
    }

    /// The result of the function for an event.
    ///
    /// The function is invoked once: nothing is retried, since a lost answer does not show whether
    /// it ran. A caller that wants to try again sends the same `Idempotency-Key` in its event.
    ///
    /// # Errors
    ///
    /// [`InvokeError`], which says whether the function ran.
    pub async fn invoke(&self, event: &Value) -> Result<Value, InvokeError> {
        let function = || self.name.clone();
        let event = Blob::new(event.to_string());
        let asked = self.client.invoke().function_name(&self.name).payload(event);
        let answer = asked.send().await.map_err(|error| InvokeError::Aws {
            function: function(),
            source: Box::new(error.into()),
        })?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new([])).into_inner();
        if let Some(kind) = answer.function_error {
            return Err(InvokeError::Failed { function: function(), why: why(&kind, &payload) });
        }
        serde_json::from_slice(&payload)
            .map_err(|source| InvokeError::NotJson { function: function(), source })
    }
}

/// The error of a function that failed: its own words, or Lambda's if it left none.
fn why(kind: &str, payload: &[u8]) -> String {
    let failed = serde_json::from_slice::<Value>(payload).unwrap_or_default();
    failed["errorMessage"].as_str().unwrap_or(kind).to_owned()
}
