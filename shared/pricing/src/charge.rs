//! A day's charge: the rounded month to date less what was charged, with lines that explain it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::rating::{Rating, rate};
use crate::tally::Tally;
use crate::{
    ApiName, BillingDay, Fen, Metered, MoneyError, Name, Rated, RatedToDate, Rounding, Segment,
    SegmentSpan, TermsRef, Usage, UsageError, Yuan, rounding,
};

/// Where a provider stands in a billing month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthToDate {
    /// What was rated of each segment, by its first day.
    pub segments: BTreeMap<BillingDay, SegmentToDate>,
    /// What has been charged for all of it.
    pub charged_fen: Fen,
    /// The rule that rounds the month: that of the plan with which it began when it was first
    /// charged; none before a segment has begun. Another one later would move what days without usage come to, and leave a fen that
    /// no line explains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
}

/// Where a provider stands in one segment of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentToDate {
    /// The terms by which it was rated.
    #[serde(flatten)]
    pub terms: TermsRef,
    /// What has been rated.
    pub rated: Usage,
    /// What each rate came to.
    pub rates: BTreeMap<Name, RatedToDate>,
    /// What the plan added to the rates' sum, or took off.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub adjustment_yuan: Yuan,
}

/// The usage of a month that a settlement charges.
#[derive(Clone, Debug, Default)]
pub struct MonthUsage<'a> {
    /// The days that were settled before, as they are counted now.
    pub settled: Vec<(BillingDay, &'a Usage)>,
    /// Those of them for which more was counted since.
    pub late: BTreeSet<BillingDay>,
    /// The days that are settled now.
    pub own: Vec<(BillingDay, &'a Usage)>,
    /// The day of the statement: segments that begin later are not rated yet.
    pub day: Option<BillingDay>,
    /// Whether the month was over before, so that minimums and fees without usage were due.
    pub closed: bool,
    /// Whether the month is over now.
    pub closing: bool,
}

/// What one settlement charges.
///
/// The lines' charges sum to `charge_fen`, and `charge_fen` is the rounded `rated_yuan` less what
/// was charged in the month before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCharge {
    /// What is charged; negative for a credit.
    pub charge_fen: Fen,
    /// The exact price of the month to date, new usage included.
    pub rated_yuan: Yuan,
    /// How it became fen.
    pub rounding: Rounding,
    /// The segments that were rated.
    pub segments: Vec<SegmentSpan>,
    /// How the charge comes about.
    pub lines: Vec<Line>,
    /// New usage that no rate covers.
    pub unpriced: Vec<Unpriced>,
    /// The month after this charge.
    pub month: MonthToDate,
}

/// What one rate charges, or the plan on top of its rates.
///
/// `after` less `before` is `exact_yuan`, and `exact_yuan + rounding_yuan = charge_fen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The first day of the segment.
    pub segment: BillingDay,
    /// The rate; none for what the plan adds to the sum of its rates, or takes off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Name>,
    /// Why there is a line.
    #[serde(default, skip_serializing_if = "LineCause::is_usage")]
    pub because: LineCause,
    /// The APIs that were called, with what was metered of them in the segment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apis: Vec<ApiCount>,
    /// What the rate had come to.
    pub before: RatedToDate,
    /// What it comes to now, and how.
    pub after: Rated,
    /// The exact difference.
    pub exact_yuan: Yuan,
    /// The line's share of rounding the month to whole fen.
    pub rounding_yuan: Yuan,
    /// What is charged for the line.
    pub charge_fen: Fen,
}

/// Why there is a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineCause {
    /// Usage of the days that are settled now; and, on the last day, that the month is over.
    #[default]
    Usage,
    /// Usage that came late, for days that had been settled.
    Late,
    /// The month was cut into other segments, so that another part of its allowances is theirs.
    Terms,
}

