//! The effect on a debit of proof that an attempt was paid: a notification, or a row of a bill.

use jiff::Timestamp;

use super::{Debit, Phase};
use crate::{Outcome, Payment};

/// A debit after proof of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvedPaid {
    /// The payment pays the debit.
    Debit(Debit),
    /// The payment is found money: the debit was paid by another attempt, or given up. It is
    /// credited to the provider.
    Found(Debit),
}

impl Debit {
    /// The effect of proof that an attempt, numbered from 1, was paid.
    ///
    /// The last attempt pays an open debit, whatever was known of it before. Any other payment is
    /// found money. An attempt that was never sent cannot have been paid.
    #[must_use]
    pub fn after_proof(
        &self,
        number: u16,
        payment: &Payment,
        now: Timestamp,
    ) -> Outcome<ProvedPaid> {
        let (Some(attempt), Some(terms)) = (self.attempt(number), &self.terms) else {
            return Outcome::Contradicts;
        };
        if payment.amount_fen != terms.amount_fen {
            return Outcome::Contradicts;
        }
        match &attempt.payment {
            Some(known) if known == payment => return Outcome::Unchanged,
            Some(_) => return Outcome::Contradicts,
            None => {}
        }
        let mut proved = self.clone();
        for attempt in proved.attempts.iter_mut().skip(usize::from(number) - 1).take(1) {
            attempt.payment = Some(payment.clone());
        }
        Outcome::Changed(if self.is_open() && number == self.attempt_count() {
            ProvedPaid::Debit(Debit { phase: Phase::Paid { attempt: number, at_s: now }, ..proved })
        } else {
            ProvedPaid::Found(proved)
        })
    }
}
