//! The realm: the code of a deployment, which is part of every number sent to the gateway.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::NumberError;

/// The random code of a deployment: 6 of `[0-9a-z]`.
///
/// It is created once, with the tables, and stored with them. It keeps the numbers of two
/// deployments apart when both use one application at the gateway, for example production and a
/// test with fresh tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Realm(String);

impl Realm {
    /// How many characters a realm has.
    pub const LENGTH: usize = 6;

    /// The realm that random bytes make.
    #[must_use]
    pub fn of_random(bytes: [u8; 8]) -> Realm {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut rest = u64::from_le_bytes(bytes);
        let mut digit = || {
            let digit = usize::try_from(rest % 36).ok().and_then(|at| DIGITS.get(at));
            rest /= 36;
            digit.copied().map_or('0', char::from)
        };
        Realm((0..Realm::LENGTH).map(|_| digit()).collect())
    }

    /// Reads a realm.
    ///
    /// # Errors
    ///
    /// [`NumberError::Realm`] when the text is no realm.
    pub fn parse(text: &str) -> Result<Realm, NumberError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        if text.len() == Realm::LENGTH && text.bytes().all(is_digit) {
            Ok(Realm(text.to_owned()))
        } else {
            Err(NumberError::Realm(text.to_owned()))
        }
    }

    /// The realm as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Realm {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Realm, NumberError> {
        Realm::parse(&text)
    }
}

impl From<Realm> for String {
    fn from(realm: Realm) -> String {
        realm.0
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_is_6_digits_and_lower_case_letters() {
        for bytes in [[0; 8], [255; 8], [1, 2, 3, 4, 5, 6, 7, 8]] {
            let realm = Realm::of_random(bytes);
            assert_eq!(Realm::parse(realm.as_str()), Ok(realm));
        }
        assert_ne!(Realm::of_random([1; 8]), Realm::of_random([2; 8]));
        for text in ["", "abc12", "abc1234", "ABC123", "abc_12", "数数"] {
            assert_eq!(Realm::parse(text), Err(NumberError::Realm(text.to_owned())));
        }
    }
}
