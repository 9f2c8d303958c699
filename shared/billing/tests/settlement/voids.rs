//! Usage that is withdrawn after it was charged is credited, whatever was charged with it.

use expect_test::expect;
use steelyard_billing::{SettlementError, charged_days};
use steelyard_pricing::Usage;

use crate::shop::{Shop, day};

#[test]
fn a_void_is_credited_by_the_next_statement_of_its_month() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.count("05-16", "vas.a", 100);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
        2015-05-16: 2.33
            basic 0 to 300 (100 of 100 free) = 2.00
            extra 0 to 100 = 0.33"#]],
    );
    shop.withdraw("05-16", "t.a", 250);
    shop.withdraw("05-16", "vas.a", 100);
    shop.check("2015-05-17 12:00", expect![[""]]);
    shop.count("05-17", "t.a", 60);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
        2015-05-17: -2.23
            void basic 300 to 50 (50 of 100 free) = -2.00
            void extra 100 to 0 = -0.33
            basic 50 to 110 (100 of 100 free) = 0.10
            350 were withdrawn of 2015-05-16"#]],
    );
}

#[test]
fn what_is_withdrawn_and_replaced_has_a_line_for_each() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.count("05-16", "nobody.knows", 4);
    shop.settle("2015-05-17 00:30");
    shop.withdraw("05-16", "t.a", 300);
    shop.withdraw("05-16", "nobody.knows", 3);
    shop.count("05-16", "t.b", 130);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: -1.70
                void basic 300 to 0 = -2.00
                late basic 0 to 130 (100 of 100 free) = 0.30
                void unpriced nobody.knows 3
                130 came late of 2015-05-16
                303 were withdrawn of 2015-05-16"#]],
    );
}

#[test]
fn a_void_of_the_last_day_is_a_supplement() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 300);
    shop.settle("2015-06-01 00:30");
    shop.withdraw("05-31", "t.a", 300);
    shop.check(
        "2015-06-01 12:00",
        expect![[r#"
        2015-05-31+1: -2.00
            void basic 300 to 0 = -2.00
            300 were withdrawn of 2015-05-31"#]],
    );
}

#[test]
fn usage_that_is_withdrawn_before_its_day_is_settled_is_never_charged() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.withdraw("05-16", "t.a", 300);
    shop.check("2015-05-17 00:30", expect![[""]]);
}

#[test]
fn more_than_was_withdrawn_is_not_credited() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.settle("2015-05-17 00:30");
    shop.withdraw("05-16", "t.a", 100);
    let count = shop.books.counted.get_mut(&day("05-16")).unwrap();
    count.usage = Usage::new();
    let refused = shop.next("2015-05-18 00:30");
    assert!(matches!(refused, Err(SettlementError::Shrunk(of)) if of == day("05-16")));
}

#[test]
fn late_usage_of_a_day_after_the_one_that_was_credited_is_charged() {
    let mut shop = Shop::new();
    shop.count("05-05", "vas.a", 100);
    shop.count("05-06", "vas.a", 10);
    shop.settle("2015-05-07 00:30");
    shop.withdraw("05-05", "vas.a", 100);
    shop.count("05-07", "vas.a", 10);
    shop.settle("2015-05-08 00:30");
    shop.count("05-06", "vas.a", 1);
    shop.count("05-07", "vas.a", 1);
    shop.check(
        "2015-05-09 00:30",
        expect![[r#"
        2015-05-08: 0.00
            late extra 20 to 22 = 0.00
            1 came late of 2015-05-06
            1 came late of 2015-05-07"#]],
    );
}

#[test]
fn supplements_are_folded_in_their_order_however_they_come() {
    let mut shop = Shop::new();
    shop.count("05-31", "vas.a", 1);
    shop.settle("2015-06-01 00:30");
    for calls in 1..=12 {
        shop.count("05-20", "vas.a", calls);
        shop.settle("2015-06-01 01:00");
        shop.withdraw("05-20", "vas.a", calls);
        shop.settle("2015-06-01 02:00");
    }
    let mut statements = shop.books.statements.clone();
    statements.sort_by_key(|statement| statement.statement.to_string());
    let charged = charged_days(&statements).unwrap();
    assert_eq!(charged[&day("05-20")], Usage::new());
    assert_eq!(charged, shop.books.rated_days().unwrap());
}

#[test]
fn usage_of_a_day_that_a_clock_settled_too_early_is_charged_once_the_day_is_over() {
    let mut shop = Shop::new();
    shop.count_on_its_day("05-17", "vas.a", 100);
    assert_eq!(shop.settle("2015-05-18 00:30").len(), 1, "by a clock that is ahead");
    shop.count_on_its_day("05-17", "vas.a", 50);
    for now in ["2015-05-17 18:00", "2015-05-17 19:00", "2015-05-18 00:30"] {
        assert_eq!(shop.settle(now), [], "{now}");
    }
    shop.check(
        "2015-05-19 00:30",
        expect![[r#"
        2015-05-18: 0.17
            late extra 100 to 150 = 0.17
            50 came late of 2015-05-17"#]],
    );
    assert_eq!(shop.settle("2015-05-20 00:30"), []);
}

#[test]
fn month_is_not_left_while_a_clock_that_is_behind_hides_what_came_late() {
    let mut shop = Shop::new();
    shop.count("05-31", "vas.a", 100);
    shop.settle("2015-06-01 00:30");
    shop.count("06-07", "vas.a", 1);
    shop.settle("2015-06-08 00:30");
    shop.count_on_its_day("05-20", "vas.a", 50);
    // The close is stored, and final; and the clock is before what is settled.
    shop.close("2015-06-05 00:30");
    assert_eq!(shop.settle("2015-06-05 13:00"), []);
    assert_eq!(shop.account().open_from.to_string(), "2015-05");
    shop.check(
        "2015-06-09 00:30",
        expect![[r#"
        2015-05-31+1: 0.17
            late extra 100 to 150 = 0.17
            50 came late of 2015-05-20"#]],
    );
    assert_eq!(shop.account().open_from.to_string(), "2015-06");
}

#[test]
fn withdrawn_usage_makes_place_for_as_much_again() {
    let mut shop = Shop::new();
    let most = 90_000_000_000;
    shop.count("05-16", "t.a", most);
    shop.settle("2015-05-17 00:30");
    for _ in 0..2 {
        shop.withdraw("05-16", "t.a", most);
        shop.count("05-16", "t.a", most);
    }
    shop.withdraw("05-16", "t.a", most);
    shop.count("05-16", "t.b", most);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
        2015-05-17: 0.00
            void basic 90000000000 to 0 = -899999999.00
            late basic 0 to 90000000000 (100 of 100 free) = 899999999.00
            90000000000 came late of 2015-05-16
            90000000000 were withdrawn of 2015-05-16"#]],
    );
}
