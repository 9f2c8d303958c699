//! The audit trail: who did what, when, why and with which result; and what waits for a second
//! person.

mod page;
mod texts;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{
    Action, ActionPhase, ActionResult, Actor, DebitId, Deed, DepositReturned, MandateId,
    ProviderId, Stage,
};
use steelyard_pricing::{BillingDay, Fen};
use utoipa::ToSchema;

use super::UnreadableRecord;
use super::debits::DebitWay;

/// The author of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum AskedBy {
    /// A person of the platform.
    Operator {
        /// The person's name.
        operator: String,
    },
    /// A visitor of a provider's pages.
    Provider {
        /// The provider whose pages were open.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The id of the session in which it was asked.
        session: String,
    },
    /// One of the platform's servers, for a provider.
    Caller {
        /// The ARN or the unique id of its identity.
        caller: String,
        /// The provider for which it acts.
        #[schema(value_type = String)]
        provider: ProviderId,
    },
}

/// The change that an action makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActionKind {
    /// An agreement is ended.
    EndMandate {
        /// The provider that signed it.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The number of the agreement among the provider's, from 1.
        #[schema(value_type = u32)]
        mandate: MandateId,
    },
    /// The limits of an agreement are lowered.
    LowerLimits {
        /// The provider that signed it.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The number of the agreement among the provider's, from 1.
        #[schema(value_type = u32)]
        mandate: MandateId,
        /// The most that one debit may take from now on.
        #[schema(value_type = i64)]
        single_fen: Fen,
        /// The most that one day's debits may take from now on, if that is limited.
        #[schema(value_type = Option<i64>)]
        daily_fen: Option<Fen>,
    },
    /// A debit is resolved.
    ResolveDebit {
        /// The provider that owes it.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The number of the debit among the provider's, from 1.
        #[schema(value_type = u64)]
        debit: DebitId,
        /// The operator's decision.
        way: DebitWay,
    },
    /// A finding of the reconciliation is closed.
    CloseFinding {
        /// The number of the trade.
        trade: String,
        /// The number of the refund, if the finding has one.
        request: Option<String>,
    },
    /// All debits are stopped.
    StopDebits,
    /// Debits go on.
    ResumeDebits,
    /// A credit or debit note is approved.
    ApproveAdjustment {
        /// The provider whose next bill books it.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The id of the note.
        adjustment: String,
    },
    /// A credit or debit note is rejected.
    RejectAdjustment {
        /// The provider whose bill would have booked it.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The id of the note.
        adjustment: String,
    },
    /// What a provider is watched by is set.
    SetAlerts {
        /// The provider that is watched.
        #[schema(value_type = String)]
        provider: ProviderId,
    },
    /// The sessions of a provider end.
    RevokeSessions {
        /// The provider whose sessions end.
        #[schema(value_type = String)]
        provider: ProviderId,
    },
    /// What a provider owes is paid from its deposit.
    DrawDeposit {
        /// The provider whose deposit is drawn.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The most that is drawn, if that is limited.
        #[schema(value_type = Option<i64>)]
        amount_fen: Option<Fen>,
    },
    /// A deposit is returned, less what is owed.
    ReturnDeposit {
        /// The provider that gets its deposit back.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The most that is returned, if that is limited.
        #[schema(value_type = Option<i64>)]
        amount_fen: Option<Fen>,
    },
    /// A return of a deposit by a bank transfer is booked.
    BookDepositReturn {
        /// The provider that got the transfer.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The amount of the transfer.
        #[schema(value_type = i64)]
        amount_fen: Fen,
        /// The name of the transfer.
        reference: String,
    },
    /// A provider is held at a stage, whatever the arrears ladder says.
    HoldStage {
        /// The provider that is held at the stage.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The stage at which it is held.
        #[schema(value_type = String)]
        stage: Stage,
        /// The first day on which the ladder decides again.
        #[schema(value_type = String, format = Date)]
        until: BillingDay,
    },
    /// The arrears ladder decides again about a provider that was held at a stage.
    ReleaseStage {
        /// The provider that is released.
        #[schema(value_type = String)]
        provider: ProviderId,
    },
}

/// What the return of a deposit moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReturnAmounts {
    /// What of it pays what is owed.
    #[schema(value_type = i64)]
    pub drawn_fen: Fen,
    /// The amount that is sent back through Alipay.
    #[schema(value_type = i64)]
    pub returned_fen: Fen,
    /// What is left for a bank transfer.
    #[schema(value_type = i64)]
    pub by_transfer_fen: Fen,
}

/// The state of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ActionStanding {
    /// It is recorded, and nothing is done yet.
    Asked,
    /// It waits for a second person.
    Waiting,
    /// The execution succeeded, which happens once.
    Done {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[schema(value_type = i64)]
        at_s: Timestamp,
        /// Whether it was so before, so that nothing changed.
        was_so_before: bool,
    },
    /// The records do not allow it. Nothing changed.
    Refused {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[schema(value_type = i64)]
        at_s: Timestamp,
        /// The rule that forbids it, as a sentence.
        why: String,
    },
    /// A person decided against it. Nothing changed.
    Rejected {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[schema(value_type = i64)]
        at_s: Timestamp,
        /// The name of the operator.
        by: String,
        /// Why, in that person's words.
        reason: String,
    },
}

