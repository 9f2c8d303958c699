//! A mandate lives once: every phase by everything that is told, and any sequence of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod inputs;
mod notices;
mod properties;
mod stored;
mod table;
mod times;

use jiff::Timestamp;

/// What a wall clock in Shanghai shows.
fn clock(instant: Timestamp) -> String {
    instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
}
