//! The whole of Steelyard in one process: the functions' own handlers over embedded AWS services
//! and a local Alipay, wired as the template wires them.

mod functions;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::civil::Time;
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_alipay::AlipayConfig;
use steelyard_billing::DebitTerms;
use steelyard_portal::NOTIFY_PATH;
use steelyard_reconcile::Archive;
use steelyard_runtime::{Error, aws};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::alipay::LocalAlipay;
use super::clock::LocalClock;
use super::embedded::{Embedded, Transport};
use super::lambda::{EventSource, LocalFunction, sqs};
use super::server;
use crate::tables::Tables;
use functions::Parts;

pub use functions::Functions;

/// The endpoint that the local stack serves unless told otherwise.
pub const PORT: u16 = 8700;

/// The name of the secret that holds the keys of the local Alipay.
pub const ALIPAY_SECRET: &str = "steelyard/alipay";

/// How a local stack is to be.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The folder that keeps its data; none for data that end with it.
    pub data: Option<PathBuf>,
    /// The port on the loopback interface; 0 for any that is free.
    pub port: u16,
    /// When debits are made.
    pub terms: DebitTerms,
    /// Its clock.
    pub clock: LocalClock,
}

/// A running local stack.
pub struct Stack {
    /// Its clock.
    pub clock: LocalClock,
    /// When debits are made.
    pub terms: DebitTerms,
    /// Its tables.
    pub tables: Tables,
    /// The road of its functions to the embedded services: counts requests, and injects faults.
    pub transport: Transport,
    /// The embedded services.
    pub embedded: Arc<Embedded>,
    /// The local Alipay.
    pub alipay: LocalAlipay,
    /// Where everything is served over HTTP.
    pub address: SocketAddr,
    /// The functions.
    pub functions: Functions,
    server: tokio::task::JoinHandle<()>,
    /// Held as long as the stack runs: two on one folder would work on the same tables.
    _lock: Option<File>,
    /// Where the files of a stack without a folder are, as long as it runs.
    _files: Option<TempDir>,
}

const USAGE_QUEUE: &str = "steelyard-usage";
const SETTLE_QUEUE: &str = "steelyard-settle";
const DEBIT_QUEUE: &str = "steelyard-debit";

/// When settlement runs, as in the template.
const SETTLE_TIME: Time = Time::constant(0, 30, 0, 0);

/// When the books are held against the bill of the day before, in Beijing, as in the template.
const RECONCILE_TIME: Time = Time::constant(10, 30, 0, 0);

