//! The breaker of all debits.

use steelyard_billing::breaker::Breaker;

use crate::item::{from_item, to_item};
use crate::query::Range;
use crate::schema::BREAKER;
use crate::transact::put_version;
use crate::{BillingTable, CommitError, StoreError};

const READ: &str = "read the breaker";
const STORE: &str = "store the breaker";

impl BillingTable {
    /// The breaker; a closed one, if none was ever stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn breaker(&self) -> Result<Breaker, StoreError> {
        let range = Range::one(&self.table, BREAKER.to_owned(), BREAKER.to_owned());
        match range.all(&self.client, READ).await?.pop() {
            Some(item) => from_item(READ, item),
            None => Ok(Breaker::default()),
        }
    }

    /// Stores the breaker.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when it was written since `before` was read.
    pub async fn store_breaker(
        &self,
        before: &Breaker,
        after: &Breaker,
    ) -> Result<(), CommitError> {
        let stored = Breaker { version: before.version + 1, ..after.clone() };
        let item = to_item(STORE, BREAKER.to_owned(), BREAKER.to_owned(), &stored)?;
        // The first version takes the place of none.
        let version = (before.version > 0).then_some(before.version);
        self.commit(STORE, vec![put_version(&self.table, item, version)]).await
    }
}
