//! The messages that wait on the queues of a platform.

use serde_json::{Value, json};
use steelyard_local_aws::{sqs, visible_messages};

use crate::Platform;

impl Platform {
    /// Takes the visible messages of a queue away; gives their bodies.
    pub async fn take_messages(&self, queue: &str) -> Vec<Value> {
        let (embedded, url) = (&self.stack.embedded, format!("/{queue}"));
        let mut bodies = Vec::new();
        while visible_messages(embedded, queue).await.unwrap() > 0 {
            let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
            let received = sqs(embedded, "ReceiveMessage", asked).await.unwrap();
            let Some(messages) = received["Messages"].as_array() else {
                // What was received too often went to the dead letters instead.
                break;
            };
            for message in messages {
                let done = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
                sqs(embedded, "DeleteMessage", done).await.unwrap();
                bodies.push(message["Body"].clone());
            }
        }
        bodies
    }

    /// The dead letters of a queue, which are taken away.
    pub async fn take_dead_letters(&self, queue: &str) -> Vec<Value> {
        self.take_messages(&format!("{queue}-dead-letters")).await
    }

    /// Puts the dead letters of a queue back on it, as operators do.
    pub async fn send_dead_letters_again(&self, queue: &str) {
        for body in self.take_dead_letters(queue).await {
            let again = json!({ "QueueUrl": format!("/{queue}"), "MessageBody": body });
            sqs(&self.stack.embedded, "SendMessage", again).await.unwrap();
        }
    }
}
