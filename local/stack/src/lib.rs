//! The local stack: everything that Steelyard needs, in one process.
//!
//! The functions' own handlers over the embedded AWS services and the local Alipay, wired as the
//! template wires them. What AWS or Alipay does is in their crates; what a function does is in its
//! own.

mod catcher;
mod clock;
mod door;
mod functions;
mod listen;
mod notified;
mod server;
mod stack;
mod start;
mod status;
mod tables;

pub use clock::LocalClock;
pub use functions::{Functions, LOGS_QUEUE_URL, LocalMachine};
pub use notified::Notified;
pub use server::http_event;
pub use stack::{ALIPAY_SECRET, DueFunction, PORT, Reach, Scheduled, Stack, StackOptions};
pub use status::StackStatus;
pub use tables::{
    BILLING_TABLE, EVENTS_TABLE, USAGE_TABLE, local_events, local_tables, tables, tables_to_read,
};
