//! Reading exact numbers: only from texts, since a number of JSON may have been rounded on its way.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{self, Deserializer, Visitor};

/// A number that is written as a text, read by `parse`.
pub(crate) fn deserialize<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(ExactVisitor { expected, parse })
}

/// A number in plain digits such as `-12.50`: no plus, no exponent, no separators. Zeros before and
/// after its digits say nothing, however many there are.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return None;
    }
    Decimal::from_str_exact(text).ok().or_else(|| {
        let sign = if digits.len() < text.len() { "-" } else { "" };
        let (whole, decimals) = (whole.trim_start_matches('0'), decimals.trim_end_matches('0'));
        let point = if decimals.is_empty() { "" } else { "." };
        Decimal::from_str_exact(&format!("{sign}0{whole}{point}{decimals}")).ok()
    })
}

/// Names what is expected in the error about anything else.
struct ExactVisitor<T> {
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for ExactVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        // Nothing has no sign in a document.
        let is_something = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        let number = (self.parse)(text).filter(|_| is_something || !text.starts_with('-'));
        number.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_that_say_nothing_have_no_end_and_leave_the_sign() {
        let zeros = "0".repeat(60);
        for (text, number) in [
            (format!("{zeros}12.5{zeros}"), "12.5"),
            (format!("-{zeros}12.5{zeros}"), "-12.5"),
            (format!("-{zeros}7"), "-7"),
        ] {
            assert_eq!(parse(&text), Some(number.parse().unwrap()), "{text}");
        }
    }
}
