//! A receiver of webhooks that answers as a test says.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::Value;

/// The way in which a site answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The answer has this status.
    Status(u16),
    /// By 400 to the event of that number, and by 200 to all others.
    RefusesOne(u64),
    /// The answer is 302 to another address.
    Redirect(String),
    /// No answer is sent.
    Hang,
    /// By 200 and a body that does not end.
    Endless,
}

/// A delivery as the site received it.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
}

impl Delivery {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The number of the event.
    fn sequence(&self) -> u64 {
        self.json()["sequence"].as_str().unwrap().parse().unwrap()
    }
}

struct Inner {
    answer: Answer,
    asked: usize,
    taken: Vec<Delivery>,
}

/// A receiver on this machine.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) port: u16,
    inner: Arc<Mutex<Inner>>,
}

impl Site {
    pub(crate) async fn open(answer: Answer) -> Site {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Arc::new(Mutex::new(Inner { answer, asked: 0, taken: Vec::new() }));
        let router = Router::new().fallback(any(answered)).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Site { url: format!("http://127.0.0.1:{port}/hook"), port, inner }
    }

    /// From now on it answers so.
    pub(crate) fn answers(&self, answer: Answer) {
        self.inner.lock().unwrap().answer = answer;
    }

    /// How many requests it got.
    pub(crate) fn asked(&self) -> usize {
        self.inner.lock().unwrap().asked
    }

    /// What it answered by a status of 200 to 299, in order.
    pub(crate) fn taken(&self) -> Vec<Delivery> {
        self.inner.lock().unwrap().taken.clone()
    }

    /// Forgets what it took.
    pub(crate) fn forget(&self) {
        self.inner.lock().unwrap().taken.clear();
    }
}

async fn answered(
    State(inner): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let delivery = Delivery { headers, body, at: Instant::now() };
    let answer = {
        let mut inner = inner.lock().unwrap();
        inner.asked += 1;
        inner.answer.clone()
    };
    let take = |delivery| inner.lock().unwrap().taken.push(delivery);
    match answer {
        Answer::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            if status.is_success() {
                take(delivery);
            }
            status.into_response()
        }
        Answer::RefusesOne(number) if delivery.sequence() == number => {
            StatusCode::BAD_REQUEST.into_response()
        }
        Answer::RefusesOne(_) => {
            take(delivery);
            StatusCode::OK.into_response()
        }
        Answer::Redirect(to) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Answer::Hang => std::future::pending().await,
        Answer::Endless => {
            take(delivery);
            let endless = futures::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
            });
            Body::from_stream(endless).into_response()
        }
    }
}
