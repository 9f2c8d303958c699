//! Credit and debit notes for closed months stand on the next statement, beside what its usage
//! costs.

use expect_test::expect;
use jiff::Timestamp;
use steelyard_billing::{AdjustmentError, Books, Person, Reason, WAITING_MAX};
use steelyard_pricing::Fen;

use crate::books::{adjust, approve, request};
use crate::common::at;
use crate::shop::{Shop, month};

/// At least ¥5.00 and at most ¥20.00 a month, and a fen for each call.
const LIMITED: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "minimum": "5", "maximum": "20",
    "rates": [{"rate": "basic", "apis": ["t.*"], "price": {"model": "per_unit", "unit_price": "0.01"}}]}"#;

/// A shop whose May was charged ¥3.00 and is closed for good, in June.
fn in_june(mut shop: Shop) -> Shop {
    shop.count("05-16", "t.a", 300);
    for now in ["2015-05-17 00:30", "2015-06-01 00:30", "2015-06-05 00:30", "2015-06-06 00:30"] {
        shop.settle(now);
    }
    assert_eq!(shop.account().open_from, month("06"));
    shop
}

#[test]
fn a_credit_note_is_on_the_next_statement_though_there_is_no_usage() {
    let mut shop = in_june(Shop::new());
    adjust(&mut shop.books, &request("c", -150), at("2015-06-10 12:00")).unwrap();
    shop.check(
        "2015-06-11 00:30",
        expect![[r#"
            2015-06-10: -1.50
                adjustment c of 2015-05-16 by li: counted twice = -1.50"#]],
    );
    assert_eq!(shop.account().adjustments, []);
    shop.count("06-11", "t.a", 110);
    shop.check(
        "2015-06-12 00:30",
        expect![[r#"
            2015-06-11: 0.10
                basic 0 to 110 (100 of 100 free) = 0.10"#]],
    );
}

#[test]
fn a_debit_note_stands_beside_usage_and_is_paid_as_it_is() {
    let mut shop = in_june(Shop::new());
    adjust(&mut shop.books, &request("d", 70), at("2015-06-10 12:00")).unwrap();
    adjust(&mut shop.books, &request("e", -30), at("2015-06-10 12:01")).unwrap();
    shop.count("06-09", "t.a", 110);
    shop.count("06-10", "t.a", 5);
    shop.check(
        "2015-06-11 00:30",
        expect![[r#"
            2015-06-09: 0.50
                basic 0 to 110 (100 of 100 free) = 0.10
                adjustment d of 2015-05-16 by li: counted twice = 0.70
                adjustment e of 2015-05-16 by li: counted twice = -0.30
            2015-06-10: 0.05
                basic 110 to 115 (100 of 100 free) = 0.05"#]],
    );
    let figures = shop.account().figures;
    assert_eq!(figures.receivable(), Fen::new(255), "2.00 of May, and 0.55");
}

#[test]
fn a_credit_that_is_what_the_usage_costs_moves_no_money() {
    let mut shop = in_june(Shop::new());
    let entries = shop.account().entries;
    adjust(&mut shop.books, &request("c", -10), at("2015-06-10 12:00")).unwrap();
    shop.count("06-10", "t.a", 110);
    shop.check(
        "2015-06-11 00:30",
        expect![[r#"
            2015-06-10: 0.00
                basic 0 to 110 (100 of 100 free) = 0.10
                adjustment c of 2015-05-16 by li: counted twice = -0.10"#]],
    );
    assert_eq!(shop.account().entries, entries);
}

#[test]
fn neither_a_minimum_nor_a_maximum_swallows_an_adjustment() {
    let mut shop = in_june(Shop::on(&[LIMITED]));
    adjust(&mut shop.books, &request("c", -900), at("2015-06-10 12:00")).unwrap();
    shop.count("06-10", "t.a", 100);
    shop.settle("2015-06-11 00:30");
    adjust(&mut shop.books, &request("d", 3_000), at("2015-06-30 12:00")).unwrap();
    shop.check(
        "2015-07-01 00:30",
        expect![[r#"
            2015-06-30: 34.00
                minimum the plan at least 5 = 4.00
                adjustment d of 2015-05-16 by li: counted twice = 30.00"#]],
    );
    let usage = shop.statements_of(month("06")).map(|of| of.usage_fen().unwrap());
    assert_eq!(Fen::sum(usage), Ok(Fen::new(500)), "June's usage costs its minimum");
    assert_eq!(shop.charged_in(month("06")), Fen::new(500 - 900 + 3_000));
}

#[test]
fn an_adjustment_waits_for_the_next_night_and_follows_the_last_day_of_a_month_as_a_supplement() {
    let mut shop = in_june(Shop::new());
    shop.count("06-10", "t.a", 110);
    shop.settle("2015-06-11 00:30");
    adjust(&mut shop.books, &request("c", -5), at("2015-06-11 09:00")).unwrap();
    shop.check("2015-06-11 10:00", expect![[""]]);
    shop.check(
        "2015-06-12 00:30",
        expect![[r#"
            2015-06-11: -0.05
                adjustment c of 2015-05-16 by li: counted twice = -0.05"#]],
    );
    shop.count("06-30", "t.a", 1);
    shop.settle("2015-07-01 00:30");
    adjust(&mut shop.books, &request("d", 5), at("2015-07-01 09:00")).unwrap();
    shop.check(
        "2015-07-01 10:00",
        expect![[r#"
            2015-06-30+1: 0.05
                adjustment d of 2015-05-16 by li: counted twice = 0.05"#]],
    );
}

#[test]
fn an_adjustment_of_a_provider_that_is_silent_for_months_is_of_yesterday() {
    let mut shop = in_june(Shop::new());
    shop.settle("2015-08-20 00:30");
    adjust(&mut shop.books, &request("c", -5), at("2015-08-20 09:00")).unwrap();
    shop.check(
        "2015-08-21 00:30",
        expect![[r#"
            2015-08-20: -0.05
                adjustment c of 2015-05-16 by li: counted twice = -0.05"#]],
    );
}

#[test]
fn an_adjustment_of_a_provider_that_is_on_no_plan_any_more_is_booked() {
    let mut shop = in_june(Shop::new());
    shop.books.provider.plans.clear();
    adjust(&mut shop.books, &request("c", -150), at("2015-06-10 12:00")).unwrap();
    let statements = shop.settle("2015-06-11 00:30");
    let [statement] = statements.as_slice() else { panic!("{statements:?}") };
    assert_eq!((statement.charge_fen, statement.segments.len()), (Fen::new(-150), 0));
    assert_eq!(shop.settle("2015-06-12 00:30"), []);
}

#[test]
fn an_adjustment_that_needs_an_approval_waits_until_a_second_person_gives_it() {
    let mut shop = in_june(Shop::new());
    shop.rules.adjustments_need_approval = true;
    adjust(&mut shop.books, &request("c", -150), at("2015-06-10 12:00")).unwrap();
    shop.check("2015-06-11 00:30", expect![[""]]);
    let own = approve(&mut shop.books, "c", "LI", at("2015-06-11 09:00")).unwrap_err();
    assert!(matches!(own, AdjustmentError::OwnApproval { .. }), "{own}");
    approve(&mut shop.books, "c", "wang", at("2015-06-11 09:00")).unwrap();
    shop.check(
        "2015-06-12 00:30",
        expect![[r#"
            2015-06-11: -1.50
                adjustment c of 2015-05-16 by li, approved by wang: counted twice = -1.50"#]],
    );
    let booked = reject(&mut shop.books, "c", at("2015-06-12 09:00")).unwrap_err();
    assert!(matches!(booked, AdjustmentError::Booked { .. }), "{booked}");
}

#[test]
fn a_rejected_adjustment_is_never_booked() {
    let mut shop = in_june(Shop::new());
    adjust(&mut shop.books, &request("c", -150), at("2015-06-10 12:00")).unwrap();
    reject(&mut shop.books, "c", at("2015-06-10 13:00")).unwrap();
    shop.check("2015-06-11 00:30", expect![[""]]);
    let rejected = approve(&mut shop.books, "c", "wang", at("2015-06-11 09:00")).unwrap_err();
    assert!(matches!(rejected, AdjustmentError::Rejected { .. }), "{rejected}");
    let rejected = &shop.books.adjustments[0];
    let again = rejected.check_repeated(&request("c", -150)).unwrap_err();
    assert!(matches!(again, AdjustmentError::RejectedBefore { .. }), "{again}");
    let other = rejected.check_repeated(&request("c", -151)).unwrap_err();
    assert!(matches!(other, AdjustmentError::IdUsed(_)), "{other}");
}

#[test]
fn an_adjustment_out_of_bounds_is_refused() {
    let mut shop = in_june(Shop::new());
    let now = at("2015-06-10 12:00");
    for amount in [0, 10_000_000_001, -10_000_000_001, i64::MIN] {
        let refused = adjust(&mut shop.books, &request("c", amount), now).unwrap_err();
        assert_eq!(refused, AdjustmentError::Amount(Fen::new(amount)));
    }
    let reports = (0..11).map(|n| serde_json::json!({"source": "s", "report": n.to_string()}));
    let reports = serde_json::from_value(reports.collect()).unwrap();
    let mut many = request("c", 1);
    many.of.reports = reports;
    assert_eq!(adjust(&mut shop.books, &many, now), Err(AdjustmentError::Reports(11)));
    for n in 0..WAITING_MAX {
        adjust(&mut shop.books, &request(&n.to_string(), 1), now).unwrap();
    }
    assert_eq!(adjust(&mut shop.books, &request("more", 1), now), Err(AdjustmentError::TooMany));
    let statements = shop.settle("2015-06-11 00:30");
    assert_eq!(statements[0].adjustments.len(), WAITING_MAX);
    adjust(&mut shop.books, &request("more", 1), now).unwrap();
}

#[test]
fn the_name_of_an_adjustment_follows_from_all_that_it_says_but_its_author() {
    let unnamed = |amount| {
        let mut request = request("c", amount);
        request.id = None;
        request
    };
    let id = unnamed(5).id();
    let mut others = [unnamed(-5), unnamed(5), unnamed(5), unnamed(5), unnamed(5)];
    others[1].of.line = Some(1);
    others[2].of.reports =
        serde_json::from_value(serde_json::json!([{"source": "s", "report": "r"}])).unwrap();
    others[3].of.corrects = "2015-05-17".parse().unwrap();
    others[4].reason = Reason::new("another").unwrap();
    for other in others {
        assert_ne!(other.id(), id, "{other:?}");
    }
    let mut by_another = unnamed(5);
    by_another.by = Person::new("wang").unwrap();
    assert_eq!(by_another.id(), id);
}

fn reject(books: &mut Books, id: &str, now: Timestamp) -> Result<(), AdjustmentError> {
    let before = books.adjustments.iter_mut().find(|of| of.note.adjustment.as_str() == id).unwrap();
    let (by, why) = (Person::new("li").unwrap(), Reason::new("a mistake").unwrap());
    if let Some(after) = before.rejected(&by, &why, now)? {
        books.account = books.account.without_adjustment(&after.note.adjustment);
        *before = after;
    }
    Ok(())
}
