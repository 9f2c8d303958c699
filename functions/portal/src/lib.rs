//! The portal function: what a provider asks for through the platform, and what Alipay notifies.
//!
//! `POST /v1/recharges` and `POST /v1/mandates` are for the platform's own servers, which know who
//! asks; `POST /alipay/notify` is for Alipay, and believes nothing but its signature.

mod mandate;
mod notify;
mod recharge;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use steelyard_alipay::{Alipay, SignScene};
use steelyard_billing::DebitTerms;
use steelyard_pricing::Fen;
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, alipay, aws, chain, web};
use steelyard_store::BillingTable;

use mandate::MandateError;
use notify::NotifyError;
use recharge::OfferError;

pub use notify::{Noted, Refused};

/// The path of recharges.
pub const RECHARGES_PATH: &str = "/v1/recharges";

/// The path of mandates.
pub const MANDATES_PATH: &str = "/v1/mandates";

/// The path that Alipay notifies.
pub const NOTIFY_PATH: &str = "/alipay/notify";

/// What the portal has to know beside its table and its gateway.
#[derive(Clone, Debug)]
pub struct PortalConfig {
    /// The number of our account at Alipay.
    pub seller_id: String,
    /// Where a payer's browser goes after he paid or signed.
    pub return_url: String,
    /// The scene in which mandates are signed.
    pub sign_scene: SignScene,
    /// The most that one debit may take under a mandate that is offered.
    pub single_limit_fen: Fen,
    /// The most that the debits of a day may take under it, if it is limited.
    pub daily_limit_fen: Option<Fen>,
}

/// The function.
#[derive(Clone, Debug)]
pub struct Portal {
    billing: BillingTable,
    alipay: Arc<Alipay>,
    terms: DebitTerms,
    clock: Clock,
    config: PortalConfig,
}

impl Portal {
    /// The function over a table and a gateway.
    #[must_use]
    pub fn new(
        billing: BillingTable,
        alipay: Alipay,
        terms: DebitTerms,
        clock: Clock,
        config: PortalConfig,
    ) -> Portal {
        Portal { billing, alipay: Arc::new(alipay), terms, clock, config }
    }

    /// The function as its environment variables and its secret describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, or the secret can't be read; told by name.
    pub async fn from_environment(environment: &Environment) -> Result<Portal, Error> {
        let terms = environment.debit_terms()?;
        let table = environment.required("BILLING_TABLE")?;
        let portal = PortalConfig::from_environment(environment)?;
        let config = aws::in_lambda(environment)?;
        let alipay = alipay::client(environment, &config).await?;
        let billing = BillingTable::new(aws::dynamodb(&config), table);
        Ok(Portal::new(billing, alipay, terms, Clock::system(), portal))
    }

    async fn answer(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        match request.raw_path.as_deref() {
            Some(NOTIFY_PATH) => self.notify(request).await,
            Some(RECHARGES_PATH) => self.recharges(request).await,
            Some(MANDATES_PATH) => self.mandates(request).await,
            Some(_) | None => {
                let detail = format!(
                    "there is nothing here; the ways in are POST {RECHARGES_PATH}, {MANDATES_PATH} and {NOTIFY_PATH}"
                );
                web::problem(404, "not-found", &detail, json!({}))
            }
        }
    }

