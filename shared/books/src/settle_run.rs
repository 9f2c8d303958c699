//! Settlement runs: over all providers, shard by shard, or over one.
//!
//! A shard is a stream: providers are listed and settled at the same time, and none waits for the
//! others of a page. The run stores how far each shard is, so that a worker which takes a shard
//! over goes on from there.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use steelyard_billing::{
    AccountSums, Charges, ProviderId, Reason, RunEnd, RunFailure, RunFigures, RunScope, RunShard,
    RunTally, SettlementRun, Statement, WallTime, chain,
};
use steelyard_pricing::{BillingMonth, MoneyError};
use steelyard_store::{
    BillingTable, ProviderAccount, RUNS_REGARDED, RegistryEntry, StoreError, Unreadable, Writes,
    schema::registry_shard,
};
use thiserror::Error;

use crate::change::{Decision, change};
use crate::settle::{Census, RunTerms, SettleError, Settled, Settler};

/// Why a run cannot begin, go on or end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The clock is behind an earlier run: its yesterday may not be the last day that is over.
    #[error(
        "settlement last ran at {last}, and the clock is at {now}: a run can't begin before the last one"
    )]
    BeforeLastRun {
        /// When the latest run began.
        last: WallTime,
        /// The time of this run, by the same clock.
        now: WallTime,
    },
    /// The billing table fails.
    #[error("cannot read or write a settlement run")]
    Store(#[from] StoreError),
    /// The charges of a run have no sum.
    #[error("cannot sum what a settlement run charges")]
    Sum(#[from] MoneyError),
    /// The only provider of a run could not be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
}

/// The providers of a shard, in pages of [`SettlePage::SIZE`], as they are settled, some at a time.
///
/// Those that were begun wait while no page is asked for.
pub struct ShardWalk<'a> {
    settler: &'a Settler,
    run: u64,
    now: Timestamp,
    /// The shard, as it was written last; none if it has not been written.
    stored: Option<RunShard>,
    shard: u8,
    settled: BoxStream<'a, Result<Walked, StoreError>>,
    failed: Option<StoreError>,
}

/// The outcome of a page of providers.
#[derive(Debug, Default)]
pub struct SettlePage {
    /// The statements that were made, in no order.
    pub statements: Vec<Statement>,
    /// The providers that could not be settled, and why.
    pub failed: Vec<(ProviderId, SettleError)>,
    /// The providers that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// The providers whose usage may have expired before it was read, each with the first month of
    /// which some may be gone.
    pub lapsed: Vec<(ProviderId, BillingMonth)>,
    /// How many providers are in states that an operator must know of.
    pub census: Census,
    /// Why no page follows; none if one does.
    pub end: Option<WalkEnd>,
    /// The counts of the page, without its statements.
    counted: RunTally,
    /// The money of each provider.
    sums: Vec<AccountSums>,
    /// The last of the providers, by id.
    done: Option<String>,
}

/// Why a walk through a shard ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkEnd {
    /// The shard has no more providers.
    Complete,
    /// No more providers were to be begun.
    Stopped,
}

/// What became of an entry of the registry.
enum Walked {
    Provider(ProviderId, Result<Settled, SettleError>),
    Unreadable(Unreadable),
    End,
}

/// How many providers are settled at the same time.
const AT_ONCE: usize = 16;

const BEGIN: &str = "begin a settlement run";
const SAVE: &str = "save a shard of a settlement run";
const FAIL: &str = "note which providers were not settled";
const END: &str = "end a settlement run";
const DISREGARD: &str = "disregard a settlement run";

impl Settler {
    /// Begins a run over all shards that have providers. Gives the item that names the shards, if
    /// it cannot be read.
    ///
    /// # Errors
    ///
    /// [`RunError::BeforeLastRun`] when an earlier run began later by its clock.
    pub async fn begin_run(
        &self,
        now: Timestamp,
    ) -> Result<(SettlementRun, Option<Unreadable>), RunError> {
        let registry = self.books.billing.shards_in_use().await?;
        let run = self.begin(RunScope::Shards(registry.shards), now).await?;
        Ok((run, registry.unreadable))
    }

