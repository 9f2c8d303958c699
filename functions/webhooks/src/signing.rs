//! Signatures by Standard Webhooks 1.0: `v1`, HMAC-SHA256, and `v1a`, Ed25519, of
//! `id.timestamp.body`.
//!
//! Source: Standard Webhooks 1.0, sections "Symmetric" and "Asymmetric".

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use steelyard_billing::webhook::SigningSecret;
use thiserror::Error;

/// A scheme by which deliveries are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// By a secret that both sides have: HMAC-SHA256.
    Hmac,
    /// By a key of which the receiver has the public half: Ed25519.
    Ed25519,
}

/// Why nothing can be signed. No secret is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SigningError {
    /// The secret is not base64.
    #[error("a signing secret is not base64")]
    NotBase64,
    /// The key is no key of Ed25519.
    #[error("a signing key is not of Ed25519")]
    NotAKey,
    /// The system has no random bytes.
    #[error("the system has no random bytes")]
    NoRandom,
    /// The id or the signature is no value of a header.
    #[error("an id or a signature is no value of a header")]
    Header,
}

/// The bytes of a secret for HMAC-SHA256, of 24 to 64.
const HMAC_BYTES: usize = 32;
/// The bytes of each half of a key of Ed25519.
const KEY_BYTES: usize = 32;

/// A signature as the header has it, with its version in front.
///
/// # Errors
///
/// [`SigningError`] when the secret cannot sign.
pub fn signature(
    secret: &SigningSecret,
    id: &str,
    timestamp_s: i64,
    body: &str,
) -> Result<String, SigningError> {
    let signed = format!("{id}.{timestamp_s}.{body}");
    if let Some(encoded) = secret.hmac() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &decoded(encoded)?);
        let tag = hmac::sign(&key, signed.as_bytes());
        return Ok(format!("v1,{}", BASE64_STANDARD.encode(tag)));
    }
    let signature = key_pair(secret)?.sign(signed.as_bytes());
    Ok(format!("v1a,{}", BASE64_STANDARD.encode(signature)))
}

/// A random secret.
///
/// # Errors
///
/// [`SigningError::NoRandom`] when the system has no random bytes.
pub fn new_secret(scheme: Scheme) -> Result<SigningSecret, SigningError> {
    let text = match scheme {
        Scheme::Hmac => format!("whsec_{}", BASE64_STANDARD.encode(random::<HMAC_BYTES>()?)),
        Scheme::Ed25519 => {
            let seed = random::<KEY_BYTES>()?;
            let pair =
                Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| SigningError::NotAKey)?;
            let key = [&seed[..], pair.public_key().as_ref()].concat();
            format!("whsk_{}", BASE64_STANDARD.encode(key))
        }
    };
    text.try_into().map_err(|_| SigningError::NotAKey)
}

/// What the receiver verifies with, `whpk_` and base64; none for HMAC, whose secret both sides
/// have.
///
/// # Errors
///
/// [`SigningError`] when the key is none.
pub fn public_key(secret: &SigningSecret) -> Result<Option<String>, SigningError> {
    if secret.hmac().is_some() {
        return Ok(None);
    }
    let key = key_pair(secret)?;
    Ok(Some(format!("whpk_{}", BASE64_STANDARD.encode(key.public_key()))))
}

fn key_pair(secret: &SigningSecret) -> Result<Ed25519KeyPair, SigningError> {
    let key = decoded(secret.ed25519().ok_or(SigningError::NotAKey)?)?;
    let (seed, public) = key.split_at_checked(KEY_BYTES).ok_or(SigningError::NotAKey)?;
    Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(|_| SigningError::NotAKey)
}

fn decoded(encoded: &str) -> Result<Vec<u8>, SigningError> {
    BASE64_STANDARD.decode(encoded).map_err(|_| SigningError::NotBase64)
}

fn random<const N: usize>() -> Result<[u8; N], SigningError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SigningError::NoRandom)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};
    use standardwebhooks::Webhook;

    use super::*;

    const BODY: &str = r#"{"type":"statement.settled","subject":"书店"}"#;

    #[test]
    fn hmac_signatures_are_those_of_the_standard() {
        let secret = new_secret(Scheme::Hmac).unwrap();
        let signed = signature(&secret, "evt_1", 1_614_265_330, BODY).unwrap();
        let reference = Webhook::new(secret.reveal()).unwrap();
        assert_eq!(signed, reference.sign("evt_1", 1_614_265_330, BODY.as_bytes()).unwrap());
        // The example of the specification.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().try_into().unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(public_key(&secret), Ok(None));
    }

    #[test]
    fn ed25519_signatures_verify_by_the_public_key() {
        let secret = new_secret(Scheme::Ed25519).unwrap();
        let signed = signature(&secret, "evt_1", 1_614_265_330, BODY).unwrap();
        let public = public_key(&secret).unwrap().unwrap();
        let verify = |message: &str| {
            let key = BASE64_STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
            let signature = BASE64_STANDARD.decode(signed.strip_prefix("v1a,").unwrap()).unwrap();
            UnparsedPublicKey::new(&ED25519, key).verify(message.as_bytes(), &signature)
        };
        assert!(verify(&format!("evt_1.1614265330.{BODY}")).is_ok());
        assert!(verify(&format!("evt_2.1614265330.{BODY}")).is_err());
    }

    #[test]
    fn a_key_of_two_halves_that_are_not_one_key_does_not_sign() {
        let encoded = BASE64_STANDARD.encode([7; 64]);
        let secret = format!("whsk_{encoded}").try_into().unwrap();
        assert_eq!(signature(&secret, "evt_1", 0, BODY), Err(SigningError::NotAKey));
    }

    #[test]
    fn no_two_secrets_are_the_same() {
        for scheme in [Scheme::Hmac, Scheme::Ed25519] {
            assert_ne!(new_secret(scheme).unwrap(), new_secret(scheme).unwrap());
        }
    }
}
