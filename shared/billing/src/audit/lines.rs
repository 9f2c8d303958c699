//! A statement's lines add up to its charge, and each can be recomputed from what it says.

use steelyard_pricing::{Discounted, Limit, Line, Metered, MoneyError, Rated, Slice, Yuan};

use super::{Breach, Findings};
use crate::Statement;

pub(super) fn check(statement: &Statement, found: &mut Findings) -> Result<(), Breach> {
    let (lines, charge) = (statement.lines_fen()?, statement.charge_fen);
    let statement_id = statement.statement;
    found.check(lines == charge, || Breach::Lines { statement: statement_id, lines, charge });
    for line in &statement.lines {
        let follows = follows_from_explanation(line)?;
        found.check(follows, || Breach::Explanation { statement: statement_id, line: name(line) });
        check_usage(statement, line, found)?;
    }
    Ok(())
}

/// What a line is called: by its rate, or as the plan's.
pub(super) fn name(line: &Line) -> String {
    line.rate.as_ref().map_or("the plan".to_owned(), |rate| format!("`{rate}`"))
}

fn follows_from_explanation(line: &Line) -> Result<bool, MoneyError> {
    let exact = line.after_yuan()?.minus(line.before.yuan)?;
    let rounded = line.exact_yuan.plus(line.rounding_yuan)?;
    let is_sum = line.rate.is_none() || sums_to_base(&line.after)?;
    Ok(is_sum
        && takes_off(&line.after)?
        && due(&line.after)? == line.after.due_yuan
        && exact == line.exact_yuan
        && rounded == line.charge_fen.into())
}

fn sums_to_base(rated: &Rated) -> Result<bool, MoneyError> {
    for slice in &rated.slices {
        if amount_of(slice)? != slice.amount {
            return Ok(false);
        }
    }
    Ok(Yuan::sum(rated.slices.iter().map(|slice| slice.amount))? == rated.base_yuan)
}

fn amount_of(slice: &Slice) -> Result<Yuan, MoneyError> {
    slice.price.times(slice.count)?.plus(slice.flat_fee)
}

/// Each discount takes its percentage off what it is of: what is left, or what it began with.
fn takes_off(rated: &Rated) -> Result<bool, MoneyError> {
    let mut left = rated.base_yuan;
    for Discounted { percent, of_yuan, off_yuan, .. } in &rated.discounts {
        let off = of_yuan.times(percent.of_one_yuan().decimal())?.min(left);
        if (*of_yuan != left && *of_yuan != rated.base_yuan) || *off_yuan != off {
            return Ok(false);
        }
        left = left.minus(off)?;
    }
    Ok(true)
}

/// What is left after the discounts, held to the limit.
fn due(rated: &Rated) -> Result<Yuan, MoneyError> {
    let off = |left: Yuan, discount: &Discounted| left.minus(discount.off_yuan);
    let left = rated.discounts.iter().try_fold(rated.base_yuan, off)?;
    Ok(match rated.limit {
        Some(Limit::Maximum(most)) => left.min(most),
        Some(Limit::Minimum(least)) => left.max(least),
        None => left,
    })
}

/// The new usage of a line is that of its APIs.
fn check_usage(statement: &Statement, line: &Line, found: &mut Findings) -> Result<(), Breach> {
    if line.rate.is_none() {
        return Ok(());
    }
    let (before, after) = (line.before.metered, line.after.metered);
    let gained = line.apis.iter().try_fold(Metered::ZERO, |sum, count| sum.plus(count.gained()))?;
    let holds = before.plus(gained)? == after;
    found.check(holds, || Breach::LineUsage {
        statement: statement.statement,
        line: name(line),
        before,
        after,
        gained,
    });
    Ok(())
}
