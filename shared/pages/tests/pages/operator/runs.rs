//! Runs of the settlement, the breaker, and what was not taken.

use askama::Template;
use steelyard_billing::breaker::Breaker;
use steelyard_billing::webhook::{DeadLetter, EndpointRef, Outcome};
use steelyard_billing::{Reason, RunFailure, RunScope, RunShard, SettlementRun};
use steelyard_pages::operator::runs::{
    BreakerView, DeadLetterQueue, DeadLetters, RunRecords, Runs, Scheduled,
};
use steelyard_pages::operator::{OperatorPage, UnreadableRecord};

use super::{HOSTILE, assert_shows, check, forms, now, runs};
use crate::month::{at, rules};

fn check_runs(name: &str, view: &Runs) -> String {
    check(name, |frame| {
        OperatorPage::runs(frame, view, &forms(), &rules().calendar).render().unwrap()
    })
}

/// An event that an endpoint did not take.
fn dead_letter(subject: &str, endpoint: &str, sequence: u64) -> (EndpointRef, DeadLetter) {
    let of = EndpointRef { subject: subject.parse().unwrap(), endpoint: endpoint.parse().unwrap() };
    let letter = DeadLetter {
        endpoint: of.endpoint.clone(),
        sequence,
        failures: 9,
        first_at_s: now(),
        given_up_at_s: now(),
        outcome: Outcome::TimedOut,
    };
    (of, letter)
}

/// Records of a platform on which nothing has happened, and nothing is wrong.
const NOTHING: RunRecords = RunRecords {
    runs: &[],
    shards: &[],
    failures: &[],
    breaker: None,
    queues: &[],
    letters: Some(&[]),
};

const QUEUES: [DeadLetters; 3] = [
    DeadLetters { queue: DeadLetterQueue::Usage, messages: Some(3), oldest_s: Some(7_300) },
    DeadLetters { queue: DeadLetterQueue::Debit, messages: Some(0), oldest_s: None },
    DeadLetters { queue: DeadLetterQueue::Schedule, messages: None, oldest_s: None },
];

fn view(records: RunRecords) -> Runs {
    Runs::new(records, &rules(), now()).unwrap()
}

/// A run is under way, a provider failed, and an operator stopped debits.
fn in_trouble() -> Runs {
    let under_way =
        SettlementRun::after(2, RunScope::Shards([3, 7].into()), at("2015-05-19T08:30"));
    let ended = RunShard { has_ended: true, ..RunShard::new(3) };
    let failure = RunFailure {
        provider: "planless".parse().unwrap(),
        why: HOSTILE.to_owned(),
        failed_at_s: now(),
        settled_at_s: None,
    };
    let stopped = Breaker::default().stopped(Reason::new(HOSTILE).unwrap(), now());
    let of_shop = (1..=12).map(|sequence| dead_letter("shop", "erp", sequence));
    let letters = of_shop.chain([dead_letter("#platform", "desk", 7)]).collect::<Vec<_>>();
    view(RunRecords {
        runs: &[vec![under_way], runs()].concat(),
        shards: &[ended],
        failures: &[failure],
        breaker: Some(&stopped),
        queues: &QUEUES,
        letters: Some(&letters),
    })
}

#[test]
fn runs_show_results_what_is_behind_and_what_is_next() {
    let view = in_trouble();
    let behind = view.under_way.as_ref().unwrap();
    assert_eq!((behind.shards_ended, &behind.shards_behind[..]), (1, &[7][..]));
    let next = view.next.iter().map(|next| (next.what, next.at_s)).collect::<Vec<_>>();
    assert_eq!(
        next,
        [
            (Scheduled::Debits, at("2015-05-19T10:00")),
            (Scheduled::Reconciliation, at("2015-05-19T10:30")),
            (Scheduled::Settlement, at("2015-05-20T00:30")),
        ]
    );
}

#[test]
fn page_of_runs_shows_what_is_in_trouble() {
    let mut view = in_trouble();
    view.unreadable.push(UnreadableRecord {
        pk: HOSTILE.to_owned(),
        sk: "s".to_owned(),
        why: HOSTILE.to_owned(),
    });
    let html = check_runs("runs-stopped", &view);
    assert_shows(
        &html,
        &[
            "Debits are stopped",
            "Only a person lets them go on",
            "Run 3 is under way. Shards that have ended: 1; that have not: 1",
            "1 tried again alone 1,284 1",
            "2 min 41 s",
            "planless",
            "Records that cannot be read",
            "nothing to do",
            "Not known now",
        ],
    );
    assert_shows(
        &html,
        &[
            "number 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 …",
            "steelyard webhooks show erp --provider shop",
            "steelyard webhooks replay erp --provider shop --dead",
            "number 7 19 May 2015",
            "steelyard webhooks replay desk --dead",
        ],
    );
}

#[test]
fn page_of_runs_says_that_all_is_well_or_that_nothing_is_known() {
    let runs = runs();
    let well =
        RunRecords { runs: &runs, breaker: Some(&Breaker::default()), queues: &QUEUES, ..NOTHING };
    let well = view(well);
    assert!(matches!(well.breaker, Some(BreakerView::Closed { .. })));
    let html = check_runs("runs", &well);
    assert_shows(
        &html,
        &[
            "Debits are running",
            "Every provider was settled",
            "Stop all debits",
            "Every event was taken",
        ],
    );
    let unknown = view(RunRecords { letters: None, ..NOTHING });
    let html = check_runs("runs-empty", &unknown);
    assert_shows(&html, &["This could not be read now", "No settlement has run yet"]);
}

#[test]
fn more_events_that_webhooks_did_not_take_than_are_read_are_announced() {
    let records = |letters: &[_]| view(RunRecords { letters: Some(letters), ..NOTHING });
    let all = (1..=200).map(|sequence| dead_letter("shop", "erp", sequence)).collect::<Vec<_>>();
    assert!(records(&all).has_more_letters && !records(&all[1..]).has_more_letters);
}
