//! Visits to mandates, and whether a debit may be made under one.

use steelyard_alipay::AgreementKey;
use steelyard_billing::mandate::{
    EndReason, MandateOutcome, MandatePhase, MandateStep, Suspension,
};
use steelyard_billing::{AgreementAnswer, Debit, GatewayCode, Mandate, MandateId, ProviderId};
use steelyard_store::MandateBooked;

use crate::{Collector, WorkError};

/// Whether a debit may be made under its mandate now.
pub(crate) enum Clearance {
    /// It may.
    Go,
    /// Not today: it is suspended.
    NotToday(GatewayCode),
    /// Never more.
    Dead(GatewayCode),
}

impl Collector {
    pub(crate) async fn visit_mandate(
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

    /// Whether a debit may be made under its mandate: Alipay is asked once a day, since nobody is
    /// notified of an agreement that expires, or of a suspended one that is in force again.
    pub(crate) async fn cleared(&self, debit: &Debit) -> Result<Clearance, WorkError> {
        let mut mandate: Mandate = self.find(&debit.provider, &debit.mandate).await?;
        let now = self.clock.now();
        let may_be_used = mandate.is_usable(now) || is_suspended(&mandate);
        if may_be_used && mandate.needs_check(&self.terms.calendar, now) {
            mandate = self.query_mandate(&mandate).await?;
        }
        Ok(clearance(&mandate, mandate.is_usable(self.clock.now())))
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
    /// take the other's place, though the other is what the provider signed since.
    async fn replaced_by(&self, mandate: &Mandate) -> Result<Option<MandateId>, WorkError> {
        if !is_suspended(mandate) {
            return Ok(None);
        }
        let customer = self.billing.customer(&mandate.provider).await?;
        let in_use = customer.and_then(|customer| customer.provider.mandate);
        Ok(in_use.map(|in_use| in_use.mandate).filter(|in_use| *in_use != mandate.mandate))
    }

    async fn replace(&self, mandate: &Mandate, by: MandateId) -> Result<Mandate, WorkError> {
        let now = self.clock.now();
        let decide = |before: &Mandate| {
            let ending = before.ending(EndReason::Replaced { by }, now);
            ending.map_or(MandateOutcome::Known, MandateOutcome::Changed)
        };
        self.change(mandate, decide).await
    }

    async fn unsign(&self, mandate: &Mandate) -> Result<(), WorkError> {
        let Some(key) = self.key(mandate) else { return Ok(()) };
        let answer = self.alipay.end_agreement(&key, self.clock.now()).await;
        let now = self.clock.now();
        let decide = |before: &Mandate| {
            before.after_unsign(answer.clone(), now).unwrap_or(MandateOutcome::Known)
        };
        self.change(mandate, decide).await.map(drop)
    }

    /// Changes a mandate by what Alipay answered; gives it as it is stored.
    async fn change(
        &self,
        mandate: &Mandate,
        decide: impl Fn(&Mandate) -> MandateOutcome + Send,
    ) -> Result<Mandate, WorkError> {
        let (provider, id) = (&mandate.provider, mandate.mandate);
        let now = self.clock.now();
        match self.billing.change_mandate(provider, id, now, decide).await? {
            MandateBooked::Now(stored) => {
                tracing::info!(provider.id = %provider, mandate.id = %id, phase = ?stored.phase, "mandate stored");
                Ok(stored)
            }
            MandateBooked::Before(stored) => Ok(stored),
            MandateBooked::Crossed(stored) => {
                tracing::error!(provider.id = %provider, mandate.id = %id, contradictions = 1, "what Alipay says of a mandate contradicts it");
                Ok(stored)
            }
            MandateBooked::Unknown => Err(WorkError::Unknown { provider: provider.clone() }),
        }
    }

    /// By which number Alipay is asked about a mandate.
    fn key(&self, mandate: &Mandate) -> Option<AgreementKey> {
        let by_number = mandate.agreement_no.clone().map(AgreementKey::AgreementNo);
        let offered = || {
            let number = mandate.external_agreement_no.clone()?;
            Some(AgreementKey::Offered { number, scene: self.sign_scene.clone() })
        };
        by_number.or_else(offered)
    }
}

/// Tells of a mandate that a debit found dead, and that is in force if Alipay is asked: only a person
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

fn is_suspended(mandate: &Mandate) -> bool {
    match mandate.phase {
        MandatePhase::Suspended { .. } => true,
        MandatePhase::Offered
        | MandatePhase::Active
        | MandatePhase::Ending { .. }
        | MandatePhase::Ended { .. } => false,
    }
}

fn clearance(mandate: &Mandate, is_usable: bool) -> Clearance {
    let why = |text: &str| GatewayCode(text.to_owned());
    match &mandate.phase {
        MandatePhase::Active if is_usable => Clearance::Go,
        MandatePhase::Active => Clearance::Dead(why("the mandate's time is over")),
        MandatePhase::Suspended { .. } => Clearance::NotToday(why("the mandate is suspended")),
        MandatePhase::Offered => Clearance::Dead(why("the mandate is not signed")),
        MandatePhase::Ending { .. } | MandatePhase::Ended { .. } => {
            Clearance::Dead(why("the mandate has ended"))
        }
    }
}
