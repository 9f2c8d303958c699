//! The stream of a table, whose records are handed to a function with Lambda's semantics: in order,
//! a batch at a time, and again from the first that failed.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use steelyard_runtime::Error;

use super::function::{LocalFunction, asked};
use super::{Embedded, Request};

/// A stream whose records go to a function.
#[derive(Clone)]
pub struct StreamSource {
    /// The name of the table.
    pub table: &'static str,
    /// The most records that the function gets at once.
    pub batch_size: u16,
    /// The function that gets the records.
    pub function: LocalFunction,
    /// Which records it gets, by their images, as the filter of the template says.
    filter: fn(&Value) -> bool,
    /// Where the next batch begins; none before the first.
    next: Arc<Mutex<Option<String>>>,
}

impl StreamSource {
    /// The stream of a table from its oldest record on: what was handed over before the process
    /// began comes again.
    #[must_use]
    pub fn new(table: &'static str, batch_size: u16, function: &LocalFunction) -> StreamSource {
        let (function, filter) = (function.clone(), |_: &Value| true);
        StreamSource { table, batch_size, function, filter, next: Arc::default() }
    }

    /// The same stream, of which the function gets some records only, by their images.
    #[must_use]
    pub fn of(self, filter: fn(&Value) -> bool) -> StreamSource {
        StreamSource { filter, ..self }
    }

    /// Begins again with the oldest record.
    pub fn rewind(&self) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Hands over one batch. Returns the number of records that were handled, which is none if
    /// there are no new ones, and if the function failed: then they come again.
    ///
    /// # Errors
    ///
    /// When the stream cannot be read.
    pub async fn poll(&self, embedded: &Embedded) -> Result<usize, Error> {
        let begin = self.next.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let begin = match begin {
            Some(iterator) => iterator,
            None => self.oldest(embedded).await?,
        };
        let asked = json!({ "ShardIterator": begin, "Limit": self.batch_size });
        let got = streams(embedded, "GetRecords", asked).await?;
        let mut records = got["Records"].as_array().cloned().unwrap_or_default();
        let mut next = got["NextShardIterator"].as_str().map(str::to_owned);
        let mut handled = records.len();
        records.retain(|record| (self.filter)(&record["dynamodb"]));
        if !records.is_empty() {
            match self.function.invoke(json!({ "Records": records })).await {
                Ok(response) => {
                    let failed = &response["batchItemFailures"][0]["itemIdentifier"];
                    let number = |record: &Value| record["dynamodb"]["SequenceNumber"] == *failed;
                    if let Some(place) = records.iter().position(number) {
                        handled = place;
                        let from = json!({
                            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
                            "SequenceNumber": failed,
                        });
                        next = Some(self.iterator(embedded, from).await?);
                    }
                }
                Err(error) => {
                    tracing::error!(
                        error,
                        table = self.table,
                        "invocation failed; its records come again"
                    );
                    (handled, next) = (0, Some(begin));
                }
            }
        }
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(handled)
    }

    /// The oldest records, as many as DynamoDB gives at once.
    ///
    /// # Errors
    ///
    /// When the stream cannot be read.
    pub async fn oldest_records(&self, embedded: &Embedded) -> Result<Value, Error> {
        let asked = json!({ "ShardIterator": self.oldest(embedded).await? });
        Ok(streams(embedded, "GetRecords", asked).await?["Records"].take())
    }

    /// An iterator that begins with the oldest record.
    async fn oldest(&self, embedded: &Embedded) -> Result<String, Error> {
        self.iterator(embedded, json!({ "ShardIteratorType": "TRIM_HORIZON" })).await
    }

    /// An iterator over the stream, which has one shard.
    async fn iterator(&self, embedded: &Embedded, from: Value) -> Result<String, Error> {
        let table = json!({ "TableName": self.table });
        let described = Request::new("DynamoDB_20120810.DescribeTable", table.to_string());
        let described = asked(embedded, described).await?;
        let stream = described["Table"]["LatestStreamArn"].clone();
        let shards = streams(embedded, "DescribeStream", json!({ "StreamArn": stream })).await?;
        let shard = shards["StreamDescription"]["Shards"][0]["ShardId"].clone();
        let mut of = json!({ "StreamArn": stream, "ShardId": shard });
        if let (Value::Object(of), Value::Object(from)) = (&mut of, from) {
            of.extend(from);
        }
        let answer = streams(embedded, "GetShardIterator", of).await?;
        answer["ShardIterator"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| "the stream has no iterator".into())
    }
}

async fn streams(embedded: &Embedded, operation: &str, body: Value) -> Result<Value, Error> {
    asked(embedded, Request::new(format!("DynamoDBStreams_20120810.{operation}"), body.to_string()))
        .await
}
