//! The breaker over the debits of all providers, over real HTTP to the local Alipay: what stops
//! them, what does not, and how they go on.

use futures::future::join;
use jiff::Timestamp;
use serde_json::{Value, json};
use steelyard_billing::breaker::{Breaker, BreakerState, Trip};
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{BreachKind, Debit, GatewayCode, Phase};
use steelyard_local_alipay::{Fault, Method, TradeStatus};
use steelyard_local_aws::{Fault as AwsFault, Target};
use steelyard_tests::{Machine, Platform, fen, reason};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at half past midnight, where each of so many providers owes
/// ¥100.00, has enough at Alipay, and a debit is open. Gives their names.
async fn indebted(providers: usize) -> (Platform, Vec<String>) {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    let names: Vec<String> = (1..=providers).map(|number| format!("p{number}")).collect();
    for name in &names {
        platform.sign(name, 1_000_000).await;
        platform.count(name, BASIC, "2015-05-01", 1_500_000).await;
    }
    platform.settle_at("2015-05-02T00:30").await;
    check(&platform, &names, 10_000).await;
    (platform, names)
}

/// Checks that each provider owes so much, reserved as far as its debit was sent, and paid the
/// rest, and that the books balance.
async fn check(platform: &Platform, names: &[String], owed: i64) {
    for name in names {
        let reserved = debit(platform, name).await.reserved().get();
        let found = (platform.account(name).await, platform.taken(name));
        assert_eq!(found, ([0, owed, reserved], 10_000 - owed), "{name}");
    }
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

async fn breaker(platform: &Platform) -> Breaker {
    platform.stack.tables.billing.breaker().await.unwrap()
}

/// Why no debit is made, how many probes failed, and when the next may be made.
async fn open(platform: &Platform) -> (Trip, u16, Option<Timestamp>) {
    match breaker(platform).await.state {
        BreakerState::Open { why, probe_at_s, probes, .. } => (why, probes, probe_at_s),
        BreakerState::Closed => panic!("debits are made"),
    }
}

async fn is_closed(platform: &Platform) -> bool {
    breaker(platform).await.state == BreakerState::Closed
}

async fn debit(platform: &Platform, provider: &str) -> Debit {
    platform.debit(provider, 1).await
}

/// Checks that a provider's debit waits, and that nothing is held against it.
async fn check_blameless(platform: &Platform, name: &str) {
    let debit = debit(platform, name).await;
    assert_eq!(debit.phase, Phase::Due, "{name}");
    assert_eq!(debit.declines, [], "{name}");
    assert_eq!(platform.mandate(name, 1).await.phase, MandatePhase::Active, "{name}");
}

/// How many requests for money Alipay let through: each makes a trade.
fn trades(platform: &Platform) -> usize {
    platform.stack.alipay.trades().unwrap().len()
}

/// How many trades are paid.
fn paid(platform: &Platform) -> usize {
    let trades = platform.stack.alipay.trades().unwrap();
    trades.iter().filter(|trade| trade.status == TradeStatus::TradeSuccess).count()
}

/// Trouble of our own account, by which Alipay makes no trade.
fn blocked() -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: "ACQ.SELLER_BEEN_BLOCKED".to_owned() }
}

/// Lets the debit of the first provider find that trouble at ten, before the others are asked for.
async fn trip(platform: &Platform, fault: Fault) {
    platform.stack.alipay.fail_next(Method::Pay, fault, 1);
    platform.set("2015-05-02T10:00");
    platform.stack.functions.debit.invoke(message("p1")).await.unwrap();
    platform.dispatch_at("2015-05-02T10:00").await;
}

fn own_account() -> Trip {
    Trip::OwnAccount(GatewayCode("code 40004 ACQ.SELLER_BEEN_BLOCKED".to_owned()))
}

