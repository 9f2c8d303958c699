use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

/// Services with a table `billing`, a queue `debits`, and a clock that only a test moves.
pub(super) struct Stack {
    pub(super) embedded: Arc<Embedded>,
    clock: Arc<Mutex<Timestamp>>,
}

impl Stack {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(Mutex::new(Timestamp::UNIX_EPOCH));
        let embedded = Arc::new(Embedded::memory(following(&clock)).unwrap());
        let stack = Self { embedded, clock };
        stack.ok("DynamoDB_20120810.CreateTable", table()).await;
        let queue = json!({ "QueueName": "debits", "Attributes": { "VisibilityTimeout": "60" } });
        stack.ok("AmazonSQS.CreateQueue", queue).await;
        stack
    }

    fn pass(&self, seconds: i64) {
        *lock(&self.clock) += SignedDuration::from_secs(seconds);
    }

    /// The status and the answer to a request.
    async fn ask(&self, target: &str, body: Value) -> (u16, Value) {
        ask(&self.embedded, target, &body).await
    }

    pub(super) async fn ok(&self, target: &str, body: Value) -> Value {
        let (status, answer) = self.ask(target, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn refused(&self, target: &str, body: Value) -> String {
        let (status, answer) = self.ask(target, body).await;
        assert_eq!(status, 400, "{answer}");
        answer["__type"].as_str().unwrap().to_owned()
    }
}

async fn ask(embedded: &Embedded, target: &str, body: &Value) -> (u16, Value) {
    let request = Request::new(target, body.to_string());
    let answer = embedded.handle(request).await;
    let body = serde_json::from_slice(&answer.body).unwrap();
    (answer.status, body)
}

fn following(clock: &Arc<Mutex<Timestamp>>) -> Now {
    let clock = Arc::clone(clock);
    Arc::new(move || *lock(&clock))
}

/// A table with a sparse index by due time.
fn table() -> Value {
    json!({
        "TableName": "billing",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "pk", "AttributeType": "S" },
            { "AttributeName": "due_at_s", "AttributeType": "N" },
        ],
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "due",
            "KeySchema": [{ "AttributeName": "due_at_s", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        }],
    })
}

/// A transaction that puts each of `keys`, none of which may exist.
pub(super) fn puts(keys: &[&str]) -> Value {
    let items = keys.iter().map(|key| {
        json!({ "Put": {
            "TableName": "billing",
            "Item": { "pk": { "S": key }, "due_at_s": { "N": "7" } },
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        } })
    });
    json!({ "TransactItems": items.collect::<Vec<_>>() })
}

/// A read of the item `key`.
pub(super) fn get(key: &str) -> Value {
    json!({ "TableName": "billing", "Key": { "pk": { "S": key } }, "ConsistentRead": true })
}

const DEBITS: &str = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/debits";

fn debits(rest: Value) -> Value {
    let mut input = rest;
    input["QueueUrl"] = DEBITS.into();
    input
}

#[tokio::test]
async fn failed_transaction_has_no_effect_and_returns_the_old_item() {
    let stack = Stack::new().await;
    let write = "DynamoDB_20120810.TransactWriteItems";
    stack.ok(write, puts(&["a"])).await;
    let (status, answer) = stack.ask(write, puts(&["b", "a"])).await;
    assert_eq!(status, 400);
    assert_eq!(answer["CancellationReasons"][0]["Code"], "None");
    assert_eq!(answer["CancellationReasons"][1]["Item"]["pk"]["S"], "a");
    let absent = stack.ok("DynamoDB_20120810.GetItem", get("b")).await;
    assert_eq!(absent.get("Item"), None);
}

#[tokio::test]
async fn every_operation_of_the_table_is_routed() {
    let stack = Stack::new().await;
    for operation in dynamodb::OPERATIONS {
        let target = format!("DynamoDB_20120810.{operation}");
        let (_, answer) = stack.ask(&target, json!({})).await;
        assert_ne!(answer["__type"], "UnknownOperationException", "{operation}");
    }
}

#[tokio::test]
async fn value_that_cannot_be_read_is_refused_in_plain_words() {
    let stack = Stack::new().await;
    let put = json!({ "TableName": "billing", "Item": { "pk": { "N": "one" } } });
    let (status, answer) = stack.ask("DynamoDB_20120810.PutItem", put).await;
    let message = answer["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert_eq!(answer["__type"], "com.amazon.coral.validate#ValidationException");
    assert!(message.starts_with("The parameter cannot be"), "{message}");
}

#[tokio::test]
async fn file_keeps_its_tables() {
    let path = std::env::temp_dir().join(format!("embedded-{}.db", std::process::id()));
    let now = following(&Arc::default());
    {
        let embedded = Embedded::file(&path, Arc::clone(&now)).unwrap();
        ask(&embedded, "DynamoDB_20120810.CreateTable", &table()).await;
        let write = "DynamoDB_20120810.TransactWriteItems";
        ask(&embedded, write, &puts(&["a"])).await;
    }
    let embedded = Embedded::file(&path, now).unwrap();
    let (_, answer) = ask(&embedded, "DynamoDB_20120810.GetItem", &get("a")).await;
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", path.display())).ok();
    }
    assert_eq!(answer["Item"]["pk"]["S"], "a");
}

#[tokio::test]
async fn file_that_is_no_database_does_not_open() {
    let path = std::env::temp_dir();
    let refused = Embedded::file(&path, following(&Arc::default())).unwrap_err();
    assert!(refused.to_string().contains(path.to_str().unwrap()));
}

