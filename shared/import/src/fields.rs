//! Which fields of an exported line say what, where an export has names of its own. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_json::Node;
use steelyard_pricing::{Amount, BillingDay, Calls};
use thiserror::Error;

use super::access_log::read_time;
use super::excerpt::Excerpt;
use super::formats::cloudfront;

/// The fields of an exported line of JSON, each by its name, or by the names on the way to it with
/// dots between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMap {
    id: Option<String>,
    provider: String,
    api: ApiField,
    when: WhenField,
    count: Option<String>,
    amount: Option<String>,
    method: Option<String>,
    status: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ApiField {
    Name(String),
    Path(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WhenField {
    At(String),
    Day(String),
}

/// The names that the fields of JSON lines have. A name with dots leads into objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FieldNames {
    /// The line's own id: a line counts once by it. Of a line without a value here, see `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: Option<String>,
    /// The caller, as of `caller`. Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub provider: Option<String>,
    /// The name of the API. Give either this or `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub api: Option<String>,
    /// The path or the URL of the request, from which the rule makes the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub path: Option<String>,
    /// The instant: of RFC 3339, as access logs write it, or Unix time in seconds or milliseconds.
    /// Give either this or `day`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Option<String>,
    /// The billing day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub day: Option<String>,
    /// The number of calls in the line; one unless it has a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub count: Option<String>,
    /// The amount that went through the calls, in yuan, as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub amount: Option<String>,
    /// The HTTP method, for `methods`. A line without it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub method: Option<String>,
    /// The HTTP status, for `status`. A line without it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub status: Option<String>,
}

/// What an exported line says. Its texts are as they were exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The line's own id, if the map names its field and the line has one.
    pub id: Option<String>,
    /// The caller, as the export names it.
    pub caller: String,
    /// The API, by its name or by the path of a request.
    pub api: ExportedApi,
    /// The instant or the billing day of the calls.
    pub when: When,
    /// How many calls; one unless given.
    pub count: Calls,
    /// The amount that went through them, in yuan.
    pub amount: Amount,
}

/// The API of an exported line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportedApi {
    /// The name of an API.
    Name(String),
    /// The path or the URL of a request.
    Path(String),
}

/// The time of exported calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// An instant, from which the billing day follows.
    At(Timestamp),
    /// A billing day without a time.
    Day(BillingDay),
}

