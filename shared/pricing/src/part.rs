//! The segments of a month on their way from what was rated before to what is rated now.

use std::collections::BTreeMap;

use crate::concession::{Lowest, lowest};
use crate::rating::{Due, Rating};
use crate::run::{Counted, rate_all, sum};
use crate::tally::{News, Tally};
use crate::{
    BillingDay, ChargeError, DayCharge, Fen, Line, LineCause, MonthToDate, Rated, RatedToDate,
    Rounding, Segment, SegmentToDate, Unpriced, Usage, Yuan, rounding, tax,
};

/// The segments that have begun, in their order.
pub(crate) struct Parts<'a>(Vec<Part<'a>>);

/// A segment with what is rated of it, and the lines for what changes.
struct Part<'a> {
    segment: &'a Segment<'a>,
    tally: Tally,
    to_date: SegmentToDate,
    due: Yuan,
    /// The lines of what was changed of settled days.
    changed: Vec<Line>,
    /// The lines of the days that are settled now.
    own: Vec<Line>,
    unpriced: Vec<Unpriced>,
}

/// The price of segments, at most that without some of their concessions.
pub(crate) fn price_of(parts: &[Counted<'_>], due: Due) -> Result<Yuan, ChargeError> {
    let all = sum(&rate_all(parts, due)?)?;
    Ok(lowest(parts, all, due)?.yuan)
}

impl<'a> Parts<'a> {
    pub(crate) fn of(
        begun: &[&'a Segment<'a>],
        before: &MonthToDate,
    ) -> Result<Parts<'a>, ChargeError> {
        let parts = begun.iter().map(|segment| Part::new(segment, before));
        Ok(Parts(parts.collect::<Result<_, _>>()?))
    }

    fn counted(&self) -> Vec<Counted<'_>> {
        self.0.iter().map(|part| Counted { segment: part.segment, tally: &part.tally }).collect()
    }

    /// Counts days, or takes away what was withdrawn of them, and notes a line for each rate that
    /// then has another amount.
    pub(crate) fn advance(
        &mut self,
        cause: LineCause,
        days: &[(BillingDay, &Usage)],
        closing: bool,
    ) -> Result<(), ChargeError> {
        let news = self.0.iter_mut().map(|part| part.count(cause, days));
        let news = news.collect::<Result<Vec<_>, _>>()?;
        let ratings = rate_all(&self.counted(), Due::of(closing))?;
        let shifts = self.shifts(&news);
        let parts = self.0.iter_mut().zip(ratings).zip(news).zip(shifts);
        for (((part, rating), news), is_shifted) in parts {
            let because = if is_shifted { LineCause::Shifted } else { cause };
            let mut lines = std::mem::take(part.lines_of(cause));
            part.note(because, rating, news, &mut lines)?;
            *part.lines_of(cause) = lines;
        }
        Ok(())
    }

    /// Which segments have nothing new while others of their run have; or others of the month,
    /// where they share vouchers.
    fn shifts(&self, news: &[News]) -> Vec<bool> {
        let is_shifted = |(part, of_part): (&Part<'_>, &News)| {
            let mut others = self.0.iter().zip(news);
            let shares_vouchers = !part.segment.span().vouchers.is_empty();
            self.0.len() > 1
                && of_part.is_empty()
                && others.any(|(other, news)| {
                    let is_shared = shares_vouchers || part.segment.is_in_run_of(other.segment);
                    is_shared && !news.is_empty()
                })
        };
        self.0.iter().zip(news).map(is_shifted).collect()
    }

    /// The charge of all segments: the lines of late usage first, each with its share.
    ///
    /// Where no segment has begun there is no rule yet, and nothing to be rounded by one.
    pub(crate) fn finish(
        self,
        before: &MonthToDate,
        rule: Option<Rounding>,
        closing: bool,
    ) -> Result<DayCharge, ChargeError> {
        let rounding = rule.unwrap_or_default();
        let all = Yuan::sum(self.0.iter().map(|part| part.due))?;
        let lowest = lowest(&self.counted(), all, Due::of(closing))?;
        let (rated_yuan, concession_yuan) = (lowest.yuan, lowest.yuan.minus(all)?);
        let concession = match self.0.last().map(|part| part.segment.from()) {
            Some(last) if concession_yuan != before.concession_yuan => {
                Some(concession(last, all, lowest, before.concession_yuan)?)
            }
            _ => None,
        };
        let month_fen = rated_yuan.to_fen_rounded(rounding)?;
        let net_before = before.charged_fen.minus(tax::sum(&before.taxes)?)?;
        let net_fen = month_fen.minus(net_before)?;
        let has_tax = |part: &Part<'_>| part.segment.span().tax.is_some();
        let taxes = if self.0.iter().any(has_tax) {
            let parts = self.0.iter().map(|part| (part.segment.span().tax, part.due));
            tax::taxes_of(month_fen, parts)?
        } else {
            BTreeMap::new()
        };
        let tax_fen = tax::sum(&taxes)?;
        let charged_fen = month_fen.plus(tax_fen)?;
        let segments = BTreeMap::new();
        let mut charged = DayCharge {
            charge_fen: charged_fen.minus(before.charged_fen)?,
            rated_yuan,
            rounding,
            tax_fen,
            segments: self.0.iter().map(|part| part.segment.span().clone()).collect(),
            lines: Vec::new(),
            unpriced: Vec::new(),
            month: MonthToDate { segments, concession_yuan, taxes, charged_fen, rounding: rule },
        };
        let mut own = Vec::new();
        for mut part in self.0 {
            charged.lines.append(&mut part.changed);
            append(&mut own, part.own);
            charged.unpriced.extend(part.unpriced);
            charged.month.segments.insert(part.segment.from(), part.to_date);
        }
        append(&mut charged.lines, own);
        charged.lines.extend(concession);
        rounding::share_out(net_fen, &mut charged.lines)?;
        let taxes = tax::lines(&charged.segments, &before.taxes, &charged.month.taxes)?;
        charged.lines.extend(taxes);
        Ok(charged)
    }
}

