//! Plans at the borders of what is accepted, and beyond.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use steelyard_pricing::Plan;

use crate::plans::written;

/// A text of a decimal number with so many whole digits at the most, and so many decimals.
fn number(whole: usize, decimals: usize) -> impl Strategy<Value = String> {
    let digits = |most: usize| {
        (0..=most, select(vec!['1', '3', '9'])).prop_map(|(n, digit)| digit.to_string().repeat(n))
    };
    (digits(whole), digits(decimals))
        .prop_map(|(whole, decimals)| match (whole.as_str(), decimals.as_str()) {
            (whole, "") => format!("0{whole}").trim_start_matches('0').to_owned(),
            (whole, decimals) => format!("{whole}.{decimals}"),
        })
        .prop_map(
            |text| if text.is_empty() || text.starts_with('.') { format!("0{text}") } else { text },
        )
}

fn quantity() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => number(14, 6).prop_map(|text| json!(format!("{text}1"))).prop_filter("a quantity", |q| {
            q.as_str().is_some_and(|text| text.split('.').nth(1).is_none_or(|d| d.len() <= 6))
        }),
        2 => (1_u64..1_000).prop_map(Value::from),
        1 => select(vec![json!("0.000001"), json!("0.5"), json!(1_000_000_000_000_000_u64)]),
    ]
}

fn price() -> impl Strategy<Value = Value> {
    prop_oneof![4 => number(1, 4), 3 => number(2, 6), 1 => number(5, 4), 1 => number(4, 10)]
        .prop_map(Value::from)
}

fn percent() -> impl Strategy<Value = Value> {
    prop_oneof![4 => number(2, 2), 1 => number(2, 10), 1 => Just("100".to_owned())]
        .prop_map(Value::from)
}

fn conversion(by_day: bool) -> impl Strategy<Value = Option<Value>> {
    let factor = || {
        prop_oneof![
            2 => Just(json!(1)),
            1 => number(9, 6).prop_map(Value::from),
            1 => select(vec!["0.000001", "1000000000", "3", "536870912", "0.015625"]).prop_map(Value::from),
        ]
    };
    let round = select(if by_day {
        vec!["none"]
    } else {
        vec!["none", "up", "down", "half_up", "half_even"]
    });
    prop::option::weighted(0.3, (factor(), factor(), round).prop_map(
        |(multiply, divide, round)| json!({"multiply": multiply, "divide": divide, "round": round}),
    ))
}

/// Tiers whose ends grow; each has what every model's tier may have, of which it takes its own.
fn model() -> impl Strategy<Value = Value> {
    let tier = || (price(), price(), percent(), quantity());
    let tiers = prop::collection::vec((tier(), 0_u64..1_000_000_000_000), 0..3);
    let models = vec![
        "per_unit",
        "package",
        "graduated",
        "volume",
        "block",
        "percentage",
        "graduated_percentage",
    ];
    (select(models), tiers, tier(), any::<bool>()).prop_map(|(model, tiers, last, flag)| {
        let (price, fee, percent, size) = last;
        let mut end = 0;
        let mut list = Vec::new();
        for ((price, fee, percent, size), width) in tiers {
            end += width + 1;
            list.push(of_tier(model, Some((end, width % 7 + 1)), price, fee, percent, size));
        }
        list.push(of_tier(model, None, price.clone(), fee.clone(), percent.clone(), size.clone()));
        match model {
            "per_unit" => json!({"model": model, "unit_price": price}),
            "package" => json!({"model": model, "size": size, "price": price, "free_units": end,
                                "charged": if flag { "full" } else { "started" }}),
            "block" => json!({"model": model, "tiers": list,
                              "policy": if flag { "top_tier" } else { "all_tiers" }}),
            "percentage" => json!({"model": model, "percent": percent, "fee_per_call": fee,
                                   "free_amount": end, "free_calls": end}),
            "graduated_percentage" => json!({"model": model, "tiers": list, "fee_per_call": fee,
                                             "free_calls": if flag { end } else { 7 }}),
            _ => json!({"model": model, "tiers": list, "flat_fee_at_zero_usage": flag}),
        }
    })
}

fn of_tier(
    model: &str,
    end: Option<(u64, u64)>,
    price: Value,
    fee: Value,
    percent: Value,
    size: Value,
) -> Value {
    let up_to = end
        .map(|(end, blocks)| if blocks == 1 { json!(format!("{end}.000001")) } else { json!(end) });
    match model {
        "block" => json!({"size": size, "price": price, "blocks": end.map(|(_, blocks)| blocks)}),
        "graduated_percentage" => json!({"up_to": up_to, "percent": percent, "flat_fee": fee}),
        _ => json!({"up_to": up_to, "unit_price": price, "flat_fee": fee}),
    }
}

/// What a plan and its rates have both.
fn common(free: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    let percents = prop::collection::vec((percent(), select(vec!["list", "remaining"])), 0..3);
    let cap = |yuan: Vec<&'static str>| prop::option::weighted(0.2, select(yuan));
    let (minimum, maximum) = (cap(vec!["0", "0.01", "1000000000000"]), cap(vec!["1000000000000"]));
    let allowance = prop::option::of(quantity());
    (percents, minimum, maximum, allowance, conversion(free == "free_per_day")).prop_map(
        |(percents, minimum, maximum, allowance, conversion)| {
            let discount = |(index, (percent, of)): (usize, (Value, &str))| {
                json!({"discount": format!("d{index}"), "percent": percent, "of": of})
            };
            let discounts = percents.into_iter().enumerate().map(discount).collect::<Vec<_>>();
            let mut fields = Map::from_iter([
                ("discounts".to_owned(), json!(discounts)),
                ("minimum".to_owned(), json!(minimum)),
                ("maximum".to_owned(), json!(maximum)),
                ("conversion".to_owned(), json!(conversion)),
            ]);
            fields.extend(allowance.map(|units| (free.to_owned(), units)));
            fields
        },
    )
}

/// A plan of two rates, if it is accepted.
pub(crate) fn wild_plan() -> impl Strategy<Value = Option<Plan>> {
    select(vec!["free_per_month", "free_per_day"]).prop_flat_map(|free| {
        let rate = || (common(free), model());
        (common(free), rate(), rate()).prop_map(|(mut plan, first, second)| {
            let rates = [(first, "r0", "a"), (second, "r1", "*")];
            let rates = rates.map(|((mut rate, model), name, api)| {
                rate.insert("rate".to_owned(), json!(name));
                rate.insert("apis".to_owned(), json!([api]));
                rate.insert("price".to_owned(), model);
                rate
            });
            plan.insert("plan".to_owned(), json!("wild"));
            plan.insert("effective_from".to_owned(), json!("2014-04-01"));
            plan.insert("rates".to_owned(), json!(rates));
            Plan::read(&written(&Value::Object(plan))).ok()
        })
    })
}
