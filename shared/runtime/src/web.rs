//! Answers to requests of an HTTP API, payload format 2.0: JSON, and problem details (RFC 9457)
//! when not all went well.

use std::io::Read;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::http::HeaderValue;
use aws_lambda_events::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use base64::DecodeError;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use steelyard_billing::Caller;
use thiserror::Error;

use crate::{NotAdmitted, Problem, chain};

/// Why the body of a request is not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// The body is larger than the route allows.
    #[error("the body has more than {max} bytes, which are the most")]
    TooLarge {
        /// The most bytes that the route takes.
        max: usize,
    },
    /// It is marked as Base64, and is not.
    #[error("the body is not Base64")]
    NotBase64(#[from] DecodeError),
    /// It is marked as gzip, and is not, or is cut off.
    #[error("the body is not gzip: {cause}")]
    NotGzip {
        /// The gzip decoder's message.
        cause: String,
    },
    /// It has another encoding than gzip.
    #[error("the body is encoded as {encoding:?}; only gzip is read")]
    Encoding {
        /// The request's `Content-Encoding`.
        encoding: String,
    },
}

/// The body of a request, unpacked if it is gzip. It has at most `max` bytes, packed and unpacked.
///
/// # Errors
///
/// [`BodyError`]. No more than `max` bytes are unpacked.
pub fn body(request: ApiGatewayV2httpRequest, max: usize) -> Result<Vec<u8>, BodyError> {
    let body = request.body.unwrap_or_default();
    let sent_max = if request.is_base64_encoded { max.div_ceil(3) * 4 } else { max };
    if body.len() > sent_max {
        return Err(BodyError::TooLarge { max });
    }
    let body = match request.is_base64_encoded {
        true => BASE64_STANDARD.decode(body)?,
        false => body.into_bytes(),
    };
    if body.len() > max {
        return Err(BodyError::TooLarge { max });
    }
    match request.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None => Ok(body),
        Some(name) if name.eq_ignore_ascii_case(b"identity") => Ok(body),
        Some(name) if name.eq_ignore_ascii_case(b"gzip") => unpacked(&body, max),
        Some(name) => {
            Err(BodyError::Encoding { encoding: String::from_utf8_lossy(name).into_owned() })
        }
    }
}

/// The content of gzip members, read only as far as it is allowed to be long.
fn unpacked(packed: &[u8], max: usize) -> Result<Vec<u8>, BodyError> {
    let beyond_max = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(packed).take(beyond_max).read_to_end(&mut unpacked);
    read.map_err(|error| BodyError::NotGzip { cause: error.to_string() })?;
    if unpacked.len() > max { Err(BodyError::TooLarge { max }) } else { Ok(unpacked) }
}

/// The answer to a request whose body is not read.
#[must_use]
pub fn refused_body(error: &BodyError) -> ApiGatewayV2httpResponse {
    let kind = match error {
        BodyError::TooLarge { .. } => Problem::BodyTooLarge,
        BodyError::NotBase64(_) | BodyError::NotGzip { .. } => Problem::MalformedRequest,
        BodyError::Encoding { .. } => Problem::UnsupportedEncoding,
    };
    problem(kind, &chain(error), json!({}))
}

/// Refuses a request that is not for this path, or not by POST.
#[must_use]
pub fn refusal(request: &ApiGatewayV2httpRequest, path: &str) -> Option<ApiGatewayV2httpResponse> {
    if request.raw_path.as_deref() != Some(path) {
        let detail = format!("there is nothing here; the way in is POST {path}");
        return Some(problem(Problem::NotFound, &detail, json!({})));
    }
    if request.request_context.http.method != "POST" {
        return Some(wrong_method(path, "POST"));
    }
    None
}

/// The answer to a request by another method than the one that a path takes.
#[must_use]
pub fn wrong_method(path: &str, allowed: &'static str) -> ApiGatewayV2httpResponse {
    let detail = format!("{path} takes {allowed} only");
    let mut refused = problem(Problem::MethodNotAllowed, &detail, json!({}));
    refused.headers.insert(ALLOW, HeaderValue::from_static(allowed));
    refused
}

/// The caller that signed a request, as API Gateway reports it; no header or body has a part in it.
/// Of a request to an API that asks for no signature nothing is known.
#[must_use]
pub fn caller(request: &ApiGatewayV2httpRequest) -> Caller {
    let authorizer = request.request_context.authorizer.as_ref();
    let iam = authorizer.and_then(|authorizer| authorizer.iam.as_ref());
    Caller::from_identities(
        iam.into_iter().flat_map(|iam| [&iam.user_arn, &iam.user_id]).flatten().map(String::as_str),
    )
}

/// The answer to a request that the guard does not admit.
#[must_use]
pub fn not_admitted(error: &NotAdmitted) -> ApiGatewayV2httpResponse {
    match error {
        NotAdmitted::Denied(denied) => problem(Problem::Forbidden, &denied.to_string(), json!({})),
        NotAdmitted::Store(error) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "cannot read the access grants");
            unavailable("the access grants cannot be read; send the request again")
        }
    }
}

/// After how many seconds a request that failed may be sent again.
pub const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("5");

/// 503: nothing is lost, and the same request may be sent again.
#[must_use]
pub fn unavailable(detail: &str) -> ApiGatewayV2httpResponse {
    let mut answer = problem(Problem::Unavailable, detail, json!({}));
    answer.headers.insert(RETRY_AFTER, RETRY_AFTER_S);
    answer
}

/// Problem details, with `more` as extension members.
#[must_use]
pub fn problem(problem: Problem, detail: &str, more: Value) -> ApiGatewayV2httpResponse {
    let body = problem_body(problem, detail, more);
    response(problem.status(), "application/problem+json", &body)
}

/// The document of problem details.
#[must_use]
pub fn problem_body(problem: Problem, detail: &str, more: Value) -> Value {
    let mut body = json!({
        "type": format!("tag:steelyard,2026:{}", problem.kind()),
        "title": problem.kind().replace('-', " "),
        "status": problem.status(),
        "detail": detail,
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
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
