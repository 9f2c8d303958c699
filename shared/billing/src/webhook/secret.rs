//! The secrets with which deliveries are signed. This module knows their form; the function that
//! delivers signs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A secret that signs deliveries: `whsec_` with the base64 of 24 to 64 bytes for HMAC-SHA256, or
/// `whsk_` with the base64 of the 64 bytes of an Ed25519 key. Its `Debug` does not show it.
///
/// Source: Standard Webhooks 1.0, sections on symmetric and asymmetric signatures.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SigningSecret(String);

/// A text is no secret. It is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a signing secret is `whsec_` or `whsk_` and base64 of 24 to 64 bytes")]
pub struct SecretError;

/// What a secret for HMAC-SHA256 begins with.
const HMAC: &str = "whsec_";
/// What a secret key of Ed25519 begins with.
const ED25519: &str = "whsk_";

impl SigningSecret {
    /// The base64 of a secret for HMAC-SHA256; none if it is a key of Ed25519.
    #[must_use]
    pub fn hmac(&self) -> Option<&str> {
        self.0.strip_prefix(HMAC)
    }

    /// The base64 of a key of Ed25519; none if it is for HMAC-SHA256.
    #[must_use]
    pub fn ed25519(&self) -> Option<&str> {
        self.0.strip_prefix(ED25519)
    }

    /// The secret, to be shown once or to sign.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SigningSecret {
    type Error = SecretError;

    fn try_from(text: String) -> Result<SigningSecret, SecretError> {
        let encoded =
            text.strip_prefix(HMAC).or_else(|| text.strip_prefix(ED25519)).ok_or(SecretError)?;
        let digits = encoded.trim_end_matches('=');
        let is_base64 = digits.chars().all(|c| c.is_ascii_alphanumeric() || "+/".contains(c));
        // 24 bytes are 32 digits, 64 bytes 86.
        let is_secret =
            is_base64 && (32..=86).contains(&digits.len()) && encoded.len().is_multiple_of(4);
        is_secret.then_some(SigningSecret(text)).ok_or(SecretError)
    }
}

impl From<SigningSecret> for String {
    fn from(SigningSecret(text): SigningSecret) -> String {
        text
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.hmac().is_some() { "whsec_…" } else { "whsk_…" })
    }
}

/// The secrets of an endpoint: the one in use, and until a time the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecrets {
    /// The secret in use.
    pub current: SigningSecret,
    /// The one before it, which signs too until its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Previous {
    secret: SigningSecret,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    until_s: Timestamp,
}

impl SigningSecrets {
    /// The secrets of a new endpoint.
    #[must_use]
    pub const fn new(current: SigningSecret) -> SigningSecrets {
        SigningSecrets { current, previous: None }
    }

    /// The secrets after a rotation: the one in use signs too until a time.
    #[must_use]
    pub fn rotated(self, next: SigningSecret, until: Timestamp) -> SigningSecrets {
        let previous = Previous { secret: self.current, until_s: until };
        SigningSecrets { current: next, previous: Some(previous) }
    }

    /// The secrets that sign at a time, the one in use first.
    pub fn signing_at(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        let previous = self.previous.iter().filter(move |previous| now < previous.until_s);
        [&self.current].into_iter().chain(previous.map(|previous| &previous.secret))
    }

    /// Until when the secret before signs too; none if there is none.
    #[must_use]
    pub fn overlap_until(&self) -> Option<Timestamp> {
        self.previous.as_ref().map(|previous| previous.until_s)
    }
}
