//! Money that goes back through Alipay, over real HTTP to the local Alipay: a refund that is asked for
//! is given back once or not at all, and what Alipay gives back unasked is owed again.

use futures::future::join;
use jiff::SignedDuration;
use serde_json::{Value, json};
use steelyard_billing::{
    Account, AccountError, Cause, DebitId, GatewayCode, Ledger, OutRequestNo, OutTradeNo,
    ProviderId, RechargeId, Reconciliation, Refund, RefundPhase, RefundRef, Reversal, TradeNumber,
    TradeOf,
};
use steelyard_cli::local::alipay::{Fault, Method, NotificationFault};
use steelyard_cli::local::embedded::{Fault as AwsFault, Target};
use steelyard_tests::{Machine, Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";
const RECHARGE: TradeOf = TradeOf::Recharge(RechargeId(1));
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(1), attempt: 1 };

/// A platform on the first of May at eight in the evening, where `a` has paid ¥100.00 in.
async fn recharged() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.paid_recharge("a", "100.00").await;
    platform.deliver().await;
    check(&platform, [10_000, 0, 0], [10_000, 0]).await;
    platform
}

/// A platform on the second of May at noon, where ¥100.00 were withheld from `a`, who has more.
async fn debited() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], [10_000, 0]).await;
    platform
}

/// Either of the two, told what was paid.
async fn paid(of: TradeOf) -> Platform {
    match of {
        TradeOf::Recharge(_) => recharged().await,
        TradeOf::Debit { .. } => debited().await,
    }
}

/// What is prepaid after one of the two was given back so much by our decision.
fn prepaid_after(of: TradeOf, given_back: i64) -> [i64; 3] {
    match of {
        TradeOf::Recharge(_) => [10_000 - given_back, 0, 0],
        TradeOf::Debit { .. } => [0, 0, 0],
    }
}

