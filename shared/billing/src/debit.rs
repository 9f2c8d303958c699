//! A debit: one request to take one amount under a mandate. Pure: a state machine over the
//! gateway's answers.

mod attempt;
mod evidence;
mod history;
mod phase;
mod resolution;
mod rules;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, Fen};
use thiserror::Error;

pub use attempt::Attempt;
pub use evidence::ProvedPaid;
pub use history::{Asked, Exchange, History, Intervention};
pub use phase::{GiveUpReason, Phase, Step};
pub use resolution::{NothingToResolve, Resolution};
pub use rules::DebitRules;

use crate::task::Backoff;
use crate::{
    DebitId, Decline, DeclineReason, Doubt, GatewayCode, MandateId, OutTradeNo, PayAnswer, Payment,
    ProviderId, QueryAnswer, Task, Unanswered,
};

/// How many days after its first try a debit that was declined for want of funds is tried again.
/// After the last one it is given up.
///
/// Source: Alipay's advice for failed withholdings is about two retries on later days.
pub const FUNDS_RETRY_DAYS: [i32; 2] = [1, 3];

/// How many days a debit that the gateway does not allow now is tried on.
pub const WINDOW_TRIES_MAX: usize = 7;

/// How many attempts a debit may have. The gateway closed each of them unpaid, which no retry will
/// change.
const ATTEMPTS_MAX: usize = 20;

/// How long an answer is waited for. The client gives up after ten seconds.
const ANSWER_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

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
    /// What it asks for; none before it is first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<DebitTerms>,
    /// What was sent, in order. A new attempt begins only after the one before is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Its phase.
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

/// One day's try that was declined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The reason.
    pub reason: DeclineReason,
    /// The gateway's code.
    pub code: GatewayCode,
}

/// The debit was not waiting for such an answer. This is a defect, since an answer that contradicts
/// what is recorded leads to a held debit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("debit {debit} was {phase:?} and not waiting for this answer")]
pub struct DebitConflict {
    /// The debit.
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

    /// The next step now.
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

    /// What it reserves: its amount while it is open, nothing before it is sent.
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

    /// The debit just before it is sent: to be stored first. The terms and the content of what was
    /// sent before stay as they are.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it is to be sent.
    pub fn sending(
        &self,
        terms: DebitTerms,
        out_trade_no: OutTradeNo,
        request: String,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due {
            return Err(self.not_waiting());
        }
        let mut sending = self.moved(Phase::Sending, now + ANSWER_WAIT);
        sending.terms.get_or_insert(terms);
        if self.last_attempt().is_none_or(|attempt| attempt.is_closed) {
            sending.attempts.push(Attempt {
                out_trade_no,
                request,
                sent_at_s: now,
                unanswered_at_s: Unanswered::default(),
                is_closed: false,
                payment: None,
            });
        }
        Ok(sending.with_last_attempt(|attempt| {
            attempt.sent_at_s = now;
            attempt.unanswered_at_s = attempt.unanswered_at_s.sent(now);
        }))
    }

