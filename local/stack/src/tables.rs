//! The tables of a stack, and of a deployment, over a client of DynamoDB.

use steelyard_books::Tables;
use steelyard_runtime::aws::{self, DynamoDb, SdkConfig};
use steelyard_store::{BillingTable, EventsTable, UsageTable};

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

/// The tables of usage and money of the local stack.
#[must_use]
pub fn local_tables(config: &SdkConfig) -> Tables {
    tables(config, USAGE_TABLE, BILLING_TABLE)
}

/// The tables of usage and money of those names.
#[must_use]
pub fn tables(config: &SdkConfig, usage: &str, billing: &str) -> Tables {
    over(aws::dynamodb(config), usage, billing)
}

/// The same tables, to read: what would write is refused before it is sent.
#[must_use]
pub fn tables_to_read(config: &SdkConfig, usage: &str, billing: &str) -> Tables {
    over(aws::dynamodb_read_only(config), usage, billing)
}

fn over(client: DynamoDb, usage: &str, billing: &str) -> Tables {
    Tables {
        usage: UsageTable::new(client.clone(), usage.to_owned()),
        billing: BillingTable::new(client, billing.to_owned()),
    }
}
