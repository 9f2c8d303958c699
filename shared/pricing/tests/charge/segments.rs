//! Months that are cut: units go on in tiers and allowances, or start again under another plan.

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use steelyard_pricing::{Fen, Override, Rounding};

use crate::{April, per_unit, plan, rate};

/// ¥1 to ten units beyond 100 free ones, then ¥0.5.
fn tiers() -> Value {
    let price = json!({"model": "graduated", "tiers": [
        {"up_to": 10, "unit_price": "1"}, {"unit_price": "0.5"}]});
    rate(price, json!({"free_per_month": 100}))
}

fn over(fields: Value) -> Override {
    let mut document = json!({"override": "deal"});
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Override::read(&document.to_string()).unwrap()
}

#[test]
fn a_new_version_of_the_plan_goes_on_in_tiers_and_allowances() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    let next = json!({"effective_from": "2014-04-11", "rates": tiers()});
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 50}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 50 calls, free 50 of 100 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
    april.count(11, json!({"a": 80}));
    april.check(11, expect![[r#"
        from 11 calls: 0 calls to 80 calls, free 50 of 100 after 50, (10 − 0) × 1 + (30 − 10) × 0.5 = 20, was 0, 20 rounded by 0 = 20.00
        charge 20.00 of 20"#]]);
}

#[test]
fn a_version_that_restarts_has_its_days_of_the_allowance() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    let next = json!({"effective_from": "2014-04-11", "on_change": "restart", "rates": tiers()});
    april.plans.insert(11, plan(next));
    // 100 units for 30 days are 33.3 for ten: 34 in the provider's favour, and 67 for twenty.
    april.count(1, json!({"a": 50}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 50 calls, free 34 of 34, (10 − 0) × 1 + (16 − 10) × 0.5 = 13, was 0, 13 rounded by 0 = 13.00
        charge 13.00 of 13"#]]);
    april.count(11, json!({"a": 80}));
    april.check(11, expect![[r#"
        from 11 calls: 0 calls to 80 calls, free 67 of 67, (10 − 0) × 1 + (13 − 10) × 0.5 = 11.5, was 0, 11.5 rounded by 0 = 11.50
        charge 11.50 of 24.5"#]]);
}

#[test]
fn a_plan_that_continues_takes_over_the_units_of_equally_named_rates() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    let next = json!({"plan": "other", "on_change": "continue", "rates": tiers()});
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 95}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 95 calls, free 95 of 100 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
    april.count(11, json!({"a": 20}));
    april.check(11, expect![[r#"
        from 11 calls: 0 calls to 20 calls, free 5 of 100 after 95, (10 − 0) × 1 + (15 − 10) × 0.5 = 12.5, was 0, 12.5 rounded by 0 = 12.50
        charge 12.50 of 12.5"#]]);
}

#[test]
fn an_allowance_that_is_granted_after_the_old_one_was_used_up_is_for_the_next_units() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    april.overrides.push(over(json!({
        "from": "2014-04-11", "rate": "calls", "free_on_top": 50})));
    april.count(1, json!({"a": 120}));
    april.check(10, expect![[r#"
        from 1 calls: 0 calls to 120 calls, free 100 of 100, (10 − 0) × 1 + (20 − 10) × 0.5 = 15, was 0, 15 rounded by 0 = 15.00
        charge 15.00 of 15"#]]);
    april.count(11, json!({"a": 55}));
    april.check(11, expect![[r#"
        from 11 calls: 0 calls to 55 calls, free 50 of 150 after 100, (10 − 0) × 1 + (25 − 10) × 0.5 less (10 − 0) × 1 + (20 − 10) × 0.5 = 2.5, was 0, 2.5 rounded by 0 = 2.50
        charge 2.50 of 17.5"#]]);
}

#[test]
fn late_usage_and_voids_move_the_units_of_later_segments() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    april.overrides.push(over(json!({
        "from": "2014-04-11", "rate": "calls", "discount_percent": "50"})));
    april.count(1, json!({"a": 90}));
    april.count(11, json!({"a": 25}));
    april.check(11, expect![[r#"
        from 1 calls: 0 calls to 90 calls, free 90 of 100 = 0, was 0, 0 rounded by 0 = 0.00
        from 11 calls: 0 calls to 25 calls, free 10 of 100 after 90, (10 − 0) × 1 + (15 − 10) × 0.5, less 50% of 12.5 = 6.25, was 0, 6.25 rounded by 0 = 6.25
        charge 6.25 of 6.25"#]]);
    april.count(1, json!({"a": 12}));
    april.check(12, expect![[r#"
        late from 1 calls: 90 calls to 102 calls, free 100 of 100, (2 − 0) × 1 = 2, was 0, 2 rounded by 0 = 2.00
        shifted from 11 calls: 25 calls to 25 calls, free 0 of 100 after 100, (10 − 0) × 1 + (27 − 10) × 0.5 less (2 − 0) × 1, less 50% of 16.5 = 8.25, was 6.25, 2 rounded by 0 = 2.00
        charge 4.00 of 10.25"#]]);
    april.void(1, json!({"a": 40}));
    april.check(13, expect![[r#"
        void from 1 calls: 102 calls to 62 calls, free 62 of 100 = 0, was 2, -2 rounded by 0 = -2.00
        shifted from 11 calls: 25 calls to 25 calls, free 25 of 100 after 62, less 50% of 0 = 0, was 8.25, -8.25 rounded by 0 = -8.25
        charge -10.25 of 0"#]]);
}

#[test]
fn caps_hold_what_all_segments_cost_and_the_minimum_is_due_once() {
    let fields = json!({"minimum": "10", "maximum": "100"});
    let rates = || rate(per_unit("1"), fields.clone());
    let mut april = April::under(plan(json!({"rates": rates()})));
    april.plans.insert(11, plan(json!({"effective_from": "2014-04-11", "rates": rates()})));
    april.count(1, json!({"a": 4}));
    april.check(
        10,
        expect![[r#"
        from 1 calls: 0 calls to 4 calls, (4 − 0) × 1 = 4, was 0, 4 rounded by 0 = 4.00
        charge 4.00 of 4"#]],
    );
    april.count(11, json!({"a": 1}));
    april.check(30, expect![[r#"
        from 11 calls: 0 calls to 1 call, (5 − 0) × 1 less (4 − 0) × 1 = 1, was 0, 1 rounded by 0 = 1.00
        minimum from 11 calls: 1, at least 10 with 4 before = 5, was 0, 5 rounded by 0 = 5.00
        charge 6.00 of 10"#]]);
    april.count(1, json!({"a": 94}));
    april.count(11, json!({"a": 20}));
    april.check(30, expect![[r#"
        late from 1 calls: 4 calls to 98 calls, (98 − 0) × 1 = 98, was 4, 94 rounded by 0 = 94.00
        late from 11 calls: 1 call to 21 calls, (119 − 0) × 1 less (98 − 0) × 1, at most 100 with 98 before = 2, was 1, 1 rounded by 0 = 1.00
        minimum from 11 calls: 2 = 0, was 5, -5 rounded by 0 = -5.00
        charge 90.00 of 100"#]]);
}

#[test]
fn a_maximum_below_what_was_charged_leaves_nothing_to_pay_and_gives_nothing_back() {
    let capped = |most: &str| rate(per_unit("1"), json!({"maximum": most}));
    let mut april = April::under(plan(json!({"rates": capped("100")})));
    let next = json!({"effective_from": "2014-04-11", "rates": capped("30")});
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 50}));
    april.check(
        10,
        expect![[r#"
        from 1 calls: 0 calls to 50 calls, (50 − 0) × 1 = 50, was 0, 50 rounded by 0 = 50.00
        charge 50.00 of 50"#]],
    );
    april.count(11, json!({"a": 1}));
    april.check(11, expect![[r#"
        from 11 calls: 0 calls to 1 call, (51 − 0) × 1 less (50 − 0) × 1, at most 30 with 50 before = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 50"#]]);
}

fn check_a_late_maximum(by_plan: Value, expected: Expect) {
    let mut first = json!({"rates": rate(per_unit("1"), json!({}))});
    first.as_object_mut().unwrap().append(&mut by_plan.as_object().unwrap().clone());
    let mut april = April::under(plan(first));
    let capped = rate(per_unit("1"), json!({"maximum": "30"}));
    april.plans.insert(11, plan(json!({"effective_from": "2014-04-11", "rates": capped})));
    april.count(1, json!({"a": 50}));
    april.count(11, json!({"a": 1}));
    april.check(11, expected);
}

#[test]
fn the_maximum_of_a_rate_gives_nothing_back_that_the_plan_took_off() {
    check_a_late_maximum(
        json!({"maximum": "5"}),
        expect![[r#"
        from 1 calls: 0 calls to 50 calls, (50 − 0) × 1 = 50, was 0, 50 rounded by 0 = 50.00
        from 1 plan: rates 50, at most 5 = -45, was 0, -45 rounded by 0 = -45.00
        from 11 calls: 0 calls to 1 call, (51 − 0) × 1 less (50 − 0) × 1, at most 30 with 50 before = 0, was 0, 0 rounded by 0 = 0.00
        charge 5.00 of 5"#]],
    );
    let off = json!({"discount": "off", "percent": "90"});
    check_a_late_maximum(
        json!({"discounts": [off]}),
        expect![[r#"
        from 1 calls: 0 calls to 50 calls, (50 − 0) × 1 = 50, was 0, 50 rounded by 0 = 50.00
        from 1 plan: rates 50, less 90% of 50 = -45, was 0, -45 rounded by 0 = -45.00
        from 11 calls: 0 calls to 1 call, (51 − 0) × 1 less (50 − 0) × 1, at most 30 with 50 before = 0, was 0, 0 rounded by 0 = 0.00
        charge 5.00 of 5"#]],
    );
}

#[test]
fn the_units_of_the_month_choose_the_tier_of_every_segment() {
    let volume = |first: &str| {
        let price = json!({"model": "volume", "tiers": [
            {"up_to": 100, "unit_price": first}, {"unit_price": "1"}]});
        rate(price, json!({}))
    };
    let mut april = April::under(plan(json!({"rates": volume("10")})));
    let next = json!({"effective_from": "2014-04-11", "rates": volume("9")});
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 50}));
    april.count(11, json!({"a": 10}));
    april.check(11, expect![[r#"
        from 1 calls: 0 calls to 50 calls, the month 60, (50 − 0) × 10 = 500, was 0, 500 rounded by 0 = 500.00
        from 11 calls: 0 calls to 10 calls, (60 − 0) × 9 less (50 − 0) × 9 = 90, was 0, 90 rounded by 0 = 90.00
        charge 590.00 of 590"#]]);
    april.count(12, json!({"a": 90}));
    april.check(12, expect![[r#"
        shifted from 1 calls: 50 calls to 50 calls, the month 150, (50 − 0) × 1 = 50, was 500, -450 rounded by 0 = -450.00
        from 11 calls: 10 calls to 100 calls, (150 − 0) × 1 less (50 − 0) × 1 = 100, was 90, 10 rounded by 0 = 10.00
        charge -440.00 of 150"#]]);
}

#[test]
fn more_free_units_that_leave_a_dearer_tier_cost_what_the_month_costs_without_them() {
    let price = json!({"model": "volume", "tiers": [
        {"up_to": 100, "unit_price": "10"}, {"unit_price": "1"}]});
    let mut april = April::under(plan(json!({"rates": rate(price, json!({}))})));
    april.overrides.push(over(json!({
        "from": "2014-04-16", "rate": "calls", "free_on_top": 60})));
    april.count(15, json!({"a": 50}));
    april.count(16, json!({"a": 100}));
    april.check(
        15,
        expect![[r#"
        from 1 calls: 0 calls to 50 calls, (50 − 0) × 10 = 500, was 0, 500 rounded by 0 = 500.00
        charge 500.00 of 500"#]],
    );
    april.check(16, expect![[r#"
        from 16 calls: 0 calls to 100 calls, free 60 of 60, (90 − 0) × 10 less (50 − 0) × 10 = 400, was 0, 400 rounded by 0 = 400.00
        concession from 16 month: 900, without override deal 150 = -750, was 0, -750 rounded by 0 = -750.00
        charge -350.00 of 150"#]]);
    april.count(17, json!({"a": 11}));
    april.check(17, expect![[r#"
        shifted from 1 calls: 50 calls to 50 calls, the month 101, (50 − 0) × 1 = 50, was 500, -450 rounded by 0 = -450.00
        from 16 calls: 100 calls to 111 calls, free 60 of 60, (101 − 0) × 1 less (50 − 0) × 1 = 51, was 400, -349 rounded by 0 = -349.00
        concession from 16 month: 101, without  101 = 0, was -750, 750 rounded by 0 = 750.00
        charge -49.00 of 101"#]]);
}

/// More free units of which only the last leaves the month in a dearer tier, after so many amounts
/// off.
#[test]
fn the_last_concession_never_raises_a_bill_however_many_there_are() {
    let price = json!({"model": "volume", "tiers": [
        {"up_to": 100, "unit_price": "10"}, {"unit_price": "1"}]});
    let cost = |amounts: u32, units: Option<u32>| {
        let mut april = April::under(plan(json!({"rates": rate(price.clone(), json!({}))})));
        let amounts = (0..amounts).map(|number| {
            json!({"override": format!("off{number}"), "from": "2014-04-02", "discount_amount": "0.01"})
        });
        let units = units.map(|units| json!({"from": "2014-04-16", "free_on_top": units}));
        for mut fields in amounts.chain(units) {
            fields["rate"] = json!("calls");
            april.overrides.push(over(fields));
        }
        april.count(5, json!({"a": 50})).count(20, json!({"a": 100}));
        april.settle(20).unwrap().charge_fen.get()
    };
    for amounts in [0, 1, 8, 9, 10, 12] {
        let without = cost(amounts, None);
        assert_eq!(without, 15_000 - i64::from(amounts));
        assert_eq!(cost(amounts, Some(60)), without, "after {amounts}");
    }
}

#[test]
fn a_rate_whose_units_are_of_another_kind_begins_at_its_first_unit() {
    let thousands = |divide: u32| {
        let conversion = json!({"divide": divide, "round": "up"});
        rate(per_unit("1"), json!({"conversion": conversion, "free_per_month": 2}))
    };
    let mut april = April::under(plan(json!({"rates": thousands(1_000)})));
    let next = |day: &str, divide| plan(json!({"effective_from": day, "rates": thousands(divide)}));
    april.plans.insert(11, next("2014-04-11", 1_000));
    april.plans.insert(21, next("2014-04-21", 100));
    april.count(1, json!({"a": 1_400}));
    april.check(
        10,
        expect![[r#"
        from 1 calls: 0 calls to 1400 calls, free 2 of 2 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
    april.count(11, json!({"a": 1_700}));
    april.check(20, expect![[r#"
        from 11 calls: 0 calls to 1700 calls, free 0 of 2 after 2, (2 − 0) × 1 = 2, was 0, 2 rounded by 0 = 2.00
        charge 2.00 of 2"#]]);
    april.count(21, json!({"a": 450}));
    april.check(21, expect![[r#"
        from 21 calls: 0 calls to 450 calls, free 2 of 2, (3 − 0) × 1 = 3, was 0, 3 rounded by 0 = 3.00
        charge 3.00 of 5"#]]);
}

#[test]
fn a_rate_that_is_of_another_kind_for_some_days_begins_again_though_nothing_was_used_in_them() {
    let sales =
        || rate(json!({"model": "percentage", "percent": "1", "fee_per_call": "0.5"}), json!({}));
    let mut april = April::under(plan(json!({"rates": sales()})));
    april.overrides.push(over(json!({
        "from": "2014-04-04", "until": "2014-04-05", "rate": "calls",
        "price": {"model": "per_unit", "unit_price": "0"}})));
    april.count(1, json!({"a": 1}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 1 call, 1 calls × 0.5 = 0.5, was 0, 0.5 rounded by 0 = 0.50
        charge 0.50 of 0.5"#]],
    );
    april.count(5, json!({"a": 1}));
    april.check(
        5,
        expect![[r#"
        from 5 calls: 0 calls to 1 call, 1 calls × 0.5 = 0.5, was 0, 0.5 rounded by 0 = 0.50
        charge 0.50 of 1"#]],
    );
}

#[test]
fn an_api_that_moves_to_another_rate_counts_there_from_then_on() {
    let rates = |moved: &str| {
        json!([
            {"rate": "calls", "apis": ["*"], "free_per_month": 10, "price": per_unit("1")},
            {"rate": "sms", "apis": [moved], "free_per_month": 10, "price": per_unit("2")}])
    };
    let mut april = April::under(plan(json!({"rates": rates("b")})));
    let next = json!({"effective_from": "2014-04-11", "rates": rates("a")});
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 8, "b": 8}));
    april.check(
        10,
        expect![[r#"
        from 1 calls: 0 calls to 8 calls, free 8 of 10 = 0, was 0, 0 rounded by 0 = 0.00
        from 1 sms: 0 calls to 8 calls, free 8 of 10 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
    april.count(11, json!({"a": 8, "b": 8}));
    april.check(11, expect![[r#"
        from 11 calls: 0 calls to 8 calls, free 2 of 10 after 8, (6 − 0) × 1 = 6, was 0, 6 rounded by 0 = 6.00
        from 11 sms: 0 calls to 8 calls, free 2 of 10 after 8, (6 − 0) × 2 = 12, was 0, 12 rounded by 0 = 12.00
        charge 18.00 of 18"#]]);
}

#[test]
fn the_allowance_of_a_plan_is_used_in_the_order_of_the_days() {
    let fields = |percent: &str| {
        json!({"free_per_month": 100, "effective_from": "2014-04-11",
            "discounts": [{"discount": "loyal", "percent": percent}],
            "rates": [
                {"rate": "sms", "apis": ["sms.*"], "price": per_unit("1")},
                {"rate": "other", "apis": ["*"], "price": per_unit("0.1")}]})
    };
    let mut april = April::under(plan(fields("10")));
    april.plans.insert(11, plan(fields("20")));
    april.count(1, json!({"item.get": 70}));
    april.check(
        10,
        expect![[r#"
        from 1 other: 0 calls to 70 calls, plan's free 70 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
    april.count(11, json!({"item.get": 20, "sms.send": 40}));
    april.check(11, expect![[r#"
        from 11 sms: 0 calls to 40 calls, plan's free 30, (10 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        from 11 other: 0 calls to 20 calls, (20 − 0) × 0.1 = 2, was 0, 2 rounded by 0 = 2.00
        from 11 plan: rates 12, less 20% of 12 = -2.4, was 0, -2.4 rounded by 0 = -2.40
        charge 9.60 of 9.6"#]]);
}

#[test]
fn terms_that_become_known_later_take_a_part_of_the_allowance() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    april.count(1, json!({"a": 90}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 90 calls, free 90 of 100 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
    let next = json!({"effective_from": "2014-04-11", "on_change": "restart", "rates": tiers()});
    april.plans.insert(11, plan(next));
    april.check(2, expect![[r#"
        new terms from 1 calls: 90 calls to 90 calls, free 34 of 34, (10 − 0) × 1 + (56 − 10) × 0.5 = 33, was 0, 33 rounded by 0 = 33.00
        charge 33.00 of 33"#]]);
    april.count(2, json!({"a": 1}));
    april.check(3, expect![[r#"
        late from 1 calls: 90 calls to 91 calls, free 34 of 34, (10 − 0) × 1 + (57 − 10) × 0.5 = 33.5, was 33, 0.5 rounded by 0 = 0.50
        charge 0.50 of 33.5"#]]);
}

#[test]
fn a_provider_that_comes_later_has_its_days_of_the_allowance() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    april.plans = april.plans.into_values().map(|plan| (16, plan)).collect();
    april.check(1, expect!["charge 0.00 of 0"]);
    april.count(16, json!({"a": 51}));
    april.check(16, expect![[r#"
        from 16 calls: 0 calls to 51 calls, free 50 of 50, (1 − 0) × 1 = 1, was 0, 1 rounded by 0 = 1.00
        charge 1.00 of 1"#]]);
}

#[test]
fn a_month_is_rounded_by_the_plan_that_comes_later_and_by_none_before() {
    let rates = rate(per_unit("0.019"), json!({}));
    let mut april = April::under(plan(json!({"rounding": "down", "rates": rates})));
    april.plans = april.plans.into_values().map(|plan| (16, plan)).collect();
    april.check(15, expect!["charge 0.00 of 0"]);
    assert_eq!(april.month.rounding, None);
    april.count(16, json!({"a": 1}));
    april.check(16, expect![[r#"
        from 16 calls: 0 calls to 1 call, (1 − 0) × 0.019 = 0.019, was 0, 0.019 rounded by -0.009 = 0.01
        charge 0.01 of 0.019"#]]);
    assert_eq!(april.month.rounding, Some(Rounding::Down));
}

#[test]
fn a_provider_that_goes_to_another_plan_is_rated_by_each_for_its_days() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    april.plans.insert(16, plan(json!({"plan": "other", "rates": rate(per_unit("2"), json!({}))})));
    april.count(15, json!({"a": 60}));
    april.check(15, expect![[r#"
        from 1 calls: 0 calls to 60 calls, free 50 of 50, (10 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        charge 10.00 of 10"#]]);
    april.count(16, json!({"a": 3}));
    april.count(15, json!({"a": 1}));
    april.check(16, expect![[r#"
        late from 1 calls: 60 calls to 61 calls, free 50 of 50, (10 − 0) × 1 + (11 − 10) × 0.5 = 10.5, was 10, 0.5 rounded by 0 = 0.50
        from 16 calls: 0 calls to 3 calls, (3 − 0) × 2 = 6, was 0, 6 rounded by 0 = 6.00
        charge 6.50 of 16.5"#]]);
}

#[test]
fn an_override_holds_from_a_day_up_to_another() {
    let mut april = April::under(plan(json!({"rates": rate(per_unit("1"), json!({}))})));
    april.overrides.push(over(json!({
        "from": "2014-04-11", "until": "2014-04-21", "rate": "calls", "free_on_top": 31,
        "price": per_unit("0.5"), "discount_percent": "20"})));
    for day in [10, 11, 21] {
        april.count(day, json!({"a": 20}));
    }
    april.check(
        10,
        expect![[r#"
        from 1 calls: 0 calls to 20 calls, (20 − 0) × 1 = 20, was 0, 20 rounded by 0 = 20.00
        charge 20.00 of 20"#]],
    );
    april.check(20, expect![[r#"
        from 11 calls: 0 calls to 20 calls, free 20 of 31, (20 − 0) × 0.5 less (20 − 0) × 0.5, less 20% of 0 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 20"#]]);
    april.check(
        21,
        expect![[r#"
            from 21 calls: 0 calls to 20 calls, (40 − 0) × 1 less (20 − 0) × 1 = 20, was 0, 20 rounded by 0 = 20.00
            charge 20.00 of 40"#]],
    );
}

#[test]
fn a_discount_holds_from_a_day_up_to_another() {
    let spring = json!([{"discount": "spring", "percent": "30", "from": "2014-04-10",
                         "until": "2014-04-12"}]);
    let rates = rate(per_unit("1"), json!({"discounts": spring}));
    let mut april = April::under(plan(json!({"rates": rates})));
    for day in [9, 10, 11, 12] {
        april.count(day, json!({"a": 10}));
    }
    april.check(12, expect![[r#"
        from 1 calls: 0 calls to 10 calls, (10 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        from 10 calls: 0 calls to 20 calls, (30 − 0) × 1 less (10 − 0) × 1, less 30% of 20 = 14, was 0, 14 rounded by 0 = 14.00
        from 12 calls: 0 calls to 10 calls, (40 − 0) × 1 less (30 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        charge 34.00 of 34"#]]);
}

#[test]
fn minimum_and_maximum_are_given_by_days_too() {
    let fields = json!({"minimum": "10", "maximum": "100"});
    let rates = || rate(per_unit("1"), fields.clone());
    let mut april = April::under(plan(json!({"rates": rates()})));
    let next = json!({"plan": "other", "rates": rates()});
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 50}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 50 calls, (50 − 0) × 1, at most 33.33 = 33.33, was 0, 33.33 rounded by 0 = 33.33
        charge 33.33 of 33.33"#]]);
    april.check(
        30,
        expect![[r#"
            minimum from 11 calls: 0, at least 6.66 = 6.66, was 0, 6.66 rounded by 0 = 6.66
            charge 6.66 of 39.99"#]],
    );
}

#[test]
fn one_rule_rounds_the_month_whatever_comes_later() {
    let priced = |rounding: &str| {
        plan(json!({
        "rounding": rounding, "rates": rate(per_unit("0.005"), json!({}))}))
    };
    let mut april = April::under(priced("down"));
    april.plans.insert(2, priced("up"));
    april.count(1, json!({"a": 1}));
    assert_eq!(april.settle(1).unwrap().charge_fen, Fen::ZERO);
    assert_eq!(april.settle(2).unwrap().charge_fen, Fen::ZERO);
    april.count(3, json!({"a": 2}));
    assert_eq!(april.settle(3).unwrap().charge_fen, Fen::new(1));
}

#[test]
fn calls_without_a_fee_go_on_where_terms_change() {
    let rates = |calls: u64| {
        let price = json!({"model": "percentage", "percent": "10", "fee_per_call": "0.5",
                           "free_calls": calls});
        rate(price, json!({}))
    };
    let mut april = April::under(plan(json!({"rates": rates(10)})));
    april.plans.insert(11, plan(json!({"effective_from": "2014-04-11", "rates": rates(15)})));
    april.count(1, json!({"a": {"calls": 8, "amount": "100"}}));
    april.check(10, expect![[r#"
        from 1 calls: 0 calls to 8 calls of ¥100.00, ¥(100 − 0) × 0.1 + 8 calls × 0 = 10, was 0, 10 rounded by 0 = 10.00
        charge 10.00 of 10"#]]);
    april.count(11, json!({"a": {"calls": 9, "amount": "20"}}));
    april.check(11, expect![[r#"
        from 11 calls: 0 calls to 9 calls of ¥20.00, ¥(120 − 0) × 0.1 + 15 calls × 0 + 2 calls × 0.5 less ¥(100 − 0) × 0.1 + 8 calls × 0 = 3, was 0, 3 rounded by 0 = 3.00
        charge 3.00 of 13"#]]);
    april.count(2, json!({"a": {"calls": 4, "amount": "5"}}));
    april.check(12, expect![[r#"
        late from 1 calls: 8 calls of ¥100.00 to 12 calls of ¥105.00, ¥(105 − 0) × 0.1 + 10 calls × 0 + 2 calls × 0.5 = 11.5, was 10, 1.5 rounded by 0 = 1.50
        shifted from 11 calls: 9 calls of ¥20.00 to 9 calls of ¥20.00, ¥(125 − 0) × 0.1 + 15 calls × 0 + 6 calls × 0.5 less ¥(105 − 0) × 0.1 + 12 calls × 0 = 5, was 3, 2 rounded by 0 = 2.00
        charge 3.50 of 16.5"#]]);
}

/// A discount of ten decimals in the first version leaves its decimals in what the second counts
/// towards its limit, or has left of an amount. The second takes as fine a discount of the rest.
#[test]
fn what_a_limit_leaves_of_an_amount_with_many_decimals_is_discounted_exactly() {
    let fine = json!({"discount": "fine", "percent": "66.6666666667"});
    let off = json!({"discount": "off", "amount": "0.01"});
    for (first, second, charged) in [
        (
            json!([fine]),
            json!({"minimum": "0.02"}),
            expect![[r#"
            from 1 calls: 0 calls to 7 calls, (7 − 0) × 0.0000000001, less 66.6666666667% of 0.0000000007 = 0.0000000002333333333331, was 0, 0.0000000002333333333331 rounded by -0.0000000002333333333331 = 0.00
            from 11 calls: 0 calls to 3 calls, (10 − 0) × 0.005 less (7 − 0) × 0.005 = 0.015, was 0, 0.015 rounded by 0.005 = 0.02
            minimum from 11 calls: 0.015, at least 0.02 with 0.0000000002333333333331 before = 0.0049999997666666666669, was 0, 0.0049999997666666666669 rounded by -0.0049999997666666666669 = 0.00
            from 11 plan: rates 0.0199999997666666666669, less 66.6666666667% of 0.0199999997666666666669 = -0.0133333331777844444445222222222223, was 0, -0.0133333331777844444445222222222223 rounded by 0.0033333331777844444445222222222223 = -0.01
            charge 0.01 of 0.0066666668222155555554777777777777"#]],
        ),
        (
            json!([fine]),
            json!({"maximum": "0.01"}),
            expect![[r#"
            from 1 calls: 0 calls to 7 calls, (7 − 0) × 0.0000000001, less 66.6666666667% of 0.0000000007 = 0.0000000002333333333331, was 0, 0.0000000002333333333331 rounded by -0.0000000002333333333331 = 0.00
            from 11 calls: 0 calls to 3 calls, (10 − 0) × 0.005 less (7 − 0) × 0.005, at most 0.01 with 0.0000000002333333333331 before = 0.0099999997666666666669, was 0, 0.0099999997666666666669 rounded by 0.0000000002333333333331 = 0.01
            from 11 plan: rates 0.0099999997666666666669, less 66.6666666667% of 0.0099999997666666666669 = -0.0066666665111144444445222222222223, was 0, -0.0066666665111144444445222222222223 rounded by -0.0033333334888855555554777777777777 = -0.01
            charge 0.00 of 0.0033333334888855555554777777777777"#]],
        ),
        (
            json!([fine, off]),
            json!({"discounts": [off]}),
            expect![[r#"
            from 1 calls: 0 calls to 7 calls, (7 − 0) × 0.0000000001, less 66.6666666667% of 0.0000000007, less 0.0000000002333333333331 of 0.01 after 0 = 0, was 0, 0 rounded by 0 = 0.00
            from 11 calls: 0 calls to 3 calls, (10 − 0) × 0.005 less (7 − 0) × 0.005, less 0.0099999997666666666669 of 0.01 after 0.0000000002333333333331 = 0.0050000002333333333331, was 0, 0.0050000002333333333331 rounded by -0.0050000002333333333331 = 0.00
            from 11 plan: rates 0.0050000002333333333331, less 66.6666666667% of 0.0050000002333333333331 = -0.0033333334888905555554777777777777, was 0, -0.0033333334888905555554777777777777 rounded by 0.0033333334888905555554777777777777 = 0.00
            charge 0.00 of 0.0016666667444427777776222222222223"#]],
        ),
    ] {
        let first = rate(per_unit("0.0000000001"), json!({"discounts": first}));
        let second = rate(per_unit("0.005"), second);
        let mut april = April::under(plan(json!({"rates": first})));
        let next = json!({"effective_from": "2014-04-11", "discounts": [fine], "rates": second});
        april.plans.insert(11, plan(next));
        april.count(1, json!({"a": 7})).count(11, json!({"a": 3}));
        april.check(30, charged);
    }
}