    /// The debit that will not be sent: nothing is owed any more, or there is no mandate to collect
    /// it.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] when it was sent.
    pub fn withdrawn(&self) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due || self.terms.is_some() {
            return Err(self.not_waiting());
        }
        Ok(Debit { phase: Phase::Withdrawn, ..self.clone() })
    }

    /// The debit that is not sent before the next day, since the day's limit is used up.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] when it was sent.
    pub fn capped(&self, rules: &DebitRules, now: Timestamp) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due || self.terms.is_some() {
            return Err(self.not_waiting());
        }
        Ok(self.moved(Phase::Due, rules.next_day_due(&self.provider, now)))
    }

    /// The sent debit whose mandate can no longer be used: given up, which a query has to prove.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it is to be sent again.
    pub fn without_mandate(
        &self,
        code: GatewayCode,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due || self.terms.is_none() {
            return Err(self.not_waiting());
        }
        Ok(self.giving_up(GiveUpReason::MandateDead(code), now))
    }

    /// The sent debit whose mandate is suspended: not sent today, as if the gateway did not allow
    /// it.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it is to be sent again.
    pub fn postponed(
        &self,
        code: GatewayCode,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Due || self.terms.is_none() {
            return Err(self.not_waiting());
        }
        let decline = Decline { reason: DeclineReason::Window, sub_code: code.0 };
        Ok(self.after_decline(decline, rules, now))
    }

    /// The debit after the answer to its request.
    ///
    /// A code that no later try can mend gives it up, which a query has to prove. A code that blames
    /// our request is for a person. Trouble of our own account leaves it due, since the breaker
    /// stops all debits.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it was sent.
    pub fn after_pay(
        &self,
        answer: PayAnswer,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        if self.phase != Phase::Sending {
            return Err(self.not_waiting());
        }
        let told = answer.to_string();
        let heard = match answer {
            PayAnswer::InDoubt(_) => self.clone(),
            PayAnswer::Paid(_)
            | PayAnswer::Declined(_)
            | PayAnswer::MandateDead(_)
            | PayAnswer::PayerBlocked(_)
            | PayAnswer::OwnAccount(_)
            | PayAnswer::OwnFault(_)
            | PayAnswer::Throttled(_) => self.clone().with_last_attempt(|attempt| {
                attempt.unanswered_at_s = attempt.unanswered_at_s.answered();
            }),
        };
        let after = match answer {
            PayAnswer::Paid(payment) => heard.paid(payment, now),
            PayAnswer::Declined(decline) => heard.after_decline(decline, rules, now),
            PayAnswer::MandateDead(code) => heard.giving_up(GiveUpReason::MandateDead(code), now),
            PayAnswer::PayerBlocked(code) => heard.giving_up(GiveUpReason::PayerBlocked(code), now),
            PayAnswer::OwnAccount(_) | PayAnswer::Throttled(_) => {
                heard.backed_off(Phase::Due, Backoff::MINUTES, now)
            }
            PayAnswer::OwnFault(code) => {
                heard.held(format!("our request is wrong: {}", code.0), None, now)
            }
            PayAnswer::InDoubt(doubt) => heard.in_doubt(doubt.0, now),
        };
        Ok(after.exchanged(Asked::Pay, told, now))
    }

    /// The debit after the answer to a query for its last attempt.
    ///
    /// An attempt that the gateway does not know, or knows as unpaid, is sent again unchanged, since
    /// the gateway takes one number's money at most once. A closed one is followed by a new
    /// attempt. A debit that is held stays held unless it is paid.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it was to be queried.
    pub fn after_query(&self, answer: QueryAnswer, now: Timestamp) -> Result<Debit, DebitConflict> {
        let told = answer.to_string();
        let after = match &self.phase {
            Phase::Sending | Phase::InDoubt { .. } => self.after_doubt(answer, now),
            Phase::Checking { why } => self.after_check(answer, why, now),
            Phase::Confirming { why } => self.after_close_query(answer, why, now),
            Phase::Rechecking { why, .. } => self.after_recheck(answer, why, now),
            Phase::Due
            | Phase::Closing { .. }
            | Phase::Held { .. }
            | Phase::Paid { .. }
            | Phase::GivenUp { .. }
            | Phase::Withdrawn => return Err(self.not_waiting()),
        };
        Ok(after.exchanged(Asked::Query, told, now))
    }

    fn after_doubt(&self, answer: QueryAnswer, now: Timestamp) -> Debit {
        match answer {
            QueryAnswer::Paid(payment) => self.paid(payment, now),
            QueryAnswer::Closed if self.attempts.len() >= ATTEMPTS_MAX => {
                self.held(format!("the gateway closed {ATTEMPTS_MAX} attempts"), None, now)
            }
            QueryAnswer::Closed => {
                self.moved(Phase::Due, now).with_last_attempt(|attempt| attempt.is_closed = true)
            }
            QueryAnswer::NotFound | QueryAnswer::Pending => self.moved(Phase::Due, now),
            QueryAnswer::InDoubt(doubt) => self.in_doubt(doubt.0, now),
        }
    }

    /// A debit that is given up is closed before it ends, so that no request that is still on its
    /// way can take the money later.
    fn after_check(&self, answer: QueryAnswer, why: &GiveUpReason, now: Timestamp) -> Debit {
        let why = why.clone();
        match answer {
            QueryAnswer::Paid(payment) => self.paid(payment, now),
            QueryAnswer::Closed => self.abandoned(why),
            QueryAnswer::Pending | QueryAnswer::NotFound => self.moved(Phase::Closing { why }, now),
            QueryAnswer::InDoubt(_) => {
                self.backed_off(Phase::Checking { why }, Backoff::DEBIT_QUERY, now)
            }
        }
    }

    /// A number that the gateway does not know ends only when no request for it can be on its way:
    /// one that arrived after the close would create the trade, and take the money.
    fn after_close_query(&self, answer: QueryAnswer, why: &GiveUpReason, now: Timestamp) -> Debit {
        let why = why.clone();
        match answer {
            QueryAnswer::Paid(payment) => self.paid(payment, now),
            QueryAnswer::Closed => self.abandoned(why),
            QueryAnswer::NotFound if self.is_quiet(now) => self.abandoned(why),
            QueryAnswer::NotFound | QueryAnswer::InDoubt(_) => {
                self.backed_off(Phase::Confirming { why }, Backoff::DEBIT_QUERY, now)
            }
            QueryAnswer::Pending => {
                self.backed_off(Phase::Closing { why }, Backoff::DEBIT_QUERY, now)
            }
        }
    }

    fn after_recheck(&self, answer: QueryAnswer, why: &str, now: Timestamp) -> Debit {
        let found = match answer {
            QueryAnswer::Paid(payment) => return self.paid(payment, now),
            QueryAnswer::InDoubt(doubt) => {
                let phase = Phase::Rechecking { why: why.to_owned(), found: Some(doubt.0) };
                return self.backed_off(phase, Backoff::DEBIT_QUERY, now);
            }
            QueryAnswer::Pending => "it is not paid yet",
            QueryAnswer::Closed => "it is closed",
            QueryAnswer::NotFound => "it is not known",
        };
        self.held(why.to_owned(), Some(found.to_owned()), now)
    }

    /// The debit after the answer to a close. A query has to confirm it.
    ///
    /// # Errors
    ///
    /// [`DebitConflict`] unless it was being closed.
    pub fn after_close(
        &self,
        answer: Result<(), Doubt>,
        now: Timestamp,
    ) -> Result<Debit, DebitConflict> {
        let Phase::Closing { why } = &self.phase else { return Err(self.not_waiting()) };
        let why = why.clone();
        let (after, told) = match answer {
            Ok(()) => (self.moved(Phase::Confirming { why }, now), "done".to_owned()),
            // The gateway may not have received it: a request on its way could still take the money.
            Err(doubt) => {
                let after = self.backed_off(Phase::Checking { why }, Backoff::DEBIT_QUERY, now);
                (after, format!("in doubt: {}", doubt.0))
            }
        };
        Ok(after.exchanged(Asked::Close, told, now))
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

    /// A payment of another amount is not what the debit asked for: a person finds out what it is.
    fn paid(&self, payment: Payment, now: Timestamp) -> Debit {
        let asked = self.terms.as_ref().map(|terms| terms.amount_fen);
        if asked != Some(payment.amount_fen) {
            let asked = asked.unwrap_or(Fen::ZERO);
            let why = format!(
                "¥{asked} were asked for, but ¥{} taken by trade {}",
                payment.amount_fen, payment.trade_no
            );
            return self.held(why, None, now);
        }
        let phase = Phase::Paid { attempt: self.attempt_count() };
        let paid = self.progressed(phase, self.task.due_at_s);
        paid.with_last_attempt(|attempt| attempt.payment = Some(payment))
    }

    fn after_decline(&self, decline: Decline, rules: &DebitRules, now: Timestamp) -> Debit {
        let code = GatewayCode(decline.sub_code);
        let mut declined = self.clone();
        declined.declines.push(Declined { at_s: now, reason: decline.reason, code: code.clone() });
        let count = |reason| declined.declines.iter().filter(|d| d.reason == reason).count();
        match decline.reason {
            DeclineReason::Funds => {
                let tries = count(DeclineReason::Funds);
                match tries.checked_sub(1).and_then(|before| FUNDS_RETRY_DAYS.get(before)) {
                    Some(days) => {
                        let first = declined.first_declined_at(now);
                        let due = rules.retry_due(&self.provider, first, *days, now);
                        declined.progressed(Phase::Due, due)
                    }
                    None => declined.giving_up(GiveUpReason::Funds, now),
                }
            }
            DeclineReason::Window if count(DeclineReason::Window) < WINDOW_TRIES_MAX => {
                declined.progressed(Phase::Due, rules.next_day_due(&self.provider, now))
            }
            DeclineReason::Window => declined.giving_up(GiveUpReason::Window(code), now),
            DeclineReason::AmountCap => declined.giving_up(GiveUpReason::AmountCap(code), now),
        }
    }

    /// When its first try for funds was declined.
    fn first_declined_at(&self, now: Timestamp) -> Timestamp {
        let mut funds = self.declines.iter().filter(|d| d.reason == DeclineReason::Funds);
        funds.next().map_or(now, |declined| declined.at_s)
    }

    /// An earlier request under the same number may have taken the money, so a query comes first.
    fn giving_up(&self, why: GiveUpReason, now: Timestamp) -> Debit {
        self.progressed(Phase::Checking { why }, now)
    }

    fn abandoned(&self, why: GiveUpReason) -> Debit {
        self.progressed(Phase::GivenUp { why }, self.task.due_at_s)
    }

    fn held(&self, why: String, found: Option<String>, now: Timestamp) -> Debit {
        self.progressed(Phase::Held { why, found }, now + REPORT_EVERY)
    }

    fn in_doubt(&self, why: String, now: Timestamp) -> Debit {
        self.backed_off(Phase::InDoubt { why }, Backoff::DEBIT_QUERY, now)
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
