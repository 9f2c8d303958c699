//! CloudEvents over HTTP, by the HTTP Protocol Binding 1.0.2: structured, in a batch, and binary.

use aws_lambda_events::event::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::http::HeaderMap;
use aws_lambda_events::http::header::CONTENT_TYPE;
use futures::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::json;
use steelyard_billing::Caller;
use steelyard_metering::Counting;
use steelyard_report::{EventError, EventName, RECORDS_MAX, UsageEvent, media_type};
use steelyard_runtime::{NotAdmitted, Problem, web};
use steelyard_store::{Counted, StoreError};

use crate::{CountError, Ingest};

/// How a request carries usage.
pub(super) enum Mode {
    /// A usage report of ours.
    Report,
    /// A CloudEvent in JSON.
    Event,
    /// A list of CloudEvents in JSON.
    Events,
    /// As an event whose attributes are headers.
    Headers,
}

/// The outcome of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct EventOutcome {
    source: String,
    id: String,
    outcome: Became,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    Counted,
    Duplicate,
    Withdrawn,
    Conflict,
    Forbidden,
    Refused,
    Malformed,
}

/// How many events of a batch are counted at the same time.
const AT_ONCE: usize = 16;

impl Mode {
    pub(super) fn of(headers: &HeaderMap) -> Mode {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match media_type(content_type.unwrap_or_default()).as_str() {
            "application/cloudevents+json" => Mode::Event,
            "application/cloudevents-batch+json" => Mode::Events,
            _ if headers.contains_key("ce-specversion") => Mode::Headers,
            _ => Mode::Report,
        }
    }
}

impl Ingest {
    pub(super) async fn answer_event(
        &self,
        event: Result<UsageEvent, EventError>,
        caller: &Caller,
    ) -> ApiGatewayV2httpResponse {
        let outcome = match self.count_event(event, caller).await {
            Ok(outcome) => outcome,
            Err(error) => return unavailable(&error),
        };
        let problem = match outcome.outcome {
            Became::Counted | Became::Duplicate | Became::Withdrawn => {
                return web::json_answer(200, &json!({ "events": [outcome] }));
            }
            Became::Conflict => Problem::ReportConflict,
            Became::Forbidden => Problem::Forbidden,
            Became::Refused => Problem::RecordsRefused,
            Became::Malformed => Problem::MalformedRequest,
        };
        let detail = outcome.reason.clone().unwrap_or_default();
        web::problem(problem, &detail, json!({ "events": [outcome] }))
    }

    pub(super) async fn answer_events(
        &self,
        body: &[u8],
        caller: &Caller,
    ) -> ApiGatewayV2httpResponse {
        let events = match steelyard_json::parse(body).and_then(steelyard_json::Node::into_list) {
            Ok(events) => events,
            Err(error) => {
                return web::problem(Problem::MalformedRequest, &error.to_string(), json!({}));
            }
        };
        if events.len() > RECORDS_MAX {
            let detail =
                format!("the batch has {} events; {RECORDS_MAX} are the most", events.len());
            return web::problem(Problem::TooManyRecords, &detail, json!({}));
        }
        let counting =
            events.into_iter().map(|event| self.count_event(UsageEvent::read(event), caller));
        let counting = stream::iter(counting.collect::<Vec<_>>()).buffered(AT_ONCE);
        // Every event is tried, whatever becomes of the others.
        let outcomes = counting.collect::<Vec<_>>().await;
        let outcomes: Vec<EventOutcome> = match outcomes.into_iter().collect() {
            Ok(outcomes) => outcomes,
            Err(error) => return unavailable(&error),
        };
        let good = |outcome: &&EventOutcome| {
            matches!(outcome.outcome, Became::Counted | Became::Duplicate | Became::Withdrawn)
        };
        let refused = outcomes.len() - outcomes.iter().filter(good).count();
        let outcomes = json!({ "events": outcomes });
        if refused == 0 {
            return web::json_answer(200, &outcomes);
        }
        let detail = format!("events refused: {refused}; the others, if any, are counted");
        web::problem(Problem::RecordsRefused, &detail, outcomes)
    }

    async fn count_event(
        &self,
        event: Result<UsageEvent, EventError>,
        caller: &Caller,
    ) -> Result<EventOutcome, StoreError> {
        let UsageEvent { name, report } = match event {
            Ok(event) => event,
            Err(EventError { name, why }) => {
                return Ok(EventOutcome::of(name, Became::Malformed, Some(why.to_string())));
            }
        };
        match self.count(&report, caller).await {
            Ok(counting) => {
                let (became, reason) = became(&counting);
                Ok(EventOutcome::of(name, became, reason))
            }
            Err(CountError::NotAdmitted(NotAdmitted::Denied(denied))) => {
                Ok(EventOutcome::of(name, Became::Forbidden, Some(denied.to_string())))
            }
            Err(CountError::NotAdmitted(NotAdmitted::Store(error)) | CountError::Store(error)) => {
                Err(error)
            }
        }
    }
}

impl EventOutcome {
    fn of(name: EventName, outcome: Became, reason: Option<String>) -> EventOutcome {
        let EventName { source, id } = name;
        EventOutcome { source, id, outcome, reason }
    }
}

/// What became of the only record of an event.
fn became(counting: &Counting) -> (Became, Option<String>) {
    if let Some(refused) = counting.refused.first() {
        let became = if counting.is_forbidden { Became::Forbidden } else { Became::Refused };
        return (became, Some(refused.reason.clone()));
    }
    match counting.providers.values().flat_map(|days| days.values()).next() {
        Some(Counted::Counted) => (Became::Counted, None),
        Some(Counted::Duplicate) => (Became::Duplicate, None),
        Some(Counted::Withdrawn) => (Became::Withdrawn, None),
        Some(Counted::Conflict) => {
            let why = "an event with this source and id was counted before with other content";
            (Became::Conflict, Some(why.to_owned()))
        }
        // Nothing was counted, so nothing is promised.
        None => (Became::Refused, Some("the event has no record".to_owned())),
    }
}

fn unavailable(error: &StoreError) -> ApiGatewayV2httpResponse {
    let error: &(dyn std::error::Error + 'static) = error;
    tracing::error!(error, "cannot count an event");
    web::unavailable("not all events could be counted; send the same again")
}
