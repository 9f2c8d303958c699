//! What must be charged, by a model of its own: from the answers to reports alone, and with nothing
//! of the pricing that is under test.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::json;
use steelyard_pricing::{BillingDay, Override};
use steelyard_runtime::Error;

/// An API that the rate of basic APIs covers.
pub(crate) const BASIC: &str = "taobao.trades.sold.get";

/// The APIs that are called: some that the rate of value-added APIs covers, and some that are named
/// almost so.
pub(crate) const APIS: [&str; 6] = [
    BASIC,
    "vas.reports.get",
    "vas",
    "VAS.reports.get",
    "vas./?&=%25'();:@+,$!~[]{}|^",
    "Taobao.trades.sold.get",
];

/// The free calls of a month: of basic APIs, and of value-added ones.
const FREE: [u64; 2] = [500_000, 100_000];

/// The price of a call beyond them, in hundredths of a fen.
const PRICE: [u64; 2] = [1, 3];

/// The name of another plan.
pub(crate) const FLAT: &str = "flat";

/// That plan: nothing is free, and every call costs the same. It may want a deposit, which is drawn
/// by rule or by a person alone.
pub(crate) fn flat_plan(deposit_by_rule: Option<bool>) -> String {
    let mut plan = json!({
        "plan": FLAT,
        "effective_from": "2014-04-01",
        "rates": [{
            "rate": "calls", "apis": ["*"],
            "price": { "model": "per_unit", "unit_price": "0.0002" },
        }],
    });
    if let Some(drawn_by_rule) = deposit_by_rule {
        plan["deposit"] = json!({
            "amount": "60", "due_after_days": 3, "top_up_after_days": 2,
            "drawn_by_rule": drawn_by_rule,
        });
    }
    plan.to_string()
}

/// The price of a call under it, in hundredths of a fen.
const FLAT_PRICE: u64 = 2;

/// What halves that price from one day until before another.
pub(crate) fn half_price(
    name: &str,
    from: BillingDay,
    until: BillingDay,
) -> Result<Override, Error> {
    Ok(serde_json::from_value(json!({
        "override": name, "from": from, "until": until, "rate": "calls",
        "price": { "model": "per_unit", "unit_price": "0.0001" },
    }))?)
}

/// The terms of a provider: its plans, each by name from a day on, and the days at half the flat
/// price, each from one until before another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) plans: Vec<(Date, String)>,
    pub(crate) halved: Vec<(Date, Date)>,
}

/// The calls of a part of a month, by rate, and how many of them are at half the flat price.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    by_rate: [u64; 2],
    halved: u64,
}

/// The calls of one report about one provider and day, by API.
pub(crate) type Calls = BTreeMap<String, u64>;

/// Names one share of a report: source, id, provider and billing day.
pub(crate) type Share = (String, String, String, Date);

/// The usage that was accepted, as sources were answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    counted: BTreeMap<Share, Calls>,
}

impl Model {
    /// A source was answered that a share counts.
    pub(crate) fn count(&mut self, share: Share, calls: Calls) {
        self.counted.insert(share, calls);
    }

    /// A source was answered that a share counts no more.
    pub(crate) fn void(&mut self, share: &Share) {
        self.counted.remove(share);
    }

    /// The shares that count.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (&Share, &Calls)> {
        self.counted.iter()
    }

    /// The calls of a provider, by day and API.
    pub(crate) fn calls(&self, provider: &str) -> BTreeMap<(Date, String), u64> {
        let mut sums = BTreeMap::new();
        for ((_, _, of, day), calls) in &self.counted {
            for (api, count) in calls.iter().filter(|_| of == provider) {
                *sums.entry((*day, api.clone())).or_default() += count;
            }
        }
        sums
    }

    /// The price of each month of a provider, in fen, by the first day of the month.
    pub(crate) fn months(&self, provider: &str, terms: &Terms) -> BTreeMap<Date, i64> {
        let plans = &terms.plans;
        let mut months: BTreeMap<Date, BTreeMap<Date, Used>> = BTreeMap::new();
        for ((day, api), count) in self.calls(provider) {
            let rate = usize::from(api.starts_with("vas."));
            let (begin, _) = part(day, plans);
            let used = months.entry(day.first_of_month()).or_default().entry(begin).or_default();
            used.by_rate[rate] += count;
            if terms.halved.iter().any(|(from, until)| *from <= day && day < *until) {
                used.halved += count;
            }
        }
        let price = |parts: BTreeMap<Date, Used>| {
            let of = |(begin, used)| hundredths(used, begin, plans);
            fen(parts.into_iter().map(of).sum())
        };
        months.into_iter().map(|(month, parts)| (month, price(parts))).collect()
    }
}

