//! What is stored beside a provider's own records: what ingest knows of it, and whose an agreement
//! is.

use serde::{Deserialize, Serialize};
use steelyard_pricing::BillingMonth;

use crate::{MandateId, MonthClose, Provider, ProviderId};

/// What ingest knows of a provider: from which month on its usage is counted, and up to which
/// close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The first billing month in which its usage is counted.
    pub billed_from: BillingMonth,
    /// The close of its months; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<MonthClose>,
}

/// The mandate to which an agreement at the gateway belongs. An agreement belongs to one mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementOwner {
    /// The gateway's number of the agreement.
    pub agreement_no: String,
    /// The provider that signed it.
    pub provider: ProviderId,
    /// The provider's mandate.
    pub mandate: MandateId,
}

impl Registration {
    /// The registration of a provider none of whose months is closed.
    #[must_use]
    pub const fn of(provider: &Provider) -> Registration {
        Registration { billed_from: provider.billed_from, closed: None }
    }
}
