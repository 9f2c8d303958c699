//! The events of a record's change: by type, once, and with an id that the record makes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/realm.rs"]
mod realm;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use expect_test::expect_file;
use serde_json::{Value, json};
use steelyard_billing::breaker::Breaker;
use steelyard_billing::event::{
    Change, Changed, Collecting, Event, EventData, EventId, PriceEffect, StandingChanged, Subject,
};
use steelyard_billing::mandate::{EndReason, MandateLimits, MandatePhase, Suspension};
use steelyard_billing::webhook::{Endpoint, Outcome};
use steelyard_billing::{
    Account, Adjustment, AdjustmentNote, AdjustmentOf, AdjustmentPhase, AlertState, Attempt,
    Because, Cause, ComingVersion, Debit, DebitId, DebitTerms, DeclineReason, Declined,
    DepositDemand, DepositMovement, DrawReason, Entry, EntryRecord, GatewayCode, GiveUpReason,
    LadderRef, Ledger, Mandate, MandateId, NextStage, OutRequestNo, OutTradeNo, Payment, Person,
    Phase, Posting, Realm, Reason, Recharge, RechargeId, RechargePhase, Reconciliation, Reference,
    Refund, RefundPhase, RefundRef, RefusedReport, Reversal, RunEnd, RunFigures, RunScope,
    RunTally, STANDING_CACHE_S, SettlementRun, Stage, Standing, StandingTold, Statement,
    StatementId, TradeOf, Unanswered,
};
use steelyard_pricing::{
    BillingDay, Fen, LineCause, Metered, Rounding, Unpriced, Usage, schema_of,
};

use crate::common::{at, mandate, provider, rules};
use crate::realm::realm;

const NOW: &str = "2015-05-02 10:00";

fn code(text: &str) -> GatewayCode {
    serde_json::from_value(json!(text)).unwrap()
}

fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

fn numbers() -> RefundRef {
    RefundRef {
        out_trade_no: OutTradeNo::parse("SY_1_R1").unwrap(),
        out_request_no: OutRequestNo::parse("F1").unwrap(),
    }
}

/// A statement of ¥15.00 for 1 May 2015, of which the prepaid balance paid ¥5.00.
fn statement() -> Statement {
    Statement {
        provider: provider().provider,
        statement: StatementId { day: day("2015-05-01"), supplement: 0 },
        settled_at_s: at("2015-05-02 00:30"),
        segments: Vec::new(),
        lines: Vec::new(),
        unpriced: Vec::new(),
        reports: 1,
        changed_days: Vec::new(),
        adjustments: Vec::new(),
        rated_yuan: serde_json::from_value(json!("15")).unwrap(),
        rounding: Rounding::HalfUp,
        tax_fen: Fen::ZERO,
        charged_before_fen: Fen::ZERO,
        charge_fen: Fen::new(1_500),
        from_prepaid_fen: Fen::new(500),
        entry: Some(2),
        last_debit: 0,
    }
}

fn opened() -> Debit {
    let (provider, due) = (provider().provider, at("2015-05-02 10:00"));
    Debit::open(&provider, DebitId(1), due, at("2015-05-02 00:30"))
}

/// A debit of ¥10.00 that was sent.
fn sent() -> Debit {
    let debit = opened();
    Debit {
        terms: Some(DebitTerms {
            amount_fen: Fen::new(1_000),
            mandate: MandateId(1),
            agreement_no: "20155245550001".to_owned(),
            from: day("2015-05-01"),
            through: day("2015-05-01"),
        }),
        attempts: vec![Attempt {
            out_trade_no: OutTradeNo::parse("SY_1_D1_1").unwrap(),
            request: "{}".to_owned(),
            sent_at_s: at("2015-05-02 10:00"),
            unanswered_at_s: Unanswered::default(),
            is_closed: false,
            payment: None,
        }],
        phase: Phase::Sending,
        ..debit
    }
}

fn paid() -> Debit {
    let mut debit = sent();
    debit.attempts[0].payment =
        Some(Payment { trade_no: "2015050221001".to_owned(), amount_fen: Fen::new(1_000) });
    Debit { phase: Phase::Paid { attempt: 1, at_s: at("2015-05-02 10:01") }, ..debit }
}

fn declined() -> Debit {
    let declined = Declined {
        at_s: at("2015-05-02 10:01"),
        reason: DeclineReason::Funds,
        code: code("ACQ.BUYER_BALANCE_NOT_ENOUGH"),
    };
    let debit = sent();
    let task = steelyard_billing::Task { due_at_s: at("2015-05-03 10:00"), ..debit.task };
    Debit { declines: vec![declined], phase: Phase::Due, task, ..debit }
}

fn debit_change(before: Debit, after: Debit) -> Change {
    Change::Debit(Box::new(Changed { before: Some(before), after }))
}

fn offered() -> Mandate {
    let limits = MandateLimits { single_fen: Fen::new(10_000), daily_fen: Some(Fen::new(20_000)) };
    let now = at("2015-05-01 09:00");
    Mandate::offer(&realm(), &provider().provider, MandateId(1), limits, now).unwrap()
}

