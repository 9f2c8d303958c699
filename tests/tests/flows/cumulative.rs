//! Cumulative reports: the larger count of each part holds, whatever is sent again, late or at
//! once.

use futures::future::join_all;
use serde_json::{Value, json};
use steelyard_local_aws::{Fault, Target};
use steelyard_tests::{Machine, Platform, record, refused, report};

const API: &str = "taobao.trades.sold.get";
const DAY: &str = "2015-05-01";

async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform
}

/// A cumulative report of `part count`, where the whole is `-`.
fn cumulative(id: &str, counts: &[(&str, u64)]) -> Value {
    let records = counts.iter().map(|(part, count)| {
        let mut record = record("a", API, DAY, *count);
        if *part != "-" {
            record["part"] = json!(part);
        }
        record
    });
    let mut report = report(id, &records.collect::<Vec<_>>());
    report["cumulative"] = json!(true);
    report
}

/// Posts a report, and checks its status, what became of it, and how many calls are counted then.
async fn check(platform: &Platform, report: &Value, status: u16, became: &str, calls: u64) {
    let answer = platform.post(report).await;
    assert_eq!((answer.status, answer.of_provider("a")), (status, became), "{report}: {answer:?}");
    assert_eq!(platform.calls("a").await, calls, "{report}");
}

#[tokio::test]
async fn larger_count_holds_and_is_charged() {
    let platform = platform().await;
    for (count, became, calls) in [
        (5, "counted", 5),
        (5, "duplicate", 5),
        (1_700_000, "counted", 1_700_000),
        (7, "duplicate", 1_700_000),
    ] {
        check(&platform, &cumulative("counter", &[("-", count)]), 200, became, calls).await;
    }
    platform.queue(&cumulative("counter", &[("-", 2_000_000)])).await;
    let invoked = platform.invoke(cumulative("counter", &[("-", 1)])).await;
    assert_eq!(invoked["providers"]["a"][DAY], "duplicate");
    assert_eq!(platform.calls("a").await, 2_000_000);
    platform.settle_at("2015-05-02T00:30").await;
    // 1,500,000 calls beyond the allowance, and then 100,000 that came late.
    assert_eq!(platform.charges("a").await, [(DAY.to_owned(), 15_000)]);
    check(&platform, &cumulative("counter", &[("-", 2_100_000)]), 200, "counted", 2_100_000).await;
    platform.settle_at("2015-05-03T00:30").await;
    let charges = platform.charges("a").await;
    assert_eq!(charges.iter().map(|(_, fen)| fen).sum::<i64>(), 16_000, "{charges:?}");
    platform.books_balance().await;
}

#[tokio::test]
async fn parts_add_up_and_a_part_is_the_larger_of_its_count_and_its_sub_parts() {
    let platform = platform().await;
    for (counts, became, calls) in [
        (&[("10:05", 3), ("10:06", 4)][..], "counted", 7),
        (&[("10:06", 6), ("10:07", 1)], "counted", 10),
        (&[("10:06/x", 2), ("10:06/y", 3)], "duplicate", 10),
        (&[("10:06/z", 2)], "counted", 11),
        (&[("10:06/z", 2), ("10:05", 1)], "duplicate", 11),
        (&[("-", 4)], "counted", 15),
    ] {
        check(&platform, &cumulative("r", counts), 200, became, calls).await;
    }
    platform.books_balance().await;
}

#[tokio::test]
async fn report_of_another_kind_or_basis_under_a_used_id_conflicts() {
    let platform = platform().await;
    let plain = |id: &str| report(id, &[record("a", API, DAY, 9)]);
    check(&platform, &cumulative("c", &[("-", 5)]), 200, "counted", 5).await;
    check(&platform, &plain("c"), 409, "conflict", 5).await;
    check(&platform, &plain("p"), 200, "counted", 14).await;
    check(&platform, &cumulative("p", &[("-", 10)]), 409, "conflict", 14).await;
    let mut other = cumulative("c", &[("-", 10)]);
    other["basis"] = json!("version-2");
    check(&platform, &other, 409, "conflict", 14).await;
    other["cumulative"] = json!(false);
    assert_eq!(platform.post(&other).await.status, 400);
    platform.books_balance().await;
}

