//! Settling providers: every unsettled day up to yesterday, each statement in one transaction; a
//! debit for what is owed; and the close of months that are over.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use steelyard_billing::{
    Account, AccountSums, CalendarError, CountedDays, MonthClose, Provider, ProviderId, Request,
    Reread, SettlementError, Statement, UsageRead, charged_between, collecting, deposit_noted,
    next_settlement, nothing_due,
};
use steelyard_pricing::{BillingDay, BillingMonth, Catalog, MoneyError, UsageError};
use steelyard_store::{NewUsage, ProviderAccount, StoreError, Unreadable, UsageTable};
use thiserror::Error;

use crate::Books;
use crate::change::{Decision, change};
use crate::correction::Correction;

/// The settlement of providers, from the usage table into the books.
#[derive(Clone, Debug)]
pub struct Settler {
    /// The books that get the statements.
    pub books: Books,
    /// The table of usage reports.
    pub usage: UsageTable,
}

/// What settlements are decided by: the plans as one read found them, and a time.
///
/// The time is taken before anything is read, so that what is read is not older.
#[derive(Clone, Debug)]
pub struct RunTerms {
    plans: Arc<Catalog>,
    /// The plans that cannot be read. Providers on them are not settled.
    pub unreadable: Vec<Unreadable>,
    pub(crate) now: Timestamp,
    /// How long one provider of a shard may take.
    pub provider_timeout: Duration,
}

impl RunTerms {
    /// The plans that can be read.
    #[must_use]
    pub fn plans(&self) -> &Catalog {
        &self.plans
    }

    /// The same plans at another time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> RunTerms {
        RunTerms { now, ..self.clone() }
    }
}

/// How long one provider of a shard may take: a few seconds are much. Alone, it has the whole time
/// of an invocation.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a provider could not be settled. Its usage stays counted; the next run tries again.
#[derive(Debug, Error)]
pub enum SettleError {
    /// The rules refuse.
    #[error("cannot settle {provider}")]
    Rules {
        /// The provider that could not be settled.
        provider: ProviderId,
        /// The rule that refuses it.
        #[source]
        source: SettlementError,
    },
    /// A table failed.
    #[error("cannot settle {provider}")]
    Store {
        /// The provider that could not be settled.
        provider: ProviderId,
        /// The failure of the table.
        #[source]
        source: StoreError,
    },
    /// The plans cannot be read.
    #[error("cannot begin")]
    Begin(#[source] StoreError),
    /// The provider is not registered.
    #[error("provider `{0}` is not registered")]
    Unknown(ProviderId),
    /// Settling the provider took longer than a run over all providers allows.
    #[error("settling {0} takes too long beside others")]
    Slow(ProviderId),
    /// Settling the provider panicked.
    #[error("settling {0} panicked")]
    Panicked(ProviderId),
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
    usage: UsageRead,
}

/// A provider after it was settled, as far as it could be.
pub(crate) struct Settled {
    pub(crate) statements: Vec<Statement>,
    /// The request for what it owes; none if that cannot be decided.
    pub(crate) request: Option<Request>,
    /// Its money; none if that has no sum.
    pub(crate) sums: Option<AccountSums>,
    /// The first month whose usage may have expired before it was read, if there is one.
    pub(crate) lapsed: Option<BillingMonth>,
    pub(crate) failed: Option<SettleError>,
}

const SETTLE: &str = "store a settlement";
const REQUEST: &str = "request what is owed";

/// Why one decision failed, before the provider is named.
#[derive(Debug)]
pub(crate) enum UnnamedError {
    Rules(SettlementError),
    Store(StoreError),
    Unknown,
}

impl From<SettlementError> for UnnamedError {
    fn from(error: SettlementError) -> UnnamedError {
        UnnamedError::Rules(error)
    }
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

impl From<UsageError> for UnnamedError {
    fn from(error: UsageError) -> UnnamedError {
        UnnamedError::Rules(error.into())
    }
}

impl From<CalendarError> for UnnamedError {
    fn from(error: CalendarError) -> UnnamedError {
        UnnamedError::Rules(error.into())
    }
}

impl UnnamedError {
    pub(crate) fn of(self, provider: &ProviderId) -> SettleError {
        let provider = provider.clone();
        match self {
            UnnamedError::Rules(source) => SettleError::Rules { provider, source },
            UnnamedError::Store(source) => SettleError::Store { provider, source },
            UnnamedError::Unknown => SettleError::Unknown(provider),
        }
    }
}

impl Settler {
    /// What settlements are decided by from now on.
    ///
    /// # Errors
    ///
    /// [`SettleError::Begin`] when the plans cannot be read.
    pub async fn terms(&self, now: Timestamp) -> Result<RunTerms, SettleError> {
        let plans = self.books.billing.plans().await.map_err(SettleError::Begin)?;
        Ok(RunTerms {
            plans: Arc::new(plans.catalog),
            unreadable: plans.unreadable,
            now,
            provider_timeout: PROVIDER_TIMEOUT,
        })
    }

