//! Webhooks: where the events of a subject are sent, and what becomes of each.
//!
//! An endpoint has one record, whatever number of events it gets. Its cursor says through which
//! number all events are done with; the few that failed are parked, each with the time of its next
//! try.

mod answers;
mod endpoint;
mod notice;
mod outcome;
mod secret;

pub use answers::{Answered, DeadLetter};
pub use endpoint::{
    DOWN_AFTER, DisabledBecause, Endpoint, EndpointStatus, EndpointTest, NotReplayed, PARKED_MAX,
    Parked, Work,
};
pub use outcome::{LastDelivery, Outcome};
pub use secret::{SecretError, SigningSecret, SigningSecrets};

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::EndpointName;
use crate::event::Subject;

/// An endpoint, by its names: the content of a message to the function that delivers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointRef {
    /// The subject whose events it gets.
    pub subject: Subject,
    /// Its name among the subject's.
    pub endpoint: EndpointName,
}

/// The most characters of an endpoint's address.
const URL_MAX: usize = 1_024;

/// The address of an endpoint: at most 1,024 printable ASCII characters, `https://` or, in the
/// local stack, `http://` in front. Where the name in it leads is checked at each connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl(String);

/// A text is no address of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "an endpoint's address begins with https:// and has at most {URL_MAX} printable ASCII characters"
)]
pub struct EndpointUrlError;

impl EndpointUrl {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = EndpointUrlError;

    fn try_from(text: String) -> Result<EndpointUrl, EndpointUrlError> {
        let is_web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        let is_printable = text.chars().all(|c| c.is_ascii_graphic());
        let is_url = is_web && is_printable && text.len() <= URL_MAX;
        is_url.then_some(EndpointUrl(text)).ok_or(EndpointUrlError)
    }
}

impl From<EndpointUrl> for String {
    fn from(EndpointUrl(text): EndpointUrl) -> String {
        text
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which types of events an endpoint wants: one type, or all that begin so, such as `debit.*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypePattern(String);

/// A text names no types of events.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` names no type of events: up to 128 letters, digits, `.`, `_` and `-`, and a `*` at most at its end"
)]
pub struct TypePatternError(String);

/// The most characters of a pattern.
const PATTERN_MAX: usize = 128;

impl TypePattern {
    /// Whether it matches a type.
    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(begin) => kind.starts_with(begin),
            None => self.0 == kind,
        }
    }
}

impl FromStr for TypePattern {
    type Err = TypePatternError;

    fn from_str(text: &str) -> Result<TypePattern, TypePatternError> {
        let begin = text.strip_suffix('*').unwrap_or(text);
        let is_part = begin.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let is_pattern = is_part && !text.is_empty() && text.len() <= PATTERN_MAX;
        is_pattern
            .then(|| TypePattern(text.to_owned()))
            .ok_or_else(|| TypePatternError(text.to_owned()))
    }
}

impl TryFrom<String> for TypePattern {
    type Error = TypePatternError;

    fn try_from(text: String) -> Result<TypePattern, TypePatternError> {
        text.parse()
    }
}

impl From<TypePattern> for String {
    fn from(TypePattern(text): TypePattern) -> String {
        text
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a type is wanted, where no pattern means all.
fn wants(types: &BTreeSet<TypePattern>, kind: &str) -> bool {
    types.is_empty() || types.iter().any(|pattern| pattern.matches(kind))
}
