//! Statements that do not add up, alone or to their month.

use steelyard_pricing::{Calls, Catalog, Fen, Yuan};

use crate::keeper::{PLAN, day, plan};
use crate::{Canary, a_fen_more, check};

fn yuan(text: &str) -> Yuan {
    serde_json::from_value(text.into()).unwrap()
}

pub const CANARIES: &[Canary] = &[
    (
        "a line charges a fen more",
        |keeper| a_fen_more(&mut keeper.books.statements[1].lines[0].charge_fen),
        &["Lines", "Slices"],
    ),
    (
        "a fen goes from one line to another",
        |keeper| {
            let lines = &mut keeper.books.statements[1].lines;
            a_fen_more(&mut lines[0].charge_fen);
            lines[1].charge_fen = lines[1].charge_fen.minus(Fen::new(1)).unwrap();
        },
        &["Slices"],
    ),
    (
        "a slice has another price",
        |keeper| keeper.books.statements[0].lines[0].slices[0].unit_price = yuan("0.02"),
        &["Slices"],
    ),
    (
        "a slice has a fee that its amount does not",
        |keeper| keeper.books.statements[0].lines[0].slices[0].flat_fee = yuan("1"),
        &["Slices"],
    ),
    (
        "a slice has another amount",
        |keeper| {
            let line = &mut keeper.books.statements[0].lines[0];
            line.slices[0].amount = yuan("11.99");
            line.exact_yuan = yuan("11.99");
            line.rounding_yuan = yuan("0.01");
        },
        &["Slices"],
    ),
    (
        "a line's exact price is another",
        |keeper| {
            let line = &mut keeper.books.statements[0].lines[0];
            line.exact_yuan = yuan("11.99");
            line.rounding_yuan = yuan("0.01");
        },
        &["Slices"],
    ),
    (
        "a line loses its slices",
        |keeper| keeper.books.statements[0].lines[0].slices.clear(),
        &["Slices"],
    ),
    (
        "a line has a call more than its APIs",
        |keeper| {
            let line = &mut keeper.books.statements[1].lines[1];
            line.calls_after = line.calls_after.plus(Calls::new(1)).unwrap();
        },
        &["LineCalls"],
    ),
    (
        "a statement's price is another, though it rounds to the same",
        |keeper| keeper.books.statements[0].rated_yuan = yuan("12.001"),
        &["Rated"],
    ),
    (
        "a statement charges a fen more by its lines and the journal too",
        |keeper| {
            let statement = &mut keeper.books.statements[5];
            a_fen_more(&mut statement.charge_fen);
            a_fen_more(&mut statement.lines[0].charge_fen);
            statement.lines[0].rounding_yuan = yuan("0.01");
        },
        &["Charge", "Progress", "Unjournaled"],
    ),
    (
        "a statement charges a fen more",
        |keeper| a_fen_more(&mut keeper.books.statements[0].charge_fen),
        &["Lines", "Charge", "ChargedBefore", "Progress", "Unjournaled"],
    ),
];

pub const MONTH_CANARIES: &[Canary] = &[
    (
        "a statement begins at another charge",
        |keeper| a_fen_more(&mut keeper.books.statements[1].charged_before_fen),
        &["ChargedBefore", "Charge"],
    ),
    (
        "a statement begins at another count",
        |keeper| {
            let count = &mut keeper.books.statements[5].lines[0].apis[0];
            (count.before, count.after) = (
                count.before.plus(Calls::new(1)).unwrap(),
                count.after.plus(Calls::new(1)).unwrap(),
            );
        },
        &["Counts"],
    ),
    (
        "an unpriced count begins elsewhere",
        |keeper| {
            let count = &mut keeper.books.statements[3].unpriced[0];
            (count.before, count.after) = (Calls::new(1), Calls::new(8));
        },
        &["Counts"],
    ),
    (
        "a count goes backwards",
        |keeper| {
            let count = &mut keeper.books.statements[2].lines[0].apis[0];
            count.after = Calls::new(1_299);
        },
        &["LineCalls", "Counts", "Rated", "Progress"],
    ),
    (
        "a statement is lost",
        |keeper| drop(keeper.books.statements.remove(0)),
        &["ChargedBefore", "Rated", "Counts", "Progress", "StatementGone"],
    ),
    (
        "a statement is stored twice under another number",
        |keeper| {
            let mut twin = keeper.books.statements[1].clone();
            twin.statement = "2015-05-18".parse().unwrap();
            keeper.books.statements.push(twin);
        },
        &["Overcharged", "ChargedBefore", "Counts", "Rated", "Progress", "Unjournaled"],
    ),
    (
        "the plan was changed under the month",
        |keeper| keeper.plans.add(plan(&PLAN.replace(r#""0.01""#, r#""0.02""#))),
        &["Rated"],
    ),
    (
        "a statement was made under another plan at the same prices",
        |keeper| {
            keeper.plans.add(plan(&PLAN.replace(r#""p""#, r#""q""#)));
            keeper.books.statements[1].plan = "q".parse().unwrap();
        },
        &["PlanMixed"],
    ),
    (
        "a statement was made under another version at the same prices",
        |keeper| {
            keeper.plans.add(plan(&PLAN.replace("2015-05-01", "2015-04-01")));
            keeper.books.statements[1].plan_version = day("2015-04-01");
        },
        &["PlanMixed"],
    ),
    ("the plan is gone", |keeper| keeper.plans = Catalog::default(), &["PlanGone"]),
    (
        "the plan's version is gone",
        |keeper| {
            for statement in &mut keeper.books.statements[5..] {
                statement.plan_version = day("2015-06-01");
            }
        },
        &["PlanMixed", "PlanGone", "Progress"],
    ),
];

#[test]
fn statements_that_do_not_add_up_are_found() {
    check(CANARIES);
}

#[test]
fn statements_that_do_not_add_up_to_the_month_are_found() {
    check(MONTH_CANARIES);
}
