//! Another machine that runs the functions, with clients and a power switch of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use jiff::SignedDuration;
use steelyard_actions::Actions;
use steelyard_alipay::{Alipay, AlipayConfig, SignScene};
use steelyard_billing::Calendar;
use steelyard_books::{Books, Settler, Tables};
use steelyard_debit::{Collector, Debits, Gathered};
use steelyard_events::Events;
use steelyard_ingest::Ingest;
use steelyard_local_alipay::LocalAlipay;
use steelyard_local_aws::{LocalFunction, Transport};
use steelyard_local_stack::{local_tables, tables};
use steelyard_logs::Logs;
use steelyard_metering::{Counter, Counters};
use steelyard_runtime::{Buckets, Clock, aws};
use steelyard_settle::Settle;
use steelyard_store::EventsTable;
use tokio::sync::Semaphore;

use crate::Platform;

/// A machine that runs functions beside those of the stack, over the same services.
///
/// Before each request it lets the other machines make one, so that two of them interleave in an
/// order that is the same in every run.
pub struct Machine {
    /// The tables, through a client of this machine.
    pub tables: Tables,
    config: aws::SdkConfig,
    stall: Arc<Stall>,
}

/// A transport that waits for its turn.
#[derive(Clone, Debug)]
struct InTurn {
    transport: Transport,
    /// How many turns to wait before the next request.
    turns: Arc<AtomicUsize>,
    stall: Arc<Stall>,
}

/// A pause that a machine makes before one of its requests, until it is woken.
#[derive(Debug)]
struct Stall {
    /// How many requests are still made before the pause.
    requests: AtomicUsize,
    begun: Semaphore,
    over: Semaphore,
}

impl Machine {
    /// A machine that is `behind` the others by so many requests.
    #[must_use]
    pub fn new(platform: &Platform, behind: usize) -> Machine {
        Machine::with(platform, behind, usize::MAX)
    }

    /// A machine that stalls before its request of this number, from 1, until it is woken.
    #[must_use]
    pub fn stalling(platform: &Platform, request: usize) -> Machine {
        Machine::with(platform, 0, request)
    }

    fn with(platform: &Platform, behind: usize, stalls_at: usize) -> Machine {
        let stall = Arc::new(Stall {
            requests: AtomicUsize::new(stalls_at),
            begun: Semaphore::new(0),
            over: Semaphore::new(0),
        });
        let transport = Transport::new(Arc::clone(&platform.stack.embedded));
        let turns = Arc::new(AtomicUsize::new(behind + 1));
        let in_turn = InTurn { transport, turns, stall: Arc::clone(&stall) };
        let endpoint = format!("http://{}", platform.stack.address);
        let config = aws::local(Some(SharedHttpClient::new(in_turn)), &endpoint).unwrap();
        Machine { tables: local_tables(&config), config, stall }
    }

    /// Waits until it stalls.
    pub async fn stalled(&self) {
        self.stall.begun.acquire().await.unwrap().forget();
    }

