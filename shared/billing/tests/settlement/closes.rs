//! A month is closed by what is stored, whatever day is configured.

use expect_test::expect;
use steelyard_billing::{Calendar, DebitRules, MonthClose, Provider, SettlementError};
use steelyard_pricing::BillingMonth;

use crate::common::{at, provider, rules};
use crate::shop::{PLAN, Shop, day, month};

/// A shop whose May is settled on 1 June, and whose June has begun.
fn in_june() -> Shop {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 100);
    shop.settle("2015-06-01 00:30");
    for on in ["06-01", "06-02", "06-03"] {
        shop.count(on, "t.a", 10);
    }
    shop.settle("2015-06-04 00:30");
    shop
}

fn open_from(shop: &Shop) -> String {
    shop.account().open_from.to_string()
}

#[test]
fn the_close_that_is_due_is_that_of_the_last_month_that_is_over_by_the_calendar() {
    for (now, stored, due) in [
        ("2015-04-20 12:00", None, None),
        ("2015-05-31 23:59:59", None, None),
        ("2015-06-04 23:59:59", None, None),
        ("2015-06-05 00:00", None, Some("2015-05")),
        ("2015-06-05 00:00", Some("2015-04"), Some("2015-05")),
        ("2015-06-05 00:00", Some("2015-05"), None),
        ("2015-06-05 00:00", Some("2015-06"), None),
        ("2015-07-04 23:59:59", None, Some("2015-05")),
        ("2015-07-04 23:59:59", Some("2015-05"), None),
        ("2015-07-05 00:00", Some("2015-05"), Some("2015-06")),
        ("2016-01-05 00:00", Some("2015-05"), Some("2015-12")),
        ("2016-01-04 23:59:59", Some("2015-11"), None),
    ] {
        let stored = stored.map(|through| MonthClose {
            through: through.parse().unwrap(),
            closed_at_s: at("2015-06-01 12:00"),
        });
        let actual = MonthClose::due(&provider(), stored, &rules(), at(now));
        let through = actual.map(|close| close.through.to_string());
        assert_eq!(through.as_deref(), due, "{now}, {stored:?}");
        assert!(actual.is_none_or(|close| close.closed_at_s == at(now)), "{now}");
    }
}

#[test]
fn no_close_is_due_of_a_month_before_the_provider_was_billed() {
    let later = Provider { billed_from: "2015-07".parse().unwrap(), ..provider() };
    for (now, due) in [
        ("2015-07-05 00:00", None),
        ("2015-08-04 23:59:59", None),
        ("2015-08-05 00:00", Some(month("07"))),
    ] {
        let close = MonthClose::due(&later, None, &rules(), at(now));
        assert_eq!(close.map(|close| close.through), due, "{now}");
    }
}

#[test]
fn a_close_day_that_is_raised_makes_no_close_due_and_one_that_is_lowered_makes_it_due_at_once() {
    let on = |close_day| DebitRules {
        calendar: Calendar::new("Asia/Shanghai", close_day).unwrap(),
        ..rules()
    };
    let closed = MonthClose { through: month("05"), closed_at_s: at("2015-06-05 00:30") };
    for (close_day, stored, now, due) in [
        (5, Some(closed), "2015-06-06 00:30", None),
        (20, Some(closed), "2015-06-06 00:30", None),
        (20, Some(closed), "2015-07-06 00:30", None),
        (20, Some(closed), "2015-07-20 00:00", Some(month("06"))),
        (20, None, "2015-06-06 00:30", None),
        (5, None, "2015-06-06 00:30", Some(month("05"))),
        (1, Some(closed), "2015-07-01 00:00", Some(month("06"))),
    ] {
        let close = MonthClose::due(&provider(), stored, &on(close_day), at(now));
        assert_eq!(close.map(|close| close.through), due, "{close_day} at {now}");
    }
}

