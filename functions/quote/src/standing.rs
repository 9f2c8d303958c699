//! `GET /v1/standing/{provider}`: what a provider's arrears mean for its calls, for gateways. `GET
//! /v1/standing`: of which providers that changed.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde::Serialize;
use serde_json::json;
use steelyard_billing::event::{EventData, StandingChanged, Subject};
use steelyard_billing::{Caller, IdError, ProviderId, Right, Standing};
use steelyard_runtime::{NoStanding, Problem, chain, report_unreadable, web};
use steelyard_store::{StoreError, event_data};

use crate::Quotes;

/// The path of a provider's standing, as the API's route has it.
pub const STANDING_PATH: &str = "/v1/standing/{provider}";

/// The path of what changed of the providers' standings.
pub const STANDING_CHANGES_PATH: &str = "/v1/standing";

/// How many events one answer looks through: with the longest reasons the answer takes less than
/// half of the 6 MB that Lambda answers with.
pub const CHANGES_MAX: u16 = 1_000;

/// Why a standing is not returned.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the id of the provider cannot be one")]
    Provider(#[from] IdError),
    #[error("there is no provider `{0}`")]
    Unknown(ProviderId),
    #[error(
        "`since` is the number of a change, 0 for all that are kept; there is no other parameter"
    )]
    Since,
    #[error(transparent)]
    Standing(#[from] NoStanding),
    #[error("the account, or the changes, cannot be read")]
    Store(#[from] StoreError),
}

/// What changed since a number.
#[derive(Debug, Serialize)]
struct Changes {
    /// The changes, in their order.
    changes: Vec<Change>,
    /// The number to ask since next: that of the last event that was looked at.
    since: u64,
}

/// A change, by its number among the platform's events.
#[derive(Debug, Serialize)]
struct Change {
    number: u64,
    #[serde(flatten)]
    changed: Box<StandingChanged>,
}

impl Quotes {
    pub(crate) async fn answer_standing(
        &self,
        provider: &str,
        request: &ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        if request.request_context.http.method != "GET" {
            return web::wrong_method(STANDING_PATH, "GET");
        }
        let provider: ProviderId = match provider.parse() {
            Ok(provider) => provider,
            Err(error) => return refused(&Refusal::from(error)),
        };
        let caller = web::caller(request);
        if let Err(error) = self.guard.admit(&caller, Right::Standing, Some(&provider)).await {
            return web::not_admitted(&error);
        }
        match self.standing(provider).await {
            Ok(standing) => web::json_answer(200, &json!(standing)),
            Err(refusal) => refused(&refusal),
        }
    }

    pub(crate) async fn answer_changes(
        &self,
        request: &ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        if request.request_context.http.method != "GET" {
            return web::wrong_method(STANDING_CHANGES_PATH, "GET");
        }
        let caller = web::caller(request);
        if let Err(error) = self.guard.admit(&caller, Right::Standing, None).await {
            return web::not_admitted(&error);
        }
        let query = request.raw_query_string.as_deref().unwrap_or_default();
        match self.changes(&caller, query).await {
            Ok(changes) => web::json_answer(200, &json!(changes)),
            Err(refusal) => refused(&refusal),
        }
    }

    async fn standing(&self, provider: ProviderId) -> Result<Standing, Refusal> {
        let now = self.clock.now();
        let billing = &self.settler.books.billing;
        let account = billing.account(&provider).await?.ok_or(Refusal::Unknown(provider))?;
        Ok(self.standings.of(&account.account, now).await?)
    }

    /// What changed of the providers that a caller may ask for.
    async fn changes(&self, caller: &Caller, query: &str) -> Result<Changes, Refusal> {
        let since = since(query).ok_or(Refusal::Since)?;
        let found = self.events.events_after(&Subject::Platform, since, CHANGES_MAX).await?;
        report_unreadable(&found.unreadable);
        let mut told = Changes { changes: Vec::new(), since };
        for event in found.readable {
            told.since = event.sequence;
            let data = event_data(&event).inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::error!(id = %event.id, error, unreadable_items = 1, "an event is left out");
            });
            let Ok(EventData::StandingChanged(changed)) = data else { continue };
            let provider = &changed.standing.provider;
            if self.guard.may_see(caller, Right::Standing, provider).await? {
                told.changes.push(Change { number: event.sequence, changed });
            }
        }
        Ok(told)
    }
}

/// The number after which changes are asked for; none if the parameters say something else.
fn since(query: &str) -> Option<u64> {
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let since = match parameters.next() {
        None => 0,
        Some((name, value)) => value.parse().ok().filter(|_| name == "since")?,
    };
    parameters.next().is_none().then_some(since)
}

fn refused(refusal: &Refusal) -> ApiGatewayV2httpResponse {
    let problem = match refusal {
        Refusal::Provider(_) | Refusal::Since => Problem::MalformedRequest,
        Refusal::Unknown(_) => Problem::NoProvider,
        Refusal::Standing(_) | Refusal::Store(_) => {
            let error: &dyn std::error::Error = refusal;
            tracing::error!(error, "cannot tell a standing");
            return web::unavailable("the standing can't be told; ask again");
        }
    };
    web::problem(problem, &chain(refusal), json!({}))
}
