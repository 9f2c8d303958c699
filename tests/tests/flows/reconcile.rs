//! The books held against Alipay's bill of the day before, over real HTTP to the local Alipay: what
//! the bill shows and nobody told is booked, and what differs is found.

use std::path::{Path, PathBuf};

use futures::future::join;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use steelyard_billing::{
    Debit, DebitId, FindingKind, OutRequestNo, Phase, ProviderId, RechargePhase, Reconciliation,
    Refund, RefundPhase, RefundRef, TradeNumber, TradeOf, Unmatched,
};
use steelyard_billing::{Recharge, RechargeId};
use steelyard_cli::local::alipay::{Fault, Method};
use steelyard_cli::local::embedded::{Fault as AwsFault, Target};
use steelyard_runtime::Error;
use steelyard_tests::{Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(1), attempt: 1 };

/// The day on which debits are made, and the next.
const DAY: &str = "2015-05-02";
const NEXT_DAY: &str = "2015-05-03";

/// More queries than a debit makes in two days.
const ALL: usize = 200;

/// A platform on the second of May at half past midnight, where `a` owes ¥100.00, has enough at
/// Alipay, and a debit is open.
async fn indebted() -> Platform {
    let platform = Platform::open().await;
    owing(&platform, &["a"]).await;
    platform
}

async fn owing(platform: &Platform, providers: &[&str]) {
    platform.set("2015-05-01T20:00");
    for provider in providers {
        platform.sign(provider, 1_000_000).await;
        platform.count(provider, BASIC, "2015-05-01", 1_500_000).await;
    }
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account(providers[0]).await, [0, 10_000, 10_000]);
}

/// The same at ten past ten, with the money taken, the answer and all notifications lost, and no
/// query that tells for now.
async fn in_doubt() -> Platform {
    let platform = indebted().await;
    take_in_doubt(&platform, Fault::NoAnswerAfterEffect).await;
    platform
}

async fn take_in_doubt(platform: &Platform, fault: Fault) {
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, fault, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, ALL);
    platform.run_until("2015-05-02T10:10").await;
    platform.books_hold().await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 10_000], 10_000));
}

/// The same, with the money taken and the debit thought dead: it was refused, and so many queries
/// say that there is no such trade.
async fn given_up(faults: &[Fault], queries: usize) -> Platform {
    let platform = indebted().await;
    platform.lose_notifications();
    for fault in faults {
        platform.stack.alipay.fail_next(Method::Pay, fault.clone(), 1);
    }
    platform.stack.alipay.fail_next(Method::Query, refused("ACQ.TRADE_NOT_EXIST"), queries);
    platform.run_until("2015-05-02T10:10").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 0], 10_000));
    assert!(debit(&platform).await.given_up().is_some());
    platform
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

