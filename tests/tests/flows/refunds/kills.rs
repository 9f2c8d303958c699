//! The power is cut before and after each write, and AWS fails: the money goes back once.

use steelyard_local_aws::{Fault as AwsFault, Target};

use super::*;

#[tokio::test]
async fn killed_refund_is_given_back_once() {
    let done = "refund F1 done: Refunding 40.00, Alipay -40.00";
    let refused_code = refused("ACQ.TRADE_NOT_ALLOW_REFUND");
    for (of, fault, line) in [
        (RECHARGE, None, done),
        (DEBIT, None, done),
        (RECHARGE, Some((Fault::NoAnswerAfterEffect, 1)), done),
        (RECHARGE, Some((Fault::NoAnswerBeforeEffect, 1)), done),
        // However often it is asked.
        (RECHARGE, Some((refused_code, 100)), "refund F1 refused: Refunding 40.00, Prepaid -40.00"),
    ] {
        let told = format!("{of:?} {fault:?}");
        let figures = check_killed(&told, SOON, &async || {
            let platform = paid(of).await;
            platform.lose_notifications();
            for (fault, times) in fault.iter().cloned() {
                platform.stack.alipay.fail_next(Method::Refund, fault, times);
            }
            ask(&platform, of, "F1", 4_000).await;
            platform
        })
        .await;
        assert_eq!(figures.matches(line).count(), 1, "{told}: {figures}");
    }
}

/// Lets a prepared platform run for so long: without a kill, then once for each of its writes with
/// the power cut before it, and once with the power cut after it. Checks that the books balance in
/// the end and that the figures are the same, and returns them.
async fn check_killed(
    told: &str,
    lasting: SignedDuration,
    prepare: &impl AsyncFn() -> Platform,
) -> String {
    let platform = prepare().await;
    platform.stack.transport.meter().take();
    run_killed(&platform, lasting).await;
    let writes = platform.stack.transport.meter().take().writes();
    platform.run_until("2015-05-05T12:00").await;
    let expected = platform.figures().await;
    platform.books_balance().await;
    assert!(writes >= 4, "{told}: {writes}");
    for write in 1..=writes {
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            let platform = prepare().await;
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            run_killed(&platform, lasting).await;
            platform.stack.transport.faults().restore();
            platform.run_until("2015-05-05T12:00").await;
            let told = format!("{told}, {fault:?} write {write} of {writes}");
            assert_eq!(platform.figures().await, expected, "{told}");
            platform.books_balance().await;
        }
    }
    expected
}

/// Long enough for whatever is asked of Alipay at once and an hour later.
const SOON: SignedDuration = SignedDuration::from_mins(70);

/// Long enough for the bill of the day.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// Lets the schedules run for so long, whatever crashes; the power is back at the next run.
async fn run_killed(platform: &Platform, lasting: SignedDuration) {
    let end = platform.stack.clock.now() + lasting;
    while platform.stack.run_until(end).await.is_err() {
        platform.stack.transport.faults().restore();
    }
}

#[tokio::test]
async fn refund_that_meets_faults_of_aws_is_given_back_once() {
    for (fault, operation, ordinals) in [
        (AwsFault::LoseAnswer, "TransactWriteItems", 1..=1),
        (AwsFault::LoseAnswer, "TransactWriteItems", 2..=2),
        (AwsFault::LoseAnswer, "TransactWriteItems", 1..=6),
        (AwsFault::Conflict, "TransactWriteItems", 1..=4),
        (AwsFault::Throttle, "TransactWriteItems", 2..=4),
        (AwsFault::LoseAnswer, "UpdateItem", 1..=3),
        (AwsFault::LoseAnswer, "SendMessageBatch", 1..=3),
        (AwsFault::LoseRequest, "Query", 2..=7),
    ] {
        let platform = recharged().await;
        ask(&platform, RECHARGE, "F1", 4_000).await;
        let told = format!("{fault:?} of {operation} {ordinals:?}");
        platform.stack.transport.faults().strike(Target::Operation(operation), ordinals, fault);
        run_killed(&platform, A_DAY).await;
        platform.stack.transport.faults().restore();
        assert_eq!(given_back(&platform).await, 1, "{told}");
        check(&platform, [6_000, 0, 0], [6_000, 0]).await;
    }
}

#[tokio::test]
async fn killed_reversal_is_owed_again_once() {
    for is_notified in [true, false] {
        let told = format!("reversal, notified: {is_notified}");
        let lasting = if is_notified { SOON } else { A_DAY };
        let figures = check_killed(&told, lasting, &async || {
            let platform = debited().await;
            if !is_notified {
                platform.lose_notifications();
            }
            reverse(&platform, DEBIT, 3_000).await;
            platform
        })
        .await;
        let line = "reversed REVERSAL00000001: Alipay -30.00, Receivable 30.00";
        assert_eq!(figures.matches(line).count(), 1, "{figures}");
    }
}
