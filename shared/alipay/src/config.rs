//! The configuration of a client, checked field by field.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;
use rustls::RootCertStore;
use rustls_platform_verifier::BuilderVerifierExt;
use thiserror::Error;

use crate::key::{KeyError, VerifyingKey};
use crate::transport::Http;

/// The time limit for a connection. A slower one would not bring the answer in time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The most characters of an `app_id`. Source: Alipay's public request parameters.
const APP_ID_MAX_LENGTH: usize = 32;

/// The most characters of a `notify_url`. Source: Alipay's public request parameters.
const NOTIFY_URL_MAX_LENGTH: usize = 256;

/// The user agent. The servers of the bill files refuse requests without one.
const USER_AGENT: &str = concat!("steelyard/", env!("CARGO_PKG_VERSION"));

/// The configuration of a client. Its `Debug` shows no key.
#[derive(Clone)]
pub struct AlipayConfig {
    /// The gateway's address, such as `https://openapi.alipay.com/gateway.do`: https, unless its
    /// host is loopback or `host.docker.internal`.
    pub gateway: String,
    /// Our application's number at Alipay.
    pub app_id: String,
    /// Our application's private key: PKCS#8 or PKCS#1, PEM or bare base64.
    pub app_private_key: String,
    /// Alipay's public key: SPKI or PKCS#1, PEM or bare base64.
    pub alipay_public_key: String,
    /// The address for notifications of trades and agreements: https, unless its host is loopback
    /// or `host.docker.internal`.
    /// Without it, Alipay notifies of none of our requests.
    pub notify_url: Option<String>,
    /// The time limit for a whole answer, and for each part of a file.
    pub timeout: Duration,
}

/// Why a configuration makes no client. Each variant is a field of it, or its environment.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// `gateway` is not an address.
    #[error("gateway {gateway:?} is not an address")]
    GatewayAddress {
        /// The refused text.
        gateway: String,
    },
    /// `gateway` would carry money's requests unencrypted over a network.
    #[error(
        "gateway {gateway:?} must be https, or http to a loopback host or host.docker.internal"
    )]
    GatewayNotHttps {
        /// The refused text.
        gateway: String,
    },
    /// `notify_url` is not an address that Alipay takes.
    #[error(
        "notify_url {notify_url:?} is not a https address of at most {NOTIFY_URL_MAX_LENGTH} characters"
    )]
    NotifyUrl {
        /// The refused text.
        notify_url: String,
    },
    /// `app_id` is empty, too long, or not made of letters and digits.
    #[error("app_id {app_id:?} is not 1 to {APP_ID_MAX_LENGTH} letters and digits")]
    AppId {
        /// The refused text.
        app_id: String,
    },
    /// `app_private_key` cannot sign.
    #[error("app_private_key is refused")]
    AppPrivateKey(#[source] KeyError),
    /// `alipay_public_key` cannot verify.
    #[error("alipay_public_key is refused")]
    AlipayPublicKey(#[source] KeyError),
    /// `timeout` leaves no time for an answer.
    #[error("timeout is zero")]
    Timeout,
    /// The system's root certificates cannot be used.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// The HTTP client cannot be built.
    #[error("cannot set up the HTTP client")]
    Http(#[source] reqwest::Error),
}

impl AlipayConfig {
    /// The usual time limit for a whole answer: ten seconds.
    ///
    /// Alipay's own SDK for Node waits five; a withholding may take longer than other calls.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// The gateway's address, with the charset of our forms. Without it in the query, Alipay reads
    /// the form as GBK.
    pub(crate) fn gateway(&self) -> Result<Url, ConfigError> {
        let gateway = self.gateway.clone();
        let Ok(mut url) = Url::parse(&gateway) else {
            return Err(ConfigError::GatewayAddress { gateway });
        };
        if !is_private(&url) {
            return Err(ConfigError::GatewayNotHttps { gateway });
        }
        url.query_pairs_mut().append_pair("charset", "utf-8");
        Ok(url)
    }

    /// The address for notifications, checked.
    pub(crate) fn notify_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(notify_url) = self.notify_url.clone() else { return Ok(None) };
        let is_address = Url::parse(&notify_url).is_ok_and(|url| is_private(&url));
        if is_address && notify_url.len() <= NOTIFY_URL_MAX_LENGTH {
            Ok(Some(notify_url))
        } else {
            Err(ConfigError::NotifyUrl { notify_url })
        }
    }

    /// The time limit for a whole answer, checked.
    pub(crate) fn timeout(&self) -> Result<Duration, ConfigError> {
        if self.timeout.is_zero() { Err(ConfigError::Timeout) } else { Ok(self.timeout) }
    }

    /// An HTTP client for a gateway's address.
    pub(crate) fn http(&self, gateway: &Url) -> Result<Http, ConfigError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(gateway).map_err(ConfigError::Tls)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(self.timeout()?)
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .build();
        client.map(Http).map_err(ConfigError::Http)
    }
}

/// An application's number, checked.
pub(crate) fn app_id(app_id: String) -> Result<String, ConfigError> {
    let is_app_id = (1..=APP_ID_MAX_LENGTH).contains(&app_id.len())
        && app_id.chars().all(|c| c.is_ascii_alphanumeric());
    if is_app_id { Ok(app_id) } else { Err(ConfigError::AppId { app_id }) }
}

/// Alipay's public key, checked.
pub(crate) fn alipay_key(alipay_public_key: &str) -> Result<VerifyingKey, ConfigError> {
    VerifyingKey::parse(alipay_public_key).map_err(ConfigError::AlipayPublicKey)
}

impl fmt::Debug for AlipayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlipayConfig")
            .field("gateway", &self.gateway)
            .field("app_id", &self.app_id)
            .field("notify_url", &self.notify_url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// TLS by ring, with the system's root certificates. A gateway without https needs none of them.
fn tls(gateway: &Url) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?;
    let builder = match gateway.scheme() {
        "https" => builder.with_platform_verifier()?,
        _ => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(builder.with_no_client_auth())
}

/// Whether requests to an address cross no network unencrypted.
pub(crate) fn is_private(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_this_machine(url),
        _ => false,
    }
}

/// The name that a container has for the machine on which it runs, if it was started so.
const DOCKER_HOST: &str = "host.docker.internal";

fn is_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || host == DOCKER_HOST || address.is_ok_and(|ip| ip.is_loopback())
    })
}
