//! Every movement of money keeps the account's rules, and the journal alone says what the figures
//! are.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/agreement.rs"]
mod agreement;
mod charges;
mod collecting;
#[path = "../common/mod.rs"]
mod common;
mod days;
#[path = "../common/debits.rs"]
mod debits;
mod deposit;
mod gateway;
mod giving_up;
mod limits;
mod money;
mod payer;
mod payments;
mod properties;
#[path = "../common/realm.rs"]
mod realm;
mod refusals;

use jiff::Timestamp;

/// What a wall clock in Shanghai shows.
fn clock(instant: Timestamp) -> String {
    instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
}
