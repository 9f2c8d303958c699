//! A mandate: one withholding agreement, from the offer to its end. Pure: a state machine over
//! the gateway's answers and notices.

mod adoption;
mod consent;
mod limits;
mod notice;
mod phase;
mod query;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

pub use adoption::NotInForce;
pub use consent::{Consent, ConsentBy};
pub use limits::{LimitError, LimitsError, MandateLimits};
pub use phase::{EndReason, MandatePhase, MandateStep, Suspension};

use crate::task::Backoff;
use crate::{
    Calendar, DEBIT_MAX, Debit, ExternalAgreementNo, MandateId, MandateInUse, ProviderCode,
    ProviderId, Realm, Task, is_zero,
};

/// One withholding agreement, offered or signed.
///
/// It has one number of ours at most, and one of Alipay's at most, which never change; one that is
/// active or suspended has Alipay's. One that has ended never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// The provider that signs it.
    pub provider: ProviderId,
    /// Which mandate of the provider.
    pub mandate: MandateId,
    /// Its version and its due time.
    #[serde(flatten)]
    pub task: Task,
    /// Our number; none for one that was signed elsewhere and adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_agreement_no: Option<ExternalAgreementNo>,
    /// Alipay's number, known from the signature on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_no: Option<String>,
    /// When it was offered or adopted, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub offered_at_s: Timestamp,
    /// What its provider agreed to before it was sent to Alipay to sign; none if we have no record
    /// of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// When it was signed, as far as is known, in seconds of Unix time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    pub signed_at_s: Option<Timestamp>,
    /// When it ends by itself, as last reported, in seconds of Unix time. Nobody is notified of
    /// that.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    pub ends_at_s: Option<Timestamp>,
    /// The payer's login as last reported, with letters left out by the gateway. It shows the
    /// provider which account pays, and nothing depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_login: Option<String>,
    /// The most that one debit may take, as the platform wants it.
    pub single_limit_fen: Fen,
    /// The most that one day's debits may take, as the platform wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_limit_fen: Option<Fen>,
    /// How often its limits were lowered.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lowered: u32,
    /// The most that one debit may take, as the gateway last reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_limit_fen: Option<Fen>,
    /// The phase, which only a pure step changes.
    #[serde(flatten)]
    pub phase: MandatePhase,
    /// When the gateway last answered a query for its state, in seconds
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    pub checked_at_s: Option<Timestamp>,
}

/// The mandate was not waiting for such a step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("mandate {mandate} is {phase}, which does not allow this")]
pub struct MandateConflict {
    /// The mandate whose record the answer contradicts.
    pub mandate: MandateId,
    /// The phase it was in.
    pub phase: MandatePhase,
}

/// Why a mandate makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MandateError {
    /// Alipay's numbers are made of letters and digits.
    #[error("`{0}` is not the number of an agreement: letters and digits")]
    AgreementNo(String),
    /// Steelyard offered the agreement to another provider.
    #[error("agreement {0} is another provider's")]
    Anothers(String),
    /// The agreement's time is over.
    #[error("agreement {0} has expired")]
    Expired(String),
    /// The number fits no number of ours.
    #[error("mandates are numbered from 1 to {most}, not {0}", most = MandateId::MAX)]
    Number(MandateId),
    /// The limit allows no debit, or more than Alipay takes at once.
    #[error("a debit takes from 0.01 to {DEBIT_MAX} yuan, so the limit can't be {0}")]
    SingleLimit(Fen),
    /// The limit allows no debit.
    #[error("a day's debits take 0.01 yuan or more, so their limit can't be {0}")]
    DailyLimit(Fen),
}

/// How long an offer waits for its signature. After that a provider is offered a new one.
pub const OFFER_LAPSES_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

impl MandateId {
    /// The last number: more digits would not fit in [`ExternalAgreementNo`].
    pub const MAX: MandateId = MandateId(9_999_999);
}

