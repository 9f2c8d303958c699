//! The usage table, and which providers may be counted in it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::Update;
use steelyard_billing::{MonthClose, ProviderId, Registration};
use steelyard_pricing::BillingMonth;

use crate::item::{from_item, string, text, to_item};
use crate::schema::{DAY_PREFIX, PK, REGISTRATION, SK};
use crate::unreadable::Unreadable;
use crate::writes::{Writes, Written};
use crate::{StoreError, batch};

/// The usage table: reports, closes and grants. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UsageTable {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// The registrations of some providers.
#[derive(Debug, Default)]
pub struct Registrations {
    /// Those that can be read.
    pub readable: BTreeMap<ProviderId, Registration>,
    /// Those that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

const REGISTER: &str = "register a provider for counting";
const FIND: &str = "find whether providers are registered";
const MOVE: &str = "count a provider's usage from an earlier month";
const CLOSE: &str = "close the months of a provider";

impl UsageTable {
    /// The table of that name.
    #[must_use]
    pub fn new(client: Client, table: String) -> UsageTable {
        UsageTable { client, table }
    }

    /// The registrations of providers. One that is absent is not registered; one that cannot be
    /// read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn registrations(
        &self,
        providers: &[ProviderId],
    ) -> Result<Registrations, StoreError> {
        let mut found = Registrations::default();
        let key = |provider: &ProviderId| (provider.to_string(), REGISTRATION.to_owned());
        let keys = providers.iter().map(key).collect();
        for item in batch::items(&self.client, &self.table, FIND, keys).await? {
            let provider = text(FIND, &item, PK)?
                .parse()
                .map_err(|error: steelyard_billing::IdError| StoreError::corrupt(FIND, error))?;
            match from_item(FIND, item.clone()) {
                Ok(registration) => {
                    found.readable.insert(provider, registration);
                }
                Err(error) => found.unreadable.push(Unreadable::new(&item, &error)),
            }
        }
        Ok(found)
    }

    /// The provider whose usage the item of a key is; none for another item of the table.
    #[must_use]
    pub fn provider_of_report(pk: &str, sk: &str) -> Option<ProviderId> {
        pk.parse().ok().filter(|_| sk.starts_with(DAY_PREFIX))
    }

    /// The write that registers a provider for counting, part of the transaction that makes it.
    pub(crate) fn registering(
        &self,
        provider: &ProviderId,
        registration: Registration,
    ) -> Result<Writes, StoreError> {
        let mut writes = Writes::new(&self.table, REGISTER);
        let pk = provider.to_string();
        writes.put_new(to_item(REGISTER, pk, REGISTRATION.to_owned(), &registration)?);
        Ok(writes)
    }

    /// The write that counts the usage of a provider from an earlier month on, part of the
    /// transaction that bills it so. Its condition is that it is counted from `before` on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn counting_from(
        &self,
        provider: &ProviderId,
        before: BillingMonth,
        month: BillingMonth,
    ) -> Result<Writes, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(provider.as_str()))
            .key(SK, string(REGISTRATION))
            .update_expression("SET #from = :month")
            .condition_expression("#from = :before")
            .expression_attribute_names("#from", "billed_from")
            .expression_attribute_values(":month", string(month.to_string()))
            .expression_attribute_values(":before", string(before.to_string()))
            .build()
            .map_err(|error| StoreError::corrupt(MOVE, error))?;
        let mut writes = Writes::new(&self.table, MOVE);
        writes.update(update);
        Ok(writes)
    }

    /// Closes months of a provider: from now on ingest refuses their usage. Closing them again, or
    /// earlier ones, changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written.
    pub async fn close(&self, provider: &ProviderId, close: MonthClose) -> Result<(), StoreError> {
        let closed = serde_dynamo::to_attribute_value(close)
            .map_err(|error| StoreError::corrupt(CLOSE, error))?;
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(provider.as_str()))
            .key(SK, string(REGISTRATION))
            .update_expression("SET #closed = :closed")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#closed) OR #closed.#through < :through)",
            )
            .expression_attribute_names("#closed", "closed")
            .expression_attribute_names("#through", "through")
            .expression_attribute_values(":closed", closed)
            .expression_attribute_values(":through", string(close.through.to_string()))
            .build()
            .map_err(|error| StoreError::corrupt(CLOSE, error))?;
        let mut writes = Writes::new(&self.table, CLOSE);
        writes.update(update);
        match writes.write(&self.client).await? {
            Written::All | Written::ConditionFailed(_) => Ok(()),
        }
    }
}
