//! The way of a client in this process to the gateway: without a socket.

use std::time::Duration;

use axum::Router;
use axum::body::{Body as AxumBody, Bytes, to_bytes};
use axum::http::{Request, Response};
use http_body_util::{BodyExt, Full};
use steelyard_alipay::{Body, Sending, Transport, TransportError};
use tower::ServiceExt;

/// The most bytes of an answer: more than any bill has.
const ANSWER_MAX_BYTES: usize = 1 << 28;

/// Hands requests to the routes of a local Alipay.
#[derive(Clone, Debug)]
pub struct InProcess(Router);

impl InProcess {
    pub(crate) fn new(router: Router) -> InProcess {
        InProcess(router)
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let answer = self.0.clone().oneshot(request.map(AxumBody::from)).await;
        let Ok(answer) = answer;
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, ANSWER_MAX_BYTES).await.map_err(TransportError::new)?;
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        Ok(Response::from_parts(head, body))
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>, timeout: Duration) -> Sending<'_> {
        Box::pin(async move {
            let answer = tokio::time::timeout(timeout, self.answer(request)).await;
            answer.map_err(TransportError::new)?
        })
    }
}
