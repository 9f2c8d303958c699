//! The standing of a provider, as views show it.

use serde::Serialize;
use steelyard_billing::{Because, NextStage, Stage, Standing};
use steelyard_pricing::{BillingDay, Fen};
use utoipa::ToSchema;

/// What a provider's arrears, or a decision of the platform, mean for its calls now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StandingView {
    /// The stage: `notice`, `throttled`, `payouts_frozen`, `suspended` or `terminated`.
    #[schema(value_type = String)]
    pub stage: Stage,
    /// How many calls a second pass; none if as many as come, or none at all.
    pub calls_per_second: Option<u32>,
    /// The day from which the debt is counted; none if nothing is owed.
    #[schema(value_type = Option<String>)]
    pub owed_since: Option<BillingDay>,
    /// The least payment that restores a good standing today; zero if none does.
    #[schema(value_type = i64)]
    pub cure_fen: Fen,
    /// What the platform decided, if the stage is its decision.
    pub held: Option<HeldView>,
    /// The next stage, if nothing is paid.
    pub next: Option<StageToCome>,
}

/// A decision of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldView {
    /// The end date (exclusive).
    #[schema(value_type = String)]
    pub until: BillingDay,
    /// Why, in the operator's words.
    pub reason: String,
}

/// A stage that is reached later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StageToCome {
    /// The stage that will be reached.
    #[schema(value_type = String)]
    pub stage: Stage,
    /// The day on which it is reached.
    #[schema(value_type = String)]
    pub on: BillingDay,
}

impl StandingView {
    /// A standing that has consequences; none for a good one.
    #[must_use]
    pub fn of(standing: &Standing) -> Option<StandingView> {
        if standing.stage == Stage::Good {
            return None;
        }
        let held = match &standing.because {
            Because::Held { until, reason } => {
                Some(HeldView { until: *until, reason: reason.to_string() })
            }
            Because::NoLadder
            | Because::Exempt
            | Because::NoStepReached
            | Because::Overdue
            | Because::Owed
            | Because::Capped { .. } => None,
        };
        let blocked = standing.stage >= Stage::Suspended;
        Some(StandingView {
            stage: standing.stage,
            calls_per_second: standing.calls_per_second.filter(|_| !blocked),
            owed_since: standing.owed_since,
            cure_fen: standing.cure_fen,
            held,
            next: standing.next.map(|NextStage { stage, on }| StageToCome { stage, on }),
        })
    }
}
