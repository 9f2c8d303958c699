//! Actions: what people ask for on pages. Each is recorded before it is carried out, and is never
//! deleted. Pure: functions of the record, a decision and the time.

mod event;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_pricing::{AlertRules, BillingMonth, Fen};
use thiserror::Error;

pub use event::{ActionAnswer, ActionEvent, ActionProblem};

use crate::mandate::MandateLimits;
use crate::{
    ActionId, AdjustmentId, Approval, DebitId, MandateId, Person, Principal, ProviderId, Reason,
    Resolution, SessionId,
};

/// Who asks for an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Actor {
    /// A person of the platform.
    Operator {
        /// The person's name.
        operator: Person,
    },
    /// Somebody on the pages of a provider.
    Provider {
        /// The provider.
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

/// What is done by an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// A mandate is ended, here and at Alipay.
    EndMandate {
        /// Whose.
        provider: ProviderId,
        /// Which.
        mandate: MandateId,
    },
    /// The limits of a mandate are lowered for debits that are not sent yet.
    LowerLimits {
        /// Whose.
        provider: ProviderId,
        /// Which.
        mandate: MandateId,
        /// The limits from now on: none may be higher than before.
        limits: MandateLimits,
    },
    /// A debit that is held or in doubt is resolved.
    ResolveDebit {
        /// Whose.
        provider: ProviderId,
        /// Which.
        debit: DebitId,
        /// How.
        resolution: Resolution,
    },
    /// A finding of a reconciliation is closed.
    CloseFinding {
        /// The number of the trade.
        trade: String,
        /// The number of the refund, if the finding has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// The breaker is opened: no debit is sent.
    StopDebits,
    /// The breaker is closed: debits are sent again.
    ResumeDebits,
    /// An adjustment that another person made is approved.
    ApproveAdjustment {
        /// Whose.
        provider: ProviderId,
        /// Which.
        adjustment: AdjustmentId,
    },
    /// An adjustment that waits is rejected.
    RejectAdjustment {
        /// Whose.
        provider: ProviderId,
        /// Which.
        adjustment: AdjustmentId,
    },
    /// What a provider is watched by is set.
    SetAlerts {
        /// Whose.
        provider: ProviderId,
        /// All that it sets.
        rules: Box<AlertRules>,
    },
    /// The sessions in which a provider's pages are open end.
    RevokeSessions {
        /// Whose.
        provider: ProviderId,
    },
    /// What a provider owes and no debit is collecting is paid from its deposit.
    DrawDeposit {
        /// Whose.
        provider: ProviderId,
        /// The most that is drawn; as much as is owed unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount_fen: Option<Fen>,
    },
    /// The deposit is returned through Alipay, less what is owed.
    ReturnDeposit {
        /// Whose.
        provider: ProviderId,
        /// The most that is returned; all of it unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount_fen: Option<Fen>,
    },
    /// Deposit was returned by a bank transfer, and is booked.
    BookDepositReturn {
        /// Whose.
        provider: ProviderId,
        /// The amount of the transfer.
        amount_fen: Fen,
        /// The name of the transfer, which no other has.
        reference: String,
    },
}

/// An action as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRequest {
    /// Who asks.
    pub by: Actor,
    /// Why. An operator's action needs one.
    pub reason: Option<Reason>,
    /// What is to be done.
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
    /// Who asked.
    pub asked_by: Actor,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What is done by it.
    pub what: Deed,
    /// The second person who approved it; none where none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approval>,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: ActionPhase,
}

/// Where an action stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ActionPhase {
    /// It is recorded, and nothing is done yet.
    Asked,
    /// It waits for the approval of a second person.
    Waiting,
    /// It is done.
    Done {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        done_at_s: Timestamp,
        /// What it changed.
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
        /// The person.
        rejected_by: Person,
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        rejected_at_s: Timestamp,
        /// Why, in that person's words.
        rejected_because: Reason,
    },
}

/// What an action changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ActionResult {
    /// What was asked for.
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
        /// How much.
        amount_fen: Fen,
    },
    /// The deposit is being returned.
    DepositReturned {
        /// What of it paid what was owed.
        drawn_fen: Fen,
        /// What is returned now.
        returned_fen: Fen,
        /// What is left to be returned by a bank transfer.
        by_transfer_fen: Fen,
    },
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
        /// The action.
        id: ActionId,
        /// Where it stands.
        phase: ActionPhase,
    },
}

impl Actor {
    /// Whether two are the same operator, somebody on the pages of the same provider, or the same server
    /// for the same provider.
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
    /// The name of the action that somebody asks for under an `Idempotency-Key`. Nobody reaches the
    /// action of another by a key.
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

impl Deed {
    /// The provider whose records it is about, if it is about one's.
    #[must_use]
    pub const fn provider(&self) -> Option<&ProviderId> {
        match self {
            Deed::EndMandate { provider, .. }
            | Deed::LowerLimits { provider, .. }
            | Deed::ResolveDebit { provider, .. }
            | Deed::ApproveAdjustment { provider, .. }
            | Deed::RejectAdjustment { provider, .. }
            | Deed::SetAlerts { provider, .. }
            | Deed::RevokeSessions { provider }
            | Deed::DrawDeposit { provider, .. }
            | Deed::ReturnDeposit { provider, .. }
            | Deed::BookDepositReturn { provider, .. } => Some(provider),
            Deed::CloseFinding { .. } | Deed::StopDebits | Deed::ResumeDebits => None,
        }
    }

