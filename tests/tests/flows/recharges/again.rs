//! Offers that are asked for again: an `Idempotency-Key` makes a repeated request one, and the
//! number of open recharges is bounded.

use std::collections::BTreeSet;

use steelyard_offers::MANDATES_PATH;

use super::*;

/// The most recharges of a provider that may be open.
const OPEN_MAX: u64 = 20;

/// A platform with two providers.
async fn two() -> Platform {
    let platform = empty().await;
    platform.join("b").await;
    platform
}

/// The event of a request for a recharge with an `Idempotency-Key`.
fn keyed(provider: &str, amount: &str, key: &str) -> Value {
    let asked = json!({ "provider": provider, "amount": amount });
    steelyard_tests::keyed(RECHARGES_PATH, &asked, key)
}

/// The trade of the recharge that is offered in answer to an event.
async fn offer(platform: &Platform, event: Value) -> String {
    let (status, document) = platform.ask_by(event).await;
    assert_eq!(status, 201, "{document}");
    document["out_trade_no"].as_str().unwrap().to_owned()
}

/// Checks that an event is refused, by this name.
async fn check_refused(platform: &Platform, event: Value, status: u64, kind: &str) {
    let (found, problem) = platform.ask_by(event).await;
    let expected = (status, format!("tag:steelyard,2026:{kind}"));
    assert_eq!((found, problem["type"].as_str().unwrap().to_owned()), expected, "{problem}");
}

async fn recharges(platform: &Platform, provider: &str) -> Vec<Recharge> {
    platform.stack.tables.billing.all(&provider.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn request_that_comes_again_with_its_key_is_offered_the_same_recharge() {
    let platform = empty().await;
    let first = offer(&platform, keyed("a", "100.00", "k-1")).await;
    for time in ["2015-05-01T20:00", "2015-05-01T20:30", "2015-05-20T20:00"] {
        platform.set(time);
        assert_eq!(offer(&platform, keyed("a", "100.00", "k-1")).await, first, "{time}");
    }
    // Another key, and no key, is another request.
    let second = offer(&platform, keyed("a", "100.00", "k-2")).await;
    let third = platform.offer_recharge("a", "100.00", "page").await;
    assert_eq!(recharges(&platform, "a").await.len(), 3);
    assert!(first.ends_with("_R1") && second.ends_with("_R2"), "{first} {second}");
    assert_eq!(third["recharge"], 3);
}

#[tokio::test]
async fn requests_with_one_key_at_once_are_offered_one_recharge_which_is_paid_once() {
    for behind in 0..6 {
        let platform = empty().await;
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.offers(&platform));
        let event = || keyed("a", "100.00", "k-1");
        let (one, two) = join(one.invoke(event()), two.invoke(event())).await;
        let [one, two] = [one, two].map(|answer| offered(&answer.unwrap()));
        assert_eq!((one.0, &one.2), (two.0, &two.2), "{behind} behind");
        assert_eq!(recharges(&platform, "a").await.len(), 1, "{behind} behind");
        // Both have a page of the same trade.
        for page in [&one.1, &two.1] {
            platform.open_page(page).await;
        }
        platform.pay_trade(&one.2);
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [10_000, 0, 0], 1).await;
    }
}

#[tokio::test]
async fn key_that_was_used_for_another_amount_is_refused_and_offers_nothing() {
    let platform = empty().await;
    let first = offer(&platform, keyed("a", "100.00", "k-1")).await;
    let records = platform.records().await;
    for amount in ["100.01", "99.99", "1.00"] {
        check_refused(&platform, keyed("a", amount, "k-1"), 422, "idempotency-key-used").await;
    }
    assert_eq!(platform.records().await, records);
    // The same amount in other digits is the same request.
    assert_eq!(offer(&platform, keyed("a", "100", "k-1")).await, first);
}

#[tokio::test]
async fn keys_of_two_providers_and_of_two_kinds_of_offers_do_not_collide() {
    let platform = two().await;
    let of_a = offer(&platform, keyed("a", "100.00", "k-1")).await;
    let of_b = offer(&platform, keyed("b", "50.00", "k-1")).await;
    assert_ne!(of_a, of_b);
    let counts = [recharges(&platform, "a").await.len(), recharges(&platform, "b").await.len()];
    assert_eq!(counts, [1, 1]);
    let asked = json!({ "provider": "a" });
    let mandate = steelyard_tests::keyed(MANDATES_PATH, &asked, "k-1");
    let (status, offered) = platform.ask_by(mandate).await;
    assert_eq!((status, &offered["mandate"]), (201, &json!(1)), "{offered}");
    assert_eq!(offer(&platform, keyed("a", "100.00", "k-1")).await, of_a);
    assert_eq!(offer(&platform, keyed("b", "50.00", "k-1")).await, of_b);
}

