//! What a person does to a debit that does not go on by itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Debit, DebitId, Phase};

/// How a person lets a debit go on. Neither says that it is paid: only the gateway can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The gateway is asked what became of it. One that was held, and is not paid, is held again.
    Ask,
    /// The gateway is asked, and it is sent again if it is proved unpaid: under its own number, or
    /// under a new one if its own is closed.
    Retry,
}

/// One intervention of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// What was done.
    pub resolution: Resolution,
    /// Why, in the person's words.
    pub reason: String,
    /// Why the debit had to be resolved.
    pub was: String,
}

/// The most characters of a reason.
pub const REASON_MAX: usize = 500;

/// How many interventions a debit remembers: the last ones.
const INTERVENTIONS_MAX: usize = 50;

/// Why a debit cannot be resolved by a person.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InterventionError {
    /// It goes on by itself, or it has ended.
    #[error("debit {0} is neither held nor in doubt")]
    NothingToResolve(DebitId),
    /// The reason is missing, or too long.
    #[error("a reason has 1 to {REASON_MAX} characters")]
    Reason,
}

impl Debit {
    /// The debit after a person let it go on. What becomes of it is told by the gateway's answer to
    /// a query, whatever the resolution.
    ///
    /// # Errors
    ///
    /// [`InterventionError`] unless it is held or in doubt, and a reason is given.
    pub fn resolved(
        &self,
        resolution: Resolution,
        reason: &str,
        now: Timestamp,
    ) -> Result<Debit, InterventionError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_MAX {
            return Err(InterventionError::Reason);
        }
        let (phase, was) = match (&self.phase, resolution) {
            (Phase::Held { why, found, .. }, Resolution::Ask) => {
                (Phase::Held { why: why.clone(), ask: true, found: found.clone() }, why)
            }
            (Phase::Held { why, .. }, Resolution::Retry)
            | (Phase::InDoubt { why }, Resolution::Ask | Resolution::Retry) => {
                (Phase::InDoubt { why: why.clone() }, why)
            }
            (
                Phase::Due
                | Phase::Sending
                | Phase::Exhausting { .. }
                | Phase::Closing { .. }
                | Phase::Paid { .. }
                | Phase::Exhausted { .. },
                Resolution::Ask | Resolution::Retry,
            ) => return Err(InterventionError::NothingToResolve(self.debit)),
        };
        let new =
            Intervention { at_s: now, resolution, reason: reason.to_owned(), was: was.clone() };
        let mut interventions = self.interventions.clone();
        interventions.push(new);
        let forgotten = interventions.len().saturating_sub(INTERVENTIONS_MAX);
        interventions.drain(..forgotten);
        Ok(Debit { doubts: 0, interventions, ..self.with(phase, now) })
    }
}
