//! Movements of the deposit: paid in, drawn for what is owed, and returned. No charge and no debit
//! takes anything from it.

use jiff::Timestamp;
use steelyard_pricing::{BillingDay, Fen, MoneyError};

use super::{Account, AccountError, Movement};
use crate::journal::{Cause, DepositMovement, DrawReason, Ledger};
use crate::{
    OutRequestNo, Payment, Reason, Recharge, RechargeId, Reference, Refund, RefundRef, TradeOf,
};

/// A payment of the deposit through Alipay, and what of it Alipay can still give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepositPayment {
    /// The recharge that paid it.
    pub recharge: Recharge,
    /// The amount that it took, less what was given back of it, in fen.
    pub rest_fen: Fen,
    /// Whether Alipay refused to give some of it back, so that the rest is returned by a bank
    /// transfer.
    pub is_refused: bool,
}

/// What returning a deposit does, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepositReturn {
    /// What was owed is paid from it first.
    pub drawn: Option<Movement>,
    /// The refunds of its payments, each with what it moves.
    pub refunds: Vec<(Refund, Movement)>,
    /// What is left for a bank transfer, in fen.
    pub by_transfer_fen: Fen,
}

/// The most refunds that one return asks for; another return asks for the rest.
const REFUNDS_MAX: usize = 20;

impl Account {
    /// A payment of the deposit that Alipay took. Nothing that is owed is paid from it.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAPayment`] unless the amount is more than nothing.
    pub fn deposit_paid(
        &self,
        recharge: RechargeId,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let trade_no = payment.trade_no.clone();
        let movement = DepositMovement::Paid { recharge, trade_no };
        self.deposited(movement, Ledger::Alipay, payment.amount_fen, now)
    }

    /// A payment of the deposit by a bank transfer. Nothing that is owed is paid from it.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAPayment`] unless the amount is more than nothing.
    pub fn deposit_transferred(
        &self,
        amount: Fen,
        reference: Reference,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        self.deposited(DepositMovement::Transferred { reference }, Ledger::Bank, amount, now)
    }

    fn deposited(
        &self,
        movement: DepositMovement,
        from: Ledger,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        check_amount(amount)?;
        let postings = vec![(from, amount), (Ledger::Deposit, amount.negated()?)];
        self.moved(Cause::Deposit(movement), postings, now)
    }

