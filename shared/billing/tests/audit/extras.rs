//! Lines beside those of rates: what makes up a minimum, and tax.

use serde_json::{Value, json};
use steelyard_billing::Statement;
use steelyard_pricing::{Fen, Line, LineCause, Percent, Tax, TaxBehavior};

use crate::common::at;
use crate::keeper::{Keeper, PLAN, day};
use crate::{Canary, a_fen_less, a_fen_more, breaches, check_on, yuan};

/// Books under the plan of the honest ones, with further fields.
fn keeper(fields: &Value) -> Keeper {
    let mut plan: Value = serde_json::from_str(PLAN).unwrap();
    plan.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Keeper::new(&[&plan.to_string()], None)
}

/// Books of a month under a plan that adds 6% of tax and has a minimum of ¥30: on 16 May ¥12.00 and
/// ¥0.72, on 17 May ¥5.00 and ¥0.30, and on 31 May the rest of the minimum, ¥13.00 and ¥0.78.
pub(crate) fn taxed() -> Keeper {
    let tax = json!({"percent": "6", "behavior": "exclusive"});
    let mut keeper = keeper(&json!({"tax": tax, "minimum": "30"}));
    for (on, calls) in [("2015-05-16", 1_300), ("2015-05-17", 500)] {
        keeper.report(day(on), "t.a", calls);
        keeper.settle(at(&format!("{} 00:30", day(on).next())));
    }
    keeper.settle(at("2015-06-01 00:30"));
    keeper
}

fn statement(keeper: &mut Keeper, place: usize) -> &mut Statement {
    &mut keeper.books.statements[place]
}

fn line(keeper: &mut Keeper, place: usize, because: LineCause) -> &mut Line {
    let lines = &mut statement(keeper, place).lines;
    lines.iter_mut().find(|line| line.because == because).unwrap()
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "a minimum is a fen more, and the line with it",
        |keeper| {
            let line = line(keeper, 2, LineCause::Minimum);
            line.after.due_yuan = yuan("30.01");
            line.exact_yuan = yuan("13.01");
            line.rounding_yuan = yuan("-0.01");
        },
        &["Explanation", "RatedToDate", "LinesToDate", "Progress"],
    ),
    (
        "a minimum tops up less than there was to pay",
        |keeper| line(keeper, 2, LineCause::Minimum).after.base_yuan = yuan("16"),
        &["Explanation", "RatedToDate", "Tax", "LinesToDate", "Progress"],
    ),
    (
        "tax is a fen more, and the statement with it",
        |keeper| {
            let tax = line(keeper, 1, LineCause::Tax);
            a_fen_more(&mut tax.charge_fen);
            tax.exact_yuan = yuan("0.31");
            tax.after.due_yuan = yuan("18.03");
            let statement = statement(keeper, 1);
            a_fen_more(&mut statement.charge_fen);
            a_fen_more(&mut statement.tax_fen);
        },
        &["Explanation", "Tax", "ChargedBefore", "RatedToDate", "Progress", "Unjournaled"],
    ),
    (
        "tax is on more than was charged",
        |keeper| {
            let tax = line(keeper, 1, LineCause::Tax);
            tax.after.base_yuan = yuan("17.01");
            tax.after.due_yuan = yuan("18.03");
        },
        &["RatedToDate"],
    ),
    (
        "tax is rounded a second time",
        |keeper| {
            let tax = line(keeper, 1, LineCause::Tax);
            tax.exact_yuan = yuan("0.299");
            tax.rounding_yuan = yuan("0.001");
        },
        &["Explanation"],
    ),
    (
        "tax is left out",
        |keeper| {
            let statement = statement(keeper, 1);
            statement.lines.retain(|line| line.because != LineCause::Tax);
            statement.charge_fen = Fen::new(500);
            statement.tax_fen = Fen::new(72);
        },
        &["Tax", "ChargedBefore", "RatedToDate", "Progress", "Unjournaled"],
    ),
    (
        "a statement tells less tax than its month has",
        |keeper| a_fen_less(&mut statement(keeper, 1).tax_fen),
        &["Tax", "Charge"],
    ),
    (
        "a statement has another tax than its plan",
        |keeper| {
            let percent = serde_json::from_value::<Percent>(json!("9")).unwrap();
            let tax = Tax { percent, behavior: TaxBehavior::Exclusive };
            statement(keeper, 0).segments[0].tax = Some(tax);
        },
        &["RatedToDate", "Tax"],
    ),
    (
        "a line of tax has another percentage",
        |keeper| line(keeper, 1, LineCause::Tax).tax = serde_json::from_value(json!("9")).unwrap(),
        &["Explanation", "RatedToDate", "Tax"],
    ),
    (
        "a line of usage has a tax",
        |keeper| {
            line(keeper, 1, LineCause::Usage).tax = serde_json::from_value(json!("6")).unwrap()
        },
        &["Explanation"],
    ),
    (
        "the account notes another tax",
        |keeper| {
            let may = keeper.books.account.months.values_mut().next().unwrap();
            a_fen_more(&mut may.to_date.taxes.values_mut().next().unwrap().tax_fen);
        },
        &["Progress"],
    ),
];

#[test]
fn honest_books_with_tax_and_a_minimum_are_in_order() {
    let mut keeper = taxed();
    assert_eq!(breaches(&keeper), []);
    let charges = keeper.books.statements.iter().map(|of| (of.charge_fen.get(), of.tax_fen.get()));
    assert_eq!(charges.collect::<Vec<_>>(), [(1_272, 72), (530, 102), (1_378, 180)]);
    let taxes = statement(&mut keeper, 2).taxes().unwrap();
    let [tax] = taxes.as_slice() else { panic!("one tax: {taxes:?}") };
    assert_eq!((tax.of_fen.get(), tax.tax_fen.get()), (1_300, 78));
}

#[test]
fn minimums_and_taxes_that_do_not_follow_are_found() {
    check_on(taxed, CANARIES);
}

#[test]
fn tax_of_nothing_is_none() {
    let mut keeper = keeper(&json!({"tax": {"percent": "0", "behavior": "exclusive"}}));
    keeper.report(day("2015-05-16"), "t.a", 1_300);
    keeper.settle(at("2015-05-17 00:30"));
    assert_eq!(breaches(&keeper), []);
    assert_eq!(statement(&mut keeper, 0).taxes().unwrap(), []);
}

#[test]
fn included_tax_is_told_of_each_statement() {
    let mut keeper = keeper(&json!({"tax": {"percent": "6", "behavior": "inclusive"}}));
    keeper.report(day("2015-05-16"), "t.a", 1_300);
    keeper.settle(at("2015-05-17 00:30"));
    assert_eq!(breaches(&keeper), []);
    let taxes = statement(&mut keeper, 0).taxes().unwrap();
    let [tax] = taxes.as_slice() else { panic!("one tax: {taxes:?}") };
    assert_eq!((tax.of_fen.get(), tax.tax_fen.get()), (1_200, 68));
}
