//! The requests to DynamoDB and their answers, so that another engine can be sent the same.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use steelyard_local_aws::{Embedded, Request};
use steelyard_runtime::Error;

/// A request to DynamoDB, and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The operation, such as `PutItem`.
    pub operation: String,
    /// The input of the operation.
    pub asked: Value,
    /// The HTTP status.
    pub status: u16,
    /// The output, or the error.
    pub answered: Value,
}

/// The exchanges so far. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<Vec<Exchange>>>);

impl Record {
    /// Records from now on. The first exchanges describe the tables, and what is in them.
    pub(crate) async fn begin(embedded: &Embedded) -> Result<Record, Error> {
        let record = Record::default();
        let of_listener = record.clone();
        embedded.listen(Box::new(move |request, answer| {
            let read = |bytes: &[u8]| serde_json::from_slice(bytes).expect("DynamoDB speaks JSON");
            // Streams are read elsewhere.
            if let Some(operation) = request.target.strip_prefix("DynamoDB_20120810.") {
                of_listener.exchanges().push(Exchange {
                    operation: operation.to_owned(),
                    asked: read(&request.body),
                    status: answer.status,
                    answered: read(&answer.body),
                });
            }
        }));
        for table in tables(embedded).await? {
            ask(embedded, "DescribeTable", json!({ "TableName": table })).await?;
        }
        record.look(embedded).await?;
        Ok(record)
    }

    /// Reads all tables, which is recorded.
    pub(crate) async fn look(&self, embedded: &Embedded) -> Result<(), Error> {
        for table in tables(embedded).await? {
            let mut asked = json!({ "TableName": table });
            loop {
                let page = ask(embedded, "Scan", asked.clone()).await?;
                match page.get("LastEvaluatedKey") {
                    Some(last) => asked["ExclusiveStartKey"] = last.clone(),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Takes the exchanges so far.
    pub(crate) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.exchanges())
    }

    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn tables(embedded: &Embedded) -> Result<Vec<Value>, Error> {
    let mut answer = ask(embedded, "ListTables", json!({})).await?;
    Ok(serde_json::from_value(answer["TableNames"].take())?)
}

async fn ask(embedded: &Embedded, operation: &str, input: Value) -> Result<Value, Error> {
    let target = format!("DynamoDB_20120810.{operation}");
    let answer = embedded.handle(Request::new(target, input.to_string())).await;
    Ok(serde_json::from_slice(&answer.body)?)
}
