//! Mandates: changed by evidence and by people, with the mandate in use and the debit that follow.

use std::sync::Mutex;

use jiff::Timestamp;
use steelyard_billing::mandate::{EndReason, MandateLimits};
use steelyard_billing::{Agreement, ExternalAgreementNo, Mandate, MandateId, Outcome, ProviderId};
use steelyard_store::{ProviderAccount, Writes};

use crate::change::{Decision, change, lock};
use crate::trade::Applied;
use crate::{BookError, Books};

const CHANGE: &str = "store a mandate";
const ADOPT: &str = "adopt a mandate";

impl Books {
    /// Changes a mandate by evidence of it: a notification or the answer to a query. One that
    /// becomes active replaces the one that was in use, and a debit is opened for what is owed.
    ///
    /// # Errors
    ///
    /// [`BookError::Account`] or [`BookError::Calendar`] when no debit can be opened for what is
    /// owed, [`BookError::Store`] when the table fails.
    pub async fn change_mandate(
        &self,
        provider: &ProviderId,
        mandate: MandateId,
        now: Timestamp,
        decide: impl Fn(&Mandate) -> Outcome<Mandate> + Send + Sync,
    ) -> Result<Applied<Mandate>, BookError> {
        let decide = &decide;
        change(&self.billing, CHANGE, move |_| async move {
            let Some(before) = self.billing.find::<Mandate>(provider, &mandate).await? else {
                return Ok(Decision::Keep(Applied::Unknown));
            };
            let after = match decide(&before) {
                Outcome::Changed(after) => after,
                Outcome::Unchanged => return Ok(Decision::Keep(Applied::Before(before))),
                Outcome::Contradicts => return Ok(Decision::Keep(Applied::Contradicts(before))),
            };
            if self.is_anothers(&before, &after).await? {
                return Ok(Decision::Keep(Applied::Contradicts(before)));
            }
            let (writes, stored) = self.changed(before, after, now).await?;
            Ok(Decision::Save(writes, Applied::Now(stored)))
        })
        .await
    }

    /// Ends a suspended mandate in whose place another came into use meanwhile. None if it is not
    /// suspended, or no other is in use.
    ///
    /// # Errors
    ///
    /// [`BookError::NoRecord`] when the provider has no such mandate, [`BookError::Store`] when the
    /// table fails.
    pub async fn end_replaced(
        &self,
        provider: &ProviderId,
        mandate: MandateId,
        now: Timestamp,
    ) -> Result<Option<Mandate>, BookError> {
        change(&self.billing, CHANGE, move |_| async move {
            let before: Mandate =
                self.record(provider, &mandate, format!("mandate {mandate}")).await?;
            let in_use = self.account(provider).await?.provider.mandate;
            let by = in_use.map(|in_use| in_use.mandate).filter(|in_use| *in_use != mandate);
            let (true, Some(by)) = (before.is_suspended(), by) else {
                return Ok(Decision::Keep(None));
            };
            let ending = before.ending(EndReason::Replaced { by }, now)?;
            let mut writes = self.billing.writes(CHANGE);
            let stored = writes.mandate(Some(&before), &ending)?;
            Ok::<_, BookError>(Decision::Save(writes, Some(stored)))
        })
        .await
    }

    /// Changes a mandate as a person decides.
    ///
    /// # Errors
    ///
    /// [`BookError::Mandate`] when the mandate does not allow it.
    pub async fn decide_mandate<E: Into<BookError>>(
        &self,
        provider: &ProviderId,
        mandate: MandateId,
        now: Timestamp,
        decide: impl Fn(&Mandate) -> Result<Mandate, E> + Send + Sync,
    ) -> Result<Mandate, BookError> {
        // What a first try stored, whose answer was lost, does not allow the decision again.
        let (decide, wanted) = (&decide, &Mutex::new(None::<Mandate>));
        change(&self.billing, CHANGE, move |_| async move {
            let before: Mandate =
                self.record(provider, &mandate, format!("mandate {mandate}")).await?;
            if lock(wanted).as_ref() == Some(&before) {
                return Ok(Decision::Keep(before));
            }
            let after = decide(&before).map_err(Into::into)?;
            let decision = self.decided(before, after, now).await?;
            if let Decision::Save(_, stored) = &decision {
                *lock(wanted) = Some(stored.clone());
            }
            Ok(decision)
        })
        .await
    }

