//! Items: keys and a record of the core, in DynamoDB's form.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::schema::{FORMAT, FORMAT_NAME, PK, SK};

/// An item as DynamoDB holds it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A record under its keys.
pub(crate) fn to_item(
    operation: &'static str,
    pk: String,
    sk: String,
    record: &impl Serialize,
) -> Result<Item, StoreError> {
    Ok(keyed(attributes(operation, record)?, pk, sk))
}

/// The attributes of a record, without keys.
pub(crate) fn attributes(
    operation: &'static str,
    record: &impl Serialize,
) -> Result<Item, StoreError> {
    serde_dynamo::to_item(record).map_err(|error| StoreError::corrupt(operation, error))
}

/// An item under its keys.
pub(crate) fn keyed(mut item: Item, pk: String, sk: String) -> Item {
    item.insert(PK.to_owned(), string(pk));
    item.insert(SK.to_owned(), string(sk));
    item
}

/// The record of an item. Attributes that the record does not know, such as keys, are passed over.
///
/// An item of a newer format is refused by name: this version would drop what it does not know
/// inside of an attribute.
pub(crate) fn from_item<T: DeserializeOwned>(
    operation: &'static str,
    item: Item,
) -> Result<T, StoreError> {
    check_format(operation, &item)?;
    let unreadable = unreadable(operation, &item);
    serde_dynamo::from_item(item).map_err(|error| unreadable(error.to_string()))
}

/// Refuses an item of a newer format by name.
pub(crate) fn check_format(operation: &'static str, item: &Item) -> Result<(), StoreError> {
    let Some(format) = item.get(FORMAT_NAME) else { return Ok(()) };
    let format = format.as_n().ok().and_then(|format| format.parse::<u16>().ok());
    if format.is_some_and(|format| format <= FORMAT) {
        return Ok(());
    }
    let why = "it is of a newer format than this version of Steelyard knows".to_owned();
    Err(unreadable(operation, item)(why))
}

/// Why an item cannot be read, with its name.
pub(crate) fn unreadable(
    operation: &'static str,
    item: &Item,
) -> impl Fn(String) -> StoreError + use<> {
    let key = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let (pk, sk) = (key(PK).unwrap_or_default(), key(SK).unwrap_or_default());
    move |why| StoreError::Unreadable { operation, pk: pk.clone(), sk: sk.clone(), why }
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

/// The bytes of an attribute that the item has to have.
pub(crate) fn bytes<'a>(
    operation: &'static str,
    item: &'a Item,
    name: &str,
) -> Result<&'a [u8], StoreError> {
    match item.get(name) {
        Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref()),
        _ => Err(unreadable(operation, item)(format!("`{name}` is not binary"))),
    }
}

pub(crate) fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
