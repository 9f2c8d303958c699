//! Usage on top of a month to date: the lines that it adds, each with where its rate stands without
//! it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::part::price_of;
use crate::rating::{Due, Rating};
use crate::run::{Counted, rate_all, sum};
use crate::tally::Tally;
use crate::{
    ChargeError, Charged, DayCharge, Fen, Line, LineCause, MonthToDate, MonthUsage, Rated, Segment,
    Usage, Yuan, charge,
};

/// A line that usage adds to a month to date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineOnTop {
    /// The line, as a statement would have it.
    #[serde(flatten)]
    pub line: Line,
    /// The rate's amount without the usage, and how it is computed; of the plan, that of all its
    /// rates.
    pub so_far: Rated,
    /// The ends of the tiers that the usage passes, in units beyond all allowances.
    pub tiers_passed: Vec<Decimal>,
    /// Whether a part of the usage is free and a part is not.
    pub allowance_passed: bool,
}

/// The charge for usage on top of a month to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeOnTop {
    /// The charge, by the function that settles.
    pub charged: DayCharge,
    /// Its lines, in their order.
    pub lines: Vec<LineOnTop>,
}

/// The charge for usage on top of a month to date, with where each rate stands without it.
///
/// # Errors
///
/// As [`charge`].
pub fn charge_on_top(
    segments: &[Segment<'_>],
    before: &MonthToDate,
    usage: &MonthUsage<'_>,
) -> Result<ChargeOnTop, ChargeError> {
    let charged = charge(segments, before, usage)?;
    let begun = segments.get(..charged.segments.len()).unwrap_or(segments);
    let so_far = SoFar::of(begun, before, usage.closed)?;
    let lines = charged.lines.iter().map(|line| {
        let place = so_far.begun.iter().position(|segment| segment.from() == line.segment);
        let rated = place.and_then(|place| so_far.begun.get(place).zip(so_far.ratings.get(place)));
        let (segment, rating) = rated.ok_or(ChargeError::SegmentGone(line.segment))?;
        let mut on_top = LineOnTop::of(line.clone(), segment, rating);
        if line.because == LineCause::Concession {
            on_top.so_far = so_far.all.clone();
        } else if let Some(percent) = line.tax {
            // A month without the tax so far has nothing of it.
            let tax = before.taxes.get(&percent).copied().unwrap_or_default();
            on_top.so_far = tax.rated()?;
        }
        Ok(on_top)
    });
    let lines = lines.collect::<Result<Vec<_>, ChargeError>>()?;
    Ok(ChargeOnTop { charged, lines })
}

/// The amounts of a month's segments, from what was rated of them.
struct SoFar<'a> {
    begun: Vec<&'a Segment<'a>>,
    ratings: Vec<Rating>,
    /// The sum of all segments, and what is taken off it for concessions.
    all: Rated,
}

impl<'a> SoFar<'a> {
    fn of(
        segments: &'a [Segment<'a>],
        before: &MonthToDate,
        closed: bool,
    ) -> Result<SoFar<'a>, ChargeError> {
        let (begun, tallies) = tallies_of(segments, before)?;
        let counted = begun.iter().zip(&tallies);
        let counted = counted.map(|(segment, tally)| Counted { segment, tally });
        let ratings = rate_all(&counted.collect::<Vec<_>>(), Due::of(closed))?;
        let base_yuan = sum(&ratings)?;
        let due_yuan = base_yuan.plus(before.concession_yuan)?;
        let all = Rated { base_yuan, due_yuan, ..Rated::default() };
        Ok(SoFar { begun, ratings, all })
    }
}

/// What a month to date amounts to under the rates that are charged at its end, as far as it is not
/// charged yet: after discounts and maximums, without minimums and without tax that is added.
///
/// # Errors
///
/// [`ChargeError`] when a count or an amount leaves its range.
pub fn charged_at_month_end(
    segments: &[Segment<'_>],
    month: &MonthToDate,
) -> Result<Fen, ChargeError> {
    let begun = segments.iter().filter(|segment| month.segments.contains_key(&segment.from()));
    let mut rates = begun.flat_map(|segment| segment.plan().rates());
    if rates.all(|rate| rate.charged == Charged::Daily) {
        return Ok(Fen::ZERO);
    }
    let (begun, tallies) = tallies_of(segments, month)?;
    let counted = begun.iter().zip(&tallies);
    let counted = counted.map(|(segment, tally)| Counted { segment, tally }).collect::<Vec<_>>();
    let rounding = month.rounding.unwrap_or_default();
    let charged = month.segments.values().try_fold(month.concession_yuan, |sum, segment| {
        let rates = Yuan::sum(segment.rates.values().map(|rated| rated.yuan))?;
        sum.plus(rates)?.plus(segment.adjustment_yuan)
    })?;
    let all = price_of(&counted, Due::Deferred)?.to_fen_rounded(rounding)?;
    Ok(all.minus(charged.to_fen_rounded(rounding)?)?.max(Fen::ZERO))
}

/// The segments of a month with what was rated of each; nothing of one that has not begun.
pub(crate) fn tallies_of<'a>(
    segments: &'a [Segment<'a>],
    month: &MonthToDate,
) -> Result<(Vec<&'a Segment<'a>>, Vec<Tally>), ChargeError> {
    let tally = |segment: &Segment<'_>| match month.segments.get(&segment.from()) {
        Some(to_date) => Tally::to_date(segment.plan(), to_date),
        None => Tally::of_totals(segment.plan(), &Usage::new(), &BTreeMap::new()),
    };
    let tallies = segments.iter().map(tally).collect::<Result<Vec<_>, _>>()?;
    Ok((segments.iter().collect(), tallies))
}

impl LineOnTop {
    fn of(line: Line, segment: &Segment<'_>, rating: &Rating) -> LineOnTop {
        let rates = segment.plan().rates();
        let place = line.rate.as_ref().and_then(|name| rates.iter().position(|r| r.rate == *name));
        let rated = place.and_then(|place| rates.get(place).zip(rating.rates.get(place)));
        let (ends, so_far) = match rated.filter(|_| !line.adjusts()) {
            Some((rate, so_far)) => (rate.price.tier_ends(), so_far.clone()),
            None if line.because == LineCause::Minimum => (Vec::new(), rating.trued_up(place)),
            None => (Vec::new(), rating.plan.clone()),
        };
        let (from, to) = (so_far.reached(), line.after.reached());
        let used = line.after.free_used + line.after.plan_free_used;
        let is_partly_free = used > so_far.free_used + so_far.plan_free_used;
        LineOnTop {
            tiers_passed: ends.into_iter().filter(|end| from <= *end && *end < to).collect(),
            allowance_passed: line.because == LineCause::Usage && is_partly_free && to > from,
            line,
            so_far,
        }
    }
}

impl Rated {
    /// The units beyond all allowances.
    #[must_use]
    pub fn beyond(&self) -> Decimal {
        self.units - self.free_used - self.plan_free_used
    }

    /// The last priced unit, those of the segments before included: where it stands in the tiers.
    #[must_use]
    pub fn reached(&self) -> Decimal {
        self.beyond() + self.continued.as_ref().map_or(Decimal::ZERO, |before| before.beyond())
    }
}
