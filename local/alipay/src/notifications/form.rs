//! The form of a notification, and what is signed of it.

use std::collections::BTreeMap;

use form_urlencoded::byte_serialize;
use steelyard_alipay::SigningKey;

use crate::charset::Charset;

/// The form of these fields in a charset, with the signature of a key over its bytes.
pub(super) fn signed(
    parameters: &BTreeMap<String, String>,
    charset: Charset,
    key: &SigningKey,
) -> String {
    let text = charset.encode(&text(parameters));
    let sign = key.sign(text).expect("the system has randomness to sign with");
    let encoded = |text: &str| byte_serialize(&charset.encode(text)).collect::<String>();
    let pairs: Vec<String> = parameters
        .iter()
        .filter(|(key, _)| *key != "sign")
        .chain([(&"sign".to_owned(), &sign)])
        .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)))
        .collect();
    pairs.join("&")
}

/// The text that is signed: without `sign` and `sign_type`.
///
/// Alipay's own programs differ in whether a field without a value is part of it. Here that is so
/// in the one half of all notifications, by the last digit of their number.
///
/// Source: alipay-sdk-java `AlipaySignature`, `rsaCheckV1`, keeps it; alipay-sdk-php drops it.
fn text(parameters: &BTreeMap<String, String>) -> String {
    let number = parameters.get("notify_id").and_then(|number| number.bytes().last());
    let keeps_empty = number.is_some_and(|digit| digit % 2 == 1);
    let pairs: Vec<String> = parameters
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "sign" | "sign_type"))
        .filter(|(_, value)| keeps_empty || !value.is_empty())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join("&")
}
