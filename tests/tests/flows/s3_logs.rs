//! Logs in S3: each call counts once, whatever S3 and SQS repeat, and wherever the function ends.

use std::collections::BTreeMap;
use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use steelyard_billing::{LogReading, LogsMessage, ObjectName, ReadingState};
use steelyard_import::SEGMENT_LINES;
use steelyard_local_stack::USAGE_TABLE;
use steelyard_runtime::{Function, Invocation};
use steelyard_store::StoredRule;
use steelyard_tests::{DiesAfter, Machine, Platform};

const LOG: &str = include_str!("../../../samples/access.log");

/// A platform on 20 May, where logs of the bucket `logs` under `web/` are read by who logged in,
/// and `a` to `c` are providers.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-20T12:00");
    for provider in ["a", "b", "c"] {
        platform.join(provider).await;
    }
    add_rule(&platform, "web", &json!([{ "bucket": "logs", "prefix": "web/" }])).await;
    platform
}

async fn add_rule(platform: &Platform, name: &str, objects: &Value) {
    let document = json!({ "rule": name, "caller": "user", "objects": objects });
    let rule =
        StoredRule { name: name.to_owned().try_into().unwrap(), document: document.to_string() };
    platform.books().add_rule(&rule, false).await.unwrap();
}

fn object(key: &str) -> ObjectName {
    ObjectName::new("logs", key)
}

fn line(user: &str, api: &str, second: u64) -> String {
    let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
    format!(
        "10.0.0.1 - {user} [17/May/2015:{hour:02}:{minute:02}:{second:02} +0800] \"GET /{api}/1 HTTP/1.1\" 200 5\n"
    )
}

/// A log of so many calls, by turns of three providers.
fn log(calls: u64, begin: u64) -> Vec<u8> {
    let line = |number| {
        let user = ["a", "b", "c"][usize::try_from(number % 3).unwrap()];
        line(user, if number % 2 == 0 { "trades" } else { "items" }, begin + number / 10)
    };
    (0..calls).map(line).collect::<String>().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The calls that are counted, by provider.
async fn counted(platform: &Platform) -> [u64; 3] {
    let mut calls = [0; 3];
    for (calls, provider) in calls.iter_mut().zip(["a", "b", "c"]) {
        *calls = platform.calls(provider).await;
    }
    calls
}

/// An independent count of what logs have.
fn expected(logs: &[&[u8]]) -> [u64; 3] {
    let mut calls = BTreeMap::new();
    for line in logs.iter().flat_map(|log| std::str::from_utf8(log).unwrap().lines()) {
        let user = line.split(' ').nth(2).unwrap();
        *calls.entry(user).or_insert(0) += 1;
    }
    ["a", "b", "c"].map(|user| calls.get(user).copied().unwrap_or(0))
}

async fn readings(platform: &Platform) -> Vec<LogReading> {
    let found = platform.stack.tables.usage.log_readings("2015-05-20".parse().unwrap()).await;
    found.unwrap().readable
}

async fn put(platform: &Platform, key: &str, content: &[u8]) -> Value {
    let event = platform.stack.objects.put(&object(key), content).await.unwrap();
    platform.stack.drain().await.unwrap();
    event
}

/// The event by which EventBridge announces an object.
fn by_bus(key: &str) -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created",
        "source": "aws.s3", "account": "000000000000", "time": "2015-05-20T04:00:00Z", "region": "local",
        "resources": ["arn:aws:s3:::logs"],
        "detail": {
            "version": "0", "bucket": { "name": "logs" },
            "object": { "key": key, "size": 5, "etag": "d41d", "sequencer": "617f08299329d189" },
            "request-id": "N4N7GDK58NMKJ12R", "requester": "000000000000", "reason": "PutObject",
        },
    })
}

/// The event of a queue with one message.
fn delivered(message: &Value) -> Value {
    json!({ "Records": [{
        "messageId": "m", "body": message.to_string(), "attributes": {}, "eventSource": "aws:sqs",
    }] })
}

