//! The keys that a request to DynamoDB names.

use serde_json::Value;

/// A key of a table that a request names, or the partition of an index that it queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// A table (`billing`) or an index (`billing/due`).
    pub(super) resource: String,
    /// The partition key.
    pub(super) pk: String,
    /// The sort key, where the request names one item.
    pub(super) sk: Option<String>,
    /// Whether a write changes the item, rather than checks a condition on it.
    pub(super) is_changed: bool,
}

impl Key {
    /// The key of the item: `pk`, or `pk sk`.
    pub(super) fn item(&self) -> String {
        self.sk.as_ref().map_or_else(|| self.pk.clone(), |sk| format!("{} {sk}", self.pk))
    }
}

/// The keys that a request of `operation` names, in its order; none of a scan.
pub(super) fn keys(operation: &str, request: &Value) -> Vec<Key> {
    match operation {
        "Query" => queried(request).into_iter().collect(),
        "BatchGetItem" | "BatchWriteItem" => in_batch(request),
        "TransactWriteItems" | "TransactGetItems" => in_transaction(request),
        _ => of_item(request, true).into_iter().collect(),
    }
}

/// The key of the item that a put, an update, a delete, a get or a condition is about.
fn of_item(request: &Value, is_changed: bool) -> Option<Key> {
    let table = request["TableName"].as_str()?;
    ["Item", "Key"].iter().find_map(|name| key(table, &request[*name], is_changed))
}

fn key(table: &str, item: &Value, is_changed: bool) -> Option<Key> {
    let sk = item["sk"]["S"].as_str().map(str::to_owned);
    let pk = item["pk"]["S"].as_str()?.to_owned();
    Some(Key { resource: table.to_owned(), pk, sk, is_changed })
}

fn in_transaction(request: &Value) -> Vec<Key> {
    let items = request["TransactItems"].as_array().into_iter().flatten();
    let named = items.flat_map(|item| item.as_object().into_iter().flatten());
    named.filter_map(|(action, item)| of_item(item, action != "ConditionCheck")).collect()
}

fn in_batch(request: &Value) -> Vec<Key> {
    let mut keys = Vec::new();
    for (table, asked) in request["RequestItems"].as_object().into_iter().flatten() {
        let gets = asked["Keys"].as_array().into_iter().flatten();
        keys.extend(gets.filter_map(|item| key(table, item, false)));
        for write in asked.as_array().into_iter().flatten() {
            let items = [&write["PutRequest"]["Item"], &write["DeleteRequest"]["Key"]];
            keys.extend(items.iter().find_map(|item| key(table, item, true)));
        }
    }
    keys
}

/// The partition that a query reads: the value that its condition names first.
fn queried(request: &Value) -> Option<Key> {
    let table = request["TableName"].as_str()?;
    let resource = match request["IndexName"].as_str() {
        Some(index) => format!("{table}/{index}"),
        None => table.to_owned(),
    };
    let condition = request["KeyConditionExpression"].as_str()?;
    let (_, value) = condition.split(" AND ").next()?.split_once('=')?;
    let pk = request["ExpressionAttributeValues"][value.trim()]["S"].as_str()?.to_owned();
    Some(Key { resource, pk, sk: None, is_changed: false })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(operation: &str, request: Value, expected: &[(&str, &str, bool)]) {
        let keys = keys(operation, &request);
        let items = keys.iter().map(|key| (key.resource.as_str(), key.item(), key.is_changed));
        let expected = expected.iter().map(|(at, item, is)| (*at, (*item).to_owned(), *is));
        assert_eq!(items.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{operation}");
    }

    #[test]
    fn every_request_names_its_keys() {
        let key = |pk: &str| json!({ "pk": { "S": pk }, "sk": { "S": "s" } });
        let of = |pk: &str| json!({ "TableName": "t", "Key": key(pk) });
        check("GetItem", of("a"), &[("t", "a s", true)]);
        check("PutItem", json!({ "TableName": "t", "Item": key("a") }), &[("t", "a s", true)]);
        check(
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Update": of("a") }, { "ConditionCheck": of("b") }] }),
            &[("t", "a s", true), ("t", "b s", false)],
        );
        check(
            "BatchGetItem",
            json!({ "RequestItems": { "t": { "Keys": [key("a"), key("b")] } } }),
            &[("t", "a s", false), ("t", "b s", false)],
        );
        let batch = json!([{ "PutRequest": { "Item": key("a") } }, { "DeleteRequest": { "Key": key("b") } }]);
        check(
            "BatchWriteItem",
            json!({ "RequestItems": { "t": batch } }),
            &[("t", "a s", true), ("t", "b s", true)],
        );
        let query = json!({
            "TableName": "t",
            "IndexName": "due",
            "KeyConditionExpression": "#shard = :shard AND #at <= :now",
            "ExpressionAttributeValues": { ":shard": { "S": "due#07" }, ":now": { "N": "7" } },
        });
        check("Query", query, &[("t/due", "due#07", false)]);
        check("Scan", json!({ "TableName": "t" }), &[]);
    }
}
