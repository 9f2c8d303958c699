//! A debit after each answer of the gateway.

use jiff::Timestamp;
use steelyard_pricing::Fen;

use super::{Asked, Debit, DebitConflict, DebitRules, Declined, GiveUpReason, Phase, REPORT_EVERY};
use crate::task::Backoff;
use crate::{Decline, DeclineReason, Doubt, GatewayCode, PayAnswer, Payment, QueryAnswer};

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

impl Debit {
    /// The debit after the answer to its request.
    ///
    /// A code that no later try can mend gives it up, which a query has to prove. A code that
    /// blames our request is for a person. Trouble of our own account leaves it due, since the
    /// breaker stops all debits.
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
    /// An attempt that the gateway does not know, or knows as unpaid, is sent again unchanged,
    /// since the gateway takes one number's money at most once. A closed one is followed by a new
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
            // The gateway may not have received it: a request on its way could still take the
            // money.
            Err(doubt) => {
                let after = self.backed_off(Phase::Checking { why }, Backoff::DEBIT_QUERY, now);
                (after, format!("in doubt: {}", doubt.0))
            }
        };
        Ok(after.exchanged(Asked::Close, told, now))
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
        let phase = Phase::Paid { attempt: self.attempt_count(), at_s: now };
        let paid = self.progressed(phase, self.task.due_at_s);
        paid.with_last_attempt(|attempt| attempt.payment = Some(payment))
    }

    pub(super) fn after_decline(
        &self,
        decline: Decline,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Debit {
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
    pub(super) fn giving_up(&self, why: GiveUpReason, now: Timestamp) -> Debit {
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
}
