//! The HTTP ways in, `POST /v1/usage` and `POST /v1/usage/void`, answered with a proper status and, when
//! not all went well, problem details (RFC 9457).

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::json;
use steelyard_runtime::{Problem, web};

use crate::count::{Counter, Counting};
use crate::report::{REPORT_BYTES_MAX, ReportError, UsageReport};
use crate::void::{Void, VoidError, Voider};

/// The path of usage reports.
pub const USAGE_PATH: &str = "/v1/usage";

/// The path of withdrawals.
pub const VOID_PATH: &str = "/v1/usage/void";

/// Who withdraws a report where nobody is asked for a name, as on a local stack.
const UNNAMED: &str = "an API without authorization";

/// The largest request to withdraw a report, in bytes.
const VOID_BYTES_MAX: usize = 8_192;

/// Answers one request.
pub(crate) async fn answer(
    counter: &Counter,
    voider: &Voider,
    request: ApiGatewayV2httpRequest,
) -> ApiGatewayV2httpResponse {
    if request.raw_path.as_deref() == Some(VOID_PATH) {
        return void(voider, request).await;
    }
    if let Some(refusal) = web::refusal(&request, USAGE_PATH) {
        return refusal;
    }
    let body = match web::body(request, REPORT_BYTES_MAX) {
        Ok(body) => body,
        Err(error) => return web::refused_body(&error),
    };
    match UsageReport::read(&body) {
        Err(error) => refused_report(&error),
        Ok(report) => match counter.count(&report).await {
            Ok(counting) => counted(&counting),
            Err(error) => unavailable(&error),
        },
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
    if !counting.refused.is_empty() {
        let detail =
            format!("records refused: {}; the others, if any, are counted", counting.refused.len());
        return web::problem(Problem::RecordsRefused, &detail, outcome);
    }
    web::json_answer(200, &outcome)
}

async fn void(voider: &Voider, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
    if let Some(refusal) = web::refusal(&request, VOID_PATH) {
        return refusal;
    }
    let by = web::caller(&request).unwrap_or_else(|| UNNAMED.to_owned());
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
    match voider.void(&void, &by).await {
        Ok(days) => web::json_answer(200, &json!({ "days": days })),
        Err(VoidError::Store(error)) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "cannot withdraw a report");
            web::unavailable("the report could not be withdrawn whole; send the same request again")
        }
        Err(error @ VoidError::Unreadable(_)) => web::unavailable(&error.to_string()),
        Err(error @ VoidError::UnknownProvider(_)) => {
            web::problem(Problem::NoProvider, &error.to_string(), json!({}))
        }
        Err(error @ VoidError::Closed(_)) => {
            web::problem(Problem::MonthClosed, &error.to_string(), json!({}))
        }
        Err(error @ VoidError::NoReport { .. }) => {
            web::problem(Problem::NoReport, &error.to_string(), json!({}))
        }
    }
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> ApiGatewayV2httpResponse {
    tracing::error!(error, "cannot count a report");
    web::unavailable("the report could not be counted whole; send the same report again")
}
