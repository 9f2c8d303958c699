//! The index of what goes on by itself, by the time of its next visit.
//!
//! A visit is leased: whoever sends it off pushes the next one forward, so that one whose message is
//! lost comes due again. The record itself says when it may be touched.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use steelyard_billing::{IdError, ProviderId, TaskRef};

use crate::item::{number, string, text};
use crate::schema::{
    DISPATCH_AT_S, DUE_INDEX, DUE_SHARD, DUE_SHARDS, PK, SK, due_shard, due_shard_key, provider_pk,
    task_sk, visited,
};
use crate::transact::Item;
use crate::{BillingTable, StoreError};

/// A visit that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTask {
    /// To what.
    pub visit: TaskRef,
    /// When it was due.
    pub due_at: Timestamp,
}

const FIND: &str = "find visits that are due";
const LEASE: &str = "lease a visit";

/// What puts a record of a provider into the index, to be visited at a time.
pub(crate) fn place(provider: &ProviderId, due_at: Timestamp) -> [(String, AttributeValue); 2] {
    [
        (DUE_SHARD.to_owned(), string(due_shard(provider))),
        (DISPATCH_AT_S.to_owned(), number(due_at.as_second())),
    ]
}

impl BillingTable {
    /// Visits of a shard of the index that are due, the longest due first: one page of at most
    /// `limit`, after the page before. The index follows the table after a moment, so one that was
    /// leased just now may still be in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn due_tasks(
        &self,
        shard: u8,
        now: Timestamp,
        after: Option<&DueTask>,
        limit: i32,
    ) -> Result<Vec<DueTask>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(DUE_INDEX)
            .key_condition_expression("#shard = :shard AND #visit <= :now")
            .expression_attribute_names("#shard", DUE_SHARD)
            .expression_attribute_names("#visit", DISPATCH_AT_S)
            .expression_attribute_values(":shard", string(due_shard_key(shard)))
            .expression_attribute_values(":now", number(now.as_second()))
            .set_exclusive_start_key(after.map(DueTask::index_key))
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::aws(FIND, error))?;
        answer.items.unwrap_or_default().iter().map(due_visit).collect()
    }

    /// When the next visit of all is due; none if nothing goes on by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn next_due_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut earliest = None;
        for shard in 0..DUE_SHARDS {
            let first = self.due_tasks(shard, Timestamp::MAX, None, 1).await?.pop();
            earliest = earliest.into_iter().chain(first.map(|due| due.due_at)).min();
        }
        Ok(earliest)
    }

    /// Pushes the next visit to a record forward. False when another has done so, or the record has
    /// changed, since it was found.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written. The lease may hold all the same: the record
    /// comes due again when it is over.
    pub async fn lease(&self, due: &DueTask, until: Timestamp) -> Result<bool, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, string(provider_pk(&due.visit.provider)))
            .key(SK, string(task_sk(&due.visit.to)))
            .update_expression("SET #visit = :until")
            .condition_expression("#visit = :found")
            .expression_attribute_names("#visit", DISPATCH_AT_S)
            .expression_attribute_values(":until", number(until.as_second()))
            .expression_attribute_values(":found", number(due.due_at.as_second()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_beaten(&error) => Ok(false),
            Err(error) => Err(StoreError::aws(LEASE, error)),
        }
    }
}

impl DueTask {
    /// Its keys in the table and in the index.
    fn index_key(&self) -> Item {
        let TaskRef { provider, to } = &self.visit;
        Item::from([
            (PK.to_owned(), string(provider_pk(provider))),
            (SK.to_owned(), string(task_sk(to))),
            (DUE_SHARD.to_owned(), string(due_shard(provider))),
            (DISPATCH_AT_S.to_owned(), number(self.due_at.as_second())),
        ])
    }
}

/// The record changed, or is being changed by a visit's transaction right now.
fn is_beaten<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_conditional_check_failed_exception() || error.is_transaction_conflict_exception()
    })
}

fn due_visit(item: &Item) -> Result<DueTask, StoreError> {
    let corrupt = |what: &str| StoreError::corrupt(FIND, what.to_owned());
    let provider =
        text(FIND, item, PK)?.strip_prefix("provider#").ok_or_else(|| corrupt("not a provider"))?;
    let to = visited(text(FIND, item, SK)?).ok_or_else(|| corrupt("not to be visited"))?;
    let due_at = match item.get(DISPATCH_AT_S) {
        Some(AttributeValue::N(seconds)) => {
            seconds.parse().ok().and_then(|s| Timestamp::from_second(s).ok())
        }
        _ => None,
    };
    let provider = provider.parse().map_err(|error: IdError| StoreError::corrupt(FIND, error))?;
    Ok(DueTask {
        visit: TaskRef { provider, to },
        due_at: due_at.ok_or_else(|| corrupt("no time of the visit"))?,
    })
}
