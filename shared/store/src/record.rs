//! What goes on by itself for a provider: debits, recharges, refunds, reversals, mandates. Each is
//! stored under a version, on which the next write of it is conditional, and stands in the index of
//! what is due while there is something to do with it.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use steelyard_billing::{
    Account, Debit, DebitId, Mandate, MandateId, Movement, ProviderId, Recharge, RechargeId,
    Refund, RefundRef, Reversal, TaskId, Unmatched,
};

use crate::item::{from_item, to_item};
use crate::query::Range;
use crate::schema::{self, provider_pk};
use crate::transact::{put_new, put_version};
use crate::{BillingTable, CommitError, StoreError, due};

/// A record of a provider that goes on by itself.
pub trait Record: sealed::Keyed {}

impl<R: sealed::Keyed> Record for R {}

pub(crate) mod sealed {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::{ProviderId, TaskId, Timestamp};

    /// How a record is found, and when it is due.
    pub trait Keyed: Serialize + DeserializeOwned + Clone + Send + Sync {
        /// What names it among its provider's.
        type Id: Sync;
        /// What all sort keys of its kind begin with.
        const PREFIX: &'static str;

        fn provider(&self) -> &ProviderId;
        fn visited(&self) -> TaskId;
        fn sk(id: &Self::Id) -> String;
        fn version(&self) -> u64;
        fn with_version(&self, version: u64) -> Self;
        fn due_at(&self) -> Option<Timestamp>;
    }
}

const READ: &str = "read records of a provider";
const STORE: &str = "store a record of a provider";
const MOVE: &str = "store a movement of money with its record";

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
        let item = range.all(&self.client, READ).await?.pop();
        item.map(|item| from_item(READ, item)).transpose()
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

    /// Stores a record without a movement of money; a new one if there is none before. Gives it as it
    /// is stored.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when it was written since `before` was read, or a new one is stored
    /// already.
    pub async fn store<R: Record>(&self, before: Option<&R>, after: &R) -> Result<R, CommitError> {
        let (put, stored) = self.putting(STORE, before, after)?;
        self.commit(STORE, vec![put]).await?;
        Ok(stored)
    }

    /// Stores a record in one transaction with the movement of money that it stands for, and with
    /// what Alipay's bill has to show of it. Gives it as it is stored.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when the record or the account was written since they were read.
    pub async fn store_moving<R: Record>(
        &self,
        before: Option<&R>,
        after: &R,
        account: &Account,
        movement: &Movement,
        moved: Option<&Unmatched>,
    ) -> Result<R, CommitError> {
        let (put, stored) = self.putting(MOVE, before, after)?;
        let mut writes = vec![put];
        self.moving(MOVE, account, movement, &mut writes)?;
        if let Some(moved) = moved {
            writes.push(self.putting_unmatched(MOVE, moved)?);
        }
        self.commit(MOVE, writes).await?;
        Ok(stored)
    }

    /// Puts a record over the version before, and gives it as it will be stored.
    pub(crate) fn putting<R: Record>(
        &self,
        operation: &'static str,
        before: Option<&R>,
        after: &R,
    ) -> Result<(TransactWriteItem, R), StoreError> {
        let stored = match before {
            Some(before) => after.with_version(before.version() + 1),
            None => after.clone(),
        };
        let visited = stored.visited();
        let sk = schema::task_sk(&visited);
        let mut item = to_item(operation, provider_pk(stored.provider()), sk, &stored)?;
        if let Some(due_at) = stored.due_at() {
            item.extend(due::place(stored.provider(), due_at));
        }
        let put = match before {
            Some(before) => put_version(&self.table, item, Some(before.version())),
            None => put_new(&self.table, item),
        };
        Ok((put, stored))
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

            fn visited(&self) -> TaskId {
                let of: fn(&$record) -> $id = $of;
                $to(of(self))
            }

            fn sk(id: &$id) -> String {
                schema::task_sk(&$to(id.clone()))
            }

            fn version(&self) -> u64 {
                self.version
            }

            fn with_version(&self, version: u64) -> $record {
                let mut record = self.clone();
                record.version = version;
                record
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
