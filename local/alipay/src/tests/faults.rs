//! Payments that go wrong.

use steelyard_billing::OutTradeNo;
use steelyard_pricing::Fen;

use super::super::{Fault, Method};
use super::stage::*;

/// Makes one payment fail, and returns its answer, the next query's, and the amount taken in
/// between.
async fn fail_once(fault: Fault) -> [String; 3] {
    let stage = Stage::new().await;
    // A connection that is open already is where an HTTP client might send again by itself.
    stage.query("T0").await;
    stage.local.fail_next(Method::Pay, fault, 1);
    let answer = stage.pay(&request(withholding("T1"))).await;
    let taken = stage.taken();
    let told = stage.query("T1").await;
    assert_eq!(stage.query("T1").await, told);
    let _again = stage.pay(&request(withholding("T1"))).await;
    assert_eq!(
        stage.taken(),
        AMOUNT,
        "the same request again takes what was not taken, and no more"
    );
    [pay_in_short(answer), taken.to_string(), query_in_short(told)]
}

const SYSTEM_ERROR: &str = "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR";

const CLOSED: &str = "in doubt: no answer: error sending request: client error (SendRequest): connection closed before message completed";

/// Faults, each with the answer, the amount taken, and the answer to the next query.
const FAULTS: [(Fault, &str, &str, &str); 19] = [
    (Fault::InsufficientFunds, "declined ACQ.BUYER_BALANCE_NOT_ENOUGH", "0.00", "pending"),
    (Fault::InProcess, "in doubt: the answer is code 10003", "0.00", "paid 12.34"),
    (Fault::LateSuccess, SYSTEM_ERROR, "0.00", "not found"),
    (
        Fault::GzipAnswer,
        "in doubt: the answer is labelled UTF-8 and is not UTF-8",
        "12.34",
        "paid 12.34",
    ),
    (Fault::ChunkedAnswer, "paid 12.34", "12.34", "paid 12.34"),
    (Fault::GbkAnswer, "paid 12.34", "12.34", "paid 12.34"),
    (Fault::UnlabelledGbkAnswer, "paid 12.34", "12.34", "paid 12.34"),
    (
        Fault::MislabelledAnswer,
        "in doubt: the answer is labelled GBK and is not GBK",
        "12.34",
        "paid 12.34",
    ),
    (Fault::Redirect, "in doubt: the answer has HTTP status 302 Found", "12.34", "paid 12.34"),
    (Fault::NoAnswerBeforeEffect, CLOSED, "0.00", "not found"),
    (Fault::NoAnswerAfterEffect, CLOSED, "12.34", "paid 12.34"),
    (
        Fault::HangAfterEffect,
        "in doubt: no answer: error sending request: operation timed out",
        "12.34",
        "paid 12.34",
    ),
    (Fault::SystemErrorBeforeEffect, SYSTEM_ERROR, "0.00", "not found"),
    (Fault::SystemErrorAfterEffect, SYSTEM_ERROR, "12.34", "paid 12.34"),
    (
        Fault::BadGatewayBeforeEffect,
        "in doubt: the answer has HTTP status 502 Bad Gateway",
        "0.00",
        "not found",
    ),
    (
        Fault::UnsignedAnswer,
        "in doubt: the answer is not signed; it claims code 10000",
        "12.34",
        "paid 12.34",
    ),
    (Fault::WrongKey, "in doubt: the signature of the answer is wrong", "12.34", "paid 12.34"),
    (Fault::Garbage, "in doubt: the answer is not a JSON object", "12.34", "paid 12.34"),
    (Fault::OtherAmount, "in doubt: ¥12.34 was asked for and ¥12.35 paid", "12.34", "paid 12.34"),
];

#[tokio::test]
async fn every_fault_answers_and_takes_as_its_name_says() {
    let refused = Fault::Refused {
        code: "40006".to_owned(),
        sub_code: "isv.insufficient-isv-permissions".to_owned(),
    };
    let answer = "own account: code 40006 isv.insufficient-isv-permissions";
    for (fault, answer, taken, told) in
        FAULTS.into_iter().chain([(refused, answer, "0.00", "not found")])
    {
        let name = format!("{fault:?}");
        assert_eq!(fail_once(fault).await, [answer, taken, told].map(str::to_owned), "{name}");
    }
}

#[tokio::test]
async fn a_refusal_in_gbk_is_the_refusal_that_it_is_in_utf8() {
    for fault in [Fault::GbkAnswer, Fault::UnlabelledGbkAnswer] {
        let stage = Stage::new().await;
        stage.local.set_funds(PAYER, Fen::ZERO).unwrap();
        stage.local.fail_next(Method::Pay, fault.clone(), 1);
        let answer = pay_in_short(stage.pay(&request(withholding("T1"))).await);
        assert_eq!(answer, "declined ACQ.BUYER_BALANCE_NOT_ENOUGH", "{fault:?}");
        stage.local.fail_next(Method::Query, fault.clone(), 2);
        assert_eq!(query_in_short(stage.query("T1").await), "pending", "{fault:?}");
        assert_eq!(query_in_short(stage.query("T2").await), "not found", "{fault:?}");
    }
}

