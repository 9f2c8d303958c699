//! A correction of what was counted, to see what it would change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_billing::{DayCount, ReportCount};
use steelyard_pricing::{BillingDay, Usage, UsageError};

/// Reports that are to be withdrawn, and usage that is to be counted in their place.
#[derive(Clone, Debug, Default)]
pub struct Correction {
    /// What reports have that are to be withdrawn.
    pub void: Vec<(BillingDay, Usage)>,
    /// The usage to be counted, by day.
    pub count: Vec<(BillingDay, Usage)>,
}

impl Correction {
    pub(crate) fn days(&self) -> impl Iterator<Item = BillingDay> {
        self.void.iter().chain(&self.count).map(|(day, _)| *day)
    }

    /// Applies it to what was read of the days.
    pub(crate) fn apply(
        &self,
        days: &mut BTreeMap<BillingDay, DayCount>,
        changed_at: Timestamp,
    ) -> Result<(), UsageError> {
        for (day, gone) in &self.void {
            let count = days.entry(*day).or_default();
            count.usage = count.usage.minus(gone)?;
            count.withdrawn = count.withdrawn.plus_at_most(gone);
        }
        for (day, metered) in &self.count {
            let report = ReportCount { metered, is_withdrawn: false, changed_at };
            days.entry(*day).or_default().add(report)?;
        }
        Ok(())
    }
}
