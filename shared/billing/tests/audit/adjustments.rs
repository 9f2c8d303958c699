//! Adjustments that are booked otherwise than they say, or not at all.

use steelyard_billing::{Adjustment, AdjustmentPhase, Person, Reason};
use steelyard_pricing::Fen;

use crate::books::{adjust, approve, request};
use crate::common::at;
use crate::keeper::{Keeper, close_may, honest};
use crate::{Canary, check_on};

/// The honest books, where May is closed: a credit of ¥1.00 is booked on 10 June, and a debit note
/// of ¥0.50 that a second person approved waits for the statement of 11 June.
pub(crate) fn adjusted() -> Keeper {
    let mut keeper = honest();
    close_may(&mut keeper);
    adjust(&mut keeper.books, &request("c", -100), at("2015-06-10 12:00")).unwrap();
    keeper.settle(at("2015-06-11 00:30"));
    adjust(&mut keeper.books, &request("d", 50), at("2015-06-11 12:00")).unwrap();
    approve(&mut keeper.books, "d", "wang", at("2015-06-11 13:00")).unwrap();
    keeper.now = at("2015-06-11 13:00");
    keeper
}

fn booked(keeper: &mut Keeper) -> &mut Adjustment {
    &mut keeper.books.adjustments[0]
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "a booked adjustment is of another amount than its statement has",
        |keeper| booked(keeper).note.amount_fen = Fen::new(-101),
        &["Adjustment"],
    ),
    (
        "a booked adjustment has another reason than its statement has",
        |keeper| booked(keeper).note.reason = Reason::new("another").unwrap(),
        &["Adjustment"],
    ),
    (
        "a booked adjustment names another statement",
        |keeper| {
            booked(keeper).phase =
                AdjustmentPhase::Booked { booked_on: "2015-06-02".parse().unwrap() };
        },
        &["Adjustment"],
    ),
    (
        "a booked adjustment is on a second statement",
        |keeper| {
            let note = booked(keeper).note.clone();
            keeper.books.statements[0].adjustments.push(note);
        },
        &["Lines", "Charge", "ChargedBefore", "Adjustment"],
    ),
    (
        "a statement books a fen more than the adjustment is of, in the journal too",
        |keeper| {
            let last = keeper.books.statements.last_mut().unwrap();
            last.adjustments[0].amount_fen = Fen::new(-99);
        },
        &["Lines", "Charge", "Progress", "Adjustment"],
    ),
    (
        "a booked adjustment waits still",
        |keeper| {
            let note = booked(keeper).note.clone();
            keeper.books.account.adjustments.push(note);
        },
        &["Adjustment"],
    ),
    (
        "a rejected adjustment is booked",
        |keeper| {
            booked(keeper).phase = AdjustmentPhase::Rejected {
                rejected_by: Person::new("wang").unwrap(),
                rejected_at_s: at("2015-06-10 13:00"),
                rejected_because: Reason::new("a mistake").unwrap(),
            };
        },
        &["Adjustment"],
    ),
    (
        "an adjustment that waits is lost from the account",
        |keeper| keeper.books.account.adjustments.clear(),
        &["Adjustment"],
    ),
    (
        "an adjustment is not stored",
        |keeper| drop(keeper.books.adjustments.remove(0)),
        &["AdjustmentGone"],
    ),
    (
        "an author approved the adjustment",
        |keeper| {
            let own = Person::new("Wang").unwrap();
            keeper.books.adjustments[1].note.by = own.clone();
            keeper.books.account.adjustments[0].by = own;
        },
        &["Approval"],
    ),
    (
        "an adjustment waits for longer than a day and a half",
        |keeper| keeper.now = at("2015-06-13 01:01"),
        &["Unbooked"],
    ),
];

#[test]
fn an_adjustment_is_booked_once_and_as_it_says() {
    check_on(adjusted, &[]);
    assert_eq!(crate::breaches(&adjusted()), []);
    let mut in_time = adjusted();
    in_time.now = at("2015-06-13 01:00");
    assert_eq!(crate::breaches(&in_time), []);
    check_on(adjusted, CANARIES);
}