#[tokio::test]
async fn bad_records_of_a_cumulative_report_are_refused_alone() {
    let platform = platform().await;
    let counts =
        [("-", 1), ("-", 2), ("x", 1), ("x", 1), ("x/y", 1), ("a/b/c", 1), ("", 1), ("a b", 1)];
    let answer = platform.post(&cumulative("r", &counts)).await;
    let twice =
        "a cumulative report counts taobao.trades.sold.get of a provider and day once in each part";
    let such = "write it such as `10:05`, or `10:05/a` for a part of it";
    assert_eq!(
        refused(&answer.body),
        [
            (1, twice),
            (3, twice),
            (5, &*format!("part: an id may not hold '/'; {such}")),
            (6, &*format!("part: an id of this kind has 1 to 64 characters, not 0; {such}")),
            (7, &*format!("part: an id may not hold ' '; {such}")),
        ]
    );
    assert_eq!(platform.calls("a").await, 2);
    let mut plain = cumulative("p", &[("x", 1)]);
    plain["cumulative"] = json!(false);
    let answer = platform.post(&plain).await;
    let only = "part: only a cumulative report has parts; give \"cumulative\": true";
    assert_eq!(refused(&answer.body), [(0, only)]);
}

#[tokio::test]
async fn what_is_too_much_together_is_refused_by_name_and_changes_nothing() {
    let platform = platform().await;
    let billions = |from: u32| {
        let parts = (from..from + 60).map(|n| n.to_string()).collect::<Vec<_>>();
        let counts = parts.iter().map(|part| (part.as_str(), 1_000_000_000)).collect::<Vec<_>>();
        cumulative("r", &counts)
    };
    check(&platform, &billions(0), 200, "counted", 60_000_000_000).await;
    let answer = platform.post(&billions(60)).await;
    assert_eq!((answer.status, refused(&answer.body).len()), (422, 60));
    let why = refused(&answer.body)[0].1.to_owned();
    assert!(
        why.starts_with("more than can be rated with what is counted already: 100000000000 and"),
        "{why}"
    );
    assert_eq!(platform.calls("a").await, 60_000_000_000);

    let prints = |from: usize| {
        let parts = (from..from + 9_000).map(|n| format!("0/{n:016x}")).collect::<Vec<_>>();
        cumulative("lines", &parts.iter().map(|part| (part.as_str(), 1)).collect::<Vec<_>>())
    };
    for n in 0..4 {
        assert_eq!(platform.post(&prints(n * 9_000)).await.status, 200, "{n}");
    }
    let answer = platform.post(&prints(4 * 9_000)).await;
    let why = refused(&answer.body)[0].1.to_owned();
    assert!(why.contains("350000 are the most: report fewer"), "{why}");
    assert_eq!(platform.calls("a").await, 60_000_036_000);
    platform.books_balance().await;
}

#[tokio::test]
async fn ten_reports_at_once_are_merged_and_count_once() {
    for behind in 0..3 {
        let platform = platform().await;
        let machines: Vec<Machine> = (0..10).map(|n| Machine::new(&platform, n * behind)).collect();
        let sent = machines.iter().enumerate().map(|(n, machine)| {
            let ingest = machine.ingest(&platform);
            // A part of its own, and one that all count further than the one before.
            let n = u64::try_from(n).unwrap();
            let own = format!("own-{n}");
            let report = cumulative("r", &[(&own, 1), ("shared", 10 + n)]);
            async move { ingest.invoke(report).await.unwrap() }
        });
        for answer in join_all(sent).await {
            assert_eq!(answer["providers"]["a"][DAY], "counted", "{answer}");
        }
        assert_eq!(platform.calls("a").await, 10 + 19, "{behind} requests behind each other");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn lost_answers_and_throttles_count_once() {
    let put = Target::Operation("PutItem");
    for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::Throttle, Fault::Conflict] {
        for ordinals in [1..=1, 2..=2, 3..=3, 2..=4, 1..=100] {
            let platform = platform().await;
            let told = format!("{fault:?} of {ordinals:?}");
            check(&platform, &cumulative("r", &[("x", 5)]), 200, "counted", 5).await;
            platform.stack.transport.faults().strike(put, ordinals.clone(), fault);
            let grown = cumulative("r", &[("x", 7), ("y", 1)]);
            let answer = platform.post(&grown).await;
            // The client sends a request three times at most.
            let is_lasting = ordinals.clone().count() >= 3;
            assert!(answer.status == 200 || is_lasting, "{told}: {answer:?}");
            platform.stack.transport.faults().restore();
            assert_eq!(platform.post(&grown).await.status, 200, "{told}");
            check(&platform, &grown, 200, "duplicate", 8).await;
            platform.books_balance().await;
        }
    }
}

#[tokio::test]
async fn report_that_is_cut_off_at_any_await_counts_once_when_it_is_sent_again() {
    let grown = cumulative("r", &[("x", 7), ("y", 1)]);
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for write in 1..=2 {
            let platform = platform().await;
            check(&platform, &cumulative("r", &[("x", 5)]), 200, "counted", 5).await;
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            drop(platform.post(&grown).await);
            platform.stack.transport.faults().restore();
            platform.books_hold().await;
            assert_eq!(platform.post(&grown).await.status, 200);
            check(&platform, &grown, 200, "duplicate", 8).await;
            platform.books_balance().await;
        }
    }
}