/// Why a text is no map of fields.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FieldMapError {
    /// Not a field and its name.
    #[error("`{0}` is not such as provider=NAME; there are {FIELDS}")]
    Pair(Excerpt),
    /// A field has two names.
    #[error("{0} is given twice")]
    Twice(String),
    /// A field that every line needs has no name.
    #[error("give {0}")]
    Missing(&'static str),
    /// Two fields say the same.
    #[error("give either {0}")]
    Either(&'static str),
}

/// What is wrong with a field of an exported line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("field `{field}`: {why}")]
pub struct FieldError {
    /// The field, as the map names it.
    pub field: String,
    /// The fault of the field, with the expected form.
    pub why: String,
}

const FIELD_NAMES: [&str; 10] =
    ["id", "provider", "api", "path", "at", "day", "count", "amount", "method", "status"];

const FIELDS: &str = "id, provider, api, path, at, day, count, amount, method and status";

impl FieldMap {
    /// The field that names the API, such as `path=uri`.
    pub(super) fn api(&self) -> String {
        match &self.api {
            ApiField::Name(field) => format!("api={field}"),
            ApiField::Path(field) => format!("path={field}"),
        }
    }

    /// What a line says.
    ///
    /// # Errors
    ///
    /// [`FieldError`] naming the field that is wrong, or absent.
    pub fn read(&self, line: &Node) -> Result<Exported, FieldError> {
        let count = optional(line, self.count.as_ref())?;
        let count = count.map_or(Ok(Calls::new(1)), |(field, count)| calls(field, count))?;
        let amount = optional(line, self.amount.as_ref())?;
        let amount = amount.map_or(Ok(Amount::ZERO), |(field, value)| amount_of(field, value))?;
        let id = optional(line, self.id.as_ref())?;
        let id = id.map(|(field, value)| name(field, value)).transpose()?;
        Ok(Exported {
            // What gateways write for an absent value.
            id: id.filter(|id| !matches!(&**id, "" | "-")),
            caller: required(line, &self.provider)?,
            api: self.api.read(line)?,
            when: self.when.read(line)?,
            count,
            amount,
        })
    }

    /// The method and the status of a line, as far as the map names their fields. A line needs each
    /// field that the map names, since otherwise the call might not be billable.
    ///
    /// # Errors
    ///
    /// [`FieldError`] naming the field that is wrong, or absent.
    pub fn answer(&self, line: &Node) -> Result<(Option<String>, Option<u16>), FieldError> {
        let method = self.method.as_ref().map(|field| required(line, field)).transpose()?;
        let status = self
            .status
            .as_ref()
            .map(|field| parsed(field, required_node(line, field)?, "an HTTP status"));
        Ok((method, status.transpose()?))
    }
}

impl ApiField {
    fn read(&self, line: &Node) -> Result<ExportedApi, FieldError> {
        match self {
            ApiField::Name(field) => required(line, field).map(ExportedApi::Name),
            // CloudFront encodes a path once more than the client did, in JSON too.
            ApiField::Path(field) if field == cloudfront::STEM => {
                Ok(ExportedApi::Path(cloudfront::sent_path(&required(line, field)?)))
            }
            ApiField::Path(field) => required(line, field).map(ExportedApi::Path),
        }
    }
}

impl WhenField {
    fn read(&self, line: &Node) -> Result<When, FieldError> {
        match self {
            WhenField::At(field) => {
                let value = required_node(line, field)?;
                instant(value).map(When::At).ok_or_else(|| {
                    wrong(field, "is not an instant such as 2015-05-17T10:05:03Z, or Unix time")
                })
            }
            WhenField::Day(field) => {
                parsed(field, required_node(line, field)?, "a day such as 2015-05-17")
                    .map(When::Day)
            }
        }
    }
}

/// An instant of RFC 3339, the time of an access log, or Unix time: in milliseconds if it is so
/// large that in seconds it would lie thousands of years ahead.
fn instant(value: &Node) -> Option<Timestamp> {
    match value {
        Node::Text(text) => read_time(text).or_else(|| unix_time(text.parse().ok()?)),
        Node::Number(number) => unix_time(number.as_i64()?),
        Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) => None,
    }
}

fn unix_time(time: i64) -> Option<Timestamp> {
    const SECONDS_MAX: i64 = 100_000_000_000;
    match time {
        seconds @ 0..SECONDS_MAX => Timestamp::from_second(seconds).ok(),
        milliseconds => Timestamp::from_millisecond(milliseconds).ok(),
    }
}

fn calls(field: &str, value: &Node) -> Result<Calls, FieldError> {
    parsed(field, value, "a whole number from 0").map(Calls::new)
}

/// Exact only as a text: a number may have been rounded on its way.
fn amount_of(field: &str, value: &Node) -> Result<Amount, FieldError> {
    match value {
        Node::Text(_) => parsed(field, value, "an amount in yuan such as \"120.50\""),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
            Err(wrong(field, "is not an amount in yuan as a text such as \"120.50\""))
        }
    }
}

fn parsed<T: FromStr>(field: &str, value: &Node, what: &str) -> Result<T, FieldError> {
    text(field, value)?.parse().map_err(|_| wrong(field, format_args!("is not {what}")))
}

/// A text, or the digits of a number: keys are numbers as often as not.
fn text(field: &str, value: &Node) -> Result<String, FieldError> {
    match value {
        Node::Text(text) => Ok(text.clone()),
        Node::Number(number) => Ok(number.to_string()),
        Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) => {
            Err(wrong(field, "is neither a text nor a number"))
        }
    }
}

/// A text that names something, or the digits of a whole number. Another number was rounded when it
/// was read, and two of them may have become one.
fn name(field: &str, value: &Node) -> Result<String, FieldError> {
    match value {
        Node::Number(number) if !number.is_u64() && !number.is_i64() => {
            Err(wrong(field, "is a number that cannot be read exactly: write it as a text"))
        }
        Node::Number(_)
        | Node::Text(_)
        | Node::Null
        | Node::Bool(_)
        | Node::List(_)
        | Node::Object(_) => text(field, value),
    }
}

