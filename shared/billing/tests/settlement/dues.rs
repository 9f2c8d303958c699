//! What is due at the end of a month although little or nothing was used, and the most that is due.

use expect_test::expect;

use crate::shop::{PLAN, Shop, day, month};

/// [`PLAN`] with a minimum of ¥31.00, a yuan a day in May.
fn with_minimum() -> String {
    PLAN.replace(r#""rates""#, r#""minimum": "31", "rates""#)
}

/// A base fee of ¥3.10, due without any usage.
const FEE: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"],
     "price": {"model": "graduated", "flat_fee_at_zero_usage": true, "tiers": [
        {"unit_price": "0.01", "flat_fee": "3.10"}]}}]}"#;

#[test]
fn a_minimum_is_due_with_the_months_last_day_and_not_before() {
    let mut shop = Shop::on(&[&with_minimum()]);
    shop.count("05-10", "t.a", 600);
    shop.check(
        "2015-05-31 23:59:59",
        expect![[r#"
        2015-05-10: 5.00
            basic 0 to 600 (100 of 100 free) = 5.00"#]],
    );
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
            2015-05-31: 26.00
                minimum the plan at least 31 = 26.00"#]],
    );
}

#[test]
fn a_minimum_is_due_without_any_usage_and_once() {
    let mut shop = Shop::on(&[&with_minimum()]);
    shop.check("2015-05-31 00:30", expect![[""]]);
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
            2015-05-31: 31.00
                minimum the plan at least 31 = 31.00"#]],
    );
    shop.check("2015-06-30 00:30", expect![[""]]);
}

#[test]
fn a_minimum_is_due_for_each_month_of_an_idle_provider() {
    let mut shop = Shop::on(&[&with_minimum()]);
    shop.check(
        "2015-08-20 00:30",
        expect![[r#"
            2015-05-31: 31.00
                minimum the plan at least 31 = 31.00
            2015-06-30: 31.00
                minimum the plan at least 31 = 31.00
            2015-07-31: 31.00
                minimum the plan at least 31 = 31.00"#]],
    );
}

#[test]
fn usage_that_comes_after_the_minimum_was_charged_is_part_of_it_until_it_is_used_up() {
    let mut shop = Shop::on(&[&with_minimum()]);
    shop.count("05-10", "t.a", 600);
    shop.settle("2015-06-01 00:30");
    shop.count("05-11", "t.a", 500);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
            2015-05-31+1: 0.00
                late basic 600 to 1100 (100 of 100 free) = 5.00
                minimum the plan at least 31 = -5.00
                500 came late of 2015-05-11"#]],
    );
    shop.count("05-12", "t.a", 2_200);
    shop.check(
        "2015-06-03 00:30",
        expect![[r#"
            2015-05-31+2: 1.00
                late basic 1100 to 3300 (100 of 100 free) = 22.00
                minimum the plan = -21.00
                2200 came late of 2015-05-12"#]],
    );
}

#[test]
fn a_minimum_adds_nothing_to_a_month_that_costs_more() {
    let mut shop = Shop::on(&[&with_minimum()]);
    shop.count("05-10", "t.a", 3_201);
    shop.settle("2015-05-11 00:30");
    shop.check("2015-06-01 00:30", expect![[""]]);
}

#[test]
fn a_minimum_is_of_a_month_by_days_and_a_flat_fee_is_not() {
    let mut shop = Shop::on(&[&with_minimum(), &FEE.replace(r#""p""#, r#""q""#)]);
    shop.books.provider.plans[0].from = day("05-10");
    shop.assign("q", "05-21");
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
            2015-05-31: 14.10
                2015-05-10 until 2015-05-21: p of 2015-05-01
                2015-05-21 until 2015-06-01: q of 2015-05-01
                [10] minimum the plan at least 11 = 11.00
                [21] basic 0 to 0 = 3.10"#]],
    );
}

#[test]
fn a_flat_fee_without_usage_is_due_with_the_months_last_day_and_once() {
    let mut shop = Shop::on(&[FEE]);
    shop.check("2015-05-31 00:30", expect![[""]]);
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
        2015-05-31: 3.10
            basic 0 to 0 = 3.10"#]],
    );
    shop.count("05-31", "t.a", 10);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
        2015-05-31+1: 0.10
            late basic 0 to 10 = 0.10
            10 came late of 2015-05-31"#]],
    );
}

#[test]
fn a_flat_fee_is_due_with_the_first_usage_and_not_again_at_the_months_end() {
    let mut shop = Shop::on(&[FEE]);
    shop.count("05-10", "t.a", 10);
    shop.check(
        "2015-05-11 00:30",
        expect![[r#"
        2015-05-10: 3.20
            basic 0 to 10 = 3.20"#]],
    );
    shop.check("2015-06-01 00:30", expect![[""]]);
}

#[test]
fn a_month_that_costs_the_maximum_costs_no_more() {
    let capped = PLAN
        .replace(r#""apis": ["vas.*"],"#, r#""apis": ["vas.*"], "maximum": "1.50","#)
        .replace(r#""rates""#, r#""maximum": "3", "rates""#);
    let mut shop = Shop::on(&[&capped]);
    shop.count("05-10", "vas.a", 500);
    shop.count("05-11", "t.a", 200);
    shop.count("05-12", "t.a", 200);
    shop.count("05-13", "t.a", 200);
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
        2015-05-10: 1.50
            extra 0 to 500 at most 1.5 = 1.50
        2015-05-11: 1.00
            basic 0 to 200 (100 of 100 free) = 1.00
        2015-05-12: 0.50
            basic 200 to 400 (100 of 100 free) = 2.00
            the plan at most 3 = -1.50
        2015-05-13: 0.00
            basic 400 to 600 (100 of 100 free) = 2.00
            the plan at most 3 = -2.00"#]],
    );
}

#[test]
fn a_maximum_is_of_a_month_by_days_down_to_the_fen() {
    let capped = PLAN.replace(r#""rates""#, r#""maximum": "3", "rates""#);
    let mut shop = Shop::on(&[&capped]);
    shop.books.provider.plans[0].from = day("05-22");
    shop.count("05-22", "vas.a", 1_000);
    shop.check(
        "2015-05-23 00:30",
        expect![[r#"
        2015-05-22: 0.96
            extra 0 to 1000 = 3.30
            the plan at most 0.96 = -2.34"#]],
    );
}

#[test]
fn a_month_that_ends_without_anything_new_has_no_statement_for_its_last_day() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 110);
    shop.settle("2015-05-11 00:30");
    for now in ["2015-05-31 00:30", "2015-06-01 00:30", "2015-06-06 00:30", "2015-08-01 00:30"] {
        shop.check(now, expect![[""]]);
    }
    assert_eq!(shop.statements_of(month("05")).count(), 1);
}
