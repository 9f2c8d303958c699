//! Work on mandates, and the check of a mandate before a debit is sent under it.

use steelyard_alipay::AgreementKey;
use steelyard_billing::mandate::{MandatePhase, MandateStep, Suspension};
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

    /// The mandate under which a debit is to be sent, as Alipay knows it today: nobody is notified
    /// of an agreement that expires, and its limit may have changed.
    pub(crate) async fn checked_mandate(
        &self,
        debit: &Debit,
    ) -> Result<Option<Mandate>, WorkError> {
        let Some(mandate) = self.books.mandate_of(debit).await? else { return Ok(None) };
        let now = self.clock.now();
        let may_be_used = mandate.is_usable(now) || mandate.is_suspended();
        if may_be_used && mandate.needs_check(&self.books.rules.calendar, now) {
            return self.query_mandate(&mandate).await.map(Some);
        }
        Ok(Some(mandate))
    }

    async fn query_mandate(&self, mandate: &Mandate) -> Result<Mandate, WorkError> {
        let (provider, id) = (&mandate.provider, mandate.mandate);
        // In force again, it would take the place of a mandate that the provider signed since.
        if mandate.is_suspended()
            && let Some(ending) = self.books.end_replaced(provider, id, self.clock.now()).await?
        {
            log_stored(&ending);
            return Ok(ending);
        }
        let Some(key) = self.key(mandate) else { return Ok(mandate.clone()) };
        let answer = self.alipay.query_agreement(&key, self.clock.now()).await;
        let now = self.clock.now();
        let decide = |before: &Mandate| before.after_query(answer.clone(), now);
        let after = self.change(mandate, decide).await?;
        log_contradiction(&after, &answer);
        Ok(after)
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
                log_stored(&stored);
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

fn log_stored(mandate: &Mandate) {
    tracing::info!(
        provider.id = %mandate.provider,
        mandate.id = %mandate.mandate,
        phase = ?mandate.phase,
        "mandate stored"
    );
}

/// Logs a mandate that a debit found dead, and that is in force by Alipay's answer: only a person
/// can resume it.
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
