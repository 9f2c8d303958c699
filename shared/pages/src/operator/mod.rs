//! The operators' pages: the providers by state and debt, the debits that need a person, the
//! reconciliation, the runs, the receivables, the audit trail, and the sessions of a provider.

pub mod actions;
pub mod debits;
mod form;
mod page;
pub(crate) mod parts;
pub mod providers;
pub mod receivables;
pub mod reconciliation;
pub mod runs;
mod sessions;
mod texts;

use serde::Serialize;
use utoipa::ToSchema;

pub use form::{FormOutcome, FormProblem, Forms, Refused};
pub use page::OperatorPage;

/// A stored record that cannot be read. Each fails alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnreadableRecord {
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
    /// Why it cannot be read.
    pub why: String,
}

/// A sum of money, and how many providers have a part in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShareOf {
    /// The number of providers that have a part in it.
    pub providers: u64,
    /// The sum, in fen.
    #[schema(value_type = i64)]
    pub amount_fen: steelyard_pricing::Fen,
}

impl From<steelyard_billing::Share> for ShareOf {
    fn from(share: steelyard_billing::Share) -> ShareOf {
        ShareOf { providers: share.providers, amount_fen: share.amount_fen }
    }
}
