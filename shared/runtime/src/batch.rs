//! A batch of SQS messages: each is handled for itself, and those that fail come again.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures::FutureExt;
use futures::future::join_all;
use serde_json::Value;

use crate::Error;

/// Whether an event is a batch of SQS messages.
#[must_use]
pub fn is_batch(event: &Value) -> bool {
    event["Records"][0]["eventSource"] == "aws:sqs"
}

/// Handles the messages of a batch at once, and tells SQS which of them failed. One that panics
/// fails alone.
///
/// A message that fails is logged here, once, with its id and the whole chain of the error.
///
/// # Errors
///
/// When the event is not a batch of SQS messages: then all of them come again.
pub async fn each_message<F, W>(event: Value, handle: F) -> Result<Value, Error>
where
    F: Fn(String) -> W,
    W: Future<Output = Result<(), Error>>,
{
    let event: SqsEvent = serde_json::from_value(event)?;
    let mut response = SqsBatchResponse::default();
    let mut handled = Vec::new();
    for record in event.records {
        // Without its id a failure can't be told apart: the whole batch would have to come again.
        let id = record.message_id.filter(|id| !id.is_empty()).ok_or("a message has no id")?;
        let done = AssertUnwindSafe(handle(record.body.unwrap_or_default())).catch_unwind();
        handled.push(async move { (id, done.await.unwrap_or_else(|_| Err("it panicked".into()))) });
    }
    for (id, done) in join_all(handled).await {
        if let Err(error) = done {
            tracing::error!(message.id = id, error, "message failed and will come again");
            response.add_failure(id);
        }
    }
    Ok(serde_json::to_value(response)?)
}