impl Mandate {
    /// An offer, for the provider to sign under a number of ours that no other has.
    ///
    /// # Errors
    ///
    /// [`MandateError`] naming what is wrong.
    pub fn offer(
        realm: &Realm,
        provider: &ProviderId,
        mandate: MandateId,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<Mandate, MandateError> {
        let offered = Mandate::new(provider, mandate, limits, now)?;
        let number = ExternalAgreementNo::of(realm, &ProviderCode::of(provider), mandate);
        Ok(Mandate { external_agreement_no: number, ..offered.asked_again(now) })
    }

    fn new(
        provider: &ProviderId,
        mandate: MandateId,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<Mandate, MandateError> {
        limits.check()?;
        if !(MandateId(1)..=MandateId::MAX).contains(&mandate) {
            return Err(MandateError::Number(mandate));
        }
        Ok(Mandate {
            provider: provider.clone(),
            mandate,
            task: Task::new(now),
            external_agreement_no: None,
            agreement_no: None,
            offered_at_s: now,
            consent: None,
            signed_at_s: None,
            ends_at_s: None,
            payer_login: None,
            single_limit_fen: limits.single_fen,
            daily_limit_fen: limits.daily_fen,
            lowered: 0,
            gateway_limit_fen: None,
            phase: MandatePhase::Offered,
            checked_at_s: None,
        })
    }

    /// Whether a debit can be made under it: it is active, and its time is not over.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        let is_active = match self.phase {
            MandatePhase::Active => true,
            MandatePhase::Offered
            | MandatePhase::Suspended { .. }
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => false,
        };
        is_active && self.ends_at_s.is_none_or(|ends_at| now < ends_at)
    }

    /// What settlement has to know of it while it is active; none if debits are not made under it.
    #[must_use]
    pub fn in_use(&self) -> Option<MandateInUse> {
        let limit_fen = self.limit();
        match (&self.phase, &self.agreement_no) {
            (MandatePhase::Active, Some(agreement_no)) if limit_fen.is_positive() => {
                let agreement_no = agreement_no.clone();
                let (mandate, lowered) = (self.mandate, self.lowered);
                let daily_limit_fen = self.daily_limit_fen;
                Some(MandateInUse { mandate, agreement_no, limit_fen, daily_limit_fen, lowered })
            }
            (
                MandatePhase::Offered
                | MandatePhase::Active
                | MandatePhase::Suspended { .. }
                | MandatePhase::Ending { .. }
                | MandatePhase::ConfirmingEnd { .. }
                | MandatePhase::Ended { .. },
                _,
            ) => None,
        }
    }

    /// The most that one debit may take: the least of all limits. Nothing may be debited if it is
    /// not positive.
    #[must_use]
    pub fn limit(&self) -> Fen {
        let told = [self.daily_limit_fen, self.gateway_limit_fen];
        told.into_iter().flatten().fold(self.single_limit_fen, Fen::min)
    }

    /// Whether it was signed before another, as far as both are known.
    #[must_use]
    pub fn was_signed_before(&self, other: &Mandate) -> bool {
        self.signed_at_s.zip(other.signed_at_s).is_some_and(|(own, other)| own < other)
    }

    /// Whether the gateway has to be asked before a debit is made: nobody is notified of an
    /// agreement that expires, and the end of one is notified only once.
    #[must_use]
    pub fn needs_check(&self, calendar: &Calendar, now: Timestamp) -> bool {
        let today = calendar.date_of(now);
        self.checked_at_s.is_none_or(|checked_at| calendar.date_of(checked_at) != today)
    }

    /// The step that is due at `now`.
    #[must_use]
    pub fn next_step(&self, now: Timestamp) -> MandateStep {
        if self.due_at().is_none_or(|due_at| now < due_at) {
            return MandateStep::Wait;
        }
        match self.phase {
            MandatePhase::Offered
            | MandatePhase::Active
            | MandatePhase::Suspended { .. }
            | MandatePhase::ConfirmingEnd { .. } => MandateStep::Query,
            MandatePhase::Ending { .. } => MandateStep::Unsign,
            MandatePhase::Ended { .. } => MandateStep::Wait,
        }
    }

