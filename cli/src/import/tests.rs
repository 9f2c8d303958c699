//! Imports into the real store over an embedded DynamoDB.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use jiff::civil::Time;
use serde_json::json;
use steelyard_billing::{Calendar, DebitRules, Provider, ProviderId};
use steelyard_books::Books;
use steelyard_pricing::{BillingDay, BillingMonth, Fen, Metered};
use steelyard_runtime::{Clock, aws};

use super::*;
use crate::Tables;
use crate::local::embedded::{Embedded, Fault, Target, Transport};

type Callers = BTreeMap<ProviderId, BillingMonth>;

struct Store {
    tables: Tables,
    transport: Transport,
    counters: Counters,
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
        let (usage, clock) = (tables.usage.clone(), Clock::fixed(now));
        Store { tables, transport, counters: Counters { usage, calendar, clock } }
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
        let register = async |callers: &Callers| {
            self.register(&callers.keys().cloned().collect()).await;
            Ok(())
        };
        import(input, rules, &self.counters, |_| (), register).await
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

    /// The first month of a provider, as its provider, its account and its registration have it.
    async fn first_months(&self, provider: &ProviderId) -> [BillingMonth; 3] {
        let found = self.tables.billing.account(provider).await.unwrap().unwrap();
        let counted =
            self.tables.usage.registrations(std::slice::from_ref(provider)).await.unwrap();
        let counted = counted.readable[provider].billed_from;
        [found.provider.billed_from, found.account.open_from, counted]
    }

    async fn calls(&self, provider: &str) -> u64 {
        self.calls_of(&provider.parse().unwrap()).await
    }
}

fn text_input(text: &str) -> Input {
    Input::new(Cursor::new(text.as_bytes().to_vec()), None).unwrap()
}

