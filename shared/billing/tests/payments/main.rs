//! Recharges are paid once, refunds given back once, reversals booked once: every phase by every
//! answer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recharges;
mod refunds;
mod reversals;

use jiff::Timestamp;
use jiff::civil::DateTime;
use steelyard_billing::{
    DebitId, OutRequestNo, ProviderId, RechargeId, RefundRef, TradeNumber, TradeOf,
};

const NOW: &str = "2015-05-17 10:00";
const RECHARGE: TradeOf = TradeOf::Recharge(RechargeId(3));
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(7), attempt: 1 };

fn shop() -> ProviderId {
    "shop".parse().unwrap()
}

/// The instant at which a wall clock in Shanghai shows `2015-05-17 10:00`.
fn at(text: &str) -> Timestamp {
    let clock: DateTime = text.parse().unwrap();
    clock.in_tz("Asia/Shanghai").unwrap().timestamp()
}

fn number(of: TradeOf) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(&shop(), of).out_trade_no(),
        out_request_no: OutRequestNo::parse("F1").unwrap(),
    }
}

/// What a wall clock in Shanghai shows; nothing for never.
fn clock(instant: Option<Timestamp>) -> String {
    instant.map_or("never".to_owned(), |instant| {
        instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
    })
}

/// A record is read as it was stored.
fn check_stored<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
    record: &T,
) {
    let stored = serde_json::to_string(record).unwrap();
    assert_eq!(serde_json::from_str::<T>(&stored).unwrap(), *record, "{stored}");
}
