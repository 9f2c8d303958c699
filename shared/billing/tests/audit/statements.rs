//! Statements that do not add up, alone or to their month.

use steelyard_pricing::Metered;

use crate::{Canary, a_fen_more, check, yuan};

pub const CANARIES: &[Canary] = &[
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
                count.before.plus(Metered::calls(1)).unwrap(),
                count.after.plus(Metered::calls(1)).unwrap(),
            );
        },
        &["Counts"],
    ),
    (
        "an unpriced count begins elsewhere",
        |keeper| {
            let count = &mut keeper.books.statements[3].unpriced[0].count;
            (count.before, count.after) = (Metered::calls(1), Metered::calls(8));
        },
        &["Counts"],
    ),
    (
        "a count goes backwards",
        |keeper| {
            let count = &mut keeper.books.statements[2].lines[0].apis[0];
            count.after = Metered::calls(1_299);
        },
        &["LineUsage", "Counts", "Rated", "Progress"],
    ),
    (
        "a statement is lost",
        |keeper| drop(keeper.books.statements.remove(0)),
        &["ChargedBefore", "RatedToDate", "Rated", "Counts", "Progress", "StatementGone"],
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
            "ChargedBefore",
            "Counts",
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
