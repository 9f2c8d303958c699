//! How the store writes: a single item without a transaction, and conflicts and throttling tried
//! again for as long as they may pass.

use std::collections::BTreeMap;

use steelyard_billing::Phase;
use steelyard_books::BookError;
use steelyard_local_alipay::{Fault as AlipayFault, Method};
use steelyard_local_aws::{Fault, Target};
use steelyard_pricing::Plan;
use steelyard_store::StoreError;
use steelyard_tests::{Platform, fen, reason, reference};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at ten, where `a` owes ¥100.00, and its debit is due.
async fn due() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T10:00");
    platform
}

/// The writes of the tables since the last call, by operation.
fn writes(platform: &Platform) -> BTreeMap<String, u64> {
    let requests = platform.stack.transport.meter().take().requests;
    let is_write =
        |name: &str| ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"].contains(&name);
    requests.into_iter().filter(|(name, _)| is_write(name)).collect()
}

fn expected<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    BTreeMap::from(counts.map(|(name, count)| (name.to_owned(), count)))
}

#[tokio::test]
async fn step_of_one_record_is_no_transaction() {
    let platform = due().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, AlipayFault::NoAnswerBeforeEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, AlipayFault::Garbage, 1);
    writes(&platform);
    platform.dispatch_at("2015-05-02T10:00").await;
    assert!(matches!(platform.debit("a", 1).await.phase, Phase::InDoubt { .. }));
    // The lease, the check of the mandate, and the doubt; the first versions of the breaker and of
    // the realm; and the debit with the account and the journal entry.
    let sent = [("PutItem", 2), ("TransactWriteItems", 1), ("UpdateItem", 3)];
    assert_eq!(writes(&platform), expected(sent));
    // The query that is answered by garbage is a doubt again.
    platform.set("2015-05-02T10:00:01");
    platform.stack.drain().await.unwrap();
    assert_eq!(writes(&platform), expected([("UpdateItem", 1)]));
    // It did not arrive, so it is due again; it is sent again; and it ends with the account. The
    // breaker gathers good answers before it writes them.
    platform.set("2015-05-02T10:00:10");
    platform.stack.drain().await.unwrap();
    assert_eq!(platform.debit("a", 1).await.attempts.len(), 1);
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    let paid = [("TransactWriteItems", 1), ("UpdateItem", 2)];
    assert_eq!(writes(&platform), expected(paid));
}

#[tokio::test]
async fn plan_and_breaker_are_stored_without_a_transaction() {
    let platform = Platform::open().await;
    writes(&platform);
    platform.add_plan(PLAN).await;
    assert_eq!(writes(&platform), expected([("PutItem", 1)]));
    for stored in ["PutItem", "UpdateItem"] {
        let now = platform.stack.clock.now();
        let stop =
            |breaker: &steelyard_billing::breaker::Breaker| breaker.stopped(reason("a test"), now);
        platform.books().decide_breaker(stop).await.unwrap();
        assert_eq!(writes(&platform), expected([(stored, 1)]));
        platform.set("2015-05-01T10:00");
    }
}

/// A fen a call.
const PLAN: &str = r#"{ "plan": "later", "effective_from": "2015-05-03", "rates": [
    { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } }] }"#;

/// A plan for the same day, with another price.
fn dearer() -> Plan {
    Plan::read(&PLAN.replace("0.01", "0.02")).unwrap()
}

#[tokio::test]
async fn writes_that_conflict_or_are_throttled_many_times_are_done_once() {
    for fault in [Fault::Conflict, Fault::Throttle] {
        for (operation, ordinals) in
            [("TransactWriteItems", 1..=8), ("UpdateItem", 1..=8), ("PutItem", 1..=8)]
        {
            let platform = Platform::open().await;
            platform.set("2015-05-01T20:00");
            platform.sign("a", 1_000_000).await;
            platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
            let faults = platform.stack.transport.faults();
            faults.strike(Target::Operation(operation), ordinals.clone(), fault);
            let told = format!("{fault:?} of {operation}");
            platform.add_plan(PLAN).await;
            platform.recharge("a", 3_000, "transfer-1").await;
            platform.settle_at("2015-05-02T00:30").await;
            assert_eq!(platform.statements("a").await.len(), 1, "{told}");
            // A run of dispatch that is throttled fails, and the next one goes on.
            let end = platform.instant("2015-05-02T10:30");
            while platform.stack.run_until(end).await.is_err() {}
            assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 0, 0], 7_000));
            platform.books_balance().await;
        }
    }
}

#[tokio::test]
async fn writes_that_conflict_or_are_throttled_for_too_long_fail_by_name_and_change_nothing() {
    for fault in [Fault::Conflict, Fault::Throttle] {
        let platform = due().await;
        let faults = platform.stack.transport.faults();
        let (books, now, provider) =
            (platform.books(), platform.stack.clock.now(), "a".parse().unwrap());
        faults.strike(Target::Operation("TransactWriteItems"), 1..=1_000, fault);
        let paid = books.pay_in(&provider, fen(3_000), &reference("transfer-1"), now).await;
        check_contended(&paid.unwrap_err(), "book a bank transfer");
        faults.strike(Target::Operation("PutItem"), 1..=1_000, fault);
        let added = books.add_plan(&dearer(), platform.today()).await;
        check_contended(&added.unwrap_err(), "store a plan");
        faults.restore();
        assert_eq!(platform.account("a").await, [0, 10_000, 0]);
        // The same again is done, and done once.
        platform.recharge("a", 3_000, "transfer-1").await;
        assert_eq!(platform.account("a").await, [0, 7_000, 0]);
        platform.books_balance().await;
    }
}

fn check_contended(error: &BookError, operation: &str) {
    let BookError::Store(StoreError::Contended { operation: found }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(*found, operation);
}
