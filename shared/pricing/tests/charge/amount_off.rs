//! Discounts of fixed amounts.

use expect_test::expect;
use serde_json::json;

use crate::{April, per_unit, plan, rate};

#[test]
fn an_amount_is_taken_off_until_it_is_used_up_and_comes_back_with_a_void() {
    let off =
        json!([{"discount": "voucher", "amount": "15"}, {"discount": "half", "percent": "50"}]);
    let rates = rate(per_unit("1"), json!({"discounts": off}));
    let mut april = April::under(plan(json!({"rates": rates})));
    april.count(1, json!({"a": 10}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 10 calls, (10 − 0) × 1, less 50% of 10, less 5 of 15 after 0 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]]);
    april.count(2, json!({"a": 10}));
    april.check(2, expect![[r#"
        from 1 calls: 10 calls to 20 calls, (20 − 0) × 1, less 50% of 20, less 10 of 15 after 0 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]]);
    april.void(2, json!({"a": 10}));
    april.check(30, expect![[r#"
        void from 1 calls: 20 calls to 10 calls, (10 − 0) × 1, less 50% of 10, less 5 of 15 after 0 = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]]);
}

#[test]
fn later_segments_have_what_the_earlier_ones_left() {
    let of = |price: &str| {
        let off = json!([{"discount": "voucher", "amount": "15"}]);
        json!({"rates": rate(per_unit(price), json!({})), "discounts": off})
    };
    let mut april = April::under(plan(of("1")));
    let mut next = of("2");
    next["effective_from"] = json!("2014-04-11");
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 10}));
    april.count(11, json!({"a": 10}));
    april.check(30, expect![[r#"
        from 1 calls: 0 calls to 10 calls, (10 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        from 1 plan: rates 10, less 10 of 15 after 0 = -10, was 0, -10 rounded by 0 = -10.00
        from 11 calls: 0 calls to 10 calls, (20 − 0) × 2 less (10 − 0) × 2 = 20, was 0, 20 rounded by 0 = 20.00
        from 11 plan: rates 20, less 5 of 15 after 10 = -5, was 0, -5 rounded by 0 = -5.00
        charge 15.00 of 15"#]]);
    april.count(1, json!({"a": 2}));
    april.check(
        30,
        expect![[r#"
        late from 1 calls: 10 calls to 12 calls, (12 − 0) × 1 = 12, was 10, 2 rounded by 0 = 2.00
        late from 1 plan: rates 12, less 12 of 15 after 0 = -12, was -10, -2 rounded by 0 = -2.00
        shifted from 11 plan: rates 20, less 3 of 15 after 12 = -3, was -5, 2 rounded by 0 = 2.00
        charge 2.00 of 17"#]],
    );
}

#[test]
fn an_override_takes_an_amount_off_from_its_day_on() {
    let mut april = April::under(plan(json!({"rates": rate(per_unit("1"), json!({}))})));
    let over = json!({"override": "sorry", "from": "2014-04-11", "rate": "calls", "discount_amount": "7.50"});
    april.overrides.push(serde_json::from_value(over).unwrap());
    april.count(1, json!({"a": 10}));
    april.count(11, json!({"a": 5}));
    april.count(12, json!({"a": 5}));
    april.check(30, expect![[r#"
        from 1 calls: 0 calls to 10 calls, (10 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        from 11 calls: 0 calls to 10 calls, (20 − 0) × 1 less (10 − 0) × 1, less 7.5 of 7.5 after 0 = 2.5, was 0, 2.5 rounded by 0 = 2.50
        charge 12.50 of 12.5"#]]);
}

#[test]
fn a_part_that_begins_anew_has_its_share_by_days() {
    let of = |name: &str, from: u32| {
        let off = json!([{"discount": "voucher", "amount": "10"}]);
        let rates = rate(per_unit("1"), json!({}));
        plan(
            json!({"plan": name, "effective_from": format!("2014-04-{from:02}"), "rates": rates, "discounts": off}),
        )
    };
    let mut april = April::under(of("one", 1));
    april.plans.insert(21, of("other", 1));
    april.count(1, json!({"a": 100}));
    april.count(21, json!({"a": 100}));
    april.check(30, expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 1 plan: rates 100, less 6.67 of 6.67 after 0 = -6.67, was 0, -6.67 rounded by 0 = -6.67
        from 21 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 21 plan: rates 100, less 3.34 of 3.34 after 0 = -3.34, was 0, -3.34 rounded by 0 = -3.34
        charge 189.99 of 189.99"#]]);
}
