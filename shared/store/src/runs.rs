//! When settlement last ran. A clock that was set back is recognized by it.

use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{from_item, number, string};
use crate::query::Range;
use crate::schema::{FORMAT, FORMAT_NAME, PK, RUNS, SETTLED_AT_S, SETTLEMENT, SK};
use crate::writes::Written;
use crate::{BillingTable, StoreError};

/// The latest settlement run, as it is stored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct SettlementRun {
    /// When the run began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    settled_at_s: Timestamp,
}

const READ: &str = "read when settlement last ran";
const NOTE: &str = "note that settlement runs";

impl BillingTable {
    /// The latest time at which a settlement run began, to the second; none before the first run.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn last_settlement(&self) -> Result<Option<Timestamp>, StoreError> {
        let range = Range::one(&self.table, RUNS.to_owned(), SETTLEMENT.to_owned());
        let found = range.all(&self.client, READ).await?.pop();
        let run: Option<SettlementRun> = found.map(|item| from_item(READ, item)).transpose()?;
        Ok(run.map(|run| run.settled_at_s))
    }

    /// Notes that a settlement run begins at `now`, a whole second, and returns the latest time at
    /// which one began: `now`, or the later time that is stored. The stored time only ever moves
    /// forward.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written.
    pub async fn note_settlement(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(RUNS))
            .key(SK, string(SETTLEMENT))
            .update_expression("SET #settled_at = :now, #format = :format")
            .condition_expression("attribute_not_exists(pk) OR #settled_at < :now")
            .expression_attribute_names("#settled_at", SETTLED_AT_S)
            .expression_attribute_names("#format", FORMAT_NAME)
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":format", number(FORMAT))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::corrupt(NOTE, error))?;
        let mut writes = self.writes(NOTE);
        writes.update(update);
        match writes.write(&self.client).await? {
            Written::All => Ok(now),
            // The stored run may be this very write, whose answer was lost.
            Written::ConditionFailed(mut found) => {
                let run = found.pop().flatten().unwrap_or_default();
                from_item::<SettlementRun>(NOTE, run).map(|run| run.settled_at_s)
            }
        }
    }
}
