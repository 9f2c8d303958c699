//! Each statement goes on where the one before it ended, and a month's statements add up to the
//! price of its usage.

use std::collections::BTreeMap;

use steelyard_pricing::{
    BillingMonth, Fen, Line, LineCause, RatedToDate, Rounding, Segment, SegmentSpan, SegmentUsage,
    Tax, Yuan, rate_month,
};

use super::lines;
use super::text::rated;
use super::to_date::{SegmentBooks, ToDate};
use super::{Audited, Breach, BreachKind, Findings, union};
use crate::Statement;
use crate::chain;
use crate::settlement::named;

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    for statements in by_month(&audited.books.statements).values() {
        let mut to_date = ToDate::default();
        for statement in statements {
            lines::check(statement, found)?;
            let mut check = Check { statement, found };
            check.chain(&to_date)?;
            check.terms(&to_date);
            let rounding = to_date.rounding;
            to_date.add(statement)?;
            check.charge(&to_date)?;
            check.price(audited, &to_date, rounding)?;
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
    /// Notes a breach of the statement unless the invariant holds: what it says, and what is true.
    fn check(&mut self, kind: BreachKind, holds: bool, said: impl FnOnce() -> (String, String)) {
        let statement = self.statement.statement;
        self.found.check(holds, || {
            let (stated, actual) = said();
            Breach::new(kind, format!("statement {statement}"), stated, actual)
        });
    }

    /// The statement goes on where the ones before it ended.
    fn chain(&mut self, to_date: &ToDate) -> Result<(), Breach> {
        let (stated, actual) = (self.statement.charged_before_fen, to_date.charged_fen);
        self.check(BreachKind::ChargedBefore, stated == actual, || {
            (
                format!("{stated} yuan were charged before it"),
                format!("those before charge {actual}"),
            )
        });
        let mut going_on = to_date.clone();
        going_on.begin(self.statement);
        for line in &self.statement.lines {
            self.line(line, &mut going_on)?;
            going_on.add_line(line)?;
        }
        Ok(())
    }

    /// A line continues from its rate's amount before; the plan's from the amount of its rates now,
    /// a true-up from what there is to pay now, that of a concession from the sum of the month, and
    /// tax from the charges it applies to.
    fn line(&mut self, line: &Line, going_on: &mut ToDate) -> Result<(), Breach> {
        let of_yuan = |yuan| RatedToDate { yuan, ..RatedToDate::default() };
        let is_minimum = line.because == LineCause::Minimum;
        let (actual, base) = match &line.rate {
            Some(rate) if is_minimum => {
                let books = going_on.of_segment(line.segment);
                let before = books.minimums.get(rate).copied().unwrap_or_default();
                let rated = books.rates.get(rate).copied().unwrap_or_default();
                (of_yuan(before), rated.yuan)
            }
            None if is_minimum => {
                let books = going_on.of_segment(line.segment);
                (of_yuan(books.minimum), books.rates_yuan()?.plus(books.adjustment)?)
            }
            Some(rate) => {
                let books = going_on.of_segment(line.segment);
                (books.rates.get(rate).copied().unwrap_or_default(), line.after.base_yuan)
            }
            None if line.because == LineCause::Concession => {
                (of_yuan(going_on.concession), going_on.of_segments()?)
            }
            None if line.because == LineCause::Tax => {
                let due = going_on.taxes_due(self.statement.rounding)?;
                let due = line.tax.and_then(|percent| due.get(&percent));
                let before = line.tax.and_then(|percent| going_on.taxes.get(&percent));
                // A tax that is not there is nothing of nothing.
                let net = due.map_or(Fen::ZERO, |tax| tax.net_fen);
                (of_yuan(before.map_or(Yuan::ZERO, |tax| (*tax).into())), net.into())
            }
            None => {
                let books = going_on.of_segment(line.segment);
                (of_yuan(books.adjustment), books.rates_yuan()?)
            }
        };
        let place = || lines::place(self.statement, line);
        self.found.check(line.before == actual, || {
            let (stated, actual) = (rated(&line.before), rated(&actual));
            let stated = format!("it continues {stated}");
            Breach::new(
                BreachKind::RatedToDate,
                place(),
                stated,
                format!("the lines before it amount to {actual}"),
            )
        });
        let stated = line.after.base_yuan;
        self.found.check(stated == base, || {
            let is_tax = line.because == LineCause::Tax;
            let what = if is_tax { "the charges that it is on" } else { "its rates" };
            let stated = format!("{what} amount to {stated} yuan");
            let actual = format!("they amount to {base}");
            Breach::new(BreachKind::RatedToDate, place(), stated, actual)
        });
        Ok(())
    }

    /// A segment keeps the terms that it was first charged by.
    fn terms(&mut self, to_date: &ToDate) {
        for span in &self.statement.segments {
            let before = to_date.segments.get(&span.from).and_then(|books| books.terms.as_ref());
            let Some(before) = before.filter(|before| **before != span.terms) else { continue };
            self.check(BreachKind::TermsChanged, false, || {
                (rates_by(span), format!("before it was rated by {}", named(before)))
            });
        }
    }

    /// The lines so far sum to the price and to the taxes of the month.
    fn charge(&mut self, to_date: &ToDate) -> Result<(), Breach> {
        let due = to_date.taxes_due(self.statement.rounding)?;
        for percent in union(due.keys(), to_date.taxes.keys()) {
            // A tax without lines charges nothing, and one that is not due is nothing.
            let due = due.get(percent).copied().unwrap_or_default();
            let stated = to_date.taxes.get(percent).copied().unwrap_or_default();
            self.check(BreachKind::Tax, stated == due.tax_fen, || {
                let stated = format!("the tax of {percent}% is {stated} yuan so far");
                (stated, format!("on {} it is {}", due.net_fen, due.tax_fen))
            });
        }
        let stated = self.statement.tax_fen;
        let actual = Fen::sum(due.values().map(|tax| tax.tax_fen))?;
        self.check(BreachKind::Tax, stated == actual, || {
            (format!("its month has {stated} yuan of tax"), format!("{actual} are due"))
        });
        let (stated, rated) = (self.statement.rated_yuan, to_date.yuan()?);
        self.check(BreachKind::LinesToDate, stated == rated, || {
            (format!("it rates the month at {stated} yuan"), format!("the lines so far at {rated}"))
        });
        Ok(())
    }

    /// The charge is the rounded price of the usage up to this statement, less what was charged
    /// before. The month's first statement is rounded by the rule of the plan with which the month
    /// began, and the others by its rule.
    fn price(
        &mut self,
        audited: &Audited<'_>,
        to_date: &ToDate,
        mut rule: Option<Rounding>,
    ) -> Result<(), Breach> {
        let Statement { rated_yuan, rounding, tax_fen, charged_before_fen, .. } = *self.statement;
        let charge_fen = self.statement.usage_fen()?;
        let statement = self.statement.statement;
        let closing = statement.day == statement.day.month().last_day();
        let mut segments = Vec::new();
        for span in &self.statement.segments {
            let Some(segment) = self.segment(span, audited) else { return Ok(()) };
            let document = segment.plan().document();
            self.check(BreachKind::Tax, span.tax == document.tax, || {
                let tax = |tax: Option<Tax>| tax.map_or("no tax".to_owned(), |tax| tax.to_string());
                (format!("{} with {}", rates_by(span), tax(span.tax)), tax(document.tax))
            });
            rule.get_or_insert(document.rounding);
            segments.push(segment);
        }
        for pair in self.statement.segments.windows(2) {
            let [first, second] = pair else { continue };
            let joins = second.run_from.is_none() || first.until == second.from;
            self.check(BreachKind::Rated, joins, || {
                let ends = format!("its segment from {} ends before {}", first.from, first.until);
                (ends, format!("the next one goes on from it on {}", second.from))
            });
        }
        let nothing = SegmentBooks::default();
        let parts = segments.iter().map(|segment| {
            let books = to_date.segments.get(&segment.from()).unwrap_or(&nothing);
            let (total, days) = (books.usage.clone(), books.days.clone());
            SegmentUsage { segment, total, days }
        });
        let rated = rate_month(&parts.collect::<Vec<_>>(), closing)?;
        self.check(BreachKind::Rated, rated_yuan == rated, || {
            (format!("it rates the month at {rated_yuan} yuan"), format!("its usage costs {rated}"))
        });
        let rule = rule.unwrap_or_default();
        self.check(BreachKind::Rounding, rounding == rule, || {
            (format!("it is rounded {rounding}"), format!("its month {rule}"))
        });
        let with_tax = rated_yuan.to_fen_rounded(rounding)?.plus(tax_fen)?;
        let due = with_tax.minus(charged_before_fen)?;
        self.check(BreachKind::Charge, charge_fen == due, || {
            (format!("it charges {charge_fen} yuan for usage"), format!("{due} were due"))
        });
        Ok(())
    }

    fn segment<'a>(&mut self, span: &SegmentSpan, audited: &Audited<'a>) -> Option<Segment<'a>> {
        let segment = match audited.books.provider.terms(&span.terms, audited.plans) {
            None => Err("a part of these terms is not stored, or cannot be read".to_owned()),
            Some(terms) => Segment::of_span(span, &terms).map_err(|error| chain(&error)),
        };
        segment
            .map_err(|why| {
                self.check(BreachKind::TermsGone, false, || (rates_by(span), why));
            })
            .ok()
    }
}

fn rates_by(span: &SegmentSpan) -> String {
    format!("it rates the segment from {} by {}", span.from, named(&span.terms))
}
