//! What the views of a provider are computed from.

use jiff::Timestamp;
use steelyard_billing::{
    Account, Calendar, CalendarError, DebitRules, Expected, Provider, Statement,
};
use steelyard_pricing::{BillingDay, Catalog, MoneyError};

/// The records that every view of a provider begins with, as they were read, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// The provider: its plans, overrides and mandate.
    pub provider: &'a Provider,
    /// The account's figures at the time of the view.
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

    /// The billing day of the view.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] when the time is outside the calendar.
    pub fn today(&self) -> Result<BillingDay, CalendarError> {
        self.calendar().day_of(self.now)
    }

    /// What a debit that was not sent, and is due at some time, asks for, and when. None if it is
    /// not to be sent: too little is owed, or no agreement is in force.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub(crate) fn expected(&self, due_at: Timestamp) -> Result<Option<Expected>, MoneyError> {
        let Some(mandate) = &self.provider.mandate else { return Ok(None) };
        let soonest = due_at.max(self.now);
        let expected = self.account.expected(mandate, self.rules, soonest)?;
        // One that has fallen due keeps its time until it is sent or put off.
        Ok(expected.map(|of| if of.at_s == soonest { Expected { at_s: due_at, ..of } } else { of }))
    }

    /// The last day of which everything that was counted is charged; none before the first. A day
    /// without usage has no statement: it is settled when nothing that `coming` charges is of it,
    /// or of a day before. Without `coming` it is the day of the last statement.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] when the time is outside the calendar.
    pub fn settled_through(
        &self,
        coming: Option<&[Statement]>,
    ) -> Result<Option<BillingDay>, CalendarError> {
        let yesterday = self.today()?.previous();
        let Some(last) = self.account.settled_through else { return Ok(None) };
        let Some(coming) = coming else { return Ok(Some(last.min(yesterday))) };
        let days = coming.iter().map(|statement| statement.statement.day);
        let unsettled = days.filter(|day| *day > last).min();
        Ok(Some(unsettled.map_or(yesterday, |day| day.previous().min(yesterday))))
    }
}
