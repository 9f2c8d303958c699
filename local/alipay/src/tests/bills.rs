//! Bills: read back by our own reader.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use steelyard_alipay::{BillAnswer, read_bill};
use steelyard_billing::{Bill, BillKind, BillRow, Doubt, RowKind, UnreadableRow};
use steelyard_pricing::Fen;

use super::super::{Fault, Method};
use super::recharges::recharge;
use super::stage::*;

const DAY: Date = date(2026, 3, 2);

fn next_day() -> Timestamp {
    "2026-03-03T02:00:00Z".parse().unwrap()
}

/// The rows of a day's bill, in short.
async fn rows(stage: &Stage, kind: BillKind, day: Date) -> Vec<String> {
    let mut zip = Vec::new();
    match stage.client.bill(kind, day, next_day(), &mut zip).await {
        BillAnswer::Fetched => {
            let Bill { rows, unreadable } = read_bill(kind, &zip).unwrap();
            rows.iter().map(in_short).chain(unreadable.iter().map(unreadable_in_short)).collect()
        }
        BillAnswer::NoTrades => vec!["no bill".to_owned()],
        BillAnswer::TooEarly => vec!["too early".to_owned()],
        BillAnswer::NotSupported(code) => vec![code.0],
        BillAnswer::InDoubt(Doubt(text)) => vec![format!("in doubt: {text}")],
    }
}

fn in_short(row: &BillRow) -> String {
    let number = row.out_trade_no.as_deref().unwrap_or("nothing");
    let request = row.out_request_no.as_deref().unwrap_or("");
    let kind = match &row.kind {
        RowKind::Trade => "in",
        RowKind::Refund => "out",
        RowKind::Other(name) => name,
    };
    format!("{number} {kind} {} {request}", row.amount_fen).trim_end().to_owned()
}

fn unreadable_in_short(row: &UnreadableRow) -> String {
    let number = row.out_trade_no.as_deref().unwrap_or("nothing");
    format!("{number} unreadable: {}", row.reason)
}

async fn traded() -> Stage {
    let stage = Stage::new().await;
    stage.pay(&request(withholding("T1"))).await;
    let last_second: Timestamp = "2026-03-02T15:59:59Z".parse().unwrap();
    stage.client.recharge_code(&recharge("C1", 500), last_second).await;
    stage.local.pay_trade("C1", PAYER, last_second).unwrap();
    stage.local.reverse_trade("T1", Fen::new(34), next_day()).unwrap();
    stage
}

#[tokio::test]
async fn both_bills_of_a_day_tell_what_moved_on_it_in_beijing() {
    let stage = traded().await;
    stage.local.reverse_trade("T1", Fen::new(200), now()).unwrap();
    assert_eq!(
        rows(&stage, BillKind::Trade, DAY).await,
        ["T1 in 12.34", "T1 out -2.00 REVERSAL00000002", "C1 in 5.00"]
    );
    assert_eq!(
        rows(&stage, BillKind::Ledger, DAY).await,
        ["T1 in 12.34", "T1 out -2.00", "C1 in 5.00"]
    );
}

#[tokio::test]
async fn day_on_which_nothing_moved_has_no_bill() {
    let stage = traded().await;
    assert_eq!(rows(&stage, BillKind::Trade, date(2026, 3, 1)).await, ["no bill"]);
    let content = r#"{"bill_type":"trade","bill_date":"2026-03-02"}"#;
    let method = "alipay.data.dataservice.bill.downloadurl.query";
    let too_early = stage.call(method, content, |_| ()).await;
    assert!(too_early.contains("BILL_NOT_EXIST"), "{too_early}");
    for (content, expected) in [
        (content.replace("trade", "merchant"), "TYPE_NOT_SUPPORTED"),
        (content.replace("03-02", "02-30"), "INVAILID_ARGUMENTS"),
    ] {
        let answer = stage.call(method, &content, |_| ()).await;
        assert!(answer.contains(expected), "{answer}");
    }
}

#[tokio::test]
async fn file_is_had_once_from_its_address() {
    let stage = traded().await;
    let method = "alipay.data.dataservice.bill.downloadurl.query";
    let answer = stage
        .call(method, r#"{"bill_type":"trade","bill_date":"2026-03-02"}"#, |parameters| {
            parameters.insert("timestamp".to_owned(), "2026-03-03 10:00:00".to_owned());
        })
        .await;
    assert!(answer.contains(r"http:\/\/local\/local\/bills\/1"), "{answer}");
    stage.client.bill(BillKind::Trade, DAY, next_day(), &mut Vec::new()).await;
    assert!(stage.open("/local/bills/2").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn bill_is_wrong_in_the_way_that_its_fault_says() {
    for (fault, expected) in [
        (Fault::BillRowMissing, vec!["C1 in 5.00"]),
        (Fault::BillEmpty, vec![]),
        (Fault::BillOtherAmount, vec!["T1 in 12.35", "C1 in 5.00"]),
        (Fault::BillExtraRow, vec!["T1 in 12.34", "C1 in 5.00", "UNKNOWN20260302 in 42.00"]),
        (
            Fault::BillUnreadableRow,
            vec!["C1 in 5.00", "T1 unreadable: the row has no 业务类型 that can be read"],
        ),
        (Fault::SystemErrorAfterEffect, vec!["in doubt: the answer is code 40004 UNKNOWN_ERROR"]),
    ] {
        let stage = traded().await;
        stage.local.fail_next(Method::Bill, fault.clone(), 1);
        assert_eq!(rows(&stage, BillKind::Trade, DAY).await, expected, "{fault:?}");
        let as_it_is = rows(&stage, BillKind::Trade, DAY).await;
        assert_eq!(as_it_is, ["T1 in 12.34", "C1 in 5.00"]);
    }
}

#[tokio::test]
async fn bill_that_is_broken_cannot_be_read_and_is_whole_the_next_time() {
    let stage = traded().await;
    for kind in [BillKind::Trade, BillKind::Ledger] {
        stage.local.fail_next(Method::Bill, Fault::BillBroken, 1);
        let mut zip = Vec::new();
        let fetched = stage.client.bill(kind, DAY, next_day(), &mut zip).await;
        assert_eq!(fetched, BillAnswer::Fetched);
        assert!(read_bill(kind, &zip).is_err(), "{kind:?}");
        assert_eq!(rows(&stage, kind, DAY).await.len(), 2, "{kind:?}");
    }
}
