//! Why a person did something, in the person's words.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most characters of a reason.
pub const REASON_MAX: usize = 500;

/// Why a person did something: 1 to [`REASON_MAX`] characters, without space around them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

/// The reason is missing, or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a reason has 1 to {REASON_MAX} characters, not {length}")]
pub struct ReasonError {
    /// How many characters it has.
    pub length: usize,
}

impl Reason {
    /// Reads a reason; space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`ReasonError`] when nothing is left, or more than [`REASON_MAX`] characters are.
    pub fn new(text: &str) -> Result<Reason, ReasonError> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > REASON_MAX {
            return Err(ReasonError { length });
        }
        Ok(Reason(text.to_owned()))
    }

    /// The reason as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = ReasonError;

    fn try_from(text: String) -> Result<Reason, ReasonError> {
        Reason::new(&text)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> String {
        reason.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_there_and_not_too_long() {
        assert_eq!(Reason::new(" keys were mended\n").unwrap().as_str(), "keys were mended");
        assert!(Reason::new(&"因".repeat(REASON_MAX)).is_ok());
        let long = "x".repeat(REASON_MAX + 1);
        for (text, length) in [("", 0), (" \n", 0), (&*long, REASON_MAX + 1)] {
            assert_eq!(Reason::new(text), Err(ReasonError { length }));
        }
    }
}
