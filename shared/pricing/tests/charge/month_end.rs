//! Rates that are charged with the month's last day.

use expect_test::expect;
use serde_json::{Value, json};

use crate::{April, per_unit, plan, rate};

/// ¥1 to 100 units, or ¥0.5 for all.
fn volume() -> Value {
    json!({"model": "volume", "tiers": [{"up_to": 100, "unit_price": "1"}, {"unit_price": "0.5"}]})
}

#[test]
fn a_rate_is_charged_once_at_the_end_of_the_month_and_what_comes_late_when_it_comes() {
    let rates = rate(volume(), json!({"charged": "at_month_end", "minimum": "60"}));
    let mut april = April::under(plan(json!({"rates": rates})));
    april.count(1, json!({"a": 100}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1, 100 at the end = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]]);
    assert_eq!(april.waits_for_month_end(), "100.00");
    april.count(2, json!({"a": 50}));
    april.check(29, expect![[r#"
        from 1 calls: 100 calls to 150 calls, (150 − 0) × 0.5, 75 at the end = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]]);
    assert_eq!(april.waits_for_month_end(), "75.00");
    april.check(
        30,
        expect![[r#"
        from 1 calls: 150 calls to 150 calls, (150 − 0) × 0.5 = 75, was 0, 75 rounded by 0 = 75.00
        charge 75.00 of 75"#]],
    );
    assert_eq!(april.waits_for_month_end(), "0.00");
    april.count(5, json!({"a": 10}));
    april.check(30, expect![[r#"
        late from 1 calls: 150 calls to 160 calls, (160 − 0) × 0.5 = 80, was 75, 5 rounded by 0 = 5.00
        charge 5.00 of 80"#]]);
    april.void(1, json!({"a": 100}));
    april.check(30, expect![[r#"
        void from 1 calls: 160 calls to 60 calls, (60 − 0) × 1 = 60, was 80, -20 rounded by 0 = -20.00
        charge -20.00 of 60"#]]);
}

#[test]
fn the_plan_discounts_and_caps_what_is_due() {
    let rates = json!([
        {"rate": "end", "apis": ["a"], "charged": "at_month_end", "price": per_unit("1"), "maximum": "70"},
        {"rate": "daily", "apis": ["*"], "price": per_unit("1")}]);
    let off = json!([{"discount": "off", "percent": "10"}]);
    let mut april = April::under(plan(json!({"rates": rates, "discounts": off, "maximum": "80"})));
    april.count(1, json!({"a": 100, "b": 20}));
    april.check(29, expect![[r#"
        from 1 end: 0 calls to 100 calls, (100 − 0) × 1, at most 70, 70 at the end = 0, was 0, 0 rounded by 0 = 0.00
        from 1 daily: 0 calls to 20 calls, (20 − 0) × 1 = 20, was 0, 20 rounded by 0 = 20.00
        from 1 plan: rates 20, less 10% of 20 = -2, was 0, -2 rounded by 0 = -2.00
        charge 18.00 of 18"#]]);
    // What there is to pay is held to 80, of which 18 are charged.
    assert_eq!(april.waits_for_month_end(), "62.00");
    april.check(30, expect![[r#"
        from 1 end: 100 calls to 100 calls, (100 − 0) × 1, at most 70 = 70, was 0, 70 rounded by 0 = 70.00
        from 1 plan: rates 90, less 10% of 90, at most 80 = -10, was -2, -8 rounded by 0 = -8.00
        charge 62.00 of 80"#]]);
}

#[test]
fn all_segments_are_charged_at_the_end_of_the_month() {
    let of = |price: &str| rate(per_unit(price), json!({"charged": "at_month_end"}));
    let mut april = April::under(plan(json!({"rates": of("1")})));
    let next = json!({"effective_from": "2014-04-11", "rates": of("2")});
    april.plans.insert(11, plan(next));
    april.count(1, json!({"a": 10}));
    april.count(12, json!({"a": 5}));
    april.check(20, expect![[r#"
        from 1 calls: 0 calls to 10 calls, (10 − 0) × 1, 10 at the end = 0, was 0, 0 rounded by 0 = 0.00
        from 11 calls: 0 calls to 5 calls, (15 − 0) × 2 less (10 − 0) × 2, 10 at the end = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]]);
    april.check(30, expect![[r#"
        from 1 calls: 10 calls to 10 calls, (10 − 0) × 1 = 10, was 0, 10 rounded by 0 = 10.00
        from 11 calls: 5 calls to 5 calls, (15 − 0) × 2 less (10 − 0) × 2 = 10, was 0, 10 rounded by 0 = 10.00
        charge 20.00 of 20"#]]);
}
