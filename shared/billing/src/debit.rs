//! A debit: one request to take one amount under a mandate. Pure: a state machine over what the
//! gateway answered.

mod exchange;
mod intervention;
mod learned;
mod phase;
mod terms;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

pub use exchange::{Asked, Exchange};
pub use intervention::{Intervention, InterventionError, REASON_MAX, Resolution};
pub use learned::Proved;
pub use phase::{GivenUp, Phase, Step};
pub use terms::DebitTerms;

use crate::patience::minutes_to_an_hour;
use crate::{
    Decline, DeclineReason, Doubt, GatewayCode, MandateId, MandateInUse, OutTradeNo, PayAnswer,
    Payment, ProviderId, QueryAnswer, TradeNumber, TradeOf,
};

/// A debit's number among its provider's: that of the journal entry that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DebitId(pub u64);

/// How often a debit that is declined for want of funds is tried, each on a day of its own.
pub const TRIES_MAX: u8 = 3;

/// How often a debit that the gateway does not allow now is tried, each on a day of its own.
pub const WINDOW_TRIES_MAX: u8 = 7;

/// How long an attempt may have been sent before nobody is waiting for its answer any more.
///
/// Longer than a call can take: the client gives up after ten seconds.
const ANSWER_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// How long a request that nobody answered may be on its way to the gateway.
const ON_ITS_WAY_MOST: SignedDuration = SignedDuration::from_mins(15);

/// One request to take one amount under a mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// Whose money.
    pub provider: ProviderId,
    /// Which debit of the provider.
    pub debit: DebitId,
    /// How often the debit was written; each write is conditional on the one before.
    pub version: u64,
    /// What is asked for.
    pub amount_fen: Fen,
    /// The mandate under which it is asked.
    pub mandate: MandateId,
    /// Alipay's number of the agreement.
    pub agreement_no: String,
    /// When it was opened, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub opened_at_s: Timestamp,
    /// The number of the attempt, from 1; a new one only after the one before is proved dead.
    pub attempt: u16,
    /// The number by which the gateway knows the attempt.
    pub out_trade_no: OutTradeNo,
    /// The exact content of the attempt's request, stored before the first call and sent again
    /// unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: Phase,
    /// How often it was declined for want of funds.
    pub declines: u8,
    /// How often the gateway did not allow it now: too many debits, too soon, or not at this time.
    #[serde(default, skip_serializing_if = "is_none")]
    pub window_declines: u8,
    /// How often nobody knew since it was last declined.
    pub doubts: u16,
    /// How often in a row our own account at the gateway was in trouble.
    #[serde(default, skip_serializing_if = "is_none")]
    pub own_account_troubles: u16,
    /// The attempt that paid it, if that is not the one at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_attempt: Option<u16>,
    /// Since when a request may be on its way that nobody has answered, in seconds of Unix time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    pub unanswered_since_s: Option<Timestamp>,
    /// What the gateway was asked and answered, the last of it at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// Payments that came to light for attempts that were thought dead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found_payments: Vec<FoundPayment>,
    /// What people did to it, the last of it at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
    /// Not to be touched before this, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub due_at_s: Timestamp,
}

/// A payment that came to light for an attempt that was thought dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPayment {
    /// The attempt.
    pub attempt: u16,
    /// What was taken, and by which trade.
    #[serde(flatten)]
    pub payment: Payment,
}

/// The debit was not waiting for such an answer: a defect, since an answer that contradicts what is
/// recorded lets the debit be held.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("debit {debit} was {phase:?} and not waiting for this answer")]
pub struct DebitConflict {
    /// The debit.
    pub debit: DebitId,
    /// Where it stood.
    pub phase: Phase,
}

