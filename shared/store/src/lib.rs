//! Steelyard's two DynamoDB tables: items, keys, and the conditional transactions.
//!
//! Ingest writes [`UsageTable`] and can't touch money; everything else is in [`BillingTable`].
//! What may be stored, and when, is decided by `steelyard-billing`; here it is stored if nothing
//! has changed since it was decided.

mod billing;
mod booking;
mod breaker;
mod due;
mod error;
mod item;
mod mandates;
mod plans;
mod query;
mod record;
pub mod schema;
mod tables;
mod transact;
mod unmatched;
mod usage;

pub use billing::{AccountPage, BillingTable, ProviderAccount, Stored};
pub use booking::{Booked, BookingError, MandateBooked};
pub use due::DueTask;
pub use error::{CommitError, StoreError};
pub use mandates::{AgreementOwner, MandateChange};
pub use plans::PlanStored;
pub use record::Record;
pub use usage::{
    Counted, CountedReport, Registration, ReportShare, TERMS_PER_DAY_MAX, TERMS_PER_SHARE_MAX,
    UsageTable, terms,
};