/// Checks prepaid, receivable and reserved of `a`, what Alipay has of it and what is set aside to be
/// given back, as the journal tells, and that the books balance, no message having been given up.
async fn check(platform: &Platform, account: [i64; 3], alipay_and_set_aside: [i64; 2]) {
    let sums = [Ledger::Alipay, Ledger::Refunding].map(|ledger| sum(platform, ledger));
    let [alipay, refunding] = sums;
    let sums = [alipay.await, -refunding.await];
    assert_eq!((platform.account("a").await, sums), (account, alipay_and_set_aside));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// What the journal of `a` comes to on a ledger, in fen.
async fn sum(platform: &Platform, ledger: Ledger) -> i64 {
    let journal = platform.stack.tables.billing.journal(&a()).await.unwrap();
    journal.iter().map(|entry| entry.moved(ledger).unwrap().get()).sum()
}

/// How many entries of the journal of `a` tell of money that Alipay gave back.
async fn given_back(platform: &Platform) -> usize {
    let journal = platform.stack.tables.billing.journal(&a()).await.unwrap();
    let tells = |cause: &Cause| matches!(cause, Cause::RefundDone(_) | Cause::Reversed(_));
    journal.iter().filter(|entry| tells(&entry.record().cause)).count()
}

fn a() -> ProviderId {
    "a".parse().unwrap()
}

fn number(of: TradeOf, request: &str) -> RefundRef {
    RefundRef {
        out_trade_no: out_trade_no(of),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

fn out_trade_no(of: TradeOf) -> OutTradeNo {
    TradeNumber::new(&a(), of).out_trade_no()
}

/// An operator asks for a refund, as `steelyard refund` does.
async fn ask(platform: &Platform, of: TradeOf, request: &str, amount: i64) {
    let (account, now) = (platform.customer("a").await.account, platform.stack.clock.now());
    let refund = asked(platform, of, request, amount);
    let movement = account.refund_asked(&refund, now).unwrap();
    let billing = &platform.stack.tables.billing;
    billing.store_moving(None, &refund, &account, &movement, None).await.unwrap();
}

fn asked(platform: &Platform, of: TradeOf, request: &str, amount: i64) -> Refund {
    let now = platform.stack.clock.now();
    Refund::ask(&a(), number(of, request), of, fen(amount), "paid twice", now)
}

async fn phase(platform: &Platform, of: TradeOf, request: &str) -> RefundPhase {
    let found = platform.stack.tables.billing.find::<Refund>(&a(), &number(of, request)).await;
    found.unwrap().unwrap().phase
}

/// Alipay gives money of a trade back without our asking.
fn reverse(platform: &Platform, of: TradeOf, amount: i64) {
    let now = platform.stack.clock.now();
    let alipay = &platform.stack.alipay;
    alipay.reverse_trade(out_trade_no(of).as_str(), fen(amount), now).unwrap();
}

async fn reversals(platform: &Platform) -> Vec<i64> {
    let reversals = platform.stack.tables.billing.all::<Reversal>(&a()).await.unwrap();
    reversals.iter().map(|reversal| reversal.amount().map_or(0, |amount| amount.get())).collect()
}

async fn reconciled(platform: &Platform, day: &str) -> Reconciliation {
    let billing = &platform.stack.tables.billing;
    billing.reconciliation(day.parse().unwrap()).await.unwrap().unwrap()
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

/// Faults that leave it open whether the money was given back.
fn doubts() -> [Fault; 11] {
    [
        Fault::NoAnswerBeforeEffect,
        Fault::NoAnswerAfterEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::SystemErrorAfterEffect,
        Fault::BadGatewayBeforeEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        Fault::GzipAnswer,
        Fault::Redirect,
        refused("ACQ.SOMETHING_NEW"),
    ]
}

#[tokio::test]
async fn refund_is_set_aside_when_it_is_asked_for_and_given_back_within_a_minute() {
    for of in [RECHARGE, DEBIT] {
        let platform = paid(of).await;
        ask(&platform, of, "F1", 4_000).await;
        check(&platform, prepaid_after(of, 4_000), [10_000, 4_000]).await;
        let soon = platform.stack.clock.now() + SignedDuration::from_mins(1);
        platform.stack.run_until(soon).await.unwrap();
        assert_eq!(phase(&platform, of, "F1").await, RefundPhase::Done);
        check(&platform, prepaid_after(of, 4_000), [6_000, 0]).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, prepaid_after(of, 4_000), [6_000, 0]).await;
        assert_eq!((given_back(&platform).await, reversals(&platform).await), (1, vec![]));
        // What was given back is on the bill of its day, under its own number.
        let day = if of == RECHARGE { "2015-05-01" } else { "2015-05-02" };
        let told = reconciled(&platform, day).await;
        assert_eq!((told.matched, told.findings, told.waiting), (2, vec![], 0));
    }
}

#[tokio::test]
async fn what_was_given_back_of_a_debit_stays_charged_and_is_not_collected_again() {
    let platform = debited().await;
    ask(&platform, DEBIT, "F1", 10_000).await;
    platform.run_until("2015-05-02T20:00").await;
    assert_eq!(sum(&platform, Ledger::Goodwill).await, 10_000);
    platform.count("a", BASIC, "2015-05-02", 10_000).await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [100, 0]).await;
    assert_eq!(platform.taken("a"), 100);
}

#[tokio::test]
async fn refunds_of_one_trade_are_given_back_each_once_up_to_what_was_paid() {
    for of in [RECHARGE, DEBIT] {
        let platform = paid(of).await;
        for (request, amount) in [("F1", 2_500), ("F2", 2_500), ("F3", 5_000)] {
            ask(&platform, of, request, amount).await;
        }
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, prepaid_after(of, 10_000), [0, 0]).await;
        assert_eq!((given_back(&platform).await, reversals(&platform).await), (3, vec![]));
    }
}

#[tokio::test]
async fn refund_of_more_than_is_prepaid_is_not_asked_for() {
    let platform = recharged().await;
    let account = platform.customer("a").await.account;
    let error = |account: &Account, amount| {
        let refund = asked(&platform, RECHARGE, "F1", amount);
        account.refund_asked(&refund, platform.stack.clock.now()).unwrap_err()
    };
    let used = |amount, prepaid| AccountError::Used { amount: fen(amount), prepaid: fen(prepaid) };
    assert_eq!(error(&account, 10_001), used(10_001, 10_000));
    for amount in [0, -1] {
        assert_eq!(error(&account, amount), AccountError::NotAPayment(fen(amount)));
    }
    // What is set aside for one refund is not there for another.
    ask(&platform, RECHARGE, "F1", 6_000).await;
    let account = platform.customer("a").await.account;
    assert_eq!(error(&account, 4_001), used(4_001, 4_000));
    platform.run_until("2015-05-01T21:00").await;
    check(&platform, [4_000, 0, 0], [4_000, 0]).await;
}

#[tokio::test]
async fn refund_asked_for_twice_under_one_number_is_stored_once() {
    let platform = recharged().await;
    ask(&platform, RECHARGE, "F1", 4_000).await;
    let (account, now) = (platform.customer("a").await.account, platform.stack.clock.now());
    let again = asked(&platform, RECHARGE, "F1", 4_000);
    let movement = account.refund_asked(&again, now).unwrap();
    let billing = &platform.stack.tables.billing;
    let stored = billing.store_moving(None, &again, &account, &movement, None).await;
    assert!(matches!(stored, Err(steelyard_store::CommitError::Stale)), "{stored:?}");
    platform.run_until("2015-05-01T21:00").await;
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
}

#[tokio::test]
async fn refund_whose_answer_proves_nothing_is_given_back_once() {
    for fault in doubts() {
        for is_notified in [true, false] {
            let platform = recharged().await;
            if !is_notified {
                platform.lose_notifications();
            }
            platform.stack.alipay.fail_next(Method::Refund, fault.clone(), 1);
            ask(&platform, RECHARGE, "F1", 4_000).await;
            platform.dispatch_at("2015-05-01T20:01").await;
            let after = phase(&platform, RECHARGE, "F1").await;
            assert_eq!(after, RefundPhase::Sending, "{fault:?}");
            platform.run_until("2015-05-01T20:03").await;
            assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done, "{fault:?}");
            check(&platform, [6_000, 0, 0], [6_000, 0]).await;
            platform.run_until("2015-05-03T12:00").await;
            check(&platform, [6_000, 0, 0], [6_000, 0]).await;
            assert_eq!((given_back(&platform).await, reversals(&platform).await), (1, vec![]));
        }
    }
}

