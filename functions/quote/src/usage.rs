//! `GET /v1/usage/{provider}`: what a provider used, and what of it is charged already.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::{Value, json};
use steelyard_billing::{CalendarError, IdError, ProviderId, Right};
use steelyard_books::{SettleError, UsageBy, UsageGroup, UsageSums};
use steelyard_pricing::{BillingDay, DayError};
use steelyard_runtime::{Problem, chain, web};

use crate::Quotes;

/// The path of a provider's usage, as the API's route has it.
pub const PROVIDER_USAGE_PATH: &str = "/v1/usage/{provider}";

/// The most days that one request may span.
pub const DAYS_MAX: u64 = 93;

/// How many groups an answer has before the rest is left to the next one: with the longest names
/// they take less than half of the 6 MB that Lambda answers with.
pub const GROUPS_MAX: usize = 5_000;

/// Why there are no sums.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("`{parameter}` is `{value}`: {why}")]
    Parameter { parameter: &'static str, value: String, why: String },
    #[error("there is no parameter `{0}`; there are `from`, `to`, `group_by` and `after`")]
    Unknown(String),
    #[error("`{0}` is given twice")]
    Twice(&'static str),
    #[error("`from` {from} is after `to` {to}")]
    Backwards { from: BillingDay, to: BillingDay },
    #[error("{from} to {to} are more than {DAYS_MAX} days, which are the most")]
    TooLong { from: BillingDay, to: BillingDay },
    #[error("the id of the provider cannot be one")]
    Provider(#[from] IdError),
    #[error("the time is outside the calendar")]
    Calendar(#[from] CalendarError),
    #[error(transparent)]
    Sums(#[from] SettleError),
}

/// The parameters of a request, as they are written.
#[derive(Default)]
struct Parameters {
    from: Option<BillingDay>,
    to: Option<BillingDay>,
    group_by: Option<UsageBy>,
    after: Option<String>,
}

impl Quotes {
    pub(crate) async fn answer_usage(
        &self,
        provider: &str,
        request: &ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        if request.request_context.http.method != "GET" {
            return web::wrong_method(PROVIDER_USAGE_PATH, "GET");
        }
        let query = request.raw_query_string.as_deref().unwrap_or_default();
        let provider: ProviderId = match provider.parse() {
            Ok(provider) => provider,
            Err(error) => return refused(&Refusal::from(error)),
        };
        let caller = web::caller(request);
        if let Err(error) = self.guard.admit(&caller, Right::Usage, Some(&provider)).await {
            return web::not_admitted(&error);
        }
        match self.usage(&provider, query).await {
            Ok(answer) => web::json_answer(200, &answer),
            Err(refusal) => refused(&refusal),
        }
    }

    async fn usage(&self, provider: &ProviderId, query: &str) -> Result<Value, Refusal> {
        let Parameters { from, to, group_by, after } = Parameters::read(query)?;
        let now = self.clock.now();
        let today = self.settler.books.rules.calendar.day_of(now)?;
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| to.month().first_day());
        if to < from {
            return Err(Refusal::Backwards { from, to });
        }
        if from.days_until(to) >= DAYS_MAX {
            return Err(Refusal::TooLong { from, to });
        }
        let by = group_by.unwrap_or(UsageBy::Api);
        let terms = self.settler.terms(now).await?;
        let mut sums = self.settler.usage_sums(&terms, provider, (from, to), by).await?;
        let next = page(&mut sums, after.as_deref());
        let mut answer = json!(sums);
        if let (Some(answer), Some(next)) = (answer.as_object_mut(), next) {
            answer.insert("next".to_owned(), Value::from(next));
        }
        Ok(answer)
    }
}

/// Leaves the groups after a name, no more than an answer has. Gives the name after which the
/// others come, if there are any. Groups of one name stay together.
fn page(sums: &mut UsageSums, after: Option<&str>) -> Option<String> {
    let groups = &mut sums.groups;
    groups.retain(|group| after.is_none_or(|after| group.name.as_str() > after));
    let last = groups.get(GROUPS_MAX - 1)?.name.clone();
    let is_left = |group: &UsageGroup| group.name > last;
    let end = groups.iter().position(is_left)?;
    groups.truncate(end);
    Some(last)
}

impl Parameters {
    fn read(query: &str) -> Result<Parameters, Refusal> {
        let mut read = Parameters::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "from" => once("from", &mut read.from, day("from", value)?)?,
                "to" => once("to", &mut read.to, day("to", value)?)?,
                "group_by" => once("group_by", &mut read.group_by, group_by(value)?)?,
                "after" => once("after", &mut read.after, value)?,
                _ => return Err(Refusal::Unknown(name.into_owned())),
            }
        }
        Ok(read)
    }
}

fn once<T>(parameter: &'static str, place: &mut Option<T>, value: T) -> Result<(), Refusal> {
    match place.replace(value) {
        Some(_) => Err(Refusal::Twice(parameter)),
        None => Ok(()),
    }
}

fn day(parameter: &'static str, value: String) -> Result<BillingDay, Refusal> {
    value.parse().map_err(|error: DayError| {
        let why = error.to_string();
        Refusal::Parameter { parameter, value, why }
    })
}

fn group_by(value: String) -> Result<UsageBy, Refusal> {
    match value.as_str() {
        "api" => Ok(UsageBy::Api),
        "rate" => Ok(UsageBy::Rate),
        "day" => Ok(UsageBy::Day),
        "source" => Ok(UsageBy::Source),
        _ => {
            let why = "it is one of `api`, `rate`, `day` and `source`".to_owned();
            Err(Refusal::Parameter { parameter: "group_by", value, why })
        }
    }
}

fn refused(refusal: &Refusal) -> ApiGatewayV2httpResponse {
    let problem = match refusal {
        Refusal::Parameter { .. }
        | Refusal::Unknown(_)
        | Refusal::Twice(_)
        | Refusal::Backwards { .. }
        | Refusal::TooLong { .. }
        | Refusal::Provider(_) => Problem::MalformedRequest,
        Refusal::Sums(SettleError::Unknown(_)) => Problem::NoProvider,
        Refusal::Calendar(_) | Refusal::Sums(SettleError::Rules { .. }) => Problem::CannotPrice,
        Refusal::Sums(
            error @ (SettleError::Store { .. }
            | SettleError::Begin(_)
            | SettleError::Slow(_)
            | SettleError::Panicked(_)),
        ) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "cannot sum usage");
            return web::unavailable("the usage can't be read; ask again");
        }
    };
    web::problem(problem, &chain(refusal), json!({}))
}