/// A person stops all debits.
async fn stop(platform: &Platform) {
    let (why, now) = (reason("the bank called"), platform.stack.clock.now());
    platform.books().decide_breaker(|breaker| breaker.stopped(why.clone(), now)).await.unwrap();
}

/// A person lets debits be made again.
async fn resume(platform: &Platform) {
    let (why, now) = (reason("the bank called again"), platform.stack.clock.now());
    platform.books().decide_breaker(|breaker| breaker.resumed(why.clone(), now)).await.unwrap();
}

#[tokio::test]
async fn trouble_of_our_own_account_stops_the_debits_of_all_and_is_held_against_nobody() {
    for (code, sub_code) in [
        ("40006", "isv.insufficient-isv-permissions"),
        ("40004", "ACQ.SELLER_BEEN_BLOCKED"),
        ("40004", "ACQ.MERCHANT_AGREEMENT_INVALID"),
    ] {
        let (platform, names) = indebted(4).await;
        let fault = Fault::Refused { code: code.to_owned(), sub_code: sub_code.to_owned() };
        trip(&platform, fault).await;
        let probe_at = Some(platform.instant("2015-05-02T10:15"));
        let why = Trip::OwnAccount(GatewayCode(format!("code {code} {sub_code}")));
        assert_eq!(open(&platform).await, (why, 0, probe_at));
        platform.run_until("2015-05-02T10:14").await;
        assert_eq!(trades(&platform), 0, "{sub_code}: one request was refused, and no other sent");
        for name in &names {
            check_blameless(&platform, name).await;
        }
        check(&platform, &names, 10_000).await;

        // After a quarter of an hour one debit is tried, and the others follow by themselves.
        platform.run_until("2015-05-02T10:40").await;
        assert!(is_closed(&platform).await, "{sub_code}");
        check(&platform, &names, 0).await;
        assert_eq!(paid(&platform), names.len());
    }
}

#[tokio::test]
async fn no_debit_is_sent_after_one_finds_trouble_in_its_own_batch_or_in_another() {
    let (platform, names) = indebted(8).await;
    platform.stack.alipay.fail_next(Method::Pay, Fault::ChunkedAnswer, 2);
    platform.stack.alipay.fail_next(Method::Pay, blocked(), 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    assert_eq!(open(&platform).await.0, own_account());
    // The five messages of a batch are handled one after another: the third found the trouble.
    assert_eq!((trades(&platform), paid(&platform)), (2, 2));
    let sent = async |name: &str| !debit(&platform, name).await.attempts.is_empty();
    let mut requests = 0;
    for name in &names {
        requests += usize::from(sent(name).await);
    }
    assert_eq!(requests, 3, "two that were paid, and the one that found it");
    platform.books_balance().await;
    platform.run_until("2015-05-02T12:00").await;
    assert!(is_closed(&platform).await);
    check(&platform, &names, 0).await;
    assert_eq!(trades(&platform), names.len());
}

#[tokio::test]
async fn probe_that_fails_waits_twice_as_long_for_the_next_and_four_hours_at_most() {
    let (platform, names) = indebted(3).await;
    trip(&platform, blocked()).await;
    platform.stack.alipay.fail_next(Method::Pay, blocked(), 6);
    let mut since = platform.instant("2015-05-02T10:00");
    for (probes, minutes) in [(0, 15), (1, 30), (2, 60), (3, 120), (4, 240), (5, 240), (6, 240)] {
        let (why, failed, probe_at) = open(&platform).await;
        let probe_at = probe_at.unwrap();
        assert_eq!((why, failed), (own_account(), probes));
        let waits = jiff::SignedDuration::from_mins(minutes);
        assert_eq!(probe_at.duration_since(since), waits, "after {probes}");
        platform.stack.run_until(probe_at - jiff::SignedDuration::from_secs(1)).await.unwrap();
        assert_eq!(open(&platform).await.1, probes, "nothing was tried meanwhile");
        // A debit is looked at when its lease is over: a quarter of an hour later at most.
        let end = probe_at + jiff::SignedDuration::from_mins(16);
        while platform.stack.clock.now() < end && open_probes(&platform).await == Some(probes) {
            let a_minute_on = platform.stack.clock.now() + jiff::SignedDuration::from_mins(1);
            platform.stack.run_until(a_minute_on).await.unwrap();
            since = last_minute(&platform);
        }
        assert_ne!(open_probes(&platform).await, Some(probes), "it was tried");
    }
    assert!(is_closed(&platform).await);
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, &names, 0).await;
}

