//! Rating: the price of everything that was metered in a segment. Exact, unrounded, and with all
//! that is needed to compute it again by hand.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::model::{Billable, Metric};
use crate::reduction::{Reductions, Used};
use crate::tally::{RateTally, Tally};
use crate::{
    BillingDay, Charged, Conversion, Discounted, Metered, MoneyError, PlanDocument, Rate, Segment,
    Slice, Yuan,
};

/// The amount of one rate, or of the plan on top of its rates, in a segment so far.
///
/// From `metered` to `units` by the rate's conversion; less both allowances, cut into `slices`,
/// which sum to `base_yuan`; less the discounts; held to the limit: `due_yuan`.
///
/// A true-up to a minimum has no units: from `base_yuan`, what there was to pay, to `due_yuan`.
///
/// Where the segment goes on from earlier ones, `slices` hold the units of all of them, and
/// `base_yuan` is their sum less that of the slices of `continued`. The limit applies to
/// the sum of all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    /// The calls and the amount that the rate covers, before conversion.
    pub metered: Metered,
    /// How it becomes units, where it is not taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
    /// The figure that is priced: calls, or yuan where the price is a percentage; converted.
    pub units: Decimal,
    /// The units that are free in the segment's run, or on each of its days.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub free: Decimal,
    /// The free units that were used.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub free_used: Decimal,
    /// The plan's free units that were used beyond the rate's own.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub plan_free_used: Decimal,
    /// What was metered on the days that are charged, where units are free by the day.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<BillingDay, Metered>,
    /// What earlier segments had, where this one goes on from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued: Option<Box<Continued>>,
    /// The priced units of the whole run, which choose the one tier that counts; none unless later
    /// segments have some of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<Decimal>,
    /// The units beyond all allowances, cut at each price.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// What the segment's units add to the slices' sum; of the plan, the sum of all its rates.
    pub base_yuan: Yuan,
    /// The discounts, in the order in which they were applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Discounted>,
    /// What it is held to where it would be more; of a true-up, the minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// What is charged with the month's last day, where the rate says so: nothing is due before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_yuan: Option<Box<Yuan>>,
    /// The amount after discounts and limit, exact.
    pub due_yuan: Yuan,
}

/// What the earlier segments of a run had under a rate of the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// The calls and the amount that the rate covered there, before conversion.
    pub metered: Metered,
    /// The units after conversion.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub units: Decimal,
    /// The free units that were used.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub free_used: Decimal,
    /// The plan's free units that were used beyond the rate's own.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub plan_free_used: Decimal,
    /// The units beyond all allowances at the prices of this segment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// The sum of these slices.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub base_yuan: Yuan,
    /// The amount of the earlier segments under their own terms: it counts towards the limits.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub due_yuan: Yuan,
}

/// What an amount is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// It would be more. The amount of earlier segments counts; if that is more already, nothing is
    /// due.
    Maximum(Yuan),
    /// It would be less, and the month is over.
    Minimum(Yuan),
}

impl Continued {
    /// The units beyond all allowances.
    #[must_use]
    pub fn beyond(&self) -> Decimal {
        self.units - self.free_used - self.plan_free_used
    }
}

/// Which prices of a month are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Those of a month that is not over: no minimums and no fees without usage, and nothing of
    /// what is charged at its end.
    SoFar,
    /// As `SoFar`, with what is charged at the end of the month as far as it goes.
    Deferred,
    /// Those of an earlier segment of a month that is over: minimums and fees without usage are due
    /// with the last one of its run.
    Earlier,
    /// All of them: the month is over.
    All,
}

impl Due {
    pub(crate) fn of(closing: bool) -> Due {
        if closing { Due::All } else { Due::SoFar }
    }
}

/// The amounts of a segment, by rate and together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rating {
    /// By the plan's rates, in their order.
    pub(crate) rates: Vec<Rated>,
    /// What rates are trued up to, by their places among the rates.
    pub(crate) minimums: Vec<(usize, Rated)>,
    /// What the plan makes of the sum of both.
    pub(crate) plan: Rated,
    /// The true-up of that to a minimum, if there is one.
    pub(crate) minimum: Option<Box<Rated>>,
    /// The exact amount of the segment, in yuan.
    pub(crate) due_yuan: Yuan,
}

