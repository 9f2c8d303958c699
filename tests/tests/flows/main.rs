//! Flows through the whole system, each of real parts: the functions over the embedded services, the
//! SDK, HTTP, signatures. One binary, since each would link the whole system again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_log;
mod await_points;
mod breaker;
mod capacity;
mod debits;
mod faults;
mod ingest;
mod kill;
mod local;
mod mandates;
mod notifications;
mod partial;
mod quote;
mod recharges;
mod reconcile;
mod refunds;
mod refusals;
mod refused_debits;
mod settle;
mod store;
mod template;
