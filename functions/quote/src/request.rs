//! What is asked: usage, and by which terms to price it.

use serde::Deserialize;
use serde_json::value::RawValue;
use steelyard_billing::ProviderId;
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

/// Why a request is refused.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    /// It is too large.
    #[error("the request has {0} bytes; {REQUEST_BYTES_MAX} are the most")]
    TooLarge(usize),
    /// It is not in the form of a request.
    #[error("{0}")]
    Malformed(String),
    /// It names no terms, or two.
    #[error("give either `plan` or `provider`")]
    Terms,
    /// The plan that it brings is refused.
    #[error("{0}")]
    Plan(PlanError),
}

/// A request as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    #[serde(borrow)]
    plan: Option<&'a RawValue>,
    provider: Option<ProviderId>,
    month: Option<BillingMonth>,
    #[serde(borrow)]
    usage: &'a RawValue,
}

impl QuoteRequest {
    pub(crate) fn read(body: &[u8]) -> Result<QuoteRequest, RequestError> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLarge(body.len()));
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let written: Written<'_> = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| RequestError::Malformed(error.to_string()))?;
        json.end().map_err(|error| RequestError::Malformed(error.to_string()))?;
        let terms = match (written.plan, written.provider) {
            (Some(plan), None) => plan_terms(plan.get())?,
            (None, Some(provider)) => QuoteTerms::Provider(provider),
            (Some(_), Some(_)) | (None, None) => return Err(RequestError::Terms),
        };
        let usage = QuotedUsage::read(written.usage.get())
            .map_err(|error| RequestError::Malformed(error.inside("usage").to_string()))?;
        Ok(QuoteRequest { terms, month: written.month, usage })
    }
}

/// A plan's name, or its document.
fn plan_terms(plan: &str) -> Result<QuoteTerms, RequestError> {
    if plan.starts_with('"') {
        let name = serde_json::from_str(plan);
        return name
            .map(QuoteTerms::Stored)
            .map_err(|error| RequestError::Malformed(format!("plan: {error}")));
    }
    let plan = Plan::read(plan).map_err(|error| RequestError::Plan(error.inside("plan")))?;
    Ok(QuoteTerms::Given(Box::new(plan)))
}
