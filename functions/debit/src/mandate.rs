//! Work on mandates, and the check of a mandate before a debit is sent under it.

use steelyard_alipay::AgreementKey;
use steelyard_billing::mandate::{EndReason, MandatePhase, MandateStep, Suspension};
use steelyard_billing::{AgreementAnswer, Debit, Mandate, MandateId, Outcome, ProviderId};
use steelyard_books::Applied;

use crate::{Collector, WorkError};

impl Collector {
    pub(crate) async fn work_on_mandate(
        &self,
        provider: &ProviderId,
        id: MandateId,
    ) -> Result<(), WorkError> {
        let mandate: Mandate = self.find(provider, &id).await?;
        match mandate.next_step(self.clock.now()) {
            MandateStep::Wait => Ok(()),
            MandateStep::Query => self.query_mandate(&mandate).await.map(drop),
            MandateStep::Unsign => self.unsign(&mandate).await,
        }
    }

    /// The mandate under which a debit is to be sent, as Alipay knows it today: nobody is notified of
    /// an agreement that expires, and its limit may have changed.
    pub(crate) async fn checked_mandate(
        &self,
        debit: &Debit,
    ) -> Result<Option<Mandate>, WorkError> {
        let Some(mandate) = self.books.mandate_of(debit).await? else { return Ok(None) };
        let now = self.clock.now();
        let may_be_used = mandate.is_usable(now) || is_suspended(&mandate);
        if may_be_used && mandate.needs_check(&self.books.rules.calendar, now) {
            return self.query_mandate(&mandate).await.map(Some);
        }
        Ok(Some(mandate))
    }

    async fn query_mandate(&self, mandate: &Mandate) -> Result<Mandate, WorkError> {
        if let Some(by) = self.replaced_by(mandate).await? {
            return self.replace(mandate, by).await;
        }
        let Some(key) = self.key(mandate) else { return Ok(mandate.clone()) };
        let answer = self.alipay.query_agreement(&key, self.clock.now()).await;
        let now = self.clock.now();
        let decide = |before: &Mandate| before.after_query(answer.clone(), now);
        let after = self.change(mandate, decide).await?;
        log_contradiction(&after, &answer);
        Ok(after)
    }

    /// The mandate that came into use while this one was suspended. In force again, this one would
    /// take the other's place, though the provider signed the other since.
    async fn replaced_by(&self, mandate: &Mandate) -> Result<Option<MandateId>, WorkError> {
        if !is_suspended(mandate) {
            return Ok(None);
        }
        let account = self.books.billing.account(&mandate.provider).await?;
        let in_use = account.and_then(|account| account.provider.mandate);
        Ok(in_use.map(|in_use| in_use.mandate).filter(|in_use| *in_use != mandate.mandate))
    }

    async fn replace(&self, mandate: &Mandate, by: MandateId) -> Result<Mandate, WorkError> {
        let now = self.clock.now();
        let decide = |before: &Mandate| {
            let ending = before.ending(EndReason::Replaced { by }, now);
            ending.map_or(Outcome::Unchanged, Outcome::Changed)
        };
        self.change(mandate, decide).await
    }

    async fn unsign(&self, mandate: &Mandate) -> Result<(), WorkError> {
        let Some(key) = self.key(mandate) else { return Ok(()) };
        let answer = self.alipay.end_agreement(&key, self.clock.now()).await;
        let now = self.clock.now();
        let decide = |before: &Mandate| {
            before.after_unsign(answer.clone(), now).unwrap_or(Outcome::Unchanged)
        };
        self.change(mandate, decide).await.map(drop)
    }

    /// Changes a mandate by Alipay's answer; gives it as it is stored.
    async fn change(
        &self,
        mandate: &Mandate,
        decide: impl Fn(&Mandate) -> Outcome<Mandate> + Send + Sync,
    ) -> Result<Mandate, WorkError> {
        let (provider, id) = (&mandate.provider, mandate.mandate);
        let now = self.clock.now();
        match self.books.change_mandate(provider, id, now, decide).await? {
            Applied::Now(stored) => {
                tracing::info!(provider.id = %provider, mandate.id = %id, phase = ?stored.phase, "mandate stored");
                Ok(stored)
            }
            Applied::Before(stored) => Ok(stored),
            Applied::Contradicts(stored) => {
                tracing::error!(
                    provider.id = %provider,
                    mandate.id = %id,
                    // The template makes a metric of it.
                    contradictions = 1,
                    "Alipay's answer about a mandate contradicts it"
                );
                Ok(stored)
            }
            Applied::Unknown => Err(WorkError::Unknown { provider: provider.clone() }),
        }
    }

    /// The number by which Alipay is queried about a mandate.
    fn key(&self, mandate: &Mandate) -> Option<AgreementKey> {
        let by_number = mandate.agreement_no.clone().map(AgreementKey::AgreementNo);
        let offered = || {
            let number = mandate.external_agreement_no.clone()?;
            Some(AgreementKey::Offered { number, scene: self.sign_scene.clone() })
        };
        by_number.or_else(offered)
    }
}

/// Logs a mandate that a debit found dead, and that is in force by Alipay's answer: only a person can
/// resume it.
fn log_contradiction(mandate: &Mandate, answer: &AgreementAnswer) {
    let MandatePhase::Suspended { why: Suspension::ByDebit { debit, given_up }, .. } =
        &mandate.phase
    else {
        return;
    };
    if let AgreementAnswer::InForce(_) = answer {
        tracing::error!(
            provider.id = %mandate.provider,
            mandate.id = %mandate.mandate,
            debit.id = %debit,
            %given_up,
            // The template makes a metric of it.
            contradictions = 1,
            "a mandate that a debit found dead is in force at Alipay: a person must resume or end it"
        );
    }
}

fn is_suspended(mandate: &Mandate) -> bool {
    match mandate.phase {
        MandatePhase::Suspended { .. } => true,
        MandatePhase::Offered
        | MandatePhase::Active
        | MandatePhase::Ending { .. }
        | MandatePhase::ConfirmingEnd { .. }
        | MandatePhase::Ended { .. } => false,
    }
}
