//! Settling providers: every unsettled day up to yesterday, each statement in one transaction; a
//! debit for what is owed; and the close of months that are over.

use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;
use steelyard_billing::{
    CalendarError, DebitRules, MonthClose, ProviderId, Request, SettlementError, Statement,
    next_settlement,
};
use steelyard_pricing::{BillingDay, Catalog, MoneyError};
use steelyard_store::{CountedUsage, ProviderAccount, StoreError, Unreadable, UsageTable};
use thiserror::Error;

use crate::Books;
use crate::change::{Decision, change};

/// Settles providers.
#[derive(Clone, Debug)]
pub struct Settler {
    /// The books.
    pub books: Books,
    /// What was counted.
    pub usage: UsageTable,
}

/// A settlement run: the plans as they are when it begins, and its time.
///
/// The time is taken before anything is read, so that what is read is not older.
#[derive(Clone, Debug)]
pub struct SettleRun {
    plans: Arc<Catalog>,
    /// The plans that cannot be read. Providers on them are not settled.
    pub unreadable: Vec<Unreadable>,
    now: Timestamp,
}

/// Why a provider could not be settled. Its usage stays counted; the next run tries again.
#[derive(Debug, Error)]
pub enum SettleError {
    /// The rules refuse.
    #[error("cannot settle {provider}")]
    Rules {
        /// The provider.
        provider: ProviderId,
        /// Why.
        #[source]
        source: SettlementError,
    },
    /// A table failed.
    #[error("cannot settle {provider}")]
    Store {
        /// The provider.
        provider: ProviderId,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The plans or the providers cannot be read.
    #[error("cannot begin")]
    Begin(#[source] StoreError),
    /// The provider is not registered.
    #[error("provider `{0}` is not registered")]
    Unknown(ProviderId),
    /// The clock is behind an earlier run: its yesterday may not be the last day that is over.
    #[error(
        "settlement last ran at {last}, and the clock is at {now}: a run can't begin before the last one"
    )]
    BeforeLastRun {
        /// When the latest run began.
        last: Timestamp,
        /// What the clock shows.
        now: Timestamp,
    },
}

/// What became of some providers.
#[derive(Debug, Default)]
pub struct SettlePage {
    /// The statements that were made, in no order.
    pub statements: Vec<Statement>,
    /// The providers that could not be settled, and why.
    pub failed: Vec<(ProviderId, SettleError)>,
    /// The providers that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// How many providers are in states that an operator must know of.
    pub census: Census,
    /// Where the next page begins; none when the shard is done.
    pub next: Option<String>,
}

/// How many providers are in states that an operator must know of, after they were settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Providers whose last debit was given up, and who owe as much as then.
    pub given_up: u32,
    /// Providers who owe enough for a debit, and have no mandate under which it can be requested:
    /// none in use, or one whose limit is below the least debit.
    pub impossible: u32,
    /// Providers with an open debit.
    pub open_debits: u32,
}

/// What a provider's settlement is decided by.
struct Loaded {
    account: ProviderAccount,
    counted: CountedUsage,
}

/// A provider after it was settled, as far as it could be.
struct Settled {
    statements: Vec<Statement>,
    account: ProviderAccount,
    failed: Option<SettleError>,
}

/// How many providers are settled at the same time.
const AT_ONCE: usize = 16;

const SETTLE: &str = "store a settlement";
const REQUEST: &str = "request what is owed";

/// Why one decision failed, before the provider is named.
#[derive(Debug)]
enum UnnamedError {
    Rules(SettlementError),
    Store(StoreError),
    Unknown,
}

impl From<StoreError> for UnnamedError {
    fn from(error: StoreError) -> UnnamedError {
        UnnamedError::Store(error)
    }
}

impl From<MoneyError> for UnnamedError {
    fn from(error: MoneyError) -> UnnamedError {
        UnnamedError::Rules(error.into())
    }
}

impl From<CalendarError> for UnnamedError {
    fn from(error: CalendarError) -> UnnamedError {
        UnnamedError::Rules(error.into())
    }
}

impl UnnamedError {
    fn of(self, provider: &ProviderId) -> SettleError {
        let provider = provider.clone();
        match self {
            UnnamedError::Rules(source) => SettleError::Rules { provider, source },
            UnnamedError::Store(source) => SettleError::Store { provider, source },
            UnnamedError::Unknown => SettleError::Unknown(provider),
        }
    }
}