fn mandate_change(before: Option<MandatePhase>, after: MandatePhase) -> Change {
    let with = |phase| Mandate { phase, ..offered() };
    Change::Mandate(Box::new(Changed { before: before.map(with), after: with(after) }))
}

fn recharge_change(after: RechargePhase) -> Change {
    let (provider, id, now) = (provider().provider, RechargeId(1), at("2015-05-01 09:00"));
    let before = Recharge::offer(&realm(), &provider, id, Fen::new(10_000), now).unwrap();
    let after = Recharge { phase: after, ..before.clone() };
    Change::Recharge(Changed { before: Some(before), after })
}

fn refund_change(after: RefundPhase) -> Change {
    let of = TradeOf::Recharge(RechargeId(1));
    let why = reason("the provider leaves");
    let before = Refund::ask(
        &provider().provider,
        numbers(),
        of,
        Fen::new(2_500),
        why,
        at("2015-05-01 09:00"),
    );
    let after = Refund { phase: after, ..before.clone() };
    Change::Refund(Box::new(Changed { before: Some(before), after }))
}

fn entry(cause: Cause, ledger: Ledger, amount: i64) -> Change {
    let posting = |ledger, amount| Posting { ledger, amount_fen: Fen::new(amount) };
    let record = EntryRecord {
        provider: provider().provider,
        number: 7,
        recorded_at_s: at("2015-05-02 11:00"),
        cause,
        postings: vec![posting(ledger, amount), posting(Ledger::Prepaid, -amount)],
    };
    Change::Entry(Entry::try_from(record).unwrap())
}

/// An account whose figures crossed three lines, and to which a deposit was announced.
fn watched() -> Account {
    let mut account = Account { version: 7, ..Account::new(&provider()) };
    let at_s = at("2015-05-18 00:30").as_second();
    let alerts = json!([
        { "kind": "budget", "percent": [50, 80], "line": { "fen": 8_000 }, "figure": { "fen": 8_123 },
          "day": "2015-05-17", "at_s": at_s },
        { "kind": "allowance", "rate": "basic", "percent": [80], "line": { "calls": 400000 },
          "figure": { "calls": 400001 }, "day": "2015-05-17", "at_s": at_s },
        { "kind": "cap", "percent": [100], "line": { "fen": 9_000 }, "figure": { "fen": 9_100 },
          "day": "2015-05-17", "at_s": at_s },
    ]);
    account.alerts.alerts = serde_json::from_value(alerts).unwrap();
    account.deposit.demands = vec![DepositDemand {
        from: day("2015-06-01"),
        amount_fen: Fen::new(50_000),
        announced_on: day("2015-05-18"),
        due_on: day("2015-06-15"),
    }];
    account
}

fn account_change(before: Option<Account>, after: Account) -> Change {
    Change::Account(Box::new(Changed { before, after }))
}

/// A movement of ¥5.00 of the deposit.
fn deposit_entry(movement: DepositMovement, ledger: Ledger, held: i64) -> Change {
    let posting = |ledger, amount| Posting { ledger, amount_fen: Fen::new(amount) };
    let record = EntryRecord {
        provider: provider().provider,
        number: 8,
        recorded_at_s: at("2015-05-02 11:00"),
        cause: Cause::Deposit(movement),
        postings: vec![posting(ledger, held), posting(Ledger::Deposit, -held)],
    };
    Change::Entry(Entry::try_from(record).unwrap())
}

fn reconciliation(rows: u32, unreadable_rows: u32) -> Change {
    Change::Reconciliation(Reconciliation {
        day: "2015-05-01".parse().unwrap(),
        bill: None,
        rows,
        matched: rows - unreadable_rows,
        unreadable_rows,
        findings: Vec::new(),
        more_findings: 0,
        waiting: 0,
        reconciled_at_s: at("2015-05-02 10:30"),
        skipped: None,
    })
}

