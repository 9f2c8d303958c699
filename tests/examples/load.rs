//! How many usage reports a second the local stack counts over HTTP.
//!
//! `cargo run --release -p steelyard-tests --example load -- [PROVIDERS]`
//!
//! One process is `steelyard local` over an empty folder. Another one sends it reports of ten
//! records, about one provider or as many as the argument says, over connections that it keeps.
//! After five runs the stack is killed; then each report that was acknowledged must be in the
//! folder, once. Linux only: the processor time comes from `/proc`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use serde_json::Value;
use steelyard_pricing::{Calls, Metered};
use steelyard_tests::{Platform, record, report};
use tokio::runtime::Runtime;

const DAY: &str = "2015-05-01";

/// How often the load is repeated; the figures are the medians.
const RUNS: usize = 5;

const REPORTS_PER_RUN: u32 = 5_000;

/// What is sent before the first run, so that no run pays for what is done once.
const REPORTS_TO_WARM_UP: u32 = 500;

const CONNECTIONS: u32 = 32;

const RECORDS: u64 = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [command, ..] if command == "local" => serve(),
        [] => measure(1),
        [providers] => measure(providers.parse().unwrap()),
        _ => panic!("the argument is the number of providers that a report is about"),
    }
}

/// Is the tool, as its own binary is.
fn serve() -> ExitCode {
    let Ok(cli) = steelyard_cli::parse() else { return ExitCode::FAILURE };
    Runtime::new().unwrap().block_on(steelyard_cli::run(cli)).into()
}

fn measure(providers: u64) -> ExitCode {
    assert!((1..=RECORDS).contains(&providers), "a report has {RECORDS} records");
    let folder = std::env::temp_dir().join(format!("steelyard-load-{}", std::process::id()));
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let platform = Platform::open_in(&folder).await;
        for provider in 0..providers {
            platform.join(&name(provider)).await;
        }
    });
    let mut stack = Stack::start(&folder);
    let load = Load { address: stack.address, providers, next: AtomicU64::new(0) };
    load.send(REPORTS_TO_WARM_UP);
    let runs: Vec<Figures> = (0..RUNS).map(|_| load.run(&stack.process)).collect();
    stack.process.kill().unwrap();
    stack.process.wait().unwrap();
    runtime.block_on(check(&folder, providers, load.next.into_inner()));
    std::fs::remove_dir_all(&folder).unwrap();
    print(&runs, providers);
    ExitCode::SUCCESS
}

fn name(provider: u64) -> String {
    format!("isv-{provider}")
}

/// `steelyard local` in a process of its own.
struct Stack {
    process: Child,
    address: SocketAddr,
}

impl Stack {
    fn start(folder: &Path) -> Stack {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["local", "--json", "--port", "0", "--now", "2015-05-01T12:00", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        while serde_json::from_str::<Value>(&greeting).is_err() {
            assert_ne!(output.read_line(&mut greeting).unwrap(), 0, "the stack does not start");
        }
        let greeting: Value = serde_json::from_str(&greeting).unwrap();
        let endpoint = greeting["endpoint"].as_str().unwrap();
        let address = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
        Stack { process, address }
    }
}

/// The sender of the reports.
struct Load {
    address: SocketAddr,
    providers: u64,
    /// The number of the next report.
    next: AtomicU64,
}

/// The figures of a run.
struct Figures {
    reports_per_s: u128,
    /// Of each report, the shortest first.
    latencies: Vec<Duration>,
    /// Processor time of a report, in the stack.
    stack: Duration,
    /// Processor time of a report, in this process.
    load: Duration,
}

impl Load {
    fn run(&self, stack: &Child) -> Figures {
        let times = || (processor_time(&stack.id().to_string()), processor_time("self"));
        let (before, begun) = (times(), Instant::now());
        let latencies = self.send(REPORTS_PER_RUN);
        let (elapsed, after) = (begun.elapsed(), times());
        Figures {
            reports_per_s: u128::from(REPORTS_PER_RUN) * 1_000_000 / elapsed.as_micros(),
            latencies,
            stack: (after.0 - before.0) / REPORTS_PER_RUN,
            load: (after.1 - before.1) / REPORTS_PER_RUN,
        }
    }