/// The figures of one rate when it was last rated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatedToDate {
    /// The calls and the amount that were rated.
    pub metered: Metered,
    /// The free units that were used.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub free_used: Decimal,
    /// The plan's free units that were used.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub plan_free_used: Decimal,
    /// The amount; of the plan, what it added to its rates' sum or took off.
    pub yuan: Yuan,
}

impl Rated {
    /// What a later line goes on from.
    #[must_use]
    pub fn to_date(&self) -> RatedToDate {
        RatedToDate {
            metered: self.metered,
            free_used: self.free_used,
            plan_free_used: self.plan_free_used,
            yuan: self.due_yuan,
        }
    }

    /// What there is to pay with the month's last day: what is due already, or what is deferred
    /// till then.
    #[must_use]
    pub fn due_at_month_end(&self) -> Yuan {
        self.deferred_yuan.as_deref().copied().unwrap_or(self.due_yuan)
    }

    /// The amount that is added to the base, or taken off it.
    pub(crate) fn added(&self) -> Result<Yuan, MoneyError> {
        self.due_yuan.minus(self.base_yuan)
    }

    /// The amount of the earlier segments; zero if the segment continues none.
    fn earlier(&self) -> Yuan {
        self.continued.as_ref().map_or(Yuan::ZERO, |continued| continued.due_yuan)
    }

    /// What is trued up to a minimum, now that the month is over; nothing if it is as much already.
    fn trued_up(
        &self,
        segment: &Segment<'_>,
        minimum: Yuan,
        earlier: Yuan,
    ) -> Result<Option<Rated>, MoneyError> {
        let (base_yuan, minimum) = (self.due_yuan, segment.share_of_cap(minimum));
        if base_yuan.plus(earlier)? >= minimum {
            return Ok(None);
        }
        let continued = Continued { due_yuan: earlier, ..Continued::default() };
        Ok(Some(Rated {
            continued: (!earlier.is_zero()).then(|| Box::new(continued)),
            base_yuan,
            limit: Some(Limit::Minimum(minimum)),
            due_yuan: minimum.minus(earlier)?,
            ..Rated::default()
        }))
    }
}

impl Rating {
    /// What the plan takes off the sum of its rates.
    pub(crate) fn adjustment(&self) -> Result<Yuan, MoneyError> {
        self.plan.added()
    }

    /// What the rate at a place, or the plan, is trued up to; as it is where it is not.
    pub(crate) fn trued_up(&self, rate: Option<usize>) -> Rated {
        let (found, rated) = match rate {
            Some(place) => {
                let found = self.minimums.iter().find(|(of, _)| *of == place);
                (found.map(|(_, minimum)| minimum), self.rates.get(place))
            }
            None => (self.minimum.as_deref(), Some(&self.plan)),
        };
        let due_yuan = rated.map_or(Yuan::ZERO, |rated| rated.due_yuan);
        let as_it_is = || Rated { base_yuan: due_yuan, due_yuan, ..Rated::default() };
        found.cloned().unwrap_or_else(as_it_is)
    }
}

/// Rates a segment that goes on from none, and from which none goes on.
pub(crate) fn rate(
    segment: &Segment<'_>,
    tally: &Tally,
    due: Due,
    used: &mut Used,
) -> Result<Rating, MoneyError> {
    let document = segment.plan().document();
    let mut shared = SharedFree::of(segment, Decimal::ZERO);
    let rates = document
        .rates
        .iter()
        .zip(&tally.rates)
        .map(|(rate, tally)| {
            let rated = measure(segment, rate, tally, None, &mut shared);
            price(segment, rate, rated, due, used)
        })
        .collect::<Result<Vec<_>, _>>()?;
    rate_plan(segment, rates, Yuan::ZERO, due == Due::All, used)
}

