//! Runs: the segments of a month, each rated by what its units add to those of the segments before
//! it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::model::Metric;
use crate::rating::{Continued, Due, Rating, SharedFree, measure, price, rate, rate_plan};
use crate::reduction::Used;
use crate::tally::Tally;
use crate::{
    ChargeError, Conversion, MoneyError, Name, PlanDocument, Rate, Rated, Segment, UsageError, Yuan,
};

/// A segment with what was metered in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) segment: &'a Segment<'a>,
    pub(crate) tally: &'a Tally,
}

/// Rates the segments of a month that have begun, in their order.
pub(crate) fn rate_all(parts: &[Counted<'_>], due: Due) -> Result<Vec<Rating>, ChargeError> {
    let mut ratings = Vec::with_capacity(parts.len());
    let mut rest = parts;
    let mut used = Used::default();
    while let Some(first) = rest.first() {
        let is_of_run = |part: &&Counted<'_>| part.segment.is_in_run_of(first.segment);
        let (run, later) = rest.split_at(rest.iter().take_while(is_of_run).count());
        match run {
            [only] => ratings.push(rate(only.segment, only.tally, due, &mut used)?),
            _ => rate_run(run, due, &mut used, &mut ratings)?,
        }
        used.begin_run();
        rest = later;
    }
    Ok(ratings)
}

/// The exact sum of what the segments charge.
pub(crate) fn sum(ratings: &[Rating]) -> Result<Yuan, MoneyError> {
    Yuan::sum(ratings.iter().map(|rating| rating.due_yuan))
}

/// First the units of every segment, then their prices: where one tier's price counts for all
/// units, it is that of the run's last unit.
fn rate_run(
    run: &[Counted<'_>],
    of_month: Due,
    used: &mut Used,
    ratings: &mut Vec<Rating>,
) -> Result<(), ChargeError> {
    let mut earlier = Earlier::default();
    let mut measured = Vec::with_capacity(run.len());
    for part in run {
        let rates = earlier.measure(part);
        earlier.count(part, &rates)?;
        measured.push(rates);
    }
    choose_tiers(run, &mut measured);
    let mut due = BTreeMap::<&Name, Yuan>::new();
    let mut due_of_plan = Yuan::ZERO;
    for (at, (part, rates)) in run.iter().zip(measured).enumerate() {
        let is_last = at + 1 == run.len();
        let of_part = if of_month == Due::All && !is_last { Due::Earlier } else { of_month };
        let segment = part.segment;
        let mut priced = Vec::with_capacity(rates.len());
        for (rate, mut rated) in segment.plan().rates().iter().zip(rates) {
            let before = due.entry(&rate.rate).or_default();
            match &mut rated.continued {
                Some(continued) => continued.due_yuan = *before,
                None => *before = Yuan::ZERO,
            }
            let rated = price(segment, rate, rated, of_part, used)?;
            *before = before.plus(rated.due_yuan)?;
            priced.push(rated);
        }
        let rating = rate_plan(segment, priced, due_of_plan, of_part == Due::All, used)?;
        due_of_plan = due_of_plan.plus(rating.due_yuan)?;
        ratings.push(rating);
    }
    Ok(())
}

/// Notes the units of the run by which each rate chooses its tier, where that is by all of them.
fn choose_tiers(run: &[Counted<'_>], measured: &mut [Vec<Rated>]) {
    let mut tops = BTreeMap::<&Name, Decimal>::new();
    for (part, rates) in run.iter().zip(measured).rev() {
        for (rate, rated) in part.segment.plan().rates().iter().zip(rates) {
            let before = rated.continued.as_ref().map_or(Decimal::ZERO, |c| c.beyond());
            let end = before + rated.beyond();
            let top = *tops.entry(&rate.rate).or_insert(end);
            rated.top = Some(top).filter(|top| rate.price.may_fall() && *top != end);
            if rated.continued.is_none() {
                tops.remove(&rate.rate);
            }
        }
    }
}

/// What the segments of a run had so far.
#[derive(Default)]
struct Earlier<'a> {
    rates: BTreeMap<&'a Name, EarlierRate<'a>>,
    plan_free_used: Decimal,
}

/// What they had under rates of one name that count alike.
struct EarlierRate<'a> {
    counts: Counts<'a>,
    continued: Continued,
}

/// What the units of a rate are.
type Counts<'a> = (Metric, Option<&'a Conversion>);

fn counts<'a>(document: &'a PlanDocument, rate: &'a Rate) -> Counts<'a> {
    (rate.price.metric(), document.conversion_of(rate))
}

impl<'a> Earlier<'a> {
    /// The units of a segment's rates. A rate whose units are of another kind begins anew.
    fn measure(&self, part: &Counted<'a>) -> Vec<Rated> {
        let document = part.segment.plan().document();
        let mut shared = SharedFree::of(part.segment, self.plan_free_used);
        let rates = document.rates.iter().zip(&part.tally.rates);
        let measured = rates.map(|(rate, tally)| {
            let earlier = self.rates.get(&rate.rate);
            let earlier = earlier.filter(|earlier| earlier.counts == counts(document, rate));
            let continued = earlier.map(|earlier| Box::new(earlier.continued.clone()));
            measure(part.segment, rate, tally, continued, &mut shared)
        });
        measured.collect()
    }

    /// Counts the units of a segment for those that go on from it.
    fn count(&mut self, part: &Counted<'a>, rates: &[Rated]) -> Result<(), UsageError> {
        let document = part.segment.plan().document();
        for (rate, rated) in document.rates.iter().zip(rates) {
            self.plan_free_used += rated.plan_free_used;
            if rated.continued.is_none() {
                // Units of another kind than before, even if there are none, end what is continued.
                self.rates.remove(&rate.rate);
            }
            if rated.metered.is_zero() {
                continue;
            }
            let before = rated.continued.as_deref().cloned().unwrap_or_default();
            let continued = Continued {
                metered: before.metered.plus(rated.metered)?,
                units: before.units + rated.units,
                free_used: before.free_used + rated.free_used,
                plan_free_used: before.plan_free_used + rated.plan_free_used,
                ..Continued::default()
            };
            let counts = counts(document, rate);
            self.rates.insert(&rate.rate, EarlierRate { counts, continued });
        }
        Ok(())
    }
}
