//! Discounts: percentages and fixed amounts that are taken off, one after the other.

use serde::{Deserialize, Serialize};

use super::check::check_cap;
use super::is_default;
use crate::faults::{Faults, Rule};
use crate::{BillingDay, Name, Percent, Yuan};

/// What is taken off on the days on which it holds: a percentage, or a fixed amount.
///
/// A discount that begins or ends inside a month cuts the month into segments, as a new version of
/// the plan does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [
    { "required": ["percent"] }, { "required": ["amount"] }
])))]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// The name of the discount, unique where it stands.
    pub discount: Name,
    /// The percentage that is taken off; this or an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// The amount that is taken off, in yuan, and no more than there is to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    pub amount: Option<Yuan>,
    /// How often the amount is given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub given: Given,
    /// What happens to the part of the amount that a month does not use.
    #[serde(default, skip_serializing_if = "is_default")]
    pub remainder: Remainder,
    /// Whether an override gives it.
    #[serde(skip)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub(crate) is_of_override: bool,
    /// What the percentage is of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub of: DiscountOf,
    /// The first day on which it holds; always unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<BillingDay>,
    /// The end date (exclusive); the discount has no end unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<BillingDay>,
}

/// What a discount's percentage is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiscountOf {
    /// Of what the percentages before it have left: twice 50% leaves a quarter.
    #[default]
    Remaining,
    /// Of the amount before any discount, and never more than is left: twice 50% leaves nothing.
    List,
}

/// How often a fixed amount is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// The whole amount anew for each month.
    #[default]
    Monthly,
    /// For the month with its first day for the provider.
    Once,
}

/// What happens to the part of a fixed amount that a month does not use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Remainder {
    /// The unused part lapses with the month.
    #[default]
    Dropped,
    /// The months after it have it, as long as the discount holds.
    Carried,
}

impl Discount {
    /// Whether it holds on the day.
    #[must_use]
    pub fn holds_on(&self, day: BillingDay) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }

    fn check(&self, faults: &mut Faults) {
        faults.unless(self.percent.is_some() != self.amount.is_some(), || Rule::PercentOrAmount);
        if let Some(amount) = self.amount {
            faults.at("amount", |faults| check_cap(amount, faults));
            let is_default = self.of == DiscountOf::default();
            faults.at("of", |faults| faults.unless(is_default, || Rule::OfAmount));
        }
        for (field, is_default) in
            [("given", is_default(&self.given)), ("remainder", is_default(&self.remainder))]
        {
            let fits = is_default || self.amount.is_some();
            faults.at(field, |faults| faults.unless(fits, || Rule::WithoutAmount));
        }
        faults.at("from", |faults| {
            let is_dated = self.from.is_some() || !self.is_voucher();
            faults.unless(is_dated, || Rule::VoucherWithoutFrom);
        });
        let ends_before = self.from.zip(self.until).is_some_and(|(from, until)| until <= from);
        faults.at("until", |faults| faults.unless(!ends_before, || Rule::NeverValid));
    }
}

/// Notes discounts that never hold, or that share a name.
pub(super) fn check(discounts: &[Discount], faults: &mut Faults) {
    faults.at("discounts", |faults| {
        for (index, discount) in discounts.iter().enumerate() {
            let is_new = discounts.iter().take(index).all(|d| d.discount != discount.discount);
            faults.at(index, |faults| {
                faults.at("discount", |faults| {
                    faults.unless(is_new, || Rule::SameName { name: discount.discount.clone() });
                });
                discount.check(faults);
            });
        }
    });
}