    /// What can be drawn from the deposit: what is owed and not being collected, at most what is
    /// held.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn drawable(&self) -> Result<Fen, MoneyError> {
        Ok(self.figures.unreserved()?.min(self.figures.deposit()))
    }

    /// Pays what is owed and not being collected from the deposit: `most` at most. What was drawn
    /// is to be topped up.
    ///
    /// # Errors
    ///
    /// [`AccountError::NothingToDraw`] when nothing is held, or nothing is owed that no debit is
    /// collecting; [`AccountError::NotAPayment`] when `most` is not more than nothing.
    pub fn draw_deposit(
        &self,
        most: Option<Fen>,
        because: DrawReason,
        today: BillingDay,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        most.map_or(Ok(()), check_amount)?;
        let drawable = self.drawable()?;
        let amount = most.map_or(drawable, |most| most.min(drawable));
        if amount.is_zero() {
            let (held, owed) = (self.figures.deposit(), self.figures.unreserved()?);
            return Err(AccountError::NothingToDraw { held, owed });
        }
        let cause = Cause::Deposit(DepositMovement::Drawn { because });
        let postings = vec![(Ledger::Deposit, amount), (Ledger::Receivable, amount.negated()?)];
        let mut drawn = self.moved(cause, postings, now)?;
        drawn.account.deposit = drawn.account.deposit.drawn(amount, today)?;
        Ok(drawn)
    }

    /// Pays from the deposit what debits gave up, if the terms of the deposit say so; none where
    /// nothing is to be drawn.
    ///
    /// # Errors
    ///
    /// [`AccountError`] when an amount leaves its range.
    pub fn draw_given_up(
        &self,
        today: BillingDay,
        now: Timestamp,
    ) -> Result<Option<Movement>, AccountError> {
        // Where it is not known what was given up, a person decides.
        let Some(given_up) = self.given_up_fen else { return Ok(None) };
        let amount = self.drawable()?.min(given_up);
        if !self.deposit.drawn_by_rule || !amount.is_positive() {
            return Ok(None);
        }
        self.draw_deposit(Some(amount), DrawReason::GivenUp, today, now).map(Some)
    }

    /// Returns the deposit, less what is owed: that is drawn first. The rest goes back through
    /// Alipay as far as Alipay took it and has not refused to give it back, the newest payment
    /// first; what is left is to be returned by a bank transfer. `most` is the most to be returned;
    /// all of it unless given. `request` is the number of the refunds.
    ///
    /// # Errors
    ///
    /// [`AccountError::Collecting`] while a debit that was sent has not ended,
    /// [`AccountError::NothingToReturn`] when what is owed leaves nothing, and
    /// [`AccountError::ByTransfer`] when Alipay can return nothing of it.
    pub fn return_deposit(
        &self,
        most: Option<Fen>,
        payments: &[DepositPayment],
        (request, reason): (&OutRequestNo, &Reason),
        today: BillingDay,
        now: Timestamp,
    ) -> Result<DepositReturn, AccountError> {
        most.map_or(Ok(()), check_amount)?;
        let (mut account, drawn) = self.cleared(today, now)?;
        let held = account.figures.deposit();
        let mut left = most.map_or(held, |most| most.min(held));
        let mut refunds = Vec::new();
        let mut newest = payments.iter().filter(|of| !of.is_refused).collect::<Vec<_>>();
        newest.sort_by_key(|of| std::cmp::Reverse(of.recharge.recharge));
        for DepositPayment { recharge, rest_fen, .. } in newest {
            let amount = left.min(*rest_fen);
            if !amount.is_positive() {
                continue;
            }
            if refunds.len() == REFUNDS_MAX {
                // Alipay can return it: another return asks for it, and no transfer may.
                left = left.minus(amount)?;
                continue;
            }
            let (out_trade_no, out_request_no) = (recharge.out_trade_no.clone(), request.clone());
            let number = RefundRef { out_trade_no, out_request_no };
            let of = TradeOf::Recharge(recharge.recharge);
            let refund =
                Refund::ask(&self.provider, number, of, amount, reason.clone(), now).of_deposit();
            let movement = account.refund_asked(&refund, now)?;
            account = movement.account.clone();
            left = left.minus(amount)?;
            refunds.push((refund, movement));
        }
        if refunds.is_empty() {
            return Err(AccountError::ByTransfer(left));
        }
        Ok(DepositReturn { drawn, refunds, by_transfer_fen: left })
    }

    /// Returns deposit by a bank transfer that was made, less what is owed: that is drawn first,
    /// and gives a movement of its own. What Alipay took goes back through Alipay, unless Alipay
    /// refused it.
    ///
    /// # Errors
    ///
    /// As [`return_deposit`](Account::return_deposit), and [`AccountError::NotByTransfer`] when the
    /// amount is more than is left for a transfer.
    pub fn deposit_sent_back(
        &self,
        amount: Fen,
        reference: Reference,
        payments: &[DepositPayment],
        today: BillingDay,
        now: Timestamp,
    ) -> Result<Vec<Movement>, AccountError> {
        check_amount(amount)?;
        let (account, drawn) = self.cleared(today, now)?;
        let by_alipay = payments.iter().filter(|of| !of.is_refused).map(|of| of.rest_fen);
        let most = account.figures.deposit().minus(Fen::sum(by_alipay)?)?.max(Fen::ZERO);
        if amount > most {
            return Err(AccountError::NotByTransfer { amount, most });
        }
        let cause = Cause::Deposit(DepositMovement::SentBack { reference });
        let postings = vec![(Ledger::Deposit, amount), (Ledger::Bank, amount.negated()?)];
        let sent_back = account.moved(cause, postings, now)?;
        Ok(drawn.into_iter().chain([sent_back]).collect())
    }

    /// The account after what is owed was drawn, before the rest is returned.
    fn cleared(
        &self,
        today: BillingDay,
        now: Timestamp,
    ) -> Result<(Account, Option<Movement>), AccountError> {
        if let Some(debit) = self.open_debit.filter(|_| !self.figures.reserved().is_zero()) {
            return Err(AccountError::Collecting { debit, amount: self.figures.reserved() });
        }
        let (held, owed) = (self.figures.deposit(), self.figures.unreserved()?);
        if held <= owed {
            return Err(AccountError::NothingToReturn { held, owed });
        }
        if owed.is_zero() {
            return Ok((self.clone(), None));
        }
        let drawn = self.draw_deposit(None, DrawReason::Returning, today, now)?;
        Ok((drawn.account.clone(), Some(drawn)))
    }

    /// A payment of the deposit that Alipay gave back though we did not ask. What the deposit does
    /// no longer holds was drawn for what was owed: the provider owes it again, as far as its
    /// prepaid balance does not cover it.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAPayment`] unless the amount is more than nothing.
    pub fn deposit_reversed(
        &self,
        reversal: RefundRef,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        check_amount(amount)?;
        let from_deposit = amount.min(self.figures.deposit());
        let rest = amount.minus(from_deposit)?;
        let from_prepaid = self.from_prepaid(rest);
        let postings = vec![
            (Ledger::Alipay, amount.negated()?),
            (Ledger::Deposit, from_deposit),
            (Ledger::Prepaid, from_prepaid),
            (Ledger::Receivable, rest.minus(from_prepaid)?),
        ];
        self.moved(Cause::Deposit(DepositMovement::Reversed(reversal)), postings, now)
    }
}

fn check_amount(amount: Fen) -> Result<(), AccountError> {
    if amount.is_positive() { Ok(()) } else { Err(AccountError::NotAPayment(amount)) }
}
