//! A refund: money that is given back by an operator's decision. Pure: a state machine over what
//! Alipay answers.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::task::Backoff;
use crate::{
    GatewayCode, OutRequestNo, OutTradeNo, Outcome, ProviderId, Reason, RefundAnswer,
    RefundQueryAnswer, Task, TradeOf, Unanswered,
};

/// One giving back of money of one trade, as Alipay names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RefundRef {
    /// Our number of the trade whose money is given back.
    pub out_trade_no: OutTradeNo,
    /// The number of this giving back: Alipay gives one number's money back at most once.
    pub out_request_no: OutRequestNo,
}

/// Money that an operator gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The provider that gets it.
    pub provider: ProviderId,
    /// The trade that is refunded.
    pub out_trade_no: OutTradeNo,
    /// The operator's number of the refund.
    pub out_request_no: OutRequestNo,
    /// The purpose of that trade.
    pub of: TradeOf,
    /// Where its money is taken from.
    pub from: RefundFrom,
    /// Its version and its due time.
    #[serde(flatten)]
    pub task: Task,
    /// The amount that is given back.
    pub amount_fen: Fen,
    /// Why, in the operator's words.
    pub reason: Reason,
    /// When an operator asked for it, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub asked_at_s: Timestamp,
    /// The phase, which only a pure step changes.
    #[serde(flatten)]
    pub phase: RefundPhase,
    /// The requests that nobody has answered.
    #[serde(default, skip_serializing_if = "Unanswered::is_empty")]
    pub unanswered_at_s: Unanswered,
}

/// Where the money of a refund is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefundFrom {
    /// From what is prepaid: the trade was a recharge, or found money that was credited.
    Prepaid,
    /// From us: the trade paid for usage, and what was charged stays charged.
    Goodwill,
    /// From the deposit that the trade paid.
    Deposit,
}

/// The phase of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum RefundPhase {
    /// To be sent: never sent yet, or proved not to have been carried out.
    Due,
    /// Stored, and about to be sent or just sent. Only a query shows its result.
    Sending,
    /// Refused by the gateway. A query has to confirm that no earlier request succeeded.
    Confirming {
        /// The gateway's code.
        code: GatewayCode,
    },
    /// The money was given back.
    Done,
    /// Refused; it is proved that nothing was given back. It is reported daily until a person
    /// acknowledges it.
    Refused {
        /// The gateway's code.
        code: GatewayCode,
        /// What a person decided about it; none before a person has looked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acknowledged: Option<Reason>,
    },
}

/// The next step of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStep {
    /// Nothing: it is not due, or it has ended.
    Wait,
    /// Store [`Refund::sending`], then send the request.
    Send,
    /// Query the gateway for the result of the refund.
    Query,
    /// Report that it was refused.
    Report,
}

/// The refund was not waiting for such an answer: a defect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("refund {number} was {phase} and not waiting for this answer")]
pub struct RefundConflict {
    /// The numbers of the refund.
    pub number: RefundRef,
    /// The phase it was in.
    pub phase: RefundPhase,
}

/// How long after a request its result can be queried.
///
/// Source: Alipay's guide to refunds: query ten seconds after the request or later.
const ANSWER_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// How long until our own account at the gateway is expected to have money for it again.
const OWN_ACCOUNT_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// How long until a refused refund is reported again.
const REPORT_EVERY: SignedDuration = SignedDuration::from_hours(24);

