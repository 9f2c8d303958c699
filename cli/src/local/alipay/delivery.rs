//! How answers go out.

use std::convert::Infallible;
use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::response::{Html, IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use steelyard_alipay::SigningKey;

use super::fault::{Delivery, Method};
use super::keys::Keys;
use super::reply::Node;

/// Sends a node in answer to a method, or as the gateway's own error when there is none.
pub(super) async fn deliver(
    method: Option<Method>,
    node: &Node,
    delivery: Delivery,
    keys: &Keys,
) -> Response {
    match delivery {
        Delivery::Signed => json(body(method, node, Some(&keys.alipay))),
        Delivery::Unsigned => json(body(method, node, None)),
        Delivery::SignedByAnother => json(body(method, node, Some(&keys.foreign))),
        Delivery::Garbage => Html("<html>busy</html>").into_response(),
        Delivery::Packed => packed(&body(method, node, Some(&keys.alipay))),
        Delivery::Chunked => chunked(&body(method, node, Some(&keys.alipay))),
        Delivery::Redirect => (StatusCode::FOUND, [(LOCATION, "/busy")]).into_response(),
        Delivery::BadGateway => StatusCode::BAD_GATEWAY.into_response(),
        Delivery::ConnectionClosed => connection_closed(),
        Delivery::Silence => std::future::pending().await,
    }
}

fn body(method: Option<Method>, node: &Node, key: Option<&SigningKey>) -> String {
    // Alipay's JSON escapes the slash, and its signature covers the escape.
    let node = serde_json::to_string(node).expect("a map of texts has a JSON").replace('/', r"\/");
    let name = method.map_or("error_response".to_owned(), |method| {
        format!("{}_response", method.name().replace('.', "_"))
    });
    let sign = key.map(|key| key.sign(&node).expect("the system has randomness to sign with"));
    let sign = sign.map_or(String::new(), |sign| format!(r#","sign":"{sign}""#));
    format!(r#"{{"{name}":{node}{sign}}}"#)
}

fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json;charset=utf-8")], body).into_response()
}

fn packed(body: &str) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(body.as_bytes()).and_then(|()| encoder.finish());
    let packed = packed.expect("memory takes what is written");
    ([(CONTENT_TYPE, "application/json;charset=utf-8"), (CONTENT_ENCODING, "gzip")], packed)
        .into_response()
}

/// A response whose length is not said in advance.
fn chunked(body: &str) -> Response {
    let (start, end) = body.as_bytes().split_at(body.len() / 2);
    let chunks = [start, end].map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)));
    let body = Body::from_stream(stream::iter(chunks));
    ([(CONTENT_TYPE, "application/json;charset=utf-8")], body).into_response()
}

/// A response that never leaves: its body fails before its first byte, so hyper drops the
/// connection with the head still unsent.
fn connection_closed() -> Response {
    let broken: Result<Bytes, _> = Err(io::Error::other("told to close the connection"));
    Body::from_stream(stream::iter([broken])).into_response()
}
