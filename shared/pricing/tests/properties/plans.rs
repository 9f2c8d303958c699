//! Plans of every kind, as documents.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// How a plan and its rates give units for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Free {
    Not,
    ByMonth,
    ByDay,
}

/// The text of a document; what is null is left out.
pub(crate) fn written(document: &Value) -> String {
    fn filled(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let given = fields.iter().filter(|(_, value)| !value.is_null());
                given.map(|(name, value)| (name.clone(), filled(value))).collect()
            }
            Value::Array(list) => list.iter().map(filled).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    filled(document).to_string()
}

/// A field, if there is a value for it.
fn put(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    fields.extend(value.map(|value| (name.to_owned(), value)));
}

/// A quantity from millionths, as whole or as text.
fn quantity(millionths: u64) -> Value {
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
    if rest == 0 { json!(whole) } else { json!(format!("{whole}.{rest:06}")) }
}

/// Sizes of tiers, packages and allowances, above nothing.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => select(vec![1, 2, 7, 10, 100, 1_000, 31_000]).prop_map(|whole: u64| whole * 1_000_000),
        1 => select(vec![500_000, 1_500_000, 333_333, 100_500_000]),
        1 => (1_u64..2_000).prop_map(|whole| whole * 1_000_000),
    ]
}

fn price() -> impl Strategy<Value = Value> {
    let known = vec!["0", "0.0001", "0.0000000001", "0.0123456789", "0.005", "1", "2.5", "10"];
    prop_oneof![
        select(known).prop_map(Value::from),
        (0_u64..100_000_000_000).prop_map(|n| json!(format!(
            "{}.{:010}",
            n / 10_000_000_000,
            n % 10_000_000_000
        ))),
    ]
}

fn percent() -> impl Strategy<Value = Value> {
    select(vec!["0", "0.6", "10", "20", "33.3333333333", "50", "99.9999999999", "100"])
        .prop_map(Value::from)
}

/// A percentage with at most two decimals.
fn short_percent() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(vec!["0.01", "12.34", "33.33", "99.99"]).prop_map(Value::from),
        (0_u32..=10_000).prop_map(|n| json!(format!("{}.{:02}", n / 100, n % 100))),
    ]
}

/// Tiers with the fields given, each ending where the next begins.
fn tiers(fields: BoxedStrategy<Map<String, Value>>) -> impl Strategy<Value = Value> {
    let closed = prop::collection::vec((size(), fields.clone()), 0..3);
    (closed, fields).prop_map(|(closed, open)| {
        let mut end = 0;
        let closed = closed.into_iter().map(|(size, mut tier)| {
            end += size;
            tier.insert("up_to".to_owned(), quantity(end));
            tier
        });
        let mut tiers = closed.collect::<Vec<_>>();
        tiers.push(open);
        json!(tiers)
    })
}

fn unit_tier() -> BoxedStrategy<Map<String, Value>> {
    (price(), prop::option::of(price()))
        .prop_map(|(price, fee)| {
            let mut tier = Map::from_iter([("unit_price".to_owned(), price)]);
            put(&mut tier, "flat_fee", fee);
            tier
        })
        .boxed()
}

fn share_tier() -> BoxedStrategy<Map<String, Value>> {
    (percent(), prop::option::of(price()))
        .prop_map(|(percent, fee)| {
            let mut tier = Map::from_iter([("percent".to_owned(), percent)]);
            put(&mut tier, "flat_fee", fee);
            tier
        })
        .boxed()
}

fn block() -> impl Strategy<Value = Value> {
    let closed = prop::collection::vec((size(), 1_u64..5, price()), 0..3);
    let policy = select(vec!["all_tiers", "top_tier"]);
    (closed, size(), price(), policy).prop_map(|(closed, size, price, policy)| {
        let closed = closed.into_iter().map(|(size, blocks, price)| {
            json!({"size": quantity(size), "blocks": blocks, "price": price})
        });
        let mut tiers = closed.collect::<Vec<_>>();
        tiers.push(json!({"size": quantity(size), "price": price}));
        json!({"model": "block", "policy": policy, "tiers": tiers})
    })
}

