//! Actions: what people ask for on pages. Each is recorded before it is carried out, and is never
//! deleted. Pure: functions of the record, a decision and the time.

mod deed;
mod event;
mod text;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_pricing::{BillingMonth, Fen};
use thiserror::Error;

pub use deed::Deed;
pub use event::{ActionAnswer, ActionEvent, ActionProblem};

use crate::mandate::MandateLimits;
use crate::{ActionId, Approval, Person, Principal, ProviderId, Reason, SessionId};

/// The author of an action: an operator, or a visitor of a provider's pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Actor {
    /// A person of the platform.
    Operator {
        /// The person's name.
        operator: Person,
    },
    /// A visitor of a provider's pages.
    Provider {
        /// The provider whose pages are open, and for which alone it may ask.
        provider: ProviderId,
        /// The session in which the pages were opened.
        session: SessionId,
    },
    /// One of the platform's servers, for a provider.
    Caller {
        /// The identity that AWS checked.
        caller: Principal,
        /// The provider for which it acts.
        provider: ProviderId,
    },
}

/// An action as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRequest {
    /// The author of the request.
    pub by: Actor,
    /// Why. An operator's action needs one.
    pub reason: Option<Reason>,
    /// The change that is asked for.
    pub what: Deed,
}

/// An action, from when it is asked for on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its name, which follows from who asked and from the `Idempotency-Key`.
    pub id: ActionId,
    /// How often it was written. Each write is conditional on the version before.
    pub version: u64,
    /// The billing month in which it was asked for.
    pub asked_in: BillingMonth,
    /// When it was asked for, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub asked_at_s: Timestamp,
    /// The author of the action.
    pub asked_by: Actor,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The change that it makes.
    pub what: Deed,
    /// What a return of a deposit was to move when it was asked for, which is what a second person
    /// approves; none of other actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<DepositReturned>,
    /// The second person who approved it; none where none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approval>,
    /// The phase, which only a decision or the execution changes.
    #[serde(flatten)]
    pub phase: ActionPhase,
}

/// The phase of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ActionPhase {
    /// It is recorded, and nothing is done yet.
    Asked,
    /// It waits for the approval of a second person.
    Waiting,
    /// The execution succeeded, which happens once.
    Done {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        done_at_s: Timestamp,
        /// The effect, as it was at that time.
        result: ActionResult,
    },
    /// It is not allowed, or the state of the records does not allow it. Nothing changed.
    Refused {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        refused_at_s: Timestamp,
        /// Why, a text without a full stop.
        why: String,
    },
    /// A person decided against it. Nothing changed.
    Rejected {
        /// The operator who rejected it.
        rejected_by: Person,
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        rejected_at_s: Timestamp,
        /// Why, in that person's words.
        rejected_because: Reason,
    },
}

/// The effect of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ActionResult {
    /// The change that was asked for.
    Changed,
    /// Nothing: it was so before.
    AsBefore,
    /// The limits of a mandate.
    LimitsLowered {
        /// The limits before.
        was: MandateLimits,
    },
    /// The version of a provider's sessions: those of earlier ones have ended.
    SessionsRevoked {
        /// The version from now on.
        session_version: u32,
    },
    /// Money that was owed was paid from the deposit.
    DepositDrawn {
        /// The amount that was paid from the deposit, in fen.
        amount_fen: Fen,
    },
    /// The deposit is being returned.
    DepositReturned(DepositReturned),
}

/// What the return of a deposit moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositReturned {
    /// What of it pays what is owed.
    pub drawn_fen: Fen,
    /// The amount that is sent back through Alipay, in fen.
    pub returned_fen: Fen,
    /// What is left to be returned by a bank transfer.
    pub by_transfer_fen: Fen,
}

/// Why an action is refused when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAllowed {
    /// A provider asks for something else than it may.
    #[error(
        "a provider may end and lower its own mandates and set its alerts, and do nothing else"
    )]
    NotItsOwn,
    /// An operator gives no reason.
    #[error("an operator's action needs a reason")]
    NoReason,
}

/// A return of a deposit would move other amounts than were shown when it was asked for. Nothing
/// changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the amounts changed since it was asked for: {}, and now {now}; ask again under another name",
    shown.map_or_else(|| "none were shown".to_owned(), |shown| shown.to_string())
)]
pub struct ReturnChanged {
    /// The amounts that were shown, if any were.
    pub shown: Option<DepositReturned>,
    /// The amounts as they are now.
    pub now: DepositReturned,
}

