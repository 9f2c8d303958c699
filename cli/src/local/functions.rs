//! The functions of a stack, and the queues between them.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use jiff::SignedDuration;
use steelyard_actions::Actions;
use steelyard_alipay::{Alipay, AlipayConfig, NotificationReader, SignScene};
use steelyard_billing::DebitRules;
use steelyard_billing::mandate::MandateLimits;
use steelyard_books::{Books, Settler};
use steelyard_debit::{Collector, Debits, Gathered};
use steelyard_dispatch::{Dispatch, Pace};
use steelyard_events::Events;
use steelyard_ingest::Ingest;
use steelyard_logs::Logs;
use steelyard_metering::{Counter, Counters};
use steelyard_notify::Notify;
use steelyard_offers::{Offers, OffersConfig};
use steelyard_portal::{DeadLetterQueue, Portal, PortalConfig, Reached, SessionKeys};
use steelyard_pricing::Fen;
use steelyard_quote::Quotes;
use steelyard_reconcile::{Archive, Reconcile, Reconciler};
use steelyard_runtime::{Buckets, Bus, Callee, Error, Function, Queue, aws};
use steelyard_settle::Settle;
use steelyard_watch::Watch;
use steelyard_webhooks::{Reach, Sender, Webhooks};

use super::alipay::LocalAlipay;
use super::clock::LocalClock;
use super::lambda::{LocalFunction, NamedFunctions};
use super::objects::OBJECTS_PATH;
use crate::tables::{BILLING_TABLE, Tables, USAGE_TABLE, local_events};

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
pub(crate) const LOGS_QUEUE_URL: &str = "http://sqs.local/000000000000/steelyard-logs";

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

/// What the functions share: rules, the clock, and the way to AWS.
pub(super) struct Parts<'p> {
    pub(super) rules: &'p DebitRules,
    pub(super) actions_need_approval: bool,
    pub(super) clock: &'p LocalClock,
    pub(super) config: &'p aws::SdkConfig,
    /// The way of the function that publishes events.
    pub(super) follower: &'p aws::SdkConfig,
}

