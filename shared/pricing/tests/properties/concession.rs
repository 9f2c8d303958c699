//! A concession never raises a bill, whatever it is and from whatever day on.

use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use steelyard_pricing::DayCharge;

use crate::books::settle;
use crate::months::{Month, any_month};

/// A concession that a provider may get.
#[derive(Clone, Debug)]
enum Grant {
    Discount(&'static str),
    Units(u64),
    /// Each price of the rate, times so many hundredths.
    Price(u32),
    /// So many calls more without a fee.
    Calls(u64),
}

/// A concession and the days on which it holds.
#[derive(Clone, Debug)]
struct Granted {
    grant: Grant,
    from: u32,
    days: Option<u32>,
    of_plan: bool,
    known_early: bool,
}

fn granted() -> impl Strategy<Value = Granted> {
    let grant = prop_oneof![
        select(vec!["0.5", "25", "50", "100"]).prop_map(Grant::Discount),
        prop_oneof![1_u64..50, 1_u64..2_000, 1_u64..10_000_000].prop_map(Grant::Units),
        (0_u32..100).prop_map(Grant::Price),
        (1_u64..20_000_000).prop_map(Grant::Calls),
    ];
    let days = prop::option::weighted(0.4, 1_u32..28);
    (grant, 1_u32..=28, days, any::<bool>(), any::<bool>()).prop_map(
        |(grant, from, days, of_plan, known_early)| Granted {
            grant,
            from,
            days,
            of_plan,
            known_early,
        },
    )
}

/// A price with each of its amounts lowered.
fn lowered(price: &Value, hundredths: u32) -> Value {
    match price {
        Value::Object(fields) => {
            let lower = |(name, value): (&String, &Value)| {
                let is_amount = ["unit_price", "price", "percent", "flat_fee", "fee_per_call"];
                let value = match value.as_str().filter(|_| is_amount.contains(&name.as_str())) {
                    Some(text) => {
                        let amount = Decimal::from_str_exact(text).expect("an amount");
                        let lower = amount * Decimal::new(hundredths.into(), 2);
                        json!(lower.trunc_with_scale(10).normalize().to_string())
                    }
                    None => lowered(value, hundredths),
                };
                (name.clone(), value)
            };
            fields.iter().map(lower).collect()
        }
        Value::Array(list) => list.iter().map(|value| lowered(value, hundredths)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => price.clone(),
    }
}

/// A price with so many more calls without a fee; none if it has no fee on calls.
fn freer(price: &Value, calls: u64) -> Option<Value> {
    let mut price = price.clone();
    price["model"].as_str().filter(|model| model.contains("percentage"))?;
    price["free_calls"] = json!(price["free_calls"].as_u64().unwrap_or(0) + calls);
    Some(price)
}

/// Adds to a list of discounts, if there is one.
fn add(discounts: &mut Value, discount: Value) {
    if !discounts.is_array() {
        *discounts = json!([]);
    }
    discounts.as_array_mut().expect("a list").push(discount);
}

impl Granted {
    /// The month with an override more; none if it does not fit, or is no concession.
    fn as_override(&self, month: &Month) -> Option<Month> {
        let mut over = json!({"override": "granted", "from": month.day(self.from)});
        if let Some(until) = self.days.map(|days| self.from + days).filter(|until| *until <= 28) {
            over["until"] = json!(month.day(until));
        }
        match &self.grant {
            Grant::Discount(percent) => over["discount_percent"] = json!(percent),
            Grant::Units(units) => over["free_on_top"] = json!(units),
            Grant::Price(hundredths) => {
                over["price"] = lowered(&month.only_price_of_the_first_rate()?, *hundredths);
            }
            Grant::Calls(calls) => {
                over["price"] = freer(&month.only_price_of_the_first_rate()?, *calls)?;
            }
        }
        if over["price"].is_object() || !self.of_plan {
            over["rate"] = json!("r0");
        }
        month.with_override(&over.to_string(), self.known_early)
    }

    /// The month with a discount that its plans have on these days only.
    fn as_discount(&self, month: &Month) -> Option<Month> {
        let Grant::Discount(percent) = self.grant else { return None };
        let until = self.days.map(|days| self.from + days).filter(|until| *until <= 28);
        let discount = json!({
            "discount": "granted", "percent": percent, "from": month.day(self.from),
            "until": until.map(|until| month.day(until)),
        });
        month.with_plans(|plan| match self.of_plan {
            true => add(&mut plan["discounts"], discount.clone()),
            false => add(&mut plan["rates"][0]["discounts"], discount.clone()),
        })
    }

    /// The month with another version of its last plan.
    fn as_version(&self, month: &Month) -> Option<Month> {
        month.with_version(self.from, self.known_early, |plan| {
            let mut fields = if self.of_plan { plan } else { &mut plan["rates"][0] };
            match &self.grant {
                Grant::Discount(percent) => {
                    let discount = json!({"discount": "granted", "percent": percent});
                    add(&mut fields["discounts"], discount);
                }
                Grant::Units(units) => {
                    let by_day = !fields["free_per_day"].is_null();
                    let name = if by_day { "free_per_day" } else { "free_per_month" };
                    let given = &fields[name];
                    let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
                    let given = if given == "null" { "0".to_owned() } else { given };
                    let given = Decimal::from_str_exact(&given).expect("a quantity");
                    fields[name] = json!((given + Decimal::from(*units)).to_string());
                }
                Grant::Calls(calls) => {
                    if fields["rates"].is_array() {
                        fields = &mut fields["rates"][0];
                    }
                    if let Some(price) = freer(&fields["price"], *calls) {
                        fields["price"] = price;
                    }
                }
                Grant::Price(hundredths) => {
                    if fields["rates"].is_array() {
                        fields = &mut fields["rates"][0];
                    }
                    let price = lowered(&fields["price"], *hundredths);
                    fields["price"] = price;
                }
            }
        })
    }
}

/// No settlement has charged more by then than without what was granted.
fn never_more(without: &Month, with: &Month) -> Result<(), TestCaseError> {
    for (without, with) in settle(without).iter().zip(settle(with)) {
        let (without, with) = (&without.charged, &with.charged);
        prop_assert!(
            with.rated_yuan <= without.rated_yuan,
            "{} with, {} without: {:#?}",
            with.rated_yuan,
            without.rated_yuan,
            with.lines
        );
        let same_rule = with.rounding == without.rounding;
        let net = |of: &DayCharge| of.month.charged_fen.minus(of.tax_fen).unwrap();
        prop_assert!(!same_rule || net(with) <= net(without));
        // Where parts of the month have another tax, what goes from one to the other changes it.
        let taxes = with.segments.iter().chain(&without.segments).map(|span| span.tax);
        let same_tax = taxes.collect::<Vec<_>>().windows(2).all(|pair| pair[0] == pair[1]);
        let is_comparable = same_rule && same_tax;
        prop_assert!(!is_comparable || with.month.charged_fen <= without.month.charged_fen);
    }
    Ok(())
}

/// 500 cases, or as many as `PROPTEST_CASES` asks for.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let is_asked_for = std::env::vars_os().any(|(name, _)| name == "PROPTEST_CASES");
    if is_asked_for { config } else { ProptestConfig::with_cases(500) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_override_that_concedes_never_raises_a_bill(month in any_month(), granted in granted()) {
        if let Some(with) = granted.as_override(&month) {
            never_more(&month, &with)?;
        }
    }

    #[test]
    fn a_discount_for_some_days_never_raises_a_bill(month in any_month(), granted in granted()) {
        if let Some(with) = granted.as_discount(&month) {
            never_more(&month, &with)?;
        }
    }

    #[test]
    fn a_version_that_concedes_never_raises_a_bill(month in any_month(), granted in granted()) {
        if let Some(with) = granted.as_version(&month) {
            never_more(&month, &with)?;
        }
    }

    /// Such a version is no concession: nothing but the units of the days before it keeps the
    /// price.
    #[test]
    fn a_version_that_changes_nothing_that_is_used_keeps_the_price(month in any_month(), from in 2_u32..=28) {
        let cut = month.with_version(from, true, |plan| {
            let price = json!({"model": "per_unit", "unit_price": "1"});
            add(&mut plan["rates"], json!({"rate": "unused", "apis": ["unused"], "price": price}));
        });
        // A plan's own allowance goes to the rates in the order of the days.
        if let Some(cut) = cut.filter(|cut| !cut.shares_units()) {
            for (whole, cut) in settle(&month).iter().zip(&settle(&cut)) {
                prop_assert_eq!(whole.charged.rated_yuan, cut.charged.rated_yuan);
            }
        }
    }
}
