//! Usage is counted once, whichever way it comes and whatever is retried.

use futures::TryStreamExt;
use futures::future::join_all;
use serde_json::{Value, json};
use steelyard_local_aws::{Fault, Target};
use steelyard_tests::{Machine, Platform, record, record_of_amount, refused, report};

const API: &str = "taobao.trades.sold.get";
const DAY: &str = "2015-05-01";

/// A platform on the evening of the first of May with providers `a` and `b`.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.join("b").await;
    platform
}

/// Posts a report, and checks its status, what became of each provider's share, and what is counted
/// then.
async fn check(
    platform: &Platform,
    report: &Value,
    status: u16,
    shares: [&str; 2],
    calls: [u64; 2],
) {
    let answer = platform.post(report).await;
    assert_eq!(answer.status, status, "{report}: {answer:?}");
    assert_eq!([answer.of_provider("a"), answer.of_provider("b")], shares, "{answer:?}");
    assert_eq!([platform.calls("a").await, platform.calls("b").await], calls, "{report}");
    let kind = if status == 200 { "application/json" } else { "application/problem+json" };
    assert_eq!(answer.content_type, kind);
}

#[tokio::test]
async fn report_counted_twice_changes_nothing() {
    let platform = platform().await;
    let twice = report("r", &[record("a", API, DAY, 7), record("b", API, DAY, 5)]);
    check(&platform, &twice, 200, ["counted", "counted"], [7, 5]).await;
    check(&platform, &twice, 200, ["duplicate", "duplicate"], [7, 5]).await;
    platform.books_balance().await;
}

#[tokio::test]
async fn three_ways_in_lead_to_the_same_counts() {
    let platform = platform().await;
    let by = |id: &str| report(id, &[record("a", API, DAY, 10)]);
    check(&platform, &by("http"), 200, ["counted", "nothing"], [10, 0]).await;
    platform.queue(&by("queue")).await;
    let invoked = platform.invoke(by("invoke")).await;
    assert_eq!(invoked, json!({ "providers": { "a": { DAY: "counted" } }, "refused": [] }));
    assert_eq!(platform.calls("a").await, 30);
    for id in ["http", "queue", "invoke"] {
        platform.queue(&by(id)).await;
        assert_eq!(platform.invoke(by(id)).await["providers"]["a"][DAY], "duplicate");
        check(&platform, &by(id), 200, ["duplicate", "nothing"], [30, 0]).await;
    }
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
    platform.books_balance().await;
}

