//! Items that cannot be read: each fails alone, by name, until it is mended or an operator skips
//! it.

use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use steelyard_billing::{ProviderId, StatementId};

use crate::item::{Item, from_item, string};
use crate::schema::{
    DISPATCH_AT_S, DUE_SHARD, PK, REGISTRY, SK, SKIPPED, STATEMENT_PREFIX, registry_shard,
};
use crate::{BillingTable, CommitError, EventsTable, StoreError, UsageTable};

/// An item that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
    /// Why it cannot be read.
    pub why: String,
    /// Why an operator skips it; none if nobody has looked yet.
    pub skipped: Option<String>,
}

/// The items that were found, readable or not. Each item that cannot be read fails
/// alone.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The readable items, in the order in which they were found.
    pub readable: Vec<T>,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

impl<T: DeserializeOwned> Found<T> {
    pub(crate) fn of(operation: &'static str, items: impl IntoIterator<Item = Item>) -> Found<T> {
        let mut found = Found { readable: Vec::new(), unreadable: Vec::new() };
        for item in items {
            let name = Unreadable::named(&item);
            match from_item(operation, item) {
                Ok(read) => found.readable.push(read),
                Err(error) => found.unreadable.push(name.because(&error)),
            }
        }
        found
    }
}

const SKIP: &str = "skip an item that cannot be read";

impl Unreadable {
    /// That the item which names the shards does not name the shard of a provider.
    #[must_use]
    pub fn not_named(provider: &ProviderId) -> Unreadable {
        let (pk, sk) = (REGISTRY.to_owned(), REGISTRY.to_owned());
        let shard = registry_shard(provider);
        let why = format!("it does not name shard {shard}, so settlement passes `{provider}` over");
        Unreadable { pk, sk, why, skipped: None }
    }

    /// The statement that the item is, or that it is a part of; none if it is something else.
    #[must_use]
    pub fn statement(&self) -> Option<StatementId> {
        self.sk.strip_prefix(STATEMENT_PREFIX)?.split('#').next()?.parse().ok()
    }

    pub(crate) fn new(item: &Item, error: &StoreError) -> Unreadable {
        Unreadable::named(item).because(error)
    }

    /// The names of an item, before it is known why it cannot be read.
    pub(crate) fn named(item: &Item) -> Unreadable {
        let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        Unreadable {
            pk: text(PK).unwrap_or_default(),
            sk: text(SK).unwrap_or_default(),
            why: String::new(),
            skipped: text(SKIPPED),
        }
    }

    pub(crate) fn because(self, error: &StoreError) -> Unreadable {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let why = match error {
            StoreError::Unreadable { why, .. } => why.clone(),
            StoreError::Aws { .. } | StoreError::Contended { .. } | StoreError::Corrupt { .. } => {
                why
            }
        };
        Unreadable { why, ..self }
    }
}

impl BillingTable {
    /// Skips an item that cannot be read: it raises no more alarms, and leaves the index of due
    /// records. What it stands for stays undone.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when there is no such item.
    pub async fn skip_item(&self, pk: &str, sk: &str, reason: &str) -> Result<(), CommitError> {
        skip(&self.client, &self.table, pk, sk, reason).await
    }
}

impl UsageTable {
    /// Skips an item that cannot be read: it raises no more alarms. What it stands for stays
    /// undone.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when there is no such item.
    pub async fn skip_item(&self, pk: &str, sk: &str, reason: &str) -> Result<(), CommitError> {
        skip(&self.client, &self.table, pk, sk, reason).await
    }
}

impl EventsTable {
    /// Skips an item that cannot be read: it raises no more alarms, and leaves the index of due
    /// endpoints. What it stands for stays undone.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when there is no such item.
    pub async fn skip_item(&self, pk: &str, sk: &str, reason: &str) -> Result<(), CommitError> {
        skip(&self.client, &self.table, pk, sk, reason).await
    }
}

async fn skip(
    client: &Client,
    table: &str,
    pk: &str,
    sk: &str,
    reason: &str,
) -> Result<(), CommitError> {
    let sent = client
        .update_item()
        .table_name(table)
        .key(PK, string(pk))
        .key(SK, string(sk))
        .update_expression("SET #skipped = :reason REMOVE #shard, #dispatch")
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_names("#skipped", SKIPPED)
        .expression_attribute_names("#shard", DUE_SHARD)
        .expression_attribute_names("#dispatch", DISPATCH_AT_S)
        .expression_attribute_values(":reason", AttributeValue::S(reason.to_owned()))
        .send()
        .await;
    let Err(error) = sent else { return Ok(()) };
    let service = error.as_service_error();
    if service.is_some_and(|error| error.is_conditional_check_failed_exception()) {
        return Err(CommitError::Stale);
    }
    Err(StoreError::aws(SKIP, error).into())
}
