//! Answers to requests of an HTTP API, payload format 2.0: JSON, and problem details (RFC 9457)
//! when not all went well.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::http::HeaderValue;
use aws_lambda_events::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};

/// The body of a request.
///
/// # Errors
///
/// When it says that it is Base64 and isn't; the text says what is wrong.
pub fn body(request: ApiGatewayV2httpRequest) -> Result<Vec<u8>, String> {
    use base64::Engine;
    let body = request.body.unwrap_or_default();
    if !request.is_base64_encoded {
        return Ok(body.into_bytes());
    }
    base64::prelude::BASE64_STANDARD.decode(body).map_err(|error| error.to_string())
}

/// Refuses a request that is not for this path, or not by POST.
#[must_use]
pub fn refusal(request: &ApiGatewayV2httpRequest, path: &str) -> Option<ApiGatewayV2httpResponse> {
    if request.raw_path.as_deref() != Some(path) {
        let detail = format!("there is nothing here; the way in is POST {path}");
        return Some(problem(404, "not-found", &detail, json!({})));
    }
    if request.request_context.http.method != "POST" {
        let detail = format!("{path} takes POST only");
        let mut refused = problem(405, "method-not-allowed", &detail, json!({}));
        refused.headers.insert(ALLOW, HeaderValue::from_static("POST"));
        return Some(refused);
    }
    None
}

/// 503: nothing is lost, and the same request may be sent again.
#[must_use]
pub fn unavailable(detail: &str) -> ApiGatewayV2httpResponse {
    let mut answer = problem(503, "unavailable", detail, json!({}));
    answer.headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    answer
}

/// Problem details, with `more` as extension members.
#[must_use]
pub fn problem(status: u16, kind: &str, detail: &str, more: Value) -> ApiGatewayV2httpResponse {
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

/// A JSON document.
#[must_use]
pub fn json_answer(status: u16, body: &Value) -> ApiGatewayV2httpResponse {
    response(status, "application/json", body)
}

/// A plain text.
#[must_use]
pub fn text_answer(status: u16, body: &str) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status.into();
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.body = Some(body.to_owned().into());
    response
}

fn response(status: u16, content_type: &'static str, body: &Value) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status.into();
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.body = Some(body.to_string().into());
    response
}
