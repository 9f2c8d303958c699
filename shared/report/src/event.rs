//! Usage as CloudEvents 1.0: each counts once, by its source and id. Pure.
//!
//! Source: CloudEvents, Version 1.0.2, "REQUIRED Attributes": producers make `source` and `id`
//! together distinct for each event, and consumers may take events with the same for duplicates.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::json;
use sha2::{Digest, Sha256};
use steelyard_billing::{IdError, Minute, ReportId, SourceId, hex};
use steelyard_json::{Fields, JsonError, Node};
use thiserror::Error;

use crate::{Counts, ReportError, UsageReport};

/// An event, as a report with one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageEvent {
    /// The source and id of the event, which make it unique.
    pub name: EventName,
    /// The report that the event is.
    pub report: UsageReport,
}

/// What identifies an event, as it was sent; empty where it was absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventName {
    /// The context in which it happened, as a URI reference.
    pub source: String,
    /// Its name, unique for the source.
    pub id: String,
}

/// An event that is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct EventError {
    /// Its name, as far as it was read.
    pub name: EventName,
    /// The reason, with a remedy.
    pub why: EventFault,
}

/// Why a message of the queue is refused as a whole.
#[derive(Debug, Error)]
pub enum MessageError {
    /// It is an event that is refused.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The message is no report.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl From<JsonError> for EventError {
    fn from(error: JsonError) -> EventError {
        EventError { name: EventName::default(), why: error.into() }
    }
}

/// The fault of an event, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EventFault {
    /// It is not in the form of a CloudEvent.
    #[error("not in the form of a CloudEvent: {0}")]
    Form(#[from] JsonError),
    /// Its data is not in the form of a count.
    #[error("data: {0}")]
    Data(JsonError),
    /// It is of another version of CloudEvents.
    #[error("specversion is `{0}`; 1.0 is taken")]
    Version(String),
    /// An attribute is empty or too long.
    #[error("{0}: must not be empty, and has {ATTRIBUTE_BYTES_MAX} bytes at most")]
    Attribute(&'static str),
    /// Its source names none of ours.
    #[error("source: the part after the last `/` is the name of the source that reports: {0}")]
    Source(IdError),
    /// The subject is absent.
    #[error("subject is absent: it is the provider whose call it was")]
    NoSubject,
    /// The time is absent.
    #[error("time is absent: it gives the billing day")]
    NoTime,
    /// Its time is not one.
    #[error("time `{0}` is not an instant of RFC 3339 such as 2015-05-17T10:05:03Z")]
    Time(String),
    /// Its data is not JSON.
    #[error("datacontenttype is `{0}`; the data is JSON")]
    ContentType(String),
    /// The extension is no Boolean.
    #[error("combined is `{0}`; it is true or false")]
    Combined(String),
    /// A header is there twice, or cannot be decoded.
    #[error("{0}: must be one header of percent-encoded UTF-8")]
    Header(&'static str),
    /// The data is absent, or there twice.
    #[error("data is absent")]
    NoData,
    /// Its data in Base64 cannot be read.
    #[error("data_base64 is not JSON in Base64")]
    Base64,
}

/// The most bytes of an attribute.
const ATTRIBUTE_BYTES_MAX: usize = 1_024;

/// The context attributes of an event that matter here. Others, and other extensions, are ignored.
struct Attributes {
    specversion: String,
    kind: String,
    subject: Option<String>,
    time: Option<String>,
    content_type: Option<String>,
    /// An extension of ours: whether it is stored together with others of its minute.
    combined: bool,
}

impl UsageEvent {
    /// Reads an event in structured mode.
    ///
    /// # Errors
    ///
    /// [`EventError`] with the fault of the event.
    pub fn read(event: Node) -> Result<UsageEvent, EventError> {
        let mut fields = event.into_fields()?;
        let name = EventName {
            source: fields.read("source")?.unwrap_or_default(),
            id: fields.read("id")?.unwrap_or_default(),
        };
        structured(&mut fields)
            .and_then(|(attributes, data)| attributes.report(&name, data))
            .map(|report| UsageEvent { name: name.clone(), report })
            .map_err(|why| EventError { name, why })
    }

    /// Reads an event in binary mode: its attributes are headers, and the body is its data.
    ///
    /// # Errors
    ///
    /// [`EventError`] with the fault of the event.
    pub fn of_headers(headers: &HeaderMap, body: &[u8]) -> Result<UsageEvent, EventError> {
        let (source, id) = (attribute(headers, "ce-source"), attribute(headers, "ce-id"));
        // What cannot be read of its name is empty in it, and makes it malformed.
        let read = |text: &Result<Option<String>, EventFault>| match text {
            Ok(Some(text)) => text.clone(),
            Ok(None) | Err(_) => String::new(),
        };
        let name = EventName { source: read(&source), id: read(&id) };
        source
            .and(id)
            .and_then(|_| binary(headers, body, &name))
            .map(|report| UsageEvent { name: name.clone(), report })
            .map_err(|why| EventError { name, why })
    }
}

fn binary(headers: &HeaderMap, body: &[u8], name: &EventName) -> Result<UsageReport, EventFault> {
    let attributes = Attributes {
        specversion: attribute(headers, "ce-specversion")?.unwrap_or_default(),
        kind: attribute(headers, "ce-type")?.unwrap_or_default(),
        subject: attribute(headers, "ce-subject")?,
        time: attribute(headers, "ce-time")?,
        content_type: attribute(headers, "content-type")?,
        combined: combined(attribute(headers, "ce-combined")?.as_deref())?,
    };
    let data = steelyard_json::parse(body).map_err(EventFault::Data)?;
    attributes.report(name, data)
}

/// The value of an attribute in binary mode: what it is in quotation marks, if it is in some, with
/// its percent-encoding undone once.
///
/// Source: CloudEvents, "HTTP Protocol Binding", 3.1.3.2.
fn attribute(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, EventFault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let fault = || EventFault::Header(name);
    if values.next().is_some() {
        return Err(fault());
    }
    let value = value.to_str().map_err(|_| fault())?;
    // Parameters of a content type are quoted, and encoded by rules of their own.
    if name == "content-type" {
        return Ok(Some(value.to_owned()));
    }
    let value = unquoted(value);
    let decoded = percent_decode_str(&value).decode_utf8().map_err(|_| fault())?;
    Ok(Some(decoded.into_owned()))
}

/// A quoted text without its quotation marks, and without the backslashes that escape.
fn unquoted(value: &str) -> Cow<'_, str> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(quoted) = quoted else { return Cow::Borrowed(value) };
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        text.push(escaped.unwrap_or(character));
    }
    Cow::Owned(text)
}

