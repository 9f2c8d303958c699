//! Flows through the whole system, on a platform that a test can build, move through time, break
//! and audit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bill;
mod books;
mod dies_after;
mod export;
mod items;
mod machine;
mod night;
mod offers;
mod platform;
mod queues;
mod report;
mod rights;
mod scale;
mod template;

pub use books::Balanced;
pub use dies_after::DiesAfter;
pub use export::TableImage;
pub use items::{neighbours, registry_pk};
pub use machine::Machine;
pub use night::{Cost, Hottest, Night, Step};
pub use offers::keyed;
pub use platform::{PLAN, Platform, agreement_no, fen, in_force, reason, reference};
pub use report::{Answer, record, record_of_amount, refused, report};
pub use rights::{Condition, Right, rights};
pub use scale::{COEFFICIENTS, Coefficient, tables};
pub use template::{TEMPLATE, template};
