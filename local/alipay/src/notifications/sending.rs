//! Sending a notification, and what the answer to it says.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use steelyard_pricing::Fen;

use super::{PendingNotification, fields};
use crate::LocalAlipay;
use crate::books::BooksError;
use crate::charset::Charset;
use crate::fault::NotificationFault;

/// The HTTP client that sends notifications. It speaks no TLS: receivers are on this machine.
pub(crate) type HttpClient = Client<HttpConnector, Body>;

/// The application that gets notifications.
pub trait Receiver: Sync {
    /// The status and the body of the answer to a form that is posted to an address; none where
    /// there is no answer.
    fn receive(
        &self,
        address: &str,
        form: String,
    ) -> impl Future<Output = Option<(StatusCode, Vec<u8>)>> + Send;
}

/// How long the receiver of a notification may take to confirm it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the receiver answers to confirm a notification, and nothing but that.
const CONFIRMATION: &[u8] = b"success";

/// The most bytes of an answer that are read.
const ANSWER_MAX_BYTES: usize = 1 << 16;

/// An application that is not ours.
const OTHER_APP_ID: &str = "2021000000000002";

impl LocalAlipay {
    /// Sends one notification, or whatever its fault makes of it. Returns how many were sent.
    pub(super) async fn deliver(
        &self,
        receiver: &impl Receiver,
        notification: PendingNotification,
        now: Timestamp,
    ) -> Result<usize, BooksError> {
        let fault = self.faults().next_notification();
        match fault {
            Some(NotificationFault::Dropped) => self.books().forget(&notification).map(|()| 0),
            Some(NotificationFault::Reordered) => self.books().hold(&notification).map(|()| 0),
            Some(NotificationFault::Duplicate) => {
                self.send(receiver, &notification, fault, 2, now).await
            }
            Some(NotificationFault::Triplicate) => {
                self.send(receiver, &notification, fault, 3, now).await
            }
            Some(
                NotificationFault::OtherAmount
                | NotificationFault::Forged
                | NotificationFault::OtherApp
                | NotificationFault::Gbk
                | NotificationFault::Mislabelled,
            )
            | None => self.send(receiver, &notification, fault, 1, now).await,
        }
    }

    /// Sends so many copies of a notification, and lets go of what was held back until then.
    async fn send(
        &self,
        receiver: &impl Receiver,
        notification: &PendingNotification,
        fault: Option<NotificationFault>,
        copies: usize,
        now: Timestamp,
    ) -> Result<usize, BooksError> {
        let form = self.form(&notification.parameters, fault, now);
        let mut is_confirmed = false;
        for _ in 0..copies {
            is_confirmed |= is_confirmed_by(receiver, &notification.address, form.clone()).await;
        }
        if is_confirmed {
            self.books().forget(notification)?;
        } else {
            self.books().retry(notification, now)?;
        }
        self.books().release()?;
        Ok(copies)
    }

    /// The form that is sent of these fields.
    fn form(
        &self,
        parameters: &BTreeMap<String, String>,
        fault: Option<NotificationFault>,
        now: Timestamp,
    ) -> String {
        let mut parameters = parameters.clone();
        parameters.insert("notify_time".to_owned(), fields::time(now));
        match fault {
            Some(NotificationFault::Forged) => return self.forged_form(&parameters),
            Some(NotificationFault::Gbk) => return self.signed_form_in(&parameters, Charset::Gbk),
            Some(NotificationFault::Mislabelled) => {
                return self.signed_form_in(&parameters, Charset::Mislabelled);
            }
            Some(NotificationFault::OtherApp) => {
                parameters.insert("app_id".to_owned(), OTHER_APP_ID.to_owned());
            }
            Some(NotificationFault::OtherAmount) => {
                parameters.entry("total_amount".to_owned()).and_modify(add_a_fen);
            }
            Some(
                NotificationFault::Duplicate
                | NotificationFault::Triplicate
                | NotificationFault::Dropped
                | NotificationFault::Reordered,
            )
            | None => (),
        }
        self.signed_form(&parameters)
    }
}

/// Whether a form is answered as only a receiver does who has it for good.
async fn is_confirmed_by(receiver: &impl Receiver, address: &str, form: String) -> bool {
    let answer = tokio::time::timeout(TIMEOUT, receiver.receive(address, form)).await;
    matches!(answer, Ok(Some((StatusCode::OK, body))) if body == CONFIRMATION)
}

impl Receiver for HttpClient {
    async fn receive(&self, address: &str, form: String) -> Option<(StatusCode, Vec<u8>)> {
        let request = Request::post(address)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(Body::from(form))
            .ok()?;
        let answer = self.request(request).await.ok()?;
        let status = answer.status();
        let body = to_bytes(Body::new(answer.into_body()), ANSWER_MAX_BYTES).await.ok()?;
        Some((status, body.into()))
    }
}

/// A client that sends notifications.
pub(crate) fn client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Makes an amount one fen higher.
pub(crate) fn add_a_fen(amount: &mut String) {
    let fen: Result<Fen, _> = amount.parse();
    let more = fen.and_then(|fen| fen.plus(Fen::new(1)));
    *amount = more.expect("the amount of a trade has room for a fen").to_string();
}
