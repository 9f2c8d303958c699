//! Which events a change of the books is.

use jiff::Timestamp;
use steelyard_billing::event::{Change, Collecting, Event};

use crate::{BookError, Books};

impl Books {
    /// The events that a change is. Only of an opened debit, and of usage that no rate covers, more is read than the
    /// change: the account, or the statement with its APIs.
    ///
    /// # Errors
    ///
    /// [`BookError`] naming the cause.
    pub async fn events_of(
        &self,
        change: &Change,
        now: Timestamp,
    ) -> Result<Vec<Event>, BookError> {
        if let Some(debit) = change.opened() {
            let found = self.account(&debit.provider).await?;
            let calendar = &self.rules.calendar;
            let mandate = found.provider.mandate.as_ref();
            let collecting = Collecting { account: &found.account, mandate, calendar };
            return Ok(vec![collecting.scheduled(debit)?]);
        }
        if let Change::Statement(bare) = &change
            && !bare.unpriced.is_empty()
            && let Some(whole) = self.billing.statement(&bare.provider, bare.statement).await?
        {
            return Ok(Change::Statement(Box::new(whole)).events(now)?);
        }
        Ok(change.events(now)?)
    }
}
