//! The billing table's items as they are, for tests that break one or that need a number of ours.

use serde_json::{Value, json};
use steelyard_billing::{Realm, TradeNumber, TradeOf};
use steelyard_local_aws::Request;
use steelyard_store::schema::registry_shard;

use crate::Platform;

/// The billing table of the local stack.
const BILLING_TABLE: &str = "steelyard-billing";

impl Platform {
    /// The realm of the platform's numbers.
    pub async fn realm(&self) -> Realm {
        self.books().realms().await.unwrap().current
    }

    /// Gives the platform a realm, before it has one: a run that uses it is the same each time.
    pub async fn set_realm(&self, realm: &str) {
        let stored =
            json!({ "pk": "realm", "sk": "realm", "realm": realm, "table": BILLING_TABLE });
        let attribute = |(name, value): (&String, &Value)| (name.clone(), json!({ "S": value }));
        let item = stored.as_object().unwrap().iter().map(attribute).collect();
        self.put_item(&Value::Object(item)).await;
    }

    /// The number under which a trade of a provider is known to Alipay.
    pub async fn trade_number(&self, provider: &str, of: TradeOf) -> String {
        let realm = self.realm().await;
        TradeNumber::new(&realm, &provider.parse().unwrap(), of).to_string()
    }

    /// The items of a partition of the billing table, in the order of their sort keys.
    pub async fn items(&self, pk: &str) -> Vec<Value> {
        let answer = self
            .dynamodb(
                "Query",
                json!({
                    "TableName": BILLING_TABLE,
                    "KeyConditionExpression": "pk = :pk",
                    "ExpressionAttributeValues": { ":pk": { "S": pk } },
                }),
            )
            .await;
        answer["Items"].as_array().unwrap().clone()
    }

    /// All items of the billing table, in no order.
    pub async fn all_items(&self) -> Vec<Value> {
        self.scan(BILLING_TABLE).await
    }

    /// All items of a table, in no order.
    pub async fn scan(&self, table: &str) -> Vec<Value> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": table });
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let answer = self.dynamodb("Scan", scan).await;
            items.extend(answer["Items"].as_array().unwrap().iter().cloned());
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }

    /// Puts an item into the billing table, whatever is there.
    pub async fn put_item(&self, item: &Value) {
        self.put_item_into(BILLING_TABLE, item).await;
    }

    /// Puts an item into a table, whatever is there.
    pub async fn put_item_into(&self, table: &str, item: &Value) {
        self.dynamodb("PutItem", json!({ "TableName": table, "Item": item })).await;
    }

    /// Puts items into the billing table, whatever is there.
    pub async fn put_items(&self, items: &[Value]) {
        for some in items.chunks(25) {
            let puts = some.iter().map(|item| json!({ "PutRequest": { "Item": item } }));
            let puts = json!({ BILLING_TABLE: puts.collect::<Vec<_>>() });
            let answer = self.dynamodb("BatchWriteItem", json!({ "RequestItems": puts })).await;
            assert_eq!(answer["UnprocessedItems"], json!({}));
        }
    }

    /// Deletes an item of the billing table.
    pub async fn delete_item(&self, item: &Value) {
        self.delete_item_from(BILLING_TABLE, item).await;
    }

    /// Deletes an item of a table.
    pub async fn delete_item_from(&self, table: &str, item: &Value) {
        let key = json!({ "pk": item["pk"], "sk": item["sk"] });
        self.dynamodb("DeleteItem", json!({ "TableName": table, "Key": key })).await;
    }

    /// The answer of the embedded DynamoDB to a request, which has to be a good one.
    pub async fn dynamodb(&self, operation: &str, document: Value) -> Value {
        let target = format!("DynamoDB_20120810.{operation}");
        let answer = self.stack.embedded.handle(Request::new(target, document.to_string())).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }
}

/// The partition of the registry to which a provider belongs.
#[must_use]
pub fn registry_pk(provider: &str) -> String {
    format!("shard#{:03}", registry_shard(&provider.parse().unwrap()))
}

/// Ids of providers that belong to one shard of the registry, the seventh, and so to one shard of
/// the index of due records.
pub fn neighbours(prefix: &str) -> impl Iterator<Item = String> {
    let ids = (0..).map(move |number| format!("{prefix}{number:05}"));
    ids.filter(|id| registry_shard(&id.parse().unwrap()) == 7)
}
