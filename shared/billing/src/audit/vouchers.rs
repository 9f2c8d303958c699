//! What a month has of a voucher is what the statements of earlier months left of it.

use std::collections::{BTreeMap, BTreeSet};

use steelyard_pricing::{
    MoneyError, Segment, SegmentSpan, SegmentUsage, Voucher, VouchersUsed, Yuan, rate_month,
};

use super::statements::by_month;
use super::to_date::{SegmentBooks, ToDate};
use super::{Audited, Breach, BreachKind, Findings};
use crate::Statement;

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let books = audited.books;
    if !books.statements.iter().any(has_vouchers) && books.account.vouchers.is_empty() {
        return Ok(());
    }
    let mut earlier = Earlier::default();
    let mut done = VouchersUsed::default();
    for (month, statements) in by_month(&books.statements) {
        let mut check = Check { audited, earlier: &earlier, found };
        let (of_month, to_date) = check.month(&statements)?;
        if month < books.account.open_from {
            if let Some(last) = statements.last() {
                check.price(last, &to_date, &done)?;
            }
            done = done.plus(&to_date.vouchers_used()?)?;
        }
        earlier.add(of_month)?;
    }
    let noted = &books.account.vouchers;
    found.check(*noted == done, || {
        let stated = format!("months that are settled for good used {}", shown(noted));
        let actual = format!("their statements {}", shown(&done));
        Breach::new(BreachKind::Vouchers, "the account", stated, actual)
    });
    Ok(())
}

fn has_vouchers(statement: &Statement) -> bool {
    let discounts = statement.lines.iter().flat_map(|line| &line.after.discounts);
    let mut amounts = discounts.filter_map(|taken| taken.amount.as_deref());
    let is_stated = statement.segments.iter().any(|span| !span.vouchers.is_empty());
    is_stated || amounts.any(|off| off.since.is_some())
}

/// What some months used of a voucher, as their statements went on: the next month may have been
/// settled when any of them was the last.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    least: Yuan,
    most: Yuan,
}

/// What the earlier months used of each voucher.
#[derive(Default)]
struct Earlier(BTreeMap<Voucher, Used>);

impl Earlier {
    fn add(&mut self, month: Earlier) -> Result<(), MoneyError> {
        for (voucher, of_month) in month.0 {
            let used = self.0.entry(voucher).or_default();
            used.least = used.least.plus(of_month.least)?;
            used.most = used.most.plus(of_month.most)?;
        }
        Ok(())
    }

    /// Goes on to what the month uses by its next statement.
    fn go_on(&mut self, used: &VouchersUsed) {
        for (voucher, _) in used.iter() {
            self.0.entry(voucher.clone()).or_default();
        }
        for (voucher, of_month) in &mut self.0 {
            let now = used.of(voucher);
            of_month.least = of_month.least.min(now);
            of_month.most = of_month.most.max(now);
        }
    }
}

/// The check of one month.
struct Check<'c, 'a> {
    audited: &'c Audited<'a>,
    earlier: &'c Earlier,
    found: &'c mut Findings,
}

impl Check<'_, '_> {
    /// Checks its statements, and sums them.
    fn month(&mut self, statements: &[&Statement]) -> Result<(Earlier, ToDate), Breach> {
        let mut of_month = Earlier::default();
        let mut to_date = ToDate::default();
        for statement in statements {
            for span in &statement.segments {
                self.span(statement, span);
            }
            to_date.add(statement)?;
            of_month.go_on(&to_date.vouchers_used()?);
        }
        Ok((of_month, to_date))
    }

    /// The vouchers are those of the terms, and what earlier months used is what they did use at
    /// some time.
    fn span(&mut self, statement: &Statement, span: &SegmentSpan) {
        let place = || format!("statement {}, segment from {}", statement.statement, span.from);
        for (voucher, stated) in span.vouchers.iter() {
            let Used { least, most } = self.earlier.0.get(voucher).copied().unwrap_or_default();
            self.found.check((least..=most).contains(&stated), || {
                let discount = &voucher.discount;
                let stated = format!("earlier months used {stated} yuan of {discount}");
                let actual = format!("by their statements they used {least} to {most}");
                Breach::new(BreachKind::Vouchers, place(), stated, actual)
            });
        }
        let Some(actual) = segment_of(self.audited, span, &VouchersUsed::default()) else { return };
        let vouchers = |span: &SegmentSpan| {
            span.vouchers.iter().map(|(voucher, _)| voucher.clone()).collect::<BTreeSet<_>>()
        };
        self.found.check(vouchers(span) == vouchers(actual.span()), || {
            let stated = format!("its vouchers are {}", shown(&span.vouchers));
            let actual = format!("by its terms they are {}", shown(&actual.span().vouchers));
            Breach::new(BreachKind::Vouchers, place(), stated, actual)
        });
    }

    /// A month that is settled for good has the price that follows from what the months before it
    /// used.
    fn price(
        &mut self,
        last: &Statement,
        to_date: &ToDate,
        used: &VouchersUsed,
    ) -> Result<(), Breach> {
        let segments = last.segments.iter().map(|span| segment_of(self.audited, span, used));
        let Some(segments) = segments.collect::<Option<Vec<_>>>() else { return Ok(()) };
        let nothing = SegmentBooks::default();
        let parts = segments.iter().map(|segment| {
            let books = to_date.segments.get(&segment.from()).unwrap_or(&nothing);
            SegmentUsage { segment, total: books.usage.clone(), days: books.days.clone() }
        });
        let day = last.statement.day;
        let actual = rate_month(&parts.collect::<Vec<_>>(), day == day.month().last_day())?;
        let stated = last.rated_yuan;
        self.found.check(stated == actual, || {
            let place = format!("statement {}", last.statement);
            let stated = format!("it rates the month at {stated} yuan");
            let actual = format!("with {} used before it costs {actual}", shown(used));
            Breach::new(BreachKind::Vouchers, place, stated, actual)
        });
        Ok(())
    }
}

/// The segment of a span after months that used so much; none without its terms, which are missed
/// with the statement's price.
fn segment_of<'a>(
    audited: &Audited<'a>,
    span: &SegmentSpan,
    used: &VouchersUsed,
) -> Option<Segment<'a>> {
    let provider = &audited.books.provider;
    let terms = provider.terms(&span.terms, audited.plans)?;
    let segment = Segment::of_span(span, &terms).ok()?;
    Some(segment.after_months(provider.months_before(span.from, used)))
}

/// How much of each voucher, as an operator reads it.
pub(super) fn shown(used: &VouchersUsed) -> String {
    let each = used.iter().map(|(voucher, yuan)| {
        let of_rate = voucher.rate.as_ref().map(|rate| format!(" of `{rate}`"));
        let Voucher { discount, since, .. } = voucher;
        format!("{yuan} yuan of {discount}{} since {since}", of_rate.unwrap_or_default())
    });
    let each = each.collect::<Vec<_>>();
    if each.is_empty() { "nothing".to_owned() } else { each.join(", ") }
}
