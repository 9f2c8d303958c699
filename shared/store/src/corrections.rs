//! Sets of corrections: what each holds, and how far it is.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use steelyard_billing::{CorrectionId, CorrectionSet};

use crate::item::{Item, bytes, from_item, keyed};
use crate::query::Range;
use crate::schema::{CONTENT, CORRECTIONS, correction_part_sk, correction_pk};
use crate::writes::{Index, Written};
use crate::{BillingTable, StoreError, Writes};

const READ: &str = "read corrections";
const STORE: &str = "store what a correction holds";

/// The most bytes of a part: an item has 400 KB at most.
const PART_MAX: usize = 256 * 1024;

impl BillingTable {
    /// All sets of corrections, by name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or one of them, cannot be read.
    pub async fn corrections(&self) -> Result<Vec<CorrectionSet>, StoreError> {
        let range = Range::prefix(&self.table, CORRECTIONS.to_owned(), "");
        let items = range.all(&self.client, READ).await?;
        items.into_iter().map(|item| from_item(READ, item)).collect()
    }

    /// One set of corrections; none of that name was begun.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub async fn correction(
        &self,
        name: &CorrectionId,
    ) -> Result<Option<CorrectionSet>, StoreError> {
        let range = Range::one(&self.table, CORRECTIONS.to_owned(), name.to_string());
        range.record(&self.client, READ).await
    }

    /// Stores what a set holds, in parts, and gives their number. Storing the same again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written; some parts may be stored then.
    pub async fn store_correction(
        &self,
        name: &CorrectionId,
        content: &[u8],
    ) -> Result<u16, StoreError> {
        let mut number = 0_u16;
        for part in content.chunks(PART_MAX) {
            let item = Item::from([(CONTENT.to_owned(), AttributeValue::B(Blob::new(part)))]);
            let mut writes = self.writes(STORE);
            writes.put_always(keyed(item, correction_pk(name), correction_part_sk(number)));
            match writes.write(&self.client).await? {
                Written::All => {}
                Written::ConditionFailed(_) => {
                    return Err(StoreError::corrupt(STORE, "a put without a condition failed"));
                }
            }
            number = number
                .checked_add(1)
                .ok_or_else(|| StoreError::corrupt(STORE, "there are too many parts"))?;
        }
        Ok(number)
    }

    /// What a set holds, of so many parts.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read, or a part is missing.
    pub async fn correction_content(
        &self,
        name: &CorrectionId,
        parts: u16,
    ) -> Result<Vec<u8>, StoreError> {
        let range = Range {
            table: &self.table,
            pk: correction_pk(name),
            from: correction_part_sk(0),
            to: correction_part_sk(parts.saturating_sub(1)),
        };
        let items = range.all(&self.client, READ).await?;
        if items.len() != usize::from(parts) {
            let found = items.len();
            return Err(StoreError::corrupt(
                READ,
                format!("correction {name} has {parts} parts, and {found} are stored"),
            ));
        }
        let mut content = Vec::new();
        for item in &items {
            content.extend_from_slice(bytes(READ, item, CONTENT)?);
        }
        Ok(content)
    }
}

impl Writes {
    /// Writes a set of corrections over the version before, or a new one, and gives it as it will
    /// be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn correction(
        &mut self,
        before: Option<&CorrectionSet>,
        after: &CorrectionSet,
    ) -> Result<CorrectionSet, StoreError> {
        let version = before.map_or(0, |before| before.version) + 1;
        let after = CorrectionSet { version, ..after.clone() };
        let key = (CORRECTIONS.to_owned(), after.name.to_string());
        let before = before.map(|before| (before, before.version));
        self.change(key, before, &after, Index::default())?;
        Ok(after)
    }
}
