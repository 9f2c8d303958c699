//! The synchronous answer of the gateway: a JSON object with one node and the signature of its raw text.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use steelyard_billing::Doubt;
use thiserror::Error;

use crate::key::VerifyingKey;

/// The call succeeded: the node's fields say what happened.
pub(crate) const SUCCESS: &str = "10000";

/// The business failed: the sub-code says why. It is no decline by itself; `ACQ.SYSTEM_ERROR` comes under it too.
pub(crate) const BUSINESS_FAILED: &str = "40004";

/// A verified answer: its result code, and the raw text of its node to read the fields from.
#[derive(Debug)]
pub(crate) struct Answer {
    code: String,
    sub_code: Option<String>,
    node: String,
}

/// Why a body is not an answer that can be believed. The texts carry nothing of the body but result codes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    /// The body is not a JSON object in UTF-8.
    #[error("the answer is not a JSON object")]
    NotAnObject,
    /// A key occurs twice, so that two readers could read two different answers.
    #[error("the answer has a key twice")]
    DuplicateKey,
    /// There is neither an answer to our method nor an error.
    #[error("the answer has no node of our method")]
    NoNode,
    /// There are several nodes, and a signature for only one.
    #[error("the answer has several nodes")]
    SeveralNodes,
    /// There is no signature. The code is only a claim.
    #[error("the answer is not signed; it claims {claim}")]
    Unsigned {
        /// The result code that the unsigned node gives.
        claim: ResultCode,
    },
    /// The signature is not Alipay's signature of the node.
    #[error("the signature of the answer is wrong")]
    BadSignature,
    /// The node is signed, and its fields are not what they should be.
    #[error("the node of the answer cannot be read")]
    UnreadableNode,
    /// Alipay answers with an error that names no method, and with a code that needs one.
    #[error("the answer is an error without a method, {0}")]
    ErrorResponse(ResultCode),
}

/// A result code and its sub-code, cut down to what can be shown: letters, digits, `_`, `-` and `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultCode(String);

/// The parts of a body: the raw text of its node, and the signature.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'b> {
    node: &'b str,
    is_error_response: bool,
    sign: String,
}

/// The members of a JSON object in their order, with their raw text.
struct Members<'b>(Vec<(String, &'b RawValue)>);

/// The fields that every node has.
#[derive(Deserialize)]
struct Outcome {
    code: String,
    sub_code: Option<String>,
}

impl Answer {
    /// Reads the answer to `method`, after its signature is verified over the raw text of its node.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the body is not an answer of Alipay to that method.
    pub(crate) fn read(
        body: &[u8],
        method: &str,
        alipay: &VerifyingKey,
    ) -> Result<Answer, WireError> {
        let parts = split(body, &node_key(method))?;
        if parts.sign.is_empty() {
            return Err(WireError::Unsigned { claim: claim(parts.node) });
        }
        alipay.verify(parts.node, &parts.sign).map_err(|_| WireError::BadSignature)?;
        let answer = Answer::of_node(parts.node)?;
        if parts.is_error_response && !answer.is_refusal_of_any_method() {
            return Err(WireError::ErrorResponse(answer.result_code()));
        }
        Ok(answer)
    }

    /// The answer in a node whose signature was verified.
    pub(crate) fn of_node(node: &str) -> Result<Answer, WireError> {
        if has_key_twice(&members(node).ok_or(WireError::UnreadableNode)?) {
            return Err(WireError::DuplicateKey);
        }
        let Outcome { code, sub_code } = fields(node)?;
        Ok(Answer { code, sub_code, node: node.to_owned() })
    }

    /// The raw text of the node.
    #[cfg(fuzzing)]
    pub(crate) fn into_node(self) -> String {
        self.node
    }

    /// The result code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Whether the call succeeded.
    pub(crate) fn succeeded(&self) -> bool {
        self.code == SUCCESS
    }

    /// The sub-code, under whatever code.
    pub(crate) fn sub_code(&self) -> Option<&str> {
        self.sub_code.as_deref()
    }

    /// The sub-code of a business that failed.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.sub_code.as_deref().filter(|_| self.code == BUSINESS_FAILED)
    }

    /// Whether the code refuses a request whatever its method. Success and a failed business belong
    /// to a method, and are not believed of an answer that names none.
    fn is_refusal_of_any_method(&self) -> bool {
        ![SUCCESS, BUSINESS_FAILED].contains(&self.code())
    }

    /// Whether the business failed for the reason of a sub-code.
    pub(crate) fn failed_by(&self, sub_code: &str) -> bool {
        self.failure() == Some(sub_code)
    }

    /// Fields of the node.
    ///
    /// # Errors
    ///
    /// A [`Doubt`] when one of them is not what it should be.
    pub(crate) fn fields<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Doubt> {
        fields(&self.node).map_err(|error| Doubt(error.to_string()))
    }

    /// The doubt that an answer leaves which says nothing clear.
    pub(crate) fn not_understood(&self) -> Doubt {
        Doubt(format!("the answer is {}", self.result_code()))
    }

    /// The code and sub-code, to be shown.
    pub(crate) fn result_code(&self) -> ResultCode {
        ResultCode::new(&self.code, self.sub_code.as_deref())
    }
}

