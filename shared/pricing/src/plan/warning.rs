//! What is legal in a plan but odd.

use std::fmt;

use rust_decimal::Decimal;

use super::{Discount, DiscountOf, Plan, PlanDocument, Rate};
use crate::model::{Billable, Metric, tiers};
use crate::{Amount, ApiName, ApiPattern, Percent, PriceModel, Quantity, Usage, Yuan};

/// Something in a plan that is legal but probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The path in the document, such as `rates[2].price.tiers[1]`.
    pub path: String,
    /// The oddity and its effect, as a sentence for people.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// The warnings about the document alone.
pub(super) fn of(document: &PlanDocument) -> Vec<Warning> {
    let mut notes = Notes::default();
    notes.of_plan(document);
    notes.of_discounts(document, "", &document.discounts);
    notes.of_maximum("", document.maximum);
    for (index, rate) in document.rates.iter().enumerate() {
        let path = format!("rates[{index}].");
        notes.of_allowance(&path, rate);
        notes.of_price(&path, &rate.price);
        notes.of_discounts(document, &path, &rate.discounts);
        notes.of_maximum(&path, rate.maximum);
    }
    notes.0
}

/// What is odd in a plan for usage: a rate that nothing is rated under, and a percentage of amounts
/// that were not reported.
pub(super) fn for_usage(plan: &Plan, usage: &Usage) -> Vec<Warning> {
    let mut notes = Notes::default();
    for (index, rate) in plan.rates().iter().enumerate() {
        let under = |api: &ApiName| plan.rate_of(api).is_some_and(|found| found.rate == rate.rate);
        let mut of_rate = usage.iter().filter(|(api, _)| under(api)).peekable();
        notes.note(of_rate.peek().is_none(), format!("rates[{index}].apis"), || {
            "no usage is rated under it".to_owned()
        });
        if rate.price.metric() != Metric::Amount {
            continue;
        }
        let without = of_rate.filter(|(_, metered)| metered.amount == Amount::ZERO);
        let without = without.map(|(api, _)| format!("`{api}`")).collect::<Vec<_>>();
        notes.note(!without.is_empty(), format!("rates[{index}].price"), || {
            let shown = without.iter().take(APIS_SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let others = without.len().saturating_sub(APIS_SHOWN);
            let others = if others == 0 { String::new() } else { format!(" and {others} others") };
            format!("is a percentage of amounts, and none were reported of {shown}{others}")
        });
    }
    notes.0
}

/// How many APIs a warning names.
const APIS_SHOWN: usize = 3;

/// The warnings so far.
#[derive(Default)]
struct Notes(Vec<Warning>);

impl Notes {
    fn note(&mut self, odd: bool, path: String, text: impl FnOnce() -> String) {
        if odd {
            self.0.push(Warning { path, text: text() });
        }
    }

    fn of_plan(&mut self, document: &PlanDocument) {
        let rates = &document.rates;
        self.note(document.effective_from.day_of_month() != 1, "effective_from".to_owned(), || {
            "is inside a month: a month that began under another version is rated in two parts"
                .to_owned()
        });
        let prices_calls = rates.iter().any(|rate| rate.price.metric() == Metric::Calls);
        for (field, free) in
            [("free_per_month", document.free_per_month), ("free_per_day", document.free_per_day)]
        {
            self.note(!free.is_zero() && !prices_calls, field.to_owned(), || {
                "is never used: no rate prices calls".to_owned()
            });
        }
        // Caps were checked to be small, so that their sum is exact.
        let least =
            rates.iter().filter_map(|rate| rate.minimum).map(Yuan::decimal).sum::<Decimal>();
        if let Some(most) = document.maximum.filter(|most| most.decimal() < least) {
            self.note(!most.is_zero(), "maximum".to_owned(), || {
                format!("{most} is less than the rates' minimums, which come to {least}")
            });
        }
        let all = ApiPattern::Prefix(String::new());
        let covers_all = rates.iter().any(|rate| rate.apis.contains(&all));
        self.note(!covers_all, "rates".to_owned(), || {
            "no rate covers `*`: calls of other APIs cost nothing and are listed as unpriced"
                .to_owned()
        });
    }

    fn of_discounts(&mut self, document: &PlanDocument, path: &str, discounts: &[Discount]) {
        let first_day = document.effective_from;
        for (index, discount) in discounts.iter().enumerate() {
            let at = format!("{path}discounts[{index}]");
            let percent = discount.percent.map(Percent::get);
            self.note(percent.is_some_and(|p| p.is_zero()), format!("{at}.percent"), || {
                "takes nothing off".to_owned()
            });
            self.note(discount.amount.is_some_and(|a| a.is_zero()), format!("{at}.amount"), || {
                "takes nothing off".to_owned()
            });
            self.note(percent == Some(Decimal::ONE_HUNDRED), format!("{at}.percent"), || {
                "takes everything off".to_owned()
            });
            let is_over = discount.until.is_some_and(|until| until <= first_day);
            self.note(is_over, format!("{at}.until"), || {
                format!("the discount is over before the plan takes effect on {first_day}")
            });
            let together = list_percent(discounts, index, document);
            self.note(together > Decimal::ONE_HUNDRED, at, || {
                format!(
                    "with the discounts `of` the list before it, {together} percent are taken off; \
                     no more than everything is"
                )
            });
        }
    }

    fn of_maximum(&mut self, path: &str, maximum: Option<Yuan>) {
        let is_nothing = maximum.is_some_and(|maximum| maximum.is_zero());
        self.note(is_nothing, format!("{path}maximum"), || "nothing is ever charged".to_owned());
    }

    fn of_allowance(&mut self, path: &str, rate: &Rate) {
        for (field, free) in
            [("free_per_month", rate.free_per_month), ("free_per_day", rate.free_per_day)]
        {
            let at = format!("{path}{field}");
            if let Some(first) = first_end(&rate.price).filter(|first| free.get() > *first) {
                self.note(true, at.clone(), || {
                    format!(
                        "{free} is more than the first tier holds, {first}; tiers count from the \
                         first unit beyond the allowance"
                    )
                });
            }
            let more = free_in_price(&rate.price);
            self.note(!free.is_zero() && !more.is_zero(), at, || {
                format!("{free} are free, and the price gives {more} more")
            });
        }
    }

    fn of_price(&mut self, path: &str, price: &PriceModel) {
        let is_idle = price.is_due_without_usage() && first_fee(price).is_zero();
        self.note(is_idle, format!("{path}price.flat_fee_at_zero_usage"), || {
            "has no effect: the first tier has no flat fee".to_owned()
        });
        self.note(has_idle_free_calls(price), format!("{path}price.free_calls"), || {
            "has no effect: there is no fee_per_call".to_owned()
        });
        for (index, end) in whole_price_ends(price).into_iter().enumerate() {
            let costs = cost(price, end).zip(cost(price, end + Decimal::ONE));
            let Some((inside, entered)) = costs.filter(|(inside, entered)| entered < inside) else {
                continue;
            };
            self.note(true, format!("{path}price.tiers[{}]", index + 1), || {
                format!(
                    "costs less to enter than to stay under: ¥{inside} for {end} units, ¥{entered} \
                     for one more"
                )
            });
        }
    }
}

/// What is taken off the list by a discount and those before it that hold when it begins; nothing
/// for a discount that isn't of the list.
fn list_percent(discounts: &[Discount], index: usize, document: &PlanDocument) -> Decimal {
    let Some(last) = discounts.get(index).filter(|d| d.of == DiscountOf::List) else {
        return Decimal::ZERO;
    };
    let begins = |discount: &Discount| {
        discount.from.map_or(document.effective_from, |from| from.max(document.effective_from))
    };
    let held = |day| {
        let held = discounts.iter().take(index + 1);
        let held = held.filter(|d| d.of == DiscountOf::List && d.holds_on(day));
        held.filter_map(|d| d.percent).map(Percent::get).sum::<Decimal>()
    };
    let days = discounts.iter().take(index + 1).map(begins).filter(|day| last.holds_on(*day));
    days.map(held).max().unwrap_or_default()
}

/// The last unit of the first tier, if there is a second one.
fn first_end(price: &PriceModel) -> Option<Decimal> {
    match price {
        PriceModel::Graduated(model) => model.tiers.first()?.up_to.map(Quantity::get),
        PriceModel::Volume(model) => model.tiers.first()?.up_to.map(Quantity::get),
        PriceModel::GraduatedPercentage(model) => model.tiers.first()?.up_to.map(Quantity::get),
        PriceModel::Block(model) => model.ends().first().copied(),
        PriceModel::PerUnit(_) | PriceModel::Package(_) | PriceModel::Percentage(_) => None,
    }
}

/// What the price itself lets pass free.
fn free_in_price(price: &PriceModel) -> Quantity {
    match price {
        PriceModel::Package(model) => model.free_units,
        PriceModel::Percentage(model) => model.free_amount,
        PriceModel::PerUnit(_)
        | PriceModel::Graduated(_)
        | PriceModel::Volume(_)
        | PriceModel::Block(_)
        | PriceModel::GraduatedPercentage(_) => Quantity::ZERO,
    }
}

/// Whether calls are free of a fee that there is not.
fn has_idle_free_calls(price: &PriceModel) -> bool {
    let (free, fee) = match price {
        PriceModel::Percentage(model) => (model.free_calls, model.fee_per_call),
        PriceModel::GraduatedPercentage(model) => (model.free_calls, model.fee_per_call),
        PriceModel::PerUnit(_)
        | PriceModel::Package(_)
        | PriceModel::Graduated(_)
        | PriceModel::Volume(_)
        | PriceModel::Block(_) => return false,
    };
    !free.is_zero() && fee.is_zero()
}

/// What is due for entering the first tier.
fn first_fee(price: &PriceModel) -> Yuan {
    let fee = match price {
        PriceModel::Graduated(model) => model.tiers.first().map(|tier| tier.flat_fee),
        PriceModel::Volume(model) => model.tiers.first().map(|tier| tier.flat_fee),
        PriceModel::GraduatedPercentage(model) => model.tiers.first().map(|tier| tier.flat_fee),
        PriceModel::PerUnit(_)
        | PriceModel::Package(_)
        | PriceModel::Block(_)
        | PriceModel::Percentage(_) => None,
    };
    fee.unwrap_or_default()
}

/// Where the price of all units changes.
fn whole_price_ends(price: &PriceModel) -> Vec<Decimal> {
    match price {
        PriceModel::Volume(model) => {
            tiers::ends(&model.tiers).into_iter().map(Quantity::get).collect()
        }
        PriceModel::Block(model) => model.ends(),
        PriceModel::PerUnit(_)
        | PriceModel::Package(_)
        | PriceModel::Graduated(_)
        | PriceModel::Percentage(_)
        | PriceModel::GraduatedPercentage(_) => Vec::new(),
    }
}

fn cost(price: &PriceModel, units: Decimal) -> Option<Yuan> {
    let slices = price.slices(Billable { units, top: units, calls: units, closing: false }).ok()?;
    Yuan::sum(slices.iter().map(|slice| slice.amount)).ok()
}
