//! What a mandate allows, and when it is asked about.

use jiff::{SignedDuration, Timestamp, Unit};
use steelyard_billing::mandate::{
    Mandate, MandateError, MandateLimits, MandatePhase, MandateStep, OFFER_LAPSES_AFTER,
};
use steelyard_billing::{
    Agreement, AgreementAnswer, DEBIT_MAX, MandateId, Outcome, PayAnswer, UnsignAnswer,
};
use steelyard_pricing::Fen;

use crate::common::{at, provider, rules};
use crate::inputs::{
    Input, NOW, NUMBER, OURS, adopted, agreement, changed, every_phase, given_up, in_force,
    in_force_until, limits, offered, payer_blocked, query_in_doubt, refusal, revoked_here,
};
use crate::realm::realm;

/// How many minutes pass from query to query when each gets the same answer.
fn waits(mut mandate: Mandate, answer: &AgreementAnswer, queries: usize) -> Vec<f64> {
    let mut waits = Vec::new();
    let mut before = mandate.offered_at_s;
    while let (Some(now), true) = (mandate.due_at(), waits.len() < queries) {
        waits.push((now - before).total(Unit::Minute).unwrap());
        before = now;
        let Outcome::Changed(next) = mandate.after_query(answer.clone(), now) else { break };
        mandate = next;
    }
    waits
}

#[test]
fn an_offer_is_asked_about_early_then_every_six_hours_until_it_lapses() {
    let early = [1.0, 2.0, 7.0, 20.0, 30.0];
    for answer in [AgreementAnswer::NotFound, AgreementAnswer::NotYetInForce] {
        let waits = waits(offered(NOW), &answer, 100);
        assert_eq!(waits[..5], early);
        assert_eq!(waits[5..32], [360.0; 27]);
        assert_eq!(waits[32..], [300.0], "the last time is when it lapses");
        assert!((waits.iter().sum::<f64>() - 7.0 * 24.0 * 60.0).abs() < 0.1);
    }
}

#[test]
fn doubt_lets_no_offer_lapse() {
    let mut mandate = offered(NOW);
    for _ in 0..50 {
        let due = mandate.due_at().unwrap();
        let Outcome::Changed(next) = mandate.after_query(AgreementAnswer::Suspended, due) else {
            unreachable!()
        };
        mandate = next;
    }
    assert!(mandate.task.due_at_s > at(NOW) + OFFER_LAPSES_AFTER);
    assert_eq!(mandate.phase, MandatePhase::Offered);
    let doubted = changed(&mandate, &query_in_doubt(), "2015-05-27 10:00");
    assert_eq!((doubted.phase, doubted.task.retries), (MandatePhase::Offered, 52));
    assert_eq!(doubted.task.due_at_s, at("2015-05-27 16:00"));
}

#[test]
fn a_suspended_mandate_is_asked_about_every_day_and_one_of_a_debit_at_once() {
    let day = 24.0 * 60.0;
    let adopted = adopted(NOW);
    let suspended = changed(&adopted, &Input::Query(AgreementAnswer::Suspended), NOW);
    assert_eq!(waits(suspended, &AgreementAnswer::Suspended, 3), [day, day, day]);
    let by_debit = changed(&adopted, &payer_blocked(), NOW);
    let in_force = AgreementAnswer::InForce(agreement(NUMBER, None));
    assert_eq!(waits(by_debit, &in_force, 3), [0.0, day, day]);
}

#[test]
fn one_that_cannot_be_ended_is_tried_again_less_and_less_often() {
    let mut mandate = changed(&adopted(NOW), &revoked_here(), NOW);
    let mut waits = Vec::new();
    for _ in 0..9 {
        let now = mandate.task.due_at_s;
        assert_eq!(mandate.next_step(now), MandateStep::Unsign);
        let Ok(Outcome::Changed(ask)) = mandate.after_unsign(UnsignAnswer::NotInForce, now) else {
            unreachable!()
        };
        assert_eq!((ask.next_step(now), ask.task.due_at_s), (MandateStep::Query, now));
        let answer = AgreementAnswer::InForce(agreement(NUMBER, None));
        let Outcome::Changed(again) = ask.after_query(answer, now) else { unreachable!() };
        waits.push((again.task.due_at_s - now).total(Unit::Minute).unwrap());
        mandate = again;
    }
    assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
}

