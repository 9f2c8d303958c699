//! The expected charge of a month, from the usage of the same days of the week, rated as a bill
//! is.
//!
//! This file has what a forecast says, and the days that it is made of.

mod ahead;
mod cases;
mod so_far;

use serde::Serialize;
use steelyard_billing::{CalendarError, CountedDays, SettlementError, Statement, charged_between};
use steelyard_pricing::{
    BillingDay, BillingMonth, ChargeError, Fen, MoneyError, Name, UsageError, Yuan,
};
use thiserror::Error;
use utoipa::ToSchema;

pub(crate) use so_far::SoFar;

use self::ahead::Ahead;
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
