//! The dispatch function: sends records whose work is due to the queue of the debit function, and
//! endpoints to which events are to be sent to that of the webhooks function.
//!
//! Each record is leased before it is sent. A message that is lost, or a run that crashes between
//! the two, only delays the work until the lease is over; a record that is sent twice has nothing
//! due.
//!
//! A run sends no more to a queue than its function works off in a minute, less what still waits in
//! the queue. So no message waits until its lease is over, even if the function is much slower.

mod run;

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steelyard_billing::TaskRef;
use steelyard_billing::webhook::EndpointRef;
use steelyard_runtime::{
    Clock, Environment, Error, Function, Invocation, Queue, aws, report_unreadable,
};
use steelyard_store::schema::{DUE_SHARDS, ENDPOINT_SHARDS};
use steelyard_store::{BillingTable, EventsTable};

use run::{Feed, Sent};

/// The dispatch function: it leases due tasks and sends them to their queues.
#[derive(Clone, Debug)]
pub struct Dispatch {
    billing: BillingTable,
    debits: Feed<TaskRef>,
    webhooks: Feed<EndpointRef>,
    clock: Clock,
}

/// How fast records are sent, and when one is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a message may take until it is thought lost. Longer than a minute of work may wait
    /// in the queue.
    pub lease: SignedDuration,
    /// How many debits the debit function works off in a second, all its instances together.
    pub debits_per_second: NonZeroU16,
}

/// How many endpoints the webhooks function works off in a second, all its instances together, if
/// each takes all of its time: ten instances with ten messages each, for at most fifteen seconds.
const ENDPOINTS_PER_SECOND: NonZeroU16 = NonZeroU16::new(6).unwrap();

impl Dispatch {
    /// The function over the tables, the debit queue and the webhooks queue.
    #[must_use]
    pub fn new(
        (billing, debits): (BillingTable, Queue),
        (events, webhooks): (EventsTable, Queue),
        pace: Pace,
        clock: Clock,
    ) -> Dispatch {
        let Pace { lease, debits_per_second } = pace;
        let debits =
            Feed { index: billing.due(), queue: debits, lease, per_second: debits_per_second };
        let per_second = ENDPOINTS_PER_SECOND;
        let webhooks = Feed { index: events.due(), queue: webhooks, lease, per_second };
        Dispatch { billing, debits, webhooks, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Dispatch, Error> {
        let lease_s: u32 = environment.parsed("DEBIT_LEASE_S")?;
        let pace = Pace {
            lease: SignedDuration::from_secs(i64::from(lease_s)),
            debits_per_second: environment.parsed("DEBITS_PER_SECOND")?,
        };
        let config = aws::in_lambda(environment)?;
        let client = aws::dynamodb(&config);
        let billing = BillingTable::new(client.clone(), environment.required("BILLING_TABLE")?);
        let events = EventsTable::new(client, environment.required("EVENTS_TABLE")?);
        let queue = |name| Ok::<_, Error>(aws::queue(&config, environment.required(name)?));
        let (debits, webhooks) = (queue("DEBIT_QUEUE_URL")?, queue("WEBHOOKS_QUEUE_URL")?);
        Ok(Dispatch::new((billing, debits), (events, webhooks), pace, Clock::system()))
    }

    /// Sends the tasks that are due, of the shards of the index that have providers. All shards are
    /// looked into when the registry cannot be read, so that what is due is sent all the same.
    async fn tasks(&self, invocation: Invocation) -> Result<Sent, Error> {
        let shards = match self.billing.shards_in_use().await {
            Ok(registry) => {
                report_unreadable(registry.unreadable.as_slice());
                registry.due()
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "every shard is looked into, since the registry cannot be read"
                );
                (0..DUE_SHARDS).collect()
            }
        };
        self.debits.run(shards, DUE_SHARDS, self.clock.now(), invocation).await
    }

    /// Sends the endpoints that are due.
    async fn endpoints(&self, invocation: Invocation) -> Result<Sent, Error> {
        let shards: BTreeSet<u8> = (0..ENDPOINT_SHARDS).collect();
        self.webhooks.run(shards, ENDPOINT_SHARDS, self.clock.now(), invocation).await
    }
}

impl Function for Dispatch {
    /// Neither index delays the other, and if one fails the other is sent all the same.
    async fn handle(&self, _: Value, invocation: Invocation) -> Result<Value, Error> {
        let (tasks, endpoints) = tokio::join!(self.tasks(invocation), self.endpoints(invocation));
        let (tasks, endpoints) = match (tasks, endpoints) {
            (Ok(tasks), Ok(endpoints)) => (tasks, endpoints),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
            (Err(error), Err(other)) => {
                tracing::error!(error = other, "endpoints are not dispatched either");
                return Err(error);
            }
        };
        Ok(json!({
            "sent": tasks.messages + endpoints.messages,
            "unreadable": tasks.unreadable + endpoints.unreadable,
        }))
    }
}
