//! How a verified answer is read: the table from result codes to outcomes.
//!
//! Only what is listed here is an outcome. Every other code, known or not, leaves the debit in
//! doubt, and a query resolves it. The classes that Alipay's other codes fall into (agreement
//! ended, payer blocked, rate limit, our own account, our bug) get their rows here when the debit
//! acts on them.

use steelyard_billing::{Decline, Doubt, OutTradeNo, PayAnswer, Payment, QueryAnswer};
use steelyard_pricing::Fen;

use crate::trade::PayRequest;
use crate::wire::Answer;

/// The call succeeded: the node's fields say what happened.
const SUCCESS: &str = "10000";

/// The business failed: the sub-code says why. It is no decline by itself; `ACQ.SYSTEM_ERROR` comes under it too.
const BUSINESS_FAILED: &str = "40004";

/// Sub-codes of `alipay.trade.pay` that say: not paid, for want of the payer's funds or by a limit of his.
///
/// The same request may be sent again later.
///
/// Source: alipay-sdk-php-all v3 `AlipayTradePayErrorResponseModel`, and Alipay's solution texts to them.
const DECLINED_FOR_FUNDS: [&str; 14] = [
    "ACQ.BEYOND_PAY_RESTRICTION",
    "ACQ.BEYOND_PER_RECEIPT_DAY_RESTRICTION",
    "ACQ.BEYOND_PER_RECEIPT_RESTRICTION",
    "ACQ.BEYOND_PER_RECEIPT_SINGLE_RESTRICTION",
    "ACQ.BUYER_BALANCE_NOT_ENOUGH",
    "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH",
    "ACQ.BUYER_BANKCARD_DECLINED",
    "ACQ.BUYER_BANKCARD_INVALID",
    "ACQ.BUYER_LIMIT_EXCEEDED",
    "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR",
    "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR",
    "ACQ.ERROR_BALANCE_PAYMENT_DISABLE",
    "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE",
    "ACQ.PAYMENT_FAIL",
];

/// What a verified answer to `alipay.trade.pay` comes to.
pub(crate) fn pay_answer(asked: &PayRequest, answer: &Answer) -> PayAnswer {
    match answer.code.as_str() {
        SUCCESS => payment_of(asked, answer).map_or_else(PayAnswer::InDoubt, PayAnswer::Paid),
        BUSINESS_FAILED => {
            decline_of(asked, answer).map_or_else(PayAnswer::InDoubt, PayAnswer::Declined)
        }
        _ => PayAnswer::InDoubt(not_understood(answer)),
    }
}

/// What a verified answer to `alipay.trade.query` comes to.
///
/// `TRADE_CLOSED` is also the state of a trade that was paid and then refunded in full: either
/// way nothing of its money is with us, and nothing more is taken under its number.
///
/// Source: Alipay open-docs, 小程序支付常见问题.md.
pub(crate) fn query_answer(asked: &OutTradeNo, answer: &Answer) -> QueryAnswer {
    match (answer.code.as_str(), answer.sub_code.as_deref()) {
        (SUCCESS, _) => trade_state(asked, answer).unwrap_or_else(QueryAnswer::InDoubt),
        (BUSINESS_FAILED, Some("ACQ.TRADE_NOT_EXIST")) => not_of_another(asked, answer)
            .map_or_else(QueryAnswer::InDoubt, |()| QueryAnswer::NotFound),
        _ => QueryAnswer::InDoubt(not_understood(answer)),
    }
}

/// What a verified answer to `alipay.trade.close` comes to.
pub(crate) fn close_answer(answer: &Answer) -> Result<(), Doubt> {
    if answer.code == SUCCESS { Ok(()) } else { Err(not_understood(answer)) }
}

fn trade_state(asked: &OutTradeNo, answer: &Answer) -> Result<QueryAnswer, Doubt> {
    of_trade(asked, answer)?;
    match answer.trade_status.as_deref() {
        Some("TRADE_SUCCESS" | "TRADE_FINISHED") => payment(answer).map(QueryAnswer::Paid),
        Some("WAIT_BUYER_PAY") => Ok(QueryAnswer::Pending),
        Some("TRADE_CLOSED") => Ok(QueryAnswer::Closed),
        Some(_) => Err(doubt("the trade has a state that is not known")),
        None => Err(doubt("the answer has no state of the trade")),
    }
}

fn payment_of(asked: &PayRequest, answer: &Answer) -> Result<Payment, Doubt> {
    of_trade(asked.out_trade_no(), answer)?;
    let payment = payment(answer)?;
    if payment.amount_fen != asked.amount_fen() {
        return Err(Doubt(format!(
            "¥{} was asked for and ¥{} paid",
            asked.amount_fen(),
            payment.amount_fen
        )));
    }
    Ok(payment)
}

fn decline_of(asked: &PayRequest, answer: &Answer) -> Result<Decline, Doubt> {
    not_of_another(asked.out_trade_no(), answer)?;
    match answer.sub_code.as_deref() {
        Some(sub_code) if DECLINED_FOR_FUNDS.contains(&sub_code) => {
            Ok(Decline { sub_code: sub_code.to_owned() })
        }
        _ => Err(not_understood(answer)),
    }
}

