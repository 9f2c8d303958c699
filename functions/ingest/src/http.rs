//! The HTTP ways in, `POST /v1/usage`, `POST /v1/usage/void` and `POST /v1/logs/{rule}`, answered
//! with a proper status and, when not all went well, problem details (RFC 9457).

mod events;
mod logs;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::json;
use steelyard_billing::Caller;
use steelyard_metering::{Counting, Void, VoidError};
use steelyard_report::{EventError, REPORT_BYTES_MAX, ReportError, UsageEvent, UsageReport};
use steelyard_runtime::{Problem, web};

use self::events::Mode;
use self::logs::LOGS_PREFIX;
pub use self::logs::{LOGS_PATH, POST_BYTES_MAX};
use crate::{CountError, Ingest};

/// The path of usage reports.
pub const USAGE_PATH: &str = "/v1/usage";

/// The path of withdrawals.
pub const VOID_PATH: &str = "/v1/usage/void";

/// The author of a withdrawal where no caller has a name, as on a local stack.
const UNNAMED: &str = "an API without authorization";

/// The largest request to withdraw a report, in bytes.
const VOID_BYTES_MAX: usize = 8_192;

impl Ingest {
    /// Answers one request.
    pub(crate) async fn answer(
        &self,
        request: ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        match request.raw_path.as_deref() {
            Some(VOID_PATH) => return self.answer_void(request).await,
            Some(path) if path.starts_with(LOGS_PREFIX) => return self.answer_logs(request).await,
            Some(_) | None => {}
        }
        if let Some(refusal) = web::refusal(&request, USAGE_PATH) {
            return refusal;
        }
        let (caller, headers) = (web::caller(&request), request.headers.clone());
        let body = match web::body(request, REPORT_BYTES_MAX) {
            Ok(body) => body,
            Err(error) => return web::refused_body(&error),
        };
        match Mode::of(&headers) {
            Mode::Report => self.answer_report(&body, &caller).await,
            Mode::Events => self.answer_events(&body, &caller).await,
            Mode::Event => {
                let event = steelyard_json::parse(&body).map_err(EventError::from);
                self.answer_event(event.and_then(UsageEvent::read), &caller).await
            }
            Mode::Headers => {
                self.answer_event(UsageEvent::of_headers(&headers, &body), &caller).await
            }
        }
    }

    async fn answer_report(&self, body: &[u8], caller: &Caller) -> ApiGatewayV2httpResponse {
        let report = match UsageReport::read(body) {
            Ok(report) => report,
            Err(error) => return refused_report(&error),
        };
        match self.count(&report, caller).await {
            Ok(counting) => counted(&counting),
            Err(CountError::NotAdmitted(error)) => web::not_admitted(&error),
            Err(CountError::Store(error)) => unavailable(&error),
        }
    }

    async fn answer_void(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        if let Some(refusal) = web::refusal(&request, VOID_PATH) {
            return refusal;
        }
        let caller = web::caller(&request);
        let body = match web::body(request, VOID_BYTES_MAX) {
            Ok(body) => body,
            Err(error) => return web::refused_body(&error),
        };
        let void = match Void::read(&body) {
            Ok(void) => void,
            Err(error) => {
                return web::problem(Problem::MalformedRequest, &error.to_string(), json!({}));
            }
        };
        let admitted = self.guard.withdrawing(&caller, &void.source, &void.provider).await;
        if let Err(error) = admitted {
            return web::not_admitted(&error);
        }
        match self.voider.void(&void, caller.name().unwrap_or(UNNAMED)).await {
            Ok(days) => web::json_answer(200, &json!({ "days": days })),
            Err(error) => refused_void(&error),
        }
    }
}

fn refused_report(error: &ReportError) -> ApiGatewayV2httpResponse {
    let problem = match error {
        ReportError::TooLarge(_) => Problem::BodyTooLarge,
        ReportError::TooManyRecords(_) => Problem::TooManyRecords,
        ReportError::Malformed(_) => Problem::MalformedRequest,
    };
    web::problem(problem, &error.to_string(), json!({}))
}

/// 200 when everything is counted; otherwise a problem that says, besides, what is.
fn counted(counting: &Counting) -> ApiGatewayV2httpResponse {
    let outcome = json!(counting);
    if counting.has_conflict() {
        let detail = "the report's id was used before with other content, or for a report that was \
                      withdrawn; nothing was counted for the providers and days marked `conflict`";
        return web::problem(Problem::ReportConflict, detail, outcome);
    }
    if counting.is_forbidden {
        let detail = "the source may not report for these providers; nothing was counted";
        return web::problem(Problem::Forbidden, detail, outcome);
    }
    if !counting.refused.is_empty() {
        let detail =
            format!("records refused: {}; the others, if any, are counted", counting.refused.len());
        return web::problem(Problem::RecordsRefused, &detail, outcome);
    }
    web::json_answer(200, &outcome)
}

fn refused_void(error: &VoidError) -> ApiGatewayV2httpResponse {
    let problem = match error {
        VoidError::Store(error) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "cannot withdraw a report");
            return web::unavailable(
                "the report could not be withdrawn whole; send the same request again",
            );
        }
        VoidError::Unreadable(_) => return web::unavailable(&error.to_string()),
        VoidError::UnknownProvider(_) => Problem::NoProvider,
        VoidError::Closed(_) => Problem::MonthClosed,
        VoidError::IdUsed(_) => Problem::ReportConflict,
        VoidError::NoReport { .. } | VoidError::BeforeBilling { .. } => Problem::NoReport,
    };
    web::problem(problem, &error.to_string(), json!({}))
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> ApiGatewayV2httpResponse {
    tracing::error!(error, "cannot count a report");
    web::unavailable("the report could not be counted whole; send the same report again")
}
