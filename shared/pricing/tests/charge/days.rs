//! Days of one month under terms that stay.

use expect_test::expect;
use serde_json::json;
use steelyard_pricing::{ChargeError, Fen, Plan, UsageError};

use crate::{April, FOUR_TIERS, JUSHITA, per_unit, plan, rate};

fn read(document: &str) -> Plan {
    Plan::read(document).unwrap()
}

#[test]
fn a_month_under_the_plan_of_2014_explains_itself_day_by_day() {
    let mut april = April::under(read(JUSHITA));
    april.count(1, json!({"taobao.item.get": 499_900, "vas.sms.send": 100_050}));
    april.check(1, expect![[r#"
        from 1 basic: 0 calls to 499900 calls, free 499900 of 500000 = 0, was 0, 0 rounded by 0 = 0.00
        from 1 value_added: 0 calls to 100050 calls, free 100000 of 100000, (50 − 0) × 0.0003 = 0.015, was 0, 0.015 rounded by 0.005 = 0.02
        charge 0.02 of 0.015"#]]);
    april.count(2, json!({"taobao.item.get": 200, "vas.sms.send": 1}));
    april.check(2, expect![[r#"
        from 1 basic: 499900 calls to 500100 calls, free 500000 of 500000, (100 − 0) × 0.0001 = 0.01, was 0, 0.01 rounded by 0 = 0.01
        from 1 value_added: 100050 calls to 100051 calls, free 100000 of 100000, (51 − 0) × 0.0003 = 0.0153, was 0.015, 0.0003 rounded by -0.0003 = 0.00
        charge 0.01 of 0.0253"#]]);
    april.count(1, json!({"taobao.item.get": 10_000}));
    april.count(3, json!({"taobao.trade.get": 5_000}));
    april.check(3, expect![[r#"
        late from 1 basic: 500100 calls to 510100 calls, free 500000 of 500000, (10100 − 0) × 0.0001 = 1.01, was 0.01, 1 rounded by 0 = 1.00
        from 1 basic: 510100 calls to 515100 calls, free 500000 of 500000, (15100 − 0) × 0.0001 = 1.51, was 1.01, 0.5 rounded by 0 = 0.50
        charge 1.50 of 1.5253"#]]);
}

#[test]
fn a_day_that_crosses_tiers_is_cut_at_each() {
    let mut april = April::under(read(FOUR_TIERS));
    april.count(1, json!({"any": 10_000_003}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 10000003 calls, (100000 − 0) × 0 + (10000000 − 100000) × 0.00002 + (10000003 − 10000000) × 0.000016 = 198.000048, was 0, 198.000048 rounded by -0.000048 = 198.00
        charge 198.00 of 198.000048"#]]);
}

#[test]
fn days_settled_together_cost_what_they_cost_one_by_one() {
    let mut april = April::under(read(JUSHITA));
    april.count(1, json!({"vas.sms.send": 100_050}));
    april.count(2, json!({"vas.sms.send": 1}));
    april.check(2, expect![[r#"
        from 1 value_added: 0 calls to 100051 calls, free 100000 of 100000, (51 − 0) × 0.0003 = 0.0153, was 0, 0.0153 rounded by 0.0047 = 0.02
        charge 0.02 of 0.0153"#]]);
}

#[test]
fn late_usage_is_charged_by_the_next_run() {
    let mut april = April::under(plan(json!({"rates": rate(per_unit("0.01"), json!({}))})));
    april.count(1, json!({"a": 10}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 10 calls, (10 − 0) × 0.01 = 0.1, was 0, 0.1 rounded by 0 = 0.10
        charge 0.10 of 0.1"#]],
    );
    april.count(1, json!({"a": 5, "b": 1}));
    april.check(2, expect![[r#"
        late from 1 calls: 10 calls to 16 calls, (16 − 0) × 0.01 = 0.16, was 0.1, 0.06 rounded by 0 = 0.06
        charge 0.06 of 0.16"#]]);
    april.check(3, expect!["charge 0.00 of 0.16"]);
}

#[test]
fn usage_that_no_rate_covers_is_listed_and_never_lost() {
    let mut april = April::under(read(&JUSHITA.replace(r#""*""#, r#""taobao.*""#)));
    april.count(1, json!({"tmall.item.get": 7}));
    april.check(
        1,
        expect![[r#"
        unpriced tmall.item.get: 7 calls
        charge 0.00 of 0"#]],
    );
    april.count(2, json!({"tmall.item.get": 2, "taobao.item.get": 1}));
    april.count(1, json!({"tmall.item.get": 1}));
    april.check(
        2,
        expect![[r#"
            from 1 basic: 0 calls to 1 call, free 1 of 500000 = 0, was 0, 0 rounded by 0 = 0.00
            late unpriced tmall.item.get: 1 call
            unpriced tmall.item.get: 2 calls
            charge 0.00 of 0"#]],
    );
}

#[test]
fn what_is_free_by_the_day_is_lost_with_the_day() {
    let fields = json!({"free_per_day": 10});
    let mut april = April::under(plan(json!({"rates": rate(per_unit("1"), fields)})));
    april.count(1, json!({"a": 4}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 4 calls, free 4 of 10, on 1 4 calls = 0, was 0, 0 rounded by 0 = 0.00
        charge 0.00 of 0"#]]);
    april.count(1, json!({"a": 7}));
    april.count(2, json!({"a": 12}));
    april.check(2, expect![[r#"
        late from 1 calls: 4 calls to 11 calls, free 10 of 10, on 1 11 calls, (1 − 0) × 1 = 1, was 0, 1 rounded by 0 = 1.00
        from 1 calls: 11 calls to 23 calls, free 20 of 10, on 2 12 calls, (3 − 0) × 1 = 3, was 1, 2 rounded by 0 = 2.00
        charge 3.00 of 3"#]]);
}

#[test]
fn a_volume_price_that_falls_is_a_credit() {
    let price = json!({"model": "volume", "tiers": [
        {"up_to": 100, "unit_price": "1"}, {"unit_price": "0.5"}]});
    let mut april = April::under(plan(json!({"rates": rate(price, json!({}))})));
    april.count(1, json!({"a": 100}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 100 calls, (100 − 0) × 1 = 100, was 0, 100 rounded by 0 = 100.00
        charge 100.00 of 100"#]],
    );
    april.count(2, json!({"a": 1}));
    april.check(2, expect![[r#"
        from 1 calls: 100 calls to 101 calls, (101 − 0) × 0.5 = 50.5, was 100, -49.5 rounded by 0 = -49.50
        charge -49.50 of 50.5"#]]);
}

#[test]
fn a_share_of_sales_and_a_fee_for_each_call_are_noted_apart() {
    let price = json!({"model": "percentage", "percent": "20", "fee_per_call": "0.1"});
    let mut april = April::under(plan(json!({"rates": rate(price, json!({}))})));
    april.count(1, json!({"shop.sale": {"calls": 3, "amount": "120.5"}}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 3 calls of ¥120.50, ¥(120.5 − 0) × 0.2 + 3 calls × 0.1 = 24.4, was 0, 24.4 rounded by 0 = 24.40
        charge 24.40 of 24.4"#]]);
    april.count(2, json!({"shop.sale": {"calls": 1, "amount": "79.5"}}));
    april.check(2, expect![[r#"
        from 1 calls: 3 calls of ¥120.50 to 4 calls of ¥200.00, ¥(200 − 0) × 0.2 + 4 calls × 0.1 = 40.4, was 24.4, 16 rounded by 0 = 16.00
        charge 16.00 of 40.4"#]]);
}

#[test]
fn the_month_is_rounded_by_the_rule_of_the_plan() {
    for (rounding, fen) in [("half_up", 3), ("half_even", 2), ("up", 3), ("down", 2)] {
        let rates = rate(per_unit("0.005"), json!({}));
        let mut april = April::under(plan(json!({"rounding": rounding, "rates": rates})));
        april.count(1, json!({"a": 4}));
        april.settle(1).unwrap();
        april.count(2, json!({"a": 1}));
        april.settle(2).unwrap();
        assert_eq!(april.month.charged_fen, Fen::new(fen), "{rounding}");
    }
}

#[test]
fn half_a_fen_that_was_rounded_up_and_is_rounded_down_now_costs_a_line_a_fen() {
    let rates = rate(per_unit("0.005"), json!({}));
    let mut april = April::under(plan(json!({"rounding": "half_even", "rates": rates})));
    for (day, calls, charged) in [(1, 2_335, 1_168), (2, 1_530, 764), (3, 2, 2)] {
        april.count(day, json!({"a": calls}));
        assert_eq!(april.settle(day).unwrap().charge_fen, Fen::new(charged), "day {day}");
    }
}

#[test]
fn a_second_charge_for_the_same_usage_is_nothing() {
    let mut april = April::under(read(JUSHITA));
    april.count(1, json!({"a": 612_345}));
    april.settle(1).unwrap();
    let second = april.settle(1).unwrap();
    assert_eq!((second.charge_fen, second.lines), (Fen::ZERO, Vec::new()));
}

#[test]
fn a_difference_without_usage_is_an_error_and_not_a_charge() {
    let mut april = April::under(read(JUSHITA));
    april.month.charged_fen = Fen::new(5);
    assert_eq!(april.settle(1), Err(ChargeError::Unexplained(Fen::new(-5))));
}

#[test]
fn more_than_was_rated_cannot_be_withdrawn() {
    let mut april = April::under(read(JUSHITA));
    april.count(1, json!({"a": 5}));
    april.settle(1).unwrap();
    april.void(1, json!({"a": 6}));
    let refused = april.settle(2);
    assert!(matches!(refused, Err(ChargeError::Count(UsageError::Below { .. }))), "{refused:?}");
}

#[test]
fn a_void_credits_the_units_at_the_prices_that_they_were_charged_at() {
    let mut april = April::under(read(FOUR_TIERS));
    april.count(1, json!({"a": 99_999, "b": 2}));
    april.count(2, json!({"a": 5}));
    april.check(1, expect![[r#"
        from 1 calls: 0 calls to 100001 calls, (100000 − 0) × 0 + (100001 − 100000) × 0.00002 = 0.00002, was 0, 0.00002 rounded by -0.00002 = 0.00
        charge 0.00 of 0.00002"#]]);
    april.check(2, expect![[r#"
        from 1 calls: 100001 calls to 100006 calls, (100000 − 0) × 0 + (100006 − 100000) × 0.00002 = 0.00012, was 0.00002, 0.0001 rounded by -0.0001 = 0.00
        charge 0.00 of 0.00012"#]]);
    april.void(1, json!({"b": 2})).count(1, json!({"c": 1})).count(3, json!({"a": 1}));
    april.check(3, expect![[r#"
        void from 1 calls: 100006 calls to 100004 calls, (100000 − 0) × 0 + (100004 − 100000) × 0.00002 = 0.00008, was 0.00012, -0.00004 rounded by 0.00004 = 0.00
        late from 1 calls: 100004 calls to 100005 calls, (100000 − 0) × 0 + (100005 − 100000) × 0.00002 = 0.0001, was 0.00008, 0.00002 rounded by -0.00002 = 0.00
        from 1 calls: 100005 calls to 100006 calls, (100000 − 0) × 0 + (100006 − 100000) × 0.00002 = 0.00012, was 0.0001, 0.00002 rounded by -0.00002 = 0.00
        charge 0.00 of 0.00012"#]]);
    april.void(1, json!({"a": 99_999, "c": 1})).void(2, json!({"a": 5})).void(3, json!({"a": 1}));
    april.check(4, expect![[r#"
        void from 1 calls: 100006 calls to 0 calls = 0, was 0.00012, -0.00012 rounded by 0.00012 = 0.00
        charge 0.00 of 0"#]]);
}

#[test]
fn a_void_below_a_minimum_is_credited_down_to_it_when_the_month_is_over() {
    let fields = json!({"minimum": "10", "rates": rate(per_unit("1"), json!({}))});
    let mut april = April::under(plan(fields));
    april.count(1, json!({"a": 12}));
    april.check(
        1,
        expect![[r#"
        from 1 calls: 0 calls to 12 calls, (12 − 0) × 1 = 12, was 0, 12 rounded by 0 = 12.00
        charge 12.00 of 12"#]],
    );
    april.check(30, expect!["charge 0.00 of 12"]);
    april.void(1, json!({"a": 5}));
    april.check(
        30,
        expect![[r#"
            void from 1 calls: 12 calls to 7 calls, (7 − 0) × 1 = 7, was 12, -5 rounded by 0 = -5.00
            minimum from 1 plan: 7, at least 10 = 3, was 0, 3 rounded by 0 = 3.00
            charge -2.00 of 10"#]],
    );
}

#[test]
fn usage_of_a_day_without_terms_is_an_error() {
    let mut april = April::under(read(JUSHITA));
    april.plans = april.plans.into_values().map(|plan| (2, plan)).collect();
    april.count(1, json!({"a": 5}));
    assert_eq!(april.settle(1), Err(ChargeError::NoTerms(crate::day(1))));
}