    /// Alipay is answered `success` after what it tells is stored, and sends it again otherwise.
    async fn notify(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        if let Some(refusal) = web::refusal(&request, NOTIFY_PATH) {
            return refusal;
        }
        let form = match web::body(request) {
            Ok(form) => form,
            Err(error) => {
                tracing::warn!(error, refused_notifications = 1, "a notification is not Base64");
                return web::text_answer(400, "failure");
            }
        };
        match self.notified(&form).await {
            Ok(Noted::Booked) => web::text_answer(200, "success"),
            Ok(Noted::Nothing) => {
                tracing::info!(
                    // The template makes a metric of it.
                    repeated_notifications = 1,
                    "a notification told nothing new"
                );
                web::text_answer(200, "success")
            }
            Err(NotifyError::Refused(refused)) => {
                let error = chain(&refused);
                if let Refused::Contradicts = refused {
                    tracing::error!(
                        // The template makes a metric of it.
                        contradictions = 1,
                        "a notification contradicts the books"
                    );
                }
                // The template makes a metric of it.
                tracing::warn!(error, refused_notifications = 1, "a notification is refused");
                web::text_answer(400, "failure")
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "a notification could not be stored");
                web::text_answer(503, "failure")
            }
        }
    }

    async fn recharges(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        match asked(request, RECHARGES_PATH) {
            Ok(asked) => match self.offer_recharge(asked).await {
                Ok(offered) => web::json_answer(201, &json!(offered)),
                Err(error) => refused_recharge(&error),
            },
            Err(refusal) => *refusal,
        }
    }

    async fn mandates(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        match asked(request, MANDATES_PATH) {
            Ok(asked) => match self.offer_mandate(asked).await {
                Ok(offered) => web::json_answer(201, &json!(offered)),
                Err(error) => refused_mandate(&error),
            },
            Err(refusal) => *refusal,
        }
    }
}

impl PortalConfig {
    fn from_environment(environment: &Environment) -> Result<PortalConfig, Error> {
        let daily_limit_fen = match environment.optional("DAILY_LIMIT_FEN") {
            Some(_) => Some(Fen::new(environment.parsed("DAILY_LIMIT_FEN")?)),
            None => None,
        };
        Ok(PortalConfig {
            seller_id: environment.required("ALIPAY_SELLER_ID")?,
            return_url: environment.required("RETURN_URL")?,
            sign_scene: SignScene::parse(&environment.required("ALIPAY_SIGN_SCENE")?)?,
            single_limit_fen: Fen::new(environment.parsed("SINGLE_LIMIT_FEN")?),
            daily_limit_fen,
        })
    }
}

/// The document of a request by POST for a path.
fn asked<T: DeserializeOwned>(
    request: ApiGatewayV2httpRequest,
    path: &str,
) -> Result<T, Box<ApiGatewayV2httpResponse>> {
    if let Some(refusal) = web::refusal(&request, path) {
        return Err(Box::new(refusal));
    }
    let malformed =
        |detail: String| Box::new(web::problem(400, "malformed-request", &detail, json!({})));
    let body = web::body(request).map_err(malformed)?;
    serde_json::from_slice(&body).map_err(|error| malformed(error.to_string()))
}

fn refused_recharge(error: &OfferError) -> ApiGatewayV2httpResponse {
    let detail = chain(error);
    match error {
        OfferError::Amount | OfferError::Range(_) | OfferError::Recharge(_) => {
            web::problem(422, "amount", &detail, json!({}))
        }
        OfferError::NoProvider(_) => web::problem(404, "no-provider", &detail, json!({})),
        OfferError::NoCode(_) => web::problem(502, "no-code", &detail, json!({})),
        OfferError::Signing(_) | OfferError::Contended | OfferError::Store(_) => {
            tracing::error!(error = detail, "a recharge could not be offered");
            web::unavailable("the recharge could not be offered; ask again")
        }
    }
}

fn refused_mandate(error: &MandateError) -> ApiGatewayV2httpResponse {
    let detail = chain(error);
    match error {
        MandateError::NoProvider(_) => web::problem(404, "no-provider", &detail, json!({})),
        MandateError::Offer(_) | MandateError::Mandate(_) => {
            web::problem(422, "mandate", &detail, json!({}))
        }
        MandateError::Signing(_) | MandateError::Contended | MandateError::Store(_) => {
            tracing::error!(error = detail, "a mandate could not be offered");
            web::unavailable("the mandate could not be offered; ask again")
        }
    }
}

impl Function for Portal {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let answer = self.answer(serde_json::from_value(event)?).await;
        Ok(serde_json::to_value(answer)?)
    }
}
