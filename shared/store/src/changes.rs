//! What a record of the billing table's stream is a change of.

use serde::de::DeserializeOwned;
use serde_json::Value;
use steelyard_billing::breaker::Breaker;
use steelyard_billing::event::{Change, Changed};
use steelyard_billing::webhook::Endpoint;
use steelyard_billing::{
    Account, Adjustment, Debit, Entry, Mandate, Recharge, Refund, Reversal, SettlementRun,
};

use crate::StoreError;
use crate::item::{Item, from_item, text};
use crate::plans::stored_version;
use crate::schema::{
    ACCOUNT_SUFFIX, ADJUSTMENT_PREFIX, BREAKER, DEBIT_PREFIX, ENDPOINT_PREFIX, ENTRY_PREFIX,
    MANDATE_PREFIX, PK, PLANS, PLATFORM, PROVIDER_PREFIX, RECHARGE_PREFIX, RECONCILIATION,
    REFUND_PREFIX, REFUSED, REVERSAL_PREFIX, RUNS, SETTLEMENT_PREFIX, SHARD_PREFIX, SK,
    STATEMENT_PREFIX,
};
use crate::statement_detail::{is_detail, without_detail};

const READ: &str = "read a record of the stream";

/// The change in a record of a stream; none if it is no change that may be an event.
///
/// `images` is what a record of DynamoDB's stream has as `dynamodb`: of the billing table and of
/// the events table with new and old images, of the usage table with keys. What a statement says of
/// each API is not in the change.
///
/// # Errors
///
/// [`StoreError`] when this version of Steelyard cannot read the record.
pub fn stream_change(images: &Value) -> Result<Option<Change>, StoreError> {
    // The stream of the usage table has keys only.
    if images["Keys"][PK]["S"] == REFUSED {
        let key = images["Keys"][SK]["S"].as_str().map(str::to_owned);
        return Ok(key.map(Change::Refused));
    }
    let Some(after) = image(&images["NewImage"])? else { return Ok(None) };
    let images = Images { before: image(&images["OldImage"])?, after };
    let (pk, sk) =
        (text(READ, &images.after, PK)?.to_owned(), text(READ, &images.after, SK)?.to_owned());
    if pk.starts_with(PROVIDER_PREFIX) {
        return images.of_subject(&sk);
    }
    if pk.starts_with(SHARD_PREFIX) {
        let is_account = sk.ends_with(ACCOUNT_SUFFIX);
        let changed = is_account.then(|| images.changed::<Account>()).transpose()?;
        return Ok(changed.map(|changed| Change::Account(Box::new(changed))));
    }
    match &*pk {
        BREAKER => images.changed::<Breaker>().map(|changed| Some(Change::Breaker(changed))),
        RUNS if sk.starts_with(SETTLEMENT_PREFIX) => {
            images.changed::<SettlementRun>().map(|changed| Some(Change::Run(changed)))
        }
        RECONCILIATION => {
            from_item(READ, images.after).map(|result| Some(Change::Reconciliation(result)))
        }
        PLANS => images.plan(),
        PLATFORM => images.of_subject(&sk),
        _ => Ok(None),
    }
}

/// An item before and after a change.
struct Images {
    before: Option<Item>,
    after: Item,
}

impl Images {
    fn of_subject(self, sk: &str) -> Result<Option<Change>, StoreError> {
        let (kind, _) = sk.split_at(sk.find('#').map_or(sk.len(), |end| end + 1));
        Ok(Some(match kind {
            STATEMENT_PREFIX => {
                if self.before.is_some() || is_detail(&self.after)? {
                    return Ok(None);
                }
                Change::Statement(Box::new(without_detail(self.after)?))
            }
            ENTRY_PREFIX if self.before.is_none() => {
                Change::Entry(from_item::<Entry>(READ, self.after)?)
            }
            DEBIT_PREFIX => Change::Debit(Box::new(self.changed::<Debit>()?)),
            MANDATE_PREFIX => Change::Mandate(Box::new(self.changed::<Mandate>()?)),
            RECHARGE_PREFIX => Change::Recharge(self.changed::<Recharge>()?),
            REFUND_PREFIX => Change::Refund(Box::new(self.changed::<Refund>()?)),
            REVERSAL_PREFIX => Change::Reversal(self.changed::<Reversal>()?),
            ENDPOINT_PREFIX => Change::Endpoint(Box::new(self.changed::<Endpoint>()?)),
            ADJUSTMENT_PREFIX => Change::Adjustment(Box::new(self.changed::<Adjustment>()?)),
            _ => return Ok(None),
        }))
    }

    fn changed<R: DeserializeOwned>(self) -> Result<Changed<R>, StoreError> {
        let before = self.before.map(|item| from_item(READ, item)).transpose()?;
        Ok(Changed { before, after: from_item(READ, self.after)? })
    }

    /// A version that is replaced before it takes effect is another one.
    fn plan(self) -> Result<Option<Change>, StoreError> {
        let before = self.before.as_ref().map(stored_version).transpose()?;
        let after = stored_version(&self.after)?;
        Ok((before.as_ref() != Some(&after)).then_some(Change::Plan(after)))
    }
}

/// An item in the form of the stream; none if there is none.
fn image(image: &Value) -> Result<Option<Item>, StoreError> {
    if image.is_null() {
        return Ok(None);
    }
    let item = serde_json::from_value::<serde_dynamo::Item>(image.clone());
    item.map(|item| Some(item.into())).map_err(|error| StoreError::corrupt(READ, error))
}
