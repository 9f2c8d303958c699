//! What the field's own documentation says that usage costs, and what it costs here.
//!
//! Each row names where its prices come from. Where a source says another amount than our rule
//! gives, a comment beside the row says so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod amounts;
mod order;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use steelyard_pricing::{Billable, BillingDay, Plan, PriceModel, Quote, Terms, Usage, Yuan};

/// A plan of one rate for all APIs; the rate's other fields are given.
fn plan(rate: &Value) -> Plan {
    let mut rate = rate.clone();
    rate["rate"] = json!("calls");
    rate["apis"] = json!(["*"]);
    let plan = json!({"plan": "example", "effective_from": "2014-04-01", "rates": [rate]});
    Plan::read(&plan.to_string()).unwrap()
}

fn usage(metered: &Value) -> Usage {
    serde_json::from_value(json!({ "a": metered })).unwrap()
}

fn yuan(text: &str) -> Yuan {
    Yuan::new(Decimal::from_str_exact(text).unwrap())
}

/// What a month of so much usage costs, exactly.
fn check(rate: &Value, rows: &[(Value, &str)]) {
    let plan = plan(rate);
    for (metered, exact) in rows {
        let terms_on = |_| Some(Terms { plan: &plan, overrides: Vec::new() });
        let quote = Quote::of_month("2014-04".parse().unwrap(), &usage(metered), terms_on);
        assert_eq!(quote.unwrap().exact, yuan(exact), "{metered} by {rate}");
    }
}

/// What each day of a month costs after the days before it, exactly.
fn check_days(rate: &Value, rows: &[(Value, &str)]) {
    let plan = plan(rate);
    let first = "2014-04-01".parse::<BillingDay>().unwrap();
    let all = std::iter::successors(Some(first), |day| Some(day.next()));
    let days = all.zip(rows).map(|(day, (metered, _))| (day, usage(metered)));
    let days = days.collect::<BTreeMap<_, _>>();
    let terms_on = |_| Some(Terms { plan: &plan, overrides: Vec::new() });
    let quote = Quote::of_days(&days, terms_on).unwrap();
    let exact = quote.days.iter().map(|day| day.exact).collect::<Vec<_>>();
    let expected = rows.iter().map(|(_, exact)| yuan(exact)).collect::<Vec<_>>();
    assert_eq!(exact, expected, "{rate}");
}

/// What units cost by a price alone, fractions of them too, at the end of a month.
fn check_units(price: Value, rows: &[(&str, &str)]) {
    let price = serde_json::from_value::<PriceModel>(price).unwrap();
    for (units, exact) in rows {
        let units = Decimal::from_str_exact(units).unwrap();
        let slices =
            price.slices(Billable { units, top: units, calls: units, closing: true }).unwrap();
        let sum = Yuan::sum(slices.iter().map(|slice| slice.amount)).unwrap();
        assert_eq!(sum, yuan(exact), "{units} by {price:?}");
    }
}

#[test]
fn each_unit_costs_the_same() {
    // Zuplo, Pricing models: 100,000 calls at 0.001.
    check(
        &json!({"price": {"model": "per_unit", "unit_price": "0.001"}}),
        &[(json!(100_000), "100"), (json!(0), "0")],
    );
    // Taobao open platform, April 2014: 0.01 per 100 calls beyond 500,000.
    check(
        &json!({"free_per_month": 500_000, "price": {"model": "per_unit", "unit_price": "0.0001"}}),
        &[(json!(500_000), "0"), (json!(500_001), "0.0001"), (json!(600_000), "10")],
    );
    // Tencent Cloud, Observability Platform, API billing rules: 0.035 per 10,000 requests beyond a
    // million; the counts are ours.
    check(
        &json!({"free_per_month": 1_000_000,
                "price": {"model": "per_unit", "unit_price": "0.0000035"}}),
        &[(json!(1_000_000), "0"), (json!(2_000_000), "3.5"), (json!(1_000_001), "0.0000035")],
    );
}

