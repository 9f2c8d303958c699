//! What the labels of a series say: whose calls it counts, and of which API. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_billing::{ProviderId, hex};
use steelyard_pricing::ApiName;

use super::document::CounterRule;
use super::sample::{Labels, SampleError};
use crate::caller::check_text;
use crate::document::RuleError;
use crate::excerpt::Excerpt;
use crate::rule::Rule;

/// How series become calls: a [`CounterRule`] that makes sense, ready to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRule {
    /// The name of the counter.
    pub metric: String,
    /// Whether the counter was at zero when metering began.
    pub from_zero: bool,
    pub(super) provider: String,
    pub(super) api: ApiOf,
    pub(super) only: BTreeMap<String, BTreeSet<String>>,
    /// The label of the status.
    pub(super) status: Option<String>,
    /// The label of the method.
    pub(super) method: Option<String>,
    /// The callers, the names and what is billed, as of requests.
    pub(super) rule: Rule,
}

/// How a series names its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiOf {
    Label(String),
    Named(ApiName),
}

/// The use of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// Calls that are not billed.
    NotBillable,
    /// Calls of a caller that is no provider.
    Unmapped(String),
    /// Calls of a provider to an API.
    Calls(ProviderId, ApiName),
}

/// Which series of a counter it is: 16 bytes of the SHA-256 of its labels, as 32 hexadecimal
/// digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeriesId(String);

impl SeriesRule {
    /// Reads a document whole.
    ///
    /// # Errors
    ///
    /// [`RuleError`] with all that is wrong with it.
    pub fn read(text: &str) -> Result<SeriesRule, RuleError> {
        SeriesRule::try_from(&CounterRule::read(text)?)
    }

    /// What a series with those labels counts.
    pub(super) fn series(&self, labels: &Labels) -> Result<Series, SampleError> {
        let of = |label: &str| labels.get(label).map(String::as_str);
        let is_chosen =
            self.only.iter().all(|(label, values)| values.contains(of(label).unwrap_or_default()));
        if !is_chosen {
            return Ok(Series::NotBillable);
        }
        let required = |label: &String| of(label).ok_or_else(|| SampleError::Absent(label.clone()));
        let method = self.method.as_ref().map(required).transpose()?;
        let status =
            self.status.as_ref().map(|label| status(label, required(label)?)).transpose()?;
        if self.rule.not_billable(method, status).is_some() {
            return Ok(Series::NotBillable);
        }
        let caller = required(&self.provider)?;
        check_text(caller)?;
        let Some(provider) = self.rule.provider_of(caller) else {
            return Ok(Series::Unmapped(caller.to_owned()));
        };
        let api = match &self.api {
            ApiOf::Label(label) => self.rule.api_named(required(label)?.to_owned())?,
            ApiOf::Named(name) => name.clone(),
        };
        Ok(Series::Calls(provider, api))
    }
}

fn status(label: &str, value: &str) -> Result<u16, SampleError> {
    value
        .parse()
        .map_err(|_| SampleError::Status { label: label.to_owned(), value: Excerpt::of(value) })
}

impl SeriesId {
    pub(super) fn of(labels: &Labels) -> SeriesId {
        let mut digest = Sha256::new();
        for text in labels.iter().flat_map(|(label, value)| [label, value]) {
            // Text of UTF-8 has no such byte, so no two sets of labels are written the same.
            digest.update(text);
            digest.update([0xff]);
        }
        SeriesId(hex(&digest.finalize(), 16))
    }
}

impl fmt::Display for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
