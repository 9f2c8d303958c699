//! The breaker stops all debits when none can succeed, and lets them go on by itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "debits of this test are only named")]
#[path = "../common/mod.rs"]
mod common;
mod gathered;

use common::at;
use expect_test::{expect, expect_file};
use jiff::{SignedDuration, Timestamp, Unit};
use proptest::prelude::*;
use steelyard_billing::breaker::{ASKED_MIN, Breaker, BreakerState, Permit, Trip, WINDOW_MINUTES};
use steelyard_billing::{
    DebitId, Decline, DeclineReason, Doubt, GatewayCode, PayAnswer, Payment, ProviderId, Reason,
};
use steelyard_pricing::Fen;

const NOW: &str = "2015-05-17 10:00";

/// The inputs of a breaker.
#[derive(Clone, Debug)]
enum Input {
    Answer(PayAnswer),
    Probe(PayAnswer),
    Probing,
    Resumed,
    Stopped,
}

fn code() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}

fn paid() -> PayAnswer {
    PayAnswer::Paid(Payment { trade_no: "2015".to_owned(), amount_fen: Fen::new(1234) })
}

fn in_doubt() -> PayAnswer {
    PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned()))
}

fn own_account() -> PayAnswer {
    PayAnswer::OwnAccount(code())
}

fn every_answer() -> Vec<(&'static str, PayAnswer)> {
    let declined = Decline { reason: DeclineReason::Funds, sub_code: code().0 };
    vec![
        ("paid", paid()),
        ("declined", PayAnswer::Declined(declined)),
        ("mandate dead", PayAnswer::MandateDead(code())),
        ("payer blocked", PayAnswer::PayerBlocked(code())),
        ("own account", own_account()),
        ("own fault", PayAnswer::OwnFault(code())),
        ("throttled", PayAnswer::Throttled(code())),
        ("in doubt", in_doubt()),
    ]
}

fn every_input() -> Vec<(String, Input)> {
    let answers = every_answer().into_iter();
    let answers = answers.map(|(name, answer)| (name.to_owned(), Input::Answer(answer)));
    let probes = every_answer().into_iter();
    let probes = probes.map(|(name, answer)| (format!("probe: {name}"), Input::Probe(answer)));
    let others = [("probing", Input::Probing), ("resumed", Input::Resumed)];
    let others = others.into_iter().chain([("stopped", Input::Stopped)]);
    answers.chain(probes).chain(others.map(|(name, input)| (name.to_owned(), input))).collect()
}

fn shop() -> ProviderId {
    "shop".parse().unwrap()
}

fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

/// The only place of this test that moves a breaker. None if no probe is permitted.
fn after(breaker: &Breaker, input: &Input, now: Timestamp) -> Option<Breaker> {
    match input {
        Input::Answer(answer) => Some(breaker.after(answer, &[], false, now)),
        Input::Probe(answer) => Some(breaker.after(answer, &[], true, now)),
        Input::Probing => breaker.probing(&shop(), DebitId(7), now),
        Input::Resumed => Some(breaker.resumed(reason("Li: the account is mended"), now)),
        Input::Stopped => Some(breaker.stopped(reason("Li: wrong prices"), now)),
    }
}

fn after_all(inputs: &[(&str, Input)]) -> Breaker {
    inputs.iter().fold(Breaker::default(), |breaker, (time, input)| {
        after(&breaker, input, at(time)).unwrap()
    })
}

/// So many answers at one time, the first of them in doubt.
fn answered(doubted: usize, asked: usize, time: &'static str) -> Vec<(&'static str, Input)> {
    let doubts = std::iter::repeat_n(in_doubt(), doubted);
    let answers = doubts.chain(std::iter::repeat_n(paid(), asked - doubted));
    answers.map(|answer| (time, Input::Answer(answer))).collect()
}

