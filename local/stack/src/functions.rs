//! The functions of a stack, and the queues between them.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use steelyard_actions::Actions;
use steelyard_alipay::{
    Alipay, AlipayConfig, ConfigError, NotificationReader, SignScene, Transport,
};
use steelyard_billing::DebitRules;
use steelyard_billing::mandate::MandateLimits;
use steelyard_books::{Books, Settler, Tables};
use steelyard_debit::{Collector, Debits, Gathered};
use steelyard_dispatch::{Dispatch, Pace};
use steelyard_events::Events;
use steelyard_ingest::Ingest;
use steelyard_local_alipay::LocalAlipay;
use steelyard_local_aws::{LocalFunction, NamedFunctions, OBJECTS_PATH};
use steelyard_logs::Logs;
use steelyard_metering::{Counter, Counters};
use steelyard_notify::Notify;
use steelyard_offers::{Offers, OffersConfig};
use steelyard_portal::{DeadLetterQueue, Portal, PortalConfig, Reached, SessionKeys};
use steelyard_pricing::Fen;
use steelyard_quote::Quotes;
use steelyard_reconcile::{Archive, Reconcile, Reconciler};
use steelyard_runtime::{Buckets, Bus, Callee, Clock, Error, Function, Queue, aws};
use steelyard_settle::Settle;
use steelyard_store::EventsTable;
use steelyard_watch::Watch;
use steelyard_webhooks::{Reach, Sender, Webhooks};

use crate::tables::{BILLING_TABLE, USAGE_TABLE, local_events, local_tables, tables_to_read};

/// The functions of one stack. Each invocation runs the handler that Lambda runs.
#[derive(Clone)]
pub struct Functions {
    /// Counts usage reports.
    pub ingest: LocalFunction,
    /// Charges every unsettled day.
    pub settle: LocalFunction,
    /// Queues the tasks that are due.
    pub dispatch: LocalFunction,
    /// Works off due tasks at Alipay: debits, recharges, refunds, reversals, mandates.
    pub debit: LocalFunction,
    /// Computes what usage would cost, and sums what was used.
    pub quote: LocalFunction,
    /// Offers recharges and mandates.
    pub offers: LocalFunction,
    /// Serves the pages of providers and operators, and the same as JSON.
    pub portal: LocalFunction,
    /// Carries out what people ask for on pages, and records it.
    pub actions: LocalFunction,
    /// Books Alipay's notifications.
    pub notify: LocalFunction,
    /// Compares the books with Alipay's bill of the previous day.
    pub reconcile: LocalFunction,
    /// Publishes the events of changed records.
    pub events: LocalFunction,
    /// Counts the calls of logs that are stored as objects.
    pub logs: LocalFunction,
    /// Evaluates the alerts of providers whose usage was just counted.
    pub watch: LocalFunction,
    /// Delivers events to webhook endpoints.
    pub webhooks: LocalFunction,
}

impl Functions {
    /// Those that other functions invoke, by the names that they have in a deployment of the stack
    /// `steelyard`.
    pub(super) fn named(&self) -> NamedFunctions {
        NamedFunctions::from([(ACTIONS, self.actions.clone()), (OFFERS, self.offers.clone())])
    }
}

/// The name of the function that carries out actions.
const ACTIONS: &str = "steelyard-actions";

/// The name of the function that makes offers.
const OFFERS: &str = "steelyard-offers";

/// The bus on which events are put.
const EVENT_BUS: &str = "default";

/// How long events are kept, as in the template.
const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The queue that feeds ingest.
pub(super) const USAGE_QUEUE: &str = "steelyard-usage";

/// The queue on which settle sends itself one message a registry shard.
pub(super) const SETTLE_QUEUE: &str = "steelyard-settle";

/// The queue on which reconcile sends itself one message a part of a bill.
pub(super) const RECONCILE_QUEUE: &str = "steelyard-reconcile";

/// The queue that feeds debit.
pub(super) const DEBIT_QUEUE: &str = "steelyard-debit";

/// The queue on which S3 announces logs, and the function that reads them sends itself what it has
/// still to read.
pub(super) const LOGS_QUEUE: &str = "steelyard-logs";

/// The same, as the SDK names it.
pub const LOGS_QUEUE_URL: &str = "http://sqs.local/000000000000/steelyard-logs";

/// The queue that feeds webhooks.
pub(super) const WEBHOOKS_QUEUE: &str = "steelyard-webhooks";

/// The queues, with what operators call what is left in their dead-letter queues.
pub(super) const QUEUES: [(DeadLetterQueue, &str); 5] = [
    (DeadLetterQueue::Usage, USAGE_QUEUE),
    (DeadLetterQueue::Settle, SETTLE_QUEUE),
    (DeadLetterQueue::Debit, DEBIT_QUEUE),
    (DeadLetterQueue::Reconcile, RECONCILE_QUEUE),
    (DeadLetterQueue::Logs, LOGS_QUEUE),
];