impl Stack {
    /// Starts a local stack.
    ///
    /// # Errors
    ///
    /// When its data can't be opened, or the port is taken.
    pub async fn start(options: StackOptions) -> Result<Stack, Error> {
        let StackOptions { data, port, terms, clock } = options;
        let lock = data.as_deref().map(lock_folder).transpose()?;
        let embedded = Arc::new(open_embedded(data.as_deref(), &clock)?);
        let alipay = open_alipay(data.as_deref(), clock.clone())?;
        let transport = Transport::new(Arc::clone(&embedded));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            format!("cannot serve port {port}: {error}; choose another with --port")
        })?;
        let address = listener.local_addr()?;

        let http_client = SharedHttpClient::new(transport.clone());
        let config = aws::local(Some(http_client), &format!("http://{address}"))?;
        let tables = Tables::local(&config);
        tables.create().await?;
        for (queue, visibility) in [(USAGE_QUEUE, 180), (SETTLE_QUEUE, 1800), (DEBIT_QUEUE, 360)] {
            create_queue(&embedded, queue, visibility).await?;
        }
        let notify_url = format!("http://{address}{NOTIFY_PATH}");
        alipay.set_app_gateway(Some(&notify_url))?;
        let gateway = AlipayConfig {
            notify_url: Some(notify_url),
            ..LocalAlipay::client_config(&format!("http://{address}/gateway.do"))
        };
        let files = data.is_none().then(TempDir::new).transpose()?;
        let folder = files.as_ref().map(|files| files.path().to_owned()).or(data);
        let archive = Archive::Folder(folder.unwrap_or_default());
        let keys = json!({
            "app_private_key": gateway.app_private_key,
            "alipay_public_key": gateway.alipay_public_key,
        });
        embedded.put_secret(ALIPAY_SECRET, keys.to_string());
        let parts = Parts { tables: &tables, terms: &terms, clock: &clock, config: &config };
        let functions = parts.functions(&gateway, archive, address)?;
        let router = server::router(&functions, &alipay, &embedded);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the HTTP server ended");
            }
        });
        Ok(Stack {
            clock,
            terms,
            tables,
            transport,
            embedded,
            alipay,
            address,
            functions,
            server,
            _lock: lock,
            _files: files,
        })
    }

    /// The queues and the functions that take from them.
    #[must_use]
    pub fn event_sources(&self) -> [EventSource; 3] {
        let source = |queue, batch_size, function: &LocalFunction| EventSource {
            queue,
            batch_size,
            function: function.clone(),
        };
        [
            source(USAGE_QUEUE, 10, &self.functions.ingest),
            source(SETTLE_QUEUE, 1, &self.functions.settle),
            source(DEBIT_QUEUE, 5, &self.functions.debit),
        ]
    }

    /// Hands over messages until no queue has one that is visible.
    ///
    /// # Errors
    ///
    /// When a queue can't be read or written.
    pub async fn drain(&self) -> Result<(), Error> {
        loop {
            let mut handled = 0;
            for source in self.event_sources() {
                handled += source.poll(&self.embedded, Duration::ZERO).await?;
            }
            if handled == 0 {
                return Ok(());
            }
        }
    }

    /// Puts a usage report on the queue.
    ///
    /// # Errors
    ///
    /// When SQS refuses.
    pub async fn send_report(&self, body: &str) -> Result<(), Error> {
        let message = json!({ "QueueUrl": format!("/{USAGE_QUEUE}"), "MessageBody": body });
        sqs(&self.embedded, "SendMessage", message).await.map(drop)
    }

    /// How many messages the dead-letter queues hold.
    ///
    /// # Errors
    ///
    /// When SQS refuses.
    pub async fn dead_letters(&self) -> Result<u64, Error> {
        let mut sum = 0;
        for queue in [USAGE_QUEUE, SETTLE_QUEUE, DEBIT_QUEUE] {
            let asked = json!({
                "QueueUrl": format!("/{}", dead_letter_queue(queue)),
                "AttributeNames": ["ApproximateNumberOfMessages"],
            });
            let answer = sqs(&self.embedded, "GetQueueAttributes", asked).await?;
            let number =
                answer["Attributes"]["ApproximateNumberOfMessages"].as_str().unwrap_or_default();
            sum += number.parse::<u64>()?;
        }
        Ok(sum)
    }

    /// Runs what the schedules run up to an instant, the clock set to each time, and hands over all
    /// messages: settlement half an hour after midnight, reconciliation at half past ten in Beijing,
    /// and dispatch at each minute in which something is due. The local Alipay sends its
    /// notifications at their times.
    ///
    /// # Errors
    ///
    /// When a function fails, or a queue can't be read or written.
    pub async fn run_until(&self, end: Timestamp) -> Result<(), Error> {
        loop {
            let now = self.clock.now();
            let run = self.next_run(now, end).await?;
            let latest = run.as_ref().map_or(end, |(at, _)| *at);
            if let Some(at) = self.next_notification(now, latest)? {
                self.clock.set(at);
                self.alipay.deliver_due(at).await?;
            } else if let Some((at, function)) = run {
                self.clock.set(at);
                function.invoke(json!({})).await?;
            } else {
                break;
            }
            self.drain().await?;
        }
        self.clock.set(end);
        Ok(())
    }

    /// When the local Alipay has next something to send, from now on and at `latest` at the latest.
    fn next_notification(
        &self,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let at = self.alipay.next_notification_at()?.map(|at| at.max(now));
        Ok(at.filter(|at| *at <= latest))
    }

    /// The first run that the schedules have after `now`, at `end` at the latest.
    async fn next_run(
        &self,
        now: Timestamp,
        end: Timestamp,
    ) -> Result<Option<(Timestamp, LocalFunction)>, Error> {
        let Functions { settle, dispatch, reconcile, .. } = &self.functions;
        let daily = [(self.settles_at(now), settle), (reconciles_at(now), reconcile)];
        let next_day = daily.map(|(at, function)| (at + A_DAY, function));
        let due = self.tables.billing.next_due_at().await?;
        let due = due.map(|due| (minute_after(due - ONE_SECOND).max(minute_after(now)), dispatch));
        let runs = daily.into_iter().chain(next_day).chain(due);
        let in_time = runs.filter(|(at, _)| *at > now && *at <= end);
        Ok(in_time.min_by_key(|(at, _)| *at).map(|(at, function)| (at, function.clone())))
    }

    /// When settlement runs on the day of an instant.
    fn settles_at(&self, instant: Timestamp) -> Timestamp {
        let calendar = &self.terms.calendar;
        calendar.instant(calendar.date_of(instant), SETTLE_TIME)
    }

    /// The functions that the schedules run after one instant and up to another: settlement half an
    /// hour after midnight, reconciliation at half past ten in Beijing, dispatch every minute.
    /// However often one was due, it runs once.
    #[must_use]
    pub fn due_functions(&self, after: Timestamp, until: Timestamp) -> Vec<LocalFunction> {
        let Functions { settle, dispatch, reconcile, .. } = &self.functions;
        let latest = |at: Timestamp| if at <= until { at } else { at - A_DAY };
        let due = [
            (latest(self.settles_at(until)), settle),
            (latest(reconciles_at(until)), reconcile),
            (minute_after(until) - A_MINUTE, dispatch),
        ];
        due.into_iter().filter(|(at, _)| *at > after).map(|(_, run)| run.clone()).collect()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.server.abort();
    }
}

