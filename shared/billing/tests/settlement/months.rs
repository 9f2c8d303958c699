//! Months end, stay open for what comes late, and are forgotten.

use expect_test::expect;
use steelyard_billing::SettlementError;
use steelyard_pricing::{BillingMonth, Metered};

use crate::shop::Shop;

#[test]
fn usage_that_comes_when_the_whole_month_is_settled_becomes_supplements_to_its_last_day() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 100);
    shop.count("06-01", "t.a", 100);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
            2015-05-31: 0.00
                basic 0 to 100 (100 of 100 free) = 0.00
            2015-06-01: 0.00
                basic 0 to 100 (100 of 100 free) = 0.00"#]],
    );
    shop.count("05-20", "t.a", 5);
    shop.count("06-02", "t.a", 9);
    shop.check(
        "2015-06-03 00:30",
        expect![[r#"
            2015-05-31+1: 0.05
                late basic 100 to 105 (100 of 100 free) = 0.05
                5 came late of 2015-05-20
            2015-06-02: 0.09
                basic 100 to 109 (100 of 100 free) = 0.09"#]],
    );
    shop.count("05-31", "vas.a", 6);
    shop.check(
        "2015-06-03 12:00",
        expect![[r#"
            2015-05-31+2: 0.02
                late extra 0 to 6 = 0.02
                6 came late of 2015-05-31"#]],
    );
}

#[test]
fn the_last_day_is_no_supplement_while_it_is_not_settled() {
    let mut shop = Shop::new();
    shop.count("05-20", "t.a", 100);
    shop.check(
        "2015-05-21 00:30",
        expect![[r#"
            2015-05-20: 0.00
                basic 0 to 100 (100 of 100 free) = 0.00"#]],
    );
    shop.count("05-20", "t.a", 5);
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
            2015-05-31: 0.05
                late basic 100 to 105 (100 of 100 free) = 0.05
                5 came late of 2015-05-20"#]],
    );
    shop.count("05-20", "t.a", 5);
    shop.check(
        "2015-06-01 00:45",
        expect![[r#"
            2015-05-31+1: 0.05
                late basic 105 to 110 (100 of 100 free) = 0.05
                5 came late of 2015-05-20"#]],
    );
}

#[test]
fn usage_counted_on_the_day_before_a_month_closes_is_charged_whenever_the_next_run_comes() {
    for run in ["2015-06-05 00:00", "2015-06-05 00:30", "2015-06-06 00:30", "2015-09-01 00:30"] {
        let mut shop = Shop::new();
        shop.count("05-31", "t.a", 100);
        for day in ["06-01", "06-02", "06-03"] {
            shop.count(day, "t.a", 101);
        }
        shop.settle("2015-06-04 00:30");
        shop.count("05-07", "t.a", 5);
        shop.check(
            run,
            expect![[r#"
                2015-05-31+1: 0.05
                    late basic 100 to 105 (100 of 100 free) = 0.05
                    5 came late of 2015-05-07"#]],
        );
    }
}

#[test]
fn a_month_is_forgotten_by_the_first_run_12_hours_after_the_run_that_closed_it_began() {
    for (closed, run, open_from) in [
        ("2015-06-04 23:59:59", "2015-06-05 00:00", "2015-05"),
        ("2015-06-05 00:00", "2015-06-05 00:00", "2015-05"),
        ("2015-06-05 00:00", "2015-06-05 11:59:59", "2015-05"),
        ("2015-06-05 00:00", "2015-06-05 12:00", "2015-06"),
        ("2015-06-05 00:30", "2015-06-05 12:29:59", "2015-05"),
        ("2015-06-05 00:30", "2015-06-05 12:30", "2015-06"),
        ("2015-07-04 23:59:59", "2015-07-05 11:59:59", "2015-06"),
        ("2015-07-05 00:00", "2015-07-05 11:59:59", "2015-05"),
        ("2015-07-05 00:00", "2015-07-05 12:00", "2015-07"),
    ] {
        let mut shop = Shop::new();
        shop.count("05-31", "t.a", 100);
        shop.settle("2015-06-01 00:30");
        shop.count("06-03", "t.a", 100);
        shop.close(closed);
        while let Some(settlement) = shop.next(run).unwrap() {
            shop.keep(settlement);
        }
        shop.note_nothing_due(run);
        let open_from: BillingMonth = open_from.parse().unwrap();
        assert_eq!(shop.account().open_from, open_from, "closed {closed}, run {run}");
        assert!(shop.account().months.keys().all(|month| *month >= open_from), "{run}");
    }
}

#[test]
fn a_report_that_is_counted_minutes_after_its_month_closed_is_charged() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 100);
    shop.count("06-03", "t.a", 100);
    shop.settle("2015-06-04 00:30");
    shop.count("06-04", "t.a", 1);
    shop.settle("2015-06-05 00:05");
    shop.count("05-31", "t.a", 5);
    shop.check(
        "2015-06-05 00:30",
        expect![[r#"
            2015-05-31+1: 0.05
                late basic 100 to 105 (100 of 100 free) = 0.05
                5 came late of 2015-05-31"#]],
    );
}

#[test]
fn a_month_is_not_forgotten_while_any_of_its_usage_is_not_rated() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 100);
    shop.count("05-31", "t.a", 100);
    shop.count("06-01", "t.a", 100);
    shop.close("2015-07-20 00:30");
    let now = "2015-08-01 00:30";
    let mut open_from = Vec::new();
    while let Some(settlement) = shop.next(now).unwrap() {
        let statement = settlement.statement.statement.to_string();
        shop.keep(settlement);
        open_from.push((statement, shop.account().open_from));
    }
    let may: BillingMonth = "2015-05".parse().unwrap();
    assert_eq!(
        open_from,
        [
            ("2015-05-10".to_owned(), may),
            ("2015-05-31".to_owned(), may),
            ("2015-06-01".to_owned(), may),
        ]
    );
    shop.note_nothing_due(now);
    assert_eq!(shop.account().open_from, may.next().next());
}

#[test]
fn a_provider_that_comes_back_when_its_counters_have_expired_is_charged_again() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 180);
    assert_eq!(shop.settle("2015-05-17 00:30").len(), 1);
    shop.books.counted.clear();
    assert!(shop.next("2016-08-10 00:30").unwrap().is_none(), "all that was counted is charged");
    shop.count_on("2016-08-11".parse().unwrap(), "t.a", Metered::calls(500));
    let statements = shop.settle("2016-08-12 00:30");
    assert_eq!(statements[0].statement.to_string(), "2016-08-11");
    assert_eq!(statements[0].lines[0].after.metered, Metered::calls(500));
}

#[test]
fn reports_that_vanish_before_they_can_have_expired_are_an_error_when_the_month_is_read_again() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 180);
    shop.settle("2015-05-17 00:30");
    shop.close("2015-06-05 00:30");
    shop.books.counted.clear();
    for (now, is_error) in [
        ("2015-05-18 00:30", false),
        ("2015-06-05 12:29:59", false),
        ("2015-06-05 12:30", true),
        ("2016-07-31 23:59:59", true),
        ("2016-08-01 00:00", false),
    ] {
        match shop.next(now) {
            Ok(next) => assert!(!is_error && next.is_none(), "{now}"),
            Err(error) => {
                assert!(is_error, "{now}: {error}");
                assert!(matches!(error, SettlementError::Shrunk(_)), "{now}: {error}");
            }
        }
    }
}
