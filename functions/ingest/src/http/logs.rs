//! The logs that gateways and log shippers post, read by a stored rule.
//!
//! A post is repeated until it is answered with success. So what is counted of it counts once: a
//! call with an id of its own by that id, in whatever post it comes, and all others by the content
//! of the whole post.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::json;
use sha2::{Digest, Sha256};
use steelyard_billing::{Caller, ReportId, SourceId, hex};
use steelyard_import::{Batch, PostError, Summary};
use steelyard_metering::{ImportError, NoRule, count_identified, count_post};
use steelyard_pricing::Name;
use steelyard_runtime::{Problem, web};

use crate::Ingest;

/// The path of logs, with the name of their rule.
pub const LOGS_PATH: &str = "/v1/logs/{rule}";

pub(super) const LOGS_PREFIX: &str = "/v1/logs/";

/// The largest post of logs, in bytes, packed and unpacked.
pub const POST_BYTES_MAX: usize = 4_000_000;

impl Ingest {
    /// Answers a post. A line that cannot be counted is named in the answer and in the log, and
    /// does not fail the post: a gateway would send it again and again, and hold back the posts
    /// behind it.
    pub(super) async fn answer_logs(
        &self,
        request: ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        let path = request.raw_path.clone().unwrap_or_default();
        if request.request_context.http.method != "POST" {
            return web::wrong_method(LOGS_PATH, "POST");
        }
        let name = path.strip_prefix(LOGS_PREFIX).unwrap_or_default();
        let Ok(name) = name.parse::<Name>() else {
            return web::problem(Problem::NotFound, &NoRule::Unknown.to_string(), json!({}));
        };
        let source = match source_of(&request, &name) {
            Ok(source) => source,
            Err(detail) => return web::problem(Problem::MalformedRequest, &detail, json!({})),
        };
        let caller = web::caller(&request);
        let rule = match self.rules.rule(&name, self.counter.now()).await {
            Ok(rule) => rule,
            Err(error) => return refused_rule(&error),
        };
        let body = match web::body(request, POST_BYTES_MAX) {
            Ok(body) => body,
            Err(error) => return web::refused_body(&error),
        };
        let batch = match Batch::of_post(&body, &rule, self.counter.calendar()) {
            Ok(batch) => batch,
            Err(error) => {
                let problem = match &error {
                    PostError::Json(_) => Problem::MalformedRequest,
                    PostError::TooMany(entries) => {
                        tracing::warn!(
                            %caller, source.id = %source, logs_not_counted = *entries,
                            "a post of logs is too large"
                        );
                        Problem::TooManyRecords
                    }
                };
                return web::problem(problem, &error.to_string(), json!({}));
            }
        };
        self.count_logs(batch, (&source, post_id(&body)), &caller).await
    }

    async fn count_logs(
        &self,
        batch: Batch,
        (source, id): (&SourceId, ReportId),
        caller: &Caller,
    ) -> ApiGatewayV2httpResponse {
        let allowance = match self.guard.reporting(caller, source).await {
            Ok(allowance) => allowance,
            Err(error) => return web::not_admitted(&error),
        };
        let mut summary = Summary::default();
        summary.read(&batch);
        let by = (&self.counter, &allowance);
        let counting = async {
            count_identified(batch.identified, source, by, &mut summary).await?;
            count_post(batch.days, (source, id.clone()), by, &mut summary).await.map(|_| ())
        };
        if let Err(error) = counting.await {
            return unavailable(&error);
        }
        let outcome = json!(summary);
        if !summary.is_complete() {
            tracing::warn!(
                %caller, source.id = %source, report.id = %id, %outcome,
                logs_not_counted = summary.not_counted(),
                "a post of logs is not counted whole"
            );
        }
        if summary.is_to_be_sent_again {
            return web::unavailable(
                "what is stored of some calls cannot be read; send the same post again: the others are counted",
            );
        }
        web::json_answer(200, &outcome)
    }
}

/// The source that posts: the one that the address names, or the one that is named as the rule is.
fn source_of(request: &ApiGatewayV2httpRequest, rule: &Name) -> Result<SourceId, String> {
    let query = request.raw_query_string.as_deref().unwrap_or_default();
    let mut sources = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "source");
    let named = sources.next().map(|(_, value)| value.into_owned());
    if sources.next().is_some() {
        return Err("source is given twice".to_owned());
    }
    let source = named.unwrap_or_else(|| rule.to_string());
    source.parse::<SourceId>().map_err(|error| format!("source: {error}"))
}

/// The report of what a post says without ids: the same content is the same report.
fn post_id(body: &[u8]) -> ReportId {
    let digest = hex(&Sha256::digest(body), 32);
    format!("post-{digest}").parse().expect("a digest is an id")
}

fn refused_rule(error: &NoRule) -> ApiGatewayV2httpResponse {
    match error {
        NoRule::Unknown => web::problem(Problem::NotFound, &error.to_string(), json!({})),
        NoRule::Refused(_) | NoRule::Unreadable(_) | NoRule::Store(_) => {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(error, "cannot read a rule");
            web::unavailable("the rule cannot be read; send the same post again")
        }
    }
}

fn unavailable(error: &ImportError) -> ApiGatewayV2httpResponse {
    let error: &(dyn std::error::Error + 'static) = error;
    tracing::error!(error, "cannot count a post of logs");
    web::unavailable("the post could not be counted whole; send the same post again")
}
