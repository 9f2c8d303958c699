//! Every movement of money keeps the account's rules, and the journal alone says where it stands.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod charges;
#[path = "../common/mod.rs"]
mod common;
mod gateway;
mod money;
mod payments;
mod properties;
mod refusals;
