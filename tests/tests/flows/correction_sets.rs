//! Sets of corrections: applied under one name, once, and undone, whatever stops them.

use serde_json::{Value, json};
use steelyard_billing::{CorrectionId, CorrectionPhase, Person, Reason, Undo};
use steelyard_books::Settler;
use steelyard_cli::corrections::{Corrector, Ended, FILE_BYTES_MAX, ProviderChange, SetRequest};
use steelyard_local_aws::{Fault, Target};
use steelyard_runtime::Error;
use steelyard_tests::{Machine, Platform, fen, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on 4 May at noon, where two providers were charged for three days of `gateway-1`,
/// which counted twice as much as there was; `a` pays by debits.
pub(crate) async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.join("b").await;
    for day in 1..=3 {
        platform.set(&format!("2015-05-0{day}T20:00"));
        for provider in ["a", "b"] {
            let (id, on) = (format!("{provider}-{day}"), format!("2015-05-0{day}"));
            platform.count_as(&id, provider, BASIC, &on, 600_000).await;
        }
    }
    platform.settle_at("2015-05-04T00:30").await;
    platform.set("2015-05-04T12:00");
    platform
}

/// Withdraws all six reports, and counts half of each day of `a`.
pub(crate) fn file() -> Vec<u8> {
    let mut lines = Vec::new();
    for (provider, day) in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)] {
        let id = format!("{provider}-{day}");
        lines.push(json!({ "void": { "provider": provider, "source": "gateway-1", "id": id } }));
    }
    for day in 1..=3 {
        let on = format!("2015-05-0{day}");
        let right = report(&format!("right-{day}"), &[record("a", BASIC, &on, 300_000)]);
        lines.push(json!({ "count": right }));
    }
    written(&lines)
}

