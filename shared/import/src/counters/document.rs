//! Rules for counters, as documents that people write. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use steelyard_pricing::{ApiName, Name};

use super::series::{ApiOf, SeriesRule};
use crate::billable::{MethodRule, StatusRule};
use crate::caller_map::{CallerMap, Callers};
use crate::document::{RuleError, RuleFault, is_default, name_faults, read};
use crate::excerpt::Excerpt;
use crate::rule::Rule;

/// How the series of a counter become calls: whose, of which API, and whether they are billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CounterRule {
    /// A name for the rule.
    pub rule: Name,
    /// The name of the counter as its lines have it, such as `kong_http_requests_total`.
    pub metric: String,
    /// The label that names the caller.
    pub provider: String,
    /// Callers, each with the provider that its calls are billed to. A `*` at the end of a caller
    /// stands for anything; the longest match wins. Calls of other callers wait until they are
    /// named here. Without it, a caller is the id of its provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Callers"))]
    pub callers: Option<Callers>,
    /// What to put before the caller to make the provider's id. Not with `callers`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_prefix: String,
    /// The label that names the API. Give either this or `api_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub api: Option<String>,
    /// The API of all calls of the counter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub api_name: Option<ApiName>,
    /// What to put before the value of the label to make the name of the API. Not for `api_name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_prefix: String,
    /// Labels, each with the values that make calls billable. A series without the label has the
    /// value "".
    #[serde(default, skip_serializing_if = "is_default")]
    pub only: BTreeMap<String, BTreeSet<String>>,
    /// The label that has the status of the answer, and the statuses that make calls billable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "LabelFilter<StatusRule>"))]
    pub status: Option<LabelFilter<StatusRule>>,
    /// The label that has the method, and the methods that make calls billable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "LabelFilter<MethodRule>"))]
    pub methods: Option<LabelFilter<MethodRule>>,
    /// Whether the counter was at zero when metering began, so that what the first scrape shows
    /// counts. If the state is lost, it counts again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from_zero: bool,
}

/// Which values of a label make calls billable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LabelFilterOf{R}"))]
#[serde(deny_unknown_fields)]
pub struct LabelFilter<R> {
    /// The name of the label.
    pub label: String,
    /// The billable values, written as in a rule for logs.
    pub bills: R,
}

impl CounterRule {
    /// Reads a document, which may still make no sense: [`SeriesRule::try_from`] checks it.
    ///
    /// # Errors
    ///
    /// [`RuleError`] with the path of what is wrong.
    pub fn read(text: &str) -> Result<CounterRule, RuleError> {
        read(text)
    }

    /// Every label that it names, each with its path in the document.
    fn labels(&self) -> impl Iterator<Item = (String, &str)> {
        let status = self.status.as_ref().map(|filter| ("status.label", &filter.label));
        let methods = self.methods.as_ref().map(|filter| ("methods.label", &filter.label));
        let api = self.api.as_ref().map(|label| ("api", label));
        let fixed = [Some(("provider", &self.provider)), api, status, methods];
        let fixed = fixed.into_iter().flatten().map(|(path, label)| (path.to_owned(), &**label));
        fixed.chain(self.only.keys().map(|label| ("only".to_owned(), &**label)))
    }

    fn faults(&self) -> impl Iterator<Item = (String, RuleFault)> {
        let metric = (!is_metric_name(&self.metric))
            .then(|| ("metric".to_owned(), RuleFault::Metric(Excerpt::of(&self.metric))));
        let labels = self.labels().filter(|(_, label)| !is_label_name(label));
        let labels = labels.map(|(path, label)| (path, RuleFault::Label(Excerpt::of(label))));
        let empty = self.only.iter().filter(|(_, values)| values.is_empty());
        let empty =
            empty.map(|(label, _)| ("only".to_owned(), RuleFault::NoValues(Excerpt::of(label))));
        let one_api = self.api.is_some() != self.api_name.is_some();
        let api = (!one_api).then(|| ("api".to_owned(), RuleFault::OneApi));
        let is_of_name = self.api_name.is_some() && !self.api_prefix.is_empty();
        let prefix = is_of_name.then(|| ("api_prefix".to_owned(), RuleFault::PrefixOfName));
        let names = name_faults(self.callers.as_ref(), &self.provider_prefix, &self.api_prefix);
        metric.into_iter().chain(labels).chain(empty).chain(api).chain(prefix).chain(names)
    }
}

impl TryFrom<&CounterRule> for SeriesRule {
    type Error = RuleError;

    fn try_from(document: &CounterRule) -> Result<SeriesRule, RuleError> {
        let faults = document.faults().collect::<Vec<_>>();
        if !faults.is_empty() {
            return Err(RuleError { faults });
        }
        let CounterRule { status, methods, api, api_name, .. } = document.clone();
        let api = match (api, api_name) {
            (Some(label), None) => ApiOf::Label(label),
            (None, Some(name)) => ApiOf::Named(name),
            (Some(_), Some(_)) | (None, None) => {
                return Err(RuleError { faults: vec![("api".to_owned(), RuleFault::OneApi)] });
            }
        };
        let rule = Rule {
            map: document.callers.as_ref().map(CallerMap::from),
            provider_prefix: document.provider_prefix.clone(),
            api_prefix: document.api_prefix.clone(),
            status: status.as_ref().map(|filter| filter.bills.clone()).unwrap_or_default(),
            methods: methods.as_ref().map(|filter| filter.bills.clone()).unwrap_or_default(),
            ..Rule::default()
        };
        Ok(SeriesRule {
            metric: document.metric.clone(),
            provider: document.provider.clone(),
            api,
            only: document.only.clone(),
            status: status.map(|filter| filter.label),
            method: methods.map(|filter| filter.label),
            from_zero: document.from_zero,
            rule,
        })
    }
}

/// Whether a metric may have that name in the text format 0.0.4.
pub(super) fn is_metric_name(name: &str) -> bool {
    is_name(name, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// Whether a label may have that name.
pub(super) fn is_label_name(name: &str) -> bool {
    is_name(name, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_name(name: &str, is_part: impl Fn(u8) -> bool) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(is_part)
}