    async fn begin(&self, scope: RunScope, now: Timestamp) -> Result<SettlementRun, RunError> {
        let (billing, scope) = (&self.books.billing, &scope);
        change(billing, BEGIN, move |again| async move {
            let latest = billing.latest_runs(RUNS_REGARDED).await?;
            // The answer to our own write may be lost; a run that another began at the same time
            // with the same providers serves as well.
            let same = |run: &&SettlementRun| run.begun_at_s == now && run.scope == *scope;
            if let (true, Some(run)) = (again, latest.readable.first().filter(same)) {
                return Ok(Decision::Keep(run.clone()));
            }
            match SettlementRun::last_begun(&latest.readable) {
                Some(last) if now < last => {
                    let [last, now] = [last, now].map(|at| self.books.rules.calendar.wall_time(at));
                    return Err(RunError::BeforeLastRun { last, now });
                }
                Some(_) | None => {}
            }
            let run = SettlementRun::after(latest.number, scope.clone(), now);
            let mut writes = billing.writes(BEGIN);
            writes.settlement_run(None, &run)?;
            Ok(Decision::Save(writes, run))
        })
        .await
    }

    /// A run over one provider; gives the statements that were made.
    ///
    /// # Errors
    ///
    /// [`RunError`] naming the cause; statements made before it are kept.
    pub async fn run_of(
        &self,
        provider: &ProviderId,
        now: Timestamp,
    ) -> Result<Vec<Statement>, RunError> {
        let run = self.begin(RunScope::Provider(provider.clone()), now).await?;
        let settled = self.provider(&self.terms(now).await?, provider).await;
        let tally = RunTally { providers: 1, ..RunTally::default() };
        let (tally, charges) = match &settled {
            Ok(statements) => (tally.with_statements(statements)?, Charges::of(statements)?),
            Err(_) => (RunTally { failed: 1, ..tally }, Charges::default()),
        };
        let figures = RunFigures { charges, accounts: None };
        let end = RunEnd { ended_at_s: now, tally, figures };
        self.end(run.number, |_, _| Ok(Some(end.clone()))).await?;
        Ok(settled?)
    }

