//! Queues: what SQS keeps, and what happens to a message as time passes. Pure: the time is an
//! argument.
//!
//! What SQS may do only sometimes never happens here: messages come in the order in which they were
//! sent, once each, and an outdated receipt deletes nothing. What it always does happens to the
//! second: delay, visibility, retention, and the way to the dead-letter queue.

mod settings;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

pub(super) use settings::{DELAY_MAX_S, Settings, VISIBILITY_MAX_S, WAIT_MAX_S};

/// The longest message, and the longest batch: 1 MiB.
pub(super) const MESSAGE_MAX_BYTES: usize = 1_048_576;

/// What SQS refuses, in its own classes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueueError {
    #[error("there is no queue {0:?}")]
    QueueDoesNotExist(String),
    #[error("the queue {0:?} exists with other attributes")]
    QueueNameExists(String),
    #[error("{0:?} was never a receipt")]
    ReceiptHandleIsInvalid(String),
    #[error("the message of receipt {0:?} is not in flight")]
    MessageNotInflight(String),
    #[error("no attribute {0:?} is known here")]
    InvalidAttributeName(String),
    #[error("the attribute {name} cannot be {value:?}")]
    InvalidAttributeValue { name: String, value: String },
    #[error("{name} cannot be {value}")]
    InvalidParameterValue { name: &'static str, value: String },
    #[error("the batch is empty")]
    EmptyBatchRequest,
    #[error("the batch has {0} entries, and 10 is the most")]
    TooManyEntriesInBatchRequest(usize),
    #[error("two entries of the batch have the id {0:?}")]
    BatchEntryIdsNotDistinct(String),
    #[error("the batch has {0} bytes, and {MESSAGE_MAX_BYTES} is the most")]
    BatchRequestTooLong(usize),
}

/// A message to be sent.
#[derive(Debug, Default)]
pub(super) struct NewMessage {
    /// The body as the sender wrote it.
    pub(super) body: String,
    /// The attributes that the sender gives it, as they came.
    pub(super) attributes: Map<String, Value>,
    /// The access key id of the sender.
    pub(super) sender: String,
    /// After how many seconds it may be received; after the queue's own delay unless given.
    pub(super) delay_s: Option<u32>,
}

/// A message that a queue holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// The name it has from being sent to being deleted, in dead-letter queues too.
    pub(super) id: String,
    /// The body as the sender wrote it.
    pub(super) body: String,
    /// The attributes that the sender gave it, as they came.
    pub(super) attributes: Map<String, Value>,
    /// The access key id of the sender.
    pub(super) sender: String,
    /// The time at which it was sent.
    pub(super) sent_at: Timestamp,
    /// When it was received for the first time, if it was.
    pub(super) first_received_at: Option<Timestamp>,
    /// How often it was received.
    pub(super) receives: u32,
    visible_at: Timestamp,
}

impl Message {
    /// What deletes the message until it is received again.
    pub(super) fn receipt(&self) -> String {
        format!("{}/{}", self.id, self.receives)
    }

    fn is_visible(&self, now: Timestamp) -> bool {
        self.visible_at <= now
    }
}

/// How many messages a queue holds, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// May be received now.
    pub(super) visible: usize,
    /// Received, and neither deleted nor visible again.
    pub(super) in_flight: usize,
    /// Sent with a delay that is not over.
    pub(super) delayed: usize,
}

/// A queue with its messages and its rules of redelivery.
#[derive(Debug)]
pub(super) struct Queue {
    /// How it treats its messages.
    pub(super) settings: Settings,
    messages: Vec<Message>,
}

/// All queues, by name.
#[derive(Debug, Default)]
pub(super) struct Queues {
    by_name: BTreeMap<String, Queue>,
    sent: u64,
}

impl Queues {
    /// Makes the queue `name`; nothing happens if it exists with the same settings.
    pub(super) fn create(&mut self, name: String, settings: Settings) -> Result<(), QueueError> {
        self.check(&settings)?;
        match self.by_name.get(&name) {
            Some(queue) if queue.settings == settings => Ok(()),
            Some(_) => Err(QueueError::QueueNameExists(name)),
            None => {
                let messages = Vec::new();
                self.by_name.insert(name, Queue { settings, messages });
                Ok(())
            }
        }
    }

    /// Changes how the queue `name` treats its messages from now on.
    pub(super) fn change(&mut self, name: &str, settings: Settings) -> Result<(), QueueError> {
        self.check(&settings)?;
        self.queue_mut(name)?.settings = settings;
        Ok(())
    }

