//! The history of a debit, for a person who looks at it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Debit, Resolution};
use crate::Reason;

/// The requests and answers, and the decisions of people. Only the last entries are kept; no
/// decision depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The last questions to the gateway and its answers, in order, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// The last interventions, in order, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
}

/// One question to the gateway, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// When it was answered, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The number of the attempt, from 1.
    pub attempt: u16,
    /// The kind of request that was made.
    pub asked: Asked,
    /// The answer, without secrets.
    pub answer: String,
}

/// A question to the gateway about a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// The request to take the money.
    Pay,
    /// The query for the result of an attempt.
    Query,
    /// The request to close an attempt.
    Close,
}

/// One intervention of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// How the person resolved the debit.
    pub resolution: Resolution,
    /// Why, in the person's words.
    pub reason: Reason,
    /// Why the debit had to be resolved.
    pub was: String,
}

/// How many entries of each kind are kept.
const ENTRIES_MAX: usize = 50;

impl History {
    pub(super) fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.interventions.is_empty()
    }

    pub(super) fn intervened(mut self, intervention: Intervention) -> History {
        push(&mut self.interventions, intervention);
        self
    }
}

impl Debit {
    /// The debit with one more exchange about its last attempt.
    pub(super) fn exchanged(mut self, asked: Asked, answer: String, at_s: Timestamp) -> Debit {
        let attempt = self.attempt_count();
        push(&mut self.history.exchanges, Exchange { at_s, attempt, asked, answer });
        self
    }
}

fn push<T>(entries: &mut Vec<T>, entry: T) {
    entries.push(entry);
    let forgotten = entries.len().saturating_sub(ENTRIES_MAX);
    entries.drain(..forgotten);
}
