//! Checks before the stack's routes. They bound the number and duration of connections and the size
//! of bodies, and refuse a `Host` that is not this stack.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http_body_util::LengthLimitError;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use steelyard_local_aws::REQUEST_MAX_BYTES;
use steelyard_runtime::{Problem, chain};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::server::problem;

/// How many connections a stack keeps, and how long they may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The most connections of one socket at a time. Further ones are closed at once.
    connections: usize,
    /// How long the head of a request may take, and a connection be idle.
    head: Duration,
    /// How long a body may take.
    body: Duration,
    /// How long a connection is used for new requests.
    connection: Duration,
}

impl Bounds {
    /// The bounds of `steelyard local`.
    pub(super) const STACK: Bounds = Bounds {
        connections: 512,
        head: Duration::from_secs(10),
        body: Duration::from_secs(20),
        connection: Duration::from_secs(300),
    };
}

/// How long the last request of a connection may take.
const LAST_REQUEST_MAX: Duration = Duration::from_secs(60);

/// How long to wait after the system refuses a connection, such as for too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// By which names and addresses clients reach a stack.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    /// The addresses of `--listen`. Loopback addresses need no entry.
    addresses: BTreeSet<IpAddr>,
}

impl Hosts {
    /// A stack that is served at these addresses besides 127.0.0.1.
    pub(super) fn of(listen: &[IpAddr]) -> Hosts {
        Hosts { addresses: listen.iter().copied().collect() }
    }

    /// Whether `Host` names this stack. A site whose DNS name resolves to this machine could
    /// otherwise send a browser here. `host.docker.internal` is Docker's name for the machine on
    /// which a container runs.
    fn contain(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => name,
            Some(_) | None => host,
        };
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        match address.unwrap_or(name).parse::<IpAddr>() {
            Ok(address) => {
                let all = self.addresses.iter().any(IpAddr::is_unspecified);
                address.is_loopback() || all || self.addresses.contains(&address)
            }
            Err(_) => ["localhost", "host.docker.internal"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known)),
        }
    }
}

/// A router behind the door.
pub(super) fn guarded(router: Router, hosts: Hosts, bounds: Bounds) -> Router {
    let hosts = Arc::new(hosts);
    router.layer(from_fn(move |request: Request, next: Next| {
        let hosts = Arc::clone(&hosts);
        let method = request.method().clone();
        async move {
            match admitted(request, &hosts, bounds.body).await {
                Ok(request) => described(next.run(request).await, &method),
                Err(refusal) => refusal,
            }
        }
    }))
}

/// The request with its whole body, or the answer that refuses it.
async fn admitted(
    request: Request,
    hosts: &Hosts,
    body_max: Duration,
) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    match header(&parts.headers, HOST.as_str()) {
        None => return Err(problem(Problem::ForeignHost, "the request has no readable `Host`")),
        Some(host) if !hosts.contain(host) => {
            return Err(problem(Problem::ForeignHost, &format!("{host:?} is not this server")));
        }
        Some(_) => {}
    }
    let too_large = || {
        let detail =
            format!("the body has more than {REQUEST_MAX_BYTES} bytes, which are the most");
        problem(Problem::BodyTooLarge, &detail)
    };
    let length = header(&parts.headers, CONTENT_LENGTH.as_str()).map(str::parse::<usize>);
    if let Some(Ok(length)) = length
        && length > REQUEST_MAX_BYTES
    {
        return Err(too_large());
    }
    match timeout(body_max, to_bytes(body, REQUEST_MAX_BYTES)).await {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, Body::from(body))),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
            Err(too_large())
        }
        Ok(Err(error)) => {
            let detail = format!("the body cannot be read: {}", chain(&error));
            Err(problem(Problem::MalformedRequest, &detail))
        }
        Err(_) => {
            let detail = format!("the body took longer than {body_max:?}");
            Err(problem(Problem::RequestTimeout, &detail))
        }
    }
}

