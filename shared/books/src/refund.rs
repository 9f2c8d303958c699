//! Refunds: stored when an operator asks for one, and moved step by step.

use jiff::Timestamp;
use steelyard_billing::{Account, ProviderId, Reason, Refund, RefundPhase, RefundRef, Trade};
use steelyard_pricing::Fen;

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The result of asking for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundAsked {
    /// It is stored, now or by an earlier request of the same number and amount.
    Stands(Box<Refund>),
    /// Its number is that of a refund of another amount. Nothing changed.
    NumberUsed(Box<Refund>),
    /// The provider paid nothing by such a trade. Nothing changed.
    NotPaid,
    /// The trade paid the deposit, which is returned by an action that a second person approves.
    /// Nothing changed.
    OfDeposit,
    /// More would be given back than the trade took. Nothing changed.
    TooMuch {
        /// The amount that can still be given back, in fen.
        rest: Fen,
    },
}

const ASK: &str = "store a refund";
const STEP: &str = "store a step of a refund";

impl Books {
    /// Stores a refund that an operator asks for, once by its number, with the money that is set
    /// aside for it.
    ///
    /// # Errors
    ///
    /// [`BookError`] naming the cause; [`BookError::Account`] when less is prepaid than is to be
    /// given back.
    pub async fn ask_refund(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
        amount: Fen,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<RefundAsked, BookError> {
        change(&self.billing, ASK, move |_| async move {
            if let Some(found) = self.billing.find::<Refund>(provider, number).await? {
                let is_same = found.amount_fen == amount;
                let asked = if is_same { RefundAsked::Stands } else { RefundAsked::NumberUsed };
                return Ok(Decision::Keep(asked(Box::new(found))));
            }
            let trade = self.trade(number.out_trade_no.as_str()).await?;
            let trade = trade.filter(|t| t.provider() == provider && t.payment().is_some());
            let Some(trade) = trade else { return Ok(Decision::Keep(RefundAsked::NotPaid)) };
            if trade.is_of_deposit() {
                return Ok(Decision::Keep(RefundAsked::OfDeposit));
            }
            self.decide_refund(&trade, number, amount, reason, now).await
        })
        .await
    }

    async fn decide_refund(
        &self,
        trade: &Trade,
        number: &RefundRef,
        amount: Fen,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Decision<RefundAsked>, BookError> {
        let provider = trade.provider();
        // The account is read first: another worker that gives something back meanwhile writes it
        // too.
        let account = self.account(provider).await?.account;
        let rest = trade.refundable(&self.given_back(provider).await?)?;
        if amount > rest {
            return Ok(Decision::Keep(RefundAsked::TooMuch { rest }));
        }
        let (number, reason) = (number.clone(), reason.clone());
        let refund = Refund::ask(provider, number, trade.of(), amount, reason, now);
        let refund = if trade.is_found() { refund.of_found_money() } else { refund };
        let movement = account.refund_asked(&refund, now)?;
        let mut writes = self.billing.writes(ASK);
        let stored = writes.record(None, &refund)?;
        writes.movement(&account, &movement)?;
        Ok(Decision::Save(writes, RefundAsked::Stands(Box::new(stored))))
    }

    /// Stores a step of a refund, with the money that its end moves. Gives it as it is stored; none
    /// when it was written since it was read.
    ///
    /// # Errors
    ///
    /// [`BookError::Account`] when the account does not allow what the end does to it,
    /// [`BookError::Store`] when the table fails.
    pub async fn step_refund(
        &self,
        before: &Refund,
        after: &Refund,
        now: Timestamp,
    ) -> Result<Option<Refund>, BookError> {
        change(&self.billing, STEP, move |again| async move {
            if again && self.has_moved_on(before).await? {
                return Ok(Decision::Keep(None));
            }
            let mut writes = self.billing.writes(STEP);
            let stored = writes.record(Some(before), after)?;
            let end: fn(&Account, &Refund, Timestamp) -> _ = match (&before.phase, &after.phase) {
                (RefundPhase::Refused { .. }, _)
                | (_, RefundPhase::Due | RefundPhase::Sending | RefundPhase::Confirming { .. }) => {
                    return Ok(Decision::Save(writes, Some(stored)));
                }
                (_, RefundPhase::Done) => Account::refund_done,
                (_, RefundPhase::Refused { .. }) => Account::refund_refused,
            };
            let account = self.account(&after.provider).await?.account;
            let movement = end(&account, after, now)?;
            let number = after.number();
            writes.movement_of(&account, &movement, &number.out_trade_no, Some(&number))?;
            Ok::<_, BookError>(Decision::Save(writes, Some(stored)))
        })
        .await
    }

    /// Acknowledges a refused refund: it is no longer reported.
    ///
    /// # Errors
    ///
    /// [`BookError::Refund`] unless it was refused.
    pub async fn acknowledge_refund(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
        reason: &Reason,
    ) -> Result<Refund, BookError> {
        change(&self.billing, STEP, move |_| async move {
            let before: Refund =
                self.record(provider, number, format!("refund {}", number.out_request_no)).await?;
            let mut writes = self.billing.writes(STEP);
            let stored = writes.record(Some(&before), &before.acknowledged(reason.clone())?)?;
            Ok::<_, BookError>(Decision::Save(writes, stored))
        })
        .await
    }
}
