//! The HTTP client under the AWS SDK: HTTP/1.1, TLS by ring.
//!
//! The SDK's own brings HTTP/2 along, which neither DynamoDB nor SQS speaks, and which makes up a
//! tenth of a function's binary.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector as TcpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long an answer may take to begin, if a client sets no read time-out of its own: DynamoDB and
/// SQS answer in milliseconds, and a long poll of SQS is never asked for here.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// One pool of connections, shared by every client that it is given to.
#[derive(Clone, Debug)]
pub(crate) struct Connections(pub(crate) Client<HttpsConnector<TcpConnector>, SdkBody>);

/// The connections of one client, with its bound of time.
#[derive(Clone, Debug)]
struct Connector {
    connections: Connections,
    answer_max: Duration,
}

/// Which root certificates a client trusts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Roots {
    /// Those of the system.
    System,
    /// Mozilla's, which are in the binary: to read the system's takes a function a third of its
    /// start. Those that `SSL_CERT_FILE` or `SSL_CERT_DIR` names, if one of them is set.
    Own,
}

impl Roots {
    /// The roots for a local stack. Only an https endpoint is worth reading those of the system.
    pub(crate) fn of_endpoint(endpoint: &str) -> Roots {
        let scheme = endpoint.split_once(':').map_or("", |(scheme, _)| scheme);
        if scheme.eq_ignore_ascii_case("https") { Roots::System } else { Roots::Own }
    }

    fn are_the_systems(self) -> bool {
        let is_named = |name| std::env::var_os(name).is_some_and(|place| !place.is_empty());
        match self {
            Roots::System => true,
            Roots::Own => ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(is_named),
        }
    }
}

/// A client with a pool of its own.
///
/// # Errors
///
/// When the system has no root certificates, and they are needed.
pub(crate) fn client(roots: Roots) -> std::io::Result<SharedHttpClient> {
    Ok(SharedHttpClient::new(connections(roots)?))
}

/// A pool of connections of its own.
///
/// # Errors
///
/// When the system has no root certificates, and they are needed.
pub(crate) fn connections(roots: Roots) -> std::io::Result<Connections> {
    let tls = with_roots(roots)?;
    let mut tcp = TcpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_MAX));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let pool = Client::builder(TokioExecutor::new()).build(https);
    Ok(Connections(pool))
}

/// TLS by ring, with Mozilla's root certificates or those that `SSL_CERT_FILE` or `SSL_CERT_DIR`
/// names.
///
/// # Errors
///
/// When the variable names no certificates.
pub fn tls() -> std::io::Result<ClientConfig> {
    with_roots(Roots::Own)
}

fn with_roots(roots: Roots) -> std::io::Result<ClientConfig> {
    /// TLS with the system's certificates: a process reads them once.
    static SYSTEM: OnceLock<ClientConfig> = OnceLock::new();
    if !roots.are_the_systems() {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        return Ok(by_ring()?.with_root_certificates(roots).with_no_client_auth());
    }
    if let Some(tls) = SYSTEM.get() {
        return Ok(tls.clone());
    }
    let tls = by_ring()?.with_native_roots()?.with_no_client_auth();
    Ok(SYSTEM.get_or_init(|| tls).clone())
}

fn by_ring() -> std::io::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    let provider = rustls::crypto::ring::default_provider();
    ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)
}

impl HttpClient for Connections {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let answer_max = settings.read_timeout().unwrap_or(ANSWER_MAX);
        SharedHttpConnector::new(Connector { connections: self.clone(), answer_max })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Connector { connections: Connections(pool), answer_max } = self.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let answer = tokio::time::timeout(answer_max, pool.request(request))
                .await
                .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?
                .map_err(failed)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Every failure to send or to receive may be tried again: what is sent is conditional.
fn failed(error: Error) -> ConnectorError {
    ConnectorError::io(error.into())
}