#[tokio::test]
async fn log_is_counted_as_soon_as_it_is_stored_and_once_however_often_that_is_told() {
    let platform = platform().await;
    let (one, other) = (log(900, 0), log(600, 200));
    let event = put(&platform, "web/2015 05+17/one.log.gz", &gzip(&one)).await;
    assert_eq!(counted(&platform).await, expected(&[&one]));
    put(&platform, "web/other.log", &other).await;
    let all = expected(&[&one, &other]);
    assert_eq!(counted(&platform).await, all, "lines of two objects are never the same calls");
    let [first, ..] = &readings(&platform).await[..] else { panic!("no reading") };
    assert_eq!((&first.state, first.pass, first.from_segment), (&ReadingState::Done, 1, 0));
    // Announced again by both ways, and stored again: it is not read again.
    platform.stack.objects.send(&event).await.unwrap();
    platform.stack.objects.send(&by_bus("web/other.log")).await.unwrap();
    put(&platform, "web/other.log", &other).await;
    assert_eq!(counted(&platform).await, all);
    assert!(readings(&platform).await.iter().all(|reading| reading.pass == 1));
    // A person has it read again.
    let again = LogsMessage { read: object("web/other.log"), again: true };
    platform.stack.objects.send(&json!(again)).await.unwrap();
    platform.stack.drain().await.unwrap();
    let readings = readings(&platform).await;
    let again = readings.iter().find(|reading| reading.pass == 2).unwrap();
    assert_eq!((again.outcome.counted, again.outcome.duplicate), (0, 600));
    assert_eq!(counted(&platform).await, all);
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
    platform.settle_at("2015-05-21T00:30").await;
    platform.books_hold().await;
}

#[tokio::test]
async fn log_that_is_written_over_counts_what_is_new() {
    let platform = platform().await;
    let whole = log(900, 0);
    let lines = whole.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>();
    let half = lines[..450].concat();
    put(&platform, "web/access.log", &half).await;
    assert_eq!(counted(&platform).await, expected(&[&half]));
    put(&platform, "web/access.log", &whole).await;
    assert_eq!(counted(&platform).await, expected(&[&whole]));
    // The older one comes late, and takes nothing back. It was rotated, and the next day's has the
    // name.
    put(&platform, "web/access.log", &half).await;
    assert_eq!(counted(&platform).await, expected(&[&whole]));
    let next = log(300, 7_200);
    put(&platform, "web/access.log", &next).await;
    assert_eq!(counted(&platform).await, expected(&[&whole, &next]));
}

#[tokio::test]
async fn log_of_many_segments_goes_on_in_new_messages_when_its_time_is_up() {
    let platform = platform().await;
    let calls = SEGMENT_LINES * 2 + 500;
    let log = log(calls, 0);
    let event = {
        let event = platform.stack.objects.put(&object("web/large.gz"), &gzip(&log)).await.unwrap();
        delivered(&event)
    };
    // An invocation that has no time counts one segment, and leaves the rest to the next.
    let short = platform.stack.functions.logs.lasting(Duration::from_secs(29));
    let answer = short.invoke(event).await.unwrap();
    let read = readings(&platform).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "{read:?}");
    let states = |readings: &[LogReading]| {
        let state =
            |r: &LogReading| (r.from_segment, r.next_segment, r.state == ReadingState::Done);
        readings.iter().map(state).collect::<Vec<_>>()
    };
    assert_eq!(states(&readings(&platform).await), [(0, 1, false)]);
    assert_eq!(counted(&platform).await.iter().sum::<u64>(), SEGMENT_LINES);
    platform.stack.drain().await.unwrap();
    let readings = readings(&platform).await;
    assert_eq!(states(&readings), [(0, 1, false), (1, 3, true)]);
    assert_eq!(counted(&platform).await, expected(&[&log]));
    assert_eq!(readings.iter().map(|reading| reading.outcome.lines).sum::<u64>(), calls);
    // A second pass that is cut at another place goes on behind its own segments, not behind those
    // of the first.
    let again = LogsMessage { read: object("web/large.gz"), again: true };
    for lasting in [29, 600] {
        let function = platform.stack.functions.logs.lasting(Duration::from_secs(lasting));
        let message =
            if lasting == 29 { json!(again) } else { json!(LogsMessage::read(again.read.clone())) };
        let answer = function.invoke(delivered(&message)).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }
    let readings = self::readings(&platform).await;
    assert_eq!(states(&readings), [(0, 1, false), (1, 3, true)]);
    let of_pass =
        |reading: &LogReading| (reading.pass, reading.outcome.duplicate, reading.outcome.counted);
    let of_pass = readings.iter().map(of_pass).collect::<Vec<_>>();
    assert_eq!(of_pass, [(2, SEGMENT_LINES, 0), (2, calls - SEGMENT_LINES, 0)]);
    // A worker of the first pass that notes late learns it, and its note does not stand.
    let late = LogReading { pass: 1, next_segment: 9, ..readings[0].clone() };
    assert!(!platform.stack.tables.usage.note_log(&late).await.unwrap());
    assert_eq!(states(&self::readings(&platform).await), [(0, 1, false), (1, 3, true)]);
    assert_eq!(counted(&platform).await, expected(&[&log]));
}