impl Settler {
    /// Notes that settlement runs now. Call it once, before the first page of a run.
    ///
    /// # Errors
    ///
    /// [`SettleError::BeforeLastRun`] when an earlier run began later by its clock.
    pub async fn note_run(&self, now: Timestamp) -> Result<(), SettleError> {
        let last = self.books.billing.note_settlement(now).await.map_err(SettleError::Begin)?;
        if now < last { Err(SettleError::BeforeLastRun { last, now }) } else { Ok(()) }
    }

    /// Begins a run.
    ///
    /// # Errors
    ///
    /// [`SettleError::Begin`] when the plans cannot be read.
    pub async fn begin(&self, now: Timestamp) -> Result<SettleRun, SettleError> {
        let plans = self.books.billing.plans().await.map_err(SettleError::Begin)?;
        Ok(SettleRun { plans: Arc::new(plans.catalog), unreadable: plans.unreadable, now })
    }

    /// Settles some providers of a registry shard, at most `limit`, from its beginning or where the
    /// page before ended. A provider that fails does not stop the others.
    ///
    /// # Errors
    ///
    /// [`SettleError::Begin`] when the providers cannot be listed.
    pub async fn page(
        &self,
        run: &SettleRun,
        shard: u8,
        after: Option<&str>,
        limit: u16,
    ) -> Result<SettlePage, SettleError> {
        let listed = self.books.billing.accounts(shard, after, limit).await;
        let page = listed.map_err(SettleError::Begin)?;
        let settling = page
            .accounts
            .into_iter()
            .map(|account| async {
                let provider = account.provider.provider.clone();
                (provider, self.settle(run, account).await)
            })
            .collect::<Vec<_>>();
        let settled =
            futures::stream::iter(settling).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        let mut done =
            SettlePage { next: page.next, unreadable: page.unreadable, ..SettlePage::default() };
        for (provider, result) in settled {
            match result {
                Ok(settled) => {
                    let counted = done.census.count(&settled.account, &self.books.rules);
                    let counted = counted.map_err(|error| UnnamedError::from(error).of(&provider));
                    done.statements.extend(settled.statements);
                    let failed = settled.failed.or(counted.err());
                    done.failed.extend(failed.map(|error| (provider, error)));
                }
                Err(error) => done.failed.push((provider, error)),
            }
        }
        Ok(done)
    }

    /// Settles one provider by its id; gives the statements that were made.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause; statements made before it are kept.
    pub async fn provider(
        &self,
        run: &SettleRun,
        provider: &ProviderId,
    ) -> Result<Vec<Statement>, SettleError> {
        let account = self.read(provider).await.map_err(|error| error.of(provider))?;
        let settled = self.settle(run, account).await?;
        settled.failed.map_or(Ok(settled.statements), Err)
    }

    async fn settle(
        &self,
        run: &SettleRun,
        account: ProviderAccount,
    ) -> Result<Settled, SettleError> {
        let id = account.provider.provider.clone();
        let mut statements = Vec::new();
        match self.settle_days(run, account, &mut statements).await {
            Ok(account) => Ok(Settled { statements, account, failed: None }),
            Err(error) => {
                // What is owed already is requested all the same.
                let account = self.request(run, &id).await.map_err(|error| error.of(&id))?;
                Ok(Settled { statements, account, failed: Some(error.of(&id)) })
            }
        }
    }

    async fn settle_days(
        &self,
        run: &SettleRun,
        account: ProviderAccount,
        statements: &mut Vec<Statement>,
    ) -> Result<ProviderAccount, UnnamedError> {
        let counted = self.counted(run, &account).await?;
        let mut loaded = Loaded { account, counted };
        while let Some(statement) = self.settle_day(run, &mut loaded).await? {
            statements.push(statement);
        }
        self.close_months(run, &loaded).await?;
        Ok(loaded.account)
    }