    /// Removes the queue `name` with all that it holds.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), QueueError> {
        let removed = self.by_name.remove(name);
        removed.map(|_| ()).ok_or_else(|| absent(name))
    }

    /// The names of all queues, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The queue `name`.
    pub(super) fn queue(&self, name: &str) -> Result<&Queue, QueueError> {
        self.by_name.get(name).ok_or_else(|| absent(name))
    }

    /// The queue `name`, to be changed.
    pub(super) fn queue_mut(&mut self, name: &str) -> Result<&mut Queue, QueueError> {
        self.by_name.get_mut(name).ok_or_else(|| absent(name))
    }

    /// Sends a message. Returns its id.
    pub(super) fn send(
        &mut self,
        name: &str,
        message: NewMessage,
        now: Timestamp,
    ) -> Result<String, QueueError> {
        let NewMessage { body, attributes, sender, delay_s } = message;
        let id = format!("00000000-0000-4000-8000-{:012x}", self.sent + 1);
        let queue = self.queue_mut(name)?;
        let delay_s = delay_s.unwrap_or(queue.settings.delay_s);
        queue.messages.push(Message {
            id: id.clone(),
            body,
            attributes,
            sender,
            sent_at: now,
            first_received_at: None,
            receives: 0,
            visible_at: now + seconds(delay_s),
        });
        self.sent += 1;
        Ok(id)
    }

    /// Receives up to `max` messages, hidden from others for `visibility_s`, or for the queue's own
    /// time-out.
    ///
    /// A message that was received as often as its queue allows goes to the dead-letter queue
    /// instead.
    pub(super) fn receive(
        &mut self,
        name: &str,
        max: usize,
        visibility_s: Option<u32>,
        now: Timestamp,
    ) -> Result<Vec<Message>, QueueError> {
        self.queue_mut(name)?.expire(now);
        self.bury(name, now)?;
        Ok(self.queue_mut(name)?.take(max, visibility_s, now))
    }

    /// Moves what was received too often to the dead-letter queue. Where that queue is no more,
    /// nothing moves.
    fn bury(&mut self, name: &str, now: Timestamp) -> Result<(), QueueError> {
        match self.queue(name)?.settings.redrive.clone() {
            Some(redrive) if self.by_name.contains_key(&redrive.dead_letters) => {
                let spent = self.queue_mut(name)?.spent(redrive.receives_max, now);
                let dead_letters = self.queue_mut(&redrive.dead_letters)?;
                dead_letters.messages.extend(spent);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Refuses a dead-letter queue that does not exist.
    fn check(&self, settings: &Settings) -> Result<(), QueueError> {
        match &settings.redrive {
            Some(redrive) if !self.by_name.contains_key(&redrive.dead_letters) => {
                Err(QueueError::InvalidAttributeValue {
                    name: "RedrivePolicy".to_owned(),
                    value: redrive.dead_letters.clone(),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Queue {
    /// Deletes the message of `receipt`. A receipt from before the message's last receipt deletes
    /// nothing, and is no error.
    pub(super) fn delete(&mut self, receipt: &str) -> Result<(), QueueError> {
        check_receipt(receipt)?;
        self.messages.retain(|message| message.receipt() != receipt);
        Ok(())
    }

    /// Hides the message of `receipt` until `visibility_s` from now; zero shows it at once.
    pub(super) fn hide(
        &mut self,
        receipt: &str,
        visibility_s: u32,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        check_receipt(receipt)?;
        let message = self
            .messages
            .iter_mut()
            .find(|message| message.receipt() == receipt && !message.is_visible(now))
            .ok_or_else(|| QueueError::MessageNotInflight(receipt.to_owned()))?;
        message.visible_at = now + seconds(visibility_s);
        Ok(())
    }

    /// Deletes all messages.
    pub(super) fn purge(&mut self) {
        self.messages.clear();
    }

    /// How many messages there are.
    pub(super) fn counts(&self, now: Timestamp) -> Counts {
        let mut counts = Counts::default();
        for message in &self.messages {
            match (message.is_visible(now), message.receives) {
                (true, _) => counts.visible += 1,
                (false, 0) => counts.delayed += 1,
                (false, _) => counts.in_flight += 1,
            }
        }
        counts
    }

    /// Drops what is older than the queue keeps.
    fn expire(&mut self, now: Timestamp) {
        let retention = seconds(self.settings.retention_s);
        self.messages.retain(|message| now < message.sent_at + retention);
    }

    /// Takes out what would now be received once more than `receives_max` times.
    fn spent(&mut self, receives_max: u32, now: Timestamp) -> Vec<Message> {
        self.messages
            .extract_if(.., |message| message.is_visible(now) && message.receives >= receives_max)
            .collect()
    }

    fn take(&mut self, max: usize, visibility_s: Option<u32>, now: Timestamp) -> Vec<Message> {
        let visibility_s = visibility_s.unwrap_or(self.settings.visibility_s);
        self.messages
            .iter_mut()
            .filter(|message| message.is_visible(now))
            .take(max)
            .map(|message| {
                message.receives += 1;
                message.first_received_at.get_or_insert(now);
                message.visible_at = now + seconds(visibility_s);
                message.clone()
            })
            .collect()
    }
}

fn absent(name: &str) -> QueueError {
    QueueError::QueueDoesNotExist(name.to_owned())
}

fn check_receipt(receipt: &str) -> Result<(), QueueError> {
    match receipt.split_once('/') {
        Some((_, receives)) if receives.parse::<u32>().is_ok() => Ok(()),
        _ => Err(QueueError::ReceiptHandleIsInvalid(receipt.to_owned())),
    }
}

fn seconds(count: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(count))
}

#[cfg(test)]
mod tests;