#[tokio::test]
async fn doubt_about_a_refund_is_not_resolved_until_a_query_is_answered() {
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        Fault::OtherAmount,
        refused("ACQ.TRADE_NOT_EXIST"),
    ] {
        let platform = recharged().await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
        platform.stack.alipay.fail_next(Method::RefundQuery, fault.clone(), 4);
        ask(&platform, RECHARGE, "F1", 4_000).await;
        platform.run_until("2015-05-01T20:15").await;
        assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Sending, "{fault:?}");
        assert_eq!(platform.account("a").await, [6_000, 0, 0]);
        platform.run_until("2015-05-01T21:00").await;
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
        assert_eq!(given_back(&platform).await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn refund_that_was_lost_is_asked_for_again_under_its_own_number() {
    let platform = recharged().await;
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerBeforeEffect, 3);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.run_until("2015-05-01T20:02").await;
    assert_ne!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [10_000, 4_000]).await;
    platform.run_until("2015-05-01T22:00").await;
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    assert_eq!(given_back(&platform).await, 1);
}

#[tokio::test]
async fn repeated_request_that_moved_no_money_is_proved_by_a_query() {
    // What was carried out and is asked for again is answered by `fund_change` N.
    let platform = recharged().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.dispatch_at("2015-05-01T20:01").await;
    let billing = &platform.stack.tables.billing;
    let sent: Refund = billing.find(&a(), &number(RECHARGE, "F1")).await.unwrap().unwrap();
    assert_eq!(sent.phase, RefundPhase::Sending);
    let again = Refund { phase: RefundPhase::Due, ..sent.clone() };
    billing.store(Some(&sent), &again).await.unwrap();
    platform.dispatch_at("2015-05-01T20:02").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Sending);
    platform.run_until("2015-05-01T20:10").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    assert_eq!(given_back(&platform).await, 1);
}

#[tokio::test]
async fn refused_refund_comes_back_only_after_a_query_proved_it() {
    for of in [RECHARGE, DEBIT] {
        let platform = paid(of).await;
        let fault = refused("ACQ.TRADE_NOT_ALLOW_REFUND");
        platform.stack.alipay.fail_next(Method::Refund, fault, 1);
        platform.stack.alipay.fail_next(Method::RefundQuery, Fault::NoAnswerBeforeEffect, 1);
        platform.set("2015-05-02T14:00");
        ask(&platform, of, "F1", 4_000).await;
        platform.run_until("2015-05-02T14:02").await;
        let code = GatewayCode("code 40004 ACQ.TRADE_NOT_ALLOW_REFUND".to_owned());
        let refusing = RefundPhase::Refusing { code: code.clone() };
        assert_eq!(phase(&platform, of, "F1").await, refusing);
        check(&platform, prepaid_after(of, 4_000), [10_000, 4_000]).await;
        platform.run_until("2015-05-02T14:05").await;
        assert_eq!(phase(&platform, of, "F1").await, RefundPhase::Refused { code });
        check(&platform, prepaid_after(of, 0), [10_000, 0]).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, prepaid_after(of, 0), [10_000, 0]).await;
    }
}

