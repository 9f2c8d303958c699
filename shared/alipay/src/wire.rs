//! The synchronous answer of Alipay: a JSON object with one node and the signature of its raw
//! bytes.
//!
//! An answer in GBK is cut and verified as it came, and its node is decoded afterwards.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use steelyard_billing::Doubt;
use thiserror::Error;

use crate::charset::{Charset, UnknownCharset};
use crate::key::VerifyingKey;

/// The code of a call that succeeded: the node's fields say what happened.
pub(crate) const SUCCESS: &str = "10000";

/// The code of a business that failed: the sub-code says why. By itself it is no decline;
/// `ACQ.SYSTEM_ERROR` has the same code.
pub(crate) const BUSINESS_FAILED: &str = "40004";

/// A verified answer: its result code, and the text of its node with the other fields.
#[derive(Debug)]
pub(crate) struct Answer {
    code: String,
    sub_code: Option<String>,
    node: String,
}

/// Why a body is not a trustworthy answer. The texts show nothing of the body but result codes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    /// The body's charset is none of Alipay's.
    #[error(transparent)]
    Charset(#[from] UnknownCharset),
    /// The body is not in the charset of its label, or could be in another one too.
    #[error("the answer is labelled {0} and is not {0}")]
    Mislabelled(Charset),
    /// The body is not a JSON object.
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
    /// There is no signature, so the code is only a claim.
    #[error("the answer is not signed; it claims {claim}")]
    Unsigned {
        /// The result code that the unsigned node gives.
        claim: ResultCode,
    },
    /// The signature is not Alipay's signature of the node.
    #[error("the signature of the answer is wrong")]
    BadSignature,
    /// The node is signed, and its fields cannot be read.
    #[error("the node of the answer cannot be read")]
    UnreadableNode,
    /// Alipay answers with an error that names no method, and with a code that needs one.
    #[error("the answer is an error without a method, {0}")]
    ErrorResponse(ResultCode),
}

/// A result code and its sub-code, reduced to letters, digits, `_`, `-` and `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultCode(String);

/// The parts of a body: the raw bytes of its node, and the signature.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'b> {
    node: &'b [u8],
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
    /// Reads the answer to `method`, after its signature is verified over the raw bytes of its
    /// node. `label` is the charset in the header of the answer, if there is one.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the body is not an answer of Alipay to that method.
    pub(crate) fn read(
        body: &[u8],
        label: Option<&str>,
        method: &str,
        alipay: &VerifyingKey,
    ) -> Result<Answer, WireError> {
        let charset = charset(body, label)?;
        let parts = split(body, charset, &node_key(method))?;
        let node = charset.decode(parts.node).ok_or(WireError::UnreadableNode)?;
        if parts.sign.is_empty() {
            return Err(WireError::Unsigned { claim: claim(&node) });
        }
        alipay.verify(parts.node, &parts.sign).map_err(|_| WireError::BadSignature)?;
        let answer = Answer::of_node(&node)?;
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

    /// The text of the node.
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

    /// Whether the business failed with a sub-code.
    pub(crate) fn failed_by(&self, sub_code: &str) -> bool {
        self.failure() == Some(sub_code)
    }

    /// Fields of the node.
    ///
    /// # Errors
    ///
    /// A [`Doubt`] when one of them cannot be read.
    pub(crate) fn fields<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Doubt> {
        fields(&self.node).map_err(|error| Doubt(error.to_string()))
    }

    /// The doubt that an answer leaves whose code is not clear.
    pub(crate) fn not_understood(&self) -> Doubt {
        Doubt(format!("the answer is {}", self.result_code()))
    }

    /// The code and sub-code, for a log or an operator.
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

/// Keeps every member: in a map the last of two equal keys would win.
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

/// The charset of a body: that of its label, which the bytes must fit, or one that they are in.
fn charset(body: &[u8], label: Option<&str>) -> Result<Charset, WireError> {
    let Some(label) = label else { return Ok(Charset::of_unlabelled(body)) };
    let charset = Charset::named(label)?;
    if charset.fits(body) { Ok(charset) } else { Err(WireError::Mislabelled(charset)) }
}

/// Cuts the node and the signature out of a body, without trusting either.
fn split<'b>(body: &'b [u8], charset: Charset, node_key: &str) -> Result<Parts<'b>, WireError> {
    let structure = charset.structure(body).ok_or(WireError::NotAnObject)?;
    let members = members(&structure).ok_or(WireError::NotAnObject)?;
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
    let node = raw(body, &structure, node).ok_or(WireError::NotAnObject)?;
    Ok(Parts { node, is_error_response, sign: signature(&members)? })
}

/// The raw bytes of a value that was found in the structure of a body, at the same place.
fn raw<'b>(body: &'b [u8], structure: &str, value: &RawValue) -> Option<&'b [u8]> {
    let start = value.get().as_ptr().addr().checked_sub(structure.as_ptr().addr())?;
    body.get(start..start.checked_add(value.get().len())?)
}

/// The text of `sign`, empty when it is missing.
fn signature(members: &[(String, &RawValue)]) -> Result<String, WireError> {
    let Some((_, sign)) = members.iter().find(|(key, _)| key == "sign") else {
        return Ok(String::new());
    };
    serde_json::from_str(sign.get()).map_err(|_| WireError::BadSignature)
}

/// The result code in an unsigned node, for an operator and nothing else.
fn claim(node: &str) -> ResultCode {
    match fields::<Outcome>(node) {
        Ok(Outcome { code, sub_code }) => ResultCode::new(&code, sub_code.as_deref()),
        Err(_) => ResultCode::new("unreadable", None),
    }
}

#[cfg(test)]
mod tests;
