//! The HTTP client of Alipay: sends one signed form and reads one verified answer.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, StatusCode, Url};
use steelyard_billing::Doubt;
use thiserror::Error;

use crate::config::{AlipayConfig, ConfigError, alipay_key, app_id};
use crate::key::{SigningFailed, SigningKey, VerifyingKey};
use crate::signing::text_to_sign;
use crate::time::beijing_text;
use crate::wire::{Answer, WireError};

/// The most bytes of an answer that are read: 1 MiB. A real answer has about one KiB.
const ANSWER_MAX_BYTES: u64 = 1 << 20;

/// The time limit for a file. Each part of it has the limit of an answer.
const FILE_TIMEOUT: Duration = Duration::from_secs(600);

/// A client of Alipay for one application.
///
/// Its `Debug` shows no key.
#[derive(Debug)]
pub struct Alipay {
    http: reqwest::Client,
    gateway: Url,
    app_id: String,
    app_key: SigningKey,
    alipay_key: VerifyingKey,
    notify_url: Option<String>,
}

/// A request to Alipay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    method: &'static str,
    biz_content: &'a str,
    is_notified: bool,
    return_url: Option<&'a str>,
}

/// Why a call has no trustworthy answer.
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
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the file cannot be kept")]
    Keep(#[source] std::io::Error),
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl<'a> Call<'a> {
    /// A call of a method.
    pub(crate) const fn new(method: &'static str, biz_content: &'a str) -> Call<'a> {
        Call { method, biz_content, is_notified: false, return_url: None }
    }

    /// The call, with a notification of its outcome.
    pub(crate) const fn notified(self) -> Call<'a> {
        Call { is_notified: true, ..self }
    }

    /// The call of a page that sends the browser back to an address of ours.
    pub(crate) const fn returning_to(self, return_url: Option<&'a str>) -> Call<'a> {
        Call { return_url, ..self }
    }
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
            app_id: app_id(config.app_id.clone())?,
            app_key: SigningKey::parse(&config.app_private_key)
                .map_err(ConfigError::AppPrivateKey)?,
            alipay_key: alipay_key(&config.alipay_public_key)?,
            notify_url: config.notify_url()?,
            http: config.http(&gateway)?,
            gateway,
        })
    }

    /// The verified answer to a call.
    ///
    /// # Errors
    ///
    /// A [`Doubt`] that says why there is none.
    pub(crate) async fn ask(&self, call: Call<'_>, now: Timestamp) -> Result<Answer, Doubt> {
        self.try_ask(call, now).await.map_err(|error| doubt(&error))
    }

    async fn try_ask(&self, call: Call<'_>, now: Timestamp) -> Result<Answer, CallError> {
        let parameters = self.signed(call, now).map_err(CallError::Sign)?;
        let request = self
            .http
            .post(self.gateway.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded;charset=utf-8")
            .body(encoded(&parameters));
        let mut bytes = Vec::new();
        let charset = body_of(request, ANSWER_MAX_BYTES, &mut bytes).await?;
        Ok(Answer::read(&bytes, charset.as_deref(), call.method, &self.alipay_key)?)
    }

    /// The signed address of a page, for a browser.
    pub(crate) fn page(&self, call: Call<'_>, now: Timestamp) -> Result<String, SigningFailed> {
        let parameters = self.signed(call, now)?;
        let mut page = self.gateway.clone();
        // The plus signs here are spaces, and some programs that open a link read them as pluses.
        page.set_query(Some(&encoded(&parameters).replace('+', "%20")));
        Ok(page.into())
    }

    /// Fetches a file of at most so many bytes, part by part. When it fails, a part may be written.
    pub(crate) async fn file(
        &self,
        url: Url,
        most_bytes: u64,
        file: &mut (dyn Write + Send),
    ) -> Result<(), Doubt> {
        let request = self.http.get(url).timeout(FILE_TIMEOUT);
        body_of(request, most_bytes, file).await.map(drop).map_err(|error| doubt(&error))
    }

    /// The signed parameters of a call.
    fn signed(
        &self,
        call: Call<'_>,
        now: Timestamp,
    ) -> Result<BTreeMap<String, String>, SigningFailed> {
        let timestamp = beijing_text(now);
        let notify_url = self.notify_url.as_deref().filter(|_| call.is_notified);
        let mut parameters: BTreeMap<String, String> = [
            ("app_id", Some(self.app_id.as_str())),
            ("biz_content", Some(call.biz_content)),
            ("charset", Some("utf-8")),
            ("format", Some("JSON")),
            ("method", Some(call.method)),
            ("notify_url", notify_url),
            ("return_url", call.return_url),
            ("sign_type", Some("RSA2")),
            ("timestamp", Some(&timestamp)),
            ("version", Some("1.0")),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect();
        let sign = self.app_key.sign(text_to_sign(&parameters))?;
        parameters.insert("sign".to_owned(), sign);
        Ok(parameters)
    }
}

fn encoded(parameters: &BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// Writes the body of the answer to a request, if its status is 200 and it has at most so many
/// bytes. Returns the charset in the header, if it names one.
async fn body_of(
    request: RequestBuilder,
    most_bytes: u64,
    into: &mut (dyn Write + Send),
) -> Result<Option<String>, CallError> {
    // An address may contain a signature, so errors leave it out.
    let no_answer = |error: reqwest::Error| CallError::NoAnswer(error.without_url());
    let mut response = request.send().await.map_err(no_answer)?;
    if response.status() != StatusCode::OK {
        return Err(CallError::Status(response.status()));
    }
    if response.content_length().is_some_and(|length| length > most_bytes) {
        return Err(CallError::TooLarge(most_bytes));
    }
    let broken_off = |error: reqwest::Error| CallError::BrokenOff(error.without_url());
    let content_type = response.headers().get(CONTENT_TYPE);
    let charset = content_type.and_then(|text| text.to_str().ok()).and_then(charset_in);
    let mut room = most_bytes;
    while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        room = room.checked_sub(length).ok_or(CallError::TooLarge(most_bytes))?;
        into.write_all(&chunk).map_err(CallError::Keep)?;
    }
    Ok(charset)
}

/// The charset in a content type such as `text/html;charset=GBK`.
fn charset_in(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(charset.trim().trim_matches('"').to_owned())
}

/// A doubt that shows an error with all its causes.
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