#[test]
fn doubts_about_an_offer_do_not_delay_its_end() {
    let doubted = changed(&changed(&offered(NOW), &query_in_doubt(), NOW), &query_in_doubt(), NOW);
    let ending = changed(&doubted, &revoked_here(), NOW);
    let again = changed(&ending, &query_in_doubt(), NOW);
    assert_eq!((doubted.task.retries, again.task.due_at_s), (3, at("2015-05-17 10:01")));
}

#[test]
fn a_mandate_whose_time_is_over_is_not_usable_and_is_asked_about_then() {
    let end = at("2015-06-01 00:00");
    let mandate = changed(&offered(NOW), &in_force_until("2015-06-01 00:00"), NOW);
    let second = SignedDuration::from_secs(1);
    assert!(mandate.is_usable(end - second) && !mandate.is_usable(end));
    assert_eq!(mandate.due_at(), Some(end));
    let extended = changed(&mandate, &in_force_until("2015-07-01 00:00"), "2015-06-01 00:00");
    assert!(extended.is_usable(end));
    assert_eq!(extended.due_at(), Some(at("2015-07-01 00:00")));
}

#[test]
fn the_gateway_is_asked_once_on_each_calendar_day_of_the_platform() {
    let calendar = rules().calendar;
    let needs = |mandate: &Mandate, now: &str| mandate.needs_check(&calendar, at(now));
    assert!(needs(&offered(NOW), NOW), "never asked about");
    assert!(!needs(&adopted(NOW), NOW), "adopted by its answer");
    let checked = changed(&offered(NOW), &in_force(), "2015-05-17 23:59:59");
    for (now, expected) in [
        ("2015-05-17 23:59:59", false),
        ("2015-05-18 00:00", true),
        ("2015-05-18 23:59:59", true),
        // 16:00 of the day before in UTC, which is the same date there.
        ("2015-05-17 00:00", false),
    ] {
        assert_eq!(needs(&checked, now), expected, "{now}");
    }
    let doubted = changed(&checked, &query_in_doubt(), "2015-05-18 10:00");
    assert!(needs(&doubted, "2015-05-18 10:00"), "doubt is no answer");
}

#[test]
fn what_a_person_resumed_is_asked_about_before_it_is_used() {
    for stop in [Input::Query(AgreementAnswer::Suspended), payer_blocked()] {
        let stopped = changed(&changed(&offered(NOW), &in_force(), NOW), &stop, NOW);
        let resumed = changed(&stopped, &Input::Resumed, NOW);
        assert!(resumed.is_usable(at(NOW)) && resumed.needs_check(&rules().calendar, at(NOW)));
    }
}

#[test]
fn only_a_debit_under_the_mandate_that_found_it_dead_or_blocked_suspends_it() {
    let mandate = adopted(NOW);
    let debit = given_up(PayAnswer::MandateDead(refusal()));
    assert!(mandate.suspended_by(&debit, at(NOW)).is_some());
    let cap = steelyard_billing::Decline {
        reason: steelyard_billing::DeclineReason::AmountCap,
        sub_code: "ACQ.SOME_CODE".to_owned(),
    };
    let capped = given_up(PayAnswer::Declined(cap));
    assert_eq!(mandate.suspended_by(&capped, at(NOW)), None);
    let of_other_shop = Mandate { provider: "other".parse().unwrap(), ..mandate };
    assert_eq!(of_other_shop.suspended_by(&debit, at(NOW)), None);
}

#[test]
fn what_a_debit_found_of_a_suspended_mandate_needs_a_person_and_begins_no_new_time() {
    let suspended = changed(&adopted(NOW), &Input::Query(AgreementAnswer::Suspended), NOW);
    let by_debit = changed(&suspended, &payer_blocked(), "2015-05-17 12:00");
    let MandatePhase::Suspended { since_s, .. } = by_debit.phase else { unreachable!() };
    assert_eq!(since_s, at(NOW));
    let in_force = changed(&by_debit, &in_force(), "2015-05-17 12:00");
    assert_eq!(in_force.phase, by_debit.phase);
}