    /// When there is something to do with it. Debits ask about an active one before they use it, so
    /// it is visited only when its time is over, since no debit would ask then; an ended one never.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            MandatePhase::Offered
            | MandatePhase::Suspended { .. }
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. } => Some(self.task.due_at_s),
            MandatePhase::Active => self.ends_at_s.map(|ends_at| ends_at.max(self.task.due_at_s)),
            MandatePhase::Ended { .. } => None,
        }
    }

    /// Whether no debit may use it for now. Alipay or an operator can put it in force again.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        match self.phase {
            MandatePhase::Suspended { .. } => true,
            MandatePhase::Offered
            | MandatePhase::Active
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => false,
        }
    }

    /// Whether it is to be ended at the gateway, and is not yet.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        match self.phase {
            MandatePhase::Ending { .. } | MandatePhase::ConfirmingEnd { .. } => true,
            MandatePhase::Offered
            | MandatePhase::Active
            | MandatePhase::Suspended { .. }
            | MandatePhase::Ended { .. } => false,
        }
    }

    /// The mandate that is to be ended at the gateway: revoked here, or replaced. An offer, too,
    /// since its provider may have signed it just now.
    ///
    /// # Errors
    ///
    /// [`MandateConflict`] when it is ending or has ended.
    pub fn ending(&self, why: EndReason, now: Timestamp) -> Result<Mandate, MandateConflict> {
        match self.phase {
            MandatePhase::Offered | MandatePhase::Active | MandatePhase::Suspended { .. } => {
                Ok(self.progressed(MandatePhase::Ending { why }, now))
            }
            MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => Err(self.not_waiting()),
        }
    }

    /// The mandate after the end of a debit that found out that no other can do better; none if
    /// that debit found nothing of the kind, was made under another, or shows nothing new.
    ///
    /// The gateway is asked at once whether the agreement has ended.
    #[must_use]
    pub fn suspended_by(&self, debit: &Debit, now: Timestamp) -> Option<Mandate> {
        let given_up = debit.given_up().filter(|given_up| given_up.ends_mandate())?;
        let agreement_no = debit.terms.as_ref().map(|terms| &terms.agreement_no);
        let is_its_own = self.provider == debit.provider
            && agreement_no.is_some()
            && self.agreement_no.as_ref() == agreement_no;
        let since_s = match self.phase {
            MandatePhase::Active => now,
            MandatePhase::Suspended { since_s, why: Suspension::ByGateway } => since_s,
            MandatePhase::Offered
            | MandatePhase::Suspended { why: Suspension::ByDebit { .. }, .. }
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => return None,
        };
        let why = Suspension::ByDebit { debit: debit.debit, given_up: given_up.clone() };
        is_its_own.then(|| self.moved(MandatePhase::Suspended { since_s, why }, now))
    }

    /// The mandate after a person resumed it. Earlier reports of the gateway no longer count: it is
    /// asked before the next debit.
    ///
    /// # Errors
    ///
    /// [`MandateConflict`] unless it is suspended.
    pub fn resumed(&self, now: Timestamp) -> Result<Mandate, MandateConflict> {
        match self.phase {
            MandatePhase::Suspended { .. } => {
                Ok(Mandate { checked_at_s: None, ..self.progressed(MandatePhase::Active, now) })
            }
            MandatePhase::Offered
            | MandatePhase::Active
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => Err(self.not_waiting()),
        }
    }

    /// When the offer lapses, if it is not signed.
    #[must_use]
    pub fn lapses_at(&self) -> Timestamp {
        self.offered_at_s + OFFER_LAPSES_AFTER
    }

    /// Queried again after the next wait; an offer not later than when it lapses.
    fn asked_again(&self, now: Timestamp) -> Mandate {
        let task = match self.phase {
            MandatePhase::Offered => {
                let task = self.task.backed_off(Backoff::OFFER_QUERY, now);
                let is_over = now >= self.lapses_at();
                task.moved(if is_over {
                    task.due_at_s
                } else {
                    task.due_at_s.min(self.lapses_at())
                })
            }
            MandatePhase::Active
            | MandatePhase::Suspended { .. }
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => self.task.backed_off(Backoff::MINUTES, now),
        };
        Mandate { task, ..self.clone() }
    }

    fn moved(&self, phase: MandatePhase, due_at: Timestamp) -> Mandate {
        Mandate { phase, task: self.task.moved(due_at), ..self.clone() }
    }

    fn progressed(&self, phase: MandatePhase, due_at: Timestamp) -> Mandate {
        Mandate { phase, task: self.task.progressed(due_at), ..self.clone() }
    }

    fn ended(&self, why: EndReason, at_s: Timestamp, now: Timestamp) -> Mandate {
        self.progressed(MandatePhase::Ended { at_s, why }, now)
    }

    fn not_waiting(&self) -> MandateConflict {
        MandateConflict { mandate: self.mandate, phase: self.phase.clone() }
    }
}
