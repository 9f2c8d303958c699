//! Imports into the real store over an embedded DynamoDB.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::{Calendar, Provider, ProviderId};
use steelyard_ingest::Counter;
use steelyard_pricing::{BillingDay, Metered};
use steelyard_runtime::{Clock, aws};

use super::*;
use crate::Tables;
use crate::local::embedded::{Embedded, Fault, Target, Transport};

struct Store {
    tables: Tables,
    transport: Transport,
    counter: Counter,
    calendar: Calendar,
}

impl Store {
    async fn new() -> Store {
        let now: Timestamp = "2015-05-21T00:00:00Z".parse().unwrap();
        let embedded = Arc::new(Embedded::memory(Arc::new(move || now)).unwrap());
        let transport = Transport::new(embedded);
        let client = SharedHttpClient::new(transport.clone());
        let tables = Tables::local(&aws::local(Some(client), "http://localhost").unwrap());
        tables.create().await.unwrap();
        let calendar = Calendar::new("Asia/Shanghai", 5).unwrap();
        let counter = Counter::new(tables.usage.clone(), calendar.clone(), Clock::fixed(now));
        Store { tables, transport, counter, calendar }
    }

    async fn register(&self, providers: &BTreeSet<ProviderId>) {
        for provider in providers {
            let provider = Provider {
                provider: provider.clone(),
                billed_from: "2015-05".parse().unwrap(),
                plans: vec![],
                overrides: vec![],
                mandate: None,
            };
            self.tables.billing.register(&self.tables.usage, &provider).await.unwrap();
        }
    }

    async fn try_import(&self, input: Input, rules: &ImportRules) -> Result<Summary, ImportError> {
        import(
            input,
            rules,
            &self.calendar,
            &self.counter,
            |_| (),
            async |callers| {
                self.register(callers).await;
                Ok(())
            },
        )
        .await
    }

    async fn import_by(&self, text: &str, rules: &ImportRules) -> Summary {
        let summary = self.try_import(text_input(text), rules).await.unwrap();
        assert_adds_up(&summary);
        summary
    }

    async fn import(&self, text: &str) -> Summary {
        self.import_by(text, &ImportRules::default()).await
    }

    async fn calls_of(&self, provider: &ProviderId) -> u64 {
        let [from, through] =
            ["2015-05-01", "2015-05-31"].map(|day| day.parse::<BillingDay>().unwrap());
        let counted = self.tables.usage.counted(provider, from, through).await.unwrap().days;
        counted.values().map(|usage| usage.total().unwrap().calls.get()).sum()
    }

    async fn calls(&self, provider: &str) -> u64 {
        self.calls_of(&provider.parse().unwrap()).await
    }
}

fn text_input(text: &str) -> Input {
    Input::new(Cursor::new(text.as_bytes().to_vec()), None).unwrap()
}

fn assert_adds_up(summary: &Summary) {
    let Summary { lines, blank, not_billable, billable, left, bad, .. } = summary;
    assert_eq!(*lines, blank + not_billable + billable + left + bad.count);
    let became = [&summary.counted, &summary.duplicate, &summary.conflict, &summary.refused];
    let mut metered = became.map(|tally| tally.metered).into_iter();
    let metered = metered.try_fold(Metered::ZERO, |sum, metered| sum.plus(metered));
    assert_eq!(Ok(summary.metered), metered);
}

/// Providers and calls that were counted, counted before, in conflict and refused.
fn outcome(summary: &Summary) -> [(usize, u64); 4] {
    [&summary.counted, &summary.duplicate, &summary.conflict, &summary.refused]
        .map(|tally| (tally.providers.len(), tally.metered.calls.get()))
}

const NONE: (usize, u64) = (0, 0);

/// A log in which each of the hosts calls once.
fn log(hosts: &[&str]) -> String {
    let line = |host: &&str| {
        format!("{host} - - [17/May/2015:10:05:03 +0000] \"GET /a/b HTTP/1.1\" 200 5\n")
    };
    hosts.iter().map(line).collect()
}

/// Records in which the provider calls that many APIs, each once.
fn records(apis: std::ops::Range<u32>) -> String {
    let line =
        |api| format!("{{\"provider\":\"p\",\"api\":\"x{api:04}\",\"day\":\"2015-05-17\"}}\n");
    apis.map(line).collect()
}

#[tokio::test]
async fn file_that_is_imported_twice_counts_once() {
    let store = Store::new().await;
    let log = log(&["a", "b", "a"]) + "bad\n\n";
    assert_eq!(outcome(&store.import(&log).await), [(2, 3), NONE, NONE, NONE]);
    assert_eq!(outcome(&store.import(&log).await), [NONE, (2, 3), NONE, NONE]);
    assert_eq!((store.calls("a").await, store.calls("b").await), (2, 1));
}

#[tokio::test]
async fn file_that_has_grown_conflicts_and_counts_nothing_twice() {
    let store = Store::new().await;
    store.import(&log(&["a", "b", "c"])).await;
    let summary = store.import(&log(&["a", "b", "c", "a", "d"])).await;
    assert_eq!(outcome(&summary), [(1, 1), (2, 2), (1, 2), NONE]);
    assert_eq!(summary.conflicts.first[0].provider.as_str(), "a");
    assert!(!summary.is_complete());
    assert_eq!((store.calls("a").await, store.calls("d").await), (1, 1));
}

