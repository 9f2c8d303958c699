//! The Alipay gateway client: protocol version 2, public-key mode, RSA2.
//!
//! It asks Alipay for one debit ([`Alipay::pay`]) or for what became of one ([`Alipay::query`]),
//! and reads the answer into the words of `steelyard-billing`. Nothing in an answer is believed
//! before its signature is verified over the very bytes that came, and an answer that is not
//! understood completely leaves the debit in doubt.

mod client;
mod config;
mod key;
mod policy;
mod signing;
mod time;
mod trade;
mod wire;

#[cfg(test)]
mod vectors;

pub use client::Alipay;
pub use config::{AlipayConfig, ConfigError};
pub use key::{BadSignature, KeyError, SigningFailed, SigningKey, VerifyingKey};
pub use signing::text_to_sign;
pub use time::{beijing_instant, beijing_time};
pub use trade::{DEBIT_MIN, PayRequest, PayRequestError, Withholding, WithholdingError};
