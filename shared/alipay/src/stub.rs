//! An Alipay for tests: a socket that keeps the requests and sends scripted answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Alipay;
use crate::config::AlipayConfig;
use crate::key::{SigningKey, VerifyingKey};
use crate::signing::text_to_sign;
use crate::vectors;

/// An Alipay on a port of its own. It ends with its test.
pub(crate) struct Stub {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// The address for notifications in the configuration of its clients.
    pub(crate) const NOTIFY_URL: &str = "https://pay.example.com/alipay/notify?x=1&y=a%20b";

    /// An Alipay that answers each request, head and body, with these bytes.
    pub(crate) async fn serving(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = heard_on(&mut socket).await;
                let answer = answer(&request);
                heard.lock().unwrap().push(request);
                // A client that has read enough closes the connection.
                let _written = socket.write_all(&answer).await;
            }
        });
        Stub { address, requests }
    }

    /// An Alipay that answers a method with a signed node.
    pub(crate) async fn answering(method: &str, node: &str) -> Stub {
        let answer = http("200 OK", signed(method, node).as_bytes());
        Stub::serving(move |_| answer.clone()).await
    }

    /// An Alipay client that sends to this server.
    pub(crate) fn client(&self) -> Alipay {
        Alipay::new(config(&format!("http://{}/gateway.do", self.address))).unwrap()
    }

    /// A client that sends no request.
    pub(crate) fn offline() -> Alipay {
        Alipay::new(config("https://openapi.alipay.com/gateway.do")).unwrap()
    }

    /// All requests, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The parameters of the last request, after its signature is verified.
    pub(crate) fn asked(&self) -> BTreeMap<String, String> {
        let last = self.requests().pop().unwrap();
        asked_by(last.split_once("\r\n\r\n").unwrap().1)
    }
}

/// The instant of the tests: midnight in Beijing.
pub(crate) fn now() -> Timestamp {
    "2026-02-28T16:00:00Z".parse().unwrap()
}

/// The configuration of the tests for an address.
pub(crate) fn config(gateway: &str) -> AlipayConfig {
    AlipayConfig {
        gateway: gateway.to_owned(),
        app_id: "2021000000000001".to_owned(),
        app_private_key: vectors::APP_PRIVATE.to_owned(),
        alipay_public_key: vectors::ALIPAY_PUBLIC.to_owned(),
        notify_url: Some(Stub::NOTIFY_URL.to_owned()),
        timeout: Duration::from_millis(500),
    }
}

/// The parameters of a form or query string, after the application's signature of them is verified.
pub(crate) fn asked_by(form: &str) -> BTreeMap<String, String> {
    let parameters: BTreeMap<String, String> =
        form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let app = VerifyingKey::parse(vectors::APP_PUBLIC).unwrap();
    assert_eq!(app.verify(text_to_sign(&parameters), &parameters["sign"]), Ok(()));
    parameters
}

/// A whole HTTP answer.
pub(crate) fn http(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The body of an answer to a method, signed by Alipay's key of the tests.
pub(crate) fn signed(method: &str, node: &str) -> String {
    let sign = SigningKey::parse(vectors::ALIPAY_PRIVATE).unwrap().sign(node).unwrap();
    format!(r#"{{"{}_response":{node},"sign":"{sign}"}}"#, method.replace('.', "_"))
}

/// One request: its head, and as much of a body as the head says.
async fn heard_on(socket: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    while !is_whole(&heard) {
        let mut part = [0; 4096];
        match socket.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(length) => heard.extend_from_slice(&part[..length]),
        }
    }
    String::from_utf8(heard).unwrap()
}

fn is_whole(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
