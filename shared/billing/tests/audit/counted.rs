//! Calls that were not counted once, or not charged once; and records of others.

use steelyard_billing::MonthClose;
use steelyard_pricing::{Metered, Usage};

use crate::common::at;
use crate::keeper::{close_may, day};
use crate::{Canary, check, journal};

pub(crate) const CANARIES: &[Canary] = &[
    (
        "a report is counted twice",
        |keeper| keeper.report(day("2015-05-16"), "t.a", 1_300),
        &["Overdue"],
    ),
    (
        "a day's reports are lost",
        |keeper| drop(keeper.books.counted.remove(&day("2015-05-17"))),
        &["Overcharged", "ReportsGone"],
    ),
    (
        "calls are charged that nobody reported",
        |keeper| {
            let count = keeper.books.counted.get_mut(&day("2015-06-02")).unwrap();
            count.usage = without_a_call(&count.usage);
        },
        &["Overcharged"],
    ),
    (
        "calls of a month that is done were never charged",
        |keeper| {
            close_may(keeper);
            keeper.report(day("2015-05-30"), "t.a", 5);
        },
        &["Uncharged"],
    ),
    (
        "a whole month was never charged",
        |keeper| {
            let april = "2015-04".parse().unwrap();
            keeper.books.provider.billed_from = april;
            let registration = keeper.books.registration.as_mut().unwrap();
            registration.billed_from = april;
            let closed_at_s = at("2015-05-05 00:30");
            registration.closed = Some(MonthClose { through: april, closed_at_s });
            keeper.report(day("2015-04-30"), "nobody.knows", 5);
        },
        &["Uncharged"],
    ),
    (
        "the account is another provider's",
        |keeper| keeper.books.account.provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
    (
        "a statement is another provider's",
        |keeper| keeper.books.statements[3].provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
    (
        "an entry is another provider's",
        |keeper| journal::rewrite(keeper, 6, |entry| entry.provider = "other".parse().unwrap()),
        &["Foreign"],
    ),
    (
        "a debit is another provider's",
        |keeper| keeper.books.debits[1].provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
];

fn without_a_call(usage: &Usage) -> Usage {
    let fewer = |metered: Metered| Metered::calls(metered.calls.get() - 1);
    usage.iter().map(|(api, metered)| (api.clone(), fewer(metered))).collect()
}

#[test]
fn calls_that_were_not_counted_or_charged_once_and_records_of_others_are_found() {
    check(CANARIES);
}
