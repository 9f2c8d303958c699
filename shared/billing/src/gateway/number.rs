//! The numbers by which we name things to the payment gateway.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not a number of ours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NumberError {
    /// It has no character, or too many.
    #[error("a number of this kind has 1 to {most} characters, not {length}")]
    Length {
        /// How many bytes it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// It has a character that the gateway does not take.
    #[error("the gateway takes no {0:?} in a number of this kind")]
    Character(char),
}

fn check(text: &str, most: usize, signs: &str) -> Result<(), NumberError> {
    let refused = text.chars().find(|c| !c.is_ascii_alphanumeric() && !signs.contains(*c));
    if let Some(character) = refused {
        return Err(NumberError::Character(character));
    }
    if text.is_empty() || text.len() > most {
        return Err(NumberError::Length { length: text.len(), most });
    }
    Ok(())
}

/// A number of letters, digits and `$signs`.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $most:literal, $signs:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub(crate) String);

        impl $name {
            /// The most characters a number may have.
            pub const MAX_LENGTH: usize = $most;

            /// Reads a number.
            ///
            /// # Errors
            ///
            /// [`NumberError`] when it is too long, empty, or has a character that the gateway does not take.
            pub fn parse(text: &str) -> Result<$name, NumberError> {
                check(text, $most, $signs)?;
                Ok($name(text.to_owned()))
            }

            /// The number as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NumberError;

            fn try_from(text: String) -> Result<$name, NumberError> {
                $name::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> String {
                number.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

number! {
    /// The number by which we name one trade to the gateway: 1 to 64 of `[0-9A-Za-z_]`.
    ///
    /// The only safe key of idempotency: the gateway takes one number's money at most once.
    OutTradeNo, 64, "_"
}
number! {
    /// The number by which we name one refund of a trade to the gateway: 1 to 64 of `[0-9A-Za-z_]`.
    ///
    /// The gateway gives one number's money back at most once.
    OutRequestNo, 64, "_"
}
number! {
    /// The number by which we name one agreement to the gateway before it has a number of its own:
    /// 1 to 32 of `[0-9A-Za-z]`. A payer who signs again gets a new one.
    ///
    /// Source: alipay-sdk-java `AlipayUserAgreementPageSignModel`, `external_agreement_no`.
    ExternalAgreementNo, 32, ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_a_trade_or_refund_has_1_to_64_letters_digits_and_underscores() {
        let longest = "a".repeat(64);
        for number in ["D20260301_PRV000123_1", "0", &longest] {
            assert_eq!(OutTradeNo::parse(number).unwrap().as_str(), number);
            assert_eq!(OutRequestNo::parse(number).unwrap().as_str(), number);
        }
        for (text, expected) in [
            ("", NumberError::Length { length: 0, most: 64 }),
            (&"a".repeat(65), NumberError::Length { length: 65, most: 64 }),
            ("D-1", NumberError::Character('-')),
            ("单1", NumberError::Character('单')),
        ] {
            assert_eq!(OutTradeNo::parse(text), Err(expected.clone()), "{text}");
            assert_eq!(OutRequestNo::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn number_of_an_agreement_has_1_to_32_letters_and_digits() {
        let longest = "A".repeat(32);
        for number in ["PRV000123S20260302A", &longest] {
            assert_eq!(ExternalAgreementNo::parse(number).unwrap().as_str(), number);
        }
        for (text, expected) in [
            ("", NumberError::Length { length: 0, most: 32 }),
            (&"a".repeat(33), NumberError::Length { length: 33, most: 32 }),
            ("A_1", NumberError::Character('_')),
        ] {
            assert_eq!(ExternalAgreementNo::parse(text), Err(expected), "{text}");
        }
    }
}
