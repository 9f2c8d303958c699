//! Debits and the mandates for them, recharges, refunds and deposits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, Fen};

use crate::mandate::EndReason;
use crate::{
    DebitId, DeclineReason, DrawReason, GatewayCode, GiveUpReason, MandateId, OutRequestNo,
    OutTradeNo, Reason, RechargeId, Reference, RefundFrom,
};

/// The content of `debit.scheduled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitScheduled {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// When it will be made, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub due_at_s: Timestamp,
    /// The amount in fen, if nothing changes until then: what is owed, within the mandate's limits
    /// for one debit and for a day; 0 if that is too little for a debit. A recharge before it is
    /// due lowers it.
    pub expected_fen: Fen,
    /// What is owed in all and not being collected by another debit.
    pub owed_fen: Fen,
    /// The day on which the oldest of it was charged; none if nothing is owed by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed_since: Option<BillingDay>,
    /// The mandate under which it will be made; none if none is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<MandateId>,
}

/// The content of `debit.paid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitPaid {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount that it took, in fen.
    pub amount_fen: Fen,
    /// The first billing day whose charge it collected.
    pub from: BillingDay,
    /// The last billing day whose charge it collected.
    pub through: BillingDay,
    /// The mandate under which it was made.
    pub mandate: MandateId,
    /// The gateway's number of the trade.
    pub trade_no: String,
}

/// The content of `debit.declined`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitDeclined {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount that Alipay declined, in fen.
    pub amount_fen: Fen,
    /// The kind of decline, which decides about the next try.
    pub reason: DeclineReason,
    /// The gateway's code.
    pub code: GatewayCode,
    /// How many days' tries were declined so far, this one included.
    pub declines: u32,
    /// When it is tried again, in seconds of Unix time; none if it is given up.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<i64>"))]
    pub tried_again_at_s: Option<Timestamp>,
}

/// The content of `debit.given_up`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitGivenUp {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount in fen; none if it was never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
    /// The reason for giving it up.
    pub why: GiveUpReason,
}

/// The content of `debit.held`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitHeld {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount in fen; none if it was never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
}

/// The content of `mandate.offered` and `mandate.active`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MandateChanged {
    /// The number of the mandate among its provider's, from 1.
    pub mandate: MandateId,
    /// The most that one debit may take.
    pub single_limit_fen: Fen,
    /// The most that one day's debits may take, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_limit_fen: Option<Fen>,
}

/// The content of `mandate.suspended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MandateSuspended {
    /// The number of the mandate among its provider's, from 1.
    pub mandate: MandateId,
    /// The debit that found the payer blocked or the agreement dead; none if the gateway says so by
    /// itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit: Option<DebitId>,
}

/// The content of `mandate.ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MandateEnded {
    /// The number of the mandate among its provider's, from 1.
    pub mandate: MandateId,
    /// The reason for its end.
    pub why: EndReason,
}

/// The content of `recharge.paid` and `recharge.lapsed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RechargeEnded {
    /// The recharge through Alipay; none if the money came by a bank transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recharge: Option<RechargeId>,
    /// The reference of the bank transfer; none if the money came through Alipay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The amount of the recharge, in fen.
    pub amount_fen: Fen,
}

/// The content of `refund.done` and `refund.refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefundEnded {
    /// The trade whose money it is.
    pub out_trade_no: OutTradeNo,
    /// The number of the refund.
    pub out_request_no: OutRequestNo,
    /// The amount that was to be given back, in fen.
    pub amount_fen: Fen,
    /// Where the money is taken from.
    pub from: RefundFrom,
    /// Why it was asked for.
    pub reason: Reason,
    /// The gateway's code, where it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<GatewayCode>,
}

/// The content of `payment.reversed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoneyReversed {
    /// The trade whose money was given back.
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of it.
    pub out_request_no: OutRequestNo,
    /// The amount that Alipay gave back, in fen.
    pub amount_fen: Fen,
}

/// The content of `payment.found`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoneyFound {
    /// The debit that was thought unpaid.
    pub debit: DebitId,
    /// Which of its attempts was paid after all, from 1.
    pub attempt: u16,
    /// The gateway's number of the trade.
    pub trade_no: String,
    /// The amount that became prepaid balance, in fen.
    pub amount_fen: Fen,
}

/// The content of `deposit.required`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DepositRequired {
    /// The deposit that is demanded, in fen.
    pub amount_fen: Fen,
    /// The first day on which it is wanted.
    pub from: BillingDay,
    /// The last day on which it can be paid in time.
    pub due_on: BillingDay,
}

/// The content of `deposit.paid`, `deposit.drawn` and `deposit.returned`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DepositMoved {
    /// The amount that moved, in fen, always positive.
    pub amount_fen: Fen,
    /// Why it was drawn; none of a payment and a return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<DrawReason>,
    /// The reference of the bank transfer; none if the money moved through Alipay, or was drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}
