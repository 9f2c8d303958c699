//! Notifications: signed forms that Alipay posts to `notify_url` or to the application's own
//! address, in UTF-8 or GBK.
//!
//! Only [`Notification::read`] makes a [`Notification`], and it verifies the signature over the raw
//! bytes. [`NotificationReader`] also checks the application. The caller still checks that the
//! notification names our account, a trade or agreement of ours and its amount, and that it is new.

mod form;

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_billing::{AgreementEnded, AgreementSigned, Notice, TradeNotice, TradeState};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::agreement_no::is_agreement_no;
use crate::charset::{Charset, UnknownCharset};
use crate::config::{self, ConfigError};
use crate::key::VerifyingKey;
use crate::signing::join;
use crate::time::beijing_instant;
use form::Form;

/// A notification that Alipay sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    app_id: String,
    notify_id: Option<String>,
    notice: Notice,
}

/// Reads the notifications for one application. It holds Alipay's public key and no private key, so
/// it can verify and cannot sign.
#[derive(Debug)]
pub struct NotificationReader {
    app_id: String,
    alipay_key: VerifyingKey,
}

/// Why a form is not a trustworthy notification, or not one that can be understood. The texts show
/// nothing of the form but the name of a charset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotificationError {
    /// A key occurs twice, so that two readers could read two different notifications.
    #[error("the notification has a key twice")]
    DuplicateKey,
    /// The signature is not of type RSA2.
    #[error("the notification is not signed by RSA2")]
    SignType,
    /// There is no signature.
    #[error("the notification has no signature")]
    Unsigned,
    /// The signature is not Alipay's signature of the form.
    #[error("the signature of the notification is wrong")]
    BadSignature,
    /// Alipay sent it in a charset that is not read.
    #[error("the notification's {0}")]
    Charset(UnknownCharset),
    /// Alipay sent it, and its bytes are not in the charset of its label, or could be in another
    /// too.
    #[error("the notification is labelled {0} and is not {0}")]
    Mislabelled(Charset),
    /// Alipay sent it for another application.
    #[error("the notification is for another application")]
    OtherApp,
    /// Alipay sent it without a required field.
    #[error("the notification has no {field}")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// Alipay sent it with a field that cannot be read.
    #[error("the notification's {field} cannot be read")]
    Unreadable {
        /// The field's name.
        field: &'static str,
    },
}

/// The raw bytes of a form.
struct RawFields(Form);

/// The values of a verified form.
struct Fields(BTreeMap<String, String>);

impl Notification {
    /// Reads the raw body of a notification, as it came over the wire.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] when Alipay did not send it, or it is not understood. Do not confirm
    /// it then: Alipay sends it again.
    pub fn read(form: &[u8], alipay: &VerifyingKey) -> Result<Notification, NotificationError> {
        let raw = RawFields(form::parse(form).ok_or(NotificationError::DuplicateKey)?);
        raw.verify(alipay)?;
        let fields = raw.decode()?;
        Ok(Notification {
            app_id: fields.required("app_id")?.to_owned(),
            notify_id: fields.owned("notify_id"),
            notice: fields.notice()?,
        })
    }

    /// The application that it is for. Act only on notifications for our own.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Alipay's number of the notification, which stays the same when it is sent again.
    #[must_use]
    pub fn notify_id(&self) -> Option<&str> {
        self.notify_id.as_deref()
    }

    /// The verified content: a trade, an agreement, or something else.
    #[must_use]
    pub fn notice(&self) -> &Notice {
        &self.notice
    }
}

impl NotificationReader {
    /// A reader for an application, with Alipay's public key: SPKI or PKCS#1, PEM or bare base64.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the argument that is wrong.
    pub fn new(app_id: String, alipay_public_key: &str) -> Result<NotificationReader, ConfigError> {
        let alipay_key = config::alipay_key(alipay_public_key)?;
        Ok(NotificationReader { app_id: config::app_id(app_id)?, alipay_key })
    }

    /// Reads the raw body of a notification that is for our application.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] when Alipay did not send it, it is not for us, or it is not
    /// understood.
    pub fn read(&self, form: &[u8]) -> Result<Notification, NotificationError> {
        let notification = Notification::read(form, &self.alipay_key)?;
        if notification.app_id() == self.app_id {
            Ok(notification)
        } else {
            Err(NotificationError::OtherApp)
        }
    }
}

impl RawFields {
    /// Checks that Alipay signed the bytes of the form.
    ///
    /// Alipay's own SDKs differ in whether an empty value is part of the text, and its server has
    /// been seen to do both; either way the value is absent afterwards.
    fn verify(&self, alipay: &VerifyingKey) -> Result<(), NotificationError> {
        if self.get("sign_type") != Some(b"RSA2") {
            return Err(NotificationError::SignType);
        }
        let sign = self.get("sign").ok_or(NotificationError::Unsigned)?;
        let sign = str::from_utf8(sign).map_err(|_| NotificationError::BadSignature)?;
        let is_signed = |keep_empty| alipay.verify(self.text(keep_empty), sign).is_ok();
        if is_signed(false) || is_signed(true) {
            Ok(())
        } else {
            Err(NotificationError::BadSignature)
        }
    }

    /// The text that is signed: without `sign`, and without `sign_type` unless it is a message of
    /// the platform, which names a `method`.
    ///
    /// Source: alipay-sdk-java `AlipaySignature`, `rsaCheckV1` and `rsaCheckV2`.
    fn text(&self, keep_empty: bool) -> Vec<u8> {
        let keep_sign_type = self.get("method").is_some();
        join(&self.0, |key, value| match key {
            b"sign" => false,
            b"sign_type" => keep_sign_type,
            _ => keep_empty || !value.is_empty(),
        })
    }

    /// The values as text, by the charset that the form names.
    fn decode(&self) -> Result<Fields, NotificationError> {
        let charset = self.charset()?;
        let text = |bytes| charset.decode(bytes).ok_or(NotificationError::Mislabelled(charset));
        let mut fields = BTreeMap::new();
        for (key, value) in &self.0 {
            let (key, value) = (text(key)?.into_owned(), text(value)?.into_owned());
            if fields.insert(key, value).is_some() {
                return Err(NotificationError::DuplicateKey);
            }
        }
        Ok(Fields(fields))
    }

    /// The charset that the form names and its bytes fit.
    fn charset(&self) -> Result<Charset, NotificationError> {
        let whole = join(&self.0, |_, _| true);
        let Some(name) = self.get("charset") else { return Ok(Charset::of_unlabelled(&whole)) };
        let name = String::from_utf8_lossy(name);
        let charset = Charset::named(&name).map_err(NotificationError::Charset)?;
        if charset.fits(&whole) {
            Ok(charset)
        } else {
            Err(NotificationError::Mislabelled(charset))
        }
    }

    /// The bytes of a value; those of an empty one are absent.
    fn get(&self, field: &str) -> Option<&[u8]> {
        self.0.get(field.as_bytes()).map(Vec::as_slice).filter(|value| !value.is_empty())
    }
}

impl Fields {
    /// The content, by the kind that the form names.
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
            payer_login: self.owned("alipay_logon_id"),
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
