//! The limits of a mandate: for one debit, and for all debits of one day.

use steelyard_billing::{Collectable, Debit, DebitRules, Withheld};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, rules};
use crate::money::{NOW, account, mandate_of, paid};
use crate::payer::Payer;

fn withheld(on: &str, fen: i64) -> Withheld {
    Withheld { on: on.parse().unwrap(), taken_fen: Fen::new(fen) }
}

#[test]
fn what_can_be_collected_is_owed_unreserved_and_within_the_limits() {
    let amount = |fen| Collectable::Amount(Fen::new(fen));
    let (nothing, capped) = (Collectable::Nothing, Collectable::CappedToday);
    let today = Some(("2015-05-18", 1_000));
    let yesterday = Some(("2015-05-17", 1_000));
    for (stand, single, daily, taken, expected) in [
        ((0, 0, 0), 10_000, None, None, nothing),
        ((500, 0, 0), 10_000, None, None, nothing),
        ((0, 99, 0), 10_000, None, None, nothing),
        ((0, 100, 0), 10_000, None, None, amount(100)),
        ((0, 1_234, 0), 10_000, None, None, amount(1_234)),
        ((0, 10_000, 0), 10_000, None, None, amount(10_000)),
        ((0, 10_001, 0), 10_000, None, None, amount(10_000)),
        // What another debit collects is not collected twice.
        ((0, 1_234, 1_234), 10_000, None, None, nothing),
        ((0, 1_234, 1_134), 10_000, None, None, amount(100)),
        // The daily limit, less what was taken today.
        ((0, 5_000, 0), 10_000, Some(3_000), None, amount(3_000)),
        ((0, 5_000, 0), 10_000, Some(3_000), today, amount(2_000)),
        ((0, 5_000, 0), 10_000, Some(3_000), yesterday, amount(3_000)),
        ((0, 5_000, 0), 1_500, Some(3_000), today, amount(1_500)),
        ((0, 1_200, 0), 10_000, Some(3_000), today, amount(1_200)),
        ((0, 5_000, 0), 10_000, Some(1_100), today, amount(100)),
        ((0, 5_000, 0), 10_000, Some(1_099), today, capped),
        ((0, 5_000, 0), 10_000, Some(1_000), today, capped),
        // The limit was lowered since.
        ((0, 5_000, 0), 10_000, Some(500), today, capped),
        // Without a daily limit, what was taken does not matter.
        ((0, 5_000, 0), 10_000, None, today, amount(5_000)),
        // No day will allow the minimum.
        ((0, 5_000, 0), 99, None, None, nothing),
        ((0, 5_000, 0), 10_000, Some(99), None, nothing),
    ] {
        let (mut account, _) = account(stand);
        account.withheld = taken.map(|(on, fen)| withheld(on, fen));
        let found = account.collectable(&mandate_of(single, daily), &rules(), at(NOW)).unwrap();
        assert_eq!(found, expected, "{stand:?} within {single} and {daily:?} after {taken:?}");
    }
}

#[test]
fn what_is_expected_of_a_debit_is_what_it_would_collect_when_it_is_due() {
    let today = Some(("2015-05-18", 1_000));
    let due = at("2015-05-18 10:00");
    for (stand, single, daily, taken, expected) in [
        ((0, 5_000, 0), 10_000, None, today, Some((5_000, "2015-05-18"))),
        ((0, 5_000, 0), 3_000, None, today, Some((3_000, "2015-05-18"))),
        ((0, 5_000, 0), 10_000, Some(3_000), today, Some((2_000, "2015-05-18"))),
        // The day's limit is used up: the next day it is fresh.
        ((0, 5_000, 0), 10_000, Some(1_000), today, Some((1_000, "2015-05-19"))),
        // Too little is owed.
        ((0, 99, 0), 10_000, None, None, None),
        ((0, 1_234, 1_234), 10_000, None, None, None),
        ((500, 0, 0), 10_000, None, None, None),
    ] {
        let (mut account, _) = account(stand);
        account.withheld = taken.map(|(on, fen)| withheld(on, fen));
        let mandate = mandate_of(single, daily).in_use().unwrap();
        let found = account.expected(&mandate, &rules(), due).unwrap();
        let found = found.map(|of| (of.amount_fen.get(), rules().today(of.at_s).to_string()));
        let wanted = expected.map(|(fen, day)| (fen, day.to_owned()));
        assert_eq!(found, wanted, "{stand:?} within {single} and {daily:?} after {taken:?}");
    }
}

