//! Rules as documents that people write, that are stored by name, and that command lines make.

use std::num::NonZeroU8;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use steelyard_billing::{IdError, ObjectName, ProviderId};
use steelyard_json::JsonError;
use steelyard_pricing::{ApiName, ApiNameError, Name};
use thiserror::Error;

use super::billable::{MethodRule, StatusRule};
use super::caller::CallerRule;
use super::caller_map::{CallerMap, Callers};
use super::excerpt::Excerpt;
use super::fields::{FieldMap, FieldMapError, FieldNames};
use super::rule::{ApiRule, Rule};

/// By how many seconds lines may be out of order unless a rule says otherwise.
pub const WINDOW_S: u32 = 60;

/// The longest window, in seconds.
pub const WINDOW_S_MAX: u32 = 3_600;

/// The largest rule, in bytes of JSON: what one stored item holds with room to spare.
pub const RULE_BYTES_MAX: usize = 300_000;

/// How the lines of a log become calls: whose, of which API, and whether they are billed.
///
/// `fields` is about lines of JSON, and `caller`, `trusted_hops`, `segments` and the others about
/// requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuleDocument {
    /// A name for the rule.
    pub rule: Name,
    /// The part of a line of a log that names the caller: `host` (the client's address or name),
    /// `domain` (which host was called, in logs of AWS), `user` (the name that the caller logged in
    /// by, in access logs), `query:NAME` (a parameter of the request) or `extra:N` (the N-th field
    /// in quotation marks after the user agent, in access logs). A client can write any user,
    /// parameter or header, and chooses the host that it calls.
    #[serde(default, skip_serializing_if = "is_default")]
    pub caller: CallerRule,
    /// How many proxies before the server are trusted, if the caller is a list of addresses, as of
    /// X-Forwarded-For. 1 takes the last address. A client can write everything left of the address
    /// that is taken. For `host` and `extra:N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "NonZeroU8"))]
    pub trusted_hops: Option<NonZeroU8>,
    /// Callers, each with the provider that its calls are billed to. A `*` at the end of a caller
    /// stands for anything; the longest match wins. Calls of other callers are not counted. Without
    /// it, a caller is the id of its provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Callers"))]
    pub callers: Option<Callers>,
    /// What to put before the caller to make the provider's id. Not with `callers`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_prefix: String,
    /// The part of the request that names the API. The query and the host never count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub api: ApiRule,
    /// How many segments of the path make the API: with 2, /v1/trades/7 is `v1/trades`.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub segments: NonZeroU8,
    /// Whether the server ignores the case of paths.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ignore_case: bool,
    /// What to put before the API to make its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_prefix: String,
    /// Which answers make a call billable: statuses, classes of them, or `all`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: StatusRule,
    /// Which methods make a call billable: methods, `not:` and methods, or `all`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub methods: MethodRule,
    /// The names that the fields of JSON lines have. Without it they are those of usage records:
    /// id, provider, api, at or day, count and amount, and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "FieldNames"))]
    pub fields: Option<FieldNames>,
    /// Whether lines of JSON that have an `id` and an instant are stored together, a minute in one
    /// item: for many calls a second. An id has to be unique for the minute of its line then, and
    /// a line that comes again has the same instant.
    #[serde(default, skip_serializing_if = "is_default")]
    pub combined: bool,
    /// The objects of S3 that are logs to be read by this rule, as soon as they are stored. They
    /// are counted in the name of a source that is named as their bucket is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Objects>,
    /// By how many seconds the lines of a file may be out of order.
    #[serde(default = "window_s", skip_serializing_if = "is_window_s")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 3600)))]
    pub window_s: u32,
}

/// Objects of a bucket of S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Objects {
    /// The bucket that the logs are stored in, by its name.
    pub bucket: String,
    /// What their keys begin with; empty for all of the bucket.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

