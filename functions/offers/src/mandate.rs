//! A provider signs a mandate: an offer becomes the links by which it is signed.

use serde::{Deserialize, Serialize};
use steelyard_alipay::{AgreementOffer, OfferError as AgreementOfferError, SigningFailed};
use steelyard_billing::mandate::{Consent, ConsentBy, MandateLimits};
use steelyard_billing::{
    Caller, ExternalAgreementNo, MandateId, Principal, ProviderId, SessionId, TermsVersion,
};
use steelyard_books::{IdempotencyKey, OfferError};
use thiserror::Error;

use crate::Offers;

/// The body of a request for a mandate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MandateRequest {
    pub(crate) provider: ProviderId,
    /// What the provider is called at the platform; it reads it before it signs. Its id, if
    /// missing.
    login: Option<String>,
    /// The consent that the provider gave beforehand; none if it was not asked for one.
    consent: Option<ConsentGiven>,
}

/// A consent as it is reported. It is recorded with the time at which it arrives.
#[derive(Debug, Deserialize)]
#[serde(try_from = "ConsentSent")]
struct ConsentGiven {
    terms_version: TermsVersion,
    by: ConsentBy,
}

/// The same in its written form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentSent {
    terms_version: TermsVersion,
    session: Option<SessionId>,
    caller: Option<Principal>,
}

/// A consent does not say who gave it.
#[derive(Clone, Copy, Debug, Error)]
#[error("a consent names a `session` or a `caller`")]
struct NotGiven;

impl TryFrom<ConsentSent> for ConsentGiven {
    type Error = NotGiven;

    fn try_from(sent: ConsentSent) -> Result<ConsentGiven, NotGiven> {
        let by = match (sent.session, sent.caller) {
            (Some(session), None) => ConsentBy::Session { session },
            (None, Some(caller)) => ConsentBy::Caller { caller },
            (None, None) | (Some(_), Some(_)) => return Err(NotGiven),
        };
        Ok(ConsentGiven { terms_version: sent.terms_version, by })
    }
}

impl MandateRequest {
    /// Whether another server than the sender took the consent.
    pub(crate) fn is_consent_of_another(&self, sender: &Caller) -> bool {
        match self.consent.as_ref().map(|consent| &consent.by) {
            Some(ConsentBy::Caller { caller }) => Some(caller) != sender.principal(),
            Some(ConsentBy::Session { .. }) | None => false,
        }
    }
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
    #[error(transparent)]
    Offer(#[from] OfferError),
    #[error("Alipay would refuse the offer")]
    Refused(#[from] AgreementOfferError),
    #[error("the links cannot be signed")]
    Signing(#[from] SigningFailed),
    #[error("the mandate has no number of ours")]
    NoNumber,
}

impl Offers {
    pub(crate) async fn offer_mandate(
        &self,
        asked: MandateRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<Offered, MandateError> {
        let limits = MandateLimits {
            single_fen: self.config.single_limit_fen,
            daily_fen: self.config.daily_limit_fen,
        };
        let now = self.clock.now();
        let consent = asked.consent.map(|ConsentGiven { terms_version, by }| Consent {
            terms_version,
            at_s: now,
            by,
        });
        let offered =
            self.books.offer_mandate(&asked.provider, limits, consent.as_ref(), key, now).await?;
        let mandate = offered.into_inner();
        let number = mandate.external_agreement_no.ok_or(MandateError::NoNumber)?;
        let login = asked.login.as_deref().unwrap_or(asked.provider.as_str());
        let offer = AgreementOffer::new(number.clone(), self.config.sign_scene.clone(), login)?;
        let return_url = Some(self.config.return_url.as_str());
        let links = self.alipay.signing_links(&offer, return_url, now)?;
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
}
