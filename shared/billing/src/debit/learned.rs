//! What a proof of payment that nobody asked for means for a debit: a notification, or the bill.

use jiff::Timestamp;

use super::{Debit, FoundPayment, Phase, out_trade_no};
use crate::{Learned, Payment};

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
        if self.payment().as_ref() == Some(payment) {
            return Learned::Known;
        }
        let never_asked = self.phase == Phase::Due && self.request.is_none();
        match &self.phase {
            // It was never asked for under this number: nobody can have paid it.
            _ if never_asked && attempt == self.attempt => Learned::Contradicts,
            // Nor is it asked for any more, if an earlier attempt turns out to have paid it.
            _ if never_asked => Learned::New(Proved::Paid(self.paid_by(attempt, payment, now))),
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

    /// What an attempt took, if it did.
    #[must_use]
    pub fn paid_by_attempt(&self, attempt: u16) -> Option<Payment> {
        let own = self.payment().filter(|_| attempt == self.attempt);
        let found = || self.found_payments.iter().find(|found| found.attempt == attempt);
        own.or_else(|| found().map(|found| found.payment.clone()))
    }

    /// The debit paid by an earlier attempt, which becomes the attempt at hand again.
    fn paid_by(&self, attempt: u16, payment: &Payment, now: Timestamp) -> Debit {
        let out_trade_no = out_trade_no(&self.provider, self.debit, attempt);
        Debit { attempt, out_trade_no, ..self.paid(payment.clone(), now) }
    }

    fn found(&self, attempt: u16, payment: &Payment) -> Learned<Proved> {
        match self.found_payments.iter().find(|found| found.attempt == attempt) {
            Some(found) if found.payment == *payment => Learned::Known,
            Some(_) => Learned::Contradicts,
            None => {
                let mut found = self.clone();
                found.found_payments.push(FoundPayment { attempt, payment: payment.clone() });
                Learned::New(Proved::Found(found))
            }
        }
    }
}