#[tokio::test]
async fn file_that_grows_is_counted_whole_by_and_by() {
    let store = Store::new().await;
    let rules = ImportRules { growing: true, ..ImportRules::default() };
    let full = log(&["a"; 10_000]);
    let grown = full.clone() + &log(&["a"; 9]);
    for (text, left, now) in [(&full[..100], 1, 0), (&full, 0, 10_000), (&grown, 9, 0)] {
        let summary = store.import_by(text, &rules).await;
        assert_eq!((summary.left > 0, summary.counted.metered.calls.get()), (left > 0, now));
    }
    assert_eq!(outcome(&store.import(&grown).await), [(1, 9), (1, 10_000), NONE, NONE]);
    assert_eq!(store.calls("a").await, 10_009);
}

#[tokio::test]
async fn other_rules_on_the_same_file_conflict() {
    let store = Store::new().await;
    store.import(&log(&["a", "b"])).await;
    let rules = ImportRules { segments: 2, ..ImportRules::default() };
    let summary = store.import_by(&log(&["a", "b"]), &rules).await;
    assert_eq!(outcome(&summary), [NONE, NONE, (2, 2), NONE]);
    assert_eq!(store.calls("a").await, 1);
}

#[tokio::test]
async fn two_sources_with_the_same_first_line_are_both_counted() {
    let store = Store::new().await;
    for source in ["web-1", "web-2"] {
        let rules = ImportRules { source: source.parse().unwrap(), ..ImportRules::default() };
        assert_eq!(outcome(&store.import_by(&log(&["a"]), &rules).await)[0], (1, 1));
    }
    assert_eq!(store.calls("a").await, 2);
}

#[tokio::test]
async fn provider_with_too_many_apis_for_a_report_is_counted_whole_and_once() {
    let store = Store::new().await;
    let summary = store.import(&records(10..2_011)).await;
    assert_eq!((summary.reports, outcome(&summary)), (2, [(1, 2_001), NONE, NONE, NONE]));
    let summary = store.import(&records(10..2_011)).await;
    assert_eq!(outcome(&summary), [NONE, (1, 2_001), NONE, NONE]);
    assert_eq!(store.calls("p").await, 2_001);
}

#[tokio::test]
async fn apis_that_move_to_another_part_of_a_grown_chunk_are_not_counted_twice() {
    let store = Store::new().await;
    store.import(&records(10..2_010)).await;
    // The first ones come last in the file, and push others into a second part.
    let summary = store.import(&(records(10..2_010) + &records(0..10))).await;
    assert_eq!((summary.reports, outcome(&summary)), (2, [NONE, NONE, (1, 2_010), NONE]));
    assert_eq!(summary.conflicts.count, 2);
    assert_eq!(store.calls("p").await, 2_000);
}

#[tokio::test]
async fn what_the_counter_refuses_is_shown_and_counted_by_a_later_import() {
    let store = Store::new().await;
    let text = log(&["a", "b"])
        + r#"{"provider":"a","api":"x","day":"2015-03-31","count":5}
{"provider":"a","api":"x","day":"2015-05-22","count":6}"#;
    store.register(&["a".parse().unwrap()].into()).await;
    let nobody = async |_: &BTreeSet<ProviderId>| Ok(());
    let (input, rules) = (text_input(&text), ImportRules::default());
    let summary = import(input, &rules, &store.calendar, &store.counter, |_| (), nobody).await;
    let summary = summary.unwrap();
    assert_adds_up(&summary);
    assert_eq!(outcome(&summary), [(1, 1), NONE, NONE, (2, 12)]);
    let reasons = summary.refusals.first.iter().map(|refusal| &refusal.reason[..]);
    assert_eq!(
        reasons.collect::<Vec<_>>(),
        [
            "2015-03-31 is too late: 2015-03 closed at 2015-04-04T16:00:00Z",
            "2015-05-22 is in the future",
            "provider `b` is not registered",
        ]
    );
    assert_eq!(outcome(&store.import(&text).await), [(1, 1), (1, 1), NONE, (1, 11)]);
    assert_eq!((store.calls("a").await, store.calls("b").await), (1, 1));
}

#[tokio::test]
async fn amounts_of_json_lines_are_counted_exactly_and_once_and_shown() {
    let store = Store::new().await;
    let line = |amount: &str| {
        format!(
            "{{\"provider\":\"a\",\"api\":\"sales\",\"day\":\"2015-05-17\",\"amount\":{amount}}}\n"
        )
    };
    let text = log(&["a"]) + &line("\"0.10\"").repeat(3) + &line("0.1");
    for (counted, duplicate) in [("4 calls of ¥0.3", "0 calls"), ("0 calls", "4 calls of ¥0.3")] {
        let summary = store.import(&text).await;
        assert_eq!(summary.counted.metered.to_string(), counted);
        assert_eq!(summary.duplicate.metered.to_string(), duplicate);
        assert_eq!((summary.bad.first[0].line, summary.bad.count), (5, 1));
    }
    let summary = store.import_by(&line("\"1000000000.01\""), &ImportRules::default()).await;
    assert_eq!(
        json!(summary.refusals.first),
        json!([{
            "provider": "a", "api": "sales", "day": "2015-05-17", "calls": 1,
            "amount": "1000000000.01",
            "reason": "amount `1000000000.01` is not one from 0 to 1000000000 yuan with at most six decimals",
        }])
    );
    assert_eq!(store.calls("a").await, 4);
}

