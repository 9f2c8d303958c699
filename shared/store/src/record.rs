//! Records with work due at a time: debits, recharges, refunds, reversals, mandates. Each is stored
//! under a version, on which its next write is conditional, and stands in the index of due records
//! while there is work.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use steelyard_billing::{
    Debit, DebitId, Entry, Filed, Mandate, MandateId, ProviderId, Recharge, RechargeId, Refund,
    RefundRef, Reversal, Task, TaskId, TaskRef, Trade,
};

use crate::item::{from_item, text};
use crate::query::Range;
use crate::schema::{self, provider_pk};
use crate::{BillingTable, Found, StoreError, Unreadable, Writes, batch, due};

/// A record of a provider with work due at a time.
pub trait Record: sealed::Keyed {}

impl<R: sealed::Keyed> Record for R {}

pub(crate) mod sealed {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::{ProviderId, Task, TaskId, Timestamp};

    /// How a record is found, and when it is due.
    pub trait Keyed: Serialize + DeserializeOwned + Clone + Send + Sync {
        /// What names it among its provider's.
        type Id: Sync;
        /// What all sort keys of its kind begin with.
        const PREFIX: &'static str;

        fn provider(&self) -> &ProviderId;
        fn task_id(&self) -> TaskId;
        fn sk(id: &Self::Id) -> String;
        fn task(&self) -> &Task;
        fn task_mut(&mut self) -> &mut Task;
        fn due_at(&self) -> Option<Timestamp>;
    }
}

/// Debits and mandates of several providers.
#[derive(Clone, Debug, Default)]
pub struct DebitsAndMandates {
    /// The debits that can be read.
    pub debits: Vec<Debit>,
    /// The mandates that can be read.
    pub mandates: Vec<Mandate>,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

const READ: &str = "read records of a provider";

impl BillingTable {
    /// A record of a provider.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn find<R: Record>(
        &self,
        provider: &ProviderId,
        id: &R::Id,
    ) -> Result<Option<R>, StoreError> {
        let range = Range::one(&self.table, provider_pk(provider), R::sk(id));
        range.record(&self.client, READ).await
    }

    /// Whether a record was written since it was read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn is_overtaken<R: Record>(&self, before: &R) -> Result<bool, StoreError> {
        let range = Range::one(
            &self.table,
            provider_pk(before.provider()),
            schema::task_sk(&before.task_id()),
        );
        let found: Option<R> = range.record(&self.client, READ).await?;
        Ok(found.is_none_or(|found| found.task().version != before.task().version))
    }

    /// The newest records of a kind of a provider, the newest first, older than one of them if that
    /// is given: one request unless they fill more than a megabyte. Records of a kind are numbered.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn newest<R: Record>(
        &self,
        provider: &ProviderId,
        before: Option<&R::Id>,
        limit: u16,
    ) -> Result<Found<R>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), R::PREFIX);
        let items = range.newest(&self.client, READ, before.map(R::sk), limit).await?;
        Ok(Found::of(READ, items))
    }

    /// Debits and mandates of some providers, those that there are: one request for a hundred. One
    /// that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn debits_and_mandates(
        &self,
        debits: &[(ProviderId, DebitId)],
        mandates: &[(ProviderId, MandateId)],
    ) -> Result<DebitsAndMandates, StoreError> {
        let key = |of: &ProviderId, task| (provider_pk(of), schema::task_sk(&task));
        let debits = debits.iter().map(|(of, debit)| key(of, TaskId::Debit(*debit)));
        let mandates = mandates.iter().map(|(of, mandate)| key(of, TaskId::Mandate(*mandate)));
        let keys = debits.chain(mandates).collect();
        let mut found = DebitsAndMandates::default();
        for item in batch::items(&self.client, &self.table, READ, keys).await? {
            let is_debit = text(READ, &item, schema::SK)?.starts_with(schema::DEBIT_PREFIX);
            let read = if is_debit {
                from_item(READ, item.clone()).map(|debit| found.debits.push(debit))
            } else {
                from_item(READ, item.clone()).map(|mandate| found.mandates.push(mandate))
            };
            if let Err(error) = read {
                found.unreadable.push(Unreadable::new(&item, &error));
            }
        }
        Ok(found)
    }

    /// A journal entry and some debits of a provider by their numbers, those that there are, the
    /// debits in the order of their numbers: one request for a hundred.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or one of them, cannot be read.
    pub async fn entry_and_debits(
        &self,
        provider: &ProviderId,
        entry: Option<u64>,
        debits: RangeInclusive<u64>,
    ) -> Result<(Option<Entry>, Vec<Debit>), StoreError> {
        let debits = debits.map(|debit| schema::task_sk(&TaskId::Debit(DebitId(debit))));
        let sks = entry.map(schema::entry_sk).into_iter().chain(debits);
        let keys = sks.map(|sk| (provider_pk(provider), sk)).collect();
        let (mut entry, mut debits) = (None, Vec::<Debit>::new());
        for item in batch::items(&self.client, &self.table, READ, keys).await? {
            if text(READ, &item, schema::SK)?.starts_with(schema::DEBIT_PREFIX) {
                debits.push(from_item(READ, item)?);
            } else {
                entry = Some(from_item(READ, item)?);
            }
        }
        debits.sort_by_key(|debit| debit.debit);
        Ok((entry, debits))
    }

    /// All records of a kind of a provider, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn all<R: Record>(&self, provider: &ProviderId) -> Result<Vec<R>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), R::PREFIX);
        let items = range.all(&self.client, READ).await?;
        items.into_iter().map(|item| from_item(READ, item)).collect()
    }
}

