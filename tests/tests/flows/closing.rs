//! The close of a month: what is stored binds, whatever the configuration of any function says, and
//! what was counted before it is charged.

use axum::http::{HeaderMap, Method};
use serde_json::json;
use steelyard_billing::{Calendar, charged_days};
use steelyard_ingest::{USAGE_PATH, VOID_PATH};
use steelyard_local_aws::LocalFunction;
use steelyard_local_stack::http_event;
use steelyard_tests::{Answer, Machine, Platform, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the evening of the last of May, where `a` used what costs ¥10.00 on that day.
async fn end_of_may() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-31T20:00");
    platform.join("a").await;
    platform.count("a", BASIC, "2015-05-31", 600_000).await;
    platform
}

/// A calendar whose months close on that day.
fn closing_on(day: i8) -> Calendar {
    Calendar::new("Asia/Shanghai", day).unwrap()
}

/// An ingest function that closes months on that day, by its configuration.
fn ingest(platform: &Platform, close_day: i8) -> LocalFunction {
    Machine::new(platform, 0).ingest_by(closing_on(close_day), platform)
}

/// Reports calls on the last of May to an ingest function.
async fn post(ingest: &LocalFunction, id: &str, calls: u64) -> Answer {
    let sent = report(id, &[record("a", BASIC, "2015-05-31", calls)]).to_string();
    let event = http_event(&Method::POST, USAGE_PATH, &HeaderMap::new(), sent.as_bytes());
    Answer::of(&ingest.invoke(event).await.unwrap())
}

/// Checks what each statement charges, that the statements show all calls that were counted, and
/// that the books balance.
async fn check(platform: &Platform, expected: &[(&str, i64)]) {
    let expected = expected.iter().map(|(id, charge)| ((*id).to_owned(), *charge));
    assert_eq!(platform.charges("a").await, expected.collect::<Vec<_>>());
    let statements = platform.statements("a").await;
    let shown = charged_days(&statements).unwrap();
    let shown = shown.values().map(|usage| usage.total().unwrap().calls.get()).sum::<u64>();
    assert_eq!(shown, platform.calls("a").await, "calls on statements");
    platform.books_balance().await;
}

#[tokio::test]
async fn late_report_is_refused_after_the_close_though_the_close_day_was_raised() {
    let platform = end_of_may().await;
    platform.run_until("2015-06-05T00:30").await;
    platform.set("2015-06-06T12:00");
    for (id, close_day) in [("raised", 20), ("raised-to-the-last", 28), ("as-before", 5)] {
        let answer = post(&ingest(&platform, close_day), id, 7_000).await;
        assert_eq!((answer.status, answer.of_provider("a")), (422, "nothing"), "{close_day}");
        let why = answer.body["refused"][0]["reason"].as_str().unwrap();
        assert!(why.contains("2015-05"), "{why}");
    }
    assert_eq!(platform.calls("a").await, 600_000);
    platform.run_until("2015-06-30T12:00").await;
    check(&platform, &[("2015-05-31", 1_000)]).await;
}

#[tokio::test]
async fn close_day_that_is_raised_in_settlement_opens_no_month_again() {
    let platform = end_of_may().await;
    platform.run_until("2015-06-05T00:30").await;
    let closed = closed(&platform).await;
    let machine = Machine::new(&platform, 0);
    let mut settler = machine.settler(&platform);
    settler.books.rules.calendar = closing_on(20);
    for night in ["2015-06-06T00:30", "2015-06-07T00:30"] {
        platform.set(night);
        let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
        settler.provider(&terms, &"a".parse().unwrap()).await.unwrap();
    }
    assert_eq!(self::closed(&platform).await, closed, "the close stays as it is stored");
    let answer = post(&ingest(&platform, 20), "late", 7_000).await;
    assert_eq!((answer.status, platform.calls("a").await), (422, 600_000));
    platform.run_until("2015-06-30T12:00").await;
    check(&platform, &[("2015-05-31", 1_000)]).await;
}

/// The last month of `a` that is closed, and when it was.
async fn closed(platform: &Platform) -> (String, jiff::Timestamp) {
    let (provider, day) = ("a".parse().unwrap(), "2015-05-31".parse().unwrap());
    let counted = platform.stack.tables.usage.new_usage(&provider, day, day).await.unwrap();
    let close = counted.registration.unwrap().closed.unwrap();
    (close.through.to_string(), close.closed_at_s)
}