/// The plan's own amount on top of its rates, after the amount of earlier segments.
pub(crate) fn rate_plan(
    segment: &Segment<'_>,
    rates: Vec<Rated>,
    earlier: Yuan,
    closing: bool,
    used: &mut Used,
) -> Result<Rating, MoneyError> {
    let document = segment.plan().document();
    let minimums = if closing { trued_up(segment, &rates)? } else { Vec::new() };
    let mut base_yuan = Yuan::sum(rates.iter().map(|rated| rated.due_yuan))?;
    for (_, minimum) in &minimums {
        base_yuan = base_yuan.plus(minimum.added()?)?;
    }
    let mut plan = Rated { base_yuan, ..Rated::default() };
    plan.settle(segment, Reductions::of_plan(document), earlier, used)?;
    if plan.limit.is_some() && !earlier.is_zero() {
        plan.continued = Some(Box::new(Continued { due_yuan: earlier, ..Continued::default() }));
    }
    let mut due_yuan = plan.due_yuan;
    let minimum = match document.minimum.filter(|_| closing) {
        Some(minimum) => plan.trued_up(segment, minimum, earlier)?.map(Box::new),
        None => None,
    };
    if let Some(minimum) = &minimum {
        due_yuan = minimum.due_yuan;
    }
    Ok(Rating { rates, minimums, plan, minimum, due_yuan })
}

/// What rates are trued up to, by their places.
fn trued_up(segment: &Segment<'_>, rates: &[Rated]) -> Result<Vec<(usize, Rated)>, MoneyError> {
    let mut minimums = Vec::new();
    for (place, (rate, rated)) in segment.plan().rates().iter().zip(rates).enumerate() {
        let Some(minimum) = rate.minimum else { continue };
        if let Some(minimum) = rated.trued_up(segment, minimum, rated.earlier())? {
            minimums.push((place, minimum));
        }
    }
    Ok(minimums)
}

/// The units of a rate and what is free of them, without a price.
pub(crate) fn measure(
    segment: &Segment<'_>,
    rate: &Rate,
    tally: &RateTally,
    continued: Option<Box<Continued>>,
    shared: &mut SharedFree,
) -> Rated {
    let document = segment.plan().document();
    let conversion = document.conversion_of(rate).cloned();
    let mut rated = Rated { metered: tally.total, conversion, continued, ..Rated::default() };
    if tally.by_day {
        measure_by_day(document, rate, tally, shared, &mut rated);
    } else {
        measure_by_month(segment, rate, shared, &mut rated);
    }
    rated
}

/// Prices what was measured.
pub(crate) fn price(
    segment: &Segment<'_>,
    rate: &Rate,
    mut rated: Rated,
    due: Due,
    used: &mut Used,
) -> Result<Rated, MoneyError> {
    let (units, calls) = (rated.beyond(), Decimal::from(rated.metered.calls.get()));
    let closing = due == Due::All;
    let Some(mut continued) = rated.continued.take() else {
        let billable = Billable { units, top: rated.top.unwrap_or(units), calls, closing };
        rated.slices = rate.price.slices(billable)?;
        rated.base_yuan = Yuan::sum(rated.slices.iter().map(|slice| slice.amount))?;
        rated.settle(segment, Reductions::of_rate(rate), Yuan::ZERO, used)?;
        rated.defer(rate, due);
        return Ok(rated);
    };
    let before = Decimal::from(continued.metered.calls.get());
    let all = continued.beyond() + units;
    let billable =
        Billable { units: all, top: rated.top.unwrap_or(all), calls: before + calls, closing };
    rated.slices = rate.price.slices(billable)?;
    let earlier = Billable { units: continued.beyond(), calls: before, closing: false, ..billable };
    continued.slices = rate.price.slices(earlier)?;
    continued.base_yuan = Yuan::sum(continued.slices.iter().map(|slice| slice.amount))?;
    let sum = Yuan::sum(rated.slices.iter().map(|slice| slice.amount))?;
    rated.base_yuan = sum.minus(continued.base_yuan)?;
    rated.settle(segment, Reductions::of_rate(rate), continued.due_yuan, used)?;
    rated.defer(rate, due);
    rated.continued = Some(continued);
    Ok(rated)
}

