//! The audit trail: who did what, when, why and with which result; and what waits for a second person.

mod page;
mod texts;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{DebitId, MandateId, ProviderId};
use steelyard_pricing::Fen;
use utoipa::ToSchema;

use super::UnreadableRecord;
use super::debits::DebitWay;

/// Who asked for an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum AskedBy {
    /// A person of the platform.
    Operator {
        /// The person's name.
        operator: String,
    },
    /// Somebody on the pages of a provider.
    Provider {
        /// The provider.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// The session.
        session: String,
    },
    /// One of the platform's servers, for a provider.
    Caller {
        /// The ARN or the unique id of its identity.
        caller: String,
        /// The provider.
        #[schema(value_type = String)]
        provider: ProviderId,
    },
}

/// What is done by an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActionKind {
    /// An agreement is ended.
    EndMandate {
        /// Whose.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// Which.
        #[schema(value_type = u32)]
        mandate: MandateId,
    },
    /// The limits of an agreement are lowered.
    LowerLimits {
        /// Whose.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// Which.
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
        /// Whose.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// Which.
        #[schema(value_type = u64)]
        debit: DebitId,
        /// How.
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
        /// Whose.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// Its name.
        adjustment: String,
    },
    /// A credit or debit note is rejected.
    RejectAdjustment {
        /// Whose.
        #[schema(value_type = String)]
        provider: ProviderId,
        /// Its name.
        adjustment: String,
    },
    /// The sessions of a provider end.
    RevokeSessions {
        /// Whose.
        #[schema(value_type = String)]
        provider: ProviderId,
    },
}

/// Where an action stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ActionStanding {
    /// It is recorded, and nothing is done yet.
    Asked,
    /// It waits for a second person.
    Waiting,
    /// It is done.
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
        /// Why.
        why: String,
    },
    /// A person decided against it. Nothing changed.
    Rejected {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[schema(value_type = i64)]
        at_s: Timestamp,
        /// The person.
        by: String,
        /// Why, in that person's words.
        reason: String,
    },
}

/// An action in the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActionRow {
    /// Its name.
    pub id: String,
    /// When it was asked for, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub asked_at_s: Timestamp,
    /// Who asked.
    pub asked_by: AskedBy,
    /// Why, in that person's words.
    pub reason: Option<String>,
    /// What is done by it.
    pub what: ActionKind,
    /// The second person who approved it.
    pub approved_by: Option<String>,
    /// Where it stands.
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
