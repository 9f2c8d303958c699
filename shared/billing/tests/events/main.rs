//! The events of a record's change: by type, once, and with an id that the record makes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod changes;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/realm.rs"]
mod realm;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use expect_test::expect_file;
use serde_json::{Value, json};
use steelyard_billing::breaker::Breaker;
use steelyard_billing::event::{
    Change, Changed, Collecting, Event, EventData, EventId, PriceEffect, StandingChanged, Subject,
};
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{
    Account, Because, Cause, Debit, DebitId, DepositMovement, LadderRef, Ledger, NextStage, Phase,
    Realm, RechargePhase, Reconciliation, Reference, Refund, RefundPhase, RefusedReport,
    STANDING_CACHE_S, Stage, Standing, StandingTold,
};
use steelyard_pricing::{Fen, schema_of};

use crate::changes::{
    account_change, changes, code, coming, day, debit_change, declined, deposit_entry, entry,
    mandate_change, numbers, opened, paid, reason, recharge_change, reconciliation, refund_change,
    sent, statement, watched,
};
use crate::common::{at, mandate, provider, rules};

const NOW: &str = "2015-05-02 10:00";

/// The account after the statement, of which ¥10.00 are owed.
fn owing() -> Account {
    let account = Account::new(&provider());
    let now = at("2015-05-02 00:30");
    let prepaid = account
        .recharge(Fen::new(500), Reference::new("transfer-1").unwrap(), now)
        .unwrap()
        .account;
    prepaid.charge(statement().statement, Fen::new(1_500), now).unwrap().account
}

fn refused() -> Event {
    Event::usage_refused(&RefusedReport {
        source: "gateway-1".parse().unwrap(),
        report: "2015-05-01T10".parse().unwrap(),
        refused_at_s: at(NOW),
        records: 2,
        conflicts: 0,
        reasons: vec!["provider `nobody` is not registered".to_owned()],
    })
}

/// What it would have changed for a provider.
fn announced() -> Event {
    let month = day("2015-04-01").month();
    let (now_fen, then_fen) = (Fen::new(120_000), Fen::new(96_000));
    let effect = PriceEffect { month, now_fen, then_fen, change_fen: Fen::new(-24_000) };
    let subject = Subject::Provider(provider().provider);
    Event::price_announced(subject, &coming(), Some(effect), at(NOW))
}

fn scheduled() -> Event {
    let (account, mandate, rules) = (owing(), mandate(), rules());
    let collecting = Collecting { account: &account, mandate: Some(&mandate), rules: &rules };
    collecting.scheduled(&opened()).unwrap()
}

/// A provider whose calls are throttled from now on.
fn throttled() -> Event {
    let standing = Standing {
        provider: provider().provider,
        stage: Stage::Throttled,
        blocked: false,
        calls_per_second: Some(10),
        payouts_frozen: false,
        because: Because::Overdue,
        owed_fen: Fen::new(1_000),
        owed_since: Some(day("2015-05-02")),
        overdue_days: 3,
        cure_fen: Fen::new(1_000),
        next: Some(NextStage { stage: Stage::PayoutsFrozen, on: day("2015-05-07") }),
        ladder: Some(LadderRef { ladder: "2014".parse().unwrap(), version: day("2014-04-01") }),
        version: 17,
        as_of_s: at("2015-05-05 00:30"),
        cache_s: STANDING_CACHE_S,
    };
    let told = StandingTold { version: 16, stage: Stage::Notice, ..StandingTold::default() };
    StandingChanged::since(&told, standing).unwrap().event()
}

/// An event of each type.
fn examples() -> BTreeMap<&'static str, Event> {
    let told = changes().into_iter().flat_map(|change| change.events(at(NOW)).unwrap());
    told.chain([scheduled(), throttled(), announced(), refused()])
        .map(|event| (event.data.kind(), event))
        .collect()
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(name)
}

fn written(event: &Event) -> Value {
    let realm = Realm::parse("7f3k2q").unwrap();
    serde_json::to_value(event.cloud_event(1, &realm)).unwrap()
}

