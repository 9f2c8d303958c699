//! What is watched of a provider's costs: rules that a provider sets, over those of its plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::is_default;
use super::read::read;
use crate::faults::{CAP_MAX, Faults, PlanError, Rule};
use crate::{Fen, Name, Yuan};

/// The most percentages of one rule.
pub const ALERT_PERCENTS_MAX: usize = 10;

/// The highest percentage of a rule.
pub const ALERT_PERCENT_MAX: u16 = 1_000;

/// The most days that a prepaid balance is asked to last.
pub const ALERT_DAYS_MAX: u16 = 366;

/// The figures that are watched, and their lines. A field that is left out is as the plan has it;
/// and a figure that the plan leaves out is not watched, except the budget: of that, 120% and an
/// expected 150% of the month before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AlertRules {
    /// What a month may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub budget: Option<BudgetRule>,
    /// When the prepaid balance is low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub balance: Option<BalanceRule>,
    /// The percentages of an allowance at whose use an alert is triggered, in rising order, to 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(inner(range(min = 1, max = 100)), length(max = 10)))]
    #[cfg_attr(feature = "openapi", schema(max_items = 10))]
    pub allowance_percent: Vec<u16>,
    /// A day is unusual with so many percent of the calls that the same weekday usually has, from
    /// 101.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 101, max = 1000)))]
    #[cfg_attr(feature = "openapi", schema(minimum = 101, maximum = 1000, nullable = false))]
    pub unusual_day_percent: Option<u16>,
    /// The cost of a month at which the provider prefers to be cut off, in yuan. A plan has none.
    #[serde(default, rename = "cap", skip_serializing_if = "Option::is_none", with = "yuan")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, nullable = false, example = "1000.00")
    )]
    pub cap_fen: Option<Fen>,
    /// The topics that are not watched, whatever the plan says.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub off: BTreeSet<AlertTopic>,
}

/// What a month may cost, and at which parts of it an alert is triggered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BudgetRule {
    /// The budget of a month, in yuan; what the month before was charged, unless given.
    #[serde(default, rename = "monthly", skip_serializing_if = "Option::is_none", with = "yuan")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, nullable = false, example = "500.00")
    )]
    pub monthly_fen: Option<Fen>,
    /// The percentages of the budget, in rising order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(inner(range(min = 1, max = 1000)), length(max = 10)))]
    #[cfg_attr(feature = "openapi", schema(max_items = 10))]
    pub percent: Vec<u16>,
    /// The percentage of the budget for what the whole month is expected to cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000)))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000, nullable = false))]
    pub forecast_percent: Option<u16>,
}

/// When a prepaid balance is low.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BalanceRule {
    /// When so many yuan are left, or fewer.
    #[serde(default, rename = "below", skip_serializing_if = "Option::is_none", with = "yuan")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, nullable = false, example = "100.00")
    )]
    pub below_fen: Option<Fen>,
    /// When it lasts for so many days, or fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 366)))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 366, nullable = false))]
    pub days: Option<u16>,
}

/// The figures that rules of alerts can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertTopic {
    /// What the month costs, and is expected to cost.
    Budget,
    /// The prepaid balance.
    Balance,
    /// The use of allowances.
    Allowance,
    /// The calls of a day.
    UnusualDay,
}

impl Default for BudgetRule {
    /// A fifth more than the month before was charged, or half more expected.
    fn default() -> BudgetRule {
        BudgetRule { monthly_fen: None, percent: vec![120], forecast_percent: Some(150) }
    }
}

impl AlertRules {
    /// Reads and checks the rules of a provider.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of all that is wrong.
    pub fn read(document: &str) -> Result<AlertRules, PlanError> {
        let rules: AlertRules = read(steelyard_json::parse(document.as_bytes())?)?;
        rules.checked()?;
        Ok(rules)
    }

    /// Whether they keep every rule: those of a provider, which may have a cap.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of all that is wrong.
    pub fn checked(&self) -> Result<(), PlanError> {
        let mut faults = Faults::new();
        self.check(&mut faults);
        faults.none()
    }

    /// Whether a plan may have them.
    pub(super) fn check_of_plan(&self, faults: &mut Faults) {
        self.check(faults);
        faults.at("cap", |faults| faults.unless(self.cap_fen.is_none(), || Rule::CapOfPlan));
    }

