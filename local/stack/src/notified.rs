//! The notify function, as Alipay reaches it in this process.

use axum::http::{HeaderMap, Method, StatusCode};
use steelyard_local_alipay::Receiver;
use steelyard_local_aws::LocalFunction;
use steelyard_notify::NOTIFY_PATH;

use super::server::http_event;

/// The notify function as the receiver of Alipay's notifications.
pub struct Notified(pub LocalFunction);

impl Receiver for Notified {
    async fn receive(&self, _: &str, form: String) -> Option<(StatusCode, Vec<u8>)> {
        let event = http_event(&Method::POST, NOTIFY_PATH, &HeaderMap::new(), form.as_bytes());
        let answer = self.0.invoke(event).await.ok()?;
        let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
        let body = answer["body"].as_str()?.as_bytes().to_vec();
        Some((StatusCode::from_u16(status).ok()?, body))
    }
}
