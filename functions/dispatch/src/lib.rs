//! The dispatch function: sends records whose work is due to the queue of the debit function.
//!
//! Each record is leased before it is sent. A message that is lost, or a run that crashes between the
//! two, only delays the work until the lease is over; a record that is sent twice has nothing due.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_runtime::{
    Clock, Environment, Error, Function, Invocation, Queue, aws, report_unreadable,
};
use steelyard_store::schema::DUE_SHARDS;
use steelyard_store::{BillingTable, DueTask};

/// The function.
#[derive(Clone, Debug)]
pub struct Dispatch {
    billing: BillingTable,
    queue: Queue,
    lease: SignedDuration,
    clock: Clock,
}

/// How many records are found and sent at a time.
const PAGE: i32 = 100;

/// How many leases of a page may fail before the page is left. One record that cannot be leased holds
/// up no other; a table that fails is left alone until the next minute.
const FAILURES_MAX: usize = 3;

/// What must be left of the time to go on; the next run, a minute later, finds the rest.
const TIME_FOR_A_PAGE: std::time::Duration = std::time::Duration::from_secs(10);

impl Dispatch {
    /// The function over a table and the debit queue; `lease` is how long a message may take until
    /// it is thought lost.
    #[must_use]
    pub fn new(
        billing: BillingTable,
        queue: Queue,
        lease: SignedDuration,
        clock: Clock,
    ) -> Dispatch {
        Dispatch { billing, queue, lease, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Dispatch, Error> {
        let lease_s: u32 = environment.parsed("DEBIT_LEASE_S")?;
        let config = aws::in_lambda(environment)?;
        let client = aws::dynamodb(&config);
        let billing = BillingTable::new(client, environment.required("BILLING_TABLE")?);
        let queue = aws::queue(&config, environment.required("DEBIT_QUEUE_URL")?);
        Ok(Dispatch::new(
            billing,
            queue,
            SignedDuration::from_secs(i64::from(lease_s)),
            Clock::system(),
        ))
    }

    /// Sends what is due in one shard of the index.
    async fn shard(
        &self,
        shard: u8,
        now: Timestamp,
        invocation: Invocation,
    ) -> Result<Sent, Error> {
        let mut sent = Sent::default();
        let mut after = None;
        loop {
            let page = self.billing.due_tasks(shard, now, after.as_ref(), PAGE).await?;
            sent.unreadable += report_unreadable(&page.unreadable);
            sent.messages += self.send(&page.tasks, now).await?;
            after = page.next;
            if after.is_none() || invocation.time_left() < TIME_FOR_A_PAGE {
                return Ok(sent);
            }
        }
    }

    /// Leases records and sends those whose lease holds; gives how many. What was leased before a
    /// lease failed is sent all the same.
    async fn send(&self, due: &[DueTask], now: Timestamp) -> Result<usize, Error> {
        let mut messages = Vec::new();
        let mut failed = Vec::new();
        for due in due {
            match self.billing.lease(due, now + self.lease).await {
                Ok(true) => messages.push(serde_json::to_string(&due.task)?),
                Ok(false) => {}
                Err(error) => failed.push(error),
            }
            if failed.len() > FAILURES_MAX {
                break;
            }
        }
        self.queue.send(&messages).await?;
        match failed.pop() {
            None => Ok(messages.len()),
            Some(error) => Err(error.into()),
        }
    }
}

/// What was sent, and what could not be.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    messages: usize,
    unreadable: usize,
}

impl Sent {
    fn add(&mut self, other: Sent) {
        self.messages += other.messages;
        self.unreadable += other.unreadable;
    }
}

impl Function for Dispatch {
    async fn handle(&self, _: Value, invocation: Invocation) -> Result<Value, Error> {
        let now = self.clock.now();
        let mut sum = Sent::default();
        let mut failed = None;
        for shard in 0..DUE_SHARDS {
            match self.shard(shard, now, invocation).await {
                Ok(sent) => sum.add(sent),
                // The first error fails the invocation, which logs it; the others are logged here.
                Err(error) if failed.is_none() => failed = Some(error),
                Err(error) => tracing::error!(shard, error, "this shard is not dispatched either"),
            }
        }
        match failed {
            None => Ok(json!({ "sent": sum.messages, "unreadable": sum.unreadable })),
            Some(error) => Err(error),
        }
    }
}