#[tokio::test]
async fn function_that_dies_at_any_await_point_counts_each_call_once() {
    let mut outcomes = 0;
    for polls in 0.. {
        let platform = platform().await;
        let log = log(60, 0);
        let event = platform.stack.objects.put(&object("web/a.log"), &log).await.unwrap();
        let function = Machine::new(&platform, 0).logs(&platform);
        let lasting = Invocation::lasting(Duration::from_secs(60));
        let has_died = {
            let mut run = pin!(function.handle(delivered(&event), lasting));
            DiesAfter { run: run.as_mut(), polls }.await.is_none()
        };
        // The message comes again.
        platform.stack.drain().await.unwrap();
        assert_eq!(counted(&platform).await, expected(&[&log]), "dead after {polls} polls");
        let readings = readings(&platform).await;
        assert_eq!(readings.last().unwrap().state, ReadingState::Done, "{readings:?}");
        outcomes += 1;
        if !has_died {
            break;
        }
    }
    assert!(outcomes > 3, "{outcomes} deaths: was the whole run under test?");
}

#[tokio::test]
async fn log_without_a_rule_waits_for_one_and_nothing_is_lost() {
    let platform = platform().await;
    let log = log(90, 0);
    put(&platform, "cdn/a.log", &log).await;
    assert_eq!(counted(&platform).await, [0; 3]);
    let [reading] = &readings(&platform).await[..] else { panic!("one reading") };
    assert_eq!((&reading.state, &reading.rule), (&ReadingState::NoRule, &None));
    assert!(reading.needs_somebody());
    add_rule(&platform, "cdn", &json!([{ "bucket": "logs", "prefix": "cdn/" }])).await;
    // It is found at once, although rules are read again only after a minute.
    let again = LogsMessage { read: object("cdn/a.log"), again: true };
    platform.stack.objects.send(&json!(again)).await.unwrap();
    platform.stack.drain().await.unwrap();
    assert_eq!(counted(&platform).await, expected(&[&log]));
    let readings = readings(&platform).await;
    let [reading, no_rule] = &readings[..] else { panic!("{readings:?}") };
    assert_eq!(no_rule.from_segment, LogReading::NOT_BEGUN);
    assert_eq!(reading.state, ReadingState::Done);
    assert_eq!(reading.source.as_ref().unwrap().as_str(), "logs", "the bucket, not the rule");
}

#[tokio::test]
async fn log_that_another_rule_reads_again_counts_what_is_new_and_nothing_twice() {
    let platform = platform().await;
    add_rule(&platform, "all", &json!([{ "bucket": "logs" }])).await;
    let log = log(90, 0);
    put(&platform, "cdn/a.log", &log).await;
    assert_eq!(counted(&platform).await, expected(&[&log]));
    add_rule(&platform, "cdn", &json!([{ "bucket": "logs", "prefix": "cdn/" }])).await;
    let again = LogsMessage { read: object("cdn/a.log"), again: true };
    platform.stack.objects.send(&json!(again)).await.unwrap();
    platform.stack.drain().await.unwrap();
    let [reading] = &readings(&platform).await[..] else { panic!("one reading") };
    assert_eq!(reading.rule.as_ref().unwrap().as_str(), "cdn");
    assert_eq!((reading.outcome.counted, reading.outcome.duplicate), (0, 90));
    assert_eq!(counted(&platform).await, expected(&[&log]));
}

