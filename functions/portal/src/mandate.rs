//! A provider signs a mandate: an offer becomes the links by which it is signed, and Alipay notifies
//! of the signature and of its end.

use serde::{Deserialize, Serialize};
use steelyard_alipay::{AgreementOffer, OfferError, SigningFailed};
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{
    AgreementEnded, AgreementSigned, ExternalAgreementNo, Mandate, MandateId, ProviderId,
};
use steelyard_store::{CommitError, MandateBooked, ProviderAccount, StoreError};
use thiserror::Error;

use crate::Portal;
use crate::notify::{Noted, NotifyError, Refused};

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MandateRequest {
    provider: ProviderId,
    /// What the provider is called at the platform; it reads it before it signs. Its id, if missing.
    login: Option<String>,
}

/// A mandate that can be signed.
#[derive(Debug, Serialize)]
pub(crate) struct Offered {
    provider: ProviderId,
    mandate: MandateId,
    external_agreement_no: ExternalAgreementNo,
    /// The page; it opens in the Alipay app only.
    page: String,
    /// A link that opens it in the app of a phone.
    app: String,
    /// The text of a QR code for a desktop.
    qr: String,
}

/// Why there is nothing to sign.
#[derive(Debug, Error)]
pub(crate) enum MandateError {
    #[error("there is no provider `{0}`")]
    NoProvider(ProviderId),
    #[error("the mandate makes no sense")]
    Mandate(#[from] steelyard_billing::mandate::MandateError),
    #[error("Alipay would refuse the offer")]
    Offer(#[from] OfferError),
    #[error("the links cannot be signed")]
    Signing(#[from] SigningFailed),
    #[error("the account keeps changing")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often a mandate is numbered again when others write the account meanwhile.
const TRIES: usize = 10;

impl Portal {
    pub(crate) async fn offer_mandate(
        &self,
        asked: MandateRequest,
    ) -> Result<Offered, MandateError> {
        let (mandate, number) = self.numbered_mandate(&asked.provider).await?;
        let login = asked.login.as_deref().unwrap_or(asked.provider.as_str());
        let offer = AgreementOffer::new(number.clone(), self.config.sign_scene.clone(), login)?;
        let return_url = Some(self.config.return_url.as_str());
        let links = self.alipay.signing_links(&offer, return_url, self.clock.now())?;
        tracing::info!(provider.id = %mandate.provider, mandate.id = %mandate.mandate, "a mandate is offered");
        Ok(Offered {
            provider: mandate.provider,
            mandate: mandate.mandate,
            external_agreement_no: number,
            page: links.page,
            app: links.app,
            qr: links.qr,
        })
    }

    /// Stores an offer under the provider's next number, before Alipay hears of it.
    async fn numbered_mandate(
        &self,
        provider: &ProviderId,
    ) -> Result<(Mandate, ExternalAgreementNo), MandateError> {
        let limits = MandateLimits {
            single_fen: self.config.single_limit_fen,
            daily_fen: self.config.daily_limit_fen,
        };
        for _ in 0..TRIES {
            let customer = self.billing.customer(provider).await?;
            let no_provider = || MandateError::NoProvider(provider.clone());
            let ProviderAccount { account, .. } = customer.ok_or_else(no_provider)?;
            let (mandate, movement) = account.offer_mandate(limits, self.clock.now())?;
            match self.billing.store_moving(None, &mandate, &account, &movement, None).await {
                Ok(stored) => {
                    if let Some(number) = stored.external_agreement_no.clone() {
                        return Ok((stored, number));
                    }
                }
                Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(MandateError::Contended)
    }

    pub(crate) async fn signed(&self, notice: &AgreementSigned) -> Result<Noted, NotifyError> {
        let external = notice.external_agreement_no.as_deref();
        let (provider, mandate) = self.meant(external, &notice.agreement_no).await?;
        let now = self.clock.now();
        let decide = |before: &Mandate| before.after_signed(notice, now);
        noted(self.billing.change_mandate(&provider, mandate, now, decide).await?)
    }

    pub(crate) async fn ended(&self, notice: &AgreementEnded) -> Result<Noted, NotifyError> {
        let external = notice.external_agreement_no.as_deref();
        let (provider, mandate) = self.meant(external, &notice.agreement_no).await?;
        let now = self.clock.now();
        let decide = |before: &Mandate| before.after_ended(notice, now);
        noted(self.billing.change_mandate(&provider, mandate, now, decide).await?)
    }

    /// Whose mandate a notice is about: by our number, or else by Alipay's.
    async fn meant(
        &self,
        external: Option<&str>,
        agreement_no: &str,
    ) -> Result<(ProviderId, MandateId), NotifyError> {
        let number = external.and_then(|text| ExternalAgreementNo::parse(text).ok());
        if let Some((code, mandate)) = number.as_ref().and_then(ExternalAgreementNo::ours) {
            let provider = self.billing.provider_of(&code).await?.ok_or(Refused::NotOurs)?;
            return Ok((provider, mandate));
        }
        let owner = self.billing.agreement_owner(agreement_no).await?.ok_or(Refused::NotOurs)?;
        Ok((owner.provider, owner.mandate))
    }
}

fn noted(booked: MandateBooked) -> Result<Noted, NotifyError> {
    match booked {
        MandateBooked::Now(mandate) => {
            tracing::info!(provider.id = %mandate.provider, mandate.id = %mandate.mandate, phase = ?mandate.phase, "mandate stored, as Alipay notifies");
            Ok(Noted::Booked)
        }
        MandateBooked::Before(_) => Ok(Noted::Nothing),
        MandateBooked::Crossed(_) => Err(Refused::Contradicts.into()),
        MandateBooked::Unknown => Err(Refused::NotOurs.into()),
    }
}
