//! What our books say Alipay moved and no bill has shown yet, and what reconciling days came to.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use jiff::civil::Date;
use steelyard_billing::{Reconciliation, Unmatched};

use crate::item::{from_item, string, to_item};
use crate::query::Range;
use crate::schema::{PK, RECONCILIATION, SK, UNMATCHED, unmatched_sk};
use crate::transact::{Outcome, put_always, transact};
use crate::{BillingTable, StoreError};

const READ: &str = "read what no bill has shown";
const MATCH: &str = "note that a bill showed something";
const READ_DAY: &str = "read a reconciliation";
const STORE_DAY: &str = "store a reconciliation";

impl BillingTable {
    /// What our books say Alipay moved and no bill has shown yet, up to a day, by day.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn unmatched(&self, through: Date) -> Result<Vec<Unmatched>, StoreError> {
        let range = Range {
            table: &self.table,
            pk: UNMATCHED.to_owned(),
            from: crate::schema::KEY_BEGIN.to_owned(),
            to: format!("{through}{}", crate::schema::KEY_END),
        };
        let items = range.all(&self.client, READ).await?;
        items.into_iter().map(|item| from_item(READ, item)).collect()
    }

    /// Notes that a bill showed it. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written.
    pub async fn matched(&self, shown: &Unmatched) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key(PK, string(UNMATCHED))
            .key(SK, string(unmatched_sk(shown)))
            .build()
            .map_err(|error| StoreError::corrupt(MATCH, error))?;
        let write = TransactWriteItem::builder().delete(delete).build();
        match transact(&self.client, MATCH, vec![write]).await? {
            Outcome::Committed | Outcome::ConditionFailed(_) => Ok(()),
        }
    }

    /// What reconciling a day came to, if it was reconciled.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn reconciliation(&self, day: Date) -> Result<Option<Reconciliation>, StoreError> {
        let range = Range::one(&self.table, RECONCILIATION.to_owned(), day.to_string());
        let item = range.all(&self.client, READ_DAY).await?.pop();
        item.map(|item| from_item(READ_DAY, item)).transpose()
    }

    /// The last day before another that was reconciled; none if none was.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn reconciled_before(&self, day: Date) -> Result<Option<Date>, StoreError> {
        let Ok(last) = day.yesterday() else { return Ok(None) };
        let range = Range {
            table: &self.table,
            pk: RECONCILIATION.to_owned(),
            from: crate::schema::KEY_BEGIN.to_owned(),
            to: last.to_string(),
        };
        let item = range.last(&self.client, READ_DAY).await?;
        let found: Option<Reconciliation> =
            item.map(|item| from_item(READ_DAY, item)).transpose()?;
        Ok(found.map(|found| found.day))
    }

    /// The days from one on that were reconciled.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn reconciled_since(&self, day: Date) -> Result<BTreeSet<Date>, StoreError> {
        let range = Range {
            table: &self.table,
            pk: RECONCILIATION.to_owned(),
            from: day.to_string(),
            to: crate::schema::KEY_END.to_owned(),
        };
        let items = range.all(&self.client, READ_DAY).await?;
        let days = items.into_iter().map(|item| {
            let found: Reconciliation = from_item(READ_DAY, item)?;
            Ok(found.day)
        });
        days.collect()
    }

    /// Stores what reconciling a day came to, in place of what it came to before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written.
    pub async fn store_reconciliation(&self, of: &Reconciliation) -> Result<(), StoreError> {
        let item = to_item(STORE_DAY, RECONCILIATION.to_owned(), of.day.to_string(), of)?;
        match transact(&self.client, STORE_DAY, vec![put_always(&self.table, item)]).await? {
            Outcome::Committed | Outcome::ConditionFailed(_) => Ok(()),
        }
    }

    /// Puts what a bill has to show.
    pub(crate) fn putting_unmatched(
        &self,
        operation: &'static str,
        moved: &Unmatched,
    ) -> Result<TransactWriteItem, StoreError> {
        let item = to_item(operation, UNMATCHED.to_owned(), unmatched_sk(moved), moved)?;
        Ok(put_always(&self.table, item))
    }
}
