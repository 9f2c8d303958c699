//! Runs that are killed between any two of their writes, and run again: the end is the same.

use futures::future::BoxFuture;
use serde_json::Value;
use steelyard_billing::{BreachKind, Person};
use steelyard_books::Adjusted;
use steelyard_local_alipay::{Fault as AlipayFault, Method};
use steelyard_local_aws::{Fault, Target};
use steelyard_tests::{Platform, record, report};

use crate::adjustments;

const BASIC: &str = "taobao.trades.sold.get";
const VALUE_ADDED: &str = "vas.insight.get";
const DAYS: [&str; 2] = ["2015-05-01", "2015-05-02"];

/// A run that is killed: how a platform is prepared, the run, and how it is run again after a kill;
/// and what is late at the end.
struct Story<'a> {
    prepare: &'a dyn Fn() -> BoxFuture<'static, Platform>,
    run: &'a dyn Fn(&Platform) -> BoxFuture<'_, ()>,
    run_again: &'a dyn Fn(&Platform) -> BoxFuture<'_, ()>,
    late: &'a [BreachKind],
}

/// Runs a story without a kill, then once for each of its writes with the power cut before it, and
/// once with the power cut after it; checks that the books balance and the figures are the same.
/// Returns the number of writes, and the figures.
async fn check(told: &str, story: Story<'_>) -> (u64, String) {
    let platform = (story.prepare)().await;
    platform.stack.transport.meter().take();
    (story.run)(&platform).await;
    let writes = platform.stack.transport.meter().take().writes();
    let expected = platform.balanced_figures_late(story.late).await;
    (story.run_again)(&platform).await;
    assert_eq!(platform.figures().await, expected, "{told}, run twice");

    for write in 1..=writes {
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            let platform = (story.prepare)().await;
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            (story.run)(&platform).await;
            platform.stack.transport.faults().restore();
            platform.books_hold().await;
            (story.run_again)(&platform).await;
            let told = format!("{told}, {fault:?} write {write} of {writes}");
            assert_eq!(platform.balanced_figures_late(story.late).await, expected, "{told}");
        }
    }
    (writes, expected)
}

/// Three providers that have used nothing.
async fn joined() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    for provider in ["a", "b", "c"] {
        platform.join(provider).await;
    }
    platform
}

fn three_providers() -> Value {
    let of = |provider| record(provider, BASIC, DAYS[0], 7);
    report("r", &[of("a"), of("b"), of("c"), record("a", VALUE_ADDED, DAYS[0], 5)])
}

#[tokio::test]
async fn killed_report_is_counted_once_when_it_is_sent_again() {
    let story = Story {
        prepare: &|| Box::pin(joined()),
        run: &|platform| Box::pin(async { drop(platform.post(&three_providers()).await) }),
        run_again: &|platform| {
            Box::pin(async { assert_eq!(platform.post(&three_providers()).await.status, 200) })
        },
        late: &[],
    };
    let (writes, figures) = check("ingest", story).await;
    assert_eq!(writes, 3);
    assert_eq!(figures.matches("2015-05-01: 12 calls").count(), 1, "{figures}");
    assert_eq!(figures.matches("2015-05-01: 7 calls").count(), 2, "{figures}");
}

#[tokio::test]
async fn killed_report_on_the_queue_is_counted_once() {
    let story = Story {
        prepare: &|| Box::pin(joined()),
        run: &|platform| Box::pin(async { platform.queue(&three_providers()).await }),
        run_again: &|platform| {
            Box::pin(async {
                platform.set("2015-05-01T20:04");
                platform.stack.drain().await.unwrap();
            })
        },
        late: &[],
    };
    assert_eq!(check("ingest from the queue", story).await.0, 3);
}

/// Three providers with two days of usage: one without an agreement, one that paid in advance, one
/// that is debited.
async fn used() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-02T20:00");
    platform.join("a").await;
    platform.sign("b", 1_000_000).await;
    platform.sign("c", 1_000_000).await;
    platform.recharge("b", 12_000, "transfer-1").await;
    for provider in ["a", "b", "c"] {
        for day in DAYS {
            platform.count(provider, BASIC, day, 1_000_000).await;
        }
    }
    platform
}

#[tokio::test]
async fn killed_settlement_charges_the_same_when_it_runs_again() {
    let story = Story {
        prepare: &|| Box::pin(used()),
        run: &|platform| {
            Box::pin(async {
                platform.set("2015-05-03T00:30");
                let event = serde_json::json!({});
                drop(platform.stack.functions.settle.invoke(event).await);
                platform.stack.drain().await.unwrap();
            })
        },
        // Half an hour later the messages of the run that crashed are visible again.
        run_again: &|platform| Box::pin(platform.settle_at("2015-05-03T01:01")),
        late: &[],
    };
    let (writes, figures) = check("settlement", story).await;
    // The run, a batch of messages, two statements for each of three providers, the three shards,
    // and the end of the run.
    assert_eq!(writes, 12);
    for line in [
        "a: prepaid 0.00, receivable 150.00, reserved 0.00, taken 0.00",
        "b: prepaid 0.00, receivable 30.00, reserved 0.00, taken 0.00",
        "c: prepaid 0.00, receivable 150.00, reserved 0.00, taken 0.00",
    ] {
        assert!(figures.contains(line), "{figures}");
    }
}

/// The same, settled, just before debits fall due.
async fn settled() -> Platform {
    let platform = used().await;
    platform.settle_at("2015-05-03T00:30").await;
    platform.set("2015-05-03T09:59");
    platform
}

/// Lets the schedules run until the next noon but one, whatever crashes; the power is back at the
/// next run.
async fn debits_of_two_days(platform: &Platform) {
    let end = platform.instant("2015-05-04T12:00");
    while platform.stack.run_until(end).await.is_err() {
        platform.stack.transport.faults().restore();
    }
}

