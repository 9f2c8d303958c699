//! Lines that do not follow from what they say, or from the lines before them.

use steelyard_pricing::{Limit, Line, Metered};

use crate::keeper::Keeper;
use crate::{Canary, a_fen_more, check, yuan};

fn line(keeper: &mut Keeper, statement: usize, line: usize) -> &mut Line {
    &mut keeper.books.statements[statement].lines[line]
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "a line charges a fen more",
        |keeper| a_fen_more(&mut line(keeper, 1, 0).charge_fen),
        &["Lines", "Explanation"],
    ),
    (
        "a fen goes from one line to another",
        |keeper| {
            a_fen_more(&mut line(keeper, 1, 0).charge_fen);
            let other = line(keeper, 1, 1);
            other.charge_fen = other.charge_fen.minus(steelyard_pricing::Fen::new(1)).unwrap();
        },
        &["Explanation"],
    ),
    (
        "a slice has another price",
        |keeper| line(keeper, 0, 0).after.slices[0].price = yuan("0.02"),
        &["Explanation"],
    ),
    (
        "a slice has a fee that its amount does not",
        |keeper| line(keeper, 0, 0).after.slices[0].flat_fee = yuan("1"),
        &["Explanation"],
    ),
    (
        "a slice has another amount",
        |keeper| line(keeper, 0, 0).after.slices[0].amount = yuan("11.99"),
        &["Explanation"],
    ),
    (
        "a line's slices come to another sum",
        |keeper| line(keeper, 0, 0).after.base_yuan = yuan("11.99"),
        &["Explanation"],
    ),
    (
        "a line's exact price is another",
        |keeper| {
            let line = line(keeper, 0, 0);
            line.exact_yuan = yuan("11.99");
            line.rounding_yuan = yuan("0.01");
        },
        &["Explanation"],
    ),
    ("a line loses its slices", |keeper| line(keeper, 0, 0).after.slices.clear(), &["Explanation"]),
    (
        "a line is held to less than it charges",
        |keeper| line(keeper, 0, 0).after.limit = Some(Limit::Maximum(yuan("11.99"))),
        &["Explanation"],
    ),
    (
        "a line is held to more than it charges",
        |keeper| line(keeper, 0, 0).after.limit = Some(Limit::Minimum(yuan("12.01"))),
        &["Explanation"],
    ),
    (
        "a line defers nothing, and charges all the same",
        |keeper| line(keeper, 0, 0).after.deferred_yuan = Some(Box::new(yuan("0"))),
        &["Explanation"],
    ),
    (
        "a line defers what it charges",
        |keeper| line(keeper, 0, 0).after.deferred_yuan = Some(Box::new(yuan("12"))),
        &["Explanation"],
    ),
    (
        "a line has a call more than its APIs",
        |keeper| {
            let metered = &mut line(keeper, 1, 1).after.metered;
            *metered = metered.plus(Metered::calls(1)).unwrap();
        },
        &["LineUsage", "Progress"],
    ),
    (
        "a line begins at another price, and charges the same",
        |keeper| {
            let line = line(keeper, 1, 0);
            line.before.yuan = yuan("12.001");
            line.exact_yuan = yuan("4.999");
            line.rounding_yuan = yuan("0.001");
        },
        &["RatedToDate"],
    ),
    (
        "a line begins with less of the allowance used",
        |keeper| line(keeper, 1, 0).before.free_used = line(keeper, 1, 1).before.free_used,
        &["RatedToDate"],
    ),
    (
        "a line comes to more than its statement",
        |keeper| {
            let line = line(keeper, 6, 0);
            let slice = line.after.slices.last_mut().unwrap();
            slice.flat_fee = yuan("0.001");
            slice.amount = slice.amount.plus(yuan("0.001")).unwrap();
            for sum in [&mut line.after.base_yuan, &mut line.after.due_yuan, &mut line.exact_yuan] {
                *sum = sum.plus(yuan("0.001")).unwrap();
            }
            line.rounding_yuan = line.rounding_yuan.minus(yuan("0.001")).unwrap();
        },
        &["LinesToDate", "Progress"],
    ),
];

#[test]
fn lines_that_do_not_follow_from_what_they_say_or_from_those_before_are_found() {
    check(CANARIES);
}
