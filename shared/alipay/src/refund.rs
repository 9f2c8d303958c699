//! Refunds: `alipay.trade.refund`, and the query for one.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use steelyard_billing::{
    Doubt, GatewayCode, OutRequestNo, OutTradeNo, RefundAnswer, RefundQueryAnswer, RefundRef,
};
use steelyard_pricing::Fen;

use crate::client::{Alipay, Call};
use crate::doubt::{doubt, not_of_another, of_trade};
use crate::order::{AmountError, check_amount};
use crate::policy::is_own_trouble;
use crate::wire::Answer;

/// The sub-code when our own account has too little money for a refund.
const ACCOUNT_SHORT: &str = "ACQ.SELLER_BALANCE_NOT_ENOUGH";

/// Sub-codes of `alipay.trade.refund` that refuse a refund for good.
///
/// Source: alipay-sdk-php-all v3 `AlipayTradeRefundErrorResponseModel`. Its other codes describe a
/// state that may pass, or are not clear; they are in doubt.
const REFUSED: [&str; 13] = [
    "ACQ.BUYER_NOT_EXIST",
    "ACQ.CURRENCY_NOT_SUPPORT",
    "ACQ.DISCORDANT_REPEAT_REQUEST",
    "ACQ.INVALID_PARAMETER",
    "ACQ.NOT_ALLOW_PARTIAL_REFUND",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
    "ACQ.REFUND_FEE_ERROR",
    "ACQ.TRADE_HAS_CLOSE",
    "ACQ.TRADE_HAS_FINISHED",
    "ACQ.TRADE_NOT_ALLOW_REFUND",
    "ACQ.TRADE_NOT_EXIST",
    "ACQ.USER_NOT_MATCH_ERR",
];

/// A refund of one amount of one paid trade. Requesting the same one again is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    out_trade_no: OutTradeNo,
    out_request_no: OutRequestNo,
    amount_fen: Fen,
}

/// The fields of the answer to a refund.
#[derive(Deserialize)]
struct RefundFields {
    out_trade_no: Option<String>,
    fund_change: Option<String>,
    refund_fee: Option<String>,
}

/// The fields of the answer to a query for a refund.
#[derive(Deserialize)]
struct RefundQueryFields {
    out_trade_no: Option<String>,
    out_request_no: Option<String>,
    refund_amount: Option<String>,
    refund_status: Option<String>,
}

impl Refund {
    /// A refund of a trade, under a number that no other refund of the trade has.
    ///
    /// # Errors
    ///
    /// [`AmountError`] when the amount is outside Alipay's range.
    pub fn new(
        out_trade_no: OutTradeNo,
        out_request_no: OutRequestNo,
        amount_fen: Fen,
    ) -> Result<Refund, AmountError> {
        check_amount(amount_fen)?;
        Ok(Refund { out_trade_no, out_request_no, amount_fen })
    }
}

impl Alipay {
    /// Requests a refund: `alipay.trade.refund`.
    ///
    /// A result code of success does not mean that money moved; only `fund_change` does. A second
    /// request for a refund that succeeded moves nothing, so its answer is in doubt and a query
    /// decides.
    pub async fn refund(&self, refund: &Refund, now: Timestamp) -> RefundAnswer {
        let content = json!({
            "out_trade_no": refund.out_trade_no,
            "refund_amount": refund.amount_fen.to_string(),
            "out_request_no": refund.out_request_no,
        })
        .to_string();
        match self.ask(Call::new("alipay.trade.refund", &content), now).await {
            Ok(answer) => refund_answer(refund, &answer).unwrap_or_else(RefundAnswer::InDoubt),
            Err(doubt) => RefundAnswer::InDoubt(doubt),
        }
    }

