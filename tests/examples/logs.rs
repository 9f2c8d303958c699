//! What it costs to count a large log in S3.
//!
//! `cargo run --release -p steelyard-tests --example logs -- [MEGABYTES]`
//!
//! It writes a gzip log of that size (100 unless given) with the calls of 100 providers and 20 APIs
//! over two hours, lets the logs function read it from the local S3 into the embedded database, and
//! compares what is counted with what was written. Time, memory and processor time are those of
//! this process, so the local S3 and the database are in them. Linux only: they come from `/proc`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use serde_json::json;
use steelyard_billing::{LogReading, ObjectName, ReadingState};
use steelyard_store::StoredRule;
use steelyard_tests::Platform;

const PROVIDERS: u64 = 100;
const APIS: u64 = 20;

/// Calls in a second of the log: two hours of them are a gigabyte, packed.
const CALLS_A_SECOND: u64 = 10_000;

/// US East (N. Virginia), in dollars.
const WRITE_UNIT: f64 = 0.625e-6;
const GB_SECOND: f64 = 1.333_34e-5;
const HTTP_REQUEST: f64 = 1e-6;
const INVOCATION: f64 = 0.2e-6;

/// Lambda gives a whole processor to 1,769 MB: so many gigabyte-seconds cost a second of one.
const GB_SECONDS_A_PROCESSOR_SECOND: f64 = 1_769.0 / 1_024.0;

/// Processor time of an event that is reported by itself, in seconds: a warm report of
/// `tests/scripts/cold-start`.
const EVENT_S: f64 = 0.000_6;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let megabytes = std::env::args().nth(1).map_or(100, |number| number.parse().unwrap());
    let platform = Platform::open().await;
    platform.set("2015-05-18T12:00");
    for provider in 0..PROVIDERS {
        platform.join(&format!("isv-{provider}")).await;
    }
    let document = json!({ "rule": "web", "caller": "user", "segments": 2, "objects": [{ "bucket": "logs" }] });
    let rule =
        StoredRule { name: "web".to_owned().try_into().unwrap(), document: document.to_string() };
    platform.books().add_rule(&rule, false).await.unwrap();
    let folder = std::env::temp_dir().join(format!("steelyard-logs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("access.log.gz");
    let (lines, plain) = write_log(&file, megabytes << 20);
    let bytes = file.metadata().unwrap().len();
    let object = ObjectName::new("logs", "access.log.gz");
    platform.stack.objects.put_file(&object, &file).await.unwrap();
    platform.stack.transport.meter().take();
    let (before, begun) = (processor_s(), Instant::now());
    platform.stack.drain().await.unwrap();
    let (took, processor) = (begun.elapsed().as_secs_f64(), processor_s() - before);
    let used = platform.stack.transport.meter().take();
    std::fs::remove_dir_all(&folder).unwrap();
    check(&platform, lines).await;
    let writes = used.total.write.get().to_f64().unwrap();
    let calls = lines as f64;
    println!("{lines} lines, {} MB, {} MB packed", plain >> 20, bytes >> 20);
    println!(
        "{:.0} lines a second, {:.0} for each second of a processor",
        calls / took,
        calls / processor
    );
    println!("{} MB of memory at most", peak_kb() >> 10);
    let requests = used.requests.values().sum::<u64>();
    println!(
        "{requests} requests, {writes:.0} write units: {:.1} for a million calls",
        writes / calls * 1e6
    );
    let gb_seconds = processor * GB_SECONDS_A_PROCESSOR_SECOND;
    let dollars = gb_seconds * GB_SECOND + writes * WRITE_UNIT;
    let ms = processor / 0.145 * 1e3;
    println!(
        "{:.0} ms of a function of 256 MB and ${:.5} for a million calls",
        ms / calls * 1e6,
        dollars / calls * 1e6
    );
    let event = WRITE_UNIT
        + HTTP_REQUEST
        + INVOCATION
        + EVENT_S * GB_SECONDS_A_PROCESSOR_SECOND * GB_SECOND;
    println!("${:.5} for a million calls that are sent one by one as events", event * 1e6);
}

/// Writes a log of at least so many bytes, packed. Gives its lines and its bytes unpacked.
fn write_log(file: &Path, bytes: u64) -> (u64, u64) {
    let begin: Timestamp = "2015-05-17T02:00:00Z".parse().unwrap();
    let mut log = GzEncoder::new(BufWriter::new(File::create(file).unwrap()), Compression::new(1));
    let (mut lines, mut plain) = (0, 0);
    while lines % 100_000 != 0 || file.metadata().unwrap().len() < bytes {
        let second = i64::try_from(lines / CALLS_A_SECOND).unwrap();
        let at = begin + SignedDuration::from_secs(second);
        // A number without a pattern, as ids and clients are in a log.
        let hash = lines.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let (provider, api) = (hash % PROVIDERS, hash / PROVIDERS % APIS);
        let line = format!(
            "10.{}.{}.{} - isv-{provider} [{}] \"GET /api/m{api}/{hash:x} HTTP/1.1\" 200 {} \"-\" \"client/{}\"\n",
            hash & 255,
            hash >> 8 & 255,
            hash >> 16 & 255,
            at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            hash % 10_000,
            hash % 17,
        );
        plain += u64::try_from(line.len()).unwrap();
        log.write_all(line.as_bytes()).unwrap();
        lines += 1;
    }
    log.finish().unwrap().flush().unwrap();
    (lines, plain)
}

async fn check(platform: &Platform, lines: u64) {
    let mut calls = 0;
    for provider in 0..PROVIDERS {
        calls += platform.calls(&format!("isv-{provider}")).await;
    }
    assert_eq!(calls, lines, "each line is counted once");
    let day = "2015-05-18".parse().unwrap();
    let readings = platform.stack.tables.usage.log_readings(day).await.unwrap().readable;
    assert!(readings.iter().all(|reading: &LogReading| reading.outcome.missing() == 0));
    assert_eq!(readings.last().unwrap().state, ReadingState::Done);
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// The processor time of this process until now.
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ').collect::<Vec<_>>();
    let ticks = [11, 12].map(|field| fields[field].parse::<f64>().unwrap());
    ticks.iter().sum::<f64>() / 100.0
}

/// The most memory that this process had.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
