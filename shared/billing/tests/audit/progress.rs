//! Accounts that note other things of their months than the statements say.

use steelyard_billing::MonthProgress;
use steelyard_pricing::{BillingMonth, Calls};

use crate::keeper::{Keeper, day};
use crate::{Canary, a_fen_more, check};

fn may(keeper: &mut Keeper) -> &mut MonthProgress {
    let may: BillingMonth = "2015-05".parse().unwrap();
    keeper.books.account.months.get_mut(&may).unwrap()
}

pub const CANARIES: &[Canary] = &[
    (
        "the account notes another charge",
        |keeper| a_fen_more(&mut may(keeper).to_date.charged_fen),
        &["Progress"],
    ),
    (
        "the account notes a call of another API",
        |keeper| {
            let rated = &mut may(keeper).to_date.rated;
            rated.add("t.new".parse().unwrap(), Calls::new(1)).unwrap();
        },
        &["Progress"],
    ),
    (
        "the account notes a call more of a day",
        |keeper| {
            let calls = may(keeper).days.get_mut(&day("2015-05-31")).unwrap();
            *calls = calls.plus(Calls::new(1)).unwrap();
        },
        &["Progress"],
    ),
    (
        "the account notes another number of supplements",
        |keeper| may(keeper).supplements = 0,
        &["Progress"],
    ),
    (
        "the account notes another plan",
        |keeper| may(keeper).plan = "q".parse().unwrap(),
        &["Progress"],
    ),
    (
        "the account notes another version of the plan",
        |keeper| may(keeper).plan_version = day("2015-04-01"),
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
