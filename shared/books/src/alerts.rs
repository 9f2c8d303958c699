//! Alerts: what providers set to be watched, and what their usage crosses of the lines. The night
//! watches what it settles; this also watches what is counted since.

use steelyard_billing::{
    Account, AlertFigures, AlertState, CountedDays, Crossing, DayCalls, Provider, ProviderId,
    charged_between, crossings, evaluate,
};
use steelyard_pricing::{AlertRules, BillingDay, Catalog};
use steelyard_store::ProviderAccount;

use crate::change::{Decision, change};
use crate::settle::{RunTerms, SettleError, Settler, UnnamedError};
use crate::{BookError, Books};

const SET: &str = "set what a provider is watched by";
const WATCH: &str = "note what alerts changed";

/// How many days back the calls of the same weekday are looked for.
const DAYS_BACK: usize = 28;

/// What a provider is watched by, and how it stands now.
#[derive(Clone, Debug)]
pub struct WatchedNow {
    /// The provider and its account, with the alerts that stand.
    pub found: ProviderAccount,
    /// The rules that hold: its own, those of its plan, and the default budget.
    pub rules: AlertRules,
    /// Its figures, with the usage that is not settled.
    pub figures: AlertFigures,
}

impl Books {
    /// Sets what a provider is watched by, in place of what it set before. A cap that is lifted, or
    /// raised above what was used when it was noticed, cuts the provider off no more from then on.
    /// What else the rules change, the next evaluation judges.
    ///
    /// # Errors
    ///
    /// [`BookError::Alerts`] when the rules make no sense.
    pub async fn set_alerts(
        &self,
        provider: &ProviderId,
        rules: &AlertRules,
    ) -> Result<ProviderAccount, BookError> {
        change(&self.billing, SET, move |_| self.setting_alerts(provider, rules)).await
    }

    pub(crate) async fn setting_alerts(
        &self,
        provider: &ProviderId,
        rules: &AlertRules,
    ) -> Result<Decision<ProviderAccount>, BookError> {
        rules.checked()?;
        let found = self.account(provider).await?;
        let provider = Provider { alert_rules: rules.clone(), ..found.provider.clone() };
        let alerts = found.account.alerts.under(rules);
        let account = Account { alerts, ..found.account.clone() };
        if provider == found.provider && account == found.account {
            return Ok(Decision::Keep(found));
        }
        let mut writes = self.billing.writes(SET);
        let account = writes.account(&found.account, &account)?;
        writes.provider(&found.provider, &provider)?;
        Ok(Decision::Save(writes, ProviderAccount { provider, account }))
    }
}

impl Settler {
    /// Evaluates the alerts of a provider by what is counted now, and stores what changed. Gives
    /// the crossings, each one message. One whose rules need no usage costs one read; one whose
    /// alerts do not change is not written.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause. Nothing changed, and the night evaluates
    /// again.
    pub async fn watch(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
    ) -> Result<Vec<Crossing>, SettleError> {
        let watched = change(&self.books.billing, WATCH, move |_| async move {
            let found = self.read(provider).await?;
            let today = self.books.rules.calendar.day_of(terms.now)?;
            let rules = found.provider.alert_rules_on(today, terms.plans());
            if !found.account.needs_usage(&rules, today.month()) {
                return Ok(Decision::Keep(Vec::new()));
            }
            let figures = self.live_figures(terms, &found, &rules, today).await?;
            let alerts = evaluate(&rules, &figures, &found.account.alerts, terms.now);
            Ok::<_, UnnamedError>(self.noting(&found.account, alerts)?.map(|(_, news)| news))
        });
        watched.await.map_err(|error| error.of(provider))
    }

    /// What a provider is watched by, and its figures now; its account was read already. Nothing is
    /// stored.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause.
    pub async fn watched_now(
        &self,
        terms: &RunTerms,
        found: ProviderAccount,
    ) -> Result<WatchedNow, SettleError> {
        let read = async {
            let today = self.books.rules.calendar.day_of(terms.now)?;
            let rules = found.provider.alert_rules_on(today, terms.plans());
            let figures = self.live_figures(terms, &found, &rules, today).await?;
            Ok((rules, figures))
        };
        match read.await {
            Ok((rules, figures)) => Ok(WatchedNow { found, rules, figures }),
            Err(error) => Err(UnnamedError::of(error, &found.provider.provider)),
        }
    }

