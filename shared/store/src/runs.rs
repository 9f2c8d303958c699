//! Settlement runs, their shards and their failures.

use jiff::Timestamp;
use steelyard_billing::{ProviderId, RunFailure, RunShard, SettlementRun};

use crate::item::{from_item, text, to_item};
use crate::query::Range;
use crate::schema::{
    RUN_FAILURE_PREFIX, RUN_SHARD_PREFIX, RUNS, SETTLEMENT_PREFIX, SK, registry_shard,
    run_failure_sk, run_failures_pk, run_pk, run_shard_sk, settlement_sk,
};
use crate::unreadable::Unreadable;
use crate::writes::Index;
use crate::{BillingTable, Found, StoreError, Writes};

/// How many of the latest runs bind the clock of the next: the newest of them that counts does.
pub const RUNS_REGARDED: u16 = 10;

/// The latest settlement runs.
#[derive(Clone, Debug, Default)]
pub struct LatestRuns {
    /// Those that can be read, from the newest on.
    pub readable: Vec<SettlementRun>,
    /// Those that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// The number of the newest; 0 before the first.
    pub number: u64,
}

const READ: &str = "read a settlement run";

impl BillingTable {
    /// When settlement last began: no run begins before that. None before the first run.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn last_settlement(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(SettlementRun::last_begun(&self.latest_runs(RUNS_REGARDED).await?.readable))
    }

    /// The latest settlement runs, at most `limit`. One that cannot be read fails alone: it binds
    /// the clock of no other.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn latest_runs(&self, limit: u16) -> Result<LatestRuns, StoreError> {
        let range = Range::prefix(&self.table, RUNS.to_owned(), SETTLEMENT_PREFIX);
        let page = range.page_back(&self.client, READ, None, Some(limit.into())).await?;
        let mut latest = LatestRuns::default();
        for item in page.items {
            let sk = text(READ, &item, SK)?;
            if let Some(Ok(number)) = sk.strip_prefix(SETTLEMENT_PREFIX).map(str::parse) {
                latest.number = latest.number.max(number);
            }
            match from_item(READ, item.clone()) {
                Ok(run) => latest.readable.push(run),
                Err(error) => latest.unreadable.push(Unreadable::new(&item, &error)),
            }
        }
        Ok(latest)
    }

    /// The settlement run of a number; none if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table or the run cannot be read.
    pub async fn settlement_run(&self, number: u64) -> Result<Option<SettlementRun>, StoreError> {
        let range = Range::one(&self.table, RUNS.to_owned(), settlement_sk(number));
        range.record(&self.client, READ).await
    }

    /// The shards of a run that have been written, by their numbers. One that cannot be read is
    /// left out: the run does not end by it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn run_shards(&self, number: u64) -> Result<Vec<RunShard>, StoreError> {
        let range = Range::prefix(&self.table, run_pk(number), RUN_SHARD_PREFIX);
        let items = range.all(&self.client, READ).await?;
        Ok(items.into_iter().filter_map(|item| from_item(READ, item).ok()).collect())
    }

    /// A shard of a run; none if it has not been written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table or the shard cannot be read.
    pub async fn run_shard(&self, number: u64, shard: u8) -> Result<Option<RunShard>, StoreError> {
        let range = Range::one(&self.table, run_pk(number), run_shard_sk(shard));
        range.record(&self.client, READ).await
    }

    /// The providers of a shard that a run could not settle with the shard, by id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn run_failures(
        &self,
        number: u64,
        shard: u8,
    ) -> Result<Found<RunFailure>, StoreError> {
        let range = Range::prefix(&self.table, run_failures_pk(number, shard), RUN_FAILURE_PREFIX);
        Ok(Found::of(READ, range.all(&self.client, READ).await?))
    }

    /// Why a run could not settle a provider with its shard; none if it could.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table or the failure cannot be read.
    pub async fn run_failure(
        &self,
        number: u64,
        provider: &ProviderId,
    ) -> Result<Option<RunFailure>, StoreError> {
        let (pk, sk) = run_failure_key(number, provider);
        Range::one(&self.table, pk, sk).record(&self.client, READ).await
    }
}

impl Writes {
    /// Writes a settlement run over the version before, or a new one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn settlement_run(
        &mut self,
        before: Option<&SettlementRun>,
        after: &SettlementRun,
    ) -> Result<(), StoreError> {
        let version = before.map_or(0, |before| before.version + 1);
        let after = SettlementRun { version, ..after.clone() };
        let key = (RUNS.to_owned(), settlement_sk(after.number));
        self.change(key, before.map(|before| (before, before.version)), &after, Index::default())
    }

    /// Writes a shard of a run over the version before, or a new one, and gives it as it will be
    /// stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn run_shard(
        &mut self,
        number: u64,
        before: Option<&RunShard>,
        after: &RunShard,
    ) -> Result<RunShard, StoreError> {
        let version = before.map_or(0, |before| before.version + 1);
        let after = RunShard { version, ..after.clone() };
        let key = (run_pk(number), run_shard_sk(after.shard));
        let known = before.map(|before| (before, before.version));
        self.change(key, known, &after, Index::default())?;
        Ok(after)
    }

    /// Writes why a provider could not be settled with its shard, in place of what was known.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn run_failure(&mut self, number: u64, failure: &RunFailure) -> Result<(), StoreError> {
        let (pk, sk) = run_failure_key(number, &failure.provider);
        self.put_always(to_item(self.operation, pk, sk, failure)?);
        Ok(())
    }
}

fn run_failure_key(number: u64, provider: &ProviderId) -> (String, String) {
    (run_failures_pk(number, registry_shard(provider)), run_failure_sk(provider))
}
