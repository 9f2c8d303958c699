//! EventBridge: the one operation that the functions use. What is put on a bus is kept, the newest
//! of it.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Request, Response, unknown_operation, unreadable};

/// The events that were put on buses, the oldest first.
#[derive(Default)]
pub(super) struct Buses(VecDeque<Value>);

/// How many events are kept.
const KEPT_MAX: usize = 1000;

/// The most entries that EventBridge takes at once.
const ENTRIES_MAX: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Value>,
}

impl Buses {
    /// The kept events, the oldest first.
    pub(super) fn kept(&self) -> Vec<Value> {
        self.0.iter().cloned().collect()
    }

    /// EventBridge's answer to `request`.
    pub(super) fn handle(&mut self, request: &Request) -> Response {
        match request.operation() {
            "PutEvents" => self.put_events(request),
            _ => unknown_operation(request),
        }
    }

    fn put_events(&mut self, request: &Request) -> Response {
        let entries = match request.input::<PutEvents>() {
            Ok(input) => input.entries,
            Err(error) => return unreadable(request, &error),
        };
        if entries.is_empty() || entries.len() > ENTRIES_MAX {
            let why = format!("a request has 1 to {ENTRIES_MAX} entries, not {}", entries.len());
            return Response::refusal("ValidationException", &why);
        }
        let put: Vec<_> = entries.iter().map(|_| json!({ "EventId": "local" })).collect();
        self.0.extend(entries);
        self.0.drain(..self.0.len().saturating_sub(KEPT_MAX));
        Response::ok(&json!({ "FailedEntryCount": 0, "Entries": put }))
    }
}
