//! What time should have brought, and did not.

use jiff::SignedDuration;
use steelyard_billing::{
    DebitId, DeclineReason, GatewayCode, GiveUpReason, MonthClose, Phase, Reason, Resolution,
    TradeOf,
};

use crate::common::at;
use crate::debits::debit;
use crate::keeper::{Gateway, Keeper, close_may, day, honest};
use crate::references::bill_item;
use crate::{Canary, breaches, check, variants_of};

const A_DAY: SignedDuration = SignedDuration::from_hours(24);
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

fn close(keeper: &mut Keeper, through: &str, closed_at: &str) {
    let closed = MonthClose { through: through.parse().unwrap(), closed_at_s: at(closed_at) };
    keeper.books.registration.as_mut().unwrap().closed = Some(closed);
}

/// Pays debit 3, which pays all that is owed, and takes 12.00 of debit 1 back at 13:00.
fn owes_again() -> Keeper {
    let mut keeper = honest();
    keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
    keeper.reverse(TradeOf::Debit { debit: DebitId(1), attempt: 1 }, "B1", 1_200);
    keeper
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "a day was not settled",
        |keeper| {
            keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
            keeper.report(day("2015-06-03"), "t.a", 1);
            keeper.now = at("2015-06-05 12:00:01");
        },
        &["Overdue"],
    ),
    (
        "late usage was not charged",
        |keeper| {
            keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
            keeper.report_at(day("2015-05-30"), "t.a", 1, at("2015-06-03 12:00"));
            keeper.now = at("2015-06-05 00:00:01");
        },
        &["Overdue"],
    ),
    (
        "a month was not closed",
        |keeper| {
            keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
            keeper.now = at("2015-06-08 00:00");
        },
        &["Unclosed"],
    ),
    (
        "a month is settled for good whose close is not stored",
        |keeper| {
            close_may(keeper);
            keeper.books.registration.as_mut().unwrap().closed = None;
        },
        &["OpenFrom"],
    ),
    (
        "a month is settled for good though only the one before is closed",
        |keeper| {
            close_may(keeper);
            close(keeper, "2015-04", "2015-05-05 00:30");
        },
        &["OpenFrom"],
    ),
    (
        "nobody requests what is owed again",
        |keeper| {
            *keeper = owes_again();
            keeper.now = at("2015-06-05 01:00:01");
        },
        &["Unrequested"],
    ),
    (
        "nobody resolves a held debit",
        |keeper| {
            keeper.collect(Gateway::TakesMore, at("2015-06-03 11:00"));
            keeper.now = at("2015-06-04 11:00:01");
        },
        &["Held"],
    ),
    ("a debit is in doubt", |keeper| keeper.now = at("2015-06-04 10:00:01"), &["InDoubt"]),
    (
        "no bill shows what moved",
        |keeper| {
            keeper.books.unmatched.push(bill_item(1));
            keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
            keeper.now = at("2015-06-06 00:00");
        },
        &["Unmatched"],
    ),
];

#[test]
fn what_time_should_have_brought_is_found() {
    check(CANARIES);
}

#[test]
fn usage_is_overdue_36_hours_after_the_end_of_its_day_or_after_its_report() {
    for (on, counted_at, overdue_after) in [
        ("2015-06-03", None, "2015-06-05 12:00"),
        ("2015-06-03", Some("2015-06-03 15:00"), "2015-06-05 12:00"),
        ("2015-06-03", Some("2015-06-04 15:00"), "2015-06-06 03:00"),
        ("2015-05-16", None, "2015-05-18 12:00"),
        ("2015-05-16", Some("2015-06-03 15:00"), "2015-06-05 03:00"),
        // A day without usage before.
        ("2015-05-18", Some("2015-06-03 15:00"), "2015-06-05 03:00"),
        ("2015-04-30", None, "2016-01-01 00:00"),
    ] {
        for (now, expected) in
            [(at(overdue_after), &[][..]), (at(overdue_after) + A_SECOND, &["Overdue"])]
        {
            let is_billed = !on.starts_with("2015-04");
            let mut keeper = honest();
            keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
            close(&mut keeper, "2015-12", "2015-06-03 11:00");
            let counted_at = counted_at.map_or(at("2015-05-01 00:00"), at);
            keeper.report_at(day(on), "t.a", 1, counted_at);
            keeper.now = now;
            let expected = if is_billed { expected } else { &[] };
            assert_eq!(variants_of(&breaches(&keeper)), expected, "{on}, {counted_at:?}, {now}");
        }
    }
}

#[test]
fn late_usage_that_the_next_run_charges_is_no_breach_at_any_time() {
    let mut keeper = honest();
    keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
    keeper.report_at(day("2015-05-18"), "t.a", 5, at("2015-06-03 00:31"));
    for now in ["2015-06-03 12:00", "2015-06-04 00:29"] {
        keeper.now = at(now);
        assert_eq!(breaches(&keeper), [], "{now}");
    }
    keeper.settle(at("2015-06-04 00:30"));
    assert_eq!(breaches(&keeper), []);
}