    /// Settles one provider by its id; gives the statements that were made.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause; statements made before it are kept.
    pub async fn provider(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
    ) -> Result<Vec<Statement>, SettleError> {
        let account = self.read(provider).await.map_err(|error| error.of(provider))?;
        let settled = self.settle(terms, account).await?;
        settled.failed.map_or(Ok(settled.statements), Err)
    }

    pub(crate) async fn settle(
        &self,
        terms: &RunTerms,
        account: ProviderAccount,
    ) -> Result<Settled, SettleError> {
        let id = account.provider.provider.clone();
        let lapsed = account.account.lapsed(&self.books.rules.calendar, terms.now);
        let mut statements = Vec::new();
        let (account, failed) = match self.settle_days(terms, account, &mut statements).await {
            Ok(account) => match self.watch_settled(terms, &account).await {
                Ok(watched) => (watched, None),
                Err(error) => (account, Some(error.of(&id))),
            },
            Err(error) => {
                // What is owed already is requested all the same.
                let account = self.request(terms, &id).await.map_err(|error| error.of(&id))?;
                (account, Some(error.of(&id)))
            }
        };
        let ProviderAccount { provider, account } = account;
        let request = account.request(provider.mandate.as_ref(), &self.books.rules);
        let sums = self.sums(terms, &account, request.as_ref().ok().copied(), &statements).await;
        let (request, unsummed) = unzip(request);
        let (sums, undated) = unzip(sums);
        let failed = failed.or_else(|| unsummed.or(undated).map(|error| error.of(&id)));
        Ok(Settled { statements, request, sums, lapsed, failed })
    }

    /// What a provider has and owes, and the age of what it owes. Its statements are read only if
    /// it owes more than those that were just made charge.
    async fn sums(
        &self,
        terms: &RunTerms,
        account: &Account,
        request: Option<Request>,
        made: &[Statement],
    ) -> Result<AccountSums, UnnamedError> {
        let yesterday = self.books.rules.calendar.yesterday(terms.now)?;
        let sums = AccountSums::of(account, request, made, yesterday)?;
        if sums.is_dated() {
            return Ok(sums);
        }
        let (provider, receivable) = (&account.provider, account.figures.receivable());
        match self.books.billing.statements_owed(provider, receivable).await {
            Ok(owed) => Ok(AccountSums::of(account, request, &owed, yesterday)?),
            // The provider is settled. That nobody knows how old its debt is, is no reason to
            // settle it again.
            Err(_) => Ok(sums),
        }
    }

    async fn settle_days(
        &self,
        terms: &RunTerms,
        account: ProviderAccount,
        statements: &mut Vec<Statement>,
    ) -> Result<ProviderAccount, UnnamedError> {
        let usage = self.usage(terms, &account).await?;
        let mut loaded = Loaded { account, usage };
        while let Some(statement) = self.settle_day(terms, &mut loaded).await? {
            loaded.usage.charged(&statement)?;
            statements.push(statement);
        }
        self.close_months(terms, &loaded).await?;
        Ok(loaded.account)
    }

    /// Opens a debit for what a provider owes that cannot be settled, if one is to be opened.
    async fn request(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
    ) -> Result<ProviderAccount, UnnamedError> {
        change(&self.books.billing, REQUEST, move |_| async move {
            let found = self.read(provider).await?;
            let ProviderAccount { provider, account } = &found;
            let rules = &self.books.rules;
            let noted = account.clone().standing_noted(rules.calendar.day_of(terms.now)?);
            let mut writes = self.books.billing.writes(REQUEST);
            let after = match noted.requesting(provider.mandate.as_ref(), rules, terms.now)? {
                Some(movement) => writes.movement(account, &movement)?,
                None if noted == *account => return Ok(Decision::Keep(found)),
                None => writes.account(account, &noted)?,
            };
            Ok::<_, UnnamedError>(Decision::Save(
                writes,
                ProviderAccount { account: after, ..found },
            ))
        })
        .await
    }

