//! Prices other than by the call, and how they become fen.

use expect_test::expect;
use steelyard_billing::Reference;
use steelyard_pricing::Fen;

use crate::common::at;
use crate::shop::{PLAN, Shop};

/// The platform's share of sales, and a fee for each of them.
const SHARE: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "sales", "apis": ["sale.*"],
     "price": {"model": "percentage", "percent": "0.6", "free_amount": "100",
               "fee_per_call": "0.05"}}]}"#;

/// All calls at the price of the tier that the last is in.
const VOLUME: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "price": {"model": "volume", "tiers": [
        {"up_to": 100, "unit_price": "0.10"}, {"unit_price": "0.01"}]}}]}"#;

#[test]
fn a_share_of_amounts_is_charged_with_the_fees_on_their_calls() {
    let mut shop = Shop::on(&[SHARE]);
    shop.count_amount("05-16", "sale.pay", 2, "80");
    shop.count_amount("05-17", "sale.pay", 1, "1020.50");
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-16: 0.10
                sales 0 to 2 of ¥80.00 = 0.10
            2015-05-17: 6.05
                sales 2 of ¥80.00 to 3 of ¥1100.50 = 6.05"#]],
    );
}

#[test]
fn amounts_that_come_late_are_charged_as_late_also_without_more_calls() {
    let mut shop = Shop::on(&[SHARE]);
    shop.count_amount("05-16", "sale.pay", 2, "100");
    shop.settle("2015-05-17 00:30");
    shop.count_amount("05-16", "sale.pay", 0, "0.000001");
    shop.count_amount("05-15", "sale.pay", 1, "500");
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 3.05
                late sales 2 of ¥100.00 to 3 of ¥600.000001 = 3.05
                1 of ¥500.00 came late of 2015-05-15
                0 of ¥0.000001 came late of 2015-05-16"#]],
    );
    shop.count_amount("05-16", "sale.pay", 0, "1000");
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
            2015-05-31: 6.00
                late sales 3 of ¥600.000001 to 3 of ¥1600.000001 = 6.00
                0 of ¥1000.00 came late of 2015-05-16"#]],
    );
}

