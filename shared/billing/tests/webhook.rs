//! Webhook endpoints: what is sent when, and what each answer changes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::event::Subject;
use steelyard_billing::webhook::{
    DOWN_AFTER, DisabledBecause, Endpoint, EndpointRef, EndpointStatus, EndpointUrl, NotReplayed,
    Outcome, PARKED_MAX, SigningSecret, TypePattern, Work,
};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NEXT_SECRET: &str = "whsec_D2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn secret(text: &str) -> SigningSecret {
    text.to_owned().try_into().unwrap()
}

fn reference() -> EndpointRef {
    EndpointRef { subject: Subject::Platform, endpoint: "ops".parse().unwrap() }
}

/// An endpoint that gets the events after 0.
fn endpoint(types: &[&str]) -> Endpoint {
    let url: EndpointUrl = "https://shop.example/hook".to_owned().try_into().unwrap();
    let types = types.iter().map(|pattern| pattern.parse().unwrap()).collect();
    Endpoint::new(reference(), url, types, secret(SECRET), 0, at(0))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

const HOUR: i64 = 3600;
const THREE_DAYS: i64 = 72 * HOUR;

/// The endpoint after an answer, where no event became a dead letter.
fn after(endpoint: Endpoint, sequence: u64, outcome: &Outcome, seconds: i64) -> Endpoint {
    let answered = endpoint.answered(sequence, outcome, at(seconds));
    assert_eq!(answered.dead, None);
    answered.endpoint
}

fn parked(endpoint: &Endpoint) -> Vec<(u64, u16, i64)> {
    endpoint.parked.iter().map(|p| (p.sequence, p.failures, p.due_at_s.as_second())).collect()
}

#[test]
fn a_failed_event_is_parked_and_the_next_is_sent() {
    let endpoint = after(endpoint(&[]), 1, &Outcome::Status(500), 10);
    assert_eq!(parked(&endpoint), [(1, 1, 15)]);
    assert_eq!(endpoint.next(at(10)), Work::Events { after: 1 });
    let endpoint = after(endpoint, 2, &Outcome::Delivered, 11);
    assert_eq!((endpoint.delivered_through, endpoint.failing_since_s), (2, None));
    assert_eq!(endpoint.next(at(15)), Work::Retry(1));
    let endpoint = after(endpoint, 1, &Outcome::Delivered, 15);
    assert_eq!((parked(&endpoint), endpoint.next(at(15))), (vec![], Work::Events { after: 2 }));
}

#[test]
fn every_failure_but_410_parks() {
    for outcome in [
        Outcome::Status(302),
        Outcome::Status(404),
        Outcome::TimedOut,
        Outcome::NotAllowed("169.254.169.254 is link-local".to_owned()),
        Outcome::Unreachable("connection refused".to_owned()),
    ] {
        let endpoint = after(endpoint(&[]), 1, &outcome, 0);
        assert_eq!(parked(&endpoint), [(1, 1, 5)], "{outcome}");
        assert_eq!(endpoint.last.unwrap().outcome, outcome);
    }
}

#[test]
fn waits_grow_and_the_last_try_is_three_days_after_the_first() {
    let (mut endpoint, mut tries, mut now) = (endpoint(&[]), vec![0], 0);
    let dead = loop {
        // Another event succeeds each time, so that the endpoint is not at fault.
        let others = endpoint.delivered_through.max(1) + 1;
        let answered = endpoint.answered(1, &Outcome::Status(400), at(now));
        endpoint = answered.endpoint;
        if let Some(dead) = answered.dead {
            break dead;
        }
        endpoint = after(endpoint, others, &Outcome::Delivered, now);
        now = endpoint.parked[0].due_at_s.as_second();
        tries.push(now);
    };
    let hours = tries.iter().map(|s| (s / HOUR, s % HOUR)).collect::<Vec<_>>();
    let expected = [
        (0, 0),
        (0, 5),
        (0, 305),
        (0, 2105),
        (2, 2105),
        (7, 2105),
        (17, 2105),
        (31, 2105),
        (51, 2105),
        (72, 0),
    ];
    assert_eq!(hours, expected);
    assert_eq!((dead.sequence, dead.failures, dead.given_up_at_s), (1, 10, at(THREE_DAYS)));
    assert_eq!((endpoint.dead, endpoint.is_active(), endpoint.parked), (1, true, vec![]));
}

#[test]
fn after_failures_in_a_row_only_what_is_parked_is_tried() {
    let mut endpoint = endpoint(&[]);
    for sequence in 1..=u64::from(DOWN_AFTER) {
        assert_eq!(endpoint.next(at(0)), Work::Events { after: sequence - 1 });
        endpoint = after(endpoint, sequence, &Outcome::TimedOut, 0);
    }
    assert!(endpoint.is_down());
    assert_eq!((endpoint.next(at(0)), endpoint.due_at(true, at(0))), (Work::Rest, Some(at(5))));
    assert_eq!(endpoint.next(at(5)), Work::Retry(1));
    let endpoint = after(endpoint, 1, &Outcome::TimedOut, 5);
    assert_eq!(endpoint.next(at(5)), Work::Retry(2));
    let endpoint = after(endpoint, 2, &Outcome::Delivered, 5);
    let waiting = parked(&endpoint);
    assert_eq!(waiting, [(1, 2, 5), (3, 1, 5)], "it is back, so nothing waits for a later try");
    assert_eq!(endpoint.next(at(5)), Work::Retry(1));
    let endpoint = after(endpoint, 1, &Outcome::Delivered, 5);
    let endpoint = after(endpoint, 3, &Outcome::Delivered, 5);
    assert_eq!(endpoint.next(at(5)), Work::Events { after: 3 });
}

#[test]
fn an_event_that_fails_again_and_again_holds_up_no_other() {
    let mut endpoint = after(endpoint(&[]), 1, &Outcome::Status(400), 0);
    for seconds in [5, 400, 3_000, 20_000] {
        endpoint = after(endpoint, 1, &Outcome::Status(400), seconds);
        assert_eq!(endpoint.next(at(seconds)), Work::Events { after: 1 }, "{seconds}");
    }
}

#[test]
fn an_endpoint_without_success_for_three_days_is_disabled_and_keeps_what_it_missed() {
    let endpoint = after(endpoint(&[]), 1, &Outcome::TimedOut, 0);
    let endpoint = after(endpoint, 2, &Outcome::TimedOut, 100);
    let endpoint = after(endpoint, 1, &Outcome::TimedOut, THREE_DAYS - 1);
    assert!(endpoint.is_active());
    let endpoint = after(endpoint, 1, &Outcome::TimedOut, THREE_DAYS);
    let because = DisabledBecause::NoSuccess;
    assert_eq!(endpoint.status, EndpointStatus::Disabled { since_s: at(THREE_DAYS), because });
    assert_eq!(endpoint.parked.iter().map(|p| p.sequence).collect::<Vec<_>>(), [1, 2]);
    let later = at(THREE_DAYS * 9);
    assert_eq!((endpoint.next(later), endpoint.due_at(true, later)), (Work::Rest, None));
    let endpoint = endpoint.enabled(later);
    assert_eq!(endpoint.next(later), Work::Retry(1));
    // It has its three days again.
    let endpoint = after(endpoint, 1, &Outcome::TimedOut, THREE_DAYS * 9);
    assert!(endpoint.is_active());
}

#[test]
fn gone_disables_at_once_and_loses_nothing() {
    let endpoint = after(endpoint(&[]), 1, &Outcome::Gone, 7);
    let because = DisabledBecause::Gone;
    assert_eq!(endpoint.status, EndpointStatus::Disabled { since_s: at(7), because });
    assert_eq!(endpoint.enabled(at(9)).next(at(9)), Work::Events { after: 0 });
}

#[test]
fn a_dead_letter_leaves_an_endpoint_that_gets_events() {
    let mut endpoint = after(endpoint(&[]), 1, &Outcome::Status(400), 0);
    endpoint = after(endpoint, 2, &Outcome::Delivered, 40 * HOUR);
    for hours in [41, 51] {
        endpoint = after(endpoint, 1, &Outcome::Status(400), hours * HOUR);
    }
    let answered = endpoint.answered(1, &Outcome::Status(400), at(THREE_DAYS));
    assert!(answered.dead.is_some());
    assert_eq!(answered.endpoint.next(at(THREE_DAYS)), Work::Events { after: 2 });
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let endpoint = after(endpoint(&[]), 1, &Outcome::Delivered, 0);
    for outcome in [Outcome::Status(500), Outcome::Gone, Outcome::Delivered] {
        assert_eq!(after(endpoint.clone(), 1, &outcome, 9), endpoint);
    }
}

#[test]
fn types_are_wanted_by_name_or_by_their_beginning() {
    for (types, kind, wanted) in [
        (&[][..], "debit.paid", true),
        (&["debit.paid"], "debit.paid", true),
        (&["debit.paid"], "debit.paid.late", false),
        (&["debit.*", "refund.ended"], "debit.held", true),
        (&["debit.*"], "debits", false),
        (&["*"], "debit.paid", true),
    ] {
        assert_eq!(endpoint(types).wants(kind), wanted, "{types:?} {kind}");
    }
    for text in ["", "a b", "*.paid", "debit.**", &"x".repeat(129)] {
        assert!(text.parse::<TypePattern>().is_err(), "{text}");
    }
}

#[test]
fn both_secrets_sign_until_the_overlap_is_over() {
    let endpoint = endpoint(&[]).rotated(secret(NEXT_SECRET), at(100));
    let signing = |seconds| -> Vec<String> {
        endpoint.secrets.signing_at(at(seconds)).map(|s| s.reveal().to_owned()).collect()
    };
    assert_eq!(signing(99), [NEXT_SECRET, SECRET]);
    assert_eq!(signing(100), [NEXT_SECRET]);
}

#[test]
fn a_secret_is_checked_and_never_shown() {
    let sixty_four = format!("whsk_{}==", "A".repeat(86));
    for (text, is_secret) in [
        (SECRET, true),
        (&sixty_four, true),
        ("whsec_", false),
        ("whsec_c2hvcnQ=", false),
        ("C2FVsBQIhrscChlQIMV+b5sSYspob7oD", false),
        ("whpk_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", false),
        ("whsec_C2FVsBQIhrscChlQIMV b5sSYspob7oD", false),
    ] {
        assert_eq!(SigningSecret::try_from(text.to_owned()).is_ok(), is_secret, "{text}");
    }
    let shown = format!("{:?} {:?}", endpoint(&[]), secret(&sixty_four));
    assert!(!shown.contains("C2FV") && !shown.contains("AAAA"), "{shown}");
}

#[test]
fn addresses_are_https_or_for_the_local_stack_http() {
    for (text, is_url) in [
        ("https://shop.example/hook", true),
        ("http://127.0.0.1:8700/catcher", true),
        ("ftp://shop.example", false),
        ("https://shop.example/a b", false),
        (&*format!("https://{}", "x".repeat(1_017)), false),
    ] {
        assert_eq!(EndpointUrl::try_from(text.to_owned()).is_ok(), is_url, "{text}");
    }
}

#[test]
fn a_test_is_sent_also_to_a_disabled_endpoint_and_changes_nothing_else() {
    let gone = after(endpoint(&[]), 1, &Outcome::Gone, 7);
    let asked = gone.clone().tested(at(9));
    assert_eq!((asked.next(at(9)), asked.due_at(false, at(9))), (Work::Test, Some(at(9))));
    let id = asked.test_id().unwrap();
    assert!(id.starts_with("test_") && id.len() == 37, "{id}");
    assert_ne!(gone.clone().tested(at(10)).test_id(), Some(id));
    let answered = asked.test_answered(Outcome::Delivered);
    assert_eq!((answered.next(at(9)), answered.status), (Work::Rest, gone.status));
}

#[test]
fn events_are_replayed_from_a_number_or_one_by_one() {
    let mut endpoint = endpoint(&[]);
    for sequence in 1..=5 {
        let outcome = if sequence == 4 { Outcome::Status(500) } else { Outcome::Delivered };
        endpoint = after(endpoint, sequence, &outcome, 0);
    }
    let again = endpoint.clone().replayed_from(3);
    assert_eq!((again.next(at(0)), again.parked.len()), (Work::Events { after: 2 }, 0));
    assert_eq!(endpoint.clone().replayed_from(9).delivered_through, 5, "nothing is passed over");
    let one = endpoint.clone().replayed(2, at(1)).unwrap();
    assert_eq!((parked(&one), one.next(at(1))), (vec![(2, 0, 1), (4, 1, 5)], Work::Retry(2)));
    assert_eq!(endpoint.replayed(6, at(1)).unwrap_err(), NotReplayed::NotSentYet(6));
}

#[test]
fn no_more_is_parked_than_may_be() {
    let mut endpoint = endpoint(&[]).passed(100);
    for sequence in 1..=20 {
        endpoint = endpoint.replayed(sequence, at(0)).unwrap();
    }
    assert_eq!(endpoint.clone().replayed(21, at(0)).unwrap_err(), NotReplayed::Full);
    assert_eq!(endpoint.clone().replayed(20, at(0)).unwrap().parked.len(), PARKED_MAX);
    assert!(!endpoint.takes_events());
}

/// The inputs of an endpoint.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Store(u64),
    Answer(Outcome),
    Enable,
    ReplayFrom(u64),
    Replay(u64),
    Test,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        6 => Just(Outcome::Delivered),
        6 => Just(Outcome::Status(500)),
        4 => Just(Outcome::TimedOut),
        1 => Just(Outcome::Gone),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![0..60i64, 0..100 * HOUR].prop_map(Step::Wait),
        2 => (1..30u64).prop_map(Step::Store),
        20 => outcome().prop_map(Step::Answer),
        1 => Just(Step::Enable),
        1 => (1..60u64).prop_map(Step::ReplayFrom),
        2 => (1..60u64).prop_map(Step::Replay),
        1 => Just(Step::Test),
    ]
}