#[test]
fn a_month_is_unclosed_three_days_after_its_close_by_the_calendar() {
    for (stored, now, expected) in [
        (None, "2015-06-07 23:59:59", &[][..]),
        (None, "2015-06-08 00:00", &["Unclosed"]),
        (Some("2015-04"), "2015-06-08 00:00", &["Unclosed"]),
        (Some("2015-05"), "2015-06-08 00:00", &[]),
        (Some("2015-05"), "2015-07-07 23:59:59", &[]),
        (Some("2015-05"), "2015-07-08 00:00", &["Unclosed"]),
        (Some("2015-06"), "2015-07-08 00:00", &[]),
    ] {
        let mut keeper = honest();
        keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
        if let Some(through) = stored {
            close(&mut keeper, through, "2015-06-03 12:00");
        }
        keeper.now = at(now);
        assert_eq!(variants_of(&breaches(&keeper)), expected, "{stored:?}, {now}");
    }
}

#[test]
fn what_is_owed_again_is_unrequested_36_hours_after_the_last_movement() {
    let keeper = owes_again();
    let after = |change: fn(&mut Keeper), now: &str| {
        let mut keeper = owes_again();
        change(&mut keeper);
        keeper.now = at(now);
        variants_of(&breaches(&keeper))
    };
    assert_eq!(keeper.books.account.figures.receivable().get(), 1_200);
    let unrequested: &[&str] = &["Unrequested"];
    assert_eq!(after(|_| {}, "2015-06-05 01:00"), [""; 0]);
    assert_eq!(after(|_| {}, "2015-06-05 01:00:01"), unrequested);
    let run: fn(&mut Keeper) = |keeper| keeper.settle(at("2015-06-04 00:30"));
    assert_eq!(after(run, "2015-06-05 01:00:01"), [""; 0], "the next run requests it");
    let pay: fn(&mut Keeper) = |keeper| keeper.recharge(1_101, at("2015-06-03 14:00"));
    assert_eq!(after(pay, "2015-06-06 01:00"), [""; 0], "0.99 are less than the minimum");
    let suspend: fn(&mut Keeper) = |keeper| keeper.suspend_mandate(at("2015-06-03 14:00"));
    assert_eq!(
        after(suspend, "2015-06-06 01:00"),
        ["Unworked"],
        "no mandate allows it; the suspended one is due"
    );
}

#[test]
fn what_was_given_up_is_unrequested_only_once_something_has_changed() {
    let given_up = || {
        let mut keeper = honest();
        let gateway = Gateway::DeclinesFor(DeclineReason::AmountCap);
        keeper.collect(gateway, at("2015-06-03 11:00"));
        keeper
    };
    let check = |mut keeper: Keeper, now: &str, expected: &[&str]| {
        keeper.now = at(now);
        assert_eq!(variants_of(&breaches(&keeper)), expected, "{now}");
    };
    assert_eq!(given_up().books.account.open_debit, None);
    check(given_up(), "2015-06-07 00:00", &[]);
    let changed = || {
        let mut keeper = given_up();
        keeper.recharge(100, at("2015-06-03 14:00"));
        keeper
    };
    check(changed(), "2015-06-05 02:00", &[]);
    check(changed(), "2015-06-05 02:00:01", &["Unrequested"]);
    let mut requested = changed();
    requested.settle(at("2015-06-04 00:30"));
    assert_eq!(requested.books.account.open_debit, Some(DebitId(4)));
    check(requested, "2015-06-05 02:00", &[]);
}

/// Every phase in which a debit may be, after it was sent.
fn every_phase() -> Vec<Phase> {
    let why = || GiveUpReason::MandateDead(GatewayCode("ACQ.SOME_CODE".to_owned()));
    let text = || "x".to_owned();
    vec![
        Phase::Due,
        Phase::Sending,
        Phase::InDoubt { why: text() },
        Phase::Checking { why: why() },
        Phase::Closing { why: why() },
        Phase::Confirming { why: why() },
        Phase::Held { why: text(), found: None },
        Phase::Rechecking { why: text(), found: None },
        Phase::Paid { attempt: 1, at_s: at("2015-05-18 10:00") },
        Phase::GivenUp { why: why() },
        Phase::Withdrawn,
    ]
}

fn overdue_as(phase: &Phase) -> Option<&'static str> {
    match phase {
        Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Checking { .. }
        | Phase::Closing { .. }
        | Phase::Confirming { .. } => Some("InDoubt"),
        Phase::Held { .. } | Phase::Rechecking { .. } => Some("Held"),
        Phase::Due | Phase::Paid { .. } | Phase::GivenUp { .. } | Phase::Withdrawn => None,
    }
}

