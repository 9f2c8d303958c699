//! A recharge: one amount that a provider wants to pay in through Alipay. Pure: a state machine over
//! what Alipay tells.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::{
    DEBIT_MAX, Learned, OutTradeNo, Payment, ProviderId, QueryAnswer, TradeNumber, TradeOf,
};

/// A recharge's number among its provider's, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RechargeId(pub u32);

/// One amount that a provider wants to pay in.
///
/// Guarantees that it is paid once at most, and by exactly its amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recharge {
    /// Whose money.
    pub provider: ProviderId,
    /// Which recharge of the provider.
    pub recharge: RechargeId,
    /// How often the recharge was written; each write is conditional on the one before.
    pub version: u64,
    /// What is to be paid.
    pub amount_fen: Fen,
    /// The number by which Alipay knows it.
    pub out_trade_no: OutTradeNo,
    /// When it was offered, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub offered_at_s: Timestamp,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: RechargePhase,
    /// How often Alipay was asked about it.
    #[serde(default)]
    pub queries: u16,
    /// When Alipay is to be asked next, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub due_at_s: Timestamp,
}

/// Where a recharge stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum RechargePhase {
    /// It can be paid.
    Offered,
    /// It is paid.
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
/// when he opens the page or the code.
const LAPSES_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// When Alipay is asked about a recharge, in minutes after the time before; then every hour. A
/// notification mostly comes first.
const QUERY_MINUTES: [i64; 5] = [1, 3, 10, 30, 60];

impl Recharge {
    /// A new recharge.
    ///
    /// # Errors
    ///
    /// [`RechargeAmountError`] when Alipay takes no such amount.
    pub fn offer(
        provider: &ProviderId,
        recharge: RechargeId,
        amount_fen: Fen,
        now: Timestamp,
    ) -> Result<Recharge, RechargeAmountError> {
        if !amount_fen.is_positive() || amount_fen > DEBIT_MAX {
            return Err(RechargeAmountError::Range(amount_fen));
        }
        Ok(Recharge {
            provider: provider.clone(),
            recharge,
            version: 0,
            amount_fen,
            out_trade_no: TradeNumber::new(provider, TradeOf::Recharge(recharge)).out_trade_no(),
            offered_at_s: now,
            phase: RechargePhase::Offered,
            queries: 0,
            due_at_s: now + patience(0),
        })
    }

    /// The recharge after a proof that money was taken for it: a verified notification, a query's
    /// answer, or the bill.
    #[must_use]
    pub fn learn_paid(&self, payment: &Payment) -> Learned<Recharge> {
        if payment.amount_fen != self.amount_fen {
            return Learned::Contradicts;
        }
        match &self.phase {
            RechargePhase::Offered | RechargePhase::Lapsed => {
                let trade_no = payment.trade_no.clone();
                Learned::New(Recharge { phase: RechargePhase::Paid { trade_no }, ..self.clone() })
            }
            RechargePhase::Paid { trade_no } if *trade_no == payment.trade_no => Learned::Known,
            RechargePhase::Paid { .. } => Learned::Contradicts,
        }
    }

    /// The recharge after the answer to a query that brought no payment: asked about again, or
    /// lapsed.
    #[must_use]
    pub fn after_query(&self, answer: &QueryAnswer, now: Timestamp) -> Recharge {
        let is_over = now >= self.offered_at_s + LAPSES_AFTER;
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
        let queries = self.queries.saturating_add(1);
        Recharge { phase, queries, due_at_s: now + patience(queries), ..self.clone() }
    }

    /// When Alipay is to be asked about it; never when it is paid or has lapsed.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            RechargePhase::Offered => Some(self.due_at_s),
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

fn patience(queries: u16) -> SignedDuration {
    let minutes = QUERY_MINUTES.get(usize::from(queries)).copied().unwrap_or(60);
    SignedDuration::from_mins(minutes)
}

impl fmt::Display for RechargeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