fn assert_adds_up(summary: &Summary) {
    let Summary { lines, blank, odd, not_billable, unmapped, billable, left, bad, .. } = summary;
    let free = odd.count + not_billable.count + unmapped.lines;
    assert_eq!(*lines, blank + free + billable + left + bad.count);
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
    let nobody = async |_: &Callers| Ok(());
    let (input, rules) = (text_input(&text), ImportRules::default());
    let summary = import(input, &rules, &store.counters, |_| (), nobody).await;
    let summary = summary.unwrap();
    assert_adds_up(&summary);
    assert_eq!(outcome(&summary), [(1, 1), NONE, NONE, (2, 12)]);
    let reasons = summary.refusals.reasons.iter();
    let reasons = reasons.map(|r| (&r.reason[..], r.count, r.examples[0].line)).collect::<Vec<_>>();
    assert_eq!(
        reasons,
        [
            ("2015-03-31 is too late: 2015-03 closed at 2015-04-05T00:00:00+08:00", 5, 3),
            ("2015-05-22 is in the future", 6, 4),
            ("provider `b` is not registered", 1, 2),
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
    for (counted, duplicate) in [("4 calls of ¥0.30", "0 calls"), ("0 calls", "4 calls of ¥0.30")]
    {
        let summary = store.import(&text).await;
        assert_eq!(summary.counted.metered.to_string(), counted);
        assert_eq!(summary.duplicate.metered.to_string(), duplicate);
        assert_eq!((summary.bad.reasons[0].examples[0].line, summary.bad.count), (5, 1));
    }
    let summary = store.import_by(&line("\"1000000000.01\""), &ImportRules::default()).await;
    assert_eq!(
        json!(summary.refusals.reasons),
        json!([{
            "reason": "amount `1000000000.01` is not one from 0 to 1000000000 yuan with at most six decimals",
            "count": 1,
            "examples": [{
                "provider": "a", "api": "sales", "day": "2015-05-17", "calls": 1,
                "amount": "1000000000.01", "line": 1,
            }],
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
            let nobody = async |_: &Callers| Ok(());
            let rules = ImportRules::default();
            let input = text_input(&log(&hosts));
            let stopped = import(input, &rules, &store.counters, |_| (), nobody).await;
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
    let register = async |new: &Callers| {
        callers.lock().unwrap().push(new.keys().map(ToString::to_string).collect::<Vec<_>>());
        Ok(())
    };
    let (input, rules) = (text_input(&text), ImportRules::default());
    import(input, &rules, &store.counters, progress, register).await.unwrap();
    let all = [(10_000, 0), (10_000, 10_000), (10_002, 10_000), (10_002, 10_002)];
    assert_eq!(lines.into_inner().unwrap(), all);
    assert_eq!(callers.into_inner().unwrap(), [["a"], ["b"]]);
}

#[tokio::test]
async fn callers_that_cannot_be_registered_stop_the_import() {
    let store = Store::new().await;
    let register = async |_: &Callers| Err("no plan".into());
    let (input, rules) = (text_input(&log(&["a"])), ImportRules::default());
    let stopped = import(input, &rules, &store.counters, |_| (), register).await;
    assert!(matches!(stopped, Err(ImportError::Register(_))));
    assert_eq!(store.calls("a").await, 0);
}

#[tokio::test]
async fn first_month_moves_back_in_all_items_or_in_none() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let store = Store::new().await;
        let provider = "a".parse::<ProviderId>().unwrap();
        store.register(&[provider.clone()].into()).await;
        let rules = DebitRules {
            calendar: store.counters.calendar.clone(),
            minimum_fen: Fen::new(1),
            time_of_day: Time::midnight(),
            window_minutes: 0,
        };
        let books = Books::new(store.tables.billing.clone(), rules);
        let (usage, month) = (&store.tables.usage, "2015-04".parse().unwrap());
        store.transport.faults().strike(Target::Operation("PutItem"), 1..=1, fault);
        let moved = books.bill_from(usage, &provider, month).await.is_ok();
        store.transport.faults().restore();
        let months = store.first_months(&provider).await;
        assert!(months.iter().all(|first| *first == months[0]), "{fault:?}: {months:?}");
        if moved {
            assert_eq!(months[0], month, "{fault:?}");
        }
        // Once it is there, it is there.
        let again = books.bill_from(usage, &provider, month).await;
        assert_eq!(again.is_ok(), months[0] != month, "{fault:?}");
        assert_eq!(store.first_months(&provider).await, [month; 3], "{fault:?}");
    }
}

#[tokio::test]
async fn summary_has_a_json_that_names_what_was_not_counted() {
    let store = Store::new().await;
    let summary = store.import(&(log(&["a"]) + "x\n")).await;
    let none = json!({ "providers": 0, "calls": 0 });
    let nothing = json!({ "count": 0, "kinds": {} });
    let why =
        "no request in quotation marks: not a whole line of the Common or Combined Log Format";
    assert_eq!(
        json!(summary),
        json!({
            "lines": 2, "blank": 0, "odd": nothing, "not_billable": nothing,
            "unmapped": { "lines": 0, "callers": [], "other_calls": 0 }, "billable": 1, "left": 0,
            "bad": { "count": 1, "others": 0, "reasons": [{
                "reason": "not a whole line of an access log", "count": 1,
                "examples": [{ "line": 2, "why": why }],
            }] },
            "reports": 1, "calls": 1,
            "counted": { "providers": 1, "calls": 1 },
            "duplicate": none, "conflict": none, "refused": none,
            "conflicts": { "count": 0, "first": [] },
            "refusals": { "count": 0, "reasons": [], "others": 0 },
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
    let (status, methods) = ("all".parse().unwrap(), "all".parse().unwrap());
    let rules = ImportRules { status, methods, ..ImportRules::default() };
    let all = (expected.len(), 500);
    assert_eq!(outcome(&store.import_by(&log, &rules).await), [all, NONE, NONE, NONE]);
    assert_eq!(outcome(&store.import_by(&log, &rules).await), [NONE, all, NONE, NONE]);
    for (provider, calls) in expected {
        assert_eq!(store.calls_of(&provider).await, calls, "{provider}");
    }
}
