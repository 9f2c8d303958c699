//! Vouchers: what a month leaves of an amount is there in the next one.

use expect_test::expect;
use serde_json::json;
use steelyard_billing::BreachKind;
use steelyard_pricing::VouchersUsed;

use crate::shop::{Shop, month};

/// Five yuan for each month, the rest of them carried.
const MONTHLY: &str = r#"{"override": "sorry", "from": "2015-05-11", "rate": "basic",
    "discount_amount": "5", "discount_remainder": "carried"}"#;

/// Ten yuan in all.
const ONCE: &str = r#"{"override": "gift", "from": "2015-05-01",
    "discount_amount": "10", "discount_given": "once", "discount_remainder": "carried"}"#;

#[test]
fn what_a_month_leaves_of_a_voucher_reduces_the_next_one_for_good() {
    let mut shop = Shop::new();
    shop.give(MONTHLY);
    shop.count("05-20", "t.a", 300);
    shop.count("06-02", "t.a", 400);
    shop.check(
        "2015-06-03 00:30",
        expect![[r#"
        2015-05-20: 0.00
            2015-05-01 until 2015-05-11: p of 2015-05-01
            2015-05-11 until 2015-06-01: p of 2015-05-01 with sorry
            [11] basic 0 to 300 (100 of 100 free) -2 of 5 since 2015-05-11 after 0 = 0.00
        2015-06-02: 0.00
            basic 0 to 400 (100 of 100 free) -3 of 10 since 2015-05-11 after 2 = 0.00"#]],
    );
    // May is forgotten, and June goes on.
    shop.count("06-20", "t.a", 1_000);
    shop.count("08-03", "t.a", 900);
    shop.check(
        "2015-08-04 00:30",
        expect![[r#"
        2015-06-20: 5.00
            basic 400 to 1400 (100 of 100 free) -8 of 10 since 2015-05-11 after 2 = 5.00
        2015-08-03: 0.00
            basic 0 to 900 (100 of 100 free) -8 of 20 since 2015-05-11 after 10 = 0.00"#]],
    );
    // Then June and July are forgotten, too.
    shop.check("2015-09-10 00:30", expect![[r#""#]]);
    shop.check("2015-09-11 00:30", expect![[r#""#]]);
    let used = shop.account().vouchers.iter().map(|(_, yuan)| yuan.to_string());
    assert_eq!(used.collect::<Vec<_>>(), ["18"]);
    assert!(shop.account().months.is_empty());
}

#[test]
fn late_usage_of_a_month_takes_its_part_of_a_voucher_from_the_next_one() {
    let mut shop = Shop::new();
    shop.give(ONCE);
    shop.count("05-20", "t.a", 300);
    shop.count("06-02", "t.a", 1_100);
    shop.check(
        "2015-06-03 00:30",
        expect![[r#"
        2015-05-20: 0.00
            basic 0 to 300 (100 of 100 free) = 2.00
            the plan -2 of 10 since 2015-05-01 after 0 = -2.00
        2015-06-02: 2.00
            basic 0 to 1100 (100 of 100 free) = 10.00
            the plan -8 of 10 since 2015-05-01 after 2 = -8.00"#]],
    );
    shop.count("05-31", "t.a", 500);
    shop.count("06-03", "t.a", 100);
    shop.check(
        "2015-06-04 00:30",
        expect![[r#"
        2015-05-31+1: 0.00
            late basic 300 to 800 (100 of 100 free) = 5.00
            late the plan -7 of 10 since 2015-05-01 after 0 = -5.00
            500 came late of 2015-05-31
        2015-06-03: 6.00
            terms the plan -3 of 10 since 2015-05-01 after 7 = 5.00
            basic 1100 to 1200 (100 of 100 free) = 1.00"#]],
    );
    shop.check("2015-07-01 00:30", expect![[r#""#]]);
}

#[test]
fn a_month_without_usage_leaves_its_voucher_and_the_end_of_the_override_ends_it() {
    let mut shop = Shop::new();
    shop.give(ONCE);
    shop.count("06-20", "t.a", 300);
    shop.check(
        "2015-06-21 00:30",
        expect![[r#"
        2015-06-20: 0.00
            basic 0 to 300 (100 of 100 free) = 2.00
            the plan -2 of 10 since 2015-05-01 after 0 = -2.00"#]],
    );
    shop.end("gift", "06-25");
    shop.count("06-26", "t.a", 600);
    shop.check(
        "2015-06-27 00:30",
        expect![[r#"
        2015-06-26: 6.00
            2015-06-01 until 2015-06-25: p of 2015-05-01 with gift
            2015-06-25 until 2015-07-01: p of 2015-05-01
            [25] basic 0 to 600 = 6.00"#]],
    );
}

#[test]
fn a_voucher_of_a_plan_is_given_from_the_day_on_which_a_provider_comes_to_it() {
    let of = |plan: &str, discounts: &str| {
        let rate = r#"{"rate": "basic", "apis": ["t.*"],
            "price": {"model": "per_unit", "unit_price": "0.01"}}"#;
        format!(
            r#"{{"plan": "{plan}", "effective_from": "2015-01-01", "rates": [{rate}],
                "discounts": {discounts}}}"#
        )
    };
    let (p, welcome) = (
        of("p", "[]"),
        of(
            "welcome",
            r#"[{"discount": "welcome", "amount": "3", "remainder": "carried", "from": "2015-01-01"}]"#,
        ),
    );
    let mut shop = Shop::on(&[&p, &welcome]);
    shop.count("05-10", "t.a", 100);
    shop.settle("2015-05-11 00:30");
    shop.assign("welcome", "06-11");
    shop.count("06-20", "t.a", 200);
    shop.count("07-20", "t.a", 1_000);
    shop.check(
        "2015-07-21 00:30",
        expect![[r#"
        2015-06-20: 0.00
            2015-06-01 until 2015-06-11: p of 2015-01-01
            2015-06-11 until 2015-07-01: welcome of 2015-01-01
            [11] basic 0 to 200 = 2.00
            [11] the plan -2 of 3 since 2015-06-11 after 0 = -2.00
        2015-07-20: 6.00
            basic 0 to 1000 = 10.00
            the plan -4 of 6 since 2015-06-11 after 2 = -4.00"#]],
    );
}

#[test]
fn months_that_are_settled_in_one_run_share_a_voucher_whatever_comes_late_in_between() {
    for is_void in [false, true] {
        let mut shop = Shop::new();
        shop.give(ONCE);
        shop.count("05-20", "t.a", if is_void { 900 } else { 300 });
        shop.count("06-10", "t.a", 900);
        shop.count("06-30", "t.a", 100);
        // Nothing was settled until the middle of July, and a report of May was on its way when May
        // closed.
        shop.settle("2015-07-15 00:30");
        if is_void {
            shop.withdraw("05-20", "t.a", 700);
        } else {
            shop.count("05-20", "t.a", 600);
        }
        shop.settle("2015-07-15 12:00");
        shop.settle("2015-07-16 00:30");
        assert_eq!(shop.audit("2015-07-16 00:30"), []);
        let (may, june) = (shop.charged_in(month("05")), shop.charged_in(month("06")));
        let both = may.plus(june).unwrap();
        // May costs 1 or 8 yuan, and June 9; 10 of that are given.
        assert_eq!(both.to_string(), if is_void { "0.00" } else { "7.00" }, "{may} and {june}");
        let used = shop.account().vouchers.iter().map(|(_, yuan)| yuan.to_string());
        assert_eq!(used.collect::<Vec<_>>(), ["10"]);
    }
}

#[test]
fn an_override_of_the_name_of_a_plans_voucher_is_another_one() {
    let plan = r#"{"plan": "p", "effective_from": "2015-01-01",
        "discounts": [{"discount": "gift", "amount": "10", "given": "once", "remainder": "carried",
                       "from": "2015-01-01"}],
        "rates": [{"rate": "basic", "apis": ["t.*"],
            "price": {"model": "per_unit", "unit_price": "0.01"}}]}"#;
    let mut shop = Shop::on(&[plan]);
    shop.count("05-20", "t.a", 1_000);
    shop.settle("2015-05-21 00:30");
    let over =
        r#"{"override": "gift", "from": "2015-06-01", "rate": "basic", "discount_percent": "1"}"#;
    shop.give(over);
    shop.count("06-20", "t.a", 1_000);
    shop.check(
        "2015-06-21 00:30",
        expect![[r#"
        2015-06-20: 9.90
            basic 0 to 1000 -1% = 9.90"#]],
    );
}

#[test]
fn a_voucher_that_is_stated_or_noted_wrong_is_found() {
    let mut shop = Shop::new();
    shop.give(ONCE);
    shop.count("05-20", "t.a", 300);
    shop.count("06-02", "t.a", 1_100);
    shop.settle("2015-06-30 00:30");
    shop.settle("2015-07-01 00:30");
    assert_eq!(shop.audit("2015-07-01 00:30"), []);
    let kinds = |shop: &mut Shop| {
        let found = shop.audit("2015-07-01 00:30").into_iter();
        found.map(|breach| breach.kind).collect::<Vec<_>>()
    };
    let mut noted = shop.clone();
    noted.books.account.vouchers = VouchersUsed::default();
    assert_eq!(kinds(&mut noted), [BreachKind::Vouchers]);
    // The last statement is of 2 June: May used 2 yuan.
    for (stated, breach) in [("0", BreachKind::Rated), ("3", BreachKind::Vouchers)] {
        let mut shop = shop.clone();
        let last = shop.books.statements.last_mut().unwrap();
        let used = json!([{"discount": "gift", "since": "2015-05-01", "yuan": stated}]);
        last.segments[0].vouchers = serde_json::from_value(used).unwrap();
        assert!(kinds(&mut shop).contains(&breach), "{stated}");
    }
    for statement in &mut shop.books.statements {
        statement.segments[0].vouchers = VouchersUsed::default();
    }
    assert!(kinds(&mut shop).contains(&BreachKind::Vouchers));
}

#[test]
fn a_month_that_was_never_charged_what_an_earlier_one_used_later_is_found() {
    let mut shop = Shop::new();
    shop.give(ONCE);
    shop.count("05-20", "t.a", 300);
    shop.count("06-02", "t.a", 1_100);
    shop.settle("2015-06-03 00:30");
    shop.count("05-31", "t.a", 500);
    shop.settle("2015-06-04 00:30");
    let before = shop.books.statements.len();
    shop.settle("2015-07-01 00:30");
    assert_eq!(shop.books.statements.len(), before + 1, "June is charged what May used later");
    for now in ["2015-07-10 00:30", "2015-07-11 00:30"] {
        shop.settle(now);
    }
    assert_eq!(shop.audit("2015-07-11 00:30"), []);
    shop.books.statements.pop();
    let found = shop.audit("2015-07-11 00:30");
    assert!(found.iter().any(|breach| breach.kind == BreachKind::Vouchers), "{found:?}");
}
