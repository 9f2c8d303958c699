//! What Alipay tells without being asked: a signed form, sent to `notify_url` or to the
//! application's own address.
//!
//! A [`Notification`] can only be had from [`Notification::read`], which verifies it. The caller
//! still has to see that it names our application and account, a trade or agreement of ours and
//! its amount, and that it was not seen before.

mod form;

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_billing::{AgreementEnded, AgreementSigned, Notice, TradeNotice, TradeState};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::agreement_no::is_agreement_no;
use crate::client::Alipay;
use crate::key::VerifyingKey;
use crate::signing::join;
use crate::time::beijing_instant;

pub use form::FormError;

/// A notification that Alipay sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    app_id: String,
    notify_id: Option<String>,
    notice: Notice,
}

/// Why a form is not a notification that can be believed and understood. The texts carry nothing of
/// the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotificationError {
    /// It could be read in more than one way.
    #[error(transparent)]
    Form(#[from] FormError),
    /// It says that it is in another charset than UTF-8.
    #[error("the notification is not in UTF-8")]
    Charset,
    /// It is not signed by RSA2.
    #[error("the notification is not signed by RSA2")]
    SignType,
    /// It has no signature.
    #[error("the notification has no signature")]
    Unsigned,
    /// The signature is not Alipay's signature of it.
    #[error("the signature of the notification is wrong")]
    BadSignature,
    /// Alipay sent it for another application.
    #[error("the notification is for another application")]
    OtherApp,
    /// Alipay sent it, and a field that it must have is missing.
    #[error("the notification has no {field}")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// Alipay sent it, and a field of it is not what it should be.
    #[error("the notification's {field} cannot be read")]
    Unreadable {
        /// The field's name.
        field: &'static str,
    },
}

/// The values of a verified form.
struct Fields(BTreeMap<String, String>);

impl Notification {
    /// Reads the raw body of a notification, as it came over the wire.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] when it is not Alipay's, or not understood. Do not confirm it then:
    /// Alipay sends it again.
    pub fn read(form: &[u8], alipay: &VerifyingKey) -> Result<Notification, NotificationError> {
        let fields = Fields::verified(form::parse(form)?, alipay)?;
        Ok(Notification {
            app_id: fields.required("app_id")?.to_owned(),
            notify_id: fields.owned("notify_id"),
            notice: fields.notice()?,
        })
    }

    /// The application it was sent for. Act on our own only.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Its number, the same whenever it is sent again.
    #[must_use]
    pub fn notify_id(&self) -> Option<&str> {
        self.notify_id.as_deref()
    }

    /// What it is about.
    #[must_use]
    pub fn notice(&self) -> &Notice {
        &self.notice
    }
}

impl Alipay {
    /// Reads the raw body of a notification that is for our application.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] when it is not Alipay's, not for us, or not understood.
    pub fn notification(&self, form: &[u8]) -> Result<Notification, NotificationError> {
        let notification = Notification::read(form, self.alipay_key())?;
        if notification.app_id() == self.app_id() {
            Ok(notification)
        } else {
            Err(NotificationError::OtherApp)
        }
    }
}

