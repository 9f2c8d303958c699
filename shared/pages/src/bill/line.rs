//! A line of a bill: what one rate charges, with its calculation, the APIs and the reports behind
//! it.

use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_billing::Statement;
use steelyard_pricing::{
    Amount, ApiName, BillingDay, Fen, Line, LineCause, Metered, Name, Percent, Plan, Usage, Yuan,
};
use utoipa::ToSchema;

use super::calculation::Calculation;
use super::report::Report;
use super::{BillError, days_because};
use crate::records::Records;

/// A line of a bill.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BillLine {
    /// Its number on the bill, from 1; credit and debit notes refer to it.
    pub number: usize,
    /// The rate; none for what the plan adds to the sum of its rates, or takes off.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// The percentage of a tax that is added; none for other lines.
    #[schema(value_type = Option<String>)]
    pub tax: Option<Percent>,
    /// The first day of the terms by which it is rated.
    #[schema(value_type = String)]
    pub segment: BillingDay,
    /// The days of its usage.
    #[schema(value_type = Vec<String>)]
    pub days: Vec<BillingDay>,
    /// The new calls; negative where they were withdrawn.
    pub calls: i64,
    /// The amount that went through them, in yuan.
    #[schema(value_type = String)]
    pub amount: Amount,
    /// The free units of the month, or of each day.
    #[schema(value_type = String)]
    pub free: Decimal,
    /// What of it is used.
    #[schema(value_type = String)]
    pub free_used: Decimal,
    /// What of it was used before this line.
    #[schema(value_type = String)]
    pub free_used_before: Decimal,
    /// The number of the price that the last unit falls in, from 1; none before there is one.
    pub tier: Option<usize>,
    /// The discounts that were taken off.
    pub discounts: Vec<LineDiscount>,
    /// How the amount comes about.
    pub calculation: Calculation,
    /// The charge of the line; negative for a credit.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// The APIs, the most called first.
    pub apis: Vec<BilledApi>,
    /// The reports behind it.
    pub reports: Vec<LineReport>,
    /// What the reports say, less those that were withdrawn.
    pub reported_calls: i64,
}

/// A discount of a line.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LineDiscount {
    /// The name that the plan gives the discount.
    #[schema(value_type = String)]
    pub discount: Name,
    /// Its percentage; none where it takes off an amount.
    #[schema(value_type = Option<String>)]
    pub percent: Option<Percent>,
    /// The amount that it takes off a month, in yuan, or that was given of a voucher so far; none
    /// where it takes off a percentage.
    #[schema(value_type = Option<String>)]
    pub amount_yuan: Option<Yuan>,
    /// The day from which it is given, if it is a voucher: an amount that is given once, or whose
    /// rest is carried.
    #[schema(value_type = Option<String>)]
    pub since: Option<BillingDay>,
    /// The end date (exclusive), if the plan gives one.
    #[schema(value_type = Option<String>)]
    pub until: Option<BillingDay>,
}

/// The usage of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BilledApi {
    /// The name of the API, as it was reported.
    #[schema(value_type = String)]
    pub api: ApiName,
    /// The calls that were metered.
    pub calls: u64,
    /// The amount that went through them, in yuan.
    #[schema(value_type = String)]
    pub amount: Amount,
}

/// A report behind a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineReport {
    /// Its place among the reports of the bill, from 0.
    pub report: usize,
    /// The calls of the line that it reports.
    pub calls: u64,
}

/// The lines of one cause.
pub(super) fn lines(
    records: Records<'_>,
    statement: &Statement,
    because: LineCause,
    reports: &[Report],
) -> Result<Vec<BillLine>, BillError> {
    let numbered = (1_usize..).zip(&statement.lines);
    let of_cause = numbered.filter(|(_, line)| line.because == because);
    of_cause.map(|(number, line)| bill_line(records, statement, (number, line), reports)).collect()
}

