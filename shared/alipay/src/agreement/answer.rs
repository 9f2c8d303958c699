//! Querying and ending an agreement, and the meaning of each answer.

use jiff::Timestamp;
use serde::Deserialize;
use steelyard_billing::{Agreement, AgreementAnswer, Doubt, UnsignAnswer};

use super::AgreementKey;
use crate::agreement_no::is_agreement_no;
use crate::client::{Alipay, Call};
use crate::doubt::doubt;
use crate::time::beijing_instant;
use crate::wire::Answer;

/// Sub-codes of both calls for an agreement that does not exist. Alipay spells one in two ways.
///
/// Source: alipay-sdk-php-all v3 `AlipayUserAgreementQueryErrorResponseModel` and
/// `AlipayUserAgreementUnsignErrorResponseModel`.
const NOT_FOUND: [&str; 3] =
    ["AGREEMENT_NOT_EXIST", "AGREEMENT_NOT_EXSIT", "USER_AGREEMENT_NOT_EXIST"];

/// Sub-codes of `alipay.user.agreement.unsign` for an agreement that is not in force. Source: as
/// above.
const NOT_IN_FORCE: [&str; 2] =
    ["USER_AGREEMENT_STATUS_IS_NOT_NORMAL", "USER_AGREEMENT_STATUS_NOT_NORMAL"];

/// The sub-code for an agreement that was ended. Source: as above.
const HAS_UNSIGNED: &str = "AGREEMENT_HAS_UNSIGNED";

/// The fields of an answer about an agreement.
#[derive(Deserialize)]
struct AgreementFields {
    status: Option<String>,
    agreement_no: Option<String>,
    external_agreement_no: Option<String>,
    single_quota: Option<String>,
    sign_time: Option<String>,
    invalid_time: Option<String>,
    alipay_logon_id: Option<String>,
}

impl Alipay {
    /// Queries the state of an agreement: `alipay.user.agreement.query`.
    ///
    /// Query it every day before debits are made: Alipay does not notify of an agreement that
    /// expires.
    pub async fn query_agreement(&self, key: &AgreementKey, now: Timestamp) -> AgreementAnswer {
        let content = key.content().to_string();
        match self.ask(Call::new("alipay.user.agreement.query", &content), now).await {
            Ok(answer) => agreement_answer(key, &answer).unwrap_or_else(AgreementAnswer::InDoubt),
            Err(doubt) => AgreementAnswer::InDoubt(doubt),
        }
    }

    /// Ends an agreement: `alipay.user.agreement.unsign`.
    pub async fn end_agreement(&self, key: &AgreementKey, now: Timestamp) -> UnsignAnswer {
        let content = key.content().to_string();
        match self.ask(Call::new("alipay.user.agreement.unsign", &content).notified(), now).await {
            Ok(answer) => unsign_answer(key, &answer).unwrap_or_else(UnsignAnswer::InDoubt),
            Err(doubt) => UnsignAnswer::InDoubt(doubt),
        }
    }
}

fn agreement_answer(key: &AgreementKey, answer: &Answer) -> Result<AgreementAnswer, Doubt> {
    let fields: AgreementFields = answer.fields()?;
    of_no_other_agreement(key, &fields)?;
    if answer.failed_by(HAS_UNSIGNED) {
        return Ok(AgreementAnswer::Ended);
    }
    if failed_by_one_of(answer, &NOT_FOUND) {
        return Ok(AgreementAnswer::NotFound);
    }
    if !answer.succeeded() {
        return Err(answer.not_understood());
    }
    let state = fields.status.clone();
    let agreement = agreement(key, fields)?;
    match state.as_deref() {
        Some("NORMAL") => Ok(AgreementAnswer::InForce(agreement)),
        Some("TEMP") => Ok(AgreementAnswer::NotYetInForce),
        Some("STOP") => Ok(AgreementAnswer::Suspended),
        Some(_) => Err(doubt("the agreement has a state that is not known")),
        None => Err(doubt("the answer has no state of the agreement")),
    }
}

fn unsign_answer(key: &AgreementKey, answer: &Answer) -> Result<UnsignAnswer, Doubt> {
    of_no_other_agreement(key, &answer.fields()?)?;
    if answer.succeeded() {
        Ok(UnsignAnswer::Ended)
    } else if failed_by_one_of(answer, &NOT_FOUND) || failed_by_one_of(answer, &NOT_IN_FORCE) {
        Ok(UnsignAnswer::NotInForce)
    } else {
        Err(answer.not_understood())
    }
}

