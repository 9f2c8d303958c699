//! The gateway's route: a verified request, its fault if one waits, the books, the answer.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::LocalAlipay;
use super::books::BooksError;
use super::delivery::deliver;
use super::fault::{Delivery, Effect, Fault};
use super::methods::Call;
use super::pages;
use super::reply::{self, Node};
use super::request::{Refusal, RefusalReason, Request};

/// The route of the gateway: methods are posted to it, pages are got from it.
pub(super) fn routes() -> Router<LocalAlipay> {
    Router::new().route("/gateway.do", get(pages::open).post(answer))
}

async fn answer(
    State(alipay): State<LocalAlipay>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    let request = match Request::read(query.as_deref().unwrap_or(""), &form, &alipay.keys().app) {
        Ok(request) => request,
        Err(refusal) => return refuse(&alipay, refusal).await,
    };
    let fault = alipay.faults().next(request.method);
    let delivery = fault.as_ref().map_or(Delivery::Signed, Fault::delivery);
    let call = Call { alipay: &alipay, request: &request, origin: &origin(&headers) };
    match serve(&call, fault.as_ref()) {
        Ok(node) => deliver(Some(request.method), &node, delivery, alipay.keys()).await,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn refuse(alipay: &LocalAlipay, refusal: Refusal) -> Response {
    let node = reply::invalid(refusal.reason.sub_code());
    // Alipay has no key to sign with for an application that it does not know.
    let (method, delivery) = match refusal.reason {
        RefusalReason::AppId => (None, Delivery::Unsigned),
        RefusalReason::Form
        | RefusalReason::Method
        | RefusalReason::Signature
        | RefusalReason::Timestamp
        | RefusalReason::Missing => (refusal.method, Delivery::Signed),
    };
    deliver(method, &node, delivery, alipay.keys()).await
}

/// Does what is asked as far as the fault lets it, and returns the answer.
fn serve(call: &Call<'_>, fault: Option<&Fault>) -> Result<Node, BooksError> {
    let effect = fault.map_or(Effect::Usual, Fault::effect);
    let node = match effect {
        Effect::Nothing => Node::new(),
        Effect::Usual | Effect::ShortOfFunds | Effect::Deferred | Effect::Late => {
            call.act(effect, fault)?
        }
    };
    Ok(match fault {
        Some(fault) => reply::told(call.request.method, fault, node),
        None => node,
    })
}

/// Where the caller reaches this server, such as `http://127.0.0.1:8700`.
fn origin(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}
