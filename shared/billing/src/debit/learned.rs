//! What a proof of payment that nobody asked for means for a debit: a notification, or the bill.

use jiff::Timestamp;

use super::{Debit, FoundPayment, Phase, out_trade_no};
use crate::{Learned, OutTradeNo, Payment};

/// A debit that changed by a proof of payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proved {
    /// It is paid, as it asked.
    Paid(Debit),
    /// An attempt that was thought dead was paid: what it took is no longer what the debit asks for.
    Found(Debit),
}

impl Debit {
    /// The debit after a proof that an attempt of it was paid.
    ///
    /// The attempt at hand pays the debit, whatever was thought of it while it was open. A dead
    /// attempt, or a debit that was given up, has found money.
    #[must_use]
    pub fn learn_paid(&self, attempt: u16, payment: &Payment, now: Timestamp) -> Learned<Proved> {
        if payment.amount_fen != self.amount_fen || attempt > self.attempt {
            return Learned::Contradicts;
        }
        match self.paid_by_attempt(attempt) {
            Some(known) if known == *payment => return Learned::Known,
            Some(_) => return Learned::Contradicts,
            None => {}
        }
        let never_asked = self.phase == Phase::Due && self.request.is_none();
        match &self.phase {
            // It was never asked for under this number: nobody can have paid it.
            _ if never_asked && attempt == self.attempt => Learned::Contradicts,
            // Nor is it asked for any more, if an earlier attempt turns out to have paid it.
            _ if never_asked => {
                let paid = self.paid(payment.clone(), now);
                Learned::New(Proved::Paid(Debit { paid_attempt: Some(attempt), ..paid }))
            }
            _ if attempt < self.attempt => self.found(attempt, payment),
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Exhausting { .. }
            | Phase::Closing { .. }
            | Phase::Held { .. } => Learned::New(Proved::Paid(self.paid(payment.clone(), now))),
            Phase::Paid { .. } => Learned::Contradicts,
            Phase::Exhausted { .. } => self.found(attempt, payment),
        }
    }

    fn found(&self, attempt: u16, payment: &Payment) -> Learned<Proved> {
        let mut found = self.clone();
        found.found_payments.push(FoundPayment { attempt, payment: payment.clone() });
        Learned::New(Proved::Found(found))
    }

    /// What an attempt took, if it did.
    #[must_use]
    pub fn paid_by_attempt(&self, attempt: u16) -> Option<Payment> {
        let own = self.payment().filter(|_| attempt == self.paid_attempt.unwrap_or(self.attempt));
        let found = || self.found_payments.iter().find(|found| found.attempt == attempt);
        own.or_else(|| found().map(|found| found.payment.clone()))
    }

    /// Whether what an attempt took was found money: it did not pay the debit, and was credited.
    #[must_use]
    pub fn is_found(&self, attempt: u16) -> bool {
        self.found_payments.iter().any(|found| found.attempt == attempt)
    }

    /// The number of the trade that paid the debit, or of its attempt at hand.
    #[must_use]
    pub fn paid_trade_no(&self) -> OutTradeNo {
        match self.paid_attempt {
            Some(attempt) => out_trade_no(&self.provider, self.debit, attempt),
            None => self.out_trade_no.clone(),
        }
    }
}
