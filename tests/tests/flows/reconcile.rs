//! The books held against Alipay's bill of the day before, over real HTTP to the local Alipay: what
//! only the bill shows is booked, and what differs is found.

mod bills;
mod findings;
mod found;
mod parts;
mod unreadable;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use steelyard_billing::{
    DebitId, FindingKind, OutRequestNo, OutTradeNo, Phase, ProviderId, Reconciliation, RefundPhase,
    RefundRef, TradeOf, Unmatched, bill_day,
};
use steelyard_books::RefundAsked;
use steelyard_local_alipay::{Fault, Method};
use steelyard_local_aws::{Fault as AwsFault, Target};
use steelyard_runtime::Error;
use steelyard_tests::{Platform, fen, reason};

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
    assert_eq!(platform.account(providers[0]).await, [0, 10_000, 0]);
    assert_eq!(platform.found(providers[0]).await.account.open_debit, Some(DebitId(1)));
}

/// The same at ten past ten, with the money taken, the answer and all notifications lost, and no
/// query that is answered for now.
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

/// Lets the bill of the second of May fail, which is asked for after the first, of which there is
/// none: neither of trades nor of the ledger.
fn after_the_first_day(platform: &Platform, fault: Fault, times: usize) {
    platform.stack.alipay.fail_next(Method::Bill, Fault::ChunkedAnswer, 2);
    platform.stack.alipay.fail_next(Method::Bill, fault, times);
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

fn a() -> ProviderId {
    "a".parse().unwrap()
}

/// Checks prepaid, receivable and reserved of `a` and what was taken from it, and that the books
/// balance.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    assert_eq!((platform.account("a").await, platform.taken("a")), (account, taken));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// Reconciles what is due. Gives the days that were done, and those that failed.
async fn reconcile(platform: &Platform) -> Result<[Vec<String>; 2], Error> {
    let billing = &platform.stack.tables.billing;
    let before = billing.reconciled_since(Date::ZERO).await?;
    platform.stack.functions.reconcile.invoke(json!({})).await?;
    platform.stack.drain().await?;
    let after = billing.reconciled_since(Date::ZERO).await?;
    let done = after.difference(&before).map(ToString::to_string).collect();
    let failed = failures(platform).await?.into_iter().map(|(day, _)| day).collect();
    Ok([done, failed])
}

/// The days that failed at the time of the clock, up to a month back, each with the reason.
async fn failures(platform: &Platform) -> Result<Vec<(String, String)>, Error> {
    let now = platform.stack.clock.now();
    let (mut failed, today) = (Vec::new(), bill_day(now));
    let mut day = today.saturating_sub(31.days());
    while day < today {
        let failure = platform.stack.tables.billing.day_failure(day).await?;
        if let Some(failure) = failure.filter(|failure| failure.failed_at_s == now) {
            failed.push((day.to_string(), failure.why));
        }
        day = day.tomorrow()?;
    }
    Ok(failed)
}

/// The same, where the table does not fail.
async fn reconciled(platform: &Platform) -> [Vec<String>; 2] {
    reconcile(platform).await.unwrap()
}

/// Days, as [`reconciled`] gives them.
fn days(done: &[&str], failed: &[&str]) -> [Vec<String>; 2] {
    [done, failed].map(|days| days.iter().map(|day| (*day).to_owned()).collect())
}

/// Reconciles a day, as an operator may at any time.
async fn reconcile_day(platform: &Platform, day: &str) -> Result<Value, Error> {
    let begun = platform.stack.functions.reconcile.invoke(json!({ "day": day })).await?;
    platform.stack.drain().await?;
    Ok(begun)
}

/// The result of a day, if it was reconciled, without the time.
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

/// The report of a day on which so many rows match, and nothing else is to be reported.
fn all_match(rows: u32) -> Told {
    ([rows, rows, 0], Vec::new())
}

/// The report of a day on which one row shows what was not known.
fn one_found(kind: FindingKind, amount: i64) -> Told {
    ([1, 1, 0], vec![(kind, Some(amount), None)])
}

/// What our books have and no bill has shown, in fen.
async fn unmatched(platform: &Platform) -> Vec<i64> {
    let unmatched = platform.stack.tables.billing.unmatched().await.unwrap().unmatched;
    unmatched.iter().map(|of: &Unmatched| of.amount_fen.get()).collect()
}

/// An operator asks for a refund of the debit.
async fn ask_for_refund(platform: &Platform, request: &str, amount: i64) {
    let number = refund_number(platform, request).await;
    let (why, now) = (reason("a gift"), platform.stack.clock.now());
    let asked = platform.books().ask_refund(&a(), &number, fen(amount), &why, now).await;
    assert!(matches!(asked.unwrap(), RefundAsked::Stands(_)));
}

async fn refund_number(platform: &Platform, request: &str) -> RefundRef {
    RefundRef {
        out_trade_no: OutTradeNo::parse(&platform.trade_number("a", DEBIT).await).unwrap(),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

/// Alipay gives money of the debit back without our request.
async fn reverse(platform: &Platform, amount: i64) {
    let (number, now) = (platform.trade_number("a", DEBIT).await, platform.stack.clock.now());
    platform.stack.alipay.reverse_trade(&number, fen(amount), now).unwrap();
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

/// A day on which a debit, a recharge, a refund and a reversal were notified, up to the next
/// morning.
async fn a_day_of_all() -> Platform {
    let platform = indebted().await;
    platform.run_until("2015-05-02T11:00").await;
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-02T12:00").await;
    ask_for_refund(&platform, "F1", 500).await;
    platform.run_until("2015-05-02T13:00").await;
    reverse(&platform, 1_000).await;
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
            platform.run_until(time).await;
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
    assert_eq!(reconciled(&platform).await, days(&[], &[]));
    check(&platform, [0, 0, 0], 10_000).await;
}

/// A platform shortly after the midnight that followed a debit. It took the money, our books do not
/// know it, and the notice of it comes late.
async fn paid_without_an_answer() -> (Platform, String) {
    let platform = indebted().await;
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, ALL);
    platform.dispatch_at("2015-05-02T10:00").await;
    let late = notice_of_the_last_trade(&platform);
    platform.run_until("2015-05-03T00:10").await;
    (platform, late)
}

#[tokio::test]
async fn payment_that_is_booked_after_midnight_matches_the_bill_of_the_day_before() {
    let (platform, late) = paid_without_an_answer().await;
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    assert_eq!(platform.notify(&late).await, (200, "success".to_owned()));
    check(&platform, [0, 0, 0], 10_000).await;
    let [booked] = &platform.stack.tables.billing.unmatched().await.unwrap().unmatched[..] else {
        panic!("not one is unmatched")
    };
    assert_eq!(booked.booked_on.to_string(), NEXT_DAY);
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn payment_is_not_missed_as_long_as_the_bill_of_an_earlier_day_is_to_be_read() {
    let (platform, late) = paid_without_an_answer().await;
    assert_eq!(platform.notify(&late).await, (200, "success".to_owned()));
    // The bill of the day of the payment cannot be read, and those of the next two days, which show
    // trades of others, are.
    for morning in ["2015-05-03", "2015-05-04", "2015-05-05"] {
        platform.run_until(&format!("{morning}T10:29")).await;
        for fault in [Fault::SystemErrorBeforeEffect, Fault::BillExtraRow] {
            platform.stack.alipay.fail_next(Method::Bill, fault, 1);
        }
        platform.run_until(&format!("{morning}T10:31")).await;
        assert_eq!(stored(&platform, DAY).await, None, "{morning}");
    }
    for day in [NEXT_DAY, "2015-05-04"] {
        assert!(stored(&platform, day).await.is_some(), "{day}");
    }
    platform.run_until("2015-05-06T12:00").await;
    assert_eq!(told(&platform, DAY).await, all_match(1));
    let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
    assert!(findings.iter().all(|of| of.finding.kind != FindingKind::OursOnly), "{findings:?}");
    check(&platform, [0, 0, 0], 10_000).await;
}

/// The lines of a text in one order.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
