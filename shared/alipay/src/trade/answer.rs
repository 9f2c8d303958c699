//! Paying, querying and closing a trade, and the meaning of each answer.

use jiff::Timestamp;
use serde::Deserialize;
use steelyard_billing::{Decline, Doubt, GatewayCode, OutTradeNo, PayAnswer, Payment, QueryAnswer};
use steelyard_pricing::Fen;

use crate::client::{Alipay, Call};
use crate::doubt::{doubt, not_of_another, of_trade};
use crate::policy::{Class, class_of};
use crate::trade::{PayRequest, trade_content};
use crate::wire::Answer;

/// Sub-codes of `alipay.trade.close` when there is no unpaid trade to close.
///
/// Source: alipay-sdk-php-all v3 `AlipayTradeCloseErrorResponseModel`.
const NOTHING_TO_CLOSE: [&str; 4] = [
    "ACQ.REASON_ILLEGAL_STATUS",
    "ACQ.REASON_TRADE_STATUS_INVALID",
    "ACQ.TRADE_NOT_EXIST",
    "ACQ.TRADE_STATUS_ERROR",
];

/// The fields of an answer about a trade.
#[derive(Deserialize)]
struct TradeFields {
    out_trade_no: Option<String>,
    trade_no: Option<String>,
    total_amount: Option<String>,
    trade_status: Option<String>,
}

impl Alipay {
    /// Requests a payment: `alipay.trade.pay` with the stored bytes as they are.
    ///
    /// Every failure to get a clear answer is [`PayAnswer::InDoubt`]: the money may have been
    /// taken. Sending the same request again is safe; a request with another number is not.
    pub async fn pay(&self, request: &PayRequest, now: Timestamp) -> PayAnswer {
        let call = Call::new("alipay.trade.pay", request.biz_content()).notified();
        match self.ask(call, now).await {
            Ok(answer) => pay_answer(request, &answer),
            Err(doubt) => PayAnswer::InDoubt(doubt),
        }
    }

    /// Queries a trade: `alipay.trade.query`.
    ///
    /// The amount of a payment is the amount that Alipay took: compare it with the amount of the
    /// request.
    pub async fn query(&self, asked: &OutTradeNo, now: Timestamp) -> QueryAnswer {
        let content = trade_content(asked);
        match self.ask(Call::new("alipay.trade.query", &content), now).await {
            Ok(answer) => query_answer(asked, &answer),
            Err(doubt) => QueryAnswer::InDoubt(doubt),
        }
    }

    /// Closes a trade that is not paid: `alipay.trade.close`.
    ///
    /// The answer proves nothing, since a close can come too late: query the trade afterwards.
    ///
    /// # Errors
    ///
    /// A [`Doubt`] when Alipay may not have received the request.
    pub async fn close(&self, asked: &OutTradeNo, now: Timestamp) -> Result<(), Doubt> {
        let content = trade_content(asked);
        let answer = self.ask(Call::new("alipay.trade.close", &content), now).await?;
        let is_answered =
            answer.succeeded() || NOTHING_TO_CLOSE.iter().any(|code| answer.failed_by(code));
        if is_answered { Ok(()) } else { Err(answer.not_understood()) }
    }
}

/// The meaning of a verified answer to `alipay.trade.pay`.
fn pay_answer(asked: &PayRequest, answer: &Answer) -> PayAnswer {
    try_pay_answer(asked, answer).unwrap_or_else(PayAnswer::InDoubt)
}

