//! What is asked: usage, and by which terms to price it.

use serde::Deserialize;
use steelyard_billing::ProviderId;
use steelyard_books::Compared;
use steelyard_json::{JsonError, Node};
use steelyard_pricing::{BillingMonth, Name, Plan, PlanError, QuotedUsage, Usage};
use thiserror::Error;

/// The largest request, in bytes: a month of some 500 APIs by day. Its answer, with all lines,
/// stays far below the 6 MB that Lambda answers with.
pub const REQUEST_BYTES_MAX: usize = 200_000;

/// A request for a quote.
#[derive(Debug)]
pub(crate) enum QuoteRequest {
    /// Usage without a month around it.
    Alone {
        terms: QuoteTerms,
        /// The month of counts that have no days; the present one unless given.
        month: Option<BillingMonth>,
        usage: QuotedUsage,
    },
    /// Of usage on top of a provider's month to date.
    OnTop { provider: ProviderId, compared: Compared, usage: Usage },
}

/// On top of what usage is priced.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnTopOf {
    /// What is settled and counted of the provider's present month.
    MonthToDate,
}

/// By which terms usage is to be priced.
#[derive(Debug)]
pub(crate) enum QuoteTerms {
    /// Those of a provider: its plans and overrides.
    Provider(ProviderId),
    /// The versions of a stored plan.
    Stored(Name),
    /// A plan that the request brings; it holds on every day.
    Given(Box<Plan>),
}

/// Why a request is refused.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    /// It is not in the form of a request.
    #[error("{0}")]
    Malformed(JsonError),
    /// It names no terms, or two.
    #[error("give either `plan` or `provider`")]
    Terms,
    /// It asks for a quote on top of a month, of no provider.
    #[error("`on_top_of` needs a `provider`")]
    NobodysMonth,
    /// It asks for a quote on top of a month, and names a month.
    #[error("`on_top_of` is the present month; leave `month` out")]
    OtherMonth,
    /// It asks for a quote on top of a month, of usage by days.
    #[error("`on_top_of` takes the usage to be today's; give counts without days")]
    OtherDays,
    /// The plan that it brings is refused.
    #[error("{0}")]
    Plan(PlanError),
}

impl From<JsonError> for RequestError {
    fn from(error: JsonError) -> RequestError {
        RequestError::Malformed(error)
    }
}

impl QuoteRequest {
    /// The provider of whom it asks.
    pub(crate) fn provider(&self) -> Option<&ProviderId> {
        match self {
            QuoteRequest::Alone { terms: QuoteTerms::Provider(provider), .. }
            | QuoteRequest::OnTop { provider, .. } => Some(provider),
            QuoteRequest::Alone { terms: QuoteTerms::Stored(_) | QuoteTerms::Given(_), .. } => None,
        }
    }

    pub(crate) fn read(body: &[u8]) -> Result<QuoteRequest, RequestError> {
        let mut fields = steelyard_json::parse(body)?.into_fields()?;
        let (plan, provider) = (fields.take("plan"), fields.read("provider")?);
        let (month, on_top_of) = (fields.read("month")?, fields.read("on_top_of")?);
        let usage = QuotedUsage::of_node(fields.require("usage")?)
            .map_err(|error| error.inside("usage"))?;
        fields.end(&["plan", "provider", "month", "on_top_of", "usage"])?;
        if let Some(OnTopOf::MonthToDate) = on_top_of {
            return on_top(provider, plan, month, usage);
        }
        let terms = match (plan, provider) {
            (Some(plan), None) => plan_terms(plan)?,
            (None, Some(provider)) => QuoteTerms::Provider(provider),
            (Some(_), Some(_)) | (None, None) => return Err(RequestError::Terms),
        };
        Ok(QuoteRequest::Alone { terms, month, usage })
    }
}

fn on_top(
    provider: Option<ProviderId>,
    plan: Option<Node>,
    month: Option<BillingMonth>,
    usage: QuotedUsage,
) -> Result<QuoteRequest, RequestError> {
    let provider = provider.ok_or(RequestError::NobodysMonth)?;
    if month.is_some() {
        return Err(RequestError::OtherMonth);
    }
    let QuotedUsage::Month(usage) = usage else { return Err(RequestError::OtherDays) };
    let compared = match plan.map(plan_terms).transpose()? {
        None | Some(QuoteTerms::Provider(_)) => Compared::Nothing,
        Some(QuoteTerms::Stored(name)) => Compared::Stored(name),
        Some(QuoteTerms::Given(plan)) => Compared::Given(plan),
    };
    Ok(QuoteRequest::OnTop { provider, compared, usage })
}

/// A plan's name, or its document.
fn plan_terms(plan: Node) -> Result<QuoteTerms, RequestError> {
    if let Node::Text(_) | Node::Null = plan {
        return Ok(QuoteTerms::Stored(plan.read().map_err(|error| error.inside("plan"))?));
    }
    let plan = Plan::of_node(plan).map_err(|error| RequestError::Plan(error.inside("plan")))?;
    Ok(QuoteTerms::Given(Box::new(plan)))
}