/// An endpoint with the events of its subject, of which every third is not wanted, and what became
/// of them.
struct World {
    endpoint: Endpoint,
    stored: u64,
    now: i64,
    delivered: BTreeSet<u64>,
    dead: BTreeSet<u64>,
}

fn kind(sequence: u64) -> &'static str {
    if sequence.is_multiple_of(3) { "statement.settled" } else { "debit.paid" }
}

impl World {
    fn wanted(&self) -> impl Iterator<Item = u64> {
        (1..=self.stored).filter(|sequence| !sequence.is_multiple_of(3))
    }

    /// Does what is due, with that answer. False when nothing is.
    fn work(&mut self, outcome: &Outcome) -> bool {
        let now = at(self.now);
        let endpoint = self.endpoint.clone();
        let sequence = match endpoint.next(now) {
            Work::Test => {
                self.endpoint = endpoint.test_answered(outcome.clone());
                return true;
            }
            Work::Rest => return false,
            Work::Events { after } if after >= self.stored => return false,
            Work::Events { after } if !endpoint.wants(kind(after + 1)) => {
                self.endpoint = endpoint.passed(after + 1);
                return true;
            }
            Work::Events { after } => after + 1,
            Work::Retry(sequence) => sequence,
        };
        assert!(!self.delivered.contains(&sequence), "{sequence} was delivered before");
        let answered = endpoint.answered(sequence, outcome, now);
        if *outcome == Outcome::Delivered {
            self.delivered.insert(sequence);
        }
        self.dead.extend(answered.dead.map(|dead| dead.sequence));
        self.endpoint = answered.endpoint;
        true
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => self.now += seconds,
            Step::Store(events) => self.stored += events,
            Step::Answer(outcome) => drop(self.work(outcome)),
            Step::Enable => self.endpoint = self.endpoint.clone().enabled(at(self.now)),
            Step::ReplayFrom(sequence) => {
                self.endpoint = self.endpoint.clone().replayed_from(*sequence);
                let through = self.endpoint.delivered_through;
                self.delivered.retain(|delivered| *delivered <= through);
                self.dead.retain(|dead| *dead <= through);
            }
            Step::Replay(sequence) => {
                if let Ok(endpoint) = self.endpoint.clone().replayed(*sequence, at(self.now)) {
                    self.endpoint = endpoint;
                    self.delivered.remove(sequence);
                    self.dead.remove(sequence);
                }
            }
            Step::Test => self.endpoint = self.endpoint.clone().tested(at(self.now)),
        }
    }

    /// Each wanted event is delivered, dead or still to do, and only one of them.
    fn check(&self) {
        let parked = self.endpoint.parked.iter().map(|p| p.sequence).collect::<Vec<_>>();
        assert!(parked.len() <= PARKED_MAX && parked.is_sorted(), "{parked:?}");
        for sequence in self.wanted() {
            let places = [
                self.delivered.contains(&sequence),
                self.dead.contains(&sequence),
                parked.contains(&sequence),
                sequence > self.endpoint.delivered_through,
            ];
            let number = places.iter().filter(|place| **place).count();
            assert_eq!(number, 1, "{sequence} in {places:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_an_endpoint_answers_nothing_is_lost(steps in prop::collection::vec(step(), 0..200)) {
        let mut world = World {
            endpoint: endpoint(&["debit.*"]),
            stored: 5,
            now: 0,
            delivered: BTreeSet::new(),
            dead: BTreeSet::new(),
        };
        for step in &steps {
            world.step(step);
            world.check();
        }
        // The endpoint is mended and enabled: what is not dead arrives, at the times that the
        // record names.
        world.endpoint = world.endpoint.clone().enabled(at(world.now));
        let end = at(world.now) + SignedDuration::from_hours(73);
        loop {
            while world.work(&Outcome::Delivered) {}
            let more = world.endpoint.delivered_through < world.stored;
            match world.endpoint.due_at(more, at(world.now)) {
                Some(due) if due <= end && due > at(world.now) => world.now = due.as_second(),
                due => break prop_assert_eq!(due, None),
            }
        }
        world.check();
        for sequence in world.wanted() {
            prop_assert!(world.delivered.contains(&sequence) || world.dead.contains(&sequence), "{}", sequence);
        }
    }
}
