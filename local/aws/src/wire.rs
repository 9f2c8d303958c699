//! Requests and answers as the services speak them: JSON, with the operation named by
//! `x-amz-target`, or by the path at Lambda.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What an AWS client asks: an operation and its JSON.
#[derive(Clone, Debug)]
pub struct Request {
    /// The value of `x-amz-target`: the service's name, a dot, the operation. `Lambda.Invoke` of an
    /// invocation, which has no such header.
    pub target: String,
    /// The function that the path of an invocation names.
    pub function: Option<String>,
    /// The value of `Host` when the request came over HTTP. Queue URLs are made with it, so that a
    /// tool can call them.
    pub host: Option<String>,
    /// The access key id that signed the request, if it is signed. No signature is checked.
    pub caller: Option<String>,
    /// The operation's JSON document.
    pub body: Vec<u8>,
}

impl Request {
    /// A request from inside this process.
    pub fn new(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { target: target.into(), function: None, host: None, caller: None, body: body.into() }
    }

    /// A request as HTTP brings it, with the value of `x-amz-target` if it has one.
    pub(super) fn over_http(target: Option<&str>, path: &str, body: impl Into<Vec<u8>>) -> Self {
        match (target, invoked_function(path)) {
            (None, Some(function)) => {
                Self { function: Some(function.to_owned()), ..Self::new(INVOKE, body) }
            }
            (target, _) => Self::new(target.unwrap_or_default(), body),
        }
    }

    /// The service's name: what stands before the target's first dot.
    pub fn service(&self) -> &str {
        self.split().0
    }

    /// The operation: what stands after the target's first dot.
    pub fn operation(&self) -> &str {
        self.split().1
    }

    /// The body as the operation's typed input.
    pub(super) fn input<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    fn split(&self) -> (&str, &str) {
        self.target.split_once('.').unwrap_or((&self.target, ""))
    }
}

/// The target of an invocation.
const INVOKE: &str = "Lambda.Invoke";

/// The function that a path of Lambda's `Invoke` names.
pub fn invoked_function(path: &str) -> Option<&str> {
    let function = path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
    (!function.contains('/')).then_some(function)
}

/// The access key id in an `Authorization` header of Signature Version 4.
pub fn access_key(authorization: &str) -> Option<String> {
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split_once('/').map(|(key, _)| key.to_owned())
}

/// The answer of a service: a status and its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The HTTP headers.
    pub headers: Vec<(&'static str, String)>,
    /// The answer's JSON document.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer that is the JSON text `body`.
    pub(super) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/x-amz-json-1.0".to_owned())],
            body: body.into(),
        }
    }

    /// A success, with status 200.
    pub(super) fn ok(answer: &Value) -> Self {
        Self::json(200, answer.to_string())
    }

    /// The caller's mistake, in the form that the AWS clients read.
    pub(super) fn refusal(error: &str, message: &str) -> Self {
        Self::refusal_with(400, error, message)
    }

    /// The caller's mistake, with the status that the service gives it.
    pub(super) fn refusal_with(status: u16, error: &str, message: &str) -> Self {
        Self::json(status, json!({ "__type": error, "message": message }).to_string())
    }

    /// The same answer with one more header.
    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Refuses a request that no embedded service answers, by the name it asked for.
pub(super) fn unknown_operation(request: &Request) -> Response {
    let target = &request.target;
    Response::refusal(
        "UnknownOperationException",
        &format!("the local services have no operation {target:?}"),
    )
}

/// Refuses a body that is not the operation's input.
pub(super) fn unreadable(request: &Request, source: &serde_json::Error) -> Response {
    let operation = request.operation();
    Response::refusal(
        "SerializationException",
        &format!("cannot read the input of {operation}: {source}"),
    )
}

/// Whether `operation` changes a table or a queue.
pub(super) fn is_write(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem"
            | "UpdateItem"
            | "DeleteItem"
            | "BatchWriteItem"
            | "TransactWriteItems"
            | "SendMessage"
            | "SendMessageBatch"
            | "DeleteMessage"
            | "DeleteMessageBatch"
            | "ChangeMessageVisibility"
            | "ChangeMessageVisibilityBatch"
    )
}