fn every_state() -> Vec<(&'static str, Breaker)> {
    let tripped = ("2015-05-17 09:30", Input::Answer(own_account()));
    let probing = ("2015-05-17 09:59:30", Input::Probing);
    let stopped = ("2015-05-17 09:59:45", Input::Stopped);
    vec![
        ("closed", after_all(&answered(1, 3, NOW))),
        ("closed, doubtful", after_all(&answered(5, 9, NOW))),
        ("open", after_all(&[("2015-05-17 09:50", Input::Answer(own_account()))])),
        ("open, doubts", after_all(&answered(10, 10, "2015-05-17 09:30"))),
        ("probing", after_all(&[tripped.clone(), probing.clone()])),
        ("probe died", after_all(&[tripped.clone(), ("2015-05-17 09:59", Input::Probing)])),
        ("stopped", after_all(std::slice::from_ref(&stopped))),
        ("stopped, probing", after_all(&[tripped, probing, stopped])),
    ]
}

/// A breaker as a row of a table.
fn note(breaker: &Breaker) -> String {
    let state = match &breaker.state {
        BreakerState::Closed => "closed".to_owned(),
        BreakerState::Open { since_s, why, probe_at_s, probes } => {
            let why = match why {
                Trip::OwnAccount(_) => "own account".to_owned(),
                Trip::TooMuchTrouble { asked, troubled } => format!("{troubled} of {asked}"),
                Trip::ByOperator { .. } => "operator".to_owned(),
            };
            let probe = probe_at_s.map_or("never".to_owned(), clock);
            format!("open {}, {why:11}, probe {probe}, {probes} failed", clock(*since_s))
        }
    };
    let minutes = breaker.minutes.iter().map(|m| format!("{}/{} ", m.troubled, m.asked));
    let minutes: String = minutes.collect();
    let probing = if breaker.probing.is_some() { "probing" } else { "" };
    format!("{state:48} {:5} | {minutes}{probing}", format!("{:?}", breaker.permit(at(NOW))))
}

/// What a wall clock in Shanghai shows.
fn clock(instant: Timestamp) -> String {
    instant.in_tz("Asia/Shanghai").unwrap().strftime("%H:%M").to_string()
}

#[test]
fn every_input_in_every_state_has_one_outcome() {
    let mut rows = Vec::new();
    for (from, breaker) in every_state() {
        rows.push(format!("{from:16} | {:20} | {}", "-", note(&breaker)));
        for (name, input) in every_input() {
            let to = match after(&breaker, &input, at(NOW)) {
                Some(same) if same == breaker => "SAME".to_owned(),
                Some(breaker) => note(&breaker),
                None => "NOT PERMITTED".to_owned(),
            };
            rows.push(format!("{from:16} | {name:20} | {to}"));
        }
    }
    let rows: Vec<_> = rows.iter().map(|row| row.trim_end()).collect();
    expect_file!["table.txt"].assert_eq(&(rows.join("\n") + "\n"));
}

#[test]
fn half_of_ten_in_doubt_within_five_minutes_stop_all_debits() {
    for (doubted, asked, stops) in [
        (9, 9, false),
        (5, 10, true),
        (4, 10, false),
        (5, 11, false),
        (6, 11, true),
        (10, 10, true),
    ] {
        // The doubts come last, so that only the last answer can stop debits.
        let mut answers = answered(doubted, asked, NOW);
        answers.reverse();
        assert_eq!(after_all(&answers).permit(at(NOW)) != Permit::Go, stops, "{doubted}/{asked}");
    }
}

#[test]
fn requests_refused_as_wrong_stop_all_debits_like_doubts() {
    let refused = |number| vec![(NOW, Input::Answer(PayAnswer::OwnFault(code()))); number];
    let nine = after_all(&refused(9));
    assert_eq!(nine.permit(at(NOW)), Permit::Go);
    let ten = after_all(&[answered(0, 5, NOW), refused(5)].concat());
    assert_eq!(ten.permit(at(NOW)), Permit::Stop);
    // Each debit is held by its refusal, so that the probe that says the same is another's.
    let probe = [("10:15", Input::Probing), ("10:15", Input::Probe(PayAnswer::OwnFault(code())))];
    let probed = probe.map(|(time, input)| (format!("2015-05-17 {time}"), input));
    let still =
        probed.iter().fold(ten, |breaker, (time, input)| after(&breaker, input, at(time)).unwrap());
    assert_eq!(still.permit(at("2015-05-17 10:30")), Permit::Stop);
    assert_eq!(still.permit(at("2015-05-17 10:45")), Permit::Probe);
}

