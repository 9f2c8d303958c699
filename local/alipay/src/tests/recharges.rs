//! Recharges: trades that a person pays.

use steelyard_alipay::Recharge;
use steelyard_billing::{Doubt, OutTradeNo, QrAnswer};
use steelyard_pricing::Fen;

use super::super::{ControlError, Fault, Method, TradeKind, TradeStatus};
use super::stage::*;

pub(super) fn recharge(out_trade_no: &str, fen: i64) -> Recharge {
    let out_trade_no = OutTradeNo::parse(out_trade_no).unwrap();
    Recharge::new(out_trade_no, Fen::new(fen), "预充值 <b>").unwrap()
}

pub(super) async fn code(stage: &Stage, recharge: &Recharge) -> String {
    match stage.client.recharge_code(recharge, now()).await {
        QrAnswer::Code(code) => code,
        QrAnswer::Refused(code) => format!("refused: {}", code.0),
        QrAnswer::InDoubt(Doubt(text)) => format!("in doubt: {text}"),
    }
}

fn sub_code(outcome: Result<(), ControlError>) -> &'static str {
    match outcome {
        Ok(()) => "paid",
        Err(ControlError::TradeRefused { sub_code, .. }) => sub_code,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn code_makes_a_trade_that_waits_for_a_person() {
    let stage = Stage::new().await;
    let address = format!("{}/local/pay/C1", stage.origin());
    assert_eq!(code(&stage, &recharge("C1", 5_000)).await, address);
    assert_eq!(code(&stage, &recharge("C1", 5_000)).await, address);
    assert_eq!(query_in_short(stage.query("C1").await), "pending");
    assert_eq!(
        code(&stage, &recharge("C1", 5_001)).await,
        "refused: code 40004 ACQ.CONTEXT_INCONSISTENT"
    );
    stage.local.pay_trade("C1", PAYER, now()).unwrap();
    assert_eq!(query_in_short(stage.query("C1").await), "paid 50.00");
    assert_eq!(
        code(&stage, &recharge("C1", 5_000)).await,
        "in doubt: the answer is code 40004 ACQ.TRADE_HAS_SUCCESS"
    );
    let [trade] = stage.local.trades().unwrap().try_into().unwrap();
    assert_eq!((trade.kind, trade.payer.as_deref()), (TradeKind::Recharge, Some(PAYER)));
    assert_eq!(trade.status, TradeStatus::TradeSuccess);
    assert_eq!(stage.taken(), Fen::ZERO, "nothing was taken under the agreement");
}

#[tokio::test]
async fn person_pays_once_and_only_what_he_has() {
    let stage = Stage::new().await;
    code(&stage, &recharge("C1", 10_001)).await;
    let pay = |payer: &str| sub_code(stage.local.pay_trade("C1", payer, now()));
    assert_eq!(pay("nobody"), "ACQ.BUYER_BALANCE_NOT_ENOUGH");
    assert_eq!(pay(PAYER), "ACQ.BUYER_BALANCE_NOT_ENOUGH");
    assert_eq!(stage.local.trades().unwrap()[0].payer, None);
    stage.local.set_funds(PAYER, Fen::new(10_001)).unwrap();
    assert_eq!(pay(PAYER), "paid");
    assert_eq!(pay(PAYER), "ACQ.TRADE_HAS_SUCCESS");
    assert_eq!(sub_code(stage.local.pay_trade("C2", PAYER, now())), "ACQ.TRADE_NOT_EXIST");
}

#[tokio::test]
async fn code_that_nobody_scanned_for_two_hours_is_closed() {
    let stage = Stage::new().await;
    code(&stage, &recharge("C1", 5_000)).await;
    let late = "2026-03-02T04:00:00Z".parse().unwrap();
    assert_eq!(sub_code(stage.local.pay_trade("C1", PAYER, late)), "ACQ.TRADE_HAS_CLOSE");
    assert_eq!(query_in_short(stage.query("C1").await), "closed");
}

#[tokio::test]
async fn faults_of_codes_are_met() {
    for (fault, answer, then) in [
        (
            Fault::SystemErrorBeforeEffect,
            "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
            "not found",
        ),
        (Fault::Garbage, "in doubt: the answer is not a JSON object", "pending"),
        (Fault::GzipAnswer, "in doubt: the answer is labelled UTF-8 and is not UTF-8", "pending"),
        (Fault::Redirect, "in doubt: the answer has HTTP status 302 Found", "pending"),
    ] {
        let stage = Stage::new().await;
        stage.local.fail_next(Method::Precreate, fault.clone(), 1);
        assert_eq!(code(&stage, &recharge("C1", 5_000)).await, answer, "{fault:?}");
        assert_eq!(query_in_short(stage.query("C1").await), then, "{fault:?}");
    }
}