impl Parts<'_> {
    pub(super) fn functions(
        &self,
        gateway: &AlipayConfig,
        archive: Archive,
        address: SocketAddr,
    ) -> Result<Functions, Error> {
        let alipay = || Alipay::new(gateway.clone());
        let clock = || self.clock.clock();
        let calendar = &self.rules.calendar;
        let usage = |function| self.tables(function).usage;
        let billing = |function| self.tables(function).billing;
        let counter = Counter::new(usage("ingest"), calendar.clone(), clock());
        let settler = Settler { books: self.books("settle"), usage: usage("settle") };
        let settle = Settle::new(settler, self.queue("settle", SETTLE_QUEUE), clock());
        let endpoints = |function| local_events(&self.config(function));
        let debits = (billing("dispatch"), self.queue("dispatch", DEBIT_QUEUE));
        let webhooks = (endpoints("dispatch"), self.queue("dispatch", WEBHOOKS_QUEUE));
        let dispatch = Dispatch::new(debits, webhooks, PACE, clock());
        let sender = Sender::new(Reach::Local)?;
        let webhooks = Webhooks::new(endpoints("webhooks"), sender, clock());
        let to_read = Tables::read_only(&self.config("quote"), USAGE_TABLE, BILLING_TABLE);
        let books_to_read = Books::new(to_read.billing, self.rules.clone());
        let settler = Settler { books: books_to_read, usage: to_read.usage };
        let quotes = Quotes::new(settler, endpoints("quote"), clock());
        let config = offers_config(address)?;
        let books = self.books("offers");
        let offers = Offers::new(books, usage("offers"), alipay()?, clock(), config);
        let settler = Settler { books: self.books("portal"), usage: usage("portal") };
        let callee = |name: &str| Callee::new(&self.config("portal"), name.to_owned());
        let letters = |(of, queue): (DeadLetterQueue, &str)| {
            (of, self.queue("portal", &dead_letter_queue(queue)))
        };
        let dead_letters = QUEUES.map(letters).to_vec();
        let events = local_events(&self.config("portal"));
        let reached =
            Reached { offers: callee(OFFERS), actions: callee(ACTIONS), dead_letters, events };
        let keys = SessionKeys::random()?;
        let config = portal_config(address, self.clock);
        let portal = Portal::new(settler, clock(), keys, reached, config);
        let need_approval = self.actions_need_approval;
        let actions = Actions::new(self.books("actions"), need_approval, clock());
        let reader = NotificationReader::new(gateway.app_id.clone(), &gateway.alipay_public_key)?;
        let seller_id = LocalAlipay::SELLER_ID.to_owned();
        let notify = Notify::new(self.books("notify"), reader, seller_id, clock());
        let collector = Collector {
            books: self.books("debit"),
            alipay: alipay()?,
            queue: self.queue("debit", DEBIT_QUEUE),
            sign_scene: SignScene::parse(SIGN_SCENE)?,
            clock: clock(),
            gathered: Gathered::default(),
        };
        let queue = self.queue("reconcile", RECONCILE_QUEUE);
        let books = self.books("reconcile");
        let reconciler = Reconciler::new(books, alipay()?, archive, queue, clock());
        let config = aws::local_as(self.follower, "events");
        let Tables { billing, usage: counted, .. } = Tables::local(&config);
        let settler = Settler { books: Books::new(billing, self.rules.clone()), usage: counted };
        let bus = Some(Bus::new(&config, EVENT_BUS.to_owned()));
        let events = Events::new(settler, local_events(&config), bus, EVENTS_KEPT, clock());
        let logs = self.logs(address)?;
        let settler = Settler { books: self.books("watch"), usage: usage("watch") };
        let watch = Watch::new(settler, clock());
        Ok(Functions {
            ingest: function(Ingest::new(counter, self.tables("ingest").billing), 30),
            settle: function(settle, 300),
            dispatch: function(dispatch, 60),
            debit: function(Debits::new(collector), 60),
            quote: function(quotes, 30),
            offers: function(offers, 30),
            portal: function(portal, 30),
            actions: function(actions, 20),
            notify: function(notify, 30),
            reconcile: function(Reconcile::new(reconciler), 900),
            events: function(events, 60),
            logs: function(logs, 900),
            watch: function(watch, 300),
            webhooks: function(webhooks, 60),
        })
    }

    fn logs(&self, address: SocketAddr) -> Result<Logs, Error> {
        let Tables { billing, usage, .. } = self.tables("logs");
        let calendar = self.rules.calendar.clone();
        let counters = Counters { usage, calendar, clock: self.clock.clock() };
        let objects = format!("http://{address}{OBJECTS_PATH}");
        let buckets = Buckets::local(&self.config("logs"), &objects)?;
        Ok(Logs::new(counters, billing, buckets, self.queue("logs", LOGS_QUEUE)))
    }

    /// The way of a function to AWS, with credentials of its own.
    fn config(&self, function: &str) -> aws::SdkConfig {
        aws::local_as(self.config, function)
    }

    fn tables(&self, function: &str) -> Tables {
        Tables::local(&self.config(function))
    }

    fn books(&self, function: &str) -> Books {
        Books::new(self.tables(function).billing, self.rules.clone())
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

fn portal_config(address: SocketAddr, clock: &LocalClock) -> PortalConfig {
    PortalConfig {
        portal_url: Some(format!("http://{address}")),
        alipay_origin: format!("http://{address}"),
        platform_name: "Steelyard on this machine".to_owned(),
        offered: MandateLimits { single_fen: SINGLE_LIMIT, daily_fen: None },
        provider_claim: None,
        session_clock: clock.session_clock(),
    }
}
