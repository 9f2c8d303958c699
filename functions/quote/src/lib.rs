//! The quote function: what usage would cost, computed as a bill is, what a provider used, and
//! where it stands. It reads and writes nothing.

mod request;
mod standing;
mod usage;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::{Value, json};
use steelyard_billing::{CalendarError, ProviderId, QuoteOnTop, Right};
use steelyard_books::{Books, Compared, QuoteOnTopError, SettleError, Settler};
use steelyard_pricing::{BillingMonth, Name, Quote, QuoteError, QuotedUsage, Terms, Usage};
use steelyard_runtime::{
    Clock, Environment, Error, Function, Guard, Invocation, Problem, Standings, aws, chain, web,
};
use steelyard_store::{BillingTable, EventsTable, StoreError, UsageTable};

use request::{QuoteRequest, QuoteTerms, RequestError};

pub use request::REQUEST_BYTES_MAX;
pub use standing::{CHANGES_MAX, STANDING_CHANGES_PATH, STANDING_PATH};
pub use usage::{DAYS_MAX, GROUPS_MAX, PROVIDER_USAGE_PATH};

/// The path at which usage is quoted.
pub const QUOTES_PATH: &str = "/v1/quotes";

/// The quote function: prices, live usage and standings.
#[derive(Clone, Debug)]
pub struct Quotes {
    settler: Settler,
    clock: Clock,
    guard: Guard,
    standings: Standings,
    events: EventsTable,
}

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("there is no plan `{0}`")]
    NoPlan(Name),
    #[error("there is no provider `{0}`")]
    NoProvider(ProviderId),
    #[error("the usage cannot be priced")]
    Quote(#[from] QuoteError),
    #[error("the time is outside the calendar")]
    Calendar(#[from] CalendarError),
    #[error("the plans cannot be read")]
    Store(#[from] StoreError),
    #[error(transparent)]
    OnTop(#[from] QuoteOnTopError),
}

impl Quotes {
    /// The function over tables that it only reads. The grants of who may call it are in the usage
    /// table.
    #[must_use]
    pub fn new(settler: Settler, events: EventsTable, clock: Clock) -> Quotes {
        let guard = Guard::new(settler.usage.clone(), clock.clone());
        let Books { billing, rules, .. } = &settler.books;
        let standings = Standings::new(billing.clone(), rules.calendar.clone());
        Quotes { settler, clock, guard, standings, events }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Quotes, Error> {
        let usage = environment.required("USAGE_TABLE")?;
        let billing = environment.required("BILLING_TABLE")?;
        let events = environment.required("EVENTS_TABLE")?;
        let rules = environment.debit_rules()?;
        let client = aws::dynamodb_read_only(&aws::in_lambda(environment)?);
        let books = Books::new(BillingTable::new(client.clone(), billing), rules);
        let settler = Settler { books, usage: UsageTable::new(client.clone(), usage) };
        Ok(Quotes::new(settler, EventsTable::new(client, events), Clock::system()))
    }

    async fn answer(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        if let Some(provider) = provider(&request, PROVIDER_USAGE_PATH) {
            return self.answer_usage(provider, &request).await;
        }
        if request.raw_path.as_deref() == Some(STANDING_CHANGES_PATH) {
            return self.answer_changes(&request).await;
        }
        if let Some(provider) = provider(&request, STANDING_PATH) {
            return self.answer_standing(provider, &request).await;
        }
        if let Some(refusal) = web::refusal(&request, QUOTES_PATH) {
            return refusal;
        }
        let caller = web::caller(&request);
        let body = match web::body(request, REQUEST_BYTES_MAX) {
            Ok(body) => body,
            Err(error) => return web::refused_body(&error),
        };
        let asked = match QuoteRequest::read(&body) {
            Ok(asked) => asked,
            Err(error) => return refused(&error.into()),
        };
        if let Err(error) = self.guard.admit(&caller, Right::Quotes, asked.provider()).await {
            return web::not_admitted(&error);
        }
        let quoted = match asked {
            QuoteRequest::Alone { terms, month, usage } => {
                self.alone(terms, month, &usage).await.map(|quote| json!(quote))
            }
            QuoteRequest::OnTop { provider, compared, usage } => {
                self.on_top(&provider, &usage, &compared).await.map(|quote| json!(quote))
            }
        };
        match quoted {
            Ok(quote) => web::json_answer(200, &quote),
            Err(refusal) => refused(&refusal),
        }
    }

    async fn on_top(
        &self,
        provider: &ProviderId,
        usage: &Usage,
        compared: &Compared,
    ) -> Result<QuoteOnTop, Refusal> {
        let terms = self.settler.terms(self.clock.now()).await.map_err(QuoteOnTopError::from)?;
        Ok(self.settler.quote_on_top(&terms, provider, usage, compared).await?)
    }

    async fn alone(
        &self,
        terms: QuoteTerms,
        month: Option<BillingMonth>,
        usage: &QuotedUsage,
    ) -> Result<Quote, Refusal> {
        let month = match month {
            Some(month) => month,
            None => self.settler.books.rules.calendar.day_of(self.clock.now())?.month(),
        };
        let billing = &self.settler.books.billing;
        Ok(match terms {
            QuoteTerms::Given(plan) => Quote::of(usage, month, |_| Some(Terms::of(&plan)))?,
            QuoteTerms::Stored(name) => {
                let plans = billing.plans().await?.catalog;
                if !plans.has(&name) {
                    return Err(Refusal::NoPlan(name));
                }
                Quote::of(usage, month, |day| plans.in_force(&name, day).map(Terms::of))?
            }
            QuoteTerms::Provider(id) => {
                let account = billing.account(&id).await?;
                let provider = account.ok_or(Refusal::NoProvider(id))?.provider;
                let plans = billing.plans().await?.catalog;
                Quote::of(usage, month, |day| provider.terms_on(day, &plans))?
            }
        })
    }
}

/// The provider that a route names in its path; none for a request of another route. API Gateway
/// takes it out of the path, and decodes it.
fn provider<'a>(request: &'a ApiGatewayV2httpRequest, route: &str) -> Option<&'a str> {
    let (prefix, _) = route.split_once('{')?;
    let is_below = request.raw_path.as_deref().is_some_and(|path| path.starts_with(prefix));
    request.path_parameters.get("provider").filter(|_| is_below).map(String::as_str)
}

impl Function for Quotes {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let answer = self.answer(serde_json::from_value(event)?).await;
        Ok(serde_json::to_value(answer)?)
    }
}

fn refused(refusal: &Refusal) -> ApiGatewayV2httpResponse {
    let problem = match refusal {
        Refusal::Request(RequestError::Plan(_)) => Problem::PlanRefused,
        Refusal::Request(
            RequestError::Malformed(_)
            | RequestError::Terms
            | RequestError::NobodysMonth
            | RequestError::OtherMonth
            | RequestError::OtherDays,
        ) => Problem::MalformedRequest,
        Refusal::NoPlan(_) | Refusal::OnTop(QuoteOnTopError::NoPlan(_)) => Problem::NoPlan,
        Refusal::NoProvider(_)
        | Refusal::OnTop(QuoteOnTopError::Month(SettleError::Unknown(_))) => Problem::NoProvider,
        Refusal::Quote(_)
        | Refusal::Calendar(_)
        | Refusal::OnTop(
            QuoteOnTopError::Rules { .. } | QuoteOnTopError::Month(SettleError::Rules { .. }),
        ) => Problem::CannotPrice,
        Refusal::Store(error) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "cannot quote");
            return web::unavailable("the plans can't be read; ask again");
        }
        Refusal::OnTop(
            error @ QuoteOnTopError::Month(
                SettleError::Store { .. }
                | SettleError::Begin(_)
                | SettleError::Slow(_)
                | SettleError::Panicked(_),
            ),
        ) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "cannot quote on top of a month");
            return web::unavailable("the month can't be read; ask again");
        }
    };
    web::problem(problem, &chain(refusal), json!({}))
}