/// The payment that the fields of an answer tell of.
fn payment(answer: &Answer) -> Result<Payment, Doubt> {
    let trade_no = answer.trade_no.clone().filter(|trade_no| !trade_no.is_empty());
    let trade_no = trade_no.ok_or_else(|| doubt("the answer has no trade_no"))?;
    let amount =
        answer.total_amount.as_deref().ok_or_else(|| doubt("the answer has no total_amount"))?;
    let amount_fen: Fen =
        amount.parse().map_err(|_| doubt("the answer's total_amount is not an amount"))?;
    if !amount_fen.is_positive() {
        return Err(doubt("the answer's total_amount is nothing"));
    }
    Ok(Payment { trade_no, amount_fen })
}

/// Whether an answer names the trade that was asked for.
fn of_trade(asked: &OutTradeNo, answer: &Answer) -> Result<(), Doubt> {
    match &answer.out_trade_no {
        Some(_) => not_of_another(asked, answer),
        None => Err(doubt("the answer does not name its trade")),
    }
}

/// Whether an answer names no other trade. Answers that only give an error may name none.
fn not_of_another(asked: &OutTradeNo, answer: &Answer) -> Result<(), Doubt> {
    match &answer.out_trade_no {
        Some(named) if named != asked.as_str() => Err(doubt("the answer is for another trade")),
        Some(_) | None => Ok(()),
    }
}

fn not_understood(answer: &Answer) -> Doubt {
    Doubt(format!("the answer is {}", answer.result_code()))
}

fn doubt(text: &str) -> Doubt {
    Doubt(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Vectors;

    const PAID: &str =
        r#""code":"10000","out_trade_no":"T1","trade_no":"2026","total_amount":"12.34""#;

    fn number() -> OutTradeNo {
        OutTradeNo::parse("T1").unwrap()
    }

    fn answer(fields: &str) -> Answer {
        serde_json::from_str(&format!("{{{fields}}}")).unwrap()
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
        ] {
            assert_eq!(pay(&fields), PayAnswer::InDoubt(doubt(expected)), "{fields}");
        }
    }

    #[test]
    fn want_of_funds_is_declined() {
        let codes = Vectors::read().declined_for_funds;
        assert_eq!(codes.len(), DECLINED_FOR_FUNDS.len());
        for sub_code in codes {
            let fields = format!(r#""code":"40004","sub_code":"{sub_code}""#);
            assert_eq!(
                pay(&fields),
                PayAnswer::Declined(Decline { sub_code: sub_code.clone() }),
                "{sub_code}"
            );
            let of_another = format!(r#"{fields},"out_trade_no":"T2""#);
            assert_eq!(
                pay(&of_another),
                PayAnswer::InDoubt(doubt("the answer is for another trade"))
            );
        }
    }

    #[test]
    fn every_other_code_is_in_doubt() {
        for code in Vectors::read()
            .in_doubt_whatever_else
            .iter()
            .map(String::as_str)
            .chain(["", "ACQ.NEW", "40004"])
        {
            for fields in [
                format!(r#""code":"40004","sub_code":"{code}""#),
                format!(r#""code":"{code}""#),
                format!(r#""code":"20000","sub_code":"{code}""#),
            ] {
                assert!(matches!(pay(&fields), PayAnswer::InDoubt(_)), "{fields}");
                assert!(matches!(query(&fields), QueryAnswer::InDoubt(_)), "{fields}");
            }
        }
        let funds_without_business_failure =
            r#""code":"20000","sub_code":"ACQ.BUYER_BALANCE_NOT_ENOUGH""#;
        assert!(matches!(pay(funds_without_business_failure), PayAnswer::InDoubt(_)));
    }

    #[test]
    fn state_of_a_queried_trade_is_read() {
        let in_state = |state: &str| format!(r#"{PAID},"trade_status":"{state}""#);
        let cases = [
            (in_state("TRADE_SUCCESS"), QueryAnswer::Paid(payment_of_1234())),
            (in_state("TRADE_FINISHED"), QueryAnswer::Paid(payment_of_1234())),
            (in_state("WAIT_BUYER_PAY"), QueryAnswer::Pending),
            (in_state("TRADE_CLOSED"), QueryAnswer::Closed),
            (
                in_state("TRADE_NEW"),
                QueryAnswer::InDoubt(doubt("the trade has a state that is not known")),
            ),
            (PAID.to_owned(), QueryAnswer::InDoubt(doubt("the answer has no state of the trade"))),
            (
                in_state("TRADE_CLOSED").replace("T1", "T2"),
                QueryAnswer::InDoubt(doubt("the answer is for another trade")),
            ),
            (
                r#""code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST""#.to_owned(),
                QueryAnswer::NotFound,
            ),
            (
                r#""code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST","out_trade_no":"T2""#.to_owned(),
                QueryAnswer::InDoubt(doubt("the answer is for another trade")),
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(query(&fields), expected, "{fields}");
        }
    }
}