fn written(lines: &[Value]) -> Vec<u8> {
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

fn corrector(platform: &Platform) -> Corrector {
    let usage = platform.stack.tables.usage.clone();
    Corrector::new(Settler { books: platform.books(), usage }, platform.stack.clock.clock())
}

fn request(name: &str, content: &[u8]) -> Result<SetRequest, Error> {
    let who = (Person::new("li").unwrap(), Reason::new("the gateway counted twice").unwrap());
    SetRequest::new(name.parse().unwrap(), content, who)
}

/// Applies a file under the name.
pub(crate) async fn apply(platform: &Platform, content: &[u8]) -> Result<Ended, Error> {
    apply_as(platform, "gateway-1-doubled", content).await
}

async fn apply_as(platform: &Platform, name: &str, content: &[u8]) -> Result<Ended, Error> {
    let outcome = corrector(platform).run(&request(name, content)?, false).await?;
    Ok(outcome.ended.unwrap())
}

pub(crate) async fn undo(platform: &Platform) -> Result<Ended, Error> {
    undo_as(platform, "gateway-1-doubled").await
}

async fn undo_as(platform: &Platform, name: &str) -> Result<Ended, Error> {
    let undo = Undo {
        undone_by: Person::new("wang").unwrap(),
        undone_at_s: platform.stack.clock.now(),
        undone_because: Reason::new("it was right").unwrap(),
    };
    let name: CorrectionId = name.parse().unwrap();
    corrector(platform).undo(&name, &undo).await
}

async fn preview(platform: &Platform) -> Vec<ProviderChange> {
    let request = request("gateway-1-doubled", &file()).unwrap();
    let outcome = corrector(platform).run(&request, true).await.unwrap();
    assert!(outcome.ended.is_none());
    outcome.changes
}

async fn charges(platform: &Platform) -> [i64; 2] {
    let mut sums = [0, 0];
    for (sum, provider) in sums.iter_mut().zip(["a", "b"]) {
        *sum = platform.charges(provider).await.iter().map(|(_, charge)| charge).sum();
    }
    sums
}

fn is_done(ended: &Ended) -> bool {
    ended.failed.is_empty() && !ended.set.is_incomplete()
}

/// 1,800,000 calls cost ¥130.00, and 900,000 ¥40.00.
#[tokio::test]
async fn set_is_previewed_applied_once_and_undone() {
    let platform = platform().await;
    assert_eq!(charges(&platform).await, [13_000, 13_000]);
    let changes = preview(&platform).await;
    let shown = changes.iter().map(|of| {
        let days = of.days.iter().map(|day| day.change_fen.unwrap().get()).collect::<Vec<_>>();
        (of.provider.to_string(), days, of.change_fen.unwrap().get())
    });
    let expected = [
        ("a".to_owned(), vec![-3_000, -3_000, -3_000], -9_000),
        ("b".to_owned(), vec![-6_000, -6_000, -1_000], -13_000),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert_eq!(platform.stack.tables.billing.corrections().await.unwrap(), []);
    for _ in 0..2 {
        let ended = apply(&platform, &file()).await.unwrap();
        assert!(is_done(&ended), "{ended:?}");
        platform.run_until("2015-05-05T12:00").await;
        assert_eq!(charges(&platform).await, [4_000, 0], "as it was shown");
        platform.books_balance().await;
    }
    for day in ["06", "07"] {
        let ended = undo(&platform).await.unwrap();
        assert!(is_done(&ended), "{ended:?}");
        platform.run_until(&format!("2015-05-{day}T12:00")).await;
        assert_eq!(charges(&platform).await, [13_000, 13_000], "as before");
        platform.books_balance().await;
    }
    let again = apply(&platform, &file()).await.unwrap_err();
    assert!(again.to_string().contains("was undone by wang: it was right"), "{again}");
}

#[tokio::test]
async fn name_with_another_content_is_refused_and_changes_nothing() {
    let platform = platform().await;
    apply(&platform, &file()).await.unwrap();
    let other =
        written(&[json!({ "void": { "provider": "a", "source": "gateway-1", "id": "a-1" } })]);
    let refused = apply(&platform, &other).await.unwrap_err();
    assert!(refused.to_string().contains("was begun with another content"), "{refused}");
    assert!(is_done(&apply(&platform, &file()).await.unwrap()));
}

#[tokio::test]
async fn report_that_another_withdrew_stays_withdrawn_when_the_set_is_undone() {
    let platform = platform().await;
    // The set, what it holds, and that it is stored: it is cut before its first withdrawal.
    platform.stack.transport.faults().strike(Target::Writes, 4..=4, Fault::CutBefore);
    drop(apply(&platform, &file()).await);
    platform.stack.transport.faults().restore();
    let void =
        json!({ "provider": "b", "source": "gateway-1", "id": "b-3", "reason": "by itself" });
    let answer = platform.stack.functions.ingest.invoke(http_void(&void)).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert!(is_done(&apply(&platform, &file()).await.unwrap()));
    assert!(is_done(&undo(&platform).await.unwrap()));
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(charges(&platform).await, [13_000, 7_000]);
    platform.books_balance().await;
    let refused = apply_as(&platform, "again", &void_of("b-3")).await.unwrap_err().to_string();
    assert!(
        refused.contains("gateway-1/b-3 of b on 2015-05-03 was withdrawn before by"),
        "{refused}"
    );
    assert!(refused.ends_with(": by itself"), "{refused}");
}

/// What an undone set withdrew counts under other ids.
#[tokio::test]
async fn file_of_a_set_that_was_undone_is_refused_under_another_name() {
    let platform = platform().await;
    apply(&platform, &file()).await.unwrap();
    undo(&platform).await.unwrap();
    let refused = apply_as(&platform, "again", &file()).await.unwrap_err().to_string();
    let why = "a-1 of a on 2015-05-01 was withdrawn before by correction gateway-1-doubled, li";
    assert!(refused.contains(why), "{refused}");
    assert_eq!(platform.stack.tables.billing.corrections().await.unwrap().len(), 1);
}

fn void_of(id: &str) -> Vec<u8> {
    let provider = id.split('-').next().unwrap();
    written(&[json!({ "void": { "provider": provider, "source": "gateway-1", "id": id } })])
}

#[tokio::test]
async fn report_that_is_named_twice_is_withdrawn_once() {
    let platform = platform().await;
    let mut content = void_of("a-1");
    let day = json!({ "provider": "a", "source": "gateway-1", "id": "a-1", "day": "2015-05-01" });
    content.extend(written(&[json!({ "void": day })]));
    let ended = apply(&platform, &content).await.unwrap();
    assert!(is_done(&ended), "{ended:?}");
    assert_eq!((ended.set.voids, ended.set.counts), (1, 0));
    assert!(is_done(&undo(&platform).await.unwrap()));
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(charges(&platform).await, [13_000, 13_000]);
}

/// A line for each day makes a file longer, and what is stored has to be read again.
#[tokio::test]
async fn file_that_is_too_long_once_it_has_its_days_is_refused() {
    let platform = platform().await;
    let count = |n: usize, length: usize| json!({ "count": { "id": format!("right-{n:02}"), "records": ["x".repeat(length)], "source": "gateway-1" } });
    let void = void_of("a-1");
    let empty = written(&[count(0, 0)]).len();
    let mut lines = (0..16).map(|n| count(n, 990_000)).collect::<Vec<_>>();
    let left = FILE_BYTES_MAX - void.len() - 16 * (990_000 + empty) - empty;
    lines.push(count(16, left));
    let mut content = written(&lines);
    content.extend(void);
    assert_eq!(content.len(), FILE_BYTES_MAX);
    let refused = apply(&platform, &content).await.unwrap_err().to_string();
    assert!(refused.contains("with a line for each day of a report: it has"), "{refused}");
    assert_eq!(platform.stack.tables.billing.corrections().await.unwrap(), []);
}

/// The command that applies stalls before its first withdrawal, and goes on when the set is undone.
#[tokio::test]
async fn set_that_is_undone_while_it_is_applied_stops_and_is_undone_again() {
    let platform = platform().await;
    platform.stack.transport.faults().strike(Target::Writes, 4..=4, Fault::CutBefore);
    drop(apply(&platform, &file()).await);
    platform.stack.transport.faults().restore();
    let request = request("gateway-1-doubled", &file()).unwrap();
    // It reads the set, what it holds, and the set again; then it begins to withdraw.
    let slow = Machine::stalling(&platform, 4);
    let applies = Corrector::new(slow.settler(&platform), platform.stack.clock.clock());
    let applies = tokio::spawn(async move { applies.run(&request, false).await });
    slow.stalled().await;
    assert!(is_done(&undo(&platform).await.unwrap()));
    slow.wake();
    let stopped = applies.await.unwrap().unwrap_err().to_string();
    assert!(
        stopped.contains("was undone by wang") && stopped.contains("undo it again"),
        "{stopped}"
    );
    let counts = || async { platform.counted("a").await };
    let withdrawn = counts().await;
    let ended = undo(&platform).await.unwrap();
    assert!(is_done(&ended), "{ended:?}");
    assert!(matches!(ended.set.phase, CorrectionPhase::Undone { .. }), "{ended:?}");
    assert_ne!(counts().await, withdrawn, "it had withdrawn something after it was undone");
    platform.settle_at("2015-05-05T00:30").await;
    assert_eq!(charges(&platform).await, [13_000, 13_000]);
    platform.books_balance().await;
}

fn http_void(void: &Value) -> Value {
    use axum::http::{HeaderMap, Method};
    let body = void.to_string();
    steelyard_local_stack::http_event(
        &Method::POST,
        steelyard_ingest::VOID_PATH,
        &HeaderMap::new(),
        body.as_bytes(),
    )
}

#[tokio::test]
async fn file_of_which_one_line_is_wrong_changes_nothing() {
    let platform = platform().await;
    let right_on = |id: &str, day: &str, count| json!({ "count": report(id, &[record("a", BASIC, day, count)]) });
    let right = |id: &str, count| right_on(id, "2015-05-01", count);
    let void = |id: &str| json!({ "void": { "provider": "a", "source": "gateway-1", "id": id } });
    let count_of = |provider: &str, day: &str| json!({ "count": report("r", &[record(provider, BASIC, day, 1)]) });
    let mut cumulative = right("right", 1);
    cumulative["count"]["cumulative"] = json!(true);
    for (lines, expected) in [
        (vec![void("a-1"), json!({})], "line 2: it is to have either `void` or `count`"),
        (vec![void("a-1"), void("a-1")], "withdrawn twice"),
        (vec![void("a-1"), right("a-1", 1)], "another id"),
        (vec![right("r", 1), right("r", 2)], "counted twice"),
        (vec![void("a-1"), cumulative], "cumulative"),
        (vec![void("a-1"), void("nothing")], "no report nothing"),
        (vec![void("a-1"), right_on("a-2", "2015-05-02", 1)], "another id"),
        (vec![void("a-1"), count_of("nobody", "2015-05-01")], "`nobody` is not registered"),
        (vec![json!({ "void": { "provider": "a" } })], "line 1"),
    ] {
        let refused = apply(&platform, &written(&lines)).await.unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    assert_eq!(platform.stack.tables.billing.corrections().await.unwrap(), []);
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(charges(&platform).await, [13_000, 13_000]);
}

#[tokio::test]
async fn set_of_a_month_that_closed_is_refused_and_says_what_to_do() {
    let platform = platform().await;
    let day = |id: &str, day: &str| json!({ "void": { "provider": "a", "source": "gateway-1", "id": id, "day": day } });
    let of_may = written(&[day("a-1", "2015-05-01")]);
    apply(&platform, &of_may).await.unwrap();
    platform.run_until("2015-06-06T12:00").await;
    let ended = undo(&platform).await.unwrap();
    assert!(ended.set.is_incomplete(), "{ended:?}");
    assert!(ended.failed[0].contains("steelyard adjust"), "{ended:?}");
    assert_eq!(charges(&platform).await, [7_000, 13_000]);
    platform.books_balance().await;
    let refused = apply(&platform, &of_may).await.unwrap_err();
    assert!(refused.to_string().contains("undone"), "{refused}");
}

/// What a set counted in a month stays when the month closes: the set can be completed, and not be
/// undone.
#[tokio::test]
async fn set_that_was_killed_is_completed_after_its_month_closed_and_names_what_stays() {
    let platform = platform().await;
    let right =
        |id: &str, day: &str| json!({ "count": report(id, &[record("a", BASIC, day, 300_000)]) });
    let one = written(&[right("right-4", "2015-05-04")]);
    // The set, what it holds, that it is stored, and the report; it crashes before its end is
    // noted.
    platform.stack.transport.faults().strike(Target::Writes, 4..=4, Fault::CutAfter);
    drop(apply(&platform, &one).await);
    platform.stack.transport.faults().restore();
    let never = written(&[right("right-3", "2015-05-03")]);
    platform.stack.transport.faults().strike(Target::Writes, 4..=4, Fault::CutBefore);
    drop(apply_as(&platform, "never", &never).await);
    platform.stack.transport.faults().restore();
    platform.run_until("2015-06-06T12:00").await;
    assert_eq!(charges(&platform).await, [16_000, 13_000]);
    let ended = apply(&platform, &one).await.unwrap();
    assert!(is_done(&ended), "{ended:?}");
    let ended = undo(&platform).await.unwrap();
    assert!(ended.set.is_incomplete(), "{ended:?}");
    let [why] = ended.failed.as_slice() else { panic!("{ended:?}") };
    assert!(why.starts_with("report gateway-1/right-4 of a on 2015-05-04: "), "{why}");
    assert!(why.contains("steelyard adjust"), "{why}");
    let ended = apply_as(&platform, "never", &never).await.unwrap();
    assert!(ended.failed[0].contains("closed"), "{ended:?}");
    let ended = undo_as(&platform, "never").await.unwrap();
    assert!(is_done(&ended), "nothing of it counted: {ended:?}");
    platform.books_balance().await;
}

/// Each write is cut once, and the same command again goes on.
#[tokio::test]
async fn set_that_is_killed_anywhere_is_completed_and_undone_by_the_same_commands() {
    let counted = platform().await;
    counted.stack.transport.meter().take();
    apply(&counted, &file()).await.unwrap();
    let writes = counted.stack.transport.meter().take().writes();
    undo(&counted).await.unwrap();
    let all = writes + counted.stack.transport.meter().take().writes();
    // The set, what it holds, that it is stored, six withdrawals and three counts with their notes,
    // and its end; to undo it the same again without what it holds.
    assert_eq!((writes, all), (22, 42));
    for write in 1..=all {
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            let platform = platform().await;
            let faults = platform.stack.transport.faults();
            if write <= writes {
                faults.strike(Target::Writes, write..=write, fault);
                drop(apply(&platform, &file()).await);
                platform.stack.transport.faults().restore();
            }
            assert!(is_done(&apply(&platform, &file()).await.unwrap()), "{fault:?} {write}");
            let is_undone = write > writes;
            if is_undone {
                let write = write - writes;
                platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
                drop(undo(&platform).await);
                platform.stack.transport.faults().restore();
                assert!(is_done(&undo(&platform).await.unwrap()), "{fault:?} {write}");
            }
            platform.settle_at("2015-05-05T00:30").await;
            let expected = if is_undone { [13_000, 13_000] } else { [4_000, 0] };
            assert_eq!(charges(&platform).await, expected, "{fault:?} {write}");
        }
    }
}

/// Each write of applying is cut once, and the set is undone as far as it came.
#[tokio::test]
async fn set_that_is_killed_anywhere_is_undone_before_it_is_completed() {
    for write in 1..=22 {
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            let platform = platform().await;
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            drop(apply(&platform, &file()).await);
            platform.stack.transport.faults().restore();
            if (write, fault) == (1, Fault::CutBefore) {
                let unknown = undo(&platform).await.unwrap_err().to_string();
                assert!(unknown.contains("there is no correction"), "{unknown}");
                continue;
            }
            let ended = undo(&platform).await.unwrap();
            assert!(is_done(&ended), "{fault:?} {write}: {ended:?}");
            platform.settle_at("2015-05-05T00:30").await;
            assert_eq!(charges(&platform).await, [13_000, 13_000], "{fault:?} {write}");
        }
    }
}

/// A provider's month is read once for the preview, and what is applied takes no transaction over
/// all.
#[tokio::test]
async fn set_of_a_thousand_reports_reads_a_provider_once_to_preview() {
    let platform = platform().await;
    for part in 0..10 {
        let reports = (0..100).map(|n| async move {
            let sent = report(&format!("w-{part}-{n}"), &[record("a", BASIC, "2015-05-04", 1)]);
            (part, n, sent)
        });
        for sent in futures::future::join_all(reports).await {
            assert_eq!(platform.post(&sent.2).await.status, 200);
        }
    }
    let void = |n: usize| {
        let id = format!("w-{}-{}", n / 100, n % 100);
        json!({ "void": { "provider": "a", "source": "gateway-1", "id": id } })
    };
    let content = written(&(0..1_000).map(void).collect::<Vec<_>>());
    let corrector = corrector(&platform);
    let request = request("gateway-1-doubled", &content).unwrap();
    let found = corrector.find(&request).await.unwrap();
    let usage = platform.stack.tables.usage.clone();
    let settler = Settler { books: platform.books(), usage };
    let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
    platform.stack.transport.meter().take();
    let changes = corrector.preview(&terms, &found).await.unwrap();
    let requests = platform.stack.transport.meter().take().requests.values().sum::<u64>();
    assert!(requests < 10, "{requests} requests");
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(change.change_fen, Some(fen(-10)));
    assert!(is_done(&apply(&platform, &content).await.unwrap()));
    platform.run_until("2015-05-05T01:00").await;
    assert_eq!(charges(&platform).await, [13_000, 13_000]);
}
