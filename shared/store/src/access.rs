//! The access grants. They are in the usage table, which ingest reads.

use steelyard_billing::{Access, Grant, Grantee};

use crate::item::{Item, from_item, text, to_item};
use crate::query::Range;
use crate::schema::{ACCESS, AT_S, SK, SOURCE_PREFIX, grant_sk, grantee};
use crate::unreadable::Unreadable;
use crate::writes::{Writes, Written};
use crate::{CommitError, StoreError, UsageTable};

const READ: &str = "read the access grants";
const GRANT: &str = "store an access grant";
const REVOKE: &str = "remove an access grant";

/// Every stored grant.
#[derive(Clone, Debug, Default)]
pub struct StoredAccess {
    /// The grants; what those that cannot be read may give is not open.
    pub access: Access,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

impl UsageTable {
    /// Every grant. One that cannot be read fails alone: nobody has what it gives.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn access(&self) -> Result<StoredAccess, StoreError> {
        let range = Range::prefix(&self.table, ACCESS.to_owned(), "");
        let mut stored = StoredAccess::default();
        for item in range.all(&self.client, READ).await? {
            match read(item.clone()) {
                Ok((to, grant)) => stored.access.add(to, grant),
                Err(error) => {
                    let found = Unreadable::new(&item, &error);
                    stored.access.add_unreadable(found.sk.starts_with(SOURCE_PREFIX));
                    stored.unreadable.push(found);
                }
            }
        }
        Ok(stored)
    }

    /// Stores a grant, in place of the one before.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when another person has changed it since it was read.
    pub async fn grant(
        &self,
        to: &Grantee,
        before: Option<&Grant>,
        grant: &Grant,
    ) -> Result<(), CommitError> {
        let mut writes = Writes::new(&self.table, GRANT);
        let item = to_item(GRANT, ACCESS.to_owned(), grant_sk(to), grant)?;
        match before {
            None => writes.put_new(item),
            Some(before) => {
                let at = to_item(GRANT, ACCESS.to_owned(), grant_sk(to), before)?.remove(AT_S);
                let at = at.ok_or_else(|| StoreError::corrupt(GRANT, "a grant has no time"))?;
                writes.put_over(item, AT_S, at);
            }
        }
        match writes.write(&self.client).await? {
            Written::All => Ok(()),
            Written::ConditionFailed(_) => Err(CommitError::Stale),
        }
    }

    /// Removes a grant, which may be gone already.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written.
    pub async fn revoke(&self, from: &Grantee) -> Result<(), StoreError> {
        let mut writes = Writes::new(&self.table, REVOKE);
        writes.delete(ACCESS, grant_sk(from));
        match writes.write(&self.client).await? {
            Written::All | Written::ConditionFailed(_) => Ok(()),
        }
    }
}

fn read(item: Item) -> Result<(Grantee, Grant), StoreError> {
    let to = grantee(text(READ, &item, SK)?);
    let to = to.ok_or_else(|| StoreError::corrupt(READ, "its sort key names nothing"))?;
    Ok((to, from_item(READ, item)?))
}
