//! The ways in which the local Alipay can be told to fail.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// A method of the gateway that the local Alipay knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Method {
    /// Take money.
    #[serde(rename = "alipay.trade.pay")]
    Pay,
    /// Tell what became of a trade.
    #[serde(rename = "alipay.trade.query")]
    Query,
    /// Close an unpaid trade.
    #[serde(rename = "alipay.trade.close")]
    Close,
}

/// A way in which one call goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A payment finds too little money, whatever the payer has; the trade exists and waits.
    InsufficientFunds,
    /// A payment answers `10003` and the money is taken when the trade is next queried.
    InProcess,
    /// The connection is closed before anything happened.
    NoAnswerBeforeEffect,
    /// The connection is closed after everything happened.
    NoAnswerAfterEffect,
    /// Everything happened, and the connection stays open in silence until the client gives up.
    HangAfterEffect,
    /// `ACQ.SYSTEM_ERROR`, and nothing happened.
    SystemErrorBeforeEffect,
    /// `ACQ.SYSTEM_ERROR`, and everything happened.
    SystemErrorAfterEffect,
    /// HTTP 502, and nothing happened.
    BadGatewayBeforeEffect,
    /// Everything happened, and the answer has no signature.
    UnsignedAnswer,
    /// Everything happened, and the answer is signed by a key that is not Alipay's.
    WrongKey,
    /// Everything happened, and the answer is a page of HTML.
    Garbage,
    /// Everything happened, and the signed answer tells an amount that is one fen higher.
    OtherAmount,
    /// Nothing happened, and the signed answer has these result codes.
    Refused {
        /// Such as `40004`.
        code: String,
        /// Such as `ACQ.AGREEMENT_INVALID`.
        sub_code: String,
    },
    /// Everything happened, and the signed answer has these result codes all the same.
    RefusedAfterEffect {
        /// Such as `40004`.
        code: String,
        /// Such as `ACQ.AGREEMENT_INVALID`.
        sub_code: String,
    },
}

/// Which part of a payment happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// What was asked for.
    Usual,
    /// Nothing.
    Nothing,
    /// The payer is found short of funds.
    ShortOfFunds,
    /// The money is taken at the next query.
    Deferred,
}

/// How an answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Signed,
    Unsigned,
    SignedByAnother,
    Garbage,
    BadGateway,
    ConnectionClosed,
    Silence,
}

/// The faults that wait for their calls, first in, first out for each method.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<Method, VecDeque<Fault>>);

impl Method {
    /// The method of a name such as `alipay.trade.pay`.
    pub(super) fn parse(name: &str) -> Option<Method> {
        [Method::Pay, Method::Query, Method::Close].into_iter().find(|method| method.name() == name)
    }

    /// The method's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Method::Pay => "alipay.trade.pay",
            Method::Query => "alipay.trade.query",
            Method::Close => "alipay.trade.close",
        }
    }
}

impl Fault {
    pub(super) fn effect(&self) -> Effect {
        match self {
            Fault::InsufficientFunds => Effect::ShortOfFunds,
            Fault::InProcess => Effect::Deferred,
            Fault::NoAnswerBeforeEffect
            | Fault::SystemErrorBeforeEffect
            | Fault::BadGatewayBeforeEffect
            | Fault::Refused { .. } => Effect::Nothing,
            Fault::NoAnswerAfterEffect
            | Fault::HangAfterEffect
            | Fault::SystemErrorAfterEffect
            | Fault::UnsignedAnswer
            | Fault::WrongKey
            | Fault::Garbage
            | Fault::OtherAmount
            | Fault::RefusedAfterEffect { .. } => Effect::Usual,
        }
    }

    pub(super) fn delivery(&self) -> Delivery {
        match self {
            Fault::NoAnswerBeforeEffect | Fault::NoAnswerAfterEffect => Delivery::ConnectionClosed,
            Fault::HangAfterEffect => Delivery::Silence,
            Fault::BadGatewayBeforeEffect => Delivery::BadGateway,
            Fault::UnsignedAnswer => Delivery::Unsigned,
            Fault::WrongKey => Delivery::SignedByAnother,
            Fault::Garbage => Delivery::Garbage,
            Fault::InsufficientFunds
            | Fault::InProcess
            | Fault::SystemErrorBeforeEffect
            | Fault::SystemErrorAfterEffect
            | Fault::OtherAmount
            | Fault::Refused { .. }
            | Fault::RefusedAfterEffect { .. } => Delivery::Signed,
        }
    }
}

impl Faults {
    /// Lets a method fail in a way for so many calls, after the faults that wait already.
    pub(super) fn push(&mut self, method: Method, fault: Fault, times: usize) {
        self.0.entry(method).or_default().extend(std::iter::repeat_n(fault, times));
    }

    /// The fault of a method's call that comes now, if one waits for it.
    pub(super) fn next(&mut self, method: Method) -> Option<Fault> {
        self.0.get_mut(&method)?.pop_front()
    }
}
