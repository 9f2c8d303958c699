//! Tax on prices that do not include it.

use expect_test::expect;
use serde_json::{Value, json};
use steelyard_pricing::Tax;

use crate::{April, per_unit, plan, rate};

fn taxed(unit_price: &str, percent: &str, behavior: &str) -> Value {
    let tax = json!({"percent": percent, "behavior": behavior});
    json!({"rates": rate(per_unit(unit_price), json!({})), "tax": tax})
}

#[test]
fn the_tax_of_a_month_is_rounded_once() {
    let mut april = April::under(plan(taxed("0.01", "6", "exclusive")));
    april.count(1, json!({"a": 8}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 8 calls, (8 − 0) × 0.01 = 0.08, was 0, 0.08 rounded by 0 = 0.08
        charge 0.08 of 0.08"#]],
    );
    april.count(2, json!({"a": 8}));
    april.check(2, expect![[r#"
        from 1 calls: 8 calls to 16 calls, (16 − 0) × 0.01 = 0.16, was 0.08, 0.08 rounded by 0 = 0.08
        tax from 1 on 0.16 = 0.01, was 0, 0.01 rounded by 0 = 0.01
        charge 0.09 of 0.16"#]]);
    april.count(3, json!({"a": 10_000}));
    april.check(3, expect![[r#"
        from 1 calls: 16 calls to 10016 calls, (10016 − 0) × 0.01 = 100.16, was 0.16, 100 rounded by 0 = 100.00
        tax from 1 on 100.16 = 6.01, was 0.01, 6 rounded by 0 = 6.00
        charge 106.00 of 100.16"#]]);
    april.void(3, json!({"a": 10_000}));
    april.check(30, expect![[r#"
        void from 1 calls: 10016 calls to 16 calls, (16 − 0) × 0.01 = 0.16, was 100.16, -100 rounded by 0 = -100.00
        tax from 1 on 0.16 = 0.01, was 6.01, -6 rounded by 0 = -6.00
        charge -106.00 of 0.16"#]]);
}

#[test]
fn tax_is_on_what_discounts_and_minimums_leave() {
    let mut fields = taxed("1", "6", "exclusive");
    fields["discounts"] = json!([{"discount": "half", "percent": "50"}]);
    fields["minimum"] = json!("100");
    let mut april = April::under(plan(fields));
    april.count(1, json!({"a": 100}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 1 plan: rates 100, less 50% of 100 = -50, was 0, -50 rounded by 0 = -50.00
        tax from 1 on 50 = 3, was 0, 3 rounded by 0 = 3.00
        charge 53.00 of 50"#]],
    );
    april.check(
        30,
        expect![[r#"
        minimum from 1 plan: 50, at least 100 = 50, was 0, 50 rounded by 0 = 50.00
        tax from 1 on 100 = 6, was 3, 3 rounded by 0 = 3.00
        charge 53.00 of 100"#]],
    );
}

#[test]
fn each_part_of_a_month_has_the_tax_of_its_terms() {
    let mut april = April::under(plan(taxed("1", "6", "inclusive")));
    for (from, percent) in [(11, "6"), (21, "9")] {
        let mut fields = taxed("1", percent, "exclusive");
        fields["effective_from"] = json!(format!("2014-04-{from}"));
        april.plans.insert(from, plan(fields));
    }
    april.count(1, json!({"a": 106}));
    let charged = april.settle(5).unwrap();
    let tax = charged.segments[0].tax.unwrap();
    assert_eq!(tax.within(charged.charge_fen).unwrap().get(), 600);
    april.count(11, json!({"a": 100}));
    april.count(21, json!({"a": 100}));
    april.check(30, expect![[r#"
        from 11 calls: 0 calls to 100 calls, (206 − 0) × 1 less (106 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        from 21 calls: 0 calls to 100 calls, (306 − 0) × 1 less (206 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        tax from 11 on 100 = 6, was 0, 6 rounded by 0 = 6.00
        tax from 21 on 100 = 9, was 0, 9 rounded by 0 = 9.00
        charge 215.00 of 306"#]]);
    april.count(1, json!({"a": 100}));
    april.check(30, expect![[r#"
        late from 1 calls: 106 calls to 206 calls, (206 − 0) × 1 = 206, was 106, 100 rounded by 0 = 100.00
        charge 100.00 of 406"#]]);
}

#[test]
fn a_month_without_usage_has_no_tax_whatever_a_concession_took_off() {
    let price = json!({"model": "volume", "tiers": [
        {"up_to": 100, "unit_price": "10"}, {"unit_price": "1"}]});
    let tax = json!({"percent": "6", "behavior": "exclusive"});
    let mut april = April::under(plan(json!({"rates": rate(price, json!({})), "tax": tax})));
    let over =
        json!({"override": "gift", "from": "2014-04-01", "rate": "calls", "free_on_top": 150});
    april.overrides.push(serde_json::from_value(over).unwrap());
    let rates = rate(per_unit("1"), json!({}));
    april.plans.insert(11, plan(json!({"plan": "other", "rates": rates})));
    april.count(1, json!({"a": 120}));
    april.check(10, expect![[r#"
        from 1 calls: 0 calls to 120 calls, free 50 of 50, (70 − 0) × 10 = 700, was 0, 700 rounded by 0 = 700.00
        concession from 1 month: 700, without override gift 120 = -580, was 0, -580 rounded by 0 = -580.00
        tax from 1 on 120 = 7.2, was 0, 7.2 rounded by 0 = 7.20
        charge 127.20 of 120"#]]);
    april.void(1, json!({"a": 120}));
    april.check(30, expect![[r#"
        void from 1 calls: 120 calls to 0 calls, free 0 of 50 = 0, was 700, -700 rounded by 0 = -700.00
        concession from 11 month: 0, without  0 = 0, was -580, 580 rounded by 0 = 580.00
        tax from 1 on 0 = 0, was 7.2, -7.2 rounded by 0 = -7.20
        charge -127.20 of 0"#]]);
}

#[test]
fn tax_is_written_with_its_behavior() {
    for text in
        [r#"{"percent":"6","behavior":"inclusive"}"#, r#"{"percent":"13","behavior":"exclusive"}"#]
    {
        let tax: Tax = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&tax).unwrap(), text);
    }
    assert!(serde_json::from_str::<Tax>(r#"{"percent":"6"}"#).is_err());
}
