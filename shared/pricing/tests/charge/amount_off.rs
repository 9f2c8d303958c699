//! Discounts of fixed amounts.

use expect_test::expect;
use serde_json::{Value, json};
use steelyard_pricing::VouchersUsed;

use crate::{April, day, per_unit, plan, rate};

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

/// April after months in which the provider used so much of a voucher.
fn after_march(discount: &Value, used: &str) -> April {
    let rates = rate(per_unit("1"), json!({}));
    let mut april = April::under(plan(json!({"rates": rates, "discounts": [discount]})));
    let voucher = json!([{"discount": "voucher", "since": discount["from"], "yuan": used}]);
    let since = discount["from"].as_str().unwrap().parse().unwrap();
    april.vouchers = Some((since, serde_json::from_value(voucher).unwrap()));
    april.count(1, json!({"a": 100}));
    april
}

#[test]
fn what_earlier_months_left_of_a_voucher_is_carried() {
    let voucher = json!({
        "discount": "voucher", "amount": "20", "remainder": "carried", "from": "2014-02-11",
    });
    after_march(&voucher, "15").check(30, expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 1 plan: rates 100, less 45 of 60 since 2014-02-11 after 15 in earlier months, after 0 = -45, was 0, -45 rounded by 0 = -45.00
        charge 55.00 of 55"#]]);
    let once = json!({
        "discount": "voucher", "amount": "20", "given": "once", "remainder": "carried",
        "from": "2014-02-11",
    });
    after_march(&once, "15").check(30, expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 1 plan: rates 100, less 5 of 20 since 2014-02-11 after 15 in earlier months, after 0 = -5, was 0, -5 rounded by 0 = -5.00
        charge 95.00 of 95"#]]);
    let dropped =
        json!({"discount": "voucher", "amount": "20", "given": "once", "from": "2014-02-11"});
    after_march(&dropped, "15").check(
        30,
        expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        charge 100.00 of 100"#]],
    );
    let this_month =
        json!({"discount": "voucher", "amount": "20", "given": "once", "from": "2014-04-01"});
    after_march(&this_month, "0").check(30, expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 1 plan: rates 100, less 20 of 20 since 2014-04-01 after 0 in earlier months, after 0 = -20, was 0, -20 rounded by 0 = -20.00
        charge 80.00 of 80"#]]);
}

#[test]
fn a_voucher_goes_on_where_the_month_begins_anew() {
    let voucher = json!({"override": "sorry", "from": "2014-04-05", "discount_amount": "15",
        "discount_given": "once", "discount_remainder": "carried"});
    let of = |name: &str| plan(json!({"plan": name, "rates": rate(per_unit("1"), json!({}))}));
    let mut april = April::under(of("one"));
    april.plans.insert(21, of("other"));
    april.overrides.push(serde_json::from_value(voucher).unwrap());
    april.vouchers = Some((day(1), VouchersUsed::default()));
    april.count(4, json!({"a": 100}));
    april.count(5, json!({"a": 10}));
    april.count(21, json!({"a": 100}));
    april.check(30, expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 5 calls: 0 calls to 10 calls, (110 − 0) × 1 less (100 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        from 5 plan: rates 10, less 10 of 15 since 2014-04-05 after 0 in earlier months, after 0 = -10, was 0, -10 rounded by 0 = -10.00
        from 21 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 21 plan: rates 100, less 5 of 15 since 2014-04-05 after 0 in earlier months, after 10 = -5, was 0, -5 rounded by 0 = -5.00
        charge 195.00 of 195"#]]);
}

#[test]
fn another_use_in_earlier_months_has_lines_of_its_own() {
    let voucher = json!({
        "discount": "voucher", "amount": "20", "given": "once", "remainder": "carried",
        "from": "2014-03-01",
    });
    let mut april = after_march(&voucher, "5");
    april.check(29, expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 1 plan: rates 100, less 15 of 20 since 2014-03-01 after 5 in earlier months, after 0 = -15, was 0, -15 rounded by 0 = -15.00
        charge 85.00 of 85"#]]);
    let more = json!([{"discount": "voucher", "since": "2014-03-01", "yuan": "18"}]);
    april.vouchers.as_mut().unwrap().1 = serde_json::from_value(more).unwrap();
    april.check(30, expect![[r#"
        new terms from 1 plan: rates 100, less 2 of 20 since 2014-03-01 after 18 in earlier months, after 0 = -2, was -15, 13 rounded by 0 = 13.00
        charge 13.00 of 98"#]]);
}
