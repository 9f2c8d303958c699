//! Days are settled in order, each once.

use expect_test::expect;

use crate::shop::Shop;

#[test]
fn days_are_settled_in_order_once_and_never_today() {
    let mut shop = Shop::new();
    shop.count("05-18", "t.a", 7);
    shop.count("05-16", "t.a", 150);
    shop.count("05-17", "t.b", 20);
    shop.count("05-17", "vas.a", 10);
    shop.check(
        "2015-05-18 23:59:59",
        expect![[r#"
            2015-05-16: 0.50
                basic 0 to 150 (100 of 100 free) = 0.50
            2015-05-17: 0.23
                basic 150 to 170 (100 of 100 free) = 0.20
                extra 0 to 10 = 0.03"#]],
    );
    shop.check(
        "2015-05-19 00:00",
        expect![[r#"
            2015-05-18: 0.07
                basic 170 to 177 (100 of 100 free) = 0.07"#]],
    );
}

#[test]
fn days_without_a_charge_make_a_statement_and_move_no_money() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 60);
    shop.count("05-17", "nobody.knows", 5);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-16: 0.00
                basic 0 to 60 (60 of 100 free) = 0.00
            2015-05-17: 0.00
                unpriced nobody.knows 5"#]],
    );
    assert_eq!(shop.account().entries, 0);
    assert_eq!(shop.account().settled_through, Some("2015-05-17".parse().unwrap()));
}

#[test]
fn runs_that_were_missed_for_weeks_are_made_up_day_by_day() {
    let mut shop = Shop::new();
    shop.count("05-30", "t.a", 60);
    shop.count("05-31", "t.a", 60);
    shop.count("06-01", "t.a", 60);
    shop.count("06-20", "t.a", 60);
    shop.check(
        "2015-06-21 00:30",
        expect![[r#"
            2015-05-30: 0.00
                basic 0 to 60 (60 of 100 free) = 0.00
            2015-05-31: 0.20
                basic 60 to 120 (100 of 100 free) = 0.20
            2015-06-01: 0.00
                basic 0 to 60 (60 of 100 free) = 0.00
            2015-06-20: 0.20
                basic 60 to 120 (100 of 100 free) = 0.20"#]],
    );
}

#[test]
fn the_allowance_begins_anew_with_the_month() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 110);
    shop.count("06-01", "t.a", 110);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
            2015-05-31: 0.10
                basic 0 to 110 (100 of 100 free) = 0.10
            2015-06-01: 0.10
                basic 0 to 110 (100 of 100 free) = 0.10"#]],
    );
}

#[test]
fn a_provider_that_was_idle_for_months_is_settled_when_it_is_used_again() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 120);
    shop.check(
        "2015-05-11 00:30",
        expect![[r#"
            2015-05-10: 0.20
                basic 0 to 120 (100 of 100 free) = 0.20"#]],
    );
    for idle in ["2015-06-20 00:30", "2015-07-06 00:30", "2015-09-30 00:30"] {
        assert_eq!(shop.settle(idle), [], "{idle}");
    }
    assert_eq!(shop.account().open_from.to_string(), "2015-05");
    shop.count("10-03", "t.a", 130);
    shop.check(
        "2015-10-04 00:30",
        expect![[r#"
            2015-10-03: 0.30
                basic 0 to 130 (100 of 100 free) = 0.30"#]],
    );
    assert_eq!(shop.account().open_from.to_string(), "2015-09");
    assert_eq!(shop.settle("2015-10-05 00:30"), []);
    shop.count("10-06", "t.a", 1);
    shop.check(
        "2015-10-07 00:30",
        expect![[r#"
            2015-10-06: 0.01
                basic 130 to 131 (100 of 100 free) = 0.01"#]],
    );
    assert_eq!(shop.account().open_from.to_string(), "2015-10");
}

#[test]
fn usage_of_months_before_the_provider_was_billed_is_not_looked_at() {
    let mut shop = Shop::new();
    shop.count("04-30", "t.a", 1_000);
    shop.check("2015-05-05 00:30", expect![[""]]);
    shop.count("05-04", "t.a", 101);
    shop.check(
        "2015-05-05 00:30",
        expect![[r#"
            2015-05-04: 0.01
                basic 0 to 101 (100 of 100 free) = 0.01"#]],
    );
}

#[test]
fn a_clock_that_is_behind_a_settlement_settles_nothing_and_breaks_nothing() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 101);
    shop.settle("2015-05-17 00:30");
    shop.books.counted.clear();
    assert!(shop.next("2015-05-16 00:30").unwrap().is_none());
}
