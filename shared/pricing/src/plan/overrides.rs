//! Overrides: what one provider pays otherwise than its plan says, for a time.

use serde::{Deserialize, Serialize};

use super::check::check_cap;
use super::discount::{Discount, Given, Remainder};
use super::{Deposit, Plan, PlanDocument, deposit, is_default};
use crate::faults::{Faults, PlanError, Rule};
use crate::{BillingDay, Name, Percent, PriceModel, Quantity, Yuan};

/// What one provider pays otherwise than its plan says: another price, an allowance on top, a
/// discount, of one rate or of the plan as a whole; another deposit.
///
/// It begins and ends at midnight; where that is inside a month, the month is cut into segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The name of the override, unique for the provider.
    #[serde(rename = "override")]
    pub name: Name,
    /// The first day on which it holds.
    pub from: BillingDay,
    /// The end date (exclusive); the override has no end unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<BillingDay>,
    /// The rate that it changes; the plan as a whole unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Name>,
    /// What the rate's units cost instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceModel>,
    /// The units that are free beyond the allowance: by day if that is by day, else by month.
    #[serde(default, skip_serializing_if = "is_default")]
    pub free_on_top: Quantity,
    /// The percentage that is taken off after the plan's own percentages, and before its amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Percent>,
    /// The amount that is taken off after the plan's own discounts, in yuan, in place of a
    /// percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Cap>"))]
    pub discount_amount: Option<Yuan>,
    /// How often that amount is given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub discount_given: Given,
    /// What happens to the part of that amount that a month does not use.
    #[serde(default, skip_serializing_if = "is_default")]
    pub discount_remainder: Remainder,
    /// The deposit in place of the plan's. It changes no price, and is not of a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<Deposit>,
}

impl Override {
    /// Whether it holds on the day.
    #[must_use]
    pub fn holds_on(&self, day: BillingDay) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }

    /// The plan as it is under the override.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the paths in the override, or in the plan that comes of it.
    pub fn applied_to(&self, plan: &Plan) -> Result<Plan, PlanError> {
        self.check(plan)?;
        let mut document = plan.document().clone();
        self.change(&mut document);
        Plan::try_from(document)
    }

    fn check(&self, plan: &Plan) -> Result<(), PlanError> {
        let mut faults = Faults::new();
        let (percent, amount) = (self.discount_percent, self.discount_amount);
        let has_discount = percent.is_some() || amount.is_some();
        let has_price = self.price.is_some() || !self.free_on_top.is_zero() || has_discount;
        let changes = has_price || self.deposit.is_some();
        deposit::check(self.deposit.as_ref(), &mut faults);
        faults.at("deposit", |faults| {
            let is_of_plan = self.deposit.is_none() || self.rate.is_none();
            faults.unless(is_of_plan, || Rule::DepositOfRate);
        });
        faults.unless(changes, || Rule::ChangesNothing);
        faults.at("discount_amount", |faults| {
            faults.unless(percent.is_none() || amount.is_none(), || Rule::PercentOrAmount);
            amount.into_iter().for_each(|amount| check_cap(amount, faults));
        });
        for (field, is_default) in [
            ("discount_given", is_default(&self.discount_given)),
            ("discount_remainder", is_default(&self.discount_remainder)),
        ] {
            let fits = is_default || amount.is_some();
            faults.at(field, |faults| faults.unless(fits, || Rule::WithoutAmount));
        }
        faults.at("until", |faults| {
            faults.unless(self.until.is_none_or(|until| self.from < until), || Rule::NeverValid);
        });
        faults.at("rate", |faults| match &self.rate {
            None => faults.unless(self.price.is_none(), || Rule::PriceWithoutRate),
            Some(name) => {
                let is_there = plan.rates().iter().any(|rate| rate.rate == *name);
                faults.unless(is_there, || Rule::NoSuchRate(name.clone()));
            }
        });
        if let Some(price) = &self.price {
            faults.at("price", |faults| price.check(faults));
        }
        faults.none()
    }

    fn change(&self, document: &mut PlanDocument) {
        if self.deposit.is_some() {
            document.deposit.clone_from(&self.deposit);
        }
        let (percent, amount) = (self.discount_percent, self.discount_amount);
        let mut discount = Discount {
            discount: self.name.clone(),
            percent,
            amount,
            given: self.discount_given,
            remainder: self.discount_remainder,
            is_of_override: true,
            of: super::DiscountOf::default(),
            from: None,
            until: None,
        };
        // The first day distinguishes a voucher from another one of the same name.
        discount.from = Some(self.from).filter(|_| discount.is_voucher());
        let discount = Some(discount).filter(|_| percent.is_some() || amount.is_some());
        let Some(name) = &self.rate else {
            add_free(&mut document.free_per_month, &mut document.free_per_day, self.free_on_top);
            document.discounts.extend(discount);
            return;
        };
        for rate in document.rates.iter_mut().filter(|rate| rate.rate == *name) {
            add_free(&mut rate.free_per_month, &mut rate.free_per_day, self.free_on_top);
            rate.discounts.extend(discount.clone());
            if let Some(price) = &self.price {
                rate.price = price.clone();
            }
        }
    }
}

/// More of the allowance that there is; by month where there is none.
fn add_free(per_month: &mut Quantity, per_day: &mut Quantity, on_top: Quantity) {
    let allowance = if per_day.is_zero() { per_month } else { per_day };
    *allowance = allowance.plus(on_top);
}
