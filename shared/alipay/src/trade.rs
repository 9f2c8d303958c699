//! The requests for a trade: one withholding, and the query for it.

mod answer;

use serde::{Deserialize, Serialize};
use steelyard_billing::{NumberError, OutTradeNo};
use steelyard_pricing::{Fen, MoneyError};
use thiserror::Error;

use crate::agreement_no::is_agreement_no;
use crate::order::{AmountError, SubjectError, check_amount, check_subject};

/// The time limit for paying a trade: longer than the three days of an attempt's retries.
///
/// Source: alipay-sdk-java `AlipayTradePayModel`, `timeout_express`: 1m to 15d.
const TIMEOUT_EXPRESS: &str = "7d";

/// One amount to withhold under one agreement, not yet in the bytes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withholding {
    /// Our number of the trade.
    pub out_trade_no: OutTradeNo,
    /// The amount, from [`DEBIT_MIN`](crate::DEBIT_MIN) to
    /// [`DEBIT_MAX`](steelyard_billing::DEBIT_MAX).
    pub amount_fen: Fen,
    /// Alipay's number of the agreement that the payer signed.
    pub agreement_no: String,
    /// The subject on the payer's bill.
    pub subject: String,
}

/// Why an amount cannot be withheld as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WithholdingError {
    /// The amount is outside Alipay's range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The agreement's number is empty or not made of letters and digits.
    #[error("the agreement's number is not made of letters and digits")]
    AgreementNo,
    /// The subject is not allowed.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

/// A withholding in the exact bytes that every retry sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayRequest {
    out_trade_no: OutTradeNo,
    amount_fen: Fen,
    biz_content: String,
}

/// Why stored bytes are not the request that they should be.
#[derive(Debug, Error)]
pub enum PayRequestError {
    /// The bytes are not the JSON of a withholding.
    #[error("the stored request is not a withholding")]
    NotAWithholding(#[source] serde_json::Error),
    /// The number in the bytes is not a number of a trade.
    #[error("the stored request has a bad number")]
    OutTradeNo(#[source] NumberError),
    /// The amount in the bytes is not an amount.
    #[error("the stored request has a bad amount")]
    Amount(#[source] MoneyError),
    /// The bytes are for another trade or amount.
    #[error(
        "the stored request is for trade {stored_no} and ¥{stored_amount}, not for {asked_no} and ¥{asked_amount}"
    )]
    OtherTrade {
        /// The number in the bytes.
        stored_no: OutTradeNo,
        /// The amount in the bytes.
        stored_amount: Fen,
        /// The expected number.
        asked_no: OutTradeNo,
        /// The expected amount.
        asked_amount: Fen,
    },
}

/// `biz_content` of `alipay.trade.pay` for a withholding. It has no `scene` and no `auth_code`:
/// those are for payers at a counter.
///
/// Source: alipay-sdk-java `AlipayTradePayModel`.
#[derive(Serialize)]
struct BizContent<'a> {
    out_trade_no: &'a OutTradeNo,
    total_amount: String,
    subject: &'a str,
    product_code: &'static str,
    agreement_params: AgreementParams<'a>,
    timeout_express: &'static str,
}

#[derive(Serialize)]
struct AgreementParams<'a> {
    agreement_no: &'a str,
}

/// The fields of stored bytes that name their trade and amount.
#[derive(Deserialize)]
struct StoredTrade {
    out_trade_no: String,
    total_amount: String,
}

impl Withholding {
    /// The bytes to store before the first call and to send with every call.
    ///
    /// # Errors
    ///
    /// [`WithholdingError`] when Alipay would refuse them.
    pub fn biz_content(&self) -> Result<String, WithholdingError> {
        self.check()?;
        let content = BizContent {
            out_trade_no: &self.out_trade_no,
            total_amount: self.amount_fen.to_string(),
            subject: &self.subject,
            product_code: "GENERAL_WITHHOLDING",
            agreement_params: AgreementParams { agreement_no: &self.agreement_no },
            timeout_express: TIMEOUT_EXPRESS,
        };
        Ok(serde_json::to_string(&content).expect("a struct of texts has a JSON"))
    }

    fn check(&self) -> Result<(), WithholdingError> {
        check_amount(self.amount_fen)?;
        if !is_agreement_no(&self.agreement_no) {
            return Err(WithholdingError::AgreementNo);
        }
        Ok(check_subject(&self.subject)?)
    }
}

