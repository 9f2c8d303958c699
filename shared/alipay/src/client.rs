//! The HTTP client of the gateway: one signed form in, one verified answer out.

use std::collections::BTreeMap;
use std::error::Error;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, Url};
use steelyard_billing::{Doubt, OutTradeNo, PayAnswer, QueryAnswer};
use thiserror::Error;

use crate::config::{AlipayConfig, ConfigError};
use crate::key::{SigningFailed, SigningKey, VerifyingKey};
use crate::policy;
use crate::signing::text_to_sign;
use crate::trade::{PayRequest, trade_content};
use crate::wire::{Answer, WireError};

/// The most bytes of an answer that are read: 1 MiB. A real answer has about one KiB.
const BODY_MAX_BYTES: usize = 1 << 20;

/// A client of the gateway, for one application.
#[derive(Debug)]
pub struct Alipay {
    http: reqwest::Client,
    gateway: Url,
    app_id: String,
    app_key: SigningKey,
    alipay_key: VerifyingKey,
}

/// Why a call brought no answer that can be believed.
#[derive(Debug, Error)]
enum CallError {
    #[error("the request was not sent")]
    Sign(#[source] SigningFailed),
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    #[error("the answer has HTTP status {0}")]
    Status(StatusCode),
    #[error("the answer broke off")]
    BrokenOff(#[source] reqwest::Error),
    #[error("the answer is larger than {BODY_MAX_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl Alipay {
    /// A client for a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the field that is wrong.
    pub fn new(config: AlipayConfig) -> Result<Alipay, ConfigError> {
        let gateway = config.gateway()?;
        Ok(Alipay {
            app_id: config.app_id()?,
            app_key: SigningKey::parse(&config.app_private_key)
                .map_err(ConfigError::AppPrivateKey)?,
            alipay_key: VerifyingKey::parse(&config.alipay_public_key)
                .map_err(ConfigError::AlipayPublicKey)?,
            http: config.http(&gateway)?,
            gateway,
        })
    }

    /// Asks for money: `alipay.trade.pay` with the stored bytes as they are.
    ///
    /// Every failure to get a clear answer is [`PayAnswer::InDoubt`]: the money may have been taken.
    /// Sending the same request again is safe; a request with another number is not.
    pub async fn pay(&self, request: &PayRequest, now: Timestamp) -> PayAnswer {
        match self.call("alipay.trade.pay", request.biz_content(), now).await {
            Ok(answer) => policy::pay_answer(request, &answer),
            Err(error) => PayAnswer::InDoubt(doubt(&error)),
        }
    }

    /// Asks what became of a trade: `alipay.trade.query`.
    ///
    /// The amount of a payment is what Alipay says it took: compare it with what was asked for.
    pub async fn query(&self, asked: &OutTradeNo, now: Timestamp) -> QueryAnswer {
        match self.call("alipay.trade.query", &trade_content(asked), now).await {
            Ok(answer) => policy::query_answer(asked, &answer),
            Err(error) => QueryAnswer::InDoubt(doubt(&error)),
        }
    }

    /// Asks to close a trade that is not paid: `alipay.trade.close`.
    ///
    /// What it answers proves nothing, since a close can come too late or get lost: query the trade
    /// afterwards.
    ///
    /// # Errors
    ///
    /// A [`Doubt`] for the log when the answer is not a plain success.
    pub async fn close(&self, asked: &OutTradeNo, now: Timestamp) -> Result<(), Doubt> {
        match self.call("alipay.trade.close", &trade_content(asked), now).await {
            Ok(answer) => policy::close_answer(&answer),
            Err(error) => Err(doubt(&error)),
        }
    }

    async fn call(
        &self,
        method: &str,
        biz_content: &str,
        now: Timestamp,
    ) -> Result<Answer, CallError> {
        let form = self.form(method, biz_content, now).map_err(CallError::Sign)?;
        let response = self
            .http
            .post(self.gateway.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded;charset=utf-8")
            .body(form)
            .send()
            .await
            .map_err(|error| CallError::NoAnswer(error.without_url()))?;
        if response.status() != StatusCode::OK {
            return Err(CallError::Status(response.status()));
        }
        Ok(Answer::read(&body_of(response).await?, method, &self.alipay_key)?)
    }

    /// The signed form of a call.
    fn form(
        &self,
        method: &str,
        biz_content: &str,
        now: Timestamp,
    ) -> Result<String, SigningFailed> {
        let timestamp = beijing_time(now).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut parameters: BTreeMap<String, String> = [
            ("app_id", self.app_id.as_str()),
            ("biz_content", biz_content),
            ("charset", "utf-8"),
            ("format", "JSON"),
            ("method", method),
            ("sign_type", "RSA2"),
            ("timestamp", &timestamp),
            ("version", "1.0"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let sign = self.app_key.sign(&text_to_sign(&parameters))?;
        parameters.insert("sign".to_owned(), sign);
        Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish())
    }
}

/// The wall clock in Beijing, which Alipay's timestamps show: UTC+8 all year.
#[must_use]
pub fn beijing_time(now: Timestamp) -> DateTime {
    Offset::constant(8).to_datetime(now)
}

async fn body_of(mut response: Response) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| CallError::BrokenOff(error.without_url()))?
    {
        if body.len() + chunk.len() > BODY_MAX_BYTES {
            return Err(CallError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error as a doubt, with the whole chain of its causes.
fn doubt(error: &CallError) -> Doubt {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    Doubt(text)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
