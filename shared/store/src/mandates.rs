//! Mandates: stored with what follows from them, the provider's mandate in use and whose agreement
//! is whose.

use aws_sdk_dynamodb::types::TransactWriteItem;
use steelyard_billing::{Account, Mandate, MandateId, Provider, ProviderId};

use crate::item::{from_item, to_item};
use crate::query::Range;
use crate::schema::{OWNER, agreement_pk};
use crate::transact::put_new;
use crate::{BillingTable, CommitError, ProviderAccount, StoreError};

const READ: &str = "read whose agreement it is";
const STORE: &str = "store a mandate";

/// Whose an agreement is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AgreementOwner {
    /// The provider.
    pub provider: ProviderId,
    /// The provider's mandate.
    pub mandate: MandateId,
}

/// One mandate that changes.
#[derive(Clone, Debug)]
pub struct MandateChange {
    /// As it is stored; none if it is new.
    pub before: Option<Mandate>,
    /// As it is to be stored.
    pub after: Mandate,
}

impl BillingTable {
    /// Whose an agreement is, by Alipay's number.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn agreement_owner(
        &self,
        agreement_no: &str,
    ) -> Result<Option<AgreementOwner>, StoreError> {
        let range = Range::one(&self.table, agreement_pk(agreement_no), OWNER.to_owned());
        let item = range.all(&self.client, READ).await?.pop();
        item.map(|item| from_item(READ, item)).transpose()
    }

    /// Stores mandates that change together, in one transaction with the mandate in use that follows
    /// from them, and with the account that counted a new one.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when a mandate or the account was written since they were read, or an
    /// agreement is another mandate's.
    pub async fn store_mandates(
        &self,
        customer: &ProviderAccount,
        counted: &Account,
        changes: &[MandateChange],
    ) -> Result<(), CommitError> {
        let version = customer.account.version;
        let account = Account { version: version + 1, ..counted.clone() };
        let mut writes = vec![self.putting_account(STORE, &account, version)?];
        let mut provider = customer.provider.clone();
        for change in changes {
            self.changing(change, &mut provider, &mut writes)?;
        }
        if provider != customer.provider {
            writes.push(self.putting_provider(STORE, &provider)?);
        }
        self.commit(STORE, writes).await
    }

    /// Adds the writes of a mandate that changes, and lets the provider follow it.
    pub(crate) fn changing(
        &self,
        MandateChange { before, after }: &MandateChange,
        provider: &mut Provider,
        writes: &mut Vec<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        let known = before.as_ref().and_then(|before| before.agreement_no.as_ref());
        if let (None, Some(agreement_no)) = (known, &after.agreement_no) {
            let owner = AgreementOwner { provider: after.provider.clone(), mandate: after.mandate };
            let item = to_item(STORE, agreement_pk(agreement_no), OWNER.to_owned(), &owner)?;
            writes.push(put_new(&self.table, item));
        }
        writes.push(self.putting(STORE, before.as_ref(), after)?.0);
        *provider = provider.with_mandate(after);
        Ok(())
    }
}