#[tokio::test]
async fn report_that_an_ingest_with_a_later_close_day_counts_is_charged() {
    let platform = end_of_may().await;
    // By the configuration of settlement the month is over, and settlement has not closed it yet.
    platform.run_until("2015-06-05T00:10").await;
    let later = ingest(&platform, 20);
    assert_eq!(post(&later, "before", 20_000).await.of_provider("a"), "counted");
    platform.run_until("2015-06-05T00:30").await;
    assert_eq!(post(&later, "after", 1).await.status, 422);
    platform.run_until("2015-06-30T12:00").await;
    check(&platform, &[("2015-05-31", 1_000), ("2015-05-31+1", 200)]).await;
}

#[tokio::test]
async fn report_that_an_ingest_counts_by_a_registration_from_before_the_close_is_charged() {
    let platform = end_of_may().await;
    platform.run_until("2015-06-05T00:29").await;
    // This ingest function reads the registration a minute before the close, and knows it for five.
    let later = ingest(&platform, 20);
    assert_eq!(post(&later, "before", 20_000).await.of_provider("a"), "counted");
    platform.run_until("2015-06-05T00:31").await;
    assert_eq!(closed(&platform).await.0, "2015-05");
    // A statement that follows the close must not let the account forget May.
    platform.count("a", BASIC, "2015-06-04", 10_000).await;
    platform.settle_at("2015-06-05T00:32").await;
    assert_eq!(platform.statements("a").await.len(), 3);
    platform.set("2015-06-05T00:33");
    assert_eq!(post(&later, "after", 30_000).await.of_provider("a"), "counted");
    platform.settle_at("2015-06-06T00:30").await;
    let expected =
        [("2015-05-31", 1_000), ("2015-05-31+1", 200), ("2015-05-31+2", 300), ("2015-06-04", 0)];
    check(&platform, &expected).await;
    platform.set("2015-06-06T12:00");
    platform.count("a", BASIC, "2015-06-06", 10_000).await;
    platform.settle_at("2015-06-07T00:30").await;
    assert_eq!(platform.found("a").await.account.open_from.to_string(), "2015-06");
    assert_eq!(post(&later, "too-late", 1).await.status, 422);
    check(&platform, &[&expected[..], &[("2015-06-06", 0)]].concat()).await;
}

#[tokio::test]
async fn report_that_is_counted_while_settlement_closes_the_month_is_charged_by_the_next_night() {
    // It reads the plans, the account and the reports, stores a statement, and closes the month.
    for request in 4..=5 {
        let platform = end_of_may().await;
        platform.set("2015-06-05T00:30");
        let slow = Machine::stalling(&platform, request);
        let (settler, now) = (slow.settler(&platform), platform.stack.clock.now());
        let settling = tokio::spawn(async move {
            let terms = settler.terms(now).await.unwrap();
            settler.provider(&terms, &"a".parse().unwrap()).await.unwrap().len()
        });
        slow.stalled().await;
        let counted = post(&ingest(&platform, 20), "meanwhile", 20_000).await;
        assert_eq!(counted.of_provider("a"), "counted", "before request {request}");
        slow.wake();
        assert_eq!(settling.await.unwrap(), 1);
        assert_eq!(closed(&platform).await.0, "2015-05");
        assert_eq!(post(&ingest(&platform, 20), "later", 1).await.status, 422);
        platform.settle_at("2015-06-06T00:30").await;
        check(&platform, &[("2015-05-31", 1_000), ("2015-05-31+1", 200)]).await;
    }
}

#[tokio::test]
async fn close_day_that_is_lowered_strands_nothing_that_was_counted() {
    let platform = end_of_may().await;
    let mut settler = Machine::new(&platform, 0).settler(&platform);
    for (night, close_day, id, status) in [
        ("2015-06-06T00:30", 20, "r1", 200),
        ("2015-06-07T00:30", 20, "r2", 200),
        ("2015-06-08T00:30", 3, "r3", 200),
        ("2015-06-09T00:30", 3, "r4", 422),
    ] {
        platform.set(night);
        assert_eq!(post(&ingest(&platform, 20), id, 10_000).await.status, status, "{id}");
        settler.books.rules.calendar = closing_on(close_day);
        let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
        settler.provider(&terms, &"a".parse().unwrap()).await.unwrap();
    }
    let (before, counted) = (platform.charges("a").await, platform.calls("a").await);
    assert_eq!(counted, 630_000);
    assert_eq!(before.iter().map(|(_, charge)| charge).sum::<i64>(), 1_300);
    platform.books_balance().await;
}

