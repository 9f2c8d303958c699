//! What the gateway was asked of a debit, and what it answered: for a person who looks at it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Debit;

/// One question to the gateway, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// When it was answered, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The attempt that it was about.
    pub attempt: u16,
    /// What was asked.
    pub asked: Asked,
    /// What was answered, without secrets.
    pub answer: String,
}

/// What the gateway is asked of a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// To take the money.
    Pay,
    /// What became of it.
    Query,
    /// To close it.
    Close,
}

/// How many exchanges a debit remembers: the last ones.
const EXCHANGES_MAX: usize = 50;

impl Debit {
    /// The debit with one exchange more.
    pub(super) fn exchanged(
        mut self,
        attempt: u16,
        asked: Asked,
        answer: String,
        at_s: Timestamp,
    ) -> Debit {
        self.exchanges.push(Exchange { at_s, attempt, asked, answer });
        let forgotten = self.exchanges.len().saturating_sub(EXCHANGES_MAX);
        self.exchanges.drain(..forgotten);
        self
    }
}
