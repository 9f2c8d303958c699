//! `GET /local/clock`: the time of a stack and its rules, by which commands work on it.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use axum::{Json, Router};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use steelyard_billing::{DebitRules, NamesMax};
use steelyard_pricing::Fen;
use steelyard_runtime::{Clock, Error, chain};

use super::clock::LocalClock;

/// Where a stack serves its status.
const PATH: &str = "/local/clock";

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read. A status has about 400 bytes.
const ANSWER_MAX_BYTES: usize = 1 << 14;

/// The time of a running stack, and the rules by which it charges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackStatus {
    /// The time that its clock shows, to the second.
    pub now: Timestamp,
    /// The same time by the clocks of the time zone, for people.
    #[serde(skip_deserializing)]
    pub wall_time: String,
    /// The time of links and sessions of its pages, to the second: it never runs faster than time.
    pub session_now: Timestamp,
    /// How many times as fast as time its clock runs; 0 if it stands still.
    pub speed: u32,
    /// The time zone of its billing days, an IANA name.
    pub time_zone: String,
    /// The day of the next month on which a month closes for usage.
    pub month_close_day: i8,
    /// How many days the usage reports of a month are kept after the latest day on which it can
    /// close.
    pub usage_retention_days: u16,
    /// The time of the day from which on its debits fall due.
    pub debit_time: Time,
    /// Over how many minutes from then on they fall due.
    pub debit_window_minutes: u16,
    /// The smallest amount that it debits.
    pub debit_minimum_fen: Fen,
    /// Whether its statements book adjustments only after a second person has approved them.
    pub adjustments_need_approval: bool,
    /// How many names of APIs a month lists, of those that no plan lists.
    pub api_names_max: NamesMax,
}

/// Why the status of a stack is not known.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// The endpoint is no address that a stack can have.
    #[error("the endpoint `{endpoint}` is not an http address such as `http://127.0.0.1:8700`")]
    Endpoint {
        /// The endpoint as it was given.
        endpoint: String,
    },
    /// No connection could be made.
    #[error(
        "no local stack at {endpoint}: start one with `steelyard local`, or work on AWS with `--aws`"
    )]
    Unreachable {
        /// Where the stack should be.
        endpoint: String,
        /// What the HTTP client reports.
        #[source]
        source: Error,
    },
    /// Another server is there.
    #[error("the server at {endpoint} is no Steelyard stack: its answer to GET {PATH} {what}")]
    Foreign {
        /// Where the stack should be.
        endpoint: String,
        /// The part of the answer that is not a stack's.
        what: String,
    },
}

/// The route that serves the status of a stack with that clock and those rules.
pub(super) fn routes(clock: &LocalClock, terms: &DebitRules) -> Router {
    let (clock, terms) = (clock.clone(), terms.clone());
    Router::new().route(PATH, get(async move || Json(StackStatus::of(&clock, &terms))))
}

impl StackStatus {
    /// Asks the stack at an endpoint such as `http://127.0.0.1:8700`: one request.
    ///
    /// # Errors
    ///
    /// [`StatusError`] when nothing answers there, or another server does.
    pub async fn ask(endpoint: &str) -> Result<StackStatus, StatusError> {
        let foreign = |what: String| StatusError::Foreign { endpoint: endpoint.to_owned(), what };
        let asked = tokio::time::timeout(TIMEOUT, answer(endpoint)).await;
        let answered = asked.map_err(|_| foreign(format!("takes more than {TIMEOUT:?}")))?;
        let (status, body) = answered?;
        if status != StatusCode::OK {
            return Err(foreign(format!("is {status}")));
        }
        serde_json::from_slice(&body).map_err(|error| foreign(format!("is no status: {error}")))
    }

    /// A clock that goes on from this status as the stack's clock does.
    pub fn clock(&self) -> LocalClock {
        LocalClock::new(self.now, self.speed)
    }

    /// The clock by which links to its pages are made.
    pub fn session_clock(&self) -> Clock {
        LocalClock::new(self.session_now, self.speed.min(1)).clock()
    }

    fn of(clock: &LocalClock, terms: &DebitRules) -> StackStatus {
        let now = clock.clock().now();
        StackStatus {
            now,
            session_now: clock.session_clock().now(),
            wall_time: terms.calendar.wall_time(now).to_string(),
            speed: clock.speed(),
            time_zone: terms.calendar.time_zone().to_owned(),
            month_close_day: terms.calendar.close_day(),
            usage_retention_days: terms.calendar.retention_days(),
            debit_time: terms.time_of_day,
            debit_window_minutes: terms.window_minutes,
            debit_minimum_fen: terms.minimum_fen,
            adjustments_need_approval: terms.adjustments_need_approval,
            api_names_max: terms.names_max,
        }
    }
}

/// What a server answers when it is asked for its status.
async fn answer(endpoint: &str) -> Result<(StatusCode, Bytes), StatusError> {
    let unreachable = |source| StatusError::Unreachable { endpoint: endpoint.to_owned(), source };
    let unreadable = |error: &dyn std::error::Error| StatusError::Foreign {
        endpoint: endpoint.to_owned(),
        what: format!("can't be read: {}", chain(error)),
    };
    let uri = format!("{}{PATH}", endpoint.trim_end_matches('/')).parse::<Uri>().ok();
    let uri = uri.filter(|uri| uri.scheme_str() == Some("http"));
    let uri = uri.ok_or_else(|| StatusError::Endpoint { endpoint: endpoint.to_owned() })?;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(uri).await.map_err(|error| match error.is_connect() {
        true => unreachable(error.into()),
        false => unreadable(&error),
    })?;
    let status = answer.status();
    let body = to_bytes(Body::new(answer.into_body()), ANSWER_MAX_BYTES).await;
    Ok((status, body.map_err(|error| unreadable(&error))?))
}
