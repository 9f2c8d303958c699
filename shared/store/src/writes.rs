//! Conditional writes that take effect together, and what the SDK leaves to its caller: conflicts
//! and throttling are tried again while time remains.
//!
//! A single write is a plain put, update or delete, at half the cost of a transaction. A record
//! that exists is written by an update that sets what changed and removes what is gone, so that
//! attributes which a newer version added stay as they are.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use serde::Serialize;

use crate::StoreError;
use crate::item::{Item, attributes, keyed, number, string};
use crate::schema::{FORMAT, FORMAT_NAME, PK, SK, VERSION};

/// Writes that take effect together or not at all, each under a condition that fails once it has
/// been done: when an answer is lost, the caller finds out by it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Writes {
    pub(crate) table: String,
    pub(crate) operation: &'static str,
    writes: Vec<Write>,
}

#[derive(Clone, Debug)]
enum Write {
    Put(Put),
    Update(Update),
    Delete(Delete),
}

/// The outcome of writes, after all retries.
pub(crate) enum Written {
    /// All took effect.
    All,
    /// None took effect: for each write, the item on which its condition failed.
    ConditionFailed(Vec<Option<Item>>),
}

/// How often a conflict or a throttled write is tried again, waiting longer each time: about five
/// seconds in all, half of the time that an invocation of the fastest function has.
const TRIES: u32 = 12;

impl Writes {
    pub(crate) fn new(table: &str, operation: &'static str) -> Writes {
        Writes { table: table.to_owned(), operation, writes: Vec::new() }
    }

    /// The same with the writes of another change of the same table.
    pub fn and(mut self, other: Writes) -> Writes {
        self.writes.extend(other.writes);
        self
    }

    /// Puts an item that may not exist yet.
    pub(crate) fn put_new(&mut self, item: Item) {
        let put = self.put(item).condition_expression("attribute_not_exists(pk)");
        self.writes.push(Write::Put(built(put.build())));
    }

    /// Puts an item in place of one that has this value still.
    pub(crate) fn put_over(&mut self, item: Item, name: &str, before: AttributeValue) {
        let put = self
            .put(item)
            .condition_expression("#before = :before")
            .expression_attribute_names("#before", name)
            .expression_attribute_values(":before", before);
        self.writes.push(Write::Put(built(put.build())));
    }

    /// Puts an item with this number, except over one that has a larger one under its name.
    pub(crate) fn put_unless_larger(&mut self, item: Item, (name, number): (&str, AttributeValue)) {
        let put = self
            .put(item)
            .condition_expression("attribute_not_exists(pk) OR #number <= :number")
            .expression_attribute_names("#number", name)
            .expression_attribute_values(":number", number);
        self.writes.push(Write::Put(built(put.build())));
    }

    /// Puts an item whatever is there: one that says the same whenever it is written.
    pub(crate) fn put_always(&mut self, item: Item) {
        let put = self.put(item);
        self.writes.push(Write::Put(built(put.build())));
    }

    /// Sets attributes of an item that has this value still.
    pub(crate) fn set_over(
        &mut self,
        (pk, sk): (String, String),
        attributes: Item,
        name: &str,
        before: AttributeValue,
    ) {
        let changes = Changes::between(&Item::new(), attributes);
        self.writes.push(Write::Update(changes.update(&self.table, pk, sk, (name, before))));
    }