    /// Whether a provider may ask for it.
    fn is_allowed_to(&self, asking: &ProviderId) -> bool {
        match self {
            Deed::EndMandate { provider, .. }
            | Deed::LowerLimits { provider, .. }
            | Deed::SetAlerts { provider, .. } => provider == asking,
            Deed::ResolveDebit { .. }
            | Deed::CloseFinding { .. }
            | Deed::StopDebits
            | Deed::ResumeDebits
            | Deed::ApproveAdjustment { .. }
            | Deed::RejectAdjustment { .. }
            | Deed::RevokeSessions { .. }
            | Deed::DrawDeposit { .. }
            | Deed::ReturnDeposit { .. }
            | Deed::BookDepositReturn { .. } => false,
        }
    }

    /// Whether a second person approves it whatever the platform's rules say: it pays money out.
    #[must_use]
    pub const fn pays_out(&self) -> bool {
        match self {
            Deed::ReturnDeposit { .. } | Deed::BookDepositReturn { .. } => true,
            Deed::EndMandate { .. }
            | Deed::LowerLimits { .. }
            | Deed::ResolveDebit { .. }
            | Deed::CloseFinding { .. }
            | Deed::StopDebits
            | Deed::ResumeDebits
            | Deed::ApproveAdjustment { .. }
            | Deed::RejectAdjustment { .. }
            | Deed::RevokeSessions { .. }
            | Deed::SetAlerts { .. }
            | Deed::DrawDeposit { .. } => false,
        }
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
    /// The record of an action that is asked for: refused if it is not allowed, and waiting if it is an
    /// operator's and the platform wants a second person's approval, or it pays money out.
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

    /// The action after a second person approved it: it is to be carried out. None if it was approved
    /// before.
    ///
    /// # Errors
    ///
    /// [`ActionError::OwnApproval`] when the person asked for it, [`ActionError::NotWaiting`] when it
    /// needs no approval.
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

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Operator { operator } => operator.fmt(f),
            Actor::Provider { provider, session } => {
                write!(f, "provider {provider} in session {session}")
            }
            Actor::Caller { caller, provider } => write!(f, "{caller} for provider {provider}"),
        }
    }
}

/// What is done, as people read it.
impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deed::EndMandate { provider, mandate } => {
                write!(f, "end mandate {mandate} of {provider}")
            }
            Deed::LowerLimits { provider, mandate, limits } => {
                write!(f, "lower the limits of mandate {mandate} of {provider} to {limits}")
            }
            Deed::ResolveDebit { provider, debit, resolution } => {
                let how = match resolution {
                    Resolution::Ask => "query",
                    Resolution::Retry => "retry",
                    Resolution::GiveUp => "give up",
                };
                write!(f, "{how} debit {debit} of {provider}")
            }
            Deed::CloseFinding { trade, request: None } => {
                write!(f, "close the finding about trade {trade}")
            }
            Deed::CloseFinding { trade, request: Some(request) } => {
                write!(f, "close the finding about refund {request} of trade {trade}")
            }
            Deed::StopDebits => f.write_str("stop all debits"),
            Deed::ResumeDebits => f.write_str("resume debits"),
            Deed::ApproveAdjustment { provider, adjustment } => {
                write!(f, "approve adjustment {adjustment} of {provider}")
            }
            Deed::RejectAdjustment { provider, adjustment } => {
                write!(f, "reject adjustment {adjustment} of {provider}")
            }
            Deed::SetAlerts { provider, .. } => write!(f, "set the alerts of {provider}"),
            Deed::RevokeSessions { provider } => write!(f, "revoke the sessions of {provider}"),
            Deed::DrawDeposit { provider, amount_fen: None } => {
                write!(f, "pay what {provider} owes from its deposit")
            }
            Deed::DrawDeposit { provider, amount_fen: Some(most) } => {
                write!(f, "pay up to ¥{most} of what {provider} owes from its deposit")
            }
            Deed::ReturnDeposit { provider, amount_fen: None } => {
                write!(f, "return the deposit of {provider}, less what is owed")
            }
            Deed::ReturnDeposit { provider, amount_fen: Some(most) } => {
                write!(f, "return up to ¥{most} of the deposit of {provider}, less what is owed")
            }
            Deed::BookDepositReturn { provider, amount_fen, reference } => {
                write!(
                    f,
                    "book that ¥{amount_fen} of the deposit of {provider} were returned by {reference}"
                )
            }
        }
    }
}

/// The state as people see it, and why.
impl fmt::Display for ActionPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActionPhase::Asked => f.write_str("asked for, and not carried out"),
            ActionPhase::Waiting => f.write_str("waiting for the approval of a second person"),
            ActionPhase::Done { result: ActionResult::AsBefore, .. } => {
                f.write_str("done: it was so before")
            }
            ActionPhase::Done { result: ActionResult::LimitsLowered { was }, .. } => {
                write!(f, "done: the limits were {was}")
            }
            ActionPhase::Done { result: ActionResult::DepositDrawn { amount_fen }, .. } => {
                write!(f, "done: ¥{amount_fen} drawn")
            }
            ActionPhase::Done {
                result: ActionResult::DepositReturned { drawn_fen, returned_fen, by_transfer_fen },
                ..
            } => {
                write!(f, "done: ¥{drawn_fen} drawn, ¥{returned_fen} returned, ")?;
                write!(f, "¥{by_transfer_fen} left for a bank transfer")
            }
            ActionPhase::Done {
                result: ActionResult::Changed | ActionResult::SessionsRevoked { .. },
                ..
            } => f.write_str("done"),
            ActionPhase::Refused { why, .. } => write!(f, "refused: {why}"),
            ActionPhase::Rejected { rejected_by, rejected_because, .. } => {
                write!(f, "rejected by {rejected_by}: {rejected_because}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
