//! The application that Alipay notifies.

use axum::http::{HeaderMap, Method, StatusCode};
use steelyard_local_alipay::Receiver;
use steelyard_local_stack::http_event;
use steelyard_notify::NOTIFY_PATH;

use crate::machines::{Machines, Which};

/// The notify function on any machine.
pub(crate) struct Applications {
    pub(crate) machines: Machines,
}

impl Receiver for Applications {
    async fn receive(&self, _: &str, form: String) -> Option<(StatusCode, Vec<u8>)> {
        let event = http_event(&Method::POST, NOTIFY_PATH, &HeaderMap::new(), form.as_bytes());
        let answer = self.machines.invoke(Which::Notify, event).await.ok()?;
        let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
        let body = answer["body"].as_str()?.as_bytes().to_vec();
        Some((StatusCode::from_u16(status).ok()?, body))
    }
}
