//! The client against sockets that answer what no gateway should.

use std::io;
use std::time::Duration;

use steelyard_billing::{OutTradeNo, PayAnswer, Payment};
use steelyard_pricing::Fen;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::trade::PayRequest;
use crate::vectors;

const PAID: &str =
    r#"{"code":"10000","out_trade_no":"T1","trade_no":"2026","total_amount":"12.34"}"#;

fn config(gateway: &str) -> AlipayConfig {
    AlipayConfig {
        gateway: gateway.to_owned(),
        app_id: "2021000000000001".to_owned(),
        app_private_key: vectors::APP_PRIVATE.to_owned(),
        alipay_public_key: vectors::ALIPAY_PUBLIC.to_owned(),
        notify_url: None,
        timeout: Duration::from_millis(500),
    }
}

fn request() -> PayRequest {
    let content = r#"{"out_trade_no":"T1","total_amount":"12.34","subject":"a+b 100% 你好"}"#;
    PayRequest::new(OutTradeNo::parse("T1").unwrap(), Fen::new(1234), content.to_owned()).unwrap()
}

fn now() -> Timestamp {
    "2026-02-28T16:00:00Z".parse().unwrap()
}

/// Answers every connection with the same bytes, and closes it.
async fn serve(answer: String) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let gateway = format!("http://{}/gateway.do", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 16 << 10];
            let _read = socket.read(&mut head).await;
            let _written = socket.write_all(answer.as_bytes()).await;
        }
    });
    Ok(gateway)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn signed(node: &str) -> String {
    let sign = SigningKey::parse(vectors::ALIPAY_PRIVATE).unwrap().sign(node).unwrap();
    format!(r#"{{"alipay_trade_pay_response":{node},"sign":"{sign}"}}"#)
}

async fn pay(answer: String) -> PayAnswer {
    let gateway = serve(answer).await.unwrap();
    Alipay::new(config(&gateway)).unwrap().pay(&request(), now()).await
}

#[tokio::test]
async fn signed_answer_for_the_trade_and_amount_asked_for_is_paid() {
    let payment = Payment { trade_no: "2026".to_owned(), amount_fen: Fen::new(1234) };
    assert_eq!(pay(http("200 OK", &signed(PAID))).await, PayAnswer::Paid(payment));
}

#[tokio::test]
async fn every_answer_that_is_not_clear_is_in_doubt() {
    let foreign_sign = SigningKey::parse(vectors::APP_PRIVATE).unwrap().sign(PAID).unwrap();
    let foreign = format!(r#"{{"alipay_trade_pay_response":{PAID},"sign":"{foreign_sign}"}}"#);
    let unsigned = format!(r#"{{"alipay_trade_pay_response":{PAID}}}"#);
    let longer_than_sent =
        http("200 OK", &signed(PAID)).replace("content-length: ", "content-length: 9");
    let redirect = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    for (answer, expected) in [
        (String::new(), "no answer: "),
        ("garbage".to_owned(), "no answer: "),
        (redirect.to_owned(), "the answer has HTTP status 302 Found"),
        (http("502 Bad Gateway", &signed(PAID)), "the answer has HTTP status 502 Bad Gateway"),
        (http("200 OK", "<html>"), "the answer is not a JSON object"),
        (http("200 OK", &unsigned), "the answer is not signed; it claims code 10000"),
        (http("200 OK", &foreign), "the signature of the answer is wrong"),
        (
            http("200 OK", &signed(&PAID.replace("12.34", "12.35"))),
            "¥12.34 was asked for and ¥12.35 paid",
        ),
        (
            http("200 OK", &" ".repeat(ANSWER_MAX_BYTES + 1)),
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
    let alipay = Alipay::new(config("http://localhost/gateway.do")).unwrap();
    let call = Call::new("alipay.trade.pay", request.biz_content());
    let form = encoded(&alipay.signed(call, now()).unwrap());
    let parameters: BTreeMap<String, String> =
        form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let app = VerifyingKey::parse(vectors::APP_PUBLIC).unwrap();
    assert_eq!(app.verify(&text_to_sign(&parameters), &parameters["sign"]), Ok(()));
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
    let cases: [(Change, &str); 12] = [
        (|_| (), "taken"),
        (|c| c.gateway = "http://127.0.0.2:8000".to_owned(), "taken"),
        (|c| c.gateway = "http://[::1]:8000/gateway.do".to_owned(), "taken"),
        (|c| c.gateway = "openapi".to_owned(), r#"gateway "openapi" is not an address"#),
        (
            |c| c.gateway = "http://localhost.example.com".to_owned(),
            r#"gateway "http://localhost.example.com" must be https, or http to a loopback host"#,
        ),
        (
            |c| c.gateway = "ftp://[::1]".to_owned(),
            r#"gateway "ftp://[::1]" must be https, or http to a loopback host"#,
        ),
        (|c| c.app_id = String::new(), r#"app_id "" is not 1 to 32 letters and digits"#),
        (|c| c.app_id = "2021 ".to_owned(), r#"app_id "2021 " is not 1 to 32 letters and digits"#),
        (|c| c.app_private_key = c.alipay_public_key.clone(), "app_private_key is refused"),
        (|c| c.alipay_public_key = "AAAA".to_owned(), "alipay_public_key is refused"),
        (|c| c.alipay_public_key = "?".to_owned(), "alipay_public_key is refused"),
        (|c| c.timeout = Duration::ZERO, "timeout is zero"),
    ];
    for (change, expected) in cases {
        assert_eq!(of(change), expected);
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