fn structured(fields: &mut Fields) -> Result<(Attributes, Node), EventFault> {
    let attributes = Attributes {
        specversion: fields.read("specversion")?.unwrap_or_default(),
        kind: fields.read("type")?.unwrap_or_default(),
        subject: fields.read("subject")?,
        time: fields.read("time")?,
        content_type: fields.read("datacontenttype")?,
        combined: fields.read("combined")?.unwrap_or(false),
    };
    let data = match (fields.take("data"), fields.read::<String>("data_base64")?) {
        (Some(data), None) => data,
        (None, Some(text)) => {
            let data = BASE64_STANDARD.decode(text).map_err(|_| EventFault::Base64)?;
            steelyard_json::parse(&data).map_err(|_| EventFault::Base64)?
        }
        (Some(_), Some(_)) | (None, None) => return Err(EventFault::NoData),
    };
    Ok((attributes, data))
}

impl Attributes {
    /// The report of an event with that data: the same, in whatever mode it is sent.
    fn report(self, name: &EventName, data: Node) -> Result<UsageReport, EventFault> {
        let Attributes { specversion, kind, subject, time, content_type, combined } = self;
        if specversion != "1.0" {
            return Err(EventFault::Version(specversion));
        }
        for (what, text) in [("id", &name.id), ("source", &name.source), ("type", &kind)] {
            if text.is_empty() || text.len() > ATTRIBUTE_BYTES_MAX {
                return Err(EventFault::Attribute(what));
            }
        }
        if let Some(other) = content_type.filter(|content_type| !is_json(content_type)) {
            return Err(EventFault::ContentType(other));
        }
        let time = time.ok_or(EventFault::NoTime)?;
        let at = time.parse::<Timestamp>().map_err(|_| EventFault::Time(time))?;
        let provider = subject.ok_or(EventFault::NoSubject)?;
        let record = record(data, &provider, at).map_err(EventFault::Data)?;
        let source = name.source_id().map_err(EventFault::Source)?;
        Ok(UsageReport {
            source,
            id: name.report_id(),
            counts: Counts::New,
            records: vec![record],
            combined: combined.then(|| Minute::of(at)),
        })
    }
}

/// The extension of an event in binary mode.
///
/// Source: CloudEvents, "Type System": a Boolean is written `true` or `false`.
fn combined(written: Option<&str>) -> Result<bool, EventFault> {
    match written {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(other) => Err(EventFault::Combined(other.to_owned())),
    }
}

