//! What cannot be settled is an error that says why, and nothing is lost.

use expect_test::expect;
use steelyard_billing::PlanAssignment;

use crate::common::provider;
use crate::shop::{PLAN, Shop, day, plans};

#[test]
fn usage_on_a_day_without_a_plan_is_refused_by_its_day_and_not_lost() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 101);
    let refused = "cannot rate the month: 2015-05-16 has usage, but no plan was in force";
    shop.plans = plans(&[&PLAN.replace("2015-05-01", "2015-05-17")]);
    shop.check_refused("2015-05-17 00:30", refused);
    shop.plans = plans(&[PLAN]);
    shop.books.provider.plans.clear();
    shop.check_refused("2015-05-17 00:30", refused);
    shop.books.provider.plans = provider().plans;
    shop.books.provider.plans[0].from = day("05-17");
    shop.check_refused("2015-05-17 00:30", refused);
    shop.books.provider.plans[0].from = day("05-16");
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
        2015-05-16: 0.49
            basic 0 to 101 (52 of 52 free) = 0.49"#]],
    );
}

#[test]
fn late_usage_on_a_day_without_a_plan_is_refused_though_later_days_have_one() {
    let mut shop = Shop::new();
    shop.books.provider.plans[0].from = day("05-16");
    shop.count("05-16", "t.a", 1);
    shop.settle("2015-05-17 00:30");
    shop.count("05-15", "t.a", 1);
    shop.check_refused(
        "2015-05-18 00:30",
        "cannot rate the month: 2015-05-15 has usage, but no plan was in force",
    );
}

#[test]
fn a_day_between_two_plans_is_on_neither() {
    let mut shop = Shop::on(&[PLAN, &PLAN.replace(r#""p""#, r#""q""#).replace("05-01", "05-15")]);
    // Nobody can be put on a plan before it is in force; what is stored may still say so.
    let from = day("05-10");
    shop.books.provider.plans.push(PlanAssignment { from, plan: "q".parse().unwrap() });
    shop.count("05-09", "t.a", 1);
    shop.count("05-15", "t.a", 1);
    let statements = shop.settle("2015-05-16 00:30");
    shop.count("05-16", "t.a", 1);
    let next = shop.settle("2015-05-17 00:30");
    assert_eq!(next[0].segments, statements[1].segments);
    shop.count("05-12", "t.a", 1);
    shop.check_refused(
        "2015-05-18 00:30",
        "cannot rate the month: 2015-05-12 has usage, but no plan was in force",
    );
}

#[test]
fn an_override_that_does_not_fit_its_plan_is_refused_by_what_is_wrong() {
    let mut shop = Shop::new();
    shop.give(
        r#"{"override": "friend", "from": "2015-05-10", "rate": "basic",
            "discount_percent": "10"}"#,
    );
    shop.store(&PLAN.replace("basic", "standard").replace("05-01", "05-17"));
    shop.count("05-16", "t.a", 200);
    shop.check_refused(
        "2015-05-18 00:30",
        "cannot tell the terms: an override does not fit the plan in force on 2015-05-17: rate: \
         the plan has no rate `basic`",
    );
    shop.end("friend", "05-17");
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-16: 0.90
                2015-05-01 until 2015-05-10: p of 2015-05-01
                2015-05-10 until 2015-05-17: p of 2015-05-01 with friend
                [10] basic 0 to 200 (100 of 100 free) -10% = 0.90"#]],
    );
}

#[test]
fn a_month_whose_terms_are_gone_is_refused_by_their_name() {
    let other = PLAN.replace(r#""p""#, r#""q""#);
    let mut shop = Shop::on(&[PLAN, &other]);
    shop.give(r#"{"override": "friend", "from": "2015-05-01", "discount_percent": "10"}"#);
    shop.count("05-16", "t.a", 101);
    shop.settle("2015-05-17 00:30");
    shop.books.provider.plans[0].plan = "q".parse().unwrap();
    shop.count("05-17", "t.a", 1);
    let settled = shop.next("2015-05-18 00:30").unwrap().unwrap();
    let plans_named = settled.statement.segments.iter().map(|span| span.terms.plan.as_str());
    assert_eq!(plans_named.collect::<Vec<_>>(), ["p", "q"], "settled days stay on their plan");
    let gone =
        "shop was charged in 2015-05 by plan p of 2015-05-01 with friend, of which a part is gone";
    let overrides = std::mem::take(&mut shop.books.provider.overrides);
    shop.check_refused("2015-05-18 00:30", gone);
    shop.books.provider.overrides = overrides;
    shop.plans = plans(&[&other]);
    shop.check_refused("2015-05-18 00:30", gone);
}

#[test]
fn counters_that_shrank_are_an_error_and_not_a_credit() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 101);
    shop.settle("2015-05-17 00:30");
    shop.books.counted.clear();
    shop.count("05-16", "t.a", 99);
    let shrunk = "2015-05-16 has less usage than was charged, and it was not withdrawn";
    shop.check_refused("2015-05-18 00:30", shrunk);
    shop.count("05-17", "t.a", 5);
    shop.check_refused("2015-05-18 00:30", shrunk);
    shop.count("05-16", "t.b", 2);
    shop.check_refused("2015-05-18 00:30", shrunk);
}
