//! A debit before it is sent, and the reasons for which it is not sent.

use jiff::{SignedDuration, Timestamp};

use super::{Attempt, Debit, DebitConflict, DebitRules, DebitTerms, GiveUpReason, Phase};
use crate::{Decline, DeclineReason, GatewayCode, OutTradeNo, Unanswered};

/// How long an answer is waited for. The client gives up after ten seconds.
const ANSWER_WAIT: SignedDuration = SignedDuration::from_secs(60);

impl Debit {
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

    /// The debit that will not be sent: nothing is owed by now, or there is no mandate to collect
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
}