/// A refusal of a method with problem details; every other answer as it is. `Allow` is added later.
fn described(answer: Response, method: &Method) -> Response {
    let is_described = answer.headers().contains_key(CONTENT_TYPE);
    if answer.status() != StatusCode::METHOD_NOT_ALLOWED || is_described {
        return answer;
    }
    problem(Problem::MethodNotAllowed, &format!("{method} is not what this path takes"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Serves a socket, forever. Its connections end with it.
pub(super) async fn serve(socket: TcpListener, router: Router, bounds: Bounds) {
    let mut connections = JoinSet::new();
    loop {
        match socket.accept().await {
            Ok((stream, _)) => {
                while connections.try_join_next().is_some() {}
                if connections.len() < bounds.connections {
                    connections.spawn(connection(stream, router.clone(), bounds));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router, bounds: Bounds) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = sleep(bounds.connection) => {
            served.as_mut().graceful_shutdown();
            timeout(LAST_REQUEST_MAX, served).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection failed");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Bytes;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const BOUNDS: Bounds = Bounds {
        connections: 2,
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        connection: Duration::from_secs(300),
    };

    /// A server that answers with the length of what is posted to `/`.
    async fn served() -> SocketAddr {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let length = post(async |body: Bytes| body.len().to_string());
        let router = guarded(Router::new().route("/", length), Hosts::of(&[]), BOUNDS);
        tokio::spawn(serve(socket, router, BOUNDS));
        address
    }

    /// A connection over which this was sent.
    async fn sent(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// All bytes that the server sends until it closes the connection.
    async fn answer(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        // A connection that is closed at once may be reset.
        let _ended =
            timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn check(head: &str, body: &str, parts: &[&str]) {
        let text = format!("{head}\r\nconnection: close\r\n\r\n{body}");
        let answer = answer(sent(served().await, &text).await).await;
        for part in parts {
            assert!(answer.contains(part), "{text}: {answer}");
        }
    }

    #[tokio::test]
    async fn request_is_answered() {
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3";
        check(head, "abc", &["HTTP/1.1 200 OK", "\r\n\r\n3"]).await;
    }

    #[tokio::test]
    async fn foreign_host_is_refused() {
        for host in ["host: evil.example", "x-host: localhost"] {
            let head = format!("POST / HTTP/1.1\r\n{host}\r\ncontent-length: 3");
            check(&head, "abc", &["HTTP/1.1 421 ", "tag:steelyard,2026:foreign-host"]).await;
        }
    }

    #[tokio::test]
    async fn other_method_is_refused_with_those_that_are_allowed() {
        let head = "GET / HTTP/1.1\r\nhost: localhost";
        let parts = [
            "HTTP/1.1 405 ",
            "allow: POST\r\n",
            "application/problem+json",
            "tag:steelyard,2026:method-not-allowed",
            "GET is not what this path takes",
        ];
        check(head, "", &parts).await;
    }

    #[tokio::test]
    async fn body_that_is_announced_as_too_large_is_not_waited_for() {
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 16777217";
        check(head, "abc", &["HTTP/1.1 413 ", "tag:steelyard,2026:body-too-large"]).await;
    }

    #[tokio::test]
    async fn body_that_turns_out_too_large_is_read_no_further() {
        let (chunk, mebibyte) = ("100000\r\n", "a".repeat(1 << 20));
        let body = format!("{chunk}{mebibyte}\r\n").repeat(17);
        let address = served().await;
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut stream = sent(address, head).await;
        // The server may have answered before all is written.
        let _cut = stream.write_all(body.as_bytes()).await;
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 413");
    }

    #[tokio::test]
    async fn body_with_a_broken_chunk_is_malformed_and_not_too_large() {
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked";
        let parts = ["HTTP/1.1 400 ", "tag:steelyard,2026:malformed-request", "cannot be read"];
        check(head, "no chunk\r\n", &parts).await;
    }

    #[tokio::test]
    async fn slow_body_is_given_up() {
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3";
        check(head, "a", &["HTTP/1.1 408 ", "tag:steelyard,2026:request-timeout"]).await;
    }

    #[tokio::test]
    async fn slow_head_and_idle_connection_are_closed() {
        let address = served().await;
        assert_eq!(answer(sent(address, "POST / HTTP/1.1\r\nho").await).await, "");
        assert_eq!(answer(sent(address, "").await).await, "");
        let kept = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";
        assert!(answer(sent(address, kept).await).await.ends_with("\r\n\r\n0"));
    }

    #[tokio::test]
    async fn connection_beyond_the_most_is_closed_at_once_and_those_that_end_make_room() {
        let address = served().await;
        let slow = [sent(address, "POST").await, sent(address, "POST").await];
        assert_eq!(answer(sent(address, "").await).await, "");
        for stream in slow {
            answer(stream).await;
        }
        let text =
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        assert!(answer(sent(address, text).await).await.ends_with("\r\n\r\n0"));
    }

    #[test]
    fn stack_is_reached_by_loopback_docker_and_what_is_listened_at() {
        let own = Hosts::of(&["172.17.0.1".parse().unwrap()]);
        for host in [
            "127.0.0.1:8700",
            "127.0.0.2",
            "[::1]:8700",
            "localhost",
            "LocalHost:8700",
            "host.docker.internal:8700",
            "172.17.0.1:8700",
        ] {
            assert!(own.contain(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8700",
            "172.17.0.2:8700",
            "localhost.evil.example",
            "",
            "[::2]",
        ] {
            assert!(!own.contain(host), "{host}");
        }
        assert!(Hosts::of(&["0.0.0.0".parse().unwrap()]).contain("192.0.2.7:8700"));
        assert!(!Hosts::of(&["0.0.0.0".parse().unwrap()]).contain("evil.example"));
    }
}
