//! The OpenAPI document: what describes all routes, where it is served, and the page that shows it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use steelyard_pages::reference::ReferencePage;
use steelyard_runtime::Problem;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use super::Callers;
use crate::refusal::{Answer, Refusal};
use crate::seal::COOKIE;
use crate::{Shared, asker, page};

/// The version of the API: the `v1` of its paths.
const VERSION: &str = "1";

const DESCRIPTION: &str = "\
What the pages of a provider show, as JSON, and what they let a provider do.

Amounts in answers are whole fen, a hundredth of a yuan, in fields that end in `_fen`. Amounts in requests \
are texts in yuan, such as `\"50.00\"`. Times are seconds of Unix time, in fields that end in `_s`; days and \
months are those of the platform's calendar, such as `2015-05-17` and `2015-05`.

A list is read page by page: give `older_before` of an answer as `before`. The last page has no \
`older_before`.

A request that changes something has an `Idempotency-Key` of 1 to 255 characters. Sent again with the same \
key, it has its effect once.

A request that is not carried out is answered with problem details (RFC 9457). Decide by `type`.

Other routes are on another API of the platform and are described in the documentation of Steelyard: \
`POST /v1/usage` and `POST /v1/usage/void` (usage reports), `GET /v1/usage/{provider}` (usage by API, rate, \
day and source), `POST /v1/quotes` (prices, alone and on top of a month), `POST /v1/recharges` and \
`POST /v1/mandates` (offers for any provider).";

/// The OpenAPI document, made once.
pub(super) static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| {
    let mut document = super::routes().into_openapi();
    document.info.title = "Steelyard".to_owned();
    document.info.version = VERSION.to_owned();
    document.info.description = Some(DESCRIPTION.to_owned());
    document.info.license = None;
    document.info.contact = None;
    let components = document.components.get_or_insert_default();
    components.schemas.insert(PROBLEM.to_owned(), problem_schema().into());
    components.security_schemes.extend(schemes());
    document
});

/// The document as JSON, made once.
static VALUE: LazyLock<serde_json::Result<Value>> =
    LazyLock::new(|| serde_json::to_value(&*DOCUMENT));

/// The OpenAPI document
///
/// It describes every route of this API, and is made of the code that answers.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    responses((status = 200, description = "The document, by OpenAPI 3.1.", body = Object))
)]
pub(super) async fn openapi() -> Response {
    ([(CACHE_CONTROL, "public, max-age=3600")], Json(&*DOCUMENT)).into_response()
}

/// The page that lists the routes of the document.
pub(crate) async fn reference(State(shared): State<Shared>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    let document = VALUE.as_ref().map_err(|error| Refusal::unavailable(error.to_string()))?;
    Ok(page(&ReferencePage::new(&asker::frame(&parts, &shared), document)))
}

/// The page of a route or of a schema of the document.
pub(crate) async fn reference_of(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let (parts, _) = request.into_parts();
    let document = VALUE.as_ref().map_err(|error| Refusal::unavailable(error.to_string()))?;
    let frame = asker::frame(&parts, &shared);
    let found = ReferencePage::of(&frame, document, &id).ok_or(Refusal::NotFound)?;
    Ok(page(&found))
}

const IAM: &str = "iam";
const TOKEN: &str = "token";
const SESSION: &str = "session";

/// By what a route is open; nothing for anybody.
pub(super) fn security(callers: Callers) -> Vec<SecurityRequirement> {
    let by = |names: &[&str]| {
        names.iter().map(|name| SecurityRequirement::new(*name, [""; 0])).collect()
    };
    match callers {
        Callers::Anybody => Vec::new(),
        Callers::Servers => by(&[IAM]),
        Callers::Readers => by(&[IAM, TOKEN, SESSION]),
        Callers::Changers => by(&[IAM, SESSION]),
    }
}

fn schemes() -> [(String, RefOr<SecurityScheme>); 3] {
    let iam = ApiKeyValue::with_description(
        "Authorization",
        "AWS Signature Version 4 for the service `execute-api`: for the platform's servers. An operator \
         grants a caller the rights `accounts` (to read), `recharges`, `mandates` and `sessions`, each for \
         some providers or for all. Without a grant nobody has `accounts` and `sessions`; `recharges` and \
         `mandates`, as long as no grant names them, are open to every caller that IAM lets reach the API.",
    );
    let token = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "A token of the platform's issuer, for a provider's own programs: a claim names the provider. \
             It reads that provider's account and changes nothing. It works on the API for programs, if \
             the deployment has one.",
        ))
        .build();
    let session = ApiKeyValue::with_description(
        COOKIE,
        "The cookie of an open session. It works where no signature is asked for before: on the local \
         stack. Pages need no other.",
    );
    [
        (IAM.to_owned(), SecurityScheme::ApiKey(ApiKey::Header(iam)).into()),
        (TOKEN.to_owned(), SecurityScheme::Http(token).into()),
        (SESSION.to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(session)).into()),
    ]
}