#[tokio::test]
async fn close_that_a_slow_run_stores_late_strands_nothing_that_was_counted() {
    let platform = end_of_may().await;
    platform.set("2015-06-05T00:20");
    let june = report("june", &[record("a", BASIC, "2015-06-04", 10_000)]);
    assert_eq!(platform.post(&june).await.status, 200);
    // The run stores the close 20 minutes after it began, as one over all providers may.
    platform.set("2015-06-05T00:30");
    let slow = Machine::stalling(&platform, 6);
    let (settler, now) = (slow.settler(&platform), platform.stack.clock.now());
    let settling = tokio::spawn(async move {
        let terms = settler.terms(now).await.unwrap();
        settler.provider(&terms, &"a".parse().unwrap()).await.unwrap().len()
    });
    slow.stalled().await;
    assert_eq!(platform.statements("a").await.len(), 2);
    // An ingest that knows the provider from just before goes on for five minutes.
    platform.set("2015-06-05T00:49");
    let ingest = ingest(&platform, 20);
    assert_eq!(post(&ingest, "before", 20_000).await.of_provider("a"), "counted");
    platform.set("2015-06-05T00:50");
    slow.wake();
    assert_eq!(settling.await.unwrap(), 2);
    platform.settle_at("2015-06-05T00:51").await;
    platform.set("2015-06-05T00:52");
    assert_eq!(post(&ingest, "after", 30_000).await.of_provider("a"), "counted");
    platform.run_until("2015-06-30T12:00").await;
    let expected =
        [("2015-05-31", 1_000), ("2015-05-31+1", 200), ("2015-05-31+2", 300), ("2015-06-04", 0)];
    check(&platform, &expected).await;
}

/// A source that had no answer would have the platform charge once more what was counted, if this
/// was a refusal.
#[tokio::test]
async fn report_that_is_sent_again_after_its_month_closed_is_answered_as_before() {
    let platform = Platform::open().await;
    platform.set("2015-05-31T20:00");
    platform.sign("a", 1_000_000).await;
    let of = |id: &str, counts: &[(&str, u64)]| {
        let records = counts.iter().map(|(day, count)| record("a", BASIC, day, *count));
        report(id, &records.collect::<Vec<_>>())
    };
    let cumulative = |count: u64| {
        let mut report = of("cumulative", &[("2015-05-31", count)]);
        report["cumulative"] = json!(true);
        report
    };
    let once = of("once", &[("2015-05-31", 600_000)]);
    let withdrawn = of("withdrawn", &[("2015-05-31", 70_000)]);
    for report in [&once, &withdrawn, &cumulative(5)] {
        assert_eq!(platform.post(report).await.of_provider("a"), "counted", "{report}");
    }
    let two_days = of("two-days", &[("2015-05-31", 3), ("2015-06-01", 4)]);
    platform.set("2015-06-01T12:00");
    assert_eq!(platform.post(&two_days).await.status, 200);
    let void = json!({
        "provider": "a", "source": "gateway-1", "id": "withdrawn", "reason": "counted twice"
    });
    let headers = HeaderMap::new();
    let void = http_event(&Method::POST, VOID_PATH, &headers, void.to_string().as_bytes());
    assert_eq!(platform.request(void).await.status, 200);
    platform.run_until("2015-06-08T12:00").await;
    let (mut charges, calls) = (platform.charges("a").await, platform.calls("a").await);

    let moved = of("two-days", &[("2015-05-31", 2), ("2015-06-01", 4), ("2015-06-02", 1)]);
    let (may, june) = ("2015-05-31", "2015-06-01");
    for (report, status, became) in [
        (&once, 200, &[(may, "duplicate")][..]),
        (&withdrawn, 200, &[(may, "withdrawn")]),
        (&cumulative(5), 200, &[(may, "duplicate")]),
        (&cumulative(4), 200, &[(may, "duplicate")]),
        (&cumulative(6), 422, &[]),
        (&two_days, 200, &[(may, "duplicate"), (june, "duplicate")]),
        (&moved, 409, &[(may, "conflict"), (june, "conflict"), ("2015-06-02", "conflict")]),
        (&of("once", &[(may, 600_001)]), 409, &[(may, "conflict")]),
        (&of("new", &[(may, 1)]), 422, &[]),
        (&of("part", &[(may, 1), ("2015-06-08", 2)]), 422, &[("2015-06-08", "counted")]),
        (&of("part", &[(may, 1), ("2015-06-08", 2)]), 422, &[("2015-06-08", "duplicate")]),
    ] {
        let answer = platform.post(report).await;
        let days = answer.body["providers"]["a"].as_object().cloned().unwrap_or_default();
        let days = days.iter().map(|(day, became)| (day.as_str(), became.as_str().unwrap()));
        assert_eq!((answer.status, &*days.collect::<Vec<_>>()), (status, became), "{report}");
    }
    // A queue that delivers a report again causes no dead letter.
    platform.queue(&once).await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
    platform.run_until("2015-06-10T12:00").await;
    charges.push(("2015-06-08".to_owned(), 0));
    assert_eq!((platform.charges("a").await, platform.calls("a").await), (charges, calls + 2));
    platform.books_balance().await;
}
