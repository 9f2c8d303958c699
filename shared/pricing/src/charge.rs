//! A day's charge: the rounded month to date less what was charged, with lines that explain it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::{Name, Plan, Rate};
use crate::{ApiName, Calls, Fen, MoneyError, Slice, Usage, UsageError, Yuan};

/// Where a provider stands in a billing month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthToDate {
    /// The calls that have been rated.
    pub rated: Usage,
    /// What has been charged for them.
    pub charged_fen: Fen,
}

/// What one settlement charges.
///
/// The lines' charges sum to `charge_fen`, and `charge_fen` is the rounded `rated_yuan` less what
/// was charged in the month before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCharge {
    /// What is charged; negative for a credit.
    pub charge_fen: Fen,
    /// The exact price of the month to date, new calls included.
    pub rated_yuan: Yuan,
    /// How the charge comes about.
    pub lines: Vec<Line>,
    /// New calls that no rate of the plan covers.
    pub unpriced: Vec<ApiCount>,
    /// The month after this charge.
    pub month: MonthToDate,
}

/// What the new calls under one rate cost.
///
/// `Σ slices = exact_yuan`, and `exact_yuan + rounding_yuan = charge_fen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The rate.
    pub rate: Name,
    /// Whether the calls were made on days that had been settled before they were reported.
    #[serde(default, skip_serializing_if = "is_false")]
    pub late: bool,
    /// The APIs that were called, with their counts in the month.
    pub apis: Vec<ApiCount>,
    /// All calls under the rate in the month before these.
    pub calls_before: Calls,
    /// All calls under the rate in the month with these.
    pub calls_after: Calls,
    /// The calls that the rate lets pass free in the month.
    pub free_per_month: Calls,
    /// The priced units, cut at each price; empty while the allowance lasts.
    ///
    /// Units are counted from the first call beyond the allowance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// The exact price of the new calls.
    pub exact_yuan: Yuan,
    /// The line's share of rounding the month to whole fen.
    pub rounding_yuan: Yuan,
    /// What is charged for the line.
    pub charge_fen: Fen,
}

/// One API's calls in the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiCount {
    /// The API.
    pub api: ApiName,
    /// Its calls in the month before these.
    pub before: Calls,
    /// Its calls in the month with these.
    pub after: Calls,
}