fn refused_after_effect(sub_code: &str) -> Fault {
    Fault::RefusedAfterEffect { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

fn a() -> ProviderId {
    "a".parse().unwrap()
}

async fn debit(platform: &Platform) -> Debit {
    platform.stack.tables.billing.find(&a(), &DebitId(1)).await.unwrap().unwrap()
}

/// Checks prepaid, receivable and reserved of `a` and what was taken from it, and that the books
/// balance.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    assert_eq!((platform.account("a").await, platform.taken("a")), (account, taken));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// Reconciles what is due.
async fn reconcile(platform: &Platform) -> Result<Value, Error> {
    platform.stack.functions.reconcile.invoke(json!({})).await
}

/// Reconciles a day, as an operator may at any time.
async fn reconcile_day(platform: &Platform, day: &str) -> Result<Value, Error> {
    platform.stack.functions.reconcile.invoke(json!({ "day": day })).await
}

/// What a day came to, if it was reconciled, without the time.
async fn stored(platform: &Platform, day: &str) -> Option<Reconciliation> {
    let stored = platform.stack.tables.billing.reconciliation(day.parse().unwrap()).await.unwrap();
    stored.map(|stored| Reconciliation { reconciled_at_s: Timestamp::UNIX_EPOCH, ..stored })
}

/// The rows, those that matched, and what waits for the next bill; and the findings, each with what
/// the bill says and what the books say.
type Told = ([u32; 3], Vec<(FindingKind, Option<i64>, Option<i64>)>);

async fn told(platform: &Platform, day: &str) -> Told {
    let of = stored(platform, day).await.unwrap();
    assert_eq!((of.day.to_string(), of.more_findings), (day.to_owned(), 0));
    let get = |fen: steelyard_pricing::Fen| fen.get();
    let findings = of.findings.iter();
    let findings = findings.map(|of| (of.kind, of.theirs_fen.map(get), of.ours_fen.map(get)));
    ([of.rows, of.matched, of.waiting], findings.collect())
}

/// What is told of a day on which so many rows match, and nothing else is to be told.
fn all_match(rows: u32) -> Told {
    ([rows, rows, 0], Vec::new())
}

/// What is told of a day on which one row shows what was not known.
fn one_found(kind: FindingKind, amount: i64) -> Told {
    ([1, 1, 0], vec![(kind, Some(amount), None)])
}

/// What our books have and no bill has shown, in fen.
async fn unmatched(platform: &Platform) -> Vec<i64> {
    let unmatched = platform.stack.tables.billing.unmatched(Date::MAX).await.unwrap();
    unmatched.iter().map(|of: &Unmatched| of.amount_fen.get()).collect()
}

/// A new folder for one test's data.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

/// An operator asks for a refund of the debit.
async fn ask_for_refund(platform: &Platform, request: &str, amount: i64) {
    let (account, now) = (platform.customer("a").await.account, platform.stack.clock.now());
    let refund = Refund::ask(&a(), refund_number(request), DEBIT, fen(amount), "a gift", now);
    let movement = account.refund_asked(&refund, now).unwrap();
    let billing = &platform.stack.tables.billing;
    billing.store_moving(None, &refund, &account, &movement, None).await.unwrap();
}

fn refund_number(request: &str) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(&a(), DEBIT).out_trade_no(),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

async fn refund(platform: &Platform, request: &str) -> RefundPhase {
    let found = platform.stack.tables.billing.find::<Refund>(&a(), &refund_number(request)).await;
    found.unwrap().unwrap().phase
}

/// Alipay gives money of the debit back without our asking.
fn reverse(platform: &Platform, amount: i64) {
    let number = TradeNumber::new(&a(), DEBIT).out_trade_no();
    let now = platform.stack.clock.now();
    platform.stack.alipay.reverse_trade(number.as_str(), fen(amount), now).unwrap();
}

/// The notification that the trade was paid that is the last on the bill, taken away from Alipay
/// together with all others.
fn notice_of_the_last_trade(platform: &Platform) -> String {
    let alipay = &platform.stack.alipay;
    let trades = alipay.trades().unwrap().into_iter();
    let number = trades.max_by_key(|trade| trade.trade_no.clone()).unwrap().out_trade_no;
    let pending = alipay.notifications().unwrap();
    let mut pending = pending.into_iter().map(|of| of.parameters);
    let mut fields = pending.find(|of| of["out_trade_no"] == number).unwrap();
    fields.insert("notify_time".to_owned(), "2015-05-02 10:00:00".to_owned());
    alipay.drop_notifications().unwrap();
    alipay.signed_form(&fields)
}

/// A day on which a debit, a recharge, a refund and a reversal were told of, up to the next
/// morning.
async fn a_day_of_all() -> Platform {
    let platform = indebted().await;
    platform.run_until("2015-05-02T11:00").await;
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-02T12:00").await;
    ask_for_refund(&platform, "F1", 500).await;
    platform.run_until("2015-05-02T13:00").await;
    reverse(&platform, 1_000);
    platform.run_until("2015-05-03T10:29").await;
    platform
}

#[tokio::test]
async fn paid_day_matches_wholly_and_is_the_same_whenever_it_is_reconciled_again() {
    for kind in ["trade", "signcustomer"] {
        let platform = a_day_of_all().await;
        assert_eq!(stored(&platform, DAY).await, None);
        assert_eq!(unmatched(&platform).await.len(), 4);
        if kind == "signcustomer" {
            platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
        }
        platform.run_until("2015-05-03T10:30").await;
        assert_eq!(told(&platform, DAY).await, all_match(4), "{kind}");
        let (first, figures) = (stored(&platform, DAY).await, platform.figures().await);
        assert_eq!(first.as_ref().unwrap().bill.as_ref().unwrap().kind, kind);
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        for time in ["2015-05-03T10:31", "2015-05-20T23:59"] {
            if kind == "signcustomer" {
                platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
            }
            platform.set(time);
            reconcile_day(&platform, DAY).await.unwrap();
            let again = stored(&platform, DAY).await;
            assert_eq!(again.map(without_file), first.clone().map(without_file), "{kind}");
        }
        assert_eq!(platform.figures().await, figures);
        platform.books_balance().await;
    }
}

/// The zip has the time in it at which it was made.
fn without_file(of: Reconciliation) -> Reconciliation {
    Reconciliation { bill: None, ..of }
}

#[tokio::test]
async fn day_is_reconciled_once_at_half_past_ten_and_not_again_by_itself() {
    let platform = indebted().await;
    platform.run_until("2015-05-03T10:30").await;
    let billing = &platform.stack.tables.billing;
    let stored = billing.reconciliation(DAY.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.reconciled_at_s, platform.instant("2015-05-03T10:30"));
    platform.set("2015-05-03T12:00");
    assert_eq!(reconcile(&platform).await.unwrap(), json!({ "days": [] }));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn debit_in_doubt_is_paid_by_the_bill_whatever_answer_was_lost() {
    for fault in [
        Fault::NoAnswerAfterEffect,
        Fault::SystemErrorAfterEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        refused_after_effect("ACQ.SOMETHING_NEW"),
    ] {
        let platform = indebted().await;
        take_in_doubt(&platform, fault.clone()).await;
        platform.run_until("2015-05-03T10:29").await;
        assert_eq!(platform.account("a").await, [0, 10_000, 10_000], "{fault:?}");
        platform.run_until("2015-05-03T10:30").await;
        assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
        assert!(debit(&platform).await.payment().is_some(), "{fault:?}");
        check(&platform, [0, 0, 0], 10_000).await;
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        // What was found stays told, and the next day has nothing to tell of it.
        reconcile_day(&platform, DAY).await.unwrap();
        assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
        platform.run_until("2015-05-05T12:00").await;
        for day in [NEXT_DAY, "2015-05-04"] {
            assert_eq!(told(&platform, day).await, all_match(0));
        }
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn debit_that_was_given_up_and_is_on_the_bill_pays_what_is_owed_or_becomes_prepaid() {
    for (recharged, account) in [(0, [0, 0, 0]), (4_000, [4_000, 0, 0]), (12_000, [12_000, 0, 0])] {
        let platform = given_up(&[refused_after_effect("ACQ.TOTAL_FEE_EXCEED")], 2).await;
        if recharged > 0 {
            platform.recharge("a", recharged, "transfer-1").await;
        }
        platform.run_until("2015-05-03T12:00").await;
        assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
        let found = debit(&platform).await.found_payments;
        assert_eq!(found.iter().map(|of| of.payment.amount_fen).collect::<Vec<_>>(), [fen(10_000)]);
        check(&platform, account, 10_000).await;
        reconcile_day(&platform, DAY).await.unwrap();
        check(&platform, account, 10_000).await;
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
        check(&platform, account, 10_000).await;
    }
}

#[tokio::test]
async fn payment_that_succeeds_after_the_debit_was_closed_is_found_by_the_bill() {
    let platform = given_up(&[Fault::LateSuccess, refused("ACQ.TOTAL_FEE_EXCEED")], ALL).await;
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
    assert_eq!(debit(&platform).await.found_payments.len(), 1);
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn recharge_that_nobody_told_of_is_found_by_the_bill_even_if_it_has_lapsed() {
    for (fault, lapses) in
        [(Fault::SystemErrorBeforeEffect, false), (refused("ACQ.TRADE_NOT_EXIST"), true)]
    {
        let platform = Platform::open().await;
        platform.join("a").await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Query, fault, ALL);
        platform.set("2015-05-01T09:00");
        platform.paid_recharge("a", "20.00").await;
        platform.run_until("2015-05-02T10:29").await;
        let recharge = async |platform: &Platform| -> Recharge {
            let billing = &platform.stack.tables.billing;
            billing.find(&a(), &RechargeId(1)).await.unwrap().unwrap()
        };
        let before = recharge(&platform).await.phase;
        assert_eq!(before, if lapses { RechargePhase::Lapsed } else { RechargePhase::Offered });
        assert_eq!(platform.account("a").await, [0, 0, 0]);
        platform.run_until("2015-05-02T10:30").await;
        let found = one_found(FindingKind::FoundPayment, 2_000);
        assert_eq!(told(&platform, "2015-05-01").await, found);
        assert!(recharge(&platform).await.payment().is_some());
        assert_eq!(platform.account("a").await, [2_000, 0, 0]);
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn refund_in_doubt_is_done_by_the_bill() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Refund, Fault::NoAnswerAfterEffect, 1);
    let fault = Fault::SystemErrorBeforeEffect;
    platform.stack.alipay.fail_next(Method::RefundQuery, fault, ALL);
    ask_for_refund(&platform, "F1", 500).await;
    platform.run_until("2015-05-03T10:29").await;
    assert_eq!(refund(&platform, "F1").await, RefundPhase::Sending);
    platform.run_until("2015-05-03T10:30").await;
    assert_eq!(refund(&platform, "F1").await, RefundPhase::Done);
    let found = (FindingKind::FoundReversal, Some(-500), None);
    assert_eq!(told(&platform, DAY).await, ([2, 2, 0], vec![found]));
    check(&platform, [0, 0, 0], 9_500).await;
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    check(&platform, [0, 0, 0], 9_500).await;
}

#[tokio::test]
async fn reversal_that_nobody_told_of_is_found_by_the_bill_and_owed_again() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.lose_notifications();
    reverse(&platform, 1_000);
    reverse(&platform, 9_000);
    platform.run_until("2015-05-03T10:29").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.run_until("2015-05-03T10:30").await;
    let found = |amount| (FindingKind::FoundReversal, Some(amount), None);
    let (counts, mut findings) = told(&platform, DAY).await;
    findings.sort();
    assert_eq!((counts, findings), ([3, 3, 0], vec![found(-9_000), found(-1_000)]));
    check(&platform, [0, 10_000, 0], 0).await;
    reconcile_day(&platform, DAY).await.unwrap();
    check(&platform, [0, 10_000, 0], 0).await;
}

#[tokio::test]
async fn other_amount_on_the_bill_is_found_and_nothing_is_booked_by_it() {
    // Of what is paid, and of what is in doubt.
    let platform = indebted().await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::ChunkedAnswer, 1);
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T10:29").await;
    let figures = platform.figures().await;
    platform.run_until("2015-05-03T12:00").await;
    let differs = (FindingKind::AmountDiffers, Some(10_001), Some(10_000));
    assert_eq!(told(&platform, DAY).await, ([1, 0, 1], vec![differs]));
    assert_eq!(platform.figures().await, figures);
    // The right bill comes later.
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await, all_match(1));
    check(&platform, [0, 0, 0], 10_000).await;

    let platform = in_doubt().await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::ChunkedAnswer, 1);
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([1, 0, 0], vec![differs]));
    assert!(matches!(debit(&platform).await.phase, Phase::InDoubt { .. }), "it stays in doubt");
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    platform.books_hold().await;
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn trade_of_which_nobody_here_knows_is_found_and_nothing_is_booked_by_it() {
    let platform = indebted().await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 3);
    let theirs = (FindingKind::TheirsOnly, Some(4_200), None);
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(told(&platform, "2015-05-01").await, ([1, 0, 0], vec![theirs]));
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([2, 1, 0], vec![theirs]));
    check(&platform, [0, 0, 0], 10_000).await;
    // With the ledger, too.
    let platform = indebted().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([2, 1, 0], vec![theirs]));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn what_only_our_books_have_waits_for_a_day_is_told_once_and_matches_when_a_bill_shows_it() {
    let platform = indebted().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillRowMissing, 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([0, 0, 1], vec![]), "midnight may have cut it off");
    platform.run_until("2015-05-04T12:00").await;
    let ours = (FindingKind::OursOnly, None, Some(10_000));
    assert_eq!(told(&platform, NEXT_DAY).await, ([0, 0, 0], vec![ours]));
    reconcile_day(&platform, NEXT_DAY).await.unwrap();
    assert_eq!(told(&platform, NEXT_DAY).await, ([0, 0, 0], vec![ours]));
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(told(&platform, "2015-05-04").await, all_match(0), "it was told before");
    assert_eq!(unmatched(&platform).await, [10_000], "it still waits");

    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
    reconcile_day(&platform, NEXT_DAY).await.unwrap();
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn payment_that_is_booked_after_midnight_matches_the_bill_of_the_day_before() {
    let platform = indebted().await;
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, ALL);
    platform.dispatch_at("2015-05-02T10:00").await;
    let late = notice_of_the_last_trade(&platform);
    platform.run_until("2015-05-03T00:10").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    assert_eq!(platform.notify(&late).await, (200, "success".to_owned()));
    check(&platform, [0, 0, 0], 10_000).await;
    let [booked] = &platform.stack.tables.billing.unmatched(Date::MAX).await.unwrap()[..] else {
        panic!("not one is unmatched")
    };
    assert_eq!(booked.booked_on.to_string(), NEXT_DAY);
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn account_without_a_bill_of_trades_is_reconciled_by_its_ledger() {
    // Found money needs the number of the trade, which only a query tells.
    let platform = given_up(&[refused_after_effect("ACQ.TOTAL_FEE_EXCEED")], 2).await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
    let found = &debit(&platform).await.found_payments[0].payment.trade_no;
    let trades = platform.stack.alipay.trades().unwrap();
    assert_eq!(*found, trades[0].trade_no);
    check(&platform, [0, 0, 0], 10_000).await;

    // Until it does, nothing is booked.
    let platform = in_doubt().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
    platform.run_until("2015-05-03T12:00").await;
    let theirs = (FindingKind::TheirsOnly, Some(10_000), None);
    assert_eq!(told(&platform, DAY).await, ([1, 0, 0], vec![theirs]));
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    platform.books_hold().await;
}

