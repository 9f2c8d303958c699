//! The debit road, over real HTTP to the local Alipay: money is taken once, whatever goes wrong.

use std::time::Duration;

use futures::future::join;
use serde_json::{Value, json};
use steelyard_billing::{DebitId, GiveUpReason, TaskId, TaskRef};
use steelyard_local_alipay::{Fault, Method, TradeStatus};
use steelyard_local_aws::{Fault as AwsFault, Target};
use steelyard_tests::{Machine, Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at half past midnight, where `a` owes ¥100.00, has these funds
/// at Alipay, and a debit is open. It has no amount, and nothing is reserved, before it is sent.
async fn indebted(funds: i64) -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", funds).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    assert_eq!(platform.found("a").await.account.open_debit, Some(DebitId(1)));
    assert_eq!(platform.debit("a", 1).await.terms, None);
    platform
}

/// Checks prepaid, receivable and reserved of `a` and what was taken from it, and that the books
/// balance.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    assert_eq!((platform.account("a").await, platform.taken("a")), (account, taken));
    platform.books_balance().await;
}

/// The state of each of Alipay's trades.
fn trades(platform: &Platform) -> Vec<(i64, TradeStatus)> {
    let trades = platform.stack.alipay.trades().unwrap();
    trades.iter().map(|trade| (trade.amount_fen.get(), trade.status)).collect()
}

/// Our numbers of Alipay's trades.
fn numbers(platform: &Platform) -> Vec<String> {
    let trades = platform.stack.alipay.trades().unwrap();
    trades.into_iter().map(|trade| trade.out_trade_no).collect()
}

#[tokio::test]
async fn charge_is_withheld_at_ten_and_not_before() {
    let platform = indebted(1_000_000).await;
    platform.dispatch_at("2015-05-02T09:59:59").await;
    check(&platform, [0, 10_000, 0], 0).await;
    platform.dispatch_at("2015-05-02T10:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
    assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeSuccess)]);
    platform.run_until("2015-05-05T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn debit_and_its_journal_entry_have_one_time_though_the_clock_goes_on_between_reads() {
    let platform = indebted(1_000_000).await;
    platform.set("2015-05-02T10:00");
    let collector = Machine::new(&platform, 0).collector_with_ticking_clock(&platform);
    let task = TaskRef { provider: "a".parse().unwrap(), task: TaskId::Debit(DebitId(1)) };
    collector.work(&task).await.unwrap();
    platform.set("2015-05-02T10:05");
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn prepaid_money_pays_first_and_only_the_rest_is_withheld() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.recharge("a", 3_500, "transfer-1").await;
    check(&platform, [3_500, 0, 0], 0).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    check(&platform, [0, 6_500, 0], 0).await;
    assert_eq!(platform.statements("a").await[0].from_prepaid_fen, fen(3_500));
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 6_500).await;
}

#[tokio::test]
async fn payer_without_funds_is_asked_again_on_the_second_day() {
    let platform = indebted(9_999).await;
    platform.run_until("2015-05-02T23:59").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.stack.alipay.set_funds("a", fen(10_000)).unwrap();
    platform.run_until("2015-05-03T09:59").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.run_until("2015-05-03T10:30").await;
    check(&platform, [0, 0, 0], 10_000).await;
    assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeSuccess)]);
}

#[tokio::test]
async fn debit_that_is_declined_at_first_and_one_and_three_days_later_is_given_up_and_still_owed() {
    let platform = indebted(0).await;
    for (until, declines) in [
        ("2015-05-02T10:00", 1),
        ("2015-05-03T09:59", 1),
        ("2015-05-03T10:00", 2),
        ("2015-05-05T09:59", 2),
    ] {
        platform.run_until(until).await;
        check(&platform, [0, 10_000, 10_000], 0).await;
        assert_eq!(platform.debit("a", 1).await.declines.len(), declines, "{until}");
    }
    platform.run_until("2015-05-05T10:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    assert_eq!(platform.debit("a", 1).await.given_up(), Some(&GiveUpReason::Funds));
    assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeClosed)]);
    // Nothing has changed, so nothing is requested; but a recharge pays what is owed.
    platform.stack.alipay.set_funds("a", fen(1_000_000)).unwrap();
    platform.run_until("2015-05-09T12:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    platform.recharge("a", 12_000, "transfer-1").await;
    check(&platform, [2_000, 0, 0], 0).await;
}

