//! Reports of which only a part can be counted: the rest is reported, never lost.

use serde_json::{Value, json};
use steelyard_billing::{PlanAssignment, Provider};
use steelyard_tests::{PLAN, Platform, record, report};

const API: &str = "taobao.trades.sold.get";

async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T12:00");
    let provider = Provider {
        provider: "a".parse().unwrap(),
        billed_from: "2015-05".parse().unwrap(),
        plans: vec![PlanAssignment {
            from: "2015-05-01".parse().unwrap(),
            plan: PLAN.parse().unwrap(),
        }],
        overrides: Vec::new(),
        mandate: None,
        alert_rules: Default::default(),
    };
    let tables = &platform.stack.tables;
    let now = platform.stack.clock.now();
    tables.billing.register(&tables.usage, &provider, now).await.unwrap();
    platform
}

/// Two records at noon; the clock of the second is six minutes fast.
fn partly_in_the_future() -> Value {
    let at = |at: &str| json!({ "provider": "a", "api": API, "at": at, "count": 7 });
    report("r", &[at("2015-05-01T12:00:00+08:00"), at("2015-05-01T12:06:00+08:00")])
}

#[tokio::test]
async fn record_that_lay_in_the_future_is_never_called_a_duplicate_when_it_is_sent_again() {
    let platform = platform().await;
    let first = platform.post(&partly_in_the_future()).await;
    assert_eq!((first.status, platform.calls("a").await), (422, 7));
    platform.set("2015-05-01T12:03");
    let again = platform.post(&partly_in_the_future()).await;
    assert_eq!((again.status, platform.calls("a").await), (409, 7), "told, and counted once");
    platform.books_balance().await;
}

#[tokio::test]
async fn queued_report_of_which_a_part_was_not_counted_ends_as_a_dead_letter() {
    let platform = platform().await;
    platform.queue(&partly_in_the_future()).await;
    for minute in (0..28).step_by(4) {
        platform.set(&format!("2015-05-01T12:{minute:02}"));
        platform.stack.drain().await.unwrap();
    }
    assert_eq!((platform.stack.dead_letters().await.unwrap(), platform.calls("a").await), (1, 7));
    platform.books_balance().await;
}

#[tokio::test]
async fn count_of_zero_is_counted_as_nothing_beside_the_others() {
    let platform = platform().await;
    let days = [record("a", API, "2015-05-01", 0), record("a", API, "2015-04-30", 0)];
    let refused = platform.post(&report("before-billing", &days[1..])).await;
    let nothing = platform.post(&report("nothing", &days[..1])).await;
    let some = report("some", &[days[0].clone(), record("a", "other", "2015-05-01", 3)]);
    let some = platform.post(&some).await;
    assert_eq!((refused.status, nothing.status, some.status), (422, 200, 200));
    assert_eq!(platform.calls("a").await, 3);
    platform.books_balance().await;
}

#[tokio::test]
async fn usage_before_the_first_billed_month_is_refused_and_not_counted_unseen() {
    let platform = platform().await;
    let both = [record("a", API, "2015-04-30", 5), record("a", API, "2015-05-01", 6)];
    let answer = platform.post(&report("r", &both)).await;
    assert_eq!((answer.status, platform.calls("a").await), (422, 6));
    let reason = answer.body["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("2015-04-30 is before 2015-05"), "{reason}");
}
