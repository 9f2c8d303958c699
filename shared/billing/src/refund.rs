//! A refund: money that is given back by an operator's decision. Pure: a state machine over what
//! Alipay answers.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::patience::minutes_to_an_hour;
use crate::{
    GatewayCode, Learned, OutRequestNo, OutTradeNo, ProviderId, RefundAnswer, RefundQueryAnswer,
    TradeOf,
};

/// One giving back of money of one trade, as Alipay names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RefundRef {
    /// The trade.
    pub out_trade_no: OutTradeNo,
    /// The number of this giving back: Alipay gives one number's money back at most once.
    pub out_request_no: OutRequestNo,
}

/// Money that an operator gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Whose money.
    pub provider: ProviderId,
    /// The trade that is refunded.
    pub out_trade_no: OutTradeNo,
    /// The operator's number of the refund.
    pub out_request_no: OutRequestNo,
    /// What that trade was for.
    pub of: TradeOf,
    /// Where its money is taken from.
    pub from: RefundFrom,
    /// How often the refund was written; each write is conditional on the one before.
    pub version: u64,
    /// What is given back.
    pub amount_fen: Fen,
    /// Why, in the operator's words.
    pub reason: String,
    /// When it was asked for, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub asked_at_s: Timestamp,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: RefundPhase,
    /// How often nobody knew.
    #[serde(default)]
    pub doubts: u16,
    /// Not to be touched before this, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub due_at_s: Timestamp,
}

/// Where the money of a refund is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundFrom {
    /// From what is prepaid: the trade was a recharge, or found money that was credited.
    Prepaid,
    /// From us: the trade paid for usage, and what was charged stays charged.
    Goodwill,
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum RefundPhase {
    /// To be asked for: never asked yet, or proved not to have been carried out.
    Due,
    /// Stored, and about to be asked or just asked. Only a query tells what came of it.
    Sending,
    /// Refused by Alipay, and a query is to prove that an earlier request did not succeed.
    Refusing {
        /// Alipay's code.
        code: GatewayCode,
    },
    /// Given back.
    Done,
    /// Refused, and proved that nothing was given back.
    Refused {
        /// Alipay's code.
        code: GatewayCode,
    },
}

/// What to do with a refund now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStep {
    /// Nothing.
    Wait,
    /// Store [`Refund::sending`], then ask for it.
    Ask,
    /// Ask what became of it.
    Query,
}

/// The refund was not waiting for such an answer: a defect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("refund {number} was {phase:?} and not waiting for this answer")]
pub struct RefundConflict {
    /// The refund.
    pub number: RefundRef,
    /// Where it stood.
    pub phase: RefundPhase,
}

/// How long after a refund was asked for Alipay can tell what came of it.
///
/// Source: Alipay's guide to refunds: query ten seconds after the request or later.
const ANSWER_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// How long to wait for our own account to be filled up, before it is asked again.
const OWN_ACCOUNT_WAIT: SignedDuration = SignedDuration::from_hours(1);

impl Refund {
    /// A refund that an operator asks for, of a trade of the provider.
    #[must_use]
    pub fn ask(
        provider: &ProviderId,
        number: RefundRef,
        of: TradeOf,
        amount_fen: Fen,
        reason: &str,
        now: Timestamp,
    ) -> Refund {
        Refund {
            provider: provider.clone(),
            out_trade_no: number.out_trade_no,
            out_request_no: number.out_request_no,
            of,
            from: match of {
                TradeOf::Recharge(_) => RefundFrom::Prepaid,
                TradeOf::Debit { .. } => RefundFrom::Goodwill,
            },
            version: 0,
            amount_fen,
            reason: reason.to_owned(),
            asked_at_s: now,
            phase: RefundPhase::Due,
            doubts: 0,
            due_at_s: now,
        }
    }

    /// The refund, of found money, which was credited.
    #[must_use]
    pub fn of_found_money(self) -> Refund {
        Refund { from: RefundFrom::Prepaid, ..self }
    }

    /// Its numbers.
    #[must_use]
    pub fn number(&self) -> RefundRef {
        RefundRef {
            out_trade_no: self.out_trade_no.clone(),
            out_request_no: self.out_request_no.clone(),
        }
    }

