//! What the messages of the queue say: that objects were stored, as S3 and EventBridge announce it,
//! or that one is to be read on or again.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use steelyard_billing::{LogsMessage, ObjectName};
use thiserror::Error;

/// Why a message cannot be understood.
#[derive(Debug, Error)]
pub(crate) enum MessageError {
    /// The body of the message is no JSON.
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another kind.
    #[error("it is neither an event of S3, nor of EventBridge, nor one of this function")]
    Unknown,
}

/// An event of S3, as it sends it to a queue itself.
///
/// Source: AWS, "Event message structure": `Records`, each with `eventName`, and `s3` with the
/// bucket and the object, whose key is encoded as in a form.
#[derive(Deserialize)]
struct S3Event {
    #[serde(rename = "Records")]
    records: Vec<S3Record>,
}

#[derive(Deserialize)]
struct S3Record {
    #[serde(rename = "eventName")]
    event_name: String,
    s3: S3Detail,
}

/// An event of S3 by way of EventBridge.
///
/// Source: AWS, "EventBridge event message structure": `detail-type` is `Object Created`, and
/// `detail` has the bucket and the object, whose key is as it is.
#[derive(Deserialize)]
struct BusEvent {
    #[serde(rename = "detail-type")]
    kind: String,
    detail: S3Detail,
}

#[derive(Deserialize)]
struct S3Detail {
    bucket: S3Bucket,
    object: S3Object,
}

#[derive(Deserialize)]
struct S3Bucket {
    name: String,
}

#[derive(Deserialize)]
struct S3Object {
    key: String,
}

/// The objects that a message wants read. None of an event that is about something else.
pub(crate) fn wanted(body: &str) -> Result<Vec<LogsMessage>, MessageError> {
    let event: Value = serde_json::from_str(body)?;
    if event.get("read").is_some() {
        return Ok(vec![serde_json::from_value(event)?]);
    }
    if event.get("Records").is_some() {
        let event: S3Event = serde_json::from_value(event)?;
        return Ok(event.records.into_iter().filter_map(of_s3).collect());
    }
    if event["source"] == "aws.s3" {
        let BusEvent { kind, detail } = serde_json::from_value(event)?;
        let S3Detail { bucket, object } = detail;
        let object = ObjectName::new(bucket.name, object.key);
        let is_stored = kind == "Object Created";
        return Ok(is_stored.then(|| LogsMessage::read(object)).into_iter().collect());
    }
    // SNS between S3 and the queue.
    if let (Some("Notification"), Some(inner)) = (event["Type"].as_str(), event["Message"].as_str())
    {
        return wanted(inner);
    }
    // S3 sends it once, when the notification is set up.
    if event["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    Err(MessageError::Unknown)
}

fn of_s3(record: S3Record) -> Option<LogsMessage> {
    let S3Record { event_name, s3: S3Detail { bucket, object } } = record;
    let is_stored = event_name.trim_start_matches("s3:").starts_with("ObjectCreated:");
    let key = decoded(&object.key);
    is_stored.then(|| LogsMessage::read(ObjectName::new(bucket.name, key)))
}

/// A key as it is: `a+b%2Fc` is `a b/c`.
fn decoded(key: &str) -> Cow<'_, str> {
    // A key has no `&` and no `=` that is not encoded, so that it is the name of one pair.
    let mut pairs = form_urlencoded::parse(key.as_bytes());
    pairs.next().map_or(Cow::Borrowed(key), |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn objects(body: &Value) -> Vec<String> {
        let wanted = wanted(&body.to_string()).unwrap();
        wanted.iter().map(|wanted| wanted.read.to_string()).collect()
    }

    fn record(event: &str, key: &str) -> Value {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "cn-north-1", "eventName": event,
            "s3": {
                "s3SchemaVersion": "1.0", "bucket": { "name": "logs", "arn": "arn:aws-cn:s3:::logs" },
                "object": { "key": key, "size": 1024, "eTag": "d41d", "sequencer": "0055AED6DCD90281E5" },
            },
        })
    }

    #[test]
    fn events_of_s3_name_their_objects_with_keys_decoded() {
        let event = json!({ "Records": [
            record("ObjectCreated:Put", "alb/2015/05/17/a.log.gz"),
            record("ObjectCreated:CompleteMultipartUpload", "a+b%2Bc%26d%3D%E4%BA%AC.log"),
            record("s3:ObjectCreated:Copy", "c"),
            record("ObjectRemoved:Delete", "gone"),
        ] });
        let all = ["s3://logs/alb/2015/05/17/a.log.gz", "s3://logs/a b+c&d=京.log", "s3://logs/c"];
        assert_eq!(objects(&event), all);
        let by_sns = json!({ "Type": "Notification", "Message": event.to_string() });
        assert_eq!(objects(&by_sns), all);
    }

    #[test]
    fn events_of_the_bus_name_their_object_with_its_key_as_it_is() {
        let event = |kind: &str| {
            json!({
                "version": "0", "id": "1", "source": "aws.s3", "detail-type": kind,
                "detail": {
                    "version": "0", "bucket": { "name": "logs" },
                    "object": { "key": "a+b%2F.log", "size": 5, "etag": "d41d" },
                    "reason": "PutObject",
                },
            })
        };
        assert_eq!(objects(&event("Object Created")), ["s3://logs/a+b%2F.log"]);
        assert!(objects(&event("Object Deleted")).is_empty());
    }

    #[test]
    fn other_messages_are_refused_but_for_the_test_of_s3() {
        assert!(objects(&json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" })).is_empty());
        let again = LogsMessage { read: ObjectName::new("logs", "k"), again: true };
        let body = serde_json::to_string(&again).unwrap();
        assert_eq!(wanted(&body).unwrap(), [again]);
        for wrong in ["", "{", "[]", "{}", r#"{"Records": [{}]}"#, r#"{"read": "logs"}"#] {
            assert!(wanted(wrong).is_err(), "{wrong}");
        }
    }
}