    /// Lowers the limits of a mandate, for debits that are not sent yet. What was given up may be
    /// requested again then, since less is asked for at once. The same limits again change nothing.
    ///
    /// # Errors
    ///
    /// [`BookError::Limits`] when the mandate is not in force, or a limit would be higher than
    /// before.
    pub async fn lower_limits(
        &self,
        provider: &ProviderId,
        mandate: MandateId,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<Mandate, BookError> {
        let lower = |mandate: &Mandate| mandate.with_lower_limits(limits);
        self.decide_mandate(provider, mandate, now, lower).await
    }

    /// What a person's decision about a mandate writes: nothing if it changes nothing.
    pub(crate) async fn decided(
        &self,
        before: Mandate,
        after: Mandate,
        now: Timestamp,
    ) -> Result<Decision<Mandate>, BookError> {
        if after == before {
            return Ok(Decision::Keep(before));
        }
        let (writes, stored) = self.changed(before, after, now).await?;
        Ok(Decision::Save(writes, stored))
    }

    /// Adopts an agreement that the provider signed elsewhere and that Alipay has just confirmed.
    /// It replaces the mandate in use. An agreement that the provider has already is left alone;
    /// another's contradicts.
    ///
    /// # Errors
    ///
    /// [`BookError::MandateTerms`] when the agreement or the limits make no sense, and
    /// [`BookError::Offered`] when the agreement is of an open offer of the provider.
    pub async fn adopt_mandate(
        &self,
        provider: &ProviderId,
        agreement: &Agreement,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<Applied<Mandate>, BookError> {
        let agreement_no = &agreement.agreement_no;
        change(&self.billing, ADOPT, move |_| async move {
            if let Some(owner) = self.billing.agreement_owner(agreement_no).await? {
                let found = self
                    .record(&owner.provider, &owner.mandate, format!("mandate {}", owner.mandate))
                    .await?;
                let is_its_own = owner.provider == *provider;
                let applied = if is_its_own { Applied::Before } else { Applied::Contradicts };
                return Ok(Decision::Keep(applied(found)));
            }
            let found = self.account(provider).await?;
            let (adopted, counted) = found.account.adopt_mandate(agreement.clone(), limits, now)?;
            self.check_not_offered(provider, agreement).await?;
            let mut writes = self.billing.writes(ADOPT);
            let mut after = found.provider.clone();
            if let Some(other) = self.other_in_use(&found, &adopted).await?
                && let Ok(ending) = other.ending(EndReason::Replaced { by: adopted.mandate }, now)
            {
                writes.mandate(Some(&other), &ending)?;
                after = after.with_mandate(&ending);
            }
            let stored = writes.mandate(None, &adopted)?;
            after = after.with_mandate(&adopted);
            let (before, in_use) = (found.provider.mandate.as_ref(), after.mandate.as_ref());
            let movement = counted.mandate_changed(before, in_use, &self.rules, now)?;
            writes.movement(&found.account, &movement)?;
            writes.provider(&found.provider, &after)?;
            Ok::<_, BookError>(Decision::Save(writes, Applied::Now(stored)))
        })
        .await
    }

    /// Refuses the agreement of an offer that is not over: a query or a notification makes that
    /// offer active, and one agreement would be two mandates.
    async fn check_not_offered(
        &self,
        provider: &ProviderId,
        agreement: &Agreement,
    ) -> Result<(), BookError> {
        let Some((_, mandate)) = agreement.offered_for() else { return Ok(()) };
        let offered: Option<Mandate> = self.billing.find(provider, &mandate).await?;
        let is_open = offered.is_some_and(|offered| {
            let number = offered.external_agreement_no.as_ref().map(ExternalAgreementNo::as_str);
            number == agreement.external_agreement_no.as_deref() && offered.due_at().is_some()
        });
        if is_open { Err(BookError::Offered { mandate }) } else { Ok(()) }
    }

    /// Whether the agreement that a mandate turns out to be is another mandate's.
    async fn is_anothers(&self, before: &Mandate, after: &Mandate) -> Result<bool, BookError> {
        let known = before.agreement_no.is_some();
        let Some(agreement_no) = after.agreement_no.as_ref().filter(|_| !known) else {
            return Ok(false);
        };
        let owner = self.billing.agreement_owner(agreement_no).await?;
        Ok(owner.is_some_and(|owner| {
            owner.provider != after.provider || owner.mandate != after.mandate
        }))
    }

    /// The writes of a mandate's change, and the mandate as it will be stored. One that is not used
    /// before or after is written alone.
    async fn changed(
        &self,
        before: Mandate,
        after: Mandate,
        now: Timestamp,
    ) -> Result<(Writes, Mandate), BookError> {
        let mut writes = self.billing.writes(CHANGE);
        if before.in_use() == after.in_use() {
            let stored = writes.mandate(Some(&before), &after)?;
            return Ok((writes, stored));
        }
        let found = self.account(&after.provider).await?;
        let mut changed = after;
        if let Some(other) = self.other_in_use(&found, &changed).await? {
            // A signature that becomes known late does not take the place of a newer one. Nor does
            // a mandate that was suspended when the other came into use.
            let is_older = before.is_suspended() || changed.was_signed_before(&other);
            let (replaced, by) = match is_older {
                true => (None, other.mandate),
                false => (Some(other), changed.mandate),
            };
            let why = EndReason::Replaced { by };
            match replaced {
                None => changed = changed.ending(why, now).unwrap_or(changed),
                Some(other) => {
                    if let Ok(ending) = other.ending(why, now) {
                        writes.mandate(Some(&other), &ending)?;
                    }
                }
            }
        }
        let stored = writes.mandate(Some(&before), &changed)?;
        let provider = found.provider.with_mandate(&changed);
        let (was, is) = (found.provider.mandate.as_ref(), provider.mandate.as_ref());
        let movement = found.account.mandate_changed(was, is, &self.rules, now)?;
        writes.movement(&found.account, &movement)?;
        writes.provider(&found.provider, &provider)?;
        Ok((writes, stored))
    }

    /// The other mandate that is in use, if this one is to be.
    async fn other_in_use(
        &self,
        found: &ProviderAccount,
        mandate: &Mandate,
    ) -> Result<Option<Mandate>, BookError> {
        let in_use = found.provider.mandate.as_ref().map(|in_use| in_use.mandate);
        let other = in_use.filter(|other| *other != mandate.mandate);
        match other.filter(|_| mandate.in_use().is_some()) {
            Some(other) => Ok(self.billing.find(&mandate.provider, &other).await?),
            None => Ok(None),
        }
    }
}
