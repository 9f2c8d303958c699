//! Steelyard's three DynamoDB tables: items, keys, and the conditional transactions.
//!
//! Ingest writes [`UsageTable`] and can't touch money; everything else is in [`BillingTable`],
//! except events, which are in [`EventsTable`]. This crate knows items, keys and conditions. It
//! decides nothing: `steelyard-billing` decides what is stored, and `steelyard-books` loads,
//! decides and stores.

mod access;
mod accounts;
mod actions;
mod adjustments;
mod batch;
mod bill_runs;
mod breaker;
mod changes;
mod combined;
mod corrections;
mod cumulative;
mod due;
mod endpoints;
mod error;
mod events;
mod idempotency;
mod item;
mod ladders;
mod logs;
mod mandates;
mod packed;
mod packed_parts;
mod plans;
mod query;
mod realm;
mod reconciliation;
mod record;
mod refused;
mod registry;
mod reports;
mod rules;
mod runs;
pub mod schema;
mod session_links;
mod statement_detail;
mod statements;
mod table;
mod tables;
mod unreadable;
mod usage;
mod usage_read;
mod writes;

pub use access::StoredAccess;
pub use accounts::{AccountPage, ProviderAccount, Stored};
pub use actions::ActionPage;
pub use bill_runs::StoredRun;
pub use changes::stream_change;
pub use combined::{CombinedAt, OfMinute};
pub use cumulative::{CumulativeReport, Raised};
pub use due::{Due, DueCursor, DueIndex, DuePage, DueRecord};
pub use endpoints::AddressedLetter;
pub use error::{CommitError, StoreError};
pub use events::{EventsTable, NewEvents, event_data};
pub use idempotency::IdempotentAnswer;
pub use ladders::{StoredLadder, StoredLadders};
pub use plans::{StoredPlan, StoredPlans};
pub use realm::Realms;
pub use reconciliation::Unshown;
pub use record::{DebitsAndMandates, Record};
pub use registry::{
    RegistryCursor, RegistryCursorError, RegistryEntry, RegistryPage, RegistryShards,
};
pub use reports::{Counted, CountedReport, Withdrawn};
pub use rules::{StoredRule, StoredRules};
pub use runs::{LatestRuns, RUNS_REGARDED};
pub use session_links::session_link_id;
pub use statements::{BookedTransfer, TransferOf};
pub use table::BillingTable;
pub use unreadable::{Found, Unreadable};
pub use usage::{Registrations, UsageTable};
pub use usage_read::NewUsage;
pub use writes::Writes;
