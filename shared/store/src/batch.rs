//! Reads of many items by their keys.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::StoreError;
use crate::item::{Item, string};
use crate::schema::{PK, SK};

/// The items of some partition and sort keys, those that there are, strongly consistent: one
/// request for a hundred.
pub(crate) async fn items(
    client: &Client,
    table: &str,
    operation: &'static str,
    keys: Vec<(String, String)>,
) -> Result<Vec<Item>, StoreError> {
    let key = |(pk, sk): &(String, String)| {
        Item::from([(PK.to_owned(), string(pk)), (SK.to_owned(), string(sk))])
    };
    let mut found = Vec::new();
    for hundred in keys.chunks(100) {
        let mut wanted = hundred.iter().map(key).collect::<Vec<_>>();
        while !wanted.is_empty() {
            let (items, unread) = some(client, table, operation, wanted).await?;
            found.extend(items);
            wanted = unread;
        }
    }
    Ok(found)
}

/// The items that were read, and the keys of those that were not.
async fn some(
    client: &Client,
    table: &str,
    operation: &'static str,
    keys: Vec<Item>,
) -> Result<(Vec<Item>, Vec<Item>), StoreError> {
    let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
    let wanted = wanted.map_err(|error| StoreError::corrupt(operation, error))?;
    let answer = client.batch_get_item().request_items(table, wanted).send().await;
    let answer = answer.map_err(|error| StoreError::aws(operation, error))?;
    let items = answer.responses.unwrap_or_default().remove(table).unwrap_or_default();
    let unread = answer.unprocessed_keys.unwrap_or_default().remove(table);
    Ok((items, unread.map(|unread| unread.keys).unwrap_or_default()))
}
