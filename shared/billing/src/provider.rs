//! A provider: what it is billed by, and what it has allowed us to withhold.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use steelyard_pricing::{
    AlertRules, BillingDay, BillingMonth, Catalog, EarlierMonths, Fen, Name, Override, Plan,
    Segment, Terms, TermsError, TermsRef, VouchersUsed,
};
use thiserror::Error;

use crate::mandate::Mandate;
use crate::{MandateId, ProviderId, is_zero};

/// A third-party service provider: the customer that is billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The id that the platform gave it.
    pub provider: ProviderId,
    /// The first billing month in which its usage is counted.
    pub billed_from: BillingMonth,
    /// The plans that it has been on, by the first day of each.
    pub plans: Vec<PlanAssignment>,
    /// What it pays otherwise than its plans say, in the order in which overrides apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// The mandate under which debits are made, if there is one that can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<MandateInUse>,
    /// Its own rules of alerts; the plan's apply where it sets none.
    #[serde(default, skip_serializing_if = "AlertRules::is_empty")]
    pub alert_rules: AlertRules,
}

/// A provider is on a plan from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAssignment {
    /// The first day.
    pub from: BillingDay,
    /// The name of the plan, whichever of its versions is in force.
    pub plan: Name,
}

/// The mandate under which debits are made: what settlement has to know of it. It follows from the
/// mandate's own record, and changes only with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandateInUse {
    /// The mandate under which debits are made.
    pub mandate: MandateId,
    /// Alipay's number of the agreement.
    pub agreement_no: String,
    /// The most that one debit may take.
    pub limit_fen: Fen,
    /// The most that one day's debits may take, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_limit_fen: Option<Fen>,
    /// How often its limits were lowered: a debit is not sent by limits that were read before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lowered: u32,
}

/// The most that one debit may take, whatever the mandate allows: ¥100,000,000.00.
///
/// Source: alipay-easysdk `APIDoc.md`, `totalAmount`: yuan, two decimals, [0.01, 100000000].
pub const DEBIT_MAX: Fen = Fen::new(10_000_000_000);

/// Why the terms of a provider cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TermsChangeError {
    /// A day that has been settled keeps the terms it was settled by.
    #[error("{settled} is settled already; change the terms from a later day")]
    Settled {
        /// The last day that was settled.
        settled: BillingDay,
    },
    /// The first month can only move back: usage may be counted from it on.
    #[error("the provider is billed from {billed_from} on; {month} is not earlier")]
    NotEarlier {
        /// The month that was to be the first.
        month: BillingMonth,
        /// The first month.
        billed_from: BillingMonth,
    },
    /// There is an override of that name.
    #[error("there is an override `{0}` already; give this one another name")]
    OverrideExists(Name),
    /// There is no override of that name.
    #[error("there is no override `{0}`")]
    NoSuchOverride(Name),
    /// The override is over.
    #[error("override `{name}` ends on {until} already")]
    OverrideEnded {
        /// The name of the override.
        name: Name,
        /// The end date (exclusive).
        until: BillingDay,
    },
    /// The provider would be on no plan that is in force.
    #[error("no plan of the provider is in force on {0}")]
    NoPlan(BillingDay),
    /// An override does not fit the plan.
    #[error("the terms do not fit together")]
    Misfit(#[from] TermsError),
}

impl Provider {
    /// The provider after a mandate of it changed: that mandate is in use, or no longer.
    #[must_use]
    pub fn with_mandate(&self, changed: &Mandate) -> Provider {
        let was_in_use = self.mandate.as_ref().is_some_and(|m| m.mandate == changed.mandate);
        let mandate = match changed.in_use() {
            Some(in_use) => Some(in_use),
            None if was_in_use => None,
            None => self.mandate.clone(),
        };
        Provider { mandate, ..self.clone() }
    }

    /// What holds for the provider on a day: the version in force of the plan it is on, and the
    /// overrides that hold.
    #[must_use]
    pub fn terms_on<'a>(&'a self, day: BillingDay, plans: &'a Catalog) -> Option<Terms<'a>> {
        let begun = self.plans.iter().filter(|plan| plan.from <= day);
        let assignment = begun.max_by_key(|plan| plan.from)?;
        let plan = plans.in_force(&assignment.plan, day)?;
        let overrides = self.overrides.iter().filter(|over| over.holds_on(day)).collect();
        Some(Terms { plan, overrides })
    }