#[test]
fn more_usage_that_costs_less_is_a_credit_that_pays_what_is_owed_before_it_is_prepaid() {
    let mut shop = Shop::on(&[VOLUME]);
    shop.books.provider.mandate = None;
    shop.books.mandates.clear();
    shop.books.account.mandates = 0;
    shop.count("05-10", "t.a", 100);
    shop.check(
        "2015-05-11 00:30",
        expect![[r#"
        2015-05-10: 10.00
            basic 0 to 100 = 10.00"#]],
    );
    let paid = shop.account().recharge(
        Fen::new(300),
        Reference::new("x").unwrap(),
        at("2015-05-11 09:00"),
    );
    let paid = paid.unwrap();
    shop.books.account = paid.account;
    shop.books.journal.extend(paid.entry);
    assert_eq!(shop.account().figures.receivable(), Fen::new(700));
    shop.count("05-11", "t.a", 1);
    shop.check(
        "2015-05-12 00:30",
        expect![[r#"
        2015-05-11: -8.99
            basic 100 to 101 = -8.99"#]],
    );
    assert_eq!(shop.account().figures.receivable(), Fen::ZERO);
    assert_eq!(shop.account().figures.prepaid(), Fen::new(199));
    shop.count("05-12", "t.a", 50);
    shop.check(
        "2015-05-13 00:30",
        expect![[r#"
        2015-05-12: 0.50
            basic 101 to 151 = 0.50"#]],
    );
    assert_eq!(shop.account().figures.prepaid(), Fen::new(149));
}

#[test]
fn a_month_is_rounded_by_its_plans_rule_and_every_statement_to_it() {
    for (rounding, expected) in [
        ("half_up", ["0.01", "0.00", "0.01", "0.00"]),
        ("half_even", ["0.00", "0.01", "0.01", "0.00"]),
        ("up", ["0.01", "0.00", "0.01", "0.00"]),
        ("down", ["0.00", "0.01", "0.00", "0.01"]),
    ] {
        let rule = format!(r#""rounding": "{rounding}", "rates""#);
        let plan = PLAN.replace(r#""rates""#, &rule).replace("0.0033", "0.005");
        let mut shop = Shop::on(&[&plan]);
        for on in ["05-10", "05-11", "05-12", "05-13"] {
            shop.count(on, "vas.a", 1);
        }
        let charges = shop.settle("2015-05-14 00:30");
        let charges = charges.iter().map(|statement| statement.charge_fen.to_string());
        assert_eq!(charges.collect::<Vec<_>>(), expected, "{rounding}");
    }
}

#[test]
fn a_month_keeps_the_rule_of_rounding_with_which_it_began() {
    let down = PLAN.replace(r#""rates""#, r#""rounding": "down", "rates""#);
    let up = PLAN.replace("05-01", "05-20").replace(r#""rates""#, r#""rounding": "up", "rates""#);
    for used in ["vas.a", "t.a", "nobody.knows"] {
        let mut shop = Shop::on(&[&down, &up]);
        shop.count("05-10", "vas.a", 4);
        shop.count("05-25", used, 1);
        let charges = shop.settle("2015-06-01 00:30");
        let charges = charges.iter().map(|statement| statement.charge_fen.to_string());
        assert_eq!(charges.collect::<Vec<_>>(), ["0.01", "0.00"], "{used}");
        shop.check("2015-06-01 00:30", expect![[""]]);
    }
}

#[test]
fn usage_that_no_rate_covers_is_listed_by_segment() {
    let covered = PLAN.replace("05-01", "05-17").replace("vas.*", "other.*");
    let mut shop = Shop::on(&[PLAN, &covered]);
    shop.count("05-16", "other.a", 5);
    shop.count("05-17", "other.a", 6);
    shop.count("05-17", "nobody.knows", 7);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-16: 0.00
                unpriced other.a 5
            2015-05-17: 0.02
                2015-05-01 until 2015-05-17: p of 2015-05-01
                2015-05-17 until 2015-06-01: p of 2015-05-17
                [17] extra 0 to 6 = 0.02
                [17] unpriced nobody.knows 7"#]],
    );
    shop.count("05-16", "other.a", 1);
    shop.count("05-18", "vas.a", 3);
    shop.check(
        "2015-05-19 00:30",
        expect![[r#"
            2015-05-18: 0.00
                2015-05-01 until 2015-05-17: p of 2015-05-01
                2015-05-17 until 2015-06-01: p of 2015-05-17
                [1] late unpriced other.a 1
                [17] unpriced vas.a 3
                1 came late of 2015-05-16"#]],
    );
}

#[test]
fn units_that_are_free_by_the_day_do_not_move_to_other_days_when_usage_is_late() {
    let daily = PLAN.replace(r#""free_per_month": 100"#, r#""free_per_day": 10"#);
    let mut shop = Shop::on(&[&daily]);
    shop.count("05-16", "t.a", 8);
    shop.count("05-17", "t.a", 14);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
        2015-05-16: 0.00
            basic 0 to 8 (8 of 10 free) = 0.00
        2015-05-17: 0.04
            basic 8 to 22 (18 of 10 free) = 0.04"#]],
    );
    shop.count("05-16", "t.a", 3);
    shop.count("05-15", "t.b", 4);
    shop.count("05-18", "t.a", 10);
    shop.check(
        "2015-05-19 00:30",
        expect![[r#"
        2015-05-18: 0.01
            late basic 22 to 29 (24 of 10 free) = 0.01
            basic 29 to 39 (34 of 10 free) = 0.00
            4 came late of 2015-05-15
            3 came late of 2015-05-16"#]],
    );
}
