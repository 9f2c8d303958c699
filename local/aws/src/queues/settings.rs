//! How a queue treats its messages: the queue attributes that SQS lets one set.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::QueueError;

/// The largest visibility time-out: 12 hours.
pub(crate) const VISIBILITY_MAX_S: u32 = 43_200;

/// The largest delay of a message: 15 minutes.
pub(crate) const DELAY_MAX_S: u32 = 900;

/// The longest time that a receive waits for a message.
pub(crate) const WAIT_MAX_S: u32 = 20;

/// The queue attributes that can be set, with SQS's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// How long a received message stays hidden.
    pub(crate) visibility_s: u32,
    /// How long a sent message stays hidden.
    pub(crate) delay_s: u32,
    /// How long a receive waits for a message.
    pub(crate) wait_s: u32,
    /// How long a message is kept.
    pub(crate) retention_s: u32,
    /// Where messages go that were received too often.
    pub(crate) redrive: Option<Redrive>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { visibility_s: 30, delay_s: 0, wait_s: 0, retention_s: 345_600, redrive: None }
    }
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    /// The dead-letter queue's name.
    pub(crate) dead_letters: String,
    /// How often a message is received before it goes there.
    pub(crate) receives_max: u32,
}

impl Settings {
    /// These settings with `attributes` in place of their own. An attribute that is not kept here
    /// is refused, not dropped.
    pub(crate) fn with(
        mut self,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Self, QueueError> {
        for (name, value) in attributes {
            self.set(name, value)?;
        }
        Ok(self)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), QueueError> {
        let up_to = |max| seconds(name, value, 0, max);
        match name {
            "VisibilityTimeout" => self.visibility_s = up_to(VISIBILITY_MAX_S)?,
            "DelaySeconds" => self.delay_s = up_to(DELAY_MAX_S)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_s = up_to(WAIT_MAX_S)?,
            "MessageRetentionPeriod" => self.retention_s = seconds(name, value, 60, 1_209_600)?,
            "RedrivePolicy" => self.redrive = Redrive::parse(value)?,
            _ => return Err(QueueError::InvalidAttributeName(name.to_owned())),
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: Value,
}

impl Redrive {
    /// Reads a redrive policy; an empty text means none. The count may be a number or a text.
    fn parse(text: &str) -> Result<Option<Self>, QueueError> {
        if text.is_empty() {
            return Ok(None);
        }
        let refused = || refused("RedrivePolicy", text);
        let policy: RedrivePolicy = serde_json::from_str(text).map_err(|_| refused())?;
        let (_, dead_letters) =
            policy.dead_letter_target_arn.rsplit_once(':').ok_or_else(refused)?;
        let count = policy.max_receive_count.to_string();
        let receives_max = count.trim_matches('"').parse().map_err(|_| refused())?;
        Ok(Some(Self { dead_letters: dead_letters.to_owned(), receives_max }))
    }

    /// The policy as its JSON text, with `arn` as the dead-letter queue's.
    pub(crate) fn policy(&self, arn: &str) -> String {
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": self.receives_max }).to_string()
    }
}

fn seconds(name: &str, value: &str, min: u32, max: u32) -> Result<u32, QueueError> {
    value
        .parse()
        .ok()
        .filter(|seconds| (min..=max).contains(seconds))
        .ok_or_else(|| refused(name, value))
}

fn refused(name: &str, value: &str) -> QueueError {
    QueueError::InvalidAttributeValue { name: name.to_owned(), value: value.to_owned() }
}
