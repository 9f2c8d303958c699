//! Usage on top of a month to date: the lines that it adds, each with where its rate stands without it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::rating::{Rating, rate};
use crate::tally::Tally;
use crate::{
    ChargeError, DayCharge, Line, LineCause, MonthToDate, MonthUsage, Rated, Segment, Usage, charge,
};

/// A line that usage adds to a month to date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineOnTop {
    /// The line, as a statement would have it.
    #[serde(flatten)]
    pub line: Line,
    /// What the rate comes to without the usage, and how; of the plan, what all its rates do.
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
    let mut ratings = BTreeMap::new();
    let mut lines = Vec::with_capacity(charged.lines.len());
    for line in &charged.lines {
        let Some(segment) = segments.iter().find(|segment| segment.from() == line.segment) else {
            return Err(ChargeError::SegmentGone(line.segment));
        };
        let rating = match ratings.entry(line.segment) {
            Entry::Occupied(rating) => rating.into_mut(),
            Entry::Vacant(place) => place.insert(rating_so_far(segment, before, usage.closed)?),
        };
        lines.push(LineOnTop::of(line.clone(), segment, rating));
    }
    Ok(ChargeOnTop { charged, lines })
}

/// What a segment comes to by what was rated of it.
fn rating_so_far(
    segment: &Segment<'_>,
    before: &MonthToDate,
    closed: bool,
) -> Result<Rating, ChargeError> {
    let Some(to_date) = before.segments.get(&segment.from()) else {
        let nothing = Tally::of_totals(segment.plan(), &Usage::new(), &BTreeMap::new())?;
        return Ok(rate(segment, &nothing, false)?);
    };
    Ok(rate(segment, &Tally::to_date(segment.plan(), to_date)?, closed)?)
}

impl LineOnTop {
    fn of(line: Line, segment: &Segment<'_>, rating: &Rating) -> LineOnTop {
        let rates = segment.plan().rates();
        let rated = line.rate.as_ref().and_then(|name| {
            let mut rates = rates.iter().zip(&rating.rates);
            rates.find(|(rate, _)| rate.rate == *name)
        });
        let (ends, so_far) = match rated {
            Some((rate, so_far)) => (rate.price.tier_ends(), so_far.clone()),
            None => (Vec::new(), rating.plan.clone()),
        };
        let (from, to) = (so_far.beyond(), line.after.beyond());
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
}
