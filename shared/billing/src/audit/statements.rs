//! Each statement goes on where the one before it ended, and a month's statements add up to the
//! price of its usage.

use std::collections::BTreeMap;

use steelyard_pricing::{
    ApiCount, BillingMonth, Catalog, Line, RatedToDate, Rounding, Segment, SegmentSpan, Yuan,
    rate_segment,
};

use super::lines;
use super::text::chain;
use super::to_date::{SegmentBooks, ToDate};
use super::{Books, Breach, Findings};
use crate::{Provider, Statement};

pub(super) fn audit(books: &Books, plans: &Catalog, found: &mut Findings) -> Result<(), Breach> {
    for statements in by_month(&books.statements).values() {
        let mut to_date = ToDate::default();
        for statement in statements {
            lines::check(statement, found)?;
            let mut check = Check { statement, found };
            check.chain(&to_date)?;
            check.terms(&to_date);
            let rounding = to_date.rounding;
            to_date.add(statement)?;
            check.charge(&to_date)?;
            check.price(&books.provider, plans, &to_date, rounding)?;
        }
    }
    Ok(())
}

/// The statements of each month, in their order.
pub(super) fn by_month(statements: &[Statement]) -> BTreeMap<BillingMonth, Vec<&Statement>> {
    let mut months: BTreeMap<BillingMonth, Vec<&Statement>> = BTreeMap::new();
    for statement in statements {
        months.entry(statement.statement.day.month()).or_default().push(statement);
    }
    for statements in months.values_mut() {
        statements.sort_by_key(|statement| statement.statement);
    }
    months
}

/// The check of one statement.
struct Check<'a> {
    statement: &'a Statement,
    found: &'a mut Findings,
}

impl Check<'_> {
    /// The statement goes on where the ones before it ended.
    fn chain(&mut self, to_date: &ToDate) -> Result<(), Breach> {
        let (statement, stated, actual) =
            (self.statement.statement, self.statement.charged_before_fen, to_date.charged_fen);
        self.found.check(stated == actual, || Breach::ChargedBefore { statement, stated, actual });
        let mut going_on = to_date.segments.clone();
        for line in &self.statement.lines {
            let books = going_on.entry(line.segment).or_default();
            self.line(line, books)?;
            books.add(line)?;
        }
        for unpriced in &self.statement.unpriced {
            let books = going_on.entry(unpriced.segment).or_default();
            self.count(&unpriced.count, books);
            books.count(&unpriced.count)?;
        }
        Ok(())
    }

    /// A line goes on from what its rate came to; the plan's from what its rates come to now.
    fn line(&mut self, line: &Line, books: &SegmentBooks) -> Result<(), Breach> {
        for count in &line.apis {
            self.count(count, books);
        }
        let (actual, base) = match &line.rate {
            Some(rate) => {
                (books.rates.get(rate).copied().unwrap_or_default(), line.after.base_yuan)
            }
            None => {
                let yuan = books.adjustment;
                (RatedToDate { yuan, ..RatedToDate::default() }, books.rates_yuan()?)
            }
        };
        let statement = self.statement.statement;
        let goes_on = line.before == actual && line.after.base_yuan == base;
        self.found.check(goes_on, || Breach::RatedToDate { statement, line: lines::name(line) });
        Ok(())
    }

    fn count(&mut self, count: &ApiCount, books: &SegmentBooks) {
        let actual = books.usage.of(&count.api);
        let goes_on = count.before == actual && count.after.covers(count.before);
        self.found.check(goes_on, || Breach::Counts {
            statement: self.statement.statement,
            api: count.api.clone(),
            before: count.before,
            after: count.after,
            actual,
        });
    }

    /// A segment keeps the terms that it was first charged by.
    fn terms(&mut self, to_date: &ToDate) {
        for span in &self.statement.segments {
            let before = to_date.segments.get(&span.from).and_then(|books| books.terms.as_ref());
            let keeps = before.is_none_or(|before| *before == span.terms);
            self.found.check(keeps, || Breach::TermsChanged {
                statement: self.statement.statement,
                segment: span.from,
            });
        }
    }

    /// The lines so far come to the price that the statement states.
    fn charge(&mut self, to_date: &ToDate) -> Result<(), Breach> {
        let (stated, rated) = (self.statement.rated_yuan, to_date.yuan()?);
        let statement = self.statement.statement;
        self.found.check(stated == rated, || Breach::LinesToDate { statement, stated, rated });
        Ok(())
    }

    /// The charge is the rounded price of the usage up to this statement, less what was charged
    /// before. The month's first statement is rounded by the rule of the plan with which the month
    /// began, and the others by its rule.
    fn price(
        &mut self,
        provider: &Provider,
        plans: &Catalog,
        to_date: &ToDate,
        mut rule: Option<Rounding>,
    ) -> Result<(), Breach> {
        let Statement { rated_yuan, rounding, charge_fen, charged_before_fen, .. } =
            *self.statement;
        let statement = self.statement.statement;
        let closing = statement.day == statement.day.month().last_day();
        let mut rated = Yuan::ZERO;
        for span in &self.statement.segments {
            let Some(segment) = self.segment(span, provider, plans) else { return Ok(()) };
            if let Some(books) = to_date.segments.get(&span.from) {
                rated = rated.plus(rate_segment(&segment, &books.usage, &books.days, closing)?)?;
            }
            rule.get_or_insert(segment.plan().document().rounding);
        }
        let stated = rated_yuan;
        self.found.check(stated == rated, || Breach::Rated { statement, stated, rated });
        let rule = rule.unwrap_or_default();
        self.found.check(rounding == rule, || Breach::Rounding { statement, rounding, rule });
        let rounded = stated.to_fen_rounded(rounding)?;
        let (charge, due) = (charge_fen, rounded.minus(charged_before_fen)?);
        self.found.check(charge == due, || Breach::Charge { statement, charge, due });
        Ok(())
    }

    fn segment<'a>(
        &mut self,
        span: &SegmentSpan,
        provider: &'a Provider,
        plans: &'a Catalog,
    ) -> Option<Segment<'a>> {
        let segment = match provider.terms(&span.terms, plans) {
            None => Err("a part of them is not stored".to_owned()),
            Some(terms) => {
                Segment::new(span.from, span.until, &terms).map_err(|error| chain(&error))
            }
        };
        segment
            .map_err(|why| {
                self.found.check(false, || Breach::TermsGone {
                    statement: self.statement.statement,
                    segment: span.from,
                    why,
                });
            })
            .ok()
    }
}