/// A price by any of the seven models.
pub(crate) fn any_price() -> BoxedStrategy<Value> {
    let charged = select(vec!["started", "full", "half_up", "half_even"]);
    let free = || prop_oneof![Just(0), size()].prop_map(quantity);
    let calls = || prop_oneof![Just(0), 1_u64..50, 1_u64..20_000_000];
    prop_oneof![
        price().prop_map(|price| json!({"model": "per_unit", "unit_price": price})),
        (size(), price(), free(), charged).prop_map(|(size, price, free, charged)| json!({
            "model": "package", "size": quantity(size), "price": price, "free_units": free,
            "charged": charged})),
        (tiers(unit_tier()), any::<bool>(), select(vec!["graduated", "volume"]))
            .prop_map(|(tiers, fee, model)| json!({
                "model": model, "tiers": tiers, "flat_fee_at_zero_usage": fee})),
        block(),
        (percent(), free(), price(), calls()).prop_map(|(percent, free, fee, calls)| json!({
            "model": "percentage", "percent": percent, "free_amount": free, "fee_per_call": fee,
            "free_calls": calls})),
        (tiers(share_tier()), any::<bool>(), price(), calls()).prop_map(
            |(tiers, at_zero, fee, calls)| json!({
                "model": "graduated_percentage", "tiers": tiers, "fee_per_call": fee,
                "flat_fee_at_zero_usage": at_zero, "free_calls": calls})
        ),
    ]
    .boxed()
}

fn conversion(free: Free) -> impl Strategy<Value = Option<Value>> {
    let rounds = if free == Free::ByDay {
        vec!["none"]
    } else {
        vec!["none", "up", "down", "half_up", "half_even"]
    };
    let factor =
        || select(vec![json!(1), json!(2), json!(8), json!(10), json!(1_000), json!("0.5")]);
    prop::option::weighted(0.3, (factor(), factor(), select(rounds)).prop_map(
        |(multiply, divide, round)| json!({"multiply": multiply, "divide": divide, "round": round}),
    ))
}

