//! The realm: created once with the tables, and renewed when the table is a restored copy.

use serde::{Deserialize, Serialize};
use steelyard_billing::Realm;

use crate::item::{attributes, from_item, keyed, string};
use crate::query::Range;
use crate::schema::REALM;
use crate::{BillingTable, CommitError, StoreError};

const READ: &str = "read the realm";
const STORE: &str = "store the realm";

/// The realm as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredRealm {
    realm: Realm,
    /// The table that it was made for. A copy of the table has another name.
    table: String,
    /// The realms of the tables that this one is a copy of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<Realm>,
}

/// The realms of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realms {
    /// The realm of new numbers.
    pub current: Realm,
    /// The realms of older numbers.
    pub former: Vec<Realm>,
}

impl Realms {
    /// Whether numbers of a realm are this deployment's.
    #[must_use]
    pub fn has(&self, realm: &Realm) -> bool {
        self.current == *realm || self.former.contains(realm)
    }
}

impl BillingTable {
    /// The realms of the deployment; none if no number was ever made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn realms(&self) -> Result<Option<Realms>, StoreError> {
        let stored = self.stored_realm().await?;
        Ok(stored.map(|stored| Realms { current: stored.realm, former: stored.former }))
    }

    async fn stored_realm(&self) -> Result<Option<StoredRealm>, StoreError> {
        let range = Range::one(&self.table, REALM.to_owned(), REALM.to_owned());
        let item = range.all(&self.client, READ).await?.pop();
        item.map(|item| from_item(READ, item)).transpose()
    }

    /// The realms of the deployment. The first call makes one; a call over a restored copy of a table
    /// makes a new one, since the original may have used the next numbers already.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails, or no random number can be had.
    pub async fn open_realm(&self) -> Result<Realms, StoreError> {
        loop {
            let before = self.stored_realm().await?;
            match before {
                Some(stored) if stored.table == self.table => {
                    return Ok(Realms { current: stored.realm, former: stored.former });
                }
                Some(_) | None => {}
            }
            match self.put_realm(before).await {
                Ok(()) | Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
    }

    async fn put_realm(&self, before: Option<StoredRealm>) -> Result<(), CommitError> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::corrupt(STORE, error))?;
        let mut former = Vec::new();
        if let Some(before) = &before {
            former.clone_from(&before.former);
            former.push(before.realm.clone());
        }
        let realm = Realm::of_random(bytes);
        let stored = StoredRealm { realm, table: self.table.clone(), former };
        let item = attributes(STORE, &stored)?;
        let (pk, sk) = (REALM.to_owned(), REALM.to_owned());
        let mut writes = self.writes(STORE);
        match before {
            None => writes.put_new(keyed(item, pk, sk)),
            Some(before) => writes.set_over((pk, sk), item, REALM, string(before.realm.as_str())),
        }
        self.commit(writes).await
    }
}
