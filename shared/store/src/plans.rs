//! Plans, in the billing table: every version of each, as a document.

use steelyard_pricing::{BillingDay, Catalog, Plan};

use crate::item::{keyed, string, text};
use crate::query::Range;
use crate::schema::{DOCUMENT, PLANS, plan_sk};
use crate::transact::{Item, Outcome, put_new, put_over, transact};
use crate::{BillingTable, StoreError};

/// What became of a version of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanStored {
    /// It is stored now.
    New,
    /// It was stored before, just so.
    Before,
    /// It is stored now, in place of another that had not taken effect.
    Replaced,
    /// Another one is stored for its day, and has taken effect.
    Different,
    /// The plan has versions, and this one would take effect in a month that is over.
    Backdated,
}

const PLAN: &str = "store a plan";
const READ_PLANS: &str = "read the plans";

/// How often a version of a plan that others replace meanwhile is replaced again.
const PLAN_TRIES: u32 = 10;

impl BillingTable {
    /// Stores a version of a plan. One that has taken effect never changes; one that takes effect
    /// after `today` may be replaced until then. A plan's first version may take effect on any day;
    /// another one not in a month before this, which may be settled.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails.
    pub async fn add_plan(&self, plan: &Plan, today: BillingDay) -> Result<PlanStored, StoreError> {
        if self.is_backdated(plan, today).await? {
            return Ok(PlanStored::Backdated);
        }
        let document =
            serde_json::to_string(plan).map_err(|error| StoreError::corrupt(PLAN, error))?;
        let item = Item::from([(DOCUMENT.to_owned(), string(document))]);
        let item = keyed(item, PLANS.to_owned(), plan_sk(plan));
        let mut put = put_new(&self.table, item.clone());
        let mut stored = PlanStored::New;
        for _ in 0..PLAN_TRIES {
            let mut found = match transact(&self.client, PLAN, vec![put]).await? {
                Outcome::Committed => return Ok(stored),
                Outcome::ConditionFailed(found) => found,
            };
            let found = found.first_mut().and_then(Option::take).unwrap_or_default();
            if plan_of(&found)? == *plan {
                return Ok(PlanStored::Before);
            }
            if plan.effective_from() <= today {
                return Ok(PlanStored::Different);
            }
            let before = string(text(PLAN, &found, DOCUMENT)?);
            put = put_over(&self.table, item.clone(), DOCUMENT, before);
            stored = PlanStored::Replaced;
        }
        Err(StoreError::Contended { operation: PLAN })
    }

    /// Whether the version is a new one of a plan that has others, for a month that is over.
    async fn is_backdated(&self, plan: &Plan, today: BillingDay) -> Result<bool, StoreError> {
        if plan.effective_from().month() >= today.month() {
            return Ok(false);
        }
        let plans = self.plans().await?;
        let is_new = plans.version(plan.name(), plan.effective_from()).is_none();
        Ok(is_new && plans.has(plan.name()))
    }

    /// Every version of every plan.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read, or holds a plan that makes no sense.
    pub async fn plans(&self) -> Result<Catalog, StoreError> {
        let range = Range::prefix(&self.table, PLANS.to_owned(), "");
        range.all(&self.client, READ_PLANS).await?.iter().map(plan_of).collect()
    }
}

fn plan_of(item: &Item) -> Result<Plan, StoreError> {
    serde_json::from_str(text(READ_PLANS, item, DOCUMENT)?)
        .map_err(|error| StoreError::corrupt(READ_PLANS, error))
}
