//! A batch of SQS messages: each is handled for itself, and those that fail come again.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures::FutureExt;
use futures::future::join_all;
use serde_json::Value;
use steelyard_billing::Caller;

use crate::Error;

/// A message that a function works on.
#[derive(Clone, Debug)]
pub struct Message {
    /// The body as the sender wrote it.
    pub body: String,
    /// Its sender, as SQS reports it.
    pub sender: Caller,
}

/// Whether an event is a batch of SQS messages.
#[must_use]
pub fn is_batch(event: &Value) -> bool {
    event["Records"][0]["eventSource"] == "aws:sqs"
}

/// Handles the messages of a batch at once, and reports to SQS which of them failed. One that
/// panics fails alone.
///
/// A message that fails is logged here, once, with its id and the whole chain of the error.
///
/// # Errors
///
/// When the event is not a batch of SQS messages: then all of them come again.
pub async fn each_message<F, W>(event: Value, handle: F) -> Result<Value, Error>
where
    F: Fn(Message) -> W,
    W: Future<Output = Result<(), Error>>,
{
    let messages = messages(event)?;
    let handling = messages.into_iter().map(|(id, message)| handled(id, handle(message)));
    response(join_all(handling).await)
}

/// Handles the messages of a batch one after another, and otherwise as [`each_message`] does.
///
/// # Errors
///
/// When the event is not a batch of SQS messages: then all of them come again.
pub async fn each_message_in_turn<F, W>(event: Value, handle: F) -> Result<Value, Error>
where
    F: Fn(Message) -> W,
    W: Future<Output = Result<(), Error>>,
{
    let mut done = Vec::new();
    for (id, message) in messages(event)? {
        done.push(handled(id, handle(message)).await);
    }
    response(done)
}

/// The messages of a batch, with their ids.
fn messages(event: Value) -> Result<Vec<(String, Message)>, Error> {
    let event: SqsEvent = serde_json::from_value(event)?;
    let messages = event.records.into_iter().map(|record| {
        // Without its id a failure can't be told apart: the whole batch would have to come again.
        let id = record.message_id.filter(|id| !id.is_empty()).ok_or("a message has no id")?;
        let sender = Caller::from_identities(record.attributes.get("SenderId").map(String::as_str));
        Ok((id, Message { body: record.body.unwrap_or_default(), sender }))
    });
    messages.collect()
}

async fn handled(
    id: String,
    handling: impl Future<Output = Result<(), Error>>,
) -> (String, Result<(), Error>) {
    let done = AssertUnwindSafe(handling).catch_unwind().await;
    (id, done.unwrap_or_else(|_| Err("it panicked".into())))
}

fn response(handled: Vec<(String, Result<(), Error>)>) -> Result<Value, Error> {
    let mut response = SqsBatchResponse::default();
    for (id, done) in handled {
        if let Err(error) = done {
            tracing::error!(message.id = id, error, "message failed and will come again");
            response.add_failure(id);
        }
    }
    Ok(serde_json::to_value(response)?)
}