/// The dead-letter queue of a queue.
pub(super) fn dead_letter_queue(queue: &str) -> String {
    format!("{queue}-dead-letters")
}

/// Alipay's code for the scene in which mandates are signed.
const SIGN_SCENE: &str = "INDUSTRY|API_FEES";

/// The largest debit under a mandate that is offered: ¥5,000.00.
const SINGLE_LIMIT: Fen = Fen::new(500_000);

/// How long dispatch waits for a queued task before it queues the task again, and how many tasks it
/// queues in a second, as in the template.
const PACE: Pace =
    Pace { lease: SignedDuration::from_mins(15), debits_per_second: NonZeroU16::new(10).unwrap() };

/// A machine that runs functions: its configuration, its clocks, and its ways to AWS and to Alipay.
#[derive(Clone, Debug)]
pub struct LocalMachine {
    /// The calendar, and when debits are made.
    pub rules: DebitRules,
    /// The way to AWS.
    pub config: aws::SdkConfig,
    /// The way to AWS of the function that publishes events.
    pub follower: aws::SdkConfig,
    /// The way to Alipay; over HTTP if there is none.
    pub gateway: Option<Arc<dyn Transport>>,
    /// The clock of the functions.
    pub clock: Clock,
    /// The clock of links and sessions.
    pub session_clock: Clock,
}

/// What the functions of all machines of a stack share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) actions_need_approval: bool,
    pub(super) gateway: AlipayConfig,
    pub(super) archive: Archive,
    /// Where the stack is served.
    pub(super) address: SocketAddr,
}

impl Shared {
    /// The functions of a machine.
    ///
    /// # Errors
    ///
    /// When a client can't be made.
    pub(super) fn functions(&self, machine: &LocalMachine) -> Result<Functions, Error> {
        Parts { shared: self, machine }.functions()
    }
}

/// The functions of one machine, as they are made.
struct Parts<'p> {
    shared: &'p Shared,
    machine: &'p LocalMachine,
}

