//! Trades: found by their numbers, and booked once when they are proved paid.

use jiff::Timestamp;
use steelyard_billing::{
    Debit, GivenBack, OutTradeNo, Outcome, Payment, ProviderId, Recharge, Trade, TradeNumber,
    TradeOf,
};

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The effect of evidence on the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied<T> {
    /// The books changed by it, to this.
    Now(T),
    /// The books say so already: nothing changed.
    Before(T),
    /// It contradicts the books: nothing changed, and a person must look.
    Contradicts(T),
    /// It is about nothing in the books.
    Unknown,
}

const BOOK: &str = "book a payment";

impl Books {
    /// The trade with a number; none if we never sent such a number, as another deployment may
    /// have.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be read.
    pub async fn trade(&self, out_trade_no: &str) -> Result<Option<Trade>, BookError> {
        let Some(number) = TradeNumber::parse(out_trade_no) else { return Ok(None) };
        let Some(provider) = self.billing.provider_of(&number.provider).await? else {
            return Ok(None);
        };
        let trade = self.trade_of(&provider, number.of).await?;
        // The record has the whole number: another realm's differs.
        Ok(trade.filter(|trade| trade.out_trade_no().is_some_and(|n| n.as_str() == out_trade_no)))
    }

    /// Whether a trade was written since it was read.
    async fn has_trade_moved_on(&self, before: &Trade) -> Result<bool, BookError> {
        match before {
            Trade::Attempt { debit, .. } => self.has_moved_on(debit).await,
            Trade::Recharge(recharge) => self.has_moved_on(recharge).await,
        }
    }

    async fn trade_of(
        &self,
        provider: &ProviderId,
        of: TradeOf,
    ) -> Result<Option<Trade>, BookError> {
        Ok(match of {
            TradeOf::Debit { debit, attempt } => {
                let debit = self.billing.find::<Debit>(provider, &debit).await?;
                debit.and_then(|debit| Trade::attempt(debit, attempt))
            }
            TradeOf::Recharge(recharge) => {
                let recharge = self.billing.find::<Recharge>(provider, &recharge).await?;
                recharge.map(Trade::Recharge)
            }
        })
    }

    /// All refunds and reversals of a provider.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be read.
    pub async fn given_back(&self, provider: &ProviderId) -> Result<GivenBack, BookError> {
        Ok(GivenBack {
            refunds: self.billing.all(provider).await?,
            reversals: self.billing.all(provider).await?,
        })
    }

    /// Books proof that a trade was paid: a verified notification, the answer to a query, or a row
    /// of a bill.
    ///
    /// # Errors
    ///
    /// [`BookError::Account`] when the account does not allow it, [`BookError::Store`] when the
    /// table fails.
    pub async fn book_payment(
        &self,
        out_trade_no: &OutTradeNo,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Applied<ProviderId>, BookError> {
        change(&self.billing, BOOK, move |_| async move {
            let Some(trade) = self.trade(out_trade_no.as_str()).await? else {
                return Ok(Decision::Keep(Applied::Unknown));
            };
            self.decide_payment(&trade, payment, now).await
        })
        .await
    }

    async fn decide_payment(
        &self,
        trade: &Trade,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Decision<Applied<ProviderId>>, BookError> {
        let provider = trade.provider().clone();
        let paid = match trade.after_proof(payment, now) {
            Outcome::Changed(paid) => paid,
            Outcome::Unchanged => return Ok(Decision::Keep(Applied::Before(provider))),
            Outcome::Contradicts => return Ok(Decision::Keep(Applied::Contradicts(provider))),
        };
        let found = self.account(&provider).await?;
        let mandate = found.provider.mandate.as_ref();
        let movement = match paid.paid(payment, &found.account, mandate, &self.rules, now) {
            Ok(movement) => movement,
            // The account is read after the trade, and may know already that the trade is paid.
            Err(_) if self.has_trade_moved_on(trade).await? => return Ok(Decision::Again),
            Err(error) => return Err(error.into()),
        };
        let mut writes = self.billing.writes(BOOK);
        writes.trade(trade, &paid)?;
        let number = trade.out_trade_no().ok_or_else(|| BookError::NoRecord {
            provider: provider.clone(),
            record: "number of the trade".to_owned(),
        })?;
        writes.movement_of(&found.account, &movement, number, None)?;
        Ok(Decision::Save(writes, Applied::Now(provider)))
    }
}