/// Checks that an answer names no other agreement than that of the request. Most answers but that
/// to a query name none.
fn of_no_other_agreement(key: &AgreementKey, fields: &AgreementFields) -> Result<(), Doubt> {
    let (asked, named) = match key {
        AgreementKey::AgreementNo(asked) => (asked.as_str(), &fields.agreement_no),
        AgreementKey::Offered { number, .. } => (number.as_str(), &fields.external_agreement_no),
    };
    match named.as_deref() {
        Some(named) if !named.is_empty() && named != asked => {
            Err(doubt("the answer is for another agreement"))
        }
        Some(_) | None => Ok(()),
    }
}

fn failed_by_one_of(answer: &Answer, sub_codes: &[&str]) -> bool {
    sub_codes.iter().any(|sub_code| answer.failed_by(sub_code))
}

/// The agreement that an answer describes.
///
/// # Errors
///
/// A [`Doubt`] when it is not named as the agreement of the query, or a field cannot be read.
fn agreement(key: &AgreementKey, fields: AgreementFields) -> Result<Agreement, Doubt> {
    let agreement_no = fields.agreement_no.filter(|number| is_agreement_no(number));
    let agreement_no = agreement_no.ok_or_else(|| doubt("the answer has no agreement_no"))?;
    let external = present(fields.external_agreement_no);
    let is_asked_for = match key {
        AgreementKey::AgreementNo(asked) => *asked == agreement_no,
        AgreementKey::Offered { number, .. } => external.as_deref() == Some(number.as_str()),
    };
    if !is_asked_for {
        return Err(doubt("the answer is for another agreement"));
    }
    Ok(Agreement {
        agreement_no,
        external_agreement_no: external,
        single_limit_fen: read(fields.single_quota, "single_quota", |text| text.parse().ok())?,
        signed_at: read(fields.sign_time, "sign_time", beijing_instant)?,
        ends_at: read(fields.invalid_time, "invalid_time", beijing_instant)?,
        payer_login: present(fields.alipay_logon_id),
    })
}

fn present(field: Option<String>) -> Option<String> {
    field.filter(|text| !text.is_empty())
}

