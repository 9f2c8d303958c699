//! A debit takes its amount once or never: every phase by every answer, and any sequence of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/debits.rs"]
mod debits;
mod doubts;
mod inputs;
mod persons;
mod proofs;
mod properties;
#[path = "../common/realm.rs"]
mod realm;
mod refusals;
mod retries;
mod sending;
mod simulation;
mod stored;
mod table;

use jiff::Timestamp;

/// What a wall clock in Shanghai shows.
fn clock(instant: Timestamp) -> String {
    instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
}