    /// Stores the provider's next statement; or when there is none what was found out, and a debit
    /// for what is still owed.
    async fn settle_day(
        &self,
        terms: &RunTerms,
        loaded: &mut Loaded,
    ) -> Result<Option<Statement>, UnnamedError> {
        let known = &*loaded;
        let billing = &self.books.billing;
        let (statement, account, fresh) = change(billing, SETTLE, move |again| async move {
            let fresh = if again { Some(self.load(terms, known).await?) } else { None };
            let decided = self.decide(terms, fresh.as_ref().unwrap_or(known))?;
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

    async fn load(&self, terms: &RunTerms, before: &Loaded) -> Result<Loaded, UnnamedError> {
        let account = self.read(&before.account.provider.provider).await?;
        let usage = self.usage(terms, &account).await?;
        Ok(Loaded { account, usage })
    }

    fn decide(
        &self,
        terms: &RunTerms,
        loaded: &Loaded,
    ) -> Result<Decision<(Option<Statement>, Account)>, UnnamedError> {
        let Loaded { account: ProviderAccount { provider, account }, usage } = loaded;
        let rules = &self.books.rules;
        let today = rules.calendar.day_of(terms.now)?;
        let next = next_settlement(provider, account, usage, &terms.plans, rules, terms.now);
        let mut writes = self.books.billing.writes(SETTLE);
        if let Some(mut next) = next? {
            let noted = next.movement.account.standing_noted(today);
            let noted = noted.coming_noted(provider, &terms.plans, today);
            next.movement.account = self.with_alerts(terms, provider, noted);
            let after = writes.settlement(account, &next)?;
            return Ok(Decision::Save(writes, (Some(next.statement), after)));
        }
        let noted = nothing_due(account, usage, rules, terms.now)?;
        let noted = deposit_noted(noted, provider, &terms.plans, rules, terms.now)?;
        let noted = noted.standing_noted(today).coming_noted(provider, &terms.plans, today);
        let after = match collecting(&noted, provider, rules, terms.now)? {
            Some(movement) => writes.movement(account, &movement)?,
            None if noted == *account => return Ok(Decision::Keep((None, noted))),
            None => writes.account(account, &noted)?,
        };
        Ok(Decision::Save(writes, (None, after)))
    }

    /// Closes months of the provider that are over, so that ingest refuses their usage from now on.
    /// What was counted before is charged by a later run, which reads after it.
    async fn close_months(&self, terms: &RunTerms, loaded: &Loaded) -> Result<(), UnnamedError> {
        let provider = &loaded.account.provider;
        let Some(registration) = loaded.usage.registration else { return Ok(()) };
        let rules = &self.books.rules;
        if let Some(close) = MonthClose::due(provider, registration.closed, rules, terms.now) {
            self.usage.close(&provider.provider, close).await?;
        }
        Ok(())
    }

    async fn usage(
        &self,
        terms: &RunTerms,
        of: &ProviderAccount,
    ) -> Result<UsageRead, UnnamedError> {
        let ProviderAccount { provider, account } = of;
        let through = self.books.rules.calendar.yesterday(terms.now)?;
        let usage = self.usage_of(account, through, terms.now, &[]).await?;
        self.bounded(usage, provider, account, terms)
    }

    /// The usage that was read, with no more names of APIs than a month lists.
    pub(crate) fn bounded(
        &self,
        usage: UsageRead,
        provider: &Provider,
        account: &Account,
        terms: &RunTerms,
    ) -> Result<UsageRead, UnnamedError> {
        let bounded =
            usage.bounded(provider, account, &terms.plans, self.books.rules.names_max, terms.now);
        bounded.map_err(UnnamedError::Rules)
    }

    /// What is new of an account's usage up to a day: the days that are not settled, and the
    /// settled ones of which something changed or is to be corrected, with what was charged of
    /// them.
    pub(crate) async fn usage_of(
        &self,
        account: &Account,
        through: BillingDay,
        now: Timestamp,
        corrections: &[Correction],
    ) -> Result<UsageRead, UnnamedError> {
        let provider = &account.provider;
        let from = account.unsettled_from();
        let NewUsage { mut days, mut changes, registration } =
            self.usage.new_usage(provider, from, through).await?;
        for day in corrections.iter().flat_map(Correction::days) {
            *changes.entry(day).or_default() += 1;
        }
        let closed = registration.and_then(|registration| registration.closed);
        let calendar = &self.books.rules.calendar;
        let Reread { ranges, whole_through } = Reread::of(account, &changes, closed, calendar, now);
        let mut rated = CountedDays::new();
        for (first, last) in ranges {
            // The statements first: if another run charges what is read here, this one is stale.
            rated.extend(self.rated(provider, first, last).await?);
            days.extend(self.usage.days(provider, first, last).await?);
        }
        Ok(UsageRead { days, rated, changes, whole_through, registration, ..UsageRead::default() })
    }

    /// What statements charged of each of some settled days.
    async fn rated(
        &self,
        provider: &ProviderId,
        first: BillingDay,
        last: BillingDay,
    ) -> Result<CountedDays, UnnamedError> {
        let end = last.month().last_day();
        let statements = self.books.billing.statements_between(provider, first, end).await?;
        Ok(charged_between(&statements, first, last)?)
    }

    pub(crate) async fn read(
        &self,
        provider: &ProviderId,
    ) -> Result<ProviderAccount, UnnamedError> {
        self.books.billing.account(provider).await?.ok_or(UnnamedError::Unknown)
    }
}

/// A result as what it is, and why it is not.
fn unzip<T, E: Into<UnnamedError>>(result: Result<T, E>) -> (Option<T>, Option<UnnamedError>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(error.into())),
    }
}

impl Census {
    pub(crate) fn count(&mut self, request: Request) {
        match request {
            Request::Open => self.open_debits += 1,
            Request::GivenUp => self.given_up += 1,
            Request::Impossible => self.impossible += 1,
            Request::NotNeeded | Request::Due => {}
        }
    }
}
