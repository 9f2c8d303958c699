//! Asking a target for its metrics over HTTP.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use steelyard_import::{BODY_BYTES_MAX, Exposition, Scrape, ScrapeError};
use steelyard_runtime::chain;
use thiserror::Error;

/// How long a target may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The formats that are read. OpenMetrics first, as Prometheus asks: its end cannot be missing
/// unseen.
const ACCEPTED: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// Where a target shows its metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target(Uri);

/// Not the address of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "give an http address without a name and a password, such as http://127.0.0.1:8001/metrics"
)]
pub(super) struct TargetError;

/// The error of a scrape that yields nothing.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    /// The target does not answer, or not whole.
    #[error("cannot scrape {target}: {why}")]
    Answer {
        /// The address that was asked.
        target: Target,
        /// The cause, as the connection or the answer shows it.
        why: String,
    },
    /// The answer cannot be trusted.
    #[error("cannot scrape {target}")]
    Scrape {
        /// The address that answered.
        target: Target,
        /// The fault of the answer.
        #[source]
        source: ScrapeError,
    },
}

impl Target {
    /// Scrapes a counter from the target.
    ///
    /// # Errors
    ///
    /// [`FetchError`] unless it answers in time, with success, and whole.
    pub(super) async fn scrape(&self, metric: &str) -> Result<Scrape, FetchError> {
        let late = |_| self.refused(format!("it takes more than {TIMEOUT:?}"));
        let (body, format) = tokio::time::timeout(TIMEOUT, self.fetch()).await.map_err(late)??;
        let scrape = Scrape::read(&body, format, metric);
        scrape.map_err(|source| FetchError::Scrape { target: self.clone(), source })
    }

    async fn fetch(&self) -> Result<(Vec<u8>, Exposition), FetchError> {
        let failed = |error: &dyn std::error::Error| self.refused(chain(error).to_string());
        let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::get(&self.0).header(ACCEPT, ACCEPTED).body(Body::empty());
        let request = request.map_err(|error| failed(&error))?;
        let answer = client.request(request).await.map_err(|error| failed(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(format!("the answer is {}", answer.status())));
        }
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|name| name.to_str().ok());
        let format = Exposition::of(content_type.unwrap_or_default());
        if format == Exposition::Text && !has_an_end(answer.headers()) {
            let why = "the answer has no length, so that it may be cut off unseen";
            return Err(self.refused(why.to_owned()));
        }
        let body = to_bytes(Body::new(answer.into_body()), BODY_BYTES_MAX).await;
        let body = body.map_err(|error| failed(&error))?;
        Ok((body.to_vec(), format))
    }

    fn refused(&self, why: String) -> FetchError {
        FetchError::Answer { target: self.clone(), why }
    }
}

/// Whether HTTP marks the end of the body. A body that ends with its connection may be cut off.
fn has_an_end(headers: &HeaderMap) -> bool {
    [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name))
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Target, TargetError> {
        let uri = text.parse::<Uri>().map_err(|_| TargetError)?;
        let has_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let is_target = uri.scheme_str() == Some("http") && has_host;
        if is_target { Ok(Target(uri)) } else { Err(TargetError) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
