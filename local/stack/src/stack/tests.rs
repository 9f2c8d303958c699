//! The schedules of a stack, and the clock with which it starts.

use std::path::Path;
use std::sync::Mutex;

use axum::Router;
use axum::routing::post;
use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use steelyard_billing::{Calendar, NamesMax};
use steelyard_local_aws::{Fault, Target};
use steelyard_pricing::Fen;
use tokio::net::TcpListener;

use super::*;

/// A stack whose clock stands still at a time, over a folder if there is one.
async fn start(data: Option<&Path>, at: Timestamp) -> Result<Stack, Error> {
    let rules = DebitRules {
        calendar: Calendar::new("Asia/Shanghai", 5).unwrap(),
        minimum_fen: Fen::new(1),
        time_of_day: Time::constant(10, 0, 0, 0),
        window_minutes: 0,
        adjustments_need_approval: false,
        names_max: NamesMax::DEFAULT,
    };
    let (data, clock) = (data.map(Path::to_owned), LocalClock::new(at, 0));
    Stack::start(StackOptions {
        data,
        reach: Reach::any_port(),
        rules,
        actions_need_approval: false,
        clock,
        follows: true,
    })
    .await
}

/// A receiver that confirms no notification, and the times at which it received them.
async fn receiver(clock: LocalClock) -> (String, Arc<Mutex<Vec<Timestamp>>>) {
    let times = Arc::new(Mutex::new(Vec::new()));
    let came = Arc::clone(&times);
    let router = Router::new().route(
        "/",
        post(move || {
            came.lock().unwrap().push(clock.now());
            std::future::ready("not yet")
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, times)
}

#[tokio::test]
async fn run_sends_notifications_at_their_times_among_the_schedules() {
    let begin: Timestamp = "2026-03-02T02:00:00Z".parse().unwrap();
    let stack = start(None, begin).await.unwrap();
    let (address, times) = receiver(stack.clock.clone()).await;
    stack.alipay.set_app_gateway(Some(&address)).unwrap();
    stack.alipay.sign_agreement("S1", "p", Fen::new(1), begin).unwrap();
    stack.run_until(begin + SignedDuration::from_mins(24)).await.unwrap();
    let expected = [0, 4, 14, 24].map(|minutes| begin + SignedDuration::from_mins(minutes));
    assert_eq!(*times.lock().unwrap(), expected);
    stack.run_until(begin + SignedDuration::from_hours(48)).await.unwrap();
    assert_eq!(times.lock().unwrap().len(), 8);
    assert_eq!(stack.alipay.next_notification_at().unwrap(), None);
}

#[tokio::test]
async fn stack_is_not_started_before_its_last_settlement() {
    let folder = TempDir::new().unwrap();
    let settled_at: Timestamp = "2015-05-17T16:30:00Z".parse().unwrap();
    let stack = start(Some(folder.path()), settled_at).await.unwrap();
    stack.functions.settle.invoke(json!({})).await.unwrap();
    drop(stack);
    let earlier = settled_at - SignedDuration::from_secs(1);
    let refused = start(Some(folder.path()), earlier).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        "this stack last settled at 2015-05-18T00:30:00+08:00, and its clock would be at \
         2015-05-18T00:29:59+08:00: start it with --now at or after that"
    );
    let stack = start(Some(folder.path()), settled_at).await.unwrap();
    stack.functions.settle.invoke(json!({})).await.unwrap();
}

#[tokio::test]
async fn settlement_is_refused_by_a_clock_that_was_set_back() {
    let noon: Timestamp = "2015-05-17T04:00:00Z".parse().unwrap();
    let stack = start(None, noon).await.unwrap();
    stack.functions.settle.invoke(json!({})).await.unwrap();
    stack.clock.set(noon - SignedDuration::from_hours(1));
    let refused = stack.functions.settle.invoke(json!({})).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "settlement last ran at 2015-05-17T12:00:00+08:00, and the clock is at 2015-05-17T11:00:00+08:00: \
         a run can't begin before the last one"
    );
    assert_eq!(last_settlement(&stack).await, noon);
    stack.clock.set(noon + SignedDuration::from_hours(1));
    stack.functions.settle.invoke(json!({})).await.unwrap();
    assert_eq!(last_settlement(&stack).await, noon + SignedDuration::from_hours(1));
}

/// When the latest settlement run began.
async fn last_settlement(stack: &Stack) -> Timestamp {
    stack.tables.billing.last_settlement().await.unwrap().unwrap()
}

#[tokio::test]
async fn run_whose_note_is_not_answered_is_noted_once_and_goes_on() {
    let noon: Timestamp = "2015-05-17T04:00:00Z".parse().unwrap();
    let stack = start(None, noon).await.unwrap();
    let put = Target::Operation("PutItem");
    stack.transport.meter().start();
    stack.transport.faults().strike(put, 1..=1, Fault::LoseAnswer);
    stack.functions.settle.invoke(json!({})).await.unwrap();
    assert_eq!(stack.transport.meter().take().requests["PutItem"], 2);
    assert_eq!(stack.tables.billing.latest_runs(10).await.unwrap().readable.len(), 1);
}

#[tokio::test]
async fn schedules_reach_the_end_of_time() {
    let stack = start(None, Timestamp::MAX).await.unwrap();
    assert_eq!(stack.due_functions(Timestamp::MIN, Timestamp::MAX).len(), 4);
    assert_eq!(stack.due_functions(Timestamp::MAX, Timestamp::MAX).len(), 0);
    stack.clock.set("9998-12-31T00:00:00Z".parse().unwrap());
    let begin = stack.clock.now();
    stack.run_until(begin + SignedDuration::from_hours(12)).await.unwrap();
    assert_eq!(stack.clock.now(), begin + SignedDuration::from_hours(12));
}
