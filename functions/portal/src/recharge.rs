//! A provider pays in: an amount becomes a trade at Alipay, and a page or a code by which it is paid.

use serde::{Deserialize, Serialize};
use steelyard_alipay::{Recharge as Offer, RechargeError};
use steelyard_billing::{ProviderId, QrAnswer, Recharge, RechargeAmountError, RechargeId};
use steelyard_pricing::Fen;
use steelyard_store::{CommitError, ProviderAccount, StoreError};
use thiserror::Error;

use crate::Portal;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RechargeRequest {
    provider: ProviderId,
    /// In yuan, as a text.
    amount: String,
    #[serde(default)]
    way: Way,
}

/// By what it is paid.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    /// A page for a browser.
    #[default]
    Page,
    /// A code to be scanned.
    Code,
}

/// A recharge that can be paid.
#[derive(Debug, Serialize)]
pub(crate) struct Offered {
    provider: ProviderId,
    recharge: RechargeId,
    out_trade_no: String,
    amount: String,
    /// The address of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The text of the QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// Why there is nothing to be paid.
#[derive(Debug, Error)]
pub(crate) enum OfferError {
    #[error("`amount` is not an amount in yuan such as \"100.00\"")]
    Amount,
    #[error("there is no provider `{0}`")]
    NoProvider(ProviderId),
    #[error(transparent)]
    Range(#[from] RechargeAmountError),
    #[error("Alipay would refuse the recharge")]
    Recharge(#[from] RechargeError),
    #[error("Alipay gives no code: {0}")]
    NoCode(String),
    #[error("the page cannot be signed")]
    Signing(#[from] steelyard_alipay::SigningFailed),
    #[error("the account keeps changing")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often a recharge is numbered again when others write the account meanwhile.
const TRIES: usize = 10;

impl Portal {
    pub(crate) async fn offer_recharge(
        &self,
        asked: RechargeRequest,
    ) -> Result<Offered, OfferError> {
        let amount: Fen = asked.amount.parse().map_err(|_| OfferError::Amount)?;
        let recharge = self.numbered(&asked.provider, amount).await?;
        let offer = Offer::new(recharge.out_trade_no.clone(), amount, "API service prepayment")?;
        let now = self.clock.now();
        let (page, code) = match asked.way {
            Way::Page => {
                (Some(self.alipay.recharge_page(&offer, &self.config.return_url, now)?), None)
            }
            Way::Code => match self.alipay.recharge_code(&offer, now).await {
                QrAnswer::Code(code) => (None, Some(code)),
                QrAnswer::Refused(refusal) => return Err(OfferError::NoCode(refusal.0)),
                QrAnswer::InDoubt(doubt) => return Err(OfferError::NoCode(doubt.0)),
            },
        };
        tracing::info!(provider.id = %recharge.provider, recharge.id = %recharge.recharge, amount_fen = amount.get(), "a recharge is offered");
        Ok(Offered {
            provider: recharge.provider,
            recharge: recharge.recharge,
            out_trade_no: recharge.out_trade_no.to_string(),
            amount: amount.to_string(),
            page,
            code,
        })
    }

    /// Stores a recharge under the provider's next number, before Alipay hears of it.
    async fn numbered(&self, provider: &ProviderId, amount: Fen) -> Result<Recharge, OfferError> {
        for _ in 0..TRIES {
            let customer = self.billing.customer(provider).await?;
            let no_provider = || OfferError::NoProvider(provider.clone());
            let ProviderAccount { account, .. } = customer.ok_or_else(no_provider)?;
            let (recharge, movement) = account.offer_recharge(amount, self.clock.now())?;
            match self.billing.store_moving(None, &recharge, &account, &movement, None).await {
                Ok(stored) => return Ok(stored),
                Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(OfferError::Contended)
    }
}
