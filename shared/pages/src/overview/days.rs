//! The month's charges by day.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use steelyard_billing::{Statement, StatementCalls, StatementId};
use steelyard_pricing::{BillingDay, Calls, Fen, LineCause, MoneyError, Name};
use utoipa::ToSchema;

use super::{Allowance, OverviewError, Parts, net_calls};

/// How many rates have a series of their own.
///
/// Two rates can be told apart by two shades of one colour at every width and in print; a third
/// shade could not. So the two rates with the largest charges of the month are shown each, and the
/// others together with what is of no rate: minimums, discounts of the plan, adjustments.
const SERIES_MAX: usize = 2;

/// The charges of the month's bills, and of the bill that the night would make now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ByDay {
    /// The rates that have a series: the two with the largest charges, the larger first.
    #[schema(value_type = Vec<String>)]
    pub series: Vec<Name>,
    /// Whether anything is charged beside the series.
    pub has_other: bool,
    /// The bills, the oldest first; those that the night would make last.
    pub rows: Vec<DayRow>,
    /// What the settled bills charge together.
    pub total: DayTotal,
    /// Where allowances ended, or are expected to end.
    pub marks: Vec<Mark>,
}

/// A bill in the chart and its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayRow {
    /// The day and supplement of the bill.
    #[schema(value_type = String)]
    pub bill: StatementId,
    /// Whether the night would make it now: an estimate.
    pub is_estimate: bool,
    /// The calls that it charges.
    #[schema(value_type = u64)]
    pub calls: Calls,
    /// The calls that it credits.
    #[schema(value_type = u64)]
    pub withdrawn: Calls,
    /// The charges of the series, in their order.
    #[schema(value_type = Vec<i64>)]
    pub series_fen: Vec<Fen>,
    /// The charge beside the series.
    #[schema(value_type = i64)]
    pub other_fen: Fen,
    /// The charge of the bill.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// The days settled before to which a part of it belongs.
    #[schema(value_type = Vec<String>)]
    pub for_days: Vec<BillingDay>,
    /// What of the charge is for those days.
    #[schema(value_type = i64)]
    pub for_days_fen: Fen,
}

/// What settled bills charge together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayTotal {
    /// The calls, less those that were credited.
    #[schema(value_type = u64)]
    pub calls: Calls,
    /// By the series, in their order.
    #[schema(value_type = Vec<i64>)]
    pub series_fen: Vec<Fen>,
    /// The charges outside the series, such as notes.
    #[schema(value_type = i64)]
    pub other_fen: Fen,
    /// The sum of the charges.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
}

/// Where an allowance ended, or is expected to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mark {
    /// The day under which it is drawn.
    #[schema(value_type = String)]
    pub day: BillingDay,
    /// The rate; none for the allowance of all rates together.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// Whether it is expected.
    pub is_expected: bool,
}

impl Parts<'_> {
    pub(super) fn by_day(&self, allowances: &[Allowance]) -> Result<ByDay, OverviewError> {
        let settled = self.of_month().collect::<Vec<_>>();
        let coming = self.coming_of_month().collect::<Vec<_>>();
        let series = largest(settled.iter().chain(&coming).copied())?;
        let mut rows = Vec::new();
        for (bill, is_estimate) in
            settled.iter().map(|s| (s, false)).chain(coming.iter().map(|s| (s, true)))
        {
            rows.push(row(bill, is_estimate, &series)?);
        }
        let total = total(&rows, &series, net_calls(settled.iter().copied())?)?;
        let has_other = rows.iter().any(|row| !row.other_fen.is_zero());
        Ok(ByDay { series, has_other, rows, total, marks: marks(allowances) })
    }
}

/// The rates with the largest charges, as far as they have any.
fn largest<'a>(bills: impl Iterator<Item = &'a Statement>) -> Result<Vec<Name>, MoneyError> {
    let mut sums = BTreeMap::<&Name, Fen>::new();
    for line in bills.flat_map(|bill| &bill.lines) {
        if let Some(rate) = &line.rate {
            let sum = sums.entry(rate).or_default();
            *sum = sum.plus(line.charge_fen)?;
        }
    }
    let mut sums = sums.into_iter().filter(|(_, fen)| fen.is_positive()).collect::<Vec<_>>();
    sums.sort_by_key(|(_, fen)| Reverse(*fen));
    Ok(sums.into_iter().take(SERIES_MAX).map(|(rate, _)| rate.clone()).collect())
}

fn row(bill: &Statement, is_estimate: bool, series: &[Name]) -> Result<DayRow, OverviewError> {
    let StatementCalls { charged: calls, withdrawn } = bill.calls()?;
    let of_rate = |rate: &Name| {
        let lines = bill.lines.iter().filter(|line| line.rate.as_ref() == Some(rate));
        Fen::sum(lines.map(|line| line.charge_fen))
    };
    let series_fen = series.iter().map(of_rate).collect::<Result<Vec<_>, _>>()?;
    let changed = bill.lines.iter().filter(|line| match line.because {
        LineCause::Late | LineCause::Void => true,
        LineCause::Usage
        | LineCause::Terms
        | LineCause::Shifted
        | LineCause::Minimum
        | LineCause::Concession
        | LineCause::Tax => false,
    });
    Ok(DayRow {
        bill: bill.statement,
        is_estimate,
        calls,
        withdrawn,
        other_fen: bill.charge_fen.minus(Fen::sum(series_fen.iter().copied())?)?,
        series_fen,
        charge_fen: bill.charge_fen,
        for_days: bill.changed_days.iter().map(|changed| changed.day).collect(),
        for_days_fen: Fen::sum(changed.map(|line| line.charge_fen))?,
    })
}

fn total(rows: &[DayRow], series: &[Name], calls: Calls) -> Result<DayTotal, MoneyError> {
    let settled = || rows.iter().filter(|row| !row.is_estimate);
    let of_series =
        |place: usize| Fen::sum(settled().filter_map(|row| row.series_fen.get(place)).copied());
    Ok(DayTotal {
        calls,
        series_fen: (0..series.len()).map(of_series).collect::<Result<_, _>>()?,
        other_fen: Fen::sum(settled().map(|row| row.other_fen))?,
        charge_fen: Fen::sum(settled().map(|row| row.charge_fen))?,
    })
}

fn marks(allowances: &[Allowance]) -> Vec<Mark> {
    let mark = |allowance: &Allowance| {
        let expected = || allowance.expected.and_then(|expected| expected.likely);
        let day = allowance.used_up_on.or_else(expected)?;
        let is_expected = allowance.used_up_on.is_none();
        Some(Mark { day, rate: allowance.rate.clone(), is_expected })
    };
    let mut marks = allowances.iter().filter_map(mark).collect::<Vec<_>>();
    marks.sort_by_key(|mark| mark.day);
    marks
}
