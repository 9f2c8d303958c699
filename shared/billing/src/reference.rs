//! What names a bank transfer.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most characters of a reference: as many as of a number that we send to Alipay. The numbers
/// of banks are shorter.
pub const REFERENCE_MAX: usize = 64;

/// What names a bank transfer, and no other: the bank's number, or what the payer wrote.
///
/// 1 to [`REFERENCE_MAX`] characters, without space around them and without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("minLength" = 1, "maxLength" = REFERENCE_MAX)))]
#[serde(try_from = "String", into = "String")]
pub struct Reference(String);

/// The text is no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// It is missing, or too long.
    #[error("a reference has 1 to {REFERENCE_MAX} characters, not {length}")]
    Length {
        /// How many characters it has.
        length: usize,
    },
    /// It has a line break, a tab or another control character.
    #[error("a reference has no control characters")]
    Control,
}

impl Reference {
    /// Reads a reference; space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] when nothing is left, more than [`REFERENCE_MAX`] characters are, or one
    /// of them is a control character.
    pub fn new(text: &str) -> Result<Reference, ReferenceError> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > REFERENCE_MAX {
            return Err(ReferenceError::Length { length });
        }
        if text.chars().any(char::is_control) {
            return Err(ReferenceError::Control);
        }
        Ok(Reference(text.to_owned()))
    }

    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reference {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Reference, ReferenceError> {
        Reference::new(&text)
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> String {
        reference.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_there_short_and_on_one_line() {
        assert_eq!(Reference::new(" bank 7\n").unwrap().as_str(), "bank 7");
        assert!(Reference::new(&"凭".repeat(REFERENCE_MAX)).is_ok());
        let long = "x".repeat(REFERENCE_MAX + 1);
        for (text, length) in [("", 0), (" \n", 0), (&*long, REFERENCE_MAX + 1)] {
            assert_eq!(Reference::new(text), Err(ReferenceError::Length { length }));
        }
        for text in ["bank\n7", "bank\t7", "bank\u{0}7", "bank\u{85}7"] {
            assert_eq!(Reference::new(text), Err(ReferenceError::Control));
        }
    }
}