#[tokio::test]
async fn killed_debit_takes_the_money_once() {
    let story = Story {
        prepare: &|| Box::pin(settled()),
        run: &|platform| Box::pin(debits_of_two_days(platform)),
        run_again: &|platform| Box::pin(platform.run_until("2015-05-05T12:00")),
        late: &[],
    };
    let (writes, figures) = check("debits", story).await;
    assert!(writes > 11, "{writes}");
    for line in [
        "b: prepaid 0.00, receivable 0.00, reserved 0.00, taken 30.00",
        "c: prepaid 0.00, receivable 0.00, reserved 0.00, taken 150.00",
    ] {
        assert!(figures.contains(line), "{figures}");
    }
}

/// One provider that is debited, just before its debit falls due; so many payments fail so.
async fn indebted(fault: AlipayFault, times: usize) -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, DAYS[0], 1_500_000).await;
    platform.settle_at("2015-05-03T00:30").await;
    platform.set("2015-05-03T09:59");
    platform.stack.alipay.fail_next(Method::Pay, fault, times);
    platform
}

async fn check_killed_debit(fault: AlipayFault) {
    let paid = "a: prepaid 0.00, receivable 0.00, reserved 0.00, taken 100.00";
    check_killed(fault, 1, &[paid], &[]).await;
}

/// Checks that a debit whose payments fail so, so many times, ends with these lines in the figures.
async fn check_killed(fault: AlipayFault, times: usize, lines: &[&str], late: &[BreachKind]) {
    let told = format!("debit with {fault:?}");
    let story = Story {
        prepare: &|| Box::pin(indebted(fault.clone(), times)),
        run: &|platform| Box::pin(debits_of_two_days(platform)),
        run_again: &|platform| Box::pin(platform.run_until("2015-05-05T12:00")),
        late,
    };
    let (_, figures) = check(&told, story).await;
    for line in lines {
        assert!(figures.contains(line), "{told}: {figures}");
    }
}

fn refused(sub_code: &str) -> AlipayFault {
    AlipayFault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

#[tokio::test]
async fn killed_debit_whose_mandate_is_dead_is_given_up_once_together_with_its_mandate() {
    let lines = [
        "a: prepaid 0.00, receivable 100.00, reserved 0.00, taken 0.00",
        "mandate suspended by debit 1: the mandate is dead: code 40004 ACQ.AGREEMENT_INVALID",
        "2. debit 1 sent: Receivable -100.00, Reserved 100.00",
        "3. debit 1 given up: Reserved -100.00, Receivable 100.00",
        "debit 1 of 100.00: given up, the mandate is dead: code 40004 ACQ.AGREEMENT_INVALID",
    ];
    check_killed(refused("ACQ.AGREEMENT_INVALID"), 10, &lines, &[]).await;
}

#[tokio::test]
async fn killed_debit_whose_request_is_wrong_is_held() {
    let lines = [
        "a: prepaid 0.00, receivable 100.00, reserved 100.00, taken 0.00",
        "debit 1 of 100.00: held",
    ];
    check_killed(refused("ACQ.INVALID_PARAMETER"), 10, &lines, &[BreachKind::Held]).await;
}

#[tokio::test]
async fn killed_debit_whose_request_was_lost_takes_the_money_once() {
    check_killed_debit(AlipayFault::NoAnswerBeforeEffect).await;
}

#[tokio::test]
async fn killed_debit_whose_answer_was_lost_takes_the_money_once() {
    check_killed_debit(AlipayFault::NoAnswerAfterEffect).await;
}

#[tokio::test]
async fn killed_debit_that_is_in_process_takes_the_money_once() {
    check_killed_debit(AlipayFault::InProcess).await;
}

#[tokio::test]
async fn killed_debit_that_is_declined_once_takes_the_money_once() {
    check_killed_debit(AlipayFault::InsufficientFunds).await;
}

#[tokio::test]
async fn killed_debit_with_a_system_error_after_the_effect_takes_the_money_once() {
    check_killed_debit(AlipayFault::SystemErrorAfterEffect).await;
}

/// Makes an adjustment, approves it as a second person, and settles in the night after it.
fn adjusted(platform: &Platform) -> BoxFuture<'_, ()> {
    Box::pin(async {
        platform.set("2015-06-05T23:00");
        let made = adjustments::adjust(platform, &adjustments::request(-400)).await;
        if let Ok(Adjusted::Now(of) | Adjusted::Before(of)) = made {
            let (provider, id) = (of.provider, of.note.adjustment);
            let (wang, now) = (Person::new("wang").unwrap(), platform.stack.clock.now());
            drop(platform.books().approve_adjustment(&provider, &id, &wang, now).await);
        }
        platform.set("2015-06-06T00:30");
        drop(platform.stack.functions.settle.invoke(serde_json::json!({})).await);
        platform.stack.drain().await.unwrap();
    })
}

#[tokio::test]
async fn killed_adjustment_is_approved_and_booked_once_when_it_is_made_again() {
    let story = Story {
        prepare: &|| Box::pin(adjustments::after_may()),
        run: &adjusted,
        run_again: &|platform| {
            Box::pin(async {
                adjusted(platform).await;
                platform.settle_at("2015-06-07T00:30").await;
            })
        },
        late: &[],
    };
    let (writes, figures) = check("adjustment", story).await;
    // The note, its approval, the run, its message, the statement, that May is charged for good,
    // the shard, and the end of the run.
    assert_eq!(writes, 8);
    assert!(figures.contains("a: prepaid 4.00, receivable 0.00, reserved 0.00"), "{figures}");
}
