//! Progress: where a segment of a month stands, and what more usage of one rate would cost.

use crate::on_top::tallies_of;
use crate::part::price_of;
use crate::rating::Due;
use crate::run::{Counted, rate_all};
use crate::tally::{RateTally, Tally};
use crate::{
    AllowanceUsed, BillingDay, ChargeError, Metered, MonthToDate, Name, Rated, Segment, UsageError,
    Yuan,
};

/// A segment of a month with what was metered in it, and in the segments before it, so far.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    segments: Vec<&'a Segment<'a>>,
    tallies: Vec<Tally>,
    /// The place of the segment among them.
    at: usize,
}

impl<'a> Progress<'a> {
    /// Where the segment of a month that holds a day stands in a month to date; none if none does.
    ///
    /// # Errors
    ///
    /// [`ChargeError`] when what was stored cannot be counted.
    pub fn on(
        day: BillingDay,
        segments: &'a [Segment<'a>],
        month: &MonthToDate,
    ) -> Result<Option<Progress<'a>>, ChargeError> {
        let Some(at) = segments.iter().position(|segment| segment.holds(day)) else {
            return Ok(None);
        };
        // Segments that have not begun are not rated yet, except the one of the day.
        let has_begun = |segment: &Segment<'_>| month.segments.contains_key(&segment.from());
        let last = segments.iter().rposition(has_begun).map_or(at, |last| last.max(at));
        let (segments, tallies) = tallies_of(segments.get(..=last).unwrap_or_default(), month)?;
        Ok(Some(Progress { segments, tallies, at }))
    }

    /// The segment that holds the day.
    #[must_use]
    pub fn segment(&self) -> Option<&'a Segment<'a>> {
        self.segments.get(self.at).copied()
    }

    /// The amount of each rate so far, in the plan's order: without minimums, since the month is
    /// not over, and with what is charged at its end.
    ///
    /// # Errors
    ///
    /// [`ChargeError`] when an amount leaves the range of exact arithmetic.
    pub fn rated(&self) -> Result<Vec<Rated>, ChargeError> {
        let mut ratings = rate_all(&self.counted(), Due::Deferred)?.into_iter();
        Ok(ratings.nth(self.at).map(|rating| rating.rates).unwrap_or_default())
    }

    /// What more usage of a rate on a day adds to the price of the month: allowances, tiers,
    /// discounts and the maxima of the rate and of the plan count.
    ///
    /// # Errors
    ///
    /// [`ChargeError`] when a count or an amount leaves its range.
    pub fn price_of_next(
        &self,
        rate: &Name,
        day: BillingDay,
        more: Metered,
    ) -> Result<Yuan, ChargeError> {
        self.added(rate, |tally| {
            tally.total = tally.total.plus(more)?;
            if tally.by_day {
                let of_day = tally.days.entry(day).or_default();
                *of_day = of_day.plus(more)?;
            }
            Ok(())
        })
    }

    /// What days from one on add to the price of the month if every rate of the segment is used on
    /// each of them as on an average one of the `of` days of the segment so far. Tax that is added
    /// is not in it.
    ///
    /// # Errors
    ///
    /// [`ChargeError`] when an amount leaves its range.
    pub fn price_of_days(&self, from: BillingDay, days: u32, of: u32) -> Result<Yuan, ChargeError> {
        let mut more = self.clone();
        let tallies = more.tallies.get_mut(self.at).map(|tally| &mut tally.rates);
        for tally in tallies.into_iter().flatten() {
            let on_a_day = tally.total.going_on(1, of);
            tally.total = tally.total.going_on(of.saturating_add(days), of);
            let ahead = std::iter::successors(Some(from), |day| Some(day.next()));
            let by_day = usize::try_from(days).unwrap_or_default();
            for day in ahead.take(if tally.by_day { by_day } else { 0 }) {
                tally.days.insert(day, on_a_day);
            }
        }
        Ok(more.price()?.minus(self.price()?)?)
    }

    /// What was used of each allowance of the segment, and of the segments that it goes on from.
    #[must_use]
    pub fn allowances(&self, month: &MonthToDate) -> Vec<AllowanceUsed> {
        let of = |segment: &'a Segment<'a>| {
            segment.allowances().map(move |(rate, free)| AllowanceUsed {
                rate: rate.cloned(),
                unit: segment.plan().document().unit_of(rate),
                free,
                used: month.free_used(segment, rate),
            })
        };
        self.segment().into_iter().flat_map(of).collect()
    }

    /// What more usage of a rate would cost after so much of it was metered, all of it in the
    /// segment. Nothing for a rate of which units are free by the day, since its price depends on
    /// the days.
    ///
    /// # Errors
    ///
    /// [`ChargeError`] when a count or an amount leaves its range.
    pub fn price_after(
        &self,
        rate: &Name,
        metered: Metered,
        more: Metered,
    ) -> Result<Yuan, ChargeError> {
        let mut earlier = self.clone();
        for (at, (segment, tally)) in self.segments.iter().zip(&mut earlier.tallies).enumerate() {
            if let Some(tally) = tally_of(segment, tally, rate) {
                tally.total = if at == self.at { metered } else { Metered::ZERO };
            }
        }
        earlier.added(rate, |tally| {
            tally.total = tally.total.plus(more)?;
            Ok(())
        })
    }

    fn added(
        &self,
        rate: &Name,
        add: impl FnOnce(&mut RateTally) -> Result<(), UsageError>,
    ) -> Result<Yuan, ChargeError> {
        let mut more = self.clone();
        let part = self.segments.get(self.at).zip(more.tallies.get_mut(self.at));
        if let Some(tally) = part.and_then(|(segment, tally)| tally_of(segment, tally, rate)) {
            add(tally)?;
        }
        Ok(more.price()?.minus(self.price()?)?)
    }

    fn price(&self) -> Result<Yuan, ChargeError> {
        price_of(&self.counted(), Due::Deferred)
    }

    fn counted(&self) -> Vec<Counted<'_>> {
        let parts = self.segments.iter().zip(&self.tallies);
        parts.map(|(segment, tally)| Counted { segment, tally }).collect()
    }
}

