//! A reversal: money that Alipay gave back though we did not ask. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

use crate::patience::minutes_to_an_hour;
use crate::{OutRequestNo, OutTradeNo, ProviderId, RefundRef, TradeOf};

/// Money that Alipay gave back though we did not ask: a bank's charge-back, or somebody at Alipay's
/// own pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Whose money.
    pub provider: ProviderId,
    /// The trade whose money was given back.
    pub out_trade_no: OutTradeNo,
    /// Alipay's number of it.
    pub out_request_no: OutRequestNo,
    /// What that trade was for.
    pub of: TradeOf,
    /// How often it was written; each write is conditional on the one before.
    pub version: u64,
    /// When it came to light, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub noticed_at_s: Timestamp,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: ReversalPhase,
    /// How often Alipay was asked about it.
    #[serde(default)]
    pub queries: u16,
    /// When Alipay is to be asked next, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub due_at_s: Timestamp,
}

/// Where a reversal stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ReversalPhase {
    /// A notification told of it; how much it is, a query tells.
    Noticed,
    /// It is in the books.
    Booked {
        /// What was given back.
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
            version: 0,
            noticed_at_s: now,
            phase: ReversalPhase::Noticed,
            queries: 0,
            due_at_s: now,
        }
    }

    /// Its numbers.
    #[must_use]
    pub fn number(&self) -> RefundRef {
        RefundRef {
            out_trade_no: self.out_trade_no.clone(),
            out_request_no: self.out_request_no.clone(),
        }
    }

    /// The reversal with its amount in the books; none if it is there already.
    #[must_use]
    pub fn booked(&self, amount_fen: Fen) -> Option<Reversal> {
        match self.phase {
            ReversalPhase::Noticed => {
                Some(Reversal { phase: ReversalPhase::Booked { amount_fen }, ..self.clone() })
            }
            ReversalPhase::Booked { .. } => None,
        }
    }

    /// What was given back, if it is in the books.
    #[must_use]
    pub fn amount(&self) -> Option<Fen> {
        match self.phase {
            ReversalPhase::Booked { amount_fen } => Some(amount_fen),
            ReversalPhase::Noticed => None,
        }
    }

    /// The reversal after a query that did not tell its amount: asked about again. What is never
    /// found to be true moves nothing, and the bill of the day tells.
    #[must_use]
    pub fn asked_in_vain(&self, now: Timestamp) -> Reversal {
        let due_at_s = now + minutes_to_an_hour(self.queries);
        Reversal { queries: self.queries.saturating_add(1), due_at_s, ..self.clone() }
    }

    /// When Alipay is to be asked about it; never when it is in the books.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            ReversalPhase::Noticed => Some(self.due_at_s),
            ReversalPhase::Booked { .. } => None,
        }
    }
}
