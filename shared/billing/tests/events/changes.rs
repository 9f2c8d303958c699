//! Records that change, and a change of each kind that is an event.

use std::collections::BTreeSet;

use serde_json::json;
use steelyard_billing::breaker::Breaker;
use steelyard_billing::event::{Change, Changed};
use steelyard_billing::mandate::{EndReason, MandateLimits, MandatePhase, Suspension};
use steelyard_billing::webhook::{Endpoint, Outcome};
use steelyard_billing::{
    Account, Adjustment, AdjustmentNote, AdjustmentOf, AdjustmentPhase, AlertState, Attempt, Cause,
    ComingVersion, Debit, DebitId, DebitTerms, DeclineReason, Declined, DepositDemand,
    DepositMovement, DrawReason, Entry, EntryRecord, GatewayCode, GiveUpReason, Ledger, Mandate,
    MandateId, OutRequestNo, OutTradeNo, Payment, Person, Phase, Posting, Reason, Recharge,
    RechargeId, RechargePhase, Reconciliation, Reference, Refund, RefundPhase, RefundRef, Reversal,
    RunEnd, RunFigures, RunScope, RunTally, SettlementRun, Statement, StatementId, TradeOf,
    Unanswered,
};
use steelyard_pricing::{BillingDay, Fen, LineCause, Metered, Rounding, Unpriced, Usage};

use crate::NOW;
use crate::common::{at, provider};
use crate::realm::realm;

