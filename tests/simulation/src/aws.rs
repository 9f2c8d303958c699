//! The way of one machine to AWS, on which requests are lost, late and refused, and on which the
//! process may end or stand still.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::Value;
use steelyard_local_aws::{Fault, Target, Transport};
use steelyard_local_stack::LocalClock;

use crate::canary::Canary;
use crate::chaos::Chaos;
use crate::life::Life;
use crate::mishap::Mishap;

/// What can happen to a request to AWS.
const MISHAPS: [Mishap; 8] = [
    Mishap::RequestLost,
    Mishap::AnswerLost,
    Mishap::RequestLate,
    Mishap::Throttled,
    Mishap::Conflict,
    Mishap::CrashBefore,
    Mishap::CrashAfter,
    Mishap::Stalled,
];

/// The longest time after which a request that timed out still arrives.
const LATE_MAX_S: i64 = 30;

/// The most times that others may run between two requests of an invocation.
const TURNS_MAX: u64 = 4;

/// The way of a machine to AWS.
#[derive(Clone, Debug)]
pub(crate) struct WayToAws {
    pub(crate) transport: Transport,
    pub(crate) chaos: Chaos,
    pub(crate) clock: LocalClock,
    pub(crate) machine: usize,
}

impl WayToAws {
    async fn send(self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        for _ in 0..self.chaos.draw(0..TURNS_MAX) {
            tokio::task::yield_now().await;
        }
        let life = Life::current();
        let what = shown(&request);
        let who = life.as_ref().map_or("-", |life| &life.name).to_owned();
        self.chaos.spoil(&mut request, &who);
        if self.chaos.is_busy_for(self.machine) {
            self.chaos.note(format_args!("  {who} {what}: too busy"));
            return self.struck(Fault::Throttle, request).await;
        }
        let mishap = self.chaos.strikes(&MISHAPS);
        match mishap {
            None if is_read(&what) => self.chaos.note_read(format_args!("  {who} {what}")),
            None => self.chaos.note(format_args!("  {who} {what}")),
            Some(mishap) => self.chaos.note(format_args!("  {who} {what}: {mishap:?}")),
        }
        match (mishap, life) {
            (Some(Mishap::RequestLost), _) => self.struck(Fault::LoseRequest, request).await,
            (Some(Mishap::AnswerLost), _) => self.struck(Fault::LoseAnswer, request).await,
            (Some(Mishap::Conflict), _) => self.struck(Fault::Conflict, request).await,
            (Some(Mishap::Throttled), _) => {
                self.chaos.is_busy_from_now(self.machine);
                self.struck(Fault::Throttle, request).await
            }
            (Some(Mishap::RequestLate), _) => self.late(request).await,
            (Some(Mishap::CrashBefore), Some(life)) => ended(&life).await,
            (Some(Mishap::CrashAfter), Some(life)) => {
                let _unseen = self.transport.call(request).await;
                ended(&life).await
            }
            (Some(Mishap::Stalled), Some(life)) => {
                life.stand_still();
                // The handler is not polled again before it goes on.
                tokio::task::yield_now().await;
                self.transport.call(request).await
            }
            (None | Some(_), _) => self.transport.call(request).await,
        }
    }

    async fn struck(
        &self,
        fault: Fault,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        self.transport.faults().strike(Target::Any, 1..=1, fault);
        self.transport.call(request).await
    }

    /// A time-out, after which the request arrives all the same.
    async fn late(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let copy = request.try_clone().ok_or_else(|| ConnectorError::user("a stream".into()))?;
        let (transport, chaos, what) = (self.transport.clone(), self.chaos.clone(), shown(&copy));
        let arrival = async move {
            chaos.note(format_args!("  {what} arrives late"));
            let _unseen = transport.call(copy).await;
        };
        let after = self.chaos.draw_seconds(0..LATE_MAX_S + 1);
        self.chaos.arrives(self.clock.now(), after, arrival);
        Err(ConnectorError::timeout(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
    }
}

impl Chaos {
    /// Changes a request as a build would that has the fault of the canary.
    fn spoil(&self, request: &mut HttpRequest, who: &str) {
        let of = |function: &str| who.starts_with(function);
        if self.has(Canary::CountedUnchecked) && of("ingest") {
            without_conditions(request);
        }
        if self.has(Canary::RandomEventId) && of("events") {
            with_other_ids(request, self.draw(0..1_000_000));
        }
    }
}

/// Gives the events of a transaction other ids, each the same one everywhere.
fn with_other_ids(request: &mut HttpRequest, number: u64) {
    let Some(Ok(body)) = request.body().bytes().map(std::str::from_utf8) else { return };
    let Ok(read) = serde_json::from_str::<Value>(body) else { return };
    let mut other = body.to_owned();
    for write in read["TransactItems"].as_array().into_iter().flatten() {
        let id = write["Put"]["Item"]["pk"]["S"].as_str().and_then(|pk| pk.strip_prefix("event#"));
        if let Some(id) = id {
            other = other.replace(id, &format!("{id}-{number}"));
        }
    }
    *request.body_mut() = other.into();
}

/// Lets every condition of a write hold. The names in it stay: DynamoDB refuses those that nothing
/// uses.
fn without_conditions(request: &mut HttpRequest) {
    let Some(Ok(mut body)) = request.body().bytes().map(serde_json::from_slice::<Value>) else {
        return;
    };
    loosen(&mut body);
    for write in body["TransactItems"].as_array_mut().into_iter().flatten() {
        for of in ["Put", "Update", "Delete"] {
            loosen(&mut write[of]);
        }
    }
    *request.body_mut() = body.to_string().into();
}

fn loosen(write: &mut Value) {
    if let Some(condition) = write["ConditionExpression"].as_str() {
        let held = format!("({condition}) OR attribute_exists(pk) OR attribute_not_exists(pk)");
        write["ConditionExpression"] = Value::from(held);
    }
}

/// The operation and the key that a request names first.
fn shown(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or("Lambda.Invoke");
    let operation = target.rsplit('.').next().unwrap_or(target);
    let body = request.body().bytes().and_then(|body| serde_json::from_slice::<Value>(body).ok());
    let body = body.unwrap_or_default();
    let writes = body["TransactItems"].as_array().map_or(0, Vec::len);
    let first = match writes {
        0 => &body,
        _ => {
            body["TransactItems"][0].as_object().and_then(|of| of.values().next()).unwrap_or(&body)
        }
    };
    let key = [&first["Key"]["pk"]["S"], &first["Item"]["pk"]["S"]];
    let key = key.into_iter().find_map(Value::as_str).unwrap_or_default();
    let values =
        body["ExpressionAttributeValues"].as_object().into_iter().flat_map(|of| of.values());
    let of = values.filter_map(|value| value["S"].as_str()).min().unwrap_or_default();
    match (key, writes) {
        ("", _) => format!("{operation} {of}"),
        (key, 0) => format!("{operation} {key}"),
        (key, writes) => format!("{operation} {key} and {} more", writes - 1),
    }
}

/// Whether a request, as it is shown, changes nothing.
fn is_read(what: &str) -> bool {
    ["Query ", "GetItem ", "BatchGetItem ", "Scan "].iter().any(|read| what.starts_with(read))
}

/// Ends the process.
async fn ended<T>(life: &Life) -> T {
    life.end();
    std::future::pending().await
}

impl HttpConnector for WayToAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for WayToAws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