#[test]
fn nothing_is_collected_of_nothing_even_without_a_minimum() {
    let rules = DebitRules { minimum_fen: Fen::ZERO, ..rules() };
    let of = |stand, daily| {
        let (mut account, _) = account(stand);
        account.withheld = Some(withheld("2015-05-18", 1_000));
        account.collectable(&mandate_of(10_000, daily), &rules, at(NOW)).unwrap()
    };
    assert_eq!(of((0, 0, 0), None), Collectable::Nothing);
    assert_eq!(of((0, 1, 0), None), Collectable::Amount(Fen::new(1)));
    assert_eq!(of((0, 1, 0), Some(1_000)), Collectable::CappedToday);
}

#[test]
fn the_debits_of_one_day_take_no_more_than_the_daily_limit_and_the_next_day_starts_fresh() {
    let mut payer = Payer::under(mandate_of(1_000, Some(2_550)));
    payer.charge(6_000, "2015-05-17 00:30");
    let mut days = Vec::new();
    for day in ["2015-05-17", "2015-05-18", "2015-05-19"] {
        let mut sent = Vec::new();
        while let Some(open) = payer.open.clone() {
            let now = format!("{day} 10:00");
            if open.task.due_at_s > at(&now) {
                break;
            }
            let Some(amount) = payer.send(&now) else { continue };
            sent.push(amount);
            payer.is_paid(&now);
        }
        days.push(sent);
    }
    assert_eq!(days, [vec![1_000, 1_000, 550], vec![1_000, 1_000, 550], vec![900]]);
    assert_eq!((payer.stand(), payer.open), ((0, 0, 0), None));
}

#[test]
fn what_the_daily_limit_leaves_below_the_minimum_waits_for_the_next_day() {
    let mut payer = Payer::under(mandate_of(1_000, Some(1_099)));
    payer.charge(2_000, "2015-05-17 00:30");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(1_000));
    payer.is_paid("2015-05-17 10:00");
    assert_eq!(payer.send("2015-05-17 10:00"), None);
    assert_eq!((payer.due(), payer.stand()), ("05-18 10:00".to_owned(), (0, 1_000, 0)));
    assert_eq!(payer.send("2015-05-18 10:00"), Some(1_000));
}

#[test]
fn a_payment_counts_for_the_day_on_which_it_was_sent_however_late_it_became_known() {
    let mut payer = Payer::under(mandate_of(1_000, Some(1_500)));
    payer.charge(3_000, "2015-05-17 00:30");
    assert_eq!(payer.send("2015-05-17 23:59:59"), Some(1_000));
    payer.is_paid("2015-05-18 00:00:05");
    assert_eq!(payer.account.withheld, Some(withheld("2015-05-17", 1_000)));
    assert_eq!(payer.send("2015-05-18 10:00"), Some(1_000), "the 18th starts fresh");
    payer.is_paid("2015-05-18 10:00:02");
    assert_eq!(payer.account.withheld, Some(withheld("2015-05-18", 1_000)));
    assert_eq!(payer.send("2015-05-18 10:00:02"), Some(500));
    payer.is_paid("2015-05-20 09:00");
    assert_eq!(payer.account.withheld, Some(withheld("2015-05-18", 1_500)));
    assert_eq!(payer.send("2015-05-20 10:00"), Some(500));
}

#[test]
fn a_payment_of_an_earlier_day_does_not_count_for_a_later_one() {
    // Debits sent on the 17th and known to be paid on the 18th.
    for (taken, expected) in [
        (None, ("2015-05-17", 700)),
        (Some(("2015-05-16", 5_000)), ("2015-05-17", 700)),
        (Some(("2015-05-17", 5_000)), ("2015-05-17", 5_700)),
        (Some(("2015-05-18", 5_000)), ("2015-05-18", 5_000)),
    ] {
        let (mut before, open) = account((0, 700, 700));
        before.withheld = taken.map(|(on, fen)| withheld(on, fen));
        let ended: Debit = paid(&open.unwrap(), at(NOW));
        let moved = before.end_debit(&ended, Some(&mandate()), &rules(), at(NOW)).unwrap();
        let (on, fen) = expected;
        assert_eq!(moved.account.withheld, Some(withheld(on, fen)), "{taken:?}");
    }
}

#[test]
fn a_debit_that_took_nothing_leaves_the_daily_limit_as_it_was() {
    let mut payer = Payer::under(mandate_of(1_000, Some(1_500)));
    payer.charge(3_000, "2015-05-17 00:30");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(1_000));
    payer.is_given_up("2015-05-17 10:00:01");
    assert_eq!(payer.account.withheld, None);
}
