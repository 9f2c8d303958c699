//! Records that the due index does not show when they are due.

use jiff::SignedDuration;
use steelyard_billing::{Debit, DebitId, Filed, MandateId, RechargeId, TaskId};

use crate::common::at;
use crate::debits::debit;
use crate::keeper::{Keeper, honest, through_alipay};
use crate::{Canary, breaches, check_on, variants_of};

const DEBIT: TaskId = TaskId::Debit(DebitId(3));

fn filed(keeper: &mut Keeper) -> &mut Filed {
    keeper.books.filed.iter_mut().find(|filed| filed.task == DEBIT).unwrap()
}

fn due_at(keeper: &mut Keeper, time: &str) {
    debit(keeper, 3).task.due_at_s = at(time);
    filed(keeper).dispatch_at = at(time);
}

fn in_vain(keeper: &mut Keeper, task: TaskId) {
    let dispatch_at = keeper.now;
    keeper.books.filed.push(Filed { task, dispatch_at, is_in_its_shard: true });
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "an open debit is not dispatched",
        |keeper| keeper.books.filed.retain(|filed| filed.task != DEBIT),
        &["Unfiled"],
    ),
    (
        "a refund in doubt is not dispatched",
        |keeper| {
            keeper.books.filed.retain(|filed| match filed.task {
                TaskId::Refund(_) => false,
                TaskId::Debit(_)
                | TaskId::Recharge(_)
                | TaskId::Reversal(_)
                | TaskId::Mandate(_) => true,
            });
        },
        &["Unfiled"],
    ),
    ("nothing is dispatched", |keeper| keeper.books.filed.clear(), &["Unfiled"]),
    (
        "a paid debit is dispatched",
        |keeper| in_vain(keeper, TaskId::Debit(DebitId(1))),
        &["FiledInVain"],
    ),
    (
        "a paid recharge is dispatched",
        |keeper| in_vain(keeper, TaskId::Recharge(RechargeId(1))),
        &["FiledInVain"],
    ),
    (
        "a booked reversal is dispatched",
        |keeper| {
            let reversal = keeper.books.reversals[0].number();
            in_vain(keeper, TaskId::Reversal(reversal));
        },
        &["FiledInVain"],
    ),
    (
        "an active mandate without an end is dispatched",
        |keeper| in_vain(keeper, TaskId::Mandate(MandateId(1))),
        &["FiledInVain"],
    ),
    (
        "a debit that is not stored is dispatched",
        |keeper| in_vain(keeper, TaskId::Debit(DebitId(4))),
        &["FiledInVain"],
    ),
    (
        "a debit is dispatched more than a day late",
        |keeper| filed(keeper).dispatch_at = at("2015-06-04 13:00:01"),
        &["FiledLate"],
    ),
    ("a debit is due in eleven years", |keeper| due_at(keeper, "2026-06-03 10:00"), &["DueLate"]),
    (
        "nothing was done about a debit for a day",
        |keeper| {
            keeper.now = at("2015-06-04 11:00");
            due_at(keeper, "2015-06-03 10:59:59");
        },
        &["Unworked", "InDoubt"],
    ),
    (
        "a refund is without an answer for days",
        |keeper| keeper.books.refunds.iter_mut().for_each(|refund| refund.task.retries = 40),
        &["Unfinished"],
    ),
    (
        "a refund is due in a year",
        |keeper| {
            for refund in &mut keeper.books.refunds {
                refund.task.due_at_s = at("2016-06-03 10:00");
            }
        },
        &["DueLate"],
    ),
    (
        "a debit is in another provider's shard",
        |keeper| filed(keeper).is_in_its_shard = false,
        &["FiledElsewhere"],
    ),
];

#[test]
fn records_that_the_due_index_does_not_show_are_found() {
    check_on(through_alipay, CANARIES);
}

#[test]
fn a_record_is_dispatched_within_a_day_of_its_due_time_or_of_now() {
    let second = SignedDuration::from_secs(1);
    let day = SignedDuration::from_hours(24);
    for (due_at, now, last) in [
        // A lease: the debit was due, and its message may be lost.
        ("2015-06-03 10:00", "2015-06-03 10:01", at("2015-06-03 10:01") + day),
        ("2015-06-03 10:00", "2015-06-03 10:00", at("2015-06-03 10:00") + day),
        // The window over which debits are spread.
        ("2015-06-06 10:00", "2015-06-03 10:00", at("2015-06-06 10:00") + day),
    ] {
        for (dispatch_at, expected) in
            [(at(due_at), &[][..]), (last, &[]), (last + second, &["FiledLate"])]
        {
            let mut keeper = honest();
            keeper.now = at(now);
            debit(&mut keeper, 3).task.due_at_s = at(due_at);
            filed(&mut keeper).dispatch_at = dispatch_at;
            assert_eq!(variants_of(&breaches(&keeper)), expected, "{due_at}, {dispatch_at}");
        }
    }
}

#[test]
fn every_record_of_honest_books_that_is_due_is_filed() {
    let keeper = through_alipay();
    let due = keeper.books.debits.iter().filter_map(Debit::due_at).count();
    assert_eq!(
        (due, keeper.books.filed.len()),
        (1, 3),
        "debit 3, the refused refund, and the one in doubt"
    );
}
