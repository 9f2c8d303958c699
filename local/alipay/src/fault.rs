//! The ways in which the local Alipay can fail on request.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::charset::Charset;

/// A method of the gateway that the local Alipay knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Method {
    /// Take money under an agreement.
    #[serde(rename = "alipay.trade.pay")]
    Pay,
    /// Return the state of a trade.
    #[serde(rename = "alipay.trade.query")]
    Query,
    /// Close an unpaid trade.
    #[serde(rename = "alipay.trade.close")]
    Close,
    /// Give money back.
    #[serde(rename = "alipay.trade.refund")]
    Refund,
    /// Return the state of a refund.
    #[serde(rename = "alipay.trade.fastpay.refund.query")]
    RefundQuery,
    /// Make a trade that is paid by scanning a code.
    #[serde(rename = "alipay.trade.precreate")]
    Precreate,
    /// Return the state of an agreement.
    #[serde(rename = "alipay.user.agreement.query")]
    AgreementQuery,
    /// End an agreement.
    #[serde(rename = "alipay.user.agreement.unsign")]
    Unsign,
    /// Return the address of a day's bill.
    #[serde(rename = "alipay.data.dataservice.bill.downloadurl.query")]
    Bill,
}

/// A way in which one call goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A payment finds too little money, whatever the payer has; the trade exists and waits.
    InsufficientFunds,
    /// A payment answers `10003` and the money is taken when the trade is next queried.
    InProcess,
    /// A payment answers `ACQ.SYSTEM_ERROR` and a query that there is no such trade; the money is
    /// taken when the trade is closed, which still answers success, or after an hour.
    LateSuccess,
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
    /// Everything happened, and the answer is packed, which nobody asked for.
    GzipAnswer,
    /// Everything happened, and the answer comes in chunks. There is nothing wrong with that.
    ChunkedAnswer,
    /// Everything happened, and the answer has a Chinese message in GBK. There is nothing wrong
    /// with that.
    GbkAnswer,
    /// As [`Fault::GbkAnswer`], without a charset in the content type.
    UnlabelledGbkAnswer,
    /// Everything happened, and the answer has a Chinese message in UTF-8 under the label of GBK.
    MislabelledAnswer,
    /// Everything happened, and the answer is HTTP 302.
    Redirect,
    /// Everything happened, and the signed answer has an amount that is one fen higher.
    OtherAmount,
    /// The bill has no row for the first thing that happened on its day.
    BillRowMissing,
    /// The bill has no rows, though something happened on its day.
    BillEmpty,
    /// The bill has an amount of the first thing on its day that is one fen higher.
    BillOtherAmount,
    /// The bill has a trade of which nobody knows.
    BillExtraRow,
    /// The bill of trades gives the first thing on its day a kind that no bill has.
    BillUnreadableRow,
    /// The file of the bill is cut off in its middle.
    BillBroken,
    /// A query for a refund answers `REFUND_PROCESSING`, whatever became of the refund.
    RefundProcessing,
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

/// A way in which one notification goes wrong. What is altered is sent as it is when it is tried
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationFault {
    /// The notification is sent twice.
    Duplicate,
    /// The notification is sent three times.
    Triplicate,
    /// The notification is lost for good.
    Dropped,
    /// It is held back until after the next one.
    Reordered,
    /// Its amount is one fen higher.
    OtherAmount,
    /// It is signed by a key that is not Alipay's.
    Forged,
    /// It is for an application that is not ours.
    OtherApp,
    /// It is written and signed in GBK, and says so. There is nothing wrong with that.
    Gbk,
    /// It says that it is in GBK, and is written and signed in UTF-8.
    Mislabelled,
}

/// Which part of a payment happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The requested effect takes place.
    Usual,
    /// No effect takes place.
    Nothing,
    /// The payer is found short of funds.
    ShortOfFunds,
    /// The money is taken at the next query.
    Deferred,
    /// The money is taken late.
    Late,
}

/// How an answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Signed,
    /// Signed, in another charset than UTF-8.
    SignedIn(Charset),
    Unsigned,
    SignedByAnother,
    Garbage,
    Packed,
    Chunked,
    Redirect,
    BadGateway,
    ConnectionClosed,
    Silence,
}

/// The faults that wait for their calls, first in, first out for each method and for notifications.
#[derive(Default)]
pub(super) struct Faults {
    calls: BTreeMap<Method, VecDeque<Fault>>,
    notifications: VecDeque<NotificationFault>,
}

