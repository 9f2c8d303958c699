//! The expected charge of a month, from the usage of the same days of the week, rated as a bill
//! is.

use std::collections::BTreeMap;

use rust_decimal::RoundingStrategy;
use serde::Serialize;
use steelyard_billing::{
    CalendarError, CountedDays, SettlementError, Statement, charged_between, month_segments,
};
use steelyard_pricing::{
    BillingDay, BillingMonth, ChargeError, Condenser, Fen, Line, LineCause, Metered, MoneyError,
    MonthToDate, MonthUsage, Name, Progress, Segment, Usage, UsageError, Yuan, charge,
};
use thiserror::Error;
use utoipa::ToSchema;

use crate::Records;

/// The fewest settled days by which a month is forecast: one of each day of the week.
pub const FORECAST_DAYS_MIN: u64 = 7;

/// How many days back the usage of a day of the week is looked for.
pub const FORECAST_DAYS_MAX: i32 = 28;

/// The number of further calls whose price is shown.
pub(crate) const NEXT_CALLS: u64 = 10_000;

/// The expected charge of a month, and what follows from it.
///
/// For each day that is left, and for the rest of today, it takes the usage of a day of the last
/// four weeks that was the same day of the week: of the day with the fewest calls (low), with the
/// most (high), and of the one in the middle (likely; of two in the middle, the later day). Each is
/// charged night by night after what was charged so far, by the code that settles, so that
/// allowances, tiers, discounts, maxima and minimums count. Of today, what was counted already
/// stays counted. Where more usage costs less, as by volume prices, the range is that of the three
/// results. A day without usage is one of no calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forecast {
    /// The month that is not over yet.
    #[schema(value_type = String)]
    pub month: BillingMonth,
    /// How many settled days it is made from.
    pub settled_days: u64,
    /// What is charged and counted of the month so far.
    #[schema(value_type = i64)]
    pub so_far_fen: Fen,
    /// The expected charge of the whole month, adjustments included.
    pub month_total: FenRange,
    /// What the coming night is expected to charge beyond the prepaid balance, which the next day
    /// collects.
    pub tomorrow: FenRange,
    /// When the prepaid balance is expected to be used up; none if there is none, or it lasts
    /// beyond the month and the next seven days.
    pub prepaid_ends: Option<ExpectedDay>,
    /// The amounts to recharge that pay for some days in advance.
    pub cover: Cover,
    /// The allowances of the month that are expected to be used up.
    pub allowances: Vec<AllowanceEnd>,
}

/// A low, a likely and a high amount: `low ≤ likely ≤ high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FenRange {
    /// The lowest of the expected amounts.
    #[schema(value_type = i64)]
    pub low_fen: Fen,
    /// The most likely.
    #[schema(value_type = i64)]
    pub likely_fen: Fen,
    /// The highest of the expected amounts.
    #[schema(value_type = i64)]
    pub high_fen: Fen,
}

/// A range of days for an expected event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExpectedDay {
    /// The first day on which it may happen.
    #[schema(value_type = String)]
    pub earliest: BillingDay,
    /// The most likely day; none if it is not likely.
    #[schema(value_type = Option<String>)]
    pub likely: Option<BillingDay>,
    /// The latest day; none if it may not happen.
    #[schema(value_type = Option<String>)]
    pub latest: Option<BillingDay>,
}

/// Amounts to recharge, in whole yuan rounded up: with them, nothing is likely to be withheld for
/// so long.
///
/// A recharge pays what is owed first, so each contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cover {
    /// What is owed and not being collected.
    #[schema(value_type = i64)]
    pub owed_fen: Fen,
    /// For the calls of seven days, today included.
    #[schema(value_type = i64)]
    pub week_fen: Fen,
    /// For the calls up to the end of the month.
    #[schema(value_type = i64)]
    pub month_fen: Fen,
}

/// When an allowance is expected to be used up, and what calls cost then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllowanceEnd {
    /// The first day of the segment that gives it.
    #[schema(value_type = String)]
    pub segment: BillingDay,
    /// The rate; none for the allowance of all rates together.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// The days on which it may be used up.
    pub expected: ExpectedDay,
    /// What 10,000 calls of the rate cost after the likely day.
    #[schema(value_type = Option<String>)]
    pub after_yuan: Option<Yuan>,
}

