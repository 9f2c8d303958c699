//! Work on a recharge: Alipay is queried whether it was paid. A notification usually comes first.

use steelyard_billing::{ProviderId, QueryAnswer, Recharge, RechargeId};
use steelyard_books::Applied;

use crate::{Collector, WorkError};

impl Collector {
    pub(crate) async fn work_on_recharge(
        &self,
        provider: &ProviderId,
        id: RechargeId,
    ) -> Result<(), WorkError> {
        let recharge: Recharge = self.find(provider, &id).await?;
        let now = self.clock.now();
        if recharge.due_at().is_none_or(|due| due > now) {
            return Ok(());
        }
        let answer = self.alipay.query(&recharge.out_trade_no, now).await;
        if let QueryAnswer::Paid(payment) = &answer {
            let amount_fen = payment.amount_fen.get();
            match self.books.book_payment(&recharge.out_trade_no, payment, now).await? {
                Applied::Now(_) | Applied::Before(_) => {
                    tracing::info!(provider.id = %provider, recharge.id = %id, amount_fen, "a recharge is paid");
                    return Ok(());
                }
                // The bill of the day will show it, and a person must look.
                Applied::Contradicts(_) | Applied::Unknown => {
                    tracing::error!(
                        provider.id = %provider,
                        recharge.id = %id,
                        amount_fen,
                        // The template makes a metric of it.
                        contradictions = 1,
                        "a payment contradicts its recharge"
                    );
                }
            }
        }
        let after = recharge.after_query(&answer, self.clock.now());
        self.books.step_record(&recharge, &after).await?;
        Ok(())
    }
}