/// Why an action is not recorded or decided about so. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ActionError {
    /// The key stands for another action.
    #[error("the Idempotency-Key was used before, for another action")]
    KeyUsed,
    /// There is no such action.
    #[error("there is no action {0}")]
    Unknown(ActionId),
    /// The person who asked approves.
    #[error("{by} asked for action {id}: another person must approve it")]
    OwnApproval {
        /// The action that was to be approved.
        id: ActionId,
        /// The person who asked for it, and wanted to approve it.
        by: Person,
    },
    /// Nobody has to decide about it.
    #[error("action {id} does not wait for a decision: it is {phase}")]
    NotWaiting {
        /// The action that is already decided, or needs no decision.
        id: ActionId,
        /// The phase that it has.
        phase: ActionPhase,
    },
}

impl Actor {
    /// Whether two are the same operator, visitors of the same provider's pages, or the same
    /// server for the same provider.
    #[must_use]
    pub fn is_same(&self, other: &Actor) -> bool {
        match (self, other) {
            (Actor::Operator { operator: one }, Actor::Operator { operator: other }) => {
                one.is_same(other)
            }
            (Actor::Provider { provider: one, .. }, Actor::Provider { provider: other, .. }) => {
                one == other
            }
            (Actor::Caller { .. }, Actor::Caller { .. }) => self == other,
            (Actor::Operator { .. } | Actor::Caller { .. }, Actor::Provider { .. })
            | (Actor::Provider { .. } | Actor::Caller { .. }, Actor::Operator { .. })
            | (Actor::Operator { .. } | Actor::Provider { .. }, Actor::Caller { .. }) => false,
        }
    }

    const fn is_operator(&self) -> bool {
        match self {
            Actor::Operator { .. } => true,
            Actor::Provider { .. } | Actor::Caller { .. } => false,
        }
    }
}

impl ActionId {
    /// The name of the action that a visitor asks for under an `Idempotency-Key`. Nobody reaches
    /// the action of another by a key.
    #[must_use]
    pub fn of(by: &Actor, key: &str) -> ActionId {
        // No name has a line feed at its end, so two texts are the same only if both parts are.
        let by = match by {
            Actor::Operator { operator } => {
                format!("operator {}", operator.as_str().to_lowercase())
            }
            Actor::Provider { provider, .. } => format!("provider {provider}"),
            Actor::Caller { caller, provider } => format!("caller {caller} for {provider}"),
        };
        ActionId::of_digest(&Sha256::digest(format!("{}\n{by}\n{key}", by.len())))
    }
}

impl ActionRequest {
    fn check(&self) -> Result<(), NotAllowed> {
        match &self.by {
            Actor::Provider { provider, .. } | Actor::Caller { provider, .. }
                if !self.what.is_allowed_to(provider) =>
            {
                Err(NotAllowed::NotItsOwn)
            }
            Actor::Operator { .. } if self.reason.is_none() => Err(NotAllowed::NoReason),
            Actor::Provider { .. } | Actor::Caller { .. } | Actor::Operator { .. } => Ok(()),
        }
    }
}

impl ActionPhase {
    /// When it ended; none as long as something is to be done or decided.
    #[must_use]
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            ActionPhase::Asked | ActionPhase::Waiting => None,
            ActionPhase::Done { done_at_s: at, .. }
            | ActionPhase::Refused { refused_at_s: at, .. }
            | ActionPhase::Rejected { rejected_at_s: at, .. } => Some(*at),
        }
    }
}

impl Action {
    /// The record of an action that is asked for: refused if it is not allowed, and waiting if it
    /// is an operator's and the platform wants a second person's approval, or it pays money out.
    #[must_use]
    pub fn new(
        id: ActionId,
        request: &ActionRequest,
        needs_approval: bool,
        asked_in: BillingMonth,
        now: Timestamp,
    ) -> Action {
        let phase = match request.check() {
            Err(why) => ActionPhase::Refused { refused_at_s: now, why: why.to_string() },
            Ok(()) if (needs_approval || request.what.pays_out()) && request.by.is_operator() => {
                ActionPhase::Waiting
            }
            Ok(()) => ActionPhase::Asked,
        };
        Action {
            id,
            version: 0,
            asked_in,
            asked_at_s: now,
            asked_by: request.by.clone(),
            reason: request.reason.clone(),
            what: request.what.clone(),
            returns: None,
            approved: None,
            phase,
        }
    }

