//! A month settled day by day, each charge as a person would note it down.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod amount_off;
mod days;
mod limits;
mod month_end;
mod note;
mod segments;
mod tax;

use std::collections::BTreeMap;

use expect_test::Expect;
use serde_json::{Value, json};
use steelyard_pricing::{
    BillingDay, ChargeError, DayCharge, EarlierMonths, MonthToDate, MonthUsage, Override, Plan,
    Segment, Terms, Usage, VouchersUsed, charge, charged_at_month_end, segments as cut,
};

const JUSHITA: &str = include_str!("../../../../plans/jushita-2014.json");
const FOUR_TIERS: &str = include_str!("../../../../plans/four-tiers.json");

/// A plan of these rates, in force for long; other fields as given.
fn plan(fields: Value) -> Plan {
    let mut document = json!({"plan": "example", "effective_from": "2014-01-01"});
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Plan::read(&document.to_string()).unwrap()
}

/// A rate for all APIs, by a price; other fields as given.
fn rate(price: Value, fields: Value) -> Value {
    let mut rate = json!({"rate": "calls", "apis": ["*"], "price": price});
    rate.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!([rate])
}

/// The price of each unit.
fn per_unit(unit_price: &str) -> Value {
    json!({"model": "per_unit", "unit_price": unit_price})
}

/// Terms of a provider by the days from which they hold, and what was settled of April 2014.
#[derive(Default)]
struct April {
    plans: BTreeMap<u32, Plan>,
    overrides: Vec<Override>,
    /// What was counted of days that are not settled.
    days: BTreeMap<BillingDay, Usage>,
    late: BTreeMap<BillingDay, Usage>,
    void: BTreeMap<BillingDay, Usage>,
    settled: u32,
    month: MonthToDate,
    /// What earlier months used of vouchers, and the day from which the provider is on its plan.
    vouchers: Option<(BillingDay, VouchersUsed)>,
}

fn day(day: u32) -> BillingDay {
    format!("2014-04-{day:02}").parse().unwrap()
}

impl April {
    fn under(plan: Plan) -> April {
        April { plans: BTreeMap::from([(1, plan)]), ..April::default() }
    }

    fn terms(&self, on: BillingDay) -> Option<Terms<'_>> {
        let number = u32::from(on.day_of_month().unsigned_abs());
        let (_, plan) = self.plans.range(..=number).next_back()?;
        let overrides = self.overrides.iter().filter(|over| over.holds_on(on)).collect();
        Some(Terms { plan, overrides })
    }

    /// Usage that is counted now; of a day that was settled, it is late.
    fn count(&mut self, on: u32, usage: Value) -> &mut April {
        let days = if on <= self.settled { &mut self.late } else { &mut self.days };
        add(days, on, usage);
        self
    }

    /// Usage of a settled day that is withdrawn now.
    fn void(&mut self, on: u32, usage: Value) -> &mut April {
        assert!(on <= self.settled, "day {on} is not settled");
        add(&mut self.void, on, usage);
        self
    }

    /// Settles the days up to this one; the last one again when the month is over already.
    fn settle(&mut self, until: u32) -> Result<DayCharge, ChargeError> {
        let later = self.days.split_off(&day(until).next());
        let own = std::mem::replace(&mut self.days, later);
        let usage = MonthUsage {
            late: listed(&self.late),
            void: listed(&self.void),
            own: listed(&own),
            day: Some(day(until)),
            closed: self.settled == 30,
            closing: until == 30,
        };
        let charged = charge(&self.segments(), &self.month, &usage)?;
        self.month = charged.month.clone();
        self.settled = until;
        self.late.clear();
        self.void.clear();
        Ok(charged)
    }

    /// What is not charged before the end of the month.
    fn waits_for_month_end(&self) -> String {
        charged_at_month_end(&self.segments(), &self.month).unwrap().to_string()
    }

    fn segments(&self) -> Vec<Segment<'_>> {
        let segments = cut(day(1).month(), |on| self.terms(on)).unwrap();
        let segments = segments.into_iter().map(|segment| match &self.vouchers {
            Some((plan_since, used)) => {
                let (first, plan_since) = (plan_since.month(), *plan_since);
                segment.after_months(EarlierMonths { first, plan_since, used })
            }
            None => segment,
        });
        segments.collect()
    }

    /// Settles the days up to this one, and compares the note of it.
    fn check(&mut self, until: u32, expected: Expect) -> &mut April {
        let charged = self.settle(until).unwrap();
        expected.assert_eq(&note::of(&charged));
        self
    }
}

fn add(days: &mut BTreeMap<BillingDay, Usage>, on: u32, usage: Value) {
    let usage = serde_json::from_value::<Usage>(usage).unwrap();
    let known = days.entry(day(on)).or_default();
    *known = known.plus(&usage).unwrap();
}

fn listed(days: &BTreeMap<BillingDay, Usage>) -> Vec<(BillingDay, &Usage)> {
    days.iter().map(|(day, usage)| (*day, usage)).collect()
}