    /// An account with the alerts of what it has settled. One that cannot be evaluated stays as it
    /// is: the same evaluation follows once the provider is settled, and names the cause there.
    pub(crate) fn with_alerts(
        &self,
        terms: &RunTerms,
        provider: &Provider,
        account: Account,
    ) -> Account {
        let through = account.settled_through.map(|through| (through, None));
        let watched =
            through.map(|through| account.watched(provider, terms.plans(), through, terms.now));
        match watched {
            Some(Ok(watched)) => watched,
            Some(Err(_)) | None => account,
        }
    }

    /// Evaluates the alerts of a provider of which everything up to yesterday is settled. What its
    /// statements changed is stored with them, so that this mostly finds nothing to write.
    pub(crate) async fn watch_settled(
        &self,
        terms: &RunTerms,
        settled: &ProviderAccount,
    ) -> Result<ProviderAccount, UnnamedError> {
        change(&self.books.billing, WATCH, move |again| async move {
            let found = match again {
                true => self.read(&settled.provider.provider).await?,
                false => settled.clone(),
            };
            let ProviderAccount { provider, account } = &found;
            let yesterday = self.books.rules.calendar.yesterday(terms.now)?;
            let through = account.settled_through.map_or(yesterday, |day| day.max(yesterday));
            if through.month() < provider.billed_from {
                return Ok(Decision::Keep(found));
            }
            let day = self.day_calls(terms.plans(), provider, through).await?;
            let watched = account.watched(provider, terms.plans(), (through, day), terms.now)?;
            let noting = self.noting(account, watched.alerts)?;
            Ok::<_, UnnamedError>(noting.map(|(account, _)| ProviderAccount { account, ..found }))
        })
        .await
    }

    /// What is written of alerts that changed.
    fn noting(
        &self,
        account: &Account,
        alerts: AlertState,
    ) -> Result<Decision<(Account, Vec<Crossing>)>, UnnamedError> {
        if alerts == account.alerts {
            return Ok(Decision::Keep((account.clone(), Vec::new())));
        }
        let news = crossings(&account.alerts, &alerts);
        let mut writes = self.books.billing.writes(WATCH);
        let account = writes.account(account, &Account { alerts, ..account.clone() })?;
        Ok(Decision::Save(writes, (account, news)))
    }

    /// The figures of a provider with the usage that is not settled.
    async fn live_figures(
        &self,
        terms: &RunTerms,
        found: &ProviderAccount,
        rules: &AlertRules,
        today: BillingDay,
    ) -> Result<AlertFigures, UnnamedError> {
        let usage = self.to_preview(terms, found, &[]).await?;
        let (after, coming) = self.coming(terms, found, usage)?;
        let by = (terms.plans(), rules);
        let figures = AlertFigures::live(&found.provider, &after, by, today)?;
        let day = match rules.unusual_day_percent {
            Some(_) => {
                let of_today = charged_between(&coming, today, today)?;
                let usage = of_today.get(&today).cloned().unwrap_or_default();
                let before = self.days_before(&found.provider.provider, today).await?;
                DayCalls::of(today, &usage, &before)?
            }
            None => None,
        };
        Ok(AlertFigures { day, ..figures })
    }

    /// The calls of a settled day, beside those of the same weekday, where rules compare them.
    async fn day_calls(
        &self,
        plans: &Catalog,
        provider: &Provider,
        day: BillingDay,
    ) -> Result<Option<DayCalls>, UnnamedError> {
        if provider.alert_rules_on(day, plans).unusual_day_percent.is_none() {
            return Ok(None);
        }
        let days = self.days_before(&provider.provider, day.next()).await?;
        let usage = days.get(&day).cloned().unwrap_or_default();
        Ok(DayCalls::of(day, &usage, &days)?)
    }

    /// What was charged of each day of the four weeks before a day, and of the day before them;
    /// from the first of them that has a statement on.
    async fn days_before(
        &self,
        provider: &ProviderId,
        day: BillingDay,
    ) -> Result<CountedDays, UnnamedError> {
        let earlier = std::iter::successors(Some(day), |day| Some(day.previous()));
        let from = earlier.take(DAYS_BACK + 2).last().unwrap_or(day);
        let last = day.previous();
        let statements = self.books.billing.statements_between(provider, from, last).await?;
        let first = statements.iter().map(|statement| statement.statement.day).min();
        first.map_or(Ok(CountedDays::new()), |first| Ok(charged_between(&statements, first, last)?))
    }
}