fn record(data: Node, provider: &str, at: Timestamp) -> Result<Node, JsonError> {
    let mut fields = data.into_fields()?;
    let api = fields.read_required::<String>("api")?;
    let mut record = vec![
        ("provider".to_owned(), Node::Text(provider.to_owned())),
        ("api".to_owned(), Node::Text(api)),
        ("at".to_owned(), Node::Text(at.to_string())),
        ("count".to_owned(), fields.take("count").unwrap_or_else(|| Node::from(json!(1)))),
    ];
    record.extend(fields.take("amount").map(|amount| ("amount".to_owned(), amount)));
    fields.end(&["api", "count", "amount"])?;
    Ok(Node::Object(record))
}

impl EventName {
    /// The source that reports: the part after the last `/` of the event's.
    fn source_id(&self) -> Result<SourceId, IdError> {
        self.source.rsplit('/').next().unwrap_or_default().parse()
    }

    /// The report of the event. No two events have the same report of the same source: where the id
    /// alone does not say which event it is, a digest of both does.
    fn report_id(&self) -> ReportId {
        let plain = format!("event-{}", self.id).parse();
        if let (Ok(id), false) = (plain, self.source.contains('/')) {
            return id;
        }
        let both = format!("{}\n{}{}", self.source.len(), self.source, self.id);
        let digest = hex(&Sha256::digest(both), 32);
        format!("cloudevent-{digest}").parse().expect("a digest is an id")
    }
}

/// The media type of a `Content-Type`, without its parameters, in lower case.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(content_type: &str) -> bool {
    let media_type = media_type(content_type);
    media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json")
}

/// What a message of the queue reports: a report, an event, or an event in an envelope of
/// EventBridge.
///
/// # Errors
///
/// [`MessageError`] with what is wrong with it as a whole.
pub fn of_message(body: &[u8]) -> Result<UsageReport, MessageError> {
    if let Ok(message) = steelyard_json::parse(body) {
        let has = |name: &str| message.field_names().any(|field| field == name);
        if has("specversion") {
            return Ok(UsageEvent::read(message)?.report);
        }
        if has("detail-type") {
            let detail = message.into_fields().and_then(|mut fields| fields.require("detail"));
            return Ok(UsageEvent::read(detail.map_err(EventError::from)?)?.report);
        }
    }
    Ok(UsageReport::read(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(source: &str, id: &str) -> (String, String) {
        let name = EventName { source: source.to_owned(), id: id.to_owned() };
        (name.source_id().unwrap().to_string(), name.report_id().to_string())
    }

    #[test]
    fn headers_are_unquoted_and_decoded_once_or_refused() {
        let read = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("ce-id", http::HeaderValue::from_bytes(value).unwrap());
            }
            attribute(&headers, "ce-id").ok().flatten()
        };
        for (value, id) in [
            ("c6af", "c6af"),
            (r#""c6af""#, "c6af"),
            (r#""a \"b\" \\""#, r#"a "b" \"#),
            ("caf%C3%A9%2520", "caf\u{e9}%20"),
            (r#"""#, r#"""#),
        ] {
            assert_eq!(read(&[value.as_bytes()]).as_deref(), Some(id), "{value}");
        }
        for values in [&[b"x%FF".as_slice()][..], &[b"a\xff"], &[b"a", b"a"]] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }

    #[test]
    fn events_have_the_same_report_if_and_only_if_source_and_id_are_the_same() {
        assert_eq!(name("eu-1", "c6af"), ("eu-1".to_owned(), "event-c6af".to_owned()));
        let long = "x".repeat(200);
        let names = [
            ("eu-1", "c6af"),
            ("/eu-1", "c6af"),
            ("//gw/eu-1", "c6af"),
            ("https://gw.example/eu-1", "c6af"),
            ("https://gw.example/eu-1", "c6ae"),
            ("eu-1", "a b"),
            ("eu-1", "a/b"),
            ("eu-1", &long),
            ("/a/eu-1", "1"),
            ("/a/eu-1/eu-1", ""),
        ];
        let distinct = names.map(|(source, id)| name(source, id));
        assert!(distinct.iter().all(|(source, _)| source == "eu-1"), "{distinct:?}");
        let distinct = distinct.into_iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(distinct.len(), names.len());
        let none = EventName { source: "https://gw.example/".to_owned(), id: "1".to_owned() };
        assert!(none.source_id().is_err());
    }
}
