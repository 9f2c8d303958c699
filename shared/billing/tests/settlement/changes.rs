//! Changes of terms that become known after days were settled: those days keep their terms.

use expect_test::expect;

use crate::plans::{dearer, with_dearer};
use crate::shop::Shop;

#[test]
fn a_segment_that_gets_shorter_after_it_was_charged_is_charged_again_by_a_line_that_says_so() {
    let mut shop = with_dearer();
    shop.count("05-10", "t.a", 80);
    shop.check(
        "2015-05-11 00:30",
        expect![[r#"
        2015-05-10: 0.00
            basic 0 to 80 (80 of 100 free) = 0.00"#]],
    );
    shop.assign("q", "05-17");
    shop.count("05-16", "t.a", 1);
    shop.count("05-17", "t.a", 60);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
        2015-05-16: 0.29
            terms basic 80 to 80 (52 of 52 free) = 0.28
            basic 80 to 81 (52 of 52 free) = 0.01
        2015-05-17: 0.22
            2015-05-01 until 2015-05-17: p of 2015-05-01
            2015-05-17 until 2015-06-01: q of 2015-05-01
            [17] basic 0 to 60 (49 of 49 free) = 0.22"#]],
    );
}

#[test]
fn a_segment_that_gets_shorter_is_charged_at_the_months_end_though_nothing_is_used_any_more() {
    let mut shop = with_dearer();
    shop.count("05-10", "t.a", 80);
    shop.settle("2015-05-11 00:30");
    shop.assign("q", "05-17");
    shop.check("2015-05-31 00:30", expect![[""]]);
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
        2015-05-31: 0.28
            2015-05-01 until 2015-05-17: p of 2015-05-01
            2015-05-17 until 2015-06-01: q of 2015-05-01
            [1] terms basic 80 to 80 (52 of 52 free) = 0.28"#]],
    );
}

#[test]
fn late_usage_of_a_segment_that_gets_shorter_has_a_line_beside_that_of_the_terms() {
    let mut shop = with_dearer();
    shop.count("05-10", "t.a", 80);
    shop.settle("2015-05-11 00:30");
    shop.assign("q", "05-17");
    shop.count("05-10", "t.a", 1);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.29
                2015-05-01 until 2015-05-17: p of 2015-05-01
                2015-05-17 until 2015-06-01: q of 2015-05-01
                [1] terms basic 80 to 80 (52 of 52 free) = 0.28
                [1] late basic 80 to 81 (52 of 52 free) = 0.01
                1 came late of 2015-05-10"#]],
    );
}

#[test]
fn a_version_that_is_stored_after_days_were_settled_leaves_them_alone() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 150);
    shop.settle("2015-05-11 00:30");
    shop.store(&dearer("p", "05-05"));
    shop.count("05-06", "t.a", 10);
    shop.check(
        "2015-05-12 00:30",
        expect![[r#"
            2015-05-11: 0.10
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-06-01: p of 2015-05-05
                [1] late basic 150 to 160 (100 of 100 free) = 0.10
                10 came late of 2015-05-06"#]],
    );
    shop.count("05-12", "t.a", 100);
    shop.check(
        "2015-05-13 00:30",
        expect![[r#"
            2015-05-12: 2.00
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-06-01: p of 2015-05-05
                [11] basic 0 to 100 = 2.00"#]],
    );
}

#[test]
fn a_version_that_is_stored_after_a_month_was_settled_leaves_its_supplements_alone() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 150);
    shop.settle("2015-06-01 00:30");
    shop.store(&dearer("p", "05-02"));
    shop.count("05-31", "t.a", 10);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
        2015-05-31+1: 0.10
            late basic 150 to 160 (100 of 100 free) = 0.10
            10 came late of 2015-05-31"#]],
    );
}

#[test]
fn days_after_a_months_last_statement_keep_the_terms_that_they_got() {
    let mut shop = with_dearer();
    shop.count("05-10", "vas.a", 1_000);
    shop.settle("2015-05-11 00:30");
    shop.assign("q", "05-20");
    shop.count("06-01", "t.a", 1);
    shop.settle("2015-06-02 00:30");
    shop.count("05-25", "t.a", 100);
    shop.check(
        "2015-06-03 00:30",
        expect![[r#"
        2015-05-31+1: 1.22
            2015-05-01 until 2015-05-20: p of 2015-05-01
            2015-05-20 until 2015-06-01: q of 2015-05-01
            [20] late basic 0 to 100 (39 of 39 free) = 1.22
            100 came late of 2015-05-25"#]],
    );
}

#[test]
fn a_change_that_is_taken_back_before_it_begins_was_never_there() {
    let mut shop = with_dearer();
    shop.count("05-10", "t.a", 80);
    shop.settle("2015-05-11 00:30");
    shop.assign("q", "05-17");
    shop.assign("p", "05-17");
    shop.count("05-20", "t.a", 80);
    shop.check(
        "2015-05-21 00:30",
        expect![[r#"
        2015-05-20: 0.60
            basic 80 to 160 (100 of 100 free) = 0.60"#]],
    );
}

#[test]
fn a_plan_that_is_assigned_from_june_rates_june_and_leaves_may_alone() {
    let mut shop = with_dearer();
    shop.count("05-31", "t.a", 110);
    shop.settle("2015-06-01 00:30");
    shop.assign("q", "06-01");
    shop.count("05-31", "t.a", 10);
    shop.count("06-01", "t.a", 110);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
        2015-05-31+1: 0.10
            late basic 110 to 120 (100 of 100 free) = 0.10
            10 came late of 2015-05-31
        2015-06-01: 0.20
            basic 0 to 110 (100 of 100 free) = 0.20"#]],
    );
}
