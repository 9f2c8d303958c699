//! Imports into the real store over an embedded DynamoDB.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use steelyard_billing::{Calendar, DebitRules, NamesMax, Provider, ProviderId};
use steelyard_books::Books;
use steelyard_books::Tables;
use steelyard_import::{Input, Rule, Summary};
use steelyard_local_aws::{Embedded, Fault, Target, Transport};
use steelyard_local_stack::local_tables;
use steelyard_metering::{Counters, ImportAs, ImportError, Progress, import};
use steelyard_pricing::{AlertRules, BillingDay, BillingMonth, Fen, Metered};
use steelyard_runtime::{Clock, aws};

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
        let tables = local_tables(&aws::local(Some(client), "http://localhost").unwrap());
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
                alert_rules: AlertRules::default(),
            };
            let now = self.counters.clock.now();
            self.tables.billing.register(&self.tables.usage, &provider, now).await.unwrap();
        }
    }

    async fn try_import(&self, input: Input, rules: &ImportAs) -> Result<Summary, ImportError> {
        let register = async |callers: &Callers| {
            self.register(&callers.keys().cloned().collect()).await;
            Ok(())
        };
        import(input, rules, &self.counters, |_| (), register).await
    }

    async fn import_by(&self, text: &str, rules: &ImportAs) -> Summary {
        let summary = self.try_import(text_input(text), rules).await.unwrap();
        assert_adds_up(&summary);
        summary
    }

    async fn import(&self, text: &str) -> Summary {
        self.import_by(text, &ImportAs::default()).await
    }

    async fn calls_of(&self, provider: &ProviderId) -> u64 {
        let [from, through] =
            ["2015-05-01", "2015-05-31"].map(|day| day.parse::<BillingDay>().unwrap());
        let counted = self.tables.usage.days(provider, from, through).await.unwrap();
        counted.values().map(|count| count.usage.total().unwrap().calls.get()).sum()
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

/// A reader that fails.
struct Damaged;

impl Read for Damaged {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::InvalidData.into())
    }
}

fn text_input(text: &str) -> Input {
    Input::new(Cursor::new(text.as_bytes().to_vec()), None).unwrap()
}

