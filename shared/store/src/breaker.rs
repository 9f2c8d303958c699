//! The breaker of all debits.

use steelyard_billing::breaker::Breaker;

use crate::item::from_item;
use crate::query::Range;
use crate::schema::BREAKER;
use crate::writes::Index;
use crate::{BillingTable, StoreError, Writes};

const READ: &str = "read the breaker";

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
}

impl Writes {
    /// Writes the breaker over the one before, and gives it as it will be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn breaker(&mut self, before: &Breaker, after: &Breaker) -> Result<Breaker, StoreError> {
        let stored = Breaker { version: before.version + 1, ..after.clone() };
        // The first version takes the place of none.
        let before = (before.version > 0).then_some((before, before.version));
        let key = (BREAKER.to_owned(), BREAKER.to_owned());
        self.change(key, before, &stored, Index::default())?;
        Ok(stored)
    }
}
