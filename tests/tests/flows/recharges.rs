//! Recharges through Alipay, over real HTTP to the local Alipay: what a person pays is credited
//! once, however it comes to light.

mod again;
mod offers;
mod owed;
mod transfers;

use axum::http::{HeaderMap, Method as HttpMethod};
use futures::future::join;
use serde_json::{Value, json};
use steelyard_billing::{Cause, Recharge, RechargeId, RechargePhase};
use steelyard_local_alipay::{Fault, Method, NotificationFault, TradeStatus};
use steelyard_local_aws::{Fault as AwsFault, Target};
use steelyard_local_stack::http_event;
use steelyard_offers::RECHARGES_PATH;
use steelyard_tests::{Machine, Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the first of May at eight in the evening, where `a` has no agreement, paid nothing
/// and owes nothing.
async fn empty() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform
}

/// Checks prepaid, receivable and reserved of `a`, how many recharges were credited, and that the
/// books balance, no message having been given up.
async fn check(platform: &Platform, account: [i64; 3], credited: usize) {
    assert_eq!((platform.account("a").await, credits(platform).await), (account, credited));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// How many entries of the journal of `a` say that a recharge was paid.
async fn credits(platform: &Platform) -> usize {
    let journal = platform.stack.tables.billing.journal(&"a".parse().unwrap()).await.unwrap();
    let is_credit = |cause: &Cause| matches!(cause, Cause::RechargePaid { .. });
    journal.iter().filter(|entry| is_credit(&entry.record().cause)).count()
}

async fn recharge(platform: &Platform, number: u32) -> Option<Recharge> {
    let id = RechargeId(number);
    platform.stack.tables.billing.find(&"a".parse().unwrap(), &id).await.unwrap()
}

async fn phase(platform: &Platform, number: u32) -> RechargePhase {
    recharge(platform, number).await.unwrap().phase
}

fn trade_status(platform: &Platform) -> Vec<TradeStatus> {
    platform.stack.alipay.trades().unwrap().iter().map(|trade| trade.status).collect()
}

#[tokio::test]
async fn payment_is_credited_by_its_notification_alone() {
    for way in ["page", "code"] {
        let platform = empty().await;
        let number = platform.open_recharge("a", "100.00", way).await;
        platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 100);
        check(&platform, [0, 0, 0], 0).await;
        platform.pay_trade(&number);
        platform.deliver().await;
        check(&platform, [10_000, 0, 0], 1).await;
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [10_000, 0, 0], 1).await;
    }
}

#[tokio::test]
async fn payment_is_credited_by_a_query_alone() {
    for way in ["page", "code"] {
        let platform = empty().await;
        let number = platform.open_recharge("a", "100.00", way).await;
        platform.lose_notifications();
        platform.pay_trade(&number);
        platform.run_until("2015-05-01T20:00:59").await;
        assert_eq!(platform.account("a").await, [0, 0, 0]);
        platform.run_until("2015-05-01T20:01").await;
        check(&platform, [10_000, 0, 0], 1).await;
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [10_000, 0, 0], 1).await;
    }
}

#[tokio::test]
async fn payment_an_hour_after_the_offer_is_found_by_a_query_within_the_hour() {
    let platform = empty().await;
    platform.lose_notifications();
    let number = platform.open_recharge("a", "100.00", "page").await;
    platform.run_until("2015-05-01T21:00").await;
    platform.pay_trade(&number);
    platform.run_until("2015-05-01T22:00").await;
    check(&platform, [10_000, 0, 0], 1).await;
}

#[tokio::test]
async fn payment_that_comes_to_light_by_notification_and_query_is_credited_once() {
    // The notification, then the query.
    let platform = empty().await;
    platform.paid_recharge("a", "100.00").await;
    platform.deliver().await;
    check(&platform, [10_000, 0, 0], 1).await;
    platform.dispatch_at("2015-05-01T20:01").await;
    check(&platform, [10_000, 0, 0], 1).await;

    // The query, then the notification.
    let platform = empty().await;
    platform.paid_recharge("a", "100.00").await;
    platform.dispatch_at("2015-05-01T20:01").await;
    check(&platform, [10_000, 0, 0], 1).await;
    assert_eq!(platform.stack.alipay.notifications().unwrap().len(), 1);
    let before = platform.records().await;
    platform.deliver().await;
    assert_eq!(platform.stack.alipay.notifications().unwrap(), []);
    assert_eq!(platform.records().await, before);
    check(&platform, [10_000, 0, 0], 1).await;
}

