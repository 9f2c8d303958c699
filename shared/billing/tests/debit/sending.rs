//! When a debit is sent, what for, under which number, and what the payer reads.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::Time;
use steelyard_billing::{
    DebitId, DebitRules, DebitTerms, OutTradeNo, Phase, ProviderId, Realm, Step,
};
use steelyard_pricing::Fen;

use crate::common::{at, provider, rules};
use crate::debits::{sending, terms};
use crate::inputs::{
    AMOUNT, Input, NOW, Refused, after, after_all, every_phase, in_phase, not_found, opened,
    pay_declined, pay_in_doubt, pending, query_closed, query_in_doubt, sent, then,
};
use crate::realm::realm;

#[test]
fn debits_fall_due_at_ten_in_the_morning_of_the_platform() {
    for (now, next, same_day, next_day) in [
        ("2015-05-17 00:00", "2015-05-17 10:00", "2015-05-17 10:00", "2015-05-18 10:00"),
        ("2015-05-17 00:30", "2015-05-17 10:00", "2015-05-17 10:00", "2015-05-18 10:00"),
        ("2015-05-17 10:00", "2015-05-17 10:00", "2015-05-17 10:00", "2015-05-18 10:00"),
        ("2015-05-17 10:00:01", "2015-05-18 10:00", "2015-05-17 10:00:01", "2015-05-18 10:00"),
        ("2015-05-17 23:59:59", "2015-05-18 10:00", "2015-05-17 23:59:59", "2015-05-18 10:00"),
        ("2015-12-31 23:59:59", "2016-01-01 10:00", "2015-12-31 23:59:59", "2016-01-01 10:00"),
    ] {
        let (rules, shop) = (rules(), provider().provider);
        assert_eq!(rules.next_due(&shop, at(now)), at(next), "{now}");
        assert_eq!(rules.same_day_due(&shop, at(now)), at(same_day), "{now}, the same day");
        assert_eq!(rules.next_day_due(&shop, at(now)), at(next_day), "{now}, the next day");
    }
}

/// The rules with a window from a time of day on.
fn window(time_of_day: Time, window_minutes: u16) -> DebitRules {
    DebitRules { time_of_day, window_minutes, ..rules() }
}

#[test]
fn debits_fall_due_all_over_the_window_and_each_providers_at_the_same_time_of_every_day() {
    let rules = window(Time::constant(10, 0, 0, 0), 60);
    let (first, second) = (at("2015-05-17 10:00"), at("2015-05-18 10:00"));
    let mut by_minute = [0; 60];
    for number in 0..6_000 {
        let shop: ProviderId = format!("shop-{number}").parse().unwrap();
        let due = rules.next_due(&shop, at("2015-05-17 00:30"));
        let minute = due.duration_since(first).as_mins();
        by_minute[usize::try_from(minute).unwrap()] += 1;
        assert_eq!(rules.next_due(&shop, due), due, "now included");
        let next = rules.next_due(&shop, due + SignedDuration::from_secs(1));
        assert_eq!(next.duration_since(second), due.duration_since(first), "{shop}");
        assert_eq!(rules.next_day_due(&shop, due), next, "{shop}");
    }
    assert!(by_minute.iter().all(|count| (60..150).contains(count)), "{by_minute:?}");
}

#[test]
fn debit_that_follows_another_in_the_window_is_due_at_once_and_before_it_at_its_providers_time() {
    let rules = window(Time::constant(10, 0, 0, 0), 60);
    let shop = provider().provider;
    let due = rules.next_due(&shop, at("2015-05-17 00:30"));
    assert!(due > at("2015-05-17 10:00") && due < at("2015-05-17 11:00"), "{due}");
    for now in [due, due + SignedDuration::from_secs(1), at("2015-05-17 23:59")] {
        assert_eq!(rules.same_day_due(&shop, now), now);
    }
    assert_eq!(rules.same_day_due(&shop, at("2015-05-17 10:00")), due);
}

#[test]
fn window_ends_at_midnight() {
    let evening = Time::constant(23, 50, 0, 0);
    let (begin, midnight) = (at("2015-05-17 23:50"), at("2015-05-18 00:00"));
    for (time, minutes, before) in [
        (evening, 60, midnight),
        (evening, u16::MAX, midnight),
        (evening, 1, at("2015-05-17 23:51")),
    ] {
        let rules = window(time, minutes);
        for number in 0..1_000 {
            let shop = format!("shop-{number}").parse().unwrap();
            let due = rules.next_due(&shop, at("2015-05-17 12:00"));
            assert!(begin <= due && due < before, "{due} of {minutes} minutes");
        }
    }
}

