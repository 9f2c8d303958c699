//! Overrides hold from midnight to midnight: another price, an allowance on top, a discount.

use expect_test::expect;

use crate::shop::{PLAN, Shop};

/// A call a day is free; the others cost a fen.
const DAILY: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 31,
     "price": {"model": "per_unit", "unit_price": "0.01"}}]}"#;

/// A shop that uses as much on the days around the middle of May.
fn used(plan: &str) -> Shop {
    let mut shop = Shop::on(&[plan]);
    for on in ["05-10", "05-11", "05-20", "05-21"] {
        shop.count(on, "t.a", 100);
    }
    shop
}

#[test]
fn another_price_holds_on_its_days_and_the_allowance_goes_on() {
    let mut shop = used(DAILY);
    shop.give(
        r#"{"override": "friend", "from": "2015-05-11", "until": "2015-05-21", "rate": "basic",
            "price": {"model": "package", "size": 40, "price": "0.20"}}"#,
    );
    shop.check(
        "2015-05-22 00:30",
        expect![[r#"
            2015-05-10: 0.69
                basic 0 to 100 (31 of 31 free) = 0.69
            2015-05-11: 0.60
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01 with friend
                [11] basic 0 to 100 = 0.60
            2015-05-20: 0.40
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01 with friend
                [11] basic 100 to 200 = 0.40
            2015-05-21: 1.00
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01 with friend
                2015-05-21 until 2015-06-01: p of 2015-05-01
                [21] basic 0 to 100 = 1.00"#]],
    );
}

#[test]
fn an_allowance_on_top_is_for_the_units_that_follow() {
    let mut shop = used(DAILY);
    shop.give(
        r#"{"override": "more", "from": "2015-05-11", "until": "2015-05-21", "rate": "basic",
            "free_on_top": 62}"#,
    );
    shop.check(
        "2015-05-22 00:30",
        expect![[r#"
            2015-05-10: 0.69
                basic 0 to 100 (31 of 31 free) = 0.69
            2015-05-11: 0.38
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01 with more
                [11] basic 0 to 100 (62 of 93 free) = 0.38
            2015-05-20: 1.00
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01 with more
                [11] basic 100 to 200 (62 of 93 free) = 1.00
            2015-05-21: 1.00
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01 with more
                2015-05-21 until 2015-06-01: p of 2015-05-01
                [21] basic 0 to 100 = 1.00"#]],
    );
}

#[test]
fn an_allowance_on_top_of_the_plan_is_shared_by_its_rates_in_their_order() {
    let mut shop = Shop::new();
    shop.give(r#"{"override": "more", "from": "2015-05-17", "free_on_top": 31}"#);
    shop.count("05-17", "t.a", 59);
    shop.count("05-17", "vas.a", 100);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.23
                2015-05-01 until 2015-05-17: p of 2015-05-01
                2015-05-17 until 2015-06-01: p of 2015-05-01 with more
                [17] basic 0 to 59 (59 of 100 free) = 0.00
                [17] extra 0 to 100 (31 free by the plan) = 0.23"#]],
    );
}

#[test]
fn a_discount_is_taken_off_what_its_days_cost() {
    let mut shop = used(DAILY);
    shop.give(
        r#"{"override": "sorry", "from": "2015-05-11", "until": "2015-05-21", "rate": "basic",
            "discount_percent": "25"}"#,
    );
    shop.give(r#"{"override": "all", "from": "2015-05-20", "discount_percent": "10"}"#);
    shop.check(
        "2015-05-22 00:30",
        expect![[r#"
            2015-05-10: 0.69
                basic 0 to 100 (31 of 31 free) = 0.69
            2015-05-11: 0.75
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-20: p of 2015-05-01 with sorry
                [11] basic 0 to 100 -25% = 0.75
            2015-05-20: 0.68
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-20: p of 2015-05-01 with sorry
                2015-05-20 until 2015-05-21: p of 2015-05-01 with sorry with all
                [20] basic 0 to 100 -25% = 0.75
                [20] the plan -10% = -0.07
            2015-05-21: 0.90
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-20: p of 2015-05-01 with sorry
                2015-05-20 until 2015-05-21: p of 2015-05-01 with sorry with all
                2015-05-21 until 2015-06-01: p of 2015-05-01 with all
                [21] basic 0 to 100 = 1.00
                [21] the plan -10% = -0.10"#]],
    );
}

#[test]
fn a_plans_own_discount_that_begins_and_ends_inside_a_month_cuts_it_too() {
    let spring = r#""discounts": [
        {"discount": "spring", "percent": "50", "from": "2015-05-11", "until": "2015-05-21"}],
        "rates""#;
    let mut shop = used(&DAILY.replace(r#""rates""#, spring));
    shop.check(
        "2015-05-22 00:30",
        expect![[r#"
            2015-05-10: 0.69
                basic 0 to 100 (31 of 31 free) = 0.69
            2015-05-11: 0.50
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01
                [11] basic 0 to 100 = 1.00
                [11] the plan -50% = -0.50
            2015-05-20: 0.50
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01
                [11] basic 100 to 200 = 1.00
                [11] the plan -50% = -0.50
            2015-05-21: 1.00
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-05-21: p of 2015-05-01
                2015-05-21 until 2015-06-01: p of 2015-05-01
                [21] basic 0 to 100 = 1.00"#]],
    );
}

#[test]
fn an_override_of_whole_months_cuts_none() {
    for (from, until) in [("05-01", "06-01"), ("05-01", "07-01"), ("06-01", "07-01")] {
        let mut shop = used(DAILY);
        shop.give(&format!(
            r#"{{"override": "o", "from": "2015-{from}", "until": "2015-{until}",
                 "discount_percent": "50"}}"#
        ));
        shop.count("06-30", "t.a", 1);
        let statements = shop.settle("2015-07-01 00:30");
        assert!(statements.iter().all(|statement| statement.segments.len() == 1), "{from}");
    }
}

#[test]
fn an_override_that_is_ended_holds_on_the_days_before() {
    let mut shop = used(PLAN);
    shop.give(
        r#"{"override": "friend", "from": "2015-05-10", "rate": "basic",
            "price": {"model": "per_unit", "unit_price": "0.001"}}"#,
    );
    shop.settle("2015-05-12 00:30");
    shop.end("friend", "05-20");
    shop.check(
        "2015-05-22 00:30",
        expect![[r#"
            2015-05-20: 1.00
                2015-05-01 until 2015-05-10: p of 2015-05-01
                2015-05-10 until 2015-05-20: p of 2015-05-01 with friend
                2015-05-20 until 2015-06-01: p of 2015-05-01
                [20] basic 0 to 100 = 1.00
            2015-05-21: 1.00
                2015-05-01 until 2015-05-10: p of 2015-05-01
                2015-05-10 until 2015-05-20: p of 2015-05-01 with friend
                2015-05-20 until 2015-06-01: p of 2015-05-01
                [20] basic 100 to 200 = 1.00"#]],
    );
}

#[test]
fn an_override_that_is_taken_back_before_it_held_was_never_there() {
    let mut shop = used(DAILY);
    shop.settle("2015-05-12 00:30");
    shop.give(r#"{"override": "friend", "from": "2015-05-15", "discount_percent": "50"}"#);
    shop.end("friend", "05-12");
    assert!(shop.books.provider.overrides.is_empty());
    shop.check(
        "2015-05-22 00:30",
        expect![[r#"
        2015-05-20: 1.00
            basic 200 to 300 (31 of 31 free) = 1.00
        2015-05-21: 1.00
            basic 300 to 400 (31 of 31 free) = 1.00"#]],
    );
}
