//! Runs the functions as Lambda does, as processes of their own, and kills them at any moment.
//!
//! `cargo run -p steelyard-tests --example processes -- BINARIES LIBFAKETIME SECONDS [SEED]`
//!
//! BINARIES is the folder of the built functions. A stub of the Lambda Runtime API gives them
//! events; DynamoDB, SQS, the streams and Alipay are those of the local stack, over HTTP. Their
//! clock stands still where this program sets it, by libfaketime, so that days pass in seconds. For
//! so many seconds sources report, schedules fire, and every few milliseconds a process that is at
//! work gets SIGKILL. Then the work that is left is done, the books are audited, and what is
//! counted must be what sources were answered. Linux only.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a proof fails by panicking")]

mod pool;
mod runtime_api;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_alipay::AlipayConfig;
use steelyard_billing::event::Subject;
use steelyard_local_alipay::LocalAlipay;
use steelyard_local_aws::{EventSource, LocalFunction, StreamSource};
use steelyard_local_stack::{Notified, Scheduled};
use steelyard_notify::NOTIFY_PATH;
use steelyard_runtime::Error;
use steelyard_tests::{Platform, record, report};

use crate::pool::{Pool, Processes, Remote};

const PROVIDERS: [&str; 3] = ["ann", "bob", "cho"];

const API: &str = "taobao.trades.sold.get";

/// The functions that run as processes, with the queue that feeds each, if one does.
const FUNCTIONS: [(&str, &str); 8] = [
    ("ingest", "steelyard-usage"),
    ("settle", "steelyard-settle"),
    ("dispatch", ""),
    ("debit", "steelyard-debit"),
    ("notify", ""),
    ("reconcile", "steelyard-reconcile"),
    ("events", ""),
    ("watch", ""),
];

/// How long the rest takes, in which nothing is killed.
const REST: SignedDuration = SignedDuration::from_hours(24 * 6);

struct World {
    platform: Platform,
    functions: BTreeMap<&'static str, LocalFunction>,
    queues: Vec<EventSource>,
    streams: Vec<StreamSource>,
    clock_file: PathBuf,
    rng: Rng,
    /// The reports that nobody has answered.
    waiting: Vec<Value>,
    /// The calls that sources were answered to count.
    counted: BTreeMap<String, u64>,
    days: i64,
    /// Set once the killing has stopped: from then on nothing may fail.
    is_at_rest: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binaries, fake_time, seconds, seed @ ..] = &arguments[..] else {
        panic!("the arguments are BINARIES LIBFAKETIME SECONDS [SEED]")
    };
    let seed = seed.first().map_or(1, |seed| seed.parse().unwrap());
    let time = Duration::from_secs(seconds.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(prove(Path::new(binaries), Path::new(fake_time), time, seed));
    ExitCode::SUCCESS
}

async fn prove(binaries: &Path, fake_time: &Path, time: Duration, seed: u64) {
    let processes = Arc::new(Processes::default());
    let folder = std::env::temp_dir().join(format!("steelyard-processes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut world = World::begin(binaries, fake_time, &folder, &processes, seed).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let killer = std::thread::spawn({
        let (processes, is_over, mut rng) =
            (Arc::clone(&processes), Arc::clone(&is_over), Rng::with_seed(seed));
        move || {
            let mut killed = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(rng.u64(1..120)));
                killed += u64::from(processes.kill_one(rng.usize(0..100)));
            }
            killed
        }
    });
    let begin = Instant::now();
    while begin.elapsed() < time {
        world.live().await;
    }
    is_over.store(true, Ordering::Relaxed);
    let killed = killer.join().unwrap();
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (cut_off, failed) = (of(&processes.cut_off), of(&processes.failed));
    processes.answered.lock().unwrap().clear();
    world.rest().await;
    processes.kill_all();
    assert!(killed > 0 && cut_off > 0, "nothing was killed at work");
    assert_eq!(of(&processes.cut_off), cut_off, "a process ended by itself");
    assert_eq!(of(&processes.failed), failed, "a function failed though nothing was killed");
    let answered = processes.answered.lock().unwrap().clone();
    assert_eq!(answered.len(), FUNCTIONS.len(), "a function never answered: {answered:?}");
    let figures = world.check().await;
    std::fs::remove_dir_all(&folder).unwrap();
    println!(
        "{} days, {} processes, {killed} killed, {cut_off} of them at work; {figures}",
        world.days,
        of(&processes.started),
    );
}

