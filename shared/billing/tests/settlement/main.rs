//! Days add up to the month, whatever comes late, whatever terms change inside it, and however
//! often settlement runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adjustments;
#[path = "../common/agreement.rs"]
mod agreement;
mod alerts;
#[path = "../audit/books.rs"]
mod books;
mod changes;
mod closes;
#[path = "../common/mod.rs"]
mod common;
mod days;
mod dues;
mod history;
mod late;
#[path = "../common/mandates.rs"]
mod mandates;
mod months;
mod note;
mod overrides;
mod plans;
mod prices;
mod properties;
#[path = "../common/reading.rs"]
mod reading;
mod refusals;
mod shop;
mod sums;
mod voids;
mod vouchers;