/// What is taken off the month for its concessions.
fn concession(
    segment: BillingDay,
    all: Yuan,
    lowest: Lowest,
    before: Yuan,
) -> Result<Line, ChargeError> {
    let after = Rated { base_yuan: all, due_yuan: lowest.yuan, ..Rated::default() };
    let now = lowest.yuan.minus(all)?;
    let before = RatedToDate { yuan: before, ..RatedToDate::default() };
    let line = line(segment, LineCause::Concession, before, after, now)?;
    Ok(Line { without: lowest.without, ..line })
}

impl<'a> Part<'a> {
    fn new(segment: &'a Segment<'a>, before: &MonthToDate) -> Result<Part<'a>, ChargeError> {
        let to_date = before.segments.get(&segment.from()).cloned();
        let to_date = to_date.unwrap_or_else(|| SegmentToDate::new(segment.span().terms.clone()));
        Ok(Part {
            segment,
            tally: Tally::to_date(segment.plan(), &to_date)?,
            to_date,
            due: Yuan::ZERO,
            changed: Vec::new(),
            own: Vec::new(),
            unpriced: Vec::new(),
        })
    }

    /// The lines of what is noted for a cause.
    fn lines_of(&mut self, cause: LineCause) -> &mut Vec<Line> {
        match cause {
            LineCause::Usage => &mut self.own,
            LineCause::Late
            | LineCause::Void
            | LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum
            | LineCause::Concession
            | LineCause::Tax => &mut self.changed,
        }
    }

    /// Counts the days that the segment holds.
    fn count(
        &mut self,
        cause: LineCause,
        days: &[(BillingDay, &Usage)],
    ) -> Result<News, ChargeError> {
        let plan = self.segment.plan();
        let mut news = News::of(plan);
        for (day, usage) in days.iter().filter(|(day, _)| self.segment.holds(*day)) {
            match cause {
                LineCause::Void => self.tally.take(plan, *day, usage, &mut news)?,
                LineCause::Usage
                | LineCause::Late
                | LineCause::Terms
                | LineCause::Shifted
                | LineCause::Minimum
                | LineCause::Concession
                | LineCause::Tax => self.tally.add(plan, *day, usage, &mut news)?,
            }
        }
        Ok(news)
    }

    /// Notes lines of each rate that changed, of what makes up minimums, and of what the plan makes
    /// of them.
    fn note(
        &mut self,
        because: LineCause,
        rating: Rating,
        news: News,
        lines: &mut Vec<Line>,
    ) -> Result<(), ChargeError> {
        let adjustment = rating.adjustment()?;
        self.due = rating.due_yuan;
        let segment = self.segment.from();
        let (of_rates, of_plan) = self.minimums(&rating)?;
        if !news.unpriced.is_empty() {
            self.unpriced.push(Unpriced { segment, because, apis: news.unpriced });
        }
        self.to_date.unpriced = self.tally.unpriced;
        self.to_date.vouchers_before.clone_from(&self.segment.span().vouchers);
        let Rating { rates, plan, .. } = rating;
        let tallies = self.tally.rates.iter();
        let rated = self.segment.plan().rates().iter().zip(tallies).zip(rates).zip(news.by_rate);
        for (((rate, tally), mut after), apis) in rated {
            if tally.by_day && !tally.days.is_empty() {
                let days = tally.days.iter().filter(|(day, _)| news.days.contains(day));
                after.days = days.map(|(day, metered)| (*day, *metered)).collect();
                self.to_date.days.insert(rate.rate.clone(), tally.days.clone());
            }
            let before = self.to_date.rates.get(&rate.rate).copied().unwrap_or_default();
            let now = after.to_date();
            let is_other_use = self.to_date.vouchers.note(Some(&rate.rate), &after);
            if !apis.is_empty() || before != now || is_other_use {
                self.to_date.rates.insert(rate.rate.clone(), now);
                let line = line(segment, because, before, after, now.yuan)?;
                lines.push(Line { rate: Some(rate.rate.clone()), apis, ..line });
            }
        }
        lines.extend(of_rates);
        let before = self.to_date.adjustment_yuan;
        let is_other_use = self.to_date.vouchers.note(None, &plan);
        if before != adjustment || is_other_use {
            self.to_date.adjustment_yuan = adjustment;
            let before = RatedToDate { yuan: before, ..RatedToDate::default() };
            lines.push(line(segment, because, before, plan, adjustment)?);
        }
        lines.extend(of_plan);
        Ok(())
    }

    /// The lines of what makes up the minimums of rates, and of the plan, where that changed.
    fn minimums(&mut self, rating: &Rating) -> Result<(Vec<Line>, Option<Line>), ChargeError> {
        let segment = self.segment.from();
        let mut of_rates = Vec::new();
        if !rating.minimums.is_empty() || !self.to_date.minimums.is_empty() {
            for (place, rate) in self.segment.plan().rates().iter().enumerate() {
                let before = self.to_date.minimums.remove(&rate.rate).unwrap_or_default();
                let after = rating.trued_up(Some(place));
                let now = after.added()?;
                if !now.is_zero() {
                    self.to_date.minimums.insert(rate.rate.clone(), now);
                }
                if let Some(line) = minimum(segment, before, after)? {
                    of_rates.push(Line { rate: Some(rate.rate.clone()), ..line });
                }
            }
        }
        if rating.minimum.is_none() && self.to_date.minimum_yuan.is_zero() {
            return Ok((of_rates, None));
        }
        let after = rating.trued_up(None);
        let now = after.added()?;
        let before = std::mem::replace(&mut self.to_date.minimum_yuan, now);
        Ok((of_rates, minimum(segment, before, after)?))
    }
}

/// Adds lines after others, which mostly are none.
fn append(lines: &mut Vec<Line>, mut more: Vec<Line>) {
    if lines.is_empty() { *lines = more } else { lines.append(&mut more) }
}

/// A line of what makes up a minimum; none if it is as much as before.
fn minimum(segment: BillingDay, before: Yuan, after: Rated) -> Result<Option<Line>, ChargeError> {
    let now = after.added()?;
    if now == before {
        return Ok(None);
    }
    let before = RatedToDate { yuan: before, ..RatedToDate::default() };
    line(segment, LineCause::Minimum, before, after, now).map(Some)
}

/// A line without a rate, its share of rounding to be computed.
pub(crate) fn line(
    segment: BillingDay,
    because: LineCause,
    before: RatedToDate,
    after: Rated,
    now: Yuan,
) -> Result<Line, ChargeError> {
    Ok(Line {
        segment,
        rate: None,
        because,
        tax: None,
        without: Vec::new(),
        apis: Usage::new(),
        exact_yuan: now.minus(before.yuan)?,
        before,
        after,
        rounding_yuan: Yuan::ZERO,
        charge_fen: Fen::ZERO,
    })
}
