//! Published test vectors and throw-away keys, for tests only.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Our application's private key in the tests, in PKCS#8.
pub(crate) const APP_PRIVATE: &str = include_str!("../tests/keys/app-private.pem");
/// Our application's public key in the tests, in SPKI.
pub(crate) const APP_PUBLIC: &str = include_str!("../tests/keys/app-public.pem");
/// Alipay's private key in the tests, in PKCS#8.
pub(crate) const ALIPAY_PRIVATE: &str = include_str!("../tests/keys/alipay-private.pem");
/// Alipay's public key in the tests, in SPKI.
pub(crate) const ALIPAY_PUBLIC: &str = include_str!("../tests/keys/alipay-public.pem");

/// The parts of `tests/vectors/gateway.json` that tests read.
#[derive(Deserialize)]
pub(crate) struct Vectors {
    pub(crate) keys: BTreeMap<String, PublishedKey>,
    pub(crate) responses: Vec<Response>,
    pub(crate) requests: Vec<Request>,
    pub(crate) extraction: Vec<Extraction>,
    pub(crate) sort_join: Vec<SortJoin>,
    pub(crate) notifications: Vec<Notification>,
    pub(crate) trade_pay_policy: BTreeMap<String, Vec<String>>,
}

/// One public key in both forms, in base64.
#[derive(Deserialize)]
pub(crate) struct PublishedKey {
    pub(crate) spki: String,
    pub(crate) pkcs1: String,
}

/// An answer of Alipay: the text that was signed, and the whole body where it was published.
#[derive(Deserialize)]
pub(crate) struct Response {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) key: String,
    expect: String,
    pub(crate) signed_text: String,
    pub(crate) signature: String,
    pub(crate) response_key: Option<String>,
    pub(crate) body: Option<String>,
}

/// A signed request.
#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) key: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) expected_text: String,
    pub(crate) signature: String,
}

/// A notification: its form, its parameters, and the text that a verifier signs after it dropped
/// some keys.
#[derive(Deserialize)]
pub(crate) struct Notification {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) key: String,
    expect: String,
    pub(crate) dropped: Vec<String>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) form: String,
    pub(crate) signed_text: String,
    pub(crate) signature: String,
}

/// A body and the text in it that is signed.
#[derive(Deserialize)]
pub(crate) struct Extraction {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) response_key: String,
    pub(crate) body: String,
    pub(crate) expected_text: String,
}

/// Parameters and the text that is signed for them.
#[derive(Deserialize)]
pub(crate) struct SortJoin {
    pub(crate) source: String,
    pub(crate) rule: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) expected: String,
}

impl Vectors {
    /// Reads the file.
    pub(crate) fn read() -> Vectors {
        serde_json::from_str(include_str!("../tests/vectors/gateway.json")).unwrap()
    }
}

impl Notification {
    /// Whether a correct verifier accepts the signature of the text.
    pub(crate) fn is_valid(&self) -> bool {
        self.expect == "valid"
    }
}

impl Response {
    /// Whether a correct verifier accepts the signature.
    pub(crate) fn is_valid(&self) -> bool {
        self.expect == "valid"
    }

    /// The method whose answer this is, where the whole body was published.
    pub(crate) fn method(&self) -> Option<String> {
        let key = self.response_key.as_ref()?;
        Some(key.strip_suffix("_response")?.replace('_', "."))
    }
}
