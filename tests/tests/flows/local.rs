//! A local stack that keeps its data goes on after a restart where it stopped.

use std::path::{Path, PathBuf};

use steelyard_tests::{Platform, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A new folder for one test's data.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

#[tokio::test]
async fn restart_keeps_everything_and_takes_the_money_once() {
    let folder = folder("restart");
    let sent = report("r", &[record("a", BASIC, "2015-05-01", 1_500_000)]);
    let before = {
        let platform = Platform::open_in(&folder).await;
        platform.set("2015-05-01T20:00");
        platform.sign("a", 1_000_000).await;
        assert_eq!(platform.post(&sent).await.of_provider("a"), "counted");
        platform.settle_at("2015-05-02T00:30").await;
        platform.figures().await
    };
    let platform = Platform::reopen_in(&folder, "2015-05-02T08:00").await;
    assert_eq!(platform.figures().await, before);
    assert_eq!(platform.post(&sent).await.of_provider("a"), "duplicate");
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 0, 0], 10_000));
    let after = platform.figures().await;
    drop(platform);

    let platform = Platform::reopen_in(&folder, "2015-05-02T12:00").await;
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(platform.figures().await, after);
    platform.books_balance().await;
}

#[tokio::test]
async fn restart_with_a_debit_on_the_queue_or_under_way_takes_the_money_once() {
    for (name, is_under_way) in [("queued", false), ("under-way", true)] {
        let folder = folder(name);
        {
            let platform = Platform::open_in(&folder).await;
            platform.set("2015-05-01T20:00");
            platform.sign("a", 1_000_000).await;
            platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
            platform.settle_at("2015-05-02T00:30").await;
            platform.set("2015-05-02T10:00");
            let dispatch = &platform.stack.functions.dispatch;
            dispatch.invoke(serde_json::json!({})).await.unwrap();
            if is_under_way {
                cut_after_paying(&platform).await;
            }
        }
        let platform = Platform::reopen_in(&folder, "2015-05-02T10:00").await;
        let reserved = if is_under_way { 10_000 } else { 0 };
        assert_eq!(platform.account("a").await, [0, 10_000, reserved], "{name}");
        assert_eq!(platform.taken("a"), if is_under_way { 10_000 } else { 0 }, "{name}");
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 0, 0], 10_000));
        platform.books_balance().await;
    }
}

/// Hands the debit over, and cuts the power when Alipay took the money, before that is stored.
async fn cut_after_paying(platform: &Platform) {
    use steelyard_local_aws::{Fault, Target};
    let transactions = Target::Operation("TransactWriteItems");
    // The first stores that the debit is sent, the second that it is paid.
    platform.stack.transport.faults().strike(transactions, 2..=2, Fault::CutBefore);
    platform.stack.drain().await.unwrap();
}
