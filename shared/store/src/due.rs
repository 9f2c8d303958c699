//! The index of records with work, by the time at which dispatch sends them next.
//!
//! A record that is sent is leased: its next dispatch moves forward, so that it is sent again if
//! its message is lost. The record itself says when its work is due.

use std::marker::PhantomData;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::webhook::EndpointRef;
use steelyard_billing::{ProviderId, TaskRef};

use crate::item::{Item, number, string, text};
use crate::schema::{
    DISPATCH_AT_S, DUE_INDEX, DUE_SHARD, PK, PROVIDER_PREFIX, SK, due_shard, due_shard_key,
    provider_pk, task, task_sk,
};
use crate::unreadable::Unreadable;
use crate::writes::Index;
use crate::{BillingTable, EventsTable, StoreError};

/// A record that stands in an index of due records, by its name: the content of the message that
/// dispatch sends.
pub trait DueRecord: Serialize + Sized + Send + Sync {
    /// Its partition and sort key.
    fn key(&self) -> (String, String);
    /// The record of a key; none if it is of something else.
    fn read(pk: &str, sk: &str) -> Option<Self>;
}

/// A record with work that is to be dispatched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due<R> {
    /// The record as it was read, with its version.
    pub record: R,
    /// The time by which it stands in the index.
    pub dispatch_at: Timestamp,
}

/// Some of the due records of a shard of the index.
#[derive(Clone, Debug)]
pub struct DuePage<R> {
    /// The records, the longest due first.
    pub due: Vec<Due<R>>,
    /// What stands in the index and is no record that this version knows.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page begins; none on the last page.
    pub next: Option<DueCursor>,
}

/// The index of the records of one kind that have work.
#[derive(Clone, Debug)]
pub struct DueIndex<R> {
    client: Client,
    table: String,
    of: PhantomData<R>,
}

/// Where a page of the index ended.
#[derive(Clone, Debug)]
pub struct DueCursor(Item);

const FIND: &str = "find due records";
const LEASE: &str = "lease a due record";

/// What puts a record of a provider into the index.
pub(crate) fn in_index(provider: &ProviderId, dispatch_at: Timestamp) -> Index {
    index_entry(due_shard(provider), dispatch_at)
}

/// What puts a record into a shard of the index.
pub(crate) fn index_entry(shard: String, dispatch_at: Timestamp) -> Index {
    let set = vec![
        (DUE_SHARD.to_owned(), string(shard)),
        (DISPATCH_AT_S.to_owned(), number(dispatch_at.as_second())),
    ];
    Index { set, remove: Vec::new() }
}

/// What takes a record from the index.
pub(crate) fn not_in_index() -> Index {
    Index { set: Vec::new(), remove: vec![DUE_SHARD, DISPATCH_AT_S] }
}

impl BillingTable {
    /// The index of tasks that are due.
    #[must_use]
    pub fn due(&self) -> DueIndex<TaskRef> {
        DueIndex { client: self.client.clone(), table: self.table.clone(), of: PhantomData }
    }
}

impl EventsTable {
    /// The index of endpoints to which something is to be sent.
    #[must_use]
    pub fn due(&self) -> DueIndex<EndpointRef> {
        DueIndex { client: self.client.clone(), table: self.table.clone(), of: PhantomData }
    }
}

impl<R: DueRecord> DueIndex<R> {
    /// Records of a shard of the index that are due, at most `limit`, after the page before. The
    /// index follows the table after a moment, so one that was leased just now may still be in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn page(
        &self,
        shard: u8,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: i32,
    ) -> Result<DuePage<R>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(DUE_INDEX)
            .key_condition_expression("#shard = :shard AND #dispatch <= :now")
            .expression_attribute_names("#shard", DUE_SHARD)
            .expression_attribute_names("#dispatch", DISPATCH_AT_S)
            .expression_attribute_values(":shard", string(due_shard_key(shard)))
            .expression_attribute_values(":now", number(now.as_second()))
            .set_exclusive_start_key(after.map(|cursor| cursor.0.clone()))
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::aws(FIND, error))?;
        let next = answer.last_evaluated_key.map(DueCursor);
        let mut page = DuePage { due: Vec::new(), unreadable: Vec::new(), next };
        for item in answer.items.unwrap_or_default() {
            match due(&item) {
                Ok(due) => page.due.push(due),
                Err(error) => page.unreadable.push(Unreadable::new(&item, &error)),
            }
        }
        Ok(page)
    }

    /// When dispatch next has something to send; none if no record has work. It reads the whole
    /// index, so it is for the local stack and for tests.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn next_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let (mut earliest, mut after) = (None, None);
        loop {
            let scan = self.client.scan().table_name(&self.table).index_name(DUE_INDEX);
            let answer = scan
                .set_exclusive_start_key(after)
                .send()
                .await
                .map_err(|error| StoreError::aws(FIND, error))?;
            let items = answer.items.unwrap_or_default();
            let due = items.iter().filter_map(|item| due::<R>(item).ok());
            earliest = due.map(|due| due.dispatch_at).chain(earliest).min();
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(earliest);
            }
        }
    }

    /// Moves the next dispatch of a record forward. False when another has done so, or the record
    /// has changed, since it was found.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written. The lease may hold all the same: the record
    /// is sent again when it is over.
    pub async fn lease(&self, due: &Due<R>, until: Timestamp) -> Result<bool, StoreError> {
        let (pk, sk) = due.record.key();
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, string(pk))
            .key(SK, string(sk))
            .update_expression("SET #dispatch = :until")
            .condition_expression("#dispatch = :found")
            .expression_attribute_names("#dispatch", DISPATCH_AT_S)
            .expression_attribute_values(":until", number(until.as_second()))
            .expression_attribute_values(":found", number(due.dispatch_at.as_second()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_beaten(&error) => Ok(false),
            Err(error) => Err(StoreError::aws(LEASE, error)),
        }
    }
}

/// The record changed, or a transaction is changing it.
fn is_beaten<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_conditional_check_failed_exception() || error.is_transaction_conflict_exception()
    })
}

fn due<R: DueRecord>(item: &Item) -> Result<Due<R>, StoreError> {
    let corrupt = |what: &str| StoreError::corrupt(FIND, what.to_owned());
    let (pk, sk) = (text(FIND, item, PK)?, text(FIND, item, SK)?);
    let record = R::read(pk, sk).ok_or_else(|| corrupt("not a record with work"))?;
    let dispatch_at = dispatch_at(item).ok_or_else(|| corrupt("no time of dispatch"))?;
    Ok(Due { record, dispatch_at })
}

impl DueRecord for TaskRef {
    fn key(&self) -> (String, String) {
        (provider_pk(&self.provider), task_sk(&self.task))
    }

    fn read(pk: &str, sk: &str) -> Option<TaskRef> {
        let provider = pk.strip_prefix(PROVIDER_PREFIX)?.parse().ok()?;
        Some(TaskRef { provider, task: task(sk)? })
    }
}

/// The time by which an item stands in the index; none if it does not.
pub(crate) fn dispatch_at(item: &Item) -> Option<Timestamp> {
    match item.get(DISPATCH_AT_S) {
        Some(AttributeValue::N(seconds)) => {
            seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
        }
        _ => None,
    }
}

/// Whether an item stands in the shard of the index that its provider has.
pub(crate) fn is_in_shard_of(item: &Item, provider: &ProviderId) -> bool {
    text(FIND, item, DUE_SHARD).is_ok_and(|shard| shard == due_shard(provider))
}
