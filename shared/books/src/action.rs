//! Actions: what people ask for on pages, recorded before it is carried out.
//!
//! The record is stored as `asked` first. Then one transaction writes what the action changes and
//! that it is done. So an action that is recorded as `asked` has changed nothing, and asking for it
//! again under its key carries it out, once.

use jiff::Timestamp;
use steelyard_billing::breaker::Breaker;
use steelyard_billing::mandate::{EndReason, MandateLimits};
use steelyard_billing::{
    Account, Action, ActionError, ActionId, ActionRequest, ActionResult, Actor, Adjustment, Debit,
    DebitId, Deed, Mandate, MandateId, Person, ProviderId, Reason, Resolution, Stage, StageHold,
    chain,
};
use steelyard_pricing::BillingDay;
use steelyard_store::StoreError;
use thiserror::Error;

use crate::change::{Decision, change};
use crate::{BookError, Books, IdempotencyKey};

/// Why an action is not recorded, decided about or carried out. One that is recorded can be asked
/// for again under its key.
#[derive(Debug, Error)]
pub enum ActError {
    /// It is not recorded or decided about so.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// The table failed.
    #[error(transparent)]
    Books(#[from] BookError),
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> ActError {
        ActError::Books(error.into())
    }
}

const RECORD: &str = "record an action";
const DECIDE: &str = "decide about an action";
const ACT: &str = "carry out an action";
const REVOKE: &str = "revoke sessions";

impl Books {
    /// Records an action and carries it out, unless it is not allowed or waits for a second person:
    /// the record says so. The same key gives the same action again, and carries on with one that
    /// was recorded and not carried out.
    ///
    /// # Errors
    ///
    /// [`ActionError::KeyUsed`] when the key stands for another action, and [`BookError::Store`]
    /// when the table fails.
    pub async fn act(
        &self,
        key: &IdempotencyKey,
        request: &ActionRequest,
        needs_approval: bool,
        now: Timestamp,
    ) -> Result<Action, ActError> {
        let recorded = self.record_action(key, request, needs_approval, now).await?;
        self.carry_out(recorded, now).await
    }

    /// Approves an action as a second person, and carries it out. Approving it again gives it as it
    /// is recorded, and carries on.
    ///
    /// # Errors
    ///
    /// [`ActError::Action`] when the person asked for it, or it needs no approval.
    pub async fn approve_action(
        &self,
        id: &ActionId,
        by: &Person,
        now: Timestamp,
    ) -> Result<Action, ActError> {
        let approved = self.decide_action(id, |action| action.approved(by, now)).await?;
        self.carry_out(approved, now).await
    }