#[tokio::test]
async fn key_that_is_none_is_refused_by_name() {
    let platform = empty().await;
    for key in ["", &"k".repeat(256)] {
        check_refused(&platform, keyed("a", "100.00", key), 400, "malformed-request").await;
    }
    assert_eq!(recharges(&platform, "a").await.len(), 0);
    offer(&platform, keyed("a", "100.00", &"k".repeat(255))).await;
    offer(&platform, keyed("a", "100.00", "#provider/k 1")).await;
    assert_eq!(recharges(&platform, "a").await.len(), 2);
}

#[tokio::test]
async fn offer_whose_answer_is_lost_is_given_again_by_its_key() {
    for fault in [AwsFault::CutBefore, AwsFault::CutAfter, AwsFault::LoseAnswer] {
        let platform = empty().await;
        platform.realm().await;
        platform.stack.transport.faults().strike(Target::Writes, 1..=1, fault);
        let (status, _) = platform.ask_by(keyed("a", "100.00", "k-1")).await;
        assert_eq!(status, if fault == AwsFault::LoseAnswer { 201 } else { 503 }, "{fault:?}");
        platform.stack.transport.faults().restore();
        let number = offer(&platform, keyed("a", "100.00", "k-1")).await;
        assert!(number.ends_with("_R1"), "{fault:?}: {number}");
        assert_eq!(recharges(&platform, "a").await.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn code_that_alipay_did_not_give_is_asked_for_again_by_the_key_of_its_recharge() {
    let platform = empty().await;
    let asked = json!({ "provider": "a", "amount": "100.00", "way": "code" });
    let event = steelyard_tests::keyed(RECHARGES_PATH, &asked, "k-1");
    platform.stack.alipay.fail_next(Method::Precreate, Fault::NoAnswerAfterEffect, 1);
    check_refused(&platform, event.clone(), 502, "no-code").await;
    let number = offer(&platform, event).await;
    assert_eq!(recharges(&platform, "a").await.len(), 1);
    platform.pay_trade(&number);
    platform.deliver().await;
    check(&platform, [10_000, 0, 0], 1).await;
}

/// Offers `a` as many recharges as may be open. Gives their trades.
async fn all_open(platform: &Platform) -> Vec<String> {
    let mut numbers = Vec::new();
    for _ in 0..OPEN_MAX {
        numbers.push(platform.open_recharge("a", "1.00", "page").await);
    }
    numbers
}

/// Checks that one more recharge is refused, and that another provider is offered one.
async fn check_full(platform: &Platform) {
    let records = platform.records().await;
    check_refused(platform, offering(), 429, "too-many-open").await;
    check_refused(platform, keyed("a", "1.00", "k-1"), 429, "too-many-open").await;
    assert_eq!(platform.records().await, records);
}

#[tokio::test]
async fn recharge_beyond_those_that_may_be_open_is_refused_until_one_is_paid_or_lapses() {
    let platform = two().await;
    let numbers = all_open(&platform).await;
    check_full(&platform).await;
    platform.offer_recharge("b", "1.00", "page").await;
    // Each that is paid, wherever it stands among the others, makes room for one.
    for paid in [&numbers[19], &numbers[0], &numbers[10]] {
        platform.pay_trade(paid);
        platform.deliver().await;
        offer(&platform, keyed("a", "1.00", paid)).await;
        check_full(&platform).await;
    }
    platform.run_until("2015-05-02T22:00").await;
    platform.offer_recharge("a", "1.00", "page").await;
    platform.books_balance().await;
}

#[tokio::test]
async fn key_of_an_open_recharge_is_answered_though_no_more_may_be_open() {
    let platform = empty().await;
    let first = offer(&platform, keyed("a", "1.00", "k-0")).await;
    for _ in 1..OPEN_MAX {
        platform.offer_recharge("a", "1.00", "page").await;
    }
    check_full(&platform).await;
    assert_eq!(offer(&platform, keyed("a", "1.00", "k-0")).await, first);
}

#[tokio::test]
async fn requests_at_once_open_no_more_than_may_be_open() {
    let platform = empty().await;
    let asked = (0..OPEN_MAX + 10)
        .map(|number| platform.ask_by(keyed("a", "1.00", &format!("k-{number}"))));
    let answers = futures::future::join_all(asked).await;
    let offered = answers.iter().filter(|(status, _)| *status == 201).count();
    let statuses: BTreeSet<u64> = answers.iter().map(|(status, _)| *status).collect();
    let stored = recharges(&platform, "a").await.len();
    assert_eq!(stored, offered, "each that is stored is offered");
    assert!(u64::try_from(stored).unwrap() <= OPEN_MAX, "{stored}");
    // One that lost the race too often may ask again.
    assert!(statuses.is_subset(&BTreeSet::from([201, 429, 503])), "{statuses:?}");
}