/// Why a month cannot be forecast.
#[derive(Debug, Error)]
pub enum ForecastError {
    /// The terms are not known.
    #[error("cannot tell by which terms the month is charged")]
    Terms(#[source] SettlementError),
    /// The expected usage cannot be charged.
    #[error("cannot charge what is expected")]
    Charge(#[from] ChargeError),
    /// The statements contradict each other, or more is expected than can be counted.
    #[error("cannot sum the usage")]
    Usage(#[from] UsageError),
    /// An amount leaves its range.
    #[error("cannot sum the amounts")]
    Money(#[from] MoneyError),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
}

/// Which of the days of a weekday is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Low,
    Likely,
    High,
}

impl Forecast {
    /// The forecast of the month of `records`, given its statements and those of the last four
    /// weeks, and what the night would charge now; `coming` is none where that cannot be read. None
    /// when fewer than [`FORECAST_DAYS_MIN`] days are settled.
    ///
    /// # Errors
    ///
    /// [`ForecastError`] when the terms, the usage or the amounts of a day that is left cannot be
    /// had.
    pub fn of(
        records: &Records<'_>,
        statements: &[Statement],
        coming: Option<&[Statement]>,
    ) -> Result<Option<Forecast>, ForecastError> {
        let Some(history) = History::of(records, statements, coming)? else { return Ok(None) };
        Ahead::of(records, history, coming)?.forecast(records, statements, coming).map(Some)
    }
}

/// The usage that was charged from one day through another. A day without usage is not among
/// `days`.
struct History {
    from: BillingDay,
    through: BillingDay,
    days: CountedDays,
}

impl History {
    fn of(
        records: &Records<'_>,
        statements: &[Statement],
        coming: Option<&[Statement]>,
    ) -> Result<Option<History>, ForecastError> {
        let today = records.today()?;
        let first = statements.iter().map(|statement| statement.statement.day).min();
        let through = records.settled_through(coming)?;
        let Some((first, through)) = first.zip(through) else { return Ok(None) };
        let from = first.max(days_before(today, FORECAST_DAYS_MAX));
        if from.days_until(through.next()) < FORECAST_DAYS_MIN {
            return Ok(None);
        }
        Ok(Some(History { from, through, days: charged_between(statements, from, through)? }))
    }
}

/// The day so many days earlier.
pub(crate) fn days_before(day: BillingDay, days: i32) -> BillingDay {
    (0..days).fold(day, |day, _| day.previous())
}

/// What is new in a month by statements that the night would make.
#[derive(Default)]
struct Counted {
    own: CountedDays,
    late: CountedDays,
    void: CountedDays,
}

impl Counted {
    /// What the statements of one month charge.
    fn of(coming: &[Statement], month: BillingMonth) -> Result<Counted, UsageError> {
        let mut counted = Counted::default();
        for statement in coming.iter().filter(|s| s.statement.day.month() == month) {
            let own = statement.apis_because(LineCause::Usage)?;
            if !own.is_empty() {
                let of_day = counted.own.entry(statement.statement.day).or_default();
                *of_day = of_day.plus(&own)?;
            }
            for changed in &statement.changed_days {
                let late = counted.late.entry(changed.day).or_default();
                *late = late.plus(&changed.late)?;
                let void = counted.void.entry(changed.day).or_default();
                *void = void.plus(&changed.void)?;
            }
        }
        Ok(counted)
    }

    fn condensed(&self, condenser: &mut Condenser<'_>) -> Result<Counted, UsageError> {
        let mut all = |days: &CountedDays| {
            let condensed = |(day, usage): (&BillingDay, &Usage)| {
                Ok::<_, UsageError>((*day, condenser.condense(usage)?))
            };
            days.iter().map(condensed).collect::<Result<CountedDays, _>>()
        };
        Ok(Counted { own: all(&self.own)?, late: all(&self.late)?, void: all(&self.void)? })
    }
}

/// A month with what was charged of it, and what is counted since.
pub(crate) struct SoFar<'a> {
    pub(crate) segments: Vec<Segment<'a>>,
    pub(crate) to_date: MonthToDate,
    /// The lines by which the next bill corrects settled days whose terms changed afterwards.
    pub(crate) moved: Vec<Line>,
}

impl<'a> SoFar<'a> {
    /// The month of `records` as it stands with what the night would charge now.
    pub(crate) fn of(
        records: &Records<'a>,
        coming: &[Statement],
    ) -> Result<SoFar<'a>, ForecastError> {
        let today = records.today()?;
        let (segments, to_date) = month_of(records, today.month())?;
        let counted = Counted::of(coming, today.month())?;
        let usage = MonthUsage { day: Some(today), ..usage_of(&counted) };
        let charged = charge(&segments, &to_date, &usage)?;
        let mut moved = charged.lines;
        moved.retain(|line| line.because == LineCause::Terms);
        Ok(SoFar { segments, to_date: charged.month, moved })
    }
}

fn usage_of(counted: &Counted) -> MonthUsage<'_> {
    MonthUsage {
        late: counted.late.iter().map(|(day, usage)| (*day, usage)).collect(),
        void: counted.void.iter().map(|(day, usage)| (*day, usage)).collect(),
        own: counted.own.iter().map(|(day, usage)| (*day, usage)).collect(),
        ..MonthUsage::default()
    }
}

