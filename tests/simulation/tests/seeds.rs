//! Seeds that hold, seeds that have the same trace twice, and faults that are found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use steelyard_simulation::{Canary, Cut, Mishap, Options, Outcome, When, simulate, single_cuts};

/// How many seeds hold in every run. More are run by hand: see `docs/proof.md`.
const SEEDS: u64 = 48;

/// What operators do in lives that short; in longer ones they approve and reject notes and resume
/// mandates, too.
const ACTS: [&str; 13] = [
    "adjust",
    "assign",
    "cap",
    "draw from a deposit",
    "end",
    "give back",
    "halve",
    "hold a stage",
    "lower",
    "pay a deposit",
    "release a stage",
    "resolve",
    "transfer",
];

/// The least number of things that happen under a seed before it is at rest.
const EVENTS: u64 = 500;

/// The same where a built-in fault is looked for: some show in what days lead to.
const LONG: u64 = 1_500;

/// How many seeds run at once.
const THREADS: usize = 2;

/// For each fault a seed that found it, and the seeds that it takes at most, from the first one
/// on. The one that found it is tried first: after a change it may be another story.
const FOUND_WITHIN: [(Canary, u64, u64); Canary::ALL.len()] = [
    (Canary::CountedUnchecked, 2, 12),
    (Canary::NewNumber, 2, 12),
    (Canary::UtcDays, 0, 4),
    (Canary::NoRealm, 0, 4),
    (Canary::RandomEventId, 0, 4),
    (Canary::SkippedRecord, 0, 4),
    (Canary::DroppedCondition, 7, 12),
    (Canary::Unfenced, 1, 10),
    (Canary::PaidUnasked, 2, 8),
    (Canary::DeclinedByTimeOut, 1, 4),
    (Canary::ForgottenRequest, 45, 60),
    (Canary::MissingBillEmpty, 36, 48),
    (Canary::FailedPage, 1, 4),
    (Canary::ReopenedMonth, 1, 4),
];

fn options(seed: u64, canary: Option<Canary>) -> Options {
    Options { seed, events: EVENTS, canary, only: None, cuts: None, records: false }
}

/// Runs some work for each number below `end`, on a few threads.
fn each(end: u64, work: impl Fn(u64) + Sync) {
    steelyard_simulation::each(THREADS, |number| number < end, work);
}

#[test]
fn every_invariant_holds_whatever_goes_wrong() {
    let (failures, fired) = (Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    let done = Mutex::new(BTreeSet::new());
    each(SEEDS, |seed| {
        let outcome = simulate(&options(seed, None));
        assert!(outcome.events >= EVENTS);
        fired.lock().unwrap().extend(outcome.fired.into_keys());
        done.lock().unwrap().extend(outcome.acts.into_keys());
        failures.lock().unwrap().extend(outcome.failure.map(|failure| (seed, failure)));
    });
    assert_eq!(failures.into_inner().unwrap(), []);
    let fired = fired.into_inner().unwrap();
    let never: Vec<_> = Mishap::ALL.into_iter().filter(|mishap| !fired.contains(mishap)).collect();
    assert_eq!(never, [], "what never happened was not tried");
    let done = done.into_inner().unwrap();
    assert!(ACTS.iter().all(|act| done.contains(act)), "operators did no more than {done:?}");
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    each(2, |seed| {
        let [one, other] = [(); 2].map(|()| simulate(&options(seed, None)).trace);
        for (place, (one, other)) in one.iter().zip(&other).enumerate() {
            assert_eq!(one, other, "seed {seed}, line {place}");
        }
        assert_eq!(one.len(), other.len(), "seed {seed}");
    });
}

#[test]
fn faults_that_are_built_in_on_purpose_are_found() {
    let missed = Mutex::new(BTreeMap::new());
    each(FOUND_WITHIN.len().try_into().unwrap(), |place| {
        let (canary, known, most) = FOUND_WITHIN[usize::try_from(place).unwrap()];
        let is_found = |seed| {
            let long = Options { events: LONG, ..options(seed, Some(canary)) };
            let Outcome { failure, .. } = simulate(&long);
            failure.is_some()
        };
        if !is_found(known) && !(0..most).any(is_found) {
            missed.lock().unwrap().insert(canary, most);
        }
    });
    assert_eq!(missed.into_inner().unwrap(), BTreeMap::new(), "not found within so many seeds");
}

#[test]
fn a_process_may_end_before_and_after_any_request() {
    let story = |cuts| simulate(&Options { cuts: Some(cuts), ..options(0, None) });
    let whole = story(Vec::new());
    assert_eq!(whole.failure, None);
    let functions = whole.requests.len();
    assert_eq!(functions, 11, "ten functions and operators: {:?}", whole.requests);
    // By hand all are tried, see `docs/proof.md`; here six requests of each function.
    let is_tried = |cut: &Cut| {
        let last = whole.requests[&cut.function] - 1;
        (0..6).any(|part| {
            cut.request - 1 == last * part / 5 && cut.when == When::ALL[usize::from(part % 2 == 0)]
        })
    };
    let mut all = single_cuts(&whole.requests);
    all.retain(|cuts| cuts.iter().all(is_tried));
    assert!(all.len() >= 5 * functions, "{}", all.len());
    let failures = Mutex::new(Vec::new());
    each(all.len().try_into().unwrap(), |place| {
        let cuts = &all[usize::try_from(place).unwrap()];
        let outcome = story(cuts.clone());
        assert_eq!(outcome.fired.values().sum::<u64>(), 1, "{cuts:?}");
        failures.lock().unwrap().extend(outcome.failure.map(|failure| (cuts.clone(), failure)));
    });
    assert_eq!(failures.into_inner().unwrap(), []);
}
