//! A bill of many rows, worked on in parts over the queue: a crash in the middle and a rerun end
//! the same.

use std::path::PathBuf;
use std::time::Duration;

use steelyard_local_aws::Request;
use steelyard_tests::Platform;

use super::*;

/// Some rows for each of the 16 parts.
const ROWS: u32 = 200;

/// How long the message of a part is hidden.
const HIDDEN: &str = "2015-05-03T12:01";

/// A morning on which the bill has many rows. Nothing of it is done.
async fn morning(name: &str) -> (Platform, u32) {
    let platform = Platform::open().await;
    let bill = folder().join(format!("{name}.zip"));
    let ours = platform.pay_many(ROWS, &bill).await;
    platform.serve_bill(&bill);
    (platform, ours)
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// The result of the day on which everything matches, and nothing is left in the table of the run.
async fn check_end(platform: &Platform, ours: u32, told_so: &str) {
    let rows = ours;
    assert_eq!(told(platform, DAY).await, all_match(rows), "{told_so}");
    assert_eq!(unmatched(platform).await, Vec::<i64>::new(), "{told_so}");
    let run = platform.items(&format!("reconciliation#{DAY}")).await;
    assert_eq!(run, Vec::<Value>::new(), "{told_so}");
    let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
    assert_eq!(findings, [], "{told_so}");
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0, "{told_so}");
}

#[tokio::test]
async fn bill_is_split_over_the_queue_and_its_rerun_ends_the_same() {
    let (platform, ours) = morning("split").await;
    let begun = platform.stack.functions.reconcile.invoke(json!({})).await.unwrap();
    assert_eq!(begun["begun"], DAY);
    assert_eq!(stored(&platform, DAY).await, None, "its parts are in the queue");
    let run = platform.stack.tables.billing.bill_run(DAY.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(run.run.parts.len(), 16);
    platform.stack.drain().await.unwrap();
    check_end(&platform, ours, "at first").await;
    // Now the records of the trades say that the rows agree.
    reconcile_day(&platform, DAY).await.unwrap();
    check_end(&platform, ours, "again").await;
}

#[tokio::test]
async fn run_that_crashes_in_the_middle_goes_on_where_it_stopped_and_ends_the_same() {
    let (platform, ours) = morning("whole").await;
    platform.stack.transport.meter().take();
    reconcile(&platform).await.unwrap();
    let writes = platform.stack.transport.meter().take().writes();
    check_end(&platform, ours, "without a crash").await;

    for quarter in 1..=3 {
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            let (platform, ours) = morning("crash").await;
            platform.stack.transport.meter().take();
            let at = writes * quarter / 4;
            platform.stack.transport.faults().strike(Target::Writes, at..=at, fault);
            reconcile(&platform).await.unwrap_err();
            platform.stack.transport.faults().restore();
            platform.stack.transport.meter().take();
            assert_eq!(stored(&platform, DAY).await, None);

            // No other run begins: the messages come again.
            platform.set(HIDDEN);
            platform.stack.drain().await.unwrap();
            let told_so = format!("{fault:?} write {at} of {writes}");
            check_end(&platform, ours, &told_so).await;
            let again = platform.stack.transport.meter().take().writes();
            assert!(again < writes - at + 40, "{again} writes after {told_so}");
        }
    }
}

#[tokio::test]
async fn part_goes_on_in_a_new_message_when_its_time_is_nearly_up() {
    let (platform, ours) = morning("slow").await;
    platform.stack.functions.reconcile.invoke(json!({})).await.unwrap();
    // A minute is too short for more rows, so that a message does some, and the next one finds that
    // no more are left.
    let mut sources = platform.stack.event_sources().into_iter();
    let mut source = sources.find(|source| source.queue == "steelyard-reconcile").unwrap();
    source.function = source.function.lasting(Duration::from_secs(60));
    let mut messages = 0;
    while source.poll(&platform.stack.embedded, Duration::ZERO).await.unwrap() > 0 {
        messages += 1;
    }
    assert_eq!(messages, 32);
    check_end(&platform, ours, "in short runs").await;
}

/// Sends a message to the reconcile queue.
async fn send(platform: &Platform, message: Value) {
    let message = json!({ "QueueUrl": "/steelyard-reconcile", "MessageBody": message.to_string() });
    let request = Request::new("AmazonSQS.SendMessage".to_owned(), message.to_string());
    assert_eq!(platform.stack.embedded.handle(request).await.status, 200);
}

#[tokio::test]
async fn message_of_an_earlier_run_does_nothing() {
    let (platform, ours) = morning("superseded").await;
    let billing = &platform.stack.tables.billing;
    platform.stack.functions.reconcile.invoke(json!({})).await.unwrap();
    let first = billing.bill_run(DAY.parse().unwrap()).await.unwrap().unwrap().run.id;
    // A person begins the same day: the days that wait for the first run wait for this one.
    platform.set("2015-05-04T10:31");
    platform.stack.functions.reconcile.invoke(json!({})).await.unwrap();
    reconcile_day(&platform, DAY).await.unwrap();
    check_end(&platform, ours, "after three runs").await;
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    platform.stack.transport.meter().take();
    send(&platform, json!({ "day": DAY, "run": first, "part": 3 })).await;
    platform.stack.drain().await.unwrap();
    assert_eq!(platform.stack.transport.meter().take().writes(), 0);
    check_end(&platform, ours, "after a late message").await;
}

#[tokio::test]
async fn part_that_fails_at_every_try_is_given_up_and_the_next_day_proceeds() {
    let data = folder().join("poison");
    if data.exists() {
        std::fs::remove_dir_all(&data).unwrap();
    }
    let platform = Platform::open_in(&data).await;
    let bill = data.join("poison.zip");
    let ours = platform.pay_many(ROWS, &bill).await;
    platform.serve_bill(&bill);
    platform.set("2015-05-04T10:30");
    let begun = platform.stack.functions.reconcile.invoke(json!({})).await.unwrap();
    assert_eq!(begun["begun"], DAY);
    // The kept file is gone, so that no part can be worked on.
    std::fs::remove_dir_all(data.join("bills").join(DAY)).unwrap();
    for time in ["04T10:30", "04T12:01", "04T13:32", "04T15:03"] {
        platform.set(&format!("2015-05-{time}"));
        platform.stack.drain().await.unwrap();
        assert_eq!(failures(&platform).await.unwrap(), []);
        assert_eq!(stored(&platform, NEXT_DAY).await, None);
    }
    platform.set("2015-05-04T16:34");
    platform.stack.drain().await.unwrap();
    let [(day, why)] = &failures(&platform).await.unwrap()[..] else { panic!("not one failed") };
    assert_eq!(day, DAY);
    assert!(why.ends_with("given up after 4 tries"), "{why}");
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);

    platform.set("2015-05-05T10:30");
    assert_eq!(reconciled(&platform).await, days(&[DAY, "2015-05-04"], &[]));
    check_end(&platform, ours, "in the next run").await;
}