impl Method {
    const ALL: [Method; 9] = [
        Method::Pay,
        Method::Query,
        Method::Close,
        Method::Refund,
        Method::RefundQuery,
        Method::Precreate,
        Method::AgreementQuery,
        Method::Unsign,
        Method::Bill,
    ];

    /// The method of a name such as `alipay.trade.pay`.
    pub(super) fn parse(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The method's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Method::Pay => "alipay.trade.pay",
            Method::Query => "alipay.trade.query",
            Method::Close => "alipay.trade.close",
            Method::Refund => "alipay.trade.refund",
            Method::RefundQuery => "alipay.trade.fastpay.refund.query",
            Method::Precreate => "alipay.trade.precreate",
            Method::AgreementQuery => "alipay.user.agreement.query",
            Method::Unsign => "alipay.user.agreement.unsign",
            Method::Bill => "alipay.data.dataservice.bill.downloadurl.query",
        }
    }

    /// What the method calls a parameter that it does not take.
    pub(super) const fn invalid_parameter(self) -> &'static str {
        match self {
            Method::Pay
            | Method::Query
            | Method::Close
            | Method::Refund
            | Method::RefundQuery
            | Method::Precreate => "ACQ.INVALID_PARAMETER",
            Method::AgreementQuery | Method::Unsign => "INVALID_PARAMETER",
            // The spelling is Alipay's.
            Method::Bill => "INVAILID_ARGUMENTS",
        }
    }

    /// What the method calls an error of Alipay's own.
    pub(super) const fn system_error(self) -> &'static str {
        match self {
            Method::Pay
            | Method::Query
            | Method::Close
            | Method::Refund
            | Method::RefundQuery
            | Method::Precreate => "ACQ.SYSTEM_ERROR",
            Method::AgreementQuery | Method::Unsign => "SYSTEM_ERROR",
            Method::Bill => "UNKNOWN_ERROR",
        }
    }
}

impl Fault {
    pub(super) fn effect(&self) -> Effect {
        match self {
            Fault::InsufficientFunds => Effect::ShortOfFunds,
            Fault::InProcess => Effect::Deferred,
            Fault::LateSuccess => Effect::Late,
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
            | Fault::GzipAnswer
            | Fault::ChunkedAnswer
            | Fault::GbkAnswer
            | Fault::UnlabelledGbkAnswer
            | Fault::MislabelledAnswer
            | Fault::Redirect
            | Fault::OtherAmount
            | Fault::BillRowMissing
            | Fault::BillEmpty
            | Fault::BillOtherAmount
            | Fault::BillExtraRow
            | Fault::BillUnreadableRow
            | Fault::BillBroken
            | Fault::RefundProcessing
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
            Fault::GzipAnswer => Delivery::Packed,
            Fault::ChunkedAnswer => Delivery::Chunked,
            Fault::GbkAnswer => Delivery::SignedIn(Charset::Gbk),
            Fault::UnlabelledGbkAnswer => Delivery::SignedIn(Charset::UnlabelledGbk),
            Fault::MislabelledAnswer => Delivery::SignedIn(Charset::Mislabelled),
            Fault::Redirect => Delivery::Redirect,
            Fault::InsufficientFunds
            | Fault::InProcess
            | Fault::LateSuccess
            | Fault::SystemErrorBeforeEffect
            | Fault::SystemErrorAfterEffect
            | Fault::OtherAmount
            | Fault::BillRowMissing
            | Fault::BillEmpty
            | Fault::BillOtherAmount
            | Fault::BillExtraRow
            | Fault::BillUnreadableRow
            | Fault::BillBroken
            | Fault::RefundProcessing
            | Fault::Refused { .. }
            | Fault::RefusedAfterEffect { .. } => Delivery::Signed,
        }
    }
}

impl Faults {
    /// Lets a method fail in a way for so many calls, after the faults that wait already.
    pub(super) fn push(&mut self, method: Method, fault: Fault, times: usize) {
        self.calls.entry(method).or_default().extend(std::iter::repeat_n(fault, times));
    }

    /// The fault of a method's call that comes now, if one waits for it.
    pub(super) fn next(&mut self, method: Method) -> Option<Fault> {
        self.calls.get_mut(&method)?.pop_front()
    }

    /// Lets so many notifications go wrong, after the faults that wait already.
    pub(super) fn push_notification(&mut self, fault: NotificationFault, times: usize) {
        self.notifications.extend(std::iter::repeat_n(fault, times));
    }

    /// The fault of the notification that is sent now, if one waits for it.
    pub(super) fn next_notification(&mut self) -> Option<NotificationFault> {
        self.notifications.pop_front()
    }
}
