//! The answers, notifications and bills of the payment gateway, free of its protocol.

mod bill;
mod notice;
mod number;
mod realm;
mod trade_number;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

pub use bill::{Bill, BillKind, BillRow, RowKind, UnreadableRow};
pub use notice::{AgreementEnded, AgreementSigned, Notice, TradeNotice, TradeState};
pub use number::{ExternalAgreementNo, NumberError, OutRequestNo, OutTradeNo, ProviderCode};
pub use realm::Realm;
pub use trade_number::{TradeNumber, TradeOf};

/// A payment that the gateway confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The gateway's own number of the trade.
    pub trade_no: String,
    /// The amount that the gateway took.
    pub amount_fen: Fen,
}

/// A refusal to take the money now, under a mandate that is in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// The kind of reason.
    pub reason: DeclineReason,
    /// The gateway's code, such as `ACQ.BUYER_BALANCE_NOT_ENOUGH`.
    pub sub_code: String,
}

/// The kind of reason for a decline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The payer has too little money, or reached a limit of their own.
    Funds,
    /// The amount is more than the product or the agreement allows.
    AmountCap,
    /// Too many debits, too soon, or outside the hours in which one is allowed.
    Window,
}

/// When a declined request may be sent again, under its own number and unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The day after, or later, by the schedule of retries.
    LaterDay,
    /// When the gateway's next window opens.
    NextWindow,
    /// Only after an operator had the limit raised. The amount is never split.
    WhenCapIsRaised,
}

/// A result code of the gateway with its sub-code, for a log, an operator or the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct GatewayCode(pub String);

/// Why an answer proves nothing: a short text for a log and an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Doubt(pub String);

/// The answer to a request to pay.
///
/// Only `Paid` is proof. Every other answer is about this one request; an earlier request under the
/// same number may have succeeded, which only a query shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayAnswer {
    /// The money was taken.
    Paid(Payment),
    /// The money was not taken now.
    Declined(Decline),
    /// The agreement or its payer no longer exists. A query for the agreement confirms it.
    MandateDead(GatewayCode),
    /// The payer's account is blocked or at risk. Further attempts make it worse.
    PayerBlocked(GatewayCode),
    /// Our own account, key or configuration at the gateway is in trouble: no debit of any provider
    /// can succeed, and none is held against a provider.
    OwnAccount(GatewayCode),
    /// This one request is wrong, and its bytes never change: a person must look.
    OwnFault(GatewayCode),
    /// The gateway limits how often we call it, and did not look at the request.
    Throttled(GatewayCode),
    /// The answer proves nothing; only a query can. Every answer that is not clearly another one.
    InDoubt(Doubt),
}

/// The answer to a query for a trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryAnswer {
    /// The money was taken.
    Paid(Payment),
    /// The trade exists and is not paid yet.
    Pending,
    /// The trade was closed unpaid, or paid and refunded in full: its number is dead.
    Closed,
    /// The gateway knows no such trade. Not final: the request may still be on its way.
    NotFound,
    /// The answer proves nothing.
    InDoubt(Doubt),
}

/// The answer to a refund request. The same request may be sent again unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// This request gave the money back.
    Refunded {
        /// The sum of all refunds of the trade up to now, this one included.
        total_fen: Fen,
    },
    /// Our own account at the gateway is in trouble, or has too little money. Nothing is wrong with
    /// the refund: request it again later.
    OwnAccount(GatewayCode),
    /// The gateway refuses this refund for good. An earlier request under the same number may have
    /// succeeded: query the refund.
    Refused(GatewayCode),
    /// The answer proves nothing: query the refund.
    InDoubt(Doubt),
}

/// The answer to a query for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundQueryAnswer {
    /// The money was given back.
    Refunded {
        /// The amount of this refund.
        amount_fen: Fen,
    },
    /// The money was not given back, or not yet: within seconds of the request it may still be on
    /// its way.
    NotRefunded,
    /// The answer proves nothing. Every status that is not known is in doubt.
    InDoubt(Doubt),
}

/// The answer to a request for a QR code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QrAnswer {
    /// The text of the QR code. Anyone who scans it can pay the trade.
    Code(String),
    /// The gateway made no code.
    Refused(GatewayCode),
    /// Whether the trade can be paid now is not known.
    InDoubt(Doubt),
}

/// A withholding agreement in the gateway's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The gateway's number of the agreement.
    pub agreement_no: String,
    /// Our number, if it was signed with one.
    pub external_agreement_no: Option<String>,
    /// The most that one debit may take, if the gateway gives a limit.
    pub single_limit_fen: Option<Fen>,
    /// The time of the signature, as the gateway reports it.
    pub signed_at: Option<Timestamp>,
    /// When it ends by itself. The gateway sends no notification of that.
    pub ends_at: Option<Timestamp>,
    /// The payer's login, with letters left out by the gateway: `sho***@mail.example`.
    pub payer_login: Option<String>,
}

/// The answer to a query for an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementAnswer {
    /// The agreement is in force, and debits may be made under it.
    InForce(Agreement),
    /// It was prepared, and has never been in force.
    NotYetInForce,
    /// It is suspended: nothing can be withheld under it now.
    Suspended,
    /// The agreement has ended at the gateway.
    Ended,
    /// The gateway knows no such agreement. One that was in force before has ended.
    NotFound,
    /// The answer proves nothing.
    InDoubt(Doubt),
}

/// The answer to a request to end an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnsignAnswer {
    /// The gateway ended the agreement now.
    Ended,
    /// There is nothing to end: it is not in force, or the gateway knows no such agreement. A query
    /// shows which.
    NotInForce,
    /// The answer proves nothing: query the agreement.
    InDoubt(Doubt),
}

impl DeclineReason {
    /// When the request may be sent again.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            DeclineReason::Funds => Retry::LaterDay,
            DeclineReason::AmountCap => Retry::WhenCapIsRaised,
            DeclineReason::Window => Retry::NextWindow,
        }
    }
}

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paid ¥{} by trade {}", self.amount_fen, self.trade_no)
    }
}

impl fmt::Display for PayAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PayAnswer::Paid(payment) => payment.fmt(f),
            PayAnswer::Declined(decline) => write!(f, "declined: {}", decline.sub_code),
            PayAnswer::MandateDead(code) => write!(f, "the mandate is dead: {}", code.0),
            PayAnswer::PayerBlocked(code) => write!(f, "the payer is blocked: {}", code.0),
            PayAnswer::OwnAccount(code) => write!(f, "our own account: {}", code.0),
            PayAnswer::OwnFault(code) => write!(f, "our request is wrong: {}", code.0),
            PayAnswer::Throttled(code) => write!(f, "throttled: {}", code.0),
            PayAnswer::InDoubt(doubt) => write!(f, "in doubt: {}", doubt.0),
        }
    }
}

impl fmt::Display for QueryAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryAnswer::Paid(payment) => payment.fmt(f),
            QueryAnswer::Pending => f.write_str("not paid yet"),
            QueryAnswer::Closed => f.write_str("closed"),
            QueryAnswer::NotFound => f.write_str("not known"),
            QueryAnswer::InDoubt(doubt) => write!(f, "in doubt: {}", doubt.0),
        }
    }
}