    /// Rejects an action that waits: it is never carried out. Rejecting it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`ActError::Action`] when it waits for no decision.
    pub async fn reject_action(
        &self,
        id: &ActionId,
        by: &Person,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Action, ActError> {
        self.decide_action(id, |action| action.rejected(by, reason, now)).await
    }

    /// Ends the sessions in which a provider's pages are open, and gives the version of those to
    /// come. A lost answer may count twice, which ends no more sessions.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails; what an action is refused for is stored with it.
    pub async fn revoke_sessions(&self, provider: &ProviderId) -> Result<u32, BookError> {
        change(&self.billing, REVOKE, move |_| self.revoking(provider)).await
    }

    async fn record_action(
        &self,
        key: &IdempotencyKey,
        request: &ActionRequest,
        needs_approval: bool,
        now: Timestamp,
    ) -> Result<Action, ActError> {
        let id = &ActionId::of(&request.by, key.as_str());
        let month = self.rules.calendar.day_of(now).map_err(BookError::from)?.month();
        change(&self.billing, RECORD, move |_| async move {
            if let Some(known) = self.billing.action(id).await? {
                known.check_repeated(request)?;
                return Ok(Decision::Keep(known));
            }
            let action = Action::new(id.clone(), request, needs_approval, month, now);
            let action = self.with_amounts(action, now).await?;
            let mut writes = self.billing.writes(RECORD);
            let stored = writes.action(None, &action)?;
            Ok(Decision::Save(writes, stored))
        })
        .await
    }

    /// A payment out that waits, with the amounts that a second person approves. What the records
    /// do not allow now is refused.
    async fn with_amounts(&self, action: Action, now: Timestamp) -> Result<Action, BookError> {
        if !action.is_waiting() || !action.what.pays_out() {
            return Ok(action);
        }
        // What it would do now: nothing of it is written.
        match self.effect(&action, now).await {
            Ok(Decision::Save(_, ActionResult::DepositReturned(amounts))) => {
                Ok(action.returning(amounts))
            }
            Ok(Decision::Save(..) | Decision::Keep(_) | Decision::Again) => Ok(action),
            Err(BookError::Store(error)) => Err(error.into()),
            Err(refusal) => Ok(action.refused(chain(&refusal), now)),
        }
    }

    async fn decide_action(
        &self,
        id: &ActionId,
        decide: impl Fn(&Action) -> Result<Option<Action>, ActionError>,
    ) -> Result<Action, ActError> {
        let decide = &decide;
        change(&self.billing, DECIDE, move |_| async move {
            let before = self.known_action(id).await?;
            let Some(after) = decide(&before)? else { return Ok(Decision::Keep(before)) };
            let mut writes = self.billing.writes(DECIDE);
            let stored = writes.action(Some(&before), &after)?;
            Ok(Decision::Save(writes, stored))
        })
        .await
    }

    /// Carries an action out if it is to be done. What the records do not allow is refused.
    async fn carry_out(&self, recorded: Action, now: Timestamp) -> Result<Action, ActError> {
        if !recorded.is_to_be_done() {
            return Ok(recorded);
        }
        let id = &recorded.id;
        change(&self.billing, ACT, move |_| async move {
            let before = self.known_action(id).await?;
            if !before.is_to_be_done() {
                return Ok(Decision::Keep(before));
            }
            let nothing = || self.billing.writes(ACT);
            let effect = self.effect(&before, now).await.and_then(|decision| {
                if let Decision::Save(_, result) = &decision {
                    before.check_as_shown(result)?;
                }
                Ok(decision)
            });
            let (mut writes, after) = match effect {
                Ok(Decision::Save(writes, result)) => (writes, before.done(result, now)),
                Ok(Decision::Keep(result)) => (nothing(), before.done(result, now)),
                Ok(Decision::Again) => return Ok(Decision::Again),
                Err(BookError::Store(error)) => return Err(error.into()),
                Err(refusal) => (nothing(), before.refused(chain(&refusal), now)),
            };
            let stored = writes.action(Some(&before), &after)?;
            Ok(Decision::Save(writes, stored))
        })
        .await
    }

    async fn known_action(&self, id: &ActionId) -> Result<Action, ActError> {
        let found = self.billing.action(id).await?;
        found.ok_or_else(|| ActionError::Unknown(id.clone()).into())
    }

    /// What an action writes beside its own record.
    async fn effect(
        &self,
        action: &Action,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        match &action.what {
            Deed::EndMandate { provider, mandate } => {
                self.ending_mandate(action, provider, *mandate, now).await
            }
            Deed::LowerLimits { provider, mandate, limits } => {
                self.lowering(provider, *mandate, *limits, now).await
            }
            Deed::ResolveDebit { provider, debit, resolution } => {
                self.resolving(action, provider, *debit, *resolution, now).await
            }
            Deed::CloseFinding { trade, request } => {
                self.closing_finding(action, trade, request.as_deref()).await
            }
            Deed::StopDebits => {
                let (_, reason) = action.operators()?;
                let stop = |breaker: &Breaker| breaker.stopped(reason.clone(), now);
                self.deciding(stop).await.map(changed)
            }
            Deed::ResumeDebits => {
                let (_, reason) = action.operators()?;
                let resume = |breaker: &Breaker| breaker.resumed(reason.clone(), now);
                self.deciding(resume).await.map(changed)
            }
            Deed::ApproveAdjustment { provider, adjustment } => {
                let (person, _) = action.operators()?;
                let approve = |of: &Adjustment| of.approved(person, now);
                self.changing_adjustment(provider, adjustment, approve).await.map(changed)
            }
            Deed::RejectAdjustment { provider, adjustment } => {
                let (person, reason) = action.operators()?;
                let reject = |of: &Adjustment| of.rejected(person, reason, now);
                self.changing_adjustment(provider, adjustment, reject).await.map(changed)
            }
            Deed::DrawDeposit { provider, amount_fen } => {
                action.operators()?;
                self.drawing(provider, *amount_fen, now).await
            }
            Deed::ReturnDeposit { provider, amount_fen } => {
                self.returning(action, provider, *amount_fen, now).await
            }
            Deed::BookDepositReturn { provider, amount_fen, reference } => {
                action.operators()?;
                self.booking_return(provider, *amount_fen, reference, now).await
            }
            Deed::SetAlerts { provider, rules } => {
                self.setting_alerts(provider, rules).await.map(changed)
            }
            Deed::HoldStage { provider, stage, until } => {
                self.holding_at(action, provider, *stage, *until, now).await
            }
            Deed::ReleaseStage { provider } => {
                action.operators()?;
                self.holding(provider, None).await.map(changed)
            }
            Deed::RevokeSessions { provider } => Ok(self.revoking(provider).await?.map(revoked)),
        }
    }

    async fn ending_mandate(
        &self,
        action: &Action,
        provider: &ProviderId,
        mandate: MandateId,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        let why = match action.asked_by {
            Actor::Provider { .. } | Actor::Caller { .. } => EndReason::RevokedHereByProvider,
            Actor::Operator { .. } => {
                EndReason::RevokedHere { reason: action.operators()?.1.clone() }
            }
        };
        let before = self.mandate(provider, mandate).await?;
        let ending = before.ending(why, now)?;
        self.decided(before, ending, now).await.map(changed)
    }

    async fn lowering(
        &self,
        provider: &ProviderId,
        mandate: MandateId,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        let before = self.mandate(provider, mandate).await?;
        let (was, lower) = (before.limits(), before.with_lower_limits(limits)?);
        let is_lowered = before != lower;
        let decision = self.decided(before, lower, now).await?;
        let result =
            if is_lowered { ActionResult::LimitsLowered { was } } else { ActionResult::AsBefore };
        Ok(decision.map(|_| result))
    }

    async fn resolving(
        &self,
        action: &Action,
        provider: &ProviderId,
        debit: DebitId,
        resolution: Resolution,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        let (_, reason) = action.operators()?;
        let before: Debit = self.record(provider, &debit, format!("debit {debit}")).await?;
        self.resolved(&before, resolution, reason, now).map(changed)
    }

    async fn closing_finding(
        &self,
        action: &Action,
        trade: &str,
        request: Option<&str>,
    ) -> Result<Decision<ActionResult>, BookError> {
        let (_, reason) = action.operators()?;
        let closing = self.closing(trade, request, reason).await?;
        if let Decision::Keep(None) = closing {
            return Err(BookError::NoFinding(match request {
                Some(request) => format!("refund {request} of {trade}"),
                None => trade.to_owned(),
            }));
        }
        Ok(changed(closing))
    }

    /// Holds a provider at a stage until a later day than today.
    async fn holding_at(
        &self,
        action: &Action,
        provider: &ProviderId,
        stage: Stage,
        until: BillingDay,
        now: Timestamp,
    ) -> Result<Decision<ActionResult>, BookError> {
        let (by, reason) = action.operators()?;
        if until <= self.rules.calendar.day_of(now)? {
            return Err(BookError::HoldIsOver(until));
        }
        let (by, reason) = (by.clone(), reason.clone());
        let hold = StageHold { stage, until, reason, by, held_at_s: now };
        self.holding(provider, Some(&hold)).await.map(changed)
    }

    async fn mandate(
        &self,
        provider: &ProviderId,
        mandate: MandateId,
    ) -> Result<Mandate, BookError> {
        self.record(provider, &mandate, format!("mandate {mandate}")).await
    }

    async fn revoking(&self, provider: &ProviderId) -> Result<Decision<u32>, BookError> {
        let before = self.account(provider).await?.account;
        // Another version than before ends the sessions, whichever it is.
        let session_version = before.session_version.wrapping_add(1);
        let mut writes = self.billing.writes(REVOKE);
        writes.account(&before, &Account { session_version, ..before.clone() })?;
        Ok(Decision::Save(writes, session_version))
    }
}

fn revoked(session_version: u32) -> ActionResult {
    ActionResult::SessionsRevoked { session_version }
}

/// What a decision changed: nothing if nothing is written.
fn changed<T>(decision: Decision<T>) -> Decision<ActionResult> {
    match decision {
        Decision::Save(writes, _) => Decision::Save(writes, ActionResult::Changed),
        Decision::Keep(_) => Decision::Keep(ActionResult::AsBefore),
        Decision::Again => Decision::Again,
    }
}
