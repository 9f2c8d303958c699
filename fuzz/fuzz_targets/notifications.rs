//! No form makes the reader of notifications panic, and none is believed that has a key twice, is
//! not UTF-8, or was not signed by Alipay.
#![no_main]

use std::borrow::Cow;
use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use steelyard_alipay::Notification;
use steelyard_fuzz::{VERIFIES, choice, signature};

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = choice(data, 3) else { return };
    match choice {
        0 => check(data),
        keeps_empty => check(&signed(data, keeps_empty == 1)),
    }
});

/// A form that says what `data` says, signed.
fn signed(data: &[u8], keeps_empty: bool) -> Vec<u8> {
    let mut parameters: BTreeMap<String, String> =
        form_urlencoded::parse(data).into_owned().collect();
    parameters.insert("sign_type".to_owned(), "RSA2".to_owned());
    let sign = signature(&text(&parameters, keeps_empty));
    parameters.insert("sign".to_owned(), sign);
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
    // What was said twice is said twice again, behind the signature.
    let again = data.iter().rposition(|byte| *byte == b'#').map_or(&[][..], |at| &data[at + 1..]);
    [form.as_bytes(), again].concat()
}

fn check(form: &[u8]) {
    let Ok(notification) = Notification::read(form, &VERIFIES) else { return };
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(form).collect();
    let parameters: BTreeMap<String, String> =
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    assert_eq!(parameters.len(), pairs.len(), "a key occurs twice");
    let is_signed =
        |keeps_empty| VERIFIES.verify(&text(&parameters, keeps_empty), &parameters["sign"]).is_ok();
    assert!(is_signed(false) || is_signed(true), "it is not signed");
    assert_eq!(notification.app_id(), parameters["app_id"]);
}

/// The text that Alipay signs for a form.
fn text(parameters: &BTreeMap<String, String>, keeps_empty: bool) -> String {
    let is_platforms = parameters.get("method").is_some_and(|method| !method.is_empty());
    let mut text = String::new();
    for (key, value) in parameters {
        let is_dropped = key == "sign" || (key == "sign_type" && !is_platforms);
        if !is_dropped && (keeps_empty || !value.is_empty()) {
            text.push_str(&format!("&{key}={value}"));
        }
    }
    text.split_off(text.len().min(1))
}
