//! Tallies: what was metered in a segment, by rate.

use std::collections::{BTreeMap, BTreeSet};

use crate::{BillingDay, Metered, Name, Plan, Rate, SegmentToDate, Usage, UsageError};

/// The metered usage of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// By the plan's rates, in their order.
    pub(crate) rates: Vec<RateTally>,
    /// The usage that no rate covers: it is listed and charges nothing.
    pub(crate) unpriced: Metered,
}

/// The metered usage of one rate.
#[derive(Clone, Debug)]
pub(crate) struct RateTally {
    pub(crate) total: Metered,
    /// Whether units are free by the day, so that days count.
    pub(crate) by_day: bool,
    /// The days, where they count.
    pub(crate) days: BTreeMap<BillingDay, Metered>,
}

/// The usage that was added to a tally, or taken from it.
#[derive(Debug)]
pub(crate) struct News {
    /// By the plan's rates, in their order, and by API.
    pub(crate) by_rate: Vec<Usage>,
    /// What no rate covers, by API.
    pub(crate) unpriced: Usage,
    /// The days whose usage was added or taken.
    pub(crate) days: BTreeSet<BillingDay>,
}

impl Tally {
    /// A tally of no usage.
    fn new(plan: &Plan) -> Tally {
        let plan_by_day = !plan.document().free_per_day.is_zero();
        let by_day = |rate: &Rate| plan_by_day || !rate.free_per_day.is_zero();
        let rate = |rate: &Rate| RateTally {
            total: Metered::ZERO,
            by_day: by_day(rate),
            days: BTreeMap::new(),
        };
        Tally { rates: plan.rates().iter().map(rate).collect(), unpriced: Metered::ZERO }
    }

    /// The tally of a segment from the figures of its last rating.
    pub(crate) fn to_date(plan: &Plan, to_date: &SegmentToDate) -> Result<Tally, UsageError> {
        let mut tally = Tally::new(plan);
        tally.unpriced = to_date.unpriced;
        for (rate, tally) in plan.rates().iter().zip(&mut tally.rates) {
            let rated = to_date.rates.get(&rate.rate).copied().unwrap_or_default();
            tally.total = rated.metered;
            tally.days = to_date.days.get(&rate.rate).cloned().unwrap_or_default();
        }
        Ok(tally)
    }

    /// The tally of several days, whose parts that count by the day are given by rate.
    pub(crate) fn of_totals(
        plan: &Plan,
        total: &Usage,
        days: &BTreeMap<Name, BTreeMap<BillingDay, Metered>>,
    ) -> Result<Tally, UsageError> {
        let mut tally = Tally::new(plan);
        for (api, metered) in total.iter() {
            let sum = match plan.rate_index(api).and_then(|rate| tally.rates.get_mut(rate)) {
                Some(rate) => &mut rate.total,
                None => &mut tally.unpriced,
            };
            *sum = sum.plus(metered)?;
        }
        for (rate, tally) in plan.rates().iter().zip(&mut tally.rates) {
            tally.days = days.get(&rate.rate).cloned().unwrap_or_default();
        }
        Ok(tally)
    }

    /// Adds usage of a day.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`](crate::Calls::MAX) or
    /// [`Amount::MAX`](crate::Amount::MAX).
    pub(crate) fn add(
        &mut self,
        plan: &Plan,
        day: BillingDay,
        usage: &Usage,
        news: &mut News,
    ) -> Result<(), UsageError> {
        self.change(plan, day, usage, news, Metered::plus)
    }

    /// Takes usage of a day away.
    ///
    /// # Errors
    ///
    /// [`UsageError::Below`] when there is less.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        day: BillingDay,
        usage: &Usage,
        news: &mut News,
    ) -> Result<(), UsageError> {
        self.change(plan, day, usage, news, Metered::minus)
    }

    fn change(
        &mut self,
        plan: &Plan,
        day: BillingDay,
        usage: &Usage,
        news: &mut News,
        changed: fn(Metered, Metered) -> Result<Metered, UsageError>,
    ) -> Result<(), UsageError> {
        for (api, metered) in usage.iter() {
            let place = plan.rate_index(api);
            let rate = place.and_then(|place| self.rates.get_mut(place));
            let apis = place.and_then(|place| news.by_rate.get_mut(place));
            let (Some(rate), Some(apis)) = (rate, apis) else {
                self.unpriced = changed(self.unpriced, metered)?;
                news.unpriced.add(api.clone(), metered)?;
                continue;
            };
            rate.total = changed(rate.total, metered)?;
            if rate.by_day {
                let of_day = rate.days.entry(day).or_default();
                *of_day = changed(*of_day, metered)?;
            }
            apis.add(api.clone(), metered)?;
            news.days.insert(day);
        }
        Ok(())
    }
}

impl Tally {
    /// Counts what was metered in another segment by the same rates.
    pub(crate) fn absorb(&mut self, other: &Tally) -> Result<(), UsageError> {
        self.unpriced = self.unpriced.plus(other.unpriced)?;
        for (rate, other) in self.rates.iter_mut().zip(&other.rates) {
            rate.total = rate.total.plus(other.total)?;
            rate.days.extend(&other.days);
        }
        Ok(())
    }
}

impl News {
    /// Empty sums, one for each rate of the plan.
    pub(crate) fn of(plan: &Plan) -> News {
        let by_rate = vec![Usage::new(); plan.rates().len()];
        News { by_rate, unpriced: Usage::new(), days: BTreeSet::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unpriced.is_empty() && self.by_rate.iter().all(Usage::is_empty)
    }
}
