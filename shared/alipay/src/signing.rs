//! The text that is signed for a request.

use std::collections::BTreeMap;

/// The text that is signed for a request's parameters.
///
/// `sign` and empty values are left out, `sign_type` stays; the rest is sorted by the bytes of
/// the key and joined as `key=value` with `&`, the values raw, before any encoding for the wire.
///
/// Source: Alipay open-docs, 签名.md; alipay-sdk-nodejs-all `src/util.ts`, `sign`.
#[must_use]
pub fn text_to_sign(parameters: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .filter(|(key, value)| *key != "sign" && !value.is_empty())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::VerifyingKey;
    use crate::vectors::Vectors;

    #[test]
    fn parameters_are_sorted_by_bytes_and_joined_raw_without_sign_and_empty_values() {
        for case in Vectors::read().sort_join {
            assert_eq!(text_to_sign(&case.params), case.expected, "{}", case.source);
        }
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
}