#[test]
fn every_type_has_an_example_that_fits_the_published_schema() {
    let schema = schema_of::<EventData>();
    expect_file![file("event.schema.json")].assert_eq(&format!("{schema:#}\n"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let examples = examples();
    let types: BTreeSet<_> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["properties"]["type"]["const"].as_str().unwrap())
        .collect();
    assert_eq!(examples.keys().copied().collect::<BTreeSet<_>>(), types);
    for (kind, event) in &examples {
        let document = written(event);
        expect_file![file(&format!("{kind}.json"))].assert_eq(&format!("{document:#}\n"));
        assert!(validator.is_valid(&document), "{kind}: {document:#}");
        let data = document["data"].as_object().unwrap();
        for field in data.keys() {
            let mut lacking = document.clone();
            lacking["data"][field] = json!([[]]);
            assert!(!validator.is_valid(&lacking), "{kind}: {field} of another kind");
        }
        let read: EventData = serde_json::from_value(document).unwrap();
        assert_eq!(read, event.data, "{kind}");
    }
}

#[test]
fn ids_are_made_by_the_record_alone_and_no_two_events_share_one() {
    let all: Vec<Event> =
        changes().iter().flat_map(|change| change.events(at(NOW)).unwrap()).collect();
    let later: Vec<Event> = changes()
        .iter()
        .flat_map(|change| change.events(at("2016-01-01 00:00")).unwrap())
        .collect();
    let ids = |events: &[Event]| events.iter().map(|event| event.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&all), ids(&later), "whenever they are noticed");
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>().len(), all.len());
    for event in &all {
        assert!(!event.id.as_str().contains('.'), "it separates the parts of a signature");
        assert_eq!(event.id.as_str().parse::<EventId>().as_ref(), Ok(&event.id));
        assert_eq!(event.subject.to_string().parse::<Subject>().as_ref(), Ok(&event.subject));
    }
    for text in
        ["", "evt_", "evt_0123456789ABCDEF0123456789ABCDEF", "msg_0123456789abcdef0123456789abcdef"]
    {
        assert!(text.parse::<EventId>().is_err(), "{text}");
    }
}

#[test]
fn what_changes_nothing_for_anybody_is_no_event() {
    let lapsed = RechargePhase::Lapsed;
    let Change::Recharge(Changed { after, .. }) = recharge_change(lapsed) else {
        panic!("not a recharge")
    };
    let unchanged = Change::Recharge(Changed { before: Some(after.clone()), after });
    let why = || "?".to_owned();
    let held = |found| Debit { phase: Phase::Held { why: why(), found }, ..sent() };
    let rechecking = Debit { phase: Phase::Rechecking { why: why(), found: None }, ..sent() };
    let refused = |acknowledged| RefundPhase::Refused { code: code("X"), acknowledged };
    let Change::Refund(seen) = refund_change(refused(Some(reason("seen")))) else {
        panic!("not a refund")
    };
    let before = Refund { phase: refused(None), ..seen.after.clone() };
    let acknowledged =
        Change::Refund(Box::new(Changed { before: Some(before), after: seen.after }));
    let asked = DepositMovement::ReturnAsked(numbers());
    let mut lowered = Account { version: 8, ..watched() };
    lowered.deposit.demands[0].amount_fen = Fen::new(20_000);
    let quiet = [
        account_change(Some(watched()), Account { version: 8, ..watched() }),
        account_change(Some(watched()), lowered),
        deposit_entry(asked, Ledger::Refunding, -500),
        unchanged,
        acknowledged,
        debit_change(opened(), sent()),
        debit_change(paid(), paid()),
        debit_change(declined(), sent()),
        debit_change(held(None), rechecking.clone()),
        debit_change(rechecking, held(Some("paid".to_owned()))),
        entry(Cause::DebitSent { debit: DebitId(1) }, Ledger::Receivable, 1_000),
        mandate_change(Some(MandatePhase::Active), MandatePhase::Active),
        Change::Breaker(Changed { before: None, after: Breaker::default() }),
    ];
    for change in quiet {
        let told = change.events(at(NOW)).unwrap();
        // A debit that was declined before is sent again with its declines.
        assert!(told.is_empty(), "{change:?}: {told:?}");
    }
}

#[test]
fn a_day_that_is_reconciled_again_is_another_event() {
    let Change::Reconciliation(result) = reconciliation(3, 0) else {
        panic!("not a reconciliation")
    };
    let reconciled_at_s = at("2015-05-03 10:30");
    let again = Change::Reconciliation(Reconciliation { reconciled_at_s, ..result });
    let [first, second] =
        [reconciliation(3, 0), again].map(|change| change.events(at(NOW)).unwrap().remove(0).id);
    assert_ne!(first, second);
}
