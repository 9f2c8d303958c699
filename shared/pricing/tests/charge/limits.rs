//! What is added to an amount, or taken off: minimums, maximums, discounts, the plan's own terms.

use expect_test::{Expect, expect};
use serde_json::json;

use crate::{April, per_unit, plan, rate};

#[test]
fn a_minimum_is_trued_up_when_the_month_closes() {
    let rates = rate(per_unit("1"), json!({"minimum": "5"}));
    let mut april = April::under(plan(json!({"rates": rates})));
    april.count(1, json!({"a": 2}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 2 calls, (2 − 0) × 1 = 2, was 0, 2 rounded by 0 = 2.00
        charge 2.00 of 2"#]],
    );
    april.check(
        30,
        expect![[r#"
            minimum from 1 calls: 2, at least 5 = 3, was 0, 3 rounded by 0 = 3.00
            charge 3.00 of 5"#]],
    );
    april.count(3, json!({"a": 1}));
    april.check(
        30,
        expect![[r#"
        late from 1 calls: 2 calls to 3 calls, (3 − 0) × 1 = 3, was 2, 1 rounded by 0 = 1.00
        minimum from 1 calls: 3, at least 5 = 2, was 3, -1 rounded by 0 = -1.00
        charge 0.00 of 5"#]],
    );
    april.count(3, json!({"a": 4}));
    april.check(
        30,
        expect![[r#"
            late from 1 calls: 3 calls to 7 calls, (7 − 0) × 1 = 7, was 3, 4 rounded by 0 = 4.00
            minimum from 1 calls: 7 = 0, was 2, -2 rounded by 0 = -2.00
            charge 2.00 of 7"#]],
    );
}

#[test]
fn a_flat_fee_without_usage_is_due_when_the_month_closes() {
    let price = json!({"model": "graduated", "flat_fee_at_zero_usage": true, "tiers": [
        {"unit_price": "1", "flat_fee": "3"}]});
    let mut april = April::under(plan(json!({"rates": rate(price, json!({}))})));
    april.check(1, expect!["charge 0.00 of 0"]);
    april.check(
        30,
        expect![[r#"
        from 1 calls: 0 calls to 0 calls, (0 − 0) × 1 + 3 = 3, was 0, 3 rounded by 0 = 3.00
        charge 3.00 of 3"#]],
    );
    april.count(30, json!({"a": 1}));
    april.check(
        30,
        expect![[r#"
        late from 1 calls: 0 calls to 1 call, (1 − 0) × 1 + 3 = 4, was 3, 1 rounded by 0 = 1.00
        charge 1.00 of 4"#]],
    );
}

#[test]
fn a_maximum_holds_the_month_and_not_the_day() {
    let discounts = json!([{"discount": "half", "percent": "50"}]);
    let rates = rate(per_unit("10"), json!({"discounts": discounts, "maximum": "100"}));
    let mut april = April::under(plan(json!({"rates": rates})));
    april.count(1, json!({"a": 7}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 7 calls, (7 − 0) × 10, less 50% of 70 = 35, was 0, 35 rounded by 0 = 35.00
        charge 35.00 of 35"#]]);
    april.count(2, json!({"a": 20}));
    april.check(2, expect![[r#"
        from 1 calls: 7 calls to 27 calls, (27 − 0) × 10, less 50% of 270, at most 100 = 100, was 35, 65 rounded by 0 = 65.00
        charge 65.00 of 100"#]]);
    april.count(3, json!({"a": 1}));
    april.check(3, expect![[r#"
        from 1 calls: 27 calls to 28 calls, (28 − 0) × 10, less 50% of 280, at most 100 = 100, was 100, 0 rounded by 0 = 0.00
        charge 0.00 of 100"#]]);
}

#[test]
fn what_a_plan_gives_and_takes_as_a_whole_has_a_line_of_its_own() {
    let mut april = April::under(plan(json!({
        "free_per_month": 100, "discounts": [{"discount": "welcome", "percent": "10"}],
        "minimum": "50", "maximum": "60",
        "rates": [
            {"rate": "sms", "apis": ["sms.*"], "free_per_month": 5, "price": per_unit("1")},
            {"rate": "other", "apis": ["*"], "price": per_unit("0.1")}]})));
    april.count(1, json!({"sms.send": 65, "item.get": 70}));
    april.check(1, expect![[r#"
        from 1 sms: 0 calls to 65 calls, free 5 of 5, plan's free 60 = 0, was 0, 0 rounded by 0 = 0.00
        from 1 other: 0 calls to 70 calls, plan's free 40, (30 − 0) × 0.1 = 3, was 0, 3 rounded by 0 = 3.00
        from 1 plan: rates 3, less 10% of 3 = -0.3, was 0, -0.3 rounded by 0 = -0.30
        charge 2.70 of 2.7"#]]);
    april.count(2, json!({"sms.send": 10}));
    april.check(2, expect![[r#"
        from 1 sms: 65 calls to 75 calls, free 5 of 5, plan's free 70 = 0, was 0, 0 rounded by 0 = 0.00
        from 1 other: 70 calls to 70 calls, plan's free 30, (40 − 0) × 0.1 = 4, was 3, 1 rounded by 0 = 1.00
        from 1 plan: rates 4, less 10% of 4 = -0.4, was -0.3, -0.1 rounded by 0 = -0.10
        charge 0.90 of 3.6"#]]);
    april.check(
        30,
        expect![[r#"
            minimum from 1 plan: 3.6, at least 50 = 46.4, was 0, 46.4 rounded by 0 = 46.40
            charge 46.40 of 50"#]],
    );
    april.count(30, json!({"sms.send": 100}));
    april.check(30, expect![[r#"
        late from 1 sms: 75 calls to 175 calls, free 5 of 5, plan's free 100, (70 − 0) × 1 = 70, was 0, 70 rounded by 0 = 70.00
        late from 1 other: 70 calls to 70 calls, (70 − 0) × 0.1 = 7, was 4, 3 rounded by 0 = 3.00
        late from 1 plan: rates 77, less 10% of 77, at most 60 = -17, was -0.4, -16.6 rounded by 0 = -16.60
        minimum from 1 plan: 60 = 0, was 46.4, -46.4 rounded by 0 = -46.40
        charge 10.00 of 60"#]]);
}

#[test]
fn what_a_plan_gives_by_the_day_goes_to_its_rates_in_their_order() {
    let mut april = April::under(plan(json!({
        "free_per_day": 10,
        "rates": [
            {"rate": "sms", "apis": ["sms.*"], "free_per_day": 2, "price": per_unit("1")},
            {"rate": "other", "apis": ["*"], "price": per_unit("0.1")}]})));
    april.count(1, json!({"sms.send": 8, "item.get": 7}));
    april.check(1, expect![[r#"
        from 1 sms: 0 calls to 8 calls, free 2 of 2, plan's free 6, on 1 8 calls = 0, was 0, 0 rounded by 0 = 0.00
        from 1 other: 0 calls to 7 calls, plan's free 4, on 1 7 calls, (3 − 0) × 0.1 = 0.3, was 0, 0.3 rounded by 0 = 0.30
        charge 0.30 of 0.3"#]]);
    april.count(2, json!({"item.get": 11}));
    april.count(1, json!({"sms.send": 1}));
    april.check(2, expect![[r#"
        late from 1 sms: 8 calls to 9 calls, free 2 of 2, plan's free 7, on 1 9 calls = 0, was 0, 0 rounded by 0 = 0.00
        late from 1 other: 7 calls to 7 calls, plan's free 3, on 1 7 calls, (4 − 0) × 0.1 = 0.4, was 0.3, 0.1 rounded by 0 = 0.10
        from 1 other: 7 calls to 18 calls, plan's free 13, on 2 11 calls, (5 − 0) × 0.1 = 0.5, was 0.4, 0.1 rounded by 0 = 0.10
        charge 0.20 of 0.5"#]]);
}

fn check_halves(of: &str, expected: Expect) {
    let half = |name: &str| json!({"discount": name, "percent": "50", "of": of});
    let rates = rate(per_unit("1"), json!({"discounts": [half("one"), half("two")]}));
    let mut april = April::under(plan(json!({"rates": rates})));
    april.count(1, json!({"a": 100}));
    april.check(1, expected);
}

#[test]
fn discounts_are_of_what_is_left_or_of_the_list_price() {
    check_halves(
        "remaining",
        expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1, less 50% of 100, less 50% of 50 = 25, was 0, 25 rounded by 0 = 25.00
        charge 25.00 of 25"#]],
    );
    check_halves(
        "list",
        expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1, less 50% of 100, less 50% of 100 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]],
    );
}
