//! The offers function: recharges and mandates that a provider asks for through the platform.
//!
//! `POST /v1/recharges` and `POST /v1/mandates` are for the platform's own servers, which know who
//! asks.

mod mandate;
mod recharge;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use steelyard_alipay::{Alipay, SignScene};
use steelyard_billing::Right;
use steelyard_books::{BookError, Books, IdempotencyKey, OfferError};
use steelyard_pricing::Fen;
use steelyard_runtime::{
    Clock, Environment, Error, Function, Guard, Invocation, Problem, alipay, aws, chain, web,
};
use steelyard_store::{BillingTable, UsageTable};

use mandate::{MandateError, MandateRequest};
use recharge::{RechargeError, RechargeRequest};

/// The path at which recharges are offered.
pub const RECHARGES_PATH: &str = "/v1/recharges";

/// The path at which mandates are offered.
pub const MANDATES_PATH: &str = "/v1/mandates";

/// The largest request, in bytes.
pub const BODY_BYTES_MAX: usize = 65_536;

/// What offers has to know beside its table and its gateway.
#[derive(Clone, Debug)]
pub struct OffersConfig {
    /// Where a payer's browser goes after the payment or signature.
    pub return_url: String,
    /// The scene in which mandates are signed.
    pub sign_scene: SignScene,
    /// The most that one debit may take under a mandate that is offered.
    pub single_limit_fen: Fen,
    /// The most that the debits of a day may take under it, if it is limited.
    pub daily_limit_fen: Option<Fen>,
}

/// The offers function: it makes recharges to pay and mandates to sign.
#[derive(Clone, Debug)]
pub struct Offers {
    books: Books,
    alipay: Arc<Alipay>,
    clock: Clock,
    config: OffersConfig,
    guard: Guard,
}

impl Offers {
    /// The function over the books and a gateway. The grants of who may call it are in the usage
    /// table.
    #[must_use]
    pub fn new(
        books: Books,
        usage: UsageTable,
        alipay: Alipay,
        clock: Clock,
        config: OffersConfig,
    ) -> Offers {
        let guard = Guard::new(usage, clock.clone());
        Offers { books, alipay: Arc::new(alipay), clock, config, guard }
    }

    /// The function as its environment variables and its secret describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, or the secret can't be read; named.
    pub async fn from_environment(environment: &Environment) -> Result<Offers, Error> {
        let rules = environment.debit_rules()?;
        let (usage, billing) =
            (environment.required("USAGE_TABLE")?, environment.required("BILLING_TABLE")?);
        let offers = OffersConfig::from_environment(environment)?;
        let config = aws::in_lambda(environment)?;
        let alipay = alipay::client(environment, &config).await?;
        let client = aws::dynamodb(&config);
        let books = Books::new(BillingTable::new(client.clone(), billing), rules);
        let usage = UsageTable::new(client, usage);
        Ok(Offers::new(books, usage, alipay, Clock::system(), offers))
    }

    async fn answer(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        match request.raw_path.as_deref() {
            Some(RECHARGES_PATH) => self.recharges(request).await,
            Some(MANDATES_PATH) => self.mandates(request).await,
            Some(_) | None => {
                let detail = format!(
                    "there is nothing here; the ways in are POST {RECHARGES_PATH} and {MANDATES_PATH}"
                );
                web::problem(Problem::NotFound, &detail, json!({}))
            }
        }
    }

    async fn recharges(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let caller = web::caller(&request);
        let (asked, key) = match asked::<RechargeRequest>(request, RECHARGES_PATH) {
            Ok(asked) => asked,
            Err(refusal) => return *refusal,
        };
        let provider = Some(&asked.provider);
        if let Err(error) = self.guard.admit(&caller, Right::Recharges, provider).await {
            return web::not_admitted(&error);
        }
        match self.offer_recharge(asked, key.as_ref(), None).await {
            Ok(offered) => web::json_answer(201, &json!(offered)),
            Err(error) => refused_recharge(&error),
        }
    }

    async fn mandates(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let caller = web::caller(&request);
        let (asked, key) = match asked::<MandateRequest>(request, MANDATES_PATH) {
            Ok(asked) => asked,
            Err(refusal) => return *refusal,
        };
        let provider = Some(&asked.provider);
        if let Err(error) = self.guard.admit(&caller, Right::Mandates, provider).await {
            return web::not_admitted(&error);
        }
        if asked.is_consent_of_another(&caller) {
            let detail = "`consent.caller` is not the identity that signed the request";
            return web::problem(Problem::MalformedRequest, detail, json!({}));
        }
        match self.offer_mandate(asked, key.as_ref()).await {
            Ok(offered) => web::json_answer(201, &json!(offered)),
            Err(error) => refused_mandate(&error),
        }
    }
}

impl OffersConfig {
    fn from_environment(environment: &Environment) -> Result<OffersConfig, Error> {
        let daily_limit_fen = match environment.optional("DAILY_LIMIT_FEN") {
            Some(_) => Some(Fen::new(environment.parsed("DAILY_LIMIT_FEN")?)),
            None => None,
        };
        Ok(OffersConfig {
            return_url: environment.required("RETURN_URL")?,
            sign_scene: SignScene::parse(&environment.required("ALIPAY_SIGN_SCENE")?)?,
            single_limit_fen: Fen::new(environment.parsed("SINGLE_LIMIT_FEN")?),
            daily_limit_fen,
        })
    }
}

