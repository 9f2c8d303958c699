//! A statement's lines add up to its charge, and each can be recomputed from what it says.

use steelyard_pricing::{
    Discounted, Limit, Line, LineCause, MoneyError, Rated, Slice, Tax, TaxBehavior, Usage, Yuan,
};

use super::{Breach, BreachKind, Findings};
use crate::{ChangedDay, Statement};

pub(super) fn check(statement: &Statement, found: &mut Findings) -> Result<(), Breach> {
    let (lines, charge) = (statement.lines_fen()?, statement.charge_fen);
    found.check(lines == charge, || {
        let place = format!("statement {}", statement.statement);
        let (stated, actual) = (format!("it charges {charge} yuan"), format!("its lines {lines}"));
        Breach::new(BreachKind::Lines, place, stated, actual)
    });
    for line in &statement.lines {
        found.check(follows_from_explanation(line)?, || {
            let stated = format!("it charges {} yuan", line.charge_fen);
            let actual = "its explanation does not give that amount";
            Breach::new(BreachKind::Explanation, place(statement, line), stated, actual)
        });
        check_usage(statement, line, found)?;
    }
    check_changed_days(statement, found)
}

/// What a statement lists by day as late, or as withdrawn, is what its lines of that cause have.
fn check_changed_days(statement: &Statement, found: &mut Findings) -> Result<(), Breach> {
    let days = |of: fn(&ChangedDay) -> &Usage| {
        let mut days = statement.changed_days.iter();
        days.try_fold(Usage::new(), |sum, changed| sum.plus(of(changed)))
    };
    let sums = [
        (LineCause::Late, days(|changed| &changed.late)?),
        (LineCause::Void, days(|changed| &changed.void)?),
    ];
    for (cause, days) in sums {
        let lines = statement.apis_because(cause)?;
        found.check(lines == days, || {
            let place = format!("statement {}", statement.statement);
            let stated = format!("its days list {} APIs as {cause:?}", days.apis());
            let actual = format!("its lines have other counts, of {} APIs", lines.apis());
            Breach::new(BreachKind::ChangedDays, place, stated, actual)
        });
    }
    Ok(())
}

/// What a line of a statement is called: by its rate, or as the plan's.
pub(super) fn place(statement: &Statement, line: &Line) -> String {
    let name = line.rate.as_ref().map_or("the plan".to_owned(), |rate| format!("`{rate}`"));
    let what = match line.because {
        LineCause::Minimum => "the minimum",
        LineCause::Tax => "the tax",
        LineCause::Usage
        | LineCause::Late
        | LineCause::Void
        | LineCause::Terms
        | LineCause::Shifted
        | LineCause::Concession => "the line",
    };
    format!("statement {}, {what} of {name}", statement.statement)
}

fn follows_from_explanation(line: &Line) -> Result<bool, MoneyError> {
    let exact = line.after_yuan()?.minus(line.before.yuan)?;
    let rounded = line.exact_yuan.plus(line.rounding_yuan)?;
    let is_due = match line.because {
        // What the month costs without the concession is proved by rating it.
        LineCause::Concession => line.after.due_yuan <= line.after.base_yuan,
        LineCause::Tax => is_taxed(line)?,
        LineCause::Usage
        | LineCause::Late
        | LineCause::Void
        | LineCause::Terms
        | LineCause::Shifted
        | LineCause::Minimum => {
            (line.adjusts() || sums_to_base(&line.after)?) && is_due(&line.after)?
        }
    };
    let is_minimum = matches!(line.after.limit, Some(Limit::Minimum(_)));
    let is_of_cause = (!is_minimum || line.because == LineCause::Minimum)
        && line.tax.is_some() == (line.because == LineCause::Tax);
    Ok(is_due && is_of_cause && exact == line.exact_yuan && rounded == line.charge_fen.into())
}