/// How many probes failed; none once debits are made again.
async fn open_probes(platform: &Platform) -> Option<u16> {
    match breaker(platform).await.state {
        BreakerState::Open { probes, .. } => Some(probes),
        BreakerState::Closed => None,
    }
}

/// The last full minute that the clock shows, at which dispatch ran last.
fn last_minute(platform: &Platform) -> Timestamp {
    let now = platform.stack.clock.now().as_second();
    Timestamp::from_second(now - now.rem_euclid(60)).unwrap()
}

#[tokio::test]
async fn probe_in_doubt_keeps_the_others_waiting_and_its_money_is_taken_once() {
    for fault in [Fault::NoAnswerBeforeEffect, Fault::NoAnswerAfterEffect] {
        let (platform, names) = indebted(3).await;
        platform.lose_notifications();
        trip(&platform, blocked()).await;
        platform.stack.alipay.fail_next(Method::Pay, fault.clone(), 1);
        platform.run_until("2015-05-02T10:30").await;
        assert_eq!(open(&platform).await.1, 1, "{fault:?}");
        assert_eq!(trades(&platform), usize::from(fault == Fault::NoAnswerAfterEffect));
        platform.run_until("2015-05-02T12:00").await;
        assert!(is_closed(&platform).await, "{fault:?}");
        check(&platform, &names, 0).await;
        assert_eq!(trades(&platform), names.len(), "{fault:?}");
    }
}

#[tokio::test]
async fn debits_that_a_person_stopped_are_made_only_after_a_person_resumed_them() {
    let (platform, names) = indebted(3).await;
    platform.set("2015-05-02T09:00");
    stop(&platform).await;
    platform.run_until("2015-05-03T12:00").await;
    let by_operator = Trip::ByOperator { reason: reason("the bank called") };
    assert_eq!(open(&platform).await, (by_operator.clone(), 0, None));
    assert_eq!(trades(&platform), 0, "nothing was tried, neither on the next day");
    for name in &names {
        check_blameless(&platform, name).await;
        assert_eq!(platform.account(name).await, [0, 10_000, 0], "{name}");
    }
    // The audit says that nothing was done about them for a day.
    platform.books_balance_late(&[BreachKind::Unworked; 3]).await;
    resume(&platform).await;
    assert_eq!(breaker(&platform).await.resumed.unwrap().was, by_operator);
    platform.run_until("2015-05-03T12:30").await;
    check(&platform, &names, 0).await;
}

#[tokio::test]
async fn stop_of_a_person_outlasts_the_good_answer_to_a_probe_that_is_on_its_way() {
    let (platform, names) = indebted(2).await;
    trip(&platform, blocked()).await;
    platform.set("2015-05-02T10:15");
    // It reads the debit, the breaker, the account and the mandate, checks and stores the mandate,
    // reads the breaker, stores that it probes, reads the account, what is owed and the realm,
    // stores that it sends, and asks: then it is stopped.
    let slow = Machine::stalling(&platform, 13);
    let function = slow.debit(&platform);
    let work = tokio::spawn(async move { function.invoke(message("p2")).await });
    slow.stalled().await;
    assert_eq!(trades(&platform), 1, "the probe was sent");
    stop(&platform).await;
    slow.wake();
    work.await.unwrap().unwrap();
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(open(&platform).await.2, None, "no probe ends what a person stopped");
    check(&platform, &names[..1], 10_000).await;
    check(&platform, &names[1..], 0).await;
    resume(&platform).await;
    platform.run_until("2015-05-02T12:30").await;
    check(&platform, &names, 0).await;
}

