//! A debit: one request to take one amount under a mandate. Pure: a state machine over what the
//! gateway answered.

use std::fmt;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::{
    Calendar, Decline, DeclineReason, Mandate, OutTradeNo, PayAnswer, Payment, ProviderId,
    QueryAnswer,
};

/// A debit's number among its provider's: that of the journal entry that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DebitId(pub u64);

/// One debit of the platform: what a message that asks for a visit to it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DebitRef {
    /// Whose debit.
    pub provider: ProviderId,
    /// Which.
    pub debit: DebitId,
}

/// When debits are made, and from what amount on.
#[derive(Clone, Debug)]
pub struct DebitTerms {
    /// The platform's calendar.
    pub calendar: Calendar,
    /// The least that is worth a debit.
    pub minimum_fen: Fen,
    /// The time of the day at which debits fall due.
    pub time_of_day: Time,
}

/// How often a debit that is declined for want of funds is tried, each on a day of its own.
pub const TRIES_MAX: u8 = 3;

/// How long an attempt may have been sent before nobody is waiting for its answer any more.
///
/// Longer than a call can take: the client gives up after ten seconds.
const ANSWER_WAIT: SignedDuration = SignedDuration::from_secs(60);

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
    /// The agreement under which it is asked.
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
    /// How often nobody knew since it was last declined.
    pub doubts: u16,
    /// Not to be touched before this, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub due_at_s: Timestamp,
}

/// Where a debit stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// To be asked for when it falls due: never asked yet, or declined, or proved not to have
    /// arrived.
    Due,
    /// Stored, and about to be asked or just asked. Found so later, it is in doubt.
    Sending,
    /// Asked, and nobody knows. Only a query resolves it.
    InDoubt {
        /// Why nobody knows.
        why: String,
    },
    /// Declined for the last time; the gateway is asked whether the attempt is really unpaid.
    Exhausting {
        /// Whether the gateway was asked to close it before.
        close_sent: bool,
    },
    /// Declined for the last time and unpaid; to be closed at the gateway.
    Closing,
    /// The money was taken.
    Paid {
        /// The gateway's number of the trade.
        trade_no: String,
        /// What it took: what was asked for.
        taken_fen: Fen,
    },
    /// Given up; proved that nothing was taken.
    Exhausted,
}

/// What to do with a debit now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is not due, or it has ended.
    Wait,
    /// Store [`Debit::sending`], then ask for the money.
    Pay,
    /// Ask what became of the attempt.
    Query,
    /// Close the attempt.
    Close,
}

/// Why an answer contradicts what is recorded. Retrying cannot help; a person must look.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DebitConflict {
    /// The gateway took another amount than was asked for.
    #[error("debit {debit} asked for {asked} yuan, but {taken} were taken")]
    Amount {
        /// The debit.
        debit: DebitId,
        /// What was asked for.
        asked: Fen,
        /// What was taken.
        taken: Fen,
    },
    /// The debit was not waiting for such an answer.
    #[error("debit {debit} was {phase:?} and not waiting for this answer")]
    NotWaiting {
        /// The debit.
        debit: DebitId,
        /// Where it stood.
        phase: Phase,
    },
}

impl DebitTerms {
    /// The next time that debits fall due, now included.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Timestamp {
        let today = self.calendar.instant(self.calendar.date_of(now), self.time_of_day);
        if now <= today { today } else { self.next_day_due(now) }
    }

    /// The time at which debits fall due on the day after.
    #[must_use]
    pub fn next_day_due(&self, now: Timestamp) -> Timestamp {
        let tomorrow = self.calendar.date_of(now).tomorrow().unwrap_or(jiff::civil::Date::MAX);
        self.calendar.instant(tomorrow, self.time_of_day)
    }
}

impl Debit {
    /// A new debit, to be asked for when debits next fall due.
    #[must_use]
    pub fn open(
        provider: &ProviderId,
        debit: DebitId,
        amount_fen: Fen,
        mandate: &Mandate,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Debit {
        Debit {
            provider: provider.clone(),
            debit,
            version: 0,
            amount_fen,
            agreement_no: mandate.agreement_no.clone(),
            opened_at_s: now,
            attempt: 1,
            out_trade_no: out_trade_no(provider, debit, 1),
            request: None,
            phase: Phase::Due,
            declines: 0,
            doubts: 0,
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
            Phase::Sending | Phase::InDoubt { .. } | Phase::Exhausting { .. } => Step::Query,
            Phase::Closing => Step::Close,
            Phase::Paid { .. } | Phase::Exhausted => Step::Wait,
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
            | Phase::Closing => true,
            Phase::Paid { .. } | Phase::Exhausted => false,
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
            | Phase::Closing
            | Phase::Exhausted => None,
        }
    }

    /// The debit just before its attempt is sent: to be stored first. The content of an attempt
    /// that was sent before stays as it was; `content` makes the first.
    ///
    /// # Errors
    ///
    /// [`DebitConflict::NotWaiting`] unless it is to be asked for.
    pub fn sending(&self, content: String, now: Timestamp) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due {
            return Err(self.not_waiting());
        }
        let request = self.request.clone().unwrap_or(content);
        Ok(Debit { request: Some(request), ..self.with(Phase::Sending, now + ANSWER_WAIT) })
    }