#[tokio::test]
async fn refusal_of_what_was_given_back_all_the_same_gives_nothing_back_twice() {
    for sub_code in ["ACQ.TRADE_NOT_ALLOW_REFUND", "ACQ.DISCORDANT_REPEAT_REQUEST"] {
        let platform = recharged().await;
        platform.lose_notifications();
        let sub_code = sub_code.to_owned();
        let fault = Fault::RefusedAfterEffect { code: "40004".to_owned(), sub_code };
        platform.stack.alipay.fail_next(Method::Refund, fault, 1);
        ask(&platform, RECHARGE, "F1", 4_000).await;
        platform.run_until("2015-05-01T20:05").await;
        assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    }
}

#[tokio::test]
async fn refused_refund_pays_what_is_owed_by_then() {
    let platform = recharged().await;
    let fault = refused("ACQ.TRADE_NOT_ALLOW_REFUND");
    platform.stack.alipay.fail_next(Method::Refund, fault, 1);
    platform.stack.alipay.fail_next(Method::RefundQuery, Fault::NoAnswerBeforeEffect, 12);
    ask(&platform, RECHARGE, "F1", 10_000).await;
    platform.count("a", BASIC, "2015-05-01", 900_000).await;
    platform.run_until("2015-05-02T01:00").await;
    check(&platform, [0, 4_000, 0], [10_000, 10_000]).await;
    platform.run_until("2015-05-02T10:00").await;
    check(&platform, [6_000, 0, 0], [10_000, 0]).await;
}

#[tokio::test]
async fn refund_waits_until_our_own_account_is_filled_up() {
    let platform = recharged().await;
    let fault = refused("ACQ.SELLER_BALANCE_NOT_ENOUGH");
    platform.stack.alipay.fail_next(Method::Refund, fault, 3);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    for time in ["20:30", "21:30", "22:30"] {
        platform.run_until(&format!("2015-05-01T{time}")).await;
        assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Due, "{time}");
        check(&platform, [6_000, 0, 0], [10_000, 4_000]).await;
    }
    platform.run_until("2015-05-01T23:30").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
}

#[tokio::test]
async fn refund_that_only_the_bill_shows_is_done_by_it() {
    let platform = recharged().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::RefundQuery, Fault::NoAnswerBeforeEffect, 30);
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.run_until("2015-05-02T10:29").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Sending);
    platform.run_until("2015-05-02T10:30").await;
    assert_eq!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Done);
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    assert_eq!(reversals(&platform).await, Vec::<i64>::new());
}

#[tokio::test]
async fn two_visits_to_a_refund_at_once_give_it_back_once() {
    for behind in 0..6 {
        let platform = recharged().await;
        ask(&platform, RECHARGE, "F1", 4_000).await;
        platform.set("2015-05-01T20:01");
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.debit(&platform));
        let message = || message("refund", "F1");
        let (one, two) = join(one.invoke(message()), two.invoke(message())).await;
        for answer in [one, two] {
            assert_eq!(answer.unwrap()["batchItemFailures"], json!([]), "{behind} behind");
        }
        platform.run_until("2015-05-01T20:10").await;
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
        assert_eq!(given_back(&platform).await, 1, "{behind} behind");
    }
}

/// A message that names money that is given back of the recharge of `a`.
fn message(what: &str, request: &str) -> Value {
    let body = json!({ "provider": "a", what: number(RECHARGE, request) }).to_string();
    json!({ "Records": [{ "messageId": "1", "eventSource": "aws:sqs", "body": body }] })
}

