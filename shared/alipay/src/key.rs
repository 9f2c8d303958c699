//! The RSA keys of the protocol: ours, which signs, and Alipay's, which verifies.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use spki::der::asn1::UintRef;
use spki::der::{Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use thiserror::Error;

/// `rsaEncryption`, the algorithm of an RSA key. Source: RFC 8017, A.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The smallest modulus that RSA2 takes: 2,048 bits.
const MODULUS_MIN_BYTES: usize = 256;

/// A private RSA key that signs: our application's.
///
/// Its `Debug` shows nothing of the key.
pub struct SigningKey(KeyPair);

/// A public RSA key that verifies: Alipay's.
///
/// Its `Debug` shows nothing of the key.
pub struct VerifyingKey(RsaPublicKeyComponents<Vec<u8>>);

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It is neither PEM nor base64.
    #[error("the key is neither PEM nor base64")]
    NotBase64,
    /// It is not an RSA private key of 2,048 to 4,096 bits in PKCS#8 or PKCS#1.
    #[error("the key is not an RSA private key of 2048 to 4096 bits in PKCS#8 or PKCS#1")]
    NotPrivate,
    /// It is not an RSA public key in SPKI or PKCS#1.
    #[error("the key is not an RSA public key in SPKI or PKCS#1")]
    NotPublic,
    /// Its modulus has fewer than 2,048 bits.
    #[error("the key has fewer than 2048 bits")]
    TooSmall,
}

/// The system gave no randomness to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("cannot sign")]
pub struct SigningFailed;

/// The signature is not the key's signature of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the signature is wrong")]
pub struct BadSignature;

impl SigningKey {
    /// Reads a key from PEM, with any header and line breaks, or from bare base64.
    ///
    /// Alipay's tool makes PKCS#8 for Java and PKCS#1 for other languages; both are taken.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it is not a private key that can sign RSA2.
    pub fn parse(text: &str) -> Result<SigningKey, KeyError> {
        let der = der_of(text)?;
        KeyPair::from_pkcs8(&der)
            .or_else(|_| KeyPair::from_der(&der))
            .map(SigningKey)
            .map_err(|_| KeyError::NotPrivate)
    }

    /// The RSA2 signature of a text's bytes, in base64: RSASSA-PKCS1-v1_5 with SHA-256.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] when the system gives no randomness.
    pub fn sign(&self, text: impl AsRef<[u8]>) -> Result<String, SigningFailed> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_ref(), &mut signature)
            .map_err(|_| SigningFailed)?;
        Ok(STANDARD.encode(signature))
    }
}

impl VerifyingKey {
    /// Reads a key from PEM, with any header and line breaks, or from bare base64.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it is not a public key that can verify RSA2.
    pub fn parse(text: &str) -> Result<VerifyingKey, KeyError> {
        let der = der_of(text)?;
        let components = components(rsa_public_key(&der)?).map_err(|_| KeyError::NotPublic)?;
        if components.n.len() < MODULUS_MIN_BYTES {
            return Err(KeyError::TooSmall);
        }
        Ok(VerifyingKey(components))
    }

