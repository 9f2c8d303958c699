//! Logs that stand as objects in a store such as S3, and what was read of them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_pricing::Name;
use thiserror::Error;

use crate::SourceId;
use crate::id::hex;

/// The name of an object in S3: its bucket and its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectName {
    /// The bucket, of 3 to 63 characters.
    pub bucket: String,
    /// The key, of 1 to 1,024 bytes.
    pub key: String,
}

/// The text is not the name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not such as s3://BUCKET/KEY")]
pub struct ObjectNameError;

/// One reading of a log that stands as an object, from a line on: to its end, or until the time of
/// the function was up and another reading went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogReading {
    /// The name of the object: bucket and key.
    pub object: ObjectName,
    /// The mark that distinguishes its content from that of other objects of this name, as S3 says
    /// it.
    pub etag: String,
    /// How many bytes it has, packed as it is.
    pub bytes: u64,
    /// When S3 got it, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub stored_at_s: Timestamp,
    /// By which rule it is read; none if no rule names its bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Name>,
    /// In whose name it is counted; none without a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// The first segment of this reading, from 0.
    pub from_segment: u32,
    /// The first segment that is not counted yet.
    pub next_segment: u32,
    /// The state of the reading, after the segments that are counted.
    pub state: ReadingState,
    /// Which pass over the object it belongs to, from 1: a person may have it read again.
    pub pass: u32,
    /// When it was noted last, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub noted_at_s: Timestamp,
    /// The counts of its lines, by outcome.
    pub outcome: LogOutcome,
}

/// What became of the lines of a log.
///
/// `lines` is the sum of `blank`, `odd`, `not_billable`, `unmapped`, `billable` and `bad`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOutcome {
    /// The lines that were read.
    pub lines: u64,
    /// Those that say nothing.
    pub blank: u64,
    /// Those that are no calls of an API.
    pub odd: u64,
    /// Those that are calls which their method or their status makes free.
    pub not_billable: u64,
    /// Those whose caller is no provider.
    pub unmapped: u64,
    /// Those that are calls to bill.
    pub billable: u64,
    /// Those that can't be counted.
    pub bad: u64,
    /// The calls that this reading counted.
    pub counted: u64,
    /// The calls that were counted before.
    pub duplicate: u64,
    /// The calls that were counted before and then withdrawn.
    pub withdrawn: u64,
    /// The calls that conflict with what was counted under the same names.
    pub conflict: u64,
    /// The calls that were refused.
    pub refused: u64,
    /// Why lines and calls are not counted; the first [`LogOutcome::REASONS_MAX`].
    pub reasons: Vec<NotCounted>,
    /// The callers with the most calls that are no providers; the first
    /// [`LogOutcome::CALLERS_MAX`].
    pub callers: Vec<UnknownCaller>,
}

/// Lines or calls that are not counted for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCounted {
    /// The reason, as a text for people.
    pub reason: String,
    /// How many lines or calls.
    pub count: u64,
    /// The first of the lines, from 1.
    pub line: u64,
}

/// A caller that is no provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCaller {
    /// The caller, as the log names it.
    pub caller: String,
    /// The number of calls that it made.
    pub calls: u64,
}

/// A message on the queue of the function that reads logs, besides the events of S3: that an object
/// is to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogsMessage {
    /// The name of the object: bucket and key.
    pub read: ObjectName,
    /// Whether it is read from its beginning, though it was read before.
    #[serde(default)]
    pub again: bool,
}

/// How far the reading of an object came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ReadingState {
    /// It goes on, in this invocation or in another.
    Reading,
    /// Its last line is counted.
    Done,
    /// Nothing is read: no rule names its bucket.
    NoRule,
    /// It could not be read on. Its message comes again, and goes on behind what is counted.
    Failed {
        /// The error, with its causes.
        why: String,
    },
}

impl ObjectName {
    /// An object by its bucket and its key.
    #[must_use]
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> ObjectName {
        ObjectName { bucket: bucket.into(), key: key.into() }
    }

    /// What stands for it in ids and keys, which have no room for the key: 32 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let ObjectName { bucket, key } = self;
        // No bucket's name has a line break.
        let digest = Sha256::digest(format!("{bucket}\n{key}"));
        hex(&digest, 16)
    }

    /// Reads a text such as `s3://bucket/key`.
    ///
    /// # Errors
    ///
    /// [`ObjectNameError`] for any other text.
    pub fn parse(text: &str) -> Result<ObjectName, ObjectNameError> {
        let (bucket, key) = text
            .strip_prefix("s3://")
            .and_then(|name| name.split_once('/'))
            .ok_or(ObjectNameError)?;
        if bucket.is_empty() || key.is_empty() {
            return Err(ObjectNameError);
        }
        Ok(ObjectName::new(bucket, key))
    }
}

/// `s3://bucket/key`.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl LogsMessage {
    /// That an object is to be read, as far as it is not.
    #[must_use]
    pub fn read(object: ObjectName) -> LogsMessage {
        LogsMessage { read: object, again: false }
    }
}

impl LogOutcome {
    /// The most reasons that are noted.
    pub const REASONS_MAX: usize = 20;
    /// The most callers that are noted.
    pub const CALLERS_MAX: usize = 10;
    /// The most characters of a reason, and of a caller.
    pub const TEXT_MAX: usize = 200;

    /// The calls that the log had to have counted and that are counted: now, or before.
    #[must_use]
    pub fn stands(&self) -> u64 {
        self.counted.saturating_add(self.duplicate)
    }

    /// The lines and calls that are not counted and may have to be.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let missing = [self.unmapped, self.bad, self.conflict, self.refused];
        missing.into_iter().fold(0, u64::saturating_add)
    }

    /// Adds the outcome of further lines of the same log.
    pub fn add(&mut self, other: LogOutcome) {
        for (sum, more) in [
            (&mut self.lines, other.lines),
            (&mut self.blank, other.blank),
            (&mut self.odd, other.odd),
            (&mut self.not_billable, other.not_billable),
            (&mut self.unmapped, other.unmapped),
            (&mut self.billable, other.billable),
            (&mut self.bad, other.bad),
            (&mut self.counted, other.counted),
            (&mut self.duplicate, other.duplicate),
            (&mut self.withdrawn, other.withdrawn),
            (&mut self.conflict, other.conflict),
            (&mut self.refused, other.refused),
        ] {
            *sum = sum.saturating_add(more);
        }
        for more in other.reasons {
            let has_room = self.reasons.len() < LogOutcome::REASONS_MAX;
            match self.reasons.iter_mut().find(|known| known.reason == more.reason) {
                Some(known) => known.count = known.count.saturating_add(more.count),
                None if has_room => self.reasons.push(more),
                None => {}
            }
        }
        for more in other.callers {
            let has_room = self.callers.len() < LogOutcome::CALLERS_MAX;
            match self.callers.iter_mut().find(|known| known.caller == more.caller) {
                Some(known) => known.calls = known.calls.saturating_add(more.calls),
                None if has_room => self.callers.push(more),
                None => {}
            }
        }
    }
}

impl LogReading {
    /// In place of a first segment, of an object that was not begun: it could not be opened, or no
    /// rule is known for it. Such a note stands beside those of readings, and replaces none.
    pub const NOT_BEGUN: u32 = u32::MAX;

    /// Whether a person has to do something, so that what the object says counts.
    #[must_use]
    pub fn needs_somebody(&self) -> bool {
        matches!(self.state, ReadingState::NoRule | ReadingState::Failed { .. })
    }
}