fn read<T>(
    field: Option<String>,
    name: &str,
    reader: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Doubt> {
    let Some(text) = present(field) else { return Ok(None) };
    let value =
        reader(&text).ok_or_else(|| Doubt(format!("the answer's {name} cannot be read")))?;
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use steelyard_billing::ExternalAgreementNo;
    use steelyard_pricing::Fen;

    use super::*;
    use crate::agreement::SignScene;
    use crate::stub::{Stub, now};

    const SIGNED: &str = r#"{"code":"10000","status":"NORMAL","agreement_no":"2026","external_agreement_no":"P1","single_quota":"500.00","sign_time":"2026-03-02 10:00:03","invalid_time":"2115-02-01 00:00:00","alipay_logon_id":"xud***@126.com"}"#;

    fn keys() -> [AgreementKey; 2] {
        let number = ExternalAgreementNo::parse("P1").unwrap();
        let scene = SignScene::parse("INDUSTRY|X").unwrap();
        [AgreementKey::AgreementNo("2026".to_owned()), AgreementKey::Offered { number, scene }]
    }

    async fn check(node: &str, expected: &AgreementAnswer) {
        let stub = Stub::answering("alipay.user.agreement.query", node).await;
        for key in keys() {
            let answer = stub.client().query_agreement(&key, now()).await;
            assert_eq!(answer, *expected, "{node} for {key:?}");
        }
    }

    fn failed(sub_code: &str) -> String {
        format!(r#"{{"code":"40004","sub_code":"{sub_code}"}}"#)
    }

    #[tokio::test]
    async fn an_agreement_in_force_is_read_with_its_limit_and_its_end() {
        let agreement = Agreement {
            agreement_no: "2026".to_owned(),
            external_agreement_no: Some("P1".to_owned()),
            single_limit_fen: Some(Fen::new(50_000)),
            signed_at: Some("2026-03-02T02:00:03Z".parse().unwrap()),
            ends_at: Some("2115-01-31T16:00:00Z".parse().unwrap()),
            payer_login: Some("xud***@126.com".to_owned()),
        };
        check(SIGNED, &AgreementAnswer::InForce(agreement.clone())).await;
        let without = SIGNED.replace("500.00", "").replace("2115-02-01 00:00:00", "");
        let agreement = Agreement { single_limit_fen: None, ends_at: None, ..agreement };
        check(&without, &AgreementAnswer::InForce(agreement)).await;
    }

    #[tokio::test]
    async fn every_other_state_of_an_agreement_is_read() {
        for (node, expected) in [
            (SIGNED.replace("NORMAL", "TEMP"), AgreementAnswer::NotYetInForce),
            (SIGNED.replace("NORMAL", "STOP"), AgreementAnswer::Suspended),
            (failed("AGREEMENT_HAS_UNSIGNED"), AgreementAnswer::Ended),
            (failed("USER_AGREEMENT_NOT_EXIST"), AgreementAnswer::NotFound),
        ] {
            check(&node, &expected).await;
        }
    }

    #[tokio::test]
    async fn an_answer_about_an_agreement_that_is_not_clear_is_in_doubt() {
        let named_otherwise = r#","agreement_no":"2027","external_agreement_no":"P2"}"#.to_owned();
        for (node, expected) in [
            (SIGNED.replace("NORMAL", "NEW"), "the agreement has a state that is not known"),
            (SIGNED.replace("status", "state"), "the answer has no state of the agreement"),
            (SIGNED.replace("500.00", "5e2"), "the answer's single_quota cannot be read"),
            (SIGNED.replace("10:00:03", "10 h"), "the answer's sign_time cannot be read"),
            (SIGNED.replace(r#""2026""#, r#""""#), "the answer has no agreement_no"),
            (
                SIGNED.replace(r#""2026""#, r#""2027""#).replace("P1", "P2"),
                "the answer is for another agreement",
            ),
            (failed("SYSTEM_ERROR"), "the answer is code 40004 SYSTEM_ERROR"),
            (failed("AGREEMENT_NEW"), "the answer is code 40004 AGREEMENT_NEW"),
            (
                failed("AGREEMENT_HAS_UNSIGNED").replace("40004", "40006"),
                "the answer is code 40006 AGREEMENT_HAS_UNSIGNED",
            ),
            (
                failed("USER_AGREEMENT_NOT_EXIST").replace("40004", "20000"),
                "the answer is code 20000 USER_AGREEMENT_NOT_EXIST",
            ),
            (
                failed("AGREEMENT_HAS_UNSIGNED").replace("}", &named_otherwise),
                "the answer is for another agreement",
            ),
            (
                failed("USER_AGREEMENT_NOT_EXIST").replace("}", &named_otherwise),
                "the answer is for another agreement",
            ),
            (failed("AUTHOREE_IS_NOT_MATCH"), "the answer is code 40004 AUTHOREE_IS_NOT_MATCH"),
        ] {
            check(&node, &AgreementAnswer::InDoubt(doubt(expected))).await;
        }
    }

    #[tokio::test]
    async fn the_end_of_an_agreement_differs_from_one_that_was_not_in_force() {
        let in_doubt =
            |code: &str| UnsignAnswer::InDoubt(Doubt(format!("the answer is code 40004 {code}")));
        for (node, expected) in [
            (r#"{"code":"10000"}"#.to_owned(), UnsignAnswer::Ended),
            (failed("AGREEMENT_NOT_EXIST"), UnsignAnswer::NotInForce),
            (failed("AGREEMENT_NOT_EXSIT"), UnsignAnswer::NotInForce),
            (failed("USER_AGREEMENT_STATUS_NOT_NORMAL"), UnsignAnswer::NotInForce),
            (failed("USER_AGREEMENT_STATUS_IS_NOT_NORMAL"), UnsignAnswer::NotInForce),
            (failed("USER_AGREEMENT_UNSIGN_FAIL"), in_doubt("USER_AGREEMENT_UNSIGN_FAIL")),
            (failed("SYSTEM_ERROR"), in_doubt("SYSTEM_ERROR")),
            (failed("AGREEMENT_NEW"), in_doubt("AGREEMENT_NEW")),
            (
                r#"{"code":"10003"}"#.to_owned(),
                UnsignAnswer::InDoubt(doubt("the answer is code 10003")),
            ),
            (
                failed("AGREEMENT_NOT_EXIST").replace("40004", "40006"),
                UnsignAnswer::InDoubt(doubt("the answer is code 40006 AGREEMENT_NOT_EXIST")),
            ),
            (
                r#"{"code":"10000","agreement_no":"2027"}"#.to_owned(),
                UnsignAnswer::InDoubt(doubt("the answer is for another agreement")),
            ),
        ] {
            let stub = Stub::answering("alipay.user.agreement.unsign", &node).await;
            let [key, _] = keys();
            assert_eq!(stub.client().end_agreement(&key, now()).await, expected, "{node}");
            assert_eq!(stub.asked()["notify_url"], Stub::NOTIFY_URL);
        }
    }
}
