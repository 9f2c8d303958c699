//! CloudEvents over HTTP, by the HTTP Protocol Binding 1.0.2: structured, in a batch, and binary.

use std::sync::Arc;

use aws_lambda_events::event::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::http::HeaderMap;
use aws_lambda_events::http::header::CONTENT_TYPE;
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
        let outcome = match self.count_events(vec![event], caller).await {
            Ok(mut outcomes) => outcomes.pop().expect("each event has an outcome"),
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
        let events = events.into_iter().map(UsageEvent::read).collect();
        let outcomes = match self.count_events(events, caller).await {
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

    /// Counts events, and gives the outcome of each, in their order. One that fails keeps no other
    /// from being counted.
    async fn count_events(
        &self,
        events: Vec<Result<UsageEvent, EventError>>,
        caller: &Caller,
    ) -> Result<Vec<EventOutcome>, Arc<StoreError>> {
        let reports = events.iter().flatten().map(|event| &event.report).collect::<Vec<_>>();
        let mut counted = self.count_all(&reports, caller).await.into_iter();
        let outcomes = events.into_iter().map(|event| match event {
            Ok(UsageEvent { name, .. }) => {
                let counted = counted.next().expect("each report has an outcome");
                let (became, reason) = match counted {
                    Ok(counting) => became(&counting),
                    Err(CountError::NotAdmitted(NotAdmitted::Denied(denied))) => {
                        (Became::Forbidden, Some(denied.to_string()))
                    }
                    Err(CountError::NotAdmitted(NotAdmitted::Store(error))) => {
                        return Err(Arc::new(error));
                    }
                    Err(CountError::Store(error)) => return Err(error),
                };
                Ok(EventOutcome::of(name, became, reason))
            }
            Err(EventError { name, why }) => {
                Ok(EventOutcome::of(name, Became::Malformed, Some(why.to_string())))
            }
        });
        outcomes.collect()
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
