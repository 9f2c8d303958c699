//! Links that open portal sessions: each works once.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_billing::{SessionLink, hex};

use crate::item::{Item, from_item, number, string, to_item};
use crate::query::Range;
use crate::schema::{EXPIRES_AT_S, LINK, session_link_pk};
use crate::{BillingTable, CommitError, StoreError};

const MAKE: &str = "store a session link";
const READ: &str = "read a session link";
const OPEN: &str = "open a session link";

/// For how long a link stays stored after its time, so that one that is opened late is
/// distinguished from one that never was.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The random text of the attempt that opened the link: empty before.
const OPENED_BY: &str = "opened_by";

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    link: SessionLink,
    opened_by: String,
}

/// The name of a link, from its token: what is stored does not open it.
#[must_use]
pub fn session_link_id(token: &str) -> String {
    hex(&Sha256::digest(token), 32)
}

impl BillingTable {
    /// Stores a link under the digest of its token.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when the token was used before.
    pub async fn make_session_link(&self, id: &str, link: &SessionLink) -> Result<(), CommitError> {
        let mut writes = self.writes(MAKE);
        let stored = Stored { link: link.clone(), opened_by: String::new() };
        let mut item = to_item(MAKE, session_link_pk(id), LINK.to_owned(), &stored)?;
        let expires = link.valid_until() + KEPT_FOR;
        item.insert(EXPIRES_AT_S.to_owned(), number(expires.as_second()));
        writes.put_new(item);
        self.commit(writes).await
    }

    /// Takes a link, once: `opener` is a random text of this attempt, by which a repeated write
    /// whose first answer got lost is distinguished from another visitor. None if there is no such
    /// link, or it was opened.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read or written.
    pub async fn open_session_link(
        &self,
        id: &str,
        opener: &str,
    ) -> Result<Option<SessionLink>, StoreError> {
        let Some(stored) = self.session_link(id).await? else { return Ok(None) };
        if !stored.opened_by.is_empty() {
            return Ok(None);
        }
        let mut writes = self.writes(OPEN);
        let key = (session_link_pk(id), LINK.to_owned());
        let opened = Item::from([(OPENED_BY.to_owned(), string(opener))]);
        writes.set_over(key, opened, OPENED_BY, string(""));
        match self.commit(writes).await {
            Ok(()) => Ok(Some(stored.link)),
            Err(CommitError::Stale) => {
                let after = self.session_link(id).await?;
                Ok(after.filter(|after| after.opened_by == opener).map(|after| after.link))
            }
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    async fn session_link(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        let range = Range::one(&self.table, session_link_pk(id), LINK.to_owned());
        let Some(item) = range.all(&self.client, READ).await?.pop() else { return Ok(None) };
        from_item(READ, item).map(Some)
    }
}