/// A change of each kind that is an event, except the debit that is opened.
pub(crate) fn changes() -> Vec<Change> {
    [
        of_the_account(),
        vec![Change::Statement(Box::new(with_unpriced_calls()))],
        of_debits(),
        of_mandates(),
        of_payments(),
        vec![Change::Adjustment(Box::new(Changed { before: None, after: adjustment() }))],
        of_the_platform(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_the_account() -> Vec<Change> {
    let resolved = Account { version: 8, alerts: AlertState::default(), ..watched() };
    let paid_in = DepositMovement::Transferred { reference: Reference::new("transfer-2").unwrap() };
    let drawn = DepositMovement::Drawn { because: DrawReason::GivenUp };
    let returned = DepositMovement::SentBack { reference: Reference::new("transfer-3").unwrap() };
    vec![
        account_change(None, watched()),
        account_change(Some(watched()), resolved),
        deposit_entry(paid_in, Ledger::Bank, 500),
        deposit_entry(drawn, Ledger::Receivable, -500),
        deposit_entry(returned, Ledger::Bank, -500),
    ]
}

/// The statement, with calls that no rate covers.
fn with_unpriced_calls() -> Statement {
    let mut apis = Usage::new();
    let metered = Metered { calls: steelyard_pricing::Calls::new(12), ..Metered::default() };
    apis.add("taobao.unknown.get".parse().unwrap(), metered).unwrap();
    let unpriced = Unpriced { segment: day("2015-05-01"), because: LineCause::Usage, apis };
    Statement { unpriced: vec![unpriced], ..statement() }
}

fn of_debits() -> Vec<Change> {
    let held = Phase::Held { why: "?".to_owned(), found: None };
    vec![
        debit_change(sent(), paid()),
        debit_change(sent(), declined()),
        debit_change(
            sent(),
            Debit { phase: Phase::GivenUp { why: GiveUpReason::Funds }, ..sent() },
        ),
        debit_change(sent(), Debit { phase: held, ..sent() }),
    ]
}

fn of_mandates() -> Vec<Change> {
    let at_s = at("2015-05-02 09:00");
    let suspended = MandatePhase::Suspended { since_s: at_s, why: Suspension::ByGateway };
    let over = MandatePhase::Ended { at_s, why: EndReason::RevokedByProvider };
    vec![
        mandate_change(None, MandatePhase::Offered),
        mandate_change(Some(MandatePhase::Offered), MandatePhase::Active),
        mandate_change(Some(MandatePhase::Active), suspended),
        mandate_change(Some(MandatePhase::Active), over),
    ]
}

/// Recharges, refunds, a reversal, and a payment that was found late.
fn of_payments() -> Vec<Change> {
    let refused =
        RefundPhase::Refused { code: code("ACQ.SELLER_BALANCE_NOT_ENOUGH"), acknowledged: None };
    let noticed = Reversal::noticed(
        &provider().provider,
        numbers(),
        TradeOf::Recharge(RechargeId(1)),
        at("2015-05-02 09:00"),
    );
    let booked = changed(noticed.after_proof(Fen::new(2_500)));
    let found =
        Cause::DebitFound { debit: DebitId(1), attempt: 1, trade_no: "2015050221001".to_owned() };
    vec![
        recharge_change(RechargePhase::Paid { trade_no: "2015050221001".to_owned() }),
        recharge_change(RechargePhase::Lapsed),
        refund_change(RefundPhase::Done),
        refund_change(refused),
        Change::Reversal(Changed { before: Some(noticed), after: booked }),
        entry(found, Ledger::Alipay, 1_000),
    ]
}

fn adjustment() -> Adjustment {
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
    Adjustment { provider: provider().provider, note, phase: AdjustmentPhase::Waiting }
}

/// A coming price, an endpoint, runs, the breaker, and reconciled days.
fn of_the_platform() -> Vec<Change> {
    let run = SettlementRun {
        version: 0,
        number: 1,
        begun_at_s: at("2015-05-02 00:30"),
        scope: RunScope::Shards(BTreeSet::from([7])),
        end: None,
        late_at_s: None,
        disregarded: None,
    };
    let (statements, charged_fen) = (2, Fen::new(3_000));
    let tally = RunTally { providers: 2, statements, charged_fen, ..RunTally::default() };
    let end = RunEnd { ended_at_s: at("2015-05-02 00:31"), tally, figures: RunFigures::default() };
    let ended = SettlementRun { end: Some(end), ..run.clone() };
    let late = SettlementRun { late_at_s: Some(at("2015-05-02 04:30")), ..run.clone() };
    let closed = Breaker::default();
    let opened = closed.stopped(reason("Alipay asked us to"), at("2015-05-02 09:00"));
    let resumed = opened.resumed(reason("it works again"), at("2015-05-02 09:30"));
    vec![
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

pub(crate) fn code(text: &str) -> GatewayCode {
    serde_json::from_value(json!(text)).unwrap()
}

pub(crate) fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

pub(crate) fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

pub(crate) fn numbers() -> RefundRef {
    RefundRef {
        out_trade_no: OutTradeNo::parse("SY_1_R1").unwrap(),
        out_request_no: OutRequestNo::parse("F1").unwrap(),
    }
}

/// A statement of ¥15.00 for 1 May 2015, of which the prepaid balance paid ¥5.00.
pub(crate) fn statement() -> Statement {
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

pub(crate) fn opened() -> Debit {
    let (provider, due) = (provider().provider, at("2015-05-02 10:00"));
    Debit::open(&provider, DebitId(1), due, at("2015-05-02 00:30"))
}

/// A debit of ¥10.00 that was sent.
pub(crate) fn sent() -> Debit {
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

pub(crate) fn paid() -> Debit {
    let mut debit = sent();
    debit.attempts[0].payment =
        Some(Payment { trade_no: "2015050221001".to_owned(), amount_fen: Fen::new(1_000) });
    Debit { phase: Phase::Paid { attempt: 1, at_s: at("2015-05-02 10:01") }, ..debit }
}

pub(crate) fn declined() -> Debit {
    let declined = Declined {
        at_s: at("2015-05-02 10:01"),
        reason: DeclineReason::Funds,
        code: code("ACQ.BUYER_BALANCE_NOT_ENOUGH"),
    };
    let debit = sent();
    let task = steelyard_billing::Task { due_at_s: at("2015-05-03 10:00"), ..debit.task };
    Debit { declines: vec![declined], phase: Phase::Due, task, ..debit }
}

pub(crate) fn debit_change(before: Debit, after: Debit) -> Change {
    Change::Debit(Box::new(Changed { before: Some(before), after }))
}

fn offered() -> Mandate {
    let limits = MandateLimits { single_fen: Fen::new(10_000), daily_fen: Some(Fen::new(20_000)) };
    let now = at("2015-05-01 09:00");
    Mandate::offer(&realm(), &provider().provider, MandateId(1), limits, now).unwrap()
}

pub(crate) fn mandate_change(before: Option<MandatePhase>, after: MandatePhase) -> Change {
    let with = |phase| Mandate { phase, ..offered() };
    Change::Mandate(Box::new(Changed { before: before.map(with), after: with(after) }))
}

pub(crate) fn recharge_change(after: RechargePhase) -> Change {
    let (provider, id, now) = (provider().provider, RechargeId(1), at("2015-05-01 09:00"));
    let before = Recharge::offer(&realm(), &provider, id, Fen::new(10_000), now).unwrap();
    let after = Recharge { phase: after, ..before.clone() };
    Change::Recharge(Changed { before: Some(before), after })
}

pub(crate) fn refund_change(after: RefundPhase) -> Change {
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

pub(crate) fn entry(cause: Cause, ledger: Ledger, amount: i64) -> Change {
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
pub(crate) fn watched() -> Account {
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

pub(crate) fn account_change(before: Option<Account>, after: Account) -> Change {
    Change::Account(Box::new(Changed { before, after }))
}

/// A movement of ¥5.00 of the deposit.
pub(crate) fn deposit_entry(movement: DepositMovement, ledger: Ledger, held: i64) -> Change {
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

pub(crate) fn reconciliation(rows: u32, unreadable_rows: u32) -> Change {
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

fn changed<T>(outcome: steelyard_billing::Outcome<T>) -> T {
    match outcome {
        steelyard_billing::Outcome::Changed(record) => record,
        steelyard_billing::Outcome::Unchanged | steelyard_billing::Outcome::Contradicts => {
            panic!("nothing changed")
        }
    }
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

/// A version of a plan that takes effect a month later.
pub(crate) fn coming() -> ComingVersion {
    let (plan, digest) = ("jushita-2014".parse().unwrap(), "9d1f0c3a7b5e4286".to_owned());
    ComingVersion { from: day("2015-06-01"), plan, digest }
}
