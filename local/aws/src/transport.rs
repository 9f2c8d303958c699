//! The road of `aws-sdk` clients to the embedded services, in-process.

use std::io;
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::http::Uri;

use super::Embedded;
use super::faults::{Fault, Faults, conflict, throttle};
use super::gate::Gate;
use super::meter::{Meter, asking_for_capacity, reports_capacity};
use super::wire::{Request, Response, access_key};

/// The HTTP client of one machine: what it sends is measured, and may be struck by the script of
/// its faults.
///
/// Clones share meter and faults. A second machine, with a power switch of its own, is a second
/// transport over the same services.
#[derive(Clone, Debug)]
pub struct Transport {
    embedded: Arc<Embedded>,
    meter: Arc<Meter>,
    faults: Arc<Faults>,
    gate: Arc<OnceLock<Arc<dyn Gate>>>,
}

impl Transport {
    /// A machine whose clients reach `embedded`.
    pub fn new(embedded: Arc<Embedded>) -> Self {
        Self { embedded, meter: Arc::default(), faults: Arc::default(), gate: Arc::default() }
    }

    /// The meter of the requests that pass here.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The faults that strike requests here.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Sets the gate that every request has to pass from now on. The first one set stays.
    pub fn guard(&self, gate: Arc<dyn Gate>) {
        self.gate.get_or_init(|| gate);
    }

    /// Sends `request` and brings its answer, or what happened instead.
    async fn send(&self, request: Request) -> Result<Response, ConnectorError> {
        if let Some(Err(lacking)) = self.gate.get().map(|gate| gate.admit(&request)) {
            return Ok(Response::refusal("AccessDeniedException", &lacking));
        }
        self.meter.count(request.operation());
        match self.faults.next(&request) {
            None => self.deliver(request).await,
            Some(Fault::LoseRequest | Fault::CutBefore) => Err(refused()),
            Some(Fault::LoseAnswer | Fault::CutAfter) => {
                self.deliver(request).await?;
                Err(timed_out())
            }
            Some(Fault::Throttle) => Ok(throttle(&request)),
            Some(Fault::Conflict) => Ok(conflict(&request)),
        }
    }