#[tokio::test]
async fn faults_are_met_in_their_order_and_each_method_has_its_own() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::SystemErrorBeforeEffect, 2);
    stage.local.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    stage.local.fail_next(Method::Query, Fault::UnsignedAnswer, 1);
    let asked = request(withholding("T1"));
    for expected in [
        "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
        "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
        "declined ACQ.BUYER_BALANCE_NOT_ENOUGH",
        "paid 12.34",
    ] {
        assert_eq!(pay_in_short(stage.pay(&asked).await), expected);
    }
    assert!(
        query_in_short(stage.query("T1").await).starts_with("in doubt: the answer is not signed")
    );
    assert_eq!(query_in_short(stage.query("T1").await), "paid 12.34");
}

#[tokio::test]
async fn payment_in_process_stays_unpaid_when_the_funds_are_gone_by_then() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::InProcess, 1);
    stage.pay(&request(withholding("T1"))).await;
    assert_eq!(
        pay_in_short(stage.pay(&request(withholding("T1"))).await),
        "in doubt: the answer is code 10003"
    );
    stage.local.set_funds(PAYER, Fen::ZERO).unwrap();
    assert_eq!(query_in_short(stage.query("T1").await), "pending");
    assert_eq!(stage.taken(), Fen::ZERO);
}

#[tokio::test]
async fn late_payment_is_made_when_its_trade_is_closed() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::LateSuccess, 1);
    stage.pay(&request(withholding("T1"))).await;
    assert_eq!(query_in_short(stage.query("T1").await), "not found");
    let number = OutTradeNo::parse("T1").unwrap();
    assert_eq!(stage.client.close(&number, now()).await, Ok(()));
    assert_eq!(query_in_short(stage.query("T1").await), "paid 12.34");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn late_payment_is_made_after_an_hour_when_nobody_closes_its_trade() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::LateSuccess, 1);
    stage.pay(&request(withholding("T1"))).await;
    let number = OutTradeNo::parse("T1").unwrap();
    for (later, expected) in
        [("2026-03-02T02:59:59Z", "not found"), ("2026-03-02T03:00:00Z", "paid 12.34")]
    {
        let answer = stage.client.query(&number, later.parse().unwrap()).await;
        assert_eq!(query_in_short(answer), expected, "{later}");
    }
}

/// What the wire shows of a method's answer.
async fn wire(method: Method, fault: Option<Fault>) -> String {
    let stage = Stage::new().await;
    stage.pay(&request(withholding("T1"))).await;
    if let Some(fault) = fault {
        stage.local.fail_next(method, fault, 1);
    }
    let content = format!(
        r#"{{"out_trade_no":"T1","out_request_no":"R1","refund_amount":"1.00","total_amount":"1.00","subject":"s","agreement_no":"{AGREEMENT}","bill_type":"trade","bill_date":"2026-03-01"}}"#
    );
    stage.call(method.name(), &content, |_| ()).await
}

#[tokio::test]
async fn every_method_meets_every_fault_of_delivery() {
    let refused = Fault::Refused { code: "40006".to_owned(), sub_code: "no".to_owned() };
    for name in [
        "alipay.trade.pay",
        "alipay.trade.query",
        "alipay.trade.close",
        "alipay.trade.refund",
        "alipay.trade.fastpay.refund.query",
        "alipay.trade.precreate",
        "alipay.user.agreement.query",
        "alipay.user.agreement.unsign",
        "alipay.data.dataservice.bill.downloadurl.query",
    ] {
        let method = Method::parse(name).unwrap();
        let node = format!(r#"{{"{}_response":{{"#, name.replace('.', "_"));
        for (fault, start, part) in [
            (None, "HTTP/1.1 200", node.as_str()),
            (None, "HTTP/1.1 200", r#"},"sign":""#),
            (Some(Fault::NoAnswerBeforeEffect), "", ""),
            (Some(Fault::NoAnswerAfterEffect), "", ""),
            (Some(Fault::BadGatewayBeforeEffect), "HTTP/1.1 502", ""),
            (Some(Fault::SystemErrorBeforeEffect), "HTTP/1.1 200", "_ERROR\""),
            (Some(Fault::SystemErrorAfterEffect), "HTTP/1.1 200", "_ERROR\""),
            (Some(Fault::UnsignedAnswer), "HTTP/1.1 200", r#""}}"#),
            (Some(Fault::WrongKey), "HTTP/1.1 200", r#"},"sign":""#),
            (Some(Fault::Garbage), "HTTP/1.1 200", "<html>busy</html>"),
            (Some(Fault::GzipAnswer), "HTTP/1.1 200", "content-encoding: gzip"),
            (Some(Fault::ChunkedAnswer), "HTTP/1.1 200", "transfer-encoding: chunked"),
            (Some(Fault::GbkAnswer), "HTTP/1.1 200", "application/json;charset=GBK"),
            (Some(Fault::UnlabelledGbkAnswer), "HTTP/1.1 200", "application/json\r\n"),
            (Some(Fault::MislabelledAnswer), "HTTP/1.1 200", "支付宝回答"),
            (Some(Fault::Redirect), "HTTP/1.1 302", "location: /busy"),
            (
                Some(refused.clone()),
                "HTTP/1.1 200",
                r#""code":"40006","msg":"Refused","sub_code":"no""#,
            ),
        ] {
            let what = format!("{name} {fault:?}");
            let is_silent = start.is_empty();
            let answer = wire(method, fault).await;
            assert!(answer.starts_with(start) && answer.contains(part), "{what}: {answer}");
            assert_eq!(answer.is_empty(), is_silent, "{what}: {answer}");
        }
    }
}