    /// Checks that a base64 signature is this key's RSA2 signature of a text's bytes.
    ///
    /// # Errors
    ///
    /// [`BadSignature`] when it is not, or is not base64.
    pub fn verify(&self, text: impl AsRef<[u8]>, signature: &str) -> Result<(), BadSignature> {
        let signature = STANDARD.decode(signature).map_err(|_| BadSignature)?;
        self.0
            .verify(&RSA_PKCS1_2048_8192_SHA256, text.as_ref(), &signature)
            .map_err(|_| BadSignature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(..)")
    }
}

/// The DER inside PEM or bare base64. A configuration often loses the line breaks of PEM, so white
/// space is skipped.
fn der_of(text: &str) -> Result<Vec<u8>, KeyError> {
    let base64 = text.split("-----").nth(2).unwrap_or(text);
    let base64: String = base64.split_whitespace().collect();
    STANDARD.decode(base64).map_err(|_| KeyError::NotBase64)
}

/// The `RSAPublicKey` inside an SPKI. Other DER is read as an `RSAPublicKey` itself.
fn rsa_public_key(der: &[u8]) -> Result<&[u8], KeyError> {
    let Ok(spki) = SubjectPublicKeyInfoRef::try_from(der) else {
        return Ok(der);
    };
    if spki.algorithm.oid != RSA_ENCRYPTION {
        return Err(KeyError::NotPublic);
    }
    spki.subject_public_key.as_bytes().ok_or(KeyError::NotPublic)
}

/// Modulus and exponent of an `RSAPublicKey`. Source: RFC 8017, A.1.1.
fn components(rsa_public_key: &[u8]) -> Result<RsaPublicKeyComponents<Vec<u8>>, spki::der::Error> {
    let mut reader = SliceReader::new(rsa_public_key)?;
    let components = reader.sequence(|key| -> Result<_, spki::der::Error> {
        let n: UintRef<'_> = key.decode()?;
        let e: UintRef<'_> = key.decode()?;
        Ok(RsaPublicKeyComponents { n: n.as_bytes().to_vec(), e: e.as_bytes().to_vec() })
    })?;
    reader.finish()?;
    Ok(components)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{self, Vectors};

    /// A text and OpenSSL's signature of it by the key in `app-private.pem`.
    const SIGNED: (&str, &str) = ("a=1&b=你好", include_str!("../tests/keys/app-signature.txt"));

    fn bare(pem: &str) -> String {
        pem.lines().filter(|line| !line.starts_with("-----")).collect()
    }

    #[test]
    fn a_private_key_signs_alike_in_every_form_it_comes_in() {
        let (pkcs8, pkcs1) =
            (vectors::APP_PRIVATE, include_str!("../tests/keys/app-private-pkcs1.pem"));
        let one_line = pkcs8.replace('\n', " ");
        for form in
            [pkcs8, pkcs1, &bare(pkcs8), &bare(pkcs1), &one_line, &pkcs8.replace('\n', "\r\n")]
        {
            let key = SigningKey::parse(form).unwrap();
            assert_eq!(key.sign(SIGNED.0).as_deref(), Ok(SIGNED.1.trim()), "{:.40}", form);
        }
    }

    #[test]
    fn a_public_key_verifies_alike_in_every_form_it_comes_in() {
        let (spki, pkcs1) =
            (vectors::APP_PUBLIC, include_str!("../tests/keys/app-public-pkcs1.pem"));
        for form in [spki, pkcs1, &bare(spki), &bare(pkcs1), &spki.replace('\n', "")] {
            let key = VerifyingKey::parse(form).unwrap();
            assert_eq!(key.verify(SIGNED.0, SIGNED.1.trim()), Ok(()), "{:.40}", form);
            assert_eq!(key.verify("a=2&b=你好", SIGNED.1.trim()), Err(BadSignature));
        }
    }

    #[test]
    fn published_signatures_verify_and_the_broken_one_does_not() {
        let vectors = Vectors::read();
        for response in &vectors.responses {
            let published = &vectors.keys[&response.key];
            for form in [&published.spki, &published.pkcs1] {
                let verified = VerifyingKey::parse(form)
                    .unwrap()
                    .verify(&response.signed_text, &response.signature);
                assert_eq!(
                    verified.is_ok(),
                    response.is_valid(),
                    "{} of {}",
                    response.id,
                    response.source
                );
            }
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_by_its_reason() {
        for (text, expected) in [
            ("", KeyError::NotPrivate),
            ("not base64!", KeyError::NotBase64),
            ("AAAA", KeyError::NotPrivate),
            (vectors::APP_PUBLIC, KeyError::NotPrivate),
        ] {
            assert_eq!(SigningKey::parse(text).err(), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("AAAA", KeyError::NotPublic),
            (vectors::APP_PRIVATE, KeyError::NotPublic),
            (SMALL_PUBLIC, KeyError::TooSmall),
            (ELLIPTIC_PUBLIC, KeyError::NotPublic),
        ] {
            assert_eq!(VerifyingKey::parse(text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn debug_prints_no_key() {
        let signing = SigningKey::parse(vectors::APP_PRIVATE).unwrap();
        let verifying = VerifyingKey::parse(vectors::APP_PUBLIC).unwrap();
        assert_eq!(format!("{signing:?} {verifying:?}"), "SigningKey(..) VerifyingKey(..)");
    }

    /// An RSA key of 1,024 bits.
    const SMALL_PUBLIC: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDKnvsVuxMCoCT6CIUNGMgx+blTcVxg3pr24BOUTQwyz1Q6GSJA8BojVtJmfY7R9JMVRgUyXa3Hons79OlcAeSzkXnjsmXA0v/whMIVtP9SdXDs8MJseuPMpVRI0W5cHp3NqotBm3fRjTDa0KdqKirvSlnFMcJLM1Zkm7dmWm6N0QIDAQAB";
    /// A key of the curve P-256.
    const ELLIPTIC_PUBLIC: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqmlqcR8egphrCMLF2RqlR0xnnRLWOvzBVu2WxRC74sPSb7yxR+X9b0sJMYkNzylrhVJx/2SGyGKvg4xtZV++ag==";
}
