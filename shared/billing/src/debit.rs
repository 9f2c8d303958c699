//! A debit: one request to take one amount under a mandate. Pure: a state machine over the
//! gateway's answers.

mod answers;
mod attempt;
mod evidence;
mod history;
mod phase;
mod resolution;
mod rules;
mod sending;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, Fen};
use thiserror::Error;

pub use answers::{FUNDS_RETRY_DAYS, WINDOW_TRIES_MAX};
pub use attempt::Attempt;
pub use evidence::ProvedPaid;
pub use history::{Asked, Exchange, History, Intervention};
pub use phase::{GiveUpReason, Phase, Step};
pub use resolution::{NothingToResolve, Resolution};
pub use rules::DebitRules;

use crate::task::Backoff;
use crate::{DebitId, DeclineReason, GatewayCode, MandateId, ProviderId, Task};

/// How long until a held debit is reported again.
const REPORT_EVERY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// One request to take one amount under a mandate.
///
/// Before it is first sent it is an intent without an amount. A paid or given-up debit never
/// changes again, except that a payment of another of its attempts may become known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// The provider whose money it takes.
    pub provider: ProviderId,
    /// Its number among the provider's debits.
    pub debit: DebitId,
    /// Its version and its due time.
    #[serde(flatten)]
    pub task: Task,
    /// When it was opened, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub opened_at_s: Timestamp,
    /// The amount, mandate and days; none before it is first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<DebitTerms>,
    /// The attempts that were sent, in order. A new attempt begins only after the one before is
    /// closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// The phase, which only a pure step changes.
    #[serde(flatten)]
    pub phase: Phase,
    /// The days' tries that were declined, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declines: Vec<Declined>,
    /// What a person may want to read of it.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub history: History,
}

/// What a debit asks for. Fixed when it is first sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitTerms {
    /// The amount, which is reserved in the account.
    pub amount_fen: Fen,
    /// The mandate under which it is taken.
    pub mandate: MandateId,
    /// The gateway's number of the agreement.
    pub agreement_no: String,
    /// The first billing day whose charge it collects.
    pub from: BillingDay,
    /// The last billing day whose charge it collects.
    pub through: BillingDay,
}

impl DebitTerms {
    /// Whether it collects what was charged for a day.
    #[must_use]
    pub fn covers(&self, day: BillingDay) -> bool {
        (self.from..=self.through).contains(&day)
    }
}

/// One day's try that was declined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The kind of reason, by which the debit is retried.
    pub reason: DeclineReason,
    /// The gateway's code.
    pub code: GatewayCode,
}

/// The debit was not waiting for such an answer. This is a defect, since an answer that contradicts
/// what is recorded leads to a held debit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("debit {debit} was {phase} and not waiting for this answer")]
pub struct DebitConflict {
    /// The debit that would be held.
    pub debit: DebitId,
    /// The phase it was in.
    pub phase: Phase,
}

impl Debit {
    /// A new debit, to be sent at `due_at`.
    #[must_use]
    pub fn open(provider: &ProviderId, debit: DebitId, due_at: Timestamp, now: Timestamp) -> Debit {
        Debit {
            provider: provider.clone(),
            debit,
            task: Task::new(due_at),
            opened_at_s: now,
            terms: None,
            attempts: Vec::new(),
            phase: Phase::Due,
            declines: Vec::new(),
            history: History::default(),
        }
    }

    /// The step that is due at `now`.
    #[must_use]
    pub fn next_step(&self, now: Timestamp) -> Step {
        if now < self.task.due_at_s {
            return Step::Wait;
        }
        match self.phase {
            Phase::Due => Step::Pay,
            Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Confirming { .. }
            | Phase::Rechecking { .. } => Step::Query,
            Phase::Closing { .. } => Step::Close,
            Phase::Held { .. } => Step::Report,
            Phase::Paid { .. } | Phase::GivenUp { .. } | Phase::Withdrawn => Step::Wait,
        }
    }

    /// When its next step is due; none when it has ended.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.is_open().then_some(self.task.due_at_s)
    }

    /// Whether it may still take money.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.phase {
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Held { .. }
            | Phase::Rechecking { .. } => true,
            Phase::Paid { .. } | Phase::GivenUp { .. } | Phase::Withdrawn => false,
        }
    }

    /// Why it was given up; none unless it was.
    #[must_use]
    pub fn given_up(&self) -> Option<&GiveUpReason> {
        match &self.phase {
            Phase::GivenUp { why } => Some(why),
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Held { .. }
            | Phase::Rechecking { .. }
            | Phase::Paid { .. }
            | Phase::Withdrawn => None,
        }
    }

    /// The amount that it reserves: all of it while it is open, nothing before it is sent.
    #[must_use]
    pub fn reserved(&self) -> Fen {
        let amount = self.terms.as_ref().filter(|_| self.is_open());
        amount.map_or(Fen::ZERO, |terms| terms.amount_fen)
    }

    /// The subject that the payer reads: the days charged, and the debit's number, so that no two
    /// debits share one.
    ///
    /// The gateway allows no `/`, `=` or `&` in it.
    #[must_use]
    pub fn subject(&self, terms: &DebitTerms) -> String {
        let DebitTerms { from, through, .. } = terms;
        let days = if from == through { from.to_string() } else { format!("{from} to {through}") };
        format!("API service fee {days}, no. {}", self.debit)
    }

    /// The held debit after it was reported again.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it is held.
    pub fn reported(&self, now: Timestamp) -> Result<Debit, DebitConflict> {
        match self.phase {
            Phase::Held { .. } => Ok(self.moved(self.phase.clone(), now + REPORT_EVERY)),
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Rechecking { .. }
            | Phase::Paid { .. }
            | Phase::GivenUp { .. }
            | Phase::Withdrawn => Err(self.not_waiting()),
        }
    }

    fn is_quiet(&self, now: Timestamp) -> bool {
        self.attempts.iter().all(|attempt| attempt.unanswered_at_s.is_quiet(now))
    }

    fn moved(&self, phase: Phase, due_at: Timestamp) -> Debit {
        Debit { phase, task: self.task.moved(due_at), ..self.clone() }
    }

    fn progressed(&self, phase: Phase, due_at: Timestamp) -> Debit {
        Debit { phase, task: self.task.progressed(due_at), ..self.clone() }
    }

    fn backed_off(&self, phase: Phase, backoff: Backoff, now: Timestamp) -> Debit {
        Debit { phase, task: self.task.backed_off(backoff, now), ..self.clone() }
    }

    fn not_waiting(&self) -> DebitConflict {
        DebitConflict { debit: self.debit, phase: self.phase.clone() }
    }
}
