//! What the payment gateway is asked and what it tells, free of its protocol.

mod bill;
mod notice;
mod number;
mod trade_number;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

pub use bill::{Bill, BillKind, BillRow, RowKind, UnreadableRow};
pub use notice::{AgreementEnded, AgreementSigned, Notice, TradeNotice, TradeState};
pub use number::{ExternalAgreementNo, NumberError, OutRequestNo, OutTradeNo, ProviderCode};
pub use trade_number::{TradeNumber, TradeOf};

/// Money that the gateway says it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The gateway's own number of the trade.
    pub trade_no: String,
    /// What it took.
    pub amount_fen: Fen,
}

/// Why the gateway did not take the money now, though nothing is wrong with the mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// What it was for.
    pub reason: DeclineReason,
    /// The gateway's code, such as `ACQ.BUYER_BALANCE_NOT_ENOUGH`.
    pub sub_code: String,
}

/// What a decline was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The payer has too little, or a limit of his own is reached.
    Funds,
    /// The amount is more than the product or the agreement allows.
    AmountCap,
    /// Too many debits, too soon, or outside of the time in which one is allowed.
    Window,
}

/// Whether and when a declined request may be sent again, under its own number and unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// On a later day.
    LaterDay,
    /// When the gateway's next window opens.
    NextWindow,
    /// Not before an operator had the limit raised. The amount is never split.
    WhenCapIsRaised,
}

/// A code by which the gateway refused something: for a log, an operator, and the one who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GatewayCode(pub String);

/// Why we don't know whether money was taken: a short text for a log and an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Doubt(pub String);

/// What a request to pay came to.
///
/// Only `Paid` is proof. Each of the others says what the gateway answered to this one request;
/// an earlier one under the same number may have succeeded, and a query tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayAnswer {
    /// The money was taken.
    Paid(Payment),
    /// The money was not taken now.
    Declined(Decline),
    /// The agreement or its payer is not there any more. A query for the agreement confirms it.
    MandateDead(GatewayCode),
    /// The payer's account is blocked or at risk. More tries make it worse.
    PayerBlocked(GatewayCode),
    /// Our own account at the gateway is in trouble: no debit of anybody can succeed, and no
    /// provider is to blame.
    OwnAccount(GatewayCode),
    /// The request is wrong; the same bytes will never be right.
    OwnFault(GatewayCode),
    /// The gateway limits how often we call it, and did not look at the request.
    Throttled(GatewayCode),
    /// Nobody knows; only a query can tell. Every answer that is not clearly one of the others.
    InDoubt(Doubt),
}

/// What a query for a trade came to.
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
    /// Nobody knows.
    InDoubt(Doubt),
}

/// What a request to give money back came to. The same request may be sent again unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// This request gave the money back.
    Refunded {
        /// What was given back of the trade up to now, this refund and earlier ones together.
        total_fen: Fen,
    },
    /// Our own account at the gateway is in trouble, or has too little money. Nothing is wrong with
    /// the refund: request it again later.
    OwnAccount(GatewayCode),
    /// Refused, and asking again will not help. An earlier request under the same number may
    /// have succeeded: query the refund.
    Refused(GatewayCode),
    /// Nobody knows; query the refund.
    InDoubt(Doubt),
}

/// What a query for a refund came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundQueryAnswer {
    /// The money was given back.
    Refunded {
        /// What this refund gave back.
        amount_fen: Fen,
    },
    /// The money was not given back, or not yet: seconds after the request, it may still be on its way.
    NotRefunded,
    /// Nobody knows.
    InDoubt(Doubt),
}

/// What a request for a code to be scanned came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QrAnswer {
    /// The text to be shown as a QR code. Who scans it can pay the trade.
    Code(String),
    /// Refused.
    Refused(GatewayCode),
    /// Nobody knows whether the trade can be paid now.
    InDoubt(Doubt),
}

/// A withholding agreement as the gateway keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The gateway's number of the agreement.
    pub agreement_no: String,
    /// Our number, if it was signed with one.
    pub external_agreement_no: Option<String>,
    /// The most that one debit may take, if the gateway tells.
    pub single_limit_fen: Option<Fen>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// When it ends by itself. Nobody is notified of that.
    pub ends_at: Option<Timestamp>,
}

/// What a query for an agreement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementAnswer {
    /// It is in force.
    InForce(Agreement),
    /// It was prepared, and has never been in force.
    NotYetInForce,
    /// It is suspended: nothing can be withheld under it now.
    Suspended,
    /// It was ended.
    Ended,
    /// The gateway knows no such agreement. One that was in force before has ended.
    NotFound,
    /// Nobody knows.
    InDoubt(Doubt),
}

/// What a request to end an agreement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnsignAnswer {
    /// It was ended.
    Ended,
    /// There is nothing to end: it is not in force, or the gateway knows no such agreement. A
    /// query tells which.
    NotInForce,
    /// Nobody knows; query the agreement.
    InDoubt(Doubt),
}

impl DeclineReason {
    /// Whether and when the request may be sent again.
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
