//! Adopting an agreement that was signed elsewhere: only one that Alipay has just said is in force.

use jiff::Timestamp;
use thiserror::Error;

use super::{Mandate, MandateError, MandateLimits, MandatePhase};
use crate::{
    Agreement, AgreementAnswer, Doubt, ExternalAgreementNo, MandateId, ProviderCode, ProviderId,
};

/// Why no debit can be made under an agreement, by Alipay's answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotInForce {
    /// It was prepared, and is not signed.
    #[error("it is not signed")]
    NotYet,
    /// Alipay has suspended the agreement.
    #[error("it is suspended at Alipay")]
    Suspended,
    /// The agreement has ended at Alipay, for good.
    #[error("it was ended")]
    Ended,
    /// Alipay has no such agreement with this app.
    #[error("Alipay does not know it")]
    NotFound,
    /// There is no answer, or none that proves anything.
    #[error("Alipay did not confirm it ({}): try again", .0.0)]
    InDoubt(Doubt),
}

impl AgreementAnswer {
    /// The agreement, if the answer proves that it is in force.
    ///
    /// # Errors
    ///
    /// [`NotInForce`] for every other answer.
    pub fn in_force(self) -> Result<Agreement, NotInForce> {
        match self {
            AgreementAnswer::InForce(agreement) => Ok(agreement),
            AgreementAnswer::NotYetInForce => Err(NotInForce::NotYet),
            AgreementAnswer::Suspended => Err(NotInForce::Suspended),
            AgreementAnswer::Ended => Err(NotInForce::Ended),
            AgreementAnswer::NotFound => Err(NotInForce::NotFound),
            AgreementAnswer::InDoubt(doubt) => Err(NotInForce::InDoubt(doubt)),
        }
    }
}

impl Agreement {
    /// The provider and the mandate for which Steelyard offered it; none if it was signed
    /// elsewhere.
    #[must_use]
    pub fn offered_for(&self) -> Option<(ProviderCode, MandateId)> {
        let number = self.external_agreement_no.as_deref()?;
        ExternalAgreementNo::parse(number).ok()?.ours()
    }
}

impl Mandate {
    /// The mandate of an agreement that was signed elsewhere and is in force, under which debits
    /// can be made at once.
    ///
    /// # Errors
    ///
    /// [`MandateError`] naming what is wrong.
    pub fn adopt(
        provider: &ProviderId,
        mandate: MandateId,
        agreement: Agreement,
        limits: MandateLimits,
        now: Timestamp,
    ) -> Result<Mandate, MandateError> {
        let number = &agreement.agreement_no;
        if number.is_empty() || !number.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(MandateError::AgreementNo(agreement.agreement_no));
        }
        let own = ProviderCode::of(provider);
        if agreement.offered_for().is_some_and(|(code, _)| code != own) {
            return Err(MandateError::Anothers(agreement.agreement_no));
        }
        if agreement.ends_at.is_some_and(|ends_at| ends_at <= now) {
            return Err(MandateError::Expired(agreement.agreement_no));
        }
        let adopted = Mandate::new(provider, mandate, limits, now)?;
        Ok(Mandate { phase: MandatePhase::Active, ..adopted.told(agreement, now) })
    }
}
