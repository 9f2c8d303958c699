//! Runs, endpoints, the breaker and reconciled days: what the platform does.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

use crate::breaker::Trip;
use crate::event::Subject;
use crate::webhook::DisabledBecause;
use crate::{EndpointName, Reason};

/// The content of `settlement.finished`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettlementFinished {
    /// The number of the run, from 1.
    pub run: u64,
    /// When it began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub begun_at_s: Timestamp,
    /// How many providers it looked at.
    pub providers: u64,
    /// How many statements it made.
    pub statements: u64,
    /// The sum of their charges, in fen.
    pub charged_fen: Fen,
    /// How many providers could not be settled with their shard. Each is tried again alone.
    pub failed: u64,
    /// How many providers cannot be read.
    pub unreadable: u64,
}

/// The content of `settlement.late`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettlementLate {
    /// The number of the run, from 1.
    pub run: u64,
    /// When it began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub begun_at_s: Timestamp,
}

/// The content of `endpoint.disabled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointDisabled {
    /// Whose events the endpoint gets.
    pub of: Subject,
    /// The name of the endpoint among its subject's.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub endpoint: EndpointName,
    /// The condition that disabled it.
    pub because: DisabledBecause,
    /// The number after which it missed events.
    pub missed_after: u64,
}

/// The content of `breaker.opened`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BreakerOpened {
    /// The trouble that opened it.
    pub why: Trip,
}

/// The content of `breaker.closed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BreakerClosed {
    /// Why a person closed it; none if a probe succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The content of `reconciliation.done` and `reconciliation.differs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReconciliationDone {
    /// The day of the bill.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub day: Date,
    /// How many rows of the bill are about trades.
    pub rows: u32,
    /// How many of them agree with the books.
    pub matched: u32,
    /// How many rows cannot be read.
    pub unreadable_rows: u32,
    /// How many differences there are.
    pub findings: u32,
    /// Why an operator skipped the day; none if it was reconciled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Reason>,
}
