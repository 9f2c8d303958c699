//! No form makes the reader of notifications panic, and it trusts none that has a key twice, is not
//! in the charset of its label, or was not signed by Alipay.
#![no_main]

use std::collections::BTreeMap;

use encoding_rs::GBK;
use form_urlencoded::byte_serialize;
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode;
use steelyard_alipay::Notification;
use steelyard_fuzz::{VERIFIES, choice, signature};

/// The raw values of a form by their raw keys.
type Form = BTreeMap<Vec<u8>, Vec<u8>>;

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = choice(data, 4) else { return };
    match choice {
        0 => check(data),
        3 => check(&signed(data, Some("GBK"), false)),
        keeps_empty => check(&signed(data, None, keeps_empty == 1)),
    }
});

/// A form with the parameters in `data`, signed.
fn signed(data: &[u8], label: Option<&str>, keeps_empty: bool) -> Vec<u8> {
    let mut parameters = Form::from_iter(pairs(data));
    parameters.insert(b"sign_type".to_vec(), b"RSA2".to_vec());
    if let Some(label) = label {
        parameters.insert(b"charset".to_vec(), label.as_bytes().to_vec());
    }
    let sign = signature(text(&parameters, keeps_empty));
    parameters.insert(b"sign".to_vec(), sign.into_bytes());
    let encoded = |bytes: &[u8]| byte_serialize(bytes).collect::<String>();
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)))
        .collect();
    // The parameters behind the last # are repeated behind the signature.
    let again = data.iter().rposition(|byte| *byte == b'#').map_or(&[][..], |at| &data[at + 1..]);
    [pairs.join("&").as_bytes(), again].concat()
}

fn check(form: &[u8]) {
    let Ok(notification) = Notification::read(form, &VERIFIES) else { return };
    let pairs = pairs(form);
    let count = pairs.len();
    let parameters = Form::from_iter(pairs);
    assert_eq!(parameters.len(), count, "a key occurs twice");
    let sign = str::from_utf8(&parameters[&b"sign"[..]]).expect("a signature is base64");
    let is_signed = |keeps_empty| VERIFIES.verify(text(&parameters, keeps_empty), sign).is_ok();
    assert!(is_signed(false) || is_signed(true), "it is not signed");
    let app_id = &parameters[&b"app_id"[..]];
    let whole = text(&parameters, true);
    let is_gbk = match parameters.get(&b"charset"[..]).filter(|label| !label.is_empty()) {
        Some(label) => label.to_ascii_lowercase().starts_with(b"g"),
        None => str::from_utf8(&whole).is_err() || str::from_utf8(app_id).is_err(),
    };
    if is_gbk {
        assert_eq!(notification.app_id(), GBK.decode_without_bom_handling(app_id).0);
    } else {
        assert_eq!(notification.app_id().as_bytes(), app_id);
    }
}

/// The pairs of a form in their order.
fn pairs(form: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decoded = |text: &[u8]| -> Vec<u8> {
        let spaced: Vec<u8> =
            text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).collect()
    };
    let split = |pair: &[u8]| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decoded(&pair[..at]), decoded(pair.get(at + 1..).unwrap_or_default()))
    };
    form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(split).collect()
}

/// The text that Alipay signs for a form.
fn text(parameters: &Form, keeps_empty: bool) -> Vec<u8> {
    let is_platforms = parameters.get(&b"method"[..]).is_some_and(|method| !method.is_empty());
    let mut text = Vec::new();
    for (key, value) in parameters {
        let is_dropped = key == b"sign" || (key == b"sign_type" && !is_platforms);
        if !is_dropped && (keeps_empty || !value.is_empty()) {
            text.push([&b"&"[..], key, b"=", value].concat());
        }
    }
    let mut text = text.concat();
    text.split_off(text.len().min(1))
}
