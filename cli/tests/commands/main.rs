//! The commands, run as an operator runs them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod actions;
mod adjustments;
mod alerts;
mod bills;
mod busy;
mod campaign;
mod clock;
mod corrections;
mod debits;
mod deposit;
mod endpoints;
mod exits;
mod explain;
mod follow;
mod imports;
mod items;
mod listen;
mod logs;
mod mandates;
mod mistakes;
mod payments;
mod pipe;
mod plan;
mod platform;
mod price;
mod reach;
mod rules;
mod scrape;
mod show;
mod simulate;
mod standing;
mod start;
mod stored_logs;
mod tables;
mod terms;
mod tool;
mod usage;
mod webhooks;
