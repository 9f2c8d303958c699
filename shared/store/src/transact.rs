//! One transaction, with what the SDK leaves to its caller: conflicts are tried again, and a
//! condition that failed gives the item that it failed on.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use crate::StoreError;
use crate::item::number;
use crate::schema::VERSION;

/// An item as DynamoDB holds it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// How a transaction ended.
pub(crate) enum Outcome {
    /// Everything was written.
    Committed,
    /// Nothing was written: for each write, the item on which its condition failed.
    ConditionFailed(Vec<Option<Item>>),
}

/// How often a conflict with another transaction is tried again, waiting longer each time: about
/// two seconds in all.
const TRIES: u32 = 10;

/// Writes all or nothing.
///
/// Every write must carry a condition that fails once it has been done: when an answer is lost, the
/// caller finds out by it.
pub(crate) async fn transact(
    client: &Client,
    operation: &'static str,
    writes: Vec<TransactWriteItem>,
) -> Result<Outcome, StoreError> {
    for attempt in 0..TRIES {
        let sent =
            client.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
        let error = match sent {
            Ok(_) => return Ok(Outcome::Committed),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                if is_any(reasons, "ConditionalCheckFailed") {
                    return Ok(Outcome::ConditionFailed(reasons.iter().map(failed_on).collect()));
                }
                if !is_any(reasons, "TransactionConflict") {
                    return Err(StoreError::aws(operation, error));
                }
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => {}
            _ => return Err(StoreError::aws(operation, error)),
        }
        tracing::debug!(operation, attempt, "transaction conflicts with another; trying again");
        tokio::time::sleep(pause(attempt)).await;
    }
    Err(StoreError::Contended { operation })
}

fn is_any(reasons: &[CancellationReason], code: &str) -> bool {
    reasons.iter().any(|reason| reason.code() == Some(code))
}

fn failed_on(reason: &CancellationReason) -> Option<Item> {
    (reason.code() == Some("ConditionalCheckFailed"))
        .then(|| reason.item().cloned().unwrap_or_default())
}

/// 5 ms, then twice as long each time, 640 ms at most.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(5 << attempt.min(7))
}

/// Puts an item whatever is there: one that says the same whenever it is written.
pub(crate) fn put_always(table: &str, item: Item) -> TransactWriteItem {
    put(table, item, |put| put)
}

/// Puts an item that may not exist yet.
pub(crate) fn put_new(table: &str, item: Item) -> TransactWriteItem {
    put(table, item, |put| put.condition_expression("attribute_not_exists(pk)"))
}

/// Puts an item whose stored version is the one before; the first version may not exist yet.
pub(crate) fn put_version(table: &str, item: Item, before: Option<u64>) -> TransactWriteItem {
    match before {
        None => put_new(table, item),
        Some(before) => put_over(table, item, VERSION, number(before)),
    }
}

/// Puts an item over one that has this value still.
pub(crate) fn put_over(
    table: &str,
    item: Item,
    name: &str,
    before: AttributeValue,
) -> TransactWriteItem {
    put(table, item, |put| {
        put.condition_expression("#name = :before")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":before", before)
    })
}

fn put(
    table: &str,
    item: Item,
    condition: impl FnOnce(
        aws_sdk_dynamodb::types::builders::PutBuilder,
    ) -> aws_sdk_dynamodb::types::builders::PutBuilder,
) -> TransactWriteItem {
    let put = condition(Put::builder().table_name(table).set_item(Some(item)))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .expect("a put has a table and an item");
    TransactWriteItem::builder().put(put).build()
}
