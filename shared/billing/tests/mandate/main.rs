//! A mandate lives once: every phase by every answer and notice, and any sequence of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/debits.rs"]
mod debits;
mod inputs;
mod limits;
mod notices;
mod properties;
#[path = "../common/realm.rs"]
mod realm;
mod stored;
mod table;
mod times;

use jiff::Timestamp;

/// What a wall clock in Shanghai shows.
fn clock(instant: Timestamp) -> String {
    instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
}
