//! The rules by which a line of a file becomes calls: whose, of which API, and whether they are
//! billed. Pure.

use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_billing::{Basis, ProviderId, hex};
use steelyard_pricing::{ApiName, ApiNameError};
use thiserror::Error;

use super::billable::{MethodRule, NotBillable, StatusRule};
use super::caller::{CallerError, CallerRule};
use super::caller_map::CallerMap;
use super::document::WINDOW_S;
use super::excerpt::Excerpt;
use super::fields::FieldMap;
use super::path::{Case, Path};
use super::request::path_of;

/// The API of a request for `/`: no other request has it, since no segment holds a `/`.
pub const ROOT_API: &str = "/";

/// How lines become calls: a [`RuleDocument`] that makes sense, ready to be used.
///
/// All but `map`, `fields` and `window` is about requests. JSON lines name API and count
/// themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The place of the caller in a line of an access log.
    pub caller: CallerRule,
    /// How many proxies before the server are trusted, if the caller is a list of addresses.
    pub trusted_hops: Option<NonZeroU8>,
    /// Which providers callers are; unless given, a caller is the id of its provider.
    pub map: Option<CallerMap>,
    /// What stands before the caller in the provider's id.
    pub provider_prefix: String,
    /// The part of the request that names the API.
    pub api: ApiRule,
    /// How many segments of the path make the API, from 1.
    pub segments: u8,
    /// Whether the case of paths makes no difference.
    pub ignore_case: bool,
    /// What stands before the API in its name.
    pub api_prefix: String,
    /// Which answers make a call billable.
    pub status: StatusRule,
    /// Which methods make a call billable.
    pub methods: MethodRule,
    /// The names of the fields of JSON lines; unless given, they are those of usage records.
    pub fields: Option<FieldMap>,
    /// Whether an id identifies a line of JSON together with the minute of its time.
    pub combined: bool,
    /// By how many seconds the lines of a log may be out of order: 1 to 3,600.
    pub window: u32,
}

/// How a request names its API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApiRule {
    /// The first segments of the path: /v1/trades is `v1`.
    #[default]
    Segments,
    /// The whole path, with its slashes: `/v1/trades`.
    Path,
    /// The method and the first segments: `GET:v1`.
    Method,
}

/// Why a line of an access log names no provider or no API.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The line doesn't say who called.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// The request has no method and target, and was answered as a call.
    #[error("the request `{0}` is not a method and a target")]
    Request(Excerpt),
    /// The target of the request has no path.
    #[error("the target `{0}` has no path")]
    NoPath(Excerpt),
    /// The name can't be an API's.
    #[error("api: {0}")]
    Api(ApiNameError),
}

impl Rule {
    /// Why a request by that method and with that answer is not billed, if it is not.
    #[must_use]
    pub fn not_billable(&self, method: Option<&str>, status: Option<u16>) -> Option<NotBillable> {
        if method.is_some_and(|method| !self.methods.bills(method)) {
            return Some(NotBillable::Method);
        }
        status.filter(|status| !self.status.bills(*status)).map(NotBillable::Status)
    }

    /// The provider that is billed for a caller: by the map, otherwise the one whose id the prefix
    /// and the caller are.
    #[must_use]
    pub fn provider_of(&self, caller: &str) -> Option<ProviderId> {
        if self.provider_prefix.is_empty() {
            return self.provider_named(caller);
        }
        self.provider_named(&format!("{}{caller}", self.provider_prefix))
    }

    /// The provider of a record in JSON: by the map, otherwise by its id.
    #[must_use]
    pub fn provider_named(&self, name: &str) -> Option<ProviderId> {
        match &self.map {
            Some(map) => map.provider(name).cloned(),
            None => name.parse().ok(),
        }
    }

    /// The API of a request.
    ///
    /// # Errors
    ///
    /// [`NameError`] when it has no path, or an API can't have the name.
    pub fn api_of(&self, method: Option<&str>, target: &str) -> Result<ApiName, NameError> {
        let path = path_of(target).ok_or_else(|| NameError::NoPath(Excerpt::of(target)))?;
        let name = match (self.api, method) {
            (ApiRule::Path, _) => path.whole(self.case()),
            (ApiRule::Method, Some(method)) => format!("{method}:{}", self.segments_of(&path)),
            (ApiRule::Segments, _) | (ApiRule::Method, None) => self.segments_of(&path),
        };
        self.api_named(name)
    }

    /// The API of that name.
    ///
    /// # Errors
    ///
    /// [`NameError::Api`] when no API can have the name.
    pub fn api_named(&self, name: String) -> Result<ApiName, NameError> {
        let name = if self.api_prefix.is_empty() { name } else { self.api_prefix.clone() + &name };
        name.parse().map_err(NameError::Api)
    }

    /// What decides the name of an API: calls that were named in another way are not the same
    /// calls.
    #[must_use]
    pub fn basis(&self) -> Basis {
        let segments = if self.api == ApiRule::Path { 0 } else { self.segments };
        let (ignore_case, prefix) = (self.ignore_case, &self.api_prefix);
        let api = match self.api {
            ApiRule::Segments => "segments",
            ApiRule::Path => "path",
            ApiRule::Method => "method",
        };
        let mut rules = format!("{api} {segments} {ignore_case} {prefix}");
        if let Some(fields) = &self.fields {
            // No name of an API has a line break.
            rules = format!("{rules}\n{}", fields.api());
        }
        let digest = hex(&Sha256::digest(rules), 8);
        format!("rules-{digest}").parse().expect("a digest is an id")
    }

    fn segments_of(&self, path: &Path<'_>) -> String {
        let first = path.first(self.segments.into(), self.case());
        if first.is_empty() { ROOT_API.to_owned() } else { first }
    }

    fn case(&self) -> Case {
        if self.ignore_case { Case::Ignored } else { Case::Kept }
    }
}

impl Default for Rule {
    /// The rule of a document that says nothing but its name.
    fn default() -> Rule {
        Rule {
            caller: CallerRule::default(),
            trusted_hops: None,
            map: None,
            provider_prefix: String::new(),
            api: ApiRule::default(),
            segments: 1,
            ignore_case: false,
            api_prefix: String::new(),
            status: StatusRule::default(),
            methods: MethodRule::default(),
            fields: None,
            combined: false,
            window: WINDOW_S,
        }
    }
}