    /// Queries a refund of ours: `alipay.trade.fastpay.refund.query`. Query it ten seconds after
    /// the request or later.
    pub async fn query_refund(&self, refund: &Refund, now: Timestamp) -> RefundQueryAnswer {
        let number = RefundRef {
            out_trade_no: refund.out_trade_no.clone(),
            out_request_no: refund.out_request_no.clone(),
        };
        match self.query_given_back(&number, now).await {
            RefundQueryAnswer::Refunded { amount_fen } if amount_fen != refund.amount_fen => {
                RefundQueryAnswer::InDoubt(Doubt(format!(
                    "¥{} was asked for and ¥{amount_fen} refunded",
                    refund.amount_fen
                )))
            }
            answer @ (RefundQueryAnswer::Refunded { .. }
            | RefundQueryAnswer::NotRefunded
            | RefundQueryAnswer::InDoubt(_)) => answer,
        }
    }

    /// Queries the refund of a trade under a number, whether or not we requested it:
    /// `alipay.trade.fastpay.refund.query`.
    pub async fn query_given_back(&self, number: &RefundRef, now: Timestamp) -> RefundQueryAnswer {
        let content = json!(number).to_string();
        let call = Call::new("alipay.trade.fastpay.refund.query", &content);
        match self.ask(call, now).await {
            Ok(answer) => {
                refund_query_answer(number, &answer).unwrap_or_else(RefundQueryAnswer::InDoubt)
            }
            Err(doubt) => RefundQueryAnswer::InDoubt(doubt),
        }
    }
}

fn refund_answer(refund: &Refund, answer: &Answer) -> Result<RefundAnswer, Doubt> {
    let shown = || GatewayCode(answer.result_code().to_string());
    if answer.failed_by(ACCOUNT_SHORT) || is_own_trouble(answer) {
        return Ok(RefundAnswer::OwnAccount(shown()));
    }
    if REFUSED.iter().any(|sub_code| answer.failed_by(sub_code)) {
        return Ok(RefundAnswer::Refused(shown()));
    }
    if !answer.succeeded() {
        return Err(answer.not_understood());
    }
    let fields: RefundFields = answer.fields()?;
    of_trade(&refund.out_trade_no, fields.out_trade_no.as_deref())?;
    if fields.fund_change.as_deref() != Some("Y") {
        return Err(doubt("the answer does not say that money was moved"));
    }
    let total_fen = amount(fields.refund_fee.as_deref(), "refund_fee")?;
    if total_fen < refund.amount_fen {
        return Err(Doubt(format!(
            "¥{} was asked for and ¥{total_fen} refunded",
            refund.amount_fen
        )));
    }
    Ok(RefundAnswer::Refunded { total_fen })
}

fn refund_query_answer(number: &RefundRef, answer: &Answer) -> Result<RefundQueryAnswer, Doubt> {
    if !answer.succeeded() {
        return Err(answer.not_understood());
    }
    let fields: RefundQueryFields = answer.fields()?;
    of_no_other_refund(number, &fields)?;
    match present(fields.refund_status.as_deref()) {
        Some("REFUND_SUCCESS") => {
            of_trade(&number.out_trade_no, fields.out_trade_no.as_deref())?;
            if fields.out_request_no.is_none() {
                return Err(doubt("the answer does not name its refund"));
            }
            let amount_fen = amount(fields.refund_amount.as_deref(), "refund_amount")?;
            Ok(RefundQueryAnswer::Refunded { amount_fen })
        }
        Some("REFUND_FAIL") => Ok(RefundQueryAnswer::NotRefunded),
        Some(_) => Err(doubt("the refund has a status that is not known")),
        None if present(fields.refund_amount.as_deref()).is_none() => {
            Ok(RefundQueryAnswer::NotRefunded)
        }
        // Older versions of the answer reported success by the amount alone.
        None => Err(doubt("the answer has an amount and no status of the refund")),
    }
}

/// Checks that an answer names no other refund than that of the query. One that found no refund
/// names none.
fn of_no_other_refund(number: &RefundRef, fields: &RefundQueryFields) -> Result<(), Doubt> {
    not_of_another(&number.out_trade_no, fields.out_trade_no.as_deref())?;
    match fields.out_request_no.as_deref() {
        Some(named) if named != number.out_request_no.as_str() => {
            Err(doubt("the answer is for another refund"))
        }
        Some(_) | None => Ok(()),
    }
}