#[tokio::test]
async fn day_without_trades_has_no_bill_and_no_rows() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(told(&platform, "2015-05-01").await, all_match(0));
    assert_eq!(stored(&platform, "2015-05-01").await.unwrap().bill, None);
}

#[tokio::test]
async fn bill_that_cannot_be_had_is_an_error_stores_nothing_and_is_made_up_by_the_next_run() {
    let unsupported = refused("TYPE_NOT_SUPPORTED");
    for (fault, times) in [
        (Fault::NoAnswerBeforeEffect, 1),
        (Fault::NoAnswerAfterEffect, 1),
        (Fault::SystemErrorBeforeEffect, 1),
        (Fault::UnsignedAnswer, 1),
        (Fault::WrongKey, 1),
        (Fault::Garbage, 1),
        (Fault::BadGatewayBeforeEffect, 1),
        (refused("INVAILID_ARGUMENTS"), 1),
        (unsupported, 2),
    ] {
        let platform = indebted().await;
        platform.dispatch_at("2015-05-02T10:00").await;
        let figures = platform.figures().await;
        platform.set("2015-05-03T10:30");
        platform.stack.alipay.fail_next(Method::Bill, fault.clone(), times);
        assert!(reconcile(&platform).await.is_err(), "{fault:?}");
        assert_eq!(stored(&platform, DAY).await, None, "{fault:?}");
        assert_eq!(unmatched(&platform).await, [10_000], "{fault:?}");
        // The next run is that of the next morning: the first day was never reconciled.
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(told(&platform, DAY).await, all_match(1), "{fault:?}");
        assert_eq!(told(&platform, NEXT_DAY).await, all_match(0), "{fault:?}");
        assert_eq!(platform.figures().await.lines().next(), figures.lines().next());
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn bill_of_a_day_that_is_not_complete_is_an_error_and_stores_nothing() {
    let platform = indebted().await;
    platform.dispatch_at("2015-05-02T10:00").await;
    platform.set("2015-05-03T09:59:59");
    for day in [DAY, NEXT_DAY, "2015-06-01"] {
        assert!(reconcile_day(&platform, day).await.is_err(), "{day}");
        assert_eq!(stored(&platform, day).await, None, "{day}");
    }
    assert!(reconcile(&platform).await.is_err());
    assert!(reconcile_day(&platform, "yesterday").await.is_err());
    platform.set("2015-05-03T10:00");
    reconcile(&platform).await.unwrap();
    assert_eq!(told(&platform, DAY).await, all_match(1));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn days_that_were_missed_are_made_up_in_their_order_up_to_a_month_back() {
    let platform = in_doubt().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.set("2015-05-06T10:30");
    let done = reconcile(&platform).await.unwrap();
    let days = |done: &Value| -> Vec<String> {
        let days = done["days"].as_array().unwrap().iter();
        days.map(|of| of["day"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(days(&done), [DAY, NEXT_DAY, "2015-05-04", "2015-05-05"]);
    assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    check(&platform, [0, 0, 0], 10_000).await;

    platform.set("2015-07-01T10:30");
    let days = days(&reconcile(&platform).await.unwrap());
    assert_eq!((days.len(), &*days[0], &*days[30]), (31, "2015-05-31", "2015-06-30"));
}

#[tokio::test]
async fn day_that_cannot_be_had_holds_up_those_after_it_and_not_those_before() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.set("2015-05-05T10:30");
    platform.stack.alipay.fail_next(Method::Bill, Fault::ChunkedAnswer, 1);
    platform.stack.alipay.fail_next(Method::Bill, Fault::Garbage, 1);
    assert!(reconcile(&platform).await.is_err());
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(stored(&platform, NEXT_DAY).await, None);
    assert_eq!(stored(&platform, "2015-05-04").await, None);
    reconcile(&platform).await.unwrap();
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    assert_eq!(told(&platform, "2015-05-04").await, all_match(0));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn raw_file_is_kept_under_its_hash_before_it_is_read() {
    let folder = folder("bills");
    let platform = Platform::open_in(&folder).await;
    owing(&platform, &["a"]).await;
    platform.run_until("2015-05-03T12:00").await;
    let bill = stored(&platform, DAY).await.unwrap().bill.unwrap();
    let zip = std::fs::read(folder.join(&bill.key)).unwrap();
    let sha256: String = Sha256::digest(&zip).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bill.sha256, sha256);
    assert_eq!((&*bill.kind, &*bill.key), ("trade", &*format!("bills/{DAY}/trade-{sha256}.zip")));
    let rows = steelyard_alipay::read_bill(steelyard_billing::BillKind::Trade, &zip).unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.amount_fen).collect::<Vec<_>>(), [fen(10_000)]);

    // Another bill of the same day is kept beside it.
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 1);
    reconcile_day(&platform, DAY).await.unwrap();
    let other = stored(&platform, DAY).await.unwrap().bill.unwrap();
    assert_ne!(other.key, bill.key);
    assert_eq!(std::fs::read(folder.join(&bill.key)).unwrap(), zip);
    assert!(folder.join(&other.key).is_file());
    platform.books_balance().await;
}

#[tokio::test]
async fn notification_that_comes_while_the_bill_is_read_books_the_money_once_and_matches() {
    // Before each row of the ledger that is not known, Alipay is asked: there, the other comes in.
    for requests in (1..=16).step_by(3) {
        let platform = Platform::open().await;
        owing(&platform, &["p", "q", "a"]).await;
        let alipay = &platform.stack.alipay;
        alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 3);
        platform.dispatch_at("2015-05-02T10:00").await;
        let form = notice_of_the_last_trade(&platform);
        alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
        platform.set("2015-05-03T10:30");

        platform.stack.transport.meter().take();
        let notify = async {
            let mut seen = 0;
            while seen < requests {
                tokio::task::yield_now().await;
                seen += platform.stack.transport.meter().take().requests.values().sum::<u64>();
            }
            platform.notify(&form).await
        };
        let (reconciled, notified) = join(reconcile_day(&platform, DAY), notify).await;
        reconciled.unwrap();
        assert_eq!(notified, (200, "success".to_owned()), "after {requests}");
        let ([rows, matched, waiting], findings) = told(&platform, DAY).await;
        assert_eq!([rows, matched, waiting], [3, 3, 0], "after {requests}: {findings:?}");
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new(), "after {requests}");
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn two_runs_at_the_same_time_book_what_they_find_once() {
    let platform = indebted().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    // By the ledger, both ask Alipay about the trade before either books it.
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 2);
    platform.set("2015-05-03T10:30");
    let (one, two) = join(reconcile_day(&platform, DAY), reconcile_day(&platform, DAY)).await;
    one.unwrap();
    two.unwrap();
    let ([rows, matched, waiting], _) = told(&platform, DAY).await;
    assert_eq!([rows, matched, waiting], [1, 1, 0]);
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
    check(&platform, [0, 0, 0], 10_000).await;
}

/// A morning on which the bill shows a debit in doubt, a recharge that nobody told of, one that is
/// known, and money that was given back unasked.
async fn a_morning_of_finds() -> Platform {
    let platform = indebted().await;
    platform.run_until("2015-05-02T09:00").await;
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-02T09:10").await;
    take_in_doubt_beside(&platform).await;
    platform.paid_recharge("a", "30.00").await;
    reverse(&platform, 1_000);
    platform.run_until("2015-05-03T10:29").await;
    platform
}

async fn take_in_doubt_beside(platform: &Platform) {
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, ALL);
    platform.run_until("2015-05-02T10:10").await;
}

