//! Months that are cut: tiers start again, and allowances are given by days.

use expect_test::expect;
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
fn a_new_version_of_the_plan_starts_tiers_again() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    let next = json!({"effective_from": "2014-04-11", "rates": tiers()});
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
fn terms_that_become_known_later_take_a_part_of_the_allowance() {
    let mut april = April::under(plan(json!({"rates": tiers()})));
    april.count(1, json!({"a": 90}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 90 calls, free 90 of 100 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
    let next = json!({"effective_from": "2014-04-11", "rates": tiers()});
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
        from 16 calls: 0 calls to 1 calls, (1 − 0) × 0.019 = 0.019, was 0, 0.019 rounded by -0.009 = 0.01
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
        from 11 calls: 0 calls to 20 calls, free 11 of 11, (9 − 0) × 0.5, less 20% of 4.5 = 3.6, was 0, 3.6 rounded by 0 = 3.60
        charge 3.60 of 23.6"#]]);
    april.check(
        21,
        expect![[r#"
        from 21 calls: 0 calls to 20 calls, (20 − 0) × 1 = 20, was 0, 20 rounded by 0 = 20.00
        charge 20.00 of 43.6"#]],
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
        from 10 calls: 0 calls to 20 calls, (20 − 0) × 1, less 30% of 20 = 14, was 0, 14 rounded by 0 = 14.00
        from 12 calls: 0 calls to 10 calls, (10 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        charge 34.00 of 34"#]]);
}

#[test]
fn minimum_and_maximum_are_given_by_days_too() {
    let fields = json!({"minimum": "10", "maximum": "100"});
    let rates = || rate(per_unit("1"), fields.clone());
    let mut april = April::under(plan(json!({"rates": rates()})));
    april.plans.insert(11, plan(json!({"effective_from": "2014-04-11", "rates": rates()})));
    april.count(1, json!({"a": 50}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 50 calls, (50 − 0) × 1, at most 33.33 = 33.33, was 0, 33.33 rounded by 0 = 33.33
        charge 33.33 of 33.33"#]]);
    april.check(
        30,
        expect![[r#"
        from 11 calls: 0 calls to 0 calls, at least 6.66 = 6.66, was 0, 6.66 rounded by 0 = 6.66
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
