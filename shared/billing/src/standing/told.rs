//! The standing that was last reported, and the days on which time alone may change it.

use serde::{Deserialize, Serialize};
use steelyard_pricing::BillingDay;

use super::{Stage, Standing};
use crate::Account;

/// What gateways and the platform act on in a standing, as it was last reported. The default is
/// that of a provider without a report: it is in good standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingTold {
    /// The version of the account from which it was reported.
    pub version: u64,
    /// The stage that was reported.
    pub stage: Stage,
    /// Whether the gateway lets no call pass.
    #[serde(default, skip_serializing_if = "crate::is_zero")]
    pub blocked: bool,
    /// How many calls a second pass; none if as many as come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<u32>,
}

impl StandingTold {
    /// The parts of a standing that are reported.
    #[must_use]
    pub fn of(standing: &Standing) -> StandingTold {
        let Standing { version, stage, blocked, calls_per_second, .. } = *standing;
        StandingTold { version, stage, blocked, calls_per_second }
    }

    /// Whether a standing asks nothing of anybody that the last report did not.
    #[must_use]
    pub fn still_holds(&self, standing: &Standing) -> bool {
        StandingTold { version: self.version, ..StandingTold::of(standing) } == *self
    }
}

impl Account {
    /// The account after the settlement of a day looked at its standing: where time alone may have
    /// changed that, the day is noted. So the account changes, and the function that follows
    /// changes looks at it anew. A hold that is over is removed.
    #[must_use]
    pub fn standing_noted(self, today: BillingDay) -> Account {
        if self.unpaid.is_empty() && self.stage_hold.is_none() {
            return self;
        }
        let stage_hold = self.stage_hold.filter(|hold| today < hold.until);
        Account { stage_hold, standing_noted_on: Some(today), ..self }
    }
}
