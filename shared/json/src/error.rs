//! What is wrong with a document, and where.

use std::fmt;
use std::str::Utf8Error;

use serde::de;

/// Why a document is refused: one thing that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Where, such as `rates[2].price`; empty for the document as a whole.
    pub path: String,
    /// The fault, and the expected form.
    pub text: String,
}

impl JsonError {
    pub(crate) fn new(text: impl Into<String>) -> JsonError {
        JsonError { path: String::new(), text: text.into() }
    }

    pub(crate) fn not_utf8(error: &Utf8Error) -> JsonError {
        let at = error.valid_up_to();
        JsonError::new(format!("is not text in UTF-8: the byte at {at} is wrong"))
    }

    /// The text is no JSON at all, or goes on after its end.
    pub(crate) fn not_json(error: &serde_json::Error) -> JsonError {
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let what = if error.is_eof() { "the document ends too early" } else { what };
        let what =
            if what == "trailing characters" { "something follows the document" } else { what };
        let (line, column) = (error.line(), error.column());
        JsonError::new(format!("is not valid JSON at line {line}, column {column}: {what}"))
    }

    pub(crate) fn twice(field: &str) -> JsonError {
        JsonError::new("is given twice; give it once").inside(field)
    }

    pub(crate) fn unknown(field: &str, known: &[&str]) -> JsonError {
        let known = known.join(", ");
        JsonError::new(format!("is not a field here; the fields are {known}")).inside(field)
    }

    pub(crate) fn missing(field: &str) -> JsonError {
        JsonError::new("is missing, and must be given").inside(field)
    }

    /// The same, as it is seen from a step further outside: from a document in which this one is
    /// the field `step`, or the element `[3]`.
    #[must_use]
    pub fn inside(self, step: &str) -> JsonError {
        let joint = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        JsonError { path: format!("{step}{joint}{}", self.path), ..self }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JsonError { path, text } = self;
        if path.is_empty() { f.write_str(text) } else { write!(f, "{path}: {text}") }
    }
}

impl std::error::Error for JsonError {}

impl de::Error for JsonError {
    fn custom<T: fmt::Display>(text: T) -> JsonError {
        JsonError::new(text.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> JsonError {
        JsonError::invalid_value(found, expected)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "JSON has no more kinds of values")]
    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> JsonError {
        let found = match found {
            de::Unexpected::Unsigned(number) => format!("the number {number}"),
            de::Unexpected::Signed(number) => format!("the number {number}"),
            de::Unexpected::Str(text) => format!("the text \"{text}\""),
            de::Unexpected::Bool(flag) => flag.to_string(),
            de::Unexpected::Seq => "a list".to_owned(),
            de::Unexpected::Map => "an object".to_owned(),
            other => other.to_string(),
        };
        JsonError::new(format!("is {found}; must be {expected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> JsonError {
        JsonError::new(format!("is \"{variant}\"; must be {}", one_of(expected)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> JsonError {
        JsonError::unknown(field, expected)
    }

    fn missing_field(field: &'static str) -> JsonError {
        JsonError::missing(field)
    }

    fn duplicate_field(field: &'static str) -> JsonError {
        JsonError::twice(field)
    }
}

pub(crate) fn one_of(variants: &[&str]) -> String {
    let quoted = variants.iter().map(|variant| format!("\"{variant}\"")).collect::<Vec<_>>();
    format!("one of {}", quoted.join(", "))
}
