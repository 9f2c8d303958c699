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
use rust_decimal::Decimal;
use serde_json::json;
use steelyard_billing::{LogReading, ObjectName, ReadingState};
use steelyard_store::StoredRule;
use steelyard_tests::Platform;

const PROVIDERS: u64 = 100;
const APIS: u64 = 20;

/// Calls in a second of the log: two hours of them are a gigabyte, packed.
const CALLS_A_SECOND: u64 = 10_000;

/// US East (N. Virginia), in millionths of a dollar.
const WRITE_UNIT: Decimal = Decimal::from_parts(625, 0, 0, false, 3);
const GB_SECOND: Decimal = Decimal::from_parts(133_334, 0, 0, false, 4);
const HTTP_REQUEST: Decimal = Decimal::ONE;
const INVOCATION: Decimal = Decimal::from_parts(2, 0, 0, false, 1);

/// Lambda gives a whole processor to 1,769 MB: so many gigabyte-seconds cost a second of one.
const GB_SECONDS_A_PROCESSOR_SECOND: Decimal = Decimal::from_parts(17_275, 0, 0, false, 4);

/// The share of a processor that a function of 256 MB has.
const SHARE_OF_256_MB: Decimal = Decimal::from_parts(1_447, 0, 0, false, 4);

/// Processor time of an event that is reported by itself, in seconds: a warm report of
/// `tests/scripts/cold-start`.
const EVENT_S: Decimal = Decimal::from_parts(6, 0, 0, false, 4);

const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

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
    let took = Decimal::from(begun.elapsed().as_millis()) / Decimal::from(1_000);
    let processor = processor_s() - before;
    let used = platform.stack.transport.meter().take();
    std::fs::remove_dir_all(&folder).unwrap();
    check(&platform, lines).await;
    let (calls, writes) = (Decimal::from(lines), used.total.write.get());
    println!("{lines} lines, {} MB, {} MB packed", plain >> 20, bytes >> 20);
    let (a_second, a_processor_second) = ((calls / took).round(), (calls / processor).round());
    println!("{a_second} lines a second, {a_processor_second} for each second of a processor");
    println!("{} MB of memory at most, with the local stack", peak_kb() >> 10);
    let requests = used.requests.values().sum::<u64>();
    println!("for a million calls:");
    let of_million = |figure: Decimal| (figure * MILLION / calls).round_dp(2);
    println!("  {} requests", of_million(requests.into()));
    println!("  {} write units", of_million(writes));
    let ms = processor * Decimal::from(1_000) / SHARE_OF_256_MB;
    println!("  {} ms of a function of 256 MB", of_million(ms).round());
    let price = processor * GB_SECONDS_A_PROCESSOR_SECOND * GB_SECOND + writes * WRITE_UNIT;
    println!("  ${}", (price / calls).round_dp(6));
    let event = WRITE_UNIT
        + HTTP_REQUEST
        + INVOCATION
        + EVENT_S * GB_SECONDS_A_PROCESSOR_SECOND * GB_SECOND;
    println!("  ${} if each call is sent as an event", event.round_dp(6));
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

/// The processor time of this process until now, in seconds.
fn processor_s() -> Decimal {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ').collect::<Vec<_>>();
    let ticks = [11, 12].map(|field: usize| fields[field].parse::<Decimal>().unwrap());
    ticks.iter().sum::<Decimal>() / Decimal::ONE_HUNDRED
}

/// The most memory that this process had.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
