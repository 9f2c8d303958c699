//! The form of a notification, decoded exactly once, to bytes.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

/// The raw values of a form by their raw keys.
pub(super) type Form = BTreeMap<Vec<u8>, Vec<u8>>;

/// Reads a form: `+` is a space and `%2B` a plus, and nothing is trimmed. None when a key occurs
/// twice.
///
/// No byte of a character in GBK is one of `&`, `=`, `+` and `%`.
pub(super) fn parse(form: &[u8]) -> Option<Form> {
    let mut parameters = Form::new();
    for pair in form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let key = decoded(parts.next().unwrap_or_default());
        let value = decoded(parts.next().unwrap_or_default());
        if parameters.insert(key, value).is_some() {
            return None;
        }
    }
    Some(parameters)
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signing::join;

    #[test]
    fn a_form_is_decoded_once_and_nothing_is_trimmed() {
        for (form, value) in [
            ("a=+b+", " b "),
            ("a=%2B%20%09", "+ \t"),
            ("a=%2525", "%25"),
            ("a=b=c", "b=c"),
            ("a=%26amp%3B", "&amp;"),
            ("&a=%E6%B5%8B&&", "测"),
            ("a", ""),
            ("a=%zz%4", "%zz%4"),
        ] {
            let expected = Form::from([(b"a".to_vec(), value.as_bytes().to_vec())]);
            assert_eq!(parse(form.as_bytes()), Some(expected), "{form}");
        }
    }

    #[test]
    fn bytes_of_any_charset_are_kept_encoded_or_not() {
        // 乗 in GBK, whose second byte is a `\\`: encoded, in part, and raw.
        for form in [&b"a=%81%5C"[..], b"a=%81\\", b"a=\x81\\"] {
            assert_eq!(parse(form), Some(Form::from([(b"a".to_vec(), b"\x81\\".to_vec())])));
        }
    }

    #[test]
    fn a_form_with_a_key_twice_is_refused() {
        for form in ["a=1&a=1", "a=1&%61=2", "a&a=1"] {
            assert_eq!(parse(form.as_bytes()), None, "{form}");
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[+%&=a0 \\t\u{4e00}-\u{4e20}]{0,12}"]
    }

    proptest! {
        #[test]
        fn the_signed_text_survives_the_form_whatever_the_values(
            parameters in prop::collection::btree_map(texts(), texts(), 0..8),
        ) {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
            let parsed = parse(form.as_bytes()).unwrap();
            prop_assert_eq!(join(&parsed, |_, _| true), join(&parameters, |_, _| true));
            prop_assert_eq!(parsed.len(), parameters.len());
        }
    }
}
