//! The deposit that a plan wants of a provider: data that rating never reads.

use serde::{Deserialize, Serialize};

use super::check::check_cap;
use super::is_default;
use crate::Yuan;
use crate::faults::{Faults, Rule};

/// What a provider deposits as a security for what it will owe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// The amount, in yuan; 0 where none is wanted.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Cap"))]
    pub amount: Yuan,
    /// How many days a provider has to pay it: after the day on which it is announced, or the first
    /// day on which it is wanted if that is later. At most 366.
    pub due_after_days: u16,
    /// How many days a provider has to top it up after it was drawn; `due_after_days` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up_after_days: Option<u16>,
    /// Whether what debits gave up is paid from it by the next settlement run; otherwise a person
    /// decides.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drawn_by_rule: bool,
}

/// The most days that a provider has to pay a deposit.
const DAYS_MAX: u16 = 366;

impl Deposit {
    /// How many days a provider has to top it up.
    #[must_use]
    pub fn top_up_days(&self) -> u16 {
        self.top_up_after_days.unwrap_or(self.due_after_days)
    }
}

/// Whether a deposit keeps every rule.
pub(super) fn check(deposit: Option<&Deposit>, faults: &mut Faults) {
    let Some(deposit) = deposit else { return };
    faults.at("deposit", |faults| {
        faults.at("amount", |faults| check_cap(deposit.amount, faults));
        faults.at("due_after_days", |faults| check_days(deposit.due_after_days, faults));
        faults.at("top_up_after_days", |faults| {
            deposit.top_up_after_days.into_iter().for_each(|days| check_days(days, faults));
        });
    });
}

fn check_days(days: u16, faults: &mut Faults) {
    faults.unless(days <= DAYS_MAX, || Rule::TooManyDays { most: DAYS_MAX });
}