/// Why a rule is refused: all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .faults.iter().map(shown).collect::<Vec<_>>().join("; "))]
pub struct RuleError {
    /// The path in the document, and what is wrong there.
    pub faults: Vec<(String, RuleFault)>,
}

/// A fault of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleFault {
    /// The document is not JSON, or not in the form of a rule.
    #[error("{0}")]
    Form(String),
    /// The document is too large.
    #[error("the rule has {0} bytes; {RULE_BYTES_MAX} are the most")]
    TooLarge(usize),
    /// No proxy writes what that rule takes.
    #[error("--trusted-hops is for --caller host and --caller extra:N, not for {0}")]
    TrustedHops(CallerRule),
    /// A caller without a name.
    #[error("there is no caller")]
    NoCaller,
    /// Two ways from callers to providers.
    #[error("give either callers or provider_prefix")]
    TwoWays,
    /// No provider's id begins so.
    #[error(transparent)]
    ProviderPrefix(IdError),
    /// No API's name begins so.
    #[error(transparent)]
    ApiPrefix(ApiNameError),
    /// The fields make no map.
    #[error(transparent)]
    Fields(FieldMapError),
    /// A bucket has no name.
    #[error("there is no bucket")]
    NoBucket,
    /// The window is out of its range.
    #[error("must be 1 to {WINDOW_S_MAX} seconds")]
    Window,
    /// No counter has that name.
    #[error("`{0}` is not the name of a metric: letters, digits, `_` and `:`, no digit first")]
    Metric(Excerpt),
    /// No label has that name.
    #[error("`{0}` is not the name of a label: letters, digits and `_`, no digit first")]
    Label(Excerpt),
    /// A label without values to choose by.
    #[error("label `{0}` has no values")]
    NoValues(Excerpt),
    /// The API is named in two ways, or in none.
    #[error("give either api or api_name")]
    OneApi,
    /// A prefix without a label for what follows it.
    #[error("goes with api, not with api_name")]
    PrefixOfName,
}

impl RuleDocument {
    /// The rule of a name that says nothing else.
    #[must_use]
    pub fn new(rule: Name) -> RuleDocument {
        RuleDocument {
            rule,
            caller: CallerRule::default(),
            trusted_hops: None,
            callers: None,
            provider_prefix: String::new(),
            api: ApiRule::default(),
            segments: NonZeroU8::MIN,
            ignore_case: false,
            api_prefix: String::new(),
            status: StatusRule::default(),
            methods: MethodRule::default(),
            fields: None,
            objects: Vec::new(),
            combined: false,
            window_s: WINDOW_S,
        }
    }

    /// How much of the name of an object this rule names: the length of the prefix of its key. None
    /// if the rule is not for it.
    #[must_use]
    pub fn names(&self, object: &ObjectName) -> Option<usize> {
        let ObjectName { bucket, key } = object;
        let of = self.objects.iter().filter(|of| of.bucket == *bucket);
        of.filter(|of| key.starts_with(&of.prefix)).map(|of| of.prefix.len()).max()
    }

    /// Reads a document, which may still make no sense: [`Rule::try_from`] checks it.
    ///
    /// # Errors
    ///
    /// [`RuleError`] with the path of what is wrong.
    pub fn read(text: &str) -> Result<RuleDocument, RuleError> {
        read(text)
    }
}

/// Reads a document of the form of `T`, of [`RULE_BYTES_MAX`] at most.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, RuleError> {
    if text.len() > RULE_BYTES_MAX {
        return Err(RuleError::of("", RuleFault::TooLarge(text.len())));
    }
    steelyard_json::read(text.as_bytes())
        .map_err(|JsonError { path, text }| RuleError::of(&path, RuleFault::Form(text)))
}

impl RuleError {
    fn of(path: &str, fault: RuleFault) -> RuleError {
        RuleError { faults: vec![(path.to_owned(), fault)] }
    }
}

