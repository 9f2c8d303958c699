//! Money that goes back.

use steelyard_alipay::Refund;
use steelyard_billing::{Doubt, OutRequestNo, OutTradeNo, RefundAnswer, RefundQueryAnswer};
use steelyard_pricing::Fen;

use super::super::{Fault, Method, TradeStatus};
use super::stage::*;

fn refund(out_trade_no: &str, out_request_no: &str, fen: i64) -> Refund {
    let out_trade_no = OutTradeNo::parse(out_trade_no).unwrap();
    Refund::new(out_trade_no, OutRequestNo::parse(out_request_no).unwrap(), Fen::new(fen)).unwrap()
}

async fn ask(stage: &Stage, refund: &Refund) -> String {
    match stage.client.refund(refund, now()).await {
        RefundAnswer::Refunded { total_fen } => format!("back {total_fen}"),
        RefundAnswer::OwnAccount(code) => format!("own account: {}", code.0),
        RefundAnswer::Refused(code) => format!("refused: {}", code.0),
        RefundAnswer::InDoubt(Doubt(text)) => format!("in doubt: {text}"),
    }
}

async fn found(stage: &Stage, refund: &Refund) -> String {
    match stage.client.query_refund(refund, now()).await {
        RefundQueryAnswer::Refunded { amount_fen } => format!("back {amount_fen}"),
        RefundQueryAnswer::NotRefunded => "not back".to_owned(),
        RefundQueryAnswer::InDoubt(Doubt(text)) => format!("in doubt: {text}"),
    }
}

async fn paid_stage() -> Stage {
    let stage = Stage::new().await;
    stage.pay(&request(withholding("T1"))).await;
    stage
}

#[tokio::test]
async fn refund_moves_money_once_and_says_so_once() {
    let stage = paid_stage().await;
    let part = refund("T1", "R1", 500);
    assert_eq!(found(&stage, &part).await, "not back");
    assert_eq!(ask(&stage, &part).await, "back 5.00");
    assert_eq!(ask(&stage, &part).await, "in doubt: the answer does not say that money was moved");
    assert_eq!(found(&stage, &part).await, "back 5.00");
    assert_eq!(stage.taken(), Fen::new(734));
    let [trade] = stage.local.trades().unwrap().try_into().unwrap();
    assert_eq!((trade.status, trade.refunded_fen), (TradeStatus::TradeSuccess, Fen::new(500)));
}

#[tokio::test]
async fn query_of_a_refund_says_processing_before_and_after_it_when_its_fault_says_so() {
    let stage = paid_stage().await;
    let part = refund("T1", "R1", 500);
    stage.local.fail_next(Method::RefundQuery, Fault::RefundProcessing, 2);
    let processing = "in doubt: the refund has a status that is not known";
    assert_eq!(found(&stage, &part).await, processing);
    assert_eq!(ask(&stage, &part).await, "back 5.00");
    assert_eq!(found(&stage, &part).await, processing);
    assert_eq!(found(&stage, &part).await, "back 5.00");
}

#[tokio::test]
async fn same_refund_sent_many_times_at_once_moves_money_once() {
    let stage = paid_stage().await;
    let part = refund("T1", "R1", 500);
    let answers = futures::future::join_all((0..8).map(|_| ask(&stage, &part))).await;
    assert_eq!(answers.iter().filter(|answer| *answer == "back 5.00").count(), 1);
    assert_eq!(stage.taken(), Fen::new(734));
}

