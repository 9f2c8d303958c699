//! The stack drives what the local Alipay does by itself.

use std::sync::Mutex;

use axum::Router;
use axum::routing::post;
use steelyard_billing::Calendar;

use steelyard_pricing::Fen;

use super::*;

/// A receiver of notifications that confirms none, and the times at which they came.
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
    let start: Timestamp = "2026-03-02T02:00:00Z".parse().unwrap();
    let clock = LocalClock::new(start, 0);
    let terms = DebitTerms {
        calendar: Calendar::new("Asia/Shanghai", 5).unwrap(),
        minimum_fen: Fen::new(1),
        time_of_day: Time::constant(10, 0, 0, 0),
    };
    let options = StackOptions { data: None, port: 0, terms, clock: clock.clone() };
    let stack = Stack::start(options).await.unwrap();
    let (address, times) = receiver(clock).await;
    stack.alipay.set_app_gateway(Some(&address)).unwrap();
    stack.alipay.sign_agreement("S1", "p", Fen::new(1), start).unwrap();
    stack.run_until(start + SignedDuration::from_mins(24)).await.unwrap();
    let expected = [0, 4, 14, 24].map(|minutes| start + SignedDuration::from_mins(minutes));
    assert_eq!(*times.lock().unwrap(), expected);
    stack.run_until(start + SignedDuration::from_hours(48)).await.unwrap();
    assert_eq!(times.lock().unwrap().len(), 8);
    assert_eq!(stack.alipay.next_notification_at().unwrap(), None);
}
