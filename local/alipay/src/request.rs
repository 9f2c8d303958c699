//! A request to the gateway: the form, its parameters, its signature.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_alipay::{VerifyingKey, beijing_instant, text_to_sign};

use super::fault::Method;
use super::keys::APP_ID;

/// A call of a method by our application, its signature verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// When it was sent, by its own `timestamp`.
    pub(super) at: Timestamp,
    pub(super) biz_content: String,
    /// The address for notifications about it.
    pub(super) notify_url: Option<String>,
}

/// The address of a page that our application made, its signature verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageRequest {
    pub(super) page: Page,
    pub(super) biz_content: String,
    /// The address for notifications about it.
    pub(super) notify_url: Option<String>,
    /// Where its reader goes afterwards.
    pub(super) return_url: Option<String>,
}

/// A page of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// `alipay.user.agreement.page.sign`.
    Sign,
    /// `alipay.trade.page.pay`.
    Pay,
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
    /// The signature is not the application's, or the form's charset is not said in the query
    /// string.
    Signature,
    /// The `timestamp` is not `yyyy-MM-dd HH:mm:ss`.
    Timestamp,
    /// A parameter is missing.
    Missing,
}

/// The parameters of a request, each once.
struct Parameters(BTreeMap<String, String>);

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
            Parameters::read(form).ok_or(Refusal { method: None, reason: RefusalReason::Form })?;
        let method = parameters.get("method").and_then(Method::parse);
        let refused = |reason| Refusal { method, reason };
        parameters.verify(query, app).map_err(refused)?;
        let timestamp = parameters.required("timestamp").map_err(refused)?;
        let biz_content = parameters.required("biz_content").map_err(refused)?;
        Ok(Request {
            method: method.ok_or(refused(RefusalReason::Method))?,
            at: beijing_instant(timestamp).ok_or(refused(RefusalReason::Timestamp))?,
            biz_content: biz_content.to_owned(),
            notify_url: parameters.owned("notify_url"),
        })
    }
}

impl PageRequest {
    /// Reads the query string of a page's address, and verifies its signature.
    pub(super) fn read(query: &str, app: &VerifyingKey) -> Result<PageRequest, RefusalReason> {
        let parameters = Parameters::read(query.as_bytes()).ok_or(RefusalReason::Form)?;
        parameters.verify(query, app)?;
        let timestamp = parameters.required("timestamp")?;
        beijing_instant(timestamp).ok_or(RefusalReason::Timestamp)?;
        Ok(PageRequest {
            page: parameters.get("method").and_then(Page::parse).ok_or(RefusalReason::Method)?,
            biz_content: parameters.required("biz_content")?.to_owned(),
            notify_url: parameters.owned("notify_url"),
            return_url: parameters.owned("return_url"),
        })
    }
}

impl Page {
    fn parse(name: &str) -> Option<Page> {
        match name {
            "alipay.user.agreement.page.sign" => Some(Page::Sign),
            "alipay.trade.page.pay" => Some(Page::Pay),
            _ => None,
        }
    }
}

impl Parameters {
    /// The parameters of a form; nothing when one of them comes twice.
    fn read(form: &[u8]) -> Option<Parameters> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
        let count = pairs.len();
        let parameters = BTreeMap::from_iter(pairs);
        (parameters.len() == count).then_some(Parameters(parameters))
    }

    /// Checks that our application signed them.
    fn verify(&self, query: &str, app: &VerifyingKey) -> Result<(), RefusalReason> {
        if self.get("app_id") != Some(APP_ID) {
            return Err(RefusalReason::AppId);
        }
        // The gateway reads a form as GBK, and so finds another text, unless the query string says
        // otherwise.
        if !says_utf8(query) || !self.is_signed(app) {
            return Err(RefusalReason::Signature);
        }
        Ok(())
    }

    fn is_signed(&self, app: &VerifyingKey) -> bool {
        let is_rsa2 = self.get("sign_type") == Some("RSA2");
        let sign = self.get("sign");
        is_rsa2 && sign.is_some_and(|sign| app.verify(text_to_sign(&self.0), sign).is_ok())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn required(&self, key: &str) -> Result<&str, RefusalReason> {
        self.get(key).ok_or(RefusalReason::Missing)
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

fn says_utf8(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes())
        .any(|(key, value)| key == "charset" && value.eq_ignore_ascii_case("utf-8"))
}
