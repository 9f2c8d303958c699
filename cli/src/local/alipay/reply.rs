//! What the gateway answers: the fields of a node, and how they go out.

use std::collections::BTreeMap;
use std::io;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use futures::stream;
use steelyard_alipay::{SigningKey, beijing_time};
use steelyard_pricing::Fen;

use super::books::{Trade, TradeStatus};
use super::fault::{Delivery, Fault, Method};
use super::keys::Keys;

/// The fields of an answer's node.
pub(super) type Node = BTreeMap<&'static str, String>;

/// A node with its result code and message only.
pub(super) fn result(code: &str, message: &str) -> Node {
    Node::from([("code", code.to_owned()), ("msg", message.to_owned())])
}

/// Business failed.
pub(super) fn failed(sub_code: &str) -> Node {
    with_sub_code(result("40004", "Business Failed"), sub_code)
}

/// A parameter of the request was invalid.
pub(super) fn invalid(sub_code: &str) -> Node {
    with_sub_code(result("40002", "Invalid Arguments"), sub_code)
}

fn with_sub_code(mut node: Node, sub_code: &str) -> Node {
    node.insert("sub_code", sub_code.to_owned());
    node.insert("sub_msg", format!("local: {sub_code}"));
    node
}

/// The trade was paid by this call.
pub(super) fn paid(trade: &Trade) -> Node {
    let mut node = of_trade(result("10000", "Success"), trade);
    node.extend(amounts(trade));
    node.extend(taken_at(trade).map(|time| ("gmt_payment", time)));
    node
}

/// The trade is being paid.
pub(super) fn in_process(trade: &Trade) -> Node {
    of_trade(result("10003", " order success pay inprocess"), trade)
}

/// How far the trade is.
pub(super) fn queried(trade: &Trade) -> Node {
    let mut node = of_trade(result("10000", "Success"), trade);
    node.extend(amounts(trade));
    node.extend(taken_at(trade).map(|time| ("send_pay_date", time)));
    node.insert("trade_status", trade.status.as_str().to_owned());
    node
}

/// The trade was closed.
pub(super) fn closed(trade: &Trade) -> Node {
    of_trade(result("10000", "Success"), trade)
}

fn of_trade(mut node: Node, trade: &Trade) -> Node {
    node.insert("out_trade_no", trade.out_trade_no.clone());
    node.insert("trade_no", trade.trade_no.clone());
    node
}

fn amounts(trade: &Trade) -> [(&'static str, String); 3] {
    let paid = if trade.status == TradeStatus::TradeSuccess { trade.amount_fen } else { Fen::ZERO };
    [
        ("total_amount", trade.amount_fen.to_string()),
        ("buyer_pay_amount", paid.to_string()),
        ("receipt_amount", paid.to_string()),
    ]
}

fn taken_at(trade: &Trade) -> Option<String> {
    Some(beijing_time(trade.taken_at?).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// What a fault lets the gateway tell in place of a node.
pub(super) fn told(fault: &Fault, mut node: Node) -> Node {
    match fault {
        Fault::SystemErrorBeforeEffect | Fault::SystemErrorAfterEffect => {
            failed("ACQ.SYSTEM_ERROR")
        }
        Fault::Refused { code, sub_code } | Fault::RefusedAfterEffect { code, sub_code } => {
            with_sub_code(result(code, "Refused"), sub_code)
        }
        Fault::OtherAmount => {
            node.entry("total_amount").and_modify(|amount| *amount = a_fen_more(amount));
            node
        }
        Fault::InsufficientFunds
        | Fault::InProcess
        | Fault::NoAnswerBeforeEffect
        | Fault::NoAnswerAfterEffect
        | Fault::HangAfterEffect
        | Fault::BadGatewayBeforeEffect
        | Fault::UnsignedAnswer
        | Fault::WrongKey
        | Fault::Garbage => node,
    }
}

fn a_fen_more(amount: &str) -> String {
    let amount: Result<Fen, _> = amount.parse();
    let more = amount.and_then(|amount| amount.plus(Fen::new(1)));
    more.expect("the amount of a trade has room for a fen").to_string()
}

/// Sends a node in answer to a method, or as the gateway's own error when there is none.
pub(super) async fn deliver(
    method: Option<Method>,
    node: &Node,
    delivery: Delivery,
    keys: &Keys,
) -> Response {
    match delivery {
        Delivery::Signed => json(body(method, node, Some(&keys.alipay))),
        Delivery::Unsigned => json(body(method, node, None)),
        Delivery::SignedByAnother => json(body(method, node, Some(&keys.foreign))),
        Delivery::Garbage => Html("<html>busy</html>").into_response(),
        Delivery::BadGateway => StatusCode::BAD_GATEWAY.into_response(),
        Delivery::ConnectionClosed => connection_closed(),
        Delivery::Silence => std::future::pending().await,
    }
}

fn body(method: Option<Method>, node: &Node, key: Option<&SigningKey>) -> String {
    // Alipay's JSON escapes the slash, and its signature covers the escape.
    let node = serde_json::to_string(node).expect("a map of texts has a JSON").replace('/', r"\/");
    let name = method.map_or("error_response".to_owned(), |method| {
        format!("{}_response", method.name().replace('.', "_"))
    });
    let sign = key.map(|key| key.sign(&node).expect("the system has randomness to sign with"));
    let sign = sign.map_or(String::new(), |sign| format!(r#","sign":"{sign}""#));
    format!(r#"{{"{name}":{node}{sign}}}"#)
}

fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json;charset=utf-8")], body).into_response()
}

/// A response that never leaves: its body fails before its first byte, so hyper drops the
/// connection with the head still unsent.
fn connection_closed() -> Response {
    let broken: Result<Bytes, _> = Err(io::Error::other("told to close the connection"));
    Body::from_stream(stream::iter([broken])).into_response()
}
