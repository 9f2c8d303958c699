//! Providers: their terms, changed against what is settled.

use std::sync::Mutex;

use steelyard_billing::{Account, Provider, ProviderId, TermsChangeError};
use steelyard_pricing::{BillingDay, BillingMonth};
use steelyard_store::UsageTable;

use crate::change::{Decision, change, lock};
use crate::{BookError, Books};

const UPDATE: &str = "update a provider";

impl Books {
    /// Changes a provider's terms: a settlement that was decided by the terms before is stale then,
    /// as this is after a settlement. `decide` gets the last settled day.
    ///
    /// # Errors
    ///
    /// [`BookError::Terms`] when the terms cannot be changed so.
    pub async fn change_provider(
        &self,
        provider: &ProviderId,
        decide: impl Fn(&mut Provider, Option<BillingDay>) -> Result<(), TermsChangeError> + Send + Sync,
    ) -> Result<Provider, BookError> {
        // What a first try stored, whose answer was lost, looks like another's change.
        let (decide, wanted) = (&decide, &Mutex::new(None::<Provider>));
        change(&self.billing, UPDATE, move |_| async move {
            let found = self.account(provider).await?;
            if lock(wanted).as_ref() == Some(&found.provider) {
                return Ok(Decision::Keep(found.provider));
            }
            let mut after = found.provider.clone();
            decide(&mut after, found.account.settled_through)?;
            let mut writes = self.billing.writes(UPDATE);
            writes.account(&found.account, &found.account)?;
            writes.provider(&found.provider, &after)?;
            *lock(wanted) = Some(after.clone());
            Ok::<_, BookError>(Decision::Save(writes, after))
        })
        .await
    }

    /// Bills a provider from an earlier month on, and counts its usage from then: possible while
    /// nothing of it is settled.
    ///
    /// # Errors
    ///
    /// [`BookError::Terms`] when something is settled, or the month is not earlier.
    pub async fn bill_from(
        &self,
        usage: &UsageTable,
        provider: &ProviderId,
        month: BillingMonth,
    ) -> Result<Provider, BookError> {
        change(&self.billing, UPDATE, move |is_again| async move {
            let found = self.account(provider).await?;
            // What a first try stored, whose answer was lost.
            if is_again && found.provider.billed_from == month {
                return Ok(Decision::Keep(found.provider));
            }
            let mut after = found.provider.clone();
            after.bill_from(month, found.account.settled_through)?;
            let account = Account { open_from: month, ..found.account.clone() };
            let mut writes = self.billing.writes(UPDATE);
            writes.account(&found.account, &account)?;
            writes.provider(&found.provider, &after)?;
            let counting = usage.counting_from(provider, found.provider.billed_from, month)?;
            Ok::<_, BookError>(Decision::Save(writes.and(counting), after))
        })
        .await
    }
}