    /// Sends the next reports over all connections, and returns the time of each, in order.
    fn send(&self, reports: u32) -> Vec<Duration> {
        let end = self.next.load(Ordering::Relaxed) + u64::from(reports);
        let mut latencies = std::thread::scope(|scope| {
            let senders: Vec<_> =
                (0..CONNECTIONS).map(|_| scope.spawn(|| self.send_until(end))).collect();
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect::<Vec<_>>()
        });
        self.next.store(end, Ordering::Relaxed);
        latencies.sort_unstable();
        latencies
    }

    fn send_until(&self, end: u64) -> Vec<Duration> {
        let mut connection = Connection::to(self.address);
        let numbers = std::iter::repeat_with(|| self.next.fetch_add(1, Ordering::Relaxed));
        let numbers = numbers.take_while(|number| *number < end);
        numbers
            .map(|number| {
                let body = self.report(number).to_string();
                let begun = Instant::now();
                connection.post(&body);
                begun.elapsed()
            })
            .collect()
    }

    fn report(&self, number: u64) -> Value {
        let of = |place: u64| {
            let (provider, api) = (name(place % self.providers), format!("taobao.api{place}.get"));
            record(&provider, &api, DAY, 1)
        };
        report(&id(number), &(0..RECORDS).map(of).collect::<Vec<_>>())
    }
}

fn id(number: u64) -> String {
    format!("load-{number}")
}

/// One connection, which is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn to(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(BufReader::new(stream))
    }

    /// Posts a report, and waits until it is acknowledged.
    fn post(&mut self, body: &str) {
        let length = body.len();
        let text = format!(
            "POST /v1/usage HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        let (mut status, mut length) = (String::new(), 0);
        self.0.read_line(&mut status).unwrap();
        loop {
            let mut header = String::new();
            self.0.read_line(&mut header).unwrap();
            match header.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).unwrap();
        assert_eq!(status, "HTTP/1.1 200 OK\r\n", "{}", String::from_utf8_lossy(&answer));
    }
}

/// Each report counts once, and nothing else does.
async fn check(folder: &Path, providers: u64, reports: u64) {
    let platform = Platform::reopen_in(folder, "2015-05-01T13:00").await;
    let day = DAY.parse().unwrap();
    let expected: BTreeSet<String> = (0..reports).map(id).collect();
    let mut calls = Metered::ZERO;
    for provider in (0..providers).map(name) {
        let stored = platform.stack.tables.usage.reports(&provider.parse().unwrap(), day, day);
        let stored: Vec<_> = stored.try_collect().await.unwrap();
        let ids: BTreeSet<_> = stored.iter().map(|report| report.report.to_string()).collect();
        assert_eq!((stored.len(), &ids), (expected.len(), &expected), "{provider}");
        for report in &stored {
            calls = calls.plus(report.metered.total().unwrap()).unwrap();
        }
    }
    assert_eq!(calls.calls, Calls::new(reports * RECORDS));
}

fn print(runs: &[Figures], providers: u64) {
    println!(
        "{RUNS} runs of {REPORTS_PER_RUN} reports of {RECORDS} records, about {providers} provider(s) each, over {CONNECTIONS} connections"
    );
    for run in runs {
        let at = |percent: usize| run.latencies[run.latencies.len() * percent / 100];
        println!(
            "  {} a second; half in {:.1?}, 99 of 100 in {:.1?}; processor time of a report: {:.2?} in the stack, {:.2?} here",
            run.reports_per_s,
            at(50),
            at(99),
            run.stack,
            run.load
        );
    }
    let mut rates: Vec<_> = runs.iter().map(|run| run.reports_per_s).collect();
    rates.sort_unstable();
    println!("median: {} reports a second", rates[RUNS / 2]);
}

/// The processor time that a process has taken so far, the system's for it included.
fn processor_time(process: &str) -> Duration {
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name of the program, in parentheses, may have spaces.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap());
    TICK * ticks.sum::<u32>()
}
