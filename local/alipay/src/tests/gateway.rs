//! The gateway's own rules: what it refuses, and how its answers look on the wire.

use std::collections::BTreeMap;

use steelyard_alipay::{Alipay, VerifyingKey};
use steelyard_billing::breaker::{ASKED_MIN, Breaker, Permit};

use super::super::{Fault, LocalAlipay, Method, keys};
use super::stage::*;

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
async fn wrong_app_id_leaves_payments_in_doubt_and_opens_the_breaker() {
    let stage = Stage::new().await;
    let mut config = LocalAlipay::client_config(&format!("{}/gateway.do", stage.origin()));
    config.app_id = "2021000000000009".to_owned();
    let client = Alipay::new(config).unwrap();
    let mut breaker = Breaker::default();
    for _ in 0..ASKED_MIN {
        assert_eq!(breaker.permit(now()), Permit::Go);
        let answer = client.pay(&request(withholding("T1")), now()).await;
        assert_eq!(
            pay_in_short(answer.clone()),
            "in doubt: the answer is not signed; it claims code 40002 isv.invalid-app-id"
        );
        breaker = breaker.after(&answer, &[], false, now());
    }
    assert_eq!(breaker.permit(now()), Permit::Stop);
}

#[tokio::test]
async fn wrong_key_is_trouble_of_our_own_account() {
    let stage = Stage::new().await;
    let mut config = LocalAlipay::client_config(&format!("{}/gateway.do", stage.origin()));
    config.app_private_key = keys::ALIPAY_PRIVATE.to_owned();
    let answer = Alipay::new(config).unwrap().pay(&request(withholding("T1")), now()).await;
    assert_eq!(pay_in_short(answer), "own account: code 40002 isv.invalid-signature");
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