    /// The debit after the answer to its attempt.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] when the answer contradicts what is recorded.
    pub fn after_pay(
        &self,
        answer: PayAnswer,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Sending {
            return Err(self.not_waiting());
        }
        match answer {
            PayAnswer::Paid(payment) => self.paid(payment, now),
            PayAnswer::Declined(decline) => Ok(self.after_decline(&decline, terms, now)),
            PayAnswer::MandateDead(refusal) => {
                Ok(self.in_doubt(format!("the mandate is dead: {}", refusal.0), now))
            }
            PayAnswer::PayerBlocked(refusal) => {
                Ok(self.in_doubt(format!("the payer is blocked: {}", refusal.0), now))
            }
            PayAnswer::OwnAccount(refusal) => {
                Ok(self.in_doubt(format!("our own account is in trouble: {}", refusal.0), now))
            }
            PayAnswer::OwnFault(refusal) => {
                Ok(self.in_doubt(format!("our request is wrong: {}", refusal.0), now))
            }
            PayAnswer::InDoubt(doubt) => Ok(self.in_doubt(doubt.0, now)),
        }
    }

    /// The debit after the answer to a query for its attempt.
    ///
    /// An attempt that the gateway does not know, or knows as unpaid, is sent again as it is: the
    /// gateway takes one number's money at most once. A closed one gets a new number.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] when the answer contradicts what is recorded.
    pub fn after_query(&self, answer: QueryAnswer, now: Timestamp) -> Result<Debit, DebitConflict> {
        match self.phase {
            Phase::Sending | Phase::InDoubt { .. } => match answer {
                QueryAnswer::Paid(payment) => self.paid(payment, now),
                QueryAnswer::Closed => Ok(self.next_attempt(now)),
                QueryAnswer::NotFound | QueryAnswer::Pending => Ok(self.with(Phase::Due, now)),
                QueryAnswer::InDoubt(doubt) => Ok(self.in_doubt(doubt.0, now)),
            },
            Phase::Exhausting { close_sent } => self.after_last_query(answer, close_sent, now),
            Phase::Due | Phase::Closing | Phase::Paid { .. } | Phase::Exhausted => {
                Err(self.not_waiting())
            }
        }
    }

    /// A debit that is given up is closed first, so that nothing that is still on its way can take
    /// the money later; and it has ended only when a query says so.
    fn after_last_query(
        &self,
        answer: QueryAnswer,
        close_sent: bool,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        match answer {
            QueryAnswer::Paid(payment) => self.paid(payment, now),
            QueryAnswer::Closed => Ok(self.with(Phase::Exhausted, now)),
            QueryAnswer::NotFound if close_sent => Ok(self.with(Phase::Exhausted, now)),
            QueryAnswer::Pending if close_sent => {
                Ok(self.with(Phase::Closing, now + self.patience()).doubted())
            }
            QueryAnswer::Pending | QueryAnswer::NotFound => Ok(self.with(Phase::Closing, now)),
            QueryAnswer::InDoubt(_) => {
                Ok(self.with(Phase::Exhausting { close_sent }, now + self.patience()).doubted())
            }
        }
    }

    /// The debit after its attempt was closed, whatever came of it: a query proves it.
    ///
    /// # Errors
    ///
    /// [`DebitConflict::NotWaiting`] unless it was being closed.
    pub fn after_close(&self, now: Timestamp) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Closing {
            return Err(self.not_waiting());
        }
        Ok(self.with(Phase::Exhausting { close_sent: true }, now))
    }

    fn paid(&self, payment: Payment, now: Timestamp) -> Result<Debit, DebitConflict> {
        if payment.amount_fen != self.amount_fen {
            return Err(DebitConflict::Amount {
                debit: self.debit,
                asked: self.amount_fen,
                taken: payment.amount_fen,
            });
        }
        let Payment { trade_no, amount_fen } = payment;
        Ok(self.with(Phase::Paid { trade_no, taken_fen: amount_fen }, now))
    }

    /// Only want of funds counts as a decline; after any other, a query tells how to go on.
    fn after_decline(&self, decline: &Decline, terms: &DebitTerms, now: Timestamp) -> Debit {
        let sub_code = &decline.sub_code;
        match decline.reason {
            DeclineReason::Funds => self.declined(terms, now),
            DeclineReason::AmountCap => {
                self.in_doubt(format!("the amount is above a limit: {sub_code}"), now)
            }
            DeclineReason::Window => {
                self.in_doubt(format!("too many debits or too soon: {sub_code}"), now)
            }
        }
    }

    fn declined(&self, terms: &DebitTerms, now: Timestamp) -> Debit {
        let declines = self.declines.saturating_add(1);
        let next = if declines < TRIES_MAX {
            self.with(Phase::Due, terms.next_day_due(now))
        } else {
            self.with(Phase::Exhausting { close_sent: false }, now)
        };
        Debit { declines, doubts: 0, ..next }
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
            ..self.with(Phase::Due, now)
        }
    }

    /// How long until the next try to find out: a minute, then twice as long each time, an hour at
    /// most.
    fn patience(&self) -> SignedDuration {
        SignedDuration::from_mins((1_i64 << self.doubts.min(6)).min(60))
    }

    fn doubted(self) -> Debit {
        Debit { doubts: self.doubts.saturating_add(1), ..self }
    }

    fn with(&self, phase: Phase, due_at_s: Timestamp) -> Debit {
        Debit { phase, due_at_s, ..self.clone() }
    }

    fn not_waiting(&self) -> DebitConflict {
        DebitConflict::NotWaiting { debit: self.debit, phase: self.phase.clone() }
    }
}

/// The number of one attempt: no two attempts of the platform have the same, and it tells nobody
/// who the provider is.
fn out_trade_no(provider: &ProviderId, debit: DebitId, attempt: u16) -> OutTradeNo {
    let digest = Sha256::digest(provider.as_str());
    let provider: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    OutTradeNo(format!("SY_{provider}_{debit}_{attempt}"))
}

impl fmt::Display for DebitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
