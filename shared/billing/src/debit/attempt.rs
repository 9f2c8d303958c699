//! The attempts of a debit: what was sent under which number, and what it took.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Debit, Phase};
use crate::{OutTradeNo, Payment, Realm, TradeNumber, TradeOf, Unanswered};

/// One attempt of a debit: one number at the gateway, which takes its money at most once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The number by which the gateway knows it.
    pub out_trade_no: OutTradeNo,
    /// The exact content of its request, stored before the first call. Every retry sends the same
    /// bytes.
    pub request: String,
    /// When it was last sent, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub sent_at_s: Timestamp,
    /// The requests that nobody has answered.
    #[serde(default, skip_serializing_if = "Unanswered::is_empty")]
    pub unanswered_at_s: Unanswered,
    /// Whether the gateway says that it is closed: its number is dead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_closed: bool,
    /// The payment, if it took the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment>,
}

impl Debit {
    /// The last attempt; none before the debit is first sent.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// An attempt by its number, from 1; none if it was never sent.
    #[must_use]
    pub fn attempt(&self, number: u16) -> Option<&Attempt> {
        self.attempts.get(usize::from(number).checked_sub(1)?)
    }

    /// How many attempts were sent, which is the number of the last one.
    #[must_use]
    pub fn attempt_count(&self) -> u16 {
        u16::try_from(self.attempts.len()).unwrap_or(u16::MAX)
    }

    /// The number under which the debit is sent next: that of its last attempt, or a new one if
    /// there is none or it is closed.
    #[must_use]
    pub fn next_out_trade_no(&self, realm: &Realm) -> OutTradeNo {
        match self.last_attempt() {
            Some(attempt) if !attempt.is_closed => attempt.out_trade_no.clone(),
            Some(_) | None => {
                let attempt = self.attempt_count().saturating_add(1);
                let of = TradeOf::Debit { debit: self.debit, attempt };
                TradeNumber::new(realm, &self.provider, of).out_trade_no()
            }
        }
    }

    /// When its payment was booked; none unless it is paid.
    #[must_use]
    pub fn paid_at(&self) -> Option<Timestamp> {
        self.paid_by().map(|(_, at)| at)
    }

    /// The number of the attempt that paid the debit, from 1; none unless it is paid.
    fn paid_number(&self) -> Option<u16> {
        self.paid_by().map(|(attempt, _)| attempt)
    }

    /// The number of the attempt that paid the debit, and when that was booked.
    fn paid_by(&self) -> Option<(u16, Timestamp)> {
        match self.phase {
            Phase::Paid { attempt, at_s } => Some((attempt, at_s)),
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Held { .. }
            | Phase::Rechecking { .. }
            | Phase::GivenUp { .. }
            | Phase::Withdrawn => None,
        }
    }

    /// The attempt that paid the debit; none unless it is paid.
    #[must_use]
    pub fn paid_attempt(&self) -> Option<&Attempt> {
        self.paid_number().and_then(|number| self.attempt(number))
    }

    /// What the debit took, if it is paid.
    #[must_use]
    pub fn payment(&self) -> Option<&Payment> {
        self.paid_attempt().and_then(|attempt| attempt.payment.as_ref())
    }

    /// Payments that did not pay the debit, since another attempt did or since it was given up.
    /// Each with its attempt's number; they were credited to the provider.
    pub fn found_payments(&self) -> impl Iterator<Item = (u16, &Payment)> {
        let paid = self.paid_number();
        let numbered = (1_u16..).zip(&self.attempts);
        numbered
            .filter(move |(number, _)| paid != Some(*number))
            .filter_map(|(number, attempt)| Some((number, attempt.payment.as_ref()?)))
    }

    /// The debit with its last attempt changed.
    pub(super) fn with_last_attempt(mut self, change: impl FnOnce(&mut Attempt)) -> Debit {
        if let Some(last) = self.attempts.last_mut() {
            change(last);
        }
        self
    }
}