/// The APIs of some usage, the most called first.
pub(super) fn apis(usage: &Usage) -> Vec<BilledApi> {
    let billed = |(api, Metered { calls, amount }): (&ApiName, Metered)| BilledApi {
        api: api.clone(),
        calls: calls.get(),
        amount,
    };
    let mut apis = usage.iter().map(billed).collect::<Vec<_>>();
    apis.sort_by(|one, other| other.calls.cmp(&one.calls).then_with(|| one.api.cmp(&other.api)));
    apis
}

fn bill_line(
    records: Records<'_>,
    statement: &Statement,
    (number, line): (usize, &Line),
    all_reports: &[Report],
) -> Result<BillLine, BillError> {
    let plan = plan_of(records, statement, line.segment);
    let Metered { calls, amount } = line.apis.total()?;
    let sign = if line.because == LineCause::Void { -1 } else { 1 };
    let calls = i64::try_from(calls.get()).map_err(|_| BillError::Calls(calls.get().into()))?;
    let span = statement.span_from(line.segment);
    let is_in = |day: &BillingDay| span.is_none_or(|span| span.from <= *day && *day < span.until);
    let days = days_because(statement, line.because).into_iter().filter(is_in).collect::<Vec<_>>();
    let (reports, reported_calls) = reports_of(statement, line, &days, all_reports)?;
    let after = &line.after;
    let earlier = after.continued.as_ref().map_or(Decimal::ZERO, |before| before.free_used);
    let tier = after.slices.len().checked_sub(1).map(|_| after.slices.len());
    Ok(BillLine {
        number,
        rate: line.rate.clone(),
        tax: line.tax,
        segment: line.segment,
        days,
        calls: calls * sign,
        amount,
        free: after.free,
        free_used: earlier + after.free_used,
        free_used_before: earlier + line.before.free_used,
        tier,
        discounts: discounts(line, plan),
        calculation: Calculation::of_line(statement, line)?,
        charge_fen: line.charge_fen,
        apis: apis(&line.apis),
        reports,
        reported_calls,
    })
}

/// The plan by which a segment was rated, without its overrides; none if it is no longer stored.
fn plan_of<'a>(
    records: Records<'a>,
    statement: &Statement,
    segment: BillingDay,
) -> Option<&'a Plan> {
    let span = statement.span_from(segment)?;
    records.plans.version(&span.terms.plan, span.terms.version)
}

fn discounts(line: &Line, plan: Option<&Plan>) -> Vec<LineDiscount> {
    let until = |name: &Name| {
        let document = plan?.document();
        let rate = document.rates.iter().find(|rate| Some(&rate.rate) == line.rate.as_ref());
        let listed = rate.map_or(&document.discounts, |rate| &rate.discounts);
        listed.iter().find(|discount| discount.discount == *name)?.until
    };
    let taken = line.after.discounts.iter().map(|taken| LineDiscount {
        discount: taken.discount.clone(),
        percent: taken.amount.is_none().then_some(taken.percent),
        amount_yuan: taken.amount.as_ref().map(|amount| amount.yuan),
        since: taken.amount.as_ref().and_then(|amount| amount.since),
        until: until(&taken.discount),
    });
    taken.collect()
}

/// The reports that have a part in a line, with the calls of it.
fn reports_of(
    statement: &Statement,
    line: &Line,
    days: &[BillingDay],
    reports: &[Report],
) -> Result<(Vec<LineReport>, i64), BillError> {
    let is_gone = |report: &Report| {
        report.withdrawn.as_ref().is_some_and(|gone| gone.at_s <= statement.settled_at_s)
    };
    let mut behind = Vec::new();
    for (place, report) in reports.iter().enumerate() {
        let counts = is_gone(report) == (line.because == LineCause::Void);
        if !counts || !days.contains(&report.day) {
            continue;
        }
        let calls = |api: &ApiName| report.metered.of(api).calls.get();
        let calls = line.apis.iter().map(|(api, _)| calls(api)).sum::<u64>();
        if calls > 0 {
            behind.push(LineReport { report: place, calls });
        }
    }
    let sign = if line.because == LineCause::Void { -1 } else { 1 };
    let sum = behind.iter().map(|report| i128::from(report.calls)).sum::<i128>() * sign;
    let sum = i64::try_from(sum).map_err(|_| BillError::Calls(sum))?;
    Ok((behind, sum))
}
