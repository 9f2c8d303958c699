//! A person resolves a debit that does not proceed by itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::history::Intervention;
use super::{Debit, GiveUpReason, Phase};
use crate::{DebitId, Reason};

/// How a person resolves a debit. None of them says that it is paid: only the gateway can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The gateway is queried. A debit that was held, and is not paid, is held again.
    Ask,
    /// The gateway is queried, and the debit is sent again if it is proved unpaid: under its own
    /// number, or under a new one if its own is closed.
    Retry,
    /// The debit is closed at the gateway, and given up once it is proved unpaid. What is owed is
    /// requested again by a later debit.
    GiveUp,
}

/// A debit that a person cannot resolve in this way: it proceeds by itself, or it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("debit {0} is neither held nor in doubt")]
pub struct NothingToResolve(pub DebitId);

impl Debit {
    /// The debit after a person resolved it. Whatever the resolution, the gateway's answer to a
    /// query decides.
    ///
    /// # Errors
    ///
    /// [`NothingToResolve`] unless it is held or in doubt; one that waits to be sent again may be
    /// given up.
    pub fn resolved(
        &self,
        resolution: Resolution,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Debit, NothingToResolve> {
        let (why, found) = match &self.phase {
            Phase::Held { why, found } | Phase::Rechecking { why, found } => {
                (why.clone(), Some(found))
            }
            Phase::InDoubt { why } => (why.clone(), None),
            Phase::Due if resolution == Resolution::GiveUp && self.terms.is_some() => {
                ("it waits to be sent again".to_owned(), None)
            }
            Phase::Due
            | Phase::Sending
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Paid { .. }
            | Phase::GivenUp { .. }
            | Phase::Withdrawn => return Err(NothingToResolve(self.debit)),
        };
        let phase = match (resolution, found) {
            (Resolution::Ask, Some(found)) => {
                Phase::Rechecking { why: why.clone(), found: found.clone() }
            }
            (Resolution::Ask, None) | (Resolution::Retry, _) => Phase::InDoubt { why: why.clone() },
            (Resolution::GiveUp, _) => Phase::Checking { why: GiveUpReason::ByOperator },
        };
        let intervention = Intervention { at_s: now, resolution, reason, was: why };
        Ok(Debit {
            history: self.history.clone().intervened(intervention),
            ..self.progressed(phase, now)
        })
    }
}