#[tokio::test]
async fn killed_refund_is_given_back_once() {
    let done = "refund F1 done: Refunding 40.00, Alipay -40.00";
    let refused_code = refused("ACQ.TRADE_NOT_ALLOW_REFUND");
    for (of, fault, line) in [
        (RECHARGE, None, done),
        (DEBIT, None, done),
        (RECHARGE, Some((Fault::NoAnswerAfterEffect, 1)), done),
        (RECHARGE, Some((Fault::NoAnswerBeforeEffect, 1)), done),
        // However often it is asked.
        (RECHARGE, Some((refused_code, 100)), "refund F1 refused: Refunding 40.00, Prepaid -40.00"),
    ] {
        let told = format!("{of:?} {fault:?}");
        let figures = check_killed(&told, SOON, &async || {
            let platform = paid(of).await;
            platform.lose_notifications();
            for (fault, times) in fault.iter().cloned() {
                platform.stack.alipay.fail_next(Method::Refund, fault, times);
            }
            ask(&platform, of, "F1", 4_000).await;
            platform
        })
        .await;
        assert_eq!(figures.matches(line).count(), 1, "{told}: {figures}");
    }
}

/// Lets a prepared platform run for so long: without a kill, then once for each of its writes with
/// the power cut before it, and once with the power cut after it. Checks that the books balance in
/// the end and that the figures are the same, and tells them.
async fn check_killed(
    told: &str,
    lasting: SignedDuration,
    prepare: &impl AsyncFn() -> Platform,
) -> String {
    let platform = prepare().await;
    platform.stack.transport.meter().take();
    run_killed(&platform, lasting).await;
    let writes = platform.stack.transport.meter().take().writes();
    platform.run_until("2015-05-04T12:00").await;
    let expected = platform.figures().await;
    platform.books_balance().await;
    assert!(writes >= 4, "{told}: {writes}");
    for write in 1..=writes {
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            let platform = prepare().await;
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            run_killed(&platform, lasting).await;
            platform.stack.transport.faults().restore();
            platform.run_until("2015-05-04T12:00").await;
            let told = format!("{told}, {fault:?} write {write} of {writes}");
            assert_eq!(platform.figures().await, expected, "{told}");
            platform.books_balance().await;
        }
    }
    expected
}

/// Long enough for whatever is asked of Alipay at once and an hour later.
const SOON: SignedDuration = SignedDuration::from_mins(70);

/// Long enough for the bill of the day.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// Lets the schedules run for so long, whatever dies; the power is back at the next run.
async fn run_killed(platform: &Platform, lasting: SignedDuration) {
    let end = platform.stack.clock.now() + lasting;
    while platform.stack.run_until(end).await.is_err() {
        platform.stack.transport.faults().restore();
    }
}

#[tokio::test]
async fn refund_that_meets_faults_of_aws_is_given_back_once() {
    for (fault, operation, ordinals) in [
        (AwsFault::LoseAnswer, "TransactWriteItems", 1..=1),
        (AwsFault::LoseAnswer, "TransactWriteItems", 2..=2),
        (AwsFault::LoseAnswer, "TransactWriteItems", 1..=6),
        (AwsFault::Conflict, "TransactWriteItems", 1..=4),
        (AwsFault::Throttle, "TransactWriteItems", 2..=4),
        (AwsFault::LoseAnswer, "UpdateItem", 1..=3),
        (AwsFault::LoseAnswer, "SendMessageBatch", 1..=3),
        (AwsFault::LoseRequest, "Query", 2..=7),
    ] {
        let platform = recharged().await;
        ask(&platform, RECHARGE, "F1", 4_000).await;
        let told = format!("{fault:?} of {operation} {ordinals:?}");
        platform.stack.transport.faults().strike(Target::Operation(operation), ordinals, fault);
        run_killed(&platform, A_DAY).await;
        platform.stack.transport.faults().restore();
        assert_eq!(given_back(&platform).await, 1, "{told}");
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    }
}