/// The name of the schema of problem details.
const PROBLEM: &str = "Problem";

/// Adds the problems that a request may be answered with, by their status.
pub(super) fn describe_problems<'p>(
    operation: &mut Operation,
    problems: impl Iterator<Item = &'p Problem>,
) {
    let mut by_status = BTreeMap::<u16, Vec<String>>::new();
    for problem in problems {
        let kinds = by_status.entry(problem.status()).or_default();
        kinds.push(format!("`tag:steelyard,2026:{}`", problem.kind()));
    }
    for (status, kinds) in by_status {
        let schema = Ref::from_schema_name(PROBLEM);
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(kinds.join(" or "))
            .content("application/problem+json", content);
        operation.responses.responses.insert(status.to_string(), response.build().into());
    }
}

/// Problem details, as every route answers them.
fn problem_schema() -> Object {
    let types = Problem::ALL.map(|problem| json!(format!("tag:steelyard,2026:{}", problem.kind())));
    let text = |description: &str| {
        ObjectBuilder::new().schema_type(Type::String).description(Some(description))
    };
    let status = ObjectBuilder::new().schema_type(Type::Integer);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Why a request is not carried out (RFC 9457)."))
        .property("type", text("What programs decide by.").enum_values(Some(types)))
        .property("title", text("The type in words."))
        .property("status", status.description(Some("The status of the answer.")))
        .property("detail", text("What is wrong, for people. The wording may change."))
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expect_test::expect_file;
    use serde_json::Value;

    use super::*;

    #[test]
    fn committed_document_is_that_of_the_code() {
        // If it differs, run this test with UPDATE_EXPECT=1 and commit what it writes.
        let document = DOCUMENT.to_pretty_json().unwrap();
        expect_file!["../../../../docs/openapi.json"].assert_eq(&(document + "\n"));
    }

    /// The texts under a name, anywhere in a document.
    fn found<'v>(value: &'v Value, name: &str, into: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(members) => {
                into.extend(members.get(name).and_then(Value::as_str));
                members.values().for_each(|member| found(member, name, into));
            }
            Value::Array(items) => items.iter().for_each(|item| found(item, name, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let document = serde_json::to_value(&*DOCUMENT).unwrap();
        let mut references = BTreeSet::new();
        found(&document, "$ref", &mut references);
        assert!(references.len() > 40, "{references:?}");
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_request_with_a_body_has_a_schema_with_fields_and_takes_no_others() {
        let document = serde_json::to_value(&*DOCUMENT).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let bodies = items
            .flat_map(|item| item.as_object().unwrap().values())
            .filter_map(|operation| {
                operation.pointer("/requestBody/content/application~1json/schema")
            })
            .collect::<Vec<_>>();
        assert!(bodies.len() >= 5, "{bodies:?}");
        for body in bodies {
            let schema = body["$ref"].as_str().and_then(|of| document.pointer(&of[1..]));
            let schema = schema.unwrap_or_else(|| panic!("{body} is no schema"));
            assert!(!schema["properties"].as_object().unwrap().is_empty(), "{schema}");
            assert_eq!(schema["additionalProperties"], false, "{schema}");
        }
    }

    #[test]
    fn every_operation_says_what_it_is_whom_it_is_open_to_and_what_it_answers() {
        let document = serde_json::to_value(&*DOCUMENT).unwrap();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id), "{id} twice");
                let summary = operation["summary"].as_str().unwrap();
                assert!(!summary.is_empty() && !summary.ends_with('.'), "{id}: {summary}");
                let security = operation["security"].as_array().unwrap();
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('2')), "{id}");
                assert_eq!(responses.contains_key("401"), !security.is_empty(), "{id}");
                let parameters = operation["parameters"].as_array();
                let parameters = parameters.into_iter().flatten();
                let names = parameters.clone().map(|of| of["name"].as_str().unwrap());
                let names = names.collect::<BTreeSet<_>>();
                for name in path.split(['{', '}']).skip(1).step_by(2) {
                    assert!(names.contains(name), "{id}: {name}");
                }
                for parameter in parameters {
                    assert!(parameter["description"].is_string(), "{id}: {parameter}");
                    assert!(!parameter["example"].is_null(), "{id}: {parameter}");
                }
                let changes = method != "get" && path.contains("{provider}");
                assert_eq!(names.contains("Idempotency-Key"), changes, "{id}");
            }
        }
    }
}
