//! Items: keys and a record of the core, in DynamoDB's form.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::schema::{PK, SK};
use crate::transact::Item;

/// A record under its keys.
pub(crate) fn to_item(
    operation: &'static str,
    pk: String,
    sk: String,
    record: &impl Serialize,
) -> Result<Item, StoreError> {
    let item: Item =
        serde_dynamo::to_item(record).map_err(|error| StoreError::corrupt(operation, error))?;
    Ok(keyed(item, pk, sk))
}

/// An item under its keys.
pub(crate) fn keyed(mut item: Item, pk: String, sk: String) -> Item {
    item.insert(PK.to_owned(), string(pk));
    item.insert(SK.to_owned(), string(sk));
    item
}

/// The record of an item; attributes that it does not know, such as keys, are passed over.
pub(crate) fn from_item<T: DeserializeOwned>(
    operation: &'static str,
    item: Item,
) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt(operation, error))
}

/// The text of an attribute that every item has.
pub(crate) fn text<'a>(
    operation: &'static str,
    item: &'a Item,
    name: &str,
) -> Result<&'a str, StoreError> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(StoreError::corrupt(operation, format!("`{name}` is not a text"))),
    }
}

pub(crate) fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
