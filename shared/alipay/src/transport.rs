//! What carries requests to Alipay: HTTP over TLS, or whatever a caller puts in its place.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use thiserror::Error;

/// The body of an answer, which arrives part by part.
pub type Body = UnsyncBoxBody<Bytes, TransportError>;

/// A request that is on its way.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send + 'a>>;

/// What carries requests to Alipay and brings the answers.
///
/// It follows no redirect: to the client, an answer with another status than 200 is no answer.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request. When the answer with all of its body has not arrived after `timeout`, it
    /// fails.
    fn send(&self, request: Request<Bytes>, timeout: Duration) -> Sending<'_>;
}

/// Why a request has no answer, or none that is whole. It does not show whether the request
/// arrived.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct TransportError(Box<dyn Error + Send + Sync>);

impl TransportError {
    /// An error with this cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> TransportError {
        TransportError(cause.into())
    }
}

impl From<reqwest::Error> for TransportError {
    /// An address may contain a signature, so errors leave it out.
    fn from(error: reqwest::Error) -> TransportError {
        TransportError::new(error.without_url())
    }
}

/// HTTP, over TLS where the address says so.
#[derive(Debug)]
pub(crate) struct Http(pub(crate) reqwest::Client);

impl Transport for Http {
    fn send(&self, request: Request<Bytes>, timeout: Duration) -> Sending<'_> {
        Box::pin(async move {
            let mut request = reqwest::Request::try_from(request)?;
            *request.timeout_mut() = Some(timeout);
            let answer: Response<reqwest::Body> = self.0.execute(request).await?.into();
            Ok(answer.map(|body| body.map_err(TransportError::from).boxed_unsync()))
        })
    }
}
