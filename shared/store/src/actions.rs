//! Actions that people asked for: the audit trail, by month.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{Action, ActionId};
use steelyard_pricing::BillingMonth;

use crate::item::{from_item, to_item};
use crate::query::Range;
use crate::schema::{ACTION, action_pk, action_sk, actions_pk};
use crate::unreadable::Unreadable;
use crate::writes::Index;
use crate::{BillingTable, StoreError, Writes};

const READ: &str = "read actions";

/// Some of the actions of a month, the newest first.
#[derive(Clone, Debug, Default)]
pub struct ActionPage {
    /// The actions that can be read.
    pub actions: Vec<Action>,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page begins; none on the last page.
    pub next: Option<String>,
}

/// Where an action is, as it is stored under its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    asked_in: BillingMonth,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    asked_at_s: Timestamp,
}

impl BillingTable {
    /// An action by its name: two requests. None if it was not asked for.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub async fn action(&self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        let range = Range::one(&self.table, action_pk(id), ACTION.to_owned());
        let place: Option<Place> = range.record(&self.client, READ).await?;
        let Some(Place { asked_in, asked_at_s }) = place else { return Ok(None) };
        let range = Range::one(&self.table, actions_pk(asked_in), action_sk(asked_at_s, id));
        let found = range.record(&self.client, READ).await?;
        found.map(Some).ok_or_else(|| StoreError::corrupt(READ, format!("action {id} is gone")))
    }

    /// The actions of a month, at most `limit`, from the newest on or where the page before ended:
    /// one request. One that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn actions(
        &self,
        month: BillingMonth,
        before: Option<&str>,
        limit: u16,
    ) -> Result<ActionPage, StoreError> {
        let range = Range::prefix(&self.table, actions_pk(month), "");
        let before = before.map(str::to_owned);
        let page = range.page_back(&self.client, READ, before, Some(limit.into())).await?;
        let mut actions = ActionPage { next: page.next, ..ActionPage::default() };
        for item in page.items {
            match from_item(READ, item.clone()) {
                Ok(action) => actions.actions.push(action),
                Err(error) => actions.unreadable.push(Unreadable::new(&item, &error)),
            }
        }
        Ok(actions)
    }
}

impl Writes {
    /// Writes an action over the version before, or a new one, once by its name. Gives it as it
    /// will be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn action(
        &mut self,
        before: Option<&Action>,
        after: &Action,
    ) -> Result<Action, StoreError> {
        let Action { id, asked_in, asked_at_s, .. } = after;
        if before.is_none() {
            let place = Place { asked_in: *asked_in, asked_at_s: *asked_at_s };
            let item = to_item(self.operation, action_pk(id), ACTION.to_owned(), &place)?;
            self.put_new(item);
        }
        let key = (actions_pk(*asked_in), action_sk(*asked_at_s, id));
        let version = before.map_or(0, |before| before.version) + 1;
        let stored = Action { version, ..after.clone() };
        self.change(key, before.map(|before| (before, before.version)), &stored, Index::default())?;
        Ok(stored)
    }
}