    /// Opens a debit for what a provider owes that cannot be settled, if one is to be opened.
    async fn request(
        &self,
        run: &SettleRun,
        provider: &ProviderId,
    ) -> Result<ProviderAccount, UnnamedError> {
        change(&self.books.billing, REQUEST, move |_| async move {
            let found = self.read(provider).await?;
            let ProviderAccount { provider, account } = &found;
            match account.requesting(provider.mandate.as_ref(), &self.books.rules, run.now)? {
                Some(movement) => {
                    let mut writes = self.books.billing.writes(REQUEST);
                    let account = writes.movement(account, &movement)?;
                    Ok(Decision::Save(writes, ProviderAccount { account, ..found }))
                }
                None => Ok::<_, UnnamedError>(Decision::Keep(found)),
            }
        })
        .await
    }

    /// Stores the provider's next statement, or when there is none a debit for what is still owed.
    async fn settle_day(
        &self,
        run: &SettleRun,
        loaded: &mut Loaded,
    ) -> Result<Option<Statement>, UnnamedError> {
        let known = &*loaded;
        let billing = &self.books.billing;
        let (statement, account, fresh) = change(billing, SETTLE, move |again| async move {
            let fresh = if again { Some(self.load(run, known).await?) } else { None };
            let decided = self.decide(run, fresh.as_ref().unwrap_or(known))?;
            let with_fresh = |(statement, account)| (statement, account, fresh);
            Ok::<_, UnnamedError>(decided.map(with_fresh))
        })
        .await?;
        if let Some(fresh) = fresh {
            *loaded = fresh;
        }
        loaded.account.account = account;
        Ok(statement)
    }

    async fn load(&self, run: &SettleRun, before: &Loaded) -> Result<Loaded, UnnamedError> {
        let account = self.read(&before.account.provider.provider).await?;
        let counted = self.counted(run, &account).await?;
        Ok(Loaded { account, counted })
    }

    fn decide(
        &self,
        run: &SettleRun,
        loaded: &Loaded,
    ) -> Result<Decision<(Option<Statement>, steelyard_billing::Account)>, UnnamedError> {
        let Loaded { account: ProviderAccount { provider, account }, counted } = loaded;
        let closed = counted.registration.and_then(|registration| registration.closed);
        let (rules, days) = (&self.books.rules, &counted.days);
        let next = next_settlement(provider, account, days, closed, &run.plans, rules, run.now);
        let mut writes = self.books.billing.writes(SETTLE);
        if let Some(next) = next.map_err(UnnamedError::Rules)? {
            let after = writes.settlement(account, &next)?;
            return Ok(Decision::Save(writes, (Some(next.statement), after)));
        }
        match account.requesting(provider.mandate.as_ref(), rules, run.now)? {
            Some(movement) => {
                let after = writes.movement(account, &movement)?;
                Ok(Decision::Save(writes, (None, after)))
            }
            None => Ok(Decision::Keep((None, account.clone()))),
        }
    }

    /// Closes months of the provider that are over, so that ingest refuses their usage from now on.
    /// What was counted before is charged by a later run, which reads after it.
    async fn close_months(&self, run: &SettleRun, loaded: &Loaded) -> Result<(), UnnamedError> {
        let provider = &loaded.account.provider;
        let Some(registration) = loaded.counted.registration else { return Ok(()) };
        let rules = &self.books.rules;
        if let Some(close) = MonthClose::due(provider, registration.closed, rules, run.now) {
            self.usage.close(&provider.provider, close).await?;
        }
        Ok(())
    }

    /// What was counted in the provider's open months up to yesterday.
    async fn counted(
        &self,
        run: &SettleRun,
        account: &ProviderAccount,
    ) -> Result<CountedUsage, UnnamedError> {
        let through: BillingDay = self.books.rules.calendar.yesterday(run.now)?;
        let from = account.account.open_from.first_day().min(through);
        Ok(self.usage.counted(&account.provider.provider, from, through).await?)
    }

    async fn read(&self, provider: &ProviderId) -> Result<ProviderAccount, UnnamedError> {
        self.books.billing.account(provider).await?.ok_or(UnnamedError::Unknown)
    }
}

impl Census {
    fn count(
        &mut self,
        ProviderAccount { provider, account }: &ProviderAccount,
        rules: &DebitRules,
    ) -> Result<(), MoneyError> {
        match account.request(provider.mandate.as_ref(), rules)? {
            Request::Open => self.open_debits += 1,
            Request::GivenUp => self.given_up += 1,
            Request::Impossible => self.impossible += 1,
            Request::NotNeeded | Request::Due => {}
        }
        Ok(())
    }
}
