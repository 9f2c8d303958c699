//! What notifications say: their fields.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use steelyard_alipay::beijing_time;
use steelyard_pricing::Fen;

use super::queue::{app_gateway, queue};
use crate::agreements::{EndedBy, without_end};
use crate::books::{Agreement, Trade, TradeStatus, find_agreement, find_trade};
use crate::keys::{APP_ID, SELLER_ID};
use crate::refunds::Refund;

/// The address by which the merchant's account is known.
const SELLER_EMAIL: &str = "seller@local.example";

/// An event of a trade that its merchant is notified of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TradeEvent {
    /// Its money was taken.
    Paid,
    /// Its time to be paid is over.
    Closed,
    /// Money of it went back.
    Refunded(Refund),
}

/// The fields of a notification by their names.
type Fields = BTreeMap<String, String>;

/// Queues the notification of a trade, if its merchant gave an address.
pub(crate) fn queue_trade(
    sqlite: &Connection,
    out_trade_no: &str,
    event: &TradeEvent,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    let Some(trade) = find_trade(sqlite, out_trade_no)? else { return Ok(()) };
    if trade.notify_url.is_none() {
        return Ok(());
    }
    let agreement = match &trade.agreement_no {
        Some(agreement_no) => find_agreement(sqlite, agreement_no)?,
        None => None,
    };
    let mut fields = common("trade_status_sync");
    fields.extend(trade_fields(&trade));
    fields.extend(agreement.iter().flat_map(names));
    fields.extend(event_fields(&trade, event, now));
    queue(sqlite, trade.notify_url, &fields, now)
}

/// Queues the notification of a signature: to the address of the offer, otherwise to the
/// application's own.
pub(crate) fn queue_signed(
    sqlite: &Connection,
    agreement: &Agreement,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    let mut fields = common("dut_user_sign");
    fields.extend(agreement_fields(agreement));
    fields.extend(texts([
        ("status", "NORMAL".to_owned()),
        ("login_token", String::new()),
        ("sign_time", time(now)),
        ("valid_time", time(now)),
        ("invalid_time", time(without_end())),
    ]));
    let address = match &agreement.notify_url {
        Some(notify_url) => Some(notify_url.clone()),
        None => app_gateway(sqlite)?,
    };
    queue(sqlite, address, &fields, now)
}

/// Queues the notification of an agreement's end: what a payer does in the app goes to the
/// application's own address only.
pub(crate) fn queue_ended(
    sqlite: &Connection,
    agreement: &Agreement,
    by: EndedBy<'_>,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    let mut fields = common("dut_user_unsign");
    fields.extend(agreement_fields(agreement));
    fields.extend(texts([("status", "UNSIGN".to_owned()), ("unsign_time", time(now))]));
    let address = match by {
        EndedBy::Merchant { notify_url: Some(notify_url) } => Some(notify_url.to_owned()),
        EndedBy::Merchant { notify_url: None } | EndedBy::Payer => app_gateway(sqlite)?,
    };
    queue(sqlite, address, &fields, now)
}

/// An instant as Alipay writes it.
pub(crate) fn time(instant: Timestamp) -> String {
    beijing_time(instant).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The fields of every notification.
fn common(notify_type: &str) -> Fields {
    let of = |value: &str| value.to_owned();
    BTreeMap::from_iter(texts([
        ("notify_type", of(notify_type)),
        ("app_id", of(APP_ID)),
        ("auth_app_id", of(APP_ID)),
        ("charset", of("utf-8")),
        ("version", of("1.0")),
        ("sign_type", of("RSA2")),
    ]))
}

fn trade_fields(trade: &Trade) -> Vec<(String, String)> {
    let paid = if trade.taken_at.is_some() { trade.amount_fen } else { Fen::ZERO };
    let mut fields = texts([
        ("trade_no", trade.trade_no.clone()),
        ("out_trade_no", trade.out_trade_no.clone()),
        ("seller_id", SELLER_ID.to_owned()),
        ("seller_email", SELLER_EMAIL.to_owned()),
        ("trade_status", trade.status.as_str().to_owned()),
        ("subject", trade.subject.clone()),
        ("gmt_create", time(trade.created_at)),
        ("total_amount", trade.amount_fen.to_string()),
        ("receipt_amount", paid.to_string()),
        ("invoice_amount", paid.to_string()),
        ("buyer_pay_amount", paid.to_string()),
        ("point_amount", Fen::ZERO.to_string()),
    ]);
    if let Some(payer) = &trade.payer {
        fields.extend(texts([("buyer_id", payer.clone()), ("buyer_logon_id", logon_id(payer))]));
    }
    if let Some(taken_at) = trade.taken_at {
        let funds = format!(r#"[{{"amount":"{paid}","fundChannel":"ALIPAYACCOUNT"}}]"#);
        fields.extend(texts([("gmt_payment", time(taken_at)), ("fund_bill_list", funds)]));
    }
    fields
}

fn event_fields(trade: &Trade, event: &TradeEvent, now: Timestamp) -> Vec<(String, String)> {
    let mut fields = match event {
        TradeEvent::Paid | TradeEvent::Closed => Vec::new(),
        TradeEvent::Refunded(refund) => texts([
            ("out_biz_no", refund.out_request_no.clone()),
            ("refund_fee", trade.refunded_fen.to_string()),
            ("gmt_refund", format!("{}.000", time(refund.refunded_at))),
        ]),
    };
    if trade.status == TradeStatus::TradeClosed {
        fields.extend(texts([("gmt_close", time(now))]));
    }
    fields
}

fn agreement_fields(agreement: &Agreement) -> Vec<(String, String)> {
    let mut fields = texts([
        ("alipay_user_id", agreement.payer.clone()),
        ("alipay_logon_id", logon_id(&agreement.payer)),
        ("personal_product_code", agreement.personal_product_code.clone()),
    ]);
    fields.extend(names(agreement));
    let scene = agreement.sign_scene.clone();
    fields.extend(scene.map(|scene| ("sign_scene".to_owned(), scene)));
    fields
}

/// The numbers of an agreement.
fn names(agreement: &Agreement) -> Vec<(String, String)> {
    let external = agreement.external_agreement_no.clone();
    let mut fields = texts([("agreement_no", agreement.agreement_no.clone())]);
    fields.extend(external.map(|number| ("external_agreement_no".to_owned(), number)));
    fields
}

/// What a payer is called where others may read it.
pub(crate) fn logon_id(payer: &str) -> String {
    let start: String = payer.chars().take(3).collect();
    format!("{start}***")
}

fn texts<const N: usize>(fields: [(&str, String); N]) -> Vec<(String, String)> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
