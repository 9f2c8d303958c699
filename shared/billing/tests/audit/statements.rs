//! Statements that do not add up, alone or to their month.

use steelyard_pricing::Metered;

use crate::{Canary, a_fen_more, check, yuan};

pub(crate) const CANARIES: &[Canary] = &[
    (
        "a statement's price is another, though it rounds to the same",
        |keeper| keeper.books.statements[0].rated_yuan = yuan("12.001"),
        &["LinesToDate", "Rated"],
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

pub(crate) const MONTH_CANARIES: &[Canary] = &[
    (
        "a statement begins at another charge",
        |keeper| a_fen_more(&mut keeper.books.statements[1].charged_before_fen),
        &["ChargedBefore", "Charge"],
    ),
    (
        "an unpriced API has another count",
        |keeper| {
            let unpriced = &mut keeper.books.statements[3].unpriced[0];
            unpriced.apis.add("nobody.knows".parse().unwrap(), Metered::calls(1)).unwrap();
        },
        &["Overcharged", "Progress", "Overdue"],
    ),
    (
        "a late day lists another count than the lines",
        |keeper| {
            let day = keeper.books.statements.iter_mut().flat_map(|s| &mut s.changed_days).next();
            day.unwrap().late.add("t.a".parse().unwrap(), Metered::calls(1)).unwrap();
        },
        &["Overcharged", "ChangedDays", "Overdue"],
    ),
    (
        "an API has another count than its line",
        |keeper| {
            let line = &mut keeper.books.statements[2].lines[0];
            line.apis.add("t.a".parse().unwrap(), Metered::calls(1)).unwrap();
        },
        &["Overcharged", "LineUsage", "Rated", "Overdue"],
    ),
    (
        "a statement is lost",
        |keeper| drop(keeper.books.statements.remove(0)),
        &["ChargedBefore", "RatedToDate", "Rated", "Progress", "StatementGone", "Overdue"],
    ),
    (
        "a statement is stored twice under another number",
        |keeper| {
            let mut twin = keeper.books.statements[1].clone();
            twin.statement = "2015-05-18".parse().unwrap();
            keeper.books.statements.push(twin);
        },
        &[
            "Overcharged",
            "ReportsGone",
            "ChargedBefore",
            "RatedToDate",
            "Rated",
            "Progress",
            "Unjournaled",
        ],
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