fn tally_of<'t>(
    segment: &Segment<'_>,
    tally: &'t mut Tally,
    rate: &Name,
) -> Option<&'t mut RateTally> {
    let place = segment.plan().rates().iter().position(|of| of.rate == *rate)?;
    tally.rates.get_mut(place)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{AllowanceUnit, MonthUsage, Plan, Terms, Usage, charge};

    const PLAN: &str = r#"{
      "plan": "tiers", "effective_from": "2015-01-01", "free_per_month": 1000,
      "rates": [{"rate": "basic", "apis": ["*"], "free_per_month": 5000,
        "discounts": [
          {"discount": "spring", "percent": "20", "from": "2015-03-01", "until": "2015-07-01"},
          {"discount": "summer", "percent": "50", "from": "2015-07-01"}],
        "price": {"model": "graduated", "tiers": [
          {"up_to": 10000, "unit_price": "0.01"}, {"unit_price": "0.005"}]}}]}"#;

    /// What the next and the last 1,000 calls cost after so many in May 2015.
    fn prices(calls: u64) -> (String, String) {
        let plan = Plan::read(PLAN).unwrap();
        let (first, last) = ("2015-05-01".parse().unwrap(), "2015-06-01".parse().unwrap());
        let segment = Segment::new(first, last, &Terms::of(&plan)).unwrap();
        let usage = Usage::from_iter([("a.x".parse().unwrap(), Metered::calls(calls))]);
        let usage = MonthUsage { own: vec![(first, &usage)], ..MonthUsage::default() };
        let segments = [segment];
        let month = charge(&segments, &MonthToDate::default(), &usage).unwrap().month;
        let progress = Progress::on(first, &segments, &month).unwrap().unwrap();
        let (rate, more) = ("basic".parse().unwrap(), Metered::calls(1_000));
        let next = progress.price_of_next(&rate, first, more).unwrap();
        let before = Metered::calls(calls.saturating_sub(1_000));
        let last = progress.price_after(&rate, before, more).unwrap();
        (next.to_string(), last.to_string())
    }

    #[test]
    fn calls_cost_what_allowances_tiers_and_discounts_leave() {
        for (calls, next, last) in [
            (0, "0", "0"),
            (5_000, "0", "0"),
            (5_500, "4", "0"),
            (6_000, "8", "0"),
            (15_500, "6", "8"),
            (16_000, "4", "8"),
            (20_000, "4", "4"),
        ] {
            assert_eq!(prices(calls), (next.to_owned(), last.to_owned()), "{calls}");
        }
    }

    /// What so many more days add to a month of `plan` that had so many calls on each of its first
    /// days.
    fn of_days(plan: &str, calls: u64, first_days: u32, more: u32) -> String {
        let plan = Plan::read(plan).unwrap();
        let (first, last) = ("2015-05-01".parse().unwrap(), "2015-06-01".parse().unwrap());
        let segments = [Segment::new(first, last, &Terms::of(&plan)).unwrap()];
        let usage = Usage::from_iter([("a.x".parse().unwrap(), Metered::calls(calls))]);
        let days = std::iter::successors(Some(first), |day: &BillingDay| Some(day.next()));
        let days = days.take(first_days.try_into().unwrap()).collect::<Vec<_>>();
        let own = days.iter().map(|day| (*day, &usage)).collect();
        let usage = MonthUsage { own, ..MonthUsage::default() };
        let month = charge(&segments, &MonthToDate::default(), &usage).unwrap().month;
        let progress = Progress::on(first, &segments, &month).unwrap().unwrap();
        let next = days.last().unwrap().next();
        progress.price_of_days(next, more, first_days).unwrap().to_string()
    }

    #[test]
    fn days_ahead_go_on_as_those_before_with_their_allowances_and_tiers() {
        let daily = r#"{"plan": "daily", "effective_from": "2015-01-01", "rates": [
            {"rate": "basic", "apis": ["*"], "free_per_day": 100,
             "price": {"model": "per_unit", "unit_price": "0.01"}}]}"#;
        for (plan, calls, first_days, more, price) in [
            // 5,000 calls are free by the rate and 1,000 by the plan; 20 % are taken off until
            // July.
            (PLAN, 1_100, 5, 5, "40"),
            (PLAN, 1_100, 5, 0, "0"),
            (PLAN, 100, 10, 21, "0"),
            (PLAN, 1_600, 10, 10, "64"),
            (daily, 150, 2, 3, "1.5"),
            (daily, 100, 2, 3, "0"),
        ] {
            assert_eq!(of_days(plan, calls, first_days, more), price, "{calls} in {first_days}");
        }
    }

    #[test]
    fn a_plan_as_it_is_on_a_day_prices_any_day() {
        let plan = Plan::read(PLAN).unwrap();
        let discounts = |day: &str| {
            let held = Terms::of(&plan).as_on(day.parse().unwrap()).unwrap();
            let of = held.rates().iter().flat_map(|rate| rate.discounts.clone());
            of.map(|discount| (discount.discount.to_string(), discount.from, discount.until))
                .collect::<Vec<_>>()
        };
        assert_eq!(discounts("2015-02-28"), []);
        assert_eq!(discounts("2015-06-30"), [("spring".to_owned(), None, None)]);
        assert_eq!(discounts("2015-07-01"), [("summer".to_owned(), None, None)]);
    }

    #[test]
    fn a_part_of_a_month_has_its_part_of_the_allowances() {
        let plan = Plan::read(PLAN).unwrap();
        let (from, until) = ("2015-04-01".parse().unwrap(), "2015-04-16".parse().unwrap());
        let segment = Segment::new(from, until, &Terms::of(&plan)).unwrap();
        let allowances = segment.allowances().map(|(rate, free)| {
            (rate.map(ToString::to_string).unwrap_or_default(), free.to_string())
        });
        let allowances = allowances.collect::<BTreeMap<_, _>>();
        let wanted = [("", "500"), ("basic", "2500")];
        assert_eq!(allowances, wanted.map(|(rate, free)| (rate.into(), free.into())).into());
    }

    #[test]
    fn an_allowance_is_of_calls_of_yuan_or_of_what_they_become() {
        let price = r#"{"model": "per_unit", "unit_price": "1"}"#;
        let share = r#"{"model": "percentage", "percent": "1"}"#;
        let unit = |conversion: &str, of_basic: &str| {
            let plan = format!(
                r#"{{"plan": "p", "effective_from": "2015-01-01", "free_per_month": 5{conversion},
                    "rates": [
                      {{"rate": "basic", "apis": ["a.*"], "price": {price}{of_basic}}},
                      {{"rate": "paid", "apis": ["b.*"], "price": {share}}},
                      {{"rate": "other", "apis": ["*"], "price": {price}}}]}}"#
            );
            let plan = Plan::read(&plan).unwrap();
            let of = |rate: Option<&str>| {
                let rate = rate.map(|rate| rate.parse().unwrap());
                plan.document().unit_of(rate.as_ref())
            };
            [of(None), of(Some("basic")), of(Some("paid")), of(Some("other"))]
        };
        let [calls, yuan, units] =
            [AllowanceUnit::Calls, AllowanceUnit::Yuan, AllowanceUnit::Units];
        let converts = r#", "conversion": {"divide": 1000}"#;
        assert_eq!(unit("", ""), [calls, calls, yuan, calls]);
        assert_eq!(unit(converts, ""), [units; 4]);
        // The shared allowance is of no single kind.
        assert_eq!(unit("", converts), [units, units, yuan, calls]);
    }
}
