//! Receiving, which is the one operation that may wait.

use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use super::super::queues::{Message, QueueError, Queues, VISIBILITY_MAX_S, WAIT_MAX_S};
use super::super::wire::Request;
use super::super::{Now, lock};
use super::{QueueUrl, Refusal, asked, check, map, text};

/// How often a receive that waits looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: QueueUrl,
    #[serde(default = "one")]
    max_number_of_messages: usize,
    visibility_timeout: Option<u32>,
    wait_time_seconds: Option<u32>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

/// Receives messages, and waits for one as long as the caller or the queue says. The waiting is in
/// the runtime's time, not in the queues'.
pub(super) async fn receive(
    queues: &Mutex<Queues>,
    now: &Now,
    request: &Request,
) -> Result<Value, Refusal> {
    let input: ReceiveMessage = request.input()?;
    let deadline = Instant::now() + wait(queues, &input)?;
    loop {
        let messages = take(queues, now, &input)?;
        if !messages.is_empty() || Instant::now() >= deadline {
            return Ok(answer(messages, &input));
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// How long to wait, once all of the input is checked.
fn wait(queues: &Mutex<Queues>, input: &ReceiveMessage) -> Result<Duration, QueueError> {
    check("MaxNumberOfMessages", input.max_number_of_messages, 1, 10)?;
    if let Some(visibility_s) = input.visibility_timeout {
        check("VisibilityTimeout", visibility_s, 0, VISIBILITY_MAX_S)?;
    }
    let own_s = lock(queues).queue(input.queue_url.name())?.settings.wait_s;
    let wait_s = input.wait_time_seconds.unwrap_or(own_s);
    check("WaitTimeSeconds", wait_s, 0, WAIT_MAX_S)?;
    Ok(Duration::from_secs(u64::from(wait_s)))
}

fn take(
    queues: &Mutex<Queues>,
    now: &Now,
    input: &ReceiveMessage,
) -> Result<Vec<Message>, QueueError> {
    lock(queues).receive(
        input.queue_url.name(),
        input.max_number_of_messages,
        input.visibility_timeout,
        now(),
    )
}

fn answer(messages: Vec<Message>, input: &ReceiveMessage) -> Value {
    let messages = messages.into_iter().map(|message| received(message, input)).collect::<Vec<_>>();
    json!({ "Messages": messages })
}

fn received(message: Message, input: &ReceiveMessage) -> Value {
    let names = [input.attribute_names.as_slice(), &input.message_system_attribute_names];
    json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt(),
        "Attributes": asked(system_attributes(&message), &names.concat()),
        "MessageAttributes": asked(message.attributes, &input.message_attribute_names),
        "Body": message.body,
    })
}

/// The attributes that the queue gives a message.
fn system_attributes(message: &Message) -> Map<String, Value> {
    let first_received_at = message.first_received_at;
    map([
        ("SenderId", text(&message.sender)),
        ("SentTimestamp", text(message.sent_at.as_millisecond())),
        ("ApproximateReceiveCount", text(message.receives)),
        (
            "ApproximateFirstReceiveTimestamp",
            first_received_at.map(|at| at.as_millisecond().to_string()),
        ),
    ])
}

fn one() -> usize {
    1
}
