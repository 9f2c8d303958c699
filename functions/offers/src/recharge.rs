//! A provider pays in: an amount becomes a trade at Alipay, and a page or a code by which it is
//! paid.

use serde::{Deserialize, Serialize};
use steelyard_alipay::{Recharge as RechargeOrder, RechargeError as OrderError};
use steelyard_billing::{ProviderId, QrAnswer, RechargeId, RechargePurpose};
use steelyard_books::{IdempotencyKey, OfferError};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::Offers;

/// The body of a request for a recharge.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RechargeRequest {
    pub(crate) provider: ProviderId,
    /// The amount in yuan, as a text such as `50.00`.
    amount: String,
    #[serde(default)]
    way: Way,
    #[serde(default)]
    purpose: RechargePurpose,
}

/// The way of paying: a page, or a code.
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
pub(crate) enum RechargeError {
    #[error("`amount` is not an amount in yuan such as \"100.00\"")]
    Amount,
    #[error(transparent)]
    Offer(#[from] OfferError),
    #[error("Alipay would refuse the recharge")]
    Recharge(#[from] OrderError),
    #[error("Alipay gives no code: {0}")]
    NoCode(String),
    #[error("the page cannot be signed")]
    Signing(#[from] steelyard_alipay::SigningFailed),
}

impl Offers {
    pub(crate) async fn offer_recharge(
        &self,
        asked: RechargeRequest,
        key: Option<&IdempotencyKey>,
        return_to: Option<&str>,
    ) -> Result<Offered, RechargeError> {
        let amount: Fen = asked.amount.parse().map_err(|_| RechargeError::Amount)?;
        let now = self.clock.now();
        let RechargeRequest { provider, purpose, .. } = &asked;
        let offered = self.books.offer_recharge(provider, *purpose, amount, key, now).await?;
        let recharge = offered.into_inner();
        let number = recharge.out_trade_no.clone();
        let subject = match purpose {
            RechargePurpose::Prepaid => "API service prepayment",
            RechargePurpose::Deposit => "API service deposit",
        };
        let order = RechargeOrder::new(number, amount, subject)?;
        let return_url = return_to.map_or_else(
            || self.config.return_url.clone(),
            |return_to| format!("{return_to}/{}", recharge.recharge),
        );
        let (page, code) = match asked.way {
            Way::Page => (Some(self.alipay.recharge_page(&order, &return_url, now)?), None),
            Way::Code => match self.alipay.recharge_code(&order, now).await {
                QrAnswer::Code(code) => (None, Some(code)),
                QrAnswer::Refused(code) => return Err(RechargeError::NoCode(code.0)),
                QrAnswer::InDoubt(doubt) => return Err(RechargeError::NoCode(doubt.0)),
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
}
