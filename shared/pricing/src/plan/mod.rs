//! Plans: named price lists, each version in force from a billing day on.

mod alerts;
mod bounds;
mod catalog;
mod check;
mod concession;
mod conversion;
mod deposit;
mod discount;
mod matcher;
mod overrides;
pub(crate) mod read;
mod warning;

use serde::{Deserialize, Serialize};

pub use alerts::{
    ALERT_DAYS_MAX, ALERT_PERCENT_MAX, ALERT_PERCENTS_MAX, AlertRules, AlertTopic, AllowanceUnit,
    AllowanceUsed, BalanceRule, BudgetRule,
};
pub use catalog::Catalog;
pub use conversion::{Conversion, Rounded};
pub use deposit::Deposit;
pub use discount::{Discount, DiscountOf, Given, Remainder};
pub use overrides::Override;
pub use warning::Warning;

use crate::{
    ApiName, ApiPattern, BillingDay, Metric, Name, PlanError, PriceModel, Quantity, Rounding, Tax,
    Usage, Yuan,
};

/// One version of a plan.
///
/// Guarantees that every price model makes sense, that no two rates cover an API equally well, and
/// that whatever can be counted can be priced exactly.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "PlanDocument", into = "PlanDocument")]
pub struct Plan {
    document: PlanDocument,
    matcher: matcher::Matcher,
}

/// A plan as it is written down, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(title = "Plan"))]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// The name that the plan's versions share.
    pub plan: Name,
    /// The first billing day on which this version is in force.
    pub effective_from: BillingDay,
    /// What the plan is and where its prices come from, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How the month's exact price becomes whole fen.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rounding: Rounding,
    /// Whether tiers and allowances go on where this version begins inside a month: unless given
    /// they do after another version of the plan, and do not after another plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_change: Option<OnChange>,
    /// The conversion of metered figures into units, in every rate that has no conversion of its
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
    /// The units that are free in each month over all rates that price calls, beyond the rates' own
    /// allowances; rates use it up in the order of the document.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_per_month: Quantity,
    /// Free units of each billing day, across all rates; none unless given.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_per_day: Quantity,
    /// What is taken off the sum of all rates, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Discount>,
    /// The least that all rates cost in a month, in yuan; trued up by the month's last statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    pub minimum: Option<Yuan>,
    /// The most that all rates cost in a month, in yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    pub maximum: Option<Yuan>,
    /// The tax on the prices, and whether they include it; no tax is shown unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Tax>,
    /// The deposit that a provider on the plan pays; none unless given. It changes no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<Deposit>,
    /// What is watched of the costs of its providers, unless they set it otherwise.
    #[serde(default, skip_serializing_if = "AlertRules::is_empty")]
    pub alerts: AlertRules,
    /// The rates, each for other APIs.
    pub rates: Vec<Rate>,
}

/// What a plan that begins inside a month does with the units that were metered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnChange {
    /// Units go on where rates of the same name stand: in tiers, allowances, minimums and maximums.
    Continue,
    /// Tiers start again, and allowances, minimums and maximums are given by days.
    Restart,
}

/// One price of a plan: which APIs it covers, its allowance, its price model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The name of the rate, unique in the plan.
    pub rate: Name,
    /// The APIs that it covers: exact names, or prefixes followed by `*`.
    pub apis: Vec<ApiPattern>,
    /// The conversion of metered figures into units; the plan's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
    /// The units that are free in each billing month, shared by the rate's APIs.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_per_month: Quantity,
    /// The units that are free on each billing day, shared by the rate's APIs; what a day leaves is
    /// lost.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_per_day: Quantity,
    /// What the units beyond the allowance cost.
    pub price: PriceModel,
    /// Whether each day is charged, or the whole month on its last day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub charged: Charged,
    /// The discounts, in the order in which they apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Discount>,
    /// The least that the rate costs in a month, in yuan; trued up by the month's last statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    pub minimum: Option<Yuan>,
    /// The most that the rate costs in a month, in yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    pub maximum: Option<Yuan>,
}

/// When what is metered under a rate is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Charged {
    /// Day by day: a later day can be a credit, where more usage makes all of it cheaper.
    #[default]
    Daily,
    /// All of it with the month's last day; until then its lines charge nothing.
    AtMonthEnd,
}

