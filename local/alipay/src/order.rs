//! `biz_content` of an order, checked as Alipay checks it.

use jiff::SignedDuration;
use serde::Deserialize;
use steelyard_alipay::DEBIT_MIN;
use steelyard_billing::DEBIT_MAX;
use steelyard_billing::OutTradeNo;
use steelyard_pricing::Fen;

use super::books::TradeKind;

/// How long a trade may be paid when the merchant does not say: fifteen days.
///
/// Source: alipay-sdk-java `AlipayTradePayModel`, `timeout_express`.
const TIMEOUT_DEFAULT: SignedDuration = SignedDuration::from_hours(15 * 24);

/// An amount that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) out_trade_no: String,
    pub(super) amount_fen: Fen,
    pub(super) source: MoneySource,
    pub(super) subject: String,
    /// How long it may be paid.
    pub(super) timeout: SignedDuration,
    /// The address for notifications about it.
    pub(super) notify_url: Option<String>,
    /// Where its payer goes afterwards.
    pub(super) return_url: Option<String>,
}

/// Where the money of an order comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MoneySource {
    /// From the payer who signed this agreement.
    Agreement(String),
    /// From the person who pays it on a page.
    Person,
}

#[derive(Deserialize)]
struct OrderContent {
    out_trade_no: OutTradeNo,
    total_amount: String,
    subject: String,
    product_code: Option<String>,
    agreement_params: Option<AgreementParams>,
    timeout_express: Option<String>,
}

#[derive(Deserialize)]
struct AgreementParams {
    agreement_no: String,
}

#[derive(Deserialize)]
struct TradeContent {
    out_trade_no: OutTradeNo,
}

impl Order {
    /// Reads `biz_content` of `alipay.trade.pay`; nothing when Alipay would call a parameter of it
    /// invalid.
    pub(super) fn withholding(biz_content: &str) -> Option<Order> {
        let content: OrderContent = serde_json::from_str(biz_content).ok()?;
        let is_product = content.product_code.as_deref() == Some("GENERAL_WITHHOLDING");
        let agreement_no = content.agreement_params.as_ref()?.agreement_no.clone();
        Order::of(content, MoneySource::Agreement(agreement_no)).filter(|_| is_product)
    }

    /// Reads `biz_content` of `alipay.trade.page.pay`; nothing as above.
    pub(super) fn page(biz_content: &str) -> Option<Order> {
        let content: OrderContent = serde_json::from_str(biz_content).ok()?;
        let is_product = content.product_code.as_deref() == Some("FAST_INSTANT_TRADE_PAY");
        Order::of(content, MoneySource::Person).filter(|_| is_product)
    }

    /// Reads `biz_content` of `alipay.trade.precreate`; nothing as above.
    pub(super) fn code(biz_content: &str) -> Option<Order> {
        let content: OrderContent = serde_json::from_str(biz_content).ok()?;
        let product = content.product_code.as_deref();
        let is_product = matches!(product, None | Some("FACE_TO_FACE_PAYMENT"));
        Order::of(content, MoneySource::Person).filter(|_| is_product)
    }

    fn of(content: OrderContent, source: MoneySource) -> Option<Order> {
        let amount_fen: Fen = content.total_amount.parse().ok()?;
        let timeout = match &content.timeout_express {
            Some(text) => timeout(text)?,
            None => TIMEOUT_DEFAULT,
        };
        let is_valid = (DEBIT_MIN..=DEBIT_MAX).contains(&amount_fen)
            && !content.subject.is_empty()
            && !content.subject.contains(['/', '=', '&']);
        is_valid.then(|| Order {
            out_trade_no: content.out_trade_no.to_string(),
            amount_fen,
            source,
            subject: content.subject,
            timeout,
            notify_url: None,
            return_url: None,
        })
    }

    /// The way of paying that the order leads to.
    pub(super) const fn kind(&self) -> TradeKind {
        match self.source {
            MoneySource::Agreement(_) => TradeKind::Withholding,
            MoneySource::Person => TradeKind::Recharge,
        }
    }

    /// The agreement under which it is withheld.
    pub(super) fn agreement_no(&self) -> Option<&str> {
        match &self.source {
            MoneySource::Agreement(agreement_no) => Some(agreement_no),
            MoneySource::Person => None,
        }
    }
}

/// The number in `biz_content` of `alipay.trade.query` and `alipay.trade.close`.
pub(super) fn out_trade_no(biz_content: &str) -> Option<String> {
    let content: TradeContent = serde_json::from_str(biz_content).ok()?;
    Some(content.out_trade_no.to_string())
}

/// Reads `90m`, `2h` or `7d`, up to fifteen days.
fn timeout(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return None,
    };
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    let timeout = SignedDuration::from_mins(
        number.checked_mul(minutes).filter(|total| *total <= 15 * 24 * 60)?,
    );
    Some(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_to_pay_is_read_in_minutes_hours_and_days() {
        for (text, minutes) in [("90m", 90), ("2h", 120), ("7d", 10_080), ("15d", 21_600)] {
            assert_eq!(timeout(text).map(|timeout| timeout.as_mins()), Some(minutes), "{text}");
        }
        for text in ["", "d", "7", "0d", "-1d", "16d", "7w", "七d", "99999999999999999d"] {
            assert_eq!(timeout(text), None, "{text}");
        }
    }
}
