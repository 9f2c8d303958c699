//! The whole of Steelyard in one process: the functions' own handlers over embedded AWS services
//! and a local Alipay, wired as the template wires them.

mod opening;
mod running;
mod schedules;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use steelyard_billing::DebitRules;
use steelyard_books::Tables;
use steelyard_local_alipay::LocalAlipay;
use steelyard_local_aws::{
    Embedded, EventSource, LocalFunction, LocalObjects, NamedFunctions, Request, StreamSource,
    Transport, asked, visible_messages,
};
use steelyard_reconcile::Archive;
use steelyard_runtime::Error;
use steelyard_store::EventsTable;
use tempfile::TempDir;

use self::opening::{
    check_clock, config_over, create_queues, create_tables, folder_of, listen_by, lock_folder,
    open_alipay, open_embedded, register_app, serve, way_to_alipay,
};
use super::clock::LocalClock;
use super::door::{self, Bounds};
use super::functions::{
    DEBIT_QUEUE, Functions, LOGS_QUEUE, LocalMachine, QUEUES, RECONCILE_QUEUE, SETTLE_QUEUE,
    Shared, USAGE_QUEUE, WEBHOOKS_QUEUE, dead_letter_queue,
};
use super::listen::Listeners;
use super::notified::Notified;
use super::server;
use super::start::StartPages;
use crate::tables::{BILLING_TABLE, EVENTS_TABLE, USAGE_TABLE};

pub(super) use schedules::next_runs;
pub use schedules::{DueFunction, Scheduled};

/// The default port of the local stack.
pub const PORT: u16 = 8700;

/// The name of the secret that holds the app's private key for the local Alipay.
pub const ALIPAY_SECRET: &str = "steelyard/alipay";

/// How many records of the stream the events function gets at once, as in the template.
const STREAM_BATCH: u16 = 100;

/// The most records of the stream of the usage table that the watch function gets at once, as
/// DynamoDB gives them.
const REPORTS_BATCH: u16 = 1000;

/// How a stack is reached.
#[derive(Clone, Debug)]
pub enum Reach {
    /// Over HTTP, at a port. The stack checks no credentials.
    Http {
        /// The port; 0 for any that is free.
        port: u16,
        /// Where the port is served besides 127.0.0.1.
        listen: Vec<IpAddr>,
    },
    /// From this process alone: it opens no socket, and the functions reach Alipay in the process
    /// too. Objects of S3 can't be read so, and no page be opened.
    InProcess,
}

impl Reach {
    /// Over HTTP on this machine, at any port that is free.
    #[must_use]
    pub fn any_port() -> Reach {
        Reach::Http { port: 0, listen: Vec::new() }
    }
}

/// How to start a local stack.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The folder that keeps its data. Without one, the data are in memory and end with the stack.
    pub data: Option<PathBuf>,
    /// The ways in which the stack is reached.
    pub reach: Reach,
    /// The calendar, and when debits are made.
    pub rules: DebitRules,
    /// Whether an operator's action waits for the approval of a second person.
    pub actions_need_approval: bool,
    /// The clock of the functions, the queues and the local Alipay.
    pub clock: LocalClock,
    /// Whether the streams of the tables are followed, as in a deployment. Without it no event is
    /// published: for tests of everything else, which cost less so.
    pub follows: bool,
}

/// A running local stack.
pub struct Stack {
    /// The clock of the functions, the queues and the local Alipay.
    pub clock: LocalClock,
    /// The calendar, and when debits are made.
    pub rules: DebitRules,
    /// The tables, reached as the functions reach them.
    pub tables: Tables,
    /// The events table, which the events function fills.
    pub events: EventsTable,
    /// The transport from the functions to the embedded services. It counts requests and injects
    /// faults.
    pub transport: Transport,
    /// The transport of the function that publishes events, so that it is apart from what is
    /// measured and from what goes wrong.
    pub follower: Transport,
    /// The embedded services: DynamoDB, SQS, Secrets Manager and Lambda.
    pub embedded: Arc<Embedded>,
    /// The objects of S3.
    pub objects: LocalObjects,
    /// The local Alipay, over real HTTP.
    pub alipay: LocalAlipay,
    /// The loopback address at which HTTP is served, if it is.
    pub address: SocketAddr,
    /// The functions, as Lambda has them.
    pub functions: Functions,
    /// Whether the streams are followed.
    follows: bool,
    /// The streams from which events are published: first that of the billing table.
    told: [StreamSource; 3],
    /// The stream of the usage table, for alerts. It is followed while the stack is kept running.
    reports: StreamSource,
    /// What the functions of every machine share.
    shared: Shared,
    servers: Vec<tokio::task::JoinHandle<()>>,
    /// Keeps the functions that other functions invoke.
    _named: Arc<NamedFunctions>,
    /// Locks the folder: two stacks on one folder would work on the same tables.
    _lock: Option<File>,
    /// Keeps the bills of a stack without a folder until the stack ends.
    _files: Option<TempDir>,
}

