//! Visits to money that is given back: a refund is asked for and asked about, a reversal asked about.

use steelyard_alipay::Refund as RefundRequest;
use steelyard_billing::{
    ProviderId, Refund, RefundAnswer, RefundPhase, RefundQueryAnswer, RefundRef, RefundStep,
    Reversal, ReversalPhase, TaskId, TaskRef,
};
use steelyard_store::{Booked, CommitError};

use crate::{Collector, WorkError};

/// After how many doubts in a row a refund has been in doubt for more than an hour.
const LONG_DOUBTS: u16 = 6;

/// The most steps of one visit to a refund.
const STEPS_MAX: usize = 4;

/// How often a refund whose account others write meanwhile is booked again.
const TRIES: usize = 10;

impl Collector {
    pub(crate) async fn visit_refund(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
    ) -> Result<(), WorkError> {
        let mut refund: Refund = self.find(provider, number).await?;
        for _ in 0..STEPS_MAX {
            let stepped = match refund.next_step(self.clock.now()) {
                RefundStep::Wait => return Ok(()),
                RefundStep::Ask => self.ask_refund(&refund).await?,
                RefundStep::Query => self.query_refund(&refund).await?,
            };
            match stepped {
                Some(after) => refund = after,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Stores that it is sent, asks, and stores what came of it. None when another visit is at it.
    async fn ask_refund(&self, refund: &Refund) -> Result<Option<Refund>, WorkError> {
        let sending = refund.sending(self.clock.now())?;
        let Some(sending) = self.store_refund(refund, sending).await? else { return Ok(None) };
        let answer = self.alipay.refund(&request(&sending)?, self.clock.now()).await;
        tracing::info!(refund = %sending.number(), ?answer, "a refund was asked for");
        if let RefundAnswer::OwnAccount(refusal) = &answer {
            let code = &refusal.0;
            tracing::error!(refund = %sending.number(), code, own_account_trouble = 1, "our own account at Alipay stops a refund");
        }
        self.store_refund(&sending, sending.after_refund(answer, self.clock.now())?).await
    }

    async fn query_refund(&self, refund: &Refund) -> Result<Option<Refund>, WorkError> {
        let answer = self.alipay.query_refund(&request(refund)?, self.clock.now()).await;
        tracing::info!(refund = %refund.number(), ?answer, "a refund was asked about");
        self.store_refund(refund, refund.after_query(answer, self.clock.now())?).await
    }

    /// Stores a step, with the money that its end moves. None when another visit was faster.
    async fn store_refund(
        &self,
        before: &Refund,
        after: Refund,
    ) -> Result<Option<Refund>, WorkError> {
        for _ in 0..TRIES {
            match self.billing.store_refund(before, &after, self.clock.now()).await? {
                Ok(stored) => {
                    log_refused(&stored);
                    return Ok(Some(stored));
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Stale) => {}
            }
            let found: Refund = self.find(&before.provider, &before.number()).await?;
            if found.version != before.version {
                return Ok(None);
            }
        }
        Err(WorkError::Contended)
    }

    pub(crate) async fn visit_reversal(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
    ) -> Result<(), WorkError> {
        let reversal: Reversal = self.find(provider, number).await?;
        let now = self.clock.now();
        if reversal.phase != ReversalPhase::Noticed || reversal.due_at_s > now {
            return Ok(());
        }
        let asked = self.alipay.query_given_back(number, now).await;
        if let RefundQueryAnswer::Refunded { amount_fen } = asked {
            let of = reversal.of;
            let booked = self.billing.book_reversal(provider, number, of, amount_fen, now).await?;
            tracing::warn!(provider.id = %provider, reversal = %number, amount_fen = amount_fen.get(), ?booked, "Alipay gave money back that we did not ask it to give back");
            match booked {
                Booked::Now(_) | Booked::Before(_) => return Ok(()),
                Booked::Contradicts(_) | Booked::Unknown => {
                    tracing::error!(reversal = %number, contradictions = 1, "what was given back is not in the books");
                }
            }
        }
        let visit = TaskRef { provider: provider.clone(), to: TaskId::Reversal(number.clone()) };
        self.store(&visit, &reversal, reversal.asked_in_vain(now)).await.map(drop)
    }
}

/// Tells of a refund that a person asked for in vain, or waits for too long.
fn log_refused(refund: &Refund) {
    if refund.due_at().is_some() && refund.doubts > LONG_DOUBTS {
        tracing::error!(
            provider.id = %refund.provider,
            refund = %refund.number(),
            doubts = refund.doubts,
            // The template makes a metric of it.
            long_doubts = 1,
            "a refund has been in doubt for more than an hour"
        );
    }
    if let RefundPhase::Refused { code } = &refund.phase {
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