impl ResultCode {
    /// How much of either code is shown, in characters.
    const SHOWN: usize = 64;

    fn new(code: &str, sub_code: Option<&str>) -> ResultCode {
        let shown = |text: &str| -> String {
            let plain = |c: &char| c.is_ascii_alphanumeric() || ['_', '-', '.'].contains(c);
            text.chars().filter(plain).take(ResultCode::SHOWN).collect()
        };
        let mut result = format!("code {}", shown(code));
        if let Some(sub_code) = sub_code.filter(|sub_code| !sub_code.is_empty()) {
            result.push(' ');
            result.push_str(&shown(sub_code));
        }
        ResultCode(result)
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Keeps every member: a map would let the last of two equal keys win.
struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// The key of the node that answers a method: `alipay_trade_pay_response`.
fn node_key(method: &str) -> String {
    format!("{}_response", method.replace('.', "_"))
}

/// The members of a text that is a JSON object, and nothing else.
fn members(text: &str) -> Option<Members<'_>> {
    serde_json::from_str(text).ok()
}

fn has_key_twice(Members(members): &Members<'_>) -> bool {
    let keys: BTreeSet<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
    keys.len() < members.len()
}

fn fields<'a, T: Deserialize<'a>>(node: &'a str) -> Result<T, WireError> {
    serde_json::from_str(node).map_err(|_| WireError::UnreadableNode)
}

/// Cuts the node and the signature out of a body, and believes nothing in them.
fn split<'b>(body: &'b [u8], node_key: &str) -> Result<Parts<'b>, WireError> {
    let text = str::from_utf8(body).map_err(|_| WireError::NotAnObject)?;
    let members = members(text).ok_or(WireError::NotAnObject)?;
    if has_key_twice(&members) {
        return Err(WireError::DuplicateKey);
    }
    let Members(members) = members;
    let is_node = |key: &str| key == node_key || key.ends_with("_response");
    let mut nodes = members.iter().filter(|(key, _)| is_node(key));
    let (key, node) = nodes.next().ok_or(WireError::NoNode)?;
    if nodes.next().is_some() {
        return Err(WireError::SeveralNodes);
    }
    let is_error_response = key == "error_response";
    if !is_error_response && key != node_key {
        return Err(WireError::NoNode);
    }
    Ok(Parts { node: node.get(), is_error_response, sign: signature(&members)? })
}

/// The text of `sign`, empty when it is missing.
fn signature(members: &[(String, &RawValue)]) -> Result<String, WireError> {
    let Some((_, sign)) = members.iter().find(|(key, _)| key == "sign") else {
        return Ok(String::new());
    };
    serde_json::from_str(sign.get()).map_err(|_| WireError::BadSignature)
}

