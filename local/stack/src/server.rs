//! What the local stack serves over HTTP, on one port: its start page, the pages of providers and
//! operators, the usage, quote, offer and notification APIs, the Alipay gateway, the stack's
//! status, and the AWS services for tools.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use steelyard_ingest::{LOGS_PATH, USAGE_PATH, VOID_PATH};
use steelyard_local_aws::{Embedded, LocalFunction, LocalObjects, access_key, invoked_function};
use steelyard_notify::NOTIFY_PATH;
use steelyard_offers::{MANDATES_PATH, RECHARGES_PATH};
use steelyard_portal::SESSIONS_PATH;
use steelyard_quote::{PROVIDER_USAGE_PATH, QUOTES_PATH, STANDING_CHANGES_PATH, STANDING_PATH};
use steelyard_runtime::{Problem, web};

use super::catcher;
use super::functions::Functions;
use super::start::StartPages;
use super::status;

/// Every route of a stack. The embedded services answer the requests of AWS tools at any path.
pub(crate) fn router(
    functions: &Functions,
    embedded: &Arc<Embedded>,
    objects: &LocalObjects,
    start: StartPages,
) -> Router {
    let route = |function: &LocalFunction| {
        let function = function.clone();
        any(move |method, uri, headers, body| invoke(function, method, uri, headers, body))
    };
    let usage_of_provider = || {
        let function = functions.quote.clone();
        get(move |method, uri, headers, body| invoke(function, method, uri, headers, body))
    };
    let aws = steelyard_local_aws::router(Arc::clone(embedded)).layer(from_fn(aws_or_nothing));
    Router::new()
        .route(USAGE_PATH, route(&functions.ingest))
        .route(LOGS_PATH, route(&functions.ingest))
        .route(VOID_PATH, usage_of_provider().fallback_service(route(&functions.ingest)))
        .route(PROVIDER_USAGE_PATH, route(&functions.quote))
        .route(STANDING_PATH, route(&functions.quote))
        .route(STANDING_CHANGES_PATH, route(&functions.quote))
        .route(QUOTES_PATH, route(&functions.quote))
        .route(RECHARGES_PATH, route(&functions.offers))
        .route(MANDATES_PATH, route(&functions.offers))
        .route(NOTIFY_PATH, route(&functions.notify))
        .route(SESSIONS_PATH, route(&functions.portal))
        .route("/portal/{*page}", route(&functions.portal))
        .route("/v1/providers/{*of}", route(&functions.portal))
        .route("/v1/openapi.json", route(&functions.portal))
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        // `door` bounds all bodies, and each function its own.
        .layer(DefaultBodyLimit::disable())
        .merge(objects.router())
        .merge(catcher::routes())
        .merge(status::routes(&start.clock, &start.rules))
        .merge(start.alipay.router())
        .merge(start.routes(aws.clone()))
        .fallback_service(aws)
}

/// The answer of the embedded services to a request of an AWS tool, which names the operation in a
/// header, or is a signed one for Lambda; for all others nothing is here.
async fn aws_or_nothing(request: Request, aws: Next) -> Response {
    if request.headers().contains_key("x-amz-target") || is_invocation(&request) {
        return aws.run(request).await;
    }
    let detail = format!(
        "nothing is at {}; the APIs are POST {USAGE_PATH}, {VOID_PATH}, {LOGS_PATH}, {QUOTES_PATH}, {RECHARGES_PATH} and {MANDATES_PATH}, and GET {PROVIDER_USAGE_PATH} and /healthz",
        request.uri().path()
    );
    problem(Problem::NotFound, &detail)
}

/// Whether a request is a signed one that invokes a function.
fn is_invocation(request: &Request) -> bool {
    let authorization = request.headers().get(AUTHORIZATION);
    let signer = authorization.and_then(|value| access_key(value.to_str().ok()?));
    signer.is_some() && invoked_function(request.uri().path()).is_some()
}

/// Problem details, as the functions answer them.
pub(super) fn problem(kind: Problem, detail: &str) -> Response {
    match serde_json::to_value(web::problem(kind, detail, json!({}))) {
        Ok(answer) => http_response(&answer),
        Err(error) => {
            tracing::error!(%error, "problem details are no JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Invokes the function as API Gateway's HTTP API does, with payload format 2.0.
async fn invoke(
    function: LocalFunction,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = uri.path_and_query().map_or(uri.path(), PathAndQuery::as_str);
    match function.invoke(http_event(&method, target, &headers, &body)).await {
        Ok(answer) => http_response(&answer),
        Err(error) => {
            tracing::error!(error, "invocation failed");
            (StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#)
                .into_response()
        }
    }
}

/// The event that API Gateway makes of an HTTP request for a path, with or without a query, in
/// payload format 2.0. The access key id of a signed request becomes the name of an IAM user; no
/// signature is checked here.
#[must_use]
pub fn http_event(method: &Method, target: &str, headers: &HeaderMap, body: &[u8]) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = std::str::from_utf8(body).ok();
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let authorizer = authorization.and_then(access_key).map(|user| {
        json!({ "iam": {
        "accessKey": user, "accountId": "000000000000", "userId": user,
        "userArn": format!("arn:aws:iam::000000000000:user/{user}"),
    } })
    });
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(|value| value.split("; ")).collect::<Vec<_>>();
    let headers = headers
        .iter()
        .filter(|(name, _)| *name != COOKIE)
        .filter_map(|(name, value)| Some((name.to_string(), Value::from(value.to_str().ok()?))))
        .collect::<serde_json::Map<_, _>>();
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": query,
        "pathParameters": path_parameters(path),
        "cookies": cookies,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000", "apiId": "local", "domainName": "localhost",
            "domainPrefix": "local", "requestId": "local", "routeKey": format!("{method} {path}"),
            "stage": "$default", "time": "", "timeEpoch": 0, "authorizer": authorizer,
            "http": {
                "method": method.as_str(), "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "",
            },
        },
        "body": text.unwrap_or(&BASE64_STANDARD.encode(body)),
        "isBase64Encoded": text.is_none(),
    })
}

/// What the routes of the API name in a path, decoded as API Gateway does.
fn path_parameters(path: &str) -> Value {
    let mut routes = [PROVIDER_USAGE_PATH, STANDING_PATH].into_iter();
    let named = |route: &str| path.strip_prefix(route.split_once('{')?.0);
    match routes.find_map(named).filter(|rest| !rest.contains('/')) {
        Some(provider) => {
            json!({ "provider": percent_decode_str(provider).decode_utf8_lossy() })
        }
        None => json!({}),
    }
}

fn http_response(answer: &Value) -> Response {
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut response = Response::builder().status(status.unwrap_or(502));
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        response = response.header(name, value.as_str().unwrap_or_default());
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        response = response.header(SET_COOKIE, cookie.as_str().unwrap_or_default());
    }
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true {
        let Ok(bytes) = BASE64_STANDARD.decode(text) else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        bytes
    } else {
        text.to_owned().into_bytes()
    };
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}