/// What a discount takes off.
#[derive(Clone, Debug)]
enum Off {
    Percent(Value),
    Amount(&'static str, (&'static str, &'static str)),
}

/// How an amount is given, and what becomes of what is left of it.
pub(crate) fn any_voucher() -> impl Strategy<Value = (&'static str, &'static str)> {
    (select(vec!["monthly", "once"]), select(vec!["dropped", "carried"]))
}

/// Discounts; some hold on a part of the month only.
fn discounts(month: &'static str) -> impl Strategy<Value = Option<Value>> {
    let day = || prop::option::weighted(0.2, 1_u32..28);
    let of = || select(vec!["remaining", "list"]);
    let amount = || {
        let yuan = select(vec!["0", "0.01", "3.33", "50", "1000"]);
        (yuan, any_voucher()).prop_map(|(yuan, voucher)| Off::Amount(yuan, voucher))
    };
    let off = |percent: BoxedStrategy<Value>| prop_oneof![3 => percent.prop_map(Off::Percent), 1 => amount()];
    let long = off(percent().boxed());
    let long = prop::collection::vec((long, of(), day(), 1_u32..28), 1..3);
    let short = off(short_percent().boxed());
    let short = prop::collection::vec((short, of(), day(), 1_u32..28), 1..=4);
    prop::option::weighted(
        0.3,
        prop_oneof![long, short].prop_map(move |discounts| {
            let discount =
                |(index, (off, of, from, days)): (usize, (Off, &str, Option<u32>, u32))| {
                    let mut discount = match off {
                        Off::Percent(percent) => json!({"percent": percent, "of": of}),
                        Off::Amount(amount, (given, remainder)) => {
                            json!({"amount": amount, "given": given, "remainder": remainder})
                        }
                    };
                    discount["discount"] = json!(format!("d{index}"));
                    let is_voucher =
                        discount["given"] == "once" || discount["remainder"] == "carried";
                    if let Some(from) = from.or(is_voucher.then_some(1)) {
                        discount["from"] = json!(format!("{month}-{from:02}"));
                        if from + days <= 28 {
                            discount["until"] = json!(format!("{month}-{:02}", from + days));
                        }
                    }
                    discount
                };
            json!(discounts.into_iter().enumerate().map(discount).collect::<Vec<_>>())
        }),
    )
}

/// A minimum and a maximum in yuan, either or none.
fn caps() -> impl Strategy<Value = (Option<Value>, Option<Value>)> {
    let cap =
        |yuan: Vec<&'static str>| prop::option::weighted(0.3, select(yuan).prop_map(Value::from));
    (cap(vec!["0", "0.01", "1", "9.99"]), cap(vec!["9.99", "10", "1000"]))
}

/// The tax on a plan's prices, if it has any.
fn tax() -> impl Strategy<Value = Option<Value>> {
    let percent = select(vec!["0", "0.6", "6", "13", "33.3333333333", "100"]);
    let behavior = select(vec!["inclusive", "exclusive", "exclusive"]);
    let tax = (percent, behavior);
    prop::option::weighted(
        0.3,
        tax.prop_map(|(percent, behavior)| json!({"percent": percent, "behavior": behavior})),
    )
}

/// Allowances by month or by day, for the fields of a plan or of a rate.
fn allowance(free: Free) -> BoxedStrategy<Map<String, Value>> {
    let field = match free {
        Free::Not => return Just(Map::new()).boxed(),
        Free::ByMonth => "free_per_month",
        Free::ByDay => "free_per_day",
    };
    size().prop_map(move |units| Map::from_iter([(field.to_owned(), quantity(units))])).boxed()
}

fn rate(month: &'static str, free: Free) -> impl Strategy<Value = Map<String, Value>> {
    let own = prop_oneof![Just(Free::Not), Just(free)].prop_flat_map(allowance);
    let charged = prop_oneof![7 => Just(None), 1 => Just(Some(json!("at_month_end")))];
    (any_price(), own, conversion(free), discounts(month), caps(), charged).prop_map(
        |(price, mut rate, conversion, discounts, (minimum, maximum), charged)| {
            rate.insert("price".to_owned(), price);
            put(&mut rate, "charged", charged);
            put(&mut rate, "conversion", conversion);
            put(&mut rate, "discounts", discounts);
            put(&mut rate, "minimum", minimum);
            put(&mut rate, "maximum", maximum);
            rate
        },
    )
}

/// The APIs of each rate; no rate covers the last of [`APIS`](crate::months::APIS).
const COVERED: [&[&str]; 3] = [&["a.*"], &["b.*", "a.exact"], &["c.*"]];

/// A plan of one to three rates.
pub(crate) fn any_plan(month: &'static str) -> BoxedStrategy<Value> {
    let free = select(vec![Free::Not, Free::ByMonth, Free::ByDay]);
    let rounding = prop_oneof![
        3 => Just("half_up"), 1 => select(vec!["half_even", "up", "down"])];
    (free, rounding)
        .prop_flat_map(move |(free, rounding)| {
            let rates = prop::collection::vec(rate(month, free), 1..=3);
            let shared =
                prop_oneof![2 => Just(Free::Not), 1 => Just(free)].prop_flat_map(allowance);
            let on_change =
                prop_oneof![2 => Just(None), 1 => select(vec!["continue", "restart"]).prop_map(Some)];
            (rates, shared, discounts(month), caps(), on_change, tax()).prop_map(
                move |(rates, mut plan, discounts, (minimum, maximum), on_change, tax)| {
                    let rates = rates.into_iter().zip(COVERED).enumerate().map(
                        |(index, (mut rate, apis))| {
                            rate.insert("rate".to_owned(), json!(format!("r{index}")));
                            rate.insert("apis".to_owned(), json!(apis));
                            rate
                        },
                    );
                    plan.insert("rates".to_owned(), json!(rates.collect::<Vec<_>>()));
                    plan.insert("rounding".to_owned(), json!(rounding));
                    put(&mut plan, "on_change", on_change.map(Value::from));
                    put(&mut plan, "discounts", discounts);
                    put(&mut plan, "tax", tax);
                    put(&mut plan, "minimum", minimum);
                    put(&mut plan, "maximum", maximum);
                    Value::Object(plan)
                },
            )
        })
        .boxed()
}
