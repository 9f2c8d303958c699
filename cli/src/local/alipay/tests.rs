//! Our client against the local Alipay over real HTTP, and the gateway's own rules over bare sockets.

mod agreements;
mod bills;
mod control;
mod notification_faults;
mod notifications;
mod pages;
mod receiver;
mod recharges;
mod refunds;
mod stage;

use std::collections::BTreeMap;

use steelyard_alipay::{VerifyingKey, Withholding};
use steelyard_billing::{OutTradeNo, PayAnswer, QueryAnswer};
use steelyard_pricing::Fen;

use super::*;
use stage::*;

#[tokio::test]
async fn payment_moves_the_payers_money_and_a_query_tells_the_same() {
    let stage = Stage::new().await;
    let PayAnswer::Paid(payment) = stage.pay(&request(withholding("T1"))).await else {
        panic!("not paid")
    };
    assert_eq!(payment.amount_fen, AMOUNT);
    assert_eq!(payment.trade_no, "2026030222001000000000000001");
    assert_eq!(stage.query("T1").await, QueryAnswer::Paid(payment));
    assert_eq!(stage.taken(), AMOUNT);
    let [trade] = stage.local.trades().unwrap().try_into().unwrap();
    assert_eq!((trade.status, trade.taken_at), (TradeStatus::TradeSuccess, Some(now())));
}

