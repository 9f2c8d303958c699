//! Reads of a partition.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::item::{Item, from_item, string, text};
use crate::schema::{PK, SK};

/// Which part of a partition to read: sort keys from `from` to `to`, both inclusive.
pub(crate) struct Range<'a> {
    pub table: &'a str,
    pub pk: String,
    pub from: String,
    pub to: String,
}

/// One page of a partition, and the sort key to go on after.
pub(crate) struct Page {
    pub items: Vec<Item>,
    pub next: Option<String>,
}

impl<'a> Range<'a> {
    /// Everything in a partition whose sort key starts so.
    pub(crate) fn prefix(table: &'a str, pk: String, prefix: &str) -> Range<'a> {
        // DynamoDB takes no empty text as a key.
        let from = if prefix.is_empty() { crate::schema::KEY_BEGIN } else { prefix };
        Range {
            table,
            pk,
            from: from.to_owned(),
            to: format!("{prefix}{}", crate::schema::KEY_END),
        }
    }

    /// The range that holds one item.
    pub(crate) fn one(table: &'a str, pk: String, sk: String) -> Range<'a> {
        Range { table, pk, from: sk.clone(), to: sk }
    }

    /// Reads all of it, strongly consistent, in the order of the sort keys.
    pub(crate) async fn all(
        &self,
        client: &Client,
        operation: &'static str,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(client, operation, after, None).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// The record of a range of one item; none if the item does not exist.
    pub(crate) async fn record<T: DeserializeOwned>(
        &self,
        client: &Client,
        operation: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let item = self.all(client, operation).await?.pop();
        item.map(|item| from_item(operation, item)).transpose()
    }

    /// Reads one page of it, at most `limit` items, after a sort key.
    pub(crate) async fn page(
        &self,
        client: &Client,
        operation: &'static str,
        after: Option<String>,
        limit: Option<i32>,
    ) -> Result<Page, StoreError> {
        let query = self.query(client).set_limit(limit);
        self.sent(query, operation, after).await
    }

    /// Reads one page of it from its end, at most `limit` items, before a sort key.
    pub(crate) async fn page_back(
        &self,
        client: &Client,
        operation: &'static str,
        before: Option<String>,
        limit: Option<i32>,
    ) -> Result<Page, StoreError> {
        let query = self.query(client).set_limit(limit).scan_index_forward(false);
        self.sent(query, operation, before).await
    }

    /// The last items, the last first, before a sort key if one is given.
    pub(crate) async fn newest(
        &self,
        client: &Client,
        operation: &'static str,
        before: Option<String>,
        limit: u16,
    ) -> Result<Vec<Item>, StoreError> {
        let (limit, mut items, mut before) = (usize::from(limit), Vec::new(), before);
        while items.len() < limit {
            let wanted = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let page = self.page_back(client, operation, before, Some(wanted)).await?;
            items.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok(items)
    }

    async fn sent(
        &self,
        query: QueryFluentBuilder,
        operation: &'static str,
        start: Option<String>,
    ) -> Result<Page, StoreError> {
        let start = start
            .map(|sk| Item::from([(PK.to_owned(), string(&self.pk)), (SK.to_owned(), string(sk))]));
        let answer = query
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::aws(operation, error))?;
        // A key that can't be read is no end: what lies behind it would be passed over in silence.
        let next = match &answer.last_evaluated_key {
            Some(key) => Some(text(operation, key, SK)?.to_owned()),
            None => None,
        };
        Ok(Page { items: answer.items.unwrap_or_default(), next })
    }

    fn query(&self, client: &Client) -> QueryFluentBuilder {
        client
            .query()
            .table_name(self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", string(&self.pk))
            .expression_attribute_values(":from", string(&self.from))
            .expression_attribute_values(":to", string(&self.to))
            .consistent_read(true)
    }
}