#[tokio::test]
async fn notification_that_comes_again_credits_nothing_more() {
    for fault in
        [NotificationFault::Duplicate, NotificationFault::Triplicate, NotificationFault::Reordered]
    {
        let platform = empty().await;
        platform.stack.alipay.fail_next_notifications(fault, 1);
        platform.paid_recharge("a", "100.00").await;
        platform.paid_recharge("a", "50.00").await;
        platform.deliver().await;
        check(&platform, [15_000, 0, 0], 2).await;
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [15_000, 0, 0], 2).await;
    }
}

#[tokio::test]
async fn payment_that_only_the_bill_shows_is_credited_by_it() {
    let platform = empty().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 100);
    platform.paid_recharge("a", "100.00").await;
    platform.run_until("2015-05-02T10:29").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.run_until("2015-05-02T10:30").await;
    check(&platform, [10_000, 0, 0], 1).await;
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [10_000, 0, 0], 1).await;
}

#[tokio::test]
async fn every_bill_agrees_with_the_recharges_that_were_credited() {
    let platform = empty().await;
    platform.paid_recharge("a", "100.00").await;
    platform.run_until("2015-05-03T12:00").await;
    for (day, matched) in [("2015-05-01", 1), ("2015-05-02", 0)] {
        let billing = &platform.stack.tables.billing;
        let told = billing.reconciliation(day.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((told.matched, told.findings, told.waiting), (matched, vec![], 0), "{day}");
    }
}

#[tokio::test]
async fn recharge_that_nobody_opens_lapses_after_a_day() {
    let platform = empty().await;
    platform.offer_recharge("a", "100.00", "page").await;
    platform.run_until("2015-05-02T19:59").await;
    assert_eq!(phase(&platform, 1).await, RechargePhase::Offered);
    platform.run_until("2015-05-02T21:00").await;
    assert_eq!(phase(&platform, 1).await, RechargePhase::Lapsed);
    assert_eq!(platform.stack.tables.billing.due().next_at().await.unwrap(), None);
    check(&platform, [0, 0, 0], 0).await;
}

#[tokio::test]
async fn recharge_that_is_opened_and_not_paid_lapses_when_alipay_closes_it() {
    let platform = empty().await;
    platform.open_recharge("a", "100.00", "page").await;
    platform.run_until("2015-05-01T21:59").await;
    assert_eq!(phase(&platform, 1).await, RechargePhase::Offered);
    platform.run_until("2015-05-01T23:00").await;
    assert_eq!(trade_status(&platform), [TradeStatus::TradeClosed]);
    assert_eq!(phase(&platform, 1).await, RechargePhase::Lapsed);
    check(&platform, [0, 0, 0], 0).await;
}

#[tokio::test]
async fn recharge_that_lapsed_and_is_paid_all_the_same_is_credited_once() {
    for is_notified in [true, false] {
        let platform = empty().await;
        let offered = platform.offer_recharge("a", "100.00", "page").await;
        platform.run_until("2015-05-02T21:00").await;
        assert_eq!(phase(&platform, 1).await, RechargePhase::Lapsed);
        if !is_notified {
            platform.lose_notifications();
        }
        platform.open_page(offered["page"].as_str().unwrap()).await;
        platform.pay_trade(offered["out_trade_no"].as_str().unwrap());
        platform.run_until("2015-05-02T21:01").await;
        let credited = platform.account("a").await;
        assert_eq!(credited, [if is_notified { 10_000 } else { 0 }, 0, 0]);
        platform.run_until("2015-05-03T10:30").await;
        check(&platform, [10_000, 0, 0], 1).await;
    }
}

#[tokio::test]
async fn amount_that_is_not_the_recharges_is_never_credited() {
    // The notification has another one, and the next time the right one.
    let platform = empty().await;
    platform.stack.alipay.fail_next(Method::Query, Fault::OtherAmount, 3);
    platform.stack.alipay.fail_next_notifications(NotificationFault::OtherAmount, 1);
    platform.paid_recharge("a", "100.00").await;
    platform.run_until("2015-05-01T20:03").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.run_until("2015-05-01T20:04").await;
    check(&platform, [10_000, 0, 0], 1).await;

    // Queries have another one, and the bill too: nothing is credited, and a finding is open.
    let platform = empty().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Query, Fault::OtherAmount, 17);
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillOtherAmount, 1);
    platform.paid_recharge("a", "100.00").await;
    platform.run_until("2015-05-02T10:30").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    let billing = &platform.stack.tables.billing;
    let told = billing.reconciliation("2015-05-01".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((told.matched, told.differences()), (0, 1), "{told:?}");
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [10_000, 0, 0], 1).await;
}