fn month_of<'a>(
    records: &Records<'a>,
    month: BillingMonth,
) -> Result<(Vec<Segment<'a>>, MonthToDate), ForecastError> {
    let Records { provider, account, plans, .. } = *records;
    let segments = month_segments(provider, account, month, plans).map_err(ForecastError::Terms)?;
    let charged = account.months.get(&month).map(|progress| progress.to_date.clone());
    Ok((segments, charged.unwrap_or_default()))
}

/// One month of the days ahead.
struct MonthAhead<'a> {
    month: BillingMonth,
    segments: Vec<Segment<'a>>,
    to_date: MonthToDate,
    counted: Counted,
}

/// The days ahead: what is known of them, and what days of the week had.
struct Ahead<'a> {
    today: BillingDay,
    from: BillingDay,
    through: BillingDay,
    settled_days: u64,
    months: Vec<MonthAhead<'a>>,
    /// The usage of the history by day of the week: the fewest calls first, condensed.
    weekdays: BTreeMap<i8, Vec<Usage>>,
    /// What the coming night charges beside the usage of the months ahead.
    fixed_fen: Fen,
    is_counted: bool,
}

impl<'a> Ahead<'a> {
    fn of(
        records: &Records<'a>,
        history: History,
        coming: Option<&[Statement]>,
    ) -> Result<Ahead<'a>, ForecastError> {
        let today = records.today()?;
        let from = history.through.next();
        let in_a_week = (0..6).fold(today, |day, _| day.next());
        let through = today.month().last_day().max(in_a_week);
        let coming_statements = coming.unwrap_or_default();
        let mut months = Vec::new();
        let mut month = from.month();
        while month <= through.month() {
            let (segments, to_date) = month_of(records, month)?;
            let counted = Counted::of(coming_statements, month)?;
            months.push(MonthAhead { month, segments, to_date, counted });
            month = month.next();
        }
        let (settled_days, weekdays) = {
            let segments = months.iter().flat_map(|month| &month.segments);
            let mut condenser = Condenser::new(segments);
            let counted = months.iter().map(|month| month.counted.condensed(&mut condenser));
            let counted = counted.collect::<Result<Vec<_>, _>>()?;
            let weekdays = weekdays_of(&history, &mut condenser)?;
            for (month, counted) in months.iter_mut().zip(counted) {
                month.counted = counted;
            }
            (history.from.days_until(from), weekdays)
        };
        let fixed_fen = fixed(coming_statements, from.month())?;
        let is_counted = coming.is_some();
        Ok(Ahead { today, from, through, settled_days, months, weekdays, fixed_fen, is_counted })
    }

    fn forecast(
        &self,
        records: &Records<'_>,
        statements: &[Statement],
        coming: Option<&[Statement]>,
    ) -> Result<Forecast, ForecastError> {
        let cases = Cases {
            low: self.walk(Case::Low)?,
            likely: self.walk(Case::Likely)?,
            high: self.walk(Case::High)?,
        };
        let month = self.today.month();
        let made = statements.iter().chain(coming.unwrap_or_default());
        let made = made.filter(|s| s.statement.day.month() == month).collect::<Vec<_>>();
        let adjustments = Fen::sum(made.iter().map(|s| s.charge_fen))?
            .minus(Fen::sum(made.iter().map(|s| s.usage_fen()).collect::<Result<Vec<_>, _>>()?)?)?;
        let (prepaid, owed_fen) =
            (records.account.figures.prepaid(), records.account.figures.unreserved()?);
        let week = (0..6).fold(self.today, |day, _| day.next());
        let cover = |through| cases.likely.cover(owed_fen, prepaid, through);
        Ok(Forecast {
            month,
            settled_days: self.settled_days,
            so_far_fen: Fen::sum(made.iter().map(|s| s.charge_fen))?,
            month_total: cases.range(|walk| walk.month_fen.plus(adjustments))?,
            tomorrow: cases.range(|walk| {
                Ok(walk.charged_through(self.today)?.minus(prepaid)?.max(Fen::ZERO))
            })?,
            prepaid_ends: cases.day(|walk| walk.used_up(prepaid))?,
            cover: Cover { owed_fen, week_fen: cover(week)?, month_fen: cover(month.last_day())? },
            allowances: self.allowances(&cases)?,
        })
    }

    fn allowances(&self, cases: &Cases) -> Result<Vec<AllowanceEnd>, ForecastError> {
        let mut ends = Vec::new();
        for (key, _) in cases.high.ends.iter().chain(&cases.low.ends) {
            let day = |walk: &Walk| Ok(walk.ends.get(key).map(|end| end.day));
            let is_new =
                ends.iter().all(|end: &AllowanceEnd| (end.segment, &end.rate) != (key.0, &key.1));
            if let Some(expected) = cases.day(day)?.filter(|_| is_new) {
                let (segment, rate) = key.clone();
                let after_yuan = cases.likely.ends.get(key).and_then(|end| end.after_yuan);
                ends.push(AllowanceEnd { segment, rate, expected, after_yuan });
            }
        }
        Ok(ends)
    }

    /// Charges every night of the days ahead.
    fn walk(&self, case: Case) -> Result<Walk, ForecastError> {
        let mut walk = Walk::default();
        for month in &self.months {
            let mut to_date = month.to_date.clone();
            let first = self.from.max(month.month.first_day());
            let last = self.through.min(month.month.last_day());
            let days = std::iter::successors(Some(first), |day| Some(day.next()));
            for day in days.take_while(|day| *day <= last) {
                let own = self.usage_on(day, month, case)?;
                let mut usage =
                    if day == first { usage_of(&month.counted) } else { MonthUsage::default() };
                usage.own = if own.is_empty() { Vec::new() } else { vec![(day, &own)] };
                (usage.day, usage.closing) = (Some(day), day == month.month.last_day());
                let charged = charge(&month.segments, &to_date, &usage)?;
                let fixed = if day == self.from { self.fixed_fen } else { Fen::ZERO };
                walk.nights.push((day, charged.charge_fen.plus(fixed)?));
                if month.month == self.today.month() {
                    walk.note_ends(month, &to_date, &charged.month, day, case)?;
                }
                to_date = charged.month;
            }
            if month.month == self.today.month() {
                walk.month_fen = to_date.charged_fen;
            }
        }
        Ok(walk)
    }

    /// The expected usage of a day. Counted usage of it stays; of a day that is over nothing is
    /// added.
    fn usage_on(
        &self,
        day: BillingDay,
        month: &MonthAhead<'_>,
        case: Case,
    ) -> Result<Usage, UsageError> {
        let has_terms = month.segments.iter().any(|segment| segment.holds(day));
        let counted = month.counted.own.get(&day).cloned().unwrap_or_default();
        if !has_terms || (self.is_counted && day < self.today) {
            return Ok(counted);
        }
        let weekday = self.weekdays.get(&day.date().weekday().to_monday_zero_offset());
        match weekday.and_then(|days| case.of(days)) {
            Some(typical) => counted.plus(&typical.above(&counted)),
            None => Ok(counted),
        }
    }
}

