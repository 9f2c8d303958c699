//! The client against sockets that answer as Alipay should not.

use std::time::Duration;

use steelyard_billing::{GatewayCode, OutTradeNo, PayAnswer, Payment};
use steelyard_pricing::Fen;
use tokio::net::TcpListener;

use super::*;
use crate::stub::{Stub, asked_by, config, http, now, signed};
use crate::trade::PayRequest;
use crate::vectors;

const PAID: &str =
    r#"{"code":"10000","out_trade_no":"T1","trade_no":"2026","total_amount":"12.34"}"#;

fn request() -> PayRequest {
    let content = r#"{"out_trade_no":"T1","total_amount":"12.34","subject":"a+b 100% 你好"}"#;
    PayRequest::new(OutTradeNo::parse("T1").unwrap(), Fen::new(1234), content.to_owned()).unwrap()
}

fn signed_pay(node: &str) -> String {
    signed("alipay.trade.pay", node)
}

fn http_text(status: &str, body: &str) -> String {
    String::from_utf8(http(status, body.as_bytes())).unwrap()
}

async fn pay(answer: String) -> PayAnswer {
    let stub = Stub::serving(move |_| answer.clone().into_bytes()).await;
    stub.client().pay(&request(), now()).await
}

#[tokio::test]
async fn signed_answer_for_the_trade_and_amount_asked_for_is_paid() {
    let payment = Payment { trade_no: "2026".to_owned(), amount_fen: Fen::new(1234) };
    assert_eq!(pay(http_text("200 OK", &signed_pay(PAID))).await, PayAnswer::Paid(payment));
}

