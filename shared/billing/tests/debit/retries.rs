//! How a declined debit is tried again, on which days, and when it is given up.

use steelyard_billing::{
    Debit, DeclineReason, Declined, FUNDS_RETRY_DAYS, GiveUpReason, PayAnswer, Phase, Step,
    WINDOW_TRIES_MAX,
};

use crate::clock;
use crate::common::at;
use crate::inputs::{
    Input, NOW, after, after_all, code, declined_at, declined_thrice, not_found, outside_windows,
    paid_fen, pay_declined, pay_declined_for, pay_in_doubt, pending, query_closed, query_paid,
    sent, then,
};

#[test]
fn a_decline_for_funds_is_tried_again_one_and_three_days_after_the_first() {
    assert_eq!(FUNDS_RETRY_DAYS, [1, 3]);
    for (declined, due) in [
        (&["2015-05-17 00:00"][..], "05-18 10:00"),
        (&["2015-05-17 10:00"], "05-18 10:00"),
        (&["2015-05-17 23:59:59"], "05-18 10:00"),
        (&["2015-05-17 10:00", "2015-05-18 10:00"], "05-20 10:00"),
        (&["2015-05-17 23:59", "2015-05-18 10:00"], "05-20 10:00"),
        // The retry was sent late, as after a stop of all debits: never twice on one day.
        (&["2015-05-17 10:00", "2015-05-19 10:00"], "05-20 10:00"),
        (&["2015-05-17 10:00", "2015-05-20 10:00"], "05-21 10:00"),
        (&["2015-05-17 10:00", "2015-05-25 15:00"], "05-26 10:00"),
        (&["2015-12-30 10:00", "2015-12-31 23:59"], "01-02 10:00"),
    ] {
        let debit = after_all(&declined_at(declined));
        assert_eq!(debit.phase, Phase::Due, "{declined:?}");
        assert_eq!(clock(debit.due_at().unwrap()), due, "{declined:?}");
    }
}

#[test]
fn days_outside_a_window_do_not_count_for_the_retries_for_funds() {
    let window = pay_declined_for(DeclineReason::Window);
    let debit = after_all(&[
        sent("2015-05-12 10:00"),
        ("2015-05-12 10:00", window.clone()),
        sent("2015-05-14 10:00"),
        ("2015-05-14 10:00", pay_declined()),
        sent("2015-05-15 10:00"),
        ("2015-05-15 10:00", window),
        sent("2015-05-16 10:00"),
        ("2015-05-16 10:00", pay_declined()),
    ]);
    assert_eq!(clock(debit.due_at().unwrap()), "05-17 10:00", "three days after the 14th");
}

#[test]
fn a_decline_is_recorded_with_its_day_reason_and_code() {
    let debit = after_all(&declined_at(&["2015-05-14 10:00", "2015-05-15 10:00:07"]));
    let declined = |time| Declined { at_s: at(time), reason: DeclineReason::Funds, code: code() };
    assert_eq!(debit.declines, ["2015-05-14 10:00", "2015-05-15 10:00:07"].map(declined));
}

#[test]
fn three_declines_for_funds_are_given_up_only_when_a_query_proves_them_unpaid() {
    let debit = after_all(&declined_thrice());
    assert_eq!((debit.declines.len(), debit.is_open()), (3, true));
    assert_eq!(debit.next_step(at(NOW)), Step::Query);

    let closing = then(&debit, &[(NOW, pending())]);
    assert_eq!(closing.next_step(closing.task.due_at_s), Step::Close);
    let confirming = then(&closing, &[(NOW, Input::Closed)]);
    assert!(confirming.is_open(), "closing is no proof");
    let proved = then(&confirming, &[(NOW, query_closed())]);
    assert_eq!(proved.phase, Phase::GivenUp { why: GiveUpReason::Funds });

    let paid_after_all = then(&confirming, &[(NOW, query_paid())]);
    assert_eq!(paid_after_all.payment(), Some(&paid_fen(1234)));
}

#[test]
fn an_attempt_that_is_never_found_is_closed_before_it_is_given_up() {
    let debit = after_all(&declined_thrice());
    let closing = then(&debit, &[(NOW, not_found())]);
    let why = GiveUpReason::Funds;
    assert_eq!(closing.phase, Phase::Closing { why: why.clone() });
    let given_up = then(&closing, &[(NOW, Input::Closed), (NOW, not_found())]);
    assert_eq!(given_up.phase, Phase::GivenUp { why });
}

#[test]
fn a_close_without_an_answer_proves_nothing_and_is_made_again() {
    let closing = then(&after_all(&declined_thrice()), &[(NOW, pending())]);
    let checking = then(&closing, &[(NOW, Input::CloseInDoubt)]);
    assert_eq!(checking.phase, Phase::Checking { why: GiveUpReason::Funds });
    let again = then(&checking, &[("2015-05-17 10:00:01", not_found())]);
    assert_eq!(again.next_step(at("2015-05-17 10:00:01")), Step::Close);
}