/// What the coming night charges beside the usage of the months from one on: adjustments, and what
/// came late for a month before.
fn fixed(coming: &[Statement], from: BillingMonth) -> Result<Fen, MoneyError> {
    let of = |statement: &Statement| match statement.statement.day.month() < from {
        true => Ok(statement.charge_fen),
        false => statement.charge_fen.minus(statement.usage_fen()?),
    };
    Fen::sum(coming.iter().map(of).collect::<Result<Vec<_>, _>>()?)
}

fn weekdays_of(
    history: &History,
    condenser: &mut Condenser<'_>,
) -> Result<BTreeMap<i8, Vec<Usage>>, UsageError> {
    let none = Usage::new();
    let days = std::iter::successors(Some(history.from), |day| Some(day.next()));
    let mut weekdays = BTreeMap::<i8, Vec<(Metered, Usage)>>::new();
    for day in days.take_while(|day| *day <= history.through) {
        let condensed = condenser.condense(history.days.get(&day).unwrap_or(&none))?;
        let weekday = day.date().weekday().to_monday_zero_offset();
        weekdays.entry(weekday).or_default().push((condensed.total()?, condensed));
    }
    let sorted = |mut of_weekday: Vec<(Metered, Usage)>| {
        // Stable: of equals the earlier day stays first.
        of_weekday.sort_by_key(|(total, _)| total.calls);
        of_weekday.into_iter().map(|(_, usage)| usage).collect()
    };
    Ok(weekdays.into_iter().map(|(weekday, days)| (weekday, sorted(days))).collect())
}