#[test]
fn a_new_debit_is_an_intent_without_an_amount() {
    let debit = opened(&provider().provider, 7, at("2015-05-17 00:30"));
    assert_eq!((debit.terms.as_ref(), debit.reserved()), (None, Fen::ZERO));
    assert_eq!((debit.attempt_count(), debit.last_attempt()), (0, None));
    assert_eq!(debit.due_at(), Some(at("2015-05-17 10:00")));
    assert_eq!(debit.next_step(at(NOW)), Step::Pay);
}

#[test]
fn the_first_sending_fixes_what_a_debit_asks_for() {
    let first = sending(&after_all(&[]), AMOUNT, at(NOW));
    assert_eq!((first.terms.as_ref(), first.reserved()), (Some(&terms(AMOUNT)), AMOUNT));
    let declined = then(&first, &[(NOW, pay_declined())]);
    for fen in [1, 1233, 1235, 99_999] {
        let other = DebitTerms { agreement_no: "another".to_owned(), ..terms(Fen::new(fen)) };
        let number = declined.next_out_trade_no(&realm());
        let now = at("2015-05-18 10:00");
        let again = declined.sending(other, number, "x".to_owned(), now).unwrap();
        assert_eq!((again.terms.as_ref(), again.reserved()), (Some(&terms(AMOUNT)), AMOUNT));
    }
}

#[test]
fn a_debit_is_stored_as_sending_for_a_minute_before_its_sender_is_thought_dead() {
    let debit = after_all(&[sent(NOW)]);
    assert_eq!(debit.task.due_at_s, at("2015-05-17 10:01"));
    assert_eq!(debit.next_step(at("2015-05-17 10:00:59")), Step::Wait);
    assert_eq!(debit.next_step(at("2015-05-17 10:01")), Step::Query);
    assert_eq!(debit.last_attempt().unwrap().sent_at_s, at(NOW));
}

#[test]
fn only_a_debit_that_is_due_is_sent_withdrawn_capped_or_given_up_for_its_mandate() {
    for (name, debit) in every_phase() {
        let refused = |input| match after(&debit, &input, debit.task.due_at_s) {
            Ok(_) => false,
            Err(Refused::Conflict(error)) => {
                assert_eq!((error.debit, &error.phase), (DebitId(7), &debit.phase));
                true
            }
            Err(refused) => unreachable!("{refused:?}"),
        };
        let is_due = name.starts_with("due");
        let is_unsent = name == "due";
        assert_eq!(refused(Input::Sent("x")), !is_due, "{name} sent");
        assert_eq!(refused(Input::Withdrawn), !is_unsent, "{name} withdrawn");
        assert_eq!(refused(Input::Capped), !is_unsent, "{name} capped");
        // What was sent may have been taken, so that it can't simply end.
        assert_eq!(refused(Input::WithoutMandate), !is_due || is_unsent, "{name} without mandate");
        assert_eq!(refused(Input::Postponed), !is_due || is_unsent, "{name} postponed");
    }
}

#[test]
fn an_unsent_debit_waits_for_the_next_day_when_the_day_is_capped() {
    for (now, due) in [
        (NOW, "2015-05-18 10:00"),
        ("2015-05-17 00:30", "2015-05-18 10:00"),
        ("2015-05-17 23:59:59", "2015-05-18 10:00"),
    ] {
        let capped = then(&after_all(&[]), &[(now, Input::Capped)]);
        assert_eq!((capped.due_at(), &capped.phase), (Some(at(due)), &Phase::Due), "{now}");
        assert_eq!((capped.terms.as_ref(), capped.declines.len()), (None, 0));
    }
}

#[test]
fn the_same_number_and_bytes_are_sent_through_declines_and_doubts() {
    let sending_again = |time| (time, Input::Sent("amount=12.34&built=again"));
    let first = after_all(&[sent("2015-05-17 10:00")]);
    let last = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:00", pay_in_doubt()),
        ("2015-05-17 10:01", query_in_doubt()),
        ("2015-05-17 10:03", not_found()),
        sending_again("2015-05-17 10:03"),
        ("2015-05-17 10:03", pay_declined()),
        sending_again("2015-05-18 10:00"),
        ("2015-05-18 10:01", pending()),
        sending_again("2015-05-18 10:01"),
        ("2015-05-18 10:01", pay_declined()),
        sending_again("2015-05-20 10:00"),
    ]);
    let (first, attempt) = (first.last_attempt().unwrap(), last.last_attempt().unwrap());
    assert_eq!(attempt.request, "amount=12.34");
    assert_eq!((&attempt.out_trade_no, &attempt.request), (&first.out_trade_no, &first.request));
    assert_eq!(attempt.sent_at_s, at("2015-05-20 10:00"), "when it was last sent");
    assert_eq!((last.attempt_count(), last.declines.len()), (1, 2));
}