#[tokio::test]
async fn what_begins_no_reading_takes_nothing_from_the_notes_of_those_that_did() {
    let platform = platform().await;
    let log = log(90, 0);
    let event = put(&platform, "web/a.log", &log).await;
    let before = readings(&platform).await;
    platform.stack.objects.remove(&object("web/a.log"));
    let answer = platform.stack.functions.logs.invoke(delivered(&event)).await.unwrap();
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "m");
    let after = readings(&platform).await;
    assert_eq!(after[..1], before[..]);
    assert_eq!((after.len(), after[1].from_segment), (2, LogReading::NOT_BEGUN));
    assert_eq!(counted(&platform).await, expected(&[&log]));
}

#[tokio::test]
async fn log_that_breaks_off_behind_a_segment_goes_on_behind_it() {
    let platform = platform().await;
    let log = log(SEGMENT_LINES + 500, 0);
    let packed = gzip(&log);
    platform.stack.objects.put(&object("web/a.gz"), &packed[..packed.len() - 9]).await.unwrap();
    platform.stack.drain().await.unwrap();
    let states = readings(&platform).await;
    let [done, failed] = &states[..] else { panic!("{states:?}") };
    assert_eq!((done.next_segment, &done.state), (1, &ReadingState::Reading));
    assert_eq!((failed.from_segment, failed.next_segment), (1, 1));
    assert!(failed.needs_somebody() && !done.needs_somebody());
    assert_eq!(failed.outcome.lines, 0, "what is not counted is in no outcome");
    assert_eq!(counted(&platform).await.iter().sum::<u64>(), SEGMENT_LINES);
}

#[tokio::test]
async fn log_that_breaks_off_or_is_gone_fails_by_name_and_holds_up_no_other() {
    let platform = platform().await;
    let (good, bad) = (log(90, 0), gzip(&log(9_000, 0)));
    let cut = &bad[..bad.len() / 2];
    let objects = &platform.stack.objects;
    objects.put(&object("web/cut.gz"), cut).await.unwrap();
    objects.put(&object("web/gone.log"), &good).await.unwrap();
    objects.remove(&object("web/gone.log"));
    objects.send(&json!("no event")).await.unwrap();
    put(&platform, "web/good.log", &good).await;
    // Nothing of the segment that breaks off is counted.
    assert_eq!(counted(&platform).await, expected(&[&good]));
    let failed = readings(&platform).await;
    let why = failed.iter().filter_map(|reading| match &reading.state {
        ReadingState::Failed { why } => Some((reading.object.key.as_str(), why.as_str())),
        ReadingState::Reading | ReadingState::Done | ReadingState::NoRule => None,
    });
    let why = why.collect::<BTreeMap<_, _>>();
    assert_eq!(why.len(), 2, "{why:?}");
    assert!(why["web/gone.log"].contains("404"), "{why:?}");
    // They are stored again, whole. What failed comes again by itself, too.
    platform.set("2015-05-20T15:00");
    put(&platform, "web/cut.gz", &bad).await;
    put(&platform, "web/gone.log", &good).await;
    let all = expected(&[&good, &good, &log(9_000, 0)]);
    assert_eq!(counted(&platform).await, all);
}

