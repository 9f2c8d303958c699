//! Every version of every plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::{BillingDay, Name, Plan};

/// Every version of every plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    versions: BTreeMap<Name, BTreeMap<BillingDay, Plan>>,
    unreadable: BTreeSet<(Name, BillingDay)>,
}

impl Catalog {
    /// Adds a version; one of the same name and day is replaced.
    pub fn add(&mut self, plan: Plan) {
        self.versions.entry(plan.name().clone()).or_default().insert(plan.effective_from(), plan);
    }

    /// The version of a plan that is in force on a day: the latest that has taken effect.
    #[must_use]
    pub fn in_force(&self, plan: &Name, day: BillingDay) -> Option<&Plan> {
        self.versions.get(plan)?.range(..=day).next_back().map(|(_, version)| version)
    }

    /// The plans on offer on a day: of each that can be read whole the version in force, by name.
    pub fn on_offer(&self, day: BillingDay) -> impl Iterator<Item = &Plan> {
        let readable = self.versions.keys().filter(|plan| self.unreadable(plan).is_none());
        readable.filter_map(move |plan| self.in_force(plan, day))
    }

    /// The version of a plan that takes effect on a day.
    #[must_use]
    pub fn version(&self, plan: &Name, effective_from: BillingDay) -> Option<&Plan> {
        self.versions.get(plan)?.get(&effective_from)
    }

    /// Whether there is any version of the plan.
    #[must_use]
    pub fn has(&self, plan: &Name) -> bool {
        self.versions.contains_key(plan)
    }

    /// Notes a stored version that cannot be read. Nothing can be rated by its plan, since the
    /// version may be in force.
    pub fn add_unreadable(&mut self, plan: Name, effective_from: BillingDay) {
        self.unreadable.insert((plan, effective_from));
    }

    /// The effective day of a version of the plan that cannot be read; none if all can be.
    #[must_use]
    pub fn unreadable(&self, plan: &Name) -> Option<BillingDay> {
        self.unreadable.iter().find(|(name, _)| name == plan).map(|(_, from)| *from)
    }

    /// Every readable version, by name and day.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.versions.values().flat_map(BTreeMap::values)
    }
}

impl FromIterator<Plan> for Catalog {
    fn from_iter<I: IntoIterator<Item = Plan>>(plans: I) -> Catalog {
        let mut catalog = Catalog::default();
        plans.into_iter().for_each(|plan| catalog.add(plan));
        catalog
    }
}