fn try_pay_answer(asked: &PayRequest, answer: &Answer) -> Result<PayAnswer, Doubt> {
    let fields: TradeFields = answer.fields()?;
    not_of_another(asked.out_trade_no(), fields.out_trade_no.as_deref())?;
    let (class, code) = class_of(answer);
    let shown = || GatewayCode(answer.result_code().to_string());
    match class {
        Class::Paid => payment_of(asked, &fields).map(PayAnswer::Paid),
        Class::Declined(reason) => {
            Ok(PayAnswer::Declined(Decline { reason, sub_code: code.to_owned() }))
        }
        Class::MandateDead => Ok(PayAnswer::MandateDead(shown())),
        Class::PayerBlocked => Ok(PayAnswer::PayerBlocked(shown())),
        Class::OwnAccount => Ok(PayAnswer::OwnAccount(shown())),
        Class::OwnFault => Ok(PayAnswer::OwnFault(shown())),
        Class::Throttled => Ok(PayAnswer::Throttled(shown())),
        Class::InDoubt => Err(answer.not_understood()),
    }
}

/// The meaning of a verified answer to `alipay.trade.query`.
///
/// `TRADE_CLOSED` is also the state of a trade that was paid and then refunded in full: either way
/// we hold no money of the trade, and Alipay takes no more under its number.
///
/// Source: Alipay open-docs, 小程序支付常见问题.md.
fn query_answer(asked: &OutTradeNo, answer: &Answer) -> QueryAnswer {
    try_query_answer(asked, answer).unwrap_or_else(QueryAnswer::InDoubt)
}

fn try_query_answer(asked: &OutTradeNo, answer: &Answer) -> Result<QueryAnswer, Doubt> {
    let fields: TradeFields = answer.fields()?;
    if answer.failed_by("ACQ.TRADE_NOT_EXIST") {
        not_of_another(asked, fields.out_trade_no.as_deref())?;
        return Ok(QueryAnswer::NotFound);
    }
    if !answer.succeeded() {
        return Err(answer.not_understood());
    }
    of_trade(asked, fields.out_trade_no.as_deref())?;
    match fields.trade_status.as_deref() {
        Some("TRADE_SUCCESS" | "TRADE_FINISHED") => payment(&fields).map(QueryAnswer::Paid),
        Some("WAIT_BUYER_PAY") => Ok(QueryAnswer::Pending),
        Some("TRADE_CLOSED") => Ok(QueryAnswer::Closed),
        Some(_) => Err(doubt("the trade has a state that is not known")),
        None => Err(doubt("the answer has no state of the trade")),
    }
}

fn payment_of(asked: &PayRequest, fields: &TradeFields) -> Result<Payment, Doubt> {
    of_trade(asked.out_trade_no(), fields.out_trade_no.as_deref())?;
    let payment = payment(fields)?;
    if payment.amount_fen != asked.amount_fen() {
        return Err(Doubt(format!(
            "¥{} was asked for and ¥{} paid",
            asked.amount_fen(),
            payment.amount_fen
        )));
    }
    Ok(payment)
}

/// The payment in the fields of an answer.
fn payment(fields: &TradeFields) -> Result<Payment, Doubt> {
    let trade_no = fields.trade_no.clone().filter(|trade_no| !trade_no.is_empty());
    let trade_no = trade_no.ok_or_else(|| doubt("the answer has no trade_no"))?;
    let amount =
        fields.total_amount.as_deref().ok_or_else(|| doubt("the answer has no total_amount"))?;
    let amount_fen: Fen =
        amount.parse().map_err(|_| doubt("the answer's total_amount is not an amount"))?;
    if !amount_fen.is_positive() {
        return Err(doubt("the answer's total_amount is nothing"));
    }
    Ok(Payment { trade_no, amount_fen })
}

#[cfg(test)]
mod tests {
    use steelyard_billing::DeclineReason;

    use super::*;
    use crate::stub::{Stub, now};

    const PAID: &str =
        r#""code":"10000","out_trade_no":"T1","trade_no":"2026","total_amount":"12.34""#;

    fn number() -> OutTradeNo {
        OutTradeNo::parse("T1").unwrap()
    }

    fn answer(fields: &str) -> Answer {
        Answer::of_node(&format!("{{{fields}}}")).unwrap()
    }

