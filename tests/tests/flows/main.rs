//! Flows through the whole system, each of real parts: the functions over the embedded services,
//! the SDK, HTTP, signatures. One binary, since each would link the whole system again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod access_log;
mod actions;
mod adjustments;
mod alerts;
mod await_points;
mod breaker;
mod capacity;
mod catch_up;
mod closing;
mod correction_sets;
mod corrections;
mod cumulative;
mod debits;
mod deposit;
mod dispatch;
mod documents;
mod events;
mod every_event;
mod faults;
mod ingest;
mod kept;
mod kill;
mod local;
mod mandates;
mod names;
mod night;
mod notifications;
mod own_trouble;
mod partial;
mod portal;
mod quote;
mod realm;
mod recharges;
mod reconcile;
mod refunds;
mod refusals;
mod refused_debits;
mod requested;
mod retention;
mod rights;
mod runs;
mod s3_logs;
mod settle;
mod standing;
mod standing_told;
mod store;
mod template;
mod unreadable;
mod usage;
mod ways_in;
mod webhooks;
mod writes;
