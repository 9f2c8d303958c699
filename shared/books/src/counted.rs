//! What was counted on some days, rated anew by any terms.

use std::collections::{BTreeMap, BTreeSet};

use steelyard_billing::{Account, CountedDays, MonthTerms, Provider, SettlementError};
use steelyard_pricing::{
    BillingDay, Catalog, ChargeError, Fen, Metered, MonthsBefore, Plan, Quote, QuoteError, Terms,
    Usage, UsageError,
};
use steelyard_store::{ProviderAccount, StoreError, UsageTable};

/// Billing days whose usage is rated, the last one included.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// The first one.
    pub from: BillingDay,
    /// The last one.
    pub to: BillingDay,
}

/// A provider with the usage of some days.
#[derive(Debug)]
pub struct Counted {
    /// The registration: plans and overrides.
    pub provider: Provider,
    account: Account,
    days: CountedDays,
}

impl Days {
    /// The usage of a provider. Each month ends with its last day here, used or not, so that its
    /// minimum and its fees are due, if the provider is billed then.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table can't be read.
    pub async fn counted(
        self,
        usage: &UsageTable,
        plans: &Catalog,
        found: ProviderAccount,
    ) -> Result<Counted, StoreError> {
        let ProviderAccount { provider, account } = found;
        let days = usage.days(&provider.provider, self.from, self.to).await?;
        let days = days.into_iter().map(|(day, count)| (day, count.usage));
        let mut days = days.collect::<CountedDays>();
        for day in self.month_ends() {
            if provider.terms_on(day, plans).is_some() {
                days.entry(day).or_default();
            }
        }
        Ok(Counted { provider, account, days })
    }

    fn month_ends(self) -> impl Iterator<Item = BillingDay> {
        let months = std::iter::successors(Some(self.from.month()), |month| Some(month.next()));
        let months = months.take_while(move |month| *month <= self.to.month());
        months.map(move |month| month.last_day().min(self.to))
    }
}

impl Counted {
    /// Whether the provider used nothing and is not billed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// How many calls it made, under whatever rate.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past what can be counted.
    pub fn calls(&self) -> Result<u64, UsageError> {
        let mut all = self.days.values().flat_map(Usage::iter).map(|(_, metered)| metered);
        Ok(all.try_fold(Metered::ZERO, Metered::plus)?.calls.get())
    }

    /// The terms by which the months of the usage are billed with some plans. A settled day keeps
    /// its own.
    ///
    /// # Errors
    ///
    /// [`SettlementError`] when a settled day's terms are no longer stored.
    pub fn billed<'a>(
        &'a self,
        plans: &'a Catalog,
    ) -> Result<impl Fn(BillingDay) -> Option<Terms<'a>> + 'a, SettlementError> {
        let months = self.days.keys().map(|day| day.month()).collect::<BTreeSet<_>>();
        let terms = months
            .into_iter()
            .map(|month| Ok((month, MonthTerms::of(&self.provider, &self.account, month, plans)?)));
        let terms = terms.collect::<Result<BTreeMap<_, _>, SettlementError>>()?;
        Ok(move |day: BillingDay| terms.get(&day.month())?.on(day))
    }

    /// The cost of the usage under some terms, rounded as a bill is.
    ///
    /// # Errors
    ///
    /// [`QuoteError`] when it cannot be rated by them.
    pub fn cost<'a>(
        &self,
        terms_on: impl FnMut(BillingDay) -> Option<Terms<'a>>,
    ) -> Result<Fen, QuoteError> {
        let quote = match self.before()? {
            Some(before) => Quote::of_days_after(&self.days, before, terms_on)?,
            None => Quote::of_days(&self.days, terms_on)?,
        };
        Ok(quote.rounded)
    }

    /// The vouchers that earlier months used. For a closed month they are not known: its vouchers
    /// are rated as if they were unused.
    fn before(&self) -> Result<Option<MonthsBefore>, QuoteError> {
        let first = self.days.keys().next().filter(|day| day.month() >= self.account.open_from);
        let Some(day) = first else { return Ok(None) };
        let used = self.account.vouchers_used_before(day.month()).map_err(ChargeError::from)?;
        let first_day = day.month().first_day();
        let begun = self.provider.plans.iter().filter(|assigned| assigned.from <= first_day);
        let plan = begun.max_by_key(|assigned| assigned.from).map(|assigned| {
            let since = self.provider.months_before(first_day, &used).plan_since;
            (assigned.plan.clone(), since)
        });
        Ok(Some(MonthsBefore { first: self.provider.billed_from, used, plan }))
    }

    /// What the usage costs by the provider's terms, and with a version of a plan in place of its
    /// plan on every day: of the plan of that name, or of every plan if no plan has the name.
    ///
    /// # Errors
    ///
    /// [`QuoteError`] when it cannot be rated.
    pub fn costs_under(&self, plans: &Catalog, draft: &Plan) -> Result<(Fen, Fen), QuoteError> {
        let is_new = !plans.has(draft.name());
        let drafted = |day: BillingDay| {
            let terms = self.provider.terms_on(day, plans);
            let replaced = terms.as_ref().is_some_and(|terms| terms.plan.name() == draft.name());
            if !is_new && !replaced {
                return terms;
            }
            let overrides = terms.map(|terms| terms.overrides).unwrap_or_default();
            Some(Terms { plan: draft, overrides })
        };
        Ok((self.cost(|day| self.provider.terms_on(day, plans))?, self.cost(drafted)?))
    }
}
