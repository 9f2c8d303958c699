//! A recharge: one amount that a provider wants to pay in through Alipay. Pure: a state machine
//! over Alipay's answers and notifications.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::task::Backoff;
use crate::{
    DEBIT_MAX, OutTradeNo, Outcome, Payment, ProviderId, QueryAnswer, Realm, RechargeId, Task,
    TradeNumber, TradeOf,
};

/// One amount that a provider wants to pay in.
///
/// Guarantees that it is paid once at most, and by exactly its amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recharge {
    /// The provider that pays.
    pub provider: ProviderId,
    /// Its number among the provider's recharges.
    pub recharge: RechargeId,
    /// Its version and its due time.
    #[serde(flatten)]
    pub task: Task,
    /// The account's figure that the payment increases.
    #[serde(default, skip_serializing_if = "is_default")]
    pub purpose: RechargePurpose,
    /// The amount to be paid.
    pub amount_fen: Fen,
    /// The number by which Alipay knows it.
    pub out_trade_no: OutTradeNo,
    /// When it was offered, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub offered_at_s: Timestamp,
    /// The phase, which only a pure step changes.
    #[serde(flatten)]
    pub phase: RechargePhase,
}

/// The purpose of a recharge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RechargePurpose {
    /// The receivable first; the rest becomes prepaid balance.
    #[default]
    Prepaid,
    /// The provider's deposit.
    Deposit,
}

/// The phase of a recharge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum RechargePhase {
    /// The payer can pay it until it lapses.
    Offered,
    /// Alipay took the amount, and the journal has it.
    Paid {
        /// The gateway's number of the trade.
        trade_no: String,
    },
    /// It was not paid in time. A payment that comes to light later counts all the same.
    Lapsed,
}

/// Why an amount can't be paid in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RechargeAmountError {
    /// Alipay takes no such amount.
    #[error("a recharge is of 0.01 to {DEBIT_MAX} yuan, not of {0}")]
    Range(Fen),
}

/// How long after it was offered a recharge that nobody paid lapses: the payer has two hours from
/// when they open the page or the code.
const LAPSES_AFTER: SignedDuration = SignedDuration::from_hours(24);

impl Recharge {
    /// The smallest amount: ¥0.01.
    pub const MIN: Fen = Fen::new(1);
    /// The largest amount, as for a debit.
    pub const MAX: Fen = DEBIT_MAX;

    /// A new recharge.
    ///
    /// # Errors
    ///
    /// [`RechargeAmountError`] when Alipay takes no such amount.
    pub fn offer(
        realm: &Realm,
        provider: &ProviderId,
        recharge: RechargeId,
        amount_fen: Fen,
        now: Timestamp,
    ) -> Result<Recharge, RechargeAmountError> {
        Recharge::check_amount(amount_fen)?;
        Ok(Recharge {
            provider: provider.clone(),
            recharge,
            task: Task::new(now).backed_off(Backoff::RECHARGE_QUERY, now),
            purpose: RechargePurpose::Prepaid,
            amount_fen,
            out_trade_no: TradeNumber::new(realm, provider, TradeOf::Recharge(recharge))
                .out_trade_no(),
            offered_at_s: now,
            phase: RechargePhase::Offered,
        })
    }

    /// The recharge, for another purpose.
    #[must_use]
    pub fn for_purpose(self, purpose: RechargePurpose) -> Recharge {
        Recharge { purpose, ..self }
    }

    /// Whether it pays the deposit by that trade.
    #[must_use]
    pub fn pays_deposit_by(&self, trade: &OutTradeNo) -> bool {
        self.purpose == RechargePurpose::Deposit && self.out_trade_no == *trade
    }

    /// Whether an amount can be paid in: [`MIN`](Self::MIN) to [`MAX`](Self::MAX).
    ///
    /// # Errors
    ///
    /// [`RechargeAmountError`] when Alipay takes no such amount.
    pub fn check_amount(amount_fen: Fen) -> Result<(), RechargeAmountError> {
        let is_payable = (Recharge::MIN..=Recharge::MAX).contains(&amount_fen);
        if is_payable { Ok(()) } else { Err(RechargeAmountError::Range(amount_fen)) }
    }

    /// From when on it lapses, unless it is paid or Alipay still waits for the payer.
    #[must_use]
    pub fn lapses_at(&self) -> Timestamp {
        self.offered_at_s + LAPSES_AFTER
    }

    /// The effect of proof that money was taken for it: a verified notification, the answer to a
    /// query, or a row of a bill.
    #[must_use]
    pub fn after_proof(&self, payment: &Payment) -> Outcome<Recharge> {
        if payment.amount_fen != self.amount_fen {
            return Outcome::Contradicts;
        }
        match &self.phase {
            RechargePhase::Offered | RechargePhase::Lapsed => {
                let trade_no = payment.trade_no.clone();
                Outcome::Changed(Recharge {
                    phase: RechargePhase::Paid { trade_no },
                    ..self.clone()
                })
            }
            RechargePhase::Paid { trade_no } if *trade_no == payment.trade_no => Outcome::Unchanged,
            RechargePhase::Paid { .. } => Outcome::Contradicts,
        }
    }

    /// The recharge after the answer to a query that brought no payment: asked about again, or
    /// lapsed.
    #[must_use]
    pub fn after_query(&self, answer: &QueryAnswer, now: Timestamp) -> Recharge {
        let is_over = now >= self.lapses_at();
        let lapses = match answer {
            QueryAnswer::Closed => true,
            QueryAnswer::NotFound => is_over,
            // What can still be paid, and what nobody knows, does not lapse.
            QueryAnswer::Pending | QueryAnswer::InDoubt(_) | QueryAnswer::Paid(_) => false,
        };
        let phase = match &self.phase {
            RechargePhase::Offered if lapses => RechargePhase::Lapsed,
            phase @ (RechargePhase::Offered
            | RechargePhase::Paid { .. }
            | RechargePhase::Lapsed) => phase.clone(),
        };
        let task = self.task.backed_off(Backoff::RECHARGE_QUERY, now);
        Recharge { phase, task, ..self.clone() }
    }

    /// When Alipay is to be asked about it; never when it is paid or has lapsed.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            RechargePhase::Offered => Some(self.task.due_at_s),
            RechargePhase::Paid { .. } | RechargePhase::Lapsed => None,
        }
    }

    /// What Alipay took, if it did.
    #[must_use]
    pub fn payment(&self) -> Option<Payment> {
        match &self.phase {
            RechargePhase::Paid { trade_no } => {
                Some(Payment { trade_no: trade_no.clone(), amount_fen: self.amount_fen })
            }
            RechargePhase::Offered | RechargePhase::Lapsed => None,
        }
    }
}

fn is_default(purpose: &RechargePurpose) -> bool {
    *purpose == RechargePurpose::default()
}
