//! The tables, here or in AWS.

use steelyard_runtime::aws::{self, SdkConfig};
use steelyard_store::{BillingTable, EventsTable, StoreError, UsageTable};

/// The two tables of usage and money.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The usage table: reports and grants.
    pub usage: UsageTable,
    /// The billing table: all money, and every record of it.
    pub billing: BillingTable,
}

/// The name of the usage table in the local stack.
pub const USAGE_TABLE: &str = "steelyard-usage";

/// The name of the billing table in the local stack.
pub const BILLING_TABLE: &str = "steelyard-billing";

/// The name of the events table in the local stack.
pub const EVENTS_TABLE: &str = "steelyard-events";

/// The events table of the local stack.
#[must_use]
pub fn local_events(config: &SdkConfig) -> EventsTable {
    EventsTable::new(aws::dynamodb(config), EVENTS_TABLE.to_owned())
}

impl Tables {
    /// The tables of the local stack.
    #[must_use]
    pub fn local(config: &SdkConfig) -> Tables {
        Tables::new(config, USAGE_TABLE, BILLING_TABLE)
    }

    /// Makes both tables where no deployment has; those that exist are left as they are.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when DynamoDB refuses.
    pub async fn create(&self) -> Result<(), StoreError> {
        self.usage.create().await?;
        self.billing.create().await
    }

    /// The tables of those names.
    #[must_use]
    pub fn new(config: &SdkConfig, usage: &str, billing: &str) -> Tables {
        Tables::over(aws::dynamodb(config), usage, billing)
    }

    /// The tables of those names, to read: what would write is refused before it is sent.
    #[must_use]
    pub fn read_only(config: &SdkConfig, usage: &str, billing: &str) -> Tables {
        Tables::over(aws::dynamodb_read_only(config), usage, billing)
    }

    fn over(client: aws::DynamoDb, usage: &str, billing: &str) -> Tables {
        Tables {
            usage: UsageTable::new(client.clone(), usage.to_owned()),
            billing: BillingTable::new(client, billing.to_owned()),
        }
    }
}