/// A message that names the one debit of a provider.
fn message(provider: &str) -> Value {
    let body = json!({ "provider": provider, "task": { "debit": 1 } }).to_string();
    json!({ "Records": [{ "messageId": provider, "eventSource": "aws:sqs", "body": body }] })
}

#[tokio::test]
async fn half_of_ten_in_doubt_stops_the_debits_of_all_and_the_money_is_taken_once() {
    let (platform, names) = indebted(12).await;
    platform.lose_notifications();
    let alipay = &platform.stack.alipay;
    alipay.fail_next(Method::Pay, Fault::SystemErrorAfterEffect, 3);
    alipay.fail_next(Method::Pay, Fault::ChunkedAnswer, 5);
    alipay.fail_next(Method::Pay, Fault::SystemErrorBeforeEffect, 2);
    platform.dispatch_at("2015-05-02T10:00").await;
    let (why, probes, probe_at) = open(&platform).await;
    assert_eq!(why, Trip::TooMuchTrouble { asked: 10, troubled: 5 });
    assert_eq!((probes, probe_at), (0, Some(platform.instant("2015-05-02T10:15"))));
    assert_eq!(trades(&platform), 8, "two were not taken, and two not asked for");
    platform.books_hold().await;
    let owing = async |platform: &Platform| {
        let mut owing = 0;
        for name in &names {
            owing += usize::from(platform.account(name).await != [0, 0, 0]);
        }
        owing
    };
    assert_eq!(owing(&platform).await, 7);

    // What is in doubt is asked about meanwhile, and nothing new is asked for.
    platform.run_until("2015-05-02T10:14").await;
    open(&platform).await;
    assert_eq!((trades(&platform), owing(&platform).await), (8, 4));
    platform.books_balance().await;
    platform.run_until("2015-05-02T12:00").await;
    assert!(is_closed(&platform).await);
    check(&platform, &names, 0).await;
    assert_eq!((trades(&platform), paid(&platform)), (12, 12));
}

#[tokio::test]
async fn all_in_doubt_stops_the_debits_of_all_and_the_money_is_taken_once() {
    let (platform, names) = indebted(12).await;
    platform.stack.alipay.fail_next(Method::Pay, Fault::SystemErrorBeforeEffect, 10);
    platform.dispatch_at("2015-05-02T10:00").await;
    assert_eq!(open(&platform).await.0, Trip::TooMuchTrouble { asked: 10, troubled: 10 });
    platform.run_until("2015-05-02T10:14").await;
    assert_eq!(trades(&platform), 0);
    check(&platform, &names, 10_000).await;
    platform.run_until("2015-05-02T12:00").await;
    assert!(is_closed(&platform).await);
    check(&platform, &names, 0).await;
}

#[tokio::test]
async fn less_than_half_in_doubt_and_all_of_nine_stop_nothing() {
    for (providers, doubted) in [(12, 4), (3, 3)] {
        let (platform, names) = indebted(providers).await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Pay, Fault::SystemErrorBeforeEffect, doubted);
        platform.dispatch_at("2015-05-02T10:00").await;
        assert!(is_closed(&platform).await, "{doubted} of {providers}");
        assert_eq!(trades(&platform), providers - doubted);
        platform.run_until("2015-05-02T10:05").await;
        assert!(is_closed(&platform).await, "{doubted} of {providers}");
        check(&platform, &names, 0).await;
    }
}

#[tokio::test]
async fn declines_of_payers_stop_nothing() {
    let (platform, names) = indebted(12).await;
    platform.stack.alipay.fail_next(Method::Pay, Fault::InsufficientFunds, 12);
    platform.dispatch_at("2015-05-02T10:00").await;
    assert!(is_closed(&platform).await);
    assert_eq!(trades(&platform), 12, "each was asked for");
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, &names, 0).await;
}