/// Notes the units, and what of them is free by the month.
fn measure_by_month(
    segment: &Segment<'_>,
    rate: &Rate,
    shared: &mut SharedFree,
    rated: &mut Rated,
) {
    let document = segment.plan().document();
    rated.free = segment.share_of(rate.free_per_month);
    let mut left = rated.free;
    rated.units = match &rated.continued {
        None => units(document, rate, rated.metered),
        Some(continued) => {
            left = (left - continued.free_used).max(Decimal::ZERO);
            units_after(document, rate, continued, rated.metered)
        }
    };
    rated.free_used = rated.units.min(left);
    rated.plan_free_used = shared.use_of_month(rate, rated.units - rated.free_used);
}

/// Notes the units of all days, and what of them is free by the day.
fn measure_by_day(
    document: &PlanDocument,
    rate: &Rate,
    tally: &RateTally,
    shared: &mut SharedFree,
    rated: &mut Rated,
) {
    rated.free = rate.free_per_day.get();
    let mut beyond = Decimal::ZERO;
    for (day, metered) in &tally.days {
        let of_day = units(document, rate, *metered);
        let free = of_day.min(rated.free);
        let of_plan = shared.use_of_day(rate, *day, of_day - free);
        rated.units += of_day;
        rated.free_used += free;
        rated.plan_free_used += of_plan;
        beyond += of_day - free - of_plan;
    }
    rated.plan_free_used += shared.use_of_month(rate, beyond);
}

/// The units that a number adds to those before it: the month is rounded to whole units once.
fn units_after(
    document: &PlanDocument,
    rate: &Rate,
    continued: &Continued,
    metered: Metered,
) -> Decimal {
    let calls = Decimal::from(continued.metered.calls.get()) + Decimal::from(metered.calls.get());
    let amount = continued.metered.amount.get() + metered.amount.get();
    convert(document, rate, calls, amount) - continued.units
}

/// The metered figure in the rate's units.
fn units(document: &PlanDocument, rate: &Rate, metered: Metered) -> Decimal {
    convert(document, rate, metered.calls.get().into(), metered.amount.get())
}

fn convert(document: &PlanDocument, rate: &Rate, calls: Decimal, amount: Decimal) -> Decimal {
    let metered = match rate.price.metric() {
        Metric::Calls => calls,
        Metric::Amount => amount,
    };
    match document.conversion_of(rate) {
        None => metered,
        Some(conversion) => conversion.units(metered),
    }
}

/// What is left of the plan's own free units; rates that price calls use it up in their order.
pub(crate) struct SharedFree {
    month: Decimal,
    per_day: Decimal,
    days: BTreeMap<BillingDay, Decimal>,
}

impl SharedFree {
    /// What earlier segments have left of it.
    pub(crate) fn of(segment: &Segment<'_>, used: Decimal) -> SharedFree {
        let document = segment.plan().document();
        SharedFree {
            month: (segment.share_of(document.free_per_month) - used).max(Decimal::ZERO),
            per_day: document.free_per_day.get(),
            days: BTreeMap::new(),
        }
    }

    fn use_of_month(&mut self, rate: &Rate, units: Decimal) -> Decimal {
        use_of(&mut self.month, rate, units)
    }

    fn use_of_day(&mut self, rate: &Rate, day: BillingDay, units: Decimal) -> Decimal {
        if self.per_day.is_zero() {
            return Decimal::ZERO;
        }
        use_of(self.days.entry(day).or_insert(self.per_day), rate, units)
    }
}

fn use_of(left: &mut Decimal, rate: &Rate, units: Decimal) -> Decimal {
    let used = match rate.price.metric() {
        Metric::Calls => units.min(*left),
        Metric::Amount => Decimal::ZERO,
    };
    *left -= used;
    used
}

impl Rated {
    /// Leaves to the end of the month what is charged then.
    fn defer(&mut self, rate: &Rate, due: Due) {
        if due == Due::SoFar && rate.charged == Charged::AtMonthEnd && !self.due_yuan.is_zero() {
            self.deferred_yuan = Some(Box::new(self.due_yuan));
            self.due_yuan = Yuan::ZERO;
        }
    }
}
