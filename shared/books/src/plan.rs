//! Plans: each version is stored once, and replaced only before it takes effect.

use steelyard_pricing::{BillingDay, Plan};
use steelyard_store::StoredPlan;

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The result of adding a version of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanAdded {
    /// This call stored the version.
    New,
    /// It was stored before, exactly so.
    Before,
    /// It is stored now, in place of another that had not taken effect.
    Replaced,
    /// Another one is stored for its day, and has taken effect.
    Different,
    /// The plan has versions, and this one would take effect in a month that is over.
    Backdated,
}

impl PlanAdded {
    /// Whether the version was not stored like that before, and is now.
    #[must_use]
    pub const fn is_stored_now(self) -> bool {
        matches!(self, PlanAdded::New | PlanAdded::Replaced)
    }
}

const ADD: &str = "store a plan";

impl Books {
    /// Stores a version of a plan. One that has taken effect never changes; one that takes effect
    /// after `today` may be replaced until then. A plan's first version may take effect on any day;
    /// another one not in a month before this, which may be settled.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn add_plan(&self, plan: &Plan, today: BillingDay) -> Result<PlanAdded, BookError> {
        change(&self.billing, ADD, move |_| async move {
            let found = self.billing.plan(plan).await?;
            let added = self.judge(plan, found.as_ref(), today).await?;
            if !added.is_stored_now() {
                return Ok(Decision::Keep(added));
            }
            let mut writes = self.billing.writes(ADD);
            writes.plan(found.as_ref(), plan)?;
            Ok::<_, BookError>(Decision::Save(writes, added))
        })
        .await
    }

    /// What [`Books::add_plan`] would do. Stores nothing.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn would_add_plan(
        &self,
        plan: &Plan,
        today: BillingDay,
    ) -> Result<PlanAdded, BookError> {
        let found = self.billing.plan(plan).await?;
        self.judge(plan, found.as_ref(), today).await
    }

    async fn judge(
        &self,
        plan: &Plan,
        found: Option<&StoredPlan>,
        today: BillingDay,
    ) -> Result<PlanAdded, BookError> {
        Ok(match found {
            Some(found) if found.plan == *plan => PlanAdded::Before,
            Some(_) if plan.effective_from() <= today => PlanAdded::Different,
            Some(_) => PlanAdded::Replaced,
            None if self.is_backdated(plan, today).await? => PlanAdded::Backdated,
            None => PlanAdded::New,
        })
    }

    /// Whether a new version of a plan that has others is for a month that is over.
    async fn is_backdated(&self, plan: &Plan, today: BillingDay) -> Result<bool, BookError> {
        if plan.effective_from().month() >= today.month() {
            return Ok(false);
        }
        let plans = self.billing.plans().await?.catalog;
        Ok(plans.has(plan.name()) || plans.unreadable(plan.name()).is_some())
    }
}
