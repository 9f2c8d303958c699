//! `GET /v1/standing/{provider}`: what a provider's arrears mean for its calls, for gateways.

use std::sync::Arc;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::json;
use steelyard_billing::{IdError, ProviderId, Right, Standing, StandingError};
use steelyard_runtime::{Problem, chain, report_unreadable, web};
use steelyard_store::{StoreError, StoredLadders};

use crate::Quotes;

/// The path of a provider's standing, as the API's route has it.
pub const STANDING_PATH: &str = "/v1/standing/{provider}";

/// Why a standing is not told.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the id of the provider cannot be one")]
    Provider(#[from] IdError),
    #[error("there is no provider `{0}`")]
    Unknown(ProviderId),
    #[error("the standing cannot be computed")]
    Standing(#[from] StandingError),
    #[error("the account, or the ladder, cannot be read")]
    Store(#[from] StoreError),
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

    async fn standing(&self, provider: ProviderId) -> Result<Standing, Refusal> {
        let now = self.clock.now();
        let books = &self.settler.books;
        let read = async {
            let StoredLadders { ladders, unreadable } = books.billing.ladders().await?;
            report_unreadable(&unreadable);
            Ok::<_, StoreError>(Arc::new(ladders))
        };
        let ladders = self.ladders.get(now, read).await?;
        let account = books.billing.account(&provider).await?.ok_or(Refusal::Unknown(provider))?;
        Ok(account.account.standing(&ladders, &books.rules.calendar, now)?)
    }
}

fn refused(refusal: &Refusal) -> ApiGatewayV2httpResponse {
    let problem = match refusal {
        Refusal::Provider(_) => Problem::MalformedRequest,
        Refusal::Unknown(_) => Problem::NoProvider,
        Refusal::Standing(_) | Refusal::Store(_) => {
            let error: &dyn std::error::Error = refusal;
            tracing::error!(error, "cannot compute a standing");
            return web::unavailable("the standing can't be computed; ask again");
        }
    };
    web::problem(problem, &chain(refusal), json!({}))
}