#[tokio::test]
async fn import_that_stops_half_way_is_finished_by_the_next() {
    let hosts = ["a", "b", "c", "d", "e"];
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for stop in 1..=5 {
            let store = Store::new().await;
            store.register(&hosts.iter().map(|host| host.parse().unwrap()).collect()).await;
            store.transport.faults().strike(Target::Operation("PutItem"), stop..=stop, fault);
            let nobody = async |_: &BTreeSet<ProviderId>| Ok(());
            let rules = ImportRules::default();
            let input = text_input(&log(&hosts));
            let stopped =
                import(input, &rules, &store.calendar, &store.counter, |_| (), nobody).await;
            assert!(matches!(stopped, Err(ImportError::Count { .. })), "{stopped:?}");
            store.transport.faults().restore();
            store.import(&log(&hosts)).await;
            for host in hosts {
                assert_eq!(store.calls(host).await, 1, "{host}, {fault:?} at {stop}");
            }
        }
    }
}

#[tokio::test]
async fn progress_and_callers_are_told_chunk_by_chunk() {
    let store = Store::new().await;
    let text = log(&["a"; 10_000]) + &log(&["a", "b"]);
    let (lines, callers) = (Mutex::new(vec![]), Mutex::new(vec![]));
    let progress = |progress: Progress| {
        lines.lock().unwrap().push((progress.lines_read, progress.lines_done));
    };
    let register = async |new: &BTreeSet<ProviderId>| {
        callers.lock().unwrap().push(new.iter().map(ToString::to_string).collect::<Vec<_>>());
        Ok(())
    };
    let (input, rules) = (text_input(&text), ImportRules::default());
    import(input, &rules, &store.calendar, &store.counter, progress, register).await.unwrap();
    let all = [(10_000, 0), (10_000, 10_000), (10_002, 10_000), (10_002, 10_002)];
    assert_eq!(lines.into_inner().unwrap(), all);
    assert_eq!(callers.into_inner().unwrap(), [["a"], ["b"]]);
}

#[tokio::test]
async fn callers_that_cannot_be_registered_stop_the_import() {
    let store = Store::new().await;
    let register = async |_: &BTreeSet<ProviderId>| Err("no plan".into());
    let (input, rules) = (text_input(&log(&["a"])), ImportRules::default());
    let stopped = import(input, &rules, &store.calendar, &store.counter, |_| (), register).await;
    assert!(matches!(stopped, Err(ImportError::Register(_))));
    assert_eq!(store.calls("a").await, 0);
}

#[tokio::test]
async fn summary_has_a_json_that_names_what_was_not_counted() {
    let store = Store::new().await;
    let summary = store.import(&(log(&["a"]) + "x\n")).await;
    let none = json!({ "providers": 0, "calls": 0 });
    let nothing = json!({ "count": 0, "first": [] });
    let why =
        "no request in quotation marks: not a whole line of the Common or Combined Log Format";
    assert_eq!(
        json!(summary),
        json!({
            "lines": 2, "blank": 0, "not_billable": 0, "billable": 1, "left": 0,
            "bad": { "count": 1, "first": [{ "line": 2, "why": why }] },
            "reports": 1, "calls": 1,
            "counted": { "providers": 1, "calls": 1 },
            "duplicate": none, "conflict": none, "refused": none,
            "conflicts": nothing, "refusals": nothing,
        })
    );
}

#[tokio::test]
async fn real_lines_are_imported_whole_and_once() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/access.log.gz");
    if !path.exists() {
        return;
    }
    let (mut input, mut line, mut log) = (Input::open(&path).unwrap(), Vec::new(), String::new());
    let mut expected = BTreeMap::<ProviderId, u64>::new();
    for _ in 0..500 {
        input.read_line(&mut line).unwrap();
        let line = std::str::from_utf8(&line).unwrap();
        let (host, _) = line.split_once(' ').unwrap();
        *expected.entry(host.parse().unwrap()).or_default() += 1;
        log += &format!("{line}\n");
    }
    let store = Store::new().await;
    let rules = ImportRules { status: "all".parse().unwrap(), ..ImportRules::default() };
    let all = (expected.len(), 500);
    assert_eq!(outcome(&store.import_by(&log, &rules).await), [all, NONE, NONE, NONE]);
    assert_eq!(outcome(&store.import_by(&log, &rules).await), [NONE, all, NONE, NONE]);
    for (provider, calls) in expected {
        assert_eq!(store.calls_of(&provider).await, calls, "{provider}");
    }
}
