//! Tallies: what was metered in a segment, by API and by rate.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::meter::AMOUNT_DECIMALS_MAX;
use crate::{Amount, ApiName, BillingDay, Calls, Metered, Name, Plan, Rate, Usage, UsageError};

/// What was metered in a segment.
#[derive(Clone, Debug)]
pub(crate) struct Tally<'a> {
    /// By API, in the order of their names.
    pub(crate) apis: Vec<ApiTally<'a>>,
    /// By the plan's rates, in their order.
    pub(crate) rates: Vec<RateTally>,
}

/// What was metered of one API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApiTally<'a> {
    pub(crate) api: &'a ApiName,
    /// The place of the rate that covers it, if one does.
    pub(crate) rate: Option<usize>,
    /// What was metered when it was summed up last.
    pub(crate) metered: Metered,
    sum: Sum,
}

/// What was metered under one rate.
#[derive(Clone, Debug)]
pub(crate) struct RateTally {
    pub(crate) total: Metered,
    /// Whether units are free by the day, so that days count.
    pub(crate) by_day: bool,
    /// The days, where they count.
    pub(crate) days: BTreeMap<BillingDay, Metered>,
}

/// Calls, and millionths of a yuan: a month's thousands of counts are added as whole numbers, and
/// checked once. Any number of days of any counts has place.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    calls: u128,
    millionths: u128,
}

impl<'a> Tally<'a> {
    /// Nothing yet.
    pub(crate) fn new(plan: &Plan) -> Tally<'a> {
        let plan_by_day = !plan.document().free_per_day.is_zero();
        let by_day = |rate: &Rate| plan_by_day || !rate.free_per_day.is_zero();
        let rate = |rate: &Rate| RateTally {
            total: Metered::ZERO,
            by_day: by_day(rate),
            days: BTreeMap::new(),
        };
        Tally { apis: Vec::new(), rates: plan.rates().iter().map(rate).collect() }
    }

    /// What was metered over several days, whose parts that count by the day are given by rate.
    pub(crate) fn of_totals(
        plan: &Plan,
        total: &'a Usage,
        days: &BTreeMap<Name, BTreeMap<BillingDay, Metered>>,
    ) -> Result<Tally<'a>, UsageError> {
        let mut tally = Tally::new(plan);
        for (api, metered) in total.iter() {
            tally.apis.push(ApiTally::new(plan, api, metered));
        }
        tally.sum_up()?;
        for (rate, tally) in plan.rates().iter().zip(&mut tally.rates) {
            tally.days = days.get(&rate.rate).cloned().unwrap_or_default();
        }
        Ok(tally)
    }

    /// Adds a day; what it comes to is told by summing up.
    ///
    /// Days mostly name the same APIs, and both lists are in the order of names: one pass finds the
    /// place of each, and only a new API has its rate looked up.
    pub(crate) fn add(
        &mut self,
        plan: &Plan,
        day: BillingDay,
        usage: &'a Usage,
    ) -> Result<(), UsageError> {
        let mut place = 0;
        for (api, metered) in usage.iter() {
            let order = loop {
                match self.apis.get(place).map(|known| known.api.cmp(api)) {
                    Some(Ordering::Less) => place += 1,
                    order => break order,
                }
            };
            if order != Some(Ordering::Equal) {
                self.apis.insert(place, ApiTally::new(plan, api, Metered::ZERO));
            }
            if let Some(known) = self.apis.get_mut(place) {
                known.sum.add(metered);
                let rate = known.rate;
                self.add_to_day(rate, day, metered)?;
            }
            place += 1;
        }
        Ok(())
    }

    /// Sums up what was added, of each API, of each rate, and of all.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`] or [`Amount::MAX`].
    pub(crate) fn sum_up(&mut self) -> Result<(), UsageError> {
        let mut all = Sum::default();
        let mut of_rates = vec![Sum::default(); self.rates.len()];
        for tally in &mut self.apis {
            tally.metered = tally.sum.metered()?;
            all.join(tally.sum);
            if let Some(sum) = tally.rate.and_then(|rate| of_rates.get_mut(rate)) {
                sum.join(tally.sum);
            }
        }
        for (tally, sum) in self.rates.iter_mut().zip(of_rates) {
            tally.total = sum.metered()?;
        }
        all.metered().map(drop)
    }

    fn add_to_day(
        &mut self,
        rate: Option<usize>,
        day: BillingDay,
        metered: Metered,
    ) -> Result<(), UsageError> {
        let tally = rate.and_then(|rate| self.rates.get_mut(rate)).filter(|tally| tally.by_day);
        if let Some(tally) = tally {
            let sum = tally.days.entry(day).or_default();
            *sum = sum.plus(metered)?;
        }
        Ok(())
    }

    /// Everything that was metered, by API.
    pub(crate) fn usage(&self) -> Usage {
        self.apis.iter().map(|tally| (tally.api.clone(), tally.metered)).collect()
    }
}

impl<'a> ApiTally<'a> {
    fn new(plan: &Plan, api: &'a ApiName, metered: Metered) -> ApiTally<'a> {
        let mut sum = Sum::default();
        sum.add(metered);
        ApiTally { api, rate: plan.rate_index(api), metered, sum }
    }
}

impl Sum {
    fn add(&mut self, metered: Metered) {
        self.join(Sum {
            calls: metered.calls.get().into(),
            millionths: millionths(metered.amount.get()),
        });
    }

    fn join(&mut self, other: Sum) {
        self.calls += other.calls;
        self.millionths += other.millionths;
    }

    fn metered(self) -> Result<Metered, UsageError> {
        let calls = u64::try_from(self.calls).unwrap_or(u64::MAX);
        let above = Calls::new(calls).above(Calls::MAX);
        if !above.is_zero() {
            return Err(UsageError::TooMany { left: Calls::MAX, right: above });
        }
        Ok(Metered { calls: Calls::new(calls), amount: self.amount()? })
    }

    fn amount(self) -> Result<Amount, UsageError> {
        if self.millionths == 0 {
            return Ok(Amount::ZERO);
        }
        let amount = |millionths: u128| {
            let millionths = i128::try_from(millionths).ok()?;
            let yuan = Decimal::try_from_i128_with_scale(millionths, AMOUNT_DECIMALS_MAX).ok()?;
            Amount::new(yuan)
        };
        amount(self.millionths).ok_or_else(|| {
            let above = self.millionths.saturating_sub(millionths(Amount::MAX.get()));
            UsageError::TooMuch { left: Amount::MAX, right: amount(above).unwrap_or(Amount::MAX) }
        })
    }
}

/// An amount as a whole number; it has no more decimals than that, and is never negative.
fn millionths(amount: Decimal) -> u128 {
    if amount.is_zero() {
        return 0;
    }
    let missing = AMOUNT_DECIMALS_MAX.saturating_sub(amount.scale());
    amount.mantissa().unsigned_abs() * u128::from(10_u64.pow(missing))
}
