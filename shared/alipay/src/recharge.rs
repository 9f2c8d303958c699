//! Recharges: a page for a browser by `alipay.trade.page.pay`, or a QR code by
//! `alipay.trade.precreate`.
//!
//! Neither proves a payment; a verified notification or a query does.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{Doubt, GatewayCode, OutTradeNo, QrAnswer};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::client::{Alipay, Call};
use crate::doubt::{doubt, of_trade};
use crate::key::SigningFailed;
use crate::order::{AmountError, SubjectError, check_amount, check_subject};
use crate::policy::{Class, class_of};
use crate::wire::Answer;

/// The time limit for paying a recharge after its offer.
///
/// Source: alipay-sdk-java `AlipayTradePagePayModel`, `timeout_express`: 1m to 15d.
const TIMEOUT_EXPRESS: &str = "2h";

/// One payment into a provider's prepaid balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recharge {
    out_trade_no: OutTradeNo,
    amount_fen: Fen,
    subject: String,
}

/// Why Alipay would refuse a recharge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RechargeError {
    /// The amount is outside Alipay's range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The subject is not allowed.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

/// `biz_content` of both calls.
///
/// Source: alipay-sdk-java `AlipayTradePagePayModel`, `AlipayTradePrecreateModel`.
#[derive(Serialize)]
struct BizContent<'a> {
    out_trade_no: &'a OutTradeNo,
    total_amount: String,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_code: Option<&'static str>,
    timeout_express: &'static str,
}

/// The fields of the answer to a request for a code.
#[derive(Deserialize)]
struct QrFields {
    out_trade_no: Option<String>,
    qr_code: Option<String>,
}

impl Recharge {
    /// A recharge under a number that no other trade has. The subject appears on the payer's bill.
    ///
    /// # Errors
    ///
    /// [`RechargeError`] when Alipay would refuse it.
    pub fn new(
        out_trade_no: OutTradeNo,
        amount_fen: Fen,
        subject: &str,
    ) -> Result<Recharge, RechargeError> {
        check_amount(amount_fen)?;
        check_subject(subject)?;
        Ok(Recharge { out_trade_no, amount_fen, subject: subject.to_owned() })
    }

    fn content(&self, product_code: Option<&'static str>) -> String {
        let content = BizContent {
            out_trade_no: &self.out_trade_no,
            total_amount: self.amount_fen.to_string(),
            subject: &self.subject,
            product_code,
            timeout_express: TIMEOUT_EXPRESS,
        };
        serde_json::to_string(&content).expect("a struct of texts has a JSON")
    }
}

impl Alipay {
    /// The address of the page for paying a recharge: `alipay.trade.page.pay`. Alipay sends the
    /// browser back to `return_url`, which proves nothing.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] when the system gives no randomness.
    pub fn recharge_page(
        &self,
        recharge: &Recharge,
        return_url: &str,
        now: Timestamp,
    ) -> Result<String, SigningFailed> {
        let content = recharge.content(Some("FAST_INSTANT_TRADE_PAY"));
        let call = Call::new("alipay.trade.page.pay", &content);
        self.page(call.notified().returning_to(Some(return_url)), now)
    }

    /// Requests the QR code for paying a recharge: `alipay.trade.precreate`.
    pub async fn recharge_code(&self, recharge: &Recharge, now: Timestamp) -> QrAnswer {
        let content = recharge.content(None);
        match self.ask(Call::new("alipay.trade.precreate", &content).notified(), now).await {
            Ok(answer) => qr_answer(recharge, &answer).unwrap_or_else(QrAnswer::InDoubt),
            Err(doubt) => QrAnswer::InDoubt(doubt),
        }
    }
}