    /// What to do now.
    #[must_use]
    pub fn next_step(&self, now: Timestamp) -> RefundStep {
        match self.phase {
            RefundPhase::Due if now >= self.due_at_s => RefundStep::Ask,
            RefundPhase::Sending | RefundPhase::Refusing { .. } if now >= self.due_at_s => {
                RefundStep::Query
            }
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Refusing { .. }
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => RefundStep::Wait,
        }
    }

    /// When there is something to do with it; never when it has ended.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        (self.next_step(self.due_at_s) != RefundStep::Wait).then_some(self.due_at_s)
    }

    /// The refund just before it is asked for: to be stored first.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it is to be asked for.
    pub fn sending(&self, now: Timestamp) -> Result<Refund, RefundConflict> {
        match self.phase {
            RefundPhase::Due => Ok(self.with(RefundPhase::Sending, now + ANSWER_WAIT)),
            RefundPhase::Sending
            | RefundPhase::Refusing { .. }
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => Err(self.not_waiting()),
        }
    }

    /// The refund after the answer to it.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it was sent.
    pub fn after_refund(
        &self,
        answer: RefundAnswer,
        now: Timestamp,
    ) -> Result<Refund, RefundConflict> {
        match self.phase {
            RefundPhase::Sending => Ok(match answer {
                RefundAnswer::Refunded { .. } => self.with(RefundPhase::Done, now),
                RefundAnswer::OwnAccount(_) => self.with(RefundPhase::Due, now + OWN_ACCOUNT_WAIT),
                RefundAnswer::Refused(code) => {
                    self.with(RefundPhase::Refusing { code }, now + ANSWER_WAIT)
                }
                RefundAnswer::InDoubt(_) => self.doubted(now),
            }),
            RefundPhase::Due
            | RefundPhase::Refusing { .. }
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => Err(self.not_waiting()),
        }
    }

    /// The refund after the answer to a query for it. One that was not carried out is asked for
    /// again, unless it was refused.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it was to be asked about.
    pub fn after_query(
        &self,
        answer: RefundQueryAnswer,
        now: Timestamp,
    ) -> Result<Refund, RefundConflict> {
        let proved_not = match &self.phase {
            RefundPhase::Sending => RefundPhase::Due,
            RefundPhase::Refusing { code } => RefundPhase::Refused { code: code.clone() },
            RefundPhase::Due | RefundPhase::Done | RefundPhase::Refused { .. } => {
                return Err(self.not_waiting());
            }
        };
        Ok(match answer {
            RefundQueryAnswer::Refunded { amount_fen } if amount_fen == self.amount_fen => {
                self.with(RefundPhase::Done, now)
            }
            RefundQueryAnswer::NotRefunded => self.with(proved_not, now),
            // Another amount under our number is none that we asked for; the bill of the day and a
            // person find out what it is.
            RefundQueryAnswer::Refunded { .. } | RefundQueryAnswer::InDoubt(_) => self.doubted(now),
        })
    }

    /// The refund after a proof that money was given back under its number: the bill of a day.
    #[must_use]
    pub fn learn_done(&self, amount: Fen, now: Timestamp) -> Learned<Refund> {
        match self.phase {
            RefundPhase::Done if amount == self.amount_fen => Learned::Known,
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Refusing { .. }
                if amount == self.amount_fen =>
            {
                Learned::New(self.with(RefundPhase::Done, now))
            }
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Refusing { .. }
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => Learned::Contradicts,
        }
    }

    fn doubted(&self, now: Timestamp) -> Refund {
        let doubted = self.with(self.phase.clone(), now + minutes_to_an_hour(self.doubts));
        Refund { doubts: self.doubts.saturating_add(1), ..doubted }
    }

    fn with(&self, phase: RefundPhase, due_at_s: Timestamp) -> Refund {
        Refund { phase, due_at_s, ..self.clone() }
    }

    fn not_waiting(&self) -> RefundConflict {
        RefundConflict { number: self.number(), phase: self.phase.clone() }
    }
}

impl fmt::Display for RefundRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.out_request_no, self.out_trade_no)
    }
}
