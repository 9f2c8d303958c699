//! A trade: one payment at the gateway under a number of ours.

use jiff::Timestamp;
use steelyard_pricing::{Fen, MoneyError};

use crate::{
    Account, AccountError, Debit, DebitRules, MandateInUse, Movement, OutTradeNo, Outcome, Payment,
    ProvedPaid, ProviderId, Recharge, RechargePurpose, Refund, RefundRef, Reversal, TradeOf,
};

/// A trade as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trade {
    /// An attempt of a debit, which was sent.
    Attempt {
        /// The debit with all its attempts.
        debit: Debit,
        /// The number of the attempt, from 1.
        number: u16,
    },
    /// A recharge, which is a trade from its offer on.
    Recharge(Recharge),
}

/// What was given back of a provider's trades: all its refunds and reversals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// The refunds, in any order.
    pub refunds: Vec<Refund>,
    /// The reversals, in any order.
    pub reversals: Vec<Reversal>,
}

impl Trade {
    /// The trade of a debit's attempt; none if it was never sent.
    #[must_use]
    pub fn attempt(debit: Debit, number: u16) -> Option<Trade> {
        debit.attempt(number).is_some().then_some(Trade::Attempt { debit, number })
    }

    /// The number by which the gateway knows it.
    #[must_use]
    pub fn out_trade_no(&self) -> Option<&OutTradeNo> {
        match self {
            Trade::Attempt { debit, number } => {
                debit.attempt(*number).map(|attempt| &attempt.out_trade_no)
            }
            Trade::Recharge(recharge) => Some(&recharge.out_trade_no),
        }
    }

    /// The purpose and number that the trade's number encodes.
    #[must_use]
    pub fn of(&self) -> TradeOf {
        match self {
            Trade::Attempt { debit, number } => {
                TradeOf::Debit { debit: debit.debit, attempt: *number }
            }
            Trade::Recharge(recharge) => TradeOf::Recharge(recharge.recharge),
        }
    }

    /// The provider whose trade it is.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        match self {
            Trade::Attempt { debit, .. } => &debit.provider,
            Trade::Recharge(recharge) => &recharge.provider,
        }
    }

    /// The amount that it asks for.
    #[must_use]
    pub fn asked(&self) -> Fen {
        match self {
            Trade::Attempt { debit, .. } => {
                debit.terms.as_ref().map_or(Fen::ZERO, |terms| terms.amount_fen)
            }
            Trade::Recharge(recharge) => recharge.amount_fen,
        }
    }

    /// What the gateway took by it, if it did.
    #[must_use]
    pub fn payment(&self) -> Option<Payment> {
        match self {
            Trade::Attempt { debit, number } => {
                debit.attempt(*number).and_then(|attempt| attempt.payment.clone())
            }
            Trade::Recharge(recharge) => recharge.payment(),
        }
    }

    /// Whether its payment was credited as found money, since it did not pay its debit.
    #[must_use]
    pub fn is_found(&self) -> bool {
        match self {
            Trade::Attempt { debit, number } => {
                debit.found_payments().any(|(found, _)| found == *number)
            }
            Trade::Recharge(_) => false,
        }
    }

    /// What can still be given back of it: what it took, less all refunds that were not refused and
    /// all reversals.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn refundable(&self, given_back: &GivenBack) -> Result<Fen, MoneyError> {
        let taken = self.payment().map_or(Fen::ZERO, |payment| payment.amount_fen);
        taken.minus(self.given_back(given_back)?)
    }

    /// What was given back of it, or is to be: all refunds that were not refused, and all
    /// reversals.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn given_back(&self, given_back: &GivenBack) -> Result<Fen, MoneyError> {
        let is_its_own = |number: &OutTradeNo| Some(number) == self.out_trade_no();
        let GivenBack { refunds, reversals } = given_back;
        let refunds = refunds.iter().filter(|r| is_its_own(&r.out_trade_no) && r.counts());
        let reversals = reversals.iter().filter(|r| is_its_own(&r.out_trade_no));
        let amounts = refunds.map(|refund| refund.amount_fen);
        Fen::sum(amounts.chain(reversals.filter_map(Reversal::amount)))
    }

    /// The effect of proof that the trade was paid.
    #[must_use]
    pub fn after_proof(&self, payment: &Payment, now: Timestamp) -> Outcome<Trade> {
        match self {
            Trade::Attempt { debit, number } => {
                debit.after_proof(*number, payment, now).map(|proved| match proved {
                    ProvedPaid::Debit(debit) | ProvedPaid::Found(debit) => {
                        Trade::Attempt { debit, number: *number }
                    }
                })
            }
            Trade::Recharge(recharge) => recharge.after_proof(payment).map(Trade::Recharge),
        }
    }

    /// What the payment of this trade, which was just proved, does to the account.
    ///
    /// # Errors
    ///
    /// [`AccountError`] when the account does not allow it.
    pub fn paid(
        &self,
        payment: &Payment,
        account: &Account,
        mandate: Option<&MandateInUse>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        match self {
            Trade::Attempt { debit, number } if self.is_found() => {
                account.debit_found(debit.debit, *number, payment, now)
            }
            Trade::Attempt { debit, .. } => account.end_debit(debit, mandate, rules, now),
            Trade::Recharge(recharge) => match recharge.purpose {
                RechargePurpose::Prepaid => account.recharge_paid(recharge.recharge, payment, now),
                RechargePurpose::Deposit => account.deposit_paid(recharge.recharge, payment, now),
            },
        }
    }

    /// Whether it pays the deposit.
    #[must_use]
    pub fn is_of_deposit(&self) -> bool {
        match self {
            Trade::Attempt { .. } => false,
            Trade::Recharge(recharge) => recharge.purpose == RechargePurpose::Deposit,
        }
    }

    /// What it does to the account that the gateway gave money of this trade back without our
    /// asking.
    ///
    /// # Errors
    ///
    /// [`AccountError`] when the account does not allow it.
    pub fn reversed(
        &self,
        account: &Account,
        reversal: RefundRef,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        if self.is_of_deposit() {
            account.deposit_reversed(reversal, amount, now)
        } else {
            account.reversed(reversal, amount, now)
        }
    }
}

impl GivenBack {
    /// The numbers of the refunds and reversals of a trade, of that amount. A row of the gateway's
    /// ledger names no request, so that only the amount identifies it.
    pub fn requests_of(&self, trade: &OutTradeNo, amount: Fen) -> impl Iterator<Item = RefundRef> {
        let refunds = self.refunds.iter().filter(|r| r.phase == crate::RefundPhase::Done);
        let refund = refunds.filter(move |r| r.amount_fen == amount).map(Refund::number);
        let reversals = self.reversals.iter().filter(move |r| r.amount() == Some(amount));
        refund
            .chain(reversals.map(Reversal::number))
            .filter(move |number| number.out_trade_no == *trade)
    }
}
