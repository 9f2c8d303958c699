//! A month of 31 days and a hundred APIs under a plan of ten rates, of every model.

use std::collections::BTreeMap;

use steelyard_pricing::{
    BillingDay, DayCharge, MonthToDate, MonthUsage, Plan, Quote, Segment, Terms, Usage, charge,
    segments,
};

/// The month with all but its last day settled.
pub struct Month {
    plan: Plan,
    days: BTreeMap<BillingDay, Usage>,
    before: MonthToDate,
}

const PRICES: [&str; 10] = [
    r#"{"model": "per_unit", "unit_price": "0.0001"}"#,
    r#"{"model": "package", "size": 100, "price": "0.03", "free_units": 1000}"#,
    r#"{"model": "graduated", "tiers": [{"up_to": 100, "unit_price": "0"},
        {"up_to": 100000, "unit_price": "0.00002", "flat_fee": "1"}, {"unit_price": "0.000012"}]}"#,
    r#"{"model": "volume", "tiers": [{"up_to": 1000, "unit_price": "0.02"},
        {"unit_price": "0.015"}]}"#,
    r#"{"model": "block", "tiers": [{"size": 10, "blocks": 100, "price": "1"},
        {"size": 10, "price": "0.5"}]}"#,
    r#"{"model": "percentage", "percent": "0.6", "free_amount": 500, "fee_per_call": "0.1"}"#,
    r#"{"model": "graduated_percentage", "tiers": [{"up_to": 1000, "percent": "30"},
        {"percent": "20"}]}"#,
    r#"{"model": "per_unit", "unit_price": "0.0123456789"}"#,
    r#"{"model": "package", "size": 1000, "price": "1", "charged": "full"}"#,
    r#"{"model": "block", "policy": "top_tier", "tiers": [{"size": 100, "blocks": 10,
        "price": "1"}, {"size": 1000, "price": "5"}]}"#,
];

const REST: [&str; 3] = [
    r#", "free_per_month": 10000"#,
    r#", "discounts": [{"discount": "ten", "percent": "10"}], "maximum": "1000""#,
    r#", "conversion": {"divide": 10}, "minimum": "1""#,
];

fn plan() -> Plan {
    let rates = PRICES.iter().enumerate().map(|(index, price)| {
        let rest = REST.get(index % 4).copied().unwrap_or_default();
        format!(r#"{{"rate": "r{index}", "apis": ["group{index}.*"], "price": {price}{rest}}}"#)
    });
    let rates = rates.collect::<Vec<_>>().join(", ");
    let plan = format!(
        r#"{{"plan": "ten", "effective_from": "2014-04-01", "free_per_month": 100000,
        "discounts": [{{"discount": "five", "percent": "5"}}], "rates": [{rates}]}}"#
    );
    Plan::read(&plan).expect("the plan is right")
}

/// What one day has of a hundred APIs, ten for each rate.
fn usage(calls_times: u64) -> Usage {
    let api = |index: u64| format!("group{}.service.api{index:03}.get", index / 10);
    let one = |index: u64| {
        let calls = (17 * index + 500) * calls_times;
        let amount = (index / 10 == 5 || index / 10 == 6).then_some(calls);
        let amount = amount.map_or_else(String::new, |calls| calls.to_string());
        match amount.as_str() {
            "" => format!(r#""{}": {calls}"#, api(index)),
            amount => format!(r#""{}": {{"calls": {calls}, "amount": "{amount}.25"}}"#, api(index)),
        }
    };
    let apis = (0..100).map(one).collect::<Vec<_>>().join(", ");
    serde_json::from_str(&format!("{{{apis}}}")).expect("the usage is right")
}

impl Month {
    /// Days of the month, each with so many times its calls; the last day is not settled.
    #[must_use]
    pub fn new(days: u64, calls_times: u64) -> Month {
        let first = "2014-05-01".parse::<BillingDay>().expect("a day");
        let all = std::iter::successors(Some(first), |day| Some(day.next()));
        let days = all.zip(0..days).map(|(day, _)| (day, usage(calls_times)));
        let mut month =
            Month { plan: plan(), days: days.collect(), before: MonthToDate::default() };
        month.before = charge_days(&month, month.days.len() - 1).month;
        month
    }

    /// The segments of the month: one, since nothing about its terms changes.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment<'_>> {
        let month = self.days.keys().next().expect("a day").month();
        segments(month, |_| Some(Terms { plan: &self.plan, overrides: Vec::new() }))
            .expect("there are no overrides")
    }

    /// Charges the last day after the settled ones, explanation included.
    #[must_use]
    pub fn settle_last_day(&self, segments: &[Segment<'_>]) -> DayCharge {
        let own = self.days.iter().next_back().map(|(day, usage)| (*day, usage));
        let own = own.into_iter().collect();
        let usage = MonthUsage { own, closing: true, ..MonthUsage::default() };
        charge(segments, &self.before, &usage).expect("a charge")
    }

    /// Prices one day's counts as a month's.
    #[must_use]
    pub fn quote(&self) -> Quote {
        let (day, usage) = self.days.iter().next().expect("a day");
        let terms_on = |_| Some(Terms { plan: &self.plan, overrides: Vec::new() });
        Quote::of_month(day.month(), usage, terms_on).expect("a quote")
    }
}

/// Charges the first days of a month at once.
fn charge_days(month: &Month, days: usize) -> DayCharge {
    let own = month.days.iter().take(days).map(|(day, usage)| (*day, usage));
    let usage = MonthUsage { own: own.collect(), ..MonthUsage::default() };
    charge(&month.segments(), &MonthToDate::default(), &usage).expect("a charge")
}
