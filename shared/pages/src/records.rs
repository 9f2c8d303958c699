//! What the views of a provider are computed from.

use jiff::Timestamp;
use steelyard_billing::{Account, Calendar, DebitRules, Provider};
use steelyard_pricing::Catalog;

/// The records that every view of a provider begins with, as they were read, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// The provider: its plans, overrides and mandate.
    pub provider: &'a Provider,
    /// Its account.
    pub account: &'a Account,
    /// All plans of the platform.
    pub plans: &'a Catalog,
    /// The platform's rules for debits.
    pub rules: &'a DebitRules,
    /// The time of the view.
    pub now: Timestamp,
}

impl<'a> Records<'a> {
    /// The calendar by which days are cut.
    #[must_use]
    pub fn calendar(&self) -> &'a Calendar {
        &self.rules.calendar
    }
}