#[tokio::test]
async fn refunds_add_up_and_the_last_one_closes_the_trade() {
    let stage = paid_stage().await;
    for (number, fen, expected) in [
        ("R1", 500, "back 5.00"),
        ("R1", 501, "refused: code 40004 ACQ.DISCORDANT_REPEAT_REQUEST"),
        ("R2", 735, "refused: code 40004 ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
        ("R2", 734, "back 12.34"),
        ("R3", 1, "refused: code 40004 ACQ.TRADE_HAS_CLOSE"),
        ("R2", 734, "in doubt: the answer does not say that money was moved"),
    ] {
        assert_eq!(ask(&stage, &refund("T1", number, fen)).await, expected, "{number} {fen}");
    }
    assert_eq!(query_in_short(stage.query("T1").await), "closed");
    assert_eq!(stage.taken(), Fen::ZERO);
}

#[tokio::test]
async fn money_that_went_back_can_be_taken_again() {
    let stage = Stage::new().await;
    stage.local.set_funds(PAYER, AMOUNT).unwrap();
    stage.pay(&request(withholding("T1"))).await;
    ask(&stage, &refund("T1", "R1", 1234)).await;
    assert_eq!(pay_in_short(stage.pay(&request(withholding("T2"))).await), "paid 12.34");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn trade_that_is_not_paid_gives_nothing_back() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    stage.pay(&request(withholding("T1"))).await;
    for (number, expected) in [
        ("T1", "in doubt: the answer is code 40004 ACQ.TRADE_STATUS_ERROR"),
        ("T2", "refused: code 40004 ACQ.TRADE_NOT_EXIST"),
    ] {
        let refund = refund(number, "R1", 1);
        assert_eq!(ask(&stage, &refund).await, expected);
        assert!(stage.local.reverse_trade(number, Fen::new(1), now()).is_err());
    }
    let unknown = "in doubt: the answer is code 40004 ACQ.TRADE_NOT_EXIST";
    assert_eq!(found(&stage, &refund("T2", "R1", 1)).await, unknown);
}

#[tokio::test]
async fn refund_in_full_needs_no_number_and_a_part_does() {
    let stage = paid_stage().await;
    for (amount, expected) in
        [("12.33", "ACQ.INVALID_PARAMETER"), ("12.34", r#""fund_change":"Y""#)]
    {
        let content = format!(r#"{{"out_trade_no":"T1","refund_amount":"{amount}"}}"#);
        let answer = stage.call("alipay.trade.refund", &content, |_| ()).await;
        assert!(answer.contains(expected), "{answer}");
    }
    assert_eq!(found(&stage, &refund("T1", "T1", 1234)).await, "back 12.34");
}

#[tokio::test]
async fn reversal_gives_back_what_nobody_asked_for() {
    let stage = paid_stage().await;
    stage.local.reverse_trade("T1", Fen::new(200), now()).unwrap();
    stage.local.reverse_trade("T1", Fen::new(300), now()).unwrap();
    assert_eq!(stage.taken(), Fen::new(734));
    assert!(stage.local.reverse_trade("T1", Fen::new(735), now()).is_err());
}

#[tokio::test]
async fn every_fault_of_a_refund_answers_and_moves_as_its_name_says() {
    let refused = Fault::Refused {
        code: "40004".to_owned(),
        sub_code: "ACQ.SELLER_BALANCE_NOT_ENOUGH".to_owned(),
    };
    let closed = "in doubt: no answer: error sending request: client error (SendRequest): connection closed before message completed";
    for (fault, answer, told) in [
        (Fault::NoAnswerBeforeEffect, closed, "not back"),
        (Fault::NoAnswerAfterEffect, closed, "back 5.00"),
        (
            Fault::SystemErrorBeforeEffect,
            "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
            "not back",
        ),
        (
            Fault::SystemErrorAfterEffect,
            "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
            "back 5.00",
        ),
        (
            Fault::UnsignedAnswer,
            "in doubt: the answer is not signed; it claims code 10000",
            "back 5.00",
        ),
        (Fault::WrongKey, "in doubt: the signature of the answer is wrong", "back 5.00"),
        (Fault::Garbage, "in doubt: the answer is not a JSON object", "back 5.00"),
        (Fault::OtherAmount, "back 5.01", "back 5.00"),
        (refused, "own account: code 40004 ACQ.SELLER_BALANCE_NOT_ENOUGH", "not back"),
    ] {
        let stage = paid_stage().await;
        let part = refund("T1", "R1", 500);
        stage.local.fail_next(Method::Refund, fault.clone(), 1);
        assert_eq!(ask(&stage, &part).await, answer, "{fault:?}");
        assert_eq!(found(&stage, &part).await, told, "{fault:?}");
        ask(&stage, &part).await;
        assert_eq!(stage.taken(), Fen::new(734), "{fault:?}");
    }
    let stage = paid_stage().await;
    ask(&stage, &refund("T1", "R1", 500)).await;
    stage.local.fail_next(Method::RefundQuery, Fault::OtherAmount, 1);
    assert_eq!(
        found(&stage, &refund("T1", "R1", 500)).await,
        "in doubt: ¥5.00 was asked for and ¥5.01 refunded"
    );
}
