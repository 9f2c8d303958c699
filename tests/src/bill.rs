//! Bills of many rows, and the books that expect them.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use steelyard_alipay::write_bill_to;
use steelyard_billing::{
    BillKind, BillRow, OutTradeNo, ProviderId, Realm, RechargeId, RowKind, TradeNumber, TradeOf,
};
use steelyard_store::schema::bill_part;

use crate::{Platform, fen};

/// What each recharge of a large bill paid, in fen.
const AMOUNT: i64 = 2_000;

/// Each row of this number is of another deployment on the same app.
const FOREIGN: u32 = 10;

impl Platform {
    /// Prepares a morning on which the bill of the second of May has many rows, and sets the clock
    /// to half past ten. One of ten rows is another deployment's. The others are recharges of a
    /// provider `a` that were paid and booked on that day: their records and what the bill has to
    /// show of them are in the table, copied from one recharge that was paid. Returns how many they
    /// are.
    pub async fn pay_many(&self, rows: u32, bill: &Path) -> u32 {
        self.set("2015-05-02T09:00");
        self.join("a").await;
        self.paid_recharge("a", "20.00").await;
        self.run_until("2015-05-02T12:00").await;
        let realm = self.realm().await;
        let number = |of| number(&realm, of);
        let items = self.items("provider#a").await;
        let recharge = items.iter().find(|item| item["sk"]["S"] == "recharge#0000000001").unwrap();
        let pk = format!("unmatched#{:02}", bill_part(number(1).as_str()));
        let [unmatched] = &self.items(&pk).await[..] else { panic!("one payment is unmatched") };
        let (mut copies, mut ours) = (Vec::new(), 0);
        for of in (1..=rows).filter(|of| of % FOREIGN != 0) {
            copies.extend(copies_of(recharge, unmatched, number(of).as_str(), of));
            ours += 1;
            if copies.len() > 20 {
                self.put_items(&std::mem::take(&mut copies)).await;
            }
        }
        self.put_items(&copies).await;
        let foreign = Realm::parse("zzzzz0").unwrap();
        let rows = (1..=rows).map(|of| row(if of % FOREIGN == 0 { &foreign } else { &realm }, of));
        write_bill_to(BillKind::Trade, rows, File::create(bill).unwrap()).unwrap();
        ours
    }

    /// Serves the bill of the second of May from a file, and sets the clock to the morning after.
    pub fn serve_bill(&self, bill: &Path) {
        let day = "2015-05-02".parse().unwrap();
        self.stack.alipay.serve_bill(BillKind::Trade, day, bill.to_owned());
        self.set("2015-05-03T10:30");
    }
}

fn number(realm: &Realm, of: u32) -> OutTradeNo {
    let provider: ProviderId = "a".parse().unwrap();
    TradeNumber::new(realm, &provider, TradeOf::Recharge(RechargeId(of))).out_trade_no()
}

/// The number at Alipay of a recharge.
fn trade_no(of: u32) -> String {
    format!("20150502220014{of:014}")
}

fn row(realm: &Realm, of: u32) -> BillRow {
    let noon: Timestamp = "2015-05-02T04:00:00Z".parse().unwrap();
    BillRow {
        kind: RowKind::Trade,
        out_trade_no: Some(number(realm, of).to_string()),
        trade_no: trade_no(of),
        amount_fen: fen(AMOUNT),
        out_request_no: None,
        finished_at: noon,
    }
}

/// The record of another paid recharge, and what the bill has to show of it.
fn copies_of(recharge: &Value, unmatched: &Value, number: &str, of: u32) -> [Value; 2] {
    let mut recharge = recharge.clone();
    recharge["sk"] = json!({ "S": format!("recharge#{of:010}") });
    recharge["recharge"] = json!({ "N": of.to_string() });
    recharge["out_trade_no"] = json!({ "S": number });
    recharge["trade_no"] = json!({ "S": trade_no(of) });
    let mut unmatched = unmatched.clone();
    unmatched["pk"] = json!({ "S": format!("unmatched#{:02}", bill_part(number)) });
    unmatched["sk"] = json!({ "S": format!("2015-05-02#{number}") });
    unmatched["out_trade_no"] = json!({ "S": number });
    [recharge, unmatched]
}
