//! Accounts that note other things of their months than the statements say.

use steelyard_billing::MonthProgress;
use steelyard_pricing::{BillingMonth, Metered, SegmentToDate};

use crate::keeper::{Keeper, day};
use crate::{Canary, a_fen_more, check, yuan};

fn may(keeper: &mut Keeper) -> &mut MonthProgress {
    let may: BillingMonth = "2015-05".parse().unwrap();
    keeper.books.account.months.get_mut(&may).unwrap()
}

fn segment(keeper: &mut Keeper) -> &mut SegmentToDate {
    may(keeper).to_date.segments.get_mut(&day("2015-05-01")).unwrap()
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "the account notes another charge",
        |keeper| a_fen_more(&mut may(keeper).to_date.charged_fen),
        &["Progress"],
    ),
    (
        "the account notes a call that no rate covers",
        |keeper| segment(keeper).unpriced = Metered::calls(1),
        &["Progress"],
    ),
    (
        "the account notes a day that no line shows",
        |keeper| {
            let days = [(day("2015-05-16"), Metered::calls(1))].into_iter().collect();
            segment(keeper).days.insert("basic".parse().unwrap(), days);
        },
        &["Progress"],
    ),
    (
        "the account notes another price of a rate",
        |keeper| {
            let rates = &mut segment(keeper).rates;
            rates.get_mut(&"basic".parse().unwrap()).unwrap().yuan = yuan("17.69");
        },
        &["Progress"],
    ),
    (
        "the account notes that the plan adds something",
        |keeper| segment(keeper).adjustment_yuan = yuan("0.001"),
        &["Progress"],
    ),
    (
        "the account notes a minimum of a rate that no line makes up",
        |keeper| {
            let minimums = &mut segment(keeper).minimums;
            minimums.insert("basic".parse().unwrap(), yuan("0.001"));
        },
        &["Progress"],
    ),
    (
        "the account notes a minimum of the plan that no line makes up",
        |keeper| segment(keeper).minimum_yuan = yuan("0.001"),
        &["Progress"],
    ),
    (
        "the account notes another number of supplements",
        |keeper| may(keeper).supplements = 0,
        &["Progress"],
    ),
    (
        "the account notes that the month is settled through another day",
        |keeper| may(keeper).settled_through = Some(day("2015-05-30")),
        &["Progress"],
    ),
    (
        "the account notes another plan",
        |keeper| segment(keeper).terms.plan = "q".parse().unwrap(),
        &["Progress"],
    ),
    (
        "the account notes another version of the plan",
        |keeper| segment(keeper).terms.version = day("2015-04-01"),
        &["Progress"],
    ),
    ("the account forgets a segment", |keeper| may(keeper).to_date.segments.clear(), &["Progress"]),
    (
        "the account notes a segment that has no statement",
        |keeper| {
            let copy = segment(keeper).clone();
            may(keeper).to_date.segments.insert(day("2015-05-20"), copy);
        },
        &["Progress"],
    ),
    (
        "the account forgets a month that is not done",
        |keeper| drop(keeper.books.account.months.remove(&"2015-05".parse().unwrap())),
        &["Progress"],
    ),
    (
        "the account notes a month that has no statement",
        |keeper| {
            let copy = may(keeper).clone();
            keeper.books.account.months.insert("2015-07".parse().unwrap(), copy);
        },
        &["Progress"],
    ),
    (
        "the account is settled through another day",
        |keeper| keeper.books.account.settled_through = Some(day("2015-06-03")),
        &["SettledThrough"],
    ),
    (
        "the account is not settled at all",
        |keeper| keeper.books.account.settled_through = None,
        &["SettledThrough"],
    ),
];

#[test]
fn accounts_that_contradict_their_statements_are_found() {
    check(CANARIES);
}
