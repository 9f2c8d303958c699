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

use super::charset::Charset;
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
    let utf8 = |key| body(method, node, key, Charset::Utf8);
    match delivery {
        Delivery::Signed => json(utf8(Some(&keys.alipay)), Charset::Utf8),
        Delivery::SignedIn(charset) => {
            json(body(method, node, Some(&keys.alipay), charset), charset)
        }
        Delivery::Unsigned => json(utf8(None), Charset::Utf8),
        Delivery::SignedByAnother => json(utf8(Some(&keys.foreign)), Charset::Utf8),
        Delivery::Garbage => Html("<html>busy</html>").into_response(),
        Delivery::Packed => packed(&utf8(Some(&keys.alipay))),
        Delivery::Chunked => chunked(&utf8(Some(&keys.alipay))),
        Delivery::Redirect => (StatusCode::FOUND, [(LOCATION, "/busy")]).into_response(),
        Delivery::BadGateway => StatusCode::BAD_GATEWAY.into_response(),
        Delivery::ConnectionClosed => connection_closed(),
        Delivery::Silence => std::future::pending().await,
    }
}

/// The bytes of an answer. The signature covers the bytes of the node.
fn body(
    method: Option<Method>,
    node: &Node,
    key: Option<&SigningKey>,
    charset: Charset,
) -> Vec<u8> {
    // Alipay's JSON escapes the slash, and its signature covers the escape.
    let node = serde_json::to_string(node).expect("a map of texts has a JSON").replace('/', r"\/");
    let node = charset.encode(&node);
    let name = method.map_or("error_response".to_owned(), |method| {
        format!("{}_response", method.name().replace('.', "_"))
    });
    let sign = key.map(|key| key.sign(&node).expect("the system has randomness to sign with"));
    let sign = sign.map_or(String::new(), |sign| format!(r#","sign":"{sign}""#));
    [format!(r#"{{"{name}":"#).as_bytes(), &node, sign.as_bytes(), b"}"].concat()
}

fn json(body: Vec<u8>, charset: Charset) -> Response {
    let label = charset.label().map_or(String::new(), |name| format!(";charset={name}"));
    ([(CONTENT_TYPE, format!("application/json{label}"))], body).into_response()
}

fn packed(body: &[u8]) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(body).and_then(|()| encoder.finish());
    let packed = packed.expect("memory takes what is written");
    ([(CONTENT_TYPE, "application/json;charset=utf-8"), (CONTENT_ENCODING, "gzip")], packed)
        .into_response()
}

/// A response whose length is not said in advance.
fn chunked(body: &[u8]) -> Response {
    let (start, end) = body.split_at(body.len() / 2);
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