/// Why a charge could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChargeError {
    /// Counts could not be added.
    #[error("cannot count the month's calls")]
    Count(#[from] UsageError),
    /// An amount left the range of exact arithmetic.
    #[error("cannot compute the month's price")]
    Money(#[from] MoneyError),
    /// The month to date has another price than was charged for it, and no line says why.
    ///
    /// It means that the plan was changed under a month that had been charged.
    #[error("{0} yuan of the charge have no usage behind them")]
    Unexplained(Fen),
}

impl Line {
    /// The allowance used in the month before these calls.
    #[must_use]
    pub fn allowance_before(&self) -> Calls {
        self.calls_before.min(self.free_per_month)
    }

    /// The allowance used in the month with these calls.
    #[must_use]
    pub fn allowance_after(&self) -> Calls {
        self.calls_after.min(self.free_per_month)
    }
}

impl ApiCount {
    /// The new calls.
    #[must_use]
    pub fn new_calls(&self) -> Calls {
        self.after.above(self.before)
    }
}

/// What the month's calls cost under the plan: exact, unrounded. Calls without a rate cost nothing
/// here; [`charge`] lists them.
///
/// # Errors
///
/// [`ChargeError`] when a count or an amount leaves its range.
pub fn rate_month(plan: &Plan, usage: &Usage) -> Result<Yuan, ChargeError> {
    let amounts = plan
        .rates()
        .iter()
        .map(|rate| {
            let calls = calls_of(plan, rate, usage)?;
            Ok(rate.price.cost(priced_units(rate, calls))?)
        })
        .collect::<Result<Vec<_>, ChargeError>>()?;
    Ok(Yuan::sum(amounts)?)
}

/// The charge for new calls of a month: first those that came late, on days settled before, then
/// those of the days being settled now.
///
/// # Errors
///
/// [`ChargeError`] when a count or an amount leaves its range, or when there is a difference to
/// what was charged that no new call explains.
pub fn charge(
    plan: &Plan,
    before: &MonthToDate,
    late: &Usage,
    own: &Usage,
) -> Result<DayCharge, ChargeError> {
    let with_late = before.rated.plus(late)?;
    let with_own = with_late.plus(own)?;
    let mut lines = new_lines(plan, &before.rated, &with_late, true)?;
    lines.extend(new_lines(plan, &with_late, &with_own, false)?);

    let rated_yuan = rate_month(plan, &with_own)?;
    let charged_after = rated_yuan.to_fen_half_up()?;
    let charge_fen = charged_after.minus(before.charged_fen)?;
    share_out(charge_fen, &mut lines)?;
    Ok(DayCharge {
        charge_fen,
        rated_yuan,
        lines,
        unpriced: api_counts(&before.rated, &with_own, |api| plan.rate_of(api).is_none()),
        month: MonthToDate { rated: with_own, charged_fen: charged_after },
    })
}

fn new_lines(
    plan: &Plan,
    before: &Usage,
    after: &Usage,
    late: bool,
) -> Result<Vec<Line>, ChargeError> {
    let mut lines = Vec::new();
    for rate in plan.rates() {
        let apis = api_counts(before, after, |api| covers(plan, rate, api));
        if !apis.is_empty() {
            lines.push(new_line(plan, rate, apis, before, after, late)?);
        }
    }
    Ok(lines)
}

fn new_line(
    plan: &Plan,
    rate: &Rate,
    apis: Vec<ApiCount>,
    before: &Usage,
    after: &Usage,
    late: bool,
) -> Result<Line, ChargeError> {
    let calls_before = calls_of(plan, rate, before)?;
    let calls_after = calls_of(plan, rate, after)?;
    let slices =
        rate.price.between(priced_units(rate, calls_before), priced_units(rate, calls_after))?;
    Ok(Line {
        rate: rate.rate.clone(),
        late,
        apis,
        calls_before,
        calls_after,
        free_per_month: rate.free_per_month,
        exact_yuan: Yuan::sum(slices.iter().map(|slice| slice.amount))?,
        slices,
        rounding_yuan: Yuan::ZERO,
        charge_fen: Fen::ZERO,
    })
}

/// The counts of the chosen APIs that grew.
fn api_counts(before: &Usage, after: &Usage, chosen: impl Fn(&ApiName) -> bool) -> Vec<ApiCount> {
    after
        .iter()
        .map(|(api, calls)| ApiCount { api: api.clone(), before: before.of(api), after: calls })
        .filter(|count| count.after > count.before && chosen(&count.api))
        .collect()
}

fn covers(plan: &Plan, rate: &Rate, api: &ApiName) -> bool {
    plan.rate_of(api).is_some_and(|found| found.rate == rate.rate)
}

fn calls_of(plan: &Plan, rate: &Rate, usage: &Usage) -> Result<Calls, UsageError> {
    usage
        .iter()
        .filter(|(api, _)| covers(plan, rate, api))
        .try_fold(Calls::ZERO, |sum, (_, calls)| sum.plus(calls))
}

/// The units that are priced: the calls beyond the allowance.
fn priced_units(rate: &Rate, calls: Calls) -> Decimal {
    Decimal::from(calls.above(rate.free_per_month).get())
}

/// Shares the charge out to the lines, to the fen: each gets its exact price rounded down, and the
/// lines with the largest remainders a fen more each until nothing is left.
///
/// What is left is between nothing and a fen a line, as long as the month was charged under the
/// same plan; anything else is not rounding, and is refused.
fn share_out(charge: Fen, lines: &mut [Line]) -> Result<(), ChargeError> {
    for line in lines.iter_mut() {
        line.charge_fen = line.exact_yuan.to_fen_floor()?;
    }
    let left = charge.minus(Fen::sum(lines.iter().map(|line| line.charge_fen))?)?;
    let raised = usize::try_from(left.get()).map_err(|_| ChargeError::Unexplained(left))?;
    if raised > lines.len() {
        return Err(ChargeError::Unexplained(left));
    }
    let mut by_remainder = lines.iter_mut().collect::<Vec<_>>();
    by_remainder.sort_by_key(|line| std::cmp::Reverse(remainder(line)));
    for line in by_remainder.into_iter().take(raised) {
        line.charge_fen = line.charge_fen.plus(Fen::new(1))?;
    }
    for line in lines {
        line.rounding_yuan = Yuan::from(line.charge_fen).minus(line.exact_yuan)?;
    }
    Ok(())
}

/// What rounding down took from the line.
fn remainder(line: &Line) -> Decimal {
    line.exact_yuan.decimal() - Yuan::from(line.charge_fen).decimal()
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
