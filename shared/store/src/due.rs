//! The index of the debits that go on by themselves, by the time of their next visit.
//!
//! A visit is leased: whoever sends a debit off pushes its next visit forward, so that one whose
//! message is lost comes due again. The debit itself says when it may be touched.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use steelyard_billing::{Debit, DebitId, DebitRef, IdError};

use crate::item::{number, string, text};
use crate::schema::{
    DEBIT_PREFIX, DUE_INDEX, DUE_SHARD, PK, SK, VISIT_AT_S, due_shard, due_shard_key,
};
use crate::transact::Item;
use crate::{BillingTable, StoreError};

/// A debit that is to be visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDebit {
    /// Which.
    pub debit: DebitRef,
    /// When its visit was due.
    pub visit_at: Timestamp,
}

const FIND: &str = "find debits that are due";
const LEASE: &str = "lease a visit to a debit";

/// What puts a debit into the index, to be visited at a time.
pub(crate) fn place(debit: &Debit, visit_at: Timestamp) -> [(String, AttributeValue); 2] {
    [
        (DUE_SHARD.to_owned(), string(due_shard(&debit.provider))),
        (VISIT_AT_S.to_owned(), number(visit_at.as_second())),
    ]
}

impl BillingTable {
    /// Debits of a shard of the index whose visit is due, the longest due first: one page of at most
    /// `limit`, after the page before. The index follows the table after a moment, so a debit that was
    /// leased just now may still be in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn due_debits(
        &self,
        shard: u8,
        now: Timestamp,
        after: Option<&DueDebit>,
        limit: i32,
    ) -> Result<Vec<DueDebit>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(DUE_INDEX)
            .key_condition_expression("#shard = :shard AND #visit <= :now")
            .expression_attribute_names("#shard", DUE_SHARD)
            .expression_attribute_names("#visit", VISIT_AT_S)
            .expression_attribute_values(":shard", string(due_shard_key(shard)))
            .expression_attribute_values(":now", number(now.as_second()))
            .set_exclusive_start_key(after.map(DueDebit::index_key))
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::aws(FIND, error))?;
        answer.items.unwrap_or_default().iter().map(due_debit).collect()
    }

    /// Pushes the next visit to a debit forward. False when another has done so, or the debit has
    /// changed, since it was found.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written. The lease may hold all the same: the debit
    /// comes due again when it is over.
    pub async fn lease(&self, due: &DueDebit, until: Timestamp) -> Result<bool, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, string(crate::schema::provider_pk(&due.debit.provider)))
            .key(SK, string(crate::schema::debit_sk(due.debit.debit)))
            .update_expression("SET #visit = :until")
            .condition_expression("#visit = :found")
            .expression_attribute_names("#visit", VISIT_AT_S)
            .expression_attribute_values(":until", number(until.as_second()))
            .expression_attribute_values(":found", number(due.visit_at.as_second()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_beaten(&error) => Ok(false),
            Err(error) => Err(StoreError::aws(LEASE, error)),
        }
    }
}

impl DueDebit {
    /// Its keys in the table and in the index.
    fn index_key(&self) -> Item {
        let DebitRef { provider, debit } = &self.debit;
        Item::from([
            (PK.to_owned(), string(crate::schema::provider_pk(provider))),
            (SK.to_owned(), string(crate::schema::debit_sk(*debit))),
            (DUE_SHARD.to_owned(), string(due_shard(provider))),
            (VISIT_AT_S.to_owned(), number(self.visit_at.as_second())),
        ])
    }
}

/// The debit changed, or is being changed by a visit's transaction right now.
fn is_beaten<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_conditional_check_failed_exception() || error.is_transaction_conflict_exception()
    })
}

fn due_debit(item: &Item) -> Result<DueDebit, StoreError> {
    let corrupt = |what: &str| StoreError::corrupt(FIND, what.to_owned());
    let provider =
        text(FIND, item, PK)?.strip_prefix("provider#").ok_or_else(|| corrupt("not a provider"))?;
    let debit = text(FIND, item, SK)?
        .strip_prefix(DEBIT_PREFIX)
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| corrupt("not a debit"))?;
    let visit_at = match item.get(VISIT_AT_S) {
        Some(AttributeValue::N(seconds)) => {
            seconds.parse().ok().and_then(|s| Timestamp::from_second(s).ok())
        }
        _ => None,
    };
    let provider = provider.parse().map_err(|error: IdError| StoreError::corrupt(FIND, error))?;
    Ok(DueDebit {
        debit: DebitRef { provider, debit: DebitId(debit) },
        visit_at: visit_at.ok_or_else(|| corrupt("no time of the visit"))?,
    })
}
