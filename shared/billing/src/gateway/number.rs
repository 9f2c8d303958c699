//! The numbers by which we name things to the payment gateway.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Realm;
use crate::{MandateId, ProviderId, hex};

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
    /// It is not the code of a provider.
    #[error("`{0}` is not a provider's code: 16 digits of lower-case hex")]
    ProviderCode(String),
    /// It is not the code of a deployment.
    #[error("`{0}` is not a realm: 6 of 0-9 and a-z")]
    Realm(String),
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
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub(crate) String);

        impl $name {
            /// Reads a number.
            ///
            /// # Errors
            ///
            /// [`NumberError`] when it is too long, empty, or has a character that the gateway does
            /// not take.
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

/// The code of a provider in our numbers: 16 digits of lower-case hex, the beginning of the SHA-256
/// of its id. It does not reveal who the provider is.
///
/// Two providers with one code would share numbers, so registration refuses the second.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderCode(String);

impl ProviderCode {
    /// How many digits a code has.
    pub const LENGTH: usize = 16;

    /// The code of a provider.
    #[must_use]
    pub fn of(provider: &ProviderId) -> ProviderCode {
        let digest = Sha256::digest(provider.as_str());
        ProviderCode(hex(&digest, ProviderCode::LENGTH / 2))
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
    /// Our number of a provider's mandate, `SY{realm}{code}M{mandate}`; none unless the mandate's
    /// number is from 1 to [`MandateId::MAX`].
    #[must_use]
    pub fn of(
        realm: &Realm,
        code: &ProviderCode,
        mandate: MandateId,
    ) -> Option<ExternalAgreementNo> {
        let fits = (MandateId(1)..=MandateId::MAX).contains(&mandate);
        fits.then(|| ExternalAgreementNo(format!("SY{realm}{code}M{mandate}")))
    }

    /// The provider and the mandate that it names; none if it was not written by Steelyard. The
    /// realm may be another deployment's: the mandate's record has the whole number.
    #[must_use]
    pub fn ours(&self) -> Option<(ProviderCode, MandateId)> {
        let (realm, rest) = self.0.strip_prefix("SY")?.split_at_checked(Realm::LENGTH)?;
        let (code, mandate) = rest.split_once('M')?;
        let realm = Realm::parse(realm).ok()?;
        let code = ProviderCode::parse(code).ok()?;
        let mandate = MandateId(mandate.parse().ok()?);
        // Another form of the same number, such as `007`, is not ours.
        let is_ours = ExternalAgreementNo::of(&realm, &code, mandate).as_ref() == Some(self);
        is_ours.then_some((code, mandate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> ProviderCode {
        ProviderCode::of(&"shop".parse().unwrap())
    }

    fn realm() -> Realm {
        Realm::parse("k3x9ab").unwrap()
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
        assert_eq!(code().as_str(), "8d9001d32c6a703d");
        for (mandate, text) in [
            (1, "SYk3x9ab8d9001d32c6a703dM1"),
            (10, "SYk3x9ab8d9001d32c6a703dM10"),
            (9_999_999, "SYk3x9ab8d9001d32c6a703dM9999999"),
        ] {
            let number = ExternalAgreementNo::of(&realm(), &code(), MandateId(mandate)).unwrap();
            assert_eq!(ExternalAgreementNo::parse(text), Ok(number.clone()));
            assert_eq!(number.ours(), Some((code(), MandateId(mandate))));
        }
        for mandate in [0, 10_000_000, u32::MAX] {
            assert_eq!(ExternalAgreementNo::of(&realm(), &code(), MandateId(mandate)), None);
        }
    }

    #[test]
    fn what_is_not_our_number_to_the_letter_is_nobodys() {
        for text in [
            "S",
            "SY",
            "SYM1",
            "PRV000123S20260302A",
            "SYk3x9ab8d9001d32c6a703d",
            "SYk3x9ab8d9001d32c6a703dM",
            "SYk3x9ab8d9001d32c6a703dM0",
            "SYk3x9ab8d9001d32c6a703dM01",
            "SY8d9001d32c6a703dM1",
            "SYK3X9AB8d9001d32c6a703dM1",
            "SYk3x9ab8d9001d32c6a703dM1M1",
            "SYk3x9ab8d9001d32c6a703dM1a",
            "SYk3x9ab8d9001d32c6a703dm1",
            "Syk3x9ab8d9001d32c6a703dM1",
            "SYk3x9ab8D9001D32C6A703DM1",
            "SYk3x9ab8d9001d32c6a703M1",
            "SYk3x9ab8d9001d32c6a703d1M1",
            "SYk3x9ab8d9001d32c6a703gM1",
            "XSYk3x9ab8d9001d32c6a703dM1",
        ] {
            assert_eq!(ExternalAgreementNo::parse(text).unwrap().ours(), None, "{text}");
        }
        // These are no numbers at all, but a program that made one would not get further.
        for text in ["SYk3x9ab8d9001d32c6a703dM+1", "SYk3x9ab8d9001d32c6a703dM４", "SY单M1", ""] {
            assert_eq!(ExternalAgreementNo(text.to_owned()).ours(), None, "{text}");
        }
    }

    #[test]
    fn a_provider_code_is_16_digits_of_lower_case_hex() {
        assert_eq!(ProviderCode::parse(code().as_str()), Ok(code()));
        for text in ["", "8d9001d32c6a703", "8d9001d32c6a703d9", "8D9001d32c6a703d", "八八八八八1"]
        {
            assert_eq!(ProviderCode::parse(text), Err(NumberError::ProviderCode(text.to_owned())));
        }
    }
}