#[test]
fn doubts_are_forgotten_after_five_minutes() {
    let doubts = answered(9, 9, "2015-05-17 10:00:59");
    for (last, stops) in [("2015-05-17 10:04:59", true), ("2015-05-17 10:05:00", false)] {
        let answers = [&doubts[..], &answered(1, 1, last)].concat();
        assert_eq!(after_all(&answers).permit(at(last)) == Permit::Stop, stops, "{last}");
    }
    let others = after_all(&answered(9, 9, "2015-05-17 11:00"));
    let behind = after(&others, &Input::Answer(in_doubt()), at("2015-05-17 10:59:59")).unwrap();
    assert_eq!(behind.permit(at(NOW)), Permit::Stop, "a clock that runs behind");
    let ahead = after(&others, &Input::Answer(in_doubt()), at("2015-05-17 10:55:59")).unwrap();
    assert_eq!(ahead.minutes.len(), 1, "a clock that ran ahead is forgotten");
}

#[test]
fn probes_that_fail_are_made_after_15_minutes_doubling_up_to_four_hours() {
    let mut breaker = after_all(&[(NOW, Input::Answer(own_account()))]);
    let (mut waits, mut before) = (Vec::new(), at(NOW));
    for answer in [own_account(), in_doubt(), own_account(), in_doubt(), in_doubt(), in_doubt()] {
        let BreakerState::Open { probe_at_s: Some(now), since_s, .. } = breaker.state else {
            unreachable!()
        };
        assert_eq!(since_s, at(NOW));
        assert_eq!(breaker.permit(now - SignedDuration::from_secs(1)), Permit::Stop);
        assert_eq!(breaker.permit(now), Permit::Probe);
        waits.push((now - before).total(Unit::Minute).unwrap());
        let probing = after(&breaker, &Input::Probing, now).unwrap();
        breaker = after(&probing, &Input::Probe(answer), now).unwrap();
        before = now;
    }
    assert_eq!(waits, [15.0, 30.0, 60.0, 120.0, 240.0, 240.0]);
}

#[test]
fn one_probe_runs_at_once_and_one_that_died_is_forgotten() {
    let open = after_all(&[("2015-05-17 09:00", Input::Answer(own_account()))]);
    let probing = open.probing(&shop(), DebitId(7), at(NOW)).unwrap();
    for (now, permit) in [
        (NOW, Permit::Stop),
        ("2015-05-17 10:00:59", Permit::Stop),
        ("2015-05-17 10:01", Permit::Probe),
    ] {
        assert_eq!(probing.permit(at(now)), permit, "{now}");
        assert_eq!(
            probing.probing(&shop(), DebitId(8), at(now)).is_some(),
            permit == Permit::Probe,
            "{now}"
        );
    }
}

#[test]
fn what_was_answered_before_debits_went_on_counts_no_more() {
    let resumed = after_all(&[answered(10, 10, NOW), vec![(NOW, Input::Resumed)]].concat());
    assert_eq!((resumed.permit(at(NOW)), resumed.minutes.len()), (Permit::Go, 0));
    let doubted = after(&resumed, &Input::Answer(in_doubt()), at(NOW)).unwrap();
    assert_eq!(doubted.permit(at(NOW)), Permit::Go);
}

#[test]
fn what_a_person_stopped_goes_on_only_by_a_person() {
    let stopped = after_all(&[(NOW, Input::Stopped)]);
    assert_eq!(stopped.permit(at("2016-01-01 00:00")), Permit::Stop);
    for (_, answer) in every_answer() {
        assert_eq!(stopped.after(&answer, &[], true, at(NOW)).permit(at(NOW)), Permit::Stop);
    }
    let resumed = after(&stopped, &Input::Resumed, at(NOW)).unwrap();
    assert_eq!(resumed.permit(at(NOW)), Permit::Go);
    let resumption = resumed.resumed.unwrap();
    assert_eq!(resumption.reason.as_str(), "Li: the account is mended");
    assert_eq!(resumption.was, Trip::ByOperator { reason: reason("Li: wrong prices") });
}

