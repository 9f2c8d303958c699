//! The local Alipay's throw-away keys. They protect nothing.

use steelyard_alipay::{SigningKey, VerifyingKey};

/// The one application that the local Alipay knows.
pub(super) const APP_ID: &str = "2021000000000001";

/// The account of the merchant, to which all money goes.
pub(super) const SELLER_ID: &str = "2088000000000001";

/// That application's private key.
pub(super) const APP_PRIVATE: &str = include_str!("keys/app-private.pem");

/// The local Alipay's public key.
pub(super) const ALIPAY_PUBLIC: &str = include_str!("keys/alipay-public.pem");

const APP_PUBLIC: &str = include_str!("keys/app-public.pem");

/// Its private key.
pub(super) const ALIPAY_PRIVATE: &str = include_str!("keys/alipay-private.pem");

/// What the local Alipay verifies and signs with.
pub(super) struct Keys {
    /// The application's public key, which verifies requests.
    pub(super) app: VerifyingKey,
    /// The local Alipay's private key, which signs answers.
    pub(super) alipay: SigningKey,
    /// Signs answers that must not be believed.
    pub(super) foreign: SigningKey,
}

impl Keys {
    /// The keys that are compiled in.
    pub(super) fn local() -> Keys {
        let signing = |text| SigningKey::parse(text).expect("the compiled-in key is a private key");
        Keys {
            app: VerifyingKey::parse(APP_PUBLIC).expect("the compiled-in key is a public key"),
            alipay: signing(ALIPAY_PRIVATE),
            foreign: signing(APP_PRIVATE),
        }
    }
}