    /// Walks through a shard of a run, from where it was saved last. After the first provider, more
    /// are begun while `may_begin` says so. None if the shard has ended, or the run is unknown or
    /// does not settle the shard: the message is of another deployment, or of before a table was
    /// restored.
    ///
    /// # Errors
    ///
    /// [`RunError::Store`] when the shard cannot be read.
    pub async fn walk<'a>(
        &'a self,
        terms: &'a RunTerms,
        run: u64,
        shard: u8,
        may_begin: impl Fn() -> bool + Send + 'a,
    ) -> Result<Option<ShardWalk<'a>>, RunError> {
        let of_run = self.books.billing.settlement_run(run).await?;
        if !of_run.is_some_and(|run| run.has_shard(shard)) {
            return Ok(None);
        }
        let stored = self.books.billing.run_shard(run, shard).await?;
        if stored.as_ref().is_some_and(|shard| shard.has_ended) {
            return Ok(None);
        }
        let after = stored.as_ref().and_then(|shard| shard.done.clone());
        let entries = self.books.billing.walk(shard, after);
        // The first is begun in any case, so that every walk gets further.
        let mut is_first = true;
        let begun = entries.take_while(move |_| {
            let is_begun = std::mem::take(&mut is_first) || may_begin();
            std::future::ready(is_begun)
        });
        let settled = begun
            .map(move |entry| async move { Ok(self.walked(terms, entry?).await) })
            // In order, so that everything before the last of a page is done.
            .buffered(AT_ONCE)
            .boxed();
        let (settler, now) = (self, terms.now);
        Ok(Some(ShardWalk { settler, run, now, stored, shard, settled, failed: None }))
    }

    async fn walked(&self, terms: &RunTerms, entry: RegistryEntry) -> Walked {
        match entry {
            RegistryEntry::Account(account) => {
                let provider = account.provider.provider.clone();
                let settled = self.settle_bounded(terms, *account).await;
                Walked::Provider(provider, settled)
            }
            RegistryEntry::Unreadable(unreadable) => Walked::Unreadable(unreadable),
            RegistryEntry::End => Walked::End,
        }
    }

    /// Settles a provider so that it holds up no other: one that is slow, or panics, fails alone.
    /// What is stored of it is stored for good; the rest follows when it is tried alone.
    async fn settle_bounded(
        &self,
        terms: &RunTerms,
        account: ProviderAccount,
    ) -> Result<Settled, SettleError> {
        let provider = account.provider.provider.clone();
        // Boxed, since the compiler computes no layout of futures that are nested so deeply.
        let settling = self.settle(terms, account).boxed();
        let settling = AssertUnwindSafe(settling).catch_unwind();
        match tokio::time::timeout(terms.provider_timeout, settling).await {
            Ok(Ok(settled)) => settled,
            Ok(Err(_)) => Err(SettleError::Panicked(provider)),
            Err(_) => Err(SettleError::Slow(provider)),
        }
    }

    /// Settles a provider that could not be settled with its shard; gives the statements.
    ///
    /// # Errors
    ///
    /// [`RunError`] when it fails again.
    pub async fn settle_alone(
        &self,
        terms: &RunTerms,
        run: u64,
        provider: &ProviderId,
    ) -> Result<Vec<Statement>, RunError> {
        let statements = self.provider(terms, provider).await?;
        if !statements.is_empty() {
            self.add_to_run(run, provider, &statements).await?;
        }
        if let Some(failure) = self.books.billing.run_failure(run, provider).await? {
            let settled = RunFailure { settled_at_s: Some(terms.now), ..failure };
            self.note_failure(run, &settled).await?;
        }
        Ok(statements)
    }

    /// Adds statements that were made after the shard of their provider, to the shard, and to the
    /// run if that has ended.
    async fn add_to_run(
        &self,
        run: u64,
        provider: &ProviderId,
        statements: &[Statement],
    ) -> Result<(), RunError> {
        let (billing, shard) = (&self.books.billing, registry_shard(provider));
        let Some(known) = billing.run_shard(run, shard).await? else { return Ok(()) };
        save_shard(billing, run, shard, Some(&known), |before| {
            Ok(before.unwrap_or(&known).with_statements(statements)?)
        })
        .await?;
        change(billing, END, move |_| async move {
            let shards = billing.run_shards(run).await?;
            let Some(run) = billing.settlement_run(run).await? else {
                return Ok(Decision::Keep(()));
            };
            let Some(end) = &run.end else { return Ok(Decision::Keep(())) };
            let end = Some(RunEnd::of(&shards, end.ended_at_s)?);
            let mut writes = billing.writes(END);
            writes.settlement_run(Some(&run), &SettlementRun { end, ..run.clone() })?;
            Ok::<_, RunError>(Decision::Save(writes, ()))
        })
        .await
    }

    async fn note_failures(
        &self,
        run: u64,
        failed: &[(ProviderId, SettleError)],
        now: Timestamp,
    ) -> Result<(), RunError> {
        let failure = |(provider, error): &(ProviderId, SettleError)| RunFailure {
            provider: provider.clone(),
            why: chain(error),
            failed_at_s: now,
            settled_at_s: None,
        };
        let failures = failed.iter().map(failure).collect::<Vec<_>>();
        stream::iter(failures)
            .map(|failure| async move { self.note_failure(run, &failure).await })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn note_failure(&self, run: u64, failure: &RunFailure) -> Result<(), RunError> {
        change(&self.books.billing, FAIL, move |_| async move {
            let mut writes = self.books.billing.writes(FAIL);
            writes.run_failure(run, failure)?;
            Ok(Decision::Save(writes, ()))
        })
        .await
    }

    /// Disregards a run that began by a wrong clock: later runs may begin before it. Gives the run;
    /// none if there is none of this number.
    ///
    /// # Errors
    ///
    /// [`RunError`] when the run cannot be read or written.
    pub async fn disregard_run(
        &self,
        number: u64,
        reason: &Reason,
    ) -> Result<Option<SettlementRun>, RunError> {
        let billing = &self.books.billing;
        change(billing, DISREGARD, move |_| async move {
            let Some(run) = billing.settlement_run(number).await? else {
                return Ok(Decision::Keep(None));
            };
            let after = SettlementRun { disregarded: Some(reason.clone()), ..run.clone() };
            let mut writes = billing.writes(DISREGARD);
            writes.settlement_run(Some(&run), &after)?;
            Ok(Decision::Save(writes, Some(after)))
        })
        .await
    }

    /// Ends a run if all of its shards have ended; gives its end if it ends by this call.
    ///
    /// # Errors
    ///
    /// [`RunError`] when the run or its shards cannot be read or written.
    pub async fn end_run(&self, number: u64, now: Timestamp) -> Result<Option<RunEnd>, RunError> {
        self.end(number, |run, shards| Ok(run.end_by(shards, now)?)).await
    }

    async fn end(
        &self,
        number: u64,
        end: impl Fn(&SettlementRun, &[RunShard]) -> Result<Option<RunEnd>, RunError>,
    ) -> Result<Option<RunEnd>, RunError> {
        let (billing, end) = (&self.books.billing, &end);
        change(billing, END, move |_| async move {
            // The shards first: a run that has not ended then did not end by other shards.
            let shards = billing.run_shards(number).await?;
            let run = billing.settlement_run(number).await?;
            let Some(run) = run.filter(|run| run.end.is_none()) else {
                return Ok(Decision::Keep(None));
            };
            let Some(end) = end(&run, &shards)? else { return Ok(Decision::Keep(None)) };
            let ended = SettlementRun { end: Some(end.clone()), ..run.clone() };
            let mut writes = billing.writes(END);
            writes.settlement_run(Some(&run), &ended)?;
            Ok(Decision::Save(writes, Some(end)))
        })
        .await
    }
}