/// The breaches that say that a debit waits for too long.
fn waits(keeper: &Keeper) -> Vec<&'static str> {
    let mut found = variants_of(&breaches(keeper));
    found.retain(|kind| ["Held", "InDoubt"].contains(kind));
    found
}

#[test]
fn a_debit_may_be_held_or_in_doubt_for_a_day() {
    for phase in every_phase() {
        let mut keeper = honest();
        let expected = overdue_as(&phase).into_iter().collect::<Vec<_>>();
        let debit = debit(&mut keeper, 3);
        debit.phase = phase.clone();
        debit.task.retries = 0;
        debit.task.due_at_s = at("2015-06-03 10:00");
        keeper.now = at("2015-06-03 10:00") + A_DAY;
        assert_eq!(waits(&keeper), [""; 0], "{phase:?} for a day");
        keeper.now += A_SECOND;
        assert_eq!(waits(&keeper), expected, "{phase:?} for longer");
    }
}

#[test]
fn queries_without_a_result_are_no_progress_and_an_intervention_is() {
    let mut keeper = honest();
    for hour in 11..=23 {
        keeper.collect(Gateway::IsSilent, at(&format!("2015-06-03 {hour}:00")));
    }
    keeper.collect(Gateway::IsSilent, at("2015-06-04 10:30"));
    assert_eq!(waits(&keeper), ["InDoubt"]);
    keeper.resolve(Resolution::Retry, at("2015-06-04 10:31"));
    assert_eq!(waits(&keeper), [""; 0]);
    keeper.collect(Gateway::IsSilent, at("2015-06-04 10:31"));
    keeper.now = at("2015-06-05 10:31:01");
    assert_eq!(waits(&keeper), ["InDoubt"]);
}

#[test]
fn a_held_debit_that_a_person_asks_about_may_wait_for_a_day_again() {
    let mut keeper = honest();
    keeper.collect(Gateway::TakesMore, at("2015-06-03 11:00"));
    keeper.collect(Gateway::IsSilent, at("2015-06-04 11:00"));
    assert_eq!(waits(&keeper), [""; 0], "it was reported, a day after it was held");
    keeper.now += A_SECOND;
    assert_eq!(waits(&keeper), ["Held"]);
    keeper.resolve(Resolution::Ask, at("2015-06-04 12:00"));
    assert_eq!(waits(&keeper), [""; 0]);
    for hour in 12..=23 {
        keeper.collect(Gateway::IsSilent, at(&format!("2015-06-04 {hour}:00")));
    }
    keeper.collect(Gateway::IsSilent, at("2015-06-05 12:01"));
    assert_eq!(waits(&keeper), ["Held"], "queries without a result are no progress");
    keeper.collect(Gateway::TakesMore, at("2015-06-05 14:00"));
    assert_eq!(waits(&keeper), [""; 0], "it is held again since then");
}

#[test]
fn a_debit_that_is_given_up_days_after_it_was_sent_is_not_in_doubt_since_then() {
    let mut keeper = honest();
    let debit = debit(&mut keeper, 3);
    debit.phase = Phase::Due;
    let code = GatewayCode("USER_AGREEMENT_NOT_EXIST".to_owned());
    let dead = debit.without_mandate(code, at("2015-06-06 10:00")).unwrap();
    *debit = dead;
    keeper.now = at("2015-06-06 10:00");
    assert_eq!(waits(&keeper), [""; 0]);
    for now in ["2015-06-06 10:00", "2015-06-06 10:00:01", "2015-06-06 10:00:04"] {
        keeper.collect(Gateway::IsSilent, at(now));
    }
    assert_eq!(waits(&keeper), [""; 0]);
    keeper.now = at("2015-06-07 10:00:01");
    assert_eq!(waits(&keeper), ["InDoubt"]);
}

#[test]
fn a_person_may_give_up_a_debit_that_was_in_doubt_for_days() {
    let mut keeper = honest();
    let debit = debit(&mut keeper, 3);
    let reason = Reason::new("looked into it").unwrap();
    *debit = debit.resolved(Resolution::GiveUp, reason, at("2015-06-06 10:00")).unwrap();
    keeper.now = at("2015-06-06 11:00");
    assert_eq!(waits(&keeper), [""; 0]);
}

#[test]
fn money_is_on_a_bill_four_days_after_it_was_booked() {
    for (now, expected) in [("2015-06-05 23:59:59", &[][..]), ("2015-06-06 00:00", &["Unmatched"])]
    {
        let mut keeper = honest();
        keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
        keeper.books.unmatched.push(bill_item(1));
        keeper.now = at(now);
        assert_eq!(variants_of(&breaches(&keeper)), expected, "{now}");
    }
}
