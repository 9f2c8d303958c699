//! A statement's lines add up to its charge, and a month's statements to the price of its calls.

use std::collections::BTreeMap;

use steelyard_pricing::{
    ApiCount, BillingMonth, Calls, Catalog, Line, MoneyError, MonthToDate, Plan, Slice, Yuan,
    rate_month,
};

use super::{Books, Breach, Findings};
use crate::{Statement, StatementId};

pub(super) fn audit(books: &Books, plans: &Catalog, found: &mut Findings) -> Result<(), Breach> {
    for statements in by_month(&books.statements).values() {
        check_plans(statements, found);
        let mut to_date = MonthToDate::default();
        for statement in statements {
            check_lines(statement, found)?;
            check_chain(statement, &to_date, found)?;
            to_date = after(&to_date, statement)?;
            check_price(statement, plan_of(statement, plans), &to_date, found)?;
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

/// What the statements of a month come to.
pub(super) fn to_date(statements: &[&Statement]) -> Result<MonthToDate, Breach> {
    statements.iter().try_fold(MonthToDate::default(), |before, next| after(&before, next))
}

/// Every count of a statement, late ones first.
fn counts(statement: &Statement) -> impl Iterator<Item = &ApiCount> {
    statement.lines.iter().flat_map(|line| &line.apis).chain(&statement.unpriced)
}

/// The month after one more statement.
fn after(before: &MonthToDate, statement: &Statement) -> Result<MonthToDate, Breach> {
    let mut rated = before.rated.clone();
    for count in counts(statement) {
        rated.add(count.api.clone(), count.new_calls())?;
    }
    Ok(MonthToDate { rated, charged_fen: before.charged_fen.plus(statement.charge_fen)? })
}

/// The plan and version that a statement names, as a text.
pub(super) fn plan_name(statement: &Statement) -> String {
    format!("plan {} of {}", statement.plan, statement.plan_version)
}

fn check_plans(statements: &[&Statement], found: &mut Findings) {
    let Some((first, others)) = statements.split_first() else { return };
    for statement in others {
        let (first, plan) = (plan_name(first), plan_name(statement));
        let holds = plan == first;
        found.check(holds, || Breach::PlanMixed { statement: statement.statement, plan, first });
    }
}

fn check_lines(statement: &Statement, found: &mut Findings) -> Result<(), Breach> {
    let (lines, charge) = (statement.lines_fen()?, statement.charge_fen);
    let statement_id = statement.statement;
    found.check(lines == charge, || Breach::Lines { statement: statement_id, lines, charge });
    for line in &statement.lines {
        let follows = follows_from_slices(line)?;
        found
            .check(follows, || Breach::Slices { statement: statement_id, rate: line.rate.clone() });
        check_line_calls(statement_id, line, found)?;
    }
    Ok(())
}

fn follows_from_slices(line: &Line) -> Result<bool, MoneyError> {
    for slice in &line.slices {
        if amount_of(slice)? != slice.amount {
            return Ok(false);
        }
    }
    let exact = Yuan::sum(line.slices.iter().map(|slice| slice.amount))?;
    let rounded = line.exact_yuan.plus(line.rounding_yuan)?;
    Ok(exact == line.exact_yuan && rounded == line.charge_fen.into())
}

fn amount_of(slice: &Slice) -> Result<Yuan, MoneyError> {
    slice.unit_price.times(slice.to - slice.from)?.plus(slice.flat_fee)
}

fn check_line_calls(
    statement: StatementId,
    line: &Line,
    found: &mut Findings,
) -> Result<(), Breach> {
    let (before, after) = (line.calls_before, line.calls_after);
    let gained =
        line.apis.iter().try_fold(Calls::ZERO, |sum, count| sum.plus(count.new_calls()))?;
    let holds = before.plus(gained)? == after;
    found.check(holds, || Breach::LineCalls {
        statement,
        rate: line.rate.clone(),
        before,
        after,
        gained,
    });
    Ok(())
}

/// A statement goes on where the ones before it ended.
fn check_chain(
    statement: &Statement,
    to_date: &MonthToDate,
    found: &mut Findings,
) -> Result<(), Breach> {
    let (stated, actual) = (statement.charged_before_fen, to_date.charged_fen);
    let statement_id = statement.statement;
    found.check(stated == actual, || Breach::ChargedBefore {
        statement: statement_id,
        stated,
        actual,
    });
    let mut rated = to_date.rated.clone();
    for ApiCount { api, before, after } in counts(statement) {
        let actual = rated.of(api);
        found.check(*before == actual && before <= after, || Breach::Counts {
            statement: statement_id,
            api: api.clone(),
            before: *before,
            after: *after,
            actual,
        });
        rated.add(api.clone(), after.above(*before))?;
    }
    Ok(())
}

/// The charge is the rounded price of the calls up to this statement, less what was charged before.
fn check_price(
    statement: &Statement,
    plan: Option<&Plan>,
    to_date: &MonthToDate,
    found: &mut Findings,
) -> Result<(), Breach> {
    let (statement_id, charge) = (statement.statement, statement.charge_fen);
    let due = statement.rated_yuan.to_fen_half_up()?.minus(statement.charged_before_fen)?;
    found.check(charge == due, || Breach::Charge { statement: statement_id, charge, due });
    let Some(plan) = plan else {
        found.check(false, || Breach::PlanGone {
            statement: statement_id,
            plan: statement.plan.clone(),
            version: statement.plan_version,
        });
        return Ok(());
    };
    let (stated, rated) = (statement.rated_yuan, rate_month(plan, &to_date.rated)?);
    found.check(stated == rated, || Breach::Rated { statement: statement_id, stated, rated });
    Ok(())
}

fn plan_of<'a>(statement: &Statement, plans: &'a Catalog) -> Option<&'a Plan> {
    plans
        .in_force(&statement.plan, statement.plan_version)
        .filter(|plan| plan.effective_from() == statement.plan_version)
}
