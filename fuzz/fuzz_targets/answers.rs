//! No body makes the reader of answers panic, and none is believed that has a key twice or whose
//! node Alipay did not sign.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

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
    let Some((choice, data)) = choice(data, 4) else { return };
    let Ok(text) = str::from_utf8(data) else { return check(data) };
    let members = MEMBERS.as_str();
    let body = match choice {
        0 => text.to_owned(),
        1 => format!(r#"{{"{KEY}":{text},"sign":"{}"}}"#, signature(text)),
        2 => format!("{{{text},{members}}}"),
        _ => format!("{{{members},{text}}}"),
    };
    check(body.as_bytes());
});

fn check(body: &[u8]) {
    let Some(node) = read_answer(body, METHOD, &VERIFIES) else { return };
    let text = str::from_utf8(body).expect("an answer is UTF-8");
    let members = members(text);
    let keys: BTreeSet<&String> = members.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), members.len(), "a key occurs twice");
    let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, raw)| *raw);
    assert_eq!(member(KEY), Some(node.as_str()), "another node was read than the one in its place");
    let sign: String = serde_json::from_str(member("sign").expect("it is signed")).expect("a text");
    assert_eq!(VERIFIES.verify(&node, &sign), Ok(()));
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