/// One API's usage in a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiCount {
    /// The API.
    pub api: ApiName,
    /// What was metered of it before.
    pub before: Metered,
    /// What is metered of it with what is new.
    pub after: Metered,
}

/// New usage of an API that no rate of the segment's plan covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpriced {
    /// The first day of the segment.
    pub segment: BillingDay,
    /// The API, with what was metered of it in the segment.
    #[serde(flatten)]
    pub count: ApiCount,
}

/// Why a charge could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChargeError {
    /// Counts could not be added.
    #[error("cannot count the month's usage")]
    Count(#[from] UsageError),
    /// An amount left the range of exact arithmetic.
    #[error("cannot compute the month's price")]
    Money(#[from] MoneyError),
    /// There is usage on a day for which there are no terms.
    #[error("{0} has usage, but no plan was in force")]
    NoTerms(BillingDay),
    /// A segment that was charged is not a part of the month any more.
    ///
    /// It means that the terms of settled days were changed.
    #[error("the segment from {0} was charged, and the month is not cut there any more")]
    SegmentGone(BillingDay),
    /// The month to date has another price than was charged for it, and no line says why.
    ///
    /// It means that what was stored of the month contradicts itself.
    #[error("{0} yuan of the charge have no line behind them")]
    Unexplained(Fen),
}

impl ApiCount {
    /// What is new.
    #[must_use]
    pub fn gained(&self) -> Metered {
        self.after.above(self.before)
    }
}

impl Line {
    /// What the rate comes to now; of the plan, what it adds to its rates' sum or takes off.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves the range of exact arithmetic.
    pub fn after_yuan(&self) -> Result<Yuan, MoneyError> {
        match self.rate {
            Some(_) => Ok(self.after.due_yuan),
            None => self.after.due_yuan.minus(self.after.base_yuan),
        }
    }
}

impl LineCause {
    fn is_usage(&self) -> bool {
        *self == LineCause::Usage
    }
}

/// The charge for what is new in a month: first what came late, on days settled before, then the
/// days being settled now.
///
/// # Errors
///
/// [`ChargeError`] when a count or an amount leaves its range, when a day has no terms, or when
/// there is a difference to what was charged that no line explains.
pub fn charge(
    segments: &[Segment<'_>],
    before: &MonthToDate,
    usage: &MonthUsage<'_>,
) -> Result<DayCharge, ChargeError> {
    check_terms(segments, usage)?;
    let begun = |segment: &&Segment<'_>| usage.day.is_none_or(|day| segment.from() <= day);
    let begun = segments.iter().filter(begun).collect::<Vec<_>>();
    check_parts(&begun, before)?;
    let mut parts = begun.iter().map(|s| Part::new(s, before)).collect::<Result<Vec<_>, _>>()?;
    for part in &mut parts {
        part.settle_late(usage)?;
    }
    for part in &mut parts {
        part.settle_own(usage)?;
    }
    let rule = begun.first().map(|segment| segment.plan().document().rounding);
    finish(parts, before, before.rounding.or(rule))
}

/// What a segment comes to, from its usage alone.
///
/// `days` gives what was metered under each rate on each day, for the rates of which units are free
/// by the day.
///
/// # Errors
///
/// [`ChargeError`] when a count or an amount leaves its range.
pub fn rate_segment(
    segment: &Segment<'_>,
    total: &Usage,
    days: &BTreeMap<Name, BTreeMap<BillingDay, Metered>>,
    closing: bool,
) -> Result<Yuan, ChargeError> {
    let tally = Tally::of_totals(segment.plan(), total, days)?;
    Ok(rate(segment, &tally, closing)?.plan.due_yuan)
}

fn check_terms(segments: &[Segment<'_>], usage: &MonthUsage<'_>) -> Result<(), ChargeError> {
    let mut days = usage.settled.iter().chain(&usage.own);
    match days.find(|(day, usage)| !usage.is_empty() && !segments.iter().any(|s| s.holds(*day))) {
        Some((day, _)) => Err(ChargeError::NoTerms(*day)),
        None => Ok(()),
    }
}

/// What was charged of a segment can't be left without one.
fn check_parts(begun: &[&Segment<'_>], before: &MonthToDate) -> Result<(), ChargeError> {
    let is_there = |from: &BillingDay| begun.iter().any(|segment| segment.from() == *from);
    match before.segments.keys().find(|from| !is_there(from)) {
        Some(from) => Err(ChargeError::SegmentGone(*from)),
        None => Ok(()),
    }
}

/// A segment on its way from what was rated before to what is rated now.
struct Part<'a> {
    segment: &'a Segment<'a>,
    tally: Tally<'a>,
    to_date: SegmentToDate,
    due: Yuan,
    lines: Vec<Line>,
    unpriced: Vec<Unpriced>,
}

impl<'a> Part<'a> {
    fn new(segment: &'a Segment<'a>, before: &MonthToDate) -> Result<Part<'a>, ChargeError> {
        let to_date = before.segments.get(&segment.from()).cloned();
        Ok(Part {
            segment,
            tally: Tally::new(segment.plan()),
            to_date: to_date.unwrap_or_else(|| SegmentToDate {
                terms: segment.span().terms.clone(),
                rated: Usage::new(),
                rates: BTreeMap::new(),
                adjustment_yuan: Yuan::ZERO,
            }),
            due: Yuan::ZERO,
            lines: Vec::new(),
            unpriced: Vec::new(),
        })
    }

    fn settle_late(&mut self, usage: &MonthUsage<'a>) -> Result<(), ChargeError> {
        self.count(&usage.settled)?;
        let late = |day: &BillingDay| usage.late.contains(day);
        self.advance(LineCause::Late, &late, usage.closed)
    }

    fn settle_own(&mut self, usage: &MonthUsage<'a>) -> Result<(), ChargeError> {
        self.count(&usage.own)?;
        let own = |day: &BillingDay| usage.own.iter().any(|(own, _)| own == day);
        self.advance(LineCause::Usage, &own, usage.closing)
    }

    fn count(&mut self, days: &[(BillingDay, &'a Usage)]) -> Result<(), ChargeError> {
        for (day, usage) in days.iter().filter(|(day, _)| self.segment.holds(*day)) {
            self.tally.add(self.segment.plan(), *day, usage)?;
        }
        Ok(self.tally.sum_up()?)
    }

    /// Rates what is counted, and notes a line for each rate that changed.
    fn advance(
        &mut self,
        cause: LineCause,
        is_new: &dyn Fn(&BillingDay) -> bool,
        closing: bool,
    ) -> Result<(), ChargeError> {
        let rating = rate(self.segment, &self.tally, closing)?;
        let adjustment = rating.adjustment()?;
        self.due = rating.plan.due_yuan;
        let gained = self.gained()?;
        let because =
            if cause == LineCause::Late && gained.is_empty() { LineCause::Terms } else { cause };
        let segment = self.segment.from();
        self.unpriced.extend(gained.unpriced.into_iter().map(|count| Unpriced { segment, count }));
        let Rating { rates, plan } = rating;
        let tallies = self.tally.rates.iter();
        let rated = self.segment.plan().rates().iter().zip(tallies).zip(rates).zip(gained.by_rate);
        for (((rate, tally), mut after), apis) in rated {
            let new_days = tally.days.iter().filter(|(day, _)| is_new(day));
            after.days = new_days.map(|(day, metered)| (*day, *metered)).collect();
            let before = self.to_date.rates.get(&rate.rate).copied().unwrap_or_default();
            let now = after.standing();
            if !apis.is_empty() || before != now {
                self.to_date.rates.insert(rate.rate.clone(), now);
                let line = self.line(because, before, after, now.yuan)?;
                self.lines.push(Line { rate: Some(rate.rate.clone()), apis, ..line });
            }
        }
        let before = self.to_date.adjustment_yuan;
        if before != adjustment {
            self.to_date.adjustment_yuan = adjustment;
            let before = RatedToDate { yuan: before, ..RatedToDate::default() };
            self.lines.push(self.line(because, before, plan, adjustment)?);
        }
        self.to_date.rated = self.tally.usage();
        Ok(())
    }

    /// A line of the plan, its share of rounding to be told.
    fn line(
        &self,
        because: LineCause,
        before: RatedToDate,
        after: Rated,
        now: Yuan,
    ) -> Result<Line, ChargeError> {
        Ok(Line {
            segment: self.segment.from(),
            rate: None,
            because,
            apis: Vec::new(),
            exact_yuan: now.minus(before.yuan)?,
            before,
            after,
            rounding_yuan: Yuan::ZERO,
            charge_fen: Fen::ZERO,
        })
    }

    /// The counts that grew since they were rated.
    fn gained(&self) -> Result<Gained, ChargeError> {
        let rates = self.segment.plan().rates().len();
        let mut gained = Gained { by_rate: vec![Vec::new(); rates], unpriced: Vec::new() };
        // Both lists are in the order of names.
        let mut rated = self.to_date.rated.iter().peekable();
        for tally in &self.tally.apis {
            let before = rated.next_if(|(api, _)| *api <= tally.api);
            let before = match before {
                Some((api, before)) if api != tally.api => return Err(vanished(api, before)),
                Some((_, before)) => before,
                None => Metered::ZERO,
            };
            let after = tally.metered;
            if !after.covers(before) {
                let api = tally.api.clone();
                return Err(UsageError::Shrunk { api, before, now: after }.into());
            }
            if before != after {
                let list = tally.rate.and_then(|rate| gained.by_rate.get_mut(rate));
                let count = ApiCount { api: tally.api.clone(), before, after };
                list.unwrap_or(&mut gained.unpriced).push(count);
            }
        }
        rated.next().map_or(Ok(gained), |(api, before)| Err(vanished(api, before)))
    }
}

/// An API was rated, and is not counted any more.
fn vanished(api: &ApiName, before: Metered) -> ChargeError {
    UsageError::Shrunk { api: api.clone(), before, now: Metered::ZERO }.into()
}

/// New usage, by the rates that cover it.
struct Gained {
    by_rate: Vec<Vec<ApiCount>>,
    unpriced: Vec<ApiCount>,
}

impl Gained {
    fn is_empty(&self) -> bool {
        self.unpriced.is_empty() && self.by_rate.iter().all(Vec::is_empty)
    }
}

/// The charge that all segments come to: the lines of late usage first, each with its share.
///
/// Where no segment has begun there is no rule yet, and nothing to be rounded by one.
fn finish(
    parts: Vec<Part<'_>>,
    before: &MonthToDate,
    rule: Option<Rounding>,
) -> Result<DayCharge, ChargeError> {
    let rounding = rule.unwrap_or_default();
    let rated_yuan = Yuan::sum(parts.iter().map(|part| part.due))?;
    let charged_fen = rated_yuan.to_fen_rounded(rounding)?;
    let mut charged = DayCharge {
        charge_fen: charged_fen.minus(before.charged_fen)?,
        rated_yuan,
        rounding,
        segments: parts.iter().map(|part| part.segment.span().clone()).collect(),
        lines: Vec::new(),
        unpriced: Vec::new(),
        month: MonthToDate { segments: BTreeMap::new(), charged_fen, rounding: rule },
    };
    for part in parts {
        charged.lines.extend(part.lines);
        charged.unpriced.extend(part.unpriced);
        charged.month.segments.insert(part.segment.from(), part.to_date);
    }
    charged.lines.sort_by_key(|line| line.because == LineCause::Usage);
    rounding::share_out(charged.charge_fen, &mut charged.lines)?;
    Ok(charged)
}
