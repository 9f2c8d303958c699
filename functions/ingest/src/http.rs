//! The HTTP way in: `POST /v1/usage`, answered with a proper status and, when not all went well,
//! problem details (RFC 9457).

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::http::HeaderValue;
use aws_lambda_events::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use steelyard_store::Counted;

use crate::count::{Counter, Counting};
use crate::report::{ReportError, UsageReport};

/// The path of usage reports.
pub const USAGE_PATH: &str = "/v1/usage";

/// Answers one request.
pub(crate) async fn answer(
    counter: &Counter,
    request: ApiGatewayV2httpRequest,
) -> ApiGatewayV2httpResponse {
    if request.raw_path.as_deref() != Some(USAGE_PATH) {
        return problem(
            404,
            "not-found",
            "there is nothing here; usage reports go to POST /v1/usage",
            json!({}),
        );
    }
    if request.request_context.http.method != "POST" {
        let mut refused =
            problem(405, "method-not-allowed", "usage reports are sent by POST", json!({}));
        refused.headers.insert(ALLOW, HeaderValue::from_static("POST"));
        return refused;
    }
    let report = body(request).and_then(|body| UsageReport::read(&body));
    match report {
        Err(error) => refused_report(&error),
        Ok(report) => match counter.count(&report).await {
            Ok(counting) => counted(&counting),
            Err(error) => unavailable(&error),
        },
    }
}

fn body(request: ApiGatewayV2httpRequest) -> Result<Vec<u8>, ReportError> {
    let body = request.body.unwrap_or_default();
    if !request.is_base64_encoded {
        return Ok(body.into_bytes());
    }
    BASE64_STANDARD.decode(body).map_err(|error| ReportError::Malformed(error.to_string()))
}

fn refused_report(error: &ReportError) -> ApiGatewayV2httpResponse {
    let (status, kind) = match error {
        ReportError::TooLarge(_) | ReportError::TooManyRecords(_) => (413, "report-too-large"),
        ReportError::Malformed(_) => (400, "report-malformed"),
    };
    problem(status, kind, &error.to_string(), json!({}))
}

/// 200 when everything is counted; otherwise a problem that says, besides, what is.
fn counted(counting: &Counting) -> ApiGatewayV2httpResponse {
    let outcome = json!(counting);
    if counting.providers.values().any(|counted| *counted == Counted::Conflict) {
        let detail = "the report's id was used before for another content; nothing was counted for \
                      the providers marked `conflict`";
        return problem(409, "report-conflict", detail, outcome);
    }
    if !counting.refused.is_empty() {
        let detail = format!(
            "{} records were refused; the others, if any, are counted",
            counting.refused.len()
        );
        return problem(422, "records-refused", &detail, outcome);
    }
    response(200, "application/json", &outcome)
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> ApiGatewayV2httpResponse {
    tracing::error!(error, "cannot count a report");
    let detail = "the report could not be counted whole; send the same report again";
    let mut answer = problem(503, "unavailable", detail, json!({}));
    answer.headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    answer
}

/// Problem details, with `more` as extension members.
fn problem(status: u16, kind: &str, detail: &str, more: Value) -> ApiGatewayV2httpResponse {
    let mut problem = json!({
        "type": format!("tag:steelyard,2026:{kind}"),
        "title": kind.replace('-', " "),
        "status": status,
        "detail": detail,
    });
    if let (Some(problem), Value::Object(more)) = (problem.as_object_mut(), more) {
        problem.extend(more);
    }
    response(status, "application/problem+json", &problem)
}

fn response(status: u16, content_type: &'static str, body: &Value) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status.into();
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.body = Some(body.to_string().into());
    response
}
