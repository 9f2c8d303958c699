//! Requests for refunds that nobody answered: a refund ends only when none can still arrive.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::{Doubt, RefundAnswer, RefundPhase, RefundQueryAnswer, RefundStep};

use crate::common::at;
use crate::refunds::{
    Input, after, after_all, asked, code, done, found_refunded, in_doubt, not_refunded, refused,
};

/// How long a request may take to arrive.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(15);

#[test]
fn a_second_request_that_is_refused_does_not_refuse_the_first() {
    let twice = after_all(&[
        ("10:00:00", Input::Sent),
        ("10:00:00", in_doubt()),
        ("10:00:10", not_refunded()),
        ("10:00:11", Input::Sent),
        ("10:00:12", refused()),
    ]);
    for (time, ends) in [
        ("10:00:13", false),
        ("10:01:12", false),
        ("10:14:59", false),
        ("10:15:00", true),
        ("10:40", true),
    ] {
        let now = at(&format!("2015-05-17 {time}"));
        let queried = after(&twice, &not_refunded(), now).unwrap();
        let is_refused = matches!(queried.phase, RefundPhase::Refused { .. });
        assert_eq!((is_refused, queried.counts()), (ends, !ends), "{time}");
        // The first request may arrive as long as that.
        let arrived = after(&queried, &found_refunded(500), now);
        assert_eq!(arrived.is_ok_and(|refund| refund.phase == RefundPhase::Done), !ends, "{time}");
    }
}

#[test]
fn a_refusal_of_the_only_request_is_proved_by_one_query() {
    let once = after_all(&[("10:00", Input::Sent), ("10:00:02", refused())]);
    let queried = after(&once, &not_refunded(), at("2015-05-17 10:00:03")).unwrap();
    assert_eq!(queried.phase, RefundPhase::Refused { code: code(), acknowledged: None });
}

#[test]
fn a_request_whose_sender_crashed_may_arrive_for_a_quarter_of_an_hour() {
    let crashed = [("10:00", Input::Sent), ("10:01", not_refunded())];
    let refused = [("10:02", Input::Sent), ("10:02", refused())];
    let confirming = after_all(&[&crashed[..], &refused].concat());
    for (time, ends) in [("10:14:59", false), ("10:15", true)] {
        let now = at(&format!("2015-05-17 {time}"));
        assert_eq!(!after(&confirming, &not_refunded(), now).unwrap().counts(), ends, "{time}");
    }
}

/// Inputs that a refund gets, each after some seconds.
fn inputs() -> impl Strategy<Value = Vec<(Input, i64)>> {
    let input = prop::sample::select(vec![
        done(),
        refused(),
        refused(),
        in_doubt(),
        in_doubt(),
        Input::Answer(RefundAnswer::OwnAccount(code())),
        not_refunded(),
        not_refunded(),
        not_refunded(),
        not_refunded(),
        found_refunded(500),
        found_refunded(499),
        Input::Query(RefundQueryAnswer::InDoubt(Doubt("x".to_owned()))),
        Input::Bill(500),
        Input::Bill(1),
        Input::Acknowledged,
    ]);
    prop::collection::vec((input, prop_oneof![0_i64..120, 0_i64..4_000]), 0..40)
}

/// Whether the input says that the refund was carried out.
fn says_done(input: &Input) -> bool {
    match input {
        Input::Answer(RefundAnswer::Refunded { .. }) | Input::Bill(500) => true,
        Input::Query(RefundQueryAnswer::Refunded { amount_fen }) => amount_fen.get() == 500,
        Input::Answer(
            RefundAnswer::OwnAccount(_) | RefundAnswer::Refused(_) | RefundAnswer::InDoubt(_),
        )
        | Input::Query(RefundQueryAnswer::NotRefunded | RefundQueryAnswer::InDoubt(_))
        | Input::Bill(_)
        | Input::Sent
        | Input::Reported
        | Input::Acknowledged => false,
    }
}

/// The times at which requests were sent that nobody has answered since.
fn still_on_their_way(sent: &[Timestamp], now: Timestamp) -> usize {
    sent.iter().filter(|sent| now < **sent + ON_ITS_WAY).count()
}

proptest! {
    #[test]
    fn a_refund_ends_refused_only_when_no_request_for_it_can_arrive(inputs in inputs()) {
        let mut now = at("2015-05-17 10:00");
        let mut refund = asked();
        let mut unanswered = Vec::new();
        for (input, seconds) in &inputs {
            now += SignedDuration::from_secs(*seconds);
            if refund.next_step(now) == RefundStep::Send {
                refund = after(&refund, &Input::Sent, now).unwrap();
                unanswered.push(now);
            }
            let Ok(next) = after(&refund, input, now) else { continue };
            if let Input::Answer(answer) = input && !matches!(answer, RefundAnswer::InDoubt(_)) {
                unanswered.pop();
            }
            let was_done = refund.phase == RefundPhase::Done;
            prop_assert_eq!(next.phase == RefundPhase::Done, was_done || says_done(input));
            if refund.counts() && !next.counts() {
                prop_assert_eq!(still_on_their_way(&unanswered, now), 0, "{:?}", refund);
                prop_assert!(matches!(input, Input::Query(RefundQueryAnswer::NotRefunded)));
            }
            prop_assert!(refund.counts() || !next.counts(), "an ended refund stays ended");
            prop_assert_eq!(next.number(), refund.number());
            refund = next;
        }
    }
}