/// A change of each kind that is an event, except the debit that is opened.
fn changes() -> Vec<Change> {
    let mut unpriced = Usage::new();
    let metered = Metered { calls: steelyard_pricing::Calls::new(12), ..Metered::default() };
    unpriced.add("taobao.unknown.get".parse().unwrap(), metered).unwrap();
    let of = Unpriced { segment: day("2015-05-01"), because: LineCause::Usage, apis: unpriced };
    let unpriced = Statement { unpriced: vec![of], ..statement() };
    let note = AdjustmentNote {
        adjustment: "A1".parse().unwrap(),
        amount_fen: Fen::new(-300),
        of: AdjustmentOf {
            corrects: StatementId { day: day("2015-04-30"), supplement: 0 },
            line: None,
            reports: Vec::new(),
        },
        reason: reason("counted twice by gateway 3"),
        by: Person::new("lin").unwrap(),
        made_at_s: at("2015-05-02 09:00"),
        approval: None,
    };
    let adjustment =
        Adjustment { provider: provider().provider, note, phase: AdjustmentPhase::Waiting };
    let closed = Breaker::default();
    let opened = closed.stopped(reason("Alipay asked us to"), at("2015-05-02 09:00"));
    let resumed = opened.resumed(reason("it works again"), at("2015-05-02 09:30"));
    let run = SettlementRun {
        version: 0,
        number: 1,
        begun_at_s: at("2015-05-02 00:30"),
        scope: RunScope::Shards(BTreeSet::from([7])),
        end: None,
        late_at_s: None,
        disregarded: None,
    };
    let tally = RunTally {
        providers: 2,
        statements: 2,
        charged_fen: Fen::new(3_000),
        ..RunTally::default()
    };
    let end = RunEnd { ended_at_s: at("2015-05-02 00:31"), tally, figures: RunFigures::default() };
    let ended = SettlementRun { end: Some(end), ..run.clone() };
    let late = SettlementRun { late_at_s: Some(at("2015-05-02 04:30")), ..run.clone() };
    let noticed = Reversal::noticed(
        &provider().provider,
        numbers(),
        TradeOf::Recharge(RechargeId(1)),
        at("2015-05-02 09:00"),
    );
    let booked = changed(noticed.after_proof(Fen::new(2_500)));
    let refused =
        RefundPhase::Refused { code: code("ACQ.SELLER_BALANCE_NOT_ENOUGH"), acknowledged: None };
    let suspended =
        MandatePhase::Suspended { since_s: at("2015-05-02 09:00"), why: Suspension::ByGateway };
    let over =
        MandatePhase::Ended { at_s: at("2015-05-02 09:00"), why: EndReason::RevokedByProvider };
    let found =
        Cause::DebitFound { debit: DebitId(1), attempt: 1, trade_no: "2015050221001".to_owned() };
    let paid_in = DepositMovement::Transferred { reference: Reference::new("transfer-2").unwrap() };
    let drawn = DepositMovement::Drawn { because: DrawReason::GivenUp };
    let returned = DepositMovement::SentBack { reference: Reference::new("transfer-3").unwrap() };
    let resolved = Account { version: 8, alerts: AlertState::default(), ..watched() };
    vec![
        account_change(None, watched()),
        account_change(Some(watched()), resolved),
        deposit_entry(paid_in, Ledger::Bank, 500),
        deposit_entry(drawn, Ledger::Receivable, -500),
        deposit_entry(returned, Ledger::Bank, -500),
        Change::Statement(Box::new(unpriced)),
        debit_change(sent(), paid()),
        debit_change(sent(), declined()),
        debit_change(
            sent(),
            Debit { phase: Phase::GivenUp { why: GiveUpReason::Funds }, ..sent() },
        ),
        debit_change(
            sent(),
            Debit { phase: Phase::Held { why: "?".to_owned(), found: None }, ..sent() },
        ),
        mandate_change(None, MandatePhase::Offered),
        mandate_change(Some(MandatePhase::Offered), MandatePhase::Active),
        mandate_change(Some(MandatePhase::Active), suspended),
        mandate_change(Some(MandatePhase::Active), over),
        recharge_change(RechargePhase::Paid { trade_no: "2015050221001".to_owned() }),
        recharge_change(RechargePhase::Lapsed),
        refund_change(RefundPhase::Done),
        refund_change(refused),
        Change::Reversal(Changed { before: Some(noticed), after: booked }),
        entry(found, Ledger::Alipay, 1_000),
        Change::Adjustment(Box::new(Changed { before: None, after: adjustment })),
        Change::Plan(coming()),
        endpoint_change(),
        Change::Run(Changed { before: Some(run.clone()), after: late }),
        Change::Run(Changed { before: Some(run), after: ended }),
        Change::Breaker(Changed { before: Some(closed), after: opened.clone() }),
        Change::Breaker(Changed { before: Some(opened), after: resumed }),
        reconciliation(3, 0),
        reconciliation(3, 1),
    ]
}

fn changed<T>(outcome: steelyard_billing::Outcome<T>) -> T {
    match outcome {
        steelyard_billing::Outcome::Changed(record) => record,
        steelyard_billing::Outcome::Unchanged | steelyard_billing::Outcome::Contradicts => {
            panic!("nothing changed")
        }
    }
}

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

/// An endpoint that answered 410.
fn endpoint_change() -> Change {
    let endpoint = json!({
        "subject": "shop", "name": "erp", "url": "https://erp.example/steelyard",
        "secrets": { "current": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, "created_at_s": 1_430_000_000,
        "status": "active", "delivered_through": 7, "version": 3,
    });
    let before: Endpoint = serde_json::from_value(endpoint).unwrap();
    let after = before.clone().answered(8, &Outcome::Gone, at(NOW)).endpoint;
    Change::Endpoint(Box::new(Changed { before: Some(before), after }))
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

/// A version of a plan that takes effect a month later.
fn coming() -> ComingVersion {
    let (plan, digest) = ("jushita-2014".parse().unwrap(), "9d1f0c3a7b5e4286".to_owned());
    ComingVersion { from: day("2015-06-01"), plan, digest }
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
