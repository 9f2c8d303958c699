//! The form of a notification, decoded exactly once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use thiserror::Error;

/// Why bytes are not a form that can be read in one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FormError {
    /// A key or value is not UTF-8.
    #[error("the form is not UTF-8")]
    NotUtf8,
    /// A key occurs twice.
    #[error("the form has a key twice")]
    DuplicateKey,
}

/// The values of a form by their keys: `+` is a space and `%2B` a plus, and nothing is trimmed.
///
/// # Errors
///
/// [`FormError`] when it is not UTF-8, or has a key twice.
pub(super) fn parse(form: &[u8]) -> Result<BTreeMap<String, String>, FormError> {
    let mut parameters = BTreeMap::new();
    for pair in form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let key = decoded(parts.next().unwrap_or_default())?;
        let value = decoded(parts.next().unwrap_or_default())?;
        if parameters.insert(key, value).is_some() {
            return Err(FormError::DuplicateKey);
        }
    }
    Ok(parameters)
}

fn decoded(text: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded: Cow<'_, [u8]> = percent_decode(&spaced).into();
    String::from_utf8(decoded.into_owned()).map_err(|_| FormError::NotUtf8)
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
            let expected = BTreeMap::from([("a".to_owned(), value.to_owned())]);
            assert_eq!(parse(form.as_bytes()), Ok(expected), "{form}");
        }
    }

    #[test]
    fn a_form_that_could_be_read_in_two_ways_is_refused() {
        for (form, expected) in [
            ("a=1&a=1", FormError::DuplicateKey),
            ("a=1&%61=2", FormError::DuplicateKey),
            ("a&a=1", FormError::DuplicateKey),
            ("a=%FF", FormError::NotUtf8),
            ("%C3=1", FormError::NotUtf8),
        ] {
            assert_eq!(parse(form.as_bytes()), Err(expected), "{form}");
        }
        assert_eq!(parse(b"a=\xFF"), Err(FormError::NotUtf8));
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[+%&=a0 \\t\u{4e00}-\u{4e20}]{0,12}"]
    }

    proptest! {
        #[test]
        fn what_is_signed_survives_the_form_whatever_the_values(
            parameters in prop::collection::btree_map(texts(), texts(), 0..8),
        ) {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
            let parsed = parse(form.as_bytes()).unwrap();
            prop_assert_eq!(join(&parsed, |_, _| true), join(&parameters, |_, _| true));
            prop_assert_eq!(parsed, parameters);
        }
    }
}