fn qr_answer(recharge: &Recharge, answer: &Answer) -> Result<QrAnswer, Doubt> {
    let fields: QrFields = answer.fields()?;
    if answer.succeeded() {
        of_trade(&recharge.out_trade_no, fields.out_trade_no.as_deref())?;
        let code = fields.qr_code.filter(|code| !code.is_empty());
        return code.map(QrAnswer::Code).ok_or_else(|| doubt("the answer has no qr_code"));
    }
    match class_of(answer).0 {
        Class::Declined(_)
        | Class::MandateDead
        | Class::PayerBlocked
        | Class::OwnAccount
        | Class::OwnFault
        | Class::Throttled => Ok(QrAnswer::Refused(GatewayCode(answer.result_code().to_string()))),
        Class::Paid | Class::InDoubt => Err(answer.not_understood()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{Stub, asked_by, now};
    use crate::vectors::Vectors;

    const METHOD: &str = "alipay.trade.precreate";
    const CODE: &str =
        r#"{"code":"10000","out_trade_no":"R1","qr_code":"https:\/\/qr.example\/1"}"#;

    fn recharge() -> Recharge {
        Recharge::new(OutTradeNo::parse("R1").unwrap(), Fen::new(10_000), "充值 a+b 100%").unwrap()
    }

    async fn code(node: &str) -> QrAnswer {
        Stub::answering(METHOD, node).await.client().recharge_code(&recharge(), now()).await
    }

    #[tokio::test]
    async fn a_code_is_for_the_recharge_of_the_request() {
        let in_doubt = |text| QrAnswer::InDoubt(doubt(text));
        let refused = |text: &str| QrAnswer::Refused(GatewayCode(text.to_owned()));
        for (node, expected) in [
            (CODE.to_owned(), QrAnswer::Code("https://qr.example/1".to_owned())),
            (CODE.replace("R1", "R2"), in_doubt("the answer is for another trade")),
            (CODE.replace("out_trade_no", "out"), in_doubt("the answer does not name its trade")),
            (CODE.replace("qr_code", "code_"), in_doubt("the answer has no qr_code")),
            (CODE.replace("10000", "20000"), in_doubt("the answer is code 20000")),
            (
                r#"{"code":"40004","sub_code":"ACQ.INVALID_PARAMETER"}"#.to_owned(),
                refused("code 40004 ACQ.INVALID_PARAMETER"),
            ),
            (r#"{"code":"40006"}"#.to_owned(), refused("code 40006")),
            (r#"{"code":"40005"}"#.to_owned(), refused("code 40005")),
            (r#"{"code":"40007"}"#.to_owned(), in_doubt("the answer is code 40007")),
            (
                r#"{"code":"40004","sub_code":"ACQ.NEW"}"#.to_owned(),
                in_doubt("the answer is code 40004 ACQ.NEW"),
            ),
        ] {
            assert_eq!(code(&node).await, expected, "{node}");
        }
    }

    #[test]
    fn a_published_code_is_read() {
        let vectors = Vectors::read();
        let published = vectors.responses.iter().find(|r| r.id == "sync-yansongda-trade-precreate");
        let answer = Answer::of_node(&published.unwrap().signed_text).unwrap();
        let fields: QrFields = answer.fields().unwrap();
        let number = OutTradeNo::parse(&fields.out_trade_no.unwrap()).unwrap();
        let recharge = Recharge::new(number, Fen::new(1), "x").unwrap();
        let expected = "https://qr.alipay.com/bax07651xvtprxfkmxyf00a9";
        assert_eq!(qr_answer(&recharge, &answer), Ok(QrAnswer::Code(expected.to_owned())));
    }

    #[tokio::test]
    async fn a_request_for_a_code_names_where_to_notify() {
        let stub = Stub::answering(METHOD, CODE).await;
        stub.client().recharge_code(&recharge(), now()).await;
        let asked = stub.asked();
        assert_eq!(asked["notify_url"], Stub::NOTIFY_URL);
        assert_eq!(
            asked["biz_content"],
            r#"{"out_trade_no":"R1","total_amount":"100.00","subject":"充值 a+b 100%","timeout_express":"2h"}"#
        );
    }

    #[test]
    fn the_address_of_a_page_is_signed_over_raw_values() {
        let return_url = "https://portal.example/back?a=1&b=c d";
        let page = Stub::offline().recharge_page(&recharge(), return_url, now()).unwrap();
        assert!(page.starts_with("https://openapi.alipay.com/gateway.do?"), "{page}");
        assert!(!page.contains('+') && page.is_ascii(), "{page}");
        let asked = asked_by(page.split_once('?').unwrap().1);
        assert_eq!(asked["method"], "alipay.trade.page.pay");
        assert_eq!(asked["return_url"], return_url);
        assert_eq!(asked["notify_url"], Stub::NOTIFY_URL);
        assert_eq!(
            asked["biz_content"],
            r#"{"out_trade_no":"R1","total_amount":"100.00","subject":"充值 a+b 100%","product_code":"FAST_INSTANT_TRADE_PAY","timeout_express":"2h"}"#
        );
    }

    #[test]
    fn a_recharge_that_alipay_would_refuse_is_an_error() {
        let of = |fen, subject| {
            Recharge::new(OutTradeNo::parse("R1").unwrap(), Fen::new(fen), subject).unwrap_err()
        };
        assert_eq!(of(0, "x"), RechargeError::Amount(AmountError { amount: Fen::ZERO }));
        assert_eq!(of(1, "a/b"), RechargeError::Subject(SubjectError::Character('/')));
    }
}