#[tokio::test]
async fn same_number_twice_takes_once() {
    let stage = Stage::new().await;
    let first = stage.pay(&request(withholding("T1"))).await;
    let again = stage.pay(&request(withholding("T1"))).await;
    assert_eq!(pay_in_short(first), "paid 12.34");
    assert_eq!(pay_in_short(again), "in doubt: the answer is code 40004 ACQ.TRADE_HAS_SUCCESS");
    assert_eq!(query_in_short(stage.query("T1").await), "paid 12.34");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn same_number_sent_many_times_at_once_takes_once() {
    let stage = Stage::new().await;
    let asked = request(withholding("T1"));
    let answers = futures::future::join_all((0..8).map(|_| stage.pay(&asked))).await;
    let paid = answers.iter().filter(|answer| matches!(answer, PayAnswer::Paid(_))).count();
    assert_eq!((paid, stage.taken()), (1, AMOUNT));
}

#[tokio::test]
async fn want_of_funds_is_declined_and_paid_when_the_payer_has_them() {
    let stage = Stage::new().await;
    stage.local.set_funds(PAYER, Fen::new(1233)).unwrap();
    let declined = stage.pay(&request(withholding("T1"))).await;
    assert_eq!(pay_in_short(declined), "declined ACQ.BUYER_BALANCE_NOT_ENOUGH");
    assert_eq!(query_in_short(stage.query("T1").await), "pending");
    assert_eq!(stage.taken(), Fen::ZERO);

    stage.local.set_funds(PAYER, AMOUNT).unwrap();
    assert_eq!(pay_in_short(stage.pay(&request(withholding("T1"))).await), "paid 12.34");
    assert_eq!(
        pay_in_short(stage.pay(&request(withholding("T2"))).await),
        "declined ACQ.BUYER_BALANCE_NOT_ENOUGH"
    );
    assert_eq!(stage.taken(), AMOUNT);
}

/// Makes one payment fail, and tells its answer, the next query's, and what was taken in between.
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

#[tokio::test]
async fn every_fault_answers_and_takes_as_its_name_says() {
    let refused = Fault::Refused {
        code: "40006".to_owned(),
        sub_code: "isv.insufficient-isv-permissions".to_owned(),
    };
    let closed = "in doubt: no answer: error sending request: client error (SendRequest): connection closed before message completed";
    for (fault, answer, taken, told) in [
        (Fault::InsufficientFunds, "declined ACQ.BUYER_BALANCE_NOT_ENOUGH", "0.00", "pending"),
        (Fault::InProcess, "in doubt: the answer is code 10003", "0.00", "paid 12.34"),
        (
            Fault::LateSuccess,
            "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
            "0.00",
            "not found",
        ),
        (Fault::GzipAnswer, "in doubt: the answer is not a JSON object", "12.34", "paid 12.34"),
        (Fault::ChunkedAnswer, "paid 12.34", "12.34", "paid 12.34"),
        (Fault::Redirect, "in doubt: the answer has HTTP status 302 Found", "12.34", "paid 12.34"),
        (Fault::NoAnswerBeforeEffect, closed, "0.00", "not found"),
        (Fault::NoAnswerAfterEffect, closed, "12.34", "paid 12.34"),
        (
            Fault::HangAfterEffect,
            "in doubt: no answer: error sending request: operation timed out",
            "12.34",
            "paid 12.34",
        ),
        (
            Fault::SystemErrorBeforeEffect,
            "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
            "0.00",
            "not found",
        ),
        (
            Fault::SystemErrorAfterEffect,
            "in doubt: the answer is code 40004 ACQ.SYSTEM_ERROR",
            "12.34",
            "paid 12.34",
        ),
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
        (
            Fault::OtherAmount,
            "in doubt: ¥12.34 was asked for and ¥12.35 paid",
            "12.34",
            "paid 12.34",
        ),
        (refused, "own account: code 40006 isv.insufficient-isv-permissions", "0.00", "not found"),
    ] {
        let name = format!("{fault:?}");
        assert_eq!(fail_once(fault).await, [answer, taken, told].map(str::to_owned), "{name}");
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
async fn trade_that_is_not_as_it_was_or_has_no_agreement_is_refused() {
    let stage = Stage::new().await;
    stage.local.register_agreement("2", PAYER, FUNDS).unwrap();
    stage.pay(&request(withholding("T1"))).await;
    let of = |change: fn(&mut Withholding)| {
        let mut withholding = withholding("T1");
        change(&mut withholding);
        request(withholding)
    };
    let inconsistent = "own fault: code 40004 ACQ.CONTEXT_INCONSISTENT";
    for (asked, expected) in [
        (of(|w| w.amount_fen = Fen::new(1235)), inconsistent),
        (of(|w| w.subject.push('!')), inconsistent),
        (of(|w| w.agreement_no = "2".to_owned()), inconsistent),
        (
            of(|w| {
                w.agreement_no = "3".to_owned();
                w.out_trade_no = OutTradeNo::parse("T3").unwrap();
            }),
            "mandate dead: code 40004 ACQ.AGREEMENT_NOT_EXIST",
        ),
    ] {
        assert_eq!(pay_in_short(stage.pay(&asked).await), expected);
    }
    assert_eq!(query_in_short(stage.query("T3").await), "not found");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn closed_trade_takes_nothing_any_more_and_a_paid_one_is_not_closed() {
    let stage = Stage::new().await;
    let close = |number: &'static str| {
        let stage = &stage;
        async move {
            stage
                .call("alipay.trade.close", &format!(r#"{{"out_trade_no":"{number}"}}"#), |_| ())
                .await
        }
    };
    stage.local.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    stage.pay(&request(withholding("T1"))).await;
    stage.pay(&request(withholding("T2"))).await;
    for (number, expected) in [
        ("T1", r#""code":"10000""#),
        ("T1", "ACQ.REASON_TRADE_STATUS_INVALID"),
        ("T2", "ACQ.REASON_TRADE_STATUS_INVALID"),
        ("T3", "ACQ.TRADE_NOT_EXIST"),
    ] {
        let answer = close(number).await;
        assert!(answer.contains(expected), "{number}: {answer}");
    }
    assert_eq!(query_in_short(stage.query("T1").await), "closed");
    assert_eq!(
        pay_in_short(stage.pay(&request(withholding("T1"))).await),
        "in doubt: the answer is code 40004 ACQ.TRADE_HAS_CLOSE"
    );
    assert_eq!(query_in_short(stage.query("T2").await), "paid 12.34");
    assert_eq!(stage.taken(), AMOUNT);
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

#[tokio::test]
async fn trade_that_waited_seven_days_is_closed_by_the_clock_of_the_requests() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    stage.pay(&request(withholding("T1"))).await;
    let number = OutTradeNo::parse("T1").unwrap();
    for (later, expected) in
        [("2026-03-09T01:59:59Z", "pending"), ("2026-03-09T02:00:00Z", "closed")]
    {
        let answer = stage.client.query(&number, later.parse().unwrap()).await;
        assert_eq!(query_in_short(answer), expected, "{later}");
    }
}

#[tokio::test]
async fn request_that_is_not_ours_is_refused_and_does_nothing() {
    type Change = fn(&mut BTreeMap<String, String>);
    let stage = Stage::new().await;
    let content = withholding("T1").biz_content().unwrap();
    let cases: [(&str, Change, &str); 7] = [
        (
            "alipay.trade.pay",
            |p| drop(p.insert("sign".to_owned(), "wrong".to_owned())),
            r#"{"alipay_trade_pay_response":{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.invalid-signature""#,
        ),
        (
            "alipay.trade.pay",
            |p| drop(p.insert("sign".to_owned(), String::new())),
            "isv.invalid-signature",
        ),
        ("alipay.trade.pay", |p| drop(p.remove("sign_type")), "isv.invalid-signature"),
        (
            "alipay.trade.pay",
            |p| drop(p.insert("app_id".to_owned(), "1".to_owned())),
            r#""sub_code":"isv.invalid-app-id","sub_msg":"local: isv.invalid-app-id"}}"#,
        ),
        (
            "alipay.trade.pay",
            |p| drop(p.insert("timestamp".to_owned(), "2026-03-02T10:00:00Z".to_owned())),
            "isv.invalid-timestamp",
        ),
        ("alipay.trade.pay", |p| drop(p.remove("biz_content")), "isv.missing-parameter"),
        ("alipay.trade.cancel", |_| (), r#"{"error_response":{"code":"40002""#),
    ];
    for (method, change, expected) in cases {
        let answer = stage.call(method, &content, change).await;
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
    let form = signed_form("alipay.trade.pay", &content, |_| ());
    for (line, form) in [
        ("POST /gateway.do", form.clone()),
        ("POST /gateway.do?charset=utf-8", form.replace("12.34", "12.35")),
        ("POST /gateway.do?charset=utf-8", format!("{form}&method=alipay.trade.query")),
    ] {
        let answer = stage.send(line, &form).await;
        assert!(answer.contains(r#""code":"40002""#), "{answer}");
    }
    assert_eq!(stage.local.trades().unwrap(), []);
}

#[tokio::test]
async fn answers_escape_the_slash_under_their_signature() {
    let stage = Stage::new().await;
    stage.local.fail_next(
        Method::Pay,
        Fault::Refused { code: "40004".to_owned(), sub_code: "A/B".to_owned() },
        1,
    );
    let content = withholding("T1").biz_content().unwrap();
    let answer = stage.call("alipay.trade.pay", &content, |_| ()).await;
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let (node, rest) = body
        .strip_prefix(r#"{"alipay_trade_pay_response":"#)
        .unwrap()
        .split_once(r#","sign":""#)
        .unwrap();
    assert!(node.contains(r#""sub_code":"A\/B""#), "{node}");
    let key = VerifyingKey::parse(keys::ALIPAY_PUBLIC).unwrap();
    assert_eq!(key.verify(node, rest.trim_end_matches("\"}")), Ok(()));
}

#[tokio::test]
async fn no_answer_is_not_one_byte() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    let content = withholding("T1").biz_content().unwrap();
    assert_eq!(stage.call("alipay.trade.pay", &content, |_| ()).await, "");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn restart_keeps_what_was_taken() {
    let folder =
        std::env::temp_dir().join(format!("steelyard-local-alipay-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("alipay.sqlite");
    let before = Stage::on(LocalAlipay::open(&file, clock()).unwrap()).await;
    before.pay(&request(withholding("T1"))).await;
    let after = Stage::on(LocalAlipay::open(&file, clock()).unwrap()).await;
    assert_eq!(query_in_short(after.query("T1").await), "paid 12.34");
    assert_eq!(
        pay_in_short(after.pay(&request(withholding("T1"))).await),
        "in doubt: the answer is code 40004 ACQ.TRADE_HAS_SUCCESS"
    );
    assert_eq!(after.taken(), AMOUNT);
    std::fs::remove_dir_all(&folder).unwrap();
}
