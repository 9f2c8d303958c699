//! Providers: their terms, changed against what is settled.

use std::sync::Mutex;

use steelyard_billing::{Provider, ProviderId, TermsChangeError};
use steelyard_pricing::BillingDay;

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
}
