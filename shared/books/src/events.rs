//! Which events a change of the books is.

use jiff::Timestamp;
use steelyard_billing::event::{Change, Collecting, Event, PriceEffect, Subject};
use steelyard_billing::{Account, ComingVersion};
use steelyard_pricing::{Catalog, MoneyError};

use crate::counted::{Counted, Days};
use crate::{BookError, Settler};

impl Settler {
    /// The events that a change is. More than the change is read only of an opened debit (the
    /// account), of usage that no rate covers (the statement with its APIs), of what was refused
    /// (the note), and of prices that are announced (last month's usage).
    ///
    /// # Errors
    ///
    /// [`BookError::Event`] when the content cannot be computed, [`BookError::Store`] when a table
    /// fails. The change is still to be published then.
    pub async fn events_of(
        &self,
        change: &Change,
        now: Timestamp,
    ) -> Result<Vec<Event>, BookError> {
        let books = &self.books;
        if let Some(debit) = change.opened() {
            let found = books.account(&debit.provider).await?;
            let mandate = found.provider.mandate.as_ref();
            let collecting = Collecting { account: &found.account, mandate, rules: &books.rules };
            return Ok(vec![collecting.scheduled(debit)?]);
        }
        if let Change::Statement(bare) = change
            && !bare.unpriced.is_empty()
            && let Some(whole) = books.billing.statement(&bare.provider, bare.statement).await?
        {
            return Ok(Change::Statement(Box::new(whole)).events(now)?);
        }
        if let Change::Refused(key) = change {
            let refused = self.usage.refused_report(key).await?;
            return Ok(refused.iter().map(Event::usage_refused).collect());
        }
        let mut events = change.events(now)?;
        let announced = change.announced();
        if let Some(account) = change.account().filter(|_| !announced.is_empty()) {
            events.extend(self.announced(account, announced, now).await?);
        }
        Ok(events)
    }

    /// That coming versions of its plan will hold for a provider, with what each would have changed
    /// last month.
    async fn announced(
        &self,
        account: &Account,
        versions: Vec<&ComingVersion>,
        now: Timestamp,
    ) -> Result<Vec<Event>, BookError> {
        let books = &self.books;
        let plans = books.billing.plans().await?.catalog;
        let found = books.account(&account.provider).await?;
        let first = books.rules.calendar.day_of(now)?.month().first_day();
        let month = first.previous().month();
        let days = Days { from: month.first_day(), to: month.last_day() };
        let counted = days.counted(&self.usage, &plans, found).await?;
        let event = |version: &ComingVersion| {
            let effect = counted.effect(days, &plans, version)?;
            let subject = Subject::Provider(account.provider.clone());
            Ok(Event::price_announced(subject, version, effect, now))
        };
        versions.into_iter().map(event).collect()
    }
}

impl Counted {
    /// The effect that a version would have had; none if it is no longer stored, or the usage
    /// cannot be rated by it.
    fn effect(
        &self,
        days: Days,
        plans: &Catalog,
        version: &ComingVersion,
    ) -> Result<Option<PriceEffect>, MoneyError> {
        let plan = plans.iter().find(|plan| ComingVersion::of(plan) == *version);
        let Some(plan) = plan.filter(|_| !self.is_empty()) else { return Ok(None) };
        let Ok((now_fen, then_fen)) = self.costs_under(plans, plan) else { return Ok(None) };
        let change_fen = then_fen.minus(now_fen)?;
        Ok(Some(PriceEffect { month: days.from.month(), now_fen, then_fen, change_fen }))
    }
}
