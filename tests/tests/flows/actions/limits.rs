//! Lower limits of a mandate, which hold for debits that are not sent yet.

use steelyard_billing::mandate::MandateLimits;

use super::*;

fn limits(single: i64, daily: Option<i64>) -> MandateLimits {
    MandateLimits { single_fen: fen(single), daily_fen: daily.map(fen) }
}

fn lower(limits: MandateLimits) -> Value {
    json!({ "kind": "lower_limits", "provider": "a", "mandate": 1, "limits": limits })
}

/// The amounts of the trades at Alipay.
fn trades(platform: &Platform) -> Vec<i64> {
    let trades = platform.stack.alipay.trades().unwrap();
    trades.iter().map(|trade| trade.amount_fen.get()).collect()
}

#[tokio::test]
async fn lower_limits_hold_for_the_debit_that_waits() {
    for (to, taken) in [
        (limits(3_000, None), &[3_000, 3_000, 3_000, 1_000][..]),
        (limits(3_000, Some(5_000)), &[3_000, 2_000]),
        (limits(500_000, Some(4_000)), &[4_000]),
    ] {
        let event = by_provider("a", "k", lower(to));
        let story = Story {
            prepare: &|| Box::pin(indebted()),
            event: &move |_| Box::pin(std::future::ready(event.clone())),
        };
        let was = limits(500_000, None);
        let platform = story.check_done_once(ActionResult::LimitsLowered { was }).await;
        let mandate = platform.mandate("a", 1).await;
        assert_eq!((mandate.limits(), mandate.lowered), (to, 1));
        assert_eq!(platform.found("a").await.provider.mandate, mandate.in_use());
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(trades(&platform), taken, "{to}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn limits_are_not_raised() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.register("a", steelyard_tests::PLAN).await;
    platform.adopt_within("a", 1_000_000, [3_000, 5_000]).await;
    let before = state(&platform).await;
    for (key, to, why) in [
        (
            "1",
            limits(3_001, Some(5_000)),
            "a limit of 30.01 yuan is above the one in force, 30.00 yuan",
        ),
        (
            "2",
            limits(2_000, Some(5_001)),
            "a limit of 50.01 yuan is above the one in force, 50.00 yuan",
        ),
        ("3", limits(2_000, None), "the limit of 50.00 yuan cannot be taken away"),
        (
            "4",
            limits(0, Some(5_000)),
            "a limit of 0.00 yuan allows no debit; end the mandate instead",
        ),
        ("5", limits(1, Some(0)), "a limit of 0.00 yuan allows no debit; end the mandate instead"),
    ] {
        for event in [by_provider("a", key, lower(to)), by_operator(key, lower(to))] {
            let refused = act(&platform, &event).await.phase.to_string();
            assert!(refused.starts_with("refused: ") && refused.ends_with(why), "{refused}");
        }
    }
    let same = act(&platform, &by_provider("a", "6", lower(limits(3_000, Some(5_000))))).await;
    assert_eq!(result(&same), ActionResult::AsBefore);
    assert_eq!(state(&platform).await, before);
}

#[tokio::test]
async fn debit_that_is_not_sent_when_limits_are_lowered_keeps_within_them() {
    for (to, most) in [(limits(3_000, None), 3_000), (limits(500_000, Some(4_000)), 4_000)] {
        let mut overtaken = 0;
        for request in 1.. {
            let platform = indebted().await;
            platform.set("2015-05-02T10:00");
            let slow = Machine::stalling(&platform, request);
            let function = slow.debit(&platform);
            let body = json!({ "provider": "a", "task": { "debit": 1 } }).to_string();
            let message = json!({ "Records": [{ "messageId": "1", "eventSource": "aws:sqs", "body": body }] });
            let work = tokio::spawn(async move { function.invoke(message).await });
            if !slow.stalled_or(&work).await {
                break;
            }
            let is_sent = platform.debit("a", 1).await.terms.is_some();
            act(&platform, &by_provider("a", "k", lower(to))).await;
            slow.wake();
            work.await.unwrap().unwrap();
            platform.run_until("2015-05-02T12:00").await;
            let trades = trades(&platform);
            if is_sent {
                assert_eq!(trades, [10_000], "before request {request}");
            } else {
                overtaken += 1;
                assert_eq!(trades[0], most, "before request {request}: {trades:?}");
                assert!(trades.iter().all(|amount| *amount <= most), "{trades:?}");
            }
            platform.books_balance().await;
        }
        assert!(overtaken > 2, "{overtaken}");
    }
}