/// The document of a request by POST for a path, and its `Idempotency-Key` if it has one.
fn asked<T: DeserializeOwned>(
    request: ApiGatewayV2httpRequest,
    path: &str,
) -> Result<(T, Option<IdempotencyKey>), Box<ApiGatewayV2httpResponse>> {
    if let Some(refusal) = web::refusal(&request, path) {
        return Err(Box::new(refusal));
    }
    let malformed =
        |detail: String| Box::new(web::problem(Problem::MalformedRequest, &detail, json!({})));
    let key = match request.headers.get("idempotency-key") {
        Some(key) => {
            let text = key.to_str().map_err(|error| malformed(error.to_string()))?;
            Some(IdempotencyKey::parse(text).map_err(|error| malformed(error.to_string()))?)
        }
        None => None,
    };
    let body =
        web::body(request, BODY_BYTES_MAX).map_err(|error| Box::new(web::refused_body(&error)))?;
    let asked = steelyard_json::read(&body).map_err(|error| malformed(error.to_string()))?;
    Ok((asked, key))
}

fn refused_recharge(error: &RechargeError) -> ApiGatewayV2httpResponse {
    match error {
        RechargeError::Offer(error) => refused_offer(error, "the recharge could not be offered"),
        RechargeError::Amount | RechargeError::Recharge(_) => {
            web::problem(Problem::Amount, &chain(error), json!({}))
        }
        RechargeError::NoCode(_) => web::problem(Problem::NoCode, &chain(error), json!({})),
        RechargeError::Signing(_) => failed(error, "the recharge could not be offered"),
    }
}

fn refused_mandate(error: &MandateError) -> ApiGatewayV2httpResponse {
    match error {
        MandateError::Offer(error) => refused_offer(error, "the mandate could not be offered"),
        MandateError::Refused(_) | MandateError::NoNumber => {
            web::problem(Problem::Mandate, &chain(error), json!({}))
        }
        MandateError::Signing(_) => failed(error, "the mandate could not be offered"),
    }
}

/// The answer to an offer that the books refuse.
fn refused_offer(error: &OfferError, what: &str) -> ApiGatewayV2httpResponse {
    let detail = chain(error);
    match error {
        OfferError::Key => web::problem(Problem::MalformedRequest, &detail, json!({})),
        OfferError::KeyUsed(_) => web::problem(Problem::IdempotencyKeyUsed, &detail, json!({})),
        OfferError::TooManyOpen => web::problem(Problem::TooManyOpen, &detail, json!({})),
        OfferError::Books(BookError::NoProvider(_)) => {
            web::problem(Problem::NoProvider, &detail, json!({}))
        }
        OfferError::Books(BookError::RechargeAmount(_)) => {
            web::problem(Problem::Amount, &detail, json!({}))
        }
        OfferError::Books(BookError::MandateTerms(_)) => {
            web::problem(Problem::Mandate, &detail, json!({}))
        }
        OfferError::Books(_) => failed(error, what),
    }
}

fn failed(error: &(dyn std::error::Error + 'static), what: &str) -> ApiGatewayV2httpResponse {
    tracing::error!(error = chain(error), "{what}");
    web::unavailable(&format!("{what}; ask again"))
}

/// What another function asks for. The right to invoke this function is the right to ask for every
/// provider.
#[derive(Debug, Deserialize)]
#[serde(tag = "offer", rename_all = "snake_case", deny_unknown_fields)]
enum Invoked {
    Recharge {
        request: RechargeRequest,
        key: String,
        /// Where a payer's browser goes after it paid: this address, a slash and the recharge's
        /// number.
        return_to: String,
    },
    Mandate {
        request: MandateRequest,
        /// None to have an open offer given again.
        key: Option<String>,
    },
}

impl Offers {
    /// The answer to another function: the status and the body that the API answers.
    async fn invoked(&self, asked: Invoked) -> Result<Value, Error> {
        let answer = match asked {
            Invoked::Recharge { request, key, return_to } => {
                match self.recharge_invoked(request, &key, &return_to).await {
                    Ok(offered) => web::json_answer(201, &json!(offered)),
                    Err(error) => refused_recharge(&error),
                }
            }
            Invoked::Mandate { request, key } => {
                match self.mandate_invoked(request, key.as_deref()).await {
                    Ok(offered) => web::json_answer(201, &json!(offered)),
                    Err(error) => refused_mandate(&error),
                }
            }
        };
        let body = answer.body.as_deref().map(serde_json::from_slice).transpose()?;
        Ok(json!({ "status": answer.status_code, "body": body.unwrap_or(Value::Null) }))
    }
}

impl Offers {
    async fn recharge_invoked(
        &self,
        request: RechargeRequest,
        key: &str,
        return_to: &str,
    ) -> Result<recharge::Offered, RechargeError> {
        let key = IdempotencyKey::parse(key)?;
        self.offer_recharge(request, Some(&key), Some(return_to)).await
    }

    async fn mandate_invoked(
        &self,
        request: MandateRequest,
        key: Option<&str>,
    ) -> Result<mandate::Offered, MandateError> {
        let key = key.map(IdempotencyKey::parse).transpose()?;
        self.offer_mandate(request, key.as_ref()).await
    }
}

impl Function for Offers {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        if event.get("offer").is_some() {
            return self.invoked(serde_json::from_value(event)?).await;
        }
        let answer = self.answer(serde_json::from_value(event)?).await;
        Ok(serde_json::to_value(answer)?)
    }
}
