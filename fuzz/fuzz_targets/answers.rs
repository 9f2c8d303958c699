//! No body makes the reader of answers panic, and it trusts none that has a key twice or whose node
//! Alipay did not sign, in either charset.
#![no_main]

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use encoding_rs::GBK;
use libfuzzer_sys::fuzz_target;
use steelyard_alipay::fuzzing::read_answer;
use steelyard_fuzz::{VERIFIES, choice, signature};

const METHOD: &str = "alipay.trade.pay";
const KEY: &str = "alipay_trade_pay_response";
const NODE: &str =
    r#"{"code":"10000","out_trade_no":"T1","trade_no":"2026","total_amount":"12.34"}"#;

/// The members of a signed body.
static MEMBERS: LazyLock<String> =
    LazyLock::new(|| format!(r#""{KEY}":{NODE},"sign":"{}""#, signature(NODE)));

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = choice(data, 6) else { return };
    let members = MEMBERS.as_bytes();
    let signed = || {
        let sign = signature(data);
        [format!(r#"{{"{KEY}":"#).as_bytes(), data, format!(r#","sign":"{sign}"}}"#).as_bytes()]
            .concat()
    };
    match choice {
        0 => check(data, None),
        1 => check(&signed(), None),
        2 => check(&[b"{", data, b",", members, b"}"].concat(), None),
        3 => check(&[b"{", members, b",", data, b"}"].concat(), None),
        4 => check(data, Some("GBK")),
        _ => check(&signed(), Some("GBK")),
    }
});

fn check(body: &[u8], label: Option<&str>) {
    let Some(node) = read_answer(body, label, METHOD, &VERIFIES) else { return };
    let text = match (label, str::from_utf8(body)) {
        (None, Ok(text)) => Cow::Borrowed(text),
        (Some(_), Ok(text)) => {
            assert!(text.is_ascii(), "text in UTF-8 was taken for GBK");
            Cow::Borrowed(text)
        }
        (_, Err(_)) => GBK
            .decode_without_bom_handling_and_without_replacement(body)
            .expect("an answer is in UTF-8 or in GBK"),
    };
    let members = members(&text);
    let keys: BTreeSet<&String> = members.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), members.len(), "a key occurs twice");
    let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, raw)| *raw);
    let in_its_place = member(KEY).or_else(|| member("error_response"));
    assert_eq!(
        in_its_place,
        Some(node.as_str()),
        "another node was read than the one in its place"
    );
    let sign: String = serde_json::from_str(member("sign").expect("it is signed")).expect("a text");
    // Some characters of GBK have two spellings, of which only one can be written again.
    let raw =
        if str::from_utf8(body).is_ok() { node.as_bytes().into() } else { GBK.encode(&node).0 };
    if body.windows(raw.len()).any(|bytes| bytes == &*raw) {
        assert_eq!(VERIFIES.verify(&raw, &sign), Ok(()));
    }
}

/// The members of the outermost object, cut at the signs of JSON alone.
fn members(text: &str) -> Vec<(String, &str)> {
    let (mut members, mut key, mut start) = (Vec::new(), None, 0);
    let (mut depth, mut in_text, mut is_escaped) = (0, false, false);
    for (at, sign) in text.char_indices() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '{' | '[' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            ':' if depth == 1 => {
                key = serde_json::from_str(text[start..at].trim()).ok();
                start = at + 1;
            }
            ',' | '}' | ']' => {
                if let (1, Some(key)) = (depth, key.take_if(|_| depth == 1)) {
                    members.push((key, text[start..at].trim()));
                    start = at + 1;
                }
                depth -= i32::from(sign != ',');
            }
            _ => {}
        }
    }
    members
}