    /// Waits until it stalls, or its work is done before; gives whether it stalled.
    pub async fn stalled_or<T>(&self, work: &tokio::task::JoinHandle<T>) -> bool {
        while !work.is_finished() {
            if let Ok(begun) = self.stall.begun.try_acquire() {
                begun.forget();
                return true;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        false
    }

    /// Lets it go on.
    pub fn wake(&self) {
        self.stall.over.add_permits(1);
    }

    /// A machine of another deployment, whose tables have names of their own.
    pub async fn deployed_as(platform: &Platform, name: &str) -> Machine {
        let machine = Machine::new(platform, 0);
        let [usage, billing] = ["usage", "billing"].map(|table| format!("{name}-{table}"));
        let tables = tables(&machine.config, &usage, &billing);
        tables.create().await.unwrap();
        Machine { tables, ..machine }
    }

    /// A function that publishes events into a table of its own, and the table.
    pub async fn events(&self, platform: &Platform, table: &str) -> (Events, EventsTable) {
        let told = EventsTable::new(aws::dynamodb(&self.config), table.to_owned());
        told.create().await.unwrap();
        let (keep, clock) = (SignedDuration::from_hours(24), platform.stack.clock.clock());
        let settler = Settler { books: self.books(platform), usage: self.tables.usage.clone() };
        (Events::new(settler, told.clone(), None, keep, clock), told)
    }

    /// The ingest function of this machine.
    #[must_use]
    pub fn ingest(&self, platform: &Platform) -> LocalFunction {
        self.ingest_by(platform.stack.rules.calendar.clone(), platform)
    }

    /// Its ingest function, configured with another calendar.
    #[must_use]
    pub fn ingest_by(&self, calendar: Calendar, platform: &Platform) -> LocalFunction {
        let stack = &platform.stack;
        let counter = Counter::new(self.tables.usage.clone(), calendar, stack.clock.clock());
        LocalFunction::new(
            Ingest::new(counter, self.tables.billing.clone()),
            Duration::from_secs(30),
        )
    }

    /// Its function that reads logs.
    #[must_use]
    pub fn logs(&self, platform: &Platform) -> Logs {
        let (stack, Tables { usage, billing, .. }) = (&platform.stack, self.tables.clone());
        let calendar = stack.rules.calendar.clone();
        let counters = Counters { usage, calendar, clock: stack.clock.clock() };
        let buckets = Buckets::local(&self.config, &format!("http://{}/s3/", stack.address));
        let url = "http://sqs.local/000000000000/steelyard-logs".to_owned();
        Logs::new(counters, billing, buckets.unwrap(), aws::queue(&self.config, url))
    }

    /// The books, through a client of this machine.
    #[must_use]
    pub fn books(&self, platform: &Platform) -> Books {
        Books::new(self.tables.billing.clone(), platform.stack.rules.clone())
    }

    /// The settler, through a client of this machine.
    #[must_use]
    pub fn settler(&self, platform: &Platform) -> Settler {
        Settler { books: self.books(platform), usage: self.tables.usage.clone() }
    }

    /// Its settle function, which may take so long.
    #[must_use]
    pub fn settle(&self, platform: &Platform, timeout: Duration) -> LocalFunction {
        let url = "http://sqs.local/000000000000/steelyard-settle".to_owned();
        let queue = aws::queue(&self.config, url);
        let settle = Settle::new(self.settler(platform), queue, platform.stack.clock.clock());
        LocalFunction::new(settle, timeout)
    }

    /// Its actions function, where an operator's action waits for a second person or does not.
    #[must_use]
    pub fn actions(&self, platform: &Platform, needs_approval: bool) -> LocalFunction {
        let clock = platform.stack.clock.clock();
        let actions = Actions::new(self.books(platform), needs_approval, clock);
        LocalFunction::new(actions, Duration::from_secs(20))
    }

    /// The debit function of this machine.
    #[must_use]
    pub fn debit(&self, platform: &Platform) -> LocalFunction {
        let debits = Debits::new(self.collector(platform));
        LocalFunction::new(debits, Duration::from_secs(60))
    }

    /// What its debit function works with.
    #[must_use]
    pub fn collector(&self, platform: &Platform) -> Collector {
        let gateway = format!("http://{}/gateway.do", platform.stack.address);
        self.collector_by(LocalAlipay::client_config(&gateway), platform)
    }

    /// The same, with a clock that goes on by a second whenever it is read.
    #[must_use]
    pub fn collector_with_ticking_clock(&self, platform: &Platform) -> Collector {
        let (start, reads) = (platform.stack.clock.now(), AtomicI64::new(0));
        let tick = move || start + SignedDuration::from_secs(reads.fetch_add(1, Ordering::Relaxed));
        Collector { clock: Clock::from_fn(tick), ..self.collector(platform) }
    }

    /// Its debit function, whose client of Alipay is configured so.
    #[must_use]
    pub fn debit_by(&self, alipay: AlipayConfig, platform: &Platform) -> LocalFunction {
        LocalFunction::new(
            Debits::new(self.collector_by(alipay, platform)),
            Duration::from_secs(60),
        )
    }

    fn collector_by(&self, alipay: AlipayConfig, platform: &Platform) -> Collector {
        let url = "http://sqs.local/000000000000/steelyard-debit".to_owned();
        Collector {
            books: self.books(platform),
            alipay: Alipay::new(alipay).unwrap(),
            queue: aws::queue(&self.config, url),
            sign_scene: SignScene::parse("INDUSTRY|API_FEES").unwrap(),
            clock: platform.stack.clock.clock(),
            gathered: Gathered::default(),
        }
    }
}

impl HttpConnector for InTurn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let InTurn { transport, turns, stall } = self.clone();
        HttpConnectorFuture::new(async move {
            for _ in 0..turns.swap(1, Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            if stall.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
                stall.begun.add_permits(1);
                stall.over.acquire().await.unwrap().forget();
            }
            transport.call(request).await
        })
    }
}

impl HttpClient for InTurn {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
