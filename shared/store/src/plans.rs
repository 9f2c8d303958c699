//! Plans, in the billing table: every version of each, as a document.

use steelyard_billing::ComingVersion;
use steelyard_pricing::{BillingDay, Catalog, Name, Plan};

use crate::item::{Item, check_format, keyed, string, text};
use crate::query::Range;
use crate::schema::{DOCUMENT, PLANS, SK, plan_sk};
use crate::unreadable::Unreadable;
use crate::{BillingTable, StoreError, Writes};

const READ_PLANS: &str = "read the plans";

/// Every stored version of every plan.
#[derive(Clone, Debug, Default)]
pub struct StoredPlans {
    /// The versions; those that cannot be read are noted by name.
    pub catalog: Catalog,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A stored version of a plan.
#[derive(Clone, Debug)]
pub struct StoredPlan {
    /// The version, as it was checked.
    pub plan: Plan,
    /// The document as it is stored.
    document: String,
}

impl BillingTable {
    /// Every version of every plan. One that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn plans(&self) -> Result<StoredPlans, StoreError> {
        let range = Range::prefix(&self.table, PLANS.to_owned(), "");
        let mut plans = StoredPlans::default();
        for item in range.all(&self.client, READ_PLANS).await? {
            match stored(&item) {
                Ok(stored) => plans.catalog.add(stored.plan),
                Err(error) => {
                    if let Some((name, effective_from)) = version(&item) {
                        plans.catalog.add_unreadable(name, effective_from);
                    }
                    plans.unreadable.push(Unreadable::new(&item, &error));
                }
            }
        }
        Ok(plans)
    }

    /// The stored version of a plan's name and day; none if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the version, cannot be read.
    pub async fn plan(&self, plan: &Plan) -> Result<Option<StoredPlan>, StoreError> {
        let range = Range::one(&self.table, PLANS.to_owned(), plan_sk(plan));
        let item = range.all(&self.client, READ_PLANS).await?.pop();
        item.as_ref().map(stored).transpose()
    }
}

impl Writes {
    /// Writes a version of a plan over the one before, or a new one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into JSON.
    pub fn plan(&mut self, before: Option<&StoredPlan>, plan: &Plan) -> Result<(), StoreError> {
        let document = serde_json::to_string(plan)
            .map_err(|error| StoreError::corrupt(self.operation, error))?;
        let item = Item::from([(DOCUMENT.to_owned(), string(document))]);
        let (pk, sk) = (PLANS.to_owned(), plan_sk(plan));
        match before {
            None => self.put_new(keyed(item, pk, sk)),
            Some(before) => self.set_over((pk, sk), item, DOCUMENT, string(&before.document)),
        }
        Ok(())
    }
}

fn stored(item: &Item) -> Result<StoredPlan, StoreError> {
    check_format(READ_PLANS, item)?;
    let document = text(READ_PLANS, item, DOCUMENT)?;
    let plan =
        serde_json::from_str(document).map_err(|error| StoreError::corrupt(READ_PLANS, error))?;
    Ok(StoredPlan { plan, document: document.to_owned() })
}

/// Which version of a plan an item is.
pub(crate) fn stored_version(item: &Item) -> Result<ComingVersion, StoreError> {
    Ok(ComingVersion::of(&stored(item)?.plan))
}

/// The name and the effective day in a plan's key.
fn version(item: &Item) -> Option<(Name, BillingDay)> {
    let (name, day) = text(READ_PLANS, item, SK).ok()?.split_once('#')?;
    Some((name.parse().ok()?, day.parse().ok()?))
}