/// The result code that an unsigned node gives, for an operator to see and for nothing else.
fn claim(node: &str) -> ResultCode {
    match fields::<Outcome>(node) {
        Ok(Outcome { code, sub_code }) => ResultCode::new(&code, sub_code.as_deref()),
        Err(_) => ResultCode::new("unreadable", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;
    use crate::vectors::{self, Vectors};

    const METHOD: &str = "alipay.trade.pay";
    const NODE: &str = r#"{"code":"10000","msg":"Success","trade_no":"1"}"#;

    fn sign(node: &str) -> String {
        SigningKey::parse(vectors::ALIPAY_PRIVATE).unwrap().sign(node).unwrap()
    }

    fn read(body: &str) -> Result<String, WireError> {
        let alipay = VerifyingKey::parse(vectors::ALIPAY_PUBLIC).unwrap();
        Answer::read(body.as_bytes(), METHOD, &alipay)
            .map(|answer| answer.result_code().to_string())
    }

    #[test]
    fn published_answers_are_read_from_their_whole_body() {
        let vectors = Vectors::read();
        for response in &vectors.responses {
            let (Some(body), Some(method)) = (&response.body, response.method()) else { continue };
            let key = VerifyingKey::parse(&vectors.keys[&response.key].spki).unwrap();
            let parts = split(body.as_bytes(), response.response_key.as_ref().unwrap()).unwrap();
            assert_eq!(parts.node, response.signed_text, "{} of {}", response.id, response.source);
            assert!(Answer::read(body.as_bytes(), &method, &key).is_ok(), "{}", response.id);
        }
    }

    #[test]
    fn text_that_is_signed_is_cut_out_as_it_came() {
        for case in Vectors::read().extraction {
            let parts = split(case.body.as_bytes(), &case.response_key).unwrap();
            assert_eq!(parts.node, case.expected_text, "{} of {}", case.id, case.source);
        }
    }

    #[test]
    fn escaped_slashes_are_part_of_the_signed_text() {
        let node = r#"{"code":"10000","qr_code":"https:\/\/qr.example\/1"}"#;
        let sign = sign(node);
        let body =
            |node: &str| format!(r#"{{"alipay_trade_pay_response": {node} ,"sign":"{sign}"}}"#);
        assert_eq!(read(&body(node)), Ok("code 10000".to_owned()));
        assert_eq!(read(&body(&node.replace(r"\/", "/"))), Err(WireError::BadSignature));
    }

    #[test]
    fn answer_that_could_be_read_in_two_ways_is_refused() {
        let sign = sign(NODE);
        for (body, expected) in [
            (
                format!(
                    r#"{{"alipay_trade_pay_response":{NODE},"alipay_trade_pay_response":{{}},"sign":"{sign}"}}"#
                ),
                WireError::DuplicateKey,
            ),
            (
                // The same key, spelled with an escape.
                format!(
                    r#"{{"alipay_trade_pay_response":{NODE},"\u0061lipay_trade_pay_response":{{}},"sign":"{sign}"}}"#
                ),
                WireError::DuplicateKey,
            ),
            (
                format!(
                    r#"{{"alipay_trade_pay_response":{NODE},"error_response":{NODE},"sign":"{sign}"}}"#
                ),
                WireError::SeveralNodes,
            ),
            (
                format!(
                    r#"{{"alipay_trade_pay_response":{NODE},"alipay_trade_query_response":{NODE},"sign":"{sign}"}}"#
                ),
                WireError::SeveralNodes,
            ),
            (
                format!(r#"{{"alipay_trade_pay_response":{NODE},"sign":"","sign":"{sign}"}}"#),
                WireError::DuplicateKey,
            ),
            (
                format!(r#"{{"alipay_trade_query_response":{NODE},"sign":"{sign}"}}"#),
                WireError::NoNode,
            ),
            (format!(r#"{{"sign":"{sign}"}}"#), WireError::NoNode),
        ] {
            assert_eq!(read(&body), Err(expected), "{body}");
        }
    }

    #[test]
    fn answer_without_alipays_signature_is_refused() {
        let foreign = SigningKey::parse(vectors::APP_PRIVATE).unwrap().sign(NODE).unwrap();
        let claim = ResultCode::new("10000", None);
        for (sign, expected) in [
            (String::new(), WireError::Unsigned { claim: claim.clone() }),
            (r#","sign":"""#.to_owned(), WireError::Unsigned { claim }),
            (r#","sign":null"#.to_owned(), WireError::BadSignature),
            (r#","sign":"wrong-sing""#.to_owned(), WireError::BadSignature),
            (format!(r#","sign":"{foreign}""#), WireError::BadSignature),
        ] {
            assert_eq!(
                read(&format!(r#"{{"alipay_trade_pay_response":{NODE}{sign}}}"#)),
                Err(expected),
                "{sign}"
            );
        }
    }

    #[test]
    fn body_that_is_no_answer_is_refused() {
        let signed = |node: &str| {
            format!(r#"{{"alipay_trade_pay_response":{node},"sign":"{}"}}"#, sign(node))
        };
        let without_code = signed(r#"{"msg":"Success"}"#);
        let sealed = signed(r#""an encrypted answer""#);
        let code_twice = signed(r#"{"code":"40004","\u0063ode":"10000","msg":""}"#);
        let gateway_error = format!(r#"{{"error_response":{NODE},"sign":"{}"}}"#, sign(NODE));
        for (body, expected) in [
            ("", WireError::NotAnObject),
            ("<html>502</html>", WireError::NotAnObject),
            ("[]", WireError::NotAnObject),
            (r#"{"alipay_trade_pay_response":{}} {}"#, WireError::NotAnObject),
            (&without_code, WireError::UnreadableNode),
            (&sealed, WireError::UnreadableNode),
            (&code_twice, WireError::DuplicateKey),
            (&code_twice.replace("msg", "code"), WireError::BadSignature),
            (&gateway_error, WireError::ErrorResponse(ResultCode::new("10000", None))),
        ] {
            assert_eq!(read(body), Err(expected), "{body}");
        }
    }

    #[test]
    fn a_signed_error_without_a_method_is_read_by_its_code_unless_that_needs_a_method() {
        for (code, is_read) in
            [("40006", true), ("40005", true), ("20000", true), ("40004", false), ("10000", false)]
        {
            let node = format!(r#"{{"code":"{code}"}}"#);
            let body = format!(r#"{{"error_response":{node},"sign":"{}"}}"#, sign(&node));
            let expected = match is_read {
                true => Ok(format!("code {code}")),
                false => Err(WireError::ErrorResponse(ResultCode::new(code, None))),
            };
            assert_eq!(read(&body), expected, "{body}");
        }
    }

    #[test]
    fn claim_of_an_unsigned_answer_shows_nothing_but_codes() {
        let body = r#"{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id 张三 <b>","sub_msg":"张三"}}"#;
        assert_eq!(
            read(body).unwrap_err().to_string(),
            "the answer is not signed; it claims code 40002 isv.invalid-app-idb"
        );
    }
}
