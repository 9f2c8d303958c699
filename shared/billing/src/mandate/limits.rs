//! What may be debited under a mandate, and how that is lowered.

use std::fmt;

use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

use super::{Mandate, MandateConflict, MandateError, MandatePhase};
use crate::DEBIT_MAX;

/// What may be debited under a mandate, as the platform wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandateLimits {
    /// The most that one debit may take: 0.01 to [`DEBIT_MAX`] yuan.
    pub single_fen: Fen,
    /// The most that one day's debits may take, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_fen: Option<Fen>,
}

/// Why one limit cannot be lowered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LimitError {
    /// It would allow no debit. To be debited no more, the provider ends the mandate.
    #[error("a limit of {0} yuan allows no debit; end the mandate instead")]
    Nothing(Fen),
    /// It is above the limit in force.
    #[error("a limit of {wanted} yuan is above the one in force, {most} yuan")]
    Above {
        /// The limit that was asked for, in fen.
        wanted: Fen,
        /// The limit in force, in fen.
        most: Fen,
    },
    /// The limit in force would be taken away.
    #[error("the limit of {most} yuan cannot be taken away")]
    TakenAway {
        /// The limit in force, in fen.
        most: Fen,
    },
}

/// Why the limits of a mandate are not lowered so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LimitsError {
    /// The mandate is not in force.
    #[error(transparent)]
    Conflict(#[from] MandateConflict),
    /// The most that one debit may take.
    #[error("the limit of a debit cannot be lowered so")]
    Single(#[source] LimitError),
    /// The most that a day's debits may take.
    #[error("the limit of a day cannot be lowered so")]
    Daily(#[source] LimitError),
}

impl MandateLimits {
    pub(super) fn check(&self) -> Result<(), MandateError> {
        if !self.single_fen.is_positive() || self.single_fen > DEBIT_MAX {
            return Err(MandateError::SingleLimit(self.single_fen));
        }
        match self.daily_fen.filter(|daily| !daily.is_positive()) {
            Some(daily) => Err(MandateError::DailyLimit(daily)),
            None => Ok(()),
        }
    }

    /// Another limit of one debit: at most what this one is.
    ///
    /// # Errors
    ///
    /// [`LimitError`] naming the limit.
    pub fn lower_single(&self, wanted: Fen) -> Result<Fen, LimitError> {
        lower(wanted, Some(self.single_fen))
    }

    /// Another limit of a day: at most what this one is, if there is one.
    ///
    /// # Errors
    ///
    /// [`LimitError`] naming the limit.
    pub fn lower_daily(&self, wanted: Option<Fen>) -> Result<Option<Fen>, LimitError> {
        match (wanted, self.daily_fen) {
            (Some(wanted), most) => lower(wanted, most).map(Some),
            (None, Some(most)) => Err(LimitError::TakenAway { most }),
            (None, None) => Ok(None),
        }
    }
}

fn lower(wanted: Fen, most: Option<Fen>) -> Result<Fen, LimitError> {
    match most.filter(|most| wanted > *most) {
        Some(most) => Err(LimitError::Above { wanted, most }),
        None if wanted.is_positive() => Ok(wanted),
        None => Err(LimitError::Nothing(wanted)),
    }
}

impl Mandate {
    /// The limits of it, as the platform wants them. Alipay's own limit may be lower.
    #[must_use]
    pub fn limits(&self) -> MandateLimits {
        MandateLimits { single_fen: self.single_limit_fen, daily_fen: self.daily_limit_fen }
    }

    /// The mandate with lower limits, for debits that are not sent yet. Under the same limits it
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// [`LimitsError`] unless it is active or suspended, and when a limit would be higher than
    /// before.
    pub fn with_lower_limits(&self, limits: MandateLimits) -> Result<Mandate, LimitsError> {
        match self.phase {
            MandatePhase::Active | MandatePhase::Suspended { .. } => {}
            MandatePhase::Offered
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => return Err(self.not_waiting().into()),
        }
        let was = self.limits();
        was.lower_single(limits.single_fen).map_err(LimitsError::Single)?;
        was.lower_daily(limits.daily_fen).map_err(LimitsError::Daily)?;
        if limits == was {
            return Ok(self.clone());
        }
        Ok(Mandate {
            single_limit_fen: limits.single_fen,
            daily_limit_fen: limits.daily_fen,
            lowered: self.lowered.saturating_add(1),
            ..self.clone()
        })
    }
}

impl fmt::Display for MandateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up to ¥{} a debit", self.single_fen)?;
        self.daily_fen.map_or(Ok(()), |daily| write!(f, " and ¥{daily} a day"))
    }
}