#[test]
fn a_new_number_with_bytes_of_its_own_is_used_only_after_the_old_one_was_closed() {
    let first = after_all(&[sent("2015-05-17 10:00")]);
    let closed = then(&first, &[("2015-05-17 10:01", query_closed())]);
    assert_eq!((closed.attempt_count(), closed.next_step(at("2015-05-17 10:01"))), (1, Step::Pay));
    assert!(closed.last_attempt().unwrap().is_closed);
    let second = then(&closed, &[("2015-05-17 10:01", Input::Sent("second"))]);
    let [old, new] = &second.attempts[..] else { unreachable!("{second:?}") };
    assert_eq!((&*old.request, &*new.request), ("amount=12.34", "second"));
    assert_ne!(old.out_trade_no, new.out_trade_no);
    assert!(old.is_closed && !new.is_closed);
    assert_eq!((second.attempt(1), second.attempt(2)), (Some(old), Some(new)));
    assert_eq!((second.attempt(0), second.attempt(3)), (None, None));
}

#[test]
fn the_number_of_an_attempt_names_the_realm_the_provider_the_debit_and_the_attempt() {
    let other = Realm::parse("000000").unwrap();
    for (name, ours, theirs) in [
        ("due", "SYk3x9ab_8d9001d32c6a703d_D7_1", "SY000000_8d9001d32c6a703d_D7_1"),
        // The number of what was sent stays, whatever the realm is now.
        ("sending", "SYk3x9ab_8d9001d32c6a703d_D7_1", "SYk3x9ab_8d9001d32c6a703d_D7_1"),
        ("due, second", "SYk3x9ab_8d9001d32c6a703d_D7_2", "SY000000_8d9001d32c6a703d_D7_2"),
        ("sending, second", "SYk3x9ab_8d9001d32c6a703d_D7_2", "SYk3x9ab_8d9001d32c6a703d_D7_2"),
    ] {
        let numbers = [&realm(), &other].map(|realm| in_phase(name).next_out_trade_no(realm));
        assert_eq!(numbers.each_ref().map(OutTradeNo::as_str), [ours, theirs], "{name}");
    }
}

#[test]
fn the_payer_reads_the_days_and_the_number_of_the_debit() {
    let of_days = |from: &str, through: &str| DebitTerms {
        from: from.parse().unwrap(),
        through: through.parse().unwrap(),
        ..terms(AMOUNT)
    };
    let debit = in_phase("due");
    for (from, through, subject) in [
        ("2015-05-17", "2015-05-17", "API service fee 2015-05-17, no. 7"),
        ("2015-05-17", "2015-05-18", "API service fee 2015-05-17 to 2015-05-18, no. 7"),
        ("2014-12-31", "2015-05-18", "API service fee 2014-12-31 to 2015-05-18, no. 7"),
    ] {
        assert_eq!(debit.subject(&of_days(from, through)), subject);
    }
}

#[test]
fn no_two_debits_share_a_subject_and_none_has_a_character_that_the_gateway_refuses() {
    let mut subjects = BTreeSet::new();
    for debit in [1, 2, 10, 11, 17, 2015, u64::MAX] {
        for (from, through) in [("2015-05-01", "2015-05-01"), ("2015-05-01", "2015-05-17")] {
            let days = DebitTerms {
                from: from.parse().unwrap(),
                through: through.parse().unwrap(),
                ..terms(AMOUNT)
            };
            let debit = opened(&provider().provider, debit, at(NOW));
            let subject = debit.subject(&days);
            assert!(!subject.contains(['/', '=', '&']), "{subject}");
            assert!(subject.contains(from) && subject.contains(through), "{subject}");
            // Alipay takes 256 characters.
            assert!(subject.is_ascii() && subject.len() <= 256, "{subject}");
            assert!(subjects.insert(subject.clone()), "{subject} twice");
        }
    }
}
