//! The days ahead, each with the usage that is expected of it, charged night by night.

use std::collections::BTreeMap;

use steelyard_billing::Statement;
use steelyard_pricing::{
    BillingDay, BillingMonth, Condenser, Fen, Metered, MoneyError, MonthToDate, MonthUsage,
    Segment, Usage, UsageError, charge,
};

use super::cases::{Case, Cases, Walk};
use super::so_far::{Counted, month_of, usage_of};
use super::{AllowanceEnd, Cover, Forecast, ForecastError, History};
use crate::Records;

/// One month of the days ahead.
pub(super) struct MonthAhead<'a> {
    month: BillingMonth,
    pub(super) segments: Vec<Segment<'a>>,
    to_date: MonthToDate,
    counted: Counted,
}

/// The days ahead: what is known of them, and what days of the week had.
pub(super) struct Ahead<'a> {
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
    pub(super) fn of(
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

    pub(super) fn forecast(
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