#[tokio::test]
async fn report_sent_ten_times_at_once_is_counted_once() {
    for behind in 0..3 {
        let platform = platform().await;
        let ten = report("r", &[record("a", API, DAY, 7)]);
        let machines: Vec<Machine> = (0..10).map(|n| Machine::new(&platform, n * behind)).collect();
        let sent = machines.iter().map(|machine| {
            let (ingest, report) = (machine.ingest(&platform), ten.clone());
            async move { ingest.invoke(report).await.unwrap()["providers"]["a"][DAY].clone() }
        });
        let mut became = join_all(sent).await;
        became.sort_by_key(Value::to_string);
        let mut expected = vec![json!("duplicate"); 10];
        expected[0] = json!("counted");
        assert_eq!(became, expected, "{behind} requests behind each other");
        assert_eq!(platform.calls("a").await, 7);
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn other_content_under_a_used_id_is_a_conflict_and_counts_nothing() {
    let platform = platform().await;
    let first = report("r", &[record("a", API, DAY, 7), record("b", API, DAY, 5)]);
    check(&platform, &first, 200, ["counted", "counted"], [7, 5]).await;
    let other = report("r", &[record("a", API, DAY, 8), record("b", API, DAY, 5)]);
    check(&platform, &other, 409, ["conflict", "duplicate"], [7, 5]).await;
    // Another source may choose the same id.
    let mut theirs = other.clone();
    theirs["source"] = json!("gateway-2");
    check(&platform, &theirs, 200, ["counted", "counted"], [15, 10]).await;
    platform.books_balance().await;
}

#[tokio::test]
async fn good_records_are_counted_beside_bad_ones() {
    let platform = platform().await;
    let records = [
        record("a", API, DAY, 7),
        json!({ "provider": "a", "api": API, "day": DAY, "count": -1 }),
        record("nobody", API, DAY, 3),
        record("b", API, "2015-05-03", 9),
        json!("not a record"),
        record("b", API, DAY, 5),
    ];
    let mixed = report("r", &records);
    let answer = platform.post(&mixed).await;
    assert_eq!(
        refused(&answer.body),
        [
            (1, "count: is the number -1; must be a whole number from 0 to 1000000000"),
            (2, "provider `nobody` is not registered"),
            (3, "2015-05-03 is in the future"),
            (4, "not in the form of a record: is the text \"not a record\"; must be an object"),
        ]
    );
    assert_eq!(answer.body["type"], "tag:steelyard,2026:records-refused");
    check(&platform, &mixed, 422, ["duplicate", "duplicate"], [7, 5]).await;
    platform.books_balance().await;
}

#[tokio::test]
async fn batch_keeps_only_its_bad_message_until_that_is_a_dead_letter() {
    let platform = platform().await;
    for n in 0..10 {
        let body = if n == 4 {
            "{ not a report".to_owned()
        } else {
            report(&n.to_string(), &[record("a", API, DAY, 1)]).to_string()
        };
        platform.stack.send_report("local", &body).await.unwrap();
    }
    for (minutes, dead) in [(0, 0), (4, 0), (8, 0), (12, 0), (16, 0), (20, 1)] {
        platform.set(&format!("2015-05-01T21:{minutes:02}"));
        platform.stack.transport.meter().take();
        platform.stack.drain().await.unwrap();
        let requests = platform.stack.transport.meter().take().requests;
        let counted = requests.get("PutItem").copied().unwrap_or(0);
        assert_eq!(counted, if minutes == 0 { 9 } else { 0 }, "after {minutes} minutes");
        assert_eq!(platform.calls("a").await, 9, "after {minutes} minutes");
        assert_eq!(platform.stack.dead_letters().await.unwrap(), dead, "after {minutes} minutes");
    }
    platform.books_balance().await;
}

#[tokio::test]
async fn message_that_cannot_be_counted_whole_is_a_dead_letter_and_its_good_records_count() {
    let platform = platform().await;
    platform.queue(&report("r", &[record("a", API, DAY, 7), record("nobody", API, DAY, 3)])).await;
    for minutes in [4, 8, 12, 16, 20] {
        assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
        platform.set(&format!("2015-05-01T21:{minutes:02}"));
        platform.stack.drain().await.unwrap();
    }
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 1);
    assert_eq!(platform.calls("a").await, 7);
    platform.books_balance().await;
}

#[tokio::test]
async fn faults_below_the_sdk_are_survived_and_count_once() {
    let put = Target::Operation("PutItem");
    for (fault, target, ordinals) in [
        (Fault::LoseAnswer, put, 1..=1),
        (Fault::LoseAnswer, put, 1..=2),
        (Fault::LoseRequest, put, 1..=2),
        (Fault::Throttle, put, 1..=2),
        (Fault::Conflict, put, 1..=5),
        (Fault::LoseAnswer, Target::Operation("BatchGetItem"), 1..=2),
        (Fault::Throttle, Target::Operation("BatchGetItem"), 1..=2),
    ] {
        let platform = platform().await;
        let told = format!("{fault:?} of {target:?} {ordinals:?}");
        platform.stack.transport.faults().strike(target, ordinals, fault);
        let sales = record_of_amount("a", API, DAY, 7, "120.50");
        let answer = platform.post(&report("r", &[sales])).await;
        assert_eq!(answer.status, 200, "{told}: {answer:?}");
        assert_eq!(platform.metered("a").await.to_string(), "7 calls of ¥120.50", "{told}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn source_that_is_told_unavailable_sends_again_and_is_counted_once() {
    let put = Target::Operation("PutItem");
    for (fault, count_at_first) in [
        (Fault::LoseAnswer, 7),
        (Fault::LoseRequest, 0),
        (Fault::Throttle, 0),
        (Fault::Conflict, 0),
    ] {
        let platform = platform().await;
        platform.stack.transport.faults().strike(put, 1..=100, fault);
        let again = report("r", &[record("a", API, DAY, 7)]);
        let answer = platform.post(&again).await;
        assert_eq!(answer.status, 503, "{fault:?}: {answer:?}");
        assert_eq!(answer.content_type, "application/problem+json");
        assert_eq!(answer.headers["retry-after"], "5");
        platform.stack.transport.faults().restore();
        assert_eq!(platform.calls("a").await, count_at_first, "{fault:?}");
        let became = if count_at_first == 0 { "counted" } else { "duplicate" };
        check(&platform, &again, 200, [became, "nothing"], [7, 0]).await;
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn reports_of_many_sources_are_summed() {
    let platform = platform().await;
    platform.register("wide", steelyard_tests::PLAN).await;
    for source in 0..20 {
        let mut sent = report("r", &[record("wide", API, DAY, 100_000)]);
        sent["source"] = json!(format!("gateway-{source}"));
        for became in ["counted", "duplicate"] {
            assert_eq!(platform.post(&sent).await.of_provider("wide"), became);
        }
    }
    assert_eq!(platform.calls("wide").await, 2_000_000);
    platform.settle_at("2015-05-02T00:30").await;
    // 1,500,000 calls beyond the allowance.
    assert_eq!(platform.charges("wide").await, [(DAY.to_owned(), 15_000)]);
    platform.books_balance().await;
}

/// Posts a report of sales by `a`, and checks its answer and what is counted then.
async fn check_sales(platform: &Platform, id: &str, records: &[Value], became: &str, all: &str) {
    let answer = platform.post(&report(id, records)).await;
    assert_eq!(answer.of_provider("a"), became, "{id}: {answer:?}");
    assert_eq!(platform.metered("a").await.to_string(), all, "{id}");
}

#[tokio::test]
async fn amounts_are_counted_once_with_their_calls_and_another_amount_is_a_conflict() {
    let platform = platform().await;
    let sales = |yuan: &str| record_of_amount("a", "sales", DAY, 2, yuan);
    let twice = [sales("0.10"), sales("0.2"), record("a", API, DAY, 5)];
    check_sales(&platform, "r", &twice, "counted", "9 calls of ¥0.30").await;
    check_sales(&platform, "r", &twice, "duplicate", "9 calls of ¥0.30").await;
    platform.queue(&report("r", &twice)).await;
    let other = [sales("0.10"), sales("0.3"), record("a", API, DAY, 5)];
    check_sales(&platform, "r", &other, "conflict", "9 calls of ¥0.30").await;
    let without = [record("a", "sales", DAY, 4), record("a", API, DAY, 5)];
    check_sales(&platform, "r", &without, "conflict", "9 calls of ¥0.30").await;
    check_sales(&platform, "s", &without, "counted", "18 calls of ¥0.30").await;
    let usage = &platform.stack.tables.usage;
    let day = DAY.parse().unwrap();
    let reports = usage.reports(&"a".parse().unwrap(), day, day);
    let reports = reports.try_collect::<Vec<_>>().await.unwrap();
    let metered = reports.iter().map(|report| json!(report.metered)).collect::<Vec<_>>();
    assert_eq!(
        metered,
        [
            json!({ "sales": { "calls": 4, "amount": "0.3" }, API: 5 }),
            json!({ "sales": 4, API: 5 }),
        ]
    );
    platform.books_balance().await;
}

#[tokio::test]
async fn amounts_of_many_reports_are_summed_exactly() {
    let platform = platform().await;
    platform.register("wide", steelyard_tests::PLAN).await;
    let amounts = ["0.000001", "0.1", "999999999.999999", "33.33"];
    for n in 0..100 {
        let record = record_of_amount("wide", "sales", DAY, 1, amounts[n % amounts.len()]);
        let mut sent = report(&format!("r-{n}"), &[record]);
        sent["source"] = json!(format!("gateway-{}", n % 20));
        for became in ["counted", "duplicate"] {
            assert_eq!(platform.post(&sent).await.of_provider("wide"), became);
        }
    }
    // 25 times 1000000033.43
    assert_eq!(platform.metered("wide").await.to_string(), "100 calls of ¥25000000835.75");
    platform.books_balance().await;
}

/// A report of calls of an API on some days of April and May.
fn days(id: &str, days: &[(&str, u64)]) -> Value {
    report(id, &days.iter().map(|(day, calls)| record("a", API, day, *calls)).collect::<Vec<_>>())
}

#[tokio::test]
async fn each_day_of_a_report_counts_once_on_its_own_and_is_answered_for() {
    let platform = platform().await;
    let sent = days("r", &[("2015-04-30", 7), (DAY, 5)]);
    for became in ["counted", "duplicate"] {
        let answer = platform.post(&sent).await;
        assert_eq!(answer.body["providers"], json!({ "a": { "2015-04-30": became, DAY: became } }),);
        assert_eq!(platform.calls("a").await, 12);
    }
    // One put is lost: the other day is counted, and a resend counts the rest.
    let put = Target::Operation("PutItem");
    let lost = days("lost", &[("2015-04-29", 1), ("2015-04-30", 10), (DAY, 100)]);
    platform.stack.transport.faults().strike(put, 2..=20, Fault::LoseRequest);
    assert_eq!(platform.post(&lost).await.status, 503);
    platform.stack.transport.faults().restore();
    assert_eq!(platform.calls("a").await, 13);
    assert_eq!(platform.post(&lost).await.status, 200);
    assert_eq!(platform.calls("a").await, 123);
    platform.books_balance().await;
}

#[tokio::test]
async fn resend_whose_records_moved_to_or_from_a_day_that_both_name_is_a_conflict_and_counts_nothing()
 {
    for moved in [
        &[("2015-04-30", 12)][..],
        &[("2015-04-30", 5), (DAY, 7)],
        &[("2015-04-30", 7), (DAY, 3), ("2015-04-29", 2)],
        &[("2015-04-29", 7), (DAY, 5)],
        &[(DAY, 12)],
    ] {
        let platform = platform().await;
        platform.post(&days("r", &[("2015-04-30", 7), (DAY, 5)])).await;
        let answer = platform.post(&days("r", moved)).await;
        assert_eq!(answer.status, 409, "{moved:?}: {answer:?}");
        for (day, _) in moved {
            assert_eq!(answer.of_day("a", day), "conflict", "{moved:?}");
        }
        assert_eq!(platform.calls("a").await, 12, "{moved:?}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn id_may_be_used_again_for_other_days() {
    let platform = platform().await;
    for day in ["2015-04-30", DAY] {
        assert_eq!(platform.post(&days("r", &[(day, 7)])).await.of_day("a", day), "counted");
    }
    assert_eq!(platform.calls("a").await, 14);
}

#[tokio::test]
async fn day_that_was_refused_as_future_counts_when_it_has_come() {
    let platform = platform().await;
    let sent = days("r", &[(DAY, 7), ("2015-05-02", 5)]);
    let answer = platform.post(&sent).await;
    assert_eq!((answer.status, answer.of_day("a", DAY)), (422, "counted"));
    platform.set("2015-05-02T08:00");
    let answer = platform.post(&sent).await;
    assert_eq!(answer.status, 200);
    assert_eq!([DAY, "2015-05-02"].map(|day| answer.of_day("a", day)), ["duplicate", "counted"]);
    assert_eq!(platform.calls("a").await, 12);
}