impl Parts<'_> {
    fn functions(&self) -> Result<Functions, Error> {
        Ok(Functions {
            ingest: function(self.ingest(), 30),
            settle: function(self.settle(), 300),
            dispatch: function(self.dispatch(), 60),
            debit: function(self.debit()?, 60),
            quote: function(self.quote(), 30),
            offers: function(self.offers()?, 30),
            portal: function(self.portal()?, 30),
            actions: function(self.actions(), 20),
            notify: function(self.notify()?, 30),
            reconcile: function(self.reconcile()?, 900),
            events: function(self.events(), 60),
            logs: function(self.logs()?, 900),
            watch: function(self.watch(), 300),
            webhooks: function(self.webhooks()?, 60),
        })
    }

    fn ingest(&self) -> Ingest {
        let Tables { billing, usage, .. } = self.tables("ingest");
        let calendar = self.machine.rules.calendar.clone();
        Ingest::new(Counter::new(usage, calendar, self.clock()), billing)
    }

    fn settle(&self) -> Settle {
        Settle::new(self.settler("settle"), self.queue("settle", SETTLE_QUEUE), self.clock())
    }

    fn dispatch(&self) -> Dispatch {
        let debits = (self.tables("dispatch").billing, self.queue("dispatch", DEBIT_QUEUE));
        let webhooks = (self.endpoints("dispatch"), self.queue("dispatch", WEBHOOKS_QUEUE));
        Dispatch::new(debits, webhooks, PACE, self.clock())
    }

    fn debit(&self) -> Result<Debits, Error> {
        Ok(Debits::new(Collector {
            books: self.books("debit"),
            alipay: self.alipay()?,
            queue: self.queue("debit", DEBIT_QUEUE),
            sign_scene: SignScene::parse(SIGN_SCENE)?,
            clock: self.clock(),
            gathered: Gathered::default(),
        }))
    }

    /// It can read, and nothing else.
    fn quote(&self) -> Quotes {
        let tables = tables_to_read(&self.config("quote"), USAGE_TABLE, BILLING_TABLE);
        let books = Books::new(tables.billing, self.machine.rules.clone());
        let settler = Settler { books, usage: tables.usage };
        Quotes::new(settler, self.endpoints("quote"), self.clock())
    }

    fn offers(&self) -> Result<Offers, Error> {
        let (books, usage) = (self.books("offers"), self.tables("offers").usage);
        let config = offers_config(self.shared.address)?;
        Ok(Offers::new(books, usage, self.alipay()?, self.clock(), config))
    }

    fn portal(&self) -> Result<Portal, Error> {
        let callee = |name: &str| Callee::new(&self.config("portal"), name.to_owned());
        let letters = |(of, queue): (DeadLetterQueue, &str)| {
            (of, self.queue("portal", &dead_letter_queue(queue)))
        };
        let reached = Reached {
            offers: callee(OFFERS),
            actions: callee(ACTIONS),
            dead_letters: QUEUES.map(letters).to_vec(),
            events: self.endpoints("portal"),
        };
        let keys = SessionKeys::random()?;
        let config = portal_config(self.shared.address, self.machine.session_clock.clone());
        Ok(Portal::new(self.settler("portal"), self.clock(), keys, reached, config))
    }

    fn actions(&self) -> Actions {
        Actions::new(self.books("actions"), self.shared.actions_need_approval, self.clock())
    }

    fn notify(&self) -> Result<Notify, Error> {
        let gateway = &self.shared.gateway;
        let reader = NotificationReader::new(gateway.app_id.clone(), &gateway.alipay_public_key)?;
        let seller_id = LocalAlipay::SELLER_ID.to_owned();
        Ok(Notify::new(self.books("notify"), reader, seller_id, self.clock()))
    }

    fn reconcile(&self) -> Result<Reconcile, Error> {
        let (books, archive) = (self.books("reconcile"), self.shared.archive.clone());
        let queue = self.queue("reconcile", RECONCILE_QUEUE);
        let reconciler = Reconciler::new(books, self.alipay()?, archive, queue, self.clock());
        Ok(Reconcile::new(reconciler))
    }

    /// It has a way to AWS of its own.
    fn events(&self) -> Events {
        let config = aws::local_as(&self.machine.follower, "events");
        let Tables { billing, usage, .. } = local_tables(&config);
        let settler = Settler { books: Books::new(billing, self.machine.rules.clone()), usage };
        let bus = Some(Bus::new(&config, EVENT_BUS.to_owned()));
        Events::new(settler, local_events(&config), bus, EVENTS_KEPT, self.clock())
    }

    fn logs(&self) -> Result<Logs, Error> {
        let Tables { billing, usage, .. } = self.tables("logs");
        let calendar = self.machine.rules.calendar.clone();
        let counters = Counters { usage, calendar, clock: self.clock() };
        let objects = format!("http://{}{OBJECTS_PATH}", self.shared.address);
        let buckets = Buckets::local(&self.config("logs"), &objects)?;
        Ok(Logs::new(counters, billing, buckets, self.queue("logs", LOGS_QUEUE)))
    }

    fn watch(&self) -> Watch {
        Watch::new(self.settler("watch"), self.clock())
    }

    fn webhooks(&self) -> Result<Webhooks, Error> {
        Ok(Webhooks::new(self.endpoints("webhooks"), Sender::new(Reach::Local)?, self.clock()))
    }

    fn clock(&self) -> Clock {
        self.machine.clock.clone()
    }

    /// A client of Alipay.
    fn alipay(&self) -> Result<Alipay, ConfigError> {
        let config = self.shared.gateway.clone();
        match &self.machine.gateway {
            Some(transport) => Alipay::over(Arc::clone(transport), config),
            None => Alipay::new(config),
        }
    }

    /// The way of a function to AWS, with credentials of its own.
    fn config(&self, function: &str) -> aws::SdkConfig {
        aws::local_as(&self.machine.config, function)
    }

    fn tables(&self, function: &str) -> Tables {
        local_tables(&self.config(function))
    }

    fn books(&self, function: &str) -> Books {
        Books::new(self.tables(function).billing, self.machine.rules.clone())
    }

    fn settler(&self, function: &str) -> Settler {
        let Tables { billing, usage, .. } = self.tables(function);
        Settler { books: Books::new(billing, self.machine.rules.clone()), usage }
    }

    fn endpoints(&self, function: &str) -> EventsTable {
        local_events(&self.config(function))
    }

    fn queue(&self, function: &str, name: &str) -> Queue {
        aws::queue(&self.config(function), format!("http://sqs.local/000000000000/{name}"))
    }
}

fn function<F: Function>(function: F, timeout_s: u64) -> LocalFunction {
    LocalFunction::new(function, Duration::from_secs(timeout_s))
}

fn offers_config(address: SocketAddr) -> Result<OffersConfig, Error> {
    Ok(OffersConfig {
        // The start page.
        return_url: format!("http://{address}/"),
        sign_scene: SignScene::parse(SIGN_SCENE)?,
        single_limit_fen: SINGLE_LIMIT,
        daily_limit_fen: None,
    })
}

fn portal_config(address: SocketAddr, session_clock: Clock) -> PortalConfig {
    PortalConfig {
        portal_url: Some(format!("http://{address}")),
        alipay_origin: format!("http://{address}"),
        platform_name: "Steelyard on this machine".to_owned(),
        offered: MandateLimits { single_fen: SINGLE_LIMIT, daily_fen: None },
        provider_claim: None,
        session_clock,
    }
}
