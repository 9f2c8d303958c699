//! SQS: each operation of the wire protocol on the queues.

mod batch;
mod receive;

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::queues::{
    DELAY_MAX_S, MESSAGE_MAX_BYTES, NewMessage, Queue, QueueError, Queues, Settings,
    VISIBILITY_MAX_S,
};
use super::wire::{Request, Response, unknown_operation, unreadable};
use super::{Now, lock};

/// The account and region in the names of queues.
const ARN_PREFIX: &str = "arn:aws:sqs:local:000000000000:";

/// Why a request is not done.
enum Refusal {
    Unreadable(serde_json::Error),
    Queue(QueueError),
    UnknownOperation,
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

/// SQS's answer to `request`. A receive may wait for a message, and holds no thread while it does.
pub(super) async fn handle(queues: &Mutex<Queues>, now: &Now, request: &Request) -> Response {
    let outcome = match request.operation() {
        "ReceiveMessage" => receive::receive(queues, now, request).await,
        _ => answer(&mut lock(queues), now(), request),
    };
    match outcome {
        Ok(answer) => Response::ok(&answer),
        Err(Refusal::Queue(error)) => refusal(&error),
        Err(Refusal::Unreadable(error)) => unreadable(request, &error),
        Err(Refusal::UnknownOperation) => unknown_operation(request),
    }
}

fn answer(queues: &mut Queues, now: Timestamp, request: &Request) -> Result<Value, Refusal> {
    let host = request.host.as_deref().unwrap_or("sqs.local");
    match request.operation() {
        "CreateQueue" => create_queue(queues, host, request.input()?),
        "GetQueueUrl" => get_queue_url(queues, host, request.input()?),
        "ListQueues" => Ok(list_queues(queues, host, request.input()?)),
        "DeleteQueue" => delete_queue(queues, request.input()?),
        "PurgeQueue" => purge_queue(queues, request.input()?),
        "GetQueueAttributes" => get_queue_attributes(queues, now, request.input()?),
        "SetQueueAttributes" => set_queue_attributes(queues, request.input()?),
        "SendMessage" => send_message(queues, now, request),
        "DeleteMessage" => delete_message(queues, request.input()?),
        "ChangeMessageVisibility" => change_message_visibility(queues, now, request.input()?),
        "SendMessageBatch" => batch::send(queues, now, sender(request), request.input()?),
        "DeleteMessageBatch" => batch::delete(queues, request.input()?),
        "ChangeMessageVisibilityBatch" => batch::change_visibility(queues, now, request.input()?),
        _ => Err(Refusal::UnknownOperation),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateQueue {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

fn create_queue(queues: &mut Queues, host: &str, input: CreateQueue) -> Result<Value, Refusal> {
    let answer = json!({ "QueueUrl": url(host, &input.queue_name) });
    let settings = Settings::default().with(&input.attributes)?;
    queues.create(input.queue_name, settings)?;
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueUrl {
    queue_name: String,
}

fn get_queue_url(queues: &Queues, host: &str, input: GetQueueUrl) -> Result<Value, Refusal> {
    queues.queue(&input.queue_name)?;
    Ok(json!({ "QueueUrl": url(host, &input.queue_name) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListQueues {
    #[serde(default)]
    queue_name_prefix: String,
}

fn list_queues(queues: &Queues, host: &str, input: ListQueues) -> Value {
    let urls = queues
        .names()
        .filter(|name| name.starts_with(&input.queue_name_prefix))
        .map(|name| url(host, name))
        .collect::<Vec<_>>();
    json!({ "QueueUrls": urls })
}

/// The input of an operation that takes a queue and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneQueue {
    queue_url: QueueUrl,
}

fn delete_queue(queues: &mut Queues, input: OneQueue) -> Result<Value, Refusal> {
    queues.remove(input.queue_url.name())?;
    Ok(json!({}))
}

fn purge_queue(queues: &mut Queues, input: OneQueue) -> Result<Value, Refusal> {
    queues.queue_mut(input.queue_url.name())?.purge();
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueAttributes {
    queue_url: QueueUrl,
    #[serde(default)]
    attribute_names: Vec<String>,
}

fn get_queue_attributes(
    queues: &Queues,
    now: Timestamp,
    input: GetQueueAttributes,
) -> Result<Value, Refusal> {
    let name = input.queue_url.name();
    let attributes = attributes(name, queues.queue(name)?, now);
    Ok(json!({ "Attributes": asked(attributes, &input.attribute_names) }))
}

/// All attributes of a queue.
fn attributes(name: &str, queue: &Queue, now: Timestamp) -> Map<String, Value> {
    let counts = queue.counts(now);
    let settings = &queue.settings;
    let redrive = settings.redrive.as_ref();
    let policy = redrive.map(|redrive| redrive.policy(&arn(&redrive.dead_letters)));
    let known = [
        ("QueueArn", Some(arn(name))),
        ("RedrivePolicy", policy),
        ("VisibilityTimeout", text(settings.visibility_s)),
        ("DelaySeconds", text(settings.delay_s)),
        ("ReceiveMessageWaitTimeSeconds", text(settings.wait_s)),
        ("MessageRetentionPeriod", text(settings.retention_s)),
        ("MaximumMessageSize", text(MESSAGE_MAX_BYTES)),
        ("ApproximateNumberOfMessages", text(counts.visible)),
        ("ApproximateNumberOfMessagesNotVisible", text(counts.in_flight)),
        ("ApproximateNumberOfMessagesDelayed", text(counts.delayed)),
    ];
    map(known)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetQueueAttributes {
    queue_url: QueueUrl,
    attributes: BTreeMap<String, String>,
}

fn set_queue_attributes(queues: &mut Queues, input: SetQueueAttributes) -> Result<Value, Refusal> {
    let name = input.queue_url.name();
    let settings = queues.queue(name)?.settings.clone();
    queues.change(name, settings.with(&input.attributes)?)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: QueueUrl,
    #[serde(flatten)]
    message: Outgoing,
}

/// A message to be sent, alone or in a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outgoing {
    message_body: String,
    delay_seconds: Option<u32>,
    #[serde(default)]
    message_attributes: Map<String, Value>,
}

fn send_message(queues: &mut Queues, now: Timestamp, request: &Request) -> Result<Value, Refusal> {
    let input: SendMessage = request.input()?;
    let id = send(queues, input.queue_url.name(), input.message, sender(request), now)?;
    Ok(json!({ "MessageId": id }))
}

/// The access key id that signed a request. One that is not signed has none.
fn sender(request: &Request) -> &str {
    request.caller.as_deref().unwrap_or("local")
}

fn send(
    queues: &mut Queues,
    queue: &str,
    message: Outgoing,
    sender: &str,
    now: Timestamp,
) -> Result<String, QueueError> {
    let length = message.message_body.len();
    check("MessageBody's length", length, 1, MESSAGE_MAX_BYTES)?;
    if let Some(delay_s) = message.delay_seconds {
        check("DelaySeconds", delay_s, 0, DELAY_MAX_S)?;
    }
    let message = NewMessage {
        body: message.message_body,
        attributes: message.message_attributes,
        sender: sender.to_owned(),
        delay_s: message.delay_seconds,
    };
    queues.send(queue, message, now)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteMessage {
    queue_url: QueueUrl,
    receipt_handle: String,
}

fn delete_message(queues: &mut Queues, input: DeleteMessage) -> Result<Value, Refusal> {
    let queue = queues.queue_mut(input.queue_url.name())?;
    queue.delete(&input.receipt_handle)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeMessageVisibility {
    queue_url: QueueUrl,
    receipt_handle: String,
    visibility_timeout: u32,
}

fn change_message_visibility(
    queues: &mut Queues,
    now: Timestamp,
    input: ChangeMessageVisibility,
) -> Result<Value, Refusal> {
    check("VisibilityTimeout", input.visibility_timeout, 0, VISIBILITY_MAX_S)?;
    let queue = queues.queue_mut(input.queue_url.name())?;
    queue.hide(&input.receipt_handle, input.visibility_timeout, now)?;
    Ok(json!({}))
}

/// A queue's URL. Only its last segment counts: a queue is found whatever host the URL names.
#[derive(Deserialize)]
#[serde(transparent)]
struct QueueUrl(String);

impl QueueUrl {
    fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

fn url(host: &str, name: &str) -> String {
    format!("http://{host}/000000000000/{name}")
}

fn arn(name: &str) -> String {
    format!("{ARN_PREFIX}{name}")
}

/// Refuses a parameter outside of `min` to `max`.
fn check<T: Copy + PartialOrd + ToString>(
    name: &'static str,
    value: T,
    min: T,
    max: T,
) -> Result<(), QueueError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let value = value.to_string();
    Err(QueueError::InvalidParameterValue { name, value })
}

fn text(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

/// The attributes that have a value.
fn map<const N: usize>(attributes: [(&str, Option<String>); N]) -> Map<String, Value> {
    attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect()
}

/// Those of `attributes` that `names` asks for; `All` asks for all.
fn asked(mut attributes: Map<String, Value>, names: &[String]) -> Map<String, Value> {
    let all = names.iter().any(|name| name == "All");
    attributes.retain(|name, _| all || names.contains(name));
    attributes
}

/// An error with its class, and with its older name in the header that the SDKs go by.
fn refusal(error: &QueueError) -> Response {
    let (class, code) = names(error);
    Response::refusal(&format!("com.amazonaws.sqs#{class}"), &error.to_string())
        .with_header("x-amzn-query-error", format!("{code};Sender"))
}

/// The class of `error`, and the name it had in SQS's query protocol.
fn names(error: &QueueError) -> (&'static str, &'static str) {
    match error {
        QueueError::QueueDoesNotExist(_) => {
            ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
        }
        QueueError::QueueNameExists(_) => ("QueueNameExists", "QueueAlreadyExists"),
        QueueError::ReceiptHandleIsInvalid(_) => {
            ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid")
        }
        QueueError::MessageNotInflight(_) => {
            ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight")
        }
        QueueError::InvalidAttributeName(_) => ("InvalidAttributeName", "InvalidAttributeName"),
        QueueError::InvalidAttributeValue { .. } => {
            ("InvalidAttributeValue", "InvalidAttributeValue")
        }
        QueueError::InvalidParameterValue { .. } => {
            ("InvalidParameterValue", "InvalidParameterValue")
        }
        QueueError::EmptyBatchRequest => {
            ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest")
        }
        QueueError::TooManyEntriesInBatchRequest(_) => {
            ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
        }
        QueueError::BatchEntryIdsNotDistinct(_) => {
            ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
        }
        QueueError::BatchRequestTooLong(_) => {
            ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
        }
    }
}