#[test]
fn a_started_package_is_charged_in_full() {
    // Lago, Package charge model: 5 for each 100 units, the first 100 are free.
    let by_price = json!({"model": "package", "size": 100, "price": "5", "free_units": 100});
    check(
        &json!({ "price": by_price }),
        &[(json!(100), "0"), (json!(101), "5"), (json!(200), "5"), (json!(201), "10")],
    );
    // The same with the rate's own allowance.
    check(
        &json!({"free_per_month": 100, "price": {"model": "package", "size": 100, "price": "5"}}),
        &[(json!(201), "10")],
    );
    // Chargebee, Package pricing: 1.25 for each million tokens. It bills one package at least in
    // every period; here no usage is no charge, unless the plan gives a minimum.
    check(
        &json!({"price": {"model": "package", "size": 1_000_000, "price": "1.25"}}),
        &[
            (json!(0), "0"),
            (json!(10), "1.25"),
            (json!(1_000_000), "1.25"),
            (json!(1_500_000), "2.5"),
        ],
    );
    // Flexprice, Package size in a tier: 4,500 calls are five packages of 1,000.
    check(
        &json!({"price": {"model": "package", "size": 1_000, "price": "1"}}),
        &[(json!(4_500), "5")],
    );
    // Stripe, Transform quantities, rounding down: only full packages; the counts are ours.
    check(
        &json!({"price": {"model": "package", "size": 100, "price": "5", "charged": "full"}}),
        &[(json!(99), "0"), (json!(100), "5"), (json!(299), "10")],
    );
}

#[test]
fn each_unit_costs_the_price_of_its_own_tier() {
    // A unit and a flat price in each tier, as OpenMeter and Stripe have them; the figures are
    // ours.
    check(
        &json!({"price": {"model": "graduated", "flat_fee_at_zero_usage": true, "tiers": [
            {"up_to": 10, "unit_price": "10", "flat_fee": "2"},
            {"up_to": 20, "unit_price": "5", "flat_fee": "3"},
            {"unit_price": "5", "flat_fee": "3"}]}}),
        &[
            (json!(0), "2"),
            (json!(1), "12"),
            (json!(10), "102"),
            (json!(11), "110"),
            (json!(12), "115"),
            (json!(21), "163"),
        ],
    );
    // Lago, Graduated: 1 for the first 100, 0.50 for the next 100, then 0.10; the counts are ours.
    check(
        &json!({"price": {"model": "graduated", "tiers": [
            {"up_to": 100, "unit_price": "1"}, {"up_to": 200, "unit_price": "0.5"},
            {"unit_price": "0.1"}]}}),
        &[(json!(100), "100"), (json!(101), "100.5"), (json!(250), "155")],
    );
    // Zuplo, Pricing models, graduated.
    check(
        &json!({"price": {"model": "graduated", "tiers": [
            {"up_to": 1_000, "unit_price": "0.1"}, {"up_to": 10_000, "unit_price": "0.05"},
            {"unit_price": "0.01"}]}}),
        &[(json!(15_000), "600")],
    );
    // Autumn, Graduated pricing.
    check(
        &json!({"price": {"model": "graduated", "tiers": [
            {"up_to": 1_000, "unit_price": "0.01"}, {"up_to": 10_000, "unit_price": "0.008"},
            {"unit_price": "0.005"}]}}),
        &[(json!(15_000), "107")],
    );
    // Oracle Banking, Slab amount by number of count: prices by unit, and amounts by slab.
    check(
        &json!({"price": {"model": "graduated", "tiers": [
            {"up_to": 250, "unit_price": "1"}, {"up_to": 500, "unit_price": "2"},
            {"unit_price": "3"}]}}),
        &[(json!(1_000), "2250")],
    );
    check(
        &json!({"price": {"model": "graduated", "tiers": [
            {"up_to": 250, "unit_price": "0", "flat_fee": "10"},
            {"up_to": 500, "unit_price": "0", "flat_fee": "20"},
            {"unit_price": "0", "flat_fee": "30"}]}}),
        &[(json!(1_000), "60"), (json!(250), "10"), (json!(0), "0")],
    );
    // 3scale, Pricing rules: 0.04 up to the 100th call, 0.10 from the 101st; the counts are ours.
    check(
        &json!({"price": {"model": "graduated", "tiers": [
            {"up_to": 100, "unit_price": "0.04"}, {"unit_price": "0.1"}]}}),
        &[(json!(100), "4"), (json!(101), "4.1")],
    );
    // Amazon API Gateway, HTTP APIs in Virginia: 1.00 a million to 300 million, then 0.90. The
    // first count is published, the second is ours.
    check(
        &json!({"price": {"model": "graduated", "tiers": [
            {"up_to": 300_000_000, "unit_price": "0.000001"}, {"unit_price": "0.0000009"}]}}),
        &[(json!(216_000_000), "216"), (json!(400_000_000), "390")],
    );
}

