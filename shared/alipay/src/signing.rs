//! The texts that are signed.

use std::collections::BTreeMap;

/// The text that is signed for a request's parameters.
///
/// `sign` and empty values are left out, `sign_type` stays; the rest is sorted by the bytes of
/// the key and joined as `key=value` with `&`, the values raw, before any encoding for the wire.
///
/// Source: Alipay open-docs, 签名.md; alipay-sdk-nodejs-all `src/util.ts`, `sign`.
#[must_use]
pub fn text_to_sign(parameters: &BTreeMap<String, String>) -> String {
    let text = join(parameters, |key, value| key != b"sign" && !value.is_empty());
    String::from_utf8(text).expect("texts joined by texts are a text")
}

/// The parameters that `keep` takes, sorted by the bytes of the key and joined as `key=value` with
/// `&`, the values raw. The parameters may be in any charset.
pub(crate) fn join<T: AsRef<[u8]>>(
    parameters: &BTreeMap<T, T>,
    keep: impl Fn(&[u8], &[u8]) -> bool,
) -> Vec<u8> {
    let pairs: Vec<Vec<u8>> = parameters
        .iter()
        .map(|(key, value)| (key.as_ref(), value.as_ref()))
        .filter(|(key, value)| keep(key, value))
        .map(|(key, value)| [key, b"=", value].concat())
        .collect();
    pairs.join(&b"&"[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{SigningKey, VerifyingKey};
    use crate::vectors::{self, Vectors};

    #[test]
    fn parameters_are_sorted_by_bytes_and_joined_raw_without_sign_and_empty_values() {
        let cases = Vectors::read().sort_join;
        let case = cases.iter().find(|case| case.rule == "request_v2").unwrap();
        assert_eq!(text_to_sign(&case.params), case.expected, "{}", case.source);
    }

    #[test]
    fn text_of_published_requests_is_the_text_that_was_signed() {
        let vectors = Vectors::read();
        for request in &vectors.requests {
            let text = text_to_sign(&request.params);
            assert_eq!(text, request.expected_text, "{} of {}", request.id, request.source);
            let key = VerifyingKey::parse(&vectors.keys[&request.key].spki).unwrap();
            assert_eq!(key.verify(&text, &request.signature), Ok(()), "{}", request.id);
        }
    }

    #[test]
    fn a_changed_parameter_has_another_text_and_no_signature() {
        let key = SigningKey::parse(vectors::APP_PRIVATE).unwrap();
        let app = VerifyingKey::parse(vectors::APP_PUBLIC).unwrap();
        let mut parameters = Vectors::read().requests.remove(0).params;
        let sign = key.sign(text_to_sign(&parameters)).unwrap();
        assert_eq!(app.verify(text_to_sign(&parameters), &sign), Ok(()));
        parameters.insert("sign_type".to_owned(), "RSA".to_owned());
        assert!(app.verify(text_to_sign(&parameters), &sign).is_err());
    }
}