#[tokio::test]
async fn reversal_of_a_debit_is_noticed_by_its_notification_and_owed_again() {
    let platform = debited().await;
    reverse(&platform, DEBIT, 10_000);
    platform.deliver().await;
    // How much it is, the notification does not tell.
    assert_eq!(reversals(&platform).await, [0]);
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.run_until("2015-05-02T12:01").await;
    check(&platform, [0, 10_000, 0], [0, 0]).await;
    // The next charge collects it.
    platform.set("2015-05-02T20:00");
    platform.count("a", BASIC, "2015-05-02", 10_000).await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [10_100, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
    let told = reconciled(&platform, "2015-05-02").await;
    assert_eq!((told.matched, told.findings, told.waiting), (2, vec![], 0));
    platform.run_until("2015-05-05T12:00").await;
    check(&platform, [0, 0, 0], [10_100, 0]).await;
}

#[tokio::test]
async fn reversal_of_a_recharge_takes_what_is_prepaid_and_the_rest_is_owed() {
    for (used, amount, account) in [
        (0, 3_000, [7_000, 0, 0]),
        (0, 10_000, [0, 0, 0]),
        (6_000, 3_000, [1_000, 0, 0]),
        (6_000, 4_000, [0, 0, 0]),
        (6_000, 10_000, [0, 6_000, 0]),
        (10_000, 10_000, [0, 10_000, 0]),
    ] {
        let platform = recharged().await;
        if used > 0 {
            let calls = 500_000 + u64::try_from(used).unwrap() * 100;
            platform.count("a", BASIC, "2015-05-01", calls).await;
        }
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [10_000 - used, 0, 0], [10_000, 0]).await;
        reverse(&platform, RECHARGE, amount);
        platform.run_until("2015-05-02T12:01").await;
        check(&platform, account, [10_000 - amount, 0]).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, account, [10_000 - amount, 0]).await;
    }
}

#[tokio::test]
async fn reversal_that_only_the_bill_shows_is_owed_again() {
    for (of, account) in [(DEBIT, [0, 3_000, 0]), (RECHARGE, [7_000, 0, 0])] {
        let platform = paid(of).await;
        platform.lose_notifications();
        platform.run_until("2015-05-02T14:00").await;
        reverse(&platform, of, 3_000);
        platform.run_until("2015-05-03T10:29").await;
        assert_eq!(platform.account("a").await, prepaid_after(of, 0));
        platform.run_until("2015-05-03T10:30").await;
        check(&platform, account, [7_000, 0]).await;
        let findings = reconciled(&platform, "2015-05-02").await.findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(!findings[0].kind.is_difference(), "{findings:?}");
        platform.run_until("2015-05-05T12:00").await;
        check(&platform, account, [7_000, 0]).await;
        assert_eq!(reversals(&platform).await, [3_000]);
    }
}

#[tokio::test]
async fn payment_and_reversal_that_only_the_bill_shows_come_to_nothing() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.lose_notifications();
    platform.paid_recharge("a", "100.00").await;
    reverse(&platform, RECHARGE, 10_000);
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [0, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
}

#[tokio::test]
async fn payment_that_is_reversed_before_it_is_known_is_booked_and_reversed() {
    // The notification of the reversal alone tells of both.
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.stack.alipay.fail_next_notifications(NotificationFault::Dropped, 1);
    platform.paid_recharge("a", "100.00").await;
    reverse(&platform, RECHARGE, 10_000);
    platform.deliver().await;
    platform.run_until("2015-05-01T20:05").await;
    check(&platform, [0, 0, 0], [0, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
}

#[tokio::test]
async fn debit_that_is_reversed_while_it_is_in_doubt_is_asked_for_under_another_number() {
    // Alipay says that its trade is closed, and not that it was paid. The bill tells both.
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    reverse(&platform, DEBIT, 10_000);
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], [10_000, 0]).await;
    let trades = platform.stack.alipay.trades().unwrap();
    let numbers: Vec<_> = trades.iter().map(|trade| trade.out_trade_no.as_str()).collect();
    let second = TradeOf::Debit { debit: DebitId(1), attempt: 2 };
    assert_eq!(numbers, [out_trade_no(DEBIT).as_str(), out_trade_no(second).as_str()]);
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 0, 0], [10_000, 0]).await;
    assert_eq!(reversals(&platform).await, [10_000]);
}

#[tokio::test]
async fn partial_reversals_of_one_trade_are_booked_each_once_by_their_own_amounts() {
    for lost in [0, 1] {
        let platform = debited().await;
        platform.stack.alipay.fail_next_notifications(NotificationFault::Dropped, lost);
        reverse(&platform, DEBIT, 3_000);
        platform.deliver().await;
        platform.run_until("2015-05-02T12:10").await;
        reverse(&platform, DEBIT, 2_000);
        platform.run_until("2015-05-02T12:20").await;
        let before_the_bill = if lost == 0 { 5_000 } else { 2_000 };
        assert_eq!(platform.account("a").await, [0, before_the_bill, 0]);
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, [0, 5_000, 0], [5_000, 0]).await;
        assert_eq!(reversals(&platform).await, [3_000, 2_000]);
    }
}