    fn pay(fields: &str) -> PayAnswer {
        let content = r#"{"out_trade_no":"T1","total_amount":"12.34"}"#;
        let asked = PayRequest::new(number(), Fen::new(1234), content.to_owned()).unwrap();
        pay_answer(&asked, &answer(fields))
    }

    fn query(fields: &str) -> QueryAnswer {
        query_answer(&number(), &answer(fields))
    }

    fn payment_of_1234() -> Payment {
        Payment { trade_no: "2026".to_owned(), amount_fen: Fen::new(1234) }
    }

    #[test]
    fn success_with_the_trade_and_amount_asked_for_is_paid() {
        assert_eq!(pay(PAID), PayAnswer::Paid(payment_of_1234()));
        assert_eq!(pay(&PAID.replace("12.34", "12.340")), PayAnswer::Paid(payment_of_1234()));
    }

    #[test]
    fn success_that_differs_from_what_was_asked_is_in_doubt() {
        for (fields, expected) in [
            (PAID.replace("12.34", "12.33"), "¥12.34 was asked for and ¥12.33 paid"),
            (PAID.replace("12.34", "12.35"), "¥12.34 was asked for and ¥12.35 paid"),
            (PAID.replace("12.34", "12.345"), "the answer's total_amount is not an amount"),
            (PAID.replace("12.34", "0.00"), "the answer's total_amount is nothing"),
            (PAID.replace("T1", "T2"), "the answer is for another trade"),
            (PAID.replace("out_trade_no", "out"), "the answer does not name its trade"),
            (
                PAID.replace(r#""trade_no":"2026""#, r#""trade_no":"""#),
                "the answer has no trade_no",
            ),
            (PAID.replace("total_amount", "receipt_amount"), "the answer has no total_amount"),
            (PAID.replace(r#""12.34""#, "12.34"), "the node of the answer cannot be read"),
        ] {
            assert_eq!(pay(&fields), PayAnswer::InDoubt(doubt(expected)), "{fields}");
        }
    }

    #[test]
    fn each_class_of_codes_is_an_answer_of_its_own() {
        let gateway_code =
            |code: &str, sub_code: &str| GatewayCode(format!("code {code} {sub_code}"));
        let failed = |sub_code: &str| gateway_code("40004", sub_code);
        let declined =
            |reason, code: &str| PayAnswer::Declined(Decline { reason, sub_code: code.to_owned() });
        let short = "ACQ.BUYER_BALANCE_NOT_ENOUGH";
        let (cap, window) = ("ACQ.TOTAL_FEE_EXCEED", "ACQ.OVER_DEDUCT_PERIOD");
        let (gone, blocked) = ("ACQ.AGREEMENT_NOT_EXIST", "ACQ.BUYER_ENABLE_STATUS_FORBID");
        let (seller, wrong) = ("ACQ.SELLER_BEEN_BLOCKED", "ACQ.CONTEXT_INCONSISTENT");
        let (limited, key) = ("isv.app-call-limited", "isv.invalid-signature");
        let (bad, paid) = ("isv.invalid-parameter", "ACQ.TRADE_HAS_SUCCESS");
        let in_doubt = |code: &str| PayAnswer::InDoubt(Doubt(format!("the answer is code {code}")));
        for (code, sub_code, expected) in [
            ("40004", short, declined(DeclineReason::Funds, short)),
            ("40004", cap, declined(DeclineReason::AmountCap, cap)),
            ("40004", window, declined(DeclineReason::Window, window)),
            ("40005", limited, PayAnswer::Throttled(gateway_code("40005", limited))),
            ("40004", gone, PayAnswer::MandateDead(failed(gone))),
            ("40004", blocked, PayAnswer::PayerBlocked(failed(blocked))),
            ("40004", seller, PayAnswer::OwnAccount(failed(seller))),
            ("40002", key, PayAnswer::OwnAccount(gateway_code("40002", key))),
            ("40004", wrong, PayAnswer::OwnFault(failed(wrong))),
            ("40002", bad, PayAnswer::OwnFault(gateway_code("40002", bad))),
            ("40004", paid, in_doubt("40004 ACQ.TRADE_HAS_SUCCESS")),
            ("40007", limited, in_doubt("40007 isv.app-call-limited")),
        ] {
            let fields = format!(r#""code":"{code}","sub_code":"{sub_code}""#);
            assert_eq!(pay(&fields), expected, "{fields}");
            assert_eq!(pay(&format!(r#"{fields},"out_trade_no":"T1""#)), expected, "{fields}");
            let of_another = PayAnswer::InDoubt(doubt("the answer is for another trade"));
            assert_eq!(pay(&format!(r#"{fields},"out_trade_no":"T2""#)), of_another, "{fields}");
        }
    }

    #[test]
    fn state_of_a_queried_trade_is_read() {
        let in_state = |state: &str| format!(r#"{PAID},"trade_status":"{state}""#);
        let in_doubt = |text| QueryAnswer::InDoubt(doubt(text));
        let not_found = r#""code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST""#;
        for (fields, expected) in [
            (in_state("TRADE_SUCCESS"), QueryAnswer::Paid(payment_of_1234())),
            (in_state("TRADE_FINISHED"), QueryAnswer::Paid(payment_of_1234())),
            (in_state("WAIT_BUYER_PAY"), QueryAnswer::Pending),
            (in_state("TRADE_CLOSED"), QueryAnswer::Closed),
            (in_state("TRADE_NEW"), in_doubt("the trade has a state that is not known")),
            (PAID.to_owned(), in_doubt("the answer has no state of the trade")),
            (
                in_state("TRADE_CLOSED").replace("T1", "T2"),
                in_doubt("the answer is for another trade"),
            ),
            (
                in_state("TRADE_CLOSED").replace("out_trade_no", "out"),
                in_doubt("the answer does not name its trade"),
            ),
            (not_found.to_owned(), QueryAnswer::NotFound),
            (
                format!(r#"{not_found},"out_trade_no":"T2""#),
                in_doubt("the answer is for another trade"),
            ),
            (
                not_found.replace("40004", "20000"),
                in_doubt("the answer is code 20000 ACQ.TRADE_NOT_EXIST"),
            ),
            (
                not_found.replace("TRADE_NOT_EXIST", "SYSTEM_ERROR"),
                in_doubt("the answer is code 40004 ACQ.SYSTEM_ERROR"),
            ),
        ] {
            assert_eq!(query(&fields), expected, "{fields}");
        }
    }

    #[tokio::test]
    async fn a_close_is_answered_when_alipay_received_it() {
        let failed = |code: &str| format!(r#"{{"code":"40004","sub_code":"{code}"}}"#);
        let in_doubt = |text: &str| Err(doubt(text));
        for (node, expected) in [
            (r#"{"code":"10000"}"#.to_owned(), Ok(())),
            (failed("ACQ.TRADE_NOT_EXIST"), Ok(())),
            (failed("ACQ.REASON_TRADE_STATUS_INVALID"), Ok(())),
            (failed("ACQ.SYSTEM_ERROR"), in_doubt("the answer is code 40004 ACQ.SYSTEM_ERROR")),
            (failed("ACQ.NEW"), in_doubt("the answer is code 40004 ACQ.NEW")),
            (r#"{"code":"20000"}"#.to_owned(), in_doubt("the answer is code 20000")),
            (
                failed("ACQ.TRADE_NOT_EXIST").replace("40004", "40006"),
                in_doubt("the answer is code 40006 ACQ.TRADE_NOT_EXIST"),
            ),
        ] {
            let stub = Stub::answering("alipay.trade.close", &node).await;
            let number = OutTradeNo::parse("T1").unwrap();
            assert_eq!(stub.client().close(&number, now()).await, expected, "{node}");
        }
    }
}
