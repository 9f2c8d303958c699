//! A batch of SQS messages: each is handled for itself, and those that fail come again.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures::FutureExt;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
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

/// Handles the messages of a batch in groups, all of them at once: `read` reads a message, and
/// `group` says with which others it is handled; none is handled alone. `handle` gives the outcome
/// of each message of a group, in their order. Otherwise as [`each_message`] does: where a group
/// panics, each of its messages is handled for itself.
///
/// # Errors
///
/// When the event is not a batch of SQS messages: then all of them come again.
pub async fn each_group<T, K: Ord, W>(
    event: Value,
    read: impl Fn(Message) -> T,
    group: impl Fn(&T) -> Option<K>,
    handle: impl Fn(Vec<Arc<T>>) -> W,
) -> Result<Value, Error>
where
    W: Future<Output = Vec<Result<(), Error>>>,
{
    let (mut groups, mut alone) = (BTreeMap::<K, Vec<(String, Arc<T>)>>::new(), Vec::new());
    for (id, message) in messages(event)? {
        let message = Arc::new(read(message));
        match group(&message) {
            Some(key) => groups.entry(key).or_default().push((id, message)),
            None => alone.push(vec![(id, message)]),
        }
    }
    let handling = groups.into_values().chain(alone).map(|group| handled_group(group, &handle));
    // Collected first: a future that borrows from an iterator would not be general enough.
    let handling = handling.collect::<Vec<_>>();
    let handled = stream::iter(handling).buffer_unordered(GROUPS_AT_ONCE).collect::<Vec<_>>().await;
    response(handled.into_iter().flatten().collect())
}

/// How many groups are handled at the same time: as many as the largest batch of single messages.
const GROUPS_AT_ONCE: usize = 10;

async fn handled_group<T, W>(
    group: Vec<(String, Arc<T>)>,
    handle: &impl Fn(Vec<Arc<T>>) -> W,
) -> Vec<(String, Result<(), Error>)>
where
    W: Future<Output = Vec<Result<(), Error>>>,
{
    let (ids, messages): (Vec<String>, Vec<Arc<T>>) = group.into_iter().unzip();
    if let Ok(done) = AssertUnwindSafe(handle(messages.clone())).catch_unwind().await {
        // One that has no outcome comes again.
        let missing = std::iter::repeat_with(|| Err("a message has no outcome".into()));
        return ids.into_iter().zip(done.into_iter().chain(missing)).collect();
    }
    let each = ids.into_iter().zip(messages).map(|(id, message)| {
        handled(id, async { handle(vec![message]).await.pop().ok_or("a message has no outcome")? })
    });
    join_all(each).await
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
