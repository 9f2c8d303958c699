//! Lambda, locally: functions that are invoked for events, and queues whose messages are handed to
//! them, with Lambda's semantics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use steelyard_runtime::{Error, Function, Invocation};

use super::{Embedded, Request};

type Handler = dyn Fn(Value, Invocation) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync;

/// A function as Lambda has it: time-out included, and a panic fails the invocation alone.
#[derive(Clone)]
pub struct LocalFunction {
    handler: Arc<Handler>,
    timeout: Duration,
}

/// Functions by the names under which Lambda invokes them.
pub type NamedFunctions = BTreeMap<&'static str, LocalFunction>;

/// A queue whose messages go to a function.
#[derive(Clone)]
pub struct EventSource {
    /// The queue's name.
    pub queue: &'static str,
    /// The most messages that the function gets at once.
    pub batch_size: u8,
    /// The function that gets the batches.
    pub function: LocalFunction,
}

/// The most messages that SQS gives in one answer.
const RECEIVED_AT_ONCE: usize = 10;

impl LocalFunction {
    /// A function that may take so long.
    pub fn new<F: Function>(function: F, timeout: Duration) -> LocalFunction {
        let function = Arc::new(function);
        let handler = move |event, invocation| {
            let function = Arc::clone(&function);
            let handled: BoxFuture<'static, _> =
                Box::pin(async move { function.handle(event, invocation).await });
            handled
        };
        LocalFunction { handler: Arc::new(handler), timeout }
    }

    /// The same function, where an invocation may take so long.
    #[must_use]
    pub fn lasting(&self, timeout: Duration) -> LocalFunction {
        LocalFunction { handler: Arc::clone(&self.handler), timeout }
    }

    /// How long an invocation may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The handling of an event, by the caller's task: without the time-out, and with its panic. To
    /// drop it is what the function sees of the end of its machine.
    #[must_use]
    pub fn handling(&self, event: Value) -> BoxFuture<'static, Result<Value, Error>> {
        (self.handler)(event, Invocation::lasting(self.timeout))
    }

    /// Invokes the function.
    ///
    /// # Errors
    ///
    /// What the function fails with, its panic, or that its time was up.
    pub async fn invoke(&self, event: Value) -> Result<Value, Error> {
        let task = tokio::spawn(self.handling(event));
        let abort = task.abort_handle();
        match tokio::time::timeout(self.timeout, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(panic.into()),
            Err(elapsed) => {
                abort.abort();
                Err(elapsed.into())
            }
        }
    }
}

impl EventSource {
    /// Takes one batch from the queue and hands it over, waiting for messages at most so long.
    /// Messages that were handled are deleted; all others come again when their time is up. Returns
    /// the number of messages.
    ///
    /// # Errors
    ///
    /// When the queue can't be read or written.
    pub async fn poll(&self, embedded: &Embedded, wait: Duration) -> Result<usize, Error> {
        let url = format!("http://sqs.local/000000000000/{}", self.queue);
        let messages = self.received(embedded, &url, wait).await?;
        if messages.is_empty() {
            return Ok(0);
        }
        let event =
            json!({ "Records": messages.iter().map(|m| self.record(m)).collect::<Vec<_>>() });
        let failed = match self.function.invoke(event).await {
            Ok(response) => failed_ids(&response),
            Err(error) => {
                tracing::error!(
                    error,
                    queue = self.queue,
                    "invocation failed; its messages come again"
                );
                return Ok(messages.len());
            }
        };
        for message in messages.iter().filter(|message| !failed.contains(&message["MessageId"])) {
            let handled = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            sqs(embedded, "DeleteMessage", handled).await?;
        }
        Ok(messages.len())
    }

    /// The messages of a batch, as far as they are visible. SQS gives ten at once at most.
    async fn received(
        &self,
        embedded: &Embedded,
        url: &str,
        wait: Duration,
    ) -> Result<Vec<Value>, Error> {
        let (size, mut wait) = (usize::from(self.batch_size), wait);
        let mut messages = Vec::new();
        while messages.len() < size {
            let asked = json!({
                "QueueUrl": url,
                "MaxNumberOfMessages": (size - messages.len()).min(RECEIVED_AT_ONCE),
                "WaitTimeSeconds": wait.as_secs(),
                "MessageSystemAttributeNames": ["All"],
            });
            let received = sqs(embedded, "ReceiveMessage", asked).await?;
            let some = received["Messages"].as_array().cloned().unwrap_or_default();
            let is_last = some.len() < RECEIVED_AT_ONCE;
            messages.extend(some);
            if is_last {
                break;
            }
            wait = Duration::ZERO;
        }
        Ok(messages)
    }

    /// A message as Lambda passes it on.
    fn record(&self, message: &Value) -> Value {
        json!({
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:local:000000000000:{}", self.queue),
            "awsRegion": "local",
        })
    }
}

fn failed_ids(response: &Value) -> Vec<Value> {
    let failures = response["batchItemFailures"].as_array().cloned().unwrap_or_default();
    failures.into_iter().map(|failure| failure["itemIdentifier"].clone()).collect()
}

/// One request to the embedded SQS.
///
/// # Errors
///
/// When SQS refuses; the error holds its answer.
pub async fn sqs(embedded: &Embedded, operation: &str, body: Value) -> Result<Value, Error> {
    asked(embedded, Request::new(format!("AmazonSQS.{operation}"), body.to_string())).await
}

/// How many messages of a queue are visible, by its name.
///
/// # Errors
///
/// When there is no such queue.
pub async fn visible_messages(embedded: &Embedded, queue: &str) -> Result<u64, Error> {
    let name = "ApproximateNumberOfMessages";
    let asked = json!({ "QueueUrl": format!("/{queue}"), "AttributeNames": [name] });
    let answer = sqs(embedded, "GetQueueAttributes", asked).await?;
    let number = answer["Attributes"][name].as_str().ok_or("the queue does not say its length")?;
    Ok(number.parse()?)
}

/// The answer of an embedded service to a request.
///
/// # Errors
///
/// When the service refuses; the error holds its answer.
pub async fn asked(embedded: &Embedded, request: Request) -> Result<Value, Error> {
    let operation = request.operation().to_owned();
    let answer = embedded.handle(request).await;
    if answer.status != 200 {
        return Err(format!("{operation}: {}", String::from_utf8_lossy(&answer.body)).into());
    }
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    Ok(serde_json::from_slice(&answer.body)?)
}