#[tokio::test]
async fn debit_after_one_that_was_given_up_asks_for_all_that_is_owed() {
    let platform = indebted(0).await;
    platform.run_until("2015-05-05T23:59").await;
    platform.stack.alipay.set_funds("a", fen(1_000_000)).unwrap();
    platform.count("a", BASIC, "2015-05-05", 10_000).await;
    platform.run_until("2015-05-06T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
    assert_eq!(
        trades(&platform),
        [(10_000, TradeStatus::TradeClosed), (10_100, TradeStatus::TradeSuccess)]
    );
}

#[tokio::test]
async fn whatever_alipay_answers_the_money_is_taken_once() {
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::NoAnswerAfterEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::SystemErrorAfterEffect,
        Fault::InProcess,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        Fault::OtherAmount,
        Fault::BadGatewayBeforeEffect,
        refused("ACQ.SOMETHING_NEW"),
    ] {
        for (times, is_notified) in [(1, false), (4, false), (1, true)] {
            let platform = indebted(10_000).await;
            platform.stack.alipay.fail_next(Method::Pay, fault.clone(), times);
            if !is_notified {
                platform.lose_notifications();
            }
            platform.run_until("2015-05-02T10:00").await;
            platform.books_hold().await;
            if !is_notified {
                assert_eq!(platform.account("a").await, [0, 10_000, 10_000], "{fault:?}");
            }
            platform.run_until("2015-05-03T12:00").await;
            check(&platform, [0, 0, 0], 10_000).await;
            assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeSuccess)], "{fault:?}");
            // A request that is still on its way must find its number used, so none gets another.
            assert!(numbers(&platform).iter().all(|number| number.ends_with("_1")), "{fault:?}");
            assert_eq!(platform.stack.dead_letters().await.unwrap(), 0, "{fault:?}");
        }
    }
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

#[tokio::test]
async fn doubt_is_not_resolved_until_a_query_is_answered() {
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        Fault::BadGatewayBeforeEffect,
    ] {
        let platform = indebted(10_000).await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
        platform.stack.alipay.fail_next(Method::Query, fault.clone(), 20);
        platform.run_until("2015-05-02T10:06").await;
        platform.books_hold().await;
        assert_eq!(platform.account("a").await, [0, 10_000, 10_000], "{fault:?}");
        assert_eq!(platform.taken("a"), 10_000, "{fault:?}");
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn last_decline_whose_close_goes_wrong_is_given_up_only_when_it_is_proved() {
    for (method, fault) in [
        (Method::Close, Fault::NoAnswerBeforeEffect),
        (Method::Close, Fault::NoAnswerAfterEffect),
        (Method::Close, Fault::Garbage),
        (Method::Query, Fault::NoAnswerBeforeEffect),
        (Method::Query, Fault::WrongKey),
    ] {
        let platform = indebted(0).await;
        platform.stack.alipay.fail_next(method, fault.clone(), 2);
        platform.run_until("2015-05-06T23:59").await;
        check(&platform, [0, 10_000, 0], 0).await;
        assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeClosed)], "{method:?} {fault:?}");
    }
}

#[tokio::test]
async fn debit_whose_message_comes_twice_is_taken_once() {
    let platform = indebted(1_000_000).await;
    platform.set("2015-05-02T10:00");
    for ids in [&["1"][..], &["2", "3"]] {
        let answer = platform.stack.functions.debit.invoke(messages(ids)).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }
    check(&platform, [0, 0, 0], 10_000).await;
}

/// A batch of messages that name the one debit of `a`.
fn messages(ids: &[&str]) -> Value {
    let body = json!({ "provider": "a", "task": { "debit": 1 } }).to_string();
    let record = |id| json!({ "messageId": id, "eventSource": "aws:sqs", "body": body });
    json!({ "Records": ids.iter().map(record).collect::<Vec<_>>() })
}

#[tokio::test]
async fn two_workers_on_a_debit_at_the_same_time_take_it_once() {
    for behind in 0..6 {
        let platform = indebted(1_000_000).await;
        platform.set("2015-05-02T10:00");
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.debit(&platform));
        let (one, two) = join(one.invoke(messages(&["1"])), two.invoke(messages(&["2"]))).await;
        for answer in [one, two] {
            assert_eq!(answer.unwrap()["batchItemFailures"], json!([]), "{behind} behind");
        }
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeSuccess)]);
    }
}

