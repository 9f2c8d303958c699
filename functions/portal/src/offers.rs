//! What the portal asks of the function that makes offers, which alone has a key of Alipay.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steelyard_billing::{ProviderId, RechargeId, RechargePurpose};
use steelyard_pages::recharge::{PayBy, Way};
use steelyard_pages::withholding::SigningLinks;
use steelyard_pricing::Fen;
use steelyard_runtime::{Callee, Problem};
use utoipa::ToSchema;

use crate::refusal::Refusal;

/// A recharge that can be paid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OfferedRecharge {
    pub(crate) recharge: RechargeId,
    pub(crate) page: Option<String>,
    pub(crate) code: Option<String>,
}

/// An agreement that can be signed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct OfferedMandate {
    /// The same as a page, for any browser.
    pub(crate) page: String,
    /// A link that opens it in the Alipay app of a phone.
    pub(crate) app: String,
    /// The text of a QR code for a desktop.
    pub(crate) qr: String,
}

/// What a refusal was of, by its last part: `amount`, `too-many-open`.
#[derive(Clone, Debug)]
pub(crate) struct OfferRefused {
    pub(crate) kind: String,
    pub(crate) body: Value,
    pub(crate) status: u16,
}

/// The reason for which nothing is offered.
#[derive(Debug)]
pub(crate) enum NotOffered {
    /// The offers function refused the request.
    Refused(OfferRefused),
    /// Nobody knows: the same request may be sent again.
    Unavailable(Refusal),
}

impl NotOffered {
    /// What a program is answered.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            NotOffered::Refused(refused) => refused.refusal(),
            NotOffered::Unavailable(refusal) => refusal,
        }
    }
}

impl OfferRefused {
    fn refusal(self) -> Refusal {
        let problem = Problem::ALL.into_iter().find(|problem| problem.kind() == self.kind);
        let detail = self.body["detail"].as_str().unwrap_or_default().to_owned();
        match problem {
            Some(problem) => Refusal::Problem(problem, detail),
            None => Refusal::unavailable(format!("offers answered {} {}", self.status, self.body)),
        }
    }
}

/// The function that makes offers.
#[derive(Clone, Debug)]
pub(crate) struct OfferMaker(pub(crate) Callee);

impl OfferMaker {
    /// Offers a recharge, once by its key.
    pub(crate) async fn recharge(
        &self,
        provider: &ProviderId,
        (purpose, amount): (RechargePurpose, Fen),
        way: Way,
        key: &str,
        return_to: &str,
    ) -> Result<OfferedRecharge, NotOffered> {
        let request = json!({ "provider": provider, "amount": amount.to_string(), "way": way.name(), "purpose": purpose });
        self.asked(
            json!({ "offer": "recharge", "request": request, "key": key, "return_to": return_to }),
        )
        .await
    }

    /// Offers an agreement with the consent that a page recorded, once by its key; without both,
    /// gives an open offer again.
    pub(crate) async fn mandate(
        &self,
        provider: &ProviderId,
        consent: Option<Value>,
        key: Option<&str>,
    ) -> Result<OfferedMandate, NotOffered> {
        let mut request = json!({ "provider": provider });
        if let Some(consent) = consent {
            request["consent"] = consent;
        }
        self.asked(json!({ "offer": "mandate", "request": request, "key": key })).await
    }

    async fn asked<T: for<'de> Deserialize<'de>>(&self, event: Value) -> Result<T, NotOffered> {
        let unavailable =
            |error: steelyard_runtime::Error| NotOffered::Unavailable(Refusal::Unavailable(error));
        let answer = self.0.invoke(&event).await.map_err(|error| unavailable(error.into()))?;
        let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let body = answer["body"].clone();
        match status {
            Some(200..=299) => {
                serde_json::from_value(body).map_err(|error| unavailable(error.into()))
            }
            Some(status @ 400..=499) | Some(status @ 502) => {
                let kind = body["type"].as_str().unwrap_or_default();
                let kind = kind.rsplit(':').next().unwrap_or_default().to_owned();
                Err(NotOffered::Refused(OfferRefused { kind, body, status }))
            }
            Some(_) | None => Err(unavailable(format!("offers answered {answer}").into())),
        }
    }
}

impl OfferedRecharge {
    /// By what it is paid.
    pub(crate) fn pay_by(&self) -> Option<PayBy> {
        let page = || self.page.clone().map(PayBy::Page);
        self.code.clone().map(PayBy::Code).or_else(page)
    }
}

impl OfferedMandate {
    /// By what it is signed. The page opens in the Alipay app only; that of an Alipay without TLS,
    /// which is a local one, opens in every browser.
    pub(crate) fn links(self, alipay_origin: &str) -> SigningLinks {
        let OfferedMandate { page, app, qr } = self;
        SigningLinks { app: if alipay_origin.starts_with("http://") { page } else { app }, qr }
    }
}