impl Case {
    fn of(self, days: &[Usage]) -> Option<&Usage> {
        match self {
            Case::Low => days.first(),
            Case::Likely => days.get(days.len() / 2),
            Case::High => days.last(),
        }
    }
}

/// The charges of one case.
#[derive(Default)]
struct Walk {
    nights: Vec<(BillingDay, Fen)>,
    /// The charge of the view's month, without adjustments.
    month_fen: Fen,
    ends: BTreeMap<(BillingDay, Option<Name>), End>,
}

/// The end of an allowance.
struct End {
    day: BillingDay,
    after_yuan: Option<Yuan>,
}

impl Walk {
    fn charged_through(&self, through: BillingDay) -> Result<Fen, MoneyError> {
        Fen::sum(self.nights.iter().filter(|(day, _)| *day <= through).map(|(_, fen)| *fen))
    }

    /// The day whose charge is more than is left of an amount.
    fn used_up(&self, prepaid: Fen) -> Result<Option<BillingDay>, MoneyError> {
        let mut left = prepaid;
        if !left.is_positive() {
            return Ok(None);
        }
        for (day, fen) in &self.nights {
            left = left.minus(*fen)?;
            if left.is_negative() {
                return Ok(Some(*day));
            }
        }
        Ok(None)
    }

    fn cover(&self, owed: Fen, prepaid: Fen, through: BillingDay) -> Result<Fen, MoneyError> {
        whole_yuan_up(owed.plus(self.charged_through(through)?)?.minus(prepaid)?)
    }

    /// Notes the allowances that a day used up.
    fn note_ends(
        &mut self,
        month: &MonthAhead<'_>,
        before: &MonthToDate,
        after: &MonthToDate,
        day: BillingDay,
        case: Case,
    ) -> Result<(), ForecastError> {
        let of_day = month.segments.iter().filter(|segment| segment.holds(day));
        for segment in of_day {
            for (rate, free) in segment.allowances() {
                let is_used_up = |to_date: &MonthToDate| to_date.free_used(segment, rate) >= free;
                if !is_used_up(after) || is_used_up(before) {
                    continue;
                }
                let after_yuan = match rate.filter(|_| case == Case::Likely) {
                    Some(rate) => {
                        let more = Metered::calls(NEXT_CALLS);
                        let progress = Progress::on(day, &month.segments, after)?;
                        progress.map(|it| it.price_of_next(rate, day, more)).transpose()?
                    }
                    None => None,
                };
                let key = (segment.from(), rate.cloned());
                self.ends.entry(key).or_insert(End { day, after_yuan });
            }
        }
        Ok(())
    }
}

/// An amount rounded up to whole yuan; nothing for one that is not positive.
fn whole_yuan_up(amount: Fen) -> Result<Fen, MoneyError> {
    let yuan = Yuan::from(amount.max(Fen::ZERO)).decimal();
    Yuan::new(yuan.round_dp_with_strategy(0, RoundingStrategy::ToPositiveInfinity)).to_fen_floor()
}

/// The three cases.
struct Cases {
    low: Walk,
    likely: Walk,
    high: Walk,
}

impl Cases {
    fn range(&self, of: impl Fn(&Walk) -> Result<Fen, MoneyError>) -> Result<FenRange, MoneyError> {
        let (low, likely_fen, high) = (of(&self.low)?, of(&self.likely)?, of(&self.high)?);
        Ok(FenRange {
            low_fen: low.min(likely_fen).min(high),
            likely_fen,
            high_fen: low.max(likely_fen).max(high),
        })
    }

    fn day(
        &self,
        of: impl Fn(&Walk) -> Result<Option<BillingDay>, MoneyError>,
    ) -> Result<Option<ExpectedDay>, MoneyError> {
        let days = [of(&self.low)?, of(&self.likely)?, of(&self.high)?];
        let earliest = days.iter().flatten().min();
        let latest = days.iter().all(Option::is_some).then(|| days.iter().flatten().max());
        let [_, likely, _] = days;
        Ok(earliest.map(|earliest| ExpectedDay {
            earliest: *earliest,
            likely,
            latest: latest.flatten().copied(),
        }))
    }
}
