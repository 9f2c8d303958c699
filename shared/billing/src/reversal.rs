//! A reversal: money that Alipay gave back though we did not ask. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

use crate::task::Backoff;
use crate::{OutRequestNo, OutTradeNo, Outcome, ProviderId, RefundRef, Task, TradeOf};

/// Money that Alipay gave back though we did not ask: a bank's charge-back, or a person at Alipay's
/// own pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// The provider whose payment was given back.
    pub provider: ProviderId,
    /// The trade whose money was given back.
    pub out_trade_no: OutTradeNo,
    /// Alipay's number of it.
    pub out_request_no: OutRequestNo,
    /// The purpose of that trade.
    pub of: TradeOf,
    /// Its version and its due time.
    #[serde(flatten)]
    pub task: Task,
    /// When it came to light, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub noticed_at_s: Timestamp,
    /// The phase, which only a query changes.
    #[serde(flatten)]
    pub phase: ReversalPhase,
}

/// The phase of a reversal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ReversalPhase {
    /// A notification announced it; a query will return the amount.
    Noticed,
    /// The amount is known, and the journal has it.
    Booked {
        /// The amount that Alipay gave back, in fen.
        amount_fen: Fen,
    },
}

impl Reversal {
    /// A reversal that came to light.
    #[must_use]
    pub fn noticed(
        provider: &ProviderId,
        number: RefundRef,
        of: TradeOf,
        now: Timestamp,
    ) -> Reversal {
        Reversal {
            provider: provider.clone(),
            out_trade_no: number.out_trade_no,
            out_request_no: number.out_request_no,
            of,
            task: Task::new(now),
            noticed_at_s: now,
            phase: ReversalPhase::Noticed,
        }
    }

    /// The numbers by which Alipay identifies it.
    #[must_use]
    pub fn number(&self) -> RefundRef {
        RefundRef {
            out_trade_no: self.out_trade_no.clone(),
            out_request_no: self.out_request_no.clone(),
        }
    }

    /// The effect of proof of its amount: the answer to a query, or a row of a bill.
    #[must_use]
    pub fn after_proof(&self, amount_fen: Fen) -> Outcome<Reversal> {
        match self.phase {
            ReversalPhase::Noticed => Outcome::Changed(Reversal {
                phase: ReversalPhase::Booked { amount_fen },
                ..self.clone()
            }),
            ReversalPhase::Booked { amount_fen: known } if known == amount_fen => {
                Outcome::Unchanged
            }
            ReversalPhase::Booked { .. } => Outcome::Contradicts,
        }
    }

    /// The amount that was given back, if the journal has it.
    #[must_use]
    pub fn amount(&self) -> Option<Fen> {
        match self.phase {
            ReversalPhase::Booked { amount_fen } => Some(amount_fen),
            ReversalPhase::Noticed => None,
        }
    }

    /// The reversal after a query without a result: queried again later. A reversal that is never
    /// confirmed moves nothing, and the bill of the day shows it if it happened.
    #[must_use]
    pub fn unconfirmed(&self, now: Timestamp) -> Reversal {
        Reversal { task: self.task.backed_off(Backoff::MINUTES, now), ..self.clone() }
    }

    /// When Alipay is to be asked about it; never when it is in the books.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            ReversalPhase::Noticed => Some(self.task.due_at_s),
            ReversalPhase::Booked { .. } => None,
        }
    }
}