    async fn deliver(&self, request: Request) -> Result<Response, ConnectorError> {
        if !self.meter.is_counting() {
            return Ok(self.embedded.handle(request).await);
        }
        let operation = request.operation().to_owned();
        let keys = self.meter.keys(&operation, &request.body);
        let body = asking_for_capacity(&operation, request.body);
        let answer = self.embedded.handle(Request { body, ..request }).await;
        if answer.status == 200 && reports_capacity(&operation) {
            let charged = self.meter.charge(&operation, &keys, &answer.body);
            charged.map_err(|error| ConnectorError::user(error.into()))?;
        }
        Ok(answer)
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.clone();
        HttpConnectorFuture::new(async move {
            let request = from_sdk(&request)?;
            to_sdk(transport.send(request).await?)
        })
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// # Errors
///
/// When the body is a stream; none of the services takes one.
fn from_sdk(request: &HttpRequest) -> Result<Request, ConnectorError> {
    let Some(body) = request.body().bytes() else {
        return Err(ConnectorError::user("the request's body is a stream".into()));
    };
    let path = request.uri().parse::<Uri>();
    let path = path.as_ref().map_or("", Uri::path);
    let target = request.headers().get("x-amz-target");
    let caller = request.headers().get("authorization").and_then(access_key);
    Ok(Request { caller, ..Request::over_http(target, path, body) })
}

fn to_sdk(answer: Response) -> Result<HttpResponse, ConnectorError> {
    let status = answer.status.try_into().map_err(|error| ConnectorError::user(Box::new(error)))?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

fn refused() -> ConnectorError {
    let source = io::Error::from(io::ErrorKind::ConnectionRefused);
    ConnectorError::io(source.into()).never_connected()
}

fn timed_out() -> ConnectorError {
    ConnectorError::timeout(io::Error::from(io::ErrorKind::TimedOut).into())
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde_json::{Value, json};

    use super::super::meter::{CapacityUnits, Units};
    use super::super::tests::{Stack, get, puts};
    use super::super::{Partition, PartitionUse, Target, Usage};
    use super::*;

    async fn transport() -> Transport {
        let transport = Transport::new(Stack::new().await.embedded);
        transport.meter().start();
        transport
    }

    /// The status of the answer to a DynamoDB request, as an SDK sees it.
    async fn ask(
        transport: &Transport,
        operation: &str,
        input: Value,
    ) -> Result<u16, ConnectorError> {
        let mut request = HttpRequest::new(SdkBody::from(input.to_string()));
        let target = format!("DynamoDB_20120810.{operation}");
        request.headers_mut().insert("x-amz-target", target);
        let answer = transport.call(request).await?;
        Ok(answer.status().as_u16())
    }

    async fn put(transport: &Transport, key: &str) -> Result<u16, ConnectorError> {
        ask(transport, "TransactWriteItems", puts(&[key])).await
    }

    /// Whether the table has the item `key`, read by a transport of its own.
    async fn has(transport: &Transport, key: &str) -> bool {
        let request = Request::new("DynamoDB_20120810.GetItem", get(key).to_string());
        let answer = transport.embedded.handle(request).await;
        let answer = serde_json::from_slice::<Value>(&answer.body).unwrap();
        answer.get("Item").is_some()
    }

    fn units(read: i64, write: i64) -> Units {
        let units = |count: i64| CapacityUnits::from(Decimal::from(count));
        Units { read: units(read), write: units(write) }
    }

    #[tokio::test]
    async fn meter_tells_table_and_index_apart_unasked() {
        let transport = transport().await;
        ask(&transport, "TransactWriteItems", puts(&["a", "b"])).await.unwrap();
        ask(&transport, "GetItem", get("a")).await.unwrap();
        let expected = Usage {
            requests: [("GetItem", 1), ("TransactWriteItems", 1)]
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
            total: units(1, 6),
            resources: [("billing", units(1, 4)), ("billing/due", units(0, 2))]
                .map(|(name, units)| (name.to_owned(), units))
                .into(),
            written: ["a", "b"].map(|key| (key.to_owned(), 1)).into(),
            partitions: [
                ("GetItem", "billing", "a", 1, units(1, 0)),
                ("TransactWriteItems", "billing", "a", 1, units(0, 2)),
                ("TransactWriteItems", "billing", "b", 0, units(0, 2)),
                ("TransactWriteItems", "billing/due", "a", 0, units(0, 1)),
                ("TransactWriteItems", "billing/due", "b", 0, units(0, 1)),
            ]
            .map(|(operation, resource, key, requests, units)| {
                let [operation, resource, key] = [operation, resource, key].map(str::to_owned);
                (Partition { operation, resource, key }, PartitionUse { requests, units })
            })
            .into(),
        };
        assert_eq!(transport.meter().take(), expected);
        assert_eq!(transport.meter().take(), Usage::default());
    }

    #[tokio::test]
    async fn meter_counts_nothing_before_it_is_started() {
        let transport = Transport::new(Stack::new().await.embedded);
        assert_eq!(put(&transport, "a").await.unwrap(), 200);
        transport.meter().start();
        assert_eq!(transport.meter().take(), Usage::default());
    }

    #[tokio::test]
    #[should_panic = "the meter was started"]
    async fn meter_that_was_not_started_gives_no_zeros() {
        Transport::new(Stack::new().await.embedded).meter().take();
    }

    #[tokio::test]
    async fn half_units_are_exact() {
        let transport = transport().await;
        let key = json!({ "pk": { "S": "a" } });
        let get = json!({ "TableName": "billing", "Key": key });
        ask(&transport, "GetItem", get).await.unwrap();
        assert_eq!(transport.meter().take().total.read.to_string(), "0.5");
    }

    #[tokio::test]
    async fn lost_request_has_no_effect() {
        let transport = transport().await;
        transport.faults().strike(Target::Any, 1..=1, Fault::LoseRequest);
        assert!(put(&transport, "a").await.unwrap_err().is_io());
        assert!(!has(&transport, "a").await);
        assert_eq!(put(&transport, "a").await.unwrap(), 200);
    }

    #[tokio::test]
    async fn lost_answer_leaves_its_effect_and_its_cost() {
        let transport = transport().await;
        transport.faults().strike(Target::Writes, 1..=1, Fault::LoseAnswer);
        assert!(put(&transport, "a").await.unwrap_err().is_timeout());
        assert!(has(&transport, "a").await);
        assert_eq!(transport.meter().take().total, units(0, 3));
    }

    #[tokio::test]
    async fn refused_request_has_no_effect() {
        for fault in [Fault::Throttle, Fault::Conflict] {
            let transport = transport().await;
            let target = Target::Operation("TransactWriteItems");
            transport.faults().strike(target, 1..=1, fault);
            assert_eq!(put(&transport, "a").await.unwrap(), 400);
            assert!(!has(&transport, "a").await);
        }
    }

    #[tokio::test]
    async fn power_cut_loses_everything_until_power_is_back() {
        for (fault, is_done) in [(Fault::CutBefore, false), (Fault::CutAfter, true)] {
            let transport = transport().await;
            transport.faults().strike(Target::Writes, 2..=2, fault);
            assert_eq!(put(&transport, "a").await.unwrap(), 200);
            put(&transport, "b").await.unwrap_err();
            put(&transport, "c").await.unwrap_err();
            ask(&transport, "GetItem", get("a")).await.unwrap_err();
            assert_eq!(has(&transport, "b").await, is_done);
            assert!(!has(&transport, "c").await);
            transport.faults().restore();
            assert_eq!(put(&transport, "c").await.unwrap(), 200);
            assert_eq!(transport.meter().take().writes(), 4);
        }
    }

    #[tokio::test]
    async fn power_cut_of_one_machine_leaves_others_alone() {
        let transport = transport().await;
        let other = Transport::new(Arc::clone(&transport.embedded));
        transport.faults().strike(Target::Any, 1..=1, Fault::CutBefore);
        put(&transport, "a").await.unwrap_err();
        assert_eq!(put(&other, "a").await.unwrap(), 200);
    }

    /// Lets one caller pass.
    #[derive(Debug)]
    struct Only(&'static str);

    impl Gate for Only {
        fn admit(&self, request: &Request) -> Result<(), String> {
            match request.caller.as_deref() {
                Some(caller) if caller == self.0 => Ok(()),
                other => Err(format!("{other:?} is not {}", self.0)),
            }
        }
    }

    /// The status of the answer to a put that a caller signs.
    async fn put_by(transport: &Transport, caller: &str, key: &str) -> u16 {
        let mut request = HttpRequest::new(SdkBody::from(puts(&[key]).to_string()));
        let target = "DynamoDB_20120810.TransactWriteItems";
        request.headers_mut().insert("x-amz-target", target);
        let credential = format!("AWS4-HMAC-SHA256 Credential={caller}/20150501/x/dynamodb");
        request.headers_mut().insert("authorization", credential);
        transport.call(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn gate_refuses_a_caller_and_nothing_happens() {
        let transport = transport().await;
        transport.guard(Arc::new(Only("debit")));
        transport.guard(Arc::new(Only("other")));
        assert_eq!(put_by(&transport, "offers", "a").await, 400);
        assert_eq!(put(&transport, "a").await.unwrap(), 400, "without a signature");
        assert!(!has(&transport, "a").await);
        assert_eq!(put_by(&transport.clone(), "debit", "a").await, 200);
        assert!(has(&transport, "a").await);
    }

    #[tokio::test]
    async fn stream_is_refused() {
        let transport = transport().await;
        let request = HttpRequest::new(SdkBody::taken());
        assert!(transport.call(request).await.unwrap_err().is_user());
    }
}
