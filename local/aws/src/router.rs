//! The road of AWS tools to the embedded services, over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::post;

use super::Embedded;
use super::wire::{Request, Response, access_key};

/// The largest request that DynamoDB takes, a `BatchWriteItem`: 16 MB.
pub const REQUEST_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Answers every `POST` with `x-amz-target`, whatever its path: a tool may call a queue's URL
/// instead of `/`. Without that header, it answers an invocation of a function at Lambda's path.
///
/// Signatures are not checked: serve it on loopback, or where only machines that may read and
/// change the books reach it. A web page cannot reach it, since a browser asks leave before it
/// sends that header, or `authorization`, across origins, and here it is not given.
pub fn router(embedded: Arc<Embedded>) -> Router {
    Router::new()
        .fallback(post(answer))
        .layer(DefaultBodyLimit::max(REQUEST_MAX_BYTES))
        .with_state(embedded)
}

async fn answer(
    State(embedded): State<Arc<Embedded>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> HttpResponse {
    let target = text(&headers, "x-amz-target");
    let request = Request {
        host: text(&headers, "host"),
        caller: text(&headers, "authorization").as_deref().and_then(access_key),
        ..Request::over_http(target.as_deref(), uri.path(), body)
    };
    embedded.handle(request).await.into_response()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

impl IntoResponse for Response {
    fn into_response(self) -> HttpResponse {
        match StatusCode::from_u16(self.status) {
            Ok(status) => (status, headers(self.headers), self.body).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

fn headers(pairs: Vec<(&'static str, String)>) -> HeaderMap {
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    use super::super::tests::Stack;
    use super::*;

    async fn serve() -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(Stack::new().await.embedded);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// The whole answer to a request, as text.
    async fn ask(address: SocketAddr, head: &str, body: &str) -> String {
        let length = body.len();
        let text = format!(
            "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let exchange = move || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(text.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        };
        tokio::task::spawn_blocking(exchange).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn queue_urls_lead_back_to_the_host_that_was_asked() {
        let address = serve().await;
        let head = "POST / HTTP/1.1\r\nx-amz-target: AmazonSQS.GetQueueUrl";
        let answer = ask(address, head, r#"{ "QueueName": "debits" }"#).await;
        let url = format!("http://{address}/000000000000/debits");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(&url), "{answer}");
    }

    #[tokio::test]
    async fn path_does_not_matter() {
        let address = serve().await;
        let head = "POST /0/debits HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.ListTables";
        let answer = ask(address, head, "{}").await;
        assert!(answer.ends_with(r#"{"TableNames":["billing"]}"#), "{answer}");
    }

    #[tokio::test]
    async fn browser_is_not_given_leave_to_ask() {
        let address = serve().await;
        let head = "OPTIONS / HTTP/1.1\r\norigin: http://elsewhere.example";
        let answer = ask(address, head, "").await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
        assert!(!answer.contains("access-control-allow"), "{answer}");
    }
}
