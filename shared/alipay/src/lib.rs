//! The Alipay client: protocol version 2, public-key mode, RSA2.
//!
//! [`Alipay`] takes money ([`Alipay::pay`], [`Alipay::query`], [`Alipay::close`]), refunds it
//! ([`Alipay::refund`], [`Alipay::query_refund`]), offers recharges ([`Alipay::recharge_page`],
//! [`Alipay::recharge_code`]) and agreements ([`Alipay::signing_links`],
//! [`Alipay::query_agreement`], [`Alipay::end_agreement`]), and fetches the bill of a day
//! ([`Alipay::bill`], [`read_bill_lines`]). Alipay also sends [`Notification`]s, which a
//! [`NotificationReader`] verifies without a private key. All of them are read into the types of
//! `steelyard-billing`.
//!
//! A signature is verified over the bytes as they arrived, before anything in them is trusted. An
//! answer with an unknown code or status is in doubt.

mod agreement;
mod agreement_no;
mod bill;
mod charset;
mod client;
mod config;
mod doubt;
mod key;
mod notification;
mod order;
mod policy;
mod recharge;
mod refund;
mod signing;
mod time;
mod trade;
mod transport;
mod wire;

#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod vectors;

pub use agreement::{AgreementKey, AgreementOffer, OfferError, SignScene, SigningLinks};
pub use bill::{
    BillAnswer, BillError, BillLine, TableError, WriteBillError, read_bill, read_bill_lines,
    write_bill, write_bill_to,
};
pub use charset::{Charset, UnknownCharset};
pub use client::Alipay;
pub use config::{AlipayConfig, ConfigError};
pub use key::{BadSignature, KeyError, SigningFailed, SigningKey, VerifyingKey};
pub use notification::{Notification, NotificationError, NotificationReader};
pub use order::{AmountError, DEBIT_MIN, SubjectError};
pub use recharge::{Recharge, RechargeError};
pub use refund::Refund;
pub use signing::text_to_sign;
pub use time::{beijing_instant, beijing_time};
pub use trade::{PayRequest, PayRequestError, Withholding, WithholdingError};
pub use transport::{Body, Sending, Transport, TransportError};