const ONE_SECOND: SignedDuration = SignedDuration::from_secs(1);
const A_MINUTE: SignedDuration = SignedDuration::from_mins(1);
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// When reconciliation runs on the day in Beijing of an instant.
fn reconciles_at(instant: Timestamp) -> Timestamp {
    let beijing = TimeZone::fixed(offset(8));
    let today = beijing.to_datetime(instant).date().to_datetime(RECONCILE_TIME);
    beijing.to_timestamp(today).unwrap_or(Timestamp::MAX)
}

/// The first full minute after an instant.
fn minute_after(instant: Timestamp) -> Timestamp {
    let minute = instant.as_second().div_euclid(60) + 1;
    Timestamp::from_second(minute * 60).unwrap_or(Timestamp::MAX)
}

/// Makes the folder if it is missing, and keeps other stacks out of it.
fn lock_folder(folder: &Path) -> Result<File, Error> {
    std::fs::create_dir_all(folder)?;
    let lock = File::create(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(error) => {
            Err(format!("another local stack may run on {}: {error}", folder.display()).into())
        }
    }
}

fn open_embedded(data: Option<&Path>, clock: &LocalClock) -> Result<Embedded, Error> {
    let clock = clock.clone();
    let now = Arc::new(move || clock.now());
    Ok(match data {
        None => Embedded::memory(now)?,
        Some(folder) => Embedded::file(&folder.join("dynamodb.sqlite"), now)?,
    })
}

fn open_alipay(data: Option<&Path>, clock: LocalClock) -> Result<LocalAlipay, Error> {
    Ok(match data {
        None => LocalAlipay::in_memory(clock)?,
        Some(folder) => LocalAlipay::open(&folder.join("alipay.sqlite"), clock)?,
    })
}

fn dead_letter_queue(queue: &str) -> String {
    format!("{queue}-dead-letters")
}

async fn create_queue(embedded: &Embedded, queue: &str, visibility_s: u32) -> Result<(), Error> {
    let dead_letters = dead_letter_queue(queue);
    sqs(embedded, "CreateQueue", json!({ "QueueName": dead_letters })).await?;
    let redrive: Value = json!({
        "deadLetterTargetArn": format!("arn:aws:sqs:local:000000000000:{dead_letters}"),
        "maxReceiveCount": 5,
    });
    let attributes = json!({
        "VisibilityTimeout": visibility_s.to_string(),
        "RedrivePolicy": redrive.to_string(),
    });
    sqs(embedded, "CreateQueue", json!({ "QueueName": queue, "Attributes": attributes }))
        .await
        .map(drop)
}
