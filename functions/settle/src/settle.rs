//! Settling providers: every unsettled day up to yesterday, each statement in one transaction.

use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;
use steelyard_billing::{
    CalendarError, DebitTerms, ProviderId, SettlementError, Statement, next_settlement,
};
use steelyard_pricing::Catalog;
use steelyard_runtime::Clock;
use steelyard_store::{BillingTable, CommitError, ProviderAccount, StoreError, UsageTable};
use thiserror::Error;

/// Settles providers.
#[derive(Clone, Debug)]
pub struct Settler {
    usage: UsageTable,
    billing: BillingTable,
    terms: DebitTerms,
    clock: Clock,
}

/// A settlement run: the plans as they are when it begins, and its time.
///
/// The time is taken before anything is read, so that what is read is not older.
#[derive(Clone, Debug)]
pub struct Run {
    plans: Arc<Catalog>,
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
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
    /// The plans or the providers cannot be read.
    #[error("cannot begin")]
    Begin(#[source] StoreError),
    /// Others kept writing the account.
    #[error("the account of {0} keeps changing")]
    Contended(ProviderId),
    /// Nobody registered the provider.
    #[error("provider `{0}` is not registered")]
    Unknown(ProviderId),
}

/// How often an account that changed under a settlement is read again.
const TRIES: usize = 10;

/// How many providers are settled at the same time.
const AT_ONCE: usize = 16;

impl Settler {
    /// A settler over those tables.
    #[must_use]
    pub fn new(
        usage: UsageTable,
        billing: BillingTable,
        terms: DebitTerms,
        clock: Clock,
    ) -> Settler {
        Settler { usage, billing, terms, clock }
    }

    /// Begins a run.
    ///
    /// # Errors
    ///
    /// [`SettleError::Begin`] when the plans cannot be read.
    pub async fn begin(&self) -> Result<Run, SettleError> {
        let now = self.clock.now();
        let plans = self.billing.plans().await.map_err(SettleError::Begin)?;
        Ok(Run { plans: Arc::new(plans), now })
    }

    /// Settles some providers of a registry shard, at most `limit`, after one of them; tells the
    /// one to go on after. A provider that fails does not stop the others.
    ///
    /// # Errors
    ///
    /// [`SettleError::Begin`] when the providers cannot be listed.
    pub async fn page(
        &self,
        run: &Run,
        shard: u8,
        after: Option<&ProviderId>,
        limit: u16,
    ) -> Result<Page, SettleError> {
        let page = self.billing.customers(shard, after, limit).await.map_err(SettleError::Begin)?;
        let settling = page
            .customers
            .into_iter()
            .map(|customer| async {
                let provider = customer.provider.provider.clone();
                (provider, self.settle(run, customer).await)
            })
            .collect::<Vec<_>>();
        let settled =
            futures::stream::iter(settling).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        let mut done = Page { next: page.next, ..Page::default() };
        for (provider, result) in settled {
            match result {
                Ok(statements) => done.statements += statements.len(),
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
        run: &Run,
        provider: &ProviderId,
    ) -> Result<Vec<Statement>, SettleError> {
        let customer = self.read(provider).await?;
        self.settle(run, customer).await
    }

    async fn settle(
        &self,
        run: &Run,
        mut customer: ProviderAccount,
    ) -> Result<Vec<Statement>, SettleError> {
        let id = customer.provider.provider.clone();
        let store = |source| SettleError::Store { provider: id.clone(), source };
        let through = self.terms.calendar.yesterday(run.now)?;
        let mut statements = Vec::new();
        for _ in 0..TRIES {
            let from = customer.account.open_from.first_day();
            if from > through {
                return Ok(statements);
            }
            let counted = self.usage.counted(&id, from, through).await.map_err(store)?;
            loop {
                let next = next_settlement(
                    &customer.provider,
                    &customer.account,
                    &counted,
                    &run.plans,
                    &self.terms,
                    run.now,
                )
                .map_err(|source| SettleError::Rules { provider: id.clone(), source })?;
                let Some(next) = next else { return Ok(statements) };
                match self.billing.commit_settlement(&customer.account, &next).await {
                    Ok(account) => customer.account = account,
                    Err(CommitError::Stale) => break,
                    Err(CommitError::Store(source)) => return Err(store(source)),
                }
                log(&next.statement);
                statements.push(next.statement);
            }
            customer = self.read(&id).await?;
        }
        Err(SettleError::Contended(id))
    }

    async fn read(&self, provider: &ProviderId) -> Result<ProviderAccount, SettleError> {
        self.billing
            .customer(provider)
            .await
            .map_err(|source| SettleError::Store { provider: provider.clone(), source })?
            .ok_or_else(|| SettleError::Unknown(provider.clone()))
    }
}

/// What became of some providers.
#[derive(Debug, Default)]
pub struct Page {
    /// How many statements were made.
    pub statements: usize,
    /// The providers that could not be settled, and why.
    pub failed: Vec<(ProviderId, SettleError)>,
    /// The provider to go on after; none when the shard is done.
    pub next: Option<ProviderId>,
}

fn log(statement: &Statement) {
    tracing::info!(
        provider.id = %statement.provider,
        statement = %statement.statement,
        amount_fen = statement.charge_fen.get(),
        late_days = statement.late_days.len(),
        unpriced_apis = statement.unpriced.len(),
        "settled"
    );
    for unpriced in &statement.unpriced {
        // The template makes a metric of `unpriced_calls`.
        tracing::warn!(
            provider.id = %statement.provider,
            api = %unpriced.count.api,
            unpriced_calls = unpriced.count.gained().calls.get(),
            "no rate covers these calls"
        );
    }
}