#[tokio::test]
async fn queue_is_found_whatever_host_its_url_names() {
    let stack = Stack::new().await;
    let body = debits(json!({ "MessageBody": "one" }));
    stack.ok("AmazonSQS.SendMessage", body).await;
    let mut receive = json!({ "AttributeNames": ["ApproximateReceiveCount"] });
    receive["QueueUrl"] = "http://127.0.0.1:8000/000000000000/debits".into();
    let answer = stack.ok("AmazonSQS.ReceiveMessage", receive).await;
    assert_eq!(answer["Messages"][0]["Body"], "one");
    assert_eq!(answer["Messages"][0]["Attributes"], json!({ "ApproximateReceiveCount": "1" }));
}

#[tokio::test]
async fn entries_of_a_batch_fail_alone() {
    let stack = Stack::new().await;
    let entries = json!([{ "Id": "1", "MessageBody": "one" }, { "Id": "2", "MessageBody": "" }]);
    let batch = debits(json!({ "Entries": entries }));
    let answer = stack.ok("AmazonSQS.SendMessageBatch", batch).await;
    assert_eq!(answer["Successful"][0]["Id"], "1");
    assert_eq!(answer["Failed"][0]["Id"], "2");
}

#[tokio::test]
async fn batch_that_is_out_of_order_is_refused_whole() {
    let stack = Stack::new().await;
    let entry = |id: usize| json!({ "Id": id.to_string(), "MessageBody": "x" });
    let eleven = (0..11).map(entry).collect::<Vec<_>>();
    let long = json!({ "Id": "1", "MessageBody": "x".repeat(1_048_577) });
    for (entries, class) in [
        (json!([]), "EmptyBatchRequest"),
        (json!(eleven), "TooManyEntriesInBatchRequest"),
        (json!([entry(1), entry(1)]), "BatchEntryIdsNotDistinct"),
        (json!([long]), "BatchRequestTooLong"),
    ] {
        let batch = debits(json!({ "Entries": entries }));
        let refused = stack.refused("AmazonSQS.SendMessageBatch", batch).await;
        assert_eq!(refused, format!("com.amazonaws.sqs#{class}"));
    }
}

#[tokio::test(start_paused = true)]
async fn receive_that_waits_is_answered_when_a_message_comes() {
    let stack = Stack::new().await;
    let receive = debits(json!({ "WaitTimeSeconds": 20 }));
    let send = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let body = debits(json!({ "MessageBody": "late" }));
        stack.ok("AmazonSQS.SendMessage", body).await
    };
    let start = tokio::time::Instant::now();
    let (answer, _) = tokio::join!(stack.ok("AmazonSQS.ReceiveMessage", receive), send);
    assert_eq!(answer["Messages"][0]["Body"], "late");
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn deleted_message_does_not_come_back() {
    let stack = Stack::new().await;
    let body = debits(json!({ "MessageBody": "one" }));
    stack.ok("AmazonSQS.SendMessage", body).await;
    let answer = stack.ok("AmazonSQS.ReceiveMessage", debits(json!({}))).await;
    let receipt = answer["Messages"][0]["ReceiptHandle"].clone();
    let deletion = debits(json!({ "ReceiptHandle": receipt }));
    stack.ok("AmazonSQS.DeleteMessage", deletion).await;
    stack.pass(60);
    let answer = stack.ok("AmazonSQS.ReceiveMessage", debits(json!({}))).await;
    assert_eq!(answer["Messages"], json!([]));
}

#[tokio::test]
async fn absent_queue_is_told_in_both_of_its_names() {
    let stack = Stack::new().await;
    let body = json!({ "QueueUrl": "http://sqs.local/0/none", "MessageBody": "x" });
    let request = Request::new("AmazonSQS.SendMessage", body.to_string());
    let answer = stack.embedded.handle(request).await;
    let code = "AWS.SimpleQueueService.NonExistentQueue;Sender";
    assert!(answer.headers.contains(&("x-amzn-query-error", code.to_owned())));
    let refused = stack.refused("AmazonSQS.SendMessage", body).await;
    assert_eq!(refused, "com.amazonaws.sqs#QueueDoesNotExist");
}

#[tokio::test]
async fn secret_is_read_by_its_name_alone() {
    let stack = Stack::new().await;
    stack.embedded.put_secret("alipay", "key");
    let get = "secretsmanager.GetSecretValue";
    let answer = stack.ok(get, json!({ "SecretId": "alipay" })).await;
    assert_eq!(answer["SecretString"], "key");
    let refused = stack.refused(get, json!({ "SecretId": "other" })).await;
    assert_eq!(refused, "ResourceNotFoundException");
}

#[tokio::test]
async fn unknown_operation_is_named() {
    let stack = Stack::new().await;
    for target in ["Lambda.Invoke", "AmazonSQS.Fly", "DynamoDB_20120810.Fly", ""] {
        let (status, answer) = stack.ask(target, json!({})).await;
        assert_eq!(status, 400);
        assert_eq!(answer["__type"], "UnknownOperationException");
        assert!(answer["message"].as_str().unwrap().contains(target));
    }
}

#[tokio::test]
async fn services_hide_their_secrets_from_logs() {
    let stack = Stack::new().await;
    stack.embedded.put_secret("alipay", "key");
    assert_eq!(format!("{:?}", stack.embedded), "Embedded { .. }");
}