#[test]
fn a_close_day_that_is_raised_after_a_month_was_closed_reopens_nothing_and_loses_nothing() {
    let mut shop = in_june();
    shop.count("05-07", "t.a", 5);
    shop.close("2015-06-05 00:10");
    // Counted by an ingest that did not know of the close yet.
    shop.count("05-08", "t.a", 7);
    shop.close_on(20);
    let closed = shop.closed();
    shop.check(
        "2015-06-05 00:30",
        expect![[r#"
        2015-05-31+1: 0.12
            late basic 100 to 112 (100 of 100 free) = 0.12
            5 came late of 2015-05-07
            7 came late of 2015-05-08"#]],
    );
    assert_eq!((shop.closed(), open_from(&shop)), (closed, "2015-05".to_owned()));
    assert_eq!(shop.charged_in(month("05")).to_string(), "0.12");
    for later in ["2015-06-06 00:30", "2015-06-20 00:30"] {
        shop.count("06-05", "t.a", 1);
        shop.settle(later);
        assert_eq!(shop.audit(later), []);
        assert_eq!((shop.closed(), open_from(&shop)), (closed, "2015-06".to_owned()));
    }
}

#[test]
fn a_close_day_that_is_lowered_forgets_no_month_whose_close_is_not_stored() {
    let mut shop = in_june();
    shop.close_on(20);
    shop.count("06-05", "t.a", 10);
    assert_eq!(shop.settle("2015-06-06 00:30").len(), 1);
    shop.close_on(5);
    shop.count("06-06", "t.a", 10);
    // A run that has not stored the close: what is counted meanwhile is charged.
    let settlement = shop.next("2015-06-07 00:30").unwrap().unwrap();
    shop.keep(settlement);
    assert_eq!((shop.closed(), open_from(&shop)), (None, "2015-05".to_owned()));
    shop.count("05-09", "t.a", 5);
    shop.check(
        "2015-06-07 00:40",
        expect![[r#"
        2015-05-31+1: 0.05
            late basic 100 to 105 (100 of 100 free) = 0.05
            5 came late of 2015-05-09"#]],
    );
    assert_eq!(shop.closed().map(|close| close.through), Some(month("05")));
    assert_eq!(open_from(&shop), "2015-05", "the close is not final yet");
    shop.count("06-07", "t.a", 10);
    shop.settle("2015-06-08 00:30");
    assert_eq!(open_from(&shop), "2015-06");
}

#[test]
fn a_month_without_a_stored_close_is_never_forgotten() {
    let mut shop = in_june();
    for number in 4..30 {
        shop.count(&format!("06-{number:02}"), "t.a", 1);
    }
    while let Some(settlement) = shop.next("2015-08-20 00:30").unwrap() {
        shop.keep(settlement);
        assert_eq!(open_from(&shop), "2015-05");
    }
    shop.count("05-20", "t.a", 5);
    let late = shop.next("2015-08-20 00:30").unwrap().unwrap();
    assert_eq!(late.statement.statement.to_string(), "2015-05-31+1");
}

#[test]
fn a_newer_close_keeps_a_month_open_only_until_it_is_final_itself() {
    let mut shop = in_june();
    shop.close("2015-06-05 00:30");
    shop.close("2015-07-05 00:30");
    shop.count("06-30", "t.a", 1);
    shop.count("07-01", "t.a", 1);
    shop.count("07-04", "t.a", 1);
    let mut steps = Vec::new();
    for now in ["2015-07-05 12:29:59", "2015-07-05 12:30"] {
        shop.count("07-04", "t.a", 1);
        while let Some(settlement) = shop.next(now).unwrap() {
            shop.keep(settlement);
        }
        steps.push(open_from(&shop));
    }
    shop.count("07-05", "t.a", 1);
    shop.settle("2015-07-06 00:30");
    steps.push(open_from(&shop));
    assert_eq!(steps, ["2015-05", "2015-05", "2015-07"]);
}

#[test]
fn a_plan_that_cannot_be_read_stops_only_the_providers_on_it() {
    let mut shop = Shop::on(&[PLAN, &PLAN.replace(r#""p""#, r#""q""#)]);
    shop.count("05-16", "t.a", 101);
    shop.plans.add_unreadable("q".parse().unwrap(), day("05-10"));
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
        2015-05-16: 0.01
            basic 0 to 101 (100 of 100 free) = 0.01"#]],
    );
    shop.count("05-17", "t.a", 1);
    shop.plans.add_unreadable("p".parse().unwrap(), day("06-01"));
    let refused = shop.next("2015-05-18 00:30").unwrap_err();
    let SettlementError::PlanUnreadable { provider, plan, version } = &refused else {
        panic!("{refused}");
    };
    let named = (provider.as_str(), plan.as_str(), *version);
    assert_eq!(named, ("shop", "p", day("06-01")));
    assert_eq!(
        refused.to_string(),
        "shop is on plan p, whose version of 2015-06-01 cannot be read"
    );
}

#[test]
fn a_provider_that_was_on_a_plan_that_cannot_be_read_is_stopped_and_one_that_left_no_trace_is_not()
{
    let mut shop = Shop::on(&[PLAN, &PLAN.replace(r#""p""#, r#""q""#)]);
    shop.assign("q", "05-17");
    shop.count("05-20", "t.a", 101);
    shop.plans.add_unreadable("p".parse().unwrap(), day("05-01"));
    shop.check_refused("2015-05-21 00:30", "shop is on plan p, whose version of 2015-05-01");
    shop.books.provider.plans.retain(|assignment| assignment.plan.as_str() == "q");
    assert_eq!(shop.settle("2015-05-21 00:30").len(), 1);
}

#[test]
fn usage_is_charged_once_the_plan_can_be_read_again() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 101);
    let readable = shop.plans.clone();
    shop.plans.add_unreadable("p".parse().unwrap(), day("05-10"));
    shop.check_refused("2015-05-17 00:30", "shop is on plan p, whose version of 2015-05-10");
    shop.plans = readable;
    shop.check(
        "2015-05-19 00:30",
        expect![[r#"
        2015-05-16: 0.01
            basic 0 to 101 (100 of 100 free) = 0.01"#]],
    );
}

#[test]
fn reports_of_a_month_expire_together_whatever_day_it_closes_on() {
    let kept = |close_day| {
        let calendar = Calendar::new("Asia/Shanghai", close_day).unwrap();
        ["2015-05", "2015-12", "2016-01", "9998-12"]
            .map(|text| calendar.kept_until(text.parse::<BillingMonth>().unwrap()))
    };
    let expected = kept(5);
    assert_eq!(expected[0], at("2016-08-01 00:00"));
    for close_day in 1..=28 {
        assert_eq!(kept(close_day), expected, "{close_day}");
        let calendar = Calendar::new("Asia/Shanghai", close_day).unwrap();
        let closed_for = expected[0] - calendar.closes_at(month("05"));
        assert!(closed_for.total(jiff::Unit::Hour).unwrap() >= 400.0 * 24.0, "{close_day}");
    }
}
