//! The registry: the shards that have providers, and a walk through a shard.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Deserialize;
use thiserror::Error;

use crate::accounts::{AccountPage, ProviderAccount};
use crate::item::{Item, from_item, keyed, number, string};
use crate::query::Range;
use crate::schema::{
    FORMAT, FORMAT_NAME, PK, REGISTRY, REGISTRY_SHARDS, SHARDS, SK, due_shard_of, registry_pk,
};
use crate::unreadable::Unreadable;
use crate::writes::Written;
use crate::{BillingTable, StoreError};

/// One of the entries of a registry shard, as a walk through the shard finds them.
#[derive(Clone, Debug)]
pub enum RegistryEntry {
    /// A provider with its account.
    Account(Box<ProviderAccount>),
    /// An item that cannot be read, or the other half of one.
    Unreadable(Unreadable),
    /// The shard has no more.
    End,
}

/// Where a list of providers goes on: in a shard of the registry, after a provider or from its
/// beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryCursor {
    shard: u8,
    after: Option<String>,
}

/// A text names no place in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this names no place in the list of providers")]
pub struct RegistryCursorError;

/// Some providers of the registry, in the order of its shards.
#[derive(Clone, Debug, Default)]
pub struct RegistryPage {
    /// The providers that can be read.
    pub accounts: Vec<ProviderAccount>,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page begins; none on the last page.
    pub next: Option<RegistryCursor>,
}

/// Which shards of the registry have providers.
#[derive(Clone, Debug)]
pub struct RegistryShards {
    /// Their numbers; all, if it is not known which.
    pub shards: BTreeSet<u8>,
    /// The item that names them, if it cannot be read.
    pub unreadable: Option<Unreadable>,
}

impl RegistryShards {
    /// The shards of the index of due records in which their providers' records stand.
    #[must_use]
    pub fn due(&self) -> BTreeSet<u8> {
        self.shards.iter().map(|shard| due_shard_of(*shard)).collect()
    }
}

/// The item that names the shards.
#[derive(Debug, Deserialize)]
struct NamedShards {
    /// None in a table without providers: DynamoDB stores no empty set.
    #[serde(default)]
    shards: BTreeSet<u8>,
}

/// The most bytes of an id after which a page of providers begins: a sort key has 1,024 at most.
const AFTER_MAX: usize = 512;

const READ: &str = "read which shards have providers";
const NAME: &str = "name a shard that has providers";

/// How many providers a walk through a shard reads at a time.
const PAGE: u16 = 100;

/// How many shards are looked into at the same time.
const AT_ONCE: usize = 16;