#[tokio::test]
async fn every_answer_that_is_not_clear_is_in_doubt() {
    let foreign_sign = SigningKey::parse(vectors::APP_PRIVATE).unwrap().sign(PAID).unwrap();
    let foreign = format!(r#"{{"alipay_trade_pay_response":{PAID},"sign":"{foreign_sign}"}}"#);
    let unsigned = format!(r#"{{"alipay_trade_pay_response":{PAID}}}"#);
    let longer_than_sent =
        http_text("200 OK", &signed_pay(PAID)).replace("content-length: ", "content-length: 9");
    let redirect = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    for (answer, expected) in [
        (String::new(), "no answer: "),
        ("garbage".to_owned(), "no answer: "),
        (redirect.to_owned(), "the answer has HTTP status 302 Found"),
        (
            http_text("502 Bad Gateway", &signed_pay(PAID)),
            "the answer has HTTP status 502 Bad Gateway",
        ),
        (http_text("200 OK", "<html>"), "the answer is not a JSON object"),
        (http_text("200 OK", &unsigned), "the answer is not signed; it claims code 10000"),
        (http_text("200 OK", &foreign), "the signature of the answer is wrong"),
        (
            http_text("200 OK", &signed_pay(&PAID.replace("12.34", "12.35"))),
            "¥12.34 was asked for and ¥12.35 paid",
        ),
        (
            http_text("200 OK", &" ".repeat((1 << 20) + 1)),
            "the answer is larger than 1048576 bytes",
        ),
        (longer_than_sent, "the answer broke off: "),
    ] {
        let PayAnswer::InDoubt(Doubt(text)) = pay(answer).await else {
            panic!("not in doubt: {expected}");
        };
        assert!(text.starts_with(expected), "{text}");
    }
}

#[tokio::test]
async fn an_unsigned_refusal_is_in_doubt_and_names_its_code() {
    let node = r#"{"code":"40002","sub_code":"isv.invalid-app-id"}"#;
    for body in [
        format!(r#"{{"error_response":{node}}}"#),
        format!(r#"{{"alipay_trade_pay_response":{node},"sign":""}}"#),
    ] {
        let text = "the answer is not signed; it claims code 40002 isv.invalid-app-id".to_owned();
        assert_eq!(pay(http_text("200 OK", &body)).await, PayAnswer::InDoubt(Doubt(text)));
    }
}

#[tokio::test]
async fn a_signed_refusal_is_the_same_with_and_without_a_method() {
    let node = r#"{"code":"40006","sub_code":"isv.insufficient-isv-permissions"}"#;
    let of_method = signed_pay(node);
    let of_none = of_method.replace("alipay_trade_pay_response", "error_response");
    let code = GatewayCode("code 40006 isv.insufficient-isv-permissions".to_owned());
    for body in [of_method, of_none] {
        assert_eq!(pay(http_text("200 OK", &body)).await, PayAnswer::OwnAccount(code.clone()));
    }
}

/// A signed refusal in GBK, with a `\` as the second byte of a character, under a content type.
fn in_gbk(content_type: &str) -> Vec<u8> {
    let node =
        r#"{"code":"40004","sub_code":"ACQ.BUYER_BALANCE_NOT_ENOUGH","sub_msg":"余额不足乗"}"#;
    let (node, ..) = encoding_rs::GBK.encode(node);
    let sign = SigningKey::parse(vectors::ALIPAY_PRIVATE).unwrap().sign(&node).unwrap();
    let (start, end) = (r#"{"alipay_trade_pay_response":"#, format!(r#","sign":"{sign}"}}"#));
    let body = [start.as_bytes(), &node, end.as_bytes()].concat();
    let head = format!("HTTP/1.1 200 OK\r\n{content_type}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}

#[tokio::test]
async fn an_answer_in_gbk_is_read_by_its_content_type_or_by_its_bytes() {
    let declined = "declined: ACQ.BUYER_BALANCE_NOT_ENOUGH";
    for (content_type, expected) in [
        ("", declined),
        ("content-type: text/html\r\n", declined),
        ("content-type: text/html;charset=GBK\r\n", declined),
        ("content-type: text/html; x=1; Charset=\"gb2312\"\r\n", declined),
        (
            "content-type: text/html;charset=utf-8\r\n",
            "in doubt: the answer is labelled UTF-8 and is not UTF-8",
        ),
        ("content-type: text/html;charset=Big5\r\n", "in doubt: charset \"Big5\" is not read"),
    ] {
        let answer = in_gbk(content_type);
        let stub = Stub::serving(move |_| answer.clone()).await;
        let answer = stub.client().pay(&request(), now()).await;
        assert_eq!(answer.to_string(), expected, "{content_type}");
    }
}

#[tokio::test]
async fn silence_is_in_doubt_when_the_time_is_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    let answer = Alipay::new(config(&gateway)).unwrap().pay(&request(), now()).await;
    assert!(
        matches!(&answer, PayAnswer::InDoubt(Doubt(text)) if text.ends_with("operation timed out")),
        "{answer:?}"
    );
}

#[test]
fn form_is_signed_over_raw_values_and_encoded_after() {
    let request = request();
    let alipay = Stub::offline();
    let call = Call::new("alipay.trade.pay", request.biz_content());
    let form = encoded(&alipay.signed(call, now()).unwrap());
    let parameters = asked_by(&form);
    assert_eq!(parameters["biz_content"], request.biz_content());
    assert_eq!(parameters["timestamp"], "2026-03-01 00:00:00");
    assert_eq!(alipay.gateway.query(), Some("charset=utf-8"));
}

#[test]
fn bad_field_of_a_configuration_is_an_error_by_its_name() {
    type Change = fn(&mut AlipayConfig);
    let of = |change: Change| {
        let mut config = config("https://openapi.alipay.com/gateway.do");
        change(&mut config);
        Alipay::new(config).map(|_| "taken".to_owned()).unwrap_or_else(|error| error.to_string())
    };
    let cases: [(Change, &str); 18] = [
        (|_| (), "taken"),
        (|c| c.gateway = "http://127.0.0.2:8000".to_owned(), "taken"),
        (|c| c.gateway = "http://[::1]:8000/gateway.do".to_owned(), "taken"),
        (|c| c.gateway = "http://host.docker.internal:8700/gateway.do".to_owned(), "taken"),
        (
            |c| c.gateway = "http://host.docker.internal.example.com".to_owned(),
            r#"gateway "http://host.docker.internal.example.com" must be https, or http to a loopback host or host.docker.internal"#,
        ),
        (|c| c.gateway = "openapi".to_owned(), r#"gateway "openapi" is not an address"#),
        (
            |c| c.gateway = "http://localhost.example.com".to_owned(),
            r#"gateway "http://localhost.example.com" must be https, or http to a loopback host or host.docker.internal"#,
        ),
        (
            |c| c.gateway = "ftp://[::1]".to_owned(),
            r#"gateway "ftp://[::1]" must be https, or http to a loopback host or host.docker.internal"#,
        ),
        (|c| c.app_id = String::new(), r#"app_id "" is not 1 to 32 letters and digits"#),
        (|c| c.app_id = "2021 ".to_owned(), r#"app_id "2021 " is not 1 to 32 letters and digits"#),
        (|c| c.app_private_key = c.alipay_public_key.clone(), "app_private_key is refused"),
        (|c| c.alipay_public_key = "AAAA".to_owned(), "alipay_public_key is refused"),
        (|c| c.alipay_public_key = "?".to_owned(), "alipay_public_key is refused"),
        (|c| c.timeout = Duration::ZERO, "timeout is zero"),
        (|c| c.notify_url = None, "taken"),
        (|c| c.notify_url = Some("http://127.0.0.1/notify".to_owned()), "taken"),
        (
            |c| c.notify_url = Some("notify".to_owned()),
            r#"notify_url "notify" is not a https address of at most 256 characters"#,
        ),
        (
            |c| c.notify_url = Some("http://a.example".to_owned()),
            r#"notify_url "http://a.example" is not a https address of at most 256 characters"#,
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(of(change), expected);
    }
}

#[test]
fn a_notify_url_has_at_most_256_characters() {
    for (length, is_taken) in [(256, true), (257, false)] {
        let mut config = config("http://localhost");
        config.notify_url = Some(format!("{:a<length$}", "https://a.example/"));
        assert_eq!(Alipay::new(config).is_ok(), is_taken, "{length}");
    }
}

#[test]
fn debug_prints_no_key() {
    let config = config("http://localhost");
    let shown = format!("{config:?} {:?}", Alipay::new(config.clone()).unwrap());
    for key in [vectors::APP_PRIVATE, vectors::ALIPAY_PUBLIC] {
        for line in key.lines() {
            assert!(!shown.contains(line), "{line}");
        }
    }
}
