//! Reversals: money that Alipay gave back without our request.

use jiff::Timestamp;
use steelyard_billing::{
    OutRequestNo, Outcome, ProviderId, Refund, RefundPhase, RefundRef, Reversal, Trade,
};
use steelyard_pricing::Fen;

use crate::change::{Decision, change};
use crate::trade::Applied;
use crate::{BookError, Books};

const NOTICE: &str = "note a reversal";
const BOOK: &str = "book money that was given back";

impl Books {
    /// Notes that money of a trade was given back, as a notification says. How much it was, and
    /// whether it is true, a query shows. A refund of ours that was not refused is no reversal.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails.
    pub async fn notice_reversal(
        &self,
        trade: &Trade,
        request: OutRequestNo,
        now: Timestamp,
    ) -> Result<Applied<ProviderId>, BookError> {
        let provider = trade.provider();
        let Some(out_trade_no) = trade.out_trade_no().cloned() else {
            return Ok(Applied::Unknown);
        };
        let number = &RefundRef { out_trade_no, out_request_no: request };
        change(&self.billing, NOTICE, move |_| async move {
            // What Alipay refused was set free. If it gave the money back all the same, that was
            // not by our request.
            let refund: Option<Refund> = self.billing.find(provider, number).await?;
            let is_known = refund.is_some_and(|refund| refund.counts())
                || self.billing.find::<Reversal>(provider, number).await?.is_some();
            if is_known {
                return Ok(Decision::Keep(Applied::Before(provider.clone())));
            }
            let mut writes = self.billing.writes(NOTICE);
            writes.record(None, &Reversal::noticed(provider, number.clone(), trade.of(), now))?;
            Ok::<_, BookError>(Decision::Save(writes, Applied::Now(provider.clone())))
        })
        .await
    }

    /// Books proof that money of a trade was given back under a number: by our refund, or without
    /// our request.
    ///
    /// # Errors
    ///
    /// [`BookError::Account`] when the account does not allow it, [`BookError::Store`] when the
    /// table fails.
    pub async fn book_given_back(
        &self,
        number: &RefundRef,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Applied<ProviderId>, BookError> {
        change(&self.billing, BOOK, move |_| async move {
            let Some(trade) = self.trade(number.out_trade_no.as_str()).await? else {
                return Ok(Decision::Keep(Applied::Unknown));
            };
            match self.billing.find::<Refund>(trade.provider(), number).await? {
                // What Alipay refused was set free. If it gave the money back all the same, that
                // was not by our request.
                Some(Refund { phase: RefundPhase::Refused { .. }, .. }) | None => {
                    self.decide_reversal(&trade, number, amount, now).await
                }
                Some(refund) => self.decide_refunded(&refund, amount, now).await,
            }
        })
        .await
    }

    async fn decide_refunded(
        &self,
        before: &Refund,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Decision<Applied<ProviderId>>, BookError> {
        let provider = before.provider.clone();
        let after = match before.after_proof(amount, now) {
            Outcome::Changed(after) => after,
            Outcome::Unchanged => return Ok(Decision::Keep(Applied::Before(provider))),
            Outcome::Contradicts => return Ok(Decision::Keep(Applied::Contradicts(provider))),
        };
        let account = self.account(&provider).await?.account;
        let movement = account.refund_done(&after, now)?;
        let number = after.number();
        let mut writes = self.billing.writes(BOOK);
        writes.record(Some(before), &after)?;
        writes.movement_of(&account, &movement, &number.out_trade_no, Some(&number))?;
        Ok(Decision::Save(writes, Applied::Now(provider)))
    }

    async fn decide_reversal(
        &self,
        trade: &Trade,
        number: &RefundRef,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Decision<Applied<ProviderId>>, BookError> {
        let provider = trade.provider().clone();
        let before: Option<Reversal> = self.billing.find(&provider, number).await?;
        let noticed = before
            .clone()
            .unwrap_or_else(|| Reversal::noticed(&provider, number.clone(), trade.of(), now));
        let after = match noticed.after_proof(amount) {
            Outcome::Changed(after) => after,
            Outcome::Unchanged => return Ok(Decision::Keep(Applied::Before(provider))),
            Outcome::Contradicts => return Ok(Decision::Keep(Applied::Contradicts(provider))),
        };
        if trade.payment().is_none() {
            return Ok(Decision::Keep(Applied::Unknown));
        }
        let found = self.account(&provider).await?;
        if amount > trade.refundable(&self.given_back(&provider).await?)? {
            return Ok(Decision::Keep(Applied::Contradicts(provider)));
        }
        let movement = trade.reversed(&found.account, number.clone(), amount, now)?;
        let mut writes = self.billing.writes(BOOK);
        writes.record(before.as_ref(), &after)?;
        writes.movement_of(&found.account, &movement, &number.out_trade_no, Some(number))?;
        Ok(Decision::Save(writes, Applied::Now(provider)))
    }
}