#[tokio::test]
async fn worker_that_stalls_before_any_request_and_goes_on_days_later_changes_nothing() {
    for request in 1.. {
        let platform = indebted(1_000_000).await;
        platform.set("2015-05-02T10:00");
        let slow = Machine::stalling(&platform, request);
        let debit = slow.debit(&platform);
        let work = tokio::spawn(async move { debit.invoke(messages(&["1"])).await });
        let has_stalled = slow.stalled_or(&work).await;
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        slow.wake();
        assert_eq!(work.await.unwrap().unwrap()["batchItemFailures"], json!([]), "{request}");
        check(&platform, [0, 0, 0], 10_000).await;
        platform.run_until("2015-05-04T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeSuccess)], "{request}");
        if !has_stalled {
            assert!(request > 10, "{request}: was all of the work under test?");
            return;
        }
    }
}

#[tokio::test]
async fn faults_of_aws_on_the_way_take_the_money_once() {
    for (fault, operation, ordinals) in [
        (AwsFault::LoseAnswer, "UpdateItem", 1..=1),
        (AwsFault::LoseAnswer, "UpdateItem", 1..=3),
        (AwsFault::Throttle, "UpdateItem", 1..=3),
        (AwsFault::Throttle, "UpdateItem", 2..=9),
        (AwsFault::Conflict, "UpdateItem", 1..=4),
        (AwsFault::LoseAnswer, "SendMessageBatch", 1..=1),
        (AwsFault::LoseAnswer, "SendMessageBatch", 1..=3),
        (AwsFault::LoseRequest, "SendMessageBatch", 1..=3),
        (AwsFault::LoseAnswer, "TransactWriteItems", 1..=1),
        (AwsFault::LoseAnswer, "TransactWriteItems", 2..=2),
        (AwsFault::LoseAnswer, "TransactWriteItems", 1..=6),
        (AwsFault::Conflict, "TransactWriteItems", 1..=4),
        (AwsFault::Throttle, "TransactWriteItems", 2..=4),
        (AwsFault::LoseRequest, "Query", 2..=7),
    ] {
        let platform = indebted(1_000_000).await;
        let told = format!("{fault:?} of {operation} {ordinals:?}");
        platform.set("2015-05-02T09:59");
        platform.stack.transport.faults().strike(Target::Operation(operation), ordinals, fault);
        let end = platform.instant("2015-05-03T12:00");
        while platform.stack.run_until(end).await.is_err() {}
        platform.stack.transport.faults().restore();
        assert_eq!(platform.account("a").await, [0, 0, 0], "{told}");
        check(&platform, [0, 0, 0], 10_000).await;
        assert_eq!(trades(&platform), [(10_000, TradeStatus::TradeSuccess)], "{told}");
    }
}

#[tokio::test]
async fn debit_whose_message_is_lost_comes_due_again_when_its_lease_is_over() {
    let platform = indebted(1_000_000).await;
    platform.set("2015-05-02T10:00");
    let dispatch = &platform.stack.functions.dispatch;
    assert_eq!(dispatch.invoke(json!({})).await.unwrap(), json!({ "sent": 1, "unreadable": 0 }));
    lose_messages(&platform).await;
    platform.set("2015-05-02T10:14:59");
    assert_eq!(dispatch.invoke(json!({})).await.unwrap(), json!({ "sent": 0, "unreadable": 0 }));
    check(&platform, [0, 10_000, 0], 0).await;
    platform.dispatch_at("2015-05-02T10:15").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

/// Takes what is visible on the debit queue, and never handles it.
async fn lose_messages(platform: &Platform) {
    let [_, _, mut debits, ..] = platform.stack.event_sources();
    debits.function = platform.stack.functions.settle.clone();
    let lost = debits.poll(&platform.stack.embedded, Duration::ZERO).await.unwrap();
    assert_eq!(lost, 1);
}

#[tokio::test]
async fn charge_while_a_debit_is_open_waits_for_the_next_debit() {
    let platform = indebted(9_999).await;
    platform.run_until("2015-05-02T12:00").await;
    platform.count("a", BASIC, "2015-05-02", 500_000).await;
    platform.run_until("2015-05-03T09:00").await;
    check(&platform, [0, 15_000, 10_000], 0).await;
    // Money that is paid in meanwhile never pays what the debit is collecting.
    platform.recharge("a", 6_000, "transfer-1").await;
    check(&platform, [1_000, 10_000, 10_000], 0).await;
    platform.stack.alipay.set_funds("a", fen(1_000_000)).unwrap();
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [1_000, 0, 0], 10_000).await;
}

#[tokio::test]
async fn limit_of_the_agreement_caps_a_debit_and_the_next_ones_take_the_rest_on_the_same_day() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign_up_to("a", 1_000_000, 4_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    check(&platform, [0, 10_000, 0], 0).await;
    platform.run_until("2015-05-02T10:10").await;
    check(&platform, [0, 0, 0], 10_000).await;
    let paid = TradeStatus::TradeSuccess;
    assert_eq!(trades(&platform), [(4_000, paid), (4_000, paid), (2_000, paid)]);
}
