//! What is counted of a provider, as settlement reads it: what is new, and settled days again where
//! something changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{Amount, BillingDay, BillingMonth, Calls, Usage, UsageError};

use crate::{
    Account, Calendar, CorrectionId, ListedNames, MonthClose, Reason, Registration, Statement,
};

/// The most calls that one record may count. Far below what a month may have, so that no slip of a
/// source fills one.
pub const COUNT_MAX: Calls = Calls::new(1_000_000_000);

/// The most yuan that may go through the calls of one record; as [`COUNT_MAX`].
pub const AMOUNT_MAX: Amount = Amount::yuan(1_000_000_000);

/// The metered usage, by billing day.
pub type CountedDays = BTreeMap<BillingDay, Usage>;

/// The usage reports of one billing day, summed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// The sum of the reports that were not withdrawn.
    pub usage: Usage,
    /// What counted until it was withdrawn; of an API no more than can be rated.
    pub withdrawn: Usage,
    /// How many reports there are, withdrawn ones included.
    pub reports: u32,
    /// When the last report came in or was withdrawn; none without reports.
    pub changed_at: Option<Timestamp>,
}

/// Distinguishes what a report says of a provider from any other content: a SHA-256.
pub type ReportDigest = [u8; 32];

/// The most APIs that one report may have for a provider and day: with the longest names and
/// amounts they fill three quarters of an item of DynamoDB, which has 400 KB.
pub const APIS_PER_DAY_MAX: usize = 2_000;

/// What one report says of a day.
#[derive(Clone, Copy, Debug)]
pub struct ReportCount<'a> {
    /// The calls and amounts of each API.
    pub metered: &'a Usage,
    /// Whether it was withdrawn.
    pub is_withdrawn: bool,
    /// When it came in or was withdrawn.
    pub changed_at: Timestamp,
}

/// That a report was withdrawn: it counts no more, and its id cannot count again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The person who withdrew it, or the source.
    pub by: String,
    /// Why, in that person's words.
    pub reason: Reason,
    /// The set of corrections that withdrew it, or that counted it and was undone; none if it was
    /// withdrawn by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<CorrectionId>,
}

/// What settlement reads of a provider's usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRead {
    /// The days that no statement covers, and the settled days that were read again.
    pub days: BTreeMap<BillingDay, DayCount>,
    /// What statements charged of each settled day that was read again.
    pub rated: CountedDays,
    /// How often usage of each day changed after it was over, as ingest noted it.
    pub changes: BTreeMap<BillingDay, u64>,
    /// The names that each month lists, those of these days included.
    pub names: BTreeMap<BillingMonth, ListedNames>,
    /// The last month of which every day was read after it was closed for good.
    pub whole_through: Option<BillingMonth>,
    /// How the provider may be counted; none if it is not registered for counting.
    pub registration: Option<Registration>,
}

/// The settled days that settlement reads again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reread {
    /// Inclusive ranges of days, the first before the last.
    pub ranges: Vec<(BillingDay, BillingDay)>,
    /// The last month that is closed for good: all of it has been read then.
    pub whole_through: Option<BillingMonth>,
}

impl DayCount {
    /// Adds a report.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when the sum is more than can be rated.
    pub fn add(&mut self, report: ReportCount<'_>) -> Result<(), UsageError> {
        if report.is_withdrawn {
            self.withdrawn = self.withdrawn.plus_at_most(report.metered);
        } else {
            self.usage = self.usage.plus(report.metered)?;
        }
        self.reports = self.reports.saturating_add(1);
        self.changed_at = self.changed_at.max(Some(report.changed_at));
        Ok(())
    }
}

impl Reread {
    /// The settled days of an account to read again: those of which usage changed since a statement
    /// noted it, and once a month is closed for good all of it, so that nothing depends on the
    /// notes.
    ///
    /// Of a month whose reports can have expired nothing is read again: what settlement read of it
    /// in time is charged.
    #[must_use]
    pub fn of(
        account: &Account,
        changes: &BTreeMap<BillingDay, u64>,
        closed: Option<MonthClose>,
        calendar: &Calendar,
        now: Timestamp,
    ) -> Reread {
        let is_final = |closed: &MonthClose| closed.is_final(closed.through, now);
        let final_through = closed.filter(is_final).map(|closed| closed.through);
        let whole_through = final_through.filter(|month| *month >= account.open_from);
        let Some(settled) = account.settled_through else {
            return Reread { ranges: Vec::new(), whole_through };
        };
        let kept_from = calendar.kept_from(account.open_from, now).first_day();
        let whole = whole_through.map(|last| (kept_from, last.last_day().min(settled)));
        let whole = whole.filter(|(first, last)| first <= last);
        let is_whole = |day: BillingDay| whole_through.is_some_and(|last| day.month() <= last);
        let noted = account.noted_changes();
        let candidates = changes.keys().chain(noted.keys()).copied().collect::<BTreeSet<_>>();
        let changed = candidates.into_iter().filter(|day| {
            // Ingest's note of a change expires before the account's copy of it: that difference is
            // no change.
            let is_open = *day >= kept_from && !is_whole(*day);
            is_open && *day <= settled && changes.get(day) != noted.get(day)
        });
        let mut ranges = whole.into_iter().collect::<Vec<_>>();
        for day in changed {
            match ranges.last_mut() {
                // Neighbours in a month are read together.
                Some((_, last)) if last.next() == day && last.month() == day.month() => *last = day,
                _ => ranges.push((day, day)),
            }
        }
        Reread { ranges, whole_through }
    }
}

impl UsageRead {
    /// What is counted of a settled day that was read again, less what was charged of it: what came
    /// on top, and what is missing.
    pub(crate) fn change(&self, day: BillingDay, rated: &Usage) -> (Usage, Usage) {
        let none = Usage::new();
        let counted = self.days.get(&day).map_or(&none, |count| &count.usage);
        (counted.above(rated), rated.above(counted))
    }

    /// Takes note of a statement that was made of it: what it charged of days that were read again
    /// is no longer new.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when the statement withdraws more than was rated.
    pub fn charged(&mut self, statement: &Statement) -> Result<(), UsageError> {
        for changed in &statement.changed_days {
            if let Some(rated) = self.rated.get_mut(&changed.day) {
                *rated = changed.after(rated)?;
            }
        }
        Ok(())
    }
}
