//! `biz_content` of what is not an order: refunds, agreements, bills.

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use steelyard_alipay::DEBIT_MIN;
use steelyard_billing::{BillKind, DEBIT_MAX, ExternalAgreementNo, OutRequestNo, OutTradeNo};
use steelyard_pricing::Fen;

/// Money that the merchant wants to give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RefundOrder {
    pub(super) out_trade_no: String,
    /// Its number. A refund in full may have none, and then has the trade's.
    pub(super) out_request_no: Option<String>,
    pub(super) amount_fen: Fen,
}

/// Which refund is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct RefundKey {
    pub(super) out_trade_no: OutTradeNo,
    pub(super) out_request_no: OutRequestNo,
}

/// The number that names an agreement in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AgreementKey {
    /// The one of Alipay's number.
    AgreementNo(String),
    /// The one that came from an offer.
    Offered { external_agreement_no: String, sign_scene: String, personal_product_code: String },
}

/// An agreement that is offered on a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct OfferContent {
    pub(super) personal_product_code: String,
    pub(super) product_code: String,
    pub(super) sign_scene: String,
    pub(super) external_agreement_no: ExternalAgreementNo,
    pub(super) external_logon_id: String,
}

/// Which bill is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BillOrder {
    /// One that there can be.
    Bill { kind: BillKind, day: Date },
    /// One of a kind that is not known.
    OtherKind,
}

#[derive(Deserialize)]
struct RefundContent {
    out_trade_no: OutTradeNo,
    out_request_no: Option<OutRequestNo>,
    refund_amount: String,
}

#[derive(Deserialize)]
struct AgreementContent {
    agreement_no: Option<String>,
    external_agreement_no: Option<String>,
    sign_scene: Option<String>,
    personal_product_code: Option<String>,
}

#[derive(Deserialize)]
struct BillContent {
    bill_type: String,
    bill_date: String,
}

impl RefundOrder {
    /// Reads `biz_content` of `alipay.trade.refund`; nothing when a parameter of it is invalid.
    pub(super) fn parse(biz_content: &str) -> Option<RefundOrder> {
        let content: RefundContent = read(biz_content)?;
        let amount_fen: Fen = content.refund_amount.parse().ok()?;
        (DEBIT_MIN..=DEBIT_MAX).contains(&amount_fen).then(|| RefundOrder {
            out_trade_no: content.out_trade_no.to_string(),
            out_request_no: content.out_request_no.map(|number| number.to_string()),
            amount_fen,
        })
    }
}

impl AgreementKey {
    /// Reads `biz_content` of the query for an agreement and of its end; nothing as above.
    pub(super) fn parse(biz_content: &str) -> Option<AgreementKey> {
        let content: AgreementContent = read(biz_content)?;
        if let Some(agreement_no) = content.agreement_no {
            return Some(AgreementKey::AgreementNo(agreement_no));
        }
        Some(AgreementKey::Offered {
            external_agreement_no: content.external_agreement_no?,
            sign_scene: content.sign_scene.filter(|scene| scene != "DEFAULT|DEFAULT")?,
            personal_product_code: content.personal_product_code?,
        })
    }
}

impl OfferContent {
    /// Reads `biz_content` of `alipay.user.agreement.page.sign`; nothing as above.
    pub(super) fn parse(biz_content: &str) -> Option<OfferContent> {
        let content: OfferContent = read(biz_content)?;
        let is_valid = content.product_code == "GENERAL_WITHHOLDING"
            && content.personal_product_code == "GENERAL_WITHHOLDING_P"
            && content.sign_scene != "DEFAULT|DEFAULT";
        is_valid.then_some(content)
    }
}

impl BillOrder {
    /// Reads `biz_content` of the query for a bill's address; nothing as above.
    pub(super) fn parse(biz_content: &str) -> Option<BillOrder> {
        let content: BillContent = read(biz_content)?;
        let day: Date = content.bill_date.parse().ok()?;
        let kind = match content.bill_type.as_str() {
            "trade" => BillKind::Trade,
            "signcustomer" => BillKind::Ledger,
            _ => return Some(BillOrder::OtherKind),
        };
        Some(BillOrder::Bill { kind, day })
    }
}

/// The content of a JSON text; nothing when it has another shape.
pub(super) fn read<T: DeserializeOwned>(biz_content: &str) -> Option<T> {
    serde_json::from_str(biz_content).ok()
}
