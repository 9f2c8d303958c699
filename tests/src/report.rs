//! Usage reports as sources write them, and the answers they get.

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_ingest::USAGE_PATH;
use steelyard_local_stack::http_event;

/// What a source is answered over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The headers, by their names.
    pub headers: Value,
    /// The body, as JSON.
    pub body: Value,
}

impl Answer {
    /// The answer in a function's response.
    #[must_use]
    pub fn of(response: &Value) -> Answer {
        Answer {
            status: response["statusCode"].as_u64().unwrap().try_into().unwrap(),
            content_type: response["headers"]["content-type"].as_str().unwrap().to_owned(),
            headers: response["headers"].clone(),
            body: serde_json::from_str(response["body"].as_str().unwrap()).unwrap(),
        }
    }

    /// What became of a report for a provider and a day.
    #[must_use]
    pub fn of_day(&self, provider: &str, day: &str) -> &str {
        self.body["providers"][provider][day].as_str().unwrap_or("nothing")
    }

    /// The outcome of one provider's share: the first of these that is true of one of its days.
    #[must_use]
    pub fn of_provider(&self, provider: &str) -> &str {
        let days = self.body["providers"][provider].as_object();
        let is_any =
            |became: &&&str| days.is_some_and(|days| days.values().any(|of| of == **became));
        ["conflict", "counted", "duplicate"].iter().find(is_any).unwrap_or(&"nothing")
    }
}

/// A report of some records by the source `gateway-1`.
#[must_use]
pub fn report(id: &str, records: &[Value]) -> Value {
    json!({ "source": "gateway-1", "id": id, "records": records })
}

/// A record of calls on a day.
#[must_use]
pub fn record(provider: &str, api: &str, day: &str, calls: u64) -> Value {
    json!({ "provider": provider, "api": api, "day": day, "count": calls })
}

/// A record of calls on a day, through which an amount went.
#[must_use]
pub fn record_of_amount(provider: &str, api: &str, day: &str, calls: u64, yuan: &str) -> Value {
    let mut record = record(provider, api, day, calls);
    record["amount"] = json!(yuan);
    record
}

/// The event of a report that comes over HTTP.
pub(crate) fn posted(body: &[u8]) -> Value {
    http_event(&Method::POST, USAGE_PATH, &HeaderMap::new(), body)
}

/// The places of the refused records, each with the reason.
#[must_use]
pub fn refused(body: &Value) -> Vec<(u64, &str)> {
    let refused = body["refused"].as_array().unwrap();
    refused
        .iter()
        .map(|refused| (refused["index"].as_u64().unwrap(), refused["reason"].as_str().unwrap()))
        .collect()
}