impl Debit {
    /// A new debit, to be asked for when debits next fall due.
    #[must_use]
    pub fn open(
        provider: &ProviderId,
        debit: DebitId,
        amount_fen: Fen,
        mandate: &MandateInUse,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Debit {
        Debit {
            provider: provider.clone(),
            debit,
            version: 0,
            amount_fen,
            mandate: mandate.mandate,
            agreement_no: mandate.agreement_no.clone(),
            opened_at_s: now,
            attempt: 1,
            out_trade_no: out_trade_no(provider, debit, 1),
            request: None,
            phase: Phase::Due,
            declines: 0,
            window_declines: 0,
            doubts: 0,
            own_account_troubles: 0,
            paid_attempt: None,
            unanswered_since_s: None,
            exchanges: Vec::new(),
            found_payments: Vec::new(),
            interventions: Vec::new(),
            due_at_s: terms.next_due(now),
        }
    }

    /// What to do now.
    #[must_use]
    pub fn next_step(&self, now: Timestamp) -> Step {
        if now < self.due_at_s {
            return Step::Wait;
        }
        match self.phase {
            Phase::Due => Step::Pay,
            Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Exhausting { .. }
            | Phase::Held { ask: true, .. } => Step::Query,
            Phase::Closing { .. } => Step::Close,
            Phase::Held { ask: false, .. } | Phase::Paid { .. } | Phase::Exhausted { .. } => {
                Step::Wait
            }
        }
    }

    /// When there is something to do with it; never when it is held, or has ended.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.next_step(self.due_at_s) {
            Step::Pay | Step::Query | Step::Close => Some(self.due_at_s),
            Step::Wait => None,
        }
    }

    /// Whether it may still take money.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.phase {
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Exhausting { .. }
            | Phase::Closing { .. }
            | Phase::Held { .. } => true,
            Phase::Paid { .. } | Phase::Exhausted { .. } => false,
        }
    }

    /// What the gateway took, if it did.
    #[must_use]
    pub fn payment(&self) -> Option<Payment> {
        match &self.phase {
            Phase::Paid { trade_no, taken_fen } => {
                Some(Payment { trade_no: trade_no.clone(), amount_fen: *taken_fen })
            }
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Exhausting { .. }
            | Phase::Closing { .. }
            | Phase::Held { .. }
            | Phase::Exhausted { .. } => None,
        }
    }

    /// Why it was given up, if it was, and it is proved that nothing was taken.
    #[must_use]
    pub fn given_up(&self) -> Option<&GivenUp> {
        match &self.phase {
            Phase::Exhausted { given_up } => Some(given_up),
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Exhausting { .. }
            | Phase::Closing { .. }
            | Phase::Held { .. }
            | Phase::Paid { .. } => None,
        }
    }

    /// The debit just before its attempt is sent: to be stored first. The content of an attempt
    /// that was sent before stays as it was; `content` makes the first.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it is to be asked for.
    pub fn sending(&self, content: String, now: Timestamp) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due {
            return Err(self.not_waiting());
        }
        let request = self.request.clone().unwrap_or(content);
        Ok(Debit {
            request: Some(request),
            unanswered_since_s: Some(now),
            ..self.with(Phase::Sending, now + ANSWER_WAIT)
        })
    }

    /// The debit that is not asked for, since its mandate cannot be used any more: it is given up,
    /// which a query has to prove, since it may have been asked for before.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it is to be asked for.
    pub fn without_mandate(
        &self,
        why: GatewayCode,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due {
            return Err(self.not_waiting());
        }
        Ok(self.giving_up(GivenUp::MandateDead(why), now))
    }

    /// The debit that is not asked for today, since its mandate is suspended: as if the gateway did
    /// not allow it now.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it is to be asked for.
    pub fn postponed(
        &self,
        why: GatewayCode,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due {
            return Err(self.not_waiting());
        }
        let decline = Decline { reason: DeclineReason::Window, sub_code: why.0 };
        Ok(self.after_decline(decline, terms, now))
    }

    /// The debit after the answer to its attempt.
    ///
    /// A refusal that no later try can mend gives it up, which a query has to prove; one that is of
    /// our own making is for a person.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it was sent.
    pub fn after_pay(
        &self,
        answer: PayAnswer,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Sending {
            return Err(self.not_waiting());
        }
        let told = answer.to_string();
        let is_answered = !matches!(answer, PayAnswer::InDoubt(_));
        let unanswered_since_s = self.unanswered_since_s.filter(|_| !is_answered);
        let exchanged = |after: Debit| {
            let after = Debit { unanswered_since_s, ..after };
            after.exchanged(self.attempt, Asked::Pay, told, now)
        };
        let after = match answer {
            PayAnswer::Paid(payment) => self.paid(payment, now),
            PayAnswer::Declined(decline) => self.after_decline(decline, terms, now),
            PayAnswer::MandateDead(code) => self.giving_up(GivenUp::MandateDead(code), now),
            PayAnswer::PayerBlocked(code) => self.giving_up(GivenUp::PayerBlocked(code), now),
            PayAnswer::OwnAccount(_) | PayAnswer::Throttled(_) => {
                return Ok(exchanged(self.after_own_account_trouble(now)));
            }
            PayAnswer::OwnFault(code) => {
                self.held(format!("our request is wrong: {}", code.0), None, now)
            }
            PayAnswer::InDoubt(doubt) => self.in_doubt(doubt.0, now),
        };
        Ok(exchanged(Debit { own_account_troubles: 0, ..after }))
    }

    /// The debit after the answer to a query for its attempt.
    ///
    /// An attempt that the gateway does not know, or knows as unpaid, is sent again as it is: the
    /// gateway takes one number's money at most once. A closed one gets a new number.
    ///
    /// One that is held stays held unless it is paid: it is asked about for a person.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it was to be asked about.
    pub fn after_query(&self, answer: QueryAnswer, now: Timestamp) -> Result<Debit, DebitConflict> {
        let told = answer.to_string();
        let after = self.queried(answer, now)?;
        Ok(after.exchanged(self.attempt, Asked::Query, told, now))
    }

    fn queried(&self, answer: QueryAnswer, now: Timestamp) -> Result<Debit, DebitConflict> {
        match &self.phase {
            Phase::Sending | Phase::InDoubt { .. } => Ok(match answer {
                QueryAnswer::Paid(payment) => self.paid(payment, now),
                QueryAnswer::Closed => self.next_attempt(now),
                QueryAnswer::NotFound | QueryAnswer::Pending => self.with(Phase::Due, now),
                QueryAnswer::InDoubt(doubt) => self.in_doubt(doubt.0, now),
            }),
            Phase::Exhausting { close_sent, given_up } => {
                Ok(self.after_last_query(answer, *close_sent, given_up.clone(), now))
            }
            Phase::Held { why, ask: true, .. } => {
                Ok(self.after_query_for_a_person(answer, why.clone(), now))
            }
            Phase::Due
            | Phase::Closing { .. }
            | Phase::Held { ask: false, .. }
            | Phase::Paid { .. }
            | Phase::Exhausted { .. } => Err(self.not_waiting()),
        }
    }

    /// A debit that is given up is closed first, so that nothing that is still on its way can take
    /// the money later; and it has ended only when a query says so.
    fn after_last_query(
        &self,
        answer: QueryAnswer,
        close_sent: bool,
        given_up: GivenUp,
        now: Timestamp,
    ) -> Debit {
        match answer {
            QueryAnswer::Paid(payment) => self.paid(payment, now),
            QueryAnswer::Closed => self.with(Phase::Exhausted { given_up }, now),
            QueryAnswer::NotFound if close_sent && self.is_surely_heard(now) => {
                self.with(Phase::Exhausted { given_up }, now)
            }
            // A request that is still on its way would make the trade, and take the money.
            QueryAnswer::NotFound if close_sent => {
                let phase = Phase::Exhausting { close_sent, given_up };
                self.with(phase, now + self.patience()).doubted()
            }
            QueryAnswer::Pending if close_sent => {
                self.with(Phase::Closing { given_up }, now + self.patience()).doubted()
            }
            QueryAnswer::Pending | QueryAnswer::NotFound => {
                self.with(Phase::Closing { given_up }, now)
            }
            QueryAnswer::InDoubt(_) => {
                let phase = Phase::Exhausting { close_sent, given_up };
                self.with(phase, now + self.patience()).doubted()
            }
        }
    }

    /// Whether no request can be on its way any more.
    fn is_surely_heard(&self, now: Timestamp) -> bool {
        self.unanswered_since_s.is_none_or(|since| now >= since + ON_ITS_WAY_MOST)
    }

    fn after_query_for_a_person(&self, answer: QueryAnswer, why: String, now: Timestamp) -> Debit {
        let found = match answer {
            QueryAnswer::Paid(payment) => return self.paid(payment, now),
            QueryAnswer::InDoubt(doubt) => {
                let phase = Phase::Held { why, ask: true, found: Some(doubt.0) };
                return self.with(phase, now + self.patience()).doubted();
            }
            QueryAnswer::Pending => "it is not paid yet",
            QueryAnswer::Closed => "it is closed",
            QueryAnswer::NotFound => "it is not known",
        };
        self.held(why, Some(found.to_owned()), now)
    }

    /// The debit after its attempt was closed, or after nobody knew whether it was: a query proves it.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it was being closed.
    pub fn after_close(
        &self,
        answer: Result<(), Doubt>,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        let Phase::Closing { given_up } = &self.phase else { return Err(self.not_waiting()) };
        let exhausting = |close_sent| Phase::Exhausting { close_sent, given_up: given_up.clone() };
        let (after, told) = match answer {
            Ok(()) => (self.with(exhausting(true), now), "done".to_owned()),
            // Nobody knows whether it was heard: what is on its way could still take the money.
            Err(doubt) => {
                let later = now + self.patience();
                (self.with(exhausting(false), later).doubted(), format!("in doubt: {}", doubt.0))
            }
        };
        Ok(after.exchanged(self.attempt, Asked::Close, told, now))
    }

    /// A payment of another amount is none that we asked for: a person finds out what it is.
    fn paid(&self, payment: Payment, now: Timestamp) -> Debit {
        let Payment { trade_no, amount_fen } = payment;
        let asked = self.amount_fen;
        if amount_fen != asked {
            let why =
                format!("{asked} yuan were asked for, but {amount_fen} taken by trade {trade_no}");
            return self.held(why, None, now);
        }
        self.with(Phase::Paid { trade_no, taken_fen: amount_fen }, now)
    }

    fn after_decline(&self, decline: Decline, terms: &DebitTerms, now: Timestamp) -> Debit {
        let code = GatewayCode(decline.sub_code);
        match decline.reason {
            DeclineReason::Funds => {
                let declines = self.declines.saturating_add(1);
                let counted = Debit { declines, ..self.clone() };
                counted.again_or(declines < TRIES_MAX, GivenUp::Funds, terms, now)
            }
            DeclineReason::Window => {
                let window_declines = self.window_declines.saturating_add(1);
                let counted = Debit { window_declines, ..self.clone() };
                let again = window_declines < WINDOW_TRIES_MAX;
                counted.again_or(again, GivenUp::Window(code), terms, now)
            }
            DeclineReason::AmountCap => self.giving_up(GivenUp::AmountCap(code), now),
        }
    }

    /// The debit after it was declined: tried again on the next day, or given up.
    fn again_or(
        &self,
        again: bool,
        given_up: GivenUp,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Debit {
        if again {
            Debit { doubts: 0, ..self.with(Phase::Due, terms.next_day_due(now)) }
        } else {
            self.giving_up(given_up, now)
        }
    }

    /// An earlier request under the same number may have taken the money: a query tells.
    fn giving_up(&self, given_up: GivenUp, now: Timestamp) -> Debit {
        let phase = Phase::Exhausting { close_sent: false, given_up };
        Debit { doubts: 0, ..self.with(phase, now) }
    }

    /// No provider is to blame for it: the same attempt is due again, later and later.
    fn after_own_account_trouble(&self, now: Timestamp) -> Debit {
        let due_at_s = now + minutes_to_an_hour(self.own_account_troubles);
        Debit {
            own_account_troubles: self.own_account_troubles.saturating_add(1),
            ..self.with(Phase::Due, due_at_s)
        }
    }

    fn held(&self, why: String, found: Option<String>, now: Timestamp) -> Debit {
        self.with(Phase::Held { why, ask: false, found }, now)
    }

    fn in_doubt(&self, why: String, now: Timestamp) -> Debit {
        self.with(Phase::InDoubt { why }, now + self.patience()).doubted()
    }

    fn next_attempt(&self, now: Timestamp) -> Debit {
        let attempt = self.attempt.saturating_add(1);
        Debit {
            attempt,
            out_trade_no: out_trade_no(&self.provider, self.debit, attempt),
            request: None,
            unanswered_since_s: None,
            ..self.with(Phase::Due, now)
        }
    }

    fn patience(&self) -> SignedDuration {
        patience(self.doubts)
    }

    fn doubted(self) -> Debit {
        Debit { doubts: self.doubts.saturating_add(1), ..self }
    }

    fn with(&self, phase: Phase, due_at_s: Timestamp) -> Debit {
        Debit { phase, due_at_s, ..self.clone() }
    }

    fn not_waiting(&self) -> DebitConflict {
        DebitConflict { debit: self.debit, phase: self.phase.clone() }
    }
}

/// How long until the gateway is asked again about what is in doubt: within seconds at first, then
/// every hour, until it tells, or the bill of the day does, or a person resolves it.
fn patience(doubts: u16) -> SignedDuration {
    const SECONDS: [i64; 5] = [1, 3, 10, 30, 60];
    let seconds = SECONDS.get(usize::from(doubts)).copied().unwrap_or(3600);
    SignedDuration::from_secs(seconds)
}

/// Whether a count is nothing, which is not stored.
fn is_none<T: Default + PartialEq>(count: &T) -> bool {
    *count == T::default()
}

/// The number of one attempt: no two attempts of the platform have the same.
fn out_trade_no(provider: &ProviderId, debit: DebitId, attempt: u16) -> OutTradeNo {
    TradeNumber::new(provider, TradeOf::Debit { debit, attempt }).out_trade_no()
}

impl fmt::Display for DebitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