#[tokio::test]
async fn hostile_lines_cost_their_own_lines_only() {
    let platform = platform().await;
    let hostile = concat!(
        "10.0.0.1 - a [17/May/2015:10:00:00 +0800] \"GET /trades/%2e%2e/items HTTP/1.1\" 200 5\n",
        "10.0.0.1 - nobody [17/May/2015:10:00:00 +0800] \"GET /trades HTTP/1.1\" 200 5\n",
        "10.0.0.1 - a [99/May/2015:10:00:00 +0800] \"GET /trades HTTP/1.1\" 200 5\n",
        "10.0.0.1 - a [17/May/2015:10:00:00 +0800] \"OPTIONS /trades HTTP/1.1\" 200 5\n",
        "\u{0}\u{1}\u{2}\n",
        "{\"provider\": \"a\"}\n",
        "\n",
        "10.0.0.1 - a [17/Jan/2015:10:00:00 +0800] \"GET /trades HTTP/1.1\" 200 5\n",
        "10.0.0.1 - a [17/May/2015:10:00:00 +0800] \"GET /trades HTTP/1.1\" 200 5\n",
    );
    put(&platform, "web/hostile.log", hostile.as_bytes()).await;
    let usage = platform.counted("a").await;
    let of_day = &usage[&"2015-05-17".parse().unwrap()];
    assert_eq!(json!(of_day), json!({ "items": 1, "trades": 1 }));
    let [reading] = &readings(&platform).await[..] else { panic!("one reading") };
    let outcome = &reading.outcome;
    assert_eq!((outcome.lines, outcome.counted, outcome.unmapped, outcome.bad), (9, 2, 0, 3));
    // A caller that is no provider, and a month that is closed, are refused by name.
    assert_eq!(outcome.refused, 2, "{outcome:?}");
    assert_eq!(outcome.reasons.len(), 5, "{outcome:?}");
    assert!(serde_json::to_string(&reading).unwrap().len() < 3_000);
}

#[tokio::test]
async fn no_number_of_apis_in_an_hour_takes_a_call_off_the_bill() {
    let platform = platform().await;
    let call = |n: u64| line("a", &format!("x{}", n % 4_500), n / 4);
    let vas = (0..200).map(|n| line("a", "vas.sms", 2_500 + n)).collect::<String>();
    let log = (0..9_000).map(call).collect::<String>() + &vas;
    for key in ["web/a.log", "web/a.log"] {
        put(&platform, key, log.as_bytes()).await;
        platform.stack.drain().await.unwrap();
        assert_eq!(counted(&platform).await, expected(&[log.as_bytes()]));
    }
    assert_eq!(counted(&platform).await.iter().sum::<u64>(), 9_200);
}

#[tokio::test]
async fn a_report_that_cannot_be_read_takes_its_calls_only_and_is_mended_by_reading_again() {
    let platform = platform().await;
    let (first, all) = (log(60, 0), log(600, 0));
    put(&platform, "web/a.log", &first).await;
    let asked = json!({
        "TableName": USAGE_TABLE,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :day)",
        "ExpressionAttributeValues": { ":pk": { "S": "a" }, ":day": { "S": "day#" } },
    });
    let answer = platform.dynamodb("Query", asked).await;
    let good = answer["Items"][0].clone();
    let mut broken = good.clone();
    broken["cumulative"] = json!({ "B": "AAAA" });
    platform.put_item_into(USAGE_TABLE, &broken).await;
    put(&platform, "web/a.log", &all).await;
    let [_, b, c] = expected(&[&all]);
    assert_eq!([platform.calls("b").await, platform.calls("c").await], [b, c]);
    let reading = readings(&platform).await.pop().unwrap();
    assert_eq!(reading.outcome.refused, 200, "{reading:?}");

    platform.put_item_into(USAGE_TABLE, &good).await;
    let grown = log(601, 0);
    put(&platform, "web/a.log", &grown).await;
    assert_eq!(counted(&platform).await, expected(&[&grown]));
}

#[tokio::test]
async fn sample_is_counted_as_an_import_counts_it() {
    let platform = Platform::open().await;
    platform.set("2015-05-20T12:00");
    let name = "web".to_owned().try_into().unwrap();
    let document =
        json!({ "rule": "web", "callers": { "*": "a" }, "objects": [{ "bucket": "logs" }] });
    let rule = StoredRule { name, document: document.to_string() };
    platform.books().add_rule(&rule, false).await.unwrap();
    platform.join("a").await;
    put(&platform, "access.log", LOG.as_bytes()).await;
    let [reading] = &readings(&platform).await[..] else { panic!("one reading") };
    let outcome = &reading.outcome;
    assert_eq!(outcome.lines, u64::try_from(LOG.lines().count()).unwrap());
    assert_eq!((outcome.counted, outcome.missing()), (platform.calls("a").await, 0));
    assert_eq!((outcome.odd, outcome.not_billable, outcome.counted), (2, 4, 32));
}
