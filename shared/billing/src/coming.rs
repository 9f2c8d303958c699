//! The coming versions of its plan that were announced to a provider. Pure.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_pricing::{BillingDay, Catalog, Name, Plan};

use crate::id::hex;
use crate::{Account, Provider};

/// A version of a plan that takes effect later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComingVersion {
    /// The first day on which it is in force.
    pub from: BillingDay,
    /// The name of the plan that the version belongs to.
    pub plan: Name,
    /// A digest of the version: one that is replaced before it takes effect is another.
    pub digest: String,
}

/// The most versions that are announced to a provider at once.
const COMING_MAX: usize = 10;

/// The versions by which a provider will be billed later, of a plan that it is on by then already.
#[must_use]
pub fn coming_versions(
    provider: &Provider,
    plans: &Catalog,
    today: BillingDay,
) -> Vec<ComingVersion> {
    let plan_on = |day| provider.terms_on(day, plans).map(|terms| terms.plan);
    let versions = plans.iter().filter(|plan| plan.effective_from() > today);
    let mut coming = Vec::new();
    for plan in versions {
        let from = plan.effective_from();
        let Some(before) = plan_on(from.previous()) else { continue };
        if plan_on(from) == Some(plan) && before.name() == plan.name() {
            coming.push(ComingVersion::of(plan));
        }
    }
    coming.sort_unstable();
    coming.truncate(COMING_MAX);
    coming
}

impl Account {
    /// The account after the run of a day noted which versions of plans its provider will be billed
    /// by.
    #[must_use]
    pub fn coming_noted(self, provider: &Provider, plans: &Catalog, today: BillingDay) -> Account {
        Account { coming: coming_versions(provider, plans, today), ..self }
    }
}

impl ComingVersion {
    /// The reference to a version, by its digest.
    #[must_use]
    pub fn of(version: &Plan) -> ComingVersion {
        // A document that was read can be written.
        let document = serde_json::to_vec(version.document()).unwrap_or_default();
        ComingVersion {
            from: version.effective_from(),
            plan: version.name().clone(),
            digest: hex(&Sha256::digest(document), 16),
        }
    }
}