/// The tax is its percentage of the net amount, to the fen.
fn is_taxed(line: &Line) -> Result<bool, MoneyError> {
    let Some(percent) = line.tax else { return Ok(false) };
    let tax = Tax { percent, behavior: TaxBehavior::Exclusive };
    let net = line.after.base_yuan.to_fen_floor()?;
    let is_whole = Yuan::from(net) == line.after.base_yuan && line.rounding_yuan.is_zero();
    Ok(is_whole && line.after_yuan()? == Yuan::from(tax.on(net)?))
}

fn is_due(rated: &Rated) -> Result<bool, MoneyError> {
    let is_deferred_whole = rated.deferred_yuan.is_none() || rated.due_yuan.is_zero();
    Ok(takes_off(rated)? && is_deferred_whole && held(rated)? == rated.due_at_month_end())
}

/// The slices sum to what the segment adds, and to that of the segments before it.
fn sums_to_base(rated: &Rated) -> Result<bool, MoneyError> {
    let sum = |slices: &[Slice]| {
        let amounts = slices.iter().map(amount_of).collect::<Result<Vec<_>, _>>()?;
        let is_right = amounts.iter().zip(slices).all(|(amount, slice)| *amount == slice.amount);
        Ok::<_, MoneyError>(Some(Yuan::sum(amounts)?).filter(|_| is_right))
    };
    let before = match &rated.continued {
        Some(continued) => {
            let of_slices = sum(&continued.slices)?;
            of_slices.filter(|of_slices| *of_slices == continued.base_yuan)
        }
        None => Some(Yuan::ZERO),
    };
    let all = rated.base_yuan.plus(before.unwrap_or(Yuan::ZERO))?;
    Ok(before.is_some() && sum(&rated.slices)? == Some(all))
}

fn amount_of(slice: &Slice) -> Result<Yuan, MoneyError> {
    slice.price.times(slice.count)?.plus(slice.flat_fee)
}

/// Each discount takes its percentage off what it is of, what is left or what it began with; or its
/// amount off what is left.
fn takes_off(rated: &Rated) -> Result<bool, MoneyError> {
    let mut left = rated.base_yuan;
    for Discounted { percent, amount, of_yuan, off_yuan, .. } in &rated.discounts {
        let off = match amount {
            Some(amount) if percent.is_zero() => amount.of(left)?,
            Some(_) => return Ok(false),
            None => {
                let off = of_yuan.percent(*percent)?;
                if left < Yuan::ZERO { off.max(left) } else { off.min(left) }
            }
        };
        if (*of_yuan != left && *of_yuan != rated.base_yuan) || *off_yuan != off {
            return Ok(false);
        }
        left = left.minus(off)?;
    }
    Ok(true)
}

/// The amount after the discounts, held to the limit together with the segments before.
fn held(rated: &Rated) -> Result<Yuan, MoneyError> {
    let off = |left: Yuan, discount: &Discounted| left.minus(discount.off_yuan);
    let left = rated.discounts.iter().try_fold(rated.base_yuan, off)?;
    let earlier = rated.continued.as_ref().map_or(Yuan::ZERO, |continued| continued.due_yuan);
    match rated.limit {
        Some(Limit::Maximum(most)) => Ok(left.min(most.minus(earlier)?.max(Yuan::ZERO))),
        Some(Limit::Minimum(least)) => Ok(left.max(least.minus(earlier)?)),
        None => Ok(left),
    }
}

/// The usage by which a line changes what was rated is that of its APIs.
fn check_usage(statement: &Statement, line: &Line, found: &mut Findings) -> Result<(), Breach> {
    if line.rate.is_none() {
        return Ok(());
    }
    let (before, after) = (line.before.metered, line.after.metered);
    let listed = line.apis.total()?;
    let (less, more) =
        if line.because == LineCause::Void { (after, before) } else { (before, after) };
    let holds = less.plus(listed)? == more;
    found.check(holds, || {
        let stated = format!("it goes from {before} to {after}");
        let actual = format!("its APIs have {listed}");
        Breach::new(BreachKind::LineUsage, place(statement, line), stated, actual)
    });
    Ok(())
}
