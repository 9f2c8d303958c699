//! The functions of a stack, made of its parts.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use steelyard_alipay::{Alipay, AlipayConfig, SignScene};
use steelyard_billing::DebitTerms;
use steelyard_debit::{Collector, Debits};
use steelyard_dispatch::Dispatch;
use steelyard_ingest::{Counter, Ingest};
use steelyard_portal::{Portal, PortalConfig};
use steelyard_pricing::Fen;
use steelyard_quote::Quotes;
use steelyard_reconcile::{Archive, Reconcile, Reconciler};
use steelyard_runtime::{Error, Function, Queue, aws};
use steelyard_settle::{Settle, Settler};

use super::{DEBIT_QUEUE, SETTLE_QUEUE};
use crate::local::alipay::LocalAlipay;
use crate::local::clock::LocalClock;
use crate::local::lambda::LocalFunction;
use crate::tables::{BILLING_TABLE, Tables, USAGE_TABLE};

/// The functions, as Lambda has them.
#[derive(Clone)]
pub struct Functions {
    /// Counts usage reports.
    pub ingest: LocalFunction,
    /// Charges every unsettled day.
    pub settle: LocalFunction,
    /// Sends debits that are due to their queue.
    pub dispatch: LocalFunction,
    /// Withholds from Alipay what is due.
    pub debit: LocalFunction,
    /// Tells what usage would cost.
    pub quote: LocalFunction,
    /// Offers recharges and mandates, and takes what Alipay notifies.
    pub portal: LocalFunction,
    /// Holds the books against Alipay's bill of the day before.
    pub reconcile: LocalFunction,
}

/// The scene in which mandates are signed.
const SIGN_SCENE: &str = "INDUSTRY|API_FEES";

/// The most that one debit may take under a mandate that is offered here: ¥5,000.00.
const SINGLE_LIMIT: Fen = Fen::new(500_000);

/// How long a debit's message may take until it is thought lost.
const LEASE: SignedDuration = SignedDuration::from_mins(15);

/// What the functions are made of.
pub(super) struct Parts<'p> {
    pub(super) tables: &'p Tables,
    pub(super) terms: &'p DebitTerms,
    pub(super) clock: &'p LocalClock,
    pub(super) config: &'p aws::SdkConfig,
}

impl Parts<'_> {
    pub(super) fn functions(
        &self,
        gateway: &AlipayConfig,
        archive: Archive,
        address: SocketAddr,
    ) -> Result<Functions, Error> {
        let Parts { tables, terms, clock, config } = self;
        let Tables { usage, billing } = tables;
        let alipay = || Alipay::new(gateway.clone());
        let counter = Counter::new(usage.clone(), terms.calendar.clone(), clock.clock());
        let settler = Settler::new(usage.clone(), billing.clone(), (*terms).clone(), clock.clock());
        let dispatch =
            Dispatch::new(billing.clone(), self.queue(DEBIT_QUEUE), LEASE, clock.clock());
        let to_read = Tables::read_only(config, USAGE_TABLE, BILLING_TABLE);
        let quotes = Quotes::new(to_read.billing, terms.calendar.clone(), clock.clock());
        let portal = Portal::new(
            billing.clone(),
            alipay()?,
            (*terms).clone(),
            clock.clock(),
            portal_config(address)?,
        );
        let reconciler =
            Reconciler::new(billing.clone(), alipay()?, archive, (*terms).clone(), clock.clock());
        let settle = Settle::new(settler, self.queue(SETTLE_QUEUE));
        Ok(Functions {
            ingest: function(Ingest::new(counter), 30),
            settle: function(settle, 300),
            dispatch: function(dispatch, 60),
            debit: function(Debits::new(self.collector(alipay()?)?), 60),
            quote: function(quotes, 30),
            portal: function(portal, 30),
            reconcile: function(Reconcile::new(reconciler), 900),
        })
    }

    fn collector(&self, alipay: Alipay) -> Result<Collector, Error> {
        Ok(Collector {
            billing: self.tables.billing.clone(),
            alipay,
            queue: self.queue(DEBIT_QUEUE),
            terms: self.terms.clone(),
            sign_scene: SignScene::parse(SIGN_SCENE)?,
            clock: self.clock.clock(),
        })
    }

    fn queue(&self, name: &str) -> Queue {
        aws::queue(self.config, format!("http://sqs.local/000000000000/{name}"))
    }
}

fn function<F: Function>(function: F, timeout_s: u64) -> LocalFunction {
    LocalFunction::new(function, Duration::from_secs(timeout_s))
}

fn portal_config(address: SocketAddr) -> Result<PortalConfig, Error> {
    Ok(PortalConfig {
        seller_id: LocalAlipay::SELLER_ID.to_owned(),
        return_url: format!("http://{address}/local/done"),
        sign_scene: SignScene::parse(SIGN_SCENE)?,
        single_limit_fen: SINGLE_LIMIT,
        daily_limit_fen: None,
    })
}
