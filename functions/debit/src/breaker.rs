//! The breaker: whether a debit may be sent at all, and what its answer says of the others.

use steelyard_billing::breaker::{Breaker, BreakerState, Permit};
use steelyard_billing::{Debit, PayAnswer};

use crate::{Collector, WorkError};

impl Collector {
    /// Whether no debit may be sent now, not even as a probe. Nothing is requested of Alipay for one
    /// then, not even the state of its mandate.
    pub(crate) async fn is_stopped(&self) -> Result<bool, WorkError> {
        let breaker = self.books.billing.breaker().await?;
        report(&breaker);
        Ok(breaker.permit(self.clock.now()) == Permit::Stop)
    }

    /// Whether a debit may be sent now.
    pub(crate) async fn permit(&self, debit: &Debit) -> Result<Permit, WorkError> {
        let (permit, breaker) = self.books.permit(debit, self.clock.now()).await?;
        report(&breaker);
        Ok(permit)
    }

    /// Lets the breaker know of an answer, before anything else is stored: the debits that follow
    /// depend on it. Should this fail, only the breaker knows less.
    pub(crate) async fn report_answer(&self, answer: &PayAnswer, is_probe: bool) {
        match self.books.report_answer(answer, is_probe, self.clock.now()).await {
            Ok(opened) => opened.iter().for_each(report),
            Err(error) => {
                let error = steelyard_runtime::chain(&error);
                tracing::error!(error, "the breaker does not know of an answer");
            }
        }
    }
}

fn report(breaker: &Breaker) {
    if let BreakerState::Open { since_s, why, .. } = &breaker.state {
        tracing::error!(
            since = %since_s,
            ?why,
            // The template makes a metric of it.
            breaker_open = 1,
            "the breaker is open: no debit is made"
        );
    }
}
