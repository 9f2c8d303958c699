//! The billing table, and how its writes are committed.

use aws_sdk_dynamodb::Client;

use crate::writes::Written;
use crate::{CommitError, Writes};

/// The billing table: all money, its records and its registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BillingTable {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl BillingTable {
    /// The table of that name.
    #[must_use]
    pub fn new(client: Client, table: String) -> BillingTable {
        BillingTable { client, table }
    }

    /// Writes that take effect together; `operation` names them in errors.
    pub fn writes(&self, operation: &'static str) -> Writes {
        Writes::new(&self.table, operation)
    }

    /// Does writes, all or none.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when a record was written since it was read, or a new one exists.
    pub async fn commit(&self, writes: Writes) -> Result<(), CommitError> {
        match writes.write(&self.client).await? {
            Written::All => Ok(()),
            Written::ConditionFailed(_) => Err(CommitError::Stale),
        }
    }
}