impl Rule {
    /// Reads a document whole.
    ///
    /// # Errors
    ///
    /// [`RuleError`] with all that is wrong with it.
    pub fn read(text: &str) -> Result<Rule, RuleError> {
        Rule::try_from(&RuleDocument::read(text)?)
    }
}

impl TryFrom<&RuleDocument> for Rule {
    type Error = RuleError;

    fn try_from(document: &RuleDocument) -> Result<Rule, RuleError> {
        let mut faults = faults(document).collect::<Vec<_>>();
        let fields = document.fields.as_ref().map(FieldMap::try_from).transpose();
        let fields = fields.unwrap_or_else(|error| {
            faults.push(("fields".to_owned(), RuleFault::Fields(error)));
            None
        });
        if !faults.is_empty() {
            return Err(RuleError { faults });
        }
        Ok(Rule {
            caller: document.caller.clone(),
            trusted_hops: document.trusted_hops,
            map: document.callers.as_ref().map(CallerMap::from),
            provider_prefix: document.provider_prefix.clone(),
            api: document.api,
            segments: document.segments.get(),
            ignore_case: document.ignore_case,
            api_prefix: document.api_prefix.clone(),
            status: document.status.clone(),
            methods: document.methods.clone(),
            fields,
            combined: document.combined,
            window: document.window_s,
        })
    }
}

/// What is wrong with the fields of a document, besides the names of fields.
fn faults(document: &RuleDocument) -> impl Iterator<Item = (String, RuleFault)> {
    let RuleDocument { caller, callers, provider_prefix, api_prefix, window_s, .. } = document;
    let hops = document.trusted_hops.is_some() && !caller.may_be_forwarded();
    let no_bucket = document.objects.iter().any(|of| of.bucket.is_empty());
    let found = [
        ("trusted_hops", hops.then(|| RuleFault::TrustedHops(caller.clone()))),
        ("objects", no_bucket.then_some(RuleFault::NoBucket)),
        ("window_s", (!(1..=WINDOW_S_MAX).contains(window_s)).then_some(RuleFault::Window)),
    ];
    let [hops, objects, window] =
        found.map(|(path, fault)| fault.map(|fault| (path.to_owned(), fault)));
    let names = name_faults(callers.as_ref(), provider_prefix, api_prefix);
    hops.into_iter().chain(objects).chain(names).chain(window)
}

/// What is wrong with the ways from texts to the names of providers and APIs.
pub(super) fn name_faults(
    callers: Option<&Callers>,
    provider_prefix: &str,
    api_prefix: &str,
) -> impl Iterator<Item = (String, RuleFault)> {
    let no_caller = callers.is_some_and(|callers| callers.contains_key(""));
    let two_ways = callers.is_some() && !provider_prefix.is_empty();
    // A prefix that would make every line a bad one is refused before the first.
    let provider = format!("{provider_prefix}x").parse::<ProviderId>().err();
    let api = format!("{api_prefix}x").parse::<ApiName>().err();
    let found = [
        ("callers", no_caller.then_some(RuleFault::NoCaller)),
        ("provider_prefix", two_ways.then_some(RuleFault::TwoWays)),
        ("provider_prefix", provider.map(RuleFault::ProviderPrefix)),
        ("api_prefix", api.map(RuleFault::ApiPrefix)),
    ];
    found.into_iter().filter_map(|(path, fault)| Some((path.to_owned(), fault?)))
}

fn shown((path, fault): &(String, RuleFault)) -> String {
    if path.is_empty() { fault.to_string() } else { format!("{path}: {fault}") }
}

fn one() -> NonZeroU8 {
    NonZeroU8::MIN
}

fn is_one(segments: &NonZeroU8) -> bool {
    *segments == NonZeroU8::MIN
}

fn window_s() -> u32 {
    WINDOW_S
}

fn is_window_s(window_s: &u32) -> bool {
    *window_s == WINDOW_S
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
