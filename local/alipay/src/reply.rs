//! Answers: the fields of a node.

use std::collections::BTreeMap;

use steelyard_pricing::Fen;

use super::agreements::without_end;
use super::books::{Agreement, Trade};
use super::fault::{Fault, Method};
use super::notifications::{add_a_fen, logon_id, time};
use super::refunds::Refund;

/// The fields with amounts of what happened.
const AMOUNTS: [&str; 4] = ["total_amount", "refund_fee", "refund_amount", "single_quota"];

/// The fields of an answer's node.
pub(super) type Node = BTreeMap<&'static str, String>;

/// A node with its result code and message only.
pub(super) fn result(code: &str, message: &str) -> Node {
    Node::from([("code", code.to_owned()), ("msg", message.to_owned())])
}

/// An answer that the business of a request failed, with its sub-code.
pub(super) fn failed(sub_code: &str) -> Node {
    with_sub_code(result("40004", "Business Failed"), sub_code)
}

/// An order failed; the answer has its number.
pub(super) fn failed_order(sub_code: &str, out_trade_no: &str) -> Node {
    let mut node = failed(sub_code);
    node.insert("out_trade_no", out_trade_no.to_owned());
    node
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

/// The money went back by this call, or by an earlier one.
pub(super) fn refunded(trade: &Trade, refund: &Refund, is_now: bool) -> Node {
    let mut node = of_trade(result("10000", "Success"), trade);
    node.insert("fund_change", if is_now { "Y" } else { "N" }.to_owned());
    node.insert("refund_fee", trade.refunded_fen.to_string());
    node.insert("gmt_refund_pay", time(refund.refunded_at));
    node
}

/// The refund was made.
pub(super) fn refund_found(trade: &Trade, refund: &Refund) -> Node {
    let mut node = of_trade(result("10000", "Success"), trade);
    node.insert("out_request_no", refund.out_request_no.clone());
    node.insert("refund_amount", refund.amount_fen.to_string());
    node.insert("total_amount", trade.amount_fen.to_string());
    node.insert("refund_status", "REFUND_SUCCESS".to_owned());
    node.insert("gmt_refund_pay", time(refund.refunded_at));
    node
}

/// The trade can be paid by any person who scans a code.
pub(super) fn code(trade: &Trade, address: String) -> Node {
    let mut node = result("10000", "Success");
    node.insert("out_trade_no", trade.out_trade_no.clone());
    node.insert("qr_code", address);
    node
}

/// How an agreement stands that is not over.
pub(super) fn agreement(agreement: &Agreement) -> Node {
    let mut node = result("10000", "Success");
    node.insert("agreement_no", agreement.agreement_no.clone());
    node.insert("status", agreement.status.as_str().to_owned());
    node.insert("principal_id", agreement.payer.clone());
    node.insert("alipay_logon_id", logon_id(&agreement.payer));
    node.insert("personal_product_code", agreement.personal_product_code.clone());
    node.insert("sign_time", time(agreement.signed_at));
    node.insert("valid_time", time(agreement.signed_at));
    node.insert("invalid_time", time(without_end()));
    let external = agreement.external_agreement_no.clone();
    node.extend(external.map(|number| ("external_agreement_no", number)));
    node.extend(agreement.sign_scene.clone().map(|scene| ("sign_scene", scene)));
    node.extend(agreement.single_limit_fen.map(|limit| ("single_quota", limit.to_string())));
    node
}

/// Where the file of a bill is.
pub(super) fn bill(address: String) -> Node {
    let mut node = result("10000", "Success");
    node.insert("bill_download_url", address);
    node
}

fn of_trade(mut node: Node, trade: &Trade) -> Node {
    node.insert("out_trade_no", trade.out_trade_no.clone());
    node.insert("trade_no", trade.trade_no.clone());
    if let Some(payer) = &trade.payer {
        node.insert("buyer_user_id", payer.clone());
        node.insert("buyer_logon_id", logon_id(payer));
    }
    node
}

fn amounts(trade: &Trade) -> [(&'static str, String); 3] {
    let paid = if trade.taken_at.is_some() { trade.amount_fen } else { Fen::ZERO };
    [
        ("total_amount", trade.amount_fen.to_string()),
        ("buyer_pay_amount", paid.to_string()),
        ("receipt_amount", paid.to_string()),
    ]
}

fn taken_at(trade: &Trade) -> Option<String> {
    Some(time(trade.taken_at?))
}

/// The node with a Chinese message. Two of its characters have a `\\` as their second byte in GBK,
/// and one has a `|`.
fn in_chinese(mut node: Node) -> Node {
    let field = if node.contains_key("sub_code") { "sub_msg" } else { "msg" };
    node.insert(field, "支付宝回答：乗亅踈".to_owned());
    node
}

/// The answer that a fault puts in place of a node.
pub(super) fn told(method: Method, fault: &Fault, mut node: Node) -> Node {
    match fault {
        Fault::SystemErrorBeforeEffect | Fault::SystemErrorAfterEffect => {
            failed(method.system_error())
        }
        Fault::Refused { code, sub_code } | Fault::RefusedAfterEffect { code, sub_code } => {
            with_sub_code(result(code, "Refused"), sub_code)
        }
        Fault::OtherAmount => {
            for field in AMOUNTS {
                node.entry(field).and_modify(add_a_fen);
            }
            node
        }
        Fault::GbkAnswer | Fault::UnlabelledGbkAnswer | Fault::MislabelledAnswer => {
            in_chinese(node)
        }
        Fault::RefundProcessing => {
            node.retain(|field, _| !AMOUNTS.contains(field));
            node.insert("refund_status", "REFUND_PROCESSING".to_owned());
            node
        }
        Fault::InsufficientFunds
        | Fault::InProcess
        | Fault::LateSuccess
        | Fault::NoAnswerBeforeEffect
        | Fault::NoAnswerAfterEffect
        | Fault::HangAfterEffect
        | Fault::BadGatewayBeforeEffect
        | Fault::UnsignedAnswer
        | Fault::WrongKey
        | Fault::Garbage
        | Fault::GzipAnswer
        | Fault::ChunkedAnswer
        | Fault::Redirect
        | Fault::BillRowMissing
        | Fault::BillEmpty
        | Fault::BillOtherAmount
        | Fault::BillExtraRow
        | Fault::BillUnreadableRow
        | Fault::BillBroken => node,
    }
}
