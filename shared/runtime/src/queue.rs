//! An SQS queue, by its URL.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use thiserror::Error;

/// A queue to send to.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

/// Why messages could not be sent. Some of them may have been.
#[derive(Debug, Error)]
pub enum QueueError {
    /// SQS could not be asked, or refused.
    #[error("cannot send to {url}")]
    Aws {
        /// The address of the queue.
        url: String,
        /// The error of the SDK, with its causes.
        #[source]
        source: Box<aws_sdk_sqs::Error>,
    },
    /// SQS refused single messages.
    #[error("{url} refused {refused} of {sent} messages: {why}")]
    Refused {
        /// The address of the queue.
        url: String,
        /// The number of refused messages.
        refused: usize,
        /// How many were sent together.
        sent: usize,
        /// Why it refused the first of them.
        why: String,
    },
    /// SQS did not say how many messages the queue has.
    #[error("cannot count the messages of {url}")]
    Uncounted {
        /// The address of the queue.
        url: String,
    },
}

/// The most messages that SQS takes at once.
const BATCH_MAX: usize = 10;

impl Queue {
    /// The queue at that URL.
    #[must_use]
    pub fn new(client: Client, url: String) -> Queue {
        Queue { client, url }
    }

    /// Sends messages, ten at a time.
    ///
    /// # Errors
    ///
    /// [`QueueError`] for the first ten that were not all taken; none after them is sent.
    pub async fn send(&self, bodies: &[String]) -> Result<(), QueueError> {
        for ten in bodies.chunks(BATCH_MAX) {
            self.send_batch(ten).await?;
        }
        Ok(())
    }

    /// Sends a message that can be received only after so many seconds, 900 at most.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when SQS did not take it.
    pub async fn send_after(&self, body: String, delay_s: u16) -> Result<(), QueueError> {
        let message = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .delay_seconds(i32::from(delay_s));
        let sent = message.send().await.map(drop);
        sent.map_err(|error| QueueError::Aws {
            url: self.url.clone(),
            source: Box::new(error.into()),
        })
    }

    /// About how many messages wait to be received. Those that are being worked on, that failed and
    /// come again, or that are delayed are not counted. SQS may lag behind by a minute.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when SQS could not be asked, or did not say.
    pub async fn waiting(&self) -> Result<usize, QueueError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let asked = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = asked.attribute_names(name.clone()).send().await;
        let answer = answer.map_err(|error| QueueError::Aws {
            url: self.url.clone(),
            source: Box::new(error.into()),
        })?;
        let count = answer.attributes.as_ref().and_then(|attributes| attributes.get(&name));
        let count = count.and_then(|count| count.parse().ok());
        count.ok_or_else(|| QueueError::Uncounted { url: self.url.clone() })
    }

    async fn send_batch(&self, bodies: &[String]) -> Result<(), QueueError> {
        let aws = |error: aws_sdk_sqs::Error| QueueError::Aws {
            url: self.url.clone(),
            source: Box::new(error),
        };
        let entries = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| aws(error.into()))?;
        let answer = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| aws(error.into()))?;
        match answer.failed.first() {
            None => Ok(()),
            Some(first) => Err(QueueError::Refused {
                url: self.url.clone(),
                refused: answer.failed.len(),
                sent: bodies.len(),
                why: first.message.clone().unwrap_or_else(|| first.code.clone()),
            }),
        }
    }
}
