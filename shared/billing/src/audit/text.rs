//! Facts and errors as texts that an operator can read.

use std::error::Error;
use std::fmt::Display;

use steelyard_pricing::{ChargeError, MoneyError, RatedToDate, UsageError};

use super::{Breach, BreachKind};
use crate::account::Figures;
use crate::{TaskId, chain};

impl From<MoneyError> for Breach {
    fn from(error: MoneyError) -> Breach {
        out_of_range(&error)
    }
}

impl From<UsageError> for Breach {
    fn from(error: UsageError) -> Breach {
        out_of_range(&error)
    }
}

impl From<ChargeError> for Breach {
    fn from(error: ChargeError) -> Breach {
        out_of_range(&error)
    }
}

fn out_of_range(error: &dyn Error) -> Breach {
    Breach::new(BreachKind::Range, "the audit", "every amount can be computed", chain(error))
}

/// Some things, separated by commas.
pub(super) fn shown<'a, T: Display + 'a>(things: impl IntoIterator<Item = &'a T>) -> String {
    let things = things.into_iter().map(ToString::to_string).collect::<Vec<_>>();
    if things.is_empty() { "none".to_owned() } else { things.join(", ") }
}

/// An account's figures, in yuan.
pub(super) fn sums(figures: &Figures) -> String {
    let (prepaid, receivable) = (figures.prepaid(), figures.receivable());
    let (reserved, deposit) = (figures.reserved(), figures.deposit());
    if deposit.is_zero() {
        return format!("{prepaid} prepaid, {receivable} receivable and {reserved} reserved");
    }
    format!(
        "{prepaid} prepaid, {receivable} receivable, {reserved} reserved and {deposit} deposited"
    )
}

/// What was rated of one rate before.
pub(super) fn rated(rated: &RatedToDate) -> String {
    let RatedToDate { metered, free_used, plan_free_used, yuan } = rated;
    format!(
        "{yuan} yuan for {metered}, with {free_used} free units used and {plan_free_used} of the plan"
    )
}

/// What a task is called.
pub(super) fn task(id: &TaskId) -> String {
    match id {
        TaskId::Debit(debit) => format!("debit {debit}"),
        TaskId::Recharge(recharge) => format!("recharge {recharge}"),
        TaskId::Refund(refund) => format!("refund {refund}"),
        TaskId::Reversal(reversal) => format!("reversal {reversal}"),
        TaskId::Mandate(mandate) => format!("mandate {mandate}"),
    }
}
