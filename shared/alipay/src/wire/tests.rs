use super::*;
use crate::key::SigningKey;
use crate::vectors::{self, Vectors};

const METHOD: &str = "alipay.trade.pay";
const NODE: &str = r#"{"code":"10000","msg":"Success","trade_no":"1"}"#;

fn sign(node: &str) -> String {
    SigningKey::parse(vectors::ALIPAY_PRIVATE).unwrap().sign(node).unwrap()
}

fn read(body: &str) -> Result<String, WireError> {
    let alipay = VerifyingKey::parse(vectors::ALIPAY_PUBLIC).unwrap();
    Answer::read(body.as_bytes(), None, METHOD, &alipay)
        .map(|answer| answer.result_code().to_string())
}

#[test]
fn published_answers_are_read_from_their_whole_body() {
    let vectors = Vectors::read();
    for response in &vectors.responses {
        let (Some(body), Some(method)) = (&response.body, response.method()) else { continue };
        let key = VerifyingKey::parse(&vectors.keys[&response.key].spki).unwrap();
        let node_key = response.response_key.as_ref().unwrap();
        let parts = split(body.as_bytes(), Charset::Utf8, node_key).unwrap();
        let (node, id) = (parts.node, &response.id);
        assert_eq!(node, response.signed_text.as_bytes(), "{id} of {}", response.source);
        for label in [None, Some("utf-8"), Some("UTF-8")] {
            assert!(Answer::read(body.as_bytes(), label, &method, &key).is_ok(), "{id}");
        }
    }
}

#[test]
fn text_that_is_signed_is_cut_out_as_it_came() {
    for case in Vectors::read().extraction {
        let parts = split(case.body.as_bytes(), Charset::Utf8, &case.response_key).unwrap();
        assert_eq!(parts.node, case.expected_text.as_bytes(), "{} of {}", case.id, case.source);
    }
}

