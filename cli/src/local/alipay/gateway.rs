//! The gateway's route: a verified request, its fault if one waits, the books, the answer.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::LocalAlipay;
use super::books::BooksError;
use super::fault::{Delivery, Effect, Fault, Method};
use super::order::{self, Order};
use super::reply::{self, Node};
use super::request::{Refusal, RefusalReason, Request};
use super::trades::{CloseOutcome, PayOutcome};

/// The route of the gateway.
pub(super) fn routes() -> Router<LocalAlipay> {
    Router::new().route("/gateway.do", post(answer))
}

async fn answer(
    State(alipay): State<LocalAlipay>,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Response {
    let request = match Request::read(query.as_deref().unwrap_or(""), &form, &alipay.keys().app) {
        Ok(request) => request,
        Err(refusal) => return refuse(&alipay, refusal).await,
    };
    let fault = alipay.faults().next(request.method);
    let delivery = fault.as_ref().map_or(Delivery::Signed, Fault::delivery);
    match serve(&alipay, &request, fault.as_ref()) {
        Ok(node) => reply::deliver(Some(request.method), &node, delivery, alipay.keys()).await,
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
    reply::deliver(method, &node, delivery, alipay.keys()).await
}

/// Does what is asked as far as the fault lets it, and returns what is to be told.
fn serve(
    alipay: &LocalAlipay,
    request: &Request,
    fault: Option<&Fault>,
) -> Result<Node, BooksError> {
    let effect = fault.map_or(Effect::Usual, Fault::effect);
    let node = match effect {
        Effect::Nothing => Node::new(),
        Effect::Usual | Effect::ShortOfFunds | Effect::Deferred => act(alipay, request, effect)?,
    };
    Ok(match fault {
        Some(fault) => reply::told(fault, node),
        None => node,
    })
}

fn act(alipay: &LocalAlipay, request: &Request, effect: Effect) -> Result<Node, BooksError> {
    match request.method {
        Method::Pay => pay(alipay, request, effect),
        Method::Query => query(alipay, request),
        Method::Close => close(alipay, request),
    }
}

fn pay(alipay: &LocalAlipay, request: &Request, effect: Effect) -> Result<Node, BooksError> {
    let Some(order) = Order::parse(&request.biz_content) else {
        return Ok(reply::failed("ACQ.INVALID_PARAMETER"));
    };
    Ok(match alipay.books().pay(&order, effect, request.at)? {
        PayOutcome::Paid(trade) => reply::paid(&trade),
        PayOutcome::InProcess(trade) => reply::in_process(&trade),
        PayOutcome::Refused(sub_code) => {
            let mut node = reply::failed(sub_code);
            node.insert("out_trade_no", order.out_trade_no);
            node
        }
    })
}

fn query(alipay: &LocalAlipay, request: &Request) -> Result<Node, BooksError> {
    let Some(out_trade_no) = order::out_trade_no(&request.biz_content) else {
        return Ok(reply::failed("ACQ.INVALID_PARAMETER"));
    };
    let trade = alipay.books().query(&out_trade_no, request.at)?;
    Ok(trade.map_or_else(|| reply::failed("ACQ.TRADE_NOT_EXIST"), |trade| reply::queried(&trade)))
}

fn close(alipay: &LocalAlipay, request: &Request) -> Result<Node, BooksError> {
    let Some(out_trade_no) = order::out_trade_no(&request.biz_content) else {
        return Ok(reply::failed("ACQ.INVALID_PARAMETER"));
    };
    Ok(match alipay.books().close(&out_trade_no, request.at)? {
        CloseOutcome::Closed(trade) => reply::closed(&trade),
        CloseOutcome::Refused(sub_code) => reply::failed(sub_code),
    })
}
