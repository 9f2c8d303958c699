//! One line of the text format 0.0.4, or of OpenMetrics: labels and a value. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use thiserror::Error;

use super::document::is_label_name;
use super::scrape::{Exposition, SERIES_MAX};
use super::value::{ValueError, whole};
use crate::caller::CallerError;
use crate::excerpt::Excerpt;
use crate::rule::NameError;

/// The most bytes of a line of the counter.
pub const SAMPLE_BYTES_MAX: usize = 65_536;

/// The most labels of a series.
pub const LABELS_MAX: usize = 64;

/// The most bytes of the value of a label.
pub const LABEL_BYTES_MAX: usize = 4_096;

/// Why a line of a scrape does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SampleError {
    /// The line begins with no name of a metric.
    #[error("`{0}` does not begin with the name of a metric")]
    NoMetric(Excerpt),
    /// The line is too long.
    #[error("has more than {SAMPLE_BYTES_MAX} bytes")]
    TooLong,
    /// The line is not in UTF-8.
    #[error("is not in UTF-8")]
    Encoding,
    /// The labels are not in the form of the format.
    #[error("labels: {0}")]
    Form(&'static str),
    /// No label has that name.
    #[error("`{0}` is not the name of a label")]
    LabelName(Excerpt),
    /// A label has two values.
    #[error("label `{0}` is given twice")]
    LabelTwice(Excerpt),
    /// The value of a label is too long.
    #[error("label `{0}` has more than {LABEL_BYTES_MAX} bytes")]
    LabelTooLong(Excerpt),
    /// There are too many labels.
    #[error("has more than {LABELS_MAX} labels")]
    TooManyLabels,
    /// The value is no number of calls.
    #[error("value: {0}")]
    Value(#[from] ValueError),
    /// What follows the value is not a time.
    #[error("`{0}` after the value is not a time")]
    Time(Excerpt),
    /// Two lines give the value of a series.
    #[error("another line has the same labels")]
    Twice,
    /// There are too many series.
    #[error("is past the first {SERIES_MAX} series")]
    TooManySeries,
    /// A label that the rule reads is absent.
    #[error("label `{0}` is absent")]
    Absent(String),
    /// The value of the label for statuses is no status.
    #[error("label `{label}`: `{value}` is not an HTTP status")]
    Status {
        /// The name of the label that stands twice.
        label: String,
        /// Its value, as far as it is shown.
        value: Excerpt,
    },
    /// The value of the label for callers is no caller.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// No API can have the name.
    #[error(transparent)]
    Api(#[from] NameError),
}

impl SampleError {
    /// The fault, without the parts that only this line has.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            SampleError::NoMetric(_) => "no name of a metric".into(),
            SampleError::TooLong => "too long".into(),
            SampleError::Encoding => "not in UTF-8".into(),
            SampleError::Form(why) => format!("labels: {why}").into(),
            SampleError::LabelName(_) => "not the name of a label".into(),
            SampleError::LabelTwice(_) => "a label that is given twice".into(),
            SampleError::LabelTooLong(_) => "a label that is too long".into(),
            SampleError::TooManyLabels => "too many labels".into(),
            SampleError::Value(error) => error.reason().into(),
            SampleError::Time(_) => "not a time after the value".into(),
            SampleError::Twice => "a series that is given twice".into(),
            SampleError::TooManySeries => "too many series".into(),
            SampleError::Absent(label) => format!("no label `{label}`").into(),
            SampleError::Status { label, .. } => {
                format!("no HTTP status in label `{label}`").into()
            }
            SampleError::Caller(_) => "not a caller".into(),
            SampleError::Api(_) => "no name for an API".into(),
        }
    }
}

/// The labels of a series. A label without a value is the same as none.
pub(super) type Labels = BTreeMap<String, String>;

/// What follows the name on a line: the labels, and what is said of the value.
///
/// # Errors
///
/// [`SampleError`] when the labels cannot be read, so that the series is not known.
pub(super) fn read_sample(
    rest: &str,
    format: Exposition,
) -> Result<(Labels, Result<u64, SampleError>), SampleError> {
    let rest = rest.trim_start_matches(BLANKS);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => read_labels(rest)?,
        None => (Labels::new(), rest),
    };
    Ok((labels, read_value(rest, format)))
}

const BLANKS: [char; 2] = [' ', '\t'];

fn read_labels(mut rest: &str) -> Result<(Labels, &str), SampleError> {
    let mut labels = Labels::new();
    let mut names = 0;
    loop {
        rest = rest.trim_start_matches(BLANKS);
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, value, after) = read_label(rest)?;
        names += 1;
        if names > LABELS_MAX {
            return Err(SampleError::TooManyLabels);
        }
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(SampleError::LabelTwice(Excerpt::of(name)));
        }
        let after = after.trim_start_matches(BLANKS);
        rest = match after.strip_prefix(',') {
            Some(after) => after,
            None if after.starts_with('}') => after,
            None => return Err(SampleError::Form("no `,` or `}` after a value")),
        };
    }
}

/// A label's name, its value, and what follows them.
fn read_label(text: &str) -> Result<(&str, String, &str), SampleError> {
    let (name, rest) = text.split_once('=').ok_or(SampleError::Form("no `=` after a name"))?;
    let name = name.trim_end_matches(BLANKS);
    if !is_label_name(name) {
        return Err(SampleError::LabelName(Excerpt::of(name)));
    }
    let rest = rest.trim_start_matches(BLANKS).strip_prefix('"');
    let rest = rest.ok_or(SampleError::Form("a value without quotation marks"))?;
    let mut value = String::new();
    let mut characters = rest.char_indices();
    while let Some((index, character)) = characters.next() {
        if value.len() > LABEL_BYTES_MAX {
            return Err(SampleError::LabelTooLong(Excerpt::of(name)));
        }
        match character {
            '"' => {
                let after = rest.get(index + 1..).unwrap_or_default();
                return Ok((name, value, after));
            }
            '\\' => value.push(match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => '\n',
                Some(escaped @ ('\\' | '"')) => escaped,
                Some(_) | None => return Err(SampleError::Form("an unknown escape in a value")),
            }),
            plain => value.push(plain),
        }
    }
    Err(SampleError::Form("a value without an end"))
}

/// The value, and what may follow it: a time, and an exemplar in OpenMetrics.
fn read_value(rest: &str, format: Exposition) -> Result<u64, SampleError> {
    let rest = match format {
        Exposition::Text => rest,
        Exposition::OpenMetrics => rest.split_once(" # {").map_or(rest, |(sample, _)| sample),
    };
    let mut words = rest.split(BLANKS).filter(|word| !word.is_empty());
    let value = whole(words.next().unwrap_or_default())?;
    let (time, more) = (words.next(), words.next());
    if let Some(time) = time.filter(|time| !is_time(time, format)).or(more) {
        return Err(SampleError::Time(Excerpt::of(time)));
    }
    Ok(value)
}

/// Whether a text is Unix time: in whole milliseconds, in OpenMetrics in seconds.
fn is_time(text: &str, format: Exposition) -> bool {
    match format {
        Exposition::Text => text.parse::<i64>().is_ok(),
        Exposition::OpenMetrics => text.parse::<f64>().is_ok_and(f64::is_finite),
    }
}
