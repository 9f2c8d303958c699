//! Plans: named price lists, each version in force from a billing day on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{ApiName, ApiPattern, BillingDay, Calls, PriceModel, PriceModelError};

/// The name of a plan or of a rate: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// One version of a plan.
///
/// Guarantees that every price model makes sense and that no two rates cover an API equally well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PlanDocument", into = "PlanDocument")]
pub struct Plan(PlanDocument);

/// A plan as it is written down, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// The name that the plan's versions share.
    pub plan: Name,
    /// The first billing day on which this version is in force: the first of a month.
    pub effective_from: BillingDay,
    /// What the plan is and where its prices come from, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The prices.
    pub rates: Vec<Rate>,
}

/// One price of a plan: which APIs it covers, its allowance, its price model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The name of the rate, unique in the plan.
    pub rate: Name,
    /// The APIs that it covers: exact names, or prefixes followed by `*`.
    pub apis: Vec<ApiPattern>,
    /// The calls that are free in each billing month, shared by the rate's APIs.
    #[serde(default)]
    pub free_per_month: Calls,
    /// What the calls beyond the allowance cost.
    pub price: PriceModel,
}

/// Why a plan is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A name holds other characters than it may, or is empty or too long.
    #[error("`{0}` is not a name of 1 to 64 of a-z, 0-9, - and _")]
    Name(String),
    /// The version does not take effect on the first of a month.
    #[error("effective_from {0} is not the first day of a month")]
    NotFirstOfMonth(BillingDay),
    /// The plan has no rate.
    #[error("the plan has no rate")]
    NoRate,
    /// Two rates have the same name.
    #[error("two rates are named `{0}`")]
    DuplicateRate(Name),
    /// A rate covers no API.
    #[error("rate `{0}` covers no API")]
    CoversNothing(Name),
    /// The same pattern stands twice, so that nothing decides which rate applies.
    #[error("`{pattern}` is covered by `{first}` and again by `{second}`")]
    Overlap {
        /// The pattern.
        pattern: ApiPattern,
        /// The rate that names it first.
        first: Name,
        /// The rate that names it again.
        second: Name,
    },
    /// An allowance is larger than any count can be.
    #[error("rate `{rate}`: {free} free calls are more than can be counted")]
    Allowance {
        /// The rate.
        rate: Name,
        /// Its allowance.
        free: Calls,
    },
    /// A rate's price model makes no sense.
    #[error("rate `{rate}`")]
    Price {
        /// The rate.
        rate: Name,
        /// What is wrong with it.
        #[source]
        source: PriceModelError,
    },
}

/// Every version of every plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog(BTreeMap<Name, BTreeMap<BillingDay, Plan>>);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Plan {
    /// The name that the plan's versions share.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.plan
    }

    /// The first billing day on which this version is in force.
    #[must_use]
    pub fn effective_from(&self) -> BillingDay {
        self.0.effective_from
    }

    /// The prices, in the order of the document.
    #[must_use]
    pub fn rates(&self) -> &[Rate] {
        &self.0.rates
    }

    /// What the plan is, for people.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// The rate that covers the API: an exact name wins over prefixes, a longer prefix over a
    /// shorter one.
    #[must_use]
    pub fn rate_of(&self, api: &ApiName) -> Option<&Rate> {
        self.rates()
            .iter()
            .flat_map(|rate| rate.apis.iter().map(move |pattern| (pattern, rate)))
            .filter(|(pattern, _)| pattern.covers(api))
            .max_by_key(|(pattern, _)| pattern.rank())
            .map(|(_, rate)| rate)
    }
}

impl TryFrom<PlanDocument> for Plan {
    type Error = PlanError;

    fn try_from(document: PlanDocument) -> Result<Plan, PlanError> {
        if document.effective_from.day_of_month() != 1 {
            return Err(PlanError::NotFirstOfMonth(document.effective_from));
        }
        if document.rates.is_empty() {
            return Err(PlanError::NoRate);
        }
        document.rates.iter().try_for_each(check_rate)?;
        check_names(&document.rates)?;
        check_overlaps(&document.rates)?;
        Ok(Plan(document))
    }
}

impl From<Plan> for PlanDocument {
    fn from(plan: Plan) -> PlanDocument {
        plan.0
    }
}

fn check_rate(rate: &Rate) -> Result<(), PlanError> {
    if rate.apis.is_empty() {
        return Err(PlanError::CoversNothing(rate.rate.clone()));
    }
    if rate.free_per_month > Calls::MAX {
        return Err(PlanError::Allowance { rate: rate.rate.clone(), free: rate.free_per_month });
    }
    rate.price.check().map_err(|source| PlanError::Price { rate: rate.rate.clone(), source })
}

fn check_names(rates: &[Rate]) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    match rates.iter().find(|rate| !seen.insert(&rate.rate)) {
        Some(rate) => Err(PlanError::DuplicateRate(rate.rate.clone())),
        None => Ok(()),
    }
}