#[test]
fn the_least_limit_holds() {
    let limit = |single, daily: Option<i64>, gateway: Option<i64>| {
        let limits = MandateLimits { single_fen: Fen::new(single), daily_fen: daily.map(Fen::new) };
        let offered =
            Mandate::offer(&realm(), &provider().provider, MandateId(2), limits, at(NOW)).unwrap();
        let told =
            Agreement { single_limit_fen: gateway.map(Fen::new), ..agreement(NUMBER, Some(OURS)) };
        changed(&offered, &Input::Query(AgreementAnswer::InForce(told)), NOW).limit().get()
    };
    assert_eq!(limit(100, None, None), 100);
    assert_eq!(limit(100, Some(70), Some(80)), 70);
    assert_eq!(limit(100, Some(70), Some(60)), 60);
    assert_eq!(limit(100, Some(200), Some(300)), 100);
    assert_eq!(limit(100, None, Some(0)), 0, "nothing may be debited");
}

#[test]
fn what_the_gateway_leaves_out_stays_as_it_was_told() {
    let told = changed(&offered(NOW), &in_force_until("2016-05-17 00:00"), NOW);
    let silent = Agreement {
        single_limit_fen: None,
        signed_at: None,
        ends_at: None,
        payer_login: None,
        ..agreement(NUMBER, Some(OURS))
    };
    let after = changed(&told, &Input::Query(AgreementAnswer::InForce(silent)), "2015-05-18 10:00");
    let what = |mandate: &Mandate| (mandate.ends_at_s, mandate.signed_at_s, mandate.limit());
    assert_eq!(what(&after), what(&told));
    assert_eq!(after.checked_at_s, Some(at("2015-05-18 10:00")));
}

#[test]
fn a_mandate_that_makes_no_sense_is_refused_by_what_is_wrong_with_it() {
    let shop = provider().provider;
    let now: Timestamp = at(NOW);
    let adopt = |number: &str, limits| {
        Mandate::adopt(&shop, MandateId(2), agreement(number, None), limits, now)
    };
    for number in ["", "2015-1", "２０", "20 15"] {
        assert_eq!(adopt(number, limits()), Err(MandateError::AgreementNo(number.to_owned())));
    }
    for single_fen in [Fen::ZERO, Fen::new(-1), Fen::new(DEBIT_MAX.get() + 1)] {
        let refused = MandateError::SingleLimit(single_fen);
        assert_eq!(adopt(NUMBER, MandateLimits { single_fen, ..limits() }), Err(refused));
    }
    assert!(adopt(NUMBER, MandateLimits { single_fen: DEBIT_MAX, ..limits() }).is_ok());
    for daily in [Fen::ZERO, Fen::new(-1)] {
        let limits = MandateLimits { daily_fen: Some(daily), ..limits() };
        assert_eq!(adopt(NUMBER, limits), Err(MandateError::DailyLimit(daily)));
    }
    let adopted = |told: Agreement| Mandate::adopt(&shop, MandateId(2), told, limits(), now);
    let number = NUMBER.to_owned();
    for (ends_at, expected) in [
        (Some(now), Some(MandateError::Expired(number.clone()))),
        (Some(now + SignedDuration::from_secs(1)), None),
    ] {
        assert_eq!(adopted(Agreement { ends_at, ..agreement(NUMBER, None) }).err(), expected);
    }
    // One that Steelyard offered to another provider, to this one, and one of nobody's here.
    for (external, expected) in [
        ("SYk3x9ab0000000000000000M1", Some(MandateError::Anothers(number))),
        ("SYaaaaaa8d9001d32c6a703dM7", None),
        ("CRM7", None),
    ] {
        assert_eq!(adopted(agreement(NUMBER, Some(external))).err(), expected, "{external}");
    }
    for id in [MandateId(0), MandateId(10_000_000), MandateId(u32::MAX)] {
        assert_eq!(
            Mandate::offer(&realm(), &shop, id, limits(), now),
            Err(MandateError::Number(id))
        );
    }
    let last = Mandate::offer(&realm(), &shop, MandateId::MAX, limits(), now).unwrap();
    assert!(last.external_agreement_no.is_some_and(|number| number.as_str().len() == 32));
}

#[test]
fn every_phase_but_the_first_and_the_last_knows_alipays_number() {
    for (name, mandate) in every_phase() {
        let knows = match mandate.phase {
            MandatePhase::Active | MandatePhase::Suspended { .. } => true,
            MandatePhase::Offered => false,
            MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => continue,
        };
        assert_eq!(mandate.agreement_no.is_some(), knows, "{name}");
    }
}
