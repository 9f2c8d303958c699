//! DynamoDB: each operation of the wire protocol as a call of the embedded database.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::OpenError;
use super::commits::Commits;
use super::wire::{Request, Response, unknown_operation};

/// The embedded database, whose answers are on the disk when they are given.
pub(super) struct DynamoDb {
    database: Database,
    commits: Commits,
    /// Whether tables that are made have no streams.
    is_without_streams: AtomicBool,
}

/// The operations that write nothing.
const READS: [&str; 5] = ["BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"];

/// Routes each named operation to the database's method of that name.
macro_rules! operations {
    ($($operation:literal => $method:ident,)+) => {
        /// Every operation that is answered.
        #[cfg(test)]
        pub(super) const OPERATIONS: &[&str] = &[$($operation),+];

        impl DynamoDb {
            /// DynamoDB's answer to `request`. What it says is on the disk.
            pub(super) async fn handle(&self, request: &Request) -> Response {
                let changed = self.without_stream(request);
                let request = changed.as_ref().unwrap_or(request);
                let operation = request.operation();
                let is_read = READS.contains(&operation);
                let mut seen = 0;
                let answer = match operation {
                    $($operation => answer(request, |input| {
                        let (outcome, commits) =
                            self.commits.run(is_read, || self.database.$method(input));
                        seen = commits;
                        outcome
                    }),)+
                    _ => unknown_operation(request),
                };
                if self.commits.are_kept(seen).await { answer } else { not_kept() }
            }
        }
    };
}

impl DynamoDb {
    /// Tables that are made from now on have no streams, whatever is asked for.
    pub(super) fn make_no_streams(&self) {
        self.is_without_streams.store(true, Ordering::Relaxed);
    }

    /// The request, without the stream of a table that is to have none.
    fn without_stream(&self, request: &Request) -> Option<Request> {
        if request.operation() != "CreateTable" || !self.is_without_streams.load(Ordering::Relaxed)
        {
            return None;
        }
        let mut table = request.input::<serde_json::Value>().ok()?;
        table.as_object_mut()?.remove("StreamSpecification");
        Some(Request { body: table.to_string().into_bytes(), ..request.clone() })
    }

    pub(super) fn memory() -> Result<Self, OpenError> {
        let database = Database::memory().map_err(OpenError::Memory)?;
        Ok(Self {
            database,
            commits: Commits::in_memory(),
            is_without_streams: AtomicBool::new(false),
        })
    }

    pub(super) fn file(path: &Path) -> Result<Self, OpenError> {
        let Some(text) = path.to_str() else {
            return Err(OpenError::PathNotUtf8(path.to_owned()));
        };
        let file = |source| OpenError::File { path: path.to_owned(), source };
        let database = Database::new(text).map_err(file)?;
        // Of its settings one is not as it was: commits are no longer synced. `Commits` does it.
        database.disable_bulk_loading().map_err(file)?;
        let commits = Commits::of_file(path)
            .map_err(|source| OpenError::Log { path: path.to_owned(), source })?;
        Ok(Self { database, commits, is_without_streams: AtomicBool::new(false) })
    }
}

operations! {
    "BatchExecuteStatement" => batch_execute_statement,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "CreateTable" => create_table,
    "DeleteItem" => delete_item,
    "DeleteTable" => delete_table,
    "DescribeStream" => describe_stream,
    "DescribeTable" => describe_table,
    "DescribeTimeToLive" => describe_time_to_live,
    "ExecuteStatement" => execute_statement,
    "ExecuteTransaction" => execute_transaction,
    "GetItem" => get_item,
    "GetRecords" => get_records,
    "GetShardIterator" => get_shard_iterator,
    "ListStreams" => list_streams,
    "ListTables" => list_tables,
    "ListTagsOfResource" => list_tags_of_resource,
    "PutItem" => put_item,
    "Query" => query,
    "Scan" => scan,
    "SearchVectors" => search_vectors,
    "TagResource" => tag_resource,
    "TransactGetItems" => transact_get_items,
    "TransactWriteItems" => transact_write_items,
    "UntagResource" => untag_resource,
    "UpdateItem" => update_item,
    "UpdateTable" => update_table,
    "UpdateTimeToLive" => update_time_to_live,
}

fn answer<Input, Output>(
    request: &Request,
    run: impl FnOnce(Input) -> Result<Output, DynoxideError>,
) -> Response
where
    Input: DeserializeOwned,
    Output: Serialize,
{
    let outcome = request
        .input()
        .map_err(|error| unreadable(&error))
        .and_then(run)
        .and_then(|output| serde_json::to_vec(&output).map_err(unwritable));
    match outcome {
        Ok(body) => Response::json(200, body),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &DynoxideError) -> Response {
    Response::json(error.status_code(), error.to_json())
}

/// The client cannot know whether the disk has what it wrote.
fn not_kept() -> Response {
    refusal(&DynoxideError::InternalServerError("the tables could not be synced".to_owned()))
}

fn unwritable(error: serde_json::Error) -> DynoxideError {
    DynoxideError::InternalServerError(error.to_string())
}

/// A body that is not the operation's input.
///
/// The database's readers mark some of their messages with the kind of refusal in capitals and a
/// colon; DynamoDB's own text follows.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    match text.split_once(':') {
        Some((mark, rest)) if is_mark(mark) => DynoxideError::ValidationException(rest.to_owned()),
        _ => DynoxideError::SerializationException(text),
    }
}

fn is_mark(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