/// Two patterns of one rank that both cover an API are the same pattern.
fn check_overlaps(rates: &[Rate]) -> Result<(), PlanError> {
    let mut seen: BTreeMap<&ApiPattern, &Name> = BTreeMap::new();
    for rate in rates {
        for pattern in &rate.apis {
            if let Some(first) = seen.insert(pattern, &rate.rate) {
                return Err(PlanError::Overlap {
                    pattern: pattern.clone(),
                    first: first.clone(),
                    second: rate.rate.clone(),
                });
            }
        }
    }
    Ok(())
}

impl Catalog {
    /// Adds a version; one of the same name and day is replaced.
    pub fn add(&mut self, plan: Plan) {
        self.0.entry(plan.name().clone()).or_default().insert(plan.effective_from(), plan);
    }

    /// The version of a plan that is in force on a day: the latest that has taken effect.
    #[must_use]
    pub fn in_force(&self, plan: &Name, day: BillingDay) -> Option<&Plan> {
        self.0.get(plan)?.range(..=day).next_back().map(|(_, version)| version)
    }

    /// The version of a plan that takes effect on a day.
    #[must_use]
    pub fn version(&self, plan: &Name, effective_from: BillingDay) -> Option<&Plan> {
        self.0.get(plan)?.get(&effective_from)
    }

    /// Every version, by name and day.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.0.values().flat_map(BTreeMap::values)
    }
}

impl FromIterator<Plan> for Catalog {
    fn from_iter<I: IntoIterator<Item = Plan>>(plans: I) -> Catalog {
        let mut catalog = Catalog::default();
        plans.into_iter().for_each(|plan| catalog.add(plan));
        catalog
    }
}

impl FromStr for Name {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Name, PlanError> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Name(text.to_owned()))
        } else {
            Err(PlanError::Name(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = PlanError;

    fn try_from(text: String) -> Result<Name, PlanError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(name: &str, apis: &[&str]) -> String {
        format!(
            r#"{{"rate": "{name}", "apis": {apis:?}, "price": {{"model": "per_unit", "unit_price": "1"}}}}"#
        )
    }

    fn plan(rates: &[String]) -> Result<Plan, PlanError> {
        let document = format!(
            r#"{{"plan": "p", "effective_from": "2015-05-01", "rates": [{}]}}"#,
            rates.join(",")
        );
        let document: PlanDocument = serde_json::from_str(&document).unwrap();
        Plan::try_from(document)
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn exact_names_win_over_longer_wildcards_and_those_over_shorter_ones() {
        let plan = plan(&[
            rate("all", &["*"]),
            rate("trades", &["taobao.trade*"]),
            rate("taobao", &["taobao.*"]),
            rate("one", &["taobao.trade.get"]),
        ])
        .unwrap();
        for (api, expected) in [
            ("taobao.trade.get", "one"),
            ("taobao.trade.gets", "trades"),
            ("taobao.item.get", "taobao"),
            ("tmall.item.get", "all"),
        ] {
            let found = plan.rate_of(&api.parse().unwrap()).map(|rate| rate.rate.as_str());
            assert_eq!(found, Some(expected), "{api}");
        }
    }

    #[test]
    fn an_api_that_no_rate_covers_has_no_rate() {
        let plan = plan(&[rate("taobao", &["taobao.*"])]).unwrap();
        assert_eq!(plan.rate_of(&"tmall.item.get".parse().unwrap()), None);
    }

    #[test]
    fn a_plan_that_contradicts_itself_is_refused_by_the_rule_it_breaks() {
        assert_eq!(plan(&[]), Err(PlanError::NoRate));
        assert_eq!(plan(&[rate("a", &[])]), Err(PlanError::CoversNothing(name("a"))));
        assert_eq!(
            plan(&[rate("a", &["x"]), rate("a", &["y"])]),
            Err(PlanError::DuplicateRate(name("a")))
        );
        assert_eq!(
            plan(&[rate("a", &["x*"]), rate("b", &["x*"])]),
            Err(PlanError::Overlap {
                pattern: "x*".parse().unwrap(),
                first: name("a"),
                second: name("b")
            })
        );
    }

    #[test]
    fn the_latest_version_that_has_taken_effect_is_in_force() {
        let version = |day: &str| {
            let document = format!(
                r#"{{"plan": "p", "effective_from": "{day}", "rates": [{}]}}"#,
                rate("a", &["*"])
            );
            serde_json::from_str::<Plan>(&document).unwrap()
        };
        let catalog: Catalog = [version("2015-05-01"), version("2015-07-01")].into_iter().collect();
        for (day, in_force) in [
            ("2015-04-30", None),
            ("2015-05-01", Some("2015-05-01")),
            ("2015-06-30", Some("2015-05-01")),
            ("2015-07-01", Some("2015-07-01")),
        ] {
            let found = catalog.in_force(&name("p"), day.parse().unwrap());
            let found = found.map(|plan| plan.effective_from().to_string());
            assert_eq!(found.as_deref(), in_force, "{day}");
        }
    }

    #[test]
    fn a_version_takes_effect_on_the_first_of_a_month() {
        let document = format!(
            r#"{{"plan": "p", "effective_from": "2015-05-02", "rates": [{}]}}"#,
            rate("a", &["*"])
        );
        let error = serde_json::from_str::<Plan>(&document).unwrap_err();
        assert!(error.to_string().contains("is not the first day of a month"), "{error}");
    }
}
