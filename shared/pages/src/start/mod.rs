//! The start page of a local stack: the providers, the clock, and what its local Alipay holds.

mod page;
mod texts;

use jiff::Timestamp;
use steelyard_billing::ProviderId;
use steelyard_pricing::{Fen, Name};

use crate::ledger::Balance;

pub use page::StartPage;

/// What the start page shows.
#[derive(Clone, Debug)]
pub struct Start {
    /// The address of the stack, without a slash at its end.
    pub url: String,
    /// Some of the providers, by id.
    pub providers: Vec<ProviderLine>,
    /// Whether there are more.
    pub has_more_providers: bool,
    /// How many records of providers cannot be read.
    pub unreadable: u64,
    /// How many times as fast as time the clock runs; 0 if it stands still.
    pub speed: u32,
    /// What runs next, by its time.
    pub runs: Vec<NextRun>,
    /// The agreements at the local Alipay, the latest first.
    pub agreements: Vec<AgreementLine>,
    /// The payments at the local Alipay, the latest first.
    pub payments: Vec<PaymentLine>,
    /// Whether there are more agreements or payments than these.
    pub has_more_of_alipay: bool,
}

/// A provider of the stack.
#[derive(Clone, Debug)]
pub struct ProviderLine {
    /// The id by which it is registered.
    pub provider: ProviderId,
    /// The plan that it is on; none before its first.
    pub plan: Option<Name>,
    /// The prepaid balance and the receivable.
    pub balance: Balance,
}

/// Something that runs by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextRun {
    /// When it runs next, by the stack's clock.
    pub at: Timestamp,
    /// The scheduled function.
    pub run: Run,
}

/// What runs by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Each day that is over is charged.
    Settlement,
    /// The tasks that are due are worked off.
    Dispatch,
    /// The local Alipay sends a notification.
    Notification,
    /// The books are compared with Alipay's bill.
    Reconciliation,
}

/// An agreement at the local Alipay.
#[derive(Clone, Debug)]
pub struct AgreementLine {
    /// Alipay's number of it.
    pub agreement_no: String,
    /// The Alipay account that pays.
    pub payer: String,
    /// The time of the signature.
    pub signed_at: Timestamp,
    /// The most that one payment may take, if Alipay limits it.
    pub single_limit_fen: Option<Fen>,
    /// The state of the agreement.
    pub state: AgreementState,
}

/// The state of an agreement at the local Alipay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementState {
    /// Debits can be made under it.
    InForce,
    /// Signed, and not yet in force.
    Deferred,
    /// Alipay stopped it for a time.
    Suspended,
    /// It was ended, or its time is over.
    Ended,
}

/// A payment at the local Alipay.
#[derive(Clone, Debug)]
pub struct PaymentLine {
    /// Our number of it.
    pub out_trade_no: String,
    /// Whether a person pays it on a page; otherwise it is withheld.
    pub is_recharge: bool,
    /// Whose Alipay account pays, if it is known.
    pub payer: Option<String>,
    /// The time of the payment; before it, that of the offer.
    pub at: Timestamp,
    /// How much it is about, in fen.
    pub amount_fen: Fen,
    /// How much of it went back.
    pub refunded_fen: Fen,
    /// The state of the payment.
    pub state: PaymentState,
}

/// The state of a payment at the local Alipay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// Not paid, and may still be.
    Waiting,
    /// Alipay took it on, and takes the money later.
    UnderWay,
    /// Alipay took the money.
    Paid,
    /// Closed unpaid, or given back.
    Closed,
}
