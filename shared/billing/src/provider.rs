//! A provider: what it is billed by, and what it has allowed us to withhold.

use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, BillingMonth, Catalog, Fen, Name, Plan};
use thiserror::Error;

use crate::ProviderId;

/// A third-party service provider: the customer that is billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its id.
    pub provider: ProviderId,
    /// The first billing month in which its usage is counted.
    pub billed_from: BillingMonth,
    /// The plans that it has been on, by the first day of each.
    pub plans: Vec<PlanAssignment>,
    /// The agreement by which we may withhold, if it signed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<Mandate>,
    /// How many counter items its sources are spread over, from 1; more for a provider whose
    /// sources together report more than some fifty times a second.
    pub counter_shards: u8,
}

/// A provider is on a plan from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAssignment {
    /// The first day: the first of a month.
    pub from: BillingDay,
    /// The plan.
    pub plan: Name,
}

/// A signed Alipay withholding agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// Alipay's number of the agreement.
    pub agreement_no: String,
    /// The most that one debit may take.
    pub single_limit_fen: Fen,
}

/// Why a mandate makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MandateError {
    /// Alipay's numbers are made of letters and digits.
    #[error("`{0}` is not the number of an agreement: letters and digits")]
    AgreementNo(String),
    /// The limit allows no debit, or more than Alipay takes at once.
    #[error("a debit takes from 0.01 to {DEBIT_MAX} yuan, so the limit can't be {0}")]
    SingleLimit(Fen),
}

/// The most that one debit may take, whatever the mandate allows: ¥100,000,000.00.
///
/// Source: alipay-easysdk `APIDoc.md`, `totalAmount`: yuan, two decimals, [0.01, 100000000].
pub const DEBIT_MAX: Fen = Fen::new(10_000_000_000);

impl Mandate {
    /// A mandate under which debits can be made.
    ///
    /// # Errors
    ///
    /// [`MandateError`] naming what is wrong.
    pub fn new(agreement_no: String, single_limit_fen: Fen) -> Result<Mandate, MandateError> {
        if agreement_no.is_empty() || !agreement_no.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(MandateError::AgreementNo(agreement_no));
        }
        if !single_limit_fen.is_positive() || single_limit_fen > DEBIT_MAX {
            return Err(MandateError::SingleLimit(single_limit_fen));
        }
        Ok(Mandate { agreement_no, single_limit_fen })
    }
}

/// Why a plan cannot be assigned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AssignError {
    /// The day is not the first of a month.
    #[error("a plan is assigned from the first of a month, not from {0}")]
    NotFirstOfMonth(BillingDay),
    /// A month that has been charged keeps the plan it was charged by.
    #[error("{0} has been charged already; assign the plan from a later month")]
    Charged(BillingMonth),
}

impl Provider {
    /// The version of the plan that rates the provider's usage of a month.
    #[must_use]
    pub fn plan_of<'a>(&self, month: BillingMonth, plans: &'a Catalog) -> Option<&'a Plan> {
        let day = month.first_day();
        let assignment =
            self.plans.iter().filter(|plan| plan.from <= day).max_by_key(|plan| plan.from)?;
        plans.in_force(&assignment.plan, day)
    }

    /// Puts the provider on a plan from a day on; what was to begin on that day is replaced.
    ///
    /// # Errors
    ///
    /// [`AssignError::NotFirstOfMonth`], and [`AssignError::Charged`] up to `charged`, the last
    /// month for which a statement was made.
    pub fn assign(
        &mut self,
        plan: Name,
        from: BillingDay,
        charged: Option<BillingMonth>,
    ) -> Result<(), AssignError> {
        if from.day_of_month() != 1 {
            return Err(AssignError::NotFirstOfMonth(from));
        }
        if charged.is_some_and(|charged| from.month() <= charged) {
            return Err(AssignError::Charged(from.month()));
        }
        self.plans.retain(|assignment| assignment.from != from);
        self.plans.push(PlanAssignment { from, plan });
        self.plans.sort_by_key(|assignment| assignment.from);
        Ok(())
    }
}
