//! The numbers by which we name things to the payment gateway.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::ProviderId;
use crate::mandate::MandateId;

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
    /// It is not what we call a provider.
    #[error("`{0}` is not a provider's code: 20 digits of lower-case hex")]
    ProviderCode(String),
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

/// What we call a provider to the payment gateway: 20 digits of lower-case hex, the beginning of
/// the SHA-256 of its id. It tells nobody who the provider is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderCode(String);

impl ProviderCode {
    /// How many digits a code has.
    pub const LENGTH: usize = 20;

    /// The code of a provider.
    #[must_use]
    pub fn of(provider: &ProviderId) -> ProviderCode {
        let digest = Sha256::digest(provider.as_str());
        let digits = digest.iter().take(ProviderCode::LENGTH / 2);
        ProviderCode(digits.map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads a code.
    ///
    /// # Errors
    ///
    /// [`NumberError::ProviderCode`] when it is none.
    pub fn parse(text: &str) -> Result<ProviderCode, NumberError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == ProviderCode::LENGTH && text.bytes().all(is_digit) {
            Ok(ProviderCode(text.to_owned()))
        } else {
            Err(NumberError::ProviderCode(text.to_owned()))
        }
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProviderCode {
    type Error = NumberError;

    fn try_from(text: String) -> Result<ProviderCode, NumberError> {
        ProviderCode::parse(&text)
    }
}

impl From<ProviderCode> for String {
    fn from(code: ProviderCode) -> String {
        code.0
    }
}

impl fmt::Display for ProviderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ExternalAgreementNo {
    /// Our number of a provider's mandate, `SY{code}M{mandate}`; none unless the mandate's is from 1
    /// to [`MandateId::MAX`].
    #[must_use]
    pub fn of(code: &ProviderCode, mandate: MandateId) -> Option<ExternalAgreementNo> {
        let fits = (MandateId(1)..=MandateId::MAX).contains(&mandate);
        fits.then(|| ExternalAgreementNo(format!("SY{code}M{mandate}")))
    }

    /// Whose mandate it is the number of, and which; none if it is not a number of ours, to the
    /// letter.
    #[must_use]
    pub fn ours(&self) -> Option<(ProviderCode, MandateId)> {
        let (code, mandate) = self.0.strip_prefix("SY")?.split_once('M')?;
        let code = ProviderCode::parse(code).ok()?;
        let mandate = MandateId(mandate.parse().ok()?);
        // Other ways to write a number, such as `007`, are not ours.
        (ExternalAgreementNo::of(&code, mandate).as_ref() == Some(self)).then_some((code, mandate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> ProviderCode {
        ProviderCode::of(&"shop".parse().unwrap())
    }

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

    #[test]
    fn number_of_a_mandate_tells_whose_it_is_and_which() {
        assert_eq!(code().as_str(), "8d9001d32c6a703d9592");
        for (mandate, text) in [
            (1, "SY8d9001d32c6a703d9592M1"),
            (10, "SY8d9001d32c6a703d9592M10"),
            (999_999_999, "SY8d9001d32c6a703d9592M999999999"),
        ] {
            let number = ExternalAgreementNo::of(&code(), MandateId(mandate)).unwrap();
            assert_eq!(ExternalAgreementNo::parse(text), Ok(number.clone()));
            assert_eq!(number.ours(), Some((code(), MandateId(mandate))));
        }
        for mandate in [0, 1_000_000_000, u32::MAX] {
            assert_eq!(ExternalAgreementNo::of(&code(), MandateId(mandate)), None);
        }
    }

    #[test]
    fn what_is_not_our_number_to_the_letter_is_nobodys() {
        for text in [
            "S",
            "SY",
            "SYM1",
            "PRV000123S20260302A",
            "SY8d9001d32c6a703d9592",
            "SY8d9001d32c6a703d9592M",
            "SY8d9001d32c6a703d9592M0",
            "SY8d9001d32c6a703d9592M01",
            "SY8d9001d32c6a703d9592M1M1",
            "SY8d9001d32c6a703d9592M1a",
            "SY8d9001d32c6a703d9592m1",
            "Sy8d9001d32c6a703d9592M1",
            "SY8D9001D32C6A703D9592M1",
            "SY8d9001d32c6a703d959M1",
            "SY8d9001d32c6a703d95921M1",
            "SY8d9001d32c6a703d959gM1",
            "XSY8d9001d32c6a703d9592M1",
        ] {
            assert_eq!(ExternalAgreementNo::parse(text).unwrap().ours(), None, "{text}");
        }
        // These are no numbers at all, but whoever made one would not get further.
        for text in ["SY8d9001d32c6a703d9592M+1", "SY8d9001d32c6a703d9592M４", "SY单M1", ""] {
            assert_eq!(ExternalAgreementNo(text.to_owned()).ours(), None, "{text}");
        }
    }

    #[test]
    fn a_provider_code_is_20_digits_of_lower_case_hex() {
        assert_eq!(ProviderCode::parse(code().as_str()), Ok(code()));
        for text in [
            "",
            "8d9001d32c6a703d959",
            "8d9001d32c6a703d95921",
            "8D9001d32c6a703d9592",
            "八八八八八八12",
        ] {
            assert_eq!(ProviderCode::parse(text), Err(NumberError::ProviderCode(text.to_owned())));
        }
    }
}
