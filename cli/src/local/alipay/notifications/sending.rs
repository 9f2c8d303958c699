//! Sending a notification over HTTP, and what the answer to it says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use steelyard_pricing::Fen;

use super::{PendingNotification, fields};
use crate::local::alipay::LocalAlipay;
use crate::local::alipay::books::BooksError;
use crate::local::alipay::fault::NotificationFault;

/// How long the receiver of a notification may take to confirm it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the receiver answers to confirm a notification, and nothing but that.
const CONFIRMATION: &[u8] = b"success";

/// An application that is not ours.
const OTHER_APP_ID: &str = "2021000000000002";

impl LocalAlipay {
    /// Sends one notification, or whatever its fault makes of it. Returns how many were sent.
    pub(super) async fn deliver(
        &self,
        notification: PendingNotification,
        now: Timestamp,
    ) -> Result<usize, BooksError> {
        let fault = self.faults().next_notification();
        match fault {
            Some(NotificationFault::Dropped) => {
                self.books().forget(&notification)?;
                return Ok(0);
            }
            Some(NotificationFault::Reordered) => {
                self.books().hold(&notification)?;
                return Ok(0);
            }
            Some(
                NotificationFault::Duplicate
                | NotificationFault::OtherAmount
                | NotificationFault::Forged
                | NotificationFault::OtherApp,
            )
            | None => (),
        }
        let copies = if fault == Some(NotificationFault::Duplicate) { 2 } else { 1 };
        let form = self.form(&notification.parameters, fault, now);
        let mut is_confirmed = false;
        for _ in 0..copies {
            is_confirmed |= self.is_confirmed(&notification.address, form.clone()).await;
        }
        if is_confirmed {
            self.books().forget(&notification)?;
        } else {
            self.books().retry(&notification, now)?;
        }
        self.books().release()?;
        Ok(copies)
    }

    /// What is sent of these fields.
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
            Some(NotificationFault::OtherApp) => {
                parameters.insert("app_id".to_owned(), OTHER_APP_ID.to_owned());
            }
            Some(NotificationFault::OtherAmount) => {
                parameters.entry("total_amount".to_owned()).and_modify(add_a_fen);
            }
            Some(
                NotificationFault::Duplicate
                | NotificationFault::Dropped
                | NotificationFault::Reordered,
            )
            | None => (),
        }
        self.signed_form(&parameters)
    }

    /// Whether a form is answered as only a receiver does who has it for good.
    async fn is_confirmed(&self, address: &str, form: String) -> bool {
        let request = self
            .http()
            .post(address)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(form);
        let Ok(answer) = request.send().await else { return false };
        let is_ok = answer.status() == StatusCode::OK;
        let body = answer.bytes().await;
        is_ok && body.is_ok_and(|body| body == CONFIRMATION)
    }
}

/// The HTTP client that sends notifications. It trusts nobody's certificate: receivers are on this
/// machine, without TLS.
pub(crate) fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the usual versions of TLS")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .expect("a client without files or proxies of its own can be built")
}

/// Makes an amount one fen higher.
pub(crate) fn add_a_fen(amount: &mut String) {
    let fen: Result<Fen, _> = amount.parse();
    let more = fen.and_then(|fen| fen.plus(Fen::new(1)));
    *amount = more.expect("the amount of a trade has room for a fen").to_string();
}
