//! The HTTP client of Alipay: sends one signed form and reads one verified answer.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use jiff::Timestamp;
use reqwest::Url;
use steelyard_billing::Doubt;
use thiserror::Error;

use crate::config::{AlipayConfig, ConfigError, alipay_key, app_id};
use crate::key::{SigningFailed, SigningKey, VerifyingKey};
use crate::signing::text_to_sign;
use crate::time::beijing_text;
use crate::transport::{Body, Transport, TransportError};
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
    transport: Arc<dyn Transport>,
    timeout: Duration,
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
    NoAnswer(#[source] TransportError),
    #[error("the answer has HTTP status {0}")]
    Status(StatusCode),
    #[error("the answer broke off")]
    BrokenOff(#[source] TransportError),
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
        let http = config.http(&config.gateway()?)?;
        Alipay::over(Arc::new(http), config)
    }

    /// A client for a configuration whose requests another transport carries.
    ///
    /// # Errors
    ///
    /// As [`Alipay::new`].
    pub fn over(
        transport: Arc<dyn Transport>,
        config: AlipayConfig,
    ) -> Result<Alipay, ConfigError> {
        let gateway = config.gateway()?;
        Ok(Alipay {
            app_id: app_id(config.app_id.clone())?,
            app_key: SigningKey::parse(&config.app_private_key)
                .map_err(ConfigError::AppPrivateKey)?,
            alipay_key: alipay_key(&config.alipay_public_key)?,
            notify_url: config.notify_url()?,
            timeout: config.timeout()?,
            transport,
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
        let request = Request::post(self.gateway.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded;charset=utf-8")
            .body(Bytes::from(encoded(&parameters)));
        let mut bytes = Vec::new();
        let charset = self.body_of(request, self.timeout, ANSWER_MAX_BYTES, &mut bytes).await?;
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
        let request = Request::get(url.as_str()).body(Bytes::new());
        let fetched = self.body_of(request, FILE_TIMEOUT, most_bytes, file).await;
        fetched.map(drop).map_err(|error| doubt(&error))
    }

    /// Writes the body of the answer to a request, if its status is 200 and it has at most so many
    /// bytes. Returns the charset in the header, if it names one.
    async fn body_of(
        &self,
        request: http::Result<Request<Bytes>>,
        timeout: Duration,
        most_bytes: u64,
        into: &mut (dyn Write + Send),
    ) -> Result<Option<String>, CallError> {
        let request = request.map_err(|error| CallError::NoAnswer(TransportError::new(error)))?;
        let answer = self.transport.send(request, timeout).await.map_err(CallError::NoAnswer)?;
        if answer.status() != StatusCode::OK {
            return Err(CallError::Status(answer.status()));
        }
        let content_type = answer.headers().get(CONTENT_TYPE);
        let charset = content_type.and_then(|text| text.to_str().ok()).and_then(charset_in);
        write_body(answer.into_body(), most_bytes, into).await?;
        Ok(charset)
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

/// Writes a body of at most so many bytes.
async fn write_body(
    mut body: Body,
    most_bytes: u64,
    into: &mut (dyn Write + Send),
) -> Result<(), CallError> {
    let too_large = CallError::TooLarge(most_bytes);
    if body.size_hint().lower() > most_bytes {
        return Err(too_large);
    }
    let mut room = most_bytes;
    while let Some(frame) = body.frame().await {
        // What is no data is a trailer.
        let Ok(part) = frame.map_err(CallError::BrokenOff)?.into_data() else { continue };
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        room = match room.checked_sub(length) {
            Some(room) => room,
            None => return Err(too_large),
        };
        into.write_all(&part).map_err(CallError::Keep)?;
    }
    Ok(())
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
