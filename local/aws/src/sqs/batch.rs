//! Batches: each entry succeeds or fails alone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::queues::{MESSAGE_MAX_BYTES, QueueError, Queues, VISIBILITY_MAX_S};
use super::{Outgoing, QueueUrl, Refusal, check, names};

/// The most entries that a batch may have.
const ENTRIES_MAX: usize = 10;

/// A batch of entries, each with the caller's id for it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<T> {
    queue_url: QueueUrl,
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<T> {
    id: String,
    #[serde(flatten)]
    content: T,
}

/// The content of an entry of `DeleteMessageBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Deletion {
    receipt_handle: String,
}

/// The content of an entry of `ChangeMessageVisibilityBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Hiding {
    receipt_handle: String,
    visibility_timeout: u32,
}

/// Sends each entry.
pub(super) fn send(
    queues: &mut Queues,
    now: Timestamp,
    sender: &str,
    batch: Batch<Outgoing>,
) -> Result<Value, Refusal> {
    let bodies = batch.entries.iter().map(|entry| &entry.content.message_body);
    let length = bodies.map(String::len).sum();
    if length > MESSAGE_MAX_BYTES {
        return Err(QueueError::BatchRequestTooLong(length).into());
    }
    each(queues, batch, |queues, queue, message| {
        let id = super::send(queues, queue, message, sender, now)?;
        Ok(json!({ "MessageId": id }))
    })
}

/// Deletes each entry's message.
pub(super) fn delete(queues: &mut Queues, batch: Batch<Deletion>) -> Result<Value, Refusal> {
    each(queues, batch, |queues, queue, deletion| {
        queues.queue_mut(queue)?.delete(&deletion.receipt_handle)?;
        Ok(json!({}))
    })
}

/// Hides each entry's message.
pub(super) fn change_visibility(
    queues: &mut Queues,
    now: Timestamp,
    batch: Batch<Hiding>,
) -> Result<Value, Refusal> {
    each(queues, batch, |queues, queue, hiding| {
        let visibility_s = hiding.visibility_timeout;
        check("VisibilityTimeout", visibility_s, 0, VISIBILITY_MAX_S)?;
        let queue = queues.queue_mut(queue)?;
        queue.hide(&hiding.receipt_handle, visibility_s, now)?;
        Ok(json!({}))
    })
}

/// Does `act` for each entry of a batch that is in order as a whole.
fn each<T>(
    queues: &mut Queues,
    batch: Batch<T>,
    mut act: impl FnMut(&mut Queues, &str, T) -> Result<Value, QueueError>,
) -> Result<Value, Refusal> {
    let queue = batch.queue_url.name();
    queues.queue(queue)?;
    check_entries(&batch.entries)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in batch.entries {
        match act(queues, queue, entry.content) {
            Ok(mut answer) => {
                answer["Id"] = entry.id.into();
                successful.push(answer);
            }
            Err(error) => failed.push(failure(&entry.id, &error)),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn check_entries<T>(entries: &[Entry<T>]) -> Result<(), QueueError> {
    match entries.len() {
        0 => return Err(QueueError::EmptyBatchRequest),
        1..=ENTRIES_MAX => {}
        count => return Err(QueueError::TooManyEntriesInBatchRequest(count)),
    }
    let mut ids = BTreeSet::new();
    match entries.iter().find(|entry| !ids.insert(&entry.id)) {
        Some(entry) => Err(QueueError::BatchEntryIdsNotDistinct(entry.id.clone())),
        None => Ok(()),
    }
}

fn failure(id: &str, error: &QueueError) -> Value {
    let (_, code) = names(error);
    json!({ "Id": id, "Code": code, "Message": error.to_string(), "SenderFault": true })
}
