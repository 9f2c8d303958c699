//! The catcher: a webhook endpoint of the local stack that takes every delivery, and shows the last
//! hundred.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

/// The most deliveries that are kept.
const KEPT_MAX: usize = 100;

/// The most bytes of a body that are kept.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// Nothing is loaded, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem}pre{background:#f4f4f4;padding:.5rem;white-space:pre-wrap;overflow-wrap:anywhere}\
dt{font-weight:600}dd{margin:0 0 .25rem;overflow-wrap:anywhere}";

/// A delivery as it was received.
#[derive(Clone, Debug, Serialize)]
struct Delivery {
    /// Its headers, in the order of their names.
    headers: Vec<(String, String)>,
    body: String,
}

/// The deliveries, the latest first.
#[derive(Clone, Default)]
struct Catcher(Arc<Mutex<VecDeque<Delivery>>>);

/// The routes of a catcher that is empty.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/catcher", get(page).post(catch))
        .route("/catcher/deliveries", get(deliveries))
        .with_state(Catcher::default())
}

impl Catcher {
    fn keep(&self, delivery: Delivery) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front(delivery);
        kept.truncate(KEPT_MAX);
    }

    fn all(&self) -> Vec<Delivery> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

async fn catch(State(catcher): State<Catcher>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.to_string(), text(value.as_bytes()))
    };
    let mut headers = headers.iter().map(header).collect::<Vec<_>>();
    headers.sort();
    let kept = body.get(..BODY_MAX_BYTES).unwrap_or(body.as_ref());
    catcher.keep(Delivery { headers, body: text(kept) });
    StatusCode::NO_CONTENT
}

async fn deliveries(State(catcher): State<Catcher>) -> Json<Vec<Delivery>> {
    Json(catcher.all())
}

async fn page(State(catcher): State<Catcher>) -> Response {
    let mut content = String::new();
    for Delivery { headers, body } in catcher.all() {
        content.push_str("<section><h2>Delivery</h2><dl>");
        for (name, value) in headers {
            content.push_str(&format!("<dt>{}</dt><dd>{}</dd>", escaped(&name), escaped(&value)));
        }
        content.push_str(&format!("</dl><pre>{}</pre></section>", escaped(&body)));
    }
    if content.is_empty() {
        content.push_str("<p>Nothing was delivered yet.</p>");
    }
    let html = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Webhook catcher</title><style>{STYLE}</style></head>
<body><main><h1>Webhook catcher</h1>
<p>It takes every delivery, checks none, and shows the last {KEPT_MAX}, the latest first.</p>
{content}</main></body>
</html>
"#
    );
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
