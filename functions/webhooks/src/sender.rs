//! Sends one delivery: by https, to a public address, without following a redirect, in five
//! seconds.

use std::error::Error as _;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use steelyard_billing::webhook::{Endpoint, Outcome};
use steelyard_runtime::{Error, chain, tls};

use crate::addresses::{Forbidden, Reach, parsed};
use crate::signing::{self, SigningError};

/// How long an endpoint may take to answer, the connection included.
pub const ANSWER_MAX: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("steelyard/", env!("CARGO_PKG_VERSION"));

/// What finds the addresses of a name.
pub type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The HTTP client of deliveries, with its limits of time and size.
#[derive(Clone, Debug)]
pub struct Sender {
    http: reqwest::Client,
    reach: Reach,
}

/// A delivery, ready to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'m> {
    /// Its id: that of the event.
    pub(crate) id: &'m str,
    /// The event, as it is stored.
    pub(crate) body: &'m str,
}

/// Finds the addresses of a name, and gives them only if all of them may be reached: what is
/// checked is what is connected to.
struct Checked {
    lookup: Lookup,
    reach: Reach,
}

impl Sender {
    /// A sender that asks the system for the addresses of names.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(reach: Reach) -> Result<Sender, Error> {
        Sender::looking_up(reach, Arc::new(|name| Box::pin(look_up(name))))
    }

    /// The same with another way to find the addresses of names.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn looking_up(reach: Reach, lookup: Lookup) -> Result<Sender, Error> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            // A proxy would look the name up itself.
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Checked { lookup, reach })
            .connect_timeout(ANSWER_MAX)
            .timeout(ANSWER_MAX)
            // Between two deliveries to an endpoint the process may be frozen.
            .pool_max_idle_per_host(0)
            .user_agent(USER_AGENT)
            .build()?;
        Ok(Sender { http, reach })
    }

    /// Sends a message to an endpoint, and says how that ended. The body of the answer is not read.
    ///
    /// # Errors
    ///
    /// [`SigningError`] when a secret of the endpoint cannot sign.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        message: Message<'_>,
        now: Timestamp,
    ) -> Result<Outcome, SigningError> {
        let url = match parsed(&endpoint.url, self.reach) {
            Ok(url) => url,
            Err(forbidden) => return Ok(Outcome::NotAllowed(forbidden.to_string())),
        };
        let request = self
            .http
            .post(url)
            .headers(headers(endpoint, message, now)?)
            .body(message.body.to_owned());
        Ok(match request.send().await {
            Ok(answer) => outcome(answer.status()),
            Err(error) => failure(error),
        })
    }
}

fn headers(
    endpoint: &Endpoint,
    Message { id, body }: Message<'_>,
    now: Timestamp,
) -> Result<HeaderMap, SigningError> {
    let timestamp = now.as_second();
    let signatures = endpoint
        .secrets
        .signing_at(now)
        .map(|secret| signing::signature(secret, id, timestamp, body))
        .collect::<Result<Vec<_>, _>>()?;
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| SigningError::Header);
    let content_type = HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
    headers.insert("webhook-id", value(id)?);
    headers.insert("webhook-timestamp", value(&timestamp.to_string())?);
    headers.insert("webhook-signature", value(&signatures.join(" "))?);
    Ok(headers)
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        StatusCode::GONE => Outcome::Gone,
        status if status.is_success() => Outcome::Delivered,
        status => Outcome::Status(status.as_u16()),
    }
}

/// What an error means. The address is left out: a query may be a secret.
fn failure(error: reqwest::Error) -> Outcome {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
            return Outcome::NotAllowed(forbidden.to_string());
        }
        cause = error.source();
    }
    if error.is_timeout() {
        return Outcome::TimedOut;
    }
    let mut why = chain(&error.without_url());
    why.truncate(why.floor_char_boundary(WHY_MAX_BYTES));
    Outcome::Unreachable(why)
}

/// The most bytes that are kept of why an endpoint could not be reached.
const WHY_MAX_BYTES: usize = 300;

async fn look_up(name: String) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, reach) = ((self.lookup)(name.as_str().to_owned()), self.reach);
        Box::pin(async move {
            let found = found.await?;
            for address in &found {
                reach.check(address.ip())?;
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked").field("reach", &self.reach).finish_non_exhaustive()
    }
}
