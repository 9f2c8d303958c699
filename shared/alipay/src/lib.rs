//! The Alipay gateway client: protocol version 2, public-key mode, RSA2.
//!
//! [`Alipay`] asks: it takes money ([`Alipay::pay`], [`Alipay::query`], [`Alipay::close`]) and gives
//! it back ([`Alipay::refund`], [`Alipay::query_refund`]), offers recharges ([`Alipay::recharge_page`],
//! [`Alipay::recharge_code`]) and agreements ([`Alipay::signing_links`], [`Alipay::query_agreement`],
//! [`Alipay::end_agreement`]), and gets the bill of a day ([`Alipay::bill`], [`read_bill`]). What
//! Alipay tells without being asked is a [`Notification`]. All is read into the words of
//! `steelyard-billing`. Nothing is believed before its signature is verified over the very bytes that
//! came, and an answer that is not understood completely leaves the matter in doubt.

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
mod wire;

#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod vectors;

pub use agreement::{AgreementKey, AgreementOffer, OfferError, SignScene, SigningLinks};
pub use bill::{BillAnswer, BillError, TableError, WriteBillError, read_bill, write_bill};
pub use charset::{Charset, UnknownCharset};
pub use client::Alipay;
pub use config::{AlipayConfig, ConfigError};
pub use key::{BadSignature, KeyError, SigningFailed, SigningKey, VerifyingKey};
pub use notification::{Notification, NotificationError};
pub use order::{AmountError, DEBIT_MIN, SubjectError};
pub use recharge::{Recharge, RechargeError};
pub use refund::Refund;
pub use signing::text_to_sign;
pub use time::{beijing_instant, beijing_time};
pub use trade::{PayRequest, PayRequestError, Withholding, WithholdingError};