impl PayRequest {
    /// The request that sends stored bytes, which must be for this trade and amount.
    ///
    /// # Errors
    ///
    /// [`PayRequestError`] when the bytes are for another trade or amount, or for none.
    pub fn new(
        out_trade_no: OutTradeNo,
        amount_fen: Fen,
        biz_content: String,
    ) -> Result<PayRequest, PayRequestError> {
        let stored: StoredTrade =
            serde_json::from_str(&biz_content).map_err(PayRequestError::NotAWithholding)?;
        let stored_no =
            OutTradeNo::parse(&stored.out_trade_no).map_err(PayRequestError::OutTradeNo)?;
        let stored_amount = stored.total_amount.parse().map_err(PayRequestError::Amount)?;
        if stored_no != out_trade_no || stored_amount != amount_fen {
            return Err(PayRequestError::OtherTrade {
                stored_no,
                stored_amount,
                asked_no: out_trade_no,
                asked_amount: amount_fen,
            });
        }
        Ok(PayRequest { out_trade_no, amount_fen, biz_content })
    }

    /// Our number of the trade.
    #[must_use]
    pub fn out_trade_no(&self) -> &OutTradeNo {
        &self.out_trade_no
    }

    /// The amount of the withholding.
    #[must_use]
    pub fn amount_fen(&self) -> Fen {
        self.amount_fen
    }

    /// The bytes to send.
    #[must_use]
    pub fn biz_content(&self) -> &str {
        &self.biz_content
    }
}

/// `biz_content` of `alipay.trade.query` and `alipay.trade.close`.
pub(crate) fn trade_content(out_trade_no: &OutTradeNo) -> String {
    serde_json::json!({ "out_trade_no": out_trade_no }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withholding() -> Withholding {
        Withholding {
            out_trade_no: OutTradeNo::parse("D20260301_PRV000123_1").unwrap(),
            amount_fen: Fen::new(1234),
            agreement_no: "20265302123456789012".to_owned(),
            subject: "API技术服务费 2026-03-01".to_owned(),
        }
    }

    #[test]
    fn bytes_of_a_withholding_are_these() {
        assert_eq!(
            withholding().biz_content().unwrap(),
            concat!(
                r#"{"out_trade_no":"D20260301_PRV000123_1","total_amount":"12.34","#,
                r#""subject":"API技术服务费 2026-03-01","product_code":"GENERAL_WITHHOLDING","#,
                r#""agreement_params":{"agreement_no":"20265302123456789012"},"timeout_express":"7d"}"#,
            )
        );
    }

    #[test]
    fn a_withholding_that_alipay_would_refuse_is_an_error() {
        let of_subject =
            |subject: &str| Withholding { subject: subject.to_owned(), ..withholding() };
        let of_agreement = |agreement_no: &str| Withholding {
            agreement_no: agreement_no.to_owned(),
            ..withholding()
        };
        let of_nothing = Withholding { amount_fen: Fen::ZERO, ..withholding() };
        for (refused, expected) in [
            (of_nothing, WithholdingError::Amount(AmountError { amount: Fen::ZERO })),
            (of_subject("a=b"), WithholdingError::Subject(SubjectError::Character('='))),
            (of_agreement(""), WithholdingError::AgreementNo),
            (of_agreement("2026\""), WithholdingError::AgreementNo),
        ] {
            assert_eq!(refused.biz_content(), Err(expected));
        }
    }

    #[test]
    fn stored_bytes_are_sent_as_they_are_and_only_for_their_own_trade() {
        let Withholding { out_trade_no, amount_fen, .. } = withholding();
        let bytes = withholding().biz_content().unwrap();
        let request = PayRequest::new(out_trade_no.clone(), amount_fen, bytes.clone()).unwrap();
        assert_eq!(request.biz_content(), bytes);

        let other_no = OutTradeNo::parse("D20260301_PRV000123_2").unwrap();
        for (number, amount, bytes) in [
            (other_no, amount_fen, bytes.as_str()),
            (out_trade_no.clone(), Fen::new(1235), &bytes),
            (out_trade_no, amount_fen, "{}"),
        ] {
            assert!(PayRequest::new(number, amount, bytes.to_owned()).is_err(), "{amount} {bytes}");
        }
    }
}