#[tokio::test]
async fn run_that_is_killed_at_any_write_comes_to_the_same_end_when_it_runs_again() {
    let platform = a_morning_of_finds().await;
    platform.set("2015-05-03T10:30");
    platform.stack.transport.meter().take();
    reconcile(&platform).await.unwrap();
    let writes = platform.stack.transport.meter().take().writes();
    let (expected, figures) = (told(&platform, DAY).await, platform.figures().await);
    assert_eq!((expected.0, expected.1.len(), writes), ([4, 4, 0], 3, 8), "{expected:?}");
    platform.books_balance().await;

    for write in 1..=writes {
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            let platform = a_morning_of_finds().await;
            platform.set("2015-05-03T10:30");
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            let killed = reconcile(&platform).await;
            platform.stack.transport.faults().restore();
            let told_so = format!("{fault:?} write {write} of {writes}");
            assert!(killed.is_err() || fault == AwsFault::CutAfter, "{told_so}");
            reconcile(&platform).await.unwrap();
            assert_eq!(told(&platform, DAY).await.0, expected.0, "{told_so}");
            assert_eq!(sorted(&platform.figures().await), sorted(&figures), "{told_so}");
            assert_eq!(unmatched(&platform).await, Vec::<i64>::new(), "{told_so}");
            platform.books_balance().await;
            platform.run_until("2015-05-05T12:00").await;
            assert_eq!(told(&platform, NEXT_DAY).await, all_match(0), "{told_so}");
            platform.books_balance().await;
        }
    }
}

/// The lines of a text in one order.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
