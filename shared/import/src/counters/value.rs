//! The value of a counter, read exactly. Pure.

use thiserror::Error;

use crate::excerpt::Excerpt;

/// What the value of a counter stays below: 10¹⁵. A gateway that keeps its counters as
/// floating-point numbers counts exactly up to there.
pub const COUNTER_MAX: u64 = 1_000_000_000_000_000;

/// The most digits of a value below [`COUNTER_MAX`].
const DIGITS_MAX: usize = 15;

/// Why a value is not a number of calls.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueError {
    /// The text is not a decimal number.
    #[error("`{0}` is not a number")]
    NotANumber(Excerpt),
    /// `NaN` or an infinity.
    #[error("`{0}` is not finite")]
    NotFinite(Excerpt),
    /// The value is below zero.
    #[error("`{0}` is negative")]
    Negative(Excerpt),
    /// The value is no whole number.
    #[error("`{0}` is not a whole number")]
    Fraction(Excerpt),
    /// The value is too large to be exact.
    #[error("`{0}` is not below {COUNTER_MAX}")]
    TooLarge(Excerpt),
}

impl ValueError {
    /// The fault, without the text of the value.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            ValueError::NotANumber(_) => "a value that is not a number",
            ValueError::NotFinite(_) => "a value that is not finite",
            ValueError::Negative(_) => "a negative value",
            ValueError::Fraction(_) => "a value that is not a whole number",
            ValueError::TooLarge(_) => "a value that is too large",
        }
    }
}

/// A value as exporters write it: `12`, `12.0` and `1.2e+01` are the same. No digit is rounded.
///
/// # Errors
///
/// [`ValueError`] unless it is whole, from 0 and below [`COUNTER_MAX`].
pub(super) fn whole(text: &str) -> Result<u64, ValueError> {
    let not_a_number = || ValueError::NotANumber(Excerpt::of(text));
    let (is_negative, number) = match text.strip_prefix(['+', '-']) {
        Some(number) => (text.starts_with('-'), number),
        None => (false, text),
    };
    if ["nan", "inf", "infinity"].iter().any(|name| number.eq_ignore_ascii_case(name)) {
        return Err(ValueError::NotFinite(Excerpt::of(text)));
    }
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not_a_number());
    }
    let digits = digits.trim_start_matches('0');
    let trimmed = digits.trim_end_matches('0');
    let exponent = exponent.parse::<i32>().map_err(|_| not_a_number())?;
    if trimmed.is_empty() {
        return Ok(0);
    }
    if is_negative {
        return Err(ValueError::Negative(Excerpt::of(text)));
    }
    let places = |length: usize| i64::try_from(length).map_err(|_| not_a_number());
    let zeros =
        places(digits.len() - trimmed.len())? - places(fraction.len())? + i64::from(exponent);
    let Ok(zeros) = usize::try_from(zeros) else {
        return Err(ValueError::Fraction(Excerpt::of(text)));
    };
    if trimmed.len().saturating_add(zeros) > DIGITS_MAX {
        return Err(ValueError::TooLarge(Excerpt::of(text)));
    }
    format!("{trimmed}{}", "0".repeat(zeros)).parse().map_err(|_| not_a_number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_exactly_however_they_are_written() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("0e99", 0),
            ("12", 12),
            ("+12", 12),
            ("12.0", 12),
            ("1e3", 1_000),
            ("1.234567e+06", 1_234_567),
            ("1200e-2", 12),
            (".5e1", 5),
            ("7.", 7),
            ("0000000000000000000000001", 1),
            ("999999999999999", 999_999_999_999_999),
            ("9.99999999999999e14", 999_999_999_999_999),
        ] {
            assert_eq!(whole(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn values_that_are_no_counts_are_refused() {
        for (text, why) in [
            ("", "not a number"),
            ("x", "not a number"),
            ("1_000", "not a number"),
            ("0x10", "not a number"),
            ("--1", "not a number"),
            ("1e", "not a number"),
            ("1e99999999999", "not a number"),
            ("1.2.3", "not a number"),
            ("１", "not a number"),
            ("NaN", "not finite"),
            ("+Inf", "not finite"),
            ("-inf", "not finite"),
            ("-1", "negative"),
            ("-0.5", "negative"),
            ("1.5", "not a whole number"),
            ("1e-1", "not a whole number"),
            ("1.00000000000000000000000000000000000001", "not a whole number"),
            ("1000000000000000", "not below"),
            ("1e15", "not below"),
            ("1e2147483647", "not below"),
        ] {
            let error = whole(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