#[test]
fn tiers_go_on_from_day_to_day() {
    // Alibaba Cloud, API Gateway of SOFAStack, prices by 10,000 calls. Of the last day it says 278,
    // as though the 600,000 calls before it had left the second tier untouched; a month's calls are
    // counted together, so that it costs 277.60 here.
    check_days(
        &json!({"conversion": {"divide": 10_000}, "price": {"model": "graduated", "tiers": [
            {"up_to": 10, "unit_price": "0"}, {"up_to": 1_000, "unit_price": "0.2"},
            {"up_to": 10_000, "unit_price": "0.16"}, {"unit_price": "0.12"}]}}),
        &[(json!(90_000), "0"), (json!(510_000), "10"), (json!(15_000_000), "277.6")],
    );
}

#[test]
fn all_units_cost_the_price_of_the_tier_that_the_last_is_in() {
    // A unit and a flat price in some tiers, as OpenMeter and Stripe have them; the figures are
    // ours.
    check_units(
        json!({"model": "volume", "tiers": [
            {"up_to": 100, "unit_price": "2", "flat_fee": "10"},
            {"up_to": 200, "unit_price": "1"},
            {"unit_price": "0.5", "flat_fee": "50"}]}),
        &[
            ("0", "0"),
            ("100", "210"),
            ("100.5", "100.5"),
            ("101", "101"),
            ("200", "200"),
            ("300", "200"),
        ],
    );
    // Lago, Volume: 10 for the tier, and a price for all units.
    check(
        &json!({"price": {"model": "volume", "tiers": [
            {"up_to": 10_000, "unit_price": "0.001", "flat_fee": "10"},
            {"up_to": 50_000, "unit_price": "0.0008", "flat_fee": "10"},
            {"up_to": 100_000, "unit_price": "0.0006", "flat_fee": "10"},
            {"unit_price": "0.0004", "flat_fee": "10"}]}}),
        &[(json!(65_000), "49"), (json!(100_000), "70"), (json!(100_001), "50.0004")],
    );
    // Zuplo, Pricing models, volume.
    check(
        &json!({"price": {"model": "volume", "tiers": [
            {"up_to": 1_000, "unit_price": "0.1"}, {"up_to": 10_000, "unit_price": "0.05"},
            {"unit_price": "0.01"}]}}),
        &[(json!(15_000), "150")],
    );
    // Oracle Banking, Variable amount by number of count: a price by unit, and an amount alone.
    check(
        &json!({"price": {"model": "volume", "tiers": [
            {"up_to": 250, "unit_price": "1"}, {"up_to": 500, "unit_price": "2"},
            {"unit_price": "3"}]}}),
        &[(json!(1_000), "3000")],
    );
    check(
        &json!({"price": {"model": "volume", "tiers": [
            {"up_to": 250, "unit_price": "0", "flat_fee": "10"},
            {"up_to": 500, "unit_price": "0", "flat_fee": "20"},
            {"unit_price": "0", "flat_fee": "30"}]}}),
        &[(json!(1_000), "30")],
    );
}

#[test]
fn blocks_are_counted_by_tier_or_by_the_top_tier() {
    // The policies ALL_TIERS and TOP_TIER of Kill Bill's usage in arrear; the figures are ours.
    let blocks = |policy: &str| {
        json!({"price": {"model": "block", "policy": policy, "tiers": [
            {"size": 10, "blocks": 100, "price": "1"}, {"size": 10, "price": "0.5"}]}})
    };
    check(
        &blocks("all_tiers"),
        &[(json!(1), "1"), (json!(1_000), "100"), (json!(1_001), "100.5"), (json!(1_500), "125")],
    );
    check(
        &blocks("top_tier"),
        &[(json!(1_000), "100"), (json!(1_001), "50.5"), (json!(1_500), "75")],
    );
}