#[test]
fn escaped_slashes_are_part_of_the_signed_text() {
    let node = r#"{"code":"10000","qr_code":"https:\/\/qr.example\/1"}"#;
    let sign = sign(node);
    let body = |node: &str| format!(r#"{{"alipay_trade_pay_response": {node} ,"sign":"{sign}"}}"#);
    assert_eq!(read(&body(node)), Ok("code 10000".to_owned()));
    assert_eq!(read(&body(&node.replace(r"\/", "/"))), Err(WireError::BadSignature));
}

/// A body in GBK whose node has these fields after its code, signed over its bytes.
fn in_gbk(fields: &str) -> Vec<u8> {
    let node = gbk(&format!(r#"{{"code":"40004","sub_code":"ACQ.PAYMENT_FAIL",{fields}}}"#));
    let sign = SigningKey::parse(vectors::ALIPAY_PRIVATE).unwrap().sign(&node).unwrap();
    let (start, end) = (r#"{"alipay_trade_pay_response":"#, format!(r#","sign":"{sign}"}}"#));
    [start.as_bytes(), &node, end.as_bytes()].concat()
}

fn gbk(text: &str) -> Vec<u8> {
    let (bytes, _, is_lossy) = encoding_rs::GBK.encode(text);
    assert!(!is_lossy, "{text}");
    bytes.into_owned()
}

fn read_labelled(body: &[u8], label: Option<&str>) -> Result<String, WireError> {
    let alipay = VerifyingKey::parse(vectors::ALIPAY_PUBLIC).unwrap();
    Answer::read(body, label, METHOD, &alipay).map(|answer| answer.node)
}

/// Fields whose characters have a second byte of `\` (乗, 俓, 踈) or `|` (亅) in GBK, at every
/// place where it would mislead a reader of single bytes.
const TRAPS: [&str; 6] = [
    r#""sub_msg":"余额不足""#,
    r#""sub_msg":"乗""#,
    r#""sub_msg":"乗","a":"踈\"乗\\""#,
    r#""sub_msg":"a乗b亅c俓","sub_mag":"乗\",\"code\":\"10000""#,
    r#""sub_msg":"{乗}","sign":"乗""#,
    r#""乗":"€","踈":"1""#,
];

#[test]
fn an_answer_in_gbk_is_verified_over_its_bytes_and_then_decoded() {
    for trap in ["乗", "俓", "踈"] {
        assert_eq!(gbk(trap)[1], b'\\');
    }
    for fields in TRAPS {
        let body = in_gbk(fields);
        let node = format!(r#"{{"code":"40004","sub_code":"ACQ.PAYMENT_FAIL",{fields}}}"#);
        for label in [None, Some("GBK"), Some("gb2312"), Some("gb18030")] {
            assert_eq!(read_labelled(&body, label).as_ref(), Ok(&node), "{fields} {label:?}");
        }
    }
}

#[test]
fn an_answer_in_gbk_with_one_other_byte_is_refused() {
    let body = in_gbk(TRAPS[3]);
    let end = body.windows(8).rposition(|bytes| bytes == br#","sign":"#).unwrap();
    let node = r#"{"alipay_trade_pay_response":"#.len()..end;
    assert_eq!((body[node.start], body[node.end - 1]), (b'{', b'}'));
    for at in node {
        for flip in [1, 0x20, 0x80] {
            let mut altered = body.clone();
            altered[at] ^= flip;
            for label in [None, Some("GBK")] {
                assert!(read_labelled(&altered, label).is_err(), "{at} {flip}");
            }
        }
    }
}

#[test]
fn an_answer_under_a_wrong_label_is_refused() {
    let (utf8, gbk) =
        (r#"{"alipay_trade_pay_response":{"msg":"你好"},"sign":""}"#, in_gbk(TRAPS[0]));
    let ascii = format!(r#"{{"alipay_trade_pay_response":{NODE},"sign":"{}"}}"#, sign(NODE));
    let big5 = WireError::Charset(Charset::named("Big5").unwrap_err());
    for (body, label, expected) in [
        (utf8.as_bytes(), "GBK", Err(WireError::Mislabelled(Charset::Gbk))),
        (&*gbk, "utf-8", Err(WireError::Mislabelled(Charset::Utf8))),
        (&*gbk, "Big5", Err(big5.clone())),
        (ascii.as_bytes(), "Big5", Err(big5)),
        (ascii.as_bytes(), "GBK", Ok(NODE.to_owned())),
        (b"\xD6", "GBK", Err(WireError::Mislabelled(Charset::Gbk))),
    ] {
        assert_eq!(read_labelled(body, Some(label)), expected, "{label}");
    }
    // Signed over its bytes in UTF-8, and labelled GBK: the signature would verify.
    let node = r#"{"code":"10000","msg":"你好"}"#;
    let body = format!(r#"{{"alipay_trade_pay_response":{node},"sign":"{}"}}"#, sign(node));
    assert!(read_labelled(body.as_bytes(), None).is_ok());
    let labelled = read_labelled(body.as_bytes(), Some("GBK"));
    assert_eq!(labelled, Err(WireError::Mislabelled(Charset::Gbk)));
    assert_eq!(read_labelled(b"{\xD6\"", None), Err(WireError::NotAnObject));
}

#[test]
fn answer_that_could_be_read_in_two_ways_is_refused() {
    let sign = sign(NODE);
    for (body, expected) in [
        (
            format!(
                r#"{{"alipay_trade_pay_response":{NODE},"alipay_trade_pay_response":{{}},"sign":"{sign}"}}"#
            ),
            WireError::DuplicateKey,
        ),
        (
            // The same key, spelled with an escape.
            format!(
                r#"{{"alipay_trade_pay_response":{NODE},"\u0061lipay_trade_pay_response":{{}},"sign":"{sign}"}}"#
            ),
            WireError::DuplicateKey,
        ),
        (
            format!(
                r#"{{"alipay_trade_pay_response":{NODE},"error_response":{NODE},"sign":"{sign}"}}"#
            ),
            WireError::SeveralNodes,
        ),
        (
            format!(
                r#"{{"alipay_trade_pay_response":{NODE},"alipay_trade_query_response":{NODE},"sign":"{sign}"}}"#
            ),
            WireError::SeveralNodes,
        ),
        (
            format!(r#"{{"alipay_trade_pay_response":{NODE},"sign":"","sign":"{sign}"}}"#),
            WireError::DuplicateKey,
        ),
        (format!(r#"{{"alipay_trade_query_response":{NODE},"sign":"{sign}"}}"#), WireError::NoNode),
        (format!(r#"{{"sign":"{sign}"}}"#), WireError::NoNode),
    ] {
        assert_eq!(read(&body), Err(expected), "{body}");
    }
}

#[test]
fn answer_without_alipays_signature_is_refused() {
    let foreign = SigningKey::parse(vectors::APP_PRIVATE).unwrap().sign(NODE).unwrap();
    let claim = ResultCode::new("10000", None);
    for (sign, expected) in [
        (String::new(), WireError::Unsigned { claim: claim.clone() }),
        (r#","sign":"""#.to_owned(), WireError::Unsigned { claim }),
        (r#","sign":null"#.to_owned(), WireError::BadSignature),
        (r#","sign":"wrong-sing""#.to_owned(), WireError::BadSignature),
        (format!(r#","sign":"{foreign}""#), WireError::BadSignature),
    ] {
        assert_eq!(
            read(&format!(r#"{{"alipay_trade_pay_response":{NODE}{sign}}}"#)),
            Err(expected),
            "{sign}"
        );
    }
}

#[test]
fn body_that_is_no_answer_is_refused() {
    let signed =
        |node: &str| format!(r#"{{"alipay_trade_pay_response":{node},"sign":"{}"}}"#, sign(node));
    let without_code = signed(r#"{"msg":"Success"}"#);
    let sealed = signed(r#""an encrypted answer""#);
    let code_twice = signed(r#"{"code":"40004","\u0063ode":"10000","msg":""}"#);
    let gateway_error = format!(r#"{{"error_response":{NODE},"sign":"{}"}}"#, sign(NODE));
    for (body, expected) in [
        ("", WireError::NotAnObject),
        ("<html>502</html>", WireError::NotAnObject),
        ("[]", WireError::NotAnObject),
        (r#"{"alipay_trade_pay_response":{}} {}"#, WireError::NotAnObject),
        (&without_code, WireError::UnreadableNode),
        (&sealed, WireError::UnreadableNode),
        (&code_twice, WireError::DuplicateKey),
        (&code_twice.replace("msg", "code"), WireError::BadSignature),
        (&gateway_error, WireError::ErrorResponse(ResultCode::new("10000", None))),
    ] {
        assert_eq!(read(body), Err(expected), "{body}");
    }
}

#[test]
fn a_signed_error_without_a_method_is_read_by_its_code_unless_that_needs_a_method() {
    for (code, is_read) in
        [("40006", true), ("40005", true), ("20000", true), ("40004", false), ("10000", false)]
    {
        let node = format!(r#"{{"code":"{code}"}}"#);
        let body = format!(r#"{{"error_response":{node},"sign":"{}"}}"#, sign(&node));
        let expected = match is_read {
            true => Ok(format!("code {code}")),
            false => Err(WireError::ErrorResponse(ResultCode::new(code, None))),
        };
        assert_eq!(read(&body), expected, "{body}");
    }
}

#[test]
fn claim_of_an_unsigned_answer_shows_nothing_but_codes() {
    let body = r#"{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id 张三 <b>","sub_msg":"张三"}}"#;
    assert_eq!(
        read(body).unwrap_err().to_string(),
        "the answer is not signed; it claims code 40002 isv.invalid-app-idb"
    );
}
