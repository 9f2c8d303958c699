//! Usage that comes for a day that was settled is charged by the next statement of its month.

use expect_test::expect;

use crate::shop::Shop;

#[test]
fn late_usage_is_charged_by_the_next_days_statement_as_lines_that_say_so() {
    let mut shop = Shop::new();
    shop.count("05-15", "t.a", 100);
    shop.count("05-16", "t.a", 30);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
            2015-05-15: 0.00
                basic 0 to 100 (100 of 100 free) = 0.00
            2015-05-16: 0.30
                basic 100 to 130 (100 of 100 free) = 0.30"#]],
    );
    shop.count("05-15", "t.a", 1);
    shop.count("05-16", "vas.a", 10);
    shop.count("05-14", "t.b", 2);
    shop.count("05-17", "t.a", 40);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.46
                late basic 130 to 133 (100 of 100 free) = 0.03
                late extra 0 to 10 = 0.03
                basic 133 to 173 (100 of 100 free) = 0.40
                2 came late of 2015-05-14
                1 came late of 2015-05-15
                10 came late of 2015-05-16"#]],
    );
}

#[test]
fn late_usage_goes_to_yesterday_when_yesterday_had_no_usage_of_its_own() {
    let mut shop = Shop::new();
    shop.count("05-15", "t.a", 100);
    shop.check(
        "2015-05-16 00:30",
        expect![[r#"
            2015-05-15: 0.00
                basic 0 to 100 (100 of 100 free) = 0.00"#]],
    );
    shop.count("05-15", "t.a", 5);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.05
                late basic 100 to 105 (100 of 100 free) = 0.05
                5 came late of 2015-05-15"#]],
    );
}

#[test]
fn late_usage_waits_for_the_next_day_when_yesterday_is_settled() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 100);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
            2015-05-16: 0.00
                basic 0 to 100 (100 of 100 free) = 0.00"#]],
    );
    shop.count("05-16", "t.a", 5);
    shop.check("2015-05-17 18:00", expect![[""]]);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.05
                late basic 100 to 105 (100 of 100 free) = 0.05
                5 came late of 2015-05-16"#]],
    );
}

#[test]
fn usage_that_is_late_twice_is_charged_each_time_for_what_was_added() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 100);
    shop.check(
        "2015-05-11 00:30",
        expect![[r#"
            2015-05-10: 0.00
                basic 0 to 100 (100 of 100 free) = 0.00"#]],
    );
    shop.count("05-10", "t.a", 5);
    shop.check(
        "2015-05-12 00:30",
        expect![[r#"
            2015-05-11: 0.05
                late basic 100 to 105 (100 of 100 free) = 0.05
                5 came late of 2015-05-10"#]],
    );
    shop.count("05-10", "t.a", 6);
    shop.count("05-11", "t.a", 7);
    shop.check(
        "2015-05-13 00:30",
        expect![[r#"
            2015-05-12: 0.13
                late basic 105 to 118 (100 of 100 free) = 0.13
                6 came late of 2015-05-10
                7 came late of 2015-05-11"#]],
    );
}

#[test]
fn usage_that_no_rate_covers_is_listed_when_it_comes_in_time_and_when_it_comes_late() {
    let mut shop = Shop::new();
    shop.count("05-16", "nobody.knows", 5);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
            2015-05-16: 0.00
                unpriced nobody.knows 5"#]],
    );
    shop.count("05-16", "nobody.knows", 2);
    shop.count("05-17", "nobody.knows", 3);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.00
                late unpriced nobody.knows 2
                unpriced nobody.knows 3
                2 came late of 2015-05-16"#]],
    );
}
