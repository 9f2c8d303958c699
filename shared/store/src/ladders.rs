//! The arrears ladder, in the billing table: every version of it, as a document.

use steelyard_billing::{Ladder, Ladders};
use steelyard_pricing::BillingDay;

use crate::item::{Item, check_format, keyed, string, text};
use crate::query::Range;
use crate::schema::{DOCUMENT, LADDERS, SK};
use crate::unreadable::Unreadable;
use crate::{BillingTable, StoreError, Writes};

const READ_LADDERS: &str = "read the arrears ladder";

/// Every stored version of the arrears ladder.
#[derive(Clone, Debug, Default)]
pub struct StoredLadders {
    /// The versions; those that cannot be read are noted by their day.
    pub ladders: Ladders,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A stored version of the ladder.
#[derive(Clone, Debug)]
pub struct StoredLadder {
    /// The version; none if its document is no ladder.
    pub ladder: Option<Ladder>,
    /// The document as it is stored.
    document: String,
}

impl BillingTable {
    /// Every version of the arrears ladder. One that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn ladders(&self) -> Result<StoredLadders, StoreError> {
        let range = Range::prefix(&self.table, LADDERS.to_owned(), "");
        let (mut read, mut days, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
        for item in range.all(&self.client, READ_LADDERS).await? {
            match stored(&item).and_then(|stored| read_ladder(&stored.document)) {
                Ok(ladder) => read.push(ladder),
                Err(error) => {
                    let day = text(READ_LADDERS, &item, SK).ok();
                    let day = day.and_then(|day| day.parse::<BillingDay>().ok());
                    days.extend(day);
                    unreadable.push(Unreadable::new(&item, &error));
                }
            }
        }
        let mut ladders = read.into_iter().collect::<Ladders>();
        days.into_iter().for_each(|day| ladders.add_unreadable(day));
        Ok(StoredLadders { ladders, unreadable })
    }

    /// The version of a day; none if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the item, cannot be read.
    pub async fn ladder(&self, version: BillingDay) -> Result<Option<StoredLadder>, StoreError> {
        let range = Range::one(&self.table, LADDERS.to_owned(), version.to_string());
        let item = range.all(&self.client, READ_LADDERS).await?.pop();
        item.as_ref().map(stored).transpose()
    }
}

impl Writes {
    /// Writes a version of the ladder over the one before, or a new one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into JSON.
    pub fn ladder(
        &mut self,
        before: Option<&StoredLadder>,
        ladder: &Ladder,
    ) -> Result<(), StoreError> {
        let document = serde_json::to_string(ladder)
            .map_err(|error| StoreError::corrupt(self.operation, error))?;
        let item = Item::from([(DOCUMENT.to_owned(), string(document))]);
        let key = (LADDERS.to_owned(), ladder.document().effective_from.to_string());
        match before {
            None => self.put_new(keyed(item, key.0, key.1)),
            Some(before) => self.set_over(key, item, DOCUMENT, string(&before.document)),
        }
        Ok(())
    }
}

fn stored(item: &Item) -> Result<StoredLadder, StoreError> {
    check_format(READ_LADDERS, item)?;
    let document = text(READ_LADDERS, item, DOCUMENT)?;
    Ok(StoredLadder { ladder: read_ladder(document).ok(), document: document.to_owned() })
}

fn read_ladder(document: &str) -> Result<Ladder, StoreError> {
    serde_json::from_str(document).map_err(|error| StoreError::corrupt(READ_LADDERS, error))
}