    /// What the months before that of a day mean for vouchers, `used` being what they used of them.
    #[must_use]
    pub fn months_before<'a>(&self, day: BillingDay, used: &'a VouchersUsed) -> EarlierMonths<'a> {
        EarlierMonths { first: self.billed_from, plan_since: self.plan_since(day), used }
    }

    /// The day from which the provider is on the plan of a day without a break.
    fn plan_since(&self, day: BillingDay) -> BillingDay {
        let mut begun = self.plans.iter().filter(|plan| plan.from <= day).collect::<Vec<_>>();
        begun.sort_by_key(|assignment| Reverse(assignment.from));
        let last = begun.first().map(|assignment| &assignment.plan);
        let same = begun.iter().take_while(|assignment| Some(&assignment.plan) == last);
        same.last().map_or(day, |assignment| assignment.from)
    }

    /// The terms of that name; none if a part of them is no longer stored.
    #[must_use]
    pub fn terms<'a>(&'a self, terms: &TermsRef, plans: &'a Catalog) -> Option<Terms<'a>> {
        let plan = plans.version(&terms.plan, terms.version)?;
        let find = |name: &Name| self.overrides.iter().find(|over| over.name == *name);
        let overrides = terms.overrides.iter().map(find).collect::<Option<Vec<_>>>()?;
        Some(Terms { plan, overrides })
    }

    /// Bills the provider from an earlier month on, by the plan that it began with.
    ///
    /// # Errors
    ///
    /// [`TermsChangeError`] when anything is settled, or the month is not earlier.
    pub fn bill_from(
        &mut self,
        month: BillingMonth,
        settled: Option<BillingDay>,
    ) -> Result<(), TermsChangeError> {
        if let Some(settled) = settled {
            return Err(TermsChangeError::Settled { settled });
        }
        if month >= self.billed_from {
            return Err(TermsChangeError::NotEarlier { month, billed_from: self.billed_from });
        }
        let first = self.billed_from.first_day();
        for assignment in self.plans.iter_mut().filter(|assignment| assignment.from == first) {
            assignment.from = month.first_day();
        }
        self.billed_from = month;
        Ok(())
    }

    /// Puts the provider on a plan from a day on; what was to begin on that day is replaced.
    ///
    /// # Errors
    ///
    /// [`TermsChangeError`] up to `settled`, the last day that was settled, when the plan is not in
    /// force on the day, or when an override that holds then does not fit it.
    pub fn assign(
        &mut self,
        plan: Name,
        from: BillingDay,
        plans: &Catalog,
        settled: Option<BillingDay>,
    ) -> Result<(), TermsChangeError> {
        check_unsettled(from, settled)?;
        let mut changed = self.clone();
        changed.plans.retain(|assignment| assignment.from != from);
        changed.plans.push(PlanAssignment { from, plan });
        changed.plans.sort_by_key(|assignment| assignment.from);
        changed.check_terms(from, plans)?;
        *self = changed;
        Ok(())
    }

    /// Gives the provider an override.
    ///
    /// # Errors
    ///
    /// [`TermsChangeError`] when it begins on a day that is settled, or does not fit the terms that
    /// hold when it begins, or that are known to hold later.
    pub fn add_override(
        &mut self,
        over: Override,
        plans: &Catalog,
        settled: Option<BillingDay>,
    ) -> Result<(), TermsChangeError> {
        check_unsettled(over.from, settled)?;
        if self.overrides.iter().any(|other| other.name == over.name) {
            return Err(TermsChangeError::OverrideExists(over.name));
        }
        let from = over.from;
        // Also one that never holds.
        let terms = self.terms_on(from, plans).ok_or(TermsChangeError::NoPlan(from))?;
        let applied = over.applied_to(terms.plan);
        applied.map_err(|source| TermsError { day: from, source })?;
        let mut changed = self.clone();
        changed.overrides.push(over);
        changed.check_terms(from, plans)?;
        *self = changed;
        Ok(())
    }

    /// Whether terms hold on a day, and those that hold from then on fit together, as far as is
    /// known: they change where a plan, a version or an override begins or ends.
    ///
    /// # Errors
    ///
    /// [`TermsChangeError::NoPlan`] or [`TermsChangeError::Misfit`] of the first day that cannot be
    /// rated.
    pub fn check_terms(&self, from: BillingDay, plans: &Catalog) -> Result<(), TermsChangeError> {
        let assigned = self.plans.iter().map(|assignment| assignment.from);
        let versions = plans.iter().map(Plan::effective_from);
        let overrides = self.overrides.iter().flat_map(|over| [Some(over.from), over.until]);
        let changes = assigned.chain(versions).chain(overrides.flatten());
        for day in std::iter::once(from).chain(changes.filter(|day| *day > from)) {
            let terms = self.terms_on(day, plans).ok_or(TermsChangeError::NoPlan(day))?;
            Segment::new(day, day.next(), &terms)?;
        }
        Ok(())
    }

    /// Ends an override before a day.
    ///
    /// # Errors
    ///
    /// [`TermsChangeError`] when there is none of that name, when it ends earlier, when the day is
    /// settled, or when the others do not fit without it.
    pub fn end_override(
        &mut self,
        name: &Name,
        until: BillingDay,
        plans: &Catalog,
        settled: Option<BillingDay>,
    ) -> Result<(), TermsChangeError> {
        check_unsettled(until, settled)?;
        let mut changed = self.clone();
        let found = changed.overrides.iter_mut().find(|over| over.name == *name);
        let over = found.ok_or_else(|| TermsChangeError::NoSuchOverride(name.clone()))?;
        if let Some(until) = over.until.filter(|ended| *ended <= until) {
            return Err(TermsChangeError::OverrideEnded { name: name.clone(), until });
        }
        if until <= over.from {
            // It never held: nothing was settled by it.
            changed.overrides.retain(|over| over.name != *name);
        } else {
            over.until = Some(until);
        }
        // Terms that do not fit together now may be mended one by one.
        if self.check_terms(until, plans).is_ok() {
            changed.check_terms(until, plans)?;
        }
        *self = changed;
        Ok(())
    }
}

fn check_unsettled(day: BillingDay, settled: Option<BillingDay>) -> Result<(), TermsChangeError> {
    match settled.filter(|settled| day <= *settled) {
        Some(settled) => Err(TermsChangeError::Settled { settled }),
        None => Ok(()),
    }
}