#[test]
fn a_breaker_is_read_as_it_was_stored_and_says_nothing_more() {
    let check = |breaker: &Breaker| {
        let stored = serde_json::to_string(breaker).unwrap();
        assert_eq!(serde_json::from_str::<Breaker>(&stored).unwrap(), *breaker, "as a text");
        let value = serde_json::to_value(breaker).unwrap();
        assert_eq!(serde_json::from_value::<Breaker>(value).unwrap(), *breaker, "as a value");
        stored
    };
    let texts: Vec<_> = every_state().iter().map(|(_, breaker)| check(breaker)).collect();
    expect![[r#"
        {"version":0,"breaker":"closed","minutes":[{"minute":23863800,"asked":3,"troubled":1}]}
        {"version":0,"breaker":"closed","minutes":[{"minute":23863800,"asked":9,"troubled":5}]}
        {"version":0,"breaker":"open","since_s":1431827400,"why":{"own_account":"ACQ.SOME_CODE"},"probe_at_s":1431828300,"probes":0}
        {"version":0,"breaker":"open","since_s":1431826200,"why":{"too_much_trouble":{"asked":10,"troubled":10}},"probe_at_s":1431827100,"probes":0}
        {"version":0,"breaker":"open","since_s":1431826200,"why":{"own_account":"ACQ.SOME_CODE"},"probe_at_s":1431827100,"probes":0,"probing":{"provider":"shop","debit":7,"until_s":1431828030}}
        {"version":0,"breaker":"open","since_s":1431826200,"why":{"own_account":"ACQ.SOME_CODE"},"probe_at_s":1431827100,"probes":0,"probing":{"provider":"shop","debit":7,"until_s":1431828000}}
        {"version":0,"breaker":"open","since_s":1431827985,"why":{"by_operator":{"reason":"Li: wrong prices"}},"probes":0}
        {"version":0,"breaker":"open","since_s":1431827985,"why":{"by_operator":{"reason":"Li: wrong prices"}},"probes":0}"#]].assert_eq(&texts.join("\n"));
    expect![[r#"{"version":0,"breaker":"closed"}"#]].assert_eq(&check(&Breaker::default()));
    let (_, probing) = &every_state()[4];
    expect![[r#"{"version":0,"breaker":"closed","resumed":{"at_s":1431828000,"reason":"Li: the account is mended","was":{"own_account":"ACQ.SOME_CODE"}}}"#]].assert_eq(&check(&after(probing, &Input::Resumed, at(NOW)).unwrap()));
}

fn inputs() -> impl Strategy<Value = Vec<(Input, i64)>> {
    let input = prop::sample::select(every_input().into_iter().map(|(_, i)| i).collect::<Vec<_>>());
    prop::collection::vec((input, prop_oneof![-30_i64..60, 0_i64..10_000]), 0..80)
}

proptest! {
    #[test]
    fn no_sequence_keeps_more_than_the_window_or_opens_without_a_reason(inputs in inputs()) {
        let mut now = at(NOW);
        let mut breaker = Breaker::default();
        for (input, seconds) in &inputs {
            now += SignedDuration::from_secs(*seconds);
            let Some(next) = after(&breaker, input, now) else {
                prop_assert_ne!(breaker.permit(now), Permit::Probe);
                continue;
            };
            let minutes: Vec<_> = next.minutes.iter().map(|minute| minute.minute).collect();
            prop_assert!(minutes.is_sorted() && minutes.len() <= 9, "{minutes:?}");
            let first_and_last = minutes.first().zip(minutes.last());
            prop_assert!(first_and_last.is_none_or(|(a, b)| b - a < 2 * WINDOW_MINUTES));
            if let BreakerState::Open { why: Trip::TooMuchTrouble { asked, troubled }, .. } = next.state {
                prop_assert!(asked >= ASKED_MIN && 2 * troubled >= asked);
            }
            let (was_open, is_open) = (breaker.permit(now) != Permit::Go, next.permit(now) != Permit::Go);
            if was_open && !is_open {
                prop_assert!(matches!(input, Input::Probe(_) | Input::Resumed), "closed by {input:?}");
            }
            prop_assert!(!is_open || next.minutes.is_empty());
            prop_assert!(is_open || next.probing.is_none());
            breaker = next;
        }
    }
}