fn optional<'a>(
    line: &'a Node,
    field: Option<&'a String>,
) -> Result<Option<(&'a str, &'a Node)>, FieldError> {
    let Some(field) = field else { return Ok(None) };
    Ok(found(line, field)?.map(|value| (field.as_str(), value)))
}

fn required(line: &Node, field: &str) -> Result<String, FieldError> {
    let text = name(field, required_node(line, field)?)?;
    // What gateways write for an absent value.
    if matches!(&*text, "" | "-") { Err(wrong(field, "is absent")) } else { Ok(text) }
}

fn required_node<'a>(line: &'a Node, field: &str) -> Result<&'a Node, FieldError> {
    found(line, field)?.ok_or_else(|| wrong(field, "is absent"))
}

/// The value of a field. A name that holds dots may be that of one field, or lead to it.
fn found<'a>(line: &'a Node, field: &str) -> Result<Option<&'a Node>, FieldError> {
    if let Some(value) = member(line, field)? {
        return Ok(Some(value).filter(|value| !matches!(value, Node::Null)));
    }
    let Some((first, rest)) = field.split_once('.') else { return Ok(None) };
    match member(line, first)? {
        Some(inner) => found(inner, rest),
        None => Ok(None),
    }
}

fn member<'a>(object: &'a Node, name: &str) -> Result<Option<&'a Node>, FieldError> {
    let Node::Object(fields) = object else { return Ok(None) };
    let mut values = fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(wrong(name, "is given twice")),
        (value, None) => Ok(value),
    }
}

fn wrong(field: &str, why: impl fmt::Display) -> FieldError {
    FieldError { field: field.to_owned(), why: why.to_string() }
}

impl TryFrom<&FieldNames> for FieldMap {
    type Error = FieldMapError;

    fn try_from(names: &FieldNames) -> Result<FieldMap, FieldMapError> {
        let mut names = names.clone();
        for field in FIELD_NAMES {
            if names.named(field).is_some_and(|name| name.as_deref() == Some("")) {
                return Err(FieldMapError::Missing(field));
            }
        }
        Ok(FieldMap {
            id: names.id,
            provider: names.provider.ok_or(FieldMapError::Missing("provider"))?,
            api: match (names.api, names.path) {
                (Some(name), None) => ApiField::Name(name),
                (None, Some(path)) => ApiField::Path(path),
                (Some(_), Some(_)) | (None, None) => {
                    return Err(FieldMapError::Either("api or path"));
                }
            },
            when: match (names.at, names.day) {
                (Some(at), None) => WhenField::At(at),
                (None, Some(day)) => WhenField::Day(day),
                (Some(_), Some(_)) | (None, None) => {
                    return Err(FieldMapError::Either("at or day"));
                }
            },
            count: names.count,
            amount: names.amount,
            method: names.method,
            status: names.status,
        })
    }
}

impl FromStr for FieldNames {
    type Err = FieldMapError;

    /// `provider=NAME,path=NAME,at=NAME`; names that make no map are refused.
    fn from_str(text: &str) -> Result<FieldNames, FieldMapError> {
        let mut names = FieldNames::default();
        for pair in text.split(',') {
            let refused = || FieldMapError::Pair(Excerpt::of(pair));
            let (field, name) = pair.split_once('=').ok_or_else(refused)?;
            let known = names.named(field).filter(|_| !name.is_empty()).ok_or_else(refused)?;
            if known.replace(name.to_owned()).is_some() {
                return Err(FieldMapError::Twice(field.to_owned()));
            }
        }
        FieldMap::try_from(&names).map(|_| names)
    }
}

impl FieldNames {
    fn named(&mut self, field: &str) -> Option<&mut Option<String>> {
        Some(match field {
            "id" => &mut self.id,
            "provider" => &mut self.provider,
            "api" => &mut self.api,
            "path" => &mut self.path,
            "at" => &mut self.at,
            "day" => &mut self.day,
            "count" => &mut self.count,
            "amount" => &mut self.amount,
            "method" => &mut self.method,
            "status" => &mut self.status,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
