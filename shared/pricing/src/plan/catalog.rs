//! Every version of every plan.

use std::collections::BTreeMap;

use crate::{BillingDay, Name, Plan};

/// Every version of every plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog(BTreeMap<Name, BTreeMap<BillingDay, Plan>>);

impl Catalog {
    /// Adds a version; one of the same name and day is replaced.
    pub fn add(&mut self, plan: Plan) {
        self.0.entry(plan.name().clone()).or_default().insert(plan.effective_from(), plan);
    }

    /// The version of a plan that is in force on a day: the latest that has taken effect.
    #[must_use]
    pub fn in_force(&self, plan: &Name, day: BillingDay) -> Option<&Plan> {
        self.0.get(plan)?.range(..=day).next_back().map(|(_, version)| version)
    }

    /// The version of a plan that takes effect on a day.
    #[must_use]
    pub fn version(&self, plan: &Name, effective_from: BillingDay) -> Option<&Plan> {
        self.0.get(plan)?.get(&effective_from)
    }

    /// Whether there is any version of the plan.
    #[must_use]
    pub fn has(&self, plan: &Name) -> bool {
        self.0.contains_key(plan)
    }

    /// Every version, by name and day.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.0.values().flat_map(BTreeMap::values)
    }
}

impl FromIterator<Plan> for Catalog {
    fn from_iter<I: IntoIterator<Item = Plan>>(plans: I) -> Catalog {
        let mut catalog = Catalog::default();
        plans.into_iter().for_each(|plan| catalog.add(plan));
        catalog
    }
}
