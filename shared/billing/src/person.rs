//! The name of a person who did something.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most characters of a person's name.
pub const PERSON_MAX: usize = 64;

/// The name of a person who did something: 1 to [`PERSON_MAX`] characters, without space around
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Person(String);

/// The name is missing, or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a person's name has 1 to {PERSON_MAX} characters, not {length}")]
pub struct PersonError {
    /// How many characters it has.
    pub length: usize,
}

impl Person {
    /// Reads a name; space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`PersonError`] when nothing is left, or more than [`PERSON_MAX`] characters are.
    pub fn new(text: &str) -> Result<Person, PersonError> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > PERSON_MAX {
            return Err(PersonError { length });
        }
        Ok(Person(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two names are of one person: capitals and small letters are the same.
    #[must_use]
    pub fn is_same(&self, other: &Person) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl TryFrom<String> for Person {
    type Error = PersonError;

    fn try_from(text: String) -> Result<Person, PersonError> {
        Person::new(&text)
    }
}

impl From<Person> for String {
    fn from(person: Person) -> String {
        person.0
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_there_and_not_too_long_and_one_person_has_one_however_it_is_written() {
        assert!(Person::new(" Li\n").unwrap().is_same(&Person::new("li").unwrap()));
        assert!(!Person::new("li").unwrap().is_same(&Person::new("wang").unwrap()));
        let long = "x".repeat(PERSON_MAX + 1);
        for (text, length) in [("", 0), (" \n", 0), (&*long, PERSON_MAX + 1)] {
            assert_eq!(Person::new(text), Err(PersonError { length }));
        }
    }
}
