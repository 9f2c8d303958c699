//! A request to the gateway: the form, its parameters, its signature.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_alipay::{VerifyingKey, beijing_instant, text_to_sign};

use super::fault::Method;
use super::keys::APP_ID;

/// A request of our application, its signature verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// When it was sent, by its own `timestamp`.
    pub(super) at: Timestamp,
    pub(super) biz_content: String,
}

/// Why a request is not served, with the method it names, if it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) method: Option<Method>,
    pub(super) reason: RefusalReason,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusalReason {
    /// A parameter comes twice.
    Form,
    /// The application is not known.
    AppId,
    /// The method is not known.
    Method,
    /// The signature is not the application's, or the form's charset is not said in the query string.
    Signature,
    /// The `timestamp` is not `yyyy-MM-dd HH:mm:ss`.
    Timestamp,
    /// A parameter is missing.
    Missing,
}

impl RefusalReason {
    /// The `sub_code` of the reason. All come under code 40002.
    pub(super) const fn sub_code(self) -> &'static str {
        match self {
            RefusalReason::Form => "isv.invalid-parameter",
            RefusalReason::AppId => "isv.invalid-app-id",
            RefusalReason::Method => "isv.invalid-method",
            RefusalReason::Signature => "isv.invalid-signature",
            RefusalReason::Timestamp => "isv.invalid-timestamp",
            RefusalReason::Missing => "isv.missing-parameter",
        }
    }
}

impl Request {
    /// Reads a form that came with this query string, and verifies its signature.
    pub(super) fn read(query: &str, form: &[u8], app: &VerifyingKey) -> Result<Request, Refusal> {
        let parameters =
            parameters(form).ok_or(Refusal { method: None, reason: RefusalReason::Form })?;
        let method = parameters.get("method").and_then(|name| Method::parse(name));
        let refused = |reason| Refusal { method, reason };
        if parameters.get("app_id").map(String::as_str) != Some(APP_ID) {
            return Err(refused(RefusalReason::AppId));
        }
        // The gateway reads a form as GBK, and so finds another text, unless the query string says otherwise.
        if !says_utf8(query) || !is_signed(&parameters, app) {
            return Err(refused(RefusalReason::Signature));
        }
        let timestamp = parameters.get("timestamp").ok_or(refused(RefusalReason::Missing))?;
        let biz_content = parameters.get("biz_content").ok_or(refused(RefusalReason::Missing))?;
        Ok(Request {
            method: method.ok_or(refused(RefusalReason::Method))?,
            at: beijing_instant(timestamp).ok_or(refused(RefusalReason::Timestamp))?,
            biz_content: biz_content.clone(),
        })
    }
}

/// The parameters of a form; nothing when one of them comes twice.
fn parameters(form: &[u8]) -> Option<BTreeMap<String, String>> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
    let count = pairs.len();
    let parameters = BTreeMap::from_iter(pairs);
    (parameters.len() == count).then_some(parameters)
}

fn says_utf8(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes())
        .any(|(key, value)| key == "charset" && value.eq_ignore_ascii_case("utf-8"))
}

fn is_signed(parameters: &BTreeMap<String, String>, app: &VerifyingKey) -> bool {
    let is_rsa2 = parameters.get("sign_type").is_some_and(|sign_type| sign_type == "RSA2");
    let sign = parameters.get("sign");
    is_rsa2 && sign.is_some_and(|sign| app.verify(&text_to_sign(parameters), sign).is_ok())
}