impl fmt::Display for RefundPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RefundPhase::Due => f.write_str("to be sent"),
            RefundPhase::Sending => f.write_str("sent; its result is not known yet"),
            RefundPhase::Confirming { code } => write!(f, "refused, to be confirmed: {}", code.0),
            RefundPhase::Done => f.write_str("given back"),
            RefundPhase::Refused { code, acknowledged } => {
                write!(f, "refused, nothing was given back: {}", code.0)?;
                match acknowledged {
                    Some(reason) => write!(f, "; acknowledged: {reason}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Refund {
    /// A refund of a trade of the provider that an operator asks for.
    #[must_use]
    pub fn ask(
        provider: &ProviderId,
        number: RefundRef,
        of: TradeOf,
        amount_fen: Fen,
        reason: Reason,
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
            task: Task::new(now),
            amount_fen,
            reason,
            asked_at_s: now,
            phase: RefundPhase::Due,
            unanswered_at_s: Unanswered::default(),
        }
    }

    /// The refund, of found money, which was credited.
    #[must_use]
    pub fn of_found_money(self) -> Refund {
        Refund { from: RefundFrom::Prepaid, ..self }
    }

    /// The refund, of a payment of the deposit.
    #[must_use]
    pub fn of_deposit(self) -> Refund {
        Refund { from: RefundFrom::Deposit, ..self }
    }

    /// The numbers by which Alipay identifies the refund.
    #[must_use]
    pub fn number(&self) -> RefundRef {
        RefundRef {
            out_trade_no: self.out_trade_no.clone(),
            out_request_no: self.out_request_no.clone(),
        }
    }

    /// The step that is due at `now`.
    #[must_use]
    pub fn next_step(&self, now: Timestamp) -> RefundStep {
        if now < self.task.due_at_s {
            return RefundStep::Wait;
        }
        match self.phase {
            RefundPhase::Due => RefundStep::Send,
            RefundPhase::Sending | RefundPhase::Confirming { .. } => RefundStep::Query,
            RefundPhase::Refused { acknowledged: None, .. } => RefundStep::Report,
            RefundPhase::Done | RefundPhase::Refused { acknowledged: Some(_), .. } => {
                RefundStep::Wait
            }
        }
    }

    /// When its next step is due; none when it has ended and a person knows of it.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        let due_at = self.task.due_at_s;
        (self.next_step(due_at) != RefundStep::Wait).then_some(due_at)
    }

    /// Whether it took its money, or still may: all but a refused refund.
    #[must_use]
    pub fn counts(&self) -> bool {
        match self.phase {
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Confirming { .. }
            | RefundPhase::Done => true,
            RefundPhase::Refused { .. } => false,
        }
    }

    /// The refund just before it is sent: to be stored first.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it is to be sent.
    pub fn sending(&self, now: Timestamp) -> Result<Refund, RefundConflict> {
        match self.phase {
            RefundPhase::Due => Ok(Refund {
                phase: RefundPhase::Sending,
                task: self.task.moved(now + ANSWER_WAIT),
                unanswered_at_s: self.unanswered_at_s.sent(now),
                ..self.clone()
            }),
            RefundPhase::Sending
            | RefundPhase::Confirming { .. }
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => Err(self.not_waiting()),
        }
    }

    /// The refund after the answer to its request.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it was sent.
    pub fn after_refund(
        &self,
        answer: RefundAnswer,
        now: Timestamp,
    ) -> Result<Refund, RefundConflict> {
        if self.phase != RefundPhase::Sending {
            return Err(self.not_waiting());
        }
        let unanswered_at_s = self.unanswered_at_s.answered();
        let heard = Refund { unanswered_at_s, ..self.clone() };
        Ok(match answer {
            RefundAnswer::Refunded { .. } => heard.progressed(RefundPhase::Done, now),
            RefundAnswer::OwnAccount(_) => {
                heard.progressed(RefundPhase::Due, now + OWN_ACCOUNT_WAIT)
            }
            RefundAnswer::Refused(code) => {
                heard.progressed(RefundPhase::Confirming { code }, now + ANSWER_WAIT)
            }
            RefundAnswer::InDoubt(_) => self.backed_off(now),
        })
    }

    /// The refund after the answer to a query for it. A refund that was not carried out is sent
    /// again unchanged, since the gateway gives one number's money back at most once. One that was
    /// refused has ended, if no earlier request can be on its way.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it was to be queried.
    pub fn after_query(
        &self,
        answer: RefundQueryAnswer,
        now: Timestamp,
    ) -> Result<Refund, RefundConflict> {
        let proved_not = match &self.phase {
            RefundPhase::Sending => RefundPhase::Due,
            RefundPhase::Confirming { code } if self.unanswered_at_s.is_quiet(now) => {
                RefundPhase::Refused { code: code.clone(), acknowledged: None }
            }
            RefundPhase::Confirming { .. } => self.phase.clone(),
            RefundPhase::Due | RefundPhase::Done | RefundPhase::Refused { .. } => {
                return Err(self.not_waiting());
            }
        };
        Ok(match answer {
            RefundQueryAnswer::Refunded { amount_fen } if amount_fen == self.amount_fen => {
                self.progressed(RefundPhase::Done, now)
            }
            RefundQueryAnswer::NotRefunded if proved_not != self.phase => {
                Refund { phase: proved_not, task: self.task.moved(now), ..self.clone() }
            }
            // Another amount under our number is not what we asked for: the bill of the day and a
            // person find out what it is.
            RefundQueryAnswer::NotRefunded
            | RefundQueryAnswer::Refunded { .. }
            | RefundQueryAnswer::InDoubt(_) => self.backed_off(now),
        })
    }

    /// The effect of proof that money was given back under its number: a row of a bill.
    #[must_use]
    pub fn after_proof(&self, amount: Fen, now: Timestamp) -> Outcome<Refund> {
        match self.phase {
            RefundPhase::Done if amount == self.amount_fen => Outcome::Unchanged,
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Confirming { .. }
                if amount == self.amount_fen =>
            {
                Outcome::Changed(self.progressed(RefundPhase::Done, now))
            }
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Confirming { .. }
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => Outcome::Contradicts,
        }
    }

    /// The refused refund after it was reported again.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it was refused.
    pub fn reported(&self, now: Timestamp) -> Result<Refund, RefundConflict> {
        match self.phase {
            RefundPhase::Refused { .. } => {
                Ok(Refund { task: self.task.moved(now + REPORT_EVERY), ..self.clone() })
            }
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Confirming { .. }
            | RefundPhase::Done => Err(self.not_waiting()),
        }
    }

    /// The refused refund after a person acknowledged it: it is not reported again.
    ///
    /// # Errors
    ///
    /// [`RefundConflict`] unless it was refused.
    pub fn acknowledged(&self, reason: Reason) -> Result<Refund, RefundConflict> {
        match &self.phase {
            RefundPhase::Refused { code, .. } => {
                let (code, acknowledged) = (code.clone(), Some(reason));
                Ok(Refund { phase: RefundPhase::Refused { code, acknowledged }, ..self.clone() })
            }
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Confirming { .. }
            | RefundPhase::Done => Err(self.not_waiting()),
        }
    }

    fn progressed(&self, phase: RefundPhase, due_at: Timestamp) -> Refund {
        Refund { phase, task: self.task.progressed(due_at), ..self.clone() }
    }

    fn backed_off(&self, now: Timestamp) -> Refund {
        Refund { task: self.task.backed_off(Backoff::MINUTES, now), ..self.clone() }
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