#[tokio::test]
async fn two_machines_send_one_probe() {
    for behind in 0..8 {
        let (platform, names) = indebted(3).await;
        trip(&platform, blocked()).await;
        // The probe is refused; if there were another, it would make a trade.
        platform.stack.alipay.fail_next(Method::Pay, blocked(), 1);
        platform.set("2015-05-02T10:15");
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.debit(&platform));
        let (one, two) = join(one.invoke(message("p2")), two.invoke(message("p3"))).await;
        for answer in [one, two] {
            assert_eq!(answer.unwrap()["batchItemFailures"], json!([]), "{behind} behind");
        }
        assert_eq!(trades(&platform), 0, "{behind} behind");
        let probe_at = Some(platform.instant("2015-05-02T10:45"));
        assert_eq!(open(&platform).await, (own_account(), 1, probe_at), "{behind} behind");
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, &names, 0).await;
        assert_eq!(trades(&platform), names.len(), "{behind} behind");
    }
}

#[tokio::test]
async fn probe_whose_machine_stalls_is_forgotten_after_a_minute_and_its_money_taken_once() {
    let (platform, names) = indebted(3).await;
    trip(&platform, blocked()).await;
    platform.set("2015-05-02T10:15");
    // It has stored that it probes, and not yet that it sends.
    let slow = Machine::stalling(&platform, 12);
    let function = slow.debit(&platform);
    let work = tokio::spawn(async move { function.invoke(message("p2")).await });
    slow.stalled().await;
    assert_eq!(breaker(&platform).await.probing.unwrap().provider, "p2".parse().unwrap());
    let other = Machine::new(&platform, 0).debit(&platform);
    other.invoke(message("p3")).await.unwrap();
    platform.set("2015-05-02T10:15:59");
    other.invoke(message("p3")).await.unwrap();
    assert_eq!(trades(&platform), 0, "one probe is on its way");
    platform.set("2015-05-02T10:16");
    other.invoke(message("p3")).await.unwrap();
    assert_eq!(paid(&platform), 1);
    assert!(is_closed(&platform).await);
    platform.run_until("2015-05-02T12:00").await;
    slow.wake();
    work.await.unwrap().unwrap();
    platform.run_until("2015-05-02T14:00").await;
    check(&platform, &names, 0).await;
    assert_eq!(trades(&platform), names.len());
}

#[tokio::test]
async fn run_that_is_killed_at_any_write_of_a_trip_and_a_probe_takes_the_money_once() {
    let run = async |write: u64, fault: Option<AwsFault>| {
        let (platform, names) = indebted(2).await;
        platform.stack.alipay.fail_next(Method::Pay, blocked(), 2);
        platform.set("2015-05-02T09:59");
        platform.stack.transport.meter().take();
        if let Some(fault) = fault {
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
        }
        let end = platform.instant("2015-05-02T14:00");
        while platform.stack.run_until(end).await.is_err() {
            platform.stack.transport.faults().restore();
        }
        platform.stack.transport.faults().restore();
        let writes = platform.stack.transport.meter().take().writes();
        assert!(is_closed(&platform).await, "{fault:?} write {write}");
        check(&platform, &names, 0).await;
        assert_eq!(trades(&platform), names.len(), "{fault:?} write {write}");
        for name in &names {
            let debit = debit(&platform, name).await;
            let amount = debit.terms.map(|terms| terms.amount_fen);
            assert_eq!((debit.declines, amount), (vec![], Some(fen(10_000))), "{write}");
        }
        writes
    };
    let writes = run(0, None).await;
    assert!(writes > 12, "{writes}");
    for write in 1..=writes {
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            run(write, Some(fault)).await;
        }
    }
}
