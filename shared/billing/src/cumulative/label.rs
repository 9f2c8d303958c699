//! The names of the parts of a cumulative report.

use std::fmt;
use std::str::FromStr;

use crate::id::{IdError, check};

/// The name of a part, or of a sub-part: 1 to 64 of letters, digits and `._:@-`.
///
/// Numbers and fingerprints, which logs have many of, are kept as such. Each text has one form
/// only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// A decimal number without leading zeros, such as the minute of an hour.
    Number(u32),
    /// 16 lower-case hexadecimal digits, such as the fingerprint of a line.
    Print(u64),
    /// Any other name.
    Text(LabelText),
}

/// A name that is neither a number nor a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelText(String);

/// The most characters of a label.
const LABEL_MAX: usize = 64;

/// Which part of a cumulative report a count is of: the whole, `part`, or `part/sub`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// The part; none for a count that has no part.
    pub(super) part: Option<Label>,
    /// The sub-part of it, if the count is of one. There is none without a part.
    pub(super) sub: Option<Label>,
}

impl Part {
    /// The part of counts that name none.
    pub const WHOLE: Part = Part { part: None, sub: None };

    /// A part without sub-parts.
    #[must_use]
    pub fn of(part: Label) -> Part {
        Part { part: Some(part), sub: None }
    }

    /// The part `part/sub`, whose count adds up with those of other sub-parts.
    #[must_use]
    pub fn sub(part: Label, sub: Label) -> Part {
        Part { part: Some(part), sub: Some(sub) }
    }
}

impl FromStr for Label {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Label, IdError> {
        check(text, LABEL_MAX)?;
        let number = text.parse::<u32>().ok().filter(|number| number.to_string() == text);
        let is_print =
            text.len() == 16 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let print = if is_print { u64::from_str_radix(text, 16).ok() } else { None };
        Ok(match (number, print) {
            (Some(number), _) => Label::Number(number),
            (None, Some(print)) => Label::Print(print),
            (None, None) => Label::Text(LabelText(text.to_owned())),
        })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Number(number) => number.fmt(f),
            Label::Print(print) => write!(f, "{print:016x}"),
            Label::Text(LabelText(text)) => f.write_str(text),
        }
    }
}

impl FromStr for Part {
    type Err = IdError;

    /// `part`, or `part/sub`.
    fn from_str(text: &str) -> Result<Part, IdError> {
        match text.split_once('/') {
            None => Ok(Part::of(text.parse()?)),
            Some((part, sub)) => Ok(Part::sub(part.parse()?, sub.parse()?)),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(part) = &self.part {
            part.fmt(f)?;
        }
        if let Some(sub) = &self.sub {
            write!(f, "/{sub}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_as_they_were_read() {
        for (text, form) in [
            ("0", "Number(0)"),
            ("59", "Number(59)"),
            ("007", "Text(LabelText(\"007\"))"),
            ("4294967296", "Text(LabelText(\"4294967296\"))"),
            ("00000000000000ff", "Print(255)"),
            ("1234567890123456", "Print(1311768467284833366)"),
            ("00000000000000FF", "Text(LabelText(\"00000000000000FF\"))"),
            ("+000000000000001", ""),
            ("10:05", "Text(LabelText(\"10:05\"))"),
            ("", ""),
            ("a b", ""),
        ] {
            let read = text.parse::<Label>();
            let read = read.map(|label| (format!("{label:?}"), label.to_string()));
            match read {
                Ok(read) => assert_eq!(read, (form.to_owned(), text.to_owned())),
                Err(_) => assert_eq!(form, "", "{text}"),
            }
        }
    }

    #[test]
    fn part_has_one_level_of_sub_parts() {
        for text in ["5", "5/00000000000000ff", "a/b"] {
            assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
        }
        for text in ["", "/", "a/", "/b", "a/b/c"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
