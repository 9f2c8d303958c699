//! The deposit: what actions of operators do to it.

use jiff::Timestamp;
use steelyard_billing::{
    Action, ActionResult, DepositPayment, DepositReturned, DrawReason, GivenBack, Movement,
    OutRequestNo, ProviderId, Recharge, RechargePurpose, Reference, RefundPhase, Trade,
};
use steelyard_pricing::{Fen, MoneyError};
use steelyard_store::{BookedTransfer, TransferOf};

use crate::change::Decision;
use crate::{BookError, Books};

const DRAW: &str = "draw from a deposit";
const RETURN: &str = "return a deposit";

impl Books {
    /// Pays what is owed from the deposit.
    pub(crate) async fn drawing(
        &self,
        provider: &ProviderId,
        most: Option<Fen>,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        let account = self.account(provider).await?.account;
        let today = self.rules.calendar.day_of(now)?;
        let movement = account.draw_deposit(most, DrawReason::Decided, today, now)?;
        let mut writes = self.billing.writes(DRAW);
        let after = writes.movement(&account, &movement)?;
        let amount_fen = account.figures.deposit().minus(after.figures.deposit())?;
        Ok(Decision::Save(writes, ActionResult::DepositDrawn { amount_fen }))
    }

    /// Returns the deposit through Alipay, less what is owed. The refunds are named after the
    /// action.
    pub(crate) async fn returning(
        &self,
        action: &Action,
        provider: &ProviderId,
        most: Option<Fen>,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        let (_, reason) = action.operators()?;
        // The account is read first: another worker that gives something back meanwhile writes it
        // too.
        let account = self.account(provider).await?.account;
        let payments = self.deposit_payments(provider).await?;
        let request = &OutRequestNo::parse(&format!("A{}", action.id))?;
        let today = self.rules.calendar.day_of(now)?;
        let returned = account.return_deposit(most, &payments, (request, reason), today, now)?;
        let mut writes = self.billing.writes(RETURN);
        let returned_fen = Fen::sum(returned.refunds.iter().map(|(refund, _)| refund.amount_fen))?;
        let held_fen = account.figures.deposit();
        let mut movements = returned.drawn.into_iter().collect::<Vec<_>>();
        let drawn_fen = drawn(held_fen, &movements)?;
        for (refund, movement) in returned.refunds {
            writes.record(None, &refund)?;
            movements.push(movement);
        }
        writes.movements(&account, &movements)?;
        let by_transfer_fen = returned.by_transfer_fen;
        let result = DepositReturned { drawn_fen, returned_fen, by_transfer_fen };
        Ok(Decision::Save(writes, ActionResult::DepositReturned(result)))
    }

    /// Books that deposit was returned by a bank transfer, once by its reference.
    pub(crate) async fn booking_return(
        &self,
        provider: &ProviderId,
        amount_fen: Fen,
        reference: &Reference,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        let of = TransferOf::DepositReturn;
        let transfer = BookedTransfer { provider: provider.clone(), amount_fen, of };
        match self.billing.transfer(reference).await? {
            Some(booked) if booked == transfer => {
                return Ok(Decision::Keep(ActionResult::AsBefore));
            }
            Some(_) => return Err(BookError::ReferenceUsed(reference.clone())),
            None => {}
        }
        let account = self.account(provider).await?.account;
        let payments = self.deposit_payments(provider).await?;
        let today = self.rules.calendar.day_of(now)?;
        let movements =
            account.deposit_sent_back(amount_fen, reference.clone(), &payments, today, now)?;
        let mut writes = self.billing.writes(RETURN);
        writes.transfer(reference, &transfer);
        let after = writes.movements(&account, &movements)?;
        let left = after.figures.deposit();
        let drawn_fen = account.figures.deposit().minus(amount_fen)?.minus(left)?;
        let by_transfer_fen = left.minus(through_alipay(&payments)?)?.max(Fen::ZERO);
        let returned_fen = amount_fen;
        let result = DepositReturned { drawn_fen, returned_fen, by_transfer_fen };
        Ok(Decision::Save(writes, ActionResult::DepositReturned(result)))
    }

    /// The payments of a provider's deposit through Alipay, with what Alipay can give back of each.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be read.
    pub async fn deposit_payments(
        &self,
        provider: &ProviderId,
    ) -> Result<Vec<DepositPayment>, BookError> {
        let given_back = self.given_back(provider).await?;
        let recharges: Vec<Recharge> = self.billing.all(provider).await?;
        let of_deposit = recharges.into_iter().filter(|of| of.purpose == RechargePurpose::Deposit);
        of_deposit.map(|recharge| payment(recharge, &given_back)).collect()
    }
}

fn payment(recharge: Recharge, given_back: &GivenBack) -> Result<DepositPayment, BookError> {
    let is_refused = given_back.refunds.iter().any(|refund| {
        let is_its_own = refund.out_trade_no == recharge.out_trade_no;
        is_its_own && matches!(refund.phase, RefundPhase::Refused { .. })
    });
    let rest_fen = Trade::Recharge(recharge.clone()).refundable(given_back)?;
    Ok(DepositPayment { recharge, rest_fen, is_refused })
}

fn through_alipay(payments: &[DepositPayment]) -> Result<Fen, MoneyError> {
    Fen::sum(payments.iter().filter(|of| !of.is_refused).map(|of| of.rest_fen))
}

/// What movements took of a deposit of which so much was held.
fn drawn(held: Fen, movements: &[Movement]) -> Result<Fen, MoneyError> {
    let left = movements.last().map_or(held, |last| last.account.figures.deposit());
    held.minus(left)
}