    /// Whether it is recorded and still to be carried out.
    #[must_use]
    pub fn is_to_be_done(&self) -> bool {
        self.phase == ActionPhase::Asked
    }

    /// Whether it waits for the approval of a second person.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.phase == ActionPhase::Waiting
    }

    /// The operator who asked for it, and why.
    ///
    /// # Errors
    ///
    /// [`NotAllowed`] when it is not an operator's, or has no reason: no such action is to be done.
    pub fn operators(&self) -> Result<(&Person, &Reason), NotAllowed> {
        match &self.asked_by {
            Actor::Operator { operator } => {
                Ok((operator, self.reason.as_ref().ok_or(NotAllowed::NoReason)?))
            }
            Actor::Provider { .. } | Actor::Caller { .. } => Err(NotAllowed::NotItsOwn),
        }
    }

    /// Checks that a request under the same key asks for the same.
    ///
    /// # Errors
    ///
    /// [`ActionError::KeyUsed`] if it does not.
    pub fn check_repeated(&self, request: &ActionRequest) -> Result<(), ActionError> {
        let is_same = self.asked_by.is_same(&request.by)
            && self.what == request.what
            && self.reason == request.reason;
        if is_same { Ok(()) } else { Err(ActionError::KeyUsed) }
    }

    /// The action after a second person approved it: it is to be carried out. None if it was
    /// approved before.
    ///
    /// # Errors
    ///
    /// [`ActionError::OwnApproval`] when the person asked for it, [`ActionError::NotWaiting`] when
    /// it needs no approval.
    pub fn approved(&self, by: &Person, now: Timestamp) -> Result<Option<Action>, ActionError> {
        if self.approved.is_some() {
            return Ok(None);
        }
        self.check_waiting()?;
        if self.asked_by.is_same(&Actor::Operator { operator: by.clone() }) {
            return Err(ActionError::OwnApproval { id: self.id.clone(), by: by.clone() });
        }
        let approved = Some(Approval { by: by.clone(), at_s: now });
        Ok(Some(Action { approved, ..self.with(ActionPhase::Asked) }))
    }

    /// The action after a person decided against it; the one who asked may. None if it was rejected
    /// before.
    ///
    /// # Errors
    ///
    /// [`ActionError::NotWaiting`] when it waits for no decision.
    pub fn rejected(
        &self,
        by: &Person,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Option<Action>, ActionError> {
        if let ActionPhase::Rejected { .. } = self.phase {
            return Ok(None);
        }
        self.check_waiting()?;
        Ok(Some(self.with(ActionPhase::Rejected {
            rejected_by: by.clone(),
            rejected_at_s: now,
            rejected_because: reason.clone(),
        })))
    }

    /// The action with what the return of a deposit moves, as the books are when it is asked for.
    #[must_use]
    pub fn returning(&self, returns: DepositReturned) -> Action {
        Action { returns: Some(returns), ..self.clone() }
    }

    /// Checks that it moves the amounts that were shown when it was asked for.
    ///
    /// # Errors
    ///
    /// [`ReturnChanged`] when a return of a deposit would move others.
    pub fn check_as_shown(&self, result: &ActionResult) -> Result<(), ReturnChanged> {
        match result {
            ActionResult::DepositReturned(now) if self.returns.as_ref() != Some(now) => {
                Err(ReturnChanged { shown: self.returns, now: *now })
            }
            ActionResult::DepositReturned(_)
            | ActionResult::Changed
            | ActionResult::AsBefore
            | ActionResult::LimitsLowered { .. }
            | ActionResult::SessionsRevoked { .. }
            | ActionResult::DepositDrawn { .. } => Ok(()),
        }
    }

    /// The action after it was carried out.
    #[must_use]
    pub fn done(&self, result: ActionResult, now: Timestamp) -> Action {
        self.with(ActionPhase::Done { done_at_s: now, result })
    }

    /// The action after the records did not allow it.
    #[must_use]
    pub fn refused(&self, why: String, now: Timestamp) -> Action {
        self.with(ActionPhase::Refused { refused_at_s: now, why })
    }

    fn check_waiting(&self) -> Result<(), ActionError> {
        if self.is_waiting() {
            return Ok(());
        }
        Err(ActionError::NotWaiting { id: self.id.clone(), phase: self.phase.clone() })
    }

    fn with(&self, phase: ActionPhase) -> Action {
        Action { phase, ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