fn assert_adds_up(summary: &Summary) {
    let Summary { lines, blank, odd, not_billable, unmapped, billable, bad, .. } = summary;
    let free = odd.count + not_billable.count + unmapped.lines;
    assert_eq!(*lines, blank + free + billable + bad.count);
    let became = [
        &summary.counted,
        &summary.duplicate,
        &summary.withdrawn,
        &summary.conflict,
        &summary.refused,
    ];
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

/// A log in which each of the hosts calls once, a second after the one before it.
fn log(hosts: &[&str]) -> String {
    let begin: Timestamp = "2015-05-17T10:05:03Z".parse().unwrap();
    let line = |(second, host): (i64, &&str)| {
        let at = (begin + SignedDuration::from_secs(second)).strftime("%d/%b/%Y:%H:%M:%S +0000");
        format!("{host} - - [{at}] \"GET /a/b HTTP/1.1\" 200 5\n")
    };
    (0..).zip(hosts).map(line).collect()
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
async fn pieces_of_a_log_count_once_in_whatever_order() {
    let hosts = (0..9_000).map(|n| ["a", "a", "b"][n % 3]).collect::<Vec<_>>();
    let log = log(&hosts);
    let lines = log.split_inclusive('\n').collect::<Vec<_>>();
    let store = Store::new().await;
    let mut imported = BTreeSet::new();
    for (from, to) in [
        (4_000, 9_000),
        (0, 4_000),
        (0, 9_000),
        (1, 4_000),
        (3_999, 4_001),
        (2_000, 6_500),
        (0, 1),
        (8_999, 9_000),
    ] {
        let known = imported.len();
        imported.extend(from..to);
        let summary = store.import(&lines[from..to].concat()).await;
        assert!(summary.is_complete(), "{from}..{to}: {summary:?}");
        let counted = u64::try_from(imported.len() - known).unwrap();
        assert_eq!(summary.counted.metered.calls.get(), counted, "{from}..{to}");
    }
    assert_eq!((store.calls("a").await, store.calls("b").await), (6_000, 3_000));
}

#[tokio::test]
async fn busy_hour_that_grows_counts_what_is_new() {
    let store = Store::new().await;
    let line = |n: u64, second: u64| {
        let (minute, second) = (second / 60, second % 60);
        format!(
            "a - - [17/May/2015:10:{minute:02}:{second:02} +0000] \"GET /a/{n} HTTP/1.1\" 200 5\n"
        )
    };
    let lines = (0..9_000).map(|n| line(n, n / 5)).collect::<Vec<_>>();
    let mut known = 0;
    for end in [10, 3_000, 5_000, 5_001, 8_999, 9_000, 9_000] {
        let summary = store.import(&lines[..end].concat()).await;
        let [counted, before, conflict, refused] = outcome(&summary);
        assert_eq!((counted.1, before.1), (u64::try_from(end).unwrap() - known, known));
        assert_eq!((conflict, refused), (NONE, NONE));
        known = u64::try_from(end).unwrap();
        assert_eq!(store.calls("a").await, known);
    }
    // Most of it is counts by minute.
    let day = "2015-05-17".parse().unwrap();
    let id = "log-2015-05-17T10Z".parse().unwrap();
    let of = [("a".parse().unwrap(), day)];
    let source = ImportAs::default().source;
    let found = store.tables.usage.cumulative((&source, &id), &of).await.unwrap();
    let counts = found[&of[0]].iter().filter(|(_, _, sub, _)| sub.is_none()).count();
    assert_eq!(counts, 26);
}

#[tokio::test]
async fn file_that_was_mended_is_imported_again() {
    let store = Store::new().await;
    let good = log(&["a", "b", "a"]);
    let lines = good.lines().collect::<Vec<_>>();
    let broken = format!("{}\nb - - noon \"GET /a/b HTTP/1.1\" 200 5\n{}\n", lines[0], lines[2]);
    let summary = store.import(&broken).await;
    assert_eq!((outcome(&summary)[0], summary.is_complete()), ((1, 2), false));
    assert_eq!(outcome(&store.import(&good).await), [(1, 1), (1, 2), NONE, NONE]);
    assert_eq!((store.calls("a").await, store.calls("b").await), (2, 1));
}

#[tokio::test]
async fn other_rules_for_the_names_of_apis_conflict_and_count_nothing() {
    let store = Store::new().await;
    store.import(&log(&["a", "b"])).await;
    let rules = ImportAs { rule: Rule { segments: 2, ..Rule::default() }, ..ImportAs::default() };
    let summary = store.import_by(&log(&["a", "b", "a", "c"]), &rules).await;
    assert_eq!(outcome(&summary), [(1, 1), NONE, (2, 3), NONE]);
    assert_eq!((store.calls("a").await, store.calls("c").await), (1, 1));
    // More of the calls that are billable only add.
    let rules = ImportAs {
        rule: Rule { status: "all".parse().unwrap(), ..Rule::default() },
        ..ImportAs::default()
    };
    let more = log(&["a", "b"]) + &log(&["a"]).replace(" 200 ", " 404 ");
    assert_eq!(outcome(&store.import_by(&more, &rules).await), [(1, 1), (2, 2), NONE, NONE]);
}

/// A record with a count.
fn record(fields: &str, count: u64) -> String {
    format!(
        "{{{fields}\"provider\":\"a\",\"api\":\"x\",\"day\":\"2015-05-17\",\"count\":{count}}}\n"
    )
}

#[tokio::test]
async fn lines_with_an_id_count_once_by_it_and_another_content_conflicts() {
    let store = Store::new().await;
    let [first, second, third] = ["\"id\":\"r1\",", "\"id\":\"r2\",", "\"id\":3,"];
    let summary = store.import(&(record(first, 5) + &record(second, 5))).await;
    assert_eq!(outcome(&summary), [(1, 10), NONE, NONE, NONE]);
    let text = record(second, 5) + &record(third, 1) + &record(first, 6) + &record(third, 1);
    let summary = store.import(&text).await;
    assert_eq!(outcome(&summary), [(1, 1), (1, 6), (1, 6), NONE]);
    assert_eq!(summary.conflicts.first[0].report.as_str(), "line-r1");
    assert_eq!(store.calls("a").await, 11);
}

#[tokio::test]
async fn lines_with_an_instant_count_once_by_their_content() {
    let store = Store::new().await;
    let line = |second: u32, count: u32| {
        let at = format!("2015-05-17T10:05:{second:02}Z");
        format!("{{\"provider\":\"a\",\"api\":\"x\",\"at\":\"{at}\",\"count\":{count}}}\n")
    };
    let [one, two, three] = [line(1, 5), line(1, 7), line(2, 5)];
    for (text, [counted, before]) in [
        (one.clone() + &two, [12, 0]),
        (two.clone() + &three, [5, 7]),
        (one.clone() + &one + &two + &three, [5, 17]),
    ] {
        let summary = store.import(&text).await;
        let [new, old, conflict, refused] = outcome(&summary);
        assert_eq!(([new.1, old.1], conflict, refused), ([counted, before], NONE, NONE), "{text}");
    }
    assert_eq!(store.calls("a").await, 22);
}

#[tokio::test]
async fn lines_that_give_only_a_day_are_asked_about_and_not_guessed() {
    let store = Store::new().await;
    let by = |report: &str| {
        let report = Some(report.parse().unwrap());
        ImportAs { report, ..ImportAs::default() }
    };
    let (hour, grown) = (record("", 5), record("", 5) + &record("", 7));
    assert_eq!(outcome(&store.import(&hour).await), [(1, 5), NONE, NONE, NONE]);
    // The same, or other calls?
    for text in [&hour, &grown, &(hour.clone() + &record("", 1).replace("\"a\"", "\"b\""))] {
        let summary = store.import(text).await;
        assert_eq!(outcome(&summary)[..3], [NONE; 3], "{text}");
        assert!(summary.refusals.reasons[0].reason.contains("--report lines"), "{summary:?}");
        assert_eq!((store.calls("a").await, store.calls("b").await), (5, 0));
    }
    // Both answers, each as often as it is given.
    for counted in [5, 0] {
        let summary = store.import_by(&hour, &by("hour-2")).await;
        assert_eq!(summary.counted.metered, Metered::calls(counted));
        assert!(summary.is_complete());
    }
    assert_eq!(store.calls("a").await, 10);
    for counted in [7, 0] {
        let summary = store.import_by(&grown, &by("lines")).await;
        assert_eq!(summary.counted.metered, Metered::calls(counted));
    }
    assert_eq!(store.calls("a").await, 17);
    // Less of one API, and more of another, is another file.
    let other = record("", 1) + &record("", 9).replace("\"x\"", "\"y\"");
    let summary = store.import_by(&other, &by("hour-2")).await;
    assert_eq!(outcome(&summary), [NONE, NONE, NONE, (1, 10)]);
    assert_eq!(outcome(&store.import_by(&other, &by("hour-3")).await)[0], (1, 10));
}

#[tokio::test]
async fn two_sources_with_the_same_lines_are_both_counted() {
    let store = Store::new().await;
    for source in ["web-1", "web-2"] {
        let rules = ImportAs { source: source.parse().unwrap(), ..ImportAs::default() };
        assert_eq!(outcome(&store.import_by(&log(&["a"]), &rules).await)[0], (1, 1));
    }
    assert_eq!(store.calls("a").await, 2);
}

#[tokio::test]
async fn what_the_counter_refuses_is_shown_and_counted_by_a_later_import() {
    let store = Store::new().await;
    let text = log(&["a", "b"])
        + r#"{"provider":"a","api":"x","at":"2015-03-31T04:00:00Z","count":5}
{"provider":"a","api":"x","at":"2015-05-22T04:00:00Z","count":6}"#;
    store.register(&["a".parse().unwrap()].into()).await;
    let nobody = async |_: &Callers| Ok(());
    let (input, rules) = (text_input(&text), ImportAs::default());
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
            ("provider `b` is not registered", 1, 2),
            ("2015-05-22 is in the future", 6, 4),
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
            "{{\"provider\":\"a\",\"api\":\"sales\",\"at\":\"2015-05-17T10:00:00Z\",\"amount\":{amount}}}\n"
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
    let summary = store.import(&line("\"1000000000.01\"")).await;
    assert_eq!(
        summary.bad.reasons[0].examples[0].why.to_string(),
        "1 call of ¥1000000000.01 are more than one line may have: 1000000000 calls and ¥1000000000"
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
            let rules = ImportAs::default();
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
async fn progress_and_callers_are_told_batch_by_batch() {
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
    let (input, rules) = (text_input(&text), ImportAs::default());
    import(input, &rules, &store.counters, progress, register).await.unwrap();
    let all = [(10_000, 0), (10_000, 10_000), (10_002, 10_000), (10_002, 10_002)];
    assert_eq!(lines.into_inner().unwrap(), all);
    assert_eq!(callers.into_inner().unwrap(), [["a"], ["b"]]);
}

#[tokio::test]
async fn callers_that_cannot_be_registered_stop_the_import() {
    let store = Store::new().await;
    let register = async |_: &Callers| Err("no plan".into());
    let (input, rules) = (text_input(&log(&["a"])), ImportAs::default());
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
            adjustments_need_approval: false,
            names_max: NamesMax::DEFAULT,
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
            "unmapped": { "lines": 0, "callers": [], "other_calls": 0 }, "billable": 1,
            "bad": { "count": 1, "others": 0, "reasons": [{
                "reason": "not a whole line of an access log", "count": 1,
                "examples": [{ "line": 2, "why": why }],
            }] },
            "reports": 1, "calls": 1,
            "counted": { "providers": 1, "calls": 1 },
            "duplicate": none, "withdrawn": none, "conflict": none, "refused": none,
            "conflicts": { "count": 0, "first": [] },
            "refusals": { "count": 0, "reasons": [], "others": 0 },
            "edges": {
                "steps_back": 0, "repeated": 0, "perhaps_repeated": 0,
                "equal_lines_in_first_second": 0, "equal_lines_in_last_second": 0,
            },
        })
    );
}

#[tokio::test]
async fn file_that_cannot_be_read_on_says_what_is_counted() {
    let store = Store::new().await;
    let begin: Timestamp = "2015-05-17T10:00:00Z".parse().unwrap();
    let line = |number: i64| {
        let at =
            (begin + SignedDuration::from_secs(number / 4)).strftime("%d/%b/%Y:%H:%M:%S +0000");
        format!("shop - - [{at}] \"GET /a/{number} HTTP/1.1\" 200 5\n")
    };
    let log = (0..40_000).map(line).collect::<String>();
    // A file whose end is damaged.
    let input = Input::new(Cursor::new(log.into_bytes()).chain(Damaged), None).unwrap();
    let error = store.try_import(input, &ImportAs::default()).await.unwrap_err();
    let ImportError::Read { calls, .. } = &error else { panic!("{error}") };
    assert!(*calls > 0);
    assert_eq!(*calls, store.calls("shop").await);
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
    let rules =
        ImportAs { rule: Rule { status, methods, ..Rule::default() }, ..ImportAs::default() };
    let all = (expected.len(), 500);
    assert_eq!(outcome(&store.import_by(&log, &rules).await), [all, NONE, NONE, NONE]);
    assert_eq!(outcome(&store.import_by(&log, &rules).await), [NONE, all, NONE, NONE]);
    for (provider, calls) in expected {
        assert_eq!(store.calls_of(&provider).await, calls, "{provider}");
    }
}
