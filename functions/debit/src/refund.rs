//! Work on money that is given back: a refund is sent and queried, a reversal queried.

use jiff::Timestamp;
use steelyard_alipay::Refund as RefundRequest;
use steelyard_billing::{
    ProviderId, Refund, RefundAnswer, RefundPhase, RefundQueryAnswer, RefundRef, RefundStep,
    Reversal,
};
use steelyard_books::Applied;

use crate::{Collector, WorkError};

/// After how many tries in a row a refund or a reversal has been open for more than an hour.
const LONG_DOUBTS: u16 = 6;

/// The most steps of one message about a refund.
const STEPS_MAX: usize = 4;

impl Collector {
    pub(crate) async fn work_on_refund(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
    ) -> Result<(), WorkError> {
        let mut refund: Refund = self.find(provider, number).await?;
        for _ in 0..STEPS_MAX {
            let stepped = match refund.next_step(self.clock.now()) {
                RefundStep::Wait => return Ok(()),
                RefundStep::Send => self.send_refund(&refund).await?,
                RefundStep::Query => self.query_refund(&refund).await?,
                RefundStep::Report => {
                    let now = self.clock.now();
                    self.step_refund(&refund, refund.reported(now)?, now).await?
                }
            };
            match stepped {
                Some(after) => refund = after,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Stores that it is sent, sends it, and stores the result. None when another worker is at it.
    async fn send_refund(&self, refund: &Refund) -> Result<Option<Refund>, WorkError> {
        let now = self.clock.now();
        let sending = self.step_refund(refund, refund.sending(now)?, now).await?;
        let Some(sending) = sending else { return Ok(None) };
        let answer = self.alipay.refund(&request(&sending)?, self.clock.now()).await;
        tracing::info!(refund = %sending.number(), ?answer, "a refund was sent");
        if let RefundAnswer::OwnAccount(code) = &answer {
            let code = &code.0;
            tracing::error!(refund = %sending.number(), code, own_account_trouble = 1, "our own account at Alipay stops a refund");
        }
        let now = self.clock.now();
        self.step_refund(&sending, sending.after_refund(answer, now)?, now).await
    }

    async fn query_refund(&self, refund: &Refund) -> Result<Option<Refund>, WorkError> {
        let answer = self.alipay.query_refund(&request(refund)?, self.clock.now()).await;
        tracing::info!(refund = %refund.number(), ?answer, "a refund was queried");
        let now = self.clock.now();
        self.step_refund(refund, refund.after_query(answer, now)?, now).await
    }

    /// Stores a step with the time at which it was taken, and the money that its end moves. None
    /// when another worker was faster.
    async fn step_refund(
        &self,
        before: &Refund,
        after: Refund,
        now: Timestamp,
    ) -> Result<Option<Refund>, WorkError> {
        let stored = self.books.step_refund(before, &after, now).await?;
        stored.iter().for_each(log);
        Ok(stored)
    }

    pub(crate) async fn work_on_reversal(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
    ) -> Result<(), WorkError> {
        let reversal: Reversal = self.find(provider, number).await?;
        let now = self.clock.now();
        if reversal.due_at().is_none_or(|due| due > now) {
            return Ok(());
        }
        let asked = self.alipay.query_given_back(number, now).await;
        if let RefundQueryAnswer::Refunded { amount_fen } = asked {
            let applied = self.books.book_given_back(number, amount_fen, now).await?;
            tracing::warn!(
                provider.id = %provider,
                reversal = %number,
                amount_fen = amount_fen.get(),
                ?applied,
                "Alipay gave money back without our request"
            );
            match applied {
                Applied::Now(_) | Applied::Before(_) => return Ok(()),
                Applied::Contradicts(_) | Applied::Unknown => {
                    tracing::error!(
                        reversal = %number,
                        // The template makes a metric of it.
                        contradictions = 1,
                        "what was given back is not in the books"
                    );
                }
            }
        }
        let stored = self.books.step_record(&reversal, &reversal.unconfirmed(now)).await?;
        if let Some(reversal) = stored.filter(|reversal| reversal.task.retries > LONG_DOUBTS) {
            tracing::error!(
                provider.id = %provider,
                reversal = %number,
                retries = reversal.task.retries,
                // The template makes a metric of it.
                long_doubts = 1,
                "a reversal has been unconfirmed for more than an hour"
            );
        }
        Ok(())
    }
}

/// Logs a refund that was refused, again every day until a person acknowledges it, or that is open
/// for too long.
fn log(refund: &Refund) {
    if refund.counts() && refund.due_at().is_some() && refund.task.retries > LONG_DOUBTS {
        tracing::error!(
            provider.id = %refund.provider,
            refund = %refund.number(),
            retries = refund.task.retries,
            // The template makes a metric of it.
            long_doubts = 1,
            "a refund has been in doubt for more than an hour"
        );
    }
    if let RefundPhase::Refused { code, acknowledged: None } = &refund.phase {
        tracing::error!(
            provider.id = %refund.provider,
            refund = %refund.number(),
            amount_fen = refund.amount_fen.get(),
            code = code.0,
            // The template makes a metric of it.
            refused_refunds = 1,
            "a refund is refused, and its money back where it was"
        );
    }
}

fn request(refund: &Refund) -> Result<RefundRequest, WorkError> {
    let RefundRef { out_trade_no, out_request_no } = refund.number();
    Ok(RefundRequest::new(out_trade_no, out_request_no, refund.amount_fen)?)
}
