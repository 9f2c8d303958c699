//! A visit that is dropped at any of its await points, and whose message comes again: the money
//! moves once.

use std::pin::pin;

use serde_json::json;
use steelyard_local_alipay::{Fault, Method};
use steelyard_tests::{DiesAfter, Machine, Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at ten, where `a` owes ¥100.00, and its debit is due.
async fn due(fault: Option<&Fault>) -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.lose_notifications();
    if let Some(fault) = fault {
        platform.stack.alipay.fail_next(Method::Pay, fault.clone(), 1);
    }
    platform.set("2015-05-02T10:00");
    platform
}

/// Visits the debit of `a` on a machine that crashes after so many polls; false if it reached its
/// end.
async fn visit(platform: &Platform, polls: usize) -> bool {
    let machine = Machine::new(platform, 0);
    let collector = machine.collector(platform);
    let task = serde_json::from_value(json!({ "provider": "a", "task": { "debit": 1 } })).unwrap();
    let mut run = pin!(collector.work(&task));
    let ended = DiesAfter { run: run.as_mut(), polls }.await;
    ended.is_none()
}

async fn check(fault: Option<&Fault>) -> usize {
    for polls in 0.. {
        let platform = due(fault).await;
        let died = visit(&platform, polls).await;
        platform.books_hold().await;
        platform.run_until("2015-05-03T12:00").await;
        let told = format!("{fault:?}, dead after {polls} polls");
        assert_eq!(platform.account("a").await, [0, 0, 0], "{told}");
        assert_eq!(platform.taken("a"), fen(10_000).get(), "{told}");
        platform.books_balance().await;
        if !died {
            return polls;
        }
    }
    unreachable!("a visit comes to its end")
}

#[tokio::test]
async fn debit_that_dies_at_any_await_point_is_paid_once() {
    let polls = check(None).await;
    assert!(polls > 10, "{polls} await points: was the whole visit under test?");
}

#[tokio::test]
async fn debit_in_doubt_that_dies_at_any_await_point_is_paid_once() {
    assert!(check(Some(&Fault::SystemErrorAfterEffect)).await > 10);
}
