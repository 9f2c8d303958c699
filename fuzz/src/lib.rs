//! What the fuzz targets share: the keys of the tests.

use std::sync::LazyLock;

use steelyard_alipay::{SigningKey, VerifyingKey};

/// Alipay's private key of the tests.
pub static SIGNS: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::parse(include_str!("../../shared/alipay/tests/keys/alipay-private.pem"))
        .expect("the key of the tests is a private key")
});

/// Alipay's public key of the tests.
pub static VERIFIES: LazyLock<VerifyingKey> = LazyLock::new(|| {
    VerifyingKey::parse(include_str!("../../shared/alipay/tests/keys/alipay-public.pem"))
        .expect("the key of the tests is a public key")
});

/// The signature of a text by [`SIGNS`].
pub fn signature(text: impl AsRef<[u8]>) -> String {
    SIGNS.sign(text).expect("the system has randomness to sign with")
}

/// A choice out of so many by the first byte of an input, and the rest of it.
pub fn choice(data: &[u8], of: u8) -> Option<(u8, &[u8])> {
    data.split_first().map(|(first, rest)| (first % of, rest))
}