#[test]
fn an_attempt_that_cannot_be_closed_is_queried_less_and_less_often() {
    let mut debit = after_all(&declined_thrice());
    let mut waits = Vec::new();
    for _ in 0..10 {
        let now = debit.task.due_at_s;
        debit = after(&debit, &pending(), now).unwrap();
        waits.push((debit.task.due_at_s - now).get_seconds());
        debit = after(&debit, &Input::Closed, debit.task.due_at_s).unwrap();
        assert_eq!(debit.phase, Phase::Confirming { why: GiveUpReason::Funds });
    }
    assert_eq!(waits, [0, 1, 3, 10, 30, 60, 3600, 3600, 3600, 3600]);
}

#[test]
fn a_debit_outside_its_window_is_tried_on_seven_days_under_one_number() {
    let six = after_all(&outside_windows(WINDOW_TRIES_MAX - 1));
    assert_eq!((six.task.due_at_s, six.next_step(at(NOW))), (at(NOW), Step::Pay));
    assert_eq!((six.declines.len(), six.attempt_count()), (6, 1));
    assert_eq!(six.last_attempt().unwrap().request, "amount=12.34");
    let window = pay_declined_for(DeclineReason::Window);
    let seventh = then(&six, &[(NOW, Input::Sent("x")), (NOW, window)]);
    assert_eq!(seventh.phase, Phase::Checking { why: GiveUpReason::Window(code()) });
}

#[test]
fn a_suspended_mandate_postpones_a_debit_by_days_as_a_window_does() {
    let mut debit = after_all(&declined_at(&["2015-05-10 10:00"]));
    let mut days = Vec::new();
    for _ in 0..WINDOW_TRIES_MAX {
        let now = debit.task.due_at_s;
        days.push(clock(now));
        debit = after(&debit, &Input::Postponed, now).unwrap();
    }
    let all = ["05-11", "05-12", "05-13", "05-14", "05-15", "05-16", "05-17"];
    assert_eq!(days, all.map(|day| format!("{day} 10:00")));
    assert_eq!(debit.phase, Phase::Checking { why: GiveUpReason::Window(code()) });
}

#[test]
fn trouble_that_no_provider_is_to_blame_for_never_ends_or_holds_a_debit() {
    for answer in [PayAnswer::OwnAccount(code()), PayAnswer::Throttled(code())] {
        let mut debit = after_all(&declined_at(&["2015-05-16 10:00"]));
        let before = debit.clone();
        let mut waits = Vec::new();
        for _ in 0..100 {
            let now = debit.task.due_at_s;
            let sending = after(&debit, &Input::Sent("built again"), now).unwrap();
            debit = after(&sending, &Input::Pay(answer.clone()), now).unwrap();
            waits.push((debit.task.due_at_s - now).get_seconds() / 60);
            assert_eq!(debit.phase, Phase::Due, "{answer:?}");
        }
        assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 60, 60], "{answer:?}");
        assert!(waits[8..].iter().all(|wait| *wait == 60), "{answer:?}: {waits:?}");
        assert_eq!((&debit.declines, &debit.terms), (&before.declines, &before.terms));
        let (attempt, first) = (debit.last_attempt().unwrap(), before.last_attempt().unwrap());
        assert_eq!(debit.attempt_count(), 1, "{answer:?}");
        assert_eq!(
            (&attempt.out_trade_no, &attempt.request),
            (&first.out_trade_no, &first.request)
        );
        // It was looked at by nobody, so that the next answer counts as if it were the first.
        let declined =
            then(&debit, &[sent("2015-05-25 10:00"), ("2015-05-25 10:00", pay_declined())]);
        assert_eq!(
            (clock(declined.task.due_at_s), declined.task.retries),
            ("05-26 10:00".to_owned(), 0)
        );
    }
}

#[test]
fn progress_starts_the_waits_again() {
    let doubt = |debit: &Debit, now| {
        let sending = after(debit, &Input::Sent("x"), now).unwrap();
        after(&sending, &pay_in_doubt(), now).unwrap()
    };
    let mut debit = after_all(&[]);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let now = debit.task.due_at_s;
        let doubted = doubt(&debit, now);
        waits.push((doubted.task.due_at_s - now).get_seconds());
        debit = after(&doubted, &not_found(), doubted.task.due_at_s).unwrap();
    }
    assert_eq!((waits, debit.task.retries), (vec![1, 3, 10, 30], 4), "sent again is no progress");
    let now = debit.task.due_at_s;
    let declined = then(&after(&debit, &Input::Sent("x"), now).unwrap(), &[(NOW, pay_declined())]);
    assert_eq!(declined.task.retries, 0);
    let now = declined.task.due_at_s;
    assert_eq!((doubt(&declined, now).task.due_at_s - now).get_seconds(), 1);
}
