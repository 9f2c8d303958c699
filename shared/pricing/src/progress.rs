//! Progress: where a segment of a month stands, and what more usage of one rate would cost.

use crate::rating::{Rating, rate};
use crate::tally::{RateTally, Tally};
use crate::{
    BillingDay, ChargeError, Metered, MoneyError, MonthToDate, Name, Rated, Segment, SegmentToDate,
    UsageError, Yuan,
};

/// A segment of a month with what was metered in it so far.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    segment: &'a Segment<'a>,
    tally: Tally,
}

impl<'a> Progress<'a> {
    /// Where a segment stands in a month to date.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when what was stored cannot be counted.
    pub fn of(segment: &'a Segment<'a>, month: &MonthToDate) -> Result<Progress<'a>, UsageError> {
        let begun = month.segments.get(&segment.from()).cloned();
        let to_date = begun.unwrap_or_else(|| SegmentToDate::new(segment.span().terms.clone()));
        Ok(Progress { segment, tally: Tally::to_date(segment.plan(), &to_date)? })
    }

    /// What each rate comes to so far, in the plan's order: without minimums, since the month is not over.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves the range of exact arithmetic.
    pub fn rated(&self) -> Result<Vec<Rated>, MoneyError> {
        Ok(self.rating()?.rates)
    }

    /// What more usage of a rate on a day adds to the price of the segment: allowances, tiers, discounts
    /// and the maxima of the rate and of the plan count.
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

    /// What more usage of a rate would cost after so much of it was metered in the segment. Nothing
    /// for a rate of which units are free by the day, since its price depends on the days.
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
        if let Some(tally) = earlier.tally_of(rate) {
            tally.total = metered;
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
        if let Some(tally) = more.tally_of(rate) {
            add(tally)?;
        }
        Ok(more.rating()?.plan.due_yuan.minus(self.rating()?.plan.due_yuan)?)
    }

    fn tally_of(&mut self, rate: &Name) -> Option<&mut RateTally> {
        let place = self.segment.plan().rates().iter().position(|of| of.rate == *rate)?;
        self.tally.rates.get_mut(place)
    }

    fn rating(&self) -> Result<Rating, MoneyError> {
        rate(self.segment, &self.tally, false)
    }
}
