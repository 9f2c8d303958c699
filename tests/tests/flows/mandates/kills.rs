//! The power is cut before and after each write: the story goes on to the same end.

use futures::future::BoxFuture;

use super::*;

/// A run that is killed: how a platform is prepared, and the run, which may be run again.
struct Story<'a> {
    prepare: &'a dyn Fn() -> BoxFuture<'static, Platform>,
    run: &'a dyn Fn(&Platform) -> BoxFuture<'_, ()>,
}

/// Runs a story without a kill, then once for each of its writes with the power cut before it, and
/// once with the power cut after it: each time it goes on to the same end. Returns that end.
async fn check_killed(told: &str, story: Story<'_>) -> String {
    let platform = (story.prepare)().await;
    platform.stack.transport.meter().take();
    (story.run)(&platform).await;
    let writes = platform.stack.transport.meter().take().writes();
    let expected = end_of(&platform).await;
    for write in 1..=writes {
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            let platform = (story.prepare)().await;
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            (story.run)(&platform).await;
            let told = format!("{told}, {fault:?} write {write} of {writes}");
            assert_eq!(end_of(&platform).await, expected, "{told}");
        }
    }
    expected
}

/// The figures, and how the mandates stand here and at Alipay.
async fn end_of(platform: &Platform) -> String {
    platform.books_balance().await;
    let mut text = platform.figures().await;
    let mandates: Vec<Mandate> =
        platform.stack.tables.billing.all(&"a".parse().unwrap()).await.unwrap();
    for mandate in mandates {
        let standing = if let MandatePhase::Ended { why, .. } = mandate.phase {
            format!("ended, {why:?}")
        } else {
            format!("{:?}", mandate.phase)
        };
        text += &format!("mandate {}: {standing}\n", mandate.mandate);
    }
    text + &format!("at Alipay: {:?}\n", at_alipay(platform))
}

/// Lets the schedules run until a time, whatever crashes; the power is back at the next run.
async fn go_on(platform: &Platform, time: &str) {
    let end = platform.instant(time);
    while platform.stack.run_until(end).await.is_err() {
        platform.stack.transport.faults().restore();
    }
    platform.stack.transport.faults().restore();
}

#[tokio::test]
async fn killed_signature_comes_to_the_same_end() {
    for is_notified in [true, false] {
        let prepare = move || -> BoxFuture<'static, Platform> {
            Box::pin(async move {
                let platform = used().await;
                sign(&platform, "a", 1_000_000).await;
                if !is_notified {
                    platform.lose_notifications();
                }
                platform
            })
        };
        let story = Story {
            prepare: &prepare,
            run: &|platform| Box::pin(go_on(platform, "2015-05-03T12:00")),
        };
        let end = check_killed("signature", story).await;
        assert!(
            end.contains("prepaid 0.00, receivable 0.00, reserved 0.00, taken 100.00"),
            "{end}"
        );
        assert!(end.contains("mandate 1: Active"), "{end}");
    }
}

#[tokio::test]
async fn killed_end_comes_to_the_same_end() {
    let story = Story {
        prepare: &|| Box::pin(async { indebted().await.0 }),
        run: &|platform| {
            Box::pin(async {
                // An operator who saw an error tries again, until the mandate is ending.
                while !matches!(end(platform, 1).await, Ok(_) | Err(BookError::Mandate(_))) {
                    platform.stack.transport.faults().restore();
                }
                go_on(platform, "2015-05-02T12:00").await;
            })
        },
    };
    let end = check_killed("end", story).await;
    assert!(end.contains("receivable 100.00, reserved 0.00, taken 0.00"), "{end}");
    assert!(end.contains("mandate 1: ended, RevokedHere"), "{end}");
    assert!(end.contains("at Alipay: [Unsign]"), "{end}");
}

#[tokio::test]
async fn killed_replacement_comes_to_the_same_end() {
    let story = Story {
        prepare: &|| {
            Box::pin(async {
                let (platform, _) = indebted().await;
                sign(&platform, "a", 1_000_000).await;
                platform
            })
        },
        run: &|platform| Box::pin(go_on(platform, "2015-05-02T12:00")),
    };
    let end = check_killed("replacement", story).await;
    assert!(end.contains("receivable 0.00, reserved 0.00, taken 100.00"), "{end}");
    assert!(end.contains("mandate 1: ended, Replaced { by: MandateId(2) }"), "{end}");
    assert!(end.contains("mandate 2: Active"), "{end}");
    assert!(end.contains("at Alipay: [Unsign, Normal]"), "{end}");
}