/// A field; an empty one is absent.
fn present(field: Option<&str>) -> Option<&str> {
    field.filter(|text| !text.is_empty())
}

fn amount(text: Option<&str>, field: &str) -> Result<Fen, Doubt> {
    let text = text.ok_or_else(|| Doubt(format!("the answer has no {field}")))?;
    text.parse().map_err(|_| Doubt(format!("the answer's {field} is not an amount")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{Stub, now};

    const REFUNDED: &str =
        r#"{"code":"10000","out_trade_no":"T1","fund_change":"Y","refund_fee":"5.00"}"#;
    const QUERIED: &str = r#"{"code":"10000","out_trade_no":"T1","out_request_no":"R1","refund_amount":"5.00","refund_status":"REFUND_SUCCESS"}"#;

    fn refund_of(fen: i64) -> Result<Refund, AmountError> {
        let (trade, request) = (OutTradeNo::parse("T1"), OutRequestNo::parse("R1"));
        Refund::new(trade.unwrap(), request.unwrap(), Fen::new(fen))
    }

    async fn refund(node: &str) -> RefundAnswer {
        Stub::answering("alipay.trade.refund", node)
            .await
            .client()
            .refund(&refund_of(500).unwrap(), now())
            .await
    }

    async fn query(node: &str) -> RefundQueryAnswer {
        Stub::answering("alipay.trade.fastpay.refund.query", node)
            .await
            .client()
            .query_refund(&refund_of(500).unwrap(), now())
            .await
    }

    fn failed(sub_code: &str) -> String {
        format!(r#"{{"code":"40004","sub_code":"{sub_code}"}}"#)
    }

    #[tokio::test]
    async fn a_refund_succeeded_only_when_the_answer_says_that_funds_changed() {
        let in_doubt = |text| RefundAnswer::InDoubt(doubt(text));
        let refunded = |fen| RefundAnswer::Refunded { total_fen: Fen::new(fen) };
        let unmoved = "the answer does not say that money was moved";
        for (node, expected) in [
            (REFUNDED.to_owned(), refunded(500)),
            (REFUNDED.replace("5.00", "7.50"), refunded(750)),
            (REFUNDED.replace(r#""Y""#, r#""N""#), in_doubt(unmoved)),
            (REFUNDED.replace("fund_change", "change"), in_doubt(unmoved)),
            (REFUNDED.replace("5.00", "4.99"), in_doubt("¥5.00 was asked for and ¥4.99 refunded")),
            (REFUNDED.replace("refund_fee", "fee"), in_doubt("the answer has no refund_fee")),
            (
                REFUNDED.replace("5.00", "5.001"),
                in_doubt("the answer's refund_fee is not an amount"),
            ),
            (REFUNDED.replace("T1", "T2"), in_doubt("the answer is for another trade")),
            (
                REFUNDED.replace("out_trade_no", "out"),
                in_doubt("the answer does not name its trade"),
            ),
        ] {
            assert_eq!(refund(&node).await, expected, "{node}");
        }
    }

    #[tokio::test]
    async fn a_refund_is_refused_only_by_a_code_about_the_refund_itself() {
        let failed_with = |code: &str| GatewayCode(format!("code 40004 {code}"));
        assert_eq!(
            refund(&failed(ACCOUNT_SHORT)).await,
            RefundAnswer::OwnAccount(failed_with(ACCOUNT_SHORT))
        );
        for sub_code in REFUSED {
            let expected = RefundAnswer::Refused(failed_with(sub_code));
            assert_eq!(refund(&failed(sub_code)).await, expected);
        }
        for node in [
            failed("ACQ.SYSTEM_ERROR"),
            failed("ACQ.TRADE_SETTLE_ERROR"),
            failed("ACQ.NEW"),
            failed(ACCOUNT_SHORT).replace("40004", "20000"),
            failed("isv.app-call-limited").replace("40004", "40005"),
            failed("ACQ.REFUND_FEE_ERROR").replace("40004", "40007"),
        ] {
            assert!(matches!(refund(&node).await, RefundAnswer::InDoubt(_)), "{node}");
        }
    }

    #[tokio::test]
    async fn a_refund_that_our_own_trouble_stops_is_requested_again() {
        for (code, sub_code) in [
            ("20001", "aop.invalid-auth-token"),
            ("40001", "isv.missing-signature"),
            ("40002", "isv.invalid-signature"),
            ("40002", "isv.invalid-parameter"),
            ("40003", "isv.missing-signature-config"),
            ("40006", "isv.insufficient-isv-permissions"),
            ("40006", "ACQ.REFUND_FEE_ERROR"),
        ] {
            let expected = RefundAnswer::OwnAccount(GatewayCode(format!("code {code} {sub_code}")));
            assert_eq!(refund(&failed(sub_code).replace("40004", code)).await, expected, "{code}");
        }
    }

    #[tokio::test]
    async fn query_for_a_refund_proves_only_that_refund() {
        let in_doubt = |text| RefundQueryAnswer::InDoubt(doubt(text));
        let of_status = |status: &str| QUERIED.replace("REFUND_SUCCESS", status);
        let unknown = "the refund has a status that is not known";
        let no_status = "the answer has an amount and no status of the refund";
        for (node, expected) in [
            (QUERIED.to_owned(), RefundQueryAnswer::Refunded { amount_fen: Fen::new(500) }),
            (r#"{"code":"10000"}"#.to_owned(), RefundQueryAnswer::NotRefunded),
            (of_status("").replace("5.00", ""), RefundQueryAnswer::NotRefunded),
            (of_status("REFUND_FAIL"), RefundQueryAnswer::NotRefunded),
            (of_status("REFUND_PROCESSING"), in_doubt(unknown)),
            (of_status("REFUND_NEW"), in_doubt(unknown)),
            (of_status("refund_success"), in_doubt(unknown)),
            (of_status(""), in_doubt(no_status)),
            (QUERIED.replace("refund_status", "status"), in_doubt(no_status)),
            (
                of_status("REFUND_FAIL").replace("T1", "T2"),
                in_doubt("the answer is for another trade"),
            ),
            (
                of_status("REFUND_FAIL").replace("R1", "R2"),
                in_doubt("the answer is for another refund"),
            ),
            (
                r#"{"code":"10000","out_trade_no":"T2"}"#.to_owned(),
                in_doubt("the answer is for another trade"),
            ),
            (r#"{"code":"20000"}"#.to_owned(), in_doubt("the answer is code 20000")),
            (r#"{"code":"40005"}"#.to_owned(), in_doubt("the answer is code 40005")),
            (
                QUERIED.replace("out_trade_no", "out"),
                in_doubt("the answer does not name its trade"),
            ),
            (
                QUERIED.replace("out_request_no", "out"),
                in_doubt("the answer does not name its refund"),
            ),
            (QUERIED.replace("T1", "T2"), in_doubt("the answer is for another trade")),
            (QUERIED.replace("R1", "R2"), in_doubt("the answer is for another refund")),
            (QUERIED.replace("5.00", "5.01"), in_doubt("¥5.00 was asked for and ¥5.01 refunded")),
            (
                failed("ACQ.TRADE_NOT_EXIST"),
                in_doubt("the answer is code 40004 ACQ.TRADE_NOT_EXIST"),
            ),
        ] {
            assert_eq!(query(&node).await, expected, "{node}");
        }
    }

    #[tokio::test]
    async fn every_request_for_a_refund_has_the_same_number_and_content() {
        let stub = Stub::answering("alipay.trade.refund", REFUNDED).await;
        let refund = refund_of(500).unwrap();
        for _ in 0..2 {
            stub.client().refund(&refund, now()).await;
            assert_eq!(
                stub.asked()["biz_content"],
                r#"{"out_request_no":"R1","out_trade_no":"T1","refund_amount":"5.00"}"#
            );
        }
    }

    #[test]
    fn a_refund_of_zero_is_an_error() {
        assert_eq!(refund_of(0), Err(AmountError { amount: Fen::ZERO }));
    }
}
