//! What the amounts of a calculation are of: days of a month, and rates.

use steelyard_billing::Statement;
use steelyard_pricing::{BillingDay, Line, LineCause, MoneyError, Name, SegmentSpan, Yuan};

use super::ShareOfMonth;

/// What of a month the metered calls of a line are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) from: BillingDay,
    pub(super) through: BillingDay,
    pub(super) share: Option<ShareOfMonth>,
    pub(super) own_day: Option<BillingDay>,
}

impl Part {
    pub(super) fn of(statement: &Statement, line: &Line) -> Part {
        let day = statement.statement.day;
        let is_own = line.because == LineCause::Usage;
        // Late and withdrawn usage is rated before the statement's own day, except on supplements.
        let has_own = statement.statement.supplement == 0;
        let last = if is_own || !has_own { day } else { day.previous() };
        let span = statement.span_from(line.segment);
        let last_of_span = span.map_or(last, |span| span.until.previous());
        let goes_on = line.after.continued.is_some() && line.after.conversion.is_some();
        let first = span.filter(|_| goes_on).map_or(line.segment, |span| span.run().start);
        Part {
            from: first,
            through: last.min(last_of_span).max(line.segment),
            share: span.and_then(share_of_month),
            own_day: is_own.then_some(day),
        }
    }
}

fn share_of_month(span: &SegmentSpan) -> Option<ShareOfMonth> {
    let run = span.run();
    let (days, of) = (run.start.days_until(run.end), span.from.month().days());
    (days < of).then_some(ShareOfMonth { days, of })
}

/// What an amount of the month to date is of, by the first day of the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::bill) enum PartOf {
    Rate(BillingDay, Name),
    Plan(BillingDay),
    Minimum(BillingDay, Option<Name>),
    Concession,
}

impl PartOf {
    pub(in crate::bill) fn of(line: &Line) -> PartOf {
        match (line.because, &line.rate) {
            (LineCause::Concession, _) => PartOf::Concession,
            (LineCause::Minimum, rate) => PartOf::Minimum(line.segment, rate.clone()),
            (_, Some(rate)) => PartOf::Rate(line.segment, rate.clone()),
            (_, None) => PartOf::Plan(line.segment),
        }
    }

    /// Segment by segment: rates, each with its minimum, then the plan.
    fn order(&self) -> (bool, Option<BillingDay>, bool, Option<&Name>, bool) {
        match self {
            PartOf::Rate(segment, rate) => (false, Some(*segment), false, Some(rate), false),
            PartOf::Minimum(segment, rate) => {
                (false, Some(*segment), rate.is_none(), rate.as_ref(), true)
            }
            PartOf::Plan(segment) => (false, Some(*segment), true, None, false),
            PartOf::Concession => (true, None, false, None, false),
        }
    }
}

/// The latest exact amount of each rate of the month, if the statement's lines name all of it.
pub(super) fn rated_to_date(statement: &Statement) -> Result<Vec<(PartOf, Yuan)>, MoneyError> {
    let mut parts: Vec<(PartOf, Yuan)> = Vec::new();
    for line in statement.lines.iter().filter(|line| line.because != LineCause::Tax) {
        let now = line.after_yuan()?;
        let key = PartOf::of(line);
        match parts.iter_mut().find(|part| part.0 == key) {
            Some(part) => part.1 = now,
            None => parts.push((key, now)),
        }
    }
    parts.sort_by(|(one, _), (other, _)| one.order().cmp(&other.order()));
    let all = Yuan::sum(parts.iter().map(|(_, yuan)| *yuan))?;
    Ok(if all == statement.rated_yuan { parts } else { Vec::new() })
}
