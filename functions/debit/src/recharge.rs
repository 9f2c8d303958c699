//! A visit to a recharge: Alipay is asked whether it was paid. A notification mostly comes first.

use steelyard_billing::{
    ProviderId, QueryAnswer, Recharge, RechargeId, TaskId, TaskRef, TradeNumber, TradeOf,
};
use steelyard_store::Booked;

use crate::{Collector, WorkError};

impl Collector {
    pub(crate) async fn visit_recharge(
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
            let trade = TradeNumber::new(provider, TradeOf::Recharge(id));
            let booked = self.billing.book_payment(&trade, payment, &self.terms, now).await?;
            match booked {
                Booked::Now(_) | Booked::Before(_) => {
                    tracing::info!(provider.id = %provider, recharge.id = %id, amount_fen = payment.amount_fen.get(), "a recharge is paid");
                    return Ok(());
                }
                // The bill of the day will show it, and a person must look.
                Booked::Contradicts(_) | Booked::Unknown => {
                    tracing::error!(provider.id = %provider, recharge.id = %id, amount_fen = payment.amount_fen.get(), contradictions = 1, "a payment contradicts its recharge");
                }
            }
        }
        let after = recharge.after_query(&answer, self.clock.now());
        let visit = TaskRef { provider: provider.clone(), to: TaskId::Recharge(id) };
        self.store(&visit, &recharge, after).await.map(drop)
    }
}