impl Plan {
    /// The name that the plan's versions share.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.document.plan
    }

    /// The first billing day on which this version is in force.
    #[must_use]
    pub fn effective_from(&self) -> BillingDay {
        self.document.effective_from
    }

    /// The prices, in the order of the document.
    #[must_use]
    pub fn rates(&self) -> &[Rate] {
        &self.document.rates
    }

    /// The plan as it was written down.
    #[must_use]
    pub fn document(&self) -> &PlanDocument {
        &self.document
    }

    /// The rate that covers the API: an exact name wins over prefixes, a longer prefix over a
    /// shorter one.
    #[must_use]
    pub fn rate_of(&self, api: &ApiName) -> Option<&Rate> {
        self.rates().get(self.rate_index(api)?)
    }

    /// The name under which calls of an API are summed when there are too many names, since its own
    /// is any that a client chose; none for an API that the plan lists by its name.
    #[must_use]
    pub fn other_of(&self, api: &ApiName) -> Option<ApiName> {
        if self.matcher.lists(api) {
            return None;
        }
        let prefix = self.matcher.longest_prefix(api).map_or("", |(prefix, _)| prefix);
        Some(ApiName::other(prefix))
    }

    /// The place of that rate among the plan's.
    pub(crate) fn rate_index(&self, api: &ApiName) -> Option<usize> {
        self.matcher.rate_of(api)
    }

    /// Whether something may be due at the end of a month although nothing was used.
    #[must_use]
    pub fn is_due_without_usage(&self) -> bool {
        let of_rate = |rate: &Rate| rate.minimum.is_some() || rate.price.is_due_without_usage();
        self.document.minimum.is_some() || self.rates().iter().any(of_rate)
    }

    /// Whether units go on where this plan follows the other inside a month.
    pub(crate) fn continues(&self, other: &Plan) -> bool {
        if self.name() == other.name() && self.effective_from() == other.effective_from() {
            return true;
        }
        match self.document.on_change {
            Some(OnChange::Continue) => true,
            Some(OnChange::Restart) => false,
            None => self.name() == other.name(),
        }
    }

    /// Whether any units are free by the day, so that it matters on which day they were used.
    #[must_use]
    pub fn gives_by_day(&self) -> bool {
        let by_day = |rate: &Rate| !rate.free_per_day.is_zero();
        !self.document.free_per_day.is_zero() || self.rates().iter().any(by_day)
    }

    /// The warnings about the document: legal, but probably not meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        warning::of(&self.document)
    }

    /// The warnings about some usage: rates under which nothing is rated, and percentages of
    /// amounts that were not reported.
    #[must_use]
    pub fn warnings_for(&self, usage: &Usage) -> Vec<Warning> {
        warning::for_usage(self, usage)
    }
}

impl PlanDocument {
    /// What is metered under the rate becomes units so; as it is unless given.
    pub(crate) fn conversion_of<'a>(&'a self, rate: &'a Rate) -> Option<&'a Conversion> {
        rate.conversion.as_ref().or(self.conversion.as_ref())
    }

    /// The kind of the units of an allowance: of a rate, or without one of the allowance that all
    /// rates share which price calls.
    #[must_use]
    pub fn unit_of(&self, rate: Option<&Name>) -> AllowanceUnit {
        let is_of = |of: &&Rate| match rate {
            Some(name) => of.rate == *name,
            None => of.price.metric() == Metric::Calls,
        };
        let mut units = self.rates.iter().filter(is_of).map(|rate| {
            match (rate.price.metric(), self.conversion_of(rate)) {
                (_, Some(_)) => AllowanceUnit::Units,
                (Metric::Calls, None) => AllowanceUnit::Calls,
                (Metric::Amount, None) => AllowanceUnit::Yuan,
            }
        });
        let first = units.next().unwrap_or(AllowanceUnit::Units);
        if units.all(|unit| unit == first) { first } else { AllowanceUnit::Units }
    }
}

impl PartialEq for Plan {
    fn eq(&self, other: &Plan) -> bool {
        self.document == other.document
    }
}

impl Eq for Plan {}

impl TryFrom<PlanDocument> for Plan {
    type Error = PlanError;

    fn try_from(document: PlanDocument) -> Result<Plan, PlanError> {
        check::document(&document)?;
        let matcher = matcher::Matcher::of(&document.rates);
        Ok(Plan { document, matcher })
    }
}

impl From<Plan> for PlanDocument {
    fn from(plan: Plan) -> PlanDocument {
        plan.document
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