#[tokio::test]
async fn answer_that_proves_nothing_credits_nothing_until_one_does() {
    for fault in [
        Fault::NoAnswerAfterEffect,
        Fault::SystemErrorAfterEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
    ] {
        let platform = empty().await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Query, fault.clone(), 2);
        platform.paid_recharge("a", "100.00").await;
        platform.run_until("2015-05-01T20:04").await;
        assert_eq!(platform.account("a").await, [0, 0, 0], "{fault:?}");
        platform.run_until("2015-05-01T20:14").await;
        check(&platform, [10_000, 0, 0], 1).await;
    }
}

/// The event of a request for a recharge of ¥100.00.
fn offering() -> Value {
    let asked = json!({ "provider": "a", "amount": "100.00" }).to_string();
    http_event(&HttpMethod::POST, RECHARGES_PATH, &HeaderMap::new(), asked.as_bytes())
}

/// The number, page and trade of a recharge that was offered.
fn offered(answer: &Value) -> (u64, String, String) {
    assert_eq!(answer["statusCode"], 201, "{answer}");
    let document: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let text = |field: &str| document[field].as_str().unwrap().to_owned();
    (document["recharge"].as_u64().unwrap(), text("page"), text("out_trade_no"))
}

#[tokio::test]
async fn notification_and_visit_at_once_credit_a_payment_once() {
    for behind in 0..8 {
        let platform = empty().await;
        platform.paid_recharge("a", "100.00").await;
        let form = platform.stack.alipay.signed_form(&platform.pending_notification());
        platform.set("2015-05-01T20:01");
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let (visit, notice) = (machines[0].debit(&platform), machines[1].notify(&platform));
        let path = steelyard_notify::NOTIFY_PATH;
        let event = http_event(&HttpMethod::POST, path, &HeaderMap::new(), form.as_bytes());
        let (visited, noticed) = join(visit.invoke(message()), notice.invoke(event)).await;
        assert_eq!(visited.unwrap()["batchItemFailures"], json!([]), "{behind} behind");
        assert_eq!(noticed.unwrap()["body"], "success", "{behind} behind");
        check(&platform, [10_000, 0, 0], 1).await;
    }
}

/// A message that names the first recharge of `a`.
fn message() -> Value {
    let body = json!({ "provider": "a", "task": { "recharge": 1 } }).to_string();
    json!({ "Records": [{ "messageId": "1", "eventSource": "aws:sqs", "body": body }] })
}

#[tokio::test]
async fn recharge_through_a_cut_power_is_credited_once() {
    for is_notified in [true, false] {
        let platform = offered_and_paid(is_notified).await;
        platform.stack.transport.meter().take();
        until_the_next_evening(&platform).await;
        let writes = platform.stack.transport.meter().take().writes();
        check(&platform, [10_000, 0, 0], 1).await;
        assert!(writes >= if is_notified { 1 } else { 3 }, "{writes}");
        let expected = platform.figures().await;

        for write in 1..=writes {
            for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
                let platform = offered_and_paid(is_notified).await;
                platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
                until_the_next_evening(&platform).await;
                platform.stack.transport.faults().restore();
                platform.run_until("2015-05-03T12:00").await;
                check(&platform, [10_000, 0, 0], 1).await;
                let told = format!("{fault:?} write {write} of {writes}, {is_notified}");
                assert_eq!(platform.figures().await, expected, "{told}");
            }
        }
    }
}

async fn offered_and_paid(is_notified: bool) -> Platform {
    let platform = empty().await;
    if !is_notified {
        platform.lose_notifications();
    }
    platform.paid_recharge("a", "100.00").await;
    platform
}

/// Lets the schedules run until the next evening, whatever crashes; the power is back at the next
/// run.
async fn until_the_next_evening(platform: &Platform) {
    let end = platform.instant("2015-05-02T20:00");
    while platform.stack.run_until(end).await.is_err() {
        platform.stack.transport.faults().restore();
    }
}
