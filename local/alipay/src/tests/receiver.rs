//! The receiver of notifications: it keeps the forms, and answers as it is set.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use steelyard_alipay::{Notification, VerifyingKey};
use steelyard_billing::Notice;
use tokio::net::TcpListener;

use super::super::{LocalAlipay, keys};

/// A receiver that listens. Its clones are the same one.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) address: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    forms: Vec<String>,
    answer: (StatusCode, &'static str),
}

impl Receiver {
    pub(super) async fn new() -> Receiver {
        let shared = Shared { forms: Vec::new(), answer: (StatusCode::OK, "success") };
        let shared = Arc::new(Mutex::new(shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/notify", listener.local_addr().unwrap());
        let router = Router::new().route("/notify", post(receive)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver { address, shared }
    }

    /// Sets the answer from now on.
    pub(super) fn answer(&self, status: StatusCode, body: &'static str) {
        self.shared.lock().unwrap().answer = (status, body);
    }

    /// The forms that came since the last time.
    pub(super) fn forms(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().forms)
    }

    /// What came since the last time, in short.
    pub(super) fn received(&self) -> Vec<String> {
        self.forms().iter().map(|form| in_short(form)).collect()
    }
}

async fn receive(
    State(shared): State<Arc<Mutex<Shared>>>,
    form: String,
) -> (StatusCode, &'static str) {
    let mut shared = shared.lock().unwrap();
    shared.forms.push(form);
    shared.answer
}

/// A form in short, as our own reader reads it.
pub(super) fn in_short(form: &str) -> String {
    let key = VerifyingKey::parse(keys::ALIPAY_PUBLIC).unwrap();
    let notification = match Notification::read(form.as_bytes(), &key) {
        Ok(notification) => notification,
        Err(error) => return error.to_string(),
    };
    if notification.app_id() != LocalAlipay::APP_ID {
        return "for another application".to_owned();
    }
    match notification.notice() {
        Notice::Trade(trade) => {
            assert_eq!(trade.seller_id, LocalAlipay::SELLER_ID);
            let refund = trade.refunded_fen.map(|fen| {
                format!(" back {fen} by {}", trade.out_request_no.as_deref().unwrap_or("nothing"))
            });
            let refund = refund.unwrap_or_default();
            format!("{} {:?} {}{refund}", trade.out_trade_no, trade.state, trade.amount_fen)
        }
        Notice::AgreementSigned(signed) => {
            format!("{} signed at {}", signed.agreement_no, signed.signed_at)
        }
        Notice::AgreementEnded(ended) => {
            format!("{} ended at {}", ended.agreement_no, ended.ended_at)
        }
        Notice::Other { kind } => kind.clone(),
    }
}