    fn check(&self, faults: &mut Faults) {
        if let Some(BudgetRule { monthly_fen, percent, forecast_percent }) = &self.budget {
            faults.at("budget", |faults| {
                let watches = !percent.is_empty() || forecast_percent.is_some();
                faults.unless(watches, || Rule::WatchesNothing);
                check_amount("monthly", *monthly_fen, faults);
                check_percents("percent", percent, (1, ALERT_PERCENT_MAX), faults);
                check_percent("forecast_percent", *forecast_percent, 1, faults);
            });
        }
        if let Some(BalanceRule { below_fen, days }) = &self.balance {
            faults.at("balance", |faults| {
                faults.unless(below_fen.is_some() || days.is_some(), || Rule::WatchesNothing);
                check_amount("below", *below_fen, faults);
                let fits = days.is_none_or(|days| (1..=ALERT_DAYS_MAX).contains(&days));
                faults.at("days", |faults| faults.unless(fits, || Rule::AlertDays));
            });
        }
        check_percents("allowance_percent", &self.allowance_percent, (1, 100), faults);
        check_percent("unusual_day_percent", self.unusual_day_percent, 101, faults);
        check_amount("cap", self.cap_fen, faults);
        faults.at("off", |faults| {
            for topic in self.off.iter().filter(|topic| self.sets(**topic)) {
                faults.note(Rule::OffAndSet(*topic));
            }
        });
    }

    /// Whether they say themselves how something is watched.
    fn sets(&self, topic: AlertTopic) -> bool {
        match topic {
            AlertTopic::Budget => self.budget.is_some(),
            AlertTopic::Balance => self.balance.is_some(),
            AlertTopic::Allowance => !self.allowance_percent.is_empty(),
            AlertTopic::UnusualDay => self.unusual_day_percent.is_some(),
        }
    }

    /// The rules that hold: these, and for what they leave out those of a plan, and the default
    /// budget.
    #[must_use]
    pub fn over(&self, plan: &AlertRules) -> AlertRules {
        let with_plan = |topic| {
            let own = self.sets(topic) || self.off.contains(&topic);
            (!own && !plan.off.contains(&topic)).then_some(plan)
        };
        let of = |topic| with_plan(topic).unwrap_or(self);
        let budget = with_plan(AlertTopic::Budget)
            .map(|plan| plan.budget.clone().unwrap_or_default())
            .or_else(|| self.budget.clone());
        AlertRules {
            budget,
            balance: of(AlertTopic::Balance).balance.clone(),
            allowance_percent: of(AlertTopic::Allowance).allowance_percent.clone(),
            unusual_day_percent: of(AlertTopic::UnusualDay).unusual_day_percent,
            cap_fen: self.cap_fen,
            off: BTreeSet::new(),
        }
    }

    /// Whether they say nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        is_default(self)
    }
}

fn check_percents(
    field: &'static str,
    percents: &[u16],
    (least, most): (u16, u16),
    faults: &mut Faults,
) {
    faults.at(field, |faults| {
        faults.unless(percents.len() <= ALERT_PERCENTS_MAX, || Rule::TooManyPercents);
        let mut before = None;
        for (index, percent) in percents.iter().enumerate() {
            faults.at(index, |faults| {
                let fits = (least..=most).contains(percent);
                faults.unless(fits, || Rule::AlertPercent { least, most });
                faults.unless(before.is_none_or(|before| before < *percent), || Rule::PercentOrder);
            });
            before = Some(*percent);
        }
    });
}

fn check_percent(field: &'static str, percent: Option<u16>, least: u16, faults: &mut Faults) {
    let most = ALERT_PERCENT_MAX;
    let fits = percent.is_none_or(|percent| (least..=most).contains(&percent));
    faults.at(field, |faults| faults.unless(fits, || Rule::AlertPercent { least, most }));
}

fn check_amount(field: &'static str, amount: Option<Fen>, faults: &mut Faults) {
    let most = Yuan::new(CAP_MAX.into());
    let fits = amount.is_none_or(|fen| fen.is_positive() && Yuan::from(fen) <= most);
    faults.at(field, |faults| faults.unless(fits, || Rule::AlertAmount));
}

impl std::fmt::Display for AlertTopic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            AlertTopic::Budget => "budget",
            AlertTopic::Balance => "balance",
            AlertTopic::Allowance => "allowance",
            AlertTopic::UnusualDay => "unusual_day",
        })
    }
}

/// What the units of an allowance are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AllowanceUnit {
    /// Calls, as they were metered.
    Calls,
    /// Yuan that went through calls.
    Yuan,
    /// What calls are converted to.
    Units,
}

/// An allowance of a segment, and what was used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowanceUsed {
    /// The rate that it is of; none for the allowance of all rates together.
    pub rate: Option<Name>,
    /// The kind of its units.
    pub unit: AllowanceUnit,
    /// The units that are free.
    pub free: rust_decimal::Decimal,
    /// The units of it that were used.
    pub used: rust_decimal::Decimal,
}

/// Amounts of rules, as people write them: yuan as a text with at most two decimals.
mod yuan {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::Fen;

    pub(super) fn serialize<S: Serializer>(
        amount: &Option<Fen>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match amount {
            Some(fen) => serializer.collect_str(fen),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Fen>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Some).map_err(serde::de::Error::custom)
    }
}