    fn put(&self, mut item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        item.insert(FORMAT_NAME.to_owned(), number(FORMAT));
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Writes a record over the version before, or a new one: what changed is set, what is gone is
    /// removed, and `index` is set, or removed if it is empty.
    pub(crate) fn change<R: Serialize>(
        &mut self,
        (pk, sk): (String, String),
        before: Option<(&R, u64)>,
        after: &R,
        index: Index,
    ) -> Result<(), StoreError> {
        let after = attributes(self.operation, after)?;
        let Some((before, version)) = before else {
            let mut item = keyed(after, pk, sk);
            item.extend(index.set);
            self.put_new(item);
            return Ok(());
        };
        let mut changes = Changes::between(&attributes(self.operation, before)?, after);
        for (name, value) in index.set {
            changes.set(&name, value);
        }
        for name in index.remove {
            changes.remove(name);
        }
        let condition = (VERSION, number(version));
        self.writes.push(Write::Update(changes.update(&self.table, pk, sk, condition)));
        Ok(())
    }

    /// Writes an item without a version of its own, next to one whose version is checked in the
    /// same transaction.
    pub(crate) fn change_beside<R: Serialize>(
        &mut self,
        (pk, sk): (String, String),
        before: &R,
        after: &R,
    ) -> Result<(), StoreError> {
        let before = attributes(self.operation, before)?;
        let changes = Changes::between(&before, attributes(self.operation, after)?);
        let condition = (PK, string(pk.clone()));
        self.writes.push(Write::Update(changes.update(&self.table, pk, sk, condition)));
        Ok(())
    }

    /// Adds an update that was made elsewhere.
    pub(crate) fn update(&mut self, update: Update) {
        self.writes.push(Write::Update(update));
    }

    /// Deletes an item, which may be gone already.
    pub(crate) fn delete(&mut self, pk: &str, sk: String) {
        let delete = Delete::builder().table_name(&self.table);
        let delete = delete.key(PK, string(pk)).key(SK, string(sk)).build();
        self.writes.push(Write::Delete(built(delete)));
    }

    /// Deletes an item that has this value still.
    pub(crate) fn delete_over(
        &mut self,
        (pk, sk): (String, String),
        name: &str,
        before: AttributeValue,
    ) {
        let delete = Delete::builder().table_name(&self.table);
        let delete = delete
            .key(PK, string(pk))
            .key(SK, string(sk))
            .condition_expression("#before = :before")
            .expression_attribute_names("#before", name)
            .expression_attribute_values(":before", before)
            .build();
        self.writes.push(Write::Delete(built(delete)));
    }

    /// Does all of it or nothing.
    pub(crate) async fn write(mut self, client: &Client) -> Result<Written, StoreError> {
        match (self.writes.pop(), self.writes.is_empty()) {
            (None, _) => Ok(Written::All),
            (Some(only), true) => one(client, self.operation, only).await,
            (Some(last), false) => {
                self.writes.push(last);
                all(client, self.operation, self.writes).await
            }
        }
    }
}

/// What an item has for the index of due records, or no longer has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    pub set: Vec<(String, AttributeValue)>,
    pub remove: Vec<&'static str>,
}

/// The expression of an update.
struct Changes {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    set: Vec<String>,
    remove: Vec<String>,
}

impl Changes {
    fn new() -> Changes {
        let (names, values) = (HashMap::new(), HashMap::new());
        Changes { names, values, set: Vec::new(), remove: Vec::new() }
    }

    /// What turns the attributes of a record into those after it.
    fn between(before: &Item, after: Item) -> Changes {
        let mut changes = Changes::new();
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            changes.remove(name);
        }
        for (name, value) in after {
            if before.get(&name) != Some(&value) {
                changes.set(&name, value);
            }
        }
        changes.set(FORMAT_NAME, number(FORMAT));
        changes
    }

    fn set(&mut self, name: &str, value: AttributeValue) {
        let at = self.names.len();
        self.names.insert(format!("#{at}"), name.to_owned());
        self.values.insert(format!(":{at}"), value);
        self.set.push(format!("#{at} = :{at}"));
    }

    fn remove(&mut self, name: &str) {
        let at = self.names.len();
        self.names.insert(format!("#{at}"), name.to_owned());
        self.remove.push(format!("#{at}"));
    }

    fn update(
        mut self,
        table: &str,
        pk: String,
        sk: String,
        (name, before): (&str, AttributeValue),
    ) -> Update {
        self.names.insert("#before".to_owned(), name.to_owned());
        self.values.insert(":before".to_owned(), before);
        let mut expression = format!("SET {}", self.set.join(", "));
        if !self.remove.is_empty() {
            expression.push_str(&format!(" REMOVE {}", self.remove.join(", ")));
        }
        let update = Update::builder()
            .table_name(table)
            .key(PK, string(pk))
            .key(SK, string(sk))
            .update_expression(expression)
            .condition_expression("#before = :before")
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        built(update.build())
    }
}

fn built<T>(built: Result<T, aws_sdk_dynamodb::error::BuildError>) -> T {
    built.expect("a write has a table, a key and an expression")
}

/// The outcome of one request.
enum Tried {
    Done(Written),
    Again,
}

async fn one(
    client: &Client,
    operation: &'static str,
    write: Write,
) -> Result<Written, StoreError> {
    for attempt in 0..TRIES {
        let tried = match &write {
            Write::Put(put) => put_item(client, operation, put.clone()).await?,
            Write::Update(update) => update_item(client, operation, update.clone()).await?,
            Write::Delete(delete) => delete_item(client, operation, delete.clone()).await?,
        };
        match tried {
            Tried::Done(written) => return Ok(written),
            Tried::Again => wait(operation, attempt).await,
        }
    }
    Err(StoreError::Contended { operation })
}

async fn put_item(client: &Client, operation: &'static str, put: Put) -> Result<Tried, StoreError> {
    let sent = client
        .put_item()
        .table_name(put.table_name)
        .set_item(Some(put.item))
        .set_condition_expression(put.condition_expression)
        .set_expression_attribute_names(put.expression_attribute_names)
        .set_expression_attribute_values(put.expression_attribute_values)
        .set_return_values_on_condition_check_failure(put.return_values_on_condition_check_failure)
        .send()
        .await;
    let Err(error) = sent else { return Ok(Tried::Done(Written::All)) };
    let failed = match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => Some(failed.item.clone()),
        _ => None,
    };
    tried(operation, failed, error)
}

