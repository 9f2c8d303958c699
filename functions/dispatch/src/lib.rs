//! The dispatch function: sends visits that are due to the queue of the debit function.
//!
//! Each visit is leased before it is sent. A message that is lost, or a run that dies between the
//! two, only delays the visit until the lease is over; one that is sent twice finds nothing due.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, Queue, aws};
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

/// How many visits are found and sent at a time.
const PAGE: i32 = 100;

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
    /// When a variable is missing or makes no sense, told by name, or AWS can't be reached at all.
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

    /// Sends what is due in one shard of the index; tells how many.
    async fn shard(
        &self,
        shard: u8,
        now: Timestamp,
        invocation: Invocation,
    ) -> Result<usize, Error> {
        let mut sent = 0;
        let mut after = None;
        loop {
            let mut due = self.billing.due_tasks(shard, now, after.as_ref(), PAGE).await?;
            sent += self.send(&due, now).await?;
            let is_last = i32::try_from(due.len()).is_ok_and(|found| found < PAGE);
            after = due.pop();
            if is_last || invocation.time_left() < TIME_FOR_A_PAGE {
                return Ok(sent);
            }
        }
    }

    /// Leases visits and sends those whose lease holds; tells how many. What was leased before a
    /// lease failed is sent all the same.
    async fn send(&self, due: &[DueTask], now: Timestamp) -> Result<usize, Error> {
        let mut messages = Vec::new();
        let mut failed = None;
        for due in due {
            match self.billing.lease(due, now + self.lease).await {
                Ok(true) => messages.push(serde_json::to_string(&due.visit)?),
                Ok(false) => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        self.queue.send(&messages).await?;
        match failed {
            None => Ok(messages.len()),
            Some(error) => Err(error.into()),
        }
    }
}

impl Function for Dispatch {
    async fn handle(&self, _: Value, invocation: Invocation) -> Result<Value, Error> {
        let now = self.clock.now();
        let mut sent = 0;
        for shard in 0..DUE_SHARDS {
            sent += self.shard(shard, now, invocation).await?;
        }
        Ok(json!({ "sent": sent }))
    }
}
