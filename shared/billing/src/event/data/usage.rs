//! What was used, what it costs, and what follows for a provider.

use serde::{Deserialize, Serialize};
use steelyard_pricing::{ApiName, BillingDay, BillingMonth, Fen, Name};

use crate::{
    AdjustmentId, AlertKind, Measure, Reason, ReportId, SourceId, Stage, Standing, StatementId,
};

/// The content of `statement.settled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatementSettled {
    /// The statement that was stored, by its day and supplement.
    pub statement: StatementId,
    /// The day that it settles.
    pub day: BillingDay,
    /// The charge in fen; negative for a credit.
    pub charge_fen: Fen,
    /// What of it the prepaid balance paid.
    pub from_prepaid_fen: Fen,
    /// What the month's statements charged for usage so far, this one included, without credit and
    /// debit notes.
    pub month_fen: Fen,
}

/// The content of `usage.unpriced`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageUnpriced {
    /// The statement that lists the usage.
    pub statement: StatementId,
    /// The APIs that no rate covers, with their new calls; the first [`UsageUnpriced::APIS_MAX`] by
    /// name.
    pub apis: Vec<UnpricedApi>,
    /// The number of such APIs, also of those that are not listed.
    pub count: u32,
}

impl UsageUnpriced {
    /// The most APIs that one event names.
    pub const APIS_MAX: usize = 20;
}

/// An API that no rate covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnpricedApi {
    /// The name of the API, as it was reported.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub api: ApiName,
    /// Its new calls.
    pub calls: u64,
}

/// The content of `usage.refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageRefused {
    /// The source that sent the report.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub source: SourceId,
    /// The id that the source chose for the report.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub report: ReportId,
    /// How many of its records were refused.
    pub records: u32,
    /// For how many providers and days its id stood for other usage already.
    pub conflicts: u32,
    /// Why, each reason once; at most ten.
    pub reasons: Vec<String>,
}

/// The content of `adjustment.made`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdjustmentMade {
    /// The id of the credit or debit note.
    pub adjustment: AdjustmentId,
    /// The charge in fen; negative for a credit.
    pub amount_fen: Fen,
    /// The statement that it corrects.
    pub corrects: StatementId,
    /// The reason, in the author's words.
    pub reason: Reason,
}

/// The content of `alert.triggered`, `alert.resolved`, `allowance.reached`, `cap.reached` and
/// `cap.lifted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertChanged {
    /// The kind of figure that crossed its line.
    pub kind: AlertKind,
    /// The rate whose allowance it is about; none for other kinds, and for the allowance of all
    /// rates together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Name>,
    /// The percentages that were crossed at once, in rising order; 100 where a rule has no
    /// percentages.
    pub percent: Vec<u16>,
    /// The line of the last of them.
    pub line: Measure,
    /// What the figure was when the alert was triggered.
    pub figure: Measure,
    /// The last day whose usage was in the figure.
    pub day: BillingDay,
}

/// The content of `standing.changed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StandingChanged {
    /// The stage before the change.
    pub before: Stage,
    /// The standing after it, as gateways get it.
    #[serde(flatten)]
    pub standing: Standing,
}

/// The content of `price.announced`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceAnnounced {
    /// The name of the plan that the provider is on.
    pub plan: Name,
    /// The day on which the version takes effect.
    pub effective_from: BillingDay,
    /// What the version would have changed for the provider; none for the platform, and where last
    /// month cannot be rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<PriceEffect>,
}

/// What a version of a plan would have changed of the usage of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceEffect {
    /// The month: the last one that is over.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub month: BillingMonth,
    /// What its usage costs by the terms that held.
    pub now_fen: Fen,
    /// What it would have cost with the version in force on all its days.
    pub then_fen: Fen,
    /// The difference; negative if it would have cost less.
    pub change_fen: Fen,
}
