//! The realm: created once with the tables, and renewed when the table is a restored copy.

use serde::{Deserialize, Serialize};
use steelyard_billing::Realm;

use crate::item::{attributes, keyed, string};
use crate::query::Range;
use crate::schema::REALM;
use crate::{BillingTable, StoreError, Writes};

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
    /// Whether the table is a restored copy of the one that the current realm was made for. Then it
    /// needs a new one, since the original may have used the next numbers already.
    pub is_copied: bool,
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
        let range = Range::one(&self.table, REALM.to_owned(), REALM.to_owned());
        let stored: Option<StoredRealm> = range.record(&self.client, READ).await?;
        Ok(stored.map(|StoredRealm { realm, table, former }| Realms {
            current: realm,
            former,
            is_copied: table != self.table,
        }))
    }
}

impl Writes {
    /// Stores a new realm: the first of the deployment, or in place of the one before. Gives the
    /// realms as they will be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when no random number can be had.
    pub fn realm(&mut self, before: Option<&Realms>) -> Result<Realms, StoreError> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::corrupt(STORE, error))?;
        let mut former = before.map(|before| before.former.clone()).unwrap_or_default();
        former.extend(before.map(|before| before.current.clone()));
        let realm = Realm::of_random(bytes);
        let table = self.table.clone();
        let stored = StoredRealm { realm: realm.clone(), table, former: former.clone() };
        let item = attributes(STORE, &stored)?;
        let (pk, sk) = (REALM.to_owned(), REALM.to_owned());
        match before {
            None => self.put_new(keyed(item, pk, sk)),
            Some(Realms { current, .. }) => {
                self.set_over((pk, sk), item, REALM, string(current.as_str()));
            }
        }
        Ok(Realms { current: realm, former, is_copied: false })
    }
}
