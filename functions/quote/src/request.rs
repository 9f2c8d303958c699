//! What is asked: usage, and by which terms to price it.

use steelyard_billing::ProviderId;
use steelyard_json::{JsonError, Node};
use steelyard_pricing::{BillingMonth, Name, Plan, PlanError, QuotedUsage};
use thiserror::Error;

/// The largest request, in bytes: a month of some 500 APIs by day. Its answer, with all lines, stays
/// far below the 6 MB that Lambda answers with.
pub const REQUEST_BYTES_MAX: usize = 200_000;

/// A request for a quote.
#[derive(Debug)]
pub(crate) struct QuoteRequest {
    pub(crate) terms: QuoteTerms,
    /// The month of counts that have no days; the present one unless given.
    pub(crate) month: Option<BillingMonth>,
    pub(crate) usage: QuotedUsage,
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

impl QuoteTerms {
    /// The provider whose terms they are.
    pub(crate) fn provider(&self) -> Option<&ProviderId> {
        match self {
            QuoteTerms::Provider(provider) => Some(provider),
            QuoteTerms::Stored(_) | QuoteTerms::Given(_) => None,
        }
    }
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
    pub(crate) fn read(body: &[u8]) -> Result<QuoteRequest, RequestError> {
        let mut fields = steelyard_json::parse(body)?.into_fields()?;
        let (plan, provider) = (fields.take("plan"), fields.read("provider")?);
        let month = fields.read("month")?;
        let usage = QuotedUsage::of_node(fields.require("usage")?)
            .map_err(|error| error.inside("usage"))?;
        fields.end(&["plan", "provider", "month", "usage"])?;
        let terms = match (plan, provider) {
            (Some(plan), None) => plan_terms(plan)?,
            (None, Some(provider)) => QuoteTerms::Provider(provider),
            (Some(_), Some(_)) | (None, None) => return Err(RequestError::Terms),
        };
        Ok(QuoteRequest { terms, month, usage })
    }
}

/// A plan's name, or its document.
fn plan_terms(plan: Node) -> Result<QuoteTerms, RequestError> {
    if let Node::Text(_) | Node::Null = plan {
        return Ok(QuoteTerms::Stored(plan.read().map_err(|error| error.inside("plan"))?));
    }
    let plan = Plan::of_node(plan).map_err(|error| RequestError::Plan(error.inside("plan")))?;
    Ok(QuoteTerms::Given(Box::new(plan)))
}