impl Stack {
    /// Starts a local stack.
    ///
    /// # Errors
    ///
    /// When its data can't be opened, the port is taken, or the clock is before its last
    /// settlement.
    pub async fn start(options: StackOptions) -> Result<Stack, Error> {
        let StackOptions { data, reach, rules, actions_need_approval, clock, follows } = options;
        let lock = data.as_deref().map(lock_folder).transpose()?;
        let embedded = Arc::new(open_embedded(data.as_deref(), &clock, follows)?);
        let alipay = open_alipay(data.as_deref(), clock.clock())?;
        let (Listeners { address, sockets }, hosts) = listen_by(&reach).await?;
        let transport = Transport::new(Arc::clone(&embedded));
        let follower = Transport::new(Arc::clone(&embedded));
        let machine = LocalMachine {
            rules: rules.clone(),
            config: config_over(&transport, address)?,
            follower: config_over(&follower, address)?,
            gateway: way_to_alipay(&reach, &alipay),
            clock: clock.clock(),
            session_clock: clock.session_clock(),
        };
        let (tables, events) = create_tables(&machine.config).await?;
        check_clock(&tables, &clock, &rules.calendar).await?;
        create_queues(&embedded).await?;
        let gateway = register_app(&alipay, &embedded, address)?;
        let (folder, files) = folder_of(data)?;
        let objects =
            LocalObjects::in_folder(&folder, clock.clock(), Arc::clone(&embedded), LOGS_QUEUE);
        let archive = Archive::Folder(folder);
        let shared = Shared { actions_need_approval, gateway, archive, address };
        let functions = shared.functions(&machine)?;
        let named = Arc::new(functions.named());
        embedded.run_functions(&named);
        let start = StartPages {
            tables: tables.clone(),
            alipay: alipay.clone(),
            clock: clock.clone(),
            rules: rules.clone(),
            events: events.clone(),
            url: format!("http://{address}"),
        };
        let router = server::router(&functions, &embedded, &objects, start);
        let servers = serve(sockets, &door::guarded(router, hosts, Bounds::STACK));
        Ok(Stack {
            clock,
            rules,
            tables,
            events,
            transport,
            follower,
            embedded,
            objects,
            alipay,
            address,
            follows,
            told: told(&functions),
            reports: StreamSource::new(USAGE_TABLE, REPORTS_BATCH, &functions.watch),
            functions,
            shared,
            servers,
            _named: named,
            _lock: lock,
            _files: files,
        })
    }

    /// The functions of another machine over the same services.
    ///
    /// # Errors
    ///
    /// When a client can't be made.
    pub fn functions_on(&self, machine: &LocalMachine) -> Result<Functions, Error> {
        self.shared.functions(machine)
    }

    /// The queues, each with the function that takes its messages.
    #[must_use]
    pub fn event_sources(&self) -> [EventSource; 6] {
        let source = |queue, batch_size, function: &LocalFunction| EventSource {
            queue,
            batch_size,
            function: function.clone(),
        };
        [
            source(USAGE_QUEUE, 100, &self.functions.ingest),
            source(SETTLE_QUEUE, 1, &self.functions.settle),
            source(DEBIT_QUEUE, 5, &self.functions.debit),
            source(WEBHOOKS_QUEUE, 10, &self.functions.webhooks),
            source(RECONCILE_QUEUE, 1, &self.functions.reconcile),
            source(LOGS_QUEUE, 1, &self.functions.logs),
        ]
    }

    /// Delivers messages until no queue has a visible one, and then what changed in the tables
    /// until there is nothing new.
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
            if self.follows && handled == 0 {
                for stream in &self.told {
                    handled += stream.poll(&self.embedded).await?;
                }
            }
            if handled == 0 {
                return Ok(());
            }
        }
    }

    /// Sends the local Alipay's notifications that are due: over HTTP, or to the notify function of
    /// a stack that is not served.
    ///
    /// # Errors
    ///
    /// When the books of the local Alipay can't be read or written.
    pub async fn deliver_due(&self, now: Timestamp) -> Result<usize, Error> {
        Ok(if self.servers.is_empty() {
            self.alipay.deliver_due_to(&Notified(self.functions.notify.clone()), now).await?
        } else {
            self.alipay.deliver_due(now).await?
        })
    }

    /// Hands the whole streams over once more, as after a restart.
    pub fn follow_again(&self) {
        self.told.iter().for_each(StreamSource::rewind);
    }

    /// The oldest records of the stream of the billing table.
    ///
    /// # Errors
    ///
    /// When the stream cannot be read.
    pub async fn stream_records(&self) -> Result<Value, Error> {
        let [billing, ..] = &self.told;
        billing.oldest_records(&self.embedded).await
    }

    /// Puts a usage report on the queue, as the sender of that access key id.
    ///
    /// # Errors
    ///
    /// When SQS refuses.
    pub async fn send_report(&self, sender: &str, body: &str) -> Result<(), Error> {
        let message = json!({ "QueueUrl": format!("/{USAGE_QUEUE}"), "MessageBody": body });
        let message = Request::new("AmazonSQS.SendMessage", message.to_string());
        let caller = Some(sender.to_owned());
        asked(&self.embedded, Request { caller, ..message }).await.map(drop)
    }

    /// How many messages the dead-letter queues hold.
    ///
    /// # Errors
    ///
    /// When SQS refuses.
    pub async fn dead_letters(&self) -> Result<u64, Error> {
        let mut sum = 0;
        for queue in QUEUES.map(|(_, queue)| queue).into_iter().chain([WEBHOOKS_QUEUE]) {
            sum += visible_messages(&self.embedded, &dead_letter_queue(queue)).await?;
        }
        Ok(sum)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

/// The streams from which events are published.
fn told(functions: &Functions) -> [StreamSource; 3] {
    [
        StreamSource::new(BILLING_TABLE, STREAM_BATCH, &functions.events),
        StreamSource::new(EVENTS_TABLE, STREAM_BATCH, &functions.events).of(is_disabled),
        StreamSource::new(USAGE_TABLE, STREAM_BATCH, &functions.events).of(is_refused),
    ]
}

/// Whether a webhook's endpoint is disabled after the change.
fn is_disabled(images: &Value) -> bool {
    let is_endpoint =
        images["Keys"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("endpoint#"));
    is_endpoint && images["NewImage"]["status"]["M"]["disabled"].is_object()
}

/// Whether the change notes what was refused of a report.
fn is_refused(images: &Value) -> bool {
    images["Keys"]["pk"]["S"] == "#refused"
}