impl BillingTable {
    /// The shards of the registry that have providers: the registration of a shard's first provider
    /// names it. When the item that names them is missing or cannot be read, these are all shards,
    /// so that nobody is passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn shards_in_use(&self) -> Result<RegistryShards, StoreError> {
        let all = |unreadable| RegistryShards { shards: REGISTRY_SHARDS.collect(), unreadable };
        let Some(item) = self.registry_item().await? else { return Ok(all(None)) };
        Ok(match from_item(READ, item.clone()) {
            Ok(NamedShards { shards }) => RegistryShards { shards, unreadable: None },
            Err(error) => all(Some(Unreadable::new(&item, &error))),
        })
    }

    /// The write that names a shard as one that has providers; none if it is named already. When
    /// the item is missing, as in a new table, the write names every shard that has providers now.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] when the item cannot be read: a shard that is not named would be
    /// passed over once the item is repaired.
    pub(crate) async fn naming_shard(&self, shard: u8) -> Result<Option<Update>, StoreError> {
        let mut shards = BTreeSet::from([shard]);
        match self.registry_item().await? {
            Some(item) => {
                let NamedShards { shards } = from_item(READ, item)?;
                if shards.contains(&shard) {
                    return Ok(None);
                }
            }
            None => shards.extend(self.occupied_shards().await?),
        }
        let shards = shards.iter().map(ToString::to_string).collect();
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(REGISTRY))
            .key(SK, string(REGISTRY))
            .update_expression("SET #format = :format ADD #shards :shards")
            .expression_attribute_names("#format", FORMAT_NAME)
            .expression_attribute_names("#shards", SHARDS)
            .expression_attribute_values(":format", number(FORMAT))
            .expression_attribute_values(":shards", AttributeValue::Ns(shards))
            .build();
        update.map(Some).map_err(|error| StoreError::corrupt(NAME, error))
    }

    /// The shards that have an item.
    async fn occupied_shards(&self) -> Result<Vec<u8>, StoreError> {
        let occupied = stream::iter(REGISTRY_SHARDS).map(|shard| async move {
            let range = Range::prefix(&self.table, registry_pk(shard), "");
            let first = range.page(&self.client, READ, None, Some(1)).await?;
            Ok::<_, StoreError>((!first.items.is_empty()).then_some(shard))
        });
        let occupied: Vec<Option<u8>> = occupied.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(occupied.into_iter().flatten().collect())
    }

    async fn registry_item(&self) -> Result<Option<Item>, StoreError> {
        let range = Range::one(&self.table, REGISTRY.to_owned(), REGISTRY.to_owned());
        Ok(range.all(&self.client, READ).await?.pop())
    }

    /// Puts the item that names no shard, into a table that is new.
    pub(crate) async fn create_registry(&self) -> Result<(), StoreError> {
        let mut writes = self.writes(NAME);
        writes.put_new(keyed(Item::new(), REGISTRY.to_owned(), REGISTRY.to_owned()));
        match writes.write(&self.client).await? {
            Written::All | Written::ConditionFailed(_) => Ok(()),
        }
    }

    /// Providers of all shards with their accounts, from the beginning or where the page before
    /// ended. The page ends with the shard in which `enough` of them are found, and a shard gives
    /// `enough` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn registry_page(
        &self,
        from: Option<&RegistryCursor>,
        enough: u16,
    ) -> Result<RegistryPage, StoreError> {
        let RegistryShards { mut shards, unreadable } = self.shards_in_use().await?;
        let mut page = RegistryPage::default();
        page.unreadable.extend(unreadable.filter(|_| from.is_none()));
        let first = from.map_or(0, |from| from.shard);
        shards.retain(|shard| *shard >= first);
        let after = |shard: u8| from.filter(|from| from.shard == shard)?.after.clone();
        let last = shards.last().copied();
        let mut found = stream::iter(shards)
            .map(|shard| {
                let after = after(shard);
                async move { (shard, self.accounts(shard, after.as_deref(), enough).await) }
            })
            .buffered(AT_ONCE);
        while let Some((shard, read)) = found.next().await {
            let AccountPage { accounts, unreadable, next } = read?;
            page.accounts.extend(accounts);
            page.unreadable.extend(unreadable);
            if next.is_some() {
                page.next = Some(RegistryCursor { shard, after: next });
                break;
            }
            if page.accounts.len() >= usize::from(enough) && last != Some(shard) {
                page.next = shard.checked_add(1).map(|shard| RegistryCursor { shard, after: None });
                break;
            }
        }
        Ok(page)
    }

    /// Walks through a registry shard, after a provider or from the beginning, page by page. An
    /// item that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// The last item of the stream is a [`StoreError`] when the table cannot be read.
    pub fn walk(
        &self,
        shard: u8,
        after: Option<String>,
    ) -> BoxStream<'_, Result<RegistryEntry, StoreError>> {
        let pages = stream::try_unfold(Some(after), move |after| async move {
            let Some(after) = after else { return Ok(None) };
            let page = self.accounts(shard, after.as_deref(), PAGE).await?;
            let next = page.next.clone().map(Some);
            Ok::<_, StoreError>(Some((page, next)))
        });
        pages.map_ok(|page| stream::iter(page.entries()).map(Ok)).try_flatten().boxed()
    }
}

impl fmt::Display for RegistryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.shard, self.after.as_deref().unwrap_or_default())
    }
}

impl FromStr for RegistryCursor {
    type Err = RegistryCursorError;

    fn from_str(text: &str) -> Result<RegistryCursor, RegistryCursorError> {
        let (shard, after) = text.split_once(':').ok_or(RegistryCursorError)?;
        let shard = shard.parse().map_err(|_| RegistryCursorError)?;
        // Any text will do: it is a place in the order of keys.
        let is_short = after.len() <= AFTER_MAX;
        let after = (!after.is_empty()).then(|| after.to_owned());
        is_short.then_some(RegistryCursor { shard, after }).ok_or(RegistryCursorError)
    }
}

impl AccountPage {
    /// The entries in order, with the end of the shard after the last page.
    fn entries(self) -> impl Iterator<Item = RegistryEntry> {
        let unreadable = self.unreadable.into_iter().map(RegistryEntry::Unreadable);
        let accounts =
            self.accounts.into_iter().map(|found| RegistryEntry::Account(Box::new(found)));
        let end = self.next.is_none().then_some(RegistryEntry::End);
        unreadable.chain(accounts).chain(end)
    }
}
