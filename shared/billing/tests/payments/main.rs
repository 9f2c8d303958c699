//! Recharges are paid once, refunds given back once, reversals booked once: every phase by every
//! answer. No trade gives back more than it took.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/debits.rs"]
mod debits;
#[path = "../common/realm.rs"]
mod realm;
mod recharges;
mod refunds;
mod requests;
mod reversals;
mod trades;

use jiff::Timestamp;
use realm::realm;
use steelyard_billing::{
    DebitId, OutRequestNo, Payment, ProviderId, RechargeId, RefundRef, TradeNumber, TradeOf,
};
use steelyard_pricing::Fen;

const NOW: &str = "2015-05-17 10:00";
const RECHARGE: TradeOf = TradeOf::Recharge(RechargeId(3));
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(7), attempt: 1 };

fn shop() -> ProviderId {
    "shop".parse().unwrap()
}

fn number(of: TradeOf) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(&realm(), &shop(), of).out_trade_no(),
        out_request_no: OutRequestNo::parse("F1").unwrap(),
    }
}

fn payment(trade_no: &str, fen: i64) -> Payment {
    Payment { trade_no: trade_no.to_owned(), amount_fen: Fen::new(fen) }
}

/// What a wall clock in Shanghai shows; nothing for never.
fn clock(instant: Option<Timestamp>) -> String {
    instant.map_or("never".to_owned(), |instant| {
        instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
    })
}

/// The text of a record, which is read as it was stored.
fn stored<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
    record: &T,
) -> String {
    let stored = serde_json::to_string(record).unwrap();
    assert_eq!(serde_json::from_str::<T>(&stored).unwrap(), *record, "as a text: {stored}");
    let value = serde_json::to_value(record).unwrap();
    assert_eq!(serde_json::from_value::<T>(value).unwrap(), *record, "as a value: {stored}");
    stored
}
