//! Whose agreements at Alipay are whose mandates.

use serde::{Deserialize, Serialize};
use steelyard_billing::{AgreementOwner, Mandate, MandateId, ProviderId};

use crate::item::{from_item, to_item};
use crate::query::Range;
use crate::schema::{OWNER, agreement_pk};
use crate::{BillingTable, StoreError, Writes};

const READ: &str = "read whose agreement it is";

/// The mandate of an agreement, as it is stored under the agreement's number.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredOwner {
    provider: ProviderId,
    mandate: MandateId,
}

impl BillingTable {
    /// The mandate of an agreement, by Alipay's number; none if it is not ours.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn agreement_owner(
        &self,
        agreement_no: &str,
    ) -> Result<Option<AgreementOwner>, StoreError> {
        let range = Range::one(&self.table, agreement_pk(agreement_no), OWNER.to_owned());
        let Some(item) = range.all(&self.client, READ).await?.pop() else { return Ok(None) };
        let StoredOwner { provider, mandate } = from_item(READ, item)?;
        Ok(Some(AgreementOwner { agreement_no: agreement_no.to_owned(), provider, mandate }))
    }
}

impl Writes {
    /// Writes a mandate over the one before, or a new one. When its agreement becomes known, it is
    /// noted as this mandate's, which fails if it is another's. Gives the mandate as it will be
    /// stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when something cannot be put into DynamoDB's form.
    pub fn mandate(
        &mut self,
        before: Option<&Mandate>,
        after: &Mandate,
    ) -> Result<Mandate, StoreError> {
        let known = before.and_then(|before| before.agreement_no.as_ref());
        if let (None, Some(agreement_no)) = (known, &after.agreement_no) {
            let owner = StoredOwner { provider: after.provider.clone(), mandate: after.mandate };
            let pk = agreement_pk(agreement_no);
            self.put_new(to_item(self.operation, pk, OWNER.to_owned(), &owner)?);
        }
        self.record(before, after)
    }
}