impl Fields {
    /// The values of a form that Alipay signed.
    ///
    /// Alipay's own SDKs differ in whether an empty value is part of the text, and its server has
    /// been seen to do both; either way the value is absent afterwards.
    fn verified(
        parameters: BTreeMap<String, String>,
        alipay: &VerifyingKey,
    ) -> Result<Fields, NotificationError> {
        let fields = Fields(parameters);
        if fields.get("charset").is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
            return Err(NotificationError::Charset);
        }
        if fields.get("sign_type") != Some("RSA2") {
            return Err(NotificationError::SignType);
        }
        let sign = fields.get("sign").ok_or(NotificationError::Unsigned)?;
        let is_signed = |keep_empty| alipay.verify(&fields.text(keep_empty), sign).is_ok();
        if is_signed(false) || is_signed(true) {
            Ok(fields)
        } else {
            Err(NotificationError::BadSignature)
        }
    }

    /// The text that is signed: without `sign`, and without `sign_type` unless it is a message of
    /// the platform, which names a `method`.
    ///
    /// Source: alipay-sdk-java `AlipaySignature`, `rsaCheckV1` and `rsaCheckV2`.
    fn text(&self, keep_empty: bool) -> String {
        let keep_sign_type = self.get("method").is_some();
        join(&self.0, |key, value| match key {
            "sign" => false,
            "sign_type" => keep_sign_type,
            _ => keep_empty || !value.is_empty(),
        })
    }

    /// What the form is about.
    fn notice(&self) -> Result<Notice, NotificationError> {
        let kind = self.get("method").or_else(|| self.get("notify_type")).unwrap_or_default();
        match kind {
            "trade_status_sync" => self.trade().map(Notice::Trade),
            "dut_user_sign" => self.signed().map(Notice::AgreementSigned),
            "dut_user_unsign" => self.ended().map(Notice::AgreementEnded),
            other => Ok(Notice::Other { kind: other.to_owned() }),
        }
    }

    fn trade(&self) -> Result<TradeNotice, NotificationError> {
        let (amount, state) = ("total_amount", "trade_status");
        Ok(TradeNotice {
            out_trade_no: self.required("out_trade_no")?.to_owned(),
            trade_no: self.required("trade_no")?.to_owned(),
            seller_id: self.required("seller_id")?.to_owned(),
            amount_fen: read(amount, self.required(amount)?, positive)?,
            state: read(state, self.required(state)?, trade_state)?,
            refunded_at: self.time("gmt_refund")?,
            refunded_fen: self.optional("refund_fee", |text| text.parse().ok())?,
            out_request_no: self.owned("out_biz_no"),
        })
    }

    fn signed(&self) -> Result<AgreementSigned, NotificationError> {
        self.must_be("status", "NORMAL")?;
        Ok(AgreementSigned {
            agreement_no: self.agreement_no()?,
            external_agreement_no: self.owned("external_agreement_no"),
            signed_at: self
                .time("sign_time")?
                .ok_or(NotificationError::Missing { field: "sign_time" })?,
            ends_at: self.time("invalid_time")?,
        })
    }

    fn ended(&self) -> Result<AgreementEnded, NotificationError> {
        self.must_be("status", "UNSIGN")?;
        Ok(AgreementEnded {
            agreement_no: self.agreement_no()?,
            external_agreement_no: self.owned("external_agreement_no"),
            ended_at: self
                .time("unsign_time")?
                .ok_or(NotificationError::Missing { field: "unsign_time" })?,
        })
    }

    fn agreement_no(&self) -> Result<String, NotificationError> {
        let field = "agreement_no";
        let number = self.required(field)?;
        read(field, number, |text| is_agreement_no(text).then(|| text.to_owned()))
    }

    fn must_be(&self, field: &'static str, expected: &str) -> Result<(), NotificationError> {
        read(field, self.required(field)?, |text| (text == expected).then_some(()))
    }

    fn time(&self, field: &'static str) -> Result<Option<Timestamp>, NotificationError> {
        self.optional(field, beijing_instant)
    }

    fn optional<T>(
        &self,
        field: &'static str,
        reader: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, NotificationError> {
        self.get(field).map(|text| read(field, text, reader)).transpose()
    }

    fn required(&self, field: &'static str) -> Result<&str, NotificationError> {
        self.get(field).ok_or(NotificationError::Missing { field })
    }

    fn owned(&self, field: &str) -> Option<String> {
        self.get(field).map(str::to_owned)
    }

    /// A value; an empty one is absent.
    fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn read<T>(
    field: &'static str,
    text: &str,
    reader: impl Fn(&str) -> Option<T>,
) -> Result<T, NotificationError> {
    reader(text).ok_or(NotificationError::Unreadable { field })
}

fn positive(text: &str) -> Option<Fen> {
    text.parse().ok().filter(|amount: &Fen| amount.is_positive())
}

fn trade_state(text: &str) -> Option<TradeState> {
    match text {
        "WAIT_BUYER_PAY" => Some(TradeState::Waiting),
        "TRADE_SUCCESS" => Some(TradeState::Paid),
        "TRADE_FINISHED" => Some(TradeState::Finished),
        "TRADE_CLOSED" => Some(TradeState::Closed),
        _ => None,
    }
}

#[cfg(test)]
#[path = "notification/tests.rs"]
mod tests;
