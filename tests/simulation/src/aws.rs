//! The way of one machine to AWS, on which requests are lost, late and refused, and on which the
//! process may end or stand still.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use steelyard_books::Books;
use steelyard_local_aws::{Fault, Target, Transport};
use steelyard_local_stack::LocalClock;
use steelyard_tests::{fen, reference};

use crate::canary::Canary;
use crate::chaos::Chaos;
use crate::life::Life;
use crate::mishap::Mishap;
use crate::others::UNREADABLE;
use crate::world::PROVIDERS;

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
    /// Books to which nothing happens.
    pub(crate) books: Arc<Books>,
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
        let is_read = is_read(&what);
        let cut = life.as_ref().and_then(|life| self.chaos.cut(life.function));
        let mishap = cut.or_else(|| self.chaos.strikes(&MISHAPS));
        // Writes are fewer, and more can go wrong with them.
        let mishap = mishap.or_else(|| if is_read { None } else { self.chaos.strikes(&MISHAPS) });
        match mishap {
            None if is_read => self.chaos.note_read(format_args!("  {who} {what}")),
            None => self.chaos.note(format_args!("  {who} {what}")),
            Some(mishap) => self.chaos.note(format_args!("  {who} {what}: {mishap:?}")),
        }
        self.overtake(&request).await;
        let answer = match (mishap, life) {
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
        };
        self.chaos.misread(answer?, &who)
    }

    /// Books a transfer just before the account of its provider is written.
    async fn overtake(&self, request: &HttpRequest) {
        let Some(provider) = written_account(request) else { return };
        if self.chaos.strikes(&[Mishap::Overtaken]).is_none() {
            return;
        }
        let number = format!("overtaking-{}", self.chaos.events());
        let amount = fen(self.chaos.pick(&[1, 1, 7_000]));
        self.chaos.note(format_args!("  {provider} transfers ¥{amount} by {number}"));
        let (id, reference) = (provider.parse().expect("an id"), reference(&number));
        let paid = self.books.pay_in(&id, amount, &reference, self.clock.now()).await;
        if let Err(refused) = paid {
            self.chaos.note_defect(format_args!("the transfer of {provider}: {refused}"));
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
        if self.has(Canary::DroppedCondition) && of("settle") {
            without_conditions(request);
        }
        if self.has(Canary::Unfenced) && of("debit") {
            without_conditions(request);
        }
        if self.has(Canary::RandomEventId) && of("events") {
            with_other_ids(request, self.draw(0..1_000_000));
        }
        if self.has(Canary::ForgottenRequest) && of("debit") && !is_unanswered(request) {
            rewrite(request.body_mut(), |value| {
                value.as_object_mut().map(|of| of.remove("unanswered_at_s"));
            });
        }
    }

    /// Reads an answer as a build would that has the fault of the canary.
    fn misread(&self, mut answer: HttpResponse, who: &str) -> Result<HttpResponse, ConnectorError> {
        let of = |function: &str| who.starts_with(function);
        if self.has(Canary::FailedPage) && (of("settle") || of("dispatch")) {
            let body =
                answer.body().bytes().ok_or_else(|| ConnectorError::user("a stream".into()))?;
            if UNREADABLE
                .iter()
                .any(|key| body.windows(key.len()).any(|part| part == key.as_bytes()))
            {
                return Err(ConnectorError::user("an item cannot be read".into()));
            }
        }
        if self.has(Canary::ReopenedMonth) && of("ingest") {
            rewrite(answer.body_mut(), |value| {
                value.as_object_mut().map(|of| of.remove("closed"));
            });
        }
        Ok(answer)
    }
}

/// Changes each value of a body, if it is JSON.
fn rewrite(body: &mut SdkBody, change: fn(&mut Value)) {
    let read = body.bytes().and_then(|body| serde_json::from_slice::<Value>(body).ok());
    if let Some(mut value) = read {
        each_value(&mut value, change);
        *body = value.to_string().into();
    }
}

fn each_value(value: &mut Value, change: fn(&mut Value)) {
    change(value);
    match value {
        Value::Object(of) => of.values_mut().for_each(|value| each_value(value, change)),
        Value::Array(of) => of.iter_mut().for_each(|value| each_value(value, change)),
        _ => {}
    }
}

/// Whether a write stores a debit whose last request is not answered.
fn is_unanswered(request: &HttpRequest) -> bool {
    let body = request.body().bytes().and_then(|body| std::str::from_utf8(body).ok());
    let phases = [r#""S":"sending""#, r#""S":"in_doubt""#];
    body.is_some_and(|body| phases.iter().any(|phase| body.contains(phase)))
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
    rewrite(request.body_mut(), loosen);
}

fn loosen(write: &mut Value) {
    if let Some(Value::String(condition)) = write.get_mut("ConditionExpression") {
        *condition = format!("({condition}) OR attribute_exists(pk) OR attribute_not_exists(pk)");
    }
}

/// The provider whose account a request writes.
fn written_account(request: &HttpRequest) -> Option<&'static str> {
    let target = request.headers().get("x-amz-target")?;
    let body = std::str::from_utf8(request.body().bytes()?).ok()?;
    let is_write = target.ends_with("TransactWriteItems") || target.ends_with("PutItem");
    PROVIDERS
        .into_iter()
        .find(|provider| is_write && body.contains(&format!(r#"{{"S":"{provider}#account"}}"#)))
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