/// An action in the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActionRow {
    /// The id of the action.
    pub id: String,
    /// When it was asked for, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub asked_at_s: Timestamp,
    /// The author of the action.
    pub asked_by: AskedBy,
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// The change that it makes.
    pub what: ActionKind,
    /// What a return of a deposit moves: no other amounts are moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<ReturnAmounts>,
    /// The second person who approved it.
    pub approved_by: Option<String>,
    /// The state of the action, with its times.
    #[serde(flatten)]
    pub standing: ActionStanding,
}

/// A page of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditTrail {
    /// The time, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// The actions that wait for a second person, the oldest first.
    pub waiting: Vec<ActionRow>,
    /// All others, the newest first.
    pub actions: Vec<ActionRow>,
    /// Where the next page begins; none on the last one.
    pub next: Option<String>,
    /// The records that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

impl AuditTrail {
    /// The trail of these actions, in whichever order they are.
    #[must_use]
    pub fn new(actions: Vec<ActionRow>, next: Option<String>, now: Timestamp) -> AuditTrail {
        let (mut waiting, mut actions): (Vec<_>, Vec<_>) =
            actions.into_iter().partition(|action| action.standing == ActionStanding::Waiting);
        waiting.sort_by(|one, other| (one.asked_at_s, &one.id).cmp(&(other.asked_at_s, &other.id)));
        actions.sort_by(|one, other| (other.asked_at_s, &other.id).cmp(&(one.asked_at_s, &one.id)));
        AuditTrail { as_of_s: now, waiting, actions, next, unreadable: Vec::new() }
    }
}

impl ActionRow {
    /// An action as the trail shows it.
    #[must_use]
    pub fn of(action: &Action) -> ActionRow {
        ActionRow {
            id: action.id.to_string(),
            asked_at_s: action.asked_at_s,
            asked_by: (&action.asked_by).into(),
            reason: action.reason.as_ref().map(ToString::to_string),
            what: (&action.what).into(),
            returns: action.returns.map(Into::into),
            approved_by: action.approved.as_ref().map(|approved| approved.by.to_string()),
            standing: (&action.phase).into(),
        }
    }
}

impl From<DepositReturned> for ReturnAmounts {
    fn from(amounts: DepositReturned) -> ReturnAmounts {
        let DepositReturned { drawn_fen, returned_fen, by_transfer_fen } = amounts;
        ReturnAmounts { drawn_fen, returned_fen, by_transfer_fen }
    }
}

impl From<&Actor> for AskedBy {
    fn from(actor: &Actor) -> AskedBy {
        match actor {
            Actor::Operator { operator } => AskedBy::Operator { operator: operator.to_string() },
            Actor::Provider { provider, session } => {
                AskedBy::Provider { provider: provider.clone(), session: session.to_string() }
            }
            Actor::Caller { caller, provider } => {
                AskedBy::Caller { caller: caller.to_string(), provider: provider.clone() }
            }
        }
    }
}

impl From<&ActionPhase> for ActionStanding {
    fn from(phase: &ActionPhase) -> ActionStanding {
        match phase {
            ActionPhase::Asked => ActionStanding::Asked,
            ActionPhase::Waiting => ActionStanding::Waiting,
            ActionPhase::Done { done_at_s, result } => ActionStanding::Done {
                at_s: *done_at_s,
                was_so_before: *result == ActionResult::AsBefore,
            },
            ActionPhase::Refused { refused_at_s, why } => {
                ActionStanding::Refused { at_s: *refused_at_s, why: why.clone() }
            }
            ActionPhase::Rejected { rejected_by, rejected_at_s, rejected_because } => {
                ActionStanding::Rejected {
                    at_s: *rejected_at_s,
                    by: rejected_by.to_string(),
                    reason: rejected_because.to_string(),
                }
            }
        }
    }
}

impl From<&Deed> for ActionKind {
    fn from(deed: &Deed) -> ActionKind {
        match deed.clone() {
            Deed::EndMandate { provider, mandate } => ActionKind::EndMandate { provider, mandate },
            Deed::LowerLimits { provider, mandate, limits } => ActionKind::LowerLimits {
                provider,
                mandate,
                single_fen: limits.single_fen,
                daily_fen: limits.daily_fen,
            },
            Deed::ResolveDebit { provider, debit, resolution } => {
                ActionKind::ResolveDebit { provider, debit, way: resolution.into() }
            }
            Deed::CloseFinding { trade, request } => ActionKind::CloseFinding { trade, request },
            Deed::StopDebits => ActionKind::StopDebits,
            Deed::ResumeDebits => ActionKind::ResumeDebits,
            Deed::ApproveAdjustment { provider, adjustment } => {
                ActionKind::ApproveAdjustment { provider, adjustment: adjustment.to_string() }
            }
            Deed::RejectAdjustment { provider, adjustment } => {
                ActionKind::RejectAdjustment { provider, adjustment: adjustment.to_string() }
            }
            Deed::SetAlerts { provider, .. } => ActionKind::SetAlerts { provider },
            Deed::RevokeSessions { provider } => ActionKind::RevokeSessions { provider },
            Deed::DrawDeposit { provider, amount_fen } => {
                ActionKind::DrawDeposit { provider, amount_fen }
            }
            Deed::ReturnDeposit { provider, amount_fen } => {
                ActionKind::ReturnDeposit { provider, amount_fen }
            }
            Deed::BookDepositReturn { provider, amount_fen, reference } => {
                let reference = reference.to_string();
                ActionKind::BookDepositReturn { provider, amount_fen, reference }
            }
            Deed::HoldStage { provider, stage, until } => {
                ActionKind::HoldStage { provider, stage, until }
            }
            Deed::ReleaseStage { provider } => ActionKind::ReleaseStage { provider },
        }
    }
}
