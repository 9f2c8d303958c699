//! Adjustments of providers: credit and debit notes for closed months.
//!
//! Each is written together with the account on which it waits, so that the account's version is
//! the condition of both.

use steelyard_billing::{Adjustment, AdjustmentId, AdjustmentPhase, ProviderId, Statement};

use crate::item::{from_item, to_item};
use crate::query::Range;
use crate::schema::{ADJUSTMENT_PREFIX, adjustment_sk, provider_pk};
use crate::{BillingTable, StoreError, Writes};

const READ: &str = "read adjustments";

impl BillingTable {
    /// All adjustments of a provider, by name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or one of them, cannot be read.
    pub async fn adjustments(&self, provider: &ProviderId) -> Result<Vec<Adjustment>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), ADJUSTMENT_PREFIX);
        let items = range.all(&self.client, READ).await?;
        items.into_iter().map(|item| from_item(READ, item)).collect()
    }

    /// One adjustment; none if it was not made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub async fn adjustment(
        &self,
        provider: &ProviderId,
        id: &AdjustmentId,
    ) -> Result<Option<Adjustment>, StoreError> {
        let range = Range::one(&self.table, provider_pk(provider), adjustment_sk(id));
        range.record(&self.client, READ).await
    }
}

impl Writes {
    /// Writes a new adjustment.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn new_adjustment(&mut self, adjustment: &Adjustment) -> Result<(), StoreError> {
        let (pk, sk) = key(adjustment);
        self.put_new(to_item(self.operation, pk, sk, adjustment)?);
        Ok(())
    }

    /// Writes an adjustment over the one before. The account is written in the same transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn adjustment(
        &mut self,
        before: &Adjustment,
        after: &Adjustment,
    ) -> Result<(), StoreError> {
        self.change_beside(key(after), before, after)
    }

    /// Writes that the adjustments on a statement are booked. The account has them as they were
    /// before, since each change of an adjustment also writes the account.
    pub(crate) fn booked(&mut self, statement: &Statement) -> Result<(), StoreError> {
        for note in &statement.adjustments {
            let before = Adjustment {
                provider: statement.provider.clone(),
                note: note.clone(),
                phase: AdjustmentPhase::Waiting,
            };
            let phase = AdjustmentPhase::Booked { booked_on: statement.statement };
            self.adjustment(&before, &Adjustment { phase, ..before.clone() })?;
        }
        Ok(())
    }
}

fn key(adjustment: &Adjustment) -> (String, String) {
    (provider_pk(&adjustment.provider), adjustment_sk(&adjustment.note.adjustment))
}