impl World {
    async fn begin(
        binaries: &Path,
        fake_time: &Path,
        folder: &Path,
        processes: &Arc<Processes>,
        seed: u64,
    ) -> World {
        let platform = Platform::open_telling().await;
        for provider in PROVIDERS {
            platform.sign(provider, 50_000_000).await;
        }
        let clock_file = folder.join("clock");
        let environment = environment(&platform, fake_time, &clock_file);
        let function = |name: &'static str| {
            let mut of_function = environment.clone();
            // By its credentials the stack knows which role's rights it has.
            of_function.insert("AWS_ACCESS_KEY_ID".to_owned(), name.to_owned());
            let clock = platform.stack.clock.clone();
            let pool = Pool::new(binaries.join(name), of_function, clock, Arc::clone(processes));
            (name, LocalFunction::new(Remote(Arc::new(pool)), Duration::from_secs(60)))
        };
        let functions: BTreeMap<_, _> = FUNCTIONS.map(|(name, _)| function(name)).into();
        let fed = platform.stack.event_sources().into_iter().filter_map(|source| {
            let (name, _) = FUNCTIONS.into_iter().find(|(_, queue)| *queue == source.queue)?;
            Some(EventSource { function: functions[name].clone(), ..source })
        });
        let queues = fed.collect();
        let streams = vec![
            StreamSource::new("steelyard-billing", 100, &functions["events"]),
            StreamSource::new("steelyard-usage", 1_000, &functions["watch"]),
        ];
        let world = World {
            functions,
            queues,
            streams,
            clock_file,
            rng: Rng::with_seed(seed),
            waiting: Vec::new(),
            counted: BTreeMap::new(),
            days: 0,
            is_at_rest: false,
            platform,
        };
        world.set(world.platform.instant("2015-05-01T08:00"));
        world
    }

    /// Sets the clock, of the stack and of every process.
    fn set(&self, time: Timestamp) {
        let shown =
            time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let next = self.clock_file.with_extension("next");
        std::fs::write(&next, shown).unwrap();
        std::fs::rename(&next, &self.clock_file).unwrap();
        self.platform.stack.clock.set(time);
    }

    /// Sources report, some time passes, and everything that is due or waits is handed over at
    /// once.
    async fn live(&mut self) {
        for _ in 0..self.rng.usize(0..4) {
            self.report().await;
        }
        self.send().await;
        let seconds = self.rng.i64(60..4 * 3_600);
        self.pass(SignedDuration::from_secs(seconds)).await;
        self.hand_over().await;
    }

    /// A source reports, by HTTP or by the queue, from which nothing may be lost.
    async fn report(&mut self) {
        let provider = PROVIDERS[self.rng.usize(0..PROVIDERS.len())];
        let calls = self.rng.u64(1..900_000);
        self.report_of(provider, calls).await;
    }

    async fn report_of(&mut self, provider: &str, calls: u64) {
        let day = self.platform.today().to_string();
        let id = format!("r{}", self.rng.u64(..));
        let report = report(&id, &[record(provider, API, &day, calls)]);
        if self.rng.u8(0..4) == 0 {
            self.platform.stack.send_report("local", &report.to_string()).await.unwrap();
            *self.counted.entry(provider.to_owned()).or_default() += calls;
        } else {
            self.waiting.push(report);
        }
    }

    /// Sends all reports that nobody has answered, at once.
    async fn send(&mut self) {
        let ingest = &self.functions["ingest"];
        let asked = std::mem::take(&mut self.waiting);
        let sent = asked.into_iter().map(|report| async move {
            let answer = ingest.invoke(report.clone()).await;
            (report, answer)
        });
        for (report, answer) in join_all(sent).await {
            let record = &report["records"][0];
            let (provider, day) = (record["provider"].as_str().unwrap(), record["day"].as_str());
            let became =
                answer.as_ref().ok().map(|answer| &answer["providers"][provider][day.unwrap()]);
            match became.and_then(Value::as_str) {
                Some("counted" | "duplicate") => {
                    let calls = record["count"].as_u64().unwrap();
                    *self.counted.entry(provider.to_owned()).or_default() += calls;
                }
                Some(_) => panic!("{report}: {answer:?}"),
                None => self.waiting.push(report),
            }
        }
    }

    /// Lets time pass; what falls due fires, and may be cut off.
    async fn pass(&mut self, duration: SignedDuration) {
        let stack = &self.platform.stack;
        let before = stack.clock.now();
        let day = self.platform.today();
        self.set(before + duration);
        self.days += i64::from(self.platform.today() != day);
        let fired = stack.due_runs(before, stack.clock.now()).into_iter().map(|run| {
            let function = &self.functions[name_of(run)];
            async move { function.invoke(run.event()).await }
        });
        let fired = join_all(fired).await;
        let failed = fired.iter().find_map(|fired| fired.as_ref().err());
        assert!(failed.is_none() || !self.is_at_rest, "{failed:?}");
    }

    /// Hands over what is on the queues and streams, and what Alipay has to say, all at once.
    /// A batch that is cut off comes again.
    async fn hand_over(&self) -> usize {
        let stack = &self.platform.stack;
        let notify = Notified(self.functions["notify"].clone());
        let notified =
            async { stack.alipay.deliver_due_to(&notify, stack.clock.now()).await.unwrap() };
        let queues = join_all(self.queues.iter().map(|queue| async {
            self.handled(queue.poll(&stack.embedded, Duration::ZERO).await)
        }));
        let streams = join_all(
            self.streams
                .iter()
                .map(|stream| async { self.handled(stream.poll(&stack.embedded).await) }),
        );
        let (notified, queues, streams) = futures::join!(notified, queues, streams);
        notified + queues.iter().chain(&streams).sum::<usize>()
    }

    /// How many messages or records were handled; none if that failed, which it may not at rest.
    fn handled(&self, polled: Result<usize, Error>) -> usize {
        match polled {
            Ok(handled) => handled,
            Err(_) if !self.is_at_rest => 0,
            Err(error) => panic!("at rest: {error}"),
        }
    }

    /// Nothing is killed from now on, and what is left is worked off.
    async fn rest(&mut self) {
        self.is_at_rest = true;
        // Each function has something to do.
        for provider in PROVIDERS {
            self.report_of(provider, 800_000).await;
        }
        self.send().await;
        assert_eq!(self.waiting, Vec::<Value>::new(), "nobody answers");
        for (_, queue) in FUNCTIONS.iter().filter(|(_, queue)| !queue.is_empty()) {
            self.platform.send_dead_letters_again(queue).await;
        }
        self.reconcile_what_was_missed().await;
        let end = self.platform.stack.clock.now() + REST;
        while self.platform.stack.clock.now() < end {
            let now = self.platform.stack.clock.now();
            let next = self.platform.stack.next_due(end).await.unwrap();
            let next = next.max(now + SignedDuration::from_secs(1));
            self.pass(next.duration_since(now)).await;
            while self.hand_over().await > 0 {}
        }
    }

    /// Has the days reconciled that were killed at for a month, as a person does.
    async fn reconcile_what_was_missed(&self) {
        let now = self.platform.stack.clock.now();
        for day in self.platform.books().unreconciled_days(now).await.unwrap().missed {
            self.functions["reconcile"].invoke(json!({ "day": day })).await.unwrap();
            while self.hand_over().await > 0 {}
        }
    }

    /// The books balance, and what is counted is what was answered.
    async fn check(&self) -> String {
        self.platform.books_balance().await;
        let mut stored = BTreeMap::new();
        for provider in PROVIDERS {
            stored.insert(provider.to_owned(), self.platform.calls(provider).await);
        }
        assert_eq!(stored, self.counted);
        for (_, queue) in FUNCTIONS.iter().filter(|(_, queue)| !queue.is_empty()) {
            let left = self.platform.take_messages(queue).await;
            assert_eq!(left, Vec::<Value>::new(), "left on {queue}");
        }
        assert_eq!(self.platform.stack.dead_letters().await.unwrap(), 0, "dead letters");
        for provider in PROVIDERS {
            let subject = Subject::Provider(provider.parse().unwrap());
            let events = &self.platform.stack.events;
            let told = events.events_after(&subject, 0, u16::MAX).await.unwrap().readable;
            let told = told.iter().filter(|event| event.kind == "statement.settled").count();
            assert_eq!(told, self.platform.statements(provider).await.len(), "{provider}");
        }
        assert_eq!(self.platform.take_refused(), [].into(), "a function has no right to it");
        let taken: i64 = PROVIDERS.iter().map(|provider| self.platform.taken(provider)).sum();
        assert!(taken > 0, "no money was taken");
        format!("{} calls counted, {taken} fen taken", self.counted.values().sum::<u64>())
    }
}

