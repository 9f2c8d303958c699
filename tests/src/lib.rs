//! Flows through the whole system, on a platform that a test can build, move through time, break
//! and audit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bill;
mod books;
mod export;
mod items;
mod machine;
mod platform;
mod portal;
mod report;
mod rights;
mod template;

pub use export::TableImage;
pub use items::{neighbours, registry_pk};
pub use machine::Machine;
pub use platform::{PLAN, Platform, agreement_no, fen, in_force, reason};
pub use portal::keyed;
pub use report::{Answer, record, record_of_amount, refused, report};
pub use rights::{Condition, Right, rights};
pub use template::{TEMPLATE, template};
