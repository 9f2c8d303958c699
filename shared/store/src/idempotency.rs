//! What was answered to a request with an `Idempotency-Key`.

use serde::{Deserialize, Serialize};
use steelyard_billing::ProviderId;

use crate::item::to_item;
use crate::query::Range;
use crate::schema::{idempotency_sk, provider_pk};
use crate::{BillingTable, StoreError, Writes};

const READ: &str = "read an idempotency key";

/// What a request with an `Idempotency-Key` made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotentAnswer {
    /// The number of what it made, among its provider's.
    pub made: u32,
    /// The request, as a text: the same key with another request is refused.
    pub request: String,
}

impl BillingTable {
    /// What a request of a kind made under a key of the provider; none if the key is new.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn idempotent(
        &self,
        provider: &ProviderId,
        kind: &str,
        key: &str,
    ) -> Result<Option<IdempotentAnswer>, StoreError> {
        let sk = idempotency_sk(kind, key);
        let range = Range::one(&self.table, provider_pk(provider), sk);
        range.record(&self.client, READ).await
    }
}

impl Writes {
    /// Writes what a request made under a key, once.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn idempotent(
        &mut self,
        provider: &ProviderId,
        kind: &str,
        key: &str,
        answer: &IdempotentAnswer,
    ) -> Result<(), StoreError> {
        let sk = idempotency_sk(kind, key);
        self.put_new(to_item(self.operation, provider_pk(provider), sk, answer)?);
        Ok(())
    }
}