fn name_of(run: Scheduled) -> &'static str {
    match run {
        Scheduled::Settle | Scheduled::Check => "settle",
        Scheduled::Reconcile => "reconcile",
        Scheduled::Dispatch => "dispatch",
    }
}

/// The variables of every function, as the template gives them.
fn environment(
    platform: &Platform,
    fake_time: &Path,
    clock_file: &Path,
) -> BTreeMap<String, String> {
    let endpoint = format!("http://{}", platform.stack.address);
    let queue = |name: &str| format!("{endpoint}/000000000000/steelyard-{name}");
    let alipay = LocalAlipay::client_config(&format!("{endpoint}/gateway.do"));
    let AlipayConfig { gateway, app_id, app_private_key, alipay_public_key, .. } = alipay;
    let secrets = secrets(&json!({ "app_private_key": app_private_key }));
    let of = [
        ("LD_PRELOAD", fake_time.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", clock_file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // Timers follow the real one.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("AWS_REGION", "cn-northwest-1".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", "steelyard".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "steelyard".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "steelyard".to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL", "ERROR".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.clone()),
        ("AWS_ENDPOINT_URL_S3", format!("{endpoint}/s3")),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets),
        ("USAGE_TABLE", "steelyard-usage".to_owned()),
        ("BILLING_TABLE", "steelyard-billing".to_owned()),
        ("EVENTS_TABLE", "steelyard-events".to_owned()),
        ("BILL_BUCKET", "steelyard-bills".to_owned()),
        ("SETTLE_QUEUE_URL", queue("settle")),
        ("DEBIT_QUEUE_URL", queue("debit")),
        ("RECONCILE_QUEUE_URL", queue("reconcile")),
        ("WEBHOOKS_QUEUE_URL", queue("webhooks")),
        ("TIME_ZONE", "Asia/Shanghai".to_owned()),
        ("MONTH_CLOSE_DAY", "5".to_owned()),
        ("USAGE_RETENTION_DAYS", "400".to_owned()),
        ("DEBIT_TIME", "10:00".to_owned()),
        ("DEBIT_WINDOW_MINUTES", "0".to_owned()),
        ("DEBIT_MINIMUM_FEN", "1".to_owned()),
        ("DEBIT_LEASE_S", "900".to_owned()),
        ("DEBITS_PER_SECOND", "10".to_owned()),
        ("ADJUSTMENTS_NEED_APPROVAL", "false".to_owned()),
        ("API_NAMES_MAX", "2000".to_owned()),
        ("EVENT_BUS", "default".to_owned()),
        ("EVENT_RETENTION_DAYS", "90".to_owned()),
        ("ALIPAY_GATEWAY", gateway),
        ("ALIPAY_APP_ID", app_id),
        ("ALIPAY_PUBLIC_KEY", alipay_public_key),
        ("ALIPAY_SELLER_ID", LocalAlipay::SELLER_ID.to_owned()),
        ("ALIPAY_NOTIFY_URL", format!("{endpoint}{NOTIFY_PATH}")),
        ("ALIPAY_SECRET_ID", "alipay".to_owned()),
        ("ALIPAY_SIGN_SCENE", "INDUSTRY|API_FEES".to_owned()),
    ];
    of.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Answers every request as Secrets Manager does for that secret; gives the address.
fn secrets(secret: &Value) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let body = json!({ "Name": "alipay", "SecretString": secret.to_string() }).to_string();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (Ok(mut connection), body) = (connection, body.clone()) else { continue };
            std::thread::spawn(move || {
                // The request is short, and comes in one piece.
                let _read = connection.read(&mut [0; 16_384]);
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n";
                let length = body.len();
                let answer =
                    format!("{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
                let _sent = connection.write_all(answer.as_bytes());
            });
        }
    });
    format!("http://{address}")
}