impl BillingTable {
    /// The record of a task, if there is one and it cannot be read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn unreadable_task(&self, of: &TaskRef) -> Result<Option<Unreadable>, StoreError> {
        let range = Range::one(&self.table, provider_pk(&of.provider), schema::task_sk(&of.task));
        let Some(item) = range.all(&self.client, READ).await?.pop() else { return Ok(None) };
        let read = match &of.task {
            TaskId::Debit(_) => from_item::<Debit>(READ, item.clone()).map(drop),
            TaskId::Recharge(_) => from_item::<Recharge>(READ, item.clone()).map(drop),
            TaskId::Refund(_) => from_item::<Refund>(READ, item.clone()).map(drop),
            TaskId::Reversal(_) => from_item::<Reversal>(READ, item.clone()).map(drop),
            TaskId::Mandate(_) => from_item::<Mandate>(READ, item.clone()).map(drop),
        };
        Ok(read.err().map(|error| Unreadable::new(&item, &error)))
    }

    /// All records of a kind of a provider, with the places of those that are in the due index.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn all_filed<R: Record>(
        &self,
        provider: &ProviderId,
    ) -> Result<(Vec<R>, Vec<Filed>), StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), R::PREFIX);
        let (mut records, mut filed) = (Vec::new(), Vec::new());
        for item in range.all(&self.client, READ).await? {
            let dispatch_at = due::dispatch_at(&item);
            let is_in_its_shard = due::is_in_shard_of(&item, provider);
            let record: R = from_item(READ, item)?;
            filed.extend(dispatch_at.map(|dispatch_at| Filed {
                task: record.task_id(),
                dispatch_at,
                is_in_its_shard,
            }));
            records.push(record);
        }
        Ok((records, filed))
    }
}

impl Writes {
    /// Writes the record of a trade over the one before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form, or the two are not one trade.
    pub fn trade(&mut self, before: &Trade, after: &Trade) -> Result<(), StoreError> {
        match (before, after) {
            (Trade::Attempt { debit: before, .. }, Trade::Attempt { debit: after, .. }) => {
                self.record(Some(before), after).map(drop)
            }
            (Trade::Recharge(before), Trade::Recharge(after)) => {
                self.record(Some(before), after).map(drop)
            }
            (Trade::Attempt { .. }, Trade::Recharge(_))
            | (Trade::Recharge(_), Trade::Attempt { .. }) => {
                Err(StoreError::corrupt(self.operation, "one trade became another"))
            }
        }
    }

    /// Writes a record over the one before, or a new one, and gives it as it will be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn record<R: Record>(&mut self, before: Option<&R>, after: &R) -> Result<R, StoreError> {
        let mut stored = after.clone();
        stored.task_mut().version = before.map_or(0, |before| before.task().version + 1);
        let key = (provider_pk(stored.provider()), schema::task_sk(&stored.task_id()));
        let index = match stored.due_at() {
            Some(due_at) => due::in_index(stored.provider(), due_at),
            None => due::not_in_index(),
        };
        let before = before.map(|before| (before, before.task().version));
        self.change(key, before, &stored, index)?;
        Ok(stored)
    }
}

/// Says how a kind of record is keyed.
macro_rules! record {
    ($record:ty, $id:ty, $prefix:expr, $of:expr, $to:expr) => {
        impl sealed::Keyed for $record {
            type Id = $id;
            const PREFIX: &'static str = $prefix;

            fn provider(&self) -> &ProviderId {
                &self.provider
            }

            fn task_id(&self) -> TaskId {
                let of: fn(&$record) -> $id = $of;
                $to(of(self))
            }

            fn sk(id: &$id) -> String {
                schema::task_sk(&$to(id.clone()))
            }

            fn task(&self) -> &Task {
                &self.task
            }

            fn task_mut(&mut self) -> &mut Task {
                &mut self.task
            }

            fn due_at(&self) -> Option<Timestamp> {
                self.due_at()
            }
        }
    };
}

record!(Debit, DebitId, schema::DEBIT_PREFIX, |debit| debit.debit, TaskId::Debit);
record!(
    Recharge,
    RechargeId,
    schema::RECHARGE_PREFIX,
    |recharge| recharge.recharge,
    TaskId::Recharge
);
record!(Refund, RefundRef, schema::REFUND_PREFIX, Refund::number, TaskId::Refund);
record!(Mandate, MandateId, schema::MANDATE_PREFIX, |mandate| mandate.mandate, TaskId::Mandate);
record!(Reversal, RefundRef, schema::REVERSAL_PREFIX, Reversal::number, TaskId::Reversal);
