//! DynamoDB: each operation of the wire protocol as a call of the embedded database.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::{Request, Response, unknown_operation};

/// Routes each named operation to the database's method of that name.
macro_rules! operations {
    ($($operation:literal => $method:ident,)+) => {
        /// Every operation that is answered.
        #[cfg(test)]
        pub(super) const OPERATIONS: &[&str] = &[$($operation),+];

        /// DynamoDB's answer to `request`.
        pub(super) fn handle(database: &Database, request: &Request) -> Response {
            match request.operation() {
                $($operation => answer(request, |input| database.$method(input)),)+
                _ => unknown_operation(request),
            }
        }
    };
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
        Err(error) => Response::json(error.status_code(), error.to_json()),
    }
}

fn unwritable(error: serde_json::Error) -> DynoxideError {
    DynoxideError::InternalServerError(error.to_string())
}

/// A body that is not the operation's input.
///
/// The database's readers mark some of their messages with the kind of refusal in capitals and a colon; DynamoDB's own text follows.
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