impl ShardWalk<'_> {
    /// The next providers. After the page that has an end, none follow.
    ///
    /// # Errors
    ///
    /// [`RunError`] when the registry cannot be read; what was settled before is in an earlier
    /// page.
    pub async fn page(&mut self) -> Result<SettlePage, RunError> {
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        let mut page = SettlePage::default();
        while page.end.is_none() && page.len() < SettlePage::SIZE {
            match self.settled.try_next().await {
                Ok(Some(walked)) => page.add(walked),
                Ok(None) => page.end = Some(WalkEnd::Stopped),
                Err(error) if page.len() == 0 => return Err(error.into()),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        // Noted before anybody tries them alone, and notes that they are settled.
        self.settler.note_failures(self.run, &page.failed, self.now).await?;
        Ok(page)
    }

    /// Saves that a page is done, once everything about it is. Another worker on the same shard
    /// does no harm: the shard is as far as the one that is further.
    ///
    /// # Errors
    ///
    /// [`RunError`] when the table fails.
    pub async fn save(&mut self, page: &SettlePage) -> Result<(), RunError> {
        let (billing, shard) = (&self.settler.books.billing, self.shard);
        let (tally, figures) = (page.tally()?, page.figures()?);
        let has_ended = page.end == Some(WalkEnd::Complete);
        let after = |before: Option<&RunShard>| -> Result<RunShard, RunError> {
            let first = RunShard::new(shard);
            let before = before.unwrap_or(&first);
            Ok(before.after(tally, &figures, page.done.as_deref(), has_ended)?)
        };
        let stored = save_shard(billing, self.run, shard, self.stored.as_ref(), after).await?;
        self.stored = Some(stored);
        Ok(())
    }
}

/// Saves a shard of a run after something was added to it, and gives it as it is stored.
async fn save_shard(
    billing: &BillingTable,
    run: u64,
    shard: u8,
    known: Option<&RunShard>,
    after: impl Fn(Option<&RunShard>) -> Result<RunShard, RunError>,
) -> Result<RunShard, RunError> {
    let decide = |before: Option<&RunShard>| -> Result<(Writes, RunShard), RunError> {
        let mut writes = billing.writes(SAVE);
        let stored = writes.run_shard(run, before, &after(before)?)?;
        Ok((writes, stored))
    };
    let (decide, mine) = (&decide, &decide(known)?.1);
    change(billing, SAVE, move |again| async move {
        let found = if again { billing.run_shard(run, shard).await? } else { None };
        // The answer to our own write may be lost.
        if found.as_ref() == Some(mine) {
            return Ok(Decision::Keep(mine.clone()));
        }
        let (writes, stored) = decide(if again { found.as_ref() } else { known })?;
        Ok::<_, RunError>(Decision::Save(writes, stored))
    })
    .await
}

impl SettlePage {
    /// The most entries of the registry in a page.
    pub const SIZE: u64 = 100;

    fn len(&self) -> u64 {
        self.counted.providers + self.counted.unreadable
    }

    fn add(&mut self, walked: Walked) {
        match walked {
            Walked::Provider(provider, result) => {
                self.counted.providers += 1;
                self.done = Some(provider.to_string());
                let failed = match result {
                    Ok(Settled { statements, request, sums, lapsed, failed }) => {
                        self.lapsed.extend(lapsed.map(|month| (provider.clone(), month)));
                        self.statements.extend(statements);
                        self.sums.extend(sums);
                        request.into_iter().for_each(|request| self.census.count(request));
                        failed
                    }
                    Err(error) => Some(error),
                };
                if let Some(error) = failed {
                    self.counted.failed += 1;
                    self.failed.push((provider, error));
                }
            }
            Walked::Unreadable(unreadable) => {
                self.counted.unreadable += 1;
                self.unreadable.push(unreadable);
            }
            Walked::End => self.end = Some(WalkEnd::Complete),
        }
    }

    fn tally(&self) -> Result<RunTally, MoneyError> {
        self.counted.with_statements(&self.statements)
    }

    fn figures(&self) -> Result<RunFigures, MoneyError> {
        let none = AccountSums::default();
        let accounts = self.sums.iter().try_fold(none, |sum, one| sum.plus(one))?;
        Ok(RunFigures { charges: Charges::of(&self.statements)?, accounts: Some(accounts) })
    }
}
