//! How a line's charge comes about, in steps that can be keyed in.

use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_pricing::{
    Discounted, Fen, LineCause, LineOnTop, MoneyError, Name, Per, Percent, Rated, Slice, Yuan,
};
use utoipa::ToSchema;

/// A step of a calculation: keyed in from the first to the last, they result in the charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The units of the list.
    Units {
        /// The number of units.
        #[schema(value_type = String)]
        units: Decimal,
    },
    /// What of them is free; taken off.
    Free {
        /// The number of free units.
        #[schema(value_type = String)]
        units: Decimal,
    },
    /// What is to be charged of them.
    Charged {
        /// The number of units to be charged.
        #[schema(value_type = String)]
        units: Decimal,
    },
    /// Units at one price; added.
    Slice {
        /// The number of priced units, packages or blocks.
        #[schema(value_type = String)]
        count: Decimal,
        /// What one price is for.
        #[schema(value_type = Object)]
        per: Per,
        /// The price that each of them has.
        #[schema(value_type = String)]
        price: Yuan,
        /// `count × price`.
        #[schema(value_type = String)]
        amount: Yuan,
    },
    /// What is due for entering a tier; added.
    FlatFee {
        /// The fee, in yuan.
        #[schema(value_type = String)]
        amount: Yuan,
    },
    /// A discount; taken off.
    Discount {
        /// The name that the plan gives the discount.
        #[schema(value_type = String)]
        discount: Name,
        /// The percentage that it takes off.
        #[schema(value_type = String)]
        percent: Percent,
        /// The amount that it takes off, in yuan.
        #[schema(value_type = String)]
        off: Yuan,
    },
    /// A discount of a fixed amount; taken off.
    AmountOff {
        /// The name of the discount.
        #[schema(value_type = String)]
        discount: Name,
        /// The amount that is taken off, in yuan.
        #[schema(value_type = String)]
        off: Yuan,
    },
    /// The price of the whole month under the rate with the list, its caps included.
    MonthWith {
        /// The price, in yuan.
        #[schema(value_type = String)]
        amount: Yuan,
    },
    /// The price of the month without the list; taken off.
    MonthBefore {
        /// The price, in yuan.
        #[schema(value_type = String)]
        amount: Yuan,
    },
    /// The line's share of rounding the month to whole fen; added.
    Rounding {
        /// The share, in yuan; negative where the month is rounded down.
        #[schema(value_type = String)]
        amount: Yuan,
    },
    /// The charge of the line, which the steps result in.
    Total {
        /// The charge, in fen.
        #[schema(value_type = i64)]
        amount_fen: Fen,
    },
}

impl Step {
    /// The exact amount of a step that has one.
    pub(super) fn amount(&self) -> Option<Yuan> {
        match self {
            Step::Units { .. } | Step::Free { .. } | Step::Charged { .. } | Step::Total { .. } => {
                None
            }
            Step::Discount { off, .. } | Step::AmountOff { off, .. } => Some(*off),
            Step::Slice { amount, .. }
            | Step::FlatFee { amount }
            | Step::MonthWith { amount }
            | Step::MonthBefore { amount }
            | Step::Rounding { amount } => Some(*amount),
        }
    }
}

/// The steps of a line: what is added at each price where the prices of what was there before stay;
/// otherwise the whole month with the list less the month before it.
pub(super) fn steps(on_top: &LineOnTop) -> Result<Vec<Step>, MoneyError> {
    let line = &on_top.line;
    let mut steps = match added(on_top)? {
        Some(steps) => steps,
        None => vec![
            Step::MonthWith { amount: line.after_yuan()? },
            Step::MonthBefore { amount: line.before.yuan },
        ],
    };
    if !line.rounding_yuan.is_zero() {
        steps.push(Step::Rounding { amount: line.rounding_yuan });
    }
    steps.push(Step::Total { amount_fen: line.charge_fen });
    Ok(steps)
}

/// The steps that the list adds at each price; none if more changes than that.
fn added(on_top: &LineOnTop) -> Result<Option<Vec<Step>>, MoneyError> {
    let LineOnTop { line, so_far, .. } = on_top;
    let after = &line.after;
    let is_capped = so_far.limit.is_some() || after.limit.is_some();
    let was_due = match line.adjusts() {
        true => so_far.due_yuan.minus(so_far.base_yuan)?,
        false => so_far.due_yuan,
    };
    let earlier = |rated: &Rated| rated.continued.as_ref().map(|before| before.slices.clone());
    let is_of_month = matches!(line.because, LineCause::Concession | LineCause::Tax);
    let is_moved = earlier(so_far) != earlier(after) || is_of_month;
    if is_capped || is_moved || was_due != line.before.yuan {
        return Ok(None);
    }
    let mut steps = allowance(so_far, after);
    for (place, slice) in after.slices.iter().enumerate() {
        match so_far.slices.get(place) {
            None => steps.extend(new_slice(slice)?),
            Some(before) => match more_of(before, slice)? {
                Some(step) => steps.extend(step),
                None => return Ok(None),
            },
        }
    }
    if after.slices.len() < so_far.slices.len() {
        return Ok(None);
    }
    for (place, discount) in after.discounts.iter().enumerate() {
        match off(so_far.discounts.get(place), discount)? {
            Some(step) => steps.push(step),
            None => return Ok(None),
        }
    }
    Ok(Some(steps))
}

/// The units of the list, where a part of them is free.
fn allowance(so_far: &Rated, after: &Rated) -> Vec<Step> {
    let units = after.units - so_far.units;
    let charged = after.beyond() - so_far.beyond();
    if charged == units {
        return Vec::new();
    }
    vec![
        Step::Units { units },
        Step::Free { units: units - charged },
        Step::Charged { units: charged },
    ]
}

fn new_slice(slice: &Slice) -> Result<Vec<Step>, MoneyError> {
    let Slice { per, count, price, flat_fee, amount, .. } = *slice;
    let of_units = amount.minus(flat_fee)?;
    let mut steps = vec![Step::Slice { count, per, price, amount: of_units }];
    if !flat_fee.is_zero() {
        steps.push(Step::FlatFee { amount: flat_fee });
    }
    Ok(steps)
}

/// What a slice has more than before; none if it is not the same slice.
fn more_of(before: &Slice, after: &Slice) -> Result<Option<Option<Step>>, MoneyError> {
    let is_same = before.from == after.from
        && before.per == after.per
        && before.price == after.price
        && before.flat_fee == after.flat_fee;
    let count = after.count - before.count;
    if !is_same || count < Decimal::ZERO {
        return Ok(None);
    }
    let amount = after.amount.minus(before.amount)?;
    let step = Step::Slice { count, per: after.per, price: after.price, amount };
    Ok(Some((!count.is_zero()).then_some(step)))
}

fn off(before: Option<&Discounted>, after: &Discounted) -> Result<Option<Step>, MoneyError> {
    let nothing = Yuan::ZERO;
    let off_before = match before {
        Some(before)
            if before.discount == after.discount
                && before.percent == after.percent
                && before.amount == after.amount =>
        {
            before.off_yuan
        }
        None => nothing,
        Some(_) => return Ok(None),
    };
    let off = after.off_yuan.minus(off_before)?;
    let (discount, percent) = (after.discount.clone(), after.percent);
    Ok(Some(match after.amount {
        Some(_) => Step::AmountOff { discount, off },
        None => Step::Discount { discount, percent, off },
    }))
}
