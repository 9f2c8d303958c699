//! Terms that are gone, or that changed under what was charged by them.

use serde_json::{Value, json};
use steelyard_billing::Statement;
use steelyard_pricing::{Catalog, Override, Percent, Rounding, SegmentSpan, VouchersUsed};

use crate::keeper::{Keeper, PLAN, cut, day, plan};
use crate::{Canary, breaches, check, check_on, yuan};

fn last(keeper: &mut Keeper) -> &mut Statement {
    keeper.books.statements.last_mut().unwrap()
}

fn span(keeper: &mut Keeper, statement: usize, span: usize) -> &mut SegmentSpan {
    &mut keeper.books.statements[statement].segments[span]
}

fn over(keeper: &mut Keeper, index: usize) -> &mut Override {
    &mut keeper.books.provider.overrides[index]
}

fn percent(text: &str) -> Percent {
    serde_json::from_value(text.into()).unwrap()
}

/// So much of a voucher.
fn vouchers(yuan: Value) -> VouchersUsed {
    let used = json!([{"discount": "gift", "since": "2015-05-01", "yuan": yuan}]);
    serde_json::from_value(used).unwrap()
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "the plan was changed under the month",
        |keeper| keeper.plans.add(plan(&PLAN.replace(r#""0.01""#, r#""0.02""#))),
        &["Rated"],
    ),
    (
        "a statement was made under another plan at the same prices",
        |keeper| {
            keeper.plans.add(plan(&PLAN.replace(r#""p""#, r#""q""#)));
            span(keeper, 1, 0).terms.plan = "q".parse().unwrap();
        },
        &["TermsChanged"],
    ),
    (
        "a statement was made under another version at the same prices",
        |keeper| {
            keeper.plans.add(plan(&PLAN.replace("2015-05-01", "2015-04-01")));
            span(keeper, 1, 0).terms.version = day("2015-04-01");
        },
        &["TermsChanged"],
    ),
    (
        "a statement is rounded by another rule",
        |keeper| keeper.books.statements[1].rounding = Rounding::Up,
        &["Rounding", "Charge"],
    ),
    (
        "the account notes a voucher that no statement used",
        |keeper| keeper.books.account.vouchers = vouchers(json!("0.01")),
        &["Vouchers"],
    ),
    (
        "a statement has a voucher that its terms do not give",
        |keeper| span(keeper, 1, 0).vouchers = vouchers(json!("0")),
        &["Vouchers"],
    ),
    ("the plan is gone", |keeper| keeper.plans = Catalog::default(), &["TermsGone"]),
    (
        "the plan's version is gone",
        |keeper| {
            for statement in 5..7 {
                span(keeper, statement, 0).terms.version = day("2015-06-01");
            }
        },
        &["TermsChanged", "TermsGone"],
    ),
];

/// On books of a month that is cut.
pub(crate) const CUT_CANARIES: &[Canary] = &[
    ("an override is gone", |keeper| drop(keeper.books.provider.overrides.pop()), &["TermsGone"]),
    (
        "an override does not fit its plan any more",
        |keeper| over(keeper, 1).rate = Some("standard".parse().unwrap()),
        &["TermsGone"],
    ),
    (
        "an override was changed under the month",
        |keeper| over(keeper, 0).discount_percent = Some(percent("20")),
        &["Rated"],
    ),
    (
        "a statement was made without the override",
        |keeper| last(keeper).segments[1].terms.overrides.clear(),
        &["TermsChanged", "Rated"],
    ),
    (
        "a statement cuts the month elsewhere",
        |keeper| last(keeper).segments[0].until = day("2015-05-10"),
        &["Rated"],
    ),
    ("a statement forgets a segment", |keeper| drop(last(keeper).segments.remove(0)), &["Rated"]),
    (
        "a discount is of another percentage",
        |keeper| last(keeper).lines[1].after.discounts[0].percent = percent("20"),
        &["Explanation"],
    ),
    (
        "a discount takes more off than its percentage",
        |keeper| {
            let line = &mut last(keeper).lines[1];
            let taken = &mut line.after.discounts[0];
            taken.off_yuan = taken.off_yuan.plus(yuan("0.001")).unwrap();
        },
        &["Explanation"],
    ),
    (
        "the plan takes a discount off another sum than that of its rates",
        |keeper| {
            let line = &mut last(keeper).lines[1];
            let before = line.after.base_yuan;
            line.after.base_yuan = before.plus(yuan("4")).unwrap();
            line.after.discounts[0].of_yuan = line.after.base_yuan;
            let off = line.after.discounts[0].off_yuan.plus(yuan("1")).unwrap();
            line.after.discounts[0].off_yuan = off;
            line.after.due_yuan = line.after.base_yuan.minus(off).unwrap();
            line.exact_yuan = line.exact_yuan.minus(yuan("1")).unwrap();
            line.rounding_yuan = line.rounding_yuan.plus(yuan("1")).unwrap();
        },
        &["RatedToDate", "LinesToDate", "Progress"],
    ),
    (
        "unpriced usage moves to another segment",
        |keeper| last(keeper).unpriced[0].segment = day("2015-05-01"),
        &["Progress"],
    ),
];

#[test]
fn books_of_a_month_that_is_cut_are_in_order() {
    assert_eq!(breaches(&cut()), []);
}

#[test]
fn terms_that_are_gone_or_changed_are_found() {
    check(CANARIES);
}

#[test]
fn terms_that_are_gone_or_changed_in_a_part_of_a_month_are_found() {
    check_on(cut, CUT_CANARIES);
}