/// The days around one, from the first to the last of its month, on which the plan is the same.
fn part(day: Date, plans: &[(Date, String)]) -> (Date, Date) {
    let (first, last) = (day.first_of_month(), day.last_of_month());
    let is_begun =
        |of: Date| of > first && plan_on(of, plans) != plan_on(of.yesterday().unwrap_or(of), plans);
    let changes = || plans.iter().map(|(from, _)| *from).filter(|from| is_begun(*from));
    let begin = changes().filter(|from| *from <= day).max().unwrap_or(first);
    let next = changes().filter(|from| *from > day && *from <= last).min();
    (begin, next.and_then(|next| next.yesterday().ok()).unwrap_or(last))
}

fn plan_on(day: Date, plans: &[(Date, String)]) -> &str {
    let begun = plans.iter().filter(|(from, _)| *from <= day);
    begun.max_by_key(|(from, _)| *from).map_or("", |(_, plan)| plan)
}

/// The price of the calls of a part of a month, in hundredths of a fen. What is free in a month is
/// free by the days of the part, rounded up.
fn hundredths(used: Used, begin: Date, plans: &[(Date, String)]) -> u64 {
    let Used { by_rate: used, halved } = used;
    if plan_on(begin, plans) == FLAT {
        return used.iter().sum::<u64>() * FLAT_PRICE - halved * FLAT_PRICE / 2;
    }
    let (_, last) = part(begin, plans);
    let days = |of: i8| u64::try_from(of).expect("days are counted from 1");
    let (of_part, of_month) = (days(last.day() - begin.day() + 1), days(begin.days_in_month()));
    let free = |rate: usize| (FREE[rate] * of_part).div_ceil(of_month);
    (0..2).map(|rate| used[rate].saturating_sub(free(rate)) * PRICE[rate]).sum()
}

/// An amount of hundredths of a fen in fen, half up.
fn fen(hundredths: u64) -> i64 {
    i64::try_from((hundredths + 50) / 100).expect("a month costs less than all money")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn price_is_rounded_half_up() {
        let plans = [(date("2015-04-01"), "jushita-2014".to_owned())];
        let used = |by_rate| Used { by_rate, halved: 0 };
        let price = |calls| fen(hundredths(used(calls), date("2015-05-01"), &plans));
        assert_eq!(price([500_000, 100_000]), 0);
        assert_eq!((price([500_049, 0]), price([500_050, 0])), (0, 1));
        assert_eq!(price([1_500_000, 100_017]), 10_001);
    }

    #[test]
    fn free_calls_are_given_by_days_where_the_plan_changes() {
        let on = |day, plan: &str| (date(day), plan.to_owned());
        let plans = [on("2015-04-01", "a"), on("2015-05-11", FLAT), on("2015-05-21", FLAT)];
        assert_eq!(part(date("2015-05-10"), &plans), (date("2015-05-01"), date("2015-05-10")));
        assert_eq!(part(date("2015-05-31"), &plans), (date("2015-05-11"), date("2015-05-31")));
        // 500,000 / 31 * 10 = 161,290.3
        let price =
            |by_rate, halved, begin| hundredths(Used { by_rate, halved }, date(begin), &plans);
        assert_eq!(price([161_291, 0], 0, "2015-05-01"), 0);
        assert_eq!(price([161_292, 0], 9, "2015-05-01"), 1);
        assert_eq!(price([3, 4], 0, "2015-05-11"), 14);
        assert_eq!(price([3, 4], 5, "2015-05-11"), 9);
    }
}
