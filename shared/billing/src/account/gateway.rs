//! Movements of money through Alipay beside the open debit: recharges, payments that come to light
//! late, and what is given back.

use jiff::Timestamp;
use steelyard_pricing::{Fen, MoneyError};

use super::{Account, AccountError, Movement};
use crate::journal::{Cause, DepositMovement, Ledger};
use crate::mandate::{MandateError, MandateLimits};
use crate::{
    Agreement, DebitId, DebitRules, Mandate, MandateId, MandateInUse, Payment, Realm, Recharge,
    RechargeAmountError, RechargeId, Refund, RefundFrom, RefundRef,
};

impl Refund {
    /// The cause of a movement of it: of the deposit, or of other money.
    fn cause(
        &self,
        of_other: fn(RefundRef) -> Cause,
        of_deposit: fn(RefundRef) -> DepositMovement,
    ) -> Cause {
        match self.from {
            RefundFrom::Prepaid | RefundFrom::Goodwill => of_other(self.number()),
            RefundFrom::Deposit => Cause::Deposit(of_deposit(self.number())),
        }
    }
}

impl Account {
    /// Offers the provider to pay an amount in: the next recharge, and the account that counted it.
    ///
    /// # Errors
    ///
    /// [`RechargeAmountError`] when Alipay takes no such amount.
    pub fn offer_recharge(
        &self,
        realm: &Realm,
        amount: Fen,
        now: Timestamp,
    ) -> Result<(Recharge, Movement), RechargeAmountError> {
        let recharges = self.recharges.saturating_add(1);
        let offered = Recharge::offer(realm, &self.provider, RechargeId(recharges), amount, now)?;
        let account = Account { recharges, ..self.clone() };
        Ok((offered, Movement { account, entry: None, opened: None }))
    }

    /// Offers the provider a mandate to sign: the next mandate, and the account that counted it.
    ///
    /// # Errors
    ///
    /// [`MandateError`] naming what is wrong with the limits.
    pub fn offer_mandate(
        &self,
        realm: &Realm,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<(Mandate, Movement), MandateError> {
        let mandates = self.mandates.saturating_add(1);
        let offered = Mandate::offer(realm, &self.provider, MandateId(mandates), limits, now)?;
        let account = Account { mandates, ..self.clone() };
        Ok((offered, Movement { account, entry: None, opened: None }))
    }

    /// A change of the mandate in use: a debit is opened for what is owed, if one is to be. What
    /// was given up under the mandate before may be requested again.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn mandate_changed(
        &self,
        before: Option<&MandateInUse>,
        after: Option<&MandateInUse>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Movement, MoneyError> {
        let last_request = self.last_request.clone().filter(|_| before == after);
        let account = Account { last_request, ..self.clone() };
        Movement { account, entry: None, opened: None }.requesting(after, rules, now)
    }

    /// The next mandate, of an agreement that the provider signed elsewhere and that is in force,
    /// and the account that counted it.
    ///
    /// # Errors
    ///
    /// [`MandateError`] naming what is wrong with the agreement or the limits.
    pub fn adopt_mandate(
        &self,
        agreement: Agreement,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<(Mandate, Account), MandateError> {
        let mandates = self.mandates.saturating_add(1);
        let id = MandateId(mandates);
        let adopted = Mandate::adopt(&self.provider, id, agreement, limits, now)?;
        Ok((adopted, Account { mandates, ..self.clone() }))
    }

    /// A recharge that Alipay took: it pays what is owed and not being collected, and the rest is
    /// prepaid.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAPayment`] unless the amount is more than nothing.
    pub fn recharge_paid(
        &self,
        recharge: RechargeId,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let trade_no = payment.trade_no.clone();
        self.taken(Cause::RechargePaid { recharge, trade_no }, payment.amount_fen, now)
    }

    /// A payment of an attempt that was thought dead: what the debit collected is owed again, or
    /// paid otherwise, so it is used as money that was paid in.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAPayment`] unless the amount is more than nothing.
    pub fn debit_found(
        &self,
        debit: DebitId,
        attempt: u16,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let trade_no = payment.trade_no.clone();
        self.taken(Cause::DebitFound { debit, attempt, trade_no }, payment.amount_fen, now)
    }

    pub(super) fn taken(
        &self,
        cause: Cause,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        if !amount.is_positive() {
            return Err(AccountError::NotAPayment(amount));
        }
        let mut postings = vec![(Ledger::Alipay, amount)];
        postings.extend(self.paid_in(amount)?);
        self.moved(cause, postings, now)
    }

    /// A refund that an operator asks for, before Alipay is asked. Of a recharge, or of found
    /// money, it is taken from what is prepaid; of a debit it is a gift: what was charged stays
    /// charged. Of a payment of the deposit it is taken from the deposit.
    ///
    /// # Errors
    ///
    /// [`AccountError::Used`] when less is prepaid than is to be given back.
    pub fn refund_asked(&self, refund: &Refund, now: Timestamp) -> Result<Movement, AccountError> {
        let amount = refund.amount_fen;
        if !amount.is_positive() {
            return Err(AccountError::NotAPayment(amount));
        }
        let prepaid = self.figures.prepaid();
        let from = match refund.from {
            RefundFrom::Prepaid if amount > prepaid => {
                return Err(AccountError::Used { amount, prepaid });
            }
            RefundFrom::Prepaid => Ledger::Prepaid,
            RefundFrom::Goodwill => Ledger::Goodwill,
            RefundFrom::Deposit => Ledger::Deposit,
        };
        let postings = vec![(from, amount), (Ledger::Refunding, amount.negated()?)];
        let cause = refund.cause(Cause::RefundAsked, DepositMovement::ReturnAsked);
        self.moved(cause, postings, now)
    }

    /// A refund that Alipay carried out.
    ///
    /// # Errors
    ///
    /// [`AccountError`] when an amount leaves its range.
    pub fn refund_done(&self, refund: &Refund, now: Timestamp) -> Result<Movement, AccountError> {
        let amount = refund.amount_fen;
        let postings = vec![(Ledger::Refunding, amount), (Ledger::Alipay, amount.negated()?)];
        self.moved(refund.cause(Cause::RefundDone, DepositMovement::Returned), postings, now)
    }

    /// A refund that Alipay refused: what was set aside for it goes back to where it came from.
    ///
    /// # Errors
    ///
    /// [`AccountError`] when an amount leaves its range.
    pub fn refund_refused(
        &self,
        refund: &Refund,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let amount = refund.amount_fen;
        let mut postings = vec![(Ledger::Refunding, amount)];
        match refund.from {
            RefundFrom::Prepaid => postings.extend(self.paid_in(amount)?),
            RefundFrom::Goodwill => postings.push((Ledger::Goodwill, amount.negated()?)),
            RefundFrom::Deposit => postings.push((Ledger::Deposit, amount.negated()?)),
        }
        let cause = refund.cause(Cause::RefundRefused, DepositMovement::ReturnRefused);
        self.moved(cause, postings, now)
    }

    /// Money that Alipay gave back though we did not ask: the provider owes it again, as far as its
    /// prepaid balance does not cover it.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAPayment`] unless the amount is more than nothing.
    pub fn reversed(
        &self,
        reversal: RefundRef,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        if !amount.is_positive() {
            return Err(AccountError::NotAPayment(amount));
        }
        let from_prepaid = self.from_prepaid(amount);
        let postings = vec![
            (Ledger::Alipay, amount.negated()?),
            (Ledger::Prepaid, from_prepaid),
            (Ledger::Receivable, amount.minus(from_prepaid)?),
        ];
        self.moved(Cause::Reversed(reversal), postings, now)
    }
}
