//! Debits: begun under a mandate, moved step by step, ended with what that does to the account.

use jiff::Timestamp;
use steelyard_alipay::Withholding;
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{
    Collectable, Debit, DebitId, DebitTerms, GatewayCode, GiveUpReason, Mandate, Provider,
    ProviderId, Reason, Resolution, days_collected,
};
use steelyard_pricing::Fen;
use steelyard_store::{ProviderAccount, Record, Writes};

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// Whether a debit may be sent under its mandate now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Clearance {
    /// Now, for the amount that is fixed.
    Go,
    /// Tomorrow at the earliest, with the code that is noted.
    NotToday(GatewayCode),
    /// The mandate allows no debit, now or later, with the code that says so.
    Dead(GatewayCode),
}

/// The result of beginning to send a debit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is stored as being sent: send it now.
    Send(Debit),
    /// It is not sent now; this is how it is stored.
    NotSent(Debit),
    /// It was written since it was read: another worker is at it.
    Overtaken,
}

const BEGIN: &str = "begin to send a debit";
const STEP: &str = "store a step of a debit";
const STEP_RECORD: &str = "store a step of a record";
const RESOLVE: &str = "resolve a debit";

impl Books {
    /// The mandate under which a debit is sent: that of its terms, or before it was sent the one in
    /// use. None when no mandate is in use.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be read.
    pub async fn mandate_of(&self, debit: &Debit) -> Result<Option<Mandate>, BookError> {
        let mandate = match &debit.terms {
            Some(terms) => Some(terms.mandate),
            None => {
                let in_use = self.account(&debit.provider).await?.provider.mandate;
                in_use.map(|in_use| in_use.mandate)
            }
        };
        match mandate {
            Some(mandate) => {
                self.record(&debit.provider, &mandate, format!("mandate {mandate}")).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Stores that a debit is sent now. The first time its terms are fixed: what is owed now, at
    /// most the mandate's limits, is reserved. A debit that is not to be sent is withdrawn,
    /// postponed or given up instead.
    ///
    /// # Errors
    ///
    /// [`BookError::Debit`] when the debit is past its sending, [`BookError::Account`] when the
    /// account allows no such amount, [`BookError::Store`] when the table fails. Nothing may be
    /// sent then.
    pub async fn begin_debit(
        &self,
        before: &Debit,
        mandate: Option<&Mandate>,
        now: Timestamp,
    ) -> Result<Begun, BookError> {
        change(&self.billing, BEGIN, move |again| async move {
            if again && self.has_moved_on(before).await? {
                return Ok(Decision::Keep(Begun::Overtaken));
            }
            match &before.terms {
                Some(terms) => self.begin_again(before, terms, mandate, now).await,
                None => self.begin_first(before, mandate, now).await,
            }
        })
        .await
    }

    async fn begin_first(
        &self,
        before: &Debit,
        mandate: Option<&Mandate>,
        now: Timestamp,
    ) -> Result<Decision<Begun>, BookError> {
        let found = self.account(&before.provider).await?;
        let is_unsent = found.account.open_debit == Some(before.debit)
            && found.account.figures.reserved().is_zero();
        // Another worker may have sent it, or ended it, between the two reads.
        if !is_unsent && self.has_moved_on(before).await? {
            return Ok(Decision::Keep(Begun::Overtaken));
        }
        let in_use = found.provider.mandate.as_ref();
        // Another mandate came into use since this one was checked, or its limits were lowered: it
        // is checked the next time.
        if in_use.is_some() && in_use != mandate.and_then(Mandate::in_use).as_ref() {
            return Ok(Decision::Keep(Begun::Overtaken));
        }
        let usable = mandate.filter(|mandate| mandate.is_usable(now));
        let collectable = match usable {
            Some(mandate) => found.account.collectable(mandate, &self.rules, now)?,
            None => Collectable::Nothing,
        };
        match (collectable, usable) {
            (Collectable::Amount(amount), Some(mandate)) => {
                self.send_first(before, &found, mandate, amount, now).await
            }
            (Collectable::CappedToday, _) => {
                let mut writes = self.billing.writes(BEGIN);
                let after = before.capped(&self.rules, now)?;
                let stored = writes.record(Some(before), &after)?;
                Ok(Decision::Save(writes, Begun::NotSent(stored)))
            }
            (Collectable::Nothing | Collectable::Amount(_), _) => {
                let (writes, stored) =
                    self.ending(before, &before.withdrawn()?, &found, now).await?;
                Ok(Decision::Save(writes, Begun::NotSent(stored)))
            }
        }
    }

    async fn send_first(
        &self,
        before: &Debit,
        found: &ProviderAccount,
        mandate: &Mandate,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Decision<Begun>, BookError> {
        let terms = self.terms(before, found, mandate, amount, now).await?;
        let sending = self.sending(before, terms, now).await?;
        let movement = found.account.debit_sent(&sending, found.provider.mandate.as_ref(), now)?;
        let mut writes = self.billing.writes(BEGIN);
        let stored = writes.record(Some(before), &sending)?;
        writes.movement(&found.account, &movement)?;
        Ok(Decision::Save(writes, Begun::Send(stored)))
    }

    /// What the debit asks for: the amount, and the days whose charges it collects.
    async fn terms(
        &self,
        debit: &Debit,
        found: &ProviderAccount,
        mandate: &Mandate,
        amount: Fen,
        now: Timestamp,
    ) -> Result<DebitTerms, BookError> {
        let receivable = found.account.figures.receivable();
        let statements = self.billing.statements_owed(&debit.provider, receivable).await?;
        let days = days_collected(&statements, receivable, amount)?;
        // What is owed after a reversal of an old payment is of no statement's day.
        let settled = found.account.settled_through;
        let fallback = settled.map_or_else(|| self.rules.calendar.day_of(now), Ok)?;
        let (from, through) = days.unwrap_or((fallback, fallback));
        let agreement_no = mandate.agreement_no.clone().ok_or_else(|| BookError::NoRecord {
            provider: debit.provider.clone(),
            record: format!("agreement for mandate {}", mandate.mandate),
        })?;
        Ok(DebitTerms { amount_fen: amount, mandate: mandate.mandate, agreement_no, from, through })
    }

    /// The debit as it is sent, with the content of its request.
    async fn sending(
        &self,
        before: &Debit,
        terms: DebitTerms,
        now: Timestamp,
    ) -> Result<Debit, BookError> {
        let number = before.next_out_trade_no(&self.realms().await?.current);
        let withholding = Withholding {
            out_trade_no: number.clone(),
            amount_fen: terms.amount_fen,
            agreement_no: terms.agreement_no.clone(),
            subject: before.subject(&terms),
        };
        Ok(before.sending(terms, number, withholding.biz_content()?, now)?)
    }

    async fn begin_again(
        &self,
        before: &Debit,
        terms: &DebitTerms,
        mandate: Option<&Mandate>,
        now: Timestamp,
    ) -> Result<Decision<Begun>, BookError> {
        let (after, is_sent) = match clearance(mandate, now) {
            Clearance::Go => (self.sending(before, terms.clone(), now).await?, true),
            Clearance::NotToday(code) => (before.postponed(code, &self.rules, now)?, false),
            Clearance::Dead(code) => (before.without_mandate(code, now)?, false),
        };
        let mut writes = self.billing.writes(BEGIN);
        let stored = writes.record(Some(before), &after)?;
        let begun = if is_sent { Begun::Send } else { Begun::NotSent };
        Ok(Decision::Save(writes, begun(stored)))
    }

    /// Stores a step of a debit, with what its end does to the account. Gives it as it is stored;
    /// none when it was written since it was read.
    ///
    /// # Errors
    ///
    /// [`BookError::Account`] when the account does not allow what the end does to it,
    /// [`BookError::Store`] when the table fails.
    pub async fn step_debit(
        &self,
        before: &Debit,
        after: &Debit,
        now: Timestamp,
    ) -> Result<Option<Debit>, BookError> {
        change(&self.billing, STEP, move |again| async move {
            if again && self.has_moved_on(before).await? {
                return Ok(Decision::Keep(None));
            }
            if after.is_open() {
                let mut writes = self.billing.writes(STEP);
                let stored = writes.record(Some(before), after)?;
                return Ok(Decision::Save(writes, Some(stored)));
            }
            let found = self.account(&before.provider).await?;
            if found.account.open_debit != Some(before.debit) {
                return Ok(Decision::Keep(None));
            }
            let (writes, stored) = self.ending(before, after, &found, now).await?;
            Ok::<_, BookError>(Decision::Save(writes, Some(stored)))
        })
        .await
    }

    /// The writes of a debit's end: the debit, the account, and the mandate if the debit found that
    /// no other can be collected under it.
    async fn ending(
        &self,
        before: &Debit,
        after: &Debit,
        found: &ProviderAccount,
        now: Timestamp,
    ) -> Result<(Writes, Debit), BookError> {
        let mandate = found.provider.mandate.as_ref();
        let movement = found.account.end_debit(after, mandate, &self.rules, now)?;
        let mut writes = self.billing.writes(STEP);
        let stored = writes.record(Some(before), after)?;
        if let Some(suspended) = self.suspending(after, &found.provider, now, &mut writes).await? {
            writes.provider(&found.provider, &suspended)?;
        }
        let attempt = after.paid_attempt().or(after.last_attempt());
        match attempt {
            Some(attempt) => {
                writes.movement_of(&found.account, &movement, &attempt.out_trade_no, None)?
            }
            None => writes.movement(&found.account, &movement)?,
        };
        Ok((writes, stored))
    }

    /// Adds the write of the mandate that a debit's end suspends, if it does; gives the provider
    /// after it.
    async fn suspending(
        &self,
        debit: &Debit,
        provider: &Provider,
        now: Timestamp,
        writes: &mut Writes,
    ) -> Result<Option<Provider>, BookError> {
        let (true, Some(terms)) =
            (debit.given_up().is_some_and(GiveUpReason::ends_mandate), &debit.terms)
        else {
            return Ok(None);
        };
        let before: Mandate = self
            .record(&debit.provider, &terms.mandate, format!("mandate {}", terms.mandate))
            .await?;
        let Some(after) = before.suspended_by(debit, now) else { return Ok(None) };
        writes.mandate(Some(&before), &after)?;
        Ok(Some(provider.with_mandate(&after)))
    }

    /// Resolves a debit as a person decides.
    ///
    /// # Errors
    ///
    /// [`BookError::NothingToResolve`] unless it is held or in doubt.
    pub async fn resolve_debit(
        &self,
        provider: &ProviderId,
        debit: DebitId,
        resolution: Resolution,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Debit, BookError> {
        change(&self.billing, RESOLVE, move |again| async move {
            let before: Debit = self.record(provider, &debit, format!("debit {debit}")).await?;
            // This decision may have been stored, and only the answer lost.
            let is_stored = before.history.interventions.last().is_some_and(|last| {
                last.at_s == now && last.resolution == resolution && last.reason == *reason
            });
            if again && is_stored {
                return Ok(Decision::Keep(before));
            }
            self.resolved(&before, resolution, reason, now)
        })
        .await
    }

    /// What a person's decision about a debit writes.
    pub(crate) fn resolved(
        &self,
        before: &Debit,
        resolution: Resolution,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Decision<Debit>, BookError> {
        let after = before.resolved(resolution, reason.clone(), now)?;
        let mut writes = self.billing.writes(RESOLVE);
        let stored = writes.record(Some(before), &after)?;
        Ok(Decision::Save(writes, stored))
    }

    /// Stores a step of a record that moves no money. Gives it as it is stored; none when it was
    /// written since it was read.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn step_record<R: Record>(
        &self,
        before: &R,
        after: &R,
    ) -> Result<Option<R>, BookError> {
        change(&self.billing, STEP_RECORD, move |again| async move {
            if again && self.has_moved_on(before).await? {
                return Ok(Decision::Keep(None));
            }
            let mut writes = self.billing.writes(STEP_RECORD);
            let stored = writes.record(Some(before), after)?;
            Ok::<_, BookError>(Decision::Save(writes, Some(stored)))
        })
        .await
    }

    /// A record of a provider that must exist.
    pub(crate) async fn record<R: Record>(
        &self,
        provider: &ProviderId,
        id: &R::Id,
        what: String,
    ) -> Result<R, BookError> {
        let missing = || BookError::NoRecord { provider: provider.clone(), record: what };
        self.billing.find(provider, id).await?.ok_or_else(missing)
    }

    /// Whether a record was written since it was read.
    pub(crate) async fn has_moved_on<R: Record>(&self, before: &R) -> Result<bool, BookError> {
        Ok(self.billing.is_overtaken(before).await?)
    }
}

/// Whether a sent debit may be sent again under its mandate.
fn clearance(mandate: Option<&Mandate>, now: Timestamp) -> Clearance {
    let code = |text: &str| GatewayCode(text.to_owned());
    let Some(mandate) = mandate else { return Clearance::Dead(code("there is no mandate")) };
    match &mandate.phase {
        MandatePhase::Active if mandate.is_usable(now) => Clearance::Go,
        MandatePhase::Active => Clearance::Dead(code("the mandate has expired")),
        MandatePhase::Suspended { .. } => Clearance::NotToday(code("the mandate is suspended")),
        MandatePhase::Offered => Clearance::Dead(code("the mandate is not signed")),
        MandatePhase::Ending { .. }
        | MandatePhase::ConfirmingEnd { .. }
        | MandatePhase::Ended { .. } => Clearance::Dead(code("the mandate has ended")),
    }
}
