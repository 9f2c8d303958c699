//! Plans that change inside a month cut it into segments.

use expect_test::expect;
use steelyard_pricing::LineCause;

use crate::shop::{PLAN, Shop, day, month};

/// A call a day is free; the first hundred after them cost ten times as much as the rest.
const TIERS: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 31,
     "price": {"model": "graduated", "tiers": [
        {"up_to": 100, "unit_price": "0.10"}, {"unit_price": "0.01"}]}}]}"#;

/// [`PLAN`] at twice the price, from a day of 2015 on.
pub(crate) fn dearer(plan: &str, from: &str) -> String {
    PLAN.replace(r#""p""#, &format!("{plan:?}"))
        .replace("2015-05-01", &format!("2015-{from}"))
        .replace(r#""0.01""#, r#""0.02""#)
}

/// A shop on [`PLAN`], where there is a plan `q` at twice the price.
pub(crate) fn with_dearer() -> Shop {
    Shop::on(&[PLAN, &dearer("q", "05-01")])
}

#[test]
fn a_version_that_takes_effect_inside_a_month_cuts_it_and_its_tiers_go_on() {
    let twice = TIERS
        .replace("05-01", "05-11")
        .replace(r#""0.10""#, r#""0.20""#)
        .replace(r#""0.01""#, r#""0.02""#);
    let mut shop = Shop::on(&[TIERS, &twice]);
    shop.count("05-10", "t.a", 150);
    shop.count("05-11", "t.a", 150);
    shop.check(
        "2015-05-12 00:30",
        expect![[r#"
            2015-05-10: 10.19
                basic 0 to 150 (31 of 31 free) = 10.19
            2015-05-11: 3.00
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-06-01: p of 2015-05-11
                [11] basic 0 to 150 = 3.00"#]],
    );
    shop.count("05-12", "t.a", 7);
    shop.check(
        "2015-05-13 00:30",
        expect![[r#"
            2015-05-12: 0.14
                2015-05-01 until 2015-05-11: p of 2015-05-01
                2015-05-11 until 2015-06-01: p of 2015-05-11
                [11] basic 150 to 157 = 0.14"#]],
    );
}

#[test]
fn a_segments_allowance_is_its_part_of_the_month_by_days_rounded_up() {
    for (free_per_month, from, free) in [
        ("31", "05-11", ["10", "21"]),
        ("100", "05-11", ["33", "68"]),
        ("100", "05-02", ["4", "97"]),
        ("100", "05-31", ["97", "4"]),
        ("1", "05-16", ["1", "1"]),
        (r#""0.5""#, "05-16", ["1", "1"]),
        ("0", "05-16", ["0", "0"]),
    ] {
        let given = format!(r#""free_per_month": {free_per_month}"#);
        let plan = TIERS.replace(r#""free_per_month": 31"#, &given);
        let mut shop = Shop::on(&[&plan, &plan.replace(r#""p""#, r#""q""#)]);
        shop.assign("q", from);
        shop.count("05-01", "t.a", 1_000);
        shop.count("05-31", "t.a", 1_000);
        let statements = shop.settle("2015-06-01 00:30");
        let given = statements.iter().flat_map(|statement| &statement.lines);
        let given = given.map(|line| line.after.free.to_string()).collect::<Vec<_>>();
        assert_eq!(given, free, "{free_per_month} from {from}");
    }
}

#[test]
fn a_plan_begins_with_the_day_from_which_it_is_assigned() {
    for (from, expected) in [
        ("05-01", vec!["05-01 to 06-01 q"]),
        ("05-02", vec!["05-01 to 05-02 p", "05-02 to 06-01 q"]),
        ("05-31", vec!["05-01 to 05-31 p", "05-31 to 06-01 q"]),
        ("06-01", vec!["05-01 to 06-01 p"]),
    ] {
        let mut shop = with_dearer();
        shop.assign("q", from);
        shop.count("05-31", "t.a", 1);
        let statements = shop.settle("2015-06-01 00:30");
        let spans = statements.iter().flat_map(|statement| &statement.segments);
        let spans = spans.map(|span| {
            let (from, until) = (span.from.to_string(), span.until.to_string());
            format!("{} to {} {}", &from[5..], &until[5..], span.terms.plan)
        });
        assert_eq!(spans.collect::<Vec<_>>(), expected, "{from}");
    }
}

#[test]
fn late_usage_of_an_earlier_segment_is_charged_by_its_terms_while_a_later_one_runs() {
    let mut shop = with_dearer();
    shop.assign("q", "05-17");
    shop.count("05-16", "t.a", 60);
    shop.count("05-17", "t.a", 60);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
        2015-05-16: 0.08
            basic 0 to 60 (52 of 52 free) = 0.08
        2015-05-17: 0.22
            2015-05-01 until 2015-05-17: p of 2015-05-01
            2015-05-17 until 2015-06-01: q of 2015-05-01
            [17] basic 0 to 60 (49 of 49 free) = 0.22"#]],
    );
    shop.count("05-16", "t.a", 10);
    shop.count("05-17", "t.b", 10);
    shop.count("05-18", "t.a", 10);
    shop.check(
        "2015-05-19 00:30",
        expect![[r#"
        2015-05-18: 0.50
            2015-05-01 until 2015-05-17: p of 2015-05-01
            2015-05-17 until 2015-06-01: q of 2015-05-01
            [1] late basic 60 to 70 (52 of 52 free) = 0.10
            [17] late basic 60 to 70 (49 of 49 free) = 0.20
            [17] basic 70 to 80 (49 of 49 free) = 0.20
            10 came late of 2015-05-16
            10 came late of 2015-05-17"#]],
    );
}

#[test]
fn every_part_of_a_month_that_was_cut_often_is_charged_by_its_own_terms() {
    let mut shop = with_dearer();
    for (plan, from) in [("q", "05-02"), ("p", "05-03"), ("q", "05-30"), ("p", "05-31")] {
        shop.assign(plan, from);
    }
    for on in ["05-01", "05-02", "05-29", "05-30", "05-31"] {
        shop.count(on, "vas.a", 1);
        shop.count(on, "t.a", 120);
    }
    let statements = shop.settle("2015-06-01 00:30");
    let lines = statements.iter().flat_map(|statement| &statement.lines);
    let basic = lines.filter(|line| line.rate.as_ref().unwrap().as_str() == "basic");
    let charges = basic.map(|line| (line.segment, line.because, line.exact_yuan.to_string()));
    let usage = LineCause::Usage;
    assert_eq!(
        charges.collect::<Vec<_>>(),
        [
            (day("05-01"), usage, "1.16".to_owned()),
            (day("05-02"), usage, "2.32".to_owned()),
            (day("05-03"), usage, "0.32".to_owned()),
            (day("05-30"), usage, "2.32".to_owned()),
            (day("05-31"), usage, "1.16".to_owned()),
        ]
    );
    assert_eq!(shop.settle("2015-06-01 00:30"), []);
    assert_eq!(shop.charged_in(month("05")).to_string(), "7.30");
}