async fn update_item(
    client: &Client,
    operation: &'static str,
    update: Update,
) -> Result<Tried, StoreError> {
    let sent = client
        .update_item()
        .table_name(update.table_name)
        .set_key(Some(update.key))
        .update_expression(update.update_expression)
        .set_condition_expression(update.condition_expression)
        .set_expression_attribute_names(update.expression_attribute_names)
        .set_expression_attribute_values(update.expression_attribute_values)
        .set_return_values_on_condition_check_failure(
            update.return_values_on_condition_check_failure,
        )
        .send()
        .await;
    let Err(error) = sent else { return Ok(Tried::Done(Written::All)) };
    let failed = match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => Some(failed.item.clone()),
        _ => None,
    };
    tried(operation, failed, error)
}

async fn delete_item(
    client: &Client,
    operation: &'static str,
    delete: Delete,
) -> Result<Tried, StoreError> {
    let sent = client
        .delete_item()
        .table_name(delete.table_name)
        .set_key(Some(delete.key))
        .set_condition_expression(delete.condition_expression)
        .set_expression_attribute_names(delete.expression_attribute_names)
        .set_expression_attribute_values(delete.expression_attribute_values)
        .send()
        .await;
    let Err(error) = sent else { return Ok(Tried::Done(Written::All)) };
    let failed = match error.as_service_error() {
        Some(DeleteItemError::ConditionalCheckFailedException(failed)) => Some(failed.item.clone()),
        _ => None,
    };
    tried(operation, failed, error)
}

/// The end of a single write that was refused: by its condition, for now, or for good.
fn tried<E, R>(
    operation: &'static str,
    condition_failed: Option<Option<Item>>,
    error: SdkError<E, R>,
) -> Result<Tried, StoreError>
where
    aws_sdk_dynamodb::Error: From<SdkError<E, R>>,
{
    if let Some(found) = condition_failed {
        return Ok(Tried::Done(Written::ConditionFailed(vec![Some(found.unwrap_or_default())])));
    }
    let error = aws_sdk_dynamodb::Error::from(error);
    let is_passing = matches!(
        error,
        aws_sdk_dynamodb::Error::TransactionConflictException(_)
            | aws_sdk_dynamodb::Error::ProvisionedThroughputExceededException(_)
            | aws_sdk_dynamodb::Error::ThrottlingException(_)
            | aws_sdk_dynamodb::Error::RequestLimitExceeded(_)
    );
    if is_passing {
        return Ok(Tried::Again);
    }
    Err(StoreError::Aws { operation, source: Box::new(error) })
}

async fn all(
    client: &Client,
    operation: &'static str,
    writes: Vec<Write>,
) -> Result<Written, StoreError> {
    let items = writes.into_iter().map(Write::in_transaction).collect::<Vec<_>>();
    for attempt in 0..TRIES {
        let sent =
            client.transact_write_items().set_transact_items(Some(items.clone())).send().await;
        let error = match sent {
            Ok(_) => return Ok(Written::All),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                if is_any(reasons, &["ConditionalCheckFailed"]) {
                    let failed = reasons.iter().map(failed_on).collect();
                    return Ok(Written::ConditionFailed(failed));
                }
                if !is_any(reasons, &PASSING) {
                    return Err(StoreError::aws(operation, error));
                }
            }
            Some(
                TransactWriteItemsError::TransactionInProgressException(_)
                | TransactWriteItemsError::ProvisionedThroughputExceededException(_)
                | TransactWriteItemsError::RequestLimitExceeded(_)
                | TransactWriteItemsError::ThrottlingException(_),
            ) => {}
            _ => return Err(StoreError::aws(operation, error)),
        }
        wait(operation, attempt).await;
    }
    Err(StoreError::Contended { operation })
}

/// The reasons for which DynamoDB cancels a transaction that may succeed a moment later.
const PASSING: [&str; 3] =
    ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

impl Write {
    fn in_transaction(self) -> TransactWriteItem {
        let item = TransactWriteItem::builder();
        match self {
            Write::Put(put) => item.put(put),
            Write::Update(update) => item.update(update),
            Write::Delete(delete) => item.delete(delete),
        }
        .build()
    }
}

fn is_any(reasons: &[CancellationReason], codes: &[&str]) -> bool {
    reasons.iter().any(|reason| reason.code().is_some_and(|code| codes.contains(&code)))
}

fn failed_on(reason: &CancellationReason) -> Option<Item> {
    (reason.code() == Some("ConditionalCheckFailed"))
        .then(|| reason.item().cloned().unwrap_or_default())
}

/// 5 ms, then twice as long each time, a second at most.
async fn wait(operation: &'static str, attempt: u32) {
    tracing::debug!(operation, attempt, "a write conflicts or is throttled; trying again");
    let pause = Duration::from_millis(5 << attempt.min(8)).min(Duration::from_secs(1));
    tokio::time::sleep(pause).await;
}