#[tokio::test]
async fn reversal_beside_a_refund_of_the_same_trade_is_told_apart() {
    let platform = recharged().await;
    ask(&platform, RECHARGE, "F1", 4_000).await;
    platform.run_until("2015-05-01T20:10").await;
    reverse(&platform, RECHARGE, 1_500);
    platform.run_until("2015-05-01T20:20").await;
    check(&platform, [4_500, 0, 0], [4_500, 0]).await;
    assert_eq!((given_back(&platform).await, reversals(&platform).await), (2, vec![1_500]));
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [4_500, 0, 0], [4_500, 0]).await;
}

#[tokio::test]
async fn refund_of_what_alipay_gave_back_before_is_refused_and_comes_back() {
    let platform = recharged().await;
    ask(&platform, RECHARGE, "F1", 4_000).await;
    reverse(&platform, RECHARGE, 10_000);
    platform.run_until("2015-05-01T20:10").await;
    assert!(matches!(phase(&platform, RECHARGE, "F1").await, RefundPhase::Refused { .. }));
    check(&platform, [0, 0, 0], [0, 0]).await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], [0, 0]).await;
}

#[tokio::test]
async fn notification_of_a_reversal_that_comes_again_changes_nothing_more() {
    let platform = debited().await;
    reverse(&platform, DEBIT, 3_000);
    let form = platform.stack.alipay.signed_form(&platform.pending_notification());
    let success = (200, "success".to_owned());
    for _ in 0..2 {
        assert_eq!(platform.notify(&form).await, success);
    }
    platform.run_until("2015-05-02T12:05").await;
    check(&platform, [0, 3_000, 0], [7_000, 0]).await;
    let before = platform.records().await;
    assert_eq!(platform.notify(&form).await, success);
    assert_eq!(platform.records().await, before);
    assert_eq!(reversals(&platform).await, [3_000]);
}

#[tokio::test]
async fn reversal_is_booked_by_no_amount_but_that_which_a_query_tells() {
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::SystemErrorAfterEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        refused("ACQ.TRADE_NOT_EXIST"),
    ] {
        let platform = debited().await;
        platform.stack.alipay.fail_next(Method::RefundQuery, fault.clone(), 3);
        reverse(&platform, DEBIT, 3_000);
        platform.run_until("2015-05-02T12:07").await;
        assert_eq!(platform.account("a").await, [0, 0, 0], "{fault:?}");
        platform.run_until("2015-05-02T12:16").await;
        check(&platform, [0, 3_000, 0], [7_000, 0]).await;
    }
}

#[tokio::test]
async fn reversal_that_a_notification_claims_and_no_query_finds_moves_nothing() {
    let platform = debited().await;
    reverse(&platform, DEBIT, 3_000);
    let mut claimed = platform.pending_notification();
    claimed.insert("out_biz_no".to_owned(), "REVERSAL99999999".to_owned());
    let form = platform.stack.alipay.signed_form(&claimed);
    assert_eq!(platform.notify(&form).await, (200, "success".to_owned()));
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 3_000, 0], [7_000, 0]).await;
    assert_eq!(reversals(&platform).await, [3_000, 0]);
}

#[tokio::test]
async fn two_visits_to_a_reversal_at_once_book_it_once() {
    for behind in 0..6 {
        let platform = recharged().await;
        reverse(&platform, RECHARGE, 3_000);
        platform.deliver().await;
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.debit(&platform));
        let message = || message("reversal", "REVERSAL00000001");
        let (one, two) = join(one.invoke(message()), two.invoke(message())).await;
        for answer in [one, two] {
            assert_eq!(answer.unwrap()["batchItemFailures"], json!([]), "{behind} behind");
        }
        check(&platform, [7_000, 0, 0], [7_000, 0]).await;
        assert_eq!(given_back(&platform).await, 1);
    }
}

#[tokio::test]
async fn killed_reversal_is_owed_again_once() {
    for is_notified in [true, false] {
        let told = format!("reversal, notified: {is_notified}");
        let lasting = if is_notified { SOON } else { A_DAY };
        let figures = check_killed(&told, lasting, &async || {
            let platform = debited().await;
            if !is_notified {
                platform.lose_notifications();
            }
            reverse(&platform, DEBIT, 3_000);
            platform
        })
        .await;
        let line = "reversed REVERSAL00000001: Alipay -30.00, Receivable 30.00";
        assert_eq!(figures.matches(line).count(), 1, "{figures}");
    }
}
